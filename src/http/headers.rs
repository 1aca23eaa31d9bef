//! Our own response headers: a small set, details stand behind the decision's id.

use crate::{
    domain::{Decision, ModelId, Usd},
    router::{CacheResult, ChatFailure, KeptAnswer},
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header::AGE};

const DECISION_ID: HeaderName = HeaderName::from_static("x-satisfice-decision-id");
const MODEL: HeaderName = HeaderName::from_static("x-satisfice-model");
const POLICY_VERSION: HeaderName = HeaderName::from_static("x-satisfice-policy-version");
const OVERHEAD_MS: HeaderName = HeaderName::from_static("x-satisfice-overhead-ms");
const COST_USD: HeaderName = HeaderName::from_static("x-satisfice-cost-usd");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-satisfice-attempts");
const CACHE: HeaderName = HeaderName::from_static("x-satisfice-cache");
const SIMILARITY: HeaderName = HeaderName::from_static("x-satisfice-similarity");
const SAVED_USD: HeaderName = HeaderName::from_static("x-satisfice-saved-usd");

/// Headers of a decision; `served` is the model that the answer comes from, the chosen one before anything is served.
pub(super) fn of_decision(decision: &Decision, served: &ModelId) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, DECISION_ID, &decision.id.to_string());
    put(&mut headers, MODEL, served.as_str());
    put(&mut headers, POLICY_VERSION, &decision.policy_version.to_string());
    put(&mut headers, OVERHEAD_MS, &format!("{:.3}", decision.timings.total_us as f64 / 1e3));
    headers
}

/// Headers of an answer that nothing was decided for: the caller named the model.
pub(super) fn of_model(served: &ModelId) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, MODEL, served.as_str());
    headers
}

/// Headers of an answer that failed; the model is the one that was tried last.
pub(super) fn of_failure(failure: &ChatFailure) -> HeaderMap {
    let mut headers = of_decision(&failure.decision, &failure.last);
    add_forwarding(&mut headers, u32::try_from(failure.attempts.len()).unwrap_or(u32::MAX), None);
    headers
}

/// Adds what forwarding came to: provider calls made, and the bill where it is known already.
pub(super) fn add_forwarding(headers: &mut HeaderMap, attempts: u32, cost: Option<Usd>) {
    put(headers, ATTEMPTS, &attempts.to_string());
    if let Some(cost) = cost {
        put(headers, COST_USD, &format!("{:.8}", cost.get()));
    }
}

/// Adds what the cache did for a request, where it is on.
pub(super) fn add_cache(headers: &mut HeaderMap, result: Option<CacheResult>) {
    if let Some(result) = result {
        let word = match result {
            CacheResult::Hit => "hit",
            CacheResult::SemanticHit => "semantic-hit",
            CacheResult::Stale => "stale",
            CacheResult::Miss => "miss",
            CacheResult::Bypass => "bypass",
        };
        headers.insert(CACHE, HeaderValue::from_static(word));
    }
}

/// Headers of an answer that was kept: of the decision that it came from, so that feedback goes there, with a bill of nothing.
pub(super) fn of_kept(kept: &KeptAnswer) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, DECISION_ID, &kept.decision.to_string());
    put(&mut headers, MODEL, kept.served.as_str());
    put(&mut headers, POLICY_VERSION, &kept.policy_version.to_string());
    put(&mut headers, OVERHEAD_MS, &format!("{:.3}", kept.took.as_secs_f64() * 1e3));
    add_forwarding(&mut headers, 0, Some(Usd::ZERO));
    add_cache(&mut headers, Some(kept.result));
    if let Some(similarity) = kept.similarity {
        put(&mut headers, SIMILARITY, &format!("{similarity:.4}"));
    }
    put(&mut headers, AGE, &kept.age.as_secs().to_string());
    if let Some(saved) = kept.saved {
        put(&mut headers, SAVED_USD, &format!("{:.8}", saved.get()));
    }
    headers
}

/// A value that can't stand in a header (a model's name with a line break) is left out.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
