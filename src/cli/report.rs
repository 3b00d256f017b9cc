//! `ftpspec report`: what can be done with stored runs. One file per subcommand.

mod diff;
mod durations;
mod merge;
mod render;
mod show;

use super::args::{ReportArgs, ReportCommand};
use super::exit::{CliError, Exit};

pub(super) fn run(args: &ReportArgs) -> Result<Exit, CliError> {
    match &args.command {
        ReportCommand::Render(args) => render::run(args),
        ReportCommand::Show(args) => show::run(args),
        ReportCommand::Diff(args) => diff::run(args),
        ReportCommand::Merge(args) => merge::run(args),
        ReportCommand::Durations(args) => durations::run(args),
    }
}
