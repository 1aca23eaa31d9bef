//! Tools and the choice among them.

use super::{Inexpressible, Object, array, given, required, section, text};
use serde_json::{Value, json};

/// Tools to offer; at least one.
pub(super) struct Tools<'a> {
    tools: Vec<Tool<'a>>,
    choice: Choice<'a>,
    one_at_a_time: bool,
}

struct Tool<'a> {
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
    pub(super) fn of(chat: &'a Object) -> Result<Option<Self>, Inexpressible> {
        let tools = array(chat, "tools", || "tools".to_owned())?;
        let tools = tools.iter().enumerate().map(|(at, tool)| Tool::of(tool, at)).collect::<Result<Vec<_>, _>>()?;
        let choice = Choice::of(chat)?;
        let one_at_a_time = match given(chat, "parallel_tool_calls") {
            None => false,
            Some(Value::Bool(parallel)) => !parallel,
            Some(_) => return Err(Inexpressible::new("parallel_tool_calls", "must be true or false")),
        };
        if tools.is_empty() {
            return match choice {
                Choice::Auto | Choice::None => Ok(None),
                _ => Err(Inexpressible::new("tool_choice", "there are no tools to choose from")),
            };
        }
        Ok(Some(Self { tools, choice, one_at_a_time }))
    }

    /// Whether one must be called.
    pub(super) fn are_forced(&self) -> bool {
        matches!(self.choice, Choice::Any | Choice::Named(_))
    }

    pub(super) fn fields(&self) -> [(&'static str, Option<Value>); 2] {
        [("tools", Some(self.tools.iter().map(Tool::json).collect())), ("tool_choice", self.choice())]
    }

    /// Nothing where it is the default.
    fn choice(&self) -> Option<Value> {
        let mut choice = match self.choice {
            Choice::Auto if !self.one_at_a_time => return None,
            Choice::None => return Some(json!({"type": "none"})),
            Choice::Auto => json!({"type": "auto"}),
            Choice::Any => json!({"type": "any"}),
            Choice::Named(name) => json!({"type": "tool", "name": name}),
        };
        if self.one_at_a_time {
            choice["disable_parallel_tool_use"] = Value::from(true);
        }
        Some(choice)
    }
}

impl<'a> Tool<'a> {
    fn of(tool: &'a Value, at: usize) -> Result<Self, Inexpressible> {
        let path = |field: &str| format!("tools[{at}].{field}");
        if tool["type"] != "function" {
            return Err(Inexpressible::new(path("type"), "Anthropic takes functions only"));
        }
        let Value::Object(function) = &tool["function"] else {
            return Err(Inexpressible::new(path("function"), "must be an object"));
        };
        Ok(Self {
            name: required(function, "name", || path("function.name"))?,
            description: text(function, "description", || path("function.description"))?.filter(|d| !d.is_empty()),
            parameters: section(function, "parameters", || path("function.parameters"))?,
            strict: function.get("strict").and_then(Value::as_bool).unwrap_or(false),
        })
    }

    /// The schema must say that it is one of objects; chat's may leave that out.
    fn json(&self) -> Value {
        let mut schema = self.parameters.cloned().unwrap_or_default();
        schema.entry("type").or_insert_with(|| Value::from("object"));
        let mut tool = json!({"name": self.name, "input_schema": schema});
        if let Some(description) = self.description {
            tool["description"] = Value::from(description);
        }
        if self.strict {
            tool["strict"] = Value::from(true);
        }
        tool
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
            _ => Err(Inexpressible::new("tool_choice", "Anthropic takes auto, none, required or one function")),
        }
    }
}
