//! The shipped artefact on real prompts through the real encoder.

use crate::support::real_encoder;
use satisfice::{
    catalog::Catalog,
    classifier::{
        Artefact, ArtefactError, Classification, Classifier, artefact::ArtefactManifest, features::FEATURES_VERSION,
    },
    domain::{DecisionMode, Prompt, Quality, RoutingRule},
    encoder::{Encoder, Tokenizer, fetch::sha256_hex, visible_text},
    policy::{self, LearningRates, Posterior, Scored},
    router::{Fleet, FleetModel},
};
use std::{collections::BTreeSet, sync::Arc};

const ARTEFACT: &[u8] = include_bytes!("../../models/classifier/classifier.safetensors");

struct Bench {
    encoder: Arc<dyn Encoder>,
    tokenizer: Tokenizer,
    classifier: Classifier,
    fleet: Fleet,
}

impl Bench {
    fn new() -> Self {
        let (encoder, tokenizer) = real_encoder();
        let classifier = Classifier::builtin(encoder.id()).expect("the shipped artefact fits the shipped encoder");
        let catalog = Catalog::builtin().expect("the built-in catalogue parses");
        let fleet = Fleet::new(&catalog, &BTreeSet::from(["simulated".to_owned()]));
        Self { encoder, tokenizer, classifier, fleet }
    }

    fn classify(&self, text: &str) -> Classification {
        let prompt = Prompt::user(text);
        let seen = visible_text(&prompt);
        let tokens = self.tokenizer.tokenise(&seen).expect("it tokenises");
        let encoding = self.encoder.encode(&[tokens]).expect("it encodes").remove(0);
        self.classifier.classify(&prompt, &seen, &encoding)
    }

    /// The greedy choice of a fresh posterior at the default rule.
    fn choose(&self, text: &str) -> String {
        let c = self.classify(text);
        let posterior = Posterior::new(LearningRates::default());
        let models: Vec<&FleetModel> = self.fleet.usable().collect();
        let scored: Vec<Scored> = models
            .iter()
            .map(|m| {
                let prior = policy::prior_quality(&c.tasks, c.difficulty, |t| m.ability(t));
                let belief = posterior.believe(&m.entry.id, prior, &policy::context_vector(prior, &c.context));
                let price = m.entry.price.as_ref().expect("usable models are priced");
                let tokens = (c.output_tokens * m.entry.verbosity) as u32;
                let cost_usd = satisfice::catalog::expected_cost(price, 200, 0, tokens).get();
                Scored { mean: belief.mean, spread: belief.spread, cost_usd }
            })
            .collect();
        let rule = RoutingRule {
            mode: DecisionMode::Floor,
            quality_target: Quality::clipped(0.8),
            kappa: 0.5,
            lambda_usd: 0.0,
            exploration: 0.0,
        };
        models[policy::greedy(&rule, &scored).expect("models are usable").0].entry.id.to_string()
    }
}

#[derive(serde::Deserialize)]
struct Row {
    messages: Vec<Message>,
}

#[derive(serde::Deserialize)]
struct Message {
    content: String,
}

/// Single-turn prompts of our data set.
fn prompts(n: usize) -> Vec<String> {
    let text = std::fs::read_to_string("datasets/prompts/prompts.jsonl").expect("the prompts are in the repository");
    let rows = text.lines().map(|l| serde_json::from_str::<Row>(l).expect("a row of the data set"));
    rows.filter(|r| r.messages.len() == 1).map(|mut r| r.messages.remove(0).content).take(n).collect()
}

/// The kinds of [`variants`], in their order.
const VARIANTS: [&str; 6] = ["casing", "white space", "punctuation", "greeting", "thanks", "typo"];

/// What people vary without asking for anything else.
fn variants(text: &str) -> [String; VARIANTS.len()] {
    let typo = {
        let mut chars: Vec<char> = text.chars().collect();
        if let Some(i) = (chars.len() / 2..chars.len().saturating_sub(1))
            .find(|&i| chars[i].is_alphabetic() && chars[i + 1].is_alphabetic())
        {
            chars.swap(i, i + 1);
        }
        chars.into_iter().collect::<String>()
    };
    [
        text.to_lowercase(),
        format!("  {}\n", text.replace(' ', "  ")),
        format!("{}!", text.trim_end_matches(['.', '?', '!'])),
        format!("Hi there, {text}"),
        format!("{text} Thanks!"),
        typo,
    ]
}

