//! Bodies in Anthropic's dialect, for the document: `dialect` reads them. Fields that are not listed are taken as well.

#![expect(dead_code, reason = "only the schemas are used")]

use super::{Object, openrouter::Provider, wishes::Wishes};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A body with the fields that both routes share.
macro_rules! messages_body {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        pub(crate) struct $name {
            /// `auto` (the default), `auto:q=0.9`, the name of a policy, or a model.
            #[schema(example = "auto")]
            model: Option<String>,
            /// The conversation; at least one message of the role `user`.
            #[schema(min_items = 1)]
            messages: Vec<ConversationMessage>,
            $($own)*
            /// Instructions.
            system: Option<Instructions>,
            /// Tools offered, which you run yourself; only models that call tools are eligible.
            tools: Option<Vec<ClientTool>>,
            /// Wishes for the routing of this request.
            #[schema(value_type = Option<Wishes>)]
            route: Option<Object<Wishes>>,
            /// OpenRouter's: the models that may be chosen, or those to try after `model`.
            models: Option<Vec<String>>,
            /// OpenRouter's: who may serve.
            #[schema(value_type = Option<Provider>)]
            provider: Option<Object<Provider>>,
        }
    };
}

messages_body! {
    /// A message to decide and forward: Anthropic's Messages.
    MessagesBody {
        /// Cap on output tokens.
        #[schema(minimum = 1, maximum = 4_294_967_295_u32, example = 1024)]
        max_tokens: u32,
        /// Answer with server-sent events.
        stream: Option<bool>,
    }
}

messages_body! {
    /// A message whose tokens are to be estimated; it needs no `max_tokens`.
    CountBody {}
}

/// About as many tokens as a message has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TokenCount {
    /// An estimate.
    #[schema(example = 14)]
    pub(crate) input_tokens: u32,
}

/// One message.
#[derive(ToSchema)]
#[serde(untagged)]
enum ConversationMessage {
    /// What a person says, and what tools gave.
    User(UserMessage),
    /// What a model said.
    Assistant(AssistantMessage),
    /// Instructions given half-way.
    System(SystemMessage),
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum UserRole {
    User,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum AssistantRole {
    Assistant,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum SystemRole {
    System,
}

/// What a person says, and what tools gave.
#[derive(ToSchema)]
struct UserMessage {
    role: UserRole,
    content: UserContent,
}

/// Text, or blocks in order.
#[derive(ToSchema)]
#[serde(untagged)]
enum UserContent {
    /// Text.
    Text(String),
    /// Blocks; documents and search results are taken as well.
    Blocks(Vec<UserBlock>),
}

/// Text, a picture, or what a tool gave.
#[derive(ToSchema)]
#[serde(untagged)]
enum UserBlock {
    /// Text.
    Text(TextBlock),
    /// A picture.
    Image(ImageBlock),
    /// What a tool gave.
    ToolResult(ToolResultBlock),
}

/// What a model said.
#[derive(ToSchema)]
struct AssistantMessage {
    role: AssistantRole,
    content: AssistantContent,
}

/// Text, or blocks in order.
#[derive(ToSchema)]
#[serde(untagged)]
enum AssistantContent {
    /// Text.
    Text(String),
    /// Blocks; thinking is taken and left out.
    Blocks(Vec<AssistantBlock>),
}

/// Text, or a call of a tool.
#[derive(ToSchema)]
#[serde(untagged)]
enum AssistantBlock {
    /// Text.
    Text(TextBlock),
    /// A call of a tool.
    ToolUse(ToolUseBlock),
}

/// Instructions given half-way.
#[derive(ToSchema)]
struct SystemMessage {
    role: SystemRole,
    content: Instructions,
}

/// Text, or blocks of text.
#[derive(ToSchema)]
#[serde(untagged)]
enum Instructions {
    /// Text.
    Text(String),
    /// Blocks.
    Blocks(Vec<TextBlock>),
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum TextBlockType {
    Text,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ImageBlockType {
    Image,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ToolUseBlockType {
    ToolUse,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum ToolResultBlockType {
    ToolResult,
}

/// Text.
#[derive(ToSchema)]
struct TextBlock {
    r#type: TextBlockType,
    text: String,
}

/// A picture; only models that see are eligible.
#[derive(ToSchema)]
struct ImageBlock {
    r#type: ImageBlockType,
    source: ImageSource,
}

/// Where the picture is.
#[derive(ToSchema)]
#[serde(untagged)]
enum ImageSource {
    /// Somewhere else.
    Url(UrlSource),
    /// Here.
    Base64(Base64Source),
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum UrlSourceType {
    Url,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Base64SourceType {
    Base64,
}

/// Somewhere else.
#[derive(ToSchema)]
struct UrlSource {
    r#type: UrlSourceType,
    url: String,
}

/// Here.
#[derive(ToSchema)]
struct Base64Source {
    r#type: Base64SourceType,
    #[schema(example = "image/png")]
    media_type: String,
    data: String,
}

/// A call of a tool.
#[derive(ToSchema)]
struct ToolUseBlock {
    r#type: ToolUseBlockType,
    id: String,
    name: String,
    #[schema(value_type = Object)]
    input: Value,
}

/// What a tool gave.
#[derive(ToSchema)]
struct ToolResultBlock {
    r#type: ToolResultBlockType,
    tool_use_id: String,
    content: Option<ToolResultContent>,
}

/// Text, or blocks of text; pictures are taken as well.
#[derive(ToSchema)]
#[serde(untagged)]
enum ToolResultContent {
    /// Text.
    Text(String),
    /// Blocks.
    Blocks(Vec<TextBlock>),
}

/// A tool that you run yourself.
#[derive(ToSchema)]
struct ClientTool {
    #[schema(example = "weather")]
    name: String,
    description: Option<String>,
    /// A JSON schema.
    #[schema(value_type = Object)]
    input_schema: Value,
}
