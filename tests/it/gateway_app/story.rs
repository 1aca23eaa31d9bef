//! Header, body, log and the providers' bills tell one story.

use super::{Ending, GatewayApp, Told, Wire};
use crate::{
    support::Answer,
    upstream::{Bill, Seen},
};
use serde_json::Value;
use std::collections::BTreeMap;

/// A request with all that is known about it.
pub(crate) struct Story {
    pub(crate) answer: Answer,
    /// What was said; `None` when the status is an error's.
    pub(crate) told: Option<Told>,
    /// The decision.
    pub(crate) record: Value,
    /// Its only outcome.
    pub(crate) outcome: Value,
    /// Calls to providers, as the header says.
    pub(crate) attempts: u64,
}

impl Story {
    /// Checks the answer to the only request since the `before` of calls and bills.
    ///
    /// # Panics
    /// When two of them differ.
    pub(super) async fn check(
        app: &GatewayApp,
        wire: Wire,
        stream: bool,
        answer: Answer,
        before: (usize, BTreeMap<String, Bill>),
    ) -> Self {
        let story = Self::read(app, wire, stream, answer).await;
        let made = (app.calls() - before.0) as u64;
        // A call that found no connection arrived nowhere.
        assert!(story.attempts >= made, "{} calls in the header, {made} arrived", story.attempts);
        let mut bills = app.bills();
        bills.retain(|id, bill| bill.delivered && !before.1.get(id).is_some_and(|bill| bill.delivered));
        if story.is_answered() {
            let id = story.outcome["completion_id"].as_str().unwrap_or_default();
            assert_eq!(bills.keys().map(String::as_str).collect::<Vec<_>>(), [id], "one answer, one bill");
        }
        story
    }

    /// The same for one request among many: calls are not counted.
    pub(crate) async fn read(app: &GatewayApp, wire: Wire, stream: bool, answer: Answer) -> Self {
        let decision =
            answer.header("x-satisfice-decision-id").unwrap_or_else(|| panic!("no decision: {}", answer.text));
        let record = app.record(decision).await;
        let outcomes = record["outcomes"].as_array().unwrap_or_else(|| panic!("no outcomes: {record}"));
        assert_eq!(outcomes.len(), 1, "one request, one outcome: {record}");
        let outcome = outcomes[0].clone();
        let told = (answer.status == 200).then(|| Told::of(wire, stream, &answer));
        let attempts = answer.header("x-satisfice-attempts").and_then(|n| n.parse().ok()).expect("attempts");
        let story = Self { answer, told, record, outcome, attempts };
        story.names_one_model();
        story.tells_no_secrets();
        match &story.told {
            Some(told) if told.ending == Ending::Whole => story.is_billed(app, wire, stream, told),
            _ => story.failed_clearly(wire),
        }
        story
    }

    /// Whether all of an answer was given.
    pub(crate) fn is_answered(&self) -> bool {
        self.told.as_ref().is_some_and(|told| told.ending == Ending::Whole)
    }

    /// The model that served, or was tried last.
    pub(crate) fn model(&self) -> &str {
        self.outcome["served_model"].as_str().unwrap_or_default()
    }

    /// The error's message, before or within a stream.
    pub(crate) fn error(&self) -> String {
        match &self.told {
            Some(Told { ending: Ending::Error(message), .. }) => message.clone(),
            _ => self.answer.json()["error"]["message"].as_str().unwrap_or_default().to_owned(),
        }
    }

    /// # Panics
    /// When it was not answered by this model after so many calls.
    #[track_caller]
    pub(crate) fn is_answered_by(&self, model: &str, attempts: u64) {
        assert!(self.is_answered(), "{} {}", self.answer.status, self.answer.text);
        assert_eq!((self.model(), self.attempts), (model, attempts), "{}", self.record);
    }

