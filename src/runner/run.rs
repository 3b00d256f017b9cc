//! A whole run: targets and their cases side by side, outcomes written as they come.
//!
//! Does not print; whoever wants to see progress listens to [`Progress`].

mod case_task;
mod next_step;
mod target_run;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::case_runner::{CaseRunner, Ran};
use super::folder::{FolderError, ReportFolder};
use super::outcome::{CaseOutcome, REPORT_FORMAT, RunFacts, RunOutcome};
use crate::base::Clock;
use crate::plan::{
    Case, CaseId, CellFilter, Durations, Shard, expand, keeps_cell, order_longest_first, shard,
};
use crate::scenario::Scenario;
use crate::target::{EMBEDDED, KnownDeviation, NETWORK_AREAS, Profile};
use crate::trace::Event;
use target_run::TargetRun;

/// What to run against.
#[derive(Clone, Debug)]
pub enum TargetChoice {
    /// The server inside this program, configured for each case.
    Embedded,
    /// A target with a profile.
    Profile(Box<Profile>),
}

impl TargetChoice {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Embedded => EMBEDDED,
            Self::Profile(profile) => &profile.name,
        }
    }

    /// Whether `scenario` is of interest there: behind another network, only where the network makes a difference.
    #[must_use]
    pub fn takes(&self, scenario: &Scenario) -> bool {
        match self {
            Self::Profile(profile) if profile.network.is_some() => {
                let area = scenario.id.split('/').next().unwrap_or_default();
                NETWORK_AREAS.contains(&area)
            }
            _ => true,
        }
    }
}

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The scenarios, selected already.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The scenarios that find out capabilities.
    pub discover: Vec<Arc<Scenario>>,
    /// The scenarios that tell properties, selected already.
    pub properties: Vec<Arc<Scenario>>,
    /// The targets.
    pub targets: Vec<TargetChoice>,
    /// Which cells of the matrix.
    pub cells: Vec<CellFilter>,
    /// Which part of the cases.
    pub shard: Option<Shard>,
    /// How long cases took before: what a part is worth, and what is begun first.
    pub durations: Durations,
    /// Cases at the same time, over all targets.
    pub jobs: usize,
    /// Targets that are up at the same time.
    pub targets_at_once: usize,
    /// Findings that a baseline accepts, by target, besides the known deviations of the profiles.
    pub accepted: BTreeMap<String, Vec<KnownDeviation>>,
    /// What was asked for, as in [`RunFacts::options`].
    pub options: Vec<String>,
    /// Stop at the first fail.
    pub fail_fast: bool,
    /// How often each case is run.
    pub repeat: u32,
    /// Also scenarios marked slow.
    pub slow: bool,
    /// SHA-256 over the corpus, hex.
    pub corpus: String,
    /// Id of the run.
    pub id: String,
    /// Today, `YYYY-MM-DD`, for deviations that expire.
    pub today: String,
}

/// What happens during a run.
#[derive(Clone, Debug)]
pub enum Progress {
    /// A target is being started or asked what it can do.
    Preparing {
        /// Its name.
        target: String,
        /// What is being done, e.g. `starting`.
        what: String,
    },
    /// All cases are known.
    Planned {
        /// Their number, repetitions not counted.
        cases: usize,
    },
    /// A case is done.
    Finished(Box<CaseOutcome>),
}

/// What the targets of a run share.
struct Shared {
    runner: CaseRunner,
    request: RunRequest,
    folder: Option<ReportFolder>,
    progress: mpsc::UnboundedSender<Progress>,
    /// Cancelled by the caller, or after the first fail where that ends the run.
    stop: CancellationToken,
    /// Cases at the same time.
    jobs: Arc<Semaphore>,
    /// Targets at the same time.
    slots: Arc<Semaphore>,
    /// The first trouble with the report folder.
    unwritten: Mutex<Option<FolderError>>,
}

impl Shared {
    /// Writes the trace of a case and its capture, when there are any and reports are written. The first one that cannot
    /// be written stops the run: the disk will not be emptier for the next.
    fn write_case(&self, case: &Case, ran: &Ran) -> Option<Written> {
        let folder = self.folder.as_ref().filter(|_| !ran.events.is_empty())?;
        if self.unwritten().is_some() {
            return None;
        }
        match write_case(folder, case, ran) {
            Ok(written) => Some(written),
            Err(error) => {
                self.unwritten().get_or_insert(error);
                self.stop.cancel();
                None
            }
        }
    }

