//! Prompts that the operator kept beside the service: the log has none.

use anyhow::{Context, Result, bail, ensure};
use satisfice::domain::{Decision, Prompt, Role, Turn};
use serde::Deserialize;
use std::{collections::HashMap, path::PathBuf};

/// A line of a prompts file; exactly one of the ids.
#[derive(Debug, Deserialize)]
struct Line {
    decision_id: Option<String>,
    request_id: Option<String>,
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: Role,
    content: String,
}

/// Conversations by what names them.
#[derive(Debug, Default)]
pub struct Prompts {
    by_decision: HashMap<String, Vec<Turn>>,
    by_request: HashMap<String, Vec<Turn>>,
}

impl Prompts {
    /// Reads JSON lines `{"decision_id" or "request_id": "…", "messages": [{"role": "user", "content": "…"}, …]}`.
    ///
    /// # Errors
    /// A file can't be read, or a line is no such object; file and line are named.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut prompts = Self::default();
        for path in paths {
            let text = std::fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
            for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
                prompts.take(line).with_context(|| format!("{} line {}", path.display(), i + 1))?;
            }
        }
        Ok(prompts)
    }

    fn take(&mut self, line: &str) -> Result<()> {
        let Line { decision_id, request_id, messages } = serde_json::from_str(line)?;
        ensure!(!messages.is_empty(), "messages is empty");
        let turns = messages.into_iter().map(|m| Turn { role: m.role, text: m.content }).collect();
        match (decision_id, request_id) {
            (Some(id), None) => self.by_decision.insert(id, turns),
            (None, Some(id)) => self.by_request.insert(id, turns),
            _ => bail!("give either decision_id or request_id"),
        };
        Ok(())
    }

    /// The prompt of a decision as the classifier was shown it.
    #[must_use]
    pub fn of(&self, decision: &Decision) -> Option<Prompt> {
        let by_decision = self.by_decision.get(&decision.id.to_string());
        let turns = by_decision.or_else(|| self.by_request.get(decision.request_id.as_str()))?;
        let prompt = Prompt { turns: turns.clone(), requirements: decision.requirements, ..Prompt::default() };
        Some(prompt.without_harness().into_owned())
    }
}
