//! What can be typed. Lowered by the subcommands; nothing here acts.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod report;

pub(super) use report::{ReportArgs, ReportCommand, ShowArgs};

/// Conformance and interop tests for FTPS (FTP over TLS).
///
/// Without a subcommand the whole suite runs against the embedded server.
#[derive(Parser, Debug)]
#[command(name = "ftpspec", version, max_term_width = 110, after_help = AFTER_HELP)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

const AFTER_HELP: &str = "\
Exit codes: 0 passed (warnings included), 1 a check failed, 2 the command line, a scenario or a profile cannot be read,
3 inconclusive, 4 nothing was selected, 70 trouble in ftpspec itself.";

#[derive(Subcommand, Debug)]
pub(super) enum Command {
    /// Run scenarios against the embedded server, named targets, or a server given by URL
    Run(RunArgs),
    /// Prove that every check can fail: each scenario against the strict server and the faults it detects
    Prove(ProveArgs),
    /// Judge a stored run again, from its traces
    Judge(JudgeArgs),
    /// Look at stored runs
    Report(ReportArgs),
    /// Check scenario files and report every problem with its place
    Check(CheckArgs),
    /// List scenarios, or what is covered and what is not
    List(ListArgs),
    /// Explain a scenario: in words, with its macros expanded, its requirements and faults
    Explain(ExplainArgs),
    /// Print the JSON Schema of scenario files or of reports
    Schema(SchemaArgs),
    /// Run the embedded server until interrupted
    Serve(ServeArgs),
    /// Make certificates from the recipes
    Certs(CertsArgs),
    /// Show the targets that ftpspec can start on this machine
    Targets(TargetsArgs),
}

/// Where scenarios come from, besides the ones in this program.
#[derive(Args, Debug, Clone, Default)]
pub(super) struct CorpusArgs {
    /// Also read scenarios below this folder
    #[arg(long = "scenarios", value_name = "DIR")]
    pub(super) folders: Vec<PathBuf>,
}

#[derive(Args, Debug, Clone, Default)]
pub(super) struct RunArgs {
    /// Scenarios (`shutdown/*`, an area, `requirement:rfc4217.s9`, `requires:ccc`, `detects:FAULT`) or a URL
    /// (`ftps://USER:PASSWORD@HOST:PORT`)
    #[arg(value_name = "FILTER|URL")]
    pub(super) what: Vec<String>,
    /// A target by name, or the path of a target.yaml; may be repeated
    #[arg(long = "target", short = 't', value_name = "NAME|FILE")]
    pub(super) targets: Vec<String>,
    /// Every target whose server is installed on this machine
    #[arg(long)]
    pub(super) all_targets: bool,
    /// Only these cells of the matrix, e.g. `tls=tls1.3`; may be repeated
    #[arg(long = "matrix", value_name = "AXIS=VALUE")]
    pub(super) matrix: Vec<String>,
    /// Cases at the same time [default: 8]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Targets at the same time [default: two per processor]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) parallel_targets: Option<u16>,
    /// Only part I of N of the cases, counted from 1
    #[arg(long, value_name = "I/N")]
    pub(super) shard: Option<String>,
    /// Stop at the first failed case
    #[arg(long)]
    pub(super) fail_fast: bool,
    /// Run every case K times and report how often it went the same way
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) repeat: u32,
    /// Also run scenarios marked slow
    #[arg(long)]
    pub(super) slow: bool,
    /// Warnings count as failures for the exit code
    #[arg(long)]
    pub(super) strict: bool,
    /// Where reports go
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(super) reports: PathBuf,
    /// Write no reports
    #[arg(long)]
    pub(super) no_reports: bool,
    /// What stands on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Terminal)]
    pub(super) format: OutputFormat,
    /// Only the summary
    #[arg(long, short)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) external: ExternalArgs,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

