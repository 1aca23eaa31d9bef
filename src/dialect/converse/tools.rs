//! Tools and the choice among them: `toolConfig`.

use super::{Inexpressible, Object, given, text};
use serde_json::{Value, json};

/// Tools to offer; at least one.
pub(super) struct Tools<'a> {
    specs: Vec<Spec<'a>>,
    choice: Choice<'a>,
}

struct Spec<'a> {
    name: &'a str,
    description: Option<&'a str>,
    parameters: Option<&'a Object>,
    strict: bool,
}

enum Choice<'a> {
    Auto,
    None,
    Any,
    Named(&'a str),
}

impl<'a> Tools<'a> {
    /// The tools of a chat request; `used` says whether the conversation has calls or results of any.
    pub(super) fn of(chat: &'a Object, used: bool) -> Result<Option<Self>, Inexpressible> {
        let specs = specs(chat)?;
        let choice = Choice::of(chat)?;
        let refused = |field, problem| Err(Inexpressible::new(field, problem));
        match choice {
            Choice::Any | Choice::Named(_) if specs.is_empty() => {
                refused("tool_choice", "there are no tools to choose from")
            }
            _ if specs.is_empty() && used => refused("tools", "Bedrock wants the tools of earlier calls declared"),
            // Without tools none can be called. Earlier calls need them declared, and then nothing forbids another.
            Choice::None if used => refused("tool_choice", "Bedrock can't forbid tools that were called before"),
            Choice::None => Ok(None),
            _ if specs.is_empty() => Ok(None),
            _ if given(chat, "parallel_tool_calls").is_some_and(|v| v != true) => {
                refused("parallel_tool_calls", "Bedrock can't forbid several calls at once")
            }
            choice => Ok(Some(Self { specs, choice })),
        }
    }

    pub(super) fn json(&self) -> Value {
        let mut config = json!({"tools": self.specs.iter().map(Spec::json).collect::<Value>()});
        match self.choice {
            // Bedrock's default; models that know no choice at all refuse even this one.
            Choice::Auto | Choice::None => {}
            Choice::Any => config["toolChoice"] = json!({"any": {}}),
            Choice::Named(name) => config["toolChoice"] = json!({"tool": {"name": name}}),
        }
        config
    }
}

impl Spec<'_> {
    fn json(&self) -> Value {
        let schema = self.parameters.map_or_else(|| json!({"type": "object", "properties": {}}), |p| json!(p));
        let mut spec = json!({"name": self.name, "inputSchema": {"json": schema}});
        if let Some(description) = self.description {
            spec["description"] = Value::from(description);
        }
        if self.strict {
            spec["strict"] = Value::from(true);
        }
        json!({"toolSpec": spec})
    }
}

fn specs(chat: &Object) -> Result<Vec<Spec<'_>>, Inexpressible> {
    match given(chat, "tools") {
        None => Ok(Vec::new()),
        Some(Value::Array(tools)) => tools.iter().enumerate().map(|(index, tool)| Spec::of(tool, index)).collect(),
        Some(_) => Err(Inexpressible::new("tools", "must be an array")),
    }
}

impl<'a> Spec<'a> {
    fn of(tool: &'a Value, index: usize) -> Result<Self, Inexpressible> {
        let path = |field: &str| format!("tools[{index}].{field}");
        if tool["type"] != "function" {
            return Err(Inexpressible::new(path("type"), "Bedrock has functions only"));
        }
        let Value::Object(function) = &tool["function"] else {
            return Err(Inexpressible::new(path("function"), "must be an object"));
        };
        let Some(name) = text(function, "name", || path("function.name"))? else {
            return Err(Inexpressible::new(path("function.name"), "must be text"));
        };
        let parameters = match given(function, "parameters") {
            None => None,
            Some(Value::Object(parameters)) => Some(parameters),
            Some(_) => return Err(Inexpressible::new(path("function.parameters"), "must be an object")),
        };
        let description = text(function, "description", || path("function.description"))?;
        let strict = function.get("strict").and_then(Value::as_bool).unwrap_or(false);
        Ok(Self { name, description: description.filter(|d| !d.is_empty()), parameters, strict })
    }
}

impl<'a> Choice<'a> {
    fn of(chat: &'a Object) -> Result<Self, Inexpressible> {
        let Some(choice) = given(chat, "tool_choice") else { return Ok(Self::Auto) };
        match (choice.as_str(), choice["type"].as_str(), choice["function"]["name"].as_str()) {
            (Some("auto"), ..) => Ok(Self::Auto),
            (Some("none"), ..) => Ok(Self::None),
            (Some("required"), ..) => Ok(Self::Any),
            (_, Some("function"), Some(name)) => Ok(Self::Named(name)),
            _ => Err(Inexpressible::new("tool_choice", "Bedrock takes auto, none, required or one function")),
        }
    }
}
