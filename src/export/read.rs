//! Exported tables back as what they were made of, for whoever has the files and not the log.

use crate::{
    domain::{
        CallerId, Candidate, Decision, Feedback, KeyId, ModelId, Outcome, Predicted, Propensity, Quality, Requirements,
        Reward, RoutingRule, SessionId, TaskProbabilities, Tenant, Timings, UnixMillis,
    },
    store::FeedbackRow,
};
use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, StructArray},
    datatypes::{ArrowPrimitiveType, Float32Type, Float64Type, TimestampMillisecondType, UInt32Type, UInt64Type},
};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use std::{fmt::Display, fs::File, path::Path};

/// Why a table can't be read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct ReadError {
    /// The file.
    pub path: String,
    /// Why not, with the column and the row.
    pub problem: String,
}

/// Decisions of a Parquet file, in its order. Why models were excluded is not read back: the file has the rule's name alone, and
/// `excluded_by` is `None` throughout. A model without `predicted` was excluded.
///
/// # Errors
/// [`ReadError`]: no such file, a column is missing or of another type, or a value is out of range.
pub fn decisions(path: &Path) -> Result<Vec<Decision>, ReadError> {
    rows(path, |row| {
        let (tasks, all) = (row.list("tasks")?, row.list("candidates")?);
        let tasks = (0..tasks.len()).map(|i| {
            let task = tasks.at(i);
            Ok((task.variant("task")?, task.number::<Float64Type>("probability")? as f32))
        });
        Ok(Decision {
            id: row.parsed("id")?,
            request_id: row.text("request_id")?.into(),
            session_id: row.text_option("session_id")?.map(SessionId::from),
            caller: caller(row)?,
            at: at(row)?,
            scope: row.text("scope")?.into(),
            policy: row.text("policy")?.to_owned(),
            policy_version: row.number::<UInt64Type>("policy_version")?,
            features_version: row.text("features_version")?.to_owned(),
            rule: RoutingRule {
                mode: row.variant("mode")?,
                quality_target: row.checked("quality_target")?,
                kappa: row.number::<Float64Type>("kappa")?,
                lambda_usd: row.number::<Float64Type>("lambda_usd")?,
                exploration: row.number::<Float64Type>("exploration")?,
            },
            tasks: TaskProbabilities(tasks.collect::<Result<_, String>>()?),
            difficulty: row.checked("difficulty")?,
            input_tokens: row.number::<UInt32Type>("input_tokens")?,
            requirements: Requirements {
                tools: row.flag("needs_tools")?,
                json_schema: row.flag("needs_json_schema")?,
                vision: row.flag("needs_vision")?,
                max_output_tokens: row.number_option::<UInt32Type>("max_output_tokens")?,
            },
            context: context(row)?,
            candidates: (0..all.len()).map(|i| candidate(&all.at(i))).collect::<Result<_, String>>()?,
            chosen: row.text("chosen")?.into(),
            greedy: row.text("greedy")?.into(),
            explored: row.flag("explored")?,
            fallbacks: fallbacks(row)?,
            target_met: row.flag("target_met")?,
            reason: row.text("reason")?.to_owned(),
            timings: Timings {
                queue_us: row.number::<UInt64Type>("queue_us")?,
                encode_us: row.number::<UInt64Type>("encode_us")?,
                classify_us: row.number::<UInt64Type>("classify_us")?,
                decide_us: row.number::<UInt64Type>("decide_us")?,
                total_us: row.number::<UInt64Type>("total_us")?,
            },
        })
    })
}

