//! What the caller asks, reduced to what routing needs.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Bytes of text that a token has, roughly: every model counts in its own way.
const BYTES_PER_TOKEN: usize = 4;

/// An estimate of the tokens of so many bytes of text; a part of a token counts as one.
#[must_use]
pub fn tokens_of(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u32::MAX)
}

/// Elements in which programs put what the person did not say into a user's turn: Claude Code's reminders and the output of its commands,
/// what Cline, Roo, Codex and editors tell of their surroundings.
const HARNESS: [&str; 8] = [
    "system-reminder",
    "local-command-stdout",
    "local-command-caveat",
    "command-message",
    "environment_details",
    "environment_context",
    "ide_opened_file",
    "ide_selection",
];

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Instructions of the application (`system`, `developer`).
    System,
    /// The person.
    User,
    /// A model.
    Assistant,
    /// The result of a tool.
    Tool,
}

/// One message, text only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who speaks.
    pub role: Role,
    /// The text parts, joined by newlines.
    pub text: String,
}

/// A conversation and what it demands of a model.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Prompt {
    /// Messages in order.
    pub turns: Vec<Turn>,
    /// JSON of the tools offered and of the format asked for, bytes: no turn says it, but providers bill it as input.
    pub schema_bytes: usize,
    /// What the serving model must be able to do.
    pub requirements: Requirements,
}

/// Capabilities and sizes that a request demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requirements {
    /// Tools are offered.
    pub tools: bool,
    /// An answer in a JSON schema or JSON mode is asked for.
    pub json_schema: bool,
    /// Images are attached.
    pub vision: bool,
    /// The caller's cap on output tokens.
    pub max_output_tokens: Option<u32>,
}

impl Prompt {
    /// A single user message.
    #[must_use]
    pub fn user(text: impl Into<String>) -> Self {
        Self { turns: vec![Turn { role: Role::User, text: text.into() }], ..Self::default() }
    }

    /// Text of the last user turn; empty when there is none.
    #[must_use]
    pub fn last_user(&self) -> &str {
        self.turns.iter().rev().find(|t| t.role == Role::User).map_or("", |t| &t.text)
    }

    /// Whether it hands back the result of a tool, in the middle of what a model was doing. What a person says beside the
    /// result stands after it, and no model has answered it yet.
    #[must_use]
    pub fn ends_with_tool_result(&self) -> bool {
        let before_words = self.turns.iter().rev().find(|turn| turn.role != Role::User);
        before_words.is_some_and(|turn| turn.role == Role::Tool)
    }

    /// The prompt without what a program that speaks for the person put into the user's turns; a turn that is nothing else is left
    /// out, unless it is the only one. For judging what is asked: what is billed is all of it.
    #[must_use]
    pub fn without_harness(&self) -> Cow<'_, Self> {
        let has_tag =
            |turn: &Turn| turn.role == Role::User && HARNESS.iter().any(|name| element(&turn.text, name).is_some());
        if !self.turns.iter().any(has_tag) {
            return Cow::Borrowed(self);
        }
        let mut turns = self.turns.clone();
        for turn in turns.iter_mut().filter(|turn| turn.role == Role::User) {
            turn.text = said(&turn.text);
        }
        let is_said = |turn: &Turn| turn.role == Role::User && !turn.text.trim().is_empty();
        if !turns.iter().any(is_said) {
            return Cow::Borrowed(self);
        }
        turns.retain(|turn| turn.role != Role::User || is_said(turn));
        Cow::Owned(Self { turns, ..self.clone() })
    }

    /// Bytes of text in all turns.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.turns.iter().map(|t| t.text.len()).sum()
    }

    /// A cheap upper-middle estimate of input tokens over all turns and schemas: 4 bytes a token plus 4 a message. Costs
    /// O(turns), whatever the size of the text.
    #[must_use]
    pub fn estimated_tokens(&self) -> u32 {
        let tokens = (self.bytes() + self.schema_bytes) / BYTES_PER_TOKEN + 4 * self.turns.len() + 3;
        u32::try_from(tokens).unwrap_or(u32::MAX)
    }
}

/// Where the first element of this name begins and ends.
fn element(text: &str, name: &str) -> Option<(usize, usize)> {
    let (opening, closing) = (format!("<{name}>"), format!("</{name}>"));
    let begin = text.find(&opening)?;
    let end = begin + text[begin..].find(&closing)? + closing.len();
    Some((begin, end))
}

/// A user's text without a harness's elements.
fn said(text: &str) -> String {
    let mut said = text.to_owned();
    for name in HARNESS {
        while let Some((begin, end)) = element(&said, name) {
            said.replace_range(begin..end, "");
        }
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(turns: &[(Role, &str)]) -> Prompt {
        let turns = turns.iter().map(|&(role, text)| Turn { role, text: text.to_owned() }).collect();
        Prompt { turns, ..Prompt::default() }
    }

    #[test]
    fn what_a_harness_adds_is_not_what_is_asked() {
        let reminder = "<system-reminder>\nYour todo list is empty.\n</system-reminder>";
        let asked = format!("{reminder}Rename the function.\n<environment_details>\ncwd /x\n</environment_details>");
        let whole = prompt(&[
            (Role::System, reminder),
            (Role::User, "Hello <b>there</b>"),
            (Role::Assistant, reminder),
            (Role::User, &asked),
            (Role::Tool, reminder),
            (Role::User, reminder),
        ]);
        let seen = whole.without_harness();
        assert_eq!(seen.last_user().trim(), "Rename the function.");
        assert_eq!(seen.turns.len(), 5, "the turn that was nothing else is gone");
        assert_eq!(
            (&seen.turns[0], &seen.turns[2], &seen.turns[4]),
            (&whole.turns[0], &whole.turns[2], &whole.turns[4])
        );
    }

    #[test]
    fn a_prompt_without_a_harness_is_as_it_was() {
        for text in ["<system-reminder> is a tag", "a < b", "", "</system-reminder><system-reminder>"] {
            let whole = prompt(&[(Role::User, text)]);
            assert!(matches!(whole.without_harness(), Cow::Borrowed(_)), "{text}");
        }
        let only = prompt(&[(Role::User, "<system-reminder>x</system-reminder>")]);
        assert!(matches!(only.without_harness(), Cow::Borrowed(_)), "there is nothing else to go by");
    }
}