    fn unwritten(&self) -> MutexGuard<'_, Option<FolderError>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where something of a case was written, relative to the report folder.
struct Written {
    folder: String,
    capture: Option<String>,
}

fn write_case(folder: &ReportFolder, case: &Case, ran: &Ran) -> Result<Written, FolderError> {
    let place = folder.write_case(case, &ran.events)?;
    let capture = match &ran.capture {
        Some(capture) => folder.write_capture(case, &place, capture)?,
        None => None,
    };
    Ok(Written {
        folder: place,
        capture,
    })
}

/// What came of a run.
#[derive(Debug)]
pub struct Finished {
    /// The outcome, of all cases that came to an end.
    pub outcome: RunOutcome,
    /// Why the run was stopped before its time: the report folder could not be written. What was written before stays readable.
    pub unwritten: Option<FolderError>,
    /// Traces of cases that failed or say nothing, where they are not on disk; a limited number of them.
    pub traces: BTreeMap<CaseId, Vec<Event>>,
}

/// Runs `request`: every target is started, asked what it can do, run through its cases and stopped, side by side with
/// the others as far as the request allows. Ends early, with what was run so far, when `cancel` is cancelled or the report
/// folder cannot be written; cases under way tidy up first.
pub async fn run(
    runner: &CaseRunner,
    request: &RunRequest,
    folder: Option<&ReportFolder>,
    progress: &mpsc::UnboundedSender<Progress>,
    cancel: &CancellationToken,
) -> Finished {
    let started = runner.clock().monotonic();
    let started_wall = runner.clock().wall();
    let unsharded = all_cases(request).len();
    let cases = plan_cases(request);
    let planned = cases.len();
    // Nobody listening is fine.
    let _ = progress.send(Progress::Planned { cases: planned });
    let shared = Arc::new(Shared {
        runner: runner.clone(),
        request: request.clone(),
        folder: folder.cloned(),
        progress: progress.clone(),
        stop: cancel.child_token(),
        jobs: Arc::new(Semaphore::new(request.jobs.max(1))),
        slots: Arc::new(Semaphore::new(request.targets_at_once.max(1))),
        unwritten: Mutex::default(),
    });
    let mut tasks = JoinSet::new();
    let mut by_target: BTreeMap<&str, Vec<Case>> = BTreeMap::new();
    for case in &cases {
        by_target.entry(&case.id.target).or_default().push(case.clone());
    }
    for choice in &request.targets {
        let cases = by_target.remove(choice.name()).unwrap_or_default();
        let target = TargetRun {
            shared: Arc::clone(&shared),
            choice: choice.clone(),
            cases,
        };
        tasks.spawn(target.run());
    }
    let mut targets = BTreeMap::new();
    let mut outcomes = Vec::new();
    let mut traces = BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        // A target whose task broke down is missing, with its cases: fewer than planned, so nothing looks good.
        let Ok(done) = done else { continue };
        targets.insert(done.name, done.outcome);
        outcomes.extend(done.cases);
        traces.extend(done.traces);
    }
    outcomes.sort_by(|a, b| (&a.target, &a.scenario, &a.cell).cmp(&(&b.target, &b.scenario, &b.cell)));
    let took = runner.clock().monotonic().saturating_sub(started);
    let outcome = RunOutcome {
        ftpspec_report: REPORT_FORMAT,
        run: RunFacts {
            id: request.id.clone(),
            started: rfc3339(started_wall),
            seconds: took.as_secs_f64(),
            version: env!("CARGO_PKG_VERSION").into(),
            corpus: request.corpus.clone(),
            scenarios: request.scenarios.len(),
            options: request.options.clone(),
            shard: request.shard.map(|shard| shard.to_string()),
            unsharded: request.shard.map(|_| unsharded),
            interrupted: outcomes.len() < planned,
            planned,
        },
        targets,
        cases: outcomes,
    };
    let unwritten = shared.unwritten().take();
    Finished {
        outcome,
        unwritten,
        traces,
    }
}

/// The cases of the request: those of its part, the longest first.
#[must_use]
pub fn plan_cases(request: &RunRequest) -> Vec<Case> {
    let cases = all_cases(request);
    let mut cases = match request.shard {
        Some(part) => shard(cases, part, &request.durations),
        None => cases,
    };
    order_longest_first(&mut cases, &request.durations);
    cases
}

/// The cases of all parts.
fn all_cases(request: &RunRequest) -> Vec<Case> {
    let mut cases = Vec::new();
    for choice in &request.targets {
        for scenario in request.scenarios.iter().filter(|scenario| choice.takes(scenario)) {
            for cell in expand(scenario)
                .into_iter()
                .filter(|cell| keeps_cell(&request.cells, cell))
            {
                let id = CaseId {
                    scenario: scenario.id.clone(),
                    target: choice.name().to_owned(),
                    cell,
                };
                cases.push(Case {
                    id,
                    scenario: Arc::clone(scenario),
                });
            }
        }
    }
    cases
}

/// `2026-01-31T12:00:00Z`.
pub(super) fn rfc3339(wall: Duration) -> String {
    let seconds = i64::try_from(wall.as_secs()).unwrap_or(0);
    jiff::Timestamp::from_second(seconds)
        .unwrap_or_default()
        .to_string()
}

/// Today, `YYYY-MM-DD` UTC.
#[must_use]
pub fn today(clock: &dyn Clock) -> String {
    rfc3339(clock.wall()).chars().take("YYYY-MM-DD".len()).collect()
}