/// Outcomes of a Parquet file, in its order; of the calls made the file has the number alone, and `attempts` is `None`.
///
/// # Errors
/// As [`decisions`].
pub fn outcomes(path: &Path) -> Result<Vec<Outcome>, ReadError> {
    rows(path, |row| {
        Ok(Outcome {
            decision_id: row.parsed("decision_id")?,
            served_model: row.text("served_model")?.into(),
            completion_id: row.text_option("completion_id")?.map(str::to_owned),
            status: row.variant("status")?,
            input_tokens: row.number_option::<UInt32Type>("input_tokens")?,
            cached_tokens: row.number_option::<UInt32Type>("cached_tokens")?,
            cache_write_tokens: row.number_option::<UInt32Type>("cache_write_tokens")?,
            output_tokens: row.number_option::<UInt32Type>("output_tokens")?,
            reasoning_tokens: row.number_option::<UInt32Type>("reasoning_tokens")?,
            cost_usd: row.checked_option("cost_usd")?,
            cost_is_estimate: row.flag("cost_is_estimate")?,
            attempts: None,
            first_byte_ms: row.number_option::<Float64Type>("first_byte_ms")?,
            latency_ms: row.number::<Float64Type>("latency_ms")?,
            at: at(row)?,
        })
    })
}

/// Feedback of a Parquet file, in its order.
///
/// # Errors
/// As [`decisions`].
pub fn feedback(path: &Path) -> Result<Vec<FeedbackRow>, ReadError> {
    rows(path, |row| {
        let score: Option<Quality> = row.checked_option("score")?;
        Ok(FeedbackRow {
            scope: row.text("scope")?.into(),
            number: row.number::<UInt64Type>("number")?,
            supersedes: row.number_option::<UInt64Type>("supersedes")?,
            feedback: Feedback {
                decision_id: row.parsed("decision_id")?,
                model: row.text("model")?.into(),
                source: row.variant("source")?,
                reward: score.map_or(Reward::Revoked, Reward::Score),
                idempotency_key: row.text_option("idempotency_key")?.map(str::to_owned),
                comment: row.text_option("comment")?.map(str::to_owned),
                at: at(row)?,
            },
        })
    })
}

fn caller(row: &Row<'_>) -> Result<Option<CallerId>, String> {
    let Some(tenant) = row.text_option("tenant")?.map(Tenant::from) else { return Ok(None) };
    Ok(Some(CallerId { key: row.text_option("key_id")?.map(KeyId::from), tenant }))
}

fn at(row: &Row<'_>) -> Result<UnixMillis, String> {
    row.number::<TimestampMillisecondType>("at").map(UnixMillis)
}

/// Empty where the decision was made without features.
fn context(row: &Row<'_>) -> Result<Vec<f32>, String> {
    let list = row.column("context")?.as_fixed_size_list_opt().ok_or("column `context` is no vector")?;
    if list.is_null(row.row) {
        return Ok(Vec::new());
    }
    let values = list.value(row.row);
    let values = values.as_primitive_opt::<Float32Type>().ok_or("column `context` has no numbers")?;
    Ok(values.values().to_vec())
}

fn fallbacks(row: &Row<'_>) -> Result<Vec<ModelId>, String> {
    let list = row.column("fallbacks")?.as_list_opt::<i32>().ok_or("column `fallbacks` is no list")?;
    let values = list.value(row.row);
    let values = values.as_string_opt::<i32>().ok_or("column `fallbacks` has no text")?;
    Ok(values.iter().flatten().map(ModelId::from).collect())
}

fn candidate(row: &Row<'_>) -> Result<Candidate, String> {
    let predicted = match row.number_option::<Float64Type>("prior")? {
        None => None,
        Some(prior) => Some(Predicted {
            prior,
            quality: row.number::<Float64Type>("quality")?,
            spread: row.number::<Float64Type>("spread")?,
            quality_low: row.number::<Float64Type>("quality_low")?,
            cost_usd: row.checked("cost_usd")?,
            latency_ms: row.number::<Float64Type>("latency_ms")?,
            output_tokens: row.number::<UInt32Type>("output_tokens")?,
        }),
    };
    let propensity: Propensity = row.checked("propensity")?;
    Ok(Candidate { model: row.text("model")?.into(), predicted, propensity, excluded_by: None })
}