    fn names_one_model(&self) {
        let header = self.answer.header("x-satisfice-model");
        assert_eq!(header, Some(self.model()), "{}", self.record);
        let logged = match &self.outcome["attempts"] {
            Value::Array(attempts) => Some(attempts.len() as u64),
            other => other.as_u64(),
        };
        assert_eq!(logged, Some(self.attempts), "the log's attempts and the header's: {}", self.record);
        if let Some(told) = &self.told {
            assert_eq!(told.model, self.model(), "{}", self.answer.text);
        }
    }

    /// Neither addresses nor keys are for the client.
    fn tells_no_secrets(&self) {
        for secret in ["127.0.0.1", "sek-"] {
            assert!(!self.answer.text.contains(secret), "{secret}: {}", self.answer.text);
            assert!(!self.record.to_string().contains(secret), "{secret}: {}", self.record);
        }
    }

    fn is_billed(&self, app: &GatewayApp, wire: Wire, stream: bool, told: &Told) {
        assert_eq!(self.outcome["status"], "ok", "{}", self.record);
        let provider = self.model().split('/').next().unwrap_or_default();
        let id = self.outcome["completion_id"].as_str().expect("a completion id");
        let bill = app.upstream(provider).bill(id).unwrap_or_else(|| panic!("{provider} never gave {id}"));
        assert!(bill.delivered, "{bill:?}");
        // A response's id is made from the completion's.
        let is_named = if wire == Wire::Responses { told.id.ends_with(id) } else { told.id == id };
        assert!(is_named, "{} is not {id}", told.id);
        let (input, output) = (u64::from(bill.tokens.input), u64::from(bill.tokens.output));
        assert_eq!(told.usage, Some((input, output)), "{bill:?}: {}", self.answer.text);
        assert_eq!((&self.outcome["input_tokens"], &self.outcome["output_tokens"]), (&input.into(), &output.into()));
        let from_and_to_cache = (&self.outcome["cached_tokens"], &self.outcome["cache_write_tokens"]);
        assert_eq!(from_and_to_cache, (&bill.tokens.cached.into(), &bill.tokens.written.into()), "{}", self.record);
        let cost = self.outcome["cost_usd"].as_f64().expect("a cost");
        let expected = app.cost(&bill);
        if self.had_unheard() {
            assert_eq!(self.outcome["cost_is_estimate"], true, "{}", self.record);
            assert!(cost > expected, "{cost} logged, {expected} billed, and more was sent: {bill:?}");
            return;
        }
        assert!((cost - expected).abs() < 1e-12, "{cost} logged, {expected} billed: {bill:?}");
        if !stream {
            let header: f64 = self.answer.header("x-satisfice-cost-usd").and_then(|c| c.parse().ok()).expect("a price");
            assert!((header - cost).abs() < 1e-8, "{header} {cost}");
        }
    }

    /// Whether a call beside the answer's may be billed too, and its answer was never heard or could not be read: an estimate
    /// stands for it. A connection may break when the provider has done its work, or before.
    fn had_unheard(&self) -> bool {
        let attempts = self.outcome["attempts"].as_array().into_iter().flatten();
        attempts.into_iter().any(|attempt| match attempt["result"].as_str() {
            Some("malformed" | "timeout" | "abandoned") => true,
            Some("connection") => self.outcome["cost_is_estimate"] == true,
            _ => false,
        })
    }

    fn failed_clearly(&self, wire: Wire) {
        let status = self.outcome["status"].as_str().unwrap_or_default();
        assert!(matches!(status, "upstream_error" | "timeout"), "{}", self.record);
        assert!(!self.error().is_empty(), "{}", self.answer.text);
        match &self.told {
            Some(told) => assert_ne!(told.ending, Ending::Torn, "a client can't tell: {}", self.answer.text),
            None => {
                assert!(self.answer.status.as_u16() >= 400);
                let body = self.answer.json();
                assert!(body["error"]["type"].is_string(), "{body}");
                assert_eq!(wire == Wire::Messages, body["type"] == "error", "the dialect's own envelope: {body}");
            }
        }
    }
}

/// Keys and ends of requests, for messages of assertions.
pub(crate) fn ends(seen: &[Seen]) -> Vec<String> {
    seen.iter().map(|seen| format!("{:?} {:?}", seen.fault, seen.end)).collect()
}
