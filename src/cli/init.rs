//! `satisfice init`: a configuration file to start from.

use super::{Verdict, args::InitArgs, output};
use crate::config;
use anyhow::{Context, anyhow};
use std::{
    fs::File,
    io::{ErrorKind, Write},
    path::Path,
};

/// Runs the command.
pub(super) fn run(args: &InitArgs) -> anyhow::Result<Verdict> {
    let example = config::init_example();
    if args.out == Path::new("-") {
        output::print(&example)?;
        return Ok(Verdict::Good);
    }
    write(&args.out, args.force, &example)?;
    output::print(&format!(
        "wrote {}; start with `satisfice serve --config {}`",
        args.out.display(),
        args.out.display()
    ))?;
    Ok(Verdict::Good)
}

/// Never replaces a file unless told to, also when it appears in this moment.
pub(super) fn write(path: &Path, force: bool, text: &str) -> anyhow::Result<()> {
    let opened = File::options().write(true).create(true).create_new(!force).truncate(force).open(path);
    let mut file = opened.map_err(|e| match e.kind() {
        ErrorKind::AlreadyExists => anyhow!("{} is there already; --force replaces it", path.display()),
        _ => anyhow!("can't write {}: {e}", path.display()),
    })?;
    file.write_all(text.as_bytes()).with_context(|| format!("can't write {}", path.display()))
}
