//! How to draw the answer, and where to stop.

use super::{Inexpressible, Object, given, token_limit};
use serde_json::{Value, json};

/// Settings of a chat request that Anthropic has too, in its ranges. What asks for the default is left out: newer models refuse
/// sampling, and others `temperature` and `top_p` together.
pub(super) struct Sampling<'a> {
    max_tokens: Option<u64>,
    temperature: Option<&'a Value>,
    top_p: Option<&'a Value>,
    top_k: Option<u64>,
    stop: Vec<&'a str>,
}

impl<'a> Sampling<'a> {
    pub(super) fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        Ok(Self {
            max_tokens: match token_limit(chat, "max_completion_tokens")? {
                None => token_limit(chat, "max_tokens")?,
                newer => newer,
            },
            temperature: unit_interval(chat, "temperature")?,
            top_p: unit_interval(chat, "top_p")?,
            top_k: top_k(chat)?,
            stop: stop(chat)?,
        })
    }

    /// Whether tokens are to be drawn otherwise than by default.
    pub(super) fn is_given(&self) -> bool {
        self.temperature.is_some() || self.top_p.is_some() || self.top_k.is_some()
    }

    pub(super) fn fields(&self, default_max_tokens: u32) -> [(&'static str, Option<Value>); 5] {
        let limit = self.max_tokens.unwrap_or_else(|| u64::from(default_max_tokens.max(1)));
        [
            ("max_tokens", Some(Value::from(limit))),
            ("temperature", self.temperature.cloned()),
            ("top_p", self.top_p.cloned()),
            ("top_k", self.top_k.map(Value::from)),
            ("stop_sequences", (!self.stop.is_empty()).then(|| json!(self.stop))),
        ]
    }
}

/// Chat allows temperatures up to 2; Anthropic ends at 1, and the scales are the same. The default is 1 for both fields in
/// both dialects.
fn unit_interval<'a>(chat: &'a Object, field: &str) -> Result<Option<&'a Value>, Inexpressible> {
    match given(chat, field).map(|value| (value, value.as_f64())) {
        None | Some((_, Some(1.0))) => Ok(None),
        Some((value, Some(x))) if (0.0..1.0).contains(&x) => Ok(Some(value)),
        Some(_) => Err(Inexpressible::new(field, "Anthropic takes 0 to 1")),
    }
}

/// Not OpenAI's, but other providers of chat have it; 0 and -1 switch it off there.
fn top_k(chat: &Object) -> Result<Option<u64>, Inexpressible> {
    match given(chat, "top_k") {
        None => Ok(None),
        Some(off) if off == 0 || off == -1 => Ok(None),
        Some(top_k) => match top_k.as_u64() {
            Some(top_k) => Ok(Some(top_k)),
            None => Err(Inexpressible::new("top_k", "must be a whole number")),
        },
    }
}

fn stop(chat: &Object) -> Result<Vec<&str>, Inexpressible> {
    let sequences = match given(chat, "stop") {
        None => return Ok(Vec::new()),
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        Some(one) => one.as_str().map(|one| vec![one]),
    };
    match sequences {
        None => Err(Inexpressible::new("stop", "must be a text or an array of texts")),
        Some(sequences) if sequences.iter().any(|sequence| sequence.trim().is_empty()) => {
            Err(Inexpressible::new("stop", "Anthropic does not stop at white space alone"))
        }
        Some(sequences) => Ok(sequences),
    }
}
