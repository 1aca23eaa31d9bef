//! The columns of an outcome table, and where a file has them.

use std::str::FromStr;

/// A column of the outcome table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Name of the set.
    Dataset,
    /// The query's id.
    QueryId,
    /// Split of the source.
    Split,
    /// The query's text.
    Query,
    /// The part of the data set.
    Task,
    /// The model that answered.
    Model,
    /// How good the answer was.
    Score,
    /// What it cost.
    CostUsd,
    /// Input tokens.
    PromptTokens,
    /// Output tokens.
    CompletionTokens,
}

impl Field {
    /// Every column, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::Dataset,
        Self::QueryId,
        Self::Split,
        Self::Query,
        Self::Task,
        Self::Model,
        Self::Score,
        Self::CostUsd,
        Self::PromptTokens,
        Self::CompletionTokens,
    ];

    /// Name of the column.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dataset => "dataset",
            Self::QueryId => "query_id",
            Self::Split => "split",
            Self::Query => "query",
            Self::Task => "task",
            Self::Model => "model",
            Self::Score => "score",
            Self::CostUsd => "cost_usd",
            Self::PromptTokens => "prompt_tokens",
            Self::CompletionTokens => "completion_tokens",
        }
    }
}

/// A field and the column it stands in, written `FIELD=NAME`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    /// The field.
    pub field: Field,
    /// The column of the file; in JSON a path may be given with dots.
    pub column: String,
}

impl FromStr for Renamed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (field, column) = text.split_once('=').ok_or("write FIELD=NAME, such as query=prompt")?;
        let known = || Field::ALL.map(Field::as_str).join(", ");
        let found = Field::ALL.into_iter().find(|f| f.as_str() == field.trim());
        let field = found.ok_or_else(|| format!("`{}` is none of the fields {}", field.trim(), known()))?;
        if column.is_empty() {
            return Err(format!("name the column after `{}=`", field.as_str()));
        }
        Ok(Self { field, column: column.to_owned() })
    }
}
