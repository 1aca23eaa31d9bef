use super::{super::*, ID, assert_refused};
use crate::{
    access::Caller,
    domain::{FeedbackSource, Quality, Reward, UnixMillis},
    http::{body::parse, error::ApiError},
    store::{FeedbackTarget, NewFeedback},
};
use serde_json::{Value, json};

fn feedback(body: &Value) -> Result<NewFeedback, ApiError> {
    parse::<FeedbackBody>(&body.to_string())?.into_new(&Caller::default(), None, UnixMillis(7))
}

#[test]
fn bad_feedback_is_refused_with_the_field_at_fault() {
    let cases = [
        (json!({"score": 1}), "decision_id"),
        (json!({"decision_id": ID}), "score"),
        (json!({"decision_id": "x", "score": 1}), "decision_id"),
        (json!({"decision_id": ID, "id": "chatcmpl-1", "score": 1}), "completion_id"),
        (json!({"completion_id": "", "score": 1}), "completion_id"),
        (json!({"decision_id": ID, "score": 1.01}), "score"),
        (json!({"decision_id": ID, "score": "1"}), "score"),
        (json!({"decision_id": ID, "score": true}), "score"),
        (json!({"decision_id": ID, "score": 1, "verdict": "failed"}), "verdict"),
        (json!({"decision_id": ID, "score": null, "thumbs": "up"}), "thumbs"),
        (json!({"decision_id": ID, "thumbs": "sideways"}), "thumbs"),
        (json!({"decision_id": ID, "verdict": "great"}), "verdict"),
        (json!({"decision_id": ID, "score": 1, "source": "me"}), "source"),
        (json!({"decision_id": ID, "score": 1, "idempotency_key": ""}), "idempotency_key"),
        (json!({"decision_id": ID, "score": 1, "idempotency_key": "k".repeat(256)}), "idempotency_key"),
        (json!({"decision_id": ID, "score": 1, "comment": "c".repeat(16_385)}), "comment"),
        (json!({"decision_id": ID, "scor": 1}), "scor"),
    ];
    for (body, param) in &cases {
        assert_refused(feedback(body), param, body);
    }
}

#[test]
fn every_way_to_say_a_score_is_understood() {
    let score = |v: f64| Reward::Score(Quality::clipped(v));
    let cases = [
        (json!({"score": 1}), score(1.0)),
        (json!({"score": 0.25}), score(0.25)),
        (json!({"score": null}), Reward::Revoked),
        (json!({"thumbs": "up"}), score(1.0)),
        (json!({"thumbs": "down"}), score(0.0)),
        (json!({"verdict": "good_fit"}), score(0.95)),
        (json!({"verdict": "overprovisioned", "thumbs": null}), score(1.0)),
    ];
    for (mut body, reward) in cases {
        body["decision_id"] = json!(ID);
        let new = feedback(&body).unwrap();
        assert_eq!((new.reward, new.source), (reward, FeedbackSource::User), "{body}");
    }
}

#[test]
fn every_name_of_a_decision_is_understood() {
    let target = |body: Value| feedback(&body).unwrap().target;
    assert_eq!(target(json!({"decision_id": ID, "score": 1})), FeedbackTarget::Decision(ID.parse().unwrap()));
    let completion = FeedbackTarget::Completion("chatcmpl-1".to_owned());
    assert_eq!(target(json!({"completion_id": "chatcmpl-1", "score": 1})), completion);
    assert_eq!(target(json!({"id": "chatcmpl-1", "score": 1})), completion);
    assert_eq!(target(json!({"request_id": "r1", "score": 1})), FeedbackTarget::Request("r1".into()));
}

#[test]
fn a_key_in_header_and_body_must_be_the_same() {
    let with = |body_key: Option<&str>, header: &str| {
        let body = json!({"decision_id": ID, "score": 1, "idempotency_key": body_key});
        let body: FeedbackBody = parse(&body.to_string()).unwrap();
        body.into_new(&Caller::default(), Some(header.to_owned()), UnixMillis(0))
    };
    assert_eq!(with(None, "h").unwrap().idempotency_key.as_deref(), Some("h"));
    assert_eq!(with(Some("h"), "h").unwrap().idempotency_key.as_deref(), Some("h"));
    assert_refused(with(Some("b"), "h"), "idempotency_key", &"b and h");
}
