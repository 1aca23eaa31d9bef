//! Reading one row's cells into domain types; whatever does not fit is reported with its place.

use super::StoreError;
use crate::domain::{DecisionId, Quality, Reward, UnixMillis};
use serde::de::{DeserializeOwned, IntoDeserializer, value};
use sqlx::{Decode, Row, Sqlite, Type, sqlite::SqliteRow};
use std::fmt::Display;
use uuid::Uuid;

/// One row of one table.
pub(super) struct Cells<'r> {
    row: &'r SqliteRow,
    table: &'static str,
}

impl<'r> Cells<'r> {
    /// Names the table for error messages.
    pub(super) fn new(table: &'static str, row: &'r SqliteRow) -> Self {
        Self { row, table }
    }

    /// The error for a cell that can't be read.
    pub(super) fn corrupt(&self, column: &str, detail: impl Display) -> StoreError {
        let seq = self.row.try_get::<i64, _>("seq").map_or_else(|_| String::new(), |seq| format!(", row {seq}"));
        StoreError::Corrupt { at: format!("{}.{column}{seq}", self.table), detail: detail.to_string() }
    }

    /// A cell as SQLite holds it.
    pub(super) fn get<T: Decode<'r, Sqlite> + Type<Sqlite>>(&self, column: &str) -> Result<T, StoreError> {
        self.row.try_get(column).map_err(|e| self.corrupt(column, e))
    }

    /// A cell whose range is checked, e.g. `checked::<f64, Quality>` or `checked::<i64, u32>`.
    pub(super) fn checked<T, U>(&self, column: &str) -> Result<U, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        U: TryFrom<T, Error: Display>,
    {
        self.get::<T>(column)?.try_into().map_err(|e| self.corrupt(column, e))
    }

    /// The same for a cell that may be NULL.
    pub(super) fn checked_option<T, U>(&self, column: &str) -> Result<Option<U>, StoreError>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite>,
        U: TryFrom<T, Error: Display>,
    {
        let value = self.get::<Option<T>>(column)?;
        value.map(U::try_from).transpose().map_err(|e| self.corrupt(column, e))
    }

    /// A count, or a number of a row.
    pub(super) fn count(&self, column: &str) -> Result<u64, StoreError> {
        self.checked::<i64, u64>(column)
    }

    /// A name: model, scope, request.
    pub(super) fn name<T: for<'s> From<&'s str>>(&self, column: &str) -> Result<T, StoreError> {
        self.get::<&str>(column).map(T::from)
    }

    /// A time.
    pub(super) fn at(&self) -> Result<UnixMillis, StoreError> {
        self.get("at_ms").map(UnixMillis)
    }

    /// A JSON cell.
    pub(super) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(self.get::<&str>(column)?).map_err(|e| self.corrupt(column, e))
    }

    /// A JSON cell that may be NULL.
    pub(super) fn json_option<T: DeserializeOwned>(&self, column: &str) -> Result<Option<T>, StoreError> {
        let text = self.get::<Option<&str>>(column)?;
        text.map(|text| serde_json::from_str(text).map_err(|e| self.corrupt(column, e))).transpose()
    }

    /// A variant by its name on the wire.
    pub(super) fn variant<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        let name = self.get::<&str>(column)?;
        T::deserialize(name.into_deserializer()).map_err(|e: value::Error| self.corrupt(column, e))
    }

    /// A decision's id.
    pub(super) fn id(&self, column: &str) -> Result<DecisionId, StoreError> {
        let uuid = Uuid::from_slice(self.get::<&[u8]>(column)?).map_err(|e| self.corrupt(column, e))?;
        Ok(DecisionId::from_uuid(uuid))
    }

    /// A vector of little-endian f32.
    pub(super) fn floats(&self, column: &str) -> Result<Vec<f32>, StoreError> {
        let (values, rest) = self.get::<&[u8]>(column)?.as_chunks::<4>();
        if !rest.is_empty() {
            return Err(self.corrupt(column, "its length is no multiple of 4 bytes"));
        }
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }

    /// A score, NULL for a revocation.
    pub(super) fn reward(&self, column: &str) -> Result<Reward, StoreError> {
        Ok(self.checked_option::<f64, Quality>(column)?.map_or(Reward::Revoked, Reward::Score))
    }
}

/// A vector as little-endian bytes.
pub(super) fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|v| v.to_le_bytes()).collect()
}

/// An id as it is bound.
pub(super) fn id_bytes(id: DecisionId) -> Vec<u8> {
    id.uuid().into_bytes().to_vec()
}

/// A reward as it is bound.
pub(super) fn score_of(reward: Reward) -> Option<f64> {
    match reward {
        Reward::Score(quality) => Some(quality.get()),
        Reward::Revoked => None,
    }
}

/// An unsigned number as SQLite can hold it.
///
/// # Errors
/// [`StoreError::Unstorable`] beyond 63 bits.
pub(super) fn signed(what: &'static str, value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Unstorable { what, value: value.to_string() })
}
