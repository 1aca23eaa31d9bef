//! Task types: what the answer to a prompt must be.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

macro_rules! task_types {
    ($($(#[$doc:meta])* $variant:ident = $name:literal),+ $(,)?) => {
        /// What the answer must be: the 17 labels of the task corpus and the names of labels merged from them.
        ///
        /// A classifier artefact serves a subset; its `label_map` says which corpus label is served as which.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum TaskType { $($(#[$doc])* $variant),+ }

        impl TaskType {
            /// Every task type.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used on the wire, in catalogues and in artefacts.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

task_types! {
    /// An action of a personal assistant or device.
    AssistantCommand = "assistant_command",
    /// A functional document.
    BusinessWriting = "business_writing",
    /// A turn in a conversation, or a part to play.
    ChatRoleplay = "chat_roleplay",
    /// A label, rank or judgement of given items.
    Classification = "classification",
    /// Code, or insight into code.
    Coding = "coding",
    /// Text under a dominating formal constraint.
    ConstrainedGeneration = "constrained_generation",
    /// A work of imagination.
    CreativeWriting = "creative_writing",
    /// A company's answer to its customer.
    CustomerSupport = "customer_support",
    /// Something that stands in the given text.
    Extraction = "extraction",
    /// Facts or an explanation.
    KnowledgeQa = "knowledge_qa",
    /// A number, a formula, a proof.
    Math = "math",
    /// Open-ended help that is none of the others.
    Other = "other",
    /// Questions.
    QuestionGeneration = "question_generation",
    /// A conclusion from premises.
    Reasoning = "reasoning",
    /// The same content put otherwise.
    Rewriting = "rewriting",
    /// A shorter version of the given content.
    Summarisation = "summarisation",
    /// Merged: classification and extraction, work on a given text.
    TextAnalysis = "text_analysis",
    /// The same content in another language.
    Translation = "translation",
    /// Merged: business, creative and constrained writing, and question generation.
    Writing = "writing",
}

/// A task type that nobody knows.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown task type {0:?}")]
pub struct UnknownTaskType(pub String);

impl FromStr for TaskType {
    type Err = UnknownTaskType;
    fn from_str(s: &str) -> Result<Self, UnknownTaskType> {
        Self::ALL.iter().copied().find(|t| t.as_str() == s).ok_or_else(|| UnknownTaskType(s.to_owned()))
    }
}

impl fmt::Display for TaskType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A probability for each served task type; sums to one.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskProbabilities(pub Vec<(TaskType, f32)>);

impl TaskProbabilities {
    /// The most probable task type; the first of equals. `Other` when empty.
    #[must_use]
    pub fn top(&self) -> TaskType {
        let best = self.0.iter().fold(None, |best: Option<(TaskType, f32)>, &(task, p)| match best {
            Some((_, highest)) if highest >= p => best,
            _ => Some((task, p)),
        });
        best.map_or(TaskType::Other, |(task, _)| task)
    }

    /// The probability of one task type; 0 where it is not served.
    #[must_use]
    pub fn get(&self, task: TaskType) -> f32 {
        self.0.iter().find(|(t, _)| *t == task).map_or(0.0, |&(_, p)| p)
    }
}
