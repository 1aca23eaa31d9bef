//! Named columns, collected one by one into a batch or into a struct.

use super::ExportError;
use crate::domain::UnixMillis;
use arrow::{
    array::{
        Array, ArrayRef, BooleanArray, FixedSizeListArray, Float32Array, Float64Array, ListArray, RecordBatch,
        StringArray, StructArray, TimestampMillisecondArray, UInt32Array, UInt64Array,
    },
    buffer::{NullBuffer, OffsetBuffer},
    datatypes::{Field, FieldRef, Fields, Schema},
};
use std::sync::Arc;

/// Columns of one length. Types follow from the methods used, never from the data, so all batches share a schema.
#[derive(Default)]
pub(super) struct Columns {
    fields: Vec<FieldRef>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn put(&mut self, name: &str, nullable: bool, array: impl Array + 'static) {
        self.fields.push(Arc::new(Field::new(name, array.data_type().clone(), nullable)));
        self.arrays.push(Arc::new(array));
    }

    /// Text.
    pub(super) fn text(&mut self, name: &str, values: impl Iterator<Item = impl AsRef<str>>) {
        self.put(name, false, StringArray::from_iter_values(values));
    }

    /// Text that may be missing.
    pub(super) fn text_option(&mut self, name: &str, values: impl Iterator<Item = Option<impl AsRef<str>>>) {
        self.put(name, true, values.collect::<StringArray>());
    }

    /// Truth values.
    pub(super) fn flag(&mut self, name: &str, values: impl Iterator<Item = bool>) {
        self.put(name, false, values.map(Some).collect::<BooleanArray>());
    }

    /// Numbers.
    pub(super) fn number(&mut self, name: &str, values: impl Iterator<Item = f64>) {
        self.put(name, false, Float64Array::from_iter_values(values));
    }

    /// Numbers that may be missing.
    pub(super) fn number_option(&mut self, name: &str, values: impl Iterator<Item = Option<f64>>) {
        self.put(name, true, values.collect::<Float64Array>());
    }

    /// Counts.
    pub(super) fn count(&mut self, name: &str, values: impl Iterator<Item = u64>) {
        self.put(name, false, UInt64Array::from_iter_values(values));
    }

    /// Counts that may be missing.
    pub(super) fn count_option(&mut self, name: &str, values: impl Iterator<Item = Option<u64>>) {
        self.put(name, true, values.collect::<UInt64Array>());
    }

    /// Token counts.
    pub(super) fn tokens(&mut self, name: &str, values: impl Iterator<Item = u32>) {
        self.put(name, false, UInt32Array::from_iter_values(values));
    }

    /// Token counts that may be missing.
    pub(super) fn tokens_option(&mut self, name: &str, values: impl Iterator<Item = Option<u32>>) {
        self.put(name, true, values.collect::<UInt32Array>());
    }

    /// Times, UTC, to the millisecond.
    pub(super) fn at(&mut self, values: impl Iterator<Item = UnixMillis>) {
        let times = TimestampMillisecondArray::from_iter_values(values.map(|at| at.0));
        self.put("at", false, times.with_timezone("UTC"));
    }

    /// Vectors of `width` numbers each that may be missing.
    ///
    /// # Errors
    /// A vector of another width.
    pub(super) fn vectors_option<'a>(
        &mut self,
        name: &str,
        width: usize,
        vectors: impl Iterator<Item = Option<&'a [f32]>> + Clone,
    ) -> Result<(), ExportError> {
        // A missing vector takes its room as well, as Arrow has it.
        let blank = vec![0.0; width];
        let values = vectors.clone().flat_map(|vector| vector.unwrap_or(&blank).iter().copied());
        let values: ArrayRef = Arc::new(Float32Array::from_iter_values(values));
        let item = Arc::new(Field::new("item", values.data_type().clone(), false));
        let nulls: NullBuffer = vectors.map(|vector| vector.is_some()).collect();
        let length = nulls.len();
        // Widths are small constants.
        let lists = FixedSizeListArray::try_new_with_length(item, width as i32, values, Some(nulls), length)?;
        self.put(name, true, lists);
        Ok(())
    }

    /// Lists of text; `lists` in order of rows.
    ///
    /// # Errors
    /// The lengths don't agree.
    pub(super) fn texts<'a, S: AsRef<str> + 'a>(
        &mut self,
        name: &str,
        lists: impl Iterator<Item = &'a [S]> + Clone,
    ) -> Result<(), ExportError> {
        let values = StringArray::from_iter_values(lists.clone().flatten());
        self.list(name, lists.map(<[S]>::len), Arc::new(values))
    }

    /// Lists of structs: `items` are the fields of all lists' items one after the other, `lengths` those of the lists.
    ///
    /// # Errors
    /// The lengths don't agree.
    pub(super) fn structs(
        &mut self,
        name: &str,
        lengths: impl Iterator<Item = usize>,
        items: Self,
    ) -> Result<(), ExportError> {
        let items = StructArray::try_new(Fields::from(items.fields), items.arrays, None)?;
        self.list(name, lengths, Arc::new(items))
    }

    fn list(&mut self, name: &str, lengths: impl Iterator<Item = usize>, values: ArrayRef) -> Result<(), ExportError> {
        let item = Arc::new(Field::new("item", values.data_type().clone(), false));
        self.put(name, false, ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), values, None)?);
        Ok(())
    }

    /// The batch.
    ///
    /// # Errors
    /// The lengths don't agree.
    pub(super) fn batch(self) -> Result<RecordBatch, ExportError> {
        Ok(RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)?)
    }
}
