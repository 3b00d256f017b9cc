//! `ftpspec report`: what can be done with stored runs. One file per subcommand.

mod show;

use super::args::{ReportArgs, ReportCommand};
use super::exit::{CliError, Exit};

pub(super) fn run(args: &ReportArgs) -> Result<Exit, CliError> {
    match &args.command {
        ReportCommand::Show(args) => show::run(args),
    }
}