/// How to treat a target given by URL.
#[derive(Args, Debug, Clone, Default)]
pub(super) struct ExternalArgs {
    /// Name of the target in reports [default: its host and port]
    #[arg(long, value_name = "NAME", help_heading = "Target given by URL")]
    pub(super) name: Option<String>,
    /// TLS from the first byte [default for port 990]
    #[arg(long, help_heading = "Target given by URL")]
    pub(super) implicit: bool,
    /// What may be done to it: `write`, `second-account`, `bounce-to-harness`, `foreign-pasv`, `clear-password`
    #[arg(
        long,
        value_name = "WORD",
        value_delimiter = ',',
        help_heading = "Target given by URL"
    )]
    pub(super) allow: Vec<String>,
    /// What it is known to have (`tls1.2`, `session-reuse-required`, …); the rest is found out
    #[arg(
        long,
        value_name = "CAPABILITY",
        value_delimiter = ',',
        help_heading = "Target given by URL"
    )]
    pub(super) declare: Vec<String>,
    /// The authorities its certificate is checked against, PEM
    #[arg(long, value_name = "FILE", help_heading = "Target given by URL")]
    pub(super) ca: Option<PathBuf>,
    /// Do not look at its certificate; said in every report
    #[arg(long, conflicts_with = "ca", help_heading = "Target given by URL")]
    pub(super) insecure: bool,
    /// The name its certificate must be for [default: the host of the URL]
    #[arg(long, value_name = "NAME", help_heading = "Target given by URL")]
    pub(super) server_name: Option<String>,
    /// Read the password from this file instead of the URL or FTPSPEC_PASSWORD
    #[arg(long, value_name = "FILE", help_heading = "Target given by URL")]
    pub(super) password_file: Option<PathBuf>,
    /// A second account, `USER:PASSWORD`
    #[arg(long, value_name = "USER:PASSWORD", help_heading = "Target given by URL")]
    pub(super) second_account: Option<String>,
    /// Time allowed for a reply, a handshake or the next data, in seconds [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = "Target given by URL", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(super) timeout: Option<u64>,
    /// Control connections it takes at the same time [default: 4]
    #[arg(long, value_name = "N", help_heading = "Target given by URL")]
    pub(super) max_connections: Option<usize>,
}

/// Formats of the standard output.
#[derive(ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum OutputFormat {
    /// Findings and a summary for people
    #[default]
    Terminal,
    /// The report as JSON
    Json,
}

