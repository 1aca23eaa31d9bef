//! Feedback as callers give it, and the receipt.

use super::{
    super::error::{ApiError, ErrorBody},
    names::{Source, VerdictName},
    record::score,
};
use crate::{
    access::Caller,
    domain::{DecisionId, FeedbackSource, Quality, RequestId, Reward, UnixMillis, Verdict},
    store::{FeedbackReceipt, FeedbackTarget, NewFeedback},
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Schema, Type},
};

/// Longest key for safe repeats, bytes.
pub(crate) const MAX_KEY: usize = 255;
/// Longest id of a completion or request, bytes.
const MAX_ID: usize = 255;
/// Longest comment, bytes.
const MAX_COMMENT: usize = 16 << 10;
/// Most feedbacks in a batch.
pub(crate) const MAX_BATCH: usize = 1000;

/// A thumb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Thumbs {
    /// Score 1.
    Up,
    /// Score 0.
    Down,
}

/// What somebody says about an answer: exactly one of `decision_id`, `completion_id` and `request_id`, and exactly one
/// of `score`, `thumbs` and `verdict`.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeedbackBody {
    /// The decision.
    #[serde(default)]
    #[schema(format = "uuid")]
    decision_id: Option<String>,
    /// The `id` of a completion, message or response; the field may also be called `id`.
    #[serde(default, alias = "id")]
    #[schema(min_length = 1, max_length = 255)]
    completion_id: Option<String>,
    /// The `x-request-id` of the request.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255)]
    request_id: Option<String>,
    /// 0 (useless) to 1 (as good as it gets); `null` takes back the earlier score of this source.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1)]
    score: Option<Option<Quality>>,
    /// A thumb.
    #[serde(default)]
    thumbs: Option<Thumbs>,
    /// A score in words.
    #[serde(default)]
    verdict: Option<VerdictName>,
    /// Who says so; `user` unless given.
    #[serde(default)]
    source: Option<Source>,
    /// Free text, stored as given and never learned from.
    #[serde(default)]
    #[schema(max_length = 16384)]
    comment: Option<String>,
    /// Makes repeats safe: the same key with the same feedback is a no-op. Also as the header `Idempotency-Key`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 255)]
    idempotency_key: Option<String>,
}

/// What names an answer.
const SUBJECTS: [&str; 3] = ["decision_id", "completion_id", "request_id"];
/// What a feedback says, as far as it can be said in words.
const WORDS: [&str; 2] = ["thumbs", "verdict"];

/// The schema of [`FeedbackBody`]: its fields, exactly one that names an answer, and exactly one that says what it was worth.
pub(crate) struct FeedbackSchema;

impl PartialSchema for FeedbackSchema {
    fn schema() -> RefOr<Schema> {
        let example = serde_json::json!({
            "decision_id": "0199f3c2-6c1e-7a51-9a55-1f5a3a1c9a2e", "score": 0.9, "source": "user",
        });
        let rules = AllOfBuilder::new().item(FeedbackBody::schema()).item(one_subject()).item(one_score());
        let text = "What somebody says about an answer: exactly one of `decision_id`, `completion_id` and `request_id`, and \
                    exactly one of `score`, `thumbs` and `verdict`.";
        rules.description(Some(text)).examples([example]).into()
    }
}

impl ToSchema for FeedbackSchema {
    fn name() -> Cow<'static, str> {
        FeedbackBody::name()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        FeedbackBody::schemas(schemas);
    }
}

fn one_subject() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let only = |field: &&str| without(SUBJECTS, field).required(*field).property(*field, text());
    Schema::OneOf(SUBJECTS.iter().map(only).fold(OneOfBuilder::new(), OneOfBuilder::item).build())
}

/// A score may be null, so the others must be without it.
fn one_score() -> Schema {
    let names = ["source", "comment", "idempotency_key"].into_iter().chain(SUBJECTS).chain(WORDS);
    let names: Vec<&str> = names.collect();
    let word = |field: &str, name: Cow<'static, str>| {
        let others = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(names.clone()));
        let only = without(WORDS, field).required(field).property(field, Ref::from_schema_name(name));
        only.property_names(Some(others.build()))
    };
    let scores = OneOfBuilder::new().item(without(WORDS, "score").required("score"));
    let words = scores.item(word("thumbs", Thumbs::name())).item(word("verdict", VerdictName::name()));
    Schema::OneOf(words.build())
}

