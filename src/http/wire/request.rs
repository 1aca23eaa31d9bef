//! Bodies of the routes that decide.

use super::{
    super::error::ApiError,
    Object, count,
    message::{Input, InputSchema, Message, prompt},
    openrouter::{Provider, add_models},
    size::JsonBytes,
    wishes::{Wishes, choice},
};
use crate::{
    domain::{Prompt, Requirements},
    router::{ModelChoice, RouteOptions},
};
use serde::Deserialize;
use std::num::NonZeroU32;
use utoipa::ToSchema;

/// The format that the answer must have.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub(crate) struct ResponseFormat {
    /// `text`, `json_object` or `json_schema`.
    #[schema(example = "text")]
    r#type: String,
    /// The schema, for `json_schema`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    json_schema: Option<JsonBytes>,
}

/// What is demanded of a model apart from what the messages say.
struct Demands {
    requirements: Requirements,
    /// See [`Prompt::schema_bytes`].
    schema_bytes: usize,
}

/// What a caller says of who should answer.
struct Wanted {
    model: Option<String>,
    route: Option<Object<Wishes>>,
    models: Option<Vec<String>>,
    provider: Option<Object<Provider>>,
}

/// A body with the fields that both routes share. Not `#[serde(flatten)]`: that would lose the paths in errors.
macro_rules! chat_body {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
        pub(crate) struct $name {
            /// `auto` (the default), `auto:q=0.9`, the name of a policy, or a model.
            #[serde(default)]
            #[schema(example = "auto")]
            model: Option<String>,
            $($own)*
            /// Wishes for the routing of this request.
            #[serde(default)]
            #[schema(value_type = Option<Wishes>)]
            route: Option<Object<Wishes>>,
            /// OpenRouter's: the models that may be chosen, like `route.models`; after a `model` that is a model's name, those
            /// to try when it fails, in this order. Not passed on.
            #[serde(default)]
            #[schema(value_type = Option<Vec<String>>)]
            models: Option<Vec<String>>,
            /// OpenRouter's: who may serve. Not passed on.
            #[serde(default)]
            #[schema(value_type = Option<Provider>)]
            provider: Option<Object<Provider>>,
            /// Cap on output tokens, under its newer name.
            #[serde(default, deserialize_with = "count::positive")]
            #[schema(value_type = Option<u32>, minimum = 1, maximum = 4_294_967_295_u32)]
            max_completion_tokens: Option<NonZeroU32>,
            /// Cap on output tokens.
            #[serde(default, deserialize_with = "count::positive")]
            #[schema(value_type = Option<u32>, minimum = 1, maximum = 4_294_967_295_u32)]
            max_tokens: Option<NonZeroU32>,
            /// Tools offered; only models that call tools are eligible.
            #[serde(default)]
            #[schema(value_type = Option<Vec<Object>>)]
            tools: Option<Vec<JsonBytes>>,
            /// The same under its older name.
            #[serde(default)]
            #[schema(value_type = Option<Vec<Object>>)]
            functions: Option<Vec<JsonBytes>>,
            /// The format that the answer must have.
            #[serde(default)]
            #[schema(value_type = Option<ResponseFormat>)]
            response_format: Option<Object<ResponseFormat>>,
        }

        impl $name {
            fn demands(&self) -> Demands {
                let tools = || self.tools.iter().chain(&self.functions).flatten();
                let format = self.response_format.as_ref().map(|Object(format)| format);
                let schema = format.and_then(|format| format.json_schema.as_ref());
                let requirements = Requirements {
                    tools: tools().next().is_some(),
                    json_schema: format.is_some_and(|f| matches!(f.r#type.as_str(), "json_object" | "json_schema")),
                    vision: false,
                    max_output_tokens: self.max_completion_tokens.or(self.max_tokens).map(NonZeroU32::get),
                };
                Demands { requirements, schema_bytes: tools().chain(schema).map(|JsonBytes(bytes)| bytes).sum() }
            }

            fn wanted(&mut self) -> Wanted {
                Wanted {
                    model: self.model.take(),
                    route: self.route.take(),
                    models: self.models.take(),
                    provider: self.provider.take(),
                }
            }
        }
    };
}

chat_body! {
    /// A chat completion to decide and forward. Fields that are not listed are passed on to the provider.
    ChatBody {
        /// The conversation; at least one message of the role `user`.
        #[schema(value_type = Vec<Message>, min_items = 1)]
        messages: Vec<Object<Message>>,
        /// Answer with server-sent events.
        #[serde(default)]
        stream: Option<bool>,
    }
}

chat_body! {
    /// A prompt to decide on: the body of a chat completion, or `input` instead of `messages`.
    RouteBody {
        /// The conversation; at least one message of the role `user`.
        #[serde(default)]
        #[schema(value_type = Option<Vec<Message>>, min_items = 1)]
        messages: Option<Vec<Object<Message>>>,
        /// One user message as text, or a conversation; instead of `messages`.
        #[serde(default)]
        #[schema(value_type = Option<InputSchema>)]
        input: Option<Input>,
    }
}

/// What a body asks for, checked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    /// The conversation and its demands.
    pub(crate) prompt: Prompt,
    /// Policy or model.
    pub(crate) choice: ModelChoice,
    /// Wishes.
    pub(crate) options: RouteOptions,
    /// Whether candidates and timings are wanted.
    pub(crate) explain: bool,
    /// Whether a stream is asked for.
    pub(crate) stream: bool,
}

impl ChatBody {
    /// Checks what the types can't.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(crate) fn into_asked(mut self, is_policy: impl Fn(&str) -> bool) -> Result<Asked, ApiError> {
        let (demands, wanted) = (self.demands(), self.wanted());
        let prompt = prompt(self.messages, "messages")?;
        asked(wanted, prompt, demands, self.stream.unwrap_or(false), is_policy)
    }
}

impl RouteBody {
    /// Checks what the types can't.
    ///
    /// # Errors
    /// 400 that names the field.
    pub(crate) fn into_asked(mut self, is_policy: impl Fn(&str) -> bool) -> Result<Asked, ApiError> {
        let (demands, wanted) = (self.demands(), self.wanted());
        let prompt = match (self.messages, self.input) {
            (Some(messages), None) => prompt(messages, "messages")?,
            (None, Some(input)) => input.into_prompt()?,
            (Some(_), Some(_)) => {
                return Err(ApiError::invalid("input", "`messages` and `input` were both given; give one of them"));
            }
            (None, None) => return Err(ApiError::missing("messages", "`messages` or `input` is needed")),
        };
        asked(wanted, prompt, demands, false, is_policy)
    }
}

fn asked(
    wanted: Wanted,
    mut prompt: Prompt,
    demands: Demands,
    stream: bool,
    is_policy: impl Fn(&str) -> bool,
) -> Result<Asked, ApiError> {
    let Wanted { model, route, models, provider } = wanted;
    let Object(wishes) = route.unwrap_or_default();
    let (choice, auto_target) = choice(model.as_deref(), is_policy)?;
    prompt.requirements = Requirements { vision: prompt.requirements.vision, ..demands.requirements };
    prompt.schema_bytes = demands.schema_bytes;
    let explain = wishes.explain();
    let mut options = wishes.into_options(auto_target)?;
    add_models(&mut options, models, &choice)?;
    if let Some(Object(provider)) = provider {
        options.data.policy = options.data.policy.max(provider.data_policy());
        options.providers = provider.into_wishes()?;
    }
    Ok(Asked { prompt, choice, options, explain, stream })
}
