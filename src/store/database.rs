//! Opening: the lock, the checks before anything is touched, the schema, the connections.

use super::{Durability, StoreError, rows::STATEMENTS};
use sqlx::{
    ConnectOptions, SqliteConnection, SqlitePool,
    migrate::Migrator,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use std::{
    ffi::OsString,
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// `PRAGMA application_id` of a log, set by the first migration.
const APPLICATION_ID: i64 = 1_396_790_355;

static MIGRATIONS: Migrator = sqlx::migrate!("src/store/migrations");

/// The newest schema this release knows.
pub(super) fn known_schema() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0)
}

/// The file's real path, so that two names of one file share one lock. Creates the folder.
pub(super) fn resolve(path: &Path) -> Result<PathBuf, StoreError> {
    let io = |source| StoreError::Io { path: path.to_owned(), source };
    if let Ok(real) = path.canonicalize() {
        return Ok(real);
    }
    let name = path.file_name().ok_or_else(|| io(std::io::ErrorKind::InvalidFilename.into()))?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder).map_err(io)?;
    Ok(folder.canonicalize().map_err(io)?.join(name))
}

/// Takes the writer's lock, `<path>.lock`; the operating system frees it with the handle, whatever ends the process.
///
/// # Errors
/// [`StoreError::Locked`] when somebody holds it, [`StoreError::Io`] when it can't be made.
pub(super) fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let lock = PathBuf::from(name);
    let io = |source| StoreError::Io { path: lock.clone(), source };
    let file = File::options().write(true).create(true).truncate(false).open(&lock).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// How to connect to a file.
pub(super) fn file(path: &Path) -> SqliteConnectOptions {
    base().filename(path)
}

/// How to connect to a new database in memory, shared by the connections of this process and gone with the last.
///
/// SQLite's `memdb` file system locks like a file does; its older shared cache would fail readers while a write runs.
pub(super) fn memory() -> SqliteConnectOptions {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    base().vfs("memdb").filename(format!("/satisfice-{}", COUNT.fetch_add(1, Ordering::Relaxed)))
}

fn base() -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().foreign_keys(true).busy_timeout(Duration::from_secs(5));
    options.statement_cache_capacity(STATEMENTS).disable_statement_logging()
}

/// Connects for writing and brings the schema up to date.
pub(super) async fn connect_writer(
    options: &SqliteConnectOptions,
    durability: Durability,
) -> Result<SqliteConnection, StoreError> {
    let mut conn = options.clone().create_if_missing(true).connect().await?;
    let found = schema(&mut conn, options).await?;
    if found > known_schema() {
        return Err(StoreError::NewerSchema { found, known: known_schema() });
    }
    sqlx::raw_sql(durability.pragmas()).execute(&mut conn).await?;
    MIGRATIONS.run(&mut conn).await?;
    Ok(conn)
}

/// Opens the pool of readers on a database whose schema is up to date.
pub(super) async fn connect_readers(options: &SqliteConnectOptions, readers: u32) -> Result<SqlitePool, StoreError> {
    let pool = SqlitePoolOptions::new()
        .max_connections(readers.max(1))
        .acquire_timeout(Duration::from_secs(10))
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_with(options.clone().read_only(true))
        .await?;
    let found = schema(&mut *pool.acquire().await?, options).await?;
    let known = known_schema();
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Ok(pool),
        std::cmp::Ordering::Greater => Err(StoreError::NewerSchema { found, known }),
        std::cmp::Ordering::Less => Err(StoreError::OlderSchema { found, known }),
    }
}

/// The schema version; 0 for a database that is still empty. Only reads, so that a foreign file is left as it was.
async fn schema(conn: &mut SqliteConnection, options: &SqliteConnectOptions) -> Result<i64, StoreError> {
    let id: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut *conn).await?;
    if id == APPLICATION_ID {
        let version = "SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations";
        return Ok(sqlx::query_scalar(version).fetch_one(conn).await?);
    }
    let foreign = "SELECT COUNT(*) FROM sqlite_schema WHERE name <> '_sqlx_migrations' AND name NOT LIKE 'sqlite_%'";
    let tables: i64 = sqlx::query_scalar(foreign).fetch_one(conn).await?;
    if id == 0 && tables == 0 { Ok(0) } else { Err(StoreError::NotAStore { path: options.get_filename().to_owned() }) }
}
