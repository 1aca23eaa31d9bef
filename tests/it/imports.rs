//! The direction of imports: a module imports only modules above it in the list of `src/lib.rs`.

use std::{collections::BTreeMap, fs, path::Path};

/// `pub mod` lines of `src/lib.rs`, lowest first: the list is the architecture.
fn order() -> Vec<String> {
    let lib = fs::read_to_string("src/lib.rs").expect("src/lib.rs is there");
    lib.lines().filter_map(|l| Some(l.trim().strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned())).collect()
}

fn sources(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Names of own modules that a source text refers to as `crate::NAME`, also in `use crate::{a, b::c}` over several lines.
fn imported(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        let rest = &text[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut item = String::new();
            for c in group.chars() {
                match c {
                    '}' if depth == 0 => break,
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => names.push(std::mem::take(&mut item)),
                    _ if depth == 0 => item.push(c),
                    _ => {}
                }
            }
            names.push(item);
        } else {
            names.push(rest.to_owned());
        }
    }
    let first_word = |n: String| n.trim().split(|c: char| !(c.is_alphanumeric() || c == '_')).next().map(str::to_owned);
    names.into_iter().filter_map(first_word).filter(|n| !n.is_empty()).collect()
}

#[test]
fn modules_import_only_modules_above_them() {
    let order = order();
    let rank: BTreeMap<&str, usize> = order.iter().enumerate().map(|(i, m)| (m.as_str(), i)).collect();
    assert!(rank.len() >= 10, "src/lib.rs lists the modules");
    let mut wrong = Vec::new();
    for (module, own) in &rank {
        let mut files = Vec::new();
        sources(&Path::new("src").join(module), &mut files);
        assert!(!files.is_empty(), "{module} is a folder of sources");
        for file in files {
            let text = fs::read_to_string(&file).expect("a readable source");
            for name in imported(&text) {
                if rank.get(name.as_str()).is_some_and(|other| other > own) {
                    wrong.push(format!("{} imports {name}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "imports that point up:\n{}", wrong.join("\n"));
}

#[test]
fn the_pure_floors_use_no_runtime_network_database_tensors_or_clock() {
    let forbidden =
        ["tokio", "axum", "reqwest", "sqlx", "candle_core", "SystemTime::now", "Instant::now", "now_v7", "rand::rng"];
    for module in ["domain", "catalog", "policy"] {
        let mut files = Vec::new();
        sources(&Path::new("src").join(module), &mut files);
        for file in files {
            let text = fs::read_to_string(&file).expect("a readable source");
            for word in forbidden {
                assert!(!text.contains(word), "{} uses {word}", file.display());
            }
        }
    }
}

#[test]
fn the_service_does_not_depend_on_the_training_crate() {
    let manifest = fs::read_to_string("Cargo.toml").expect("Cargo.toml is there");
    let dependencies = manifest.split("[dependencies]").nth(1).and_then(|t| t.split("\n[").next()).unwrap_or_default();
    assert!(dependencies.contains("axum"));
    assert!(!dependencies.contains("polars") && !dependencies.contains("satisfice-training"));
}
