//! What a model of the simulator says: a function of the request and its number, so that tests know it beforehand.

use super::{Fault, asked::Asked};
use serde_json::{Value, json};

/// What an answer costs, as the provider counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tokens {
    /// All of the input.
    pub(crate) input: u32,
    /// Of it read from the prompt cache.
    pub(crate) cached: u32,
    /// Of it written to the prompt cache.
    pub(crate) written: u32,
    /// All of the output.
    pub(crate) output: u32,
    /// Of it spent on thinking.
    pub(crate) reasoning: u32,
}

/// A tool call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// An answer in no dialect yet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Tells answers apart: the provider's name and the request's number.
    pub(super) mark: String,
    pub(super) thought: Option<String>,
    /// Its text in the pieces that a stream has.
    pub(super) pieces: Vec<String>,
    pub(super) calls: Vec<Call>,
    /// Whether the limit on tokens cut it.
    pub(super) cut: bool,
    pub(super) tokens: Tokens,
}

impl Said {
    /// The answer of provider `name` to its request number `n`.
    pub(super) fn new(name: &str, n: usize, asked: &Asked, fault: &Fault) -> Self {
        let calls = calls(name, n, asked);
        let mut pieces = if calls.is_empty() { pieces(&text(name, asked)) } else { Vec::new() };
        let cut = pieces.len() > asked.max_words;
        pieces.truncate(asked.max_words);
        if let Fault::HugeAnswer(bytes) = fault {
            pieces = vec!["0123456789abcde ".repeat(4096); bytes.div_ceil(1 << 16)];
        }
        let tokens = tokens(n, asked, pieces.len(), &calls);
        let thought = asked.thinks.then(|| "Let me think about that.".to_owned());
        Self { mark: format!("{name}-{n}"), thought, pieces, calls, cut, tokens }
    }

    pub(super) fn text(&self) -> String {
        self.pieces.concat()
    }
}

/// Characters of several bytes, so that a byte at a time means something.
fn text(name: &str, asked: &Asked) -> String {
    if let Some(schema) = &asked.schema {
        return example(schema).to_string();
    }
    if !asked.results.is_empty() {
        return format!("{name} read the tools’ results: {}", asked.results.join(" · "));
    }
    let quoted: String = asked.text.chars().take(60).collect();
    match asked.images {
        0 => format!("{name} answers « {quoted} » – naïvely, as ever ✓"),
        images => format!("{name} sees {images} image(s) and answers « {quoted} » ✓"),
    }
}

fn pieces(text: &str) -> Vec<String> {
    text.split_inclusive(' ').map(str::to_owned).collect()
}

/// Two calls where the text says "both" and that is allowed.
fn calls(name: &str, n: usize, asked: &Asked) -> Vec<Call> {
    let Some((tool, schema)) = &asked.tool else { return Vec::new() };
    let count = if asked.parallel && asked.text.contains("both") { 2 } else { 1 };
    let call = |i: usize| Call { id: format!("call_{name}_{n}_{i}"), name: tool.clone(), arguments: example(schema) };
    (0..count).map(call).collect()
}

/// A value that follows a schema, as far as tests need.
fn example(schema: &Value) -> Value {
    if let Some(choice) = schema["enum"].get(0) {
        return choice.clone();
    }
    match schema["type"].as_str() {
        Some("string") => json!("Zürich"),
        Some("integer") => json!(7),
        Some("number") => json!(1.5),
        Some("boolean") => json!(true),
        Some("array") => json!([example(&schema["items"])]),
        _ => {
            let fields = schema["properties"].as_object().into_iter().flatten();
            fields.map(|(name, schema)| (name.clone(), example(schema))).collect::<serde_json::Map<_, _>>().into()
        }
    }
}

/// Every answer has counts of its own: one billed twice, or for another, shows in the sums.
fn tokens(n: usize, asked: &Asked, pieces: usize, calls: &[Call]) -> Tokens {
    let input = asked.bytes / 4 + 3 + n % 17;
    let cached = if n.is_multiple_of(3) { input / 2 } else { 0 };
    let written = if n.is_multiple_of(2) { input / 3 } else { 0 };
    let reasoning = if asked.thinks || n % 4 == 1 { 5 + n % 11 } else { 0 };
    let spoken =
        pieces * asked.choices + calls.iter().map(|call| call.arguments.to_string().len() / 4 + 5).sum::<usize>();
    let output = spoken + reasoning;
    let [input, cached, written, output, reasoning] = [input, cached, written, output, reasoning].map(|n| n as u32);
    Tokens { input, cached, written, output, reasoning }
}
