//! What can be typed behind `ftpspec report`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::CorpusArgs;

#[derive(Args, Debug)]
pub(in crate::cli) struct ReportArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ReportCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum ReportCommand {
    /// Show a stored run: its summary, or scenario by scenario what a filter leaves
    Show(ShowArgs),
}

#[derive(Args, Debug)]
pub(in crate::cli) struct ShowArgs {
    /// The report folder, e.g. `reports/latest`
    #[arg(value_name = "DIR")]
    pub(in crate::cli) folder: PathBuf,
    /// Scenarios, as for `run`
    #[arg(value_name = "FILTER")]
    pub(in crate::cli) what: Vec<String>,
    /// Only this target; may be repeated
    #[arg(long = "target", short = 't', value_name = "NAME")]
    pub(in crate::cli) targets: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) corpus: CorpusArgs,
}
