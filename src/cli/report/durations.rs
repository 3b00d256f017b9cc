//! `ftpspec report durations`: how long the cases of stored runs took, as a list for `run --durations`.

use crate::cli::args::DurationsArgs;
use crate::cli::durations;
use crate::cli::exit::{CliError, Exit};
use crate::cli::output;
use crate::cli::stored::StoredRun;
use crate::plan::Durations;

pub(super) fn run(args: &DurationsArgs) -> Result<Exit, CliError> {
    let mut all = Durations::new();
    for folder in &args.folders {
        all.extend(durations::of(&StoredRun::open(folder)?.outcome));
    }
    output::print(&durations::render(&all))?;
    Ok(Exit::Success)
}
