//! The command line: the only module that prints, reads the environment or ends the process.
//!
//! `args` is what was typed; one file per subcommand lowers it and acts; `exit` has the exit codes.

mod args;
mod baseline;
mod certs;
mod check;
mod corpus;
mod diagnose;
mod durations;
mod exit;
mod explain;
mod external;
mod findings;
mod interrupt;
mod judge;
mod list;
mod manual;
mod material;
mod output;
mod password;
mod progress;
mod prove;
mod report;
mod run;
mod schema;
mod serve;
mod soak;
mod stored;
mod targets;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::{ContextValue, ErrorKind};

use args::{Cli, Command, RunArgs};
use exit::CliError;
pub use exit::Exit;

/// Runs the command line and returns the process exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) if names_a_url(&error) => {
            output::complain("error: a target given by URL is run by `ftpspec run URL`");
            return Exit::Usage.into();
        }
        Err(error) => {
            // Help and version are no errors; clap knows where each goes.
            let _ = error.print();
            return if error.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Success.into()
            };
        }
    };
    match dispatch(cli) {
        Ok(exit) => exit.into(),
        Err(CliError { exit, text }) => {
            output::complain(&format!("error: {text}"));
            exit.into()
        }
    }
}

/// Whether a URL stands where the subcommand belongs. It is not shown: it may hold a password.
fn names_a_url(error: &clap::Error) -> bool {
    error.kind() == ErrorKind::InvalidSubcommand
        && error
            .context()
            .any(|(_, value)| matches!(value, ContextValue::String(text) if text.contains("//")))
}

/// Whether the words of a command line, the program's name first, can be read: what a test of documents asks.
///
/// # Errors
/// What is wrong with them, as the user would read it.
pub fn check_words(words: &[String]) -> Result<(), String> {
    match Cli::try_parse_from(words) {
        Err(error) if error.use_stderr() => Err(error.to_string()),
        _ => Ok(()),
    }
}

fn dispatch(cli: Cli) -> Result<Exit, CliError> {
    match cli.command {
        None => block_on(run::run(&RunArgs::suite())),
        Some(Command::Run(args)) => block_on(run::run(&args)),
        Some(Command::Prove(args)) => block_on(prove::run(&args)),
        Some(Command::Diagnose(args)) => block_on(diagnose::run(&args)),
        Some(Command::Judge(args)) => judge::run(&args),
        Some(Command::Report(args)) => report::run(&args),
        Some(Command::Completions(args)) => manual::completions(&args),
        Some(Command::Man(args)) => manual::man(&args),
        Some(Command::Check(args)) => check::run(&args),
        Some(Command::List(args)) => list::run(&args),
        Some(Command::Explain(args)) => explain::run(&args),
        Some(Command::Schema(args)) => schema::run(&args),
        Some(Command::Serve(args)) => block_on(serve::run(&args)),
        Some(Command::Certs(args)) => certs::run(&args),
        Some(Command::Targets(args)) => block_on(targets::run(&args)),
    }
}

fn block_on(work: impl Future<Output = Result<Exit, CliError>>) -> Result<Exit, CliError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::internal(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}
