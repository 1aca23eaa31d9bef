//! `satisfice models`: the encoder's files.

use super::{Verdict, args::ModelsCommand, output};
use crate::{
    app::{Setup, model_folder},
    encoder::{FileState, ModelFolder},
};

/// Runs the command; fetching and hashing happen on a thread that may block.
pub(super) async fn run(command: ModelsCommand, setup: &Setup) -> anyhow::Result<Verdict> {
    let (folder, offline) = (model_folder(setup), setup.settings.encoder.offline);
    tokio::task::spawn_blocking(move || match command {
        ModelsCommand::Pull => pull(&folder, offline),
        ModelsCommand::List => list(&folder),
        ModelsCommand::Verify => verify(&folder),
    })
    .await?
}

fn pull(folder: &ModelFolder, offline: bool) -> anyhow::Result<Verdict> {
    folder.ensure(offline)?;
    output::print(&format!("{} is complete in {}", folder.manifest().encoder_id(), folder.path().display()))?;
    Ok(Verdict::Good)
}

fn list(folder: &ModelFolder) -> anyhow::Result<Verdict> {
    let manifest = folder.manifest();
    let states = folder.verify()?;
    let rows = manifest.files.iter().zip(&states).map(|(file, (_, state))| {
        vec![file.name.clone(), file.bytes.to_string(), words(*state).to_owned(), file.sha256.clone()]
    });
    let table = output::table(&["file", "bytes", "state", "sha256"], &[0, 2, 3], rows);
    output::print(&format!(
        "{}, licence {}, {}\nin {}\n\n{table}",
        manifest.encoder_id(),
        manifest.license,
        manifest.card,
        folder.path().display()
    ))?;
    Ok(Verdict::Good)
}

fn verify(folder: &ModelFolder) -> anyhow::Result<Verdict> {
    let states = folder.verify()?;
    for (name, state) in &states {
        output::print(&format!("{name}: {}", words(*state)))?;
    }
    let good = states.iter().all(|(_, state)| *state == FileState::Good);
    if !good {
        output::note("`satisfice models pull` fetches what is missing or corrupt");
    }
    Ok(Verdict::good_if(good))
}

/// A file's state in words.
pub(super) const fn words(state: FileState) -> &'static str {
    match state {
        FileState::Good => "good",
        FileState::Missing => "missing",
        FileState::Corrupt => "corrupt",
    }
}
