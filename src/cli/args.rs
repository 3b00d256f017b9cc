//! What can be typed. Lowered by the subcommands; nothing here acts.

mod report;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use report::{
    DiffArgs, DurationsArgs, MergeArgs, RenderArgs, RenderFormat, ReportArgs, ReportCommand, ShowArgs,
};

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
    Run(Box<RunArgs>),
    /// Prove that every check can fail: each scenario against the strict server and the faults it detects
    Prove(ProveArgs),
    /// Say what is wrong with a server, in plain words, and who can set what
    Diagnose(DiagnoseArgs),
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
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or that of a subcommand
    Man(ManArgs),
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
    /// Every target whose server is installed on this machine; with `--via docker`, every target
    #[arg(long)]
    pub(super) all_targets: bool,
    /// How targets are started [default: process]
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) via: Option<Via>,
    /// The network between, with `--via docker`: `delay-20ms`, `delay-200ms`, `loss-1` (1 %) or `rate-64k` (64 KiB/s); may be
    /// repeated. Each target runs behind each, in the areas `shutdown` and `transfer`
    #[arg(long = "network", value_name = "NETWORK")]
    pub(super) networks: Vec<String>,
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
    /// How long cases took before, to make parts of equal length: a stored run or a list (`report durations`)
    /// [default: the list in this program]
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) durations: Option<PathBuf>,
    /// Only what got worse than this fails: a baseline, a stored run, or a folder with baselines in it
    #[arg(long, value_name = "FILE|DIR")]
    pub(super) baseline: Option<PathBuf>,
    /// Write to the baseline what is true now
    #[arg(long, requires = "baseline")]
    pub(super) update_baseline: bool,
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
    /// Which cases leave `capture.pcapng` and `keys.log` in their folder (with TLS secrets: see docs/capture.md)
    #[arg(long, value_enum, default_value_t = CaptureArg::Findings)]
    pub(super) capture: CaptureArg,
    /// Leave passwords in captures; without it they are masked, inside TLS too
    #[arg(long)]
    pub(super) capture_secrets: bool,
    /// Write no reports
    #[arg(long)]
    pub(super) no_reports: bool,
    /// What stands on standard output
    #[arg(long, value_enum, default_value_t = OutputFormat::Terminal)]
    pub(super) format: OutputFormat,
    /// Only the summary
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// Also what went over the wire, of every case
    #[arg(long, short, conflicts_with_all = ["quiet", "no_reports"])]
    pub(super) verbose: bool,
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
    /// The authorities its certificate is checked against, PEM [default: those of this machine]
    #[arg(long, value_name = "FILE", help_heading = "Target given by URL")]
    pub(super) ca: Option<PathBuf>,
    /// Do not look at its certificate; said in every report
    #[arg(long, conflicts_with = "ca", help_heading = "Target given by URL")]
    pub(super) insecure: bool,
    /// The name its certificate must be for [default: the host of the URL]
    #[arg(long, value_name = "NAME", help_heading = "Target given by URL")]
    pub(super) server_name: Option<String>,
    /// Read the password from this file instead of the URL, FTPSPEC_PASSWORD or the terminal
    #[arg(long, value_name = "FILE", help_heading = "Target given by URL")]
    pub(super) password_file: Option<PathBuf>,
    /// A second account; its password comes from FTPSPEC_PASSWORD2 or the terminal when it is left out
    #[arg(long, value_name = "USER[:PASSWORD]", help_heading = "Target given by URL")]
    pub(super) second_account: Option<String>,
    /// Read the password of the second account from this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "second_account",
        help_heading = "Target given by URL"
    )]
    pub(super) second_password_file: Option<PathBuf>,
    /// The certificate to show when the server asks for one, PEM, leaf first
    #[arg(
        long,
        value_name = "FILE",
        requires = "client_key",
        help_heading = "Target given by URL"
    )]
    pub(super) client_cert: Option<PathBuf>,
    /// Its key, PEM
    #[arg(
        long,
        value_name = "FILE",
        requires = "client_cert",
        help_heading = "Target given by URL"
    )]
    pub(super) client_key: Option<PathBuf>,
    /// Time allowed for a reply, a handshake or the next data, in seconds [default: 10]
    #[arg(long, value_name = "SECONDS", help_heading = "Target given by URL", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub(super) timeout: Option<u64>,
    /// Control connections it takes at the same time [default: 4]
    #[arg(long, value_name = "N", help_heading = "Target given by URL")]
    pub(super) max_connections: Option<usize>,
}

/// Which cases leave a capture behind.
#[derive(ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum CaptureArg {
    /// Every case
    All,
    /// Cases with a finding, and cases that say nothing about the target
    #[default]
    Findings,
    /// No case
    None,
}

/// How a target that ftpspec starts is started.
#[derive(ValueEnum, Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Via {
    /// A process of this machine
    Process,
    /// A container with a network address of its own
    Docker,
}

/// Formats of the standard output.
#[derive(ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum OutputFormat {
    /// Findings and a summary for people
    #[default]
    Terminal,
    /// Annotations of GitHub Actions, then the summary
    Github,
    /// The report as JSON
    Json,
    /// The report in the Test Anything Protocol
    Tap,
}

