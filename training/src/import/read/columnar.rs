//! Parquet, by way of polars.
//!
//! Only columns of plain types are decoded: polars is built without the others here and would panic.

use super::{Iter, Position, Row, SAMPLE, Shape};
use anyhow::{Context, Result, bail, ensure};
use indicatif::ProgressBar;
use polars::prelude::{
    ArrowDataType, BooleanChunked, Column, DataType, Float64Chunked, Int64Chunked, ParquetReader, SerReader,
    StringChunked,
};
use serde_json::{Number, Value};
use std::{fs::File, path::Path};

/// A column's cells in one piece.
enum Cells {
    Text(StringChunked),
    Whole(Int64Chunked),
    Number(Float64Chunked),
    Flag(BooleanChunked),
}

impl Cells {
    fn new(column: &Column) -> Result<Self> {
        Ok(match column.dtype() {
            DataType::String => Self::Text(column.str()?.clone()),
            DataType::Boolean => Self::Flag(column.bool()?.clone()),
            DataType::Float32 | DataType::Float64 => Self::Number(column.cast(&DataType::Float64)?.f64()?.clone()),
            _ => Self::Whole(column.cast(&DataType::Int64)?.i64()?.clone()),
        })
    }

    fn get(&self, i: usize) -> Value {
        match self {
            Self::Text(cells) => cells.get(i).map(Value::from),
            Self::Whole(cells) => cells.get(i).map(Value::from),
            Self::Number(cells) => cells.get(i).map(number),
            Self::Flag(cells) => cells.get(i).map(Value::from),
        }
        .unwrap_or(Value::Null)
    }
}

/// JSON has no NaN; as text it stays distinct from a missing number.
fn number(v: f64) -> Value {
    Number::from_f64(v).map_or_else(|| Value::from(v.to_string()), Value::Number)
}

const fn is_plain(dtype: &ArrowDataType) -> bool {
    use ArrowDataType as T;
    matches!(
        dtype,
        T::Boolean
            | T::Int32
            | T::Int64
            | T::UInt32
            | T::UInt64
            | T::Float32
            | T::Float64
            | T::Utf8
            | T::LargeUtf8
            | T::Utf8View
    )
}

fn reader(path: &Path) -> Result<ParquetReader<File>> {
    Ok(ParquetReader::new(super::file(path)?).set_rechunk(true))
}

/// Names and types of all columns.
fn schema(reader: &mut ParquetReader<File>) -> Result<Vec<(String, ArrowDataType)>> {
    let schema = reader.schema().context("not a parquet file")?;
    Ok(schema.iter_values().map(|field| (field.name.to_string(), field.dtype.clone())).collect())
}

/// All columns and the first rows; a column that can't be decoded shows as an empty list.
///
/// # Errors
/// The file can't be opened or is no parquet file.
pub(super) fn shape(path: &Path) -> Result<Shape> {
    let mut reader = reader(path)?.with_slice(Some((0, SAMPLE)));
    let schema = schema(&mut reader)?;
    let names = |of: fn(&ArrowDataType) -> bool| -> Vec<String> {
        schema.iter().filter(|(_, dtype)| of(dtype)).map(|(name, _)| name.clone()).collect()
    };
    let opaque = names(|dtype| !is_plain(dtype) && *dtype != ArrowDataType::Null);
    let mut sample: Vec<Row> = decode(reader, names(is_plain))?.1.collect();
    for row in &mut sample {
        row.extend(opaque.iter().map(|name| (name.clone(), Value::Array(Vec::new()))));
    }
    Ok(Shape { columns: names(|_| true), sample })
}

/// The rows, in the columns that are kept.
///
/// # Errors
/// The file can't be opened, is no parquet file, or a column that is kept is of a type that isn't read.
pub(super) fn rows(path: &Path, bar: &ProgressBar, keep: &dyn Fn(&str) -> bool) -> Result<Iter> {
    let mut reader = reader(path)?;
    // A column of nulls has no type of its own, and nothing to read.
    let holds = |(name, dtype): &(String, ArrowDataType)| keep(name) && *dtype != ArrowDataType::Null;
    let kept: Vec<_> = schema(&mut reader)?.into_iter().filter(holds).collect();
    if let Some((name, dtype)) = kept.iter().find(|(_, dtype)| !is_plain(dtype)) {
        bail!("column `{name}` is of type {dtype:?}: write it as text or as plain numbers");
    }
    let (height, rows) = decode(reader, kept.into_iter().map(|(name, _)| name).collect())?;
    bar.set_length(height as u64);
    let bar = bar.clone();
    let rows = (0..).zip(rows).inspect(move |_| bar.inc(1));
    Ok(Box::new(rows.map(|(i, row)| (Position::Row(i), Ok(row)))))
}

/// Height and rows of plain columns.
fn decode(reader: ParquetReader<File>, names: Vec<String>) -> Result<(usize, impl Iterator<Item = Row> + use<>)> {
    ensure!(!names.is_empty(), "holds no column that can be read");
    let table = reader.with_columns(Some(names.clone())).finish().context("can't be decoded")?;
    let columns: Vec<(String, Cells)> =
        names.into_iter().map(|name| Ok((name.clone(), Cells::new(table.column(&name)?)?))).collect::<Result<_>>()?;
    let height = table.height();
    let row = move |i| columns.iter().map(|(name, cells)| (name.clone(), cells.get(i))).collect();
    Ok((height, (0..height).map(row)))
}
