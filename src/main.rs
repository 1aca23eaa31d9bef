//! The `satisfice` binary: parse, run, exit code.

/// What one thread allocates is often freed by another here (a request's task, the log's writer), where the system's own
/// allocator waits for locks.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    satisfice::cli::main()
}
