//! Answers to similar requests: how long a look takes, which of our own pairs share an answer at which cosine, with the guard and
//! without it, and how many of our own prompts, all of them different, would. `cargo bench --bench cache`

use satisfice::{
    cache::{Cache, CacheOptions, Entry, Fingerprint, Guard, Question, Served},
    domain::{DecisionId, ModelId, Prompt, Quality, Tenant, UnixMillis},
    encoder::{Embedding, Encoder, FusedEncoder, Manifest, ModelFolder, Tokenizer, visible_text},
};
use serde_json::{Value, json};
use std::{hint::black_box, path::Path, time::Duration, time::Instant};
use uuid::Uuid;

const THRESHOLDS: [f64; 6] = [0.80, 0.85, 0.90, 0.95, 0.97, 0.99];

fn main() {
    let reader = Reader::load();
    pairs(&reader);
    prompts(&reader);
    looks();
}

/// The encoder that is served by default.
struct Reader {
    encoder: FusedEncoder,
    tokenizer: Tokenizer,
}

impl Reader {
    fn load() -> Self {
        let cache = std::env::var("SATISFICE_CACHE_DIR").ok();
        let folder = ModelFolder::new(Manifest::builtin(), &ModelFolder::default_models_dir(cache.as_deref()));
        folder.ensure(true).expect("the encoder can be fetched");
        let tokenizer = Tokenizer::load(&folder.file("tokenizer.json"), 256).expect("a verified file loads");
        Self { encoder: FusedEncoder::load(&folder).expect("verified files load"), tokenizer }
    }

    /// As the service reads the last message.
    fn read(&self, text: &str) -> Embedding {
        let tokens = self.tokenizer.tokenise(&visible_text(&Prompt::user(text))).expect("text has tokens");
        self.encoder.encode(&[tokens]).expect("it encodes").remove(0).embedding
    }
}

fn agree(one: &str, other: &str) -> bool {
    matches!((Guard::of(one), Guard::of(other)), (Some(one), Some(other)) if one.agrees(&other))
}

fn pairs(reader: &Reader) {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/cache/pairs.tsv")).expect("a file");
    let pairs: Vec<(bool, f64, bool)> = text
        .lines()
        .map(|line| {
            let [kind, one, other] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line:?} is no pair") };
            (kind == "alike", reader.read(one).cosine(&reader.read(other)), agree(one, other))
        })
        .collect();
    let share = |is_alike: bool, least: f64, is_guarded: bool| {
        let of_kind = || pairs.iter().filter(|(alike, _, _)| *alike == is_alike);
        let found = of_kind().filter(|(_, cosine, agrees)| *cosine >= least && (*agrees || !is_guarded));
        format!("{} of {}", found.count(), of_kind().count())
    };
    println!(
        "| least cosine | alike, found | without the guard | unlike, found | without the guard |\n|---|---|---|---|---|"
    );
    for least in THRESHOLDS {
        let cells = [(true, true), (true, false), (false, true), (false, false)].map(|(a, g)| share(a, least, g));
        println!("| {least:.2} | {} |", cells.join(" | "));
    }
    if std::env::args().any(|argument| argument == "--pairs") {
        for (line, (_, cosine, agrees)) in text.lines().zip(&pairs) {
            println!("{cosine:.3} {agrees} {line}");
        }
    }
}

/// Single messages of our own corpus, each beside each.
fn prompts(reader: &Reader) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/prompts/prompts.jsonl");
    let text = std::fs::read_to_string(path).expect("the prompts are here");
    let asked = text.lines().filter_map(|line| {
        let prompt: Value = serde_json::from_str(line).ok()?;
        let [message] = &prompt["messages"].as_array()?[..] else { return None };
        message["content"].as_str().map(str::to_owned)
    });
    let texts: Vec<String> = asked.collect();
    let embeddings: Vec<Embedding> = texts.iter().map(|text| reader.read(text)).collect();
    let guards: Vec<Option<Guard>> = texts.iter().map(|text| Guard::of(text)).collect();
    let compared = guards.iter().flatten().count();
    let (mut near, mut both) = (0u64, Vec::new());
    for (i, one) in embeddings.iter().enumerate() {
        for (j, other) in embeddings.iter().enumerate().skip(i + 1) {
            let cosine = one.cosine(other);
            if cosine >= THRESHOLDS[0] {
                near += 1;
                if matches!((&guards[i], &guards[j]), (Some(one), Some(other)) if one.agrees(other)) {
                    both.push((cosine, i, j));
                }
            }
        }
    }
    println!(
        "\n{} prompts, {compared} of them comparable: {near} pairs of cosine {} or more, {} of which the guard lets share an answer",
        texts.len(),
        THRESHOLDS[0],
        both.len()
    );
    for (cosine, i, j) in both {
        println!("- {cosine:.3}: {:?} and {:?}", texts[i], texts[j]);
    }
}

/// The time of a look that finds nothing, which every request without a kept answer takes.
fn looks() {
    println!("\n| questions with the same frame | of all kept | µs a look |\n|---|---|---|");
    for (frames, each) in [(10_000, 1), (100, 100), (10, 1000)] {
        let options = CacheOptions {
            ttl: Duration::from_secs(60),
            exact_bytes: 0,
            similarity: 0.9,
            semantic_entries: 1 << 20,
            semantic_bytes: 1 << 30,
        };
        let cache = Cache::new(options);
        for n in 0..frames * each {
            let question = question(n / each, n % each);
            cache.keep(question_key(n), Some(question), entry(n));
        }
        let (asked, rounds) = (question(3, each + 1), 2000);
        let begun = Instant::now();
        for _ in 0..rounds {
            assert!(black_box(cache.find_similar(black_box(&asked), UnixMillis(0), |_| true)).is_none());
        }
        let took = begun.elapsed().as_secs_f64() * 1e6 / f64::from(rounds);
        println!("| {each} | {} | {took:.2} |", cache.stats().semantic.entries);
    }
}

fn question_key(n: u64) -> satisfice::cache::CacheKey {
    let mut print = Fingerprint::new(&Tenant::default());
    print.number(Some(n as f64));
    print.key()
}

/// Far from all others of its frame.
fn question(frame: u64, n: u64) -> Question {
    let values: Vec<f32> = (0..384).map(|i| ((i as u64 + 1) as f32 * (n + 1) as f32 * 0.618).sin()).collect();
    let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
    let unit: Vec<f32> = values.iter().map(|v| v / norm).collect();
    let guard = Guard::of(&format!("question number{n}")).expect("words");
    Question::new(question_key(frame), guard, &unit)
}

fn entry(n: u64) -> Entry {
    let served = Served {
        tenant: Tenant::default(),
        policy: "default".to_owned(),
        policy_version: 0,
        quality_target: Quality::clipped(0.8),
        decision: DecisionId::from_uuid(Uuid::from_u128(n.into())),
        model: ModelId::from("a/model"),
        cost: None,
        at: UnixMillis(0),
    };
    let choice =
        json!({"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "An answer."}});
    Entry::new(served, &json!({"choices": [choice]})).expect("whole")
}
