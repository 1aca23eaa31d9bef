//! Names of span and event fields. `gen_ai.*` follow the OpenTelemetry semantic conventions for generative AI, whose
//! status is still "development" (<https://opentelemetry.io/docs/specs/semconv/gen-ai/>, looked up 2026-11-22).
//! `tracing` macros take them as `{ fields::REQUEST_MODEL } = …`.

/// The request's id.
pub const REQUEST_ID: &str = "request_id";
/// The decision's id.
pub const DECISION_ID: &str = "decision_id";
/// The policy's name.
pub const POLICY: &str = "policy";
/// Feedbacks folded into the posterior that decided.
pub const POLICY_VERSION: &str = "policy_version";
/// The kind of operation, `chat` for completions.
pub const OPERATION: &str = "gen_ai.operation.name";
/// The provider that is called.
pub const PROVIDER: &str = "gen_ai.provider.name";
/// The model that is asked for upstream.
pub const REQUEST_MODEL: &str = "gen_ai.request.model";
/// The model that answered.
pub const RESPONSE_MODEL: &str = "gen_ai.response.model";
/// Input tokens as the provider counts them.
pub const INPUT_TOKENS: &str = "gen_ai.usage.input_tokens";
/// Output tokens as the provider counts them.
pub const OUTPUT_TOKENS: &str = "gen_ai.usage.output_tokens";
