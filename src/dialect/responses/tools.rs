//! Tools and the choice among them. A function's fields, beside its type here, are in an object of their own in chat.

use super::{Inexpressible, Object, given, required, text};
use serde_json::{Value, json};

/// The chat request's `tools`, `tool_choice` and `parallel_tool_calls`; chat takes the latter two with tools only.
pub(super) fn fields(body: &Object) -> Result<Object, Inexpressible> {
    let mut functions = functions(body)?;
    let choice = Choice::of(body)?;
    if let Choice::Among(allowed, _) = &choice {
        check(allowed, &functions)?;
        // To offer these alone says the same, to any provider.
        functions.retain(|function| allowed.contains(&function.name));
    }
    let mut fields = Object::new();
    if functions.is_empty() {
        return if choice.needs_tools() {
            Err(Inexpressible::new("tool_choice", "there are no tools to choose from"))
        } else {
            Ok(fields)
        };
    }
    fields.insert("tools".to_owned(), functions.iter().map(Function::json).collect());
    if let Some(choice) = choice.json() {
        fields.insert("tool_choice".to_owned(), choice);
    }
    if let Some(parallel) = given(body, "parallel_tool_calls") {
        fields.insert("parallel_tool_calls".to_owned(), parallel.clone());
    }
    Ok(fields)
}

struct Function<'a> {
    name: &'a str,
    description: Option<&'a str>,
    parameters: Option<&'a Object>,
    /// Chat's default is loose; so is the Responses API's where a schema can't be made strict.
    strict: Option<bool>,
}

fn functions(body: &Object) -> Result<Vec<Function<'_>>, Inexpressible> {
    match given(body, "tools") {
        None => Ok(Vec::new()),
        Some(Value::Array(tools)) => tools.iter().enumerate().map(|(at, tool)| Function::of(tool, at)).collect(),
        Some(_) => Err(Inexpressible::new("tools", "must be an array")),
    }
}

impl<'a> Function<'a> {
    fn of(tool: &'a Value, at: usize) -> Result<Self, Inexpressible> {
        let path = |field: &str| format!("tools[{at}].{field}");
        let Value::Object(tool) = tool else {
            return Err(Inexpressible::new(format!("tools[{at}]"), "must be an object"));
        };
        match required(tool, "type", || path("type"))? {
            "function" => {}
            kind => {
                let problem = format!("`{kind}` can't be had here: only functions, which you run yourself");
                return Err(Inexpressible::new(path("type"), problem));
            }
        }
        if tool.contains_key("function") {
            return Err(Inexpressible::new(path("function"), "the Responses API has its fields beside `type`"));
        }
        check_calling(tool, path)?;
        let parameters = match given(tool, "parameters") {
            None => None,
            Some(Value::Object(parameters)) => Some(parameters),
            Some(_) => return Err(Inexpressible::new(path("parameters"), "must be an object")),
        };
        let strict = match given(tool, "strict") {
            None => None,
            Some(Value::Bool(strict)) => Some(*strict),
            Some(_) => return Err(Inexpressible::new(path("strict"), "must be true or false")),
        };
        let name = required(tool, "name", || path("name"))?;
        Ok(Self { name, description: text(tool, "description", || path("description"))?, parameters, strict })
    }

    fn json(&self) -> Value {
        let mut function = json!({"name": self.name});
        if let Some(description) = self.description {
            function["description"] = Value::from(description);
        }
        if let Some(parameters) = self.parameters {
            function["parameters"] = json!(parameters);
        }
        if let Some(strict) = self.strict {
            function["strict"] = Value::from(strict);
        }
        json!({"type": "function", "function": function})
    }
}

/// Functions are called by the model itself, at once, and waited for.
fn check_calling(tool: &Object, path: impl Fn(&str) -> String) -> Result<(), Inexpressible> {
    for field in ["async", "defer_loading"] {
        if given(tool, field).is_some_and(|v| v != false) {
            return Err(Inexpressible::new(path(field), "must be false"));
        }
    }
    match given(tool, "allowed_callers").map(Value::as_array) {
        Some(callers) if !callers.is_some_and(|all| all.iter().any(|one| one == "direct")) => {
            Err(Inexpressible::new(path("allowed_callers"), "only the model itself (`direct`) calls functions"))
        }
        _ => Ok(()),
    }
}

enum Choice<'a> {
    /// Not given.
    Free,
    /// `auto`, `none` or `required`.
    Mode(&'a str),
    /// This one.
    Named(&'a str),
    /// Of these, by the mode.
    Among(Vec<&'a str>, &'a str),
}

impl<'a> Choice<'a> {
    fn of(body: &'a Object) -> Result<Self, Inexpressible> {
        let refused = |field: &str, problem: &str| Err(Inexpressible::new(field, problem));
        match given(body, "tool_choice") {
            None => Ok(Self::Free),
            Some(Value::String(mode)) if matches!(mode.as_str(), "auto" | "none" | "required") => Ok(Self::Mode(mode)),
            Some(Value::Object(choice)) => match required(choice, "type", || "tool_choice.type".to_owned())? {
                "function" => Ok(Self::Named(required(choice, "name", || "tool_choice.name".to_owned())?)),
                "allowed_tools" => Self::among(choice),
                _ => refused("tool_choice.type", "only functions can be chosen: function or allowed_tools"),
            },
            Some(_) => refused("tool_choice", "must be auto, none, required or an object"),
        }
    }

    fn among(choice: &'a Object) -> Result<Self, Inexpressible> {
        let mode = text(choice, "mode", || "tool_choice.mode".to_owned())?.unwrap_or("auto");
        if !matches!(mode, "auto" | "required") {
            return Err(Inexpressible::new("tool_choice.mode", "must be auto or required"));
        }
        let Some(tools) = choice.get("tools").and_then(Value::as_array) else {
            return Err(Inexpressible::new("tool_choice.tools", "must be an array"));
        };
        let name = |(at, tool): (usize, &'a Value)| match (tool["type"].as_str(), tool["name"].as_str()) {
            (Some("function"), Some(name)) => Ok(name),
            _ => Err(Inexpressible::new(format!("tool_choice.tools[{at}]"), "must be a function's type and name")),
        };
        Ok(Self::Among(tools.iter().enumerate().map(name).collect::<Result<_, _>>()?, mode))
    }

    fn needs_tools(&self) -> bool {
        matches!(self, Self::Named(_) | Self::Mode("required") | Self::Among(_, "required"))
    }

    fn json(&self) -> Option<Value> {
        match self {
            Self::Free => None,
            Self::Mode(mode) | Self::Among(_, mode) => Some(Value::from(*mode)),
            Self::Named(name) => Some(json!({"type": "function", "function": {"name": name}})),
        }
    }
}

fn check(allowed: &[&str], functions: &[Function<'_>]) -> Result<(), Inexpressible> {
    let unknown = allowed.iter().position(|name| functions.iter().all(|function| function.name != *name));
    unknown.map_or(Ok(()), |at| {
        Err(Inexpressible::new(format!("tool_choice.tools[{at}].name"), "there is no such tool among `tools`"))
    })
}
