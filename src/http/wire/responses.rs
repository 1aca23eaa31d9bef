//! Bodies in the dialect of OpenAI's Responses, for the document: `dialect` reads them. Fields that are not listed are taken
//! as well.

#![expect(dead_code, reason = "only the schemas are used")]

use super::{Object, openrouter::Provider, wishes::Wishes};
use serde_json::Value;
use utoipa::ToSchema;

/// A response to decide and forward: OpenAI's Responses.
#[derive(ToSchema)]
pub(crate) struct ResponsesBody {
    /// `auto` (the default), `auto:q=0.9`, the name of a policy, or a model.
    #[schema(example = "auto")]
    model: Option<String>,
    /// The whole conversation: nothing is stored.
    input: ResponsesInput,
    /// Instructions.
    instructions: Option<String>,
    /// Answer with server-sent events.
    stream: Option<bool>,
    /// Cap on output tokens.
    #[schema(minimum = 1, maximum = 4_294_967_295_u32)]
    max_output_tokens: Option<u32>,
    /// Functions offered, which you run yourself; only models that call tools are eligible.
    tools: Option<Vec<FunctionTool>>,
    /// Wishes for the routing of this request.
    #[schema(value_type = Option<Wishes>)]
    route: Option<Object<Wishes>>,
    /// OpenRouter's: the models that may be chosen, or those to try after `model`.
    models: Option<Vec<String>>,
    /// OpenRouter's: who may serve.
    #[schema(value_type = Option<Provider>)]
    provider: Option<Object<Provider>>,
}

/// What a person says, or items in order, at least one of them a person's.
#[derive(ToSchema)]
#[serde(untagged)]
#[schema(example = "What is the capital of France?")]
enum ResponsesInput {
    /// Text.
    Text(String),
    /// Items; reasoning is taken and left out.
    Items(Vec<InputItem>),
}

/// A message, a call of a function, or what it gave.
#[derive(ToSchema)]
#[serde(untagged)]
enum InputItem {
    /// What a person says, or instructions.
    Given(GivenMessage),
    /// What a model said.
    Said(SaidMessage),
    /// A call of a function.
    Call(FunctionCall),
    /// What a function gave.
    Output(FunctionOutput),
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum GivenRole {
    User,
    System,
    Developer,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum SaidRole {
    Assistant,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum MessageType {
    Message,
}

/// What a person says, or instructions.
#[derive(ToSchema)]
struct GivenMessage {
    r#type: Option<MessageType>,
    role: GivenRole,
    content: GivenContent,
}

/// Text, or parts in order.
#[derive(ToSchema)]
#[serde(untagged)]
enum GivenContent {
    /// Text.
    Text(String),
    /// Parts; a person's may be pictures, files and sound too.
    Parts(Vec<InputText>),
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum InputTextType {
    InputText,
}

/// Text.
#[derive(ToSchema)]
struct InputText {
    r#type: InputTextType,
    text: String,
}

/// What a model said.
#[derive(ToSchema)]
struct SaidMessage {
    r#type: Option<MessageType>,
    role: SaidRole,
    content: SaidContent,
}

/// Text, or parts in order.
#[derive(ToSchema)]
#[serde(untagged)]
enum SaidContent {
    /// Text.
    Text(String),
    /// Parts.
    Parts(Vec<OutputText>),
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum OutputTextType {
    OutputText,
}

/// Text.
#[derive(ToSchema)]
struct OutputText {
    r#type: OutputTextType,
    text: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum FunctionCallType {
    FunctionCall,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum FunctionOutputType {
    FunctionCallOutput,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum FunctionToolType {
    Function,
}

/// A call of a function.
#[derive(ToSchema)]
struct FunctionCall {
    r#type: FunctionCallType,
    call_id: String,
    name: String,
    /// JSON.
    #[schema(example = "{}")]
    arguments: String,
}

/// What a function gave.
#[derive(ToSchema)]
struct FunctionOutput {
    r#type: FunctionOutputType,
    call_id: String,
    output: String,
}

/// A function that you run yourself.
#[derive(ToSchema)]
struct FunctionTool {
    r#type: FunctionToolType,
    #[schema(example = "weather")]
    name: String,
    description: Option<String>,
    /// A JSON schema.
    #[schema(value_type = Option<Object>)]
    parameters: Option<Value>,
    strict: Option<bool>,
}
