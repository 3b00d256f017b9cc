//! `ftpspec run`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::args::{OutputFormat, RunArgs};
use super::corpus;
use super::exit::{CliError, Exit};
use super::progress::Bar;
use super::{external, interrupt, output, targets};
use crate::base::{Clock, SystemClock};
use crate::diagnostic::{CaseView, render_case};
use crate::judge::Verdict;
use crate::plan::{CaseId, Cell, CellFilter, Filter, Shard, check_cell_filters, select};
use crate::report;
use crate::requirement::Grade;
use crate::runner::outcome::{CaseOutcome, RunOutcome};
use crate::runner::{self, CaseRunner, Corpus, Progress, ReportFolder, RunRequest, TargetChoice};
use crate::scenario::Scenario;

/// Cases at the same time when nothing is said: most of a case is waiting.
const USUAL_JOBS: u16 = 8;

/// How many cases are shown in full; the rest is in the reports.
const FULL_FINDINGS: usize = 20;

pub(super) async fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let corpus = corpus::load(&args.corpus)?;
    let provisioner = targets::provisioner()?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let id = targets::fresh_id();
    let request = lower(args, &corpus, &provisioner, &id.to_string(), &*clock).await?;
    let runner = CaseRunner::new(&corpus.catalogue, provisioner, clock, id);
    let folder = if args.no_reports {
        None
    } else {
        let folder = ReportFolder::create(&args.reports, &request.id);
        Some(folder.map_err(|error| CliError::internal(error.to_string()))?)
    };
    let outcome = execute(args, &runner, &request, folder.as_ref()).await?;
    finish(args, &corpus, &outcome, folder.as_ref())
}

async fn execute(
    args: &RunArgs,
    runner: &CaseRunner,
    request: &RunRequest,
    folder: Option<&ReportFolder>,
) -> Result<RunOutcome, CliError> {
    let cancel = interrupt::token();
    let (sender, mut receiver) = mpsc::unbounded_channel::<Progress>();
    let mut bar = Bar::new(args.quiet || args.format == OutputFormat::Json);
    let shown = tokio::spawn(async move {
        while let Some(progress) = receiver.recv().await {
            bar.show(&progress);
        }
        bar.finish();
    });
    let outcome = runner::run(runner, request, folder, &sender, &cancel).await;
    drop(sender);
    // The bar ends with its sender; a bar that panicked must not hide the outcome.
    let _ = shown.await;
    outcome.map_err(|error| CliError::internal(error.to_string()))
}

/// What was typed, as a request.
async fn lower(
    args: &RunArgs,
    corpus: &Corpus,
    provisioner: &crate::target::Provisioner,
    id: &str,
    clock: &dyn Clock,
) -> Result<RunRequest, CliError> {
    let (urls, filters): (Vec<&String>, Vec<&String>) =
        args.what.iter().partition(|text| external::is_url(text));
    let scenarios = selected(corpus, &filters)?;
    let shard = args.shard.as_deref().map(str::parse::<Shard>).transpose();
    let today = runner::today(clock);
    let cells = args
        .matrix
        .iter()
        .map(|text| {
            text.parse::<CellFilter>()
                .map_err(|error| CliError::usage(error.to_string()))
        })
        .collect::<Result<Vec<_>, _>>()?;
    check_cell_filters(&cells, &scenarios).map_err(|errors| CliError::nothing(lines(&errors)))?;
    let request = RunRequest {
        scenarios,
        discover: corpus.discover.clone(),
        targets: chosen_targets(args, &urls, provisioner).await?,
        cells,
        shard: shard.map_err(|error| CliError::usage(error.to_string()))?,
        jobs: usize::from(args.jobs.unwrap_or(USUAL_JOBS)),
        fail_fast: args.fail_fast,
        repeat: args.repeat,
        slow: args.slow,
        corpus: corpus.digest.clone(),
        id: id.to_owned(),
        today,
    };
    if runner::plan_cases(&request).is_empty() {
        return Err(CliError::nothing(
            "no case is left: the filters, the matrix and the shard exclude everything",
        ));
    }
    Ok(request)
}

