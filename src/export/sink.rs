//! Writing batches to a file that appears under its name only when it is whole.

use super::{ExportError, FileFormat};
use arrow::{array::RecordBatch, datatypes::SchemaRef, ipc::writer::FileWriter};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::WriterProperties,
};
use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
};

/// Rows of a row group: what the Parquet writer holds in memory before it writes.
const ROW_GROUP: usize = 16_384;

/// An unfinished file; dropped, it is removed.
pub(super) struct Sink {
    writer: Option<Writer>,
    part: PathBuf,
    out: PathBuf,
}

enum Writer {
    Parquet(Box<ArrowWriter<File>>),
    Arrow(Box<FileWriter<BufWriter<File>>>),
}

impl Sink {
    /// Opens `out.part` beside `out`.
    pub(super) fn create(out: &Path, format: FileFormat, schema: &SchemaRef) -> Result<Self, ExportError> {
        let mut part = OsString::from(out);
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|source| ExportError::Io { path: part.clone(), source })?;
        let mut sink = Self { writer: None, part, out: out.to_owned() };
        sink.writer = Some(match format {
            FileFormat::Parquet => {
                Writer::Parquet(Box::new(ArrowWriter::try_new(file, schema.clone(), Some(properties()))?))
            }
            FileFormat::Arrow => Writer::Arrow(Box::new(FileWriter::try_new_buffered(file, schema)?)),
        });
        Ok(sink)
    }

    /// Appends rows.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), ExportError> {
        match &mut self.writer {
            Some(Writer::Parquet(writer)) => writer.write(batch)?,
            Some(Writer::Arrow(writer)) => writer.write(batch)?,
            None => {}
        }
        Ok(())
    }

    /// Ends the file, puts it in its place and says how large it is.
    pub(super) fn finish(mut self) -> Result<u64, ExportError> {
        match self.writer.take() {
            Some(Writer::Parquet(writer)) => drop(writer.close()?),
            Some(Writer::Arrow(mut writer)) => writer.finish()?,
            None => {}
        }
        self.place().map_err(|source| ExportError::Io { path: self.out.clone(), source })
    }

    fn place(&self) -> io::Result<u64> {
        let bytes = fs::metadata(&self.part)?.len();
        fs::rename(&self.part, &self.out)?;
        Ok(bytes)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // After a success there is nothing left to remove.
        let _ = fs::remove_file(&self.part);
    }
}

fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_created_by(concat!("satisfice ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}
