//! What a promotion leaves on disk.

use crate::promote::*;
use satisfice::{
    classifier::{
        Artefact, ArtefactError, CONTEXT, ShelfError,
        artefact::{ArtefactManifest, FILE, MANIFEST},
        features::FEATURES_VERSION,
        heads::LinearHead,
        shelf::{POINTER, RECORD},
    },
    domain::TaskType,
    encoder::{DIMENSIONS, fetch::sha256_hex},
};
use std::{collections::BTreeMap, fs};

/// An artefact whose temperature tells it from others.
pub(super) fn artefact(folder: &Path, encoder: &str, temperature: f32) {
    let head = |n: usize| LinearHead { lexical: Vec::new(), ..LinearHead::zeros(n) };
    let artefact = Artefact {
        encoder: encoder.to_owned(),
        labels: vec![TaskType::Coding, TaskType::Math],
        label_map: BTreeMap::new(),
        temperature,
        task: head(2),
        difficulty: head(1),
        output_tokens: head(1),
        context_mean: vec![0.0; DIMENSIONS],
        context_directions: vec![0.0; CONTEXT * DIMENSIONS],
        provenance: BTreeMap::new(),
    };
    let bytes = artefact.to_bytes().expect("bytes");
    let manifest =
        ArtefactManifest { sha256: sha256_hex(&bytes), encoder: encoder.to_owned(), features: FEATURES_VERSION };
    fs::create_dir_all(folder).expect("a folder");
    fs::write(folder.join(FILE), bytes).expect("a file");
    fs::write(folder.join(MANIFEST), toml::to_string(&manifest).expect("TOML")).expect("a file");
}

const ENCODER: &str = "mini/1";

#[test]
fn a_rollback_restores_byte_for_byte_and_only_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    artefact(&one, ENCODER, 1.0);
    artefact(&two, ENCODER, 2.0);
    let shelf = Shelf::new(folder.path().join("shelf"));
    let first = shelf.promote(&one, ENCODER, "{}").expect("the first").serving;
    let bytes = fs::read(shelf.folder().join(first.to_string()).join(FILE)).expect("a file");
    let second = shelf.promote(&two, ENCODER, "{}").expect("the second");
    assert_eq!(second.previous.as_ref(), Some(&first));
    assert!(shelf.folder().join(second.serving.to_string()).join(RECORD).exists());
    assert_eq!(shelf.serving(ENCODER).expect("a classifier").artefact().temperature, 2.0);
    assert!(matches!(shelf.promote(&two, ENCODER, "{}"), Err(ShelfError::Serves(_))));
    assert_eq!(shelf.roll_back(ENCODER).expect("back").serving, first);
    assert_eq!(shelf.serving(ENCODER).expect("a classifier").artefact().temperature, 1.0);
    assert_eq!(fs::read(shelf.folder().join(first.to_string()).join(FILE)).expect("a file"), bytes);
    assert!(matches!(shelf.roll_back(ENCODER), Err(ShelfError::NothingBefore(_))));
}

#[test]
fn a_promotion_that_is_cut_off_leaves_what_served() {
    let folder = tempfile::tempdir().expect("a folder");
    let (one, two) = (folder.path().join("one"), folder.path().join("two"));
    artefact(&one, ENCODER, 1.0);
    artefact(&two, ENCODER, 2.0);
    let shelf = Shelf::new(folder.path().join("shelf"));
    shelf.promote(&one, ENCODER, "{}").expect("the first");
    // Cut off while copying, and again before the pointer was renamed.
    let place = shelf.folder().join(Shelf::name_of(&two, ENCODER).expect("a name").to_string());
    fs::create_dir_all(&place).expect("a folder");
    fs::write(place.join(FILE), b"torn").expect("a file");
    fs::write(shelf.folder().join(POINTER).with_extension("part"), "serving = \"").expect("a file");
    assert_eq!(shelf.serving(ENCODER).expect("a classifier").artefact().temperature, 1.0);
    shelf.promote(&two, ENCODER, "{}").expect("the second, at the second try");
    assert_eq!(shelf.serving(ENCODER).expect("a classifier").artefact().temperature, 2.0);
}

#[test]
fn an_artefact_for_another_encoder_or_damaged_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let shelf = Shelf::new(folder.path().join("shelf"));
    let other = folder.path().join("other");
    artefact(&other, "mini/2", 1.0);
    let refused = shelf.promote(&other, ENCODER, "{}").expect_err("another encoder");
    assert!(matches!(refused, ShelfError::Artefact(ArtefactError::Encoder { .. })), "{refused}");
    artefact(&other, ENCODER, 1.0);
    fs::write(other.join(FILE), b"damaged").expect("a file");
    let refused = shelf.promote(&other, ENCODER, "{}").expect_err("a damaged file");
    assert!(matches!(refused, ShelfError::Artefact(ArtefactError::Hash { .. })), "{refused}");
    assert_eq!(shelf.pointer().expect("a pointer").serving, Shelved::Builtin);
    assert!(matches!(shelf.roll_back(ENCODER), Err(ShelfError::NothingBefore(_))));
}
