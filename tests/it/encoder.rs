//! The real encoders: the reference equal to a stored fixture, eight bits near it, alone and in a batch; bounded whatever the size of the prompt.

use crate::support::{StubEncoder, real_encoder, real_folder};
use satisfice::{
    domain::{Prompt, Role, Turn},
    encoder::{
        ChannelScales, Embedding, Encoder, EncoderPool, FileState, FusedEncoder, Isa, Manifest, ModelFolder,
        PoolOptions, ReferenceEncoder, Tokenizer, Tokens, visible_text,
    },
};
use std::{sync::Arc, time::Instant};

#[derive(serde::Deserialize)]
struct Fixture {
    rows: Vec<Row>,
}

#[derive(serde::Deserialize)]
struct Row {
    text: String,
    tokens: usize,
    embedding: Vec<f32>,
    trunk: Vec<f32>,
}

fn fixture() -> Vec<Row> {
    let text = include_str!("../../datasets/fixtures/embeddings.json");
    serde_json::from_str::<Fixture>(text).expect("the fixture parses").rows
}

fn cosine(got: &Embedding, expected: &[f32]) -> f64 {
    let norm = expected.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
    got.values().iter().zip(expected).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / norm
}

fn tokens_of(tokenizer: &Tokenizer, rows: &[Row]) -> Vec<Tokens> {
    rows.iter().map(|r| tokenizer.tokenise(&r.text).expect("it tokenises")).collect()
}

#[test]
fn reference_embeddings_equal_the_fixture_alone_and_in_a_batch() {
    let (encoder, tokenizer) = (ReferenceEncoder::load(&real_folder()).expect("verified files load"), real_encoder().1);
    let rows = fixture();
    let tokens = tokens_of(&tokenizer, &rows);
    let batch = encoder.encode(&tokens).expect("the batch encodes");
    for ((row, tokens), in_batch) in rows.iter().zip(&tokens).zip(&batch) {
        assert_eq!(tokens.len(), row.tokens, "{}", row.text);
        let alone = encoder.encode(std::slice::from_ref(tokens)).expect("it encodes").remove(0);
        for got in [&alone, in_batch] {
            assert!(cosine(&got.embedding, &row.embedding) >= 0.9999, "{}", row.text);
            assert!(cosine(&got.trunk, &row.trunk) >= 0.9999, "{}", row.text);
            let norm: f64 = got.embedding.values().iter().map(|v| f64::from(*v).powi(2)).sum();
            assert!((norm - 1.0).abs() < 1e-5);
        }
    }
}

/// On each instruction set of this machine but the portable one, which is slow; that one encodes the fixture alone.
#[test]
fn eight_bits_stay_near_the_reference_and_a_batch_changes_no_bit() {
    let (folder, tokenizer) = (real_folder(), real_encoder().1);
    let rows = fixture();
    let tokens = tokens_of(&tokenizer, &rows);
    for isa in Isa::available() {
        let encoder = FusedEncoder::load_for(&folder, isa, &ChannelScales::builtin()).expect("verified files load");
        let encode = |rows: &[Tokens]| encoder.encode(rows).expect("it encodes");
        let alone: Vec<_> = tokens.iter().flat_map(|row| encode(std::slice::from_ref(row))).collect();
        let mut sum = 0.0;
        for (got, row) in alone.iter().zip(&rows) {
            let (near, trunk) = (cosine(&got.embedding, &row.embedding), cosine(&got.trunk, &row.trunk));
            assert!(near >= 0.995 && trunk >= 0.998, "{isa:?} {near} {trunk}: {}", row.text);
            sum += near;
        }
        assert!(sum / rows.len() as f64 >= 0.9985, "{isa:?}: {}", sum / rows.len() as f64);
        if isa != Isa::Portable {
            assert_eq!(encode(&tokens), alone, "{isa:?}");
            let backwards: Vec<Tokens> = tokens.iter().rev().cloned().collect();
            assert!(encode(&backwards).iter().eq(alone.iter().rev()), "{isa:?}");
        }
    }
}

#[test]
fn tokens_that_the_encoder_does_not_know_are_refused() {
    let (encoder, _) = real_encoder();
    for (tokens, word) in [(vec![], "0 tokens"), (vec![101; 513], "513 tokens"), (vec![101, 40_000, 102], "40000")] {
        let refusal = encoder.encode(&[Tokens(tokens)]).expect_err("it can't").to_string();
        assert!(refusal.contains(word), "{refusal}");
    }
}