#[derive(Args, Debug)]
pub(super) struct ProveArgs {
    /// Scenarios, as for `run`
    #[arg(value_name = "FILTER")]
    pub(super) what: Vec<String>,
    /// Runs at the same time [default: 8]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Only what is not proven
    #[arg(long, short)]
    pub(super) quiet: bool,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
pub(super) struct JudgeArgs {
    /// The report folder
    #[arg(value_name = "DIR", default_value = "reports/latest")]
    pub(super) folder: PathBuf,
    /// Warnings count as failures for the exit code
    #[arg(long)]
    pub(super) strict: bool,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
pub(super) struct CheckArgs {
    /// Files or folders [default: the scenarios in this program]
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,
}

#[derive(Args, Debug)]
pub(super) struct ListArgs {
    /// Scenarios, as for `run`
    #[arg(value_name = "FILTER")]
    pub(super) what: Vec<String>,
    /// Server requirements without a scenario
    #[arg(long, conflicts_with_all = ["coverage", "faults", "manners", "capabilities"])]
    pub(super) uncovered: bool,
    /// Server requirements with their scenarios and proving faults
    #[arg(long, conflicts_with_all = ["faults", "manners", "capabilities"])]
    pub(super) coverage: bool,
    /// The faults of the embedded server
    #[arg(long, conflicts_with_all = ["manners", "capabilities"])]
    pub(super) faults: bool,
    /// The lawful manners of the embedded server
    #[arg(long, conflicts_with = "capabilities")]
    pub(super) manners: bool,
    /// The capabilities that scenarios may require
    #[arg(long)]
    pub(super) capabilities: bool,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Id of a scenario, a requirement, a fault or a capability
    pub(super) id: String,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
pub(super) struct SchemaArgs {
    /// Of what
    #[arg(value_enum, default_value_t = SchemaOf::Scenario)]
    pub(super) of: SchemaOf,
}

/// What a schema can be of.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SchemaOf {
    /// Scenario files
    Scenario,
    /// `report.json`
    Report,
}

#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:2121")]
    pub(super) listen: SocketAddr,
    /// TLS from the first byte
    #[arg(long)]
    pub(super) implicit: bool,
    /// An account, `USER:PASSWORD`; may be repeated
    #[arg(long = "account", value_name = "USER:PASSWORD", default_value = "user:pw")]
    pub(super) accounts: Vec<String>,
    /// A deliberate mistake (see `ftpspec list --faults`); may be repeated
    #[arg(long = "fault", value_name = "NAME")]
    pub(super) faults: Vec<String>,
    /// Another lawful way to serve transfers (see `ftpspec list --manners`); may be repeated
    #[arg(long = "manner", value_name = "NAME")]
    pub(super) manners: Vec<String>,
    /// Whether data connections must resume a TLS session
    #[arg(long, value_enum, default_value_t = ReuseArg::Optional)]
    pub(super) reuse: ReuseArg,
    /// Refuse USER and PASS in clear
    #[arg(long)]
    pub(super) require_tls: bool,
    /// Refuse data connections in clear
    #[arg(long)]
    pub(super) require_data_tls: bool,
    /// Only these TLS versions: `tls1.2`, `tls1.3`
    #[arg(long = "tls", value_name = "VERSION", value_delimiter = ',')]
    pub(super) versions: Vec<String>,
    /// Certificate chain, PEM [default: one made now]
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(super) cert: Option<PathBuf>,
    /// Private key, PEM
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(super) key: Option<PathBuf>,
    /// Write the authority that signed the made certificate here, PEM
    #[arg(long, value_name = "FILE", conflicts_with = "cert")]
    pub(super) write_ca: Option<PathBuf>,
    /// Ports for passive data connections, `MIN-MAX`
    #[arg(long, value_name = "MIN-MAX")]
    pub(super) passive_ports: Option<String>,
}

/// Reuse policies of `serve`.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReuseArg {
    /// Full handshakes on data connections are fine
    Optional,
    /// Any session of this server
    Any,
    /// A session of the very control connection
    Control,
}

#[derive(Args, Debug)]
pub(super) struct CertsArgs {
    #[command(subcommand)]
    pub(super) command: CertsCommand,
}

#[derive(Subcommand, Debug)]
pub(super) enum CertsCommand {
    /// Make chains into a folder
    Make {
        /// Names of recipes [default: all]
        #[arg(value_name = "RECIPE")]
        recipes: Vec<String>,
        /// Where they go
        #[arg(long, value_name = "DIR", default_value = "certs/out")]
        out: PathBuf,
    },
    /// List the recipes
    List,
}

#[derive(Args, Debug)]
pub(super) struct TargetsArgs {
    #[command(subcommand)]
    pub(super) command: TargetsCommand,
}

#[derive(Subcommand, Debug)]
pub(super) enum TargetsCommand {
    /// List them, with what is installed
    List,
    /// Start one and keep it until interrupted
    Up {
        /// Its name
        name: String,
    },
}

impl RunArgs {
    /// What `ftpspec` without a subcommand does: the suite against the embedded server.
    pub(super) fn suite() -> Self {
        match Cli::try_parse_from(["ftpspec", "run"]) {
            Ok(Cli {
                command: Some(Command::Run(args)),
            }) => args,
            _ => Self {
                repeat: 1,
                reports: "reports".into(),
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn without_a_subcommand_the_defaults_of_run_hold() {
        let args = RunArgs::suite();
        assert_eq!(args.repeat, 1);
        assert_eq!(args.reports, PathBuf::from("reports"));
    }
}
