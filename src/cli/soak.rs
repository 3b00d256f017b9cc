//! `ftpspec prove --all`: every scenario against every fault, and the full kill matrix.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

use super::args::ProveArgs;
use super::exit::{CliError, Exit};
use super::interrupt::Interrupts;
use super::output;
use super::progress::Bar;
use crate::base::{Clock, RunId};
use crate::judge::Verdict;
use crate::mock::Fault;
use crate::plan::Shard;
use crate::report::soak::{self as full, FaultRow, FullMatrix, MATRIX_FORMAT, Seen};
use crate::runner::{self, CaseRunner, ProofRun, ReportFolder, Soaked};
use crate::scenario::Scenario;

/// Runs at the same time when nothing is said: most of them wait.
const USUAL_JOBS: u16 = 48;
/// The longest wait of the client.
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// How often progress is told where there is no terminal.
const TELL_EVERY: Duration = Duration::from_secs(20);

/// Panics since the start, of every thread and task.
static PANICS: AtomicUsize = AtomicUsize::new(0);

pub(super) async fn run(
    args: &ProveArgs,
    runner: CaseRunner,
    scenarios: &[Arc<Scenario>],
    id: RunId,
) -> Result<Exit, CliError> {
    let mut interrupts = Interrupts::catch();
    let shard = args.shard.as_deref().map(str::parse::<Shard>).transpose();
    let shard = shard.map_err(|error| CliError::usage(error.to_string()))?;
    let runner = runner.hurried(LONGEST_WAIT);
    let clock = Arc::clone(runner.clock());
    let cases = runner::soak_cases(scenarios, shard);
    let planned = cases.len();
    let jobs = usize::from(args.jobs.unwrap_or(USUAL_JOBS));
    count_panics();
    let started = clock.monotonic();
    let (sender, receiver) = mpsc::unbounded_channel();
    let shown = tokio::spawn(show(receiver, planned, args.quiet, Arc::clone(&clock)));
    let soaked = tokio::select! {
        soaked = runner::soak(&runner, cases, jobs, &sender) => soaked,
        () = interrupts.wait() => return Err(CliError::inconclusive("interrupted; nothing is said about the faults")),
    };
    drop(sender);
    // A bar that panicked must not hide the outcome.
    let _ = shown.await;
    let seconds = clock.monotonic().saturating_sub(started).as_secs_f64();
    let matrix = matrix(scenarios, &soaked, shard, seconds);
    output::print(&full::render(&matrix))?;
    let written = write(args, &matrix, id)?;
    output::print(&format!("kill matrix  {written}\n"))?;
    Ok(exit(&matrix, planned))
}

/// Counts every panic from now on, wherever it is caught; the message is printed as before.
fn count_panics() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        before(info);
    }));
}

async fn show(
    mut receiver: mpsc::UnboundedReceiver<ProofRun>,
    planned: usize,
    quiet: bool,
    clock: Arc<dyn Clock>,
) {
    let mut bar = Bar::new(quiet);
    bar.set_length(planned);
    let is_told = !quiet && !bar.is_visible();
    let (started, mut told, mut done) = (clock.monotonic(), clock.monotonic(), 0);
    while let Some(run) = receiver.recv().await {
        bar.step(run.verdict != Verdict::Error);
        done += 1;
        let now = clock.monotonic();
        if is_told && now.saturating_sub(told) >= TELL_EVERY {
            told = now;
            let seconds = now.saturating_sub(started).as_secs();
            output::complain(&format!("{done} of {planned} runs after {seconds} s"));
        }
    }
    bar.finish();
}

fn matrix(scenarios: &[Arc<Scenario>], soaked: &Soaked, shard: Option<Shard>, seconds: f64) -> FullMatrix {
    let declared: BTreeMap<&str, &Arc<Scenario>> = scenarios
        .iter()
        .map(|scenario| (scenario.id.as_str(), scenario))
        .collect();
    let mut rows: BTreeMap<Fault, FaultRow> = BTreeMap::new();
    let mut strict = Vec::new();
    for run in &soaked.runs {
        let seen = || Seen {
            scenario: run.scenario.clone(),
            cell: run.cell.to_string(),
            verdict: run.verdict,
            requirements: run.broken.clone(),
            is_declared: run.opponent.fault().is_some_and(|fault| {
                declared
                    .get(run.scenario.as_str())
                    .is_some_and(|scenario| scenario.detects.iter().any(|one| one.value == fault.name()))
            }),
            words: run.words.clone(),
        };
        match run.opponent.fault() {
            None if run.verdict == Verdict::Pass => {}
            None => strict.push(seen()),
            Some(fault) => {
                let row = rows.entry(fault).or_insert_with(|| FaultRow {
                    fault: fault.name().to_owned(),
                    ..FaultRow::default()
                });
                if run.verdict == Verdict::Pass {
                    row.pass += 1;
                } else {
                    row.seen.push(seen());
                }
            }
        }
    }
    FullMatrix {
        ftpspec_kill_matrix: MATRIX_FORMAT,
        shard: shard.map(|shard| shard.to_string()),
        runs: soaked.runs.len(),
        seconds,
        strict,
        faults: rows.into_values().collect(),
        lost: soaked.lost.clone(),
        panics: PANICS.load(Ordering::Relaxed),
    }
}

/// Writes the matrix as JSON; gives the path.
fn write(args: &ProveArgs, matrix: &FullMatrix, id: RunId) -> Result<String, CliError> {
    let internal = |error: String| CliError::internal(error);
    let folder = ReportFolder::of_proof(&args.reports, &id.to_string())
        .map_err(|error| internal(error.to_string()))?;
    let mut text = serde_json::to_string_pretty(matrix).map_err(|error| internal(error.to_string()))?;
    text.push('\n');
    folder
        .write("kill-matrix.json", text.as_bytes())
        .map_err(|error| internal(error.to_string()))?;
    Ok(folder.path().join("kill-matrix.json").display().to_string())
}

fn exit(matrix: &FullMatrix, planned: usize) -> Exit {
    let is_broken = matrix.errors().count() > 0 || matrix.panics > 0 || matrix.runs != planned;
    let is_missed = matrix.shard.is_none() && matrix.faults.iter().any(FaultRow::is_missed);
    if is_broken {
        Exit::Internal
    } else if is_missed || !matrix.strict.is_empty() {
        Exit::Failed
    } else {
        Exit::Success
    }
}
