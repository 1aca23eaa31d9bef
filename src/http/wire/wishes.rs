//! The `route` object and the `model` field: what a caller may wish for.

use super::{
    super::error::ApiError,
    names::{CacheName, DataPolicyName, Mode},
};
use crate::{
    domain::{DataDemands, Quality, Region, SessionId, Usd},
    router::{ModelChoice, RouteOptions},
};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::ToSchema;

/// Longest name of a session, characters.
const MAX_SESSION_ID: usize = 128;

/// Wishes for one request; what is absent comes from the policy.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wishes {
    /// Quality that is good enough.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 1, example = 0.85)]
    quality_target: Option<Quality>,
    /// What "good enough" means over many requests.
    #[serde(default)]
    mode: Option<Mode>,
    /// The most that the request may be expected to cost, USD.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0, example = 0.01)]
    max_cost_usd: Option<Usd>,
    /// The longest that the whole answer may be expected to take, milliseconds.
    #[serde(default, deserialize_with = "not_negative")]
    #[schema(minimum = 0, example = 8000)]
    max_latency_ms: Option<f64>,
    /// Only these models; patterns such as `anthropic/*`. Empty allows all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["anthropic/*", "openai/gpt-5-mini"]))]
    models: Option<Vec<String>>,
    /// Not these models; patterns as above.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["*-preview"]))]
    exclude: Option<Vec<String>>,
    /// Only providers that process requests in one of these regions, as the operator says; `eu` covers `eu-central-1`. Empty
    /// allows all.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["eu"]))]
    regions: Option<Vec<Region>>,
    /// Only providers that keep to this policy or to a stricter one, as the operator says.
    #[serde(default)]
    data_policy: Option<DataPolicyName>,
    /// Your name for the conversation, printable. The result of a tool goes to the model that the session used last.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 128, pattern = r"^[^\x00-\x1F\x7F-\x9F]+$", example = "trip-to-rome")]
    session_id: Option<String>,
    /// Which answers may be given again to this request, as far as the policy allows it. Asked for, also to a request that asks
    /// for sampling.
    #[serde(default)]
    cache: Option<CacheName>,
    /// Answer with all candidates and timings.
    #[serde(default)]
    explain: Option<bool>,
}

fn not_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(deserializer)? {
        Some(value) if value < 0.0 => Err(D::Error::custom(format!("must be a number of at least 0, got {value}"))),
        checked => Ok(checked),
    }
}

impl Wishes {
    /// Whether candidates and timings are wanted.
    pub(super) fn explain(&self) -> bool {
        self.explain.unwrap_or(false)
    }

    /// The router's options; `auto_target` is the target that the model's name asked for.
    ///
    /// # Errors
    /// 400 when the target is given in both places, or the session has no proper name.
    pub(super) fn into_options(self, auto_target: Option<Quality>) -> Result<RouteOptions, ApiError> {
        if self.quality_target.is_some() && auto_target.is_some() {
            let message = "the quality target stands in both `model` and `route.quality_target`; give it once";
            return Err(ApiError::invalid("route.quality_target", message));
        }
        let session_id = self.session_id.as_deref().map(|name| session(name, "route.session_id")).transpose()?;
        Ok(RouteOptions {
            quality_target: self.quality_target.or(auto_target),
            mode: self.mode.map(Into::into),
            max_cost_usd: self.max_cost_usd,
            max_latency_ms: self.max_latency_ms,
            models: self.models.unwrap_or_default(),
            exclude: self.exclude.unwrap_or_default(),
            session_id,
            data: DataDemands { regions: self.regions.unwrap_or_default(), policy: self.data_policy.map(Into::into) },
            cache: self.cache.map(Into::into),
            ..RouteOptions::default()
        })
    }
}

/// A session by its name, which stands in `field`.
///
/// # Errors
/// 400 that names the field, for what is no proper name.
pub(crate) fn session(name: &str, field: &str) -> Result<SessionId, ApiError> {
    if (1..=MAX_SESSION_ID).contains(&name.chars().count()) && !name.chars().any(char::is_control) {
        return Ok(SessionId::from(name));
    }
    Err(ApiError::invalid(field, format!("{field} is not 1 to {MAX_SESSION_ID} printable characters")))
}

/// What a `model` field asks for, with the quality target of `auto:q=…`.
///
/// # Errors
/// 400 for an `auto:` that can't be read.
pub(super) fn choice(
    model: Option<&str>,
    is_policy: impl Fn(&str) -> bool,
) -> Result<(ModelChoice, Option<Quality>), ApiError> {
    let Some(model) = model.filter(|m| *m != "auto") else { return Ok((ModelChoice::Auto, None)) };
    if let Some(wish) = model.strip_prefix("auto:") {
        let target = wish.strip_prefix("q=").and_then(|q| q.parse().ok()).map(Quality::new);
        return match target {
            Some(Ok(target)) => Ok((ModelChoice::Auto, Some(target))),
            Some(Err(error)) => Err(ApiError::invalid("model", format!("model {model:?}: {error}"))),
            None => {
                let message = format!("model {model:?} can't be read; an example is \"auto:q=0.9\"");
                Err(ApiError::invalid("model", message))
            }
        };
    }
    let named = if is_policy(model) { ModelChoice::Policy } else { ModelChoice::Model };
    Ok((named(model.to_owned()), None))
}
