//! Prompts with labels: those that come with the program, or a file of the same form.

use super::dice;
use crate::domain::{Difficulty, TaskType};
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::Value;
use std::{fs, path::Path};

/// Written and labelled by the project; see `datasets/prompts/GUIDELINE.md`.
const BUILTIN: &str = include_str!("../../datasets/prompts/prompts.jsonl");

/// Difficulty, on the item-response scale, of the guideline's five levels.
const LEVELS: [f64; 5] = [0.05, 0.2, 0.4, 0.65, 0.9];

/// A prompt whose truth is known.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct LabelledPrompt {
    /// OpenAI chat messages.
    pub(super) messages: Value,
    /// What the answer must be.
    #[serde(rename = "label")]
    pub(super) task: TaskType,
    /// 1 (trivial) to 5 (expert).
    #[serde(rename = "difficulty")]
    pub(super) level: u8,
}

impl LabelledPrompt {
    /// The level as a difficulty.
    pub(super) fn difficulty(&self) -> Difficulty {
        let level = usize::from(self.level.clamp(1, 5)) - 1;
        Difficulty::clipped(LEVELS[level])
    }
}

/// Prompts in an order of a seed's choice, over and over again.
#[derive(Debug, Clone)]
pub(super) struct Prompts {
    all: Vec<LabelledPrompt>,
    order: Vec<usize>,
}

impl Prompts {
    /// Reads a file, or those that come with the program.
    ///
    /// # Errors
    /// The file can't be read, or a line is not a labelled prompt; the message names it.
    pub(super) fn load(file: Option<&Path>, seed: u64) -> anyhow::Result<Self> {
        let (text, origin) = match file {
            Some(path) => {
                let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
                (text, path.display().to_string())
            }
            None => (BUILTIN.to_owned(), "the built-in prompts".to_owned()),
        };
        let all = parse(&text, &origin)?;
        let order = dice::shuffled(seed, all.len());
        Ok(Self { all, order })
    }

    /// The `n`-th prompt.
    pub(super) fn nth(&self, n: u64) -> &LabelledPrompt {
        let place = (n % self.order.len() as u64) as usize;
        &self.all[self.order[place]]
    }
}

/// Reads one JSON object a line; never empty.
pub(super) fn parse(text: &str, origin: &str) -> anyhow::Result<Vec<LabelledPrompt>> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let prompts = lines.map(|(n, line)| {
        let prompt: LabelledPrompt =
            serde_json::from_str(line).with_context(|| format!("{origin}:{}: not a labelled prompt", n + 1))?;
        ensure!((1..=5).contains(&prompt.level), "{origin}:{}: difficulty is {}, not 1 to 5", n + 1, prompt.level);
        Ok(prompt)
    });
    let prompts = prompts.collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(!prompts.is_empty(), "{origin} holds no prompts");
    Ok(prompts)
}
