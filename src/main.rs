//! The `ftpspec` command. Everything is in the library; see `ftpspec::cli`.

fn main() -> std::process::ExitCode {
    ftpspec::cli::main()
}
