//! Streams, for the document.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

/// Server-sent events as one text, which is all that OpenAPI 3.1 can say of them.
pub(crate) struct EventStream;

impl PartialSchema for EventStream {
    fn schema() -> RefOr<Schema> {
        let text = "Server-sent events: `data:` lines of JSON, after `event:` lines where the dialect has them.";
        let example = "data: {\"object\": \"chat.completion.chunk\", \"choices\": []}\n\ndata: [DONE]\n\n";
        let stream = ObjectBuilder::new().schema_type(Type::String).description(Some(text));
        stream.examples([example]).into()
    }
}

impl ToSchema for EventStream {}
