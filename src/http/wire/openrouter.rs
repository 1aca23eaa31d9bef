//! OpenRouter's own fields, `models` and `provider`, as far as they mean something here. What can't be honoured is refused:
//! a wish that is silently lost is a promise that is broken.

use super::{super::error::ApiError, Object};
use crate::{
    domain::{DataPolicy, ModelId, Usd},
    router::{ModelChoice, ProviderWishes, RouteOptions},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// OpenRouter's wishes as to who serves. A model has one provider here, so these choose among models.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ProviderPreferences)]
pub(crate) struct Provider {
    /// Providers to prefer among the fallbacks; the only ones if `allow_fallbacks` is false.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, example = json!(["anthropic", "openai"]))]
    order: Option<Vec<String>>,
    /// Only these providers.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    only: Option<Vec<String>>,
    /// Not these providers.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>)]
    ignore: Option<Vec<String>>,
    /// Whether another model may be tried when the chosen one fails; true unless given.
    #[serde(default)]
    allow_fallbacks: Option<bool>,
    /// The highest price.
    #[serde(default)]
    #[schema(value_type = Option<MaxPrice>)]
    max_price: Option<Object<MaxPrice>>,
    /// `deny`: only providers that, as the operator says, do not train on requests. As `route.data_policy = "no_training"`.
    #[serde(default)]
    #[schema(inline)]
    data_collection: Option<DataCollection>,
    /// Whether only providers may serve that, as the operator says, keep nothing. As `route.data_policy = "zero_retention"`.
    #[serde(default)]
    zdr: Option<bool>,
    /// Only `price`: the cheapest model that is good enough is what is chosen anyway. For speed there is
    /// `route.max_latency_ms`.
    #[serde(default)]
    #[schema(inline, value_type = Option<Sort>)]
    sort: Option<String>,
    /// Only false: tools, images and JSON schemas are never lost, but it is not known here what other parameters a model
    /// heeds.
    #[serde(default)]
    #[schema(inline, value_type = Option<Never>)]
    require_parameters: Option<bool>,
}

/// The highest price, USD per million tokens.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaxPrice {
    /// Of input.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0, example = 1.0)]
    prompt: Option<Usd>,
    /// Of output.
    #[serde(default)]
    #[schema(value_type = Option<f64>, minimum = 0, example = 5.0)]
    completion: Option<Usd>,
}

/// Whether providers that collect data may serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DataCollection {
    /// They may.
    Allow,
    /// They may not.
    Deny,
}

/// What is preferred.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used; the field is read as text to say more of what is refused")]
enum Sort {
    /// Cheap models.
    Price,
}

/// False.
struct Never;

impl utoipa::PartialSchema for Never {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let never = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::Type::Boolean);
        never.enum_values(Some([false])).into()
    }
}

impl ToSchema for Never {}

impl Provider {
    /// What is demanded of the way in which the request is handled.
    pub(super) fn data_policy(&self) -> Option<DataPolicy> {
        let denied = (self.data_collection == Some(DataCollection::Deny)).then_some(DataPolicy::NoTraining);
        (self.zdr == Some(true)).then_some(DataPolicy::ZeroRetention).or(denied)
    }

    /// The wishes in the router's words.
    ///
    /// # Errors
    /// 400 that names what can't be honoured.
    pub(super) fn into_wishes(self) -> Result<ProviderWishes, ApiError> {
        self.refuse()?;
        let Object(MaxPrice { prompt, completion }) = self.max_price.unwrap_or_default();
        Ok(ProviderWishes {
            only: self.only.unwrap_or_default(),
            ignore: self.ignore.unwrap_or_default(),
            order: self.order.unwrap_or_default(),
            allow_fallbacks: self.allow_fallbacks.unwrap_or(true),
            max_input_usd_per_million: prompt,
            max_output_usd_per_million: completion,
        })
    }

    fn refuse(&self) -> Result<(), ApiError> {
        let refused = |field: &str, problem: &str| {
            let field = format!("provider.{field}");
            Err(ApiError::invalid(field.clone(), format!("{field}: {problem}")))
        };
        if self.sort.as_deref().is_some_and(|wish| wish != "price") {
            let problem = "must be price: the cheapest model that is good enough is chosen; `route.max_latency_ms` bounds \
                           its latency";
            return refused("sort", problem);
        }
        if self.require_parameters == Some(true) {
            let problem = "must be false: tools, images and JSON schemas are never lost, but it is not known here what \
                           other parameters a model heeds";
            return refused("require_parameters", problem);
        }
        Ok(())
    }
}

/// Adds `models`: what may be chosen, or what is tried after a model that was asked for by name.
///
/// # Errors
/// 400 when `route.models` allows none of them.
pub(super) fn add_models(
    options: &mut RouteOptions,
    models: Option<Vec<String>>,
    choice: &ModelChoice,
) -> Result<(), ApiError> {
    let Some(mut models) = models.filter(|models| !models.is_empty()) else { return Ok(()) };
    match choice {
        ModelChoice::Model(named) => {
            // Callers repeat the first choice at the head of the list.
            models.retain(|model| model != named);
            options.fallbacks = models;
        }
        ModelChoice::Auto | ModelChoice::Policy(_) if options.models.is_empty() => options.models = models,
        ModelChoice::Auto | ModelChoice::Policy(_) => {
            options.models = both(&options.models, models);
            if options.models.is_empty() {
                let message = "no model is eligible: `models` and `route.models` have none in common";
                return Err(ApiError::bad_request("no_eligible_model", message).at("models"));
            }
        }
    }
    Ok(())
}

/// What two lists of names and patterns both allow. Of two patterns of which neither covers the other it is not known here.
fn both(some: &[String], others: Vec<String>) -> Vec<String> {
    let covered = |name: &str, by: &[String]| by.iter().any(|pattern| ModelId::from(name).matches(pattern));
    let of_some = some.iter().filter(|name| covered(name, &others)).cloned();
    let mut common: Vec<String> = of_some.collect();
    let of_others: Vec<String> =
        others.into_iter().filter(|name| covered(name, some) && !common.contains(name)).collect();
    common.extend(of_others);
    common
}
