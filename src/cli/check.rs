//! `ftpspec check`: every problem of every file at once.

use super::args::{CheckArgs, CorpusArgs};
use super::corpus;
use super::exit::{CliError, Exit};
use super::output;

pub(super) fn run(args: &CheckArgs) -> Result<Exit, CliError> {
    let loaded = if args.paths.is_empty() {
        corpus::load(&CorpusArgs::default())?
    } else {
        corpus::load_paths(&args.paths)?
    };
    let count = loaded.scenarios.len() + loaded.discover.len();
    let noun = if count == 1 { "scenario" } else { "scenarios" };
    output::print(&format!("{count} {noun} without problems\n"))?;
    Ok(Exit::Success)
}