/// What `diagnose` puts on standard output.
#[derive(ValueEnum, Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum DiagnosisFormat {
    /// Plain words
    #[default]
    Terminal,
    /// As JSON
    Json,
}

#[derive(Args, Debug)]
pub(super) struct ProveArgs {
    /// Scenarios, as for `run`
    #[arg(value_name = "FILTER")]
    pub(super) what: Vec<String>,
    /// Every scenario against every fault, also those it does not name: always a verdict, never a hang or an error
    #[arg(long)]
    pub(super) all: bool,
    /// With --all, only part I of N of the runs, counted from 1
    #[arg(long, value_name = "I/N", requires = "all")]
    pub(super) shard: Option<String>,
    /// With --all, where the kill matrix goes as JSON
    #[arg(long, value_name = "DIR", default_value = "reports", requires = "all")]
    pub(super) reports: PathBuf,
    /// Runs at the same time [default: 8, with --all 48]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// Only what is not proven
    #[arg(long, short)]
    pub(super) quiet: bool,
    /// The requirements instead of the kill matrix, each with the faults that broke a check naming it
    #[arg(long, conflicts_with_all = ["all", "quiet"])]
    pub(super) coverage: bool,
    /// Add the kill matrix to the HTML report of a stored run
    #[arg(long, value_name = "DIR")]
    pub(super) report: Option<PathBuf>,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
#[command(after_help = DIAGNOSE_HELP)]
pub(super) struct DiagnoseArgs {
    /// The server, `ftps://USER:PASSWORD@HOST:PORT`
    #[arg(value_name = "URL", conflicts_with = "target")]
    pub(super) url: Option<String>,
    /// A target by name, or the path of a target.yaml, instead of a URL
    #[arg(long = "target", short = 't', value_name = "NAME|FILE")]
    pub(super) target: Option<String>,
    /// What the client in question does or leaves out: `no-reuse`, `no-prot`, `no-close-notify`, `handshake-first`; may be
    /// repeated
    #[arg(long = "client-policy", value_name = "WORD", value_delimiter = ',')]
    pub(super) policies: Vec<String>,
    /// Cases at the same time [default: 3]
    #[arg(long, short = 'j', value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) jobs: Option<u16>,
    /// What stands on standard output
    #[arg(long, value_enum, default_value_t = DiagnosisFormat::Terminal)]
    pub(super) format: DiagnosisFormat,
    #[command(flatten)]
    pub(super) external: ExternalArgs,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

const DIAGNOSE_HELP: &str = "\
Uploads are tried only with --allow write. Exit codes: 0 no problem (notes included), 1 a problem, 2 the command line or a
file cannot be read, 3 nothing can be said, because the server could not be reached, TLS did not start or the login failed
for a reason that no rule knows, 70 trouble in ftpspec itself.";

#[derive(Args, Debug)]
pub(super) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub(super) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub(super) struct ManArgs {
    /// A subcommand, e.g. `run` or `report render`
    #[arg(value_name = "COMMAND")]
    pub(super) command: Vec<String>,
    /// Write all pages into this folder instead
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub(super) out: Option<PathBuf>,
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
    #[arg(long, conflicts_with_all = ["coverage", "faults", "habits", "capabilities"])]
    pub(super) uncovered: bool,
    /// Server requirements with their scenarios and proving faults
    #[arg(long, conflicts_with_all = ["faults", "habits", "capabilities"])]
    pub(super) coverage: bool,
    /// The faults of the embedded server
    #[arg(long, conflicts_with_all = ["habits", "capabilities"])]
    pub(super) faults: bool,
    /// The lawful habits of the embedded server, other than the usual ones
    #[arg(long, conflicts_with = "capabilities")]
    pub(super) habits: bool,
    /// The capabilities that scenarios may require
    #[arg(long)]
    pub(super) capabilities: bool,
    #[command(flatten)]
    pub(super) corpus: CorpusArgs,
}

#[derive(Args, Debug)]
pub(super) struct ExplainArgs {
    /// Id of a scenario, a requirement, a fault, a habit or a capability
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
    /// `diagnose --format json`
    Diagnosis,
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
    /// A lawful habit other than the usual one (see `ftpspec list --habits`); may be repeated
    #[arg(long = "habit", value_name = "NAME")]
    pub(super) habits: Vec<String>,
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
    /// Ask clients for a certificate of these authorities, PEM, and refuse those without
    #[arg(long, value_name = "FILE")]
    pub(super) client_ca: Option<PathBuf>,
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
        /// How it is started [default: process]
        #[arg(long, value_enum, value_name = "HOW")]
        via: Option<Via>,
    },
    /// End a target by its name, or everything that ftpspec left behind
    Down {
        /// Its name
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        name: Option<String>,
        /// Containers, networks and processes of every ftpspec that does not run any more
        #[arg(long)]
        all: bool,
    },
    /// Show what the server of a running target wrote
    Logs {
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
            }) => *args,
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