/// None of these fields but one.
fn without<const N: usize>(fields: [&'static str; N], but: &str) -> ObjectBuilder {
    let null = || ObjectBuilder::new().schema_type(Type::Null);
    let others = fields.into_iter().filter(|field| *field != but);
    others.fold(ObjectBuilder::new(), |object, field| object.property(field, null()))
}

/// Tells `null` from absent: called only for a field that is there.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<Quality>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl FeedbackBody {
    /// The feedback for the store; `header_key` is the key of the request's header.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(crate) fn into_new(
        self,
        caller: &Caller,
        header_key: Option<String>,
        at: UnixMillis,
    ) -> Result<NewFeedback, ApiError> {
        let reward = self.reward()?;
        let target = self.target()?;
        within("comment", self.comment.as_deref(), 0, MAX_COMMENT)?;
        within("idempotency_key", self.idempotency_key.as_deref(), 1, MAX_KEY)?;
        let idempotency_key = match (self.idempotency_key, header_key) {
            (Some(body), Some(header)) if body != header => {
                let message = "`idempotency_key` and the header Idempotency-Key differ; give one of them";
                return Err(ApiError::invalid("idempotency_key", message));
            }
            (body, header) => body.or(header),
        };
        let source = self.source.map_or(FeedbackSource::User, Into::into);
        let tenant = caller.sees().cloned();
        Ok(NewFeedback { target, tenant, source, reward, idempotency_key, comment: self.comment, at })
    }

    /// Whether it brings its own key for safe repeats.
    pub(crate) const fn has_key(&self) -> bool {
        self.idempotency_key.is_some()
    }

    fn target(&self) -> Result<FeedbackTarget, ApiError> {
        let given = [
            ("decision_id", self.decision_id.as_deref()),
            ("completion_id", self.completion_id.as_deref()),
            ("request_id", self.request_id.as_deref()),
        ];
        let (field, id) = exactly_one(given)?;
        within(field, Some(id), 1, MAX_ID)?;
        Ok(match field {
            "decision_id" => {
                let id: DecisionId = id.parse().map_err(|e| ApiError::invalid(field, format!("{field}: {e}")))?;
                FeedbackTarget::Decision(id)
            }
            "completion_id" => FeedbackTarget::Completion(id.to_owned()),
            _ => FeedbackTarget::Request(RequestId::from(id)),
        })
    }

    fn reward(&self) -> Result<Reward, ApiError> {
        let of_thumbs = |thumbs| Quality::clipped(if thumbs == Thumbs::Up { 1.0 } else { 0.0 });
        let given = [
            ("score", self.score.map(|s| s.map_or(Reward::Revoked, Reward::Score))),
            ("thumbs", self.thumbs.map(|t| Reward::Score(of_thumbs(t)))),
            ("verdict", self.verdict.map(|v| Reward::Score(Verdict::from(v).quality()))),
        ];
        exactly_one(given).map(|(_, reward)| reward)
    }
}

fn exactly_one<T, const N: usize>(fields: [(&'static str, Option<T>); N]) -> Result<(&'static str, T), ApiError> {
    let names = fields.each_ref().map(|(name, _)| *name).join(", ");
    let mut given = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
    match (given.next(), given.next()) {
        (Some(one), None) => Ok(one),
        (Some((first, _)), Some((second, _))) => {
            let message = format!("`{first}` and `{second}` were both given; give exactly one of {names}");
            Err(ApiError::invalid(second, message))
        }
        (None, _) => {
            let first = names.split(',').next().unwrap_or_default();
            Err(ApiError::missing(first, format!("exactly one of {names} is needed")))
        }
    }
}

/// Whether a text is as long as it may be, in bytes.
fn within(field: &str, text: Option<&str>, shortest: usize, longest: usize) -> Result<(), ApiError> {
    match text.map(str::len) {
        Some(n) if n < shortest => Err(ApiError::invalid(field, format!("{field} is empty"))),
        Some(n) if n > longest => {
            Err(ApiError::invalid(field, format!("{field} has {n} bytes, at most {longest} fit")))
        }
        _ => Ok(()),
    }
}

/// What came of a feedback.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct ReceiptBody {
    /// The decision that it was found to be about.
    decision_id: String,
    /// The model that is credited.
    #[schema(example = "openai/gpt-5-mini")]
    model: String,
    /// Who says so.
    source: Source,
    /// The score in force; null after a revocation.
    #[schema(example = 0.9)]
    score: Option<f64>,
    /// Its number in the log of the decision's scope; null when there was nothing to take back.
    number: Option<u64>,
    /// This call added it.
    applied: bool,
    /// It replaced an earlier score of this source.
    revised: bool,
    /// The log said so already: the key was seen, or the score stood.
    repeated: bool,
}

impl From<FeedbackReceipt> for ReceiptBody {
    fn from(receipt: FeedbackReceipt) -> Self {
        Self {
            decision_id: receipt.decision_id.to_string(),
            model: receipt.model.to_string(),
            source: receipt.source.into(),
            score: score(receipt.reward),
            number: receipt.number,
            applied: receipt.applied,
            revised: receipt.revised,
            repeated: receipt.repeated,
        }
    }
}

/// Many feedbacks, accepted or refused one by one.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBody {
    /// 1 to 1000 feedbacks.
    #[schema(value_type = Vec<FeedbackSchema>, min_items = 1, max_items = 1000)]
    pub(crate) feedback: Vec<Value>,
}

/// What came of each feedback, in the order of the request.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct BatchReceipt {
    /// A result for each.
    pub(crate) results: Vec<BatchResult>,
}

/// What came of one feedback of a batch: the fields of a receipt, or an error.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum BatchResult {
    /// It is in the log.
    Accepted(AcceptedItem),
    /// It is not.
    Refused(RefusedItem),
}

/// An accepted feedback of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct AcceptedItem {
    /// Always 200.
    #[schema(example = 200)]
    status: u16,
    /// The receipt's fields.
    #[serde(flatten)]
    receipt: ReceiptBody,
}

/// A refused feedback of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct RefusedItem {
    /// The HTTP status that it would have had on its own.
    #[schema(example = 404)]
    status: u16,
    /// Why; `param` starts with its place in the batch.
    error: ErrorBody,
}

impl BatchResult {
    /// What came of the feedback at this place of the batch.
    pub(crate) fn new(index: usize, result: Result<ReceiptBody, ApiError>) -> Self {
        match result {
            Ok(receipt) => Self::Accepted(AcceptedItem { status: 200, receipt }),
            Err(error) => {
                let error = error.within(&format!("feedback[{index}]"));
                Self::Refused(RefusedItem { status: error.status().as_u16(), error: error.into_body() })
            }
        }
    }
}
