//! `satisfice export`: the log as a file for training and notebooks.

use super::{
    Verdict,
    args::{ExportArgs, FileFormat, What},
    output, setup,
};
use crate::{
    export::{self, Table},
    store::Store,
};

/// Runs the command; also beside a running service.
pub(super) async fn run(args: ExportArgs) -> anyhow::Result<Verdict> {
    let setup = setup(args.place)?;
    let log = Store::open_read_only(&setup.store_path()).await?;
    let (name, table) = match args.what {
        What::Decisions => ("decisions", Table::Decisions),
        What::Outcomes => ("outcomes", Table::Outcomes),
        What::Embeddings => ("embeddings", Table::Embeddings),
        What::Feedback => ("feedback", Table::Feedback),
    };
    let format = match args.format {
        FileFormat::Parquet => export::FileFormat::Parquet,
        FileFormat::Arrow => export::FileFormat::Arrow,
    };
    let bar = output::progress(name, export::count(&log, table).await?);
    let written = export::export(&log, table, format, &args.out, |rows| bar.set_position(rows)).await;
    bar.finish_and_clear();
    let export::Exported { rows, bytes } = written?;
    output::print(&format!("{rows} {name} in {} ({bytes} bytes)", args.out.display()))?;
    Ok(Verdict::Good)
}
