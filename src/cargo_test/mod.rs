//! Every scenario as a test of `cargo test` and cargo-nextest.
//!
//! ```no_run
//! // tests/ftps.rs, with `harness = false` in Cargo.toml:
//! //   [[test]]
//! //   name = "ftps"
//! //   harness = false
//! fn main() -> std::process::ExitCode {
//!     // Your own server, described by a target.yaml beside your Cargo.toml.
//!     ftpspec::cargo_test::main(ftpspec::cargo_test::Options::for_target_file("tests/target.yaml"))
//! }
//! ```
//!
//! `examples/vendor_test.rs` is a whole one that runs: `cargo run --example vendor_test`.
//!
//! Like `cli`, this is an entry point: it may read the environment and end the process.

mod shared;
mod trials;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::Arguments;

/// How many trials run at the same time when `--test-threads` says nothing.
const TRIALS_AT_ONCE: usize = 8;

/// What becomes a test.
#[derive(Clone, Debug)]
pub struct Options {
    /// Every scenario and cell against the embedded server.
    pub embedded: bool,
    /// Every proof: a scenario against a fault it detects must fail.
    pub proofs: bool,
    /// The targets bundled with ftpspec that are installed on this machine.
    pub bundled_targets: bool,
    /// Targets described by these files (`target.yaml`).
    pub target_files: Vec<PathBuf>,
    /// Folders with further scenarios.
    pub scenario_folders: Vec<PathBuf>,
    /// Scenario ids or areas to run, as for `ftpspec run`; all when empty.
    pub filters: Vec<String>,
}

impl Options {
    /// What ftpspec tests of itself: the embedded server, the proofs, and the bundled targets.
    #[must_use]
    pub fn own_suite() -> Self {
        Self {
            embedded: true,
            proofs: true,
            bundled_targets: true,
            target_files: Vec::new(),
            scenario_folders: Vec::new(),
            filters: Vec::new(),
        }
    }

    /// Every scenario against the target(s) of one file.
    #[must_use]
    pub fn for_target_file(file: impl Into<PathBuf>) -> Self {
        Self {
            embedded: false,
            proofs: false,
            bundled_targets: false,
            target_files: vec![file.into()],
            scenario_folders: Vec::new(),
            filters: Vec::new(),
        }
    }
}

/// Runs the tests with the arguments of the process, as libtest would, and returns the exit code. With
/// `FTPSPEC_REQUIRE_TARGETS=vsftpd,proftpd` (or `all`) a target that is not installed fails instead of being ignored; with
/// `FTPSPEC_ONLY_TARGETS=vsftpd,proftpd` the others are ignored even when they are installed.
#[must_use]
pub fn main(options: Options) -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Most of a trial is waiting for the other side.
    arguments.test_threads.get_or_insert(TRIALS_AT_ONCE);
    let wanted = trials::Wanted {
        required: std::env::var("FTPSPEC_REQUIRE_TARGETS").unwrap_or_default(),
        only: std::env::var("FTPSPEC_ONLY_TARGETS").ok(),
    };
    match trials::collect(&options, &wanted) {
        Ok((trials, shared)) => {
            let conclusion = libtest_mimic::run(&arguments, trials);
            shared.stop();
            conclusion.exit_code()
        }
        Err(problem) => {
            complain(&problem);
            ExitCode::from(2)
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "an entry point: there is no caller to report to"
)]
fn complain(problem: &str) {
    eprintln!("error: {problem}");
}