#[test]
fn decisions_hold_over_casing_spacing_punctuation_greetings_and_typos() {
    let bench = Bench::new();
    let mut same = [0u32; VARIANTS.len()];
    for text in prompts(200) {
        let choice = bench.choose(&text);
        for (same, variant) in same.iter_mut().zip(variants(&text)) {
            *same += u32::from(bench.choose(&variant) == choice);
        }
    }
    let share = f64::from(same.iter().sum::<u32>()) / (200 * VARIANTS.len()) as f64;
    println!("same model of 200 prompts by variant: {VARIANTS:?} {same:?}; in all {share:.4}");
    assert!(share >= 0.95, "{share:.4}");
}

#[test]
fn trivial_prompts_are_easier_than_expert_ones_in_several_languages() {
    let bench = Bench::new();
    let pairs = [
        (
            "What is the capital of France?",
            "Prove that the Riemann zeta function has infinitely many zeros on the critical line.",
        ),
        (
            "¿Qué hora es en Madrid?",
            "Demuestra que todo grupo finito simple de orden menor que 60 es cíclico de orden primo.",
        ),
        (
            "Was ist 2 + 2?",
            "Beweise, dass die Menge der stetigen, nirgends differenzierbaren Funktionen residual in C[0,1] ist.",
        ),
        ("法国的首都是哪里？", "请证明椭圆曲线上有理点群是有限生成的，并说明下降法的关键步骤。"),
    ];
    for (easy, hard) in pairs {
        let (easy_d, hard_d) = (bench.classify(easy).difficulty.get(), bench.classify(hard).difficulty.get());
        assert!(easy_d + 0.2 < hard_d, "{easy}: {easy_d:.2}, {hard}: {hard_d:.2}");
    }
}

#[test]
fn clear_prompts_get_their_task_type() {
    let bench = Bench::new();
    let cases = [
        ("Write a Python function that merges two sorted lists", "coding"),
        ("Translate to French: I would like two tickets please", "translation"),
        ("What is 17% of 2,340? Show the steps.", "math"),
        (
            "Summarise this article in three bullet points: The council met on Monday to discuss the bridge…",
            "summarisation",
        ),
        ("Write a short story about a lighthouse keeper who is afraid of the dark", "writing"),
    ];
    for (text, expected) in cases {
        assert_eq!(bench.classify(text).tasks.top().as_str(), expected, "{text}");
    }
}

#[test]
fn an_artefact_for_another_encoder_format_or_hash_is_refused_with_a_remedy() {
    let encoder = "all-MiniLM-L6-v2/1";
    let good = Artefact::from_bytes(ARTEFACT, encoder).expect("the shipped artefact reads");
    let other = Artefact::from_bytes(ARTEFACT, "all-MiniLM-L6-v2/2").expect_err("another encoder");
    assert!(matches!(&other, ArtefactError::Encoder { .. }) && other.to_string().contains("refit"), "{other}");
    let manifest = toml::to_string(&ArtefactManifest {
        sha256: sha256_hex(b"something else"),
        encoder: encoder.to_owned(),
        features: FEATURES_VERSION,
    })
    .expect("a manifest");
    assert!(matches!(Artefact::verified(&manifest, ARTEFACT, encoder), Err(ArtefactError::Hash { .. })));
    let text = String::from_utf8_lossy(ARTEFACT);
    let version = format!("\\\"features\\\":{FEATURES_VERSION}");
    assert!(text.contains(&version), "the header says its version");
    let newer: Vec<u8> = replace(ARTEFACT, version.as_bytes(), b"\\\"features\\\":9");
    assert!(matches!(Artefact::from_bytes(&newer, encoder), Err(ArtefactError::Features { .. })));
    assert!(matches!(Artefact::from_bytes(&ARTEFACT[..1000], encoder), Err(ArtefactError::Malformed(_))));
    assert_eq!(good.to_bytes().expect("it writes"), ARTEFACT, "reading and writing is the identity");
    assert!(good.labels.len() >= 10);
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|w| w == from).expect("the bytes are there");
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}