#[tokio::test]
async fn a_megabyte_costs_no_more_than_twice_two_kilobytes() {
    let (encoder, tokenizer) = real_encoder();
    let pool =
        EncoderPool::start(encoder, tokenizer, PoolOptions { threads: 1, queue: 8, max_batch: 8, cache_bytes: 0 })
            .expect("starts");
    let text = |bytes: usize| "The quick brown fox has opinions about routing. ".repeat(bytes / 48 + 1);
    let (small, large) = (Prompt::user(text(2_000)), Prompt::user(text(1_000_000)));
    // Paired and alternated; the median keeps a busy machine out of it.
    let mut ratios = Vec::new();
    for _ in 0..7 {
        let mut took = [0.0; 2];
        for (slot, prompt) in took.iter_mut().zip([&small, &large]) {
            let started = Instant::now();
            pool.embed(visible_text(prompt)).await.expect("it encodes");
            *slot = started.elapsed().as_secs_f64();
        }
        ratios.push(took[1] / took[0]);
    }
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[3] <= 2.0, "{ratios:?}");
}

#[test]
fn the_window_sees_head_and_tail_and_the_turns_before_a_short_question() {
    let long = format!("START {} END of it", "middle ".repeat(100_000));
    let seen = visible_text(&Prompt::user(long));
    assert!(seen.len() < 2_000 && seen.starts_with("START") && seen.ends_with("END of it"));
    let turn = |role, text: &str| Turn { role, text: text.to_owned() };
    let prompt = Prompt {
        turns: vec![
            turn(Role::System, "You are a sommelier."),
            turn(Role::User, "Which wine goes with trout?"),
            turn(Role::Assistant, "A dry Riesling."),
            turn(Role::User, "and   with\n\n duck?"),
        ],
        ..Prompt::default()
    };
    let seen = visible_text(&prompt);
    assert!(seen.starts_with("and with\nduck\n"), "{seen}");
    assert!(seen.contains("trout") && seen.contains("sommelier") && !seen.contains("Riesling"));
}

#[test]
fn missing_and_corrupt_files_are_told_apart_and_offline_says_what_to_do() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let models = ModelFolder::new(Manifest::builtin(), folder.path());
    assert!(models.verify().expect("readable").iter().all(|(_, state)| *state == FileState::Missing));
    std::fs::create_dir_all(models.path()).expect("writable");
    std::fs::write(models.file("config.json"), "{}").expect("writable");
    let states = models.verify().expect("readable");
    assert!(states.contains(&("config.json".to_owned(), FileState::Corrupt)));
    let refusal = models.ensure(true).expect_err("nothing is there").to_string();
    assert!(refusal.contains("models pull"), "{refusal}");
}

#[tokio::test]
async fn a_pool_answers_every_prompt_with_its_own_embedding() {
    let (encoder, tokenizer) = real_encoder();
    let options = PoolOptions { threads: 1, queue: 64, max_batch: 32, cache_bytes: 0 };
    let pool = EncoderPool::start(Arc::clone(&encoder), tokenizer, options).expect("starts");
    let rows = fixture();
    let answers = rows.iter().cycle().take(40).map(|row| pool.embed(row.text.clone()));
    let answers = futures::future::join_all(answers).await;
    for (answer, row) in answers.into_iter().zip(rows.iter().cycle()) {
        let encoded = answer.expect("40 prompts fit into a queue of 64");
        assert!(cosine(&encoded.encoding.embedding, &row.embedding) >= 0.995, "{}", row.text);
    }
}

#[tokio::test]
async fn a_text_that_comes_again_is_not_encoded_again_and_memory_is_bounded() {
    let (stub, tokenizer) = (Arc::new(StubEncoder::default()), real_encoder().1);
    let options = PoolOptions { threads: 1, queue: 8, max_batch: 1, cache_bytes: 64 << 10 };
    let pool = EncoderPool::start(Arc::clone(&stub) as Arc<dyn Encoder>, tokenizer, options).expect("starts");
    let embed = |text: &str| {
        let text = text.to_owned();
        async { pool.embed(text).await.expect("it encodes") }
    };
    let (first, again) = (embed("the same").await, embed("the same").await);
    assert_eq!((first.encoding, first.tokens), (again.encoding, again.tokens));
    assert_eq!(stub.entered(), 1);
    assert_eq!(embed("the samE").await.tokens, first.tokens);
    assert_eq!(stub.entered(), 2, "exact: another text is another entry");
    // 64 KiB hold fewer than 20 encodings of 3 KiB: most of these were dropped.
    for n in 0..200 {
        embed(&format!("text number {n}")).await;
    }
    let before = stub.entered();
    for n in 0..200 {
        embed(&format!("text number {n}")).await;
    }
    assert!(stub.entered() - before >= 180, "{} of 200 were still there", 200 + before - stub.entered());
}
