//! The `satisfice` binary: parse, run, exit code.

fn main() -> std::process::ExitCode {
    satisfice::cli::main()
}
