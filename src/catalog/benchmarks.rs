//! The table of public benchmarks: which task types each speaks for, and how hard it is. Long by nature.
//!
//! A score s says that a model of ability u solves a share `s = σ(u − b)` of the benchmark (item-response theory with one
//! parameter, Rasch 1960), so `u = logit(s) + b`. The difficulties b are set by hand so that models whose class is
//! undisputed land near their tier's default ability; they are round on purpose, and a benchmark counts only as one
//! observation against the tier's default (see `ability`).

use crate::domain::TaskType;
use serde::{Serialize, Serializer};
use std::{fmt, str::FromStr};

macro_rules! benchmarks {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $difficulty:literal, [$($task:ident),+];)+) => {
        /// A public benchmark that the catalogue can read abilities from.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BenchmarkName { $($(#[$doc])* $variant),+ }

        impl BenchmarkName {
            /// Every benchmark.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name used in catalogues.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Its difficulty b on the item-response scale.
            #[must_use]
            pub const fn difficulty(self) -> f64 {
                match self { $(Self::$variant => $difficulty),+ }
            }

            /// The task types it speaks for.
            #[must_use]
            pub const fn tasks(self) -> &'static [TaskType] {
                match self { $(Self::$variant => &[$(TaskType::$task),+]),+ }
            }
        }
    };
}

benchmarks! {
    /// 57 subjects, four choices (Hendrycks et al. 2021).
    Mmlu = "mmlu", -0.5, [KnowledgeQa, Classification, Other];
    /// MMLU made harder, ten choices (Wang et al. 2024).
    MmluPro = "mmlu-pro", 0.5, [KnowledgeQa, Reasoning, Other];
    /// MMLU in many languages (OpenAI 2024).
    Mmmlu = "mmmlu", -0.1, [KnowledgeQa, Translation];
    /// Graduate science questions, main set of 448 (Rein et al. 2023).
    GpqaMain = "gpqa-main", 1.2, [Reasoning, KnowledgeQa];
    /// Graduate science questions, the 198 hardest (Rein et al. 2023).
    GpqaDiamond = "gpqa-diamond", 1.2, [Reasoning, KnowledgeQa];
    /// Questions at the edge of knowledge (Phan et al. 2025).
    Hle = "hle", 4.5, [Reasoning, KnowledgeQa];
    /// Short facts (Wei et al. 2024).
    SimpleQa = "simpleqa", 2.5, [KnowledgeQa];
    /// Short facts, cleaned (Haas et al. 2025).
    SimpleQaVerified = "simpleqa-verified", 2.8, [KnowledgeQa];
    /// 23 hard tasks of BIG-bench (Suzgun et al. 2022).
    Bbh = "bbh", -0.2, [Reasoning, Classification];
    /// Reading with arithmetic, F1 (Dua et al. 2019).
    Drop = "drop", 0.0, [Extraction, Reasoning];
    /// Competition mathematics (Hendrycks et al. 2021).
    Math = "math", 0.4, [Math];
    /// 500 problems of MATH (Lightman et al. 2023).
    Math500 = "math-500", -0.2, [Math];
    /// School mathematics (Cobbe et al. 2021).
    Gsm8k = "gsm8k", -1.2, [Math];
    /// School mathematics in eleven languages (Shi et al. 2022).
    Mgsm = "mgsm", -0.8, [Math, Translation];
    /// American Invitational Mathematics Examination 2024.
    Aime2024 = "aime-2024", 1.5, [Math, Reasoning];
    /// American Invitational Mathematics Examination 2025.
    Aime2025 = "aime-2025", 1.3, [Math, Reasoning];
    /// American Invitational Mathematics Examination 2026.
    Aime2026 = "aime-2026", 1.0, [Math, Reasoning];
    /// Functions from docstrings (Chen et al. 2021).
    HumanEval = "humaneval", -0.8, [Coding];
    /// Contest problems after the training cut-off, whichever version (Jain et al. 2024).
    LiveCodeBench = "livecodebench", 1.2, [Coding];
    /// Real issues of real repositories (OpenAI 2024).
    SweBenchVerified = "swe-bench-verified", 1.6, [Coding];
    /// Edits in six languages (Aider 2024).
    AiderPolyglot = "aider-polyglot", 1.8, [Coding];
    /// Instructions that a program can check (Zhou et al. 2023).
    IfEval = "ifeval", -0.4, [ConstrainedGeneration, Rewriting, Extraction, BusinessWriting, AssistantCommand];
    /// Instructions that a program can check, new and harder (Pyatkin et al. 2025).
    IfBench = "ifbench", 1.4, [ConstrainedGeneration, Rewriting, AssistantCommand];
    /// Hard prompts of users, won against a baseline (Li et al. 2024).
    ArenaHard = "arena-hard", 0.8, [ChatRoleplay, CreativeWriting, BusinessWriting, CustomerSupport, Other];
}

impl FromStr for BenchmarkName {
    type Err = ();
    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|known| known.as_str() == name).ok_or(())
    }
}

impl fmt::Display for BenchmarkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for BenchmarkName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
