//! What can be typed behind `ftpspec report`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::CorpusArgs;

#[derive(Args, Debug)]
pub(in crate::cli) struct ReportArgs {
    #[command(subcommand)]
    pub(in crate::cli) command: ReportCommand,
}

#[derive(Subcommand, Debug)]
pub(in crate::cli) enum ReportCommand {
    /// Render a stored run in another format, exactly as the run would have
    Render(RenderArgs),
    /// Show a stored run: its summary, or scenario by scenario what a filter leaves
    Show(ShowArgs),
    /// Compare two stored runs: what got worse, what got better, what else is different
    Diff(DiffArgs),
    /// Join the shards of a run into one
    Merge(MergeArgs),
    /// How long cases took, as a list for `run --durations`
    Durations(DurationsArgs),
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

#[derive(Args, Debug)]
pub(in crate::cli) struct DiffArgs {
    /// The report folder of the older run
    #[arg(value_name = "OLD")]
    pub(in crate::cli) old: PathBuf,
    /// The report folder of the newer run
    #[arg(value_name = "NEW")]
    pub(in crate::cli) new: PathBuf,
    /// Also compare the texts of replies, from the traces
    #[arg(long)]
    pub(in crate::cli) replies: bool,
    /// As JSON
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct MergeArgs {
    /// The report folders of all shards
    #[arg(value_name = "DIR", required = true)]
    pub(in crate::cli) shards: Vec<PathBuf>,
    /// Where the joined report goes
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(in crate::cli) reports: PathBuf,
    /// Compare with this baseline, as for `run`
    #[arg(long, value_name = "FILE|DIR")]
    pub(in crate::cli) baseline: Option<PathBuf>,
    /// Warnings count as failures for the exit code
    #[arg(long)]
    pub(in crate::cli) strict: bool,
    #[command(flatten)]
    pub(in crate::cli) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct DurationsArgs {
    /// Report folders
    #[arg(value_name = "DIR", required = true)]
    pub(in crate::cli) folders: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(in crate::cli) struct RenderArgs {
    /// The report folder
    #[arg(value_name = "DIR", default_value = "reports/latest")]
    pub(in crate::cli) folder: PathBuf,
    /// As what
    #[arg(long, value_enum, default_value_t = RenderFormat::Summary)]
    pub(in crate::cli) format: RenderFormat,
    /// The target of a badge
    #[arg(long, short = 't', value_name = "NAME")]
    pub(in crate::cli) target: Option<String>,
    /// The file it goes to, for `all` the folder [default: standard output]
    #[arg(long, short, value_name = "PATH")]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// What a stored run can be rendered as.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum RenderFormat {
    /// Everything, into a folder
    All,
    /// A badge of a target, SVG
    Badge,
    /// The matrix as comma-separated values
    Csv,
    /// Annotations of GitHub Actions
    Github,
    /// One file for a browser
    Html,
    /// The outcome itself
    Json,
    /// JUnit XML
    Junit,
    /// The summary of a CI job
    Markdown,
    /// The summary of the terminal
    Summary,
    /// Test Anything Protocol
    Tap,
}