/// Every row of a file.
fn rows<T>(path: &Path, of: impl Fn(&Row<'_>) -> Result<T, String>) -> Result<Vec<T>, ReadError> {
    let error = |problem: String| ReadError { path: path.display().to_string(), problem };
    let file = File::open(path).map_err(|e| error(e.to_string()))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(ParquetRecordBatchReaderBuilder::build);
    let mut all = Vec::new();
    for batch in reader.map_err(|e| error(e.to_string()))? {
        let batch: StructArray = RecordBatch::into(batch.map_err(|e| error(e.to_string()))?);
        for row in 0..batch.len() {
            let row = of(&Row { table: &batch, row });
            all.push(row.map_err(|problem| error(format!("row {}: {problem}", all.len())))?);
        }
    }
    Ok(all)
}

/// Structs of one list.
struct List(ArrayRef);

impl List {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn at(&self, row: usize) -> Row<'_> {
        Row { table: self.0.as_struct(), row }
    }
}

/// A row of a table, or a struct of a list.
struct Row<'a> {
    table: &'a StructArray,
    row: usize,
}

impl<'a> Row<'a> {
    fn column(&self, name: &str) -> Result<&'a ArrayRef, String> {
        self.table.column_by_name(name).ok_or_else(|| format!("there is no column `{name}`"))
    }

    fn list(&self, name: &str) -> Result<List, String> {
        let list = self.column(name)?.as_list_opt::<i32>().ok_or_else(|| format!("column `{name}` is no list"))?;
        let items = list.value(self.row);
        if items.as_struct_opt().is_none() {
            return Err(format!("column `{name}` is no list of structs"));
        }
        Ok(List(items))
    }

    fn text_option(&self, name: &str) -> Result<Option<&'a str>, String> {
        let texts = self.column(name)?.as_string_opt::<i32>().ok_or_else(|| format!("column `{name}` is no text"))?;
        Ok(texts.is_valid(self.row).then(|| texts.value(self.row)))
    }

    fn text(&self, name: &str) -> Result<&'a str, String> {
        self.text_option(name)?.ok_or_else(|| missing(name))
    }

    fn number_option<P: ArrowPrimitiveType>(&self, name: &str) -> Result<Option<P::Native>, String> {
        let numbers = self.column(name)?.as_primitive_opt::<P>();
        let numbers = numbers.ok_or_else(|| format!("column `{name}` is not of type {}", P::DATA_TYPE))?;
        Ok(numbers.is_valid(self.row).then(|| numbers.value(self.row)))
    }

    fn number<P: ArrowPrimitiveType>(&self, name: &str) -> Result<P::Native, String> {
        self.number_option::<P>(name)?.ok_or_else(|| missing(name))
    }

    fn flag(&self, name: &str) -> Result<bool, String> {
        let flags = self.column(name)?.as_boolean_opt().ok_or_else(|| format!("column `{name}` is no truth value"))?;
        Ok(flags.value(self.row))
    }

    /// A number whose range is checked.
    fn checked_option<T: TryFrom<f64, Error: Display>>(&self, name: &str) -> Result<Option<T>, String> {
        let number = self.number_option::<Float64Type>(name)?;
        number.map(|x| T::try_from(x).map_err(|e| format!("column `{name}`: {e}"))).transpose()
    }

    fn checked<T: TryFrom<f64, Error: Display>>(&self, name: &str) -> Result<T, String> {
        self.checked_option(name)?.ok_or_else(|| missing(name))
    }

    fn parsed<T: std::str::FromStr<Err: Display>>(&self, name: &str) -> Result<T, String> {
        self.text(name)?.parse().map_err(|e| format!("column `{name}`: {e}"))
    }

    /// A variant by its name on the wire.
    fn variant<T: DeserializeOwned>(&self, name: &str) -> Result<T, String> {
        let text = self.text(name)?;
        T::deserialize(text.into_deserializer()).map_err(|e: value::Error| format!("column `{name}`: {e}"))
    }
}

fn missing(name: &str) -> String {
    format!("column `{name}` has no value")
}
