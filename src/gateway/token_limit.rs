//! The bound on an answer's tokens has two names in OpenAI's dialect, and hardly a host takes both.

use super::outgoing::Outgoing;
use crate::dialect::Object;

/// OpenAI's name since its models reason, which refuse the other one.
const NEW: &str = "max_completion_tokens";
/// The older name: all that many compatible hosts know. They ignore the newer one, and answer without a bound.
const OLD: &str = "max_tokens";

/// The body with the bound by the name that the host knows; as it is where there is none. OpenAI's own takes the newer name for
/// every model.
pub(super) fn named_for<'a>(
    mut outgoing: Outgoing<'a>,
    body: &'a Object,
    is_openais: bool,
    model: &str,
) -> Outgoing<'a> {
    let given = |name: &str| body.get(name).filter(|value| !value.is_null());
    let Some(limit) = given(NEW).or_else(|| given(OLD)) else { return outgoing };
    let (right, wrong) = match (is_openais, is_openais_model(model)) {
        (true, _) => (NEW, OLD),
        // Perhaps a way to OpenAI: what the caller says to it is left alone.
        (false, true) => return outgoing,
        (false, false) => (OLD, NEW),
    };
    if body.contains_key(wrong) {
        outgoing = outgoing.without(wrong).with(right, limit.clone());
    }
    outgoing
}

/// Whether a model has a name of those that refuse the older name: `gpt-5` and later, `o1` and its like.
fn is_openais_model(model: &str) -> bool {
    let name = model.rsplit('/').next().unwrap_or(model);
    let version = |prefix: &str| {
        let rest = name.strip_prefix(prefix)?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest[..digits].parse::<u32>().ok()
    };
    version("gpt-").is_some_and(|version| version >= 5) || version("o").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sent(is_openais: bool, model: &str, body: Value) -> Value {
        let body = body.as_object().cloned().unwrap_or_default();
        let bytes = named_for(Outgoing::new(&body), &body, is_openais, model).bytes();
        serde_json::from_slice(&bytes).expect("JSON")
    }

    #[test]
    fn openai_and_azure_are_told_the_newer_name_and_others_the_older_one() {
        let both = [json!({"max_tokens": 9, "n": 1}), json!({"max_completion_tokens": 9, "n": 1})];
        for body in both {
            assert_eq!(sent(true, "gpt-4o", body.clone()), json!({"max_completion_tokens": 9, "n": 1}));
            assert_eq!(sent(false, "gpt-oss:20b", body.clone()), json!({"max_tokens": 9, "n": 1}));
            for model in ["openai/gpt-5-mini", "o3", "gpt-10"] {
                assert_eq!(sent(false, model, body.clone()), body, "{model}");
            }
        }
    }

    #[test]
    fn of_two_bounds_the_newer_name_holds_and_without_one_there_is_none() {
        let both = json!({"max_tokens": 9, "max_completion_tokens": 5});
        assert_eq!(sent(false, "llama", both.clone()), json!({"max_tokens": 5}));
        assert_eq!(sent(true, "gpt-4o", both), json!({"max_completion_tokens": 5}));
        let neither = json!({"max_tokens": null});
        assert_eq!(sent(true, "gpt-4o", neither.clone()), neither);
    }
}
