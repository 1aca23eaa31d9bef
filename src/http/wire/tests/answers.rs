use super::{super::*, ID};
use crate::domain::{
    Candidate, Decision, DecisionMode, Difficulty, Exclusion, FeedbackSource, ModelId, Outcome, OutcomeStatus,
    Predicted, Propensity, Quality, Requirements, RoutingRule, TaskProbabilities, TaskType, Timings, UnixMillis, Usd,
};
use crate::store::DecisionRecord;
use serde_json::json;

fn decision() -> Decision {
    let cheap = ModelId::from("a/cheap");
    let candidate = |model: &ModelId, predicted, propensity, excluded_by| Candidate {
        model: model.clone(),
        predicted,
        propensity: Propensity::new(propensity).unwrap(),
        excluded_by,
    };
    let predicted = Predicted {
        prior: 0.8,
        quality: 0.9,
        spread: 0.1,
        quality_low: 0.85,
        cost_usd: Usd::new(0.001).unwrap(),
        latency_ms: 700.0,
        output_tokens: 120,
    };
    let quality_target = Quality::clipped(0.8);
    let mode = DecisionMode::Floor;
    Decision {
        id: ID.parse().unwrap(),
        request_id: "r1".into(),
        session_id: None,
        caller: None,
        at: UnixMillis(1_763_852_940_123),
        scope: "default".into(),
        policy: "default".to_owned(),
        policy_version: 3,
        features_version: "e+f1".to_owned(),
        rule: RoutingRule { mode, quality_target, kappa: 0.5, lambda_usd: 0.0, exploration: 0.01 },
        tasks: TaskProbabilities(vec![(TaskType::Math, 0.25), (TaskType::Coding, 0.75)]),
        difficulty: Difficulty::clipped(0.3),
        input_tokens: 12,
        requirements: Requirements::default(),
        context: vec![0.5; 30],
        candidates: vec![
            candidate(&cheap, Some(predicted), 1.0, None),
            candidate(&"b/blind".into(), None, 0.0, Some(Exclusion::NoVision)),
        ],
        chosen: cheap.clone(),
        greedy: cheap,
        explored: false,
        fallbacks: vec!["a/other".into()],
        target_met: true,
        reason: "cheapest".to_owned(),
        timings: Timings { queue_us: 1, encode_us: 2, classify_us: 3, decide_us: 4, total_us: 10 },
    }
}

#[test]
fn a_decision_names_one_model_and_says_why() {
    let shown = serde_json::to_value(DecisionBody::new(&decision(), Some("a"), false)).unwrap();
    let expected = json!({
        "decision_id": ID, "request_id": "r1", "model": "a/cheap", "provider": "a", "fallbacks": ["a/other"],
        "task": {"type": "coding", "probabilities": {"coding": 0.75, "math": 0.25}}, "difficulty": 0.3,
        "predicted": {"quality": 0.9, "quality_low": 0.85, "cost_usd": 0.001, "output_tokens": 120, "latency_ms": 700.0},
        "propensity": 1.0, "explored": false, "policy": "default", "policy_version": 3,
        "rule": {"mode": "floor", "quality_target": 0.8, "kappa": 0.5, "lambda_usd": 0.0, "exploration": 0.01},
        "target_met": true, "reason": "cheapest",
    });
    assert_eq!(shown, expected);
}

#[test]
fn an_explained_decision_shows_every_candidate_and_the_time() {
    let shown = serde_json::to_value(DecisionBody::new(&decision(), None, true)).unwrap();
    assert_eq!(shown["candidates"][0]["quality_low"], 0.85);
    let excluded = json!({
        "model": "b/blind", "quality": null, "quality_low": null, "cost_usd": null, "output_tokens": null,
        "latency_ms": null, "propensity": 0.0, "excluded_by": {"rule": "no_vision", "reason": "can't see images"},
    });
    assert_eq!(shown["candidates"][1], excluded);
    assert_eq!(shown["timings_us"], json!({"queue": 1, "encode": 2, "classify": 3, "decide": 4, "total": 10}));
}

#[test]
fn a_record_shows_what_came_of_the_decision() {
    let decision = decision();
    let outcome = Outcome {
        decision_id: decision.id,
        served_model: decision.chosen.clone(),
        completion_id: Some("chatcmpl-1".to_owned()),
        status: OutcomeStatus::Ok,
        input_tokens: Some(11),
        cached_tokens: Some(3),
        cache_write_tokens: Some(2),
        reasoning_tokens: None,
        attempts: Some(vec![]),
        output_tokens: None,
        cost_usd: None,
        cost_is_estimate: false,
        first_byte_ms: None,
        latency_ms: 650.0,
        at: UnixMillis(1_763_852_941_000),
    };
    let decision = Decision { session_id: Some("trip".into()), ..decision };
    let record = DecisionRecord { decision, outcomes: vec![outcome], feedback: vec![] };
    let shown = serde_json::to_value(DecisionRecordBody::new(&record, None)).unwrap();
    assert_eq!(shown["at"], "2025-11-22T23:09:00.123Z");
    assert_eq!((&shown["decision_id"], &shown["session_id"]), (&json!(ID), &json!("trip")));
    assert_eq!((&shown["outcomes"][0]["status"], &shown["outcomes"][0]["cost_usd"]), (&json!("ok"), &json!(null)));
    assert!(shown.get("context").is_none(), "features are for training");
}

#[test]
fn names_of_exclusions_are_those_of_the_log() {
    let exclusions = [
        Exclusion::ProviderDisabled,
        Exclusion::Unpriced,
        Exclusion::ContextWindow { needed: 2, limit: 1 },
        Exclusion::OutputLimit { needed: 2, limit: 1 },
        Exclusion::NoTools,
        Exclusion::NoVision,
        Exclusion::NoJsonSchema,
        Exclusion::NotAllowed,
        Exclusion::Denied,
        Exclusion::Region,
        Exclusion::DataPolicy,
        Exclusion::TooExpensive,
        Exclusion::TooSlow,
        Exclusion::Deprecated,
        Exclusion::Inexpressible { field: "seed".to_owned(), problem: "nothing is like it".to_owned() },
        Exclusion::Unwell { retry_after_ms: 1 },
    ];
    for exclusion in &exclusions {
        let logged = serde_json::to_value(exclusion).unwrap();
        let shown = serde_json::to_value(decision::ExclusionBody::from(exclusion)).unwrap();
        assert_eq!(logged["rule"], shown["rule"]);
    }
}

#[test]
fn names_on_the_wire_are_those_of_the_domain() {
    for source in FeedbackSource::ALL {
        assert_eq!(serde_json::to_value(names::Source::from(source)).unwrap(), source.as_str());
    }
    for mode in [DecisionMode::Floor, DecisionMode::Average, DecisionMode::Budget] {
        assert_eq!(serde_json::to_value(names::Mode::from(mode)).unwrap(), mode.as_str());
    }
}