/// The scenarios that `filters` name; all of them without filters.
pub(super) fn selected(corpus: &Corpus, filters: &[&String]) -> Result<Vec<Arc<Scenario>>, CliError> {
    let filters: Vec<Filter> = filters
        .iter()
        .map(|text| {
            text.parse::<Filter>()
                .map_err(|error| CliError::usage(error.to_string()))
        })
        .collect::<Result<_, _>>()?;
    select(&corpus.scenarios, &filters).map_err(|errors| CliError::nothing(lines(&errors)))
}

/// One line each.
fn lines<T: ToString>(errors: &[T]) -> String {
    errors
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n       ")
}

async fn chosen_targets(
    args: &RunArgs,
    urls: &[&String],
    provisioner: &crate::target::Provisioner,
) -> Result<Vec<TargetChoice>, CliError> {
    let mut choices = Vec::new();
    for url in urls {
        choices.push(TargetChoice::Profile(Box::new(external::profile(
            url,
            &args.external,
        )?)));
    }
    for name in &args.targets {
        choices.push(targets::find(name)?);
    }
    if args.all_targets {
        choices.push(TargetChoice::Embedded);
        for profile in targets::bundled()? {
            if targets::installed(provisioner, &profile).await.is_ok() {
                choices.push(TargetChoice::Profile(Box::new(profile)));
            }
        }
    }
    if choices.is_empty() {
        choices.push(TargetChoice::Embedded);
    }
    let mut names = BTreeSet::new();
    choices.retain(|choice| names.insert(choice.name().to_owned()));
    Ok(choices)
}

/// Writes the reports, prints, and gives the exit code.
fn finish(
    args: &RunArgs,
    corpus: &Corpus,
    outcome: &RunOutcome,
    folder: Option<&ReportFolder>,
) -> Result<Exit, CliError> {
    let internal = |error: String| CliError::internal(error);
    if let Some(folder) = folder {
        for file in report::files(outcome).map_err(|error| internal(error.to_string()))? {
            folder
                .write(file.path, &file.bytes)
                .map_err(|error| internal(error.to_string()))?;
        }
        folder.publish().map_err(|error| internal(error.to_string()))?;
    }
    let text = match args.format {
        OutputFormat::Json => report::json::render(outcome).map_err(|error| internal(error.to_string()))?,
        OutputFormat::Terminal => {
            let mut text = if args.quiet {
                String::new()
            } else {
                findings(corpus, outcome, folder)
            };
            text.push_str(&report::terminal::render_summary(
                outcome,
                output::width(),
                output::colour(),
            ));
            if let Some(folder) = folder {
                let _ = writeln!(text, "reports  {}", folder.latest().display());
            }
            text
        }
    };
    output::print(&text)?;
    Ok(Exit::of(outcome, args.strict))
}

/// What failed or says nothing about its target, in full, as far as the traces are on disk.
fn findings(corpus: &Corpus, outcome: &RunOutcome, folder: Option<&ReportFolder>) -> String {
    let mut text = String::new();
    for case in outcome
        .cases
        .iter()
        .filter(|case| deserves_text(case))
        .take(FULL_FINDINGS)
    {
        let scenario = corpus
            .scenarios
            .iter()
            .find(|scenario| scenario.id == case.scenario);
        let (Some(scenario), Some(folder), Some(place)) = (scenario, folder, &case.folder) else {
            continue;
        };
        // A trace that cannot be read back was reported when it was written.
        let Ok(events) = runner::read_case(folder.path(), place) else {
            continue;
        };
        let id = CaseId {
            scenario: case.scenario.clone(),
            target: case.target.clone(),
            cell: Cell(case.cell.clone()),
        };
        let view = CaseView {
            id: &id,
            scenario,
            judgement: &case.judgement,
            events: &events,
            version: outcome
                .targets
                .get(&case.target)
                .and_then(|target| target.version.as_deref()),
            folder: Some(&folder.latest().join(place).display().to_string()),
            catalogue: &corpus.catalogue,
        };
        text.push_str(&render_case(&view, Grade::Fail, output::colour()));
        text.push('\n');
    }
    text
}

fn deserves_text(case: &CaseOutcome) -> bool {
    case.has_failed() || matches!(case.judgement.verdict, Verdict::Inconclusive | Verdict::Error)
}
