//! When two requests are the same one.

use crate::{dialect::Object, domain::Tenant};
use serde_json::{Number, Value};
use sha2::{Digest, Sha256};

/// Fields of a chat request that change nothing of what may be answered: how it is told, who asks, and hints for a provider's
/// prompt cache. The model stands apart, as the caller may have named a policy.
const NO_PART: [&str; 9] = [
    "model",
    "stream",
    "stream_options",
    "user",
    "metadata",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "cache_control",
];
/// Fields of a Messages request of which the chat request loses nothing that matters.
const PLAIN: [&str; 12] = [
    "model",
    "stream",
    "metadata",
    "max_tokens",
    "messages",
    "system",
    "stop_sequences",
    "temperature",
    "top_p",
    "top_k",
    "cache_control",
    "service_tier",
];

/// SHA-256 of all that makes a request what it is. The request can't be told from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey([u8; 32]);

/// Takes down what makes a request what it is. Every part is told apart from the next by its kind and length.
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Begins with who pays: no two tenants ever have the same key.
    #[must_use]
    pub fn new(tenant: &Tenant) -> Self {
        let mut print = Self(Sha256::new());
        print.text(tenant.as_str());
        print
    }

    /// Adds a text.
    pub fn text(&mut self, text: &str) {
        self.tagged(b's', text.len());
        self.0.update(text);
    }

    /// Adds a number that may be missing.
    pub fn number(&mut self, number: Option<f64>) {
        match number {
            None => self.0.update(b"-"),
            Some(number) => self.float(number),
        }
    }

    /// Adds texts; their order counts.
    pub fn list(&mut self, list: &[String]) {
        self.tagged(b'a', list.len());
        list.iter().for_each(|text| self.text(text));
    }

    /// Adds a chat request. The order of fields does not count, nor do fields that are null or don't matter.
    pub fn chat(&mut self, body: &Object) {
        self.object(body.iter().filter(|(field, value)| !value.is_null() && !NO_PART.contains(&field.as_str())));
    }

    /// Adds a chat request but for the words of its last message.
    pub fn frame(&mut self, body: &Object) {
        self.text("frame");
        let messages = body.get("messages").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let fields = body.iter().filter(|(field, value)| !value.is_null() && !NO_PART.contains(&field.as_str()));
        self.object(fields.filter(|(field, _)| *field != "messages"));
        self.tagged(b'a', messages.len());
        let Some((last, earlier)) = messages.split_last() else { return };
        earlier.iter().for_each(|message| self.value(message));
        self.object(last.as_object().into_iter().flatten().filter(|(field, _)| *field != "content"));
    }

    /// Adds last what a Messages request, with its header `anthropic-beta`, asks of Anthropic beyond the chat request that it
    /// amounts to: nothing if it is plain.
    pub fn messages(&mut self, body: &Object, beta: Option<&str>) {
        if let Some(beta) = beta {
            self.text(beta);
        }
        if !is_plain_messages(body) {
            self.chat(body);
        }
    }

    /// The key.
    #[must_use]
    pub fn key(self) -> CacheKey {
        CacheKey(self.0.finalize().into())
    }

    fn tagged(&mut self, tag: u8, length: usize) {
        self.0.update([tag]);
        self.0.update((length as u64).to_le_bytes());
    }

    fn float(&mut self, number: f64) {
        self.0.update(b"f");
        self.0.update(number.to_bits().to_le_bytes());
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.0.update(b"n"),
            Value::Bool(true) => self.0.update(b"1"),
            Value::Bool(false) => self.0.update(b"0"),
            Value::Number(number) => self.json_number(number),
            Value::String(text) => self.text(text),
            Value::Array(items) => {
                self.tagged(b'a', items.len());
                items.iter().for_each(|item| self.value(item));
            }
            Value::Object(object) => self.object(object.iter()),
        }
    }

    /// 1 and 1.0 are one number. Whole numbers that a float can't hold stay what they are.
    fn json_number(&mut self, number: &Number) {
        match (number.as_i64(), number.as_u64()) {
            (Some(whole), _) if whole.unsigned_abs() > 1 << f64::MANTISSA_DIGITS => {
                self.0.update(b"i");
                self.0.update(whole.to_le_bytes());
            }
            (None, Some(whole)) => {
                self.0.update(b"u");
                self.0.update(whole.to_le_bytes());
            }
            // Minus nothing is nothing.
            _ => self.float(number.as_f64().unwrap_or_default() + 0.0),
        }
    }

    fn object<'a>(&mut self, fields: impl Iterator<Item = (&'a String, &'a Value)>) {
        let mut fields: Vec<_> = fields.collect();
        fields.sort_unstable_by_key(|(field, _)| *field);
        self.tagged(b'o', fields.len());
        for (field, value) in fields {
            self.text(field);
            match only_text(field, value) {
                Some(text) => self.text(text),
                None => self.value(value),
            }
        }
    }
}

/// The text of a content that is one part of nothing but text: dialects and clients write it either way.
fn only_text<'a>(field: &str, value: &'a Value) -> Option<&'a str> {
    let [part] = value.as_array().filter(|_| field == "content")?.as_slice() else { return None };
    let is_plain = part["type"] == "text" && part.as_object().is_some_and(|part| part.len() == 2);
    part["text"].as_str().filter(|_| is_plain)
}

/// The words of a message that is nothing but text.
#[must_use]
pub fn words_of(message: &Value) -> Option<&str> {
    let content = message.get("content")?;
    content.as_str().or_else(|| only_text("content", content))
}

/// Whether a Messages request says nothing that is lost in the chat request: texts alone, and settings that both have.
#[must_use]
pub fn is_plain_messages(body: &Object) -> bool {
    let is_text = |content: &Value| match content {
        Value::Array(blocks) => blocks.iter().all(is_plain_text),
        other => other.is_string(),
    };
    let messages = body.get("messages").and_then(Value::as_array);
    body.iter().all(|(field, value)| value.is_null() || PLAIN.contains(&field.as_str()))
        && body.get("system").is_none_or(|system| system.is_null() || is_text(system))
        && messages.is_some_and(|messages| messages.iter().all(|message| is_text(&message["content"])))
}

fn is_plain_text(block: &Value) -> bool {
    let fields = ["type", "text", "cache_control"];
    block["type"] == "text" && block.as_object().is_some_and(|b| b.keys().all(|field| fields.contains(&field.as_str())))
}
