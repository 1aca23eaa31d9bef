//! How to draw the answer: `inferenceConfig`.

use super::{Inexpressible, Object, given};
use serde_json::{Value, json};

/// Settings of a chat request that Converse has too, in its ranges.
pub(super) struct Sampling<'a> {
    max_tokens: Option<u64>,
    temperature: Option<&'a Value>,
    top_p: Option<&'a Value>,
    stop: Vec<&'a str>,
}

impl<'a> Sampling<'a> {
    pub(super) fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        Ok(Self {
            max_tokens: match max_tokens(chat, "max_completion_tokens")? {
                None => max_tokens(chat, "max_tokens")?,
                newer => newer,
            },
            temperature: unit_interval(chat, "temperature")?,
            top_p: unit_interval(chat, "top_p")?,
            stop: stop(chat)?,
        })
    }

    pub(super) fn json(&self, default_max_tokens: u32) -> Value {
        let mut config = json!({"maxTokens": self.max_tokens.unwrap_or_else(|| u64::from(default_max_tokens.max(1)))});
        if let Some(temperature) = self.temperature {
            config["temperature"] = temperature.clone();
        }
        if let Some(top_p) = self.top_p {
            config["topP"] = top_p.clone();
        }
        if !self.stop.is_empty() {
            config["stopSequences"] = json!(self.stop);
        }
        config
    }
}

fn max_tokens(chat: &Object, field: &str) -> Result<Option<u64>, Inexpressible> {
    let Some(value) = given(chat, field) else { return Ok(None) };
    match value.as_u64() {
        Some(n) if (1..=i32::MAX as u64).contains(&n) => Ok(Some(n)),
        _ => Err(Inexpressible::new(field, "must be a whole number from 1 to 2147483647")),
    }
}

/// Chat allows temperatures up to 2; Converse ends at 1, and the scales are the same.
fn unit_interval<'a>(chat: &'a Object, field: &str) -> Result<Option<&'a Value>, Inexpressible> {
    match given(chat, field) {
        Some(value) if !value.as_f64().is_some_and(|x| (0.0..=1.0).contains(&x)) => {
            Err(Inexpressible::new(field, "Bedrock takes 0 to 1"))
        }
        value => Ok(value),
    }
}

fn stop(chat: &Object) -> Result<Vec<&str>, Inexpressible> {
    let sequences = match given(chat, "stop") {
        None => return Ok(Vec::new()),
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        Some(one) => one.as_str().map(|one| vec![one]),
    };
    match sequences {
        Some(sequences) if sequences.iter().all(|s| !s.is_empty()) => Ok(sequences),
        _ => Err(Inexpressible::new("stop", "must be a text or an array of texts, none of them empty")),
    }
}
