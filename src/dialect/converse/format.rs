//! The form of the answer and the effort put into it: `outputConfig`.

use super::{Inexpressible, Object, given, text};
use serde_json::{Value, json};

/// Efforts that both dialects name. OpenAI's `none` and `minimal` have no counterpart.
const EFFORTS: [&str; 5] = ["low", "medium", "high", "xhigh", "max"];

/// What a chat request says of form and effort.
pub(super) struct Format<'a> {
    schema: Option<Schema<'a>>,
    effort: Option<&'a str>,
}

struct Schema<'a> {
    schema: &'a Value,
    name: Option<&'a str>,
    description: Option<&'a str>,
}

impl<'a> Format<'a> {
    pub(super) fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        Ok(Self { schema: schema(chat)?, effort: effort(chat)? })
    }

    /// Nothing when nothing was asked for.
    pub(super) fn json(&self) -> Option<Value> {
        let mut config = Object::new();
        if let Some(schema) = &self.schema {
            config.insert("textFormat".to_owned(), schema.json());
        }
        if let Some(effort) = self.effort {
            config.insert("effort".to_owned(), Value::from(effort));
        }
        (!config.is_empty()).then_some(Value::Object(config))
    }
}

impl Schema<'_> {
    /// The schema itself travels as text.
    fn json(&self) -> Value {
        let mut definition = json!({"schema": self.schema.to_string()});
        if let Some(name) = self.name {
            definition["name"] = Value::from(name);
        }
        if let Some(description) = self.description {
            definition["description"] = Value::from(description);
        }
        json!({"type": "json_schema", "structure": {"jsonSchema": definition}})
    }
}

fn schema(chat: &Object) -> Result<Option<Schema<'_>>, Inexpressible> {
    let Some(format) = given(chat, "response_format") else { return Ok(None) };
    match format["type"].as_str() {
        Some("text") => return Ok(None),
        Some("json_schema") => {}
        Some("json_object") => {
            return Err(Inexpressible::new(
                "response_format.type",
                "Bedrock gives JSON only by a schema: use json_schema",
            ));
        }
        _ => return Err(Inexpressible::new("response_format.type", "must be text or json_schema")),
    }
    let path = |field: &str| format!("response_format.json_schema{field}");
    let Value::Object(named) = &format["json_schema"] else {
        return Err(Inexpressible::new(path(""), "must be an object"));
    };
    match given(named, "schema") {
        Some(schema @ Value::Object(_)) => Ok(Some(Schema {
            schema,
            name: text(named, "name", || path(".name"))?,
            description: text(named, "description", || path(".description"))?,
        })),
        _ => Err(Inexpressible::new(path(".schema"), "must be an object")),
    }
}

fn effort(chat: &Object) -> Result<Option<&str>, Inexpressible> {
    match text(chat, "reasoning_effort", || "reasoning_effort".to_owned())? {
        Some(effort) if !EFFORTS.contains(&effort) => {
            Err(Inexpressible::new("reasoning_effort", format!("Bedrock takes {}", EFFORTS.join(", "))))
        }
        effort => Ok(effort),
    }
}
