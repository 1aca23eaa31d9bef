//! What a call may cost at most, so that a budget can hold it before it is made, and the bound on output that follows from
//! what the budget holds.

use crate::{
    access::Stake,
    catalog::{BilledTokens, ModelEntry, Price},
    dialect::Object,
    domain::{Predicted, Prompt, Usd},
};
use serde_json::Value;
use std::sync::Arc;

/// Tokens that a provider's template adds to a message, at most about.
const TEMPLATE_TOKENS: usize = 8;
/// Tokens of all images together. There is no bound: providers count them in many ways.
const IMAGE_TOKENS: usize = 8192;
/// USD by which what is put aside may be less than what it is for: ledgers count in trillionths.
const SLACK: f64 = 1e-11;
/// The names that chat completions have for the bound on output.
const BOUNDS: [&str; 2] = ["max_completion_tokens", "max_tokens"];

/// What bounds the cost of a request, whichever model it is sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stakes {
    /// Tokens of input at most: no token has less than a byte.
    input: u32,
    /// The bound that was asked for, tokens.
    output: Option<u32>,
    /// Answers that are asked for.
    choices: u32,
}

impl Stakes {
    /// Of a request and its body as a chat completion.
    pub(super) fn of_request(prompt: &Prompt, body: &Object) -> Self {
        let images = if prompt.requirements.vision { IMAGE_TOKENS } else { 0 };
        let input = prompt.bytes() + prompt.schema_bytes + TEMPLATE_TOKENS * (prompt.turns.len() + 1) + images;
        let choices = body.get("n").and_then(Value::as_u64).unwrap_or(1);
        Self {
            input: u32::try_from(input).unwrap_or(u32::MAX),
            output: prompt.requirements.max_output_tokens,
            choices: u32::try_from(choices).unwrap_or(u32::MAX).max(1),
        }
    }

    /// For a call of this model.
    pub(super) fn of(&self, model: &ModelEntry, predicted: Option<&Predicted>) -> Stake {
        let expected = predicted.map_or(Usd::ZERO, |predicted| predicted.cost_usd);
        let Some(price) = &model.price else { return expected.into() };
        let expected_output = predicted.map_or(0, |predicted| predicted.output_tokens);
        Stake {
            expected,
            least: self.cost(price, expected_output),
            most: self.cost(price, self.output.unwrap_or(u32::MAX).min(model.max_output_tokens)),
        }
    }

    /// The bound on output, tokens, that keeps a call of this model within what was put aside; `None` where what holds anyway
    /// does.
    pub(super) fn bound(&self, model: &ModelEntry, money: Usd) -> Option<u32> {
        let price = model.price.as_ref()?;
        let most = self.output.unwrap_or(u32::MAX).min(model.max_output_tokens);
        let fits_in = |output| self.cost(price, output).get() <= money.get() + SLACK;
        if fits_in(most) {
            return None;
        }
        // The cost grows with the output, and not always by the same step: long inputs have other rates.
        let (mut fits, mut too_much) = (0, most);
        while too_much - fits > 1 {
            let middle = fits + (too_much - fits) / 2;
            if fits_in(middle) {
                fits = middle;
            } else {
                too_much = middle;
            }
        }
        Some(fits.max(1))
    }

    /// With this bound on output.
    pub(super) const fn bounded(self, output: u32) -> Self {
        Self { output: Some(output), ..self }
    }

    /// What the input, at its dearest, and so many tokens for each answer cost.
    fn cost(&self, price: &Price, output: u32) -> Usd {
        let tokens =
            BilledTokens { input: self.input, output: output.saturating_mul(self.choices), ..Default::default() };
        let written = BilledTokens { cache_write: self.input, ..tokens };
        let (read, written) = (price.cost(tokens), price.cost(written));
        if written.get() > read.get() { written } else { read }
    }
}

/// The body with this bound on output, under the name that it has there.
pub(super) fn with_bound(body: &Arc<Object>, bound: u32) -> Arc<Object> {
    let mut body = Object::clone(body);
    let named: Vec<&str> =
        BOUNDS.into_iter().filter(|name| body.get(*name).is_some_and(|value| !value.is_null())).collect();
    for name in if named.is_empty() { vec![BOUNDS[1]] } else { named } {
        body.insert(name.to_owned(), Value::from(bound));
    }
    Arc::new(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::Catalog, domain::Requirements};
    use serde_json::json;

    const CATALOG: &str = r#"
[[providers]]
id = "acme"
name = "Acme"
base_url = "https://acme.example/v1/"
key_env = ["ACME_API_KEY"]

[[models]]
id = "acme/one"
provider = "acme"
upstream_name = "one"
context_window = 128000
max_output_tokens = 4096
tier = "medium"
capabilities = []
price = { input = 1, output = 10, cache_write = 2, source = "made up", as_of = "2026-11-24" }
"#;

    fn model() -> ModelEntry {
        Catalog::parse(CATALOG, "test.toml").expect("a catalogue").models()[0].clone()
    }

    fn object(value: Value) -> Object {
        value.as_object().expect("an object").clone()
    }

    #[test]
    fn the_dearest_input_and_every_answer_count() {
        let prompt = Prompt {
            requirements: Requirements { max_output_tokens: Some(100), ..Default::default() },
            ..Prompt::user("x".repeat(84))
        };
        let stakes = Stakes::of_request(&prompt, &object(json!({"n": 3})));
        assert_eq!(stakes, Stakes { input: 100, output: Some(100), choices: 3 });
        let usd = stakes.of(&model(), None).most.get();
        assert!((usd - (100.0 * 2.0 + 300.0 * 10.0) / 1e6).abs() < 1e-12, "{usd}");
    }

    #[test]
    fn the_bound_is_the_longest_output_that_is_paid_for() {
        let model = model();
        let stakes = Stakes { input: 100, output: None, choices: 2 };
        let stake = stakes.of(&model, None);
        assert_eq!(stakes.bound(&model, stake.most), None);
        // Rounding to a trillionth takes nothing away.
        assert_eq!(stakes.bound(&model, Usd::new(stake.most.get() - 5e-13).expect("money")), None);
        let bound = stakes.bound(&model, Usd::new(0.01).expect("money")).expect("less than the most");
        // 200 µ$ for the input, 20 µ$ for a token of each answer.
        assert_eq!(bound, 490);
        assert!(stakes.bounded(bound).of(&model, None).most.get() <= 0.01);
        assert_eq!(stakes.bound(&model, Usd::ZERO), Some(1));
        assert_eq!(stakes.bounded(50).bound(&model, Usd::new(0.01).expect("money")), None);
    }

    #[test]
    fn a_bound_is_written_under_the_name_that_is_there() {
        let bounded = |body: Value| Value::Object(Object::clone(&with_bound(&Arc::new(object(body)), 7)));
        assert_eq!(bounded(json!({"model": "m"})), json!({"model": "m", "max_tokens": 7}));
        assert_eq!(bounded(json!({"max_completion_tokens": 9})), json!({"max_completion_tokens": 7}));
        assert_eq!(
            bounded(json!({"max_tokens": 9, "max_completion_tokens": null})),
            json!({"max_tokens": 7, "max_completion_tokens": null})
        );
    }
}
