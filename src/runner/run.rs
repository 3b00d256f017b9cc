//! A whole run: targets started, cases planned and run side by side, outcomes written as they come.
//!
//! Does not print; whoever wants to see progress listens to [`Progress`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::case_runner::{CaseRunner, Ran};
use super::discover::{Discovered, discover};
use super::folder::{FolderError, ReportFolder};
use super::known::{Known, apply_known};
use super::outcome::{CaseOutcome, REPORT_FORMAT, RunFacts, RunOutcome, TargetOutcome};
use crate::base::Clock;
use crate::judge::Verdict;
use crate::plan::{Case, CaseId, CellFilter, Durations, Shard, expand, keeps_cell, shard};
use crate::scenario::Scenario;
use crate::target::{EMBEDDED, KnownDeviation, Profile, Provisioning, Running};
use crate::trace::Event;

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
}

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The scenarios, selected already.
    pub scenarios: Vec<Arc<Scenario>>,
    /// The scenarios that find out capabilities.
    pub discover: Vec<Arc<Scenario>>,
    /// The targets.
    pub targets: Vec<TargetChoice>,
    /// Which cells of the matrix.
    pub cells: Vec<CellFilter>,
    /// Which part of the cases.
    pub shard: Option<Shard>,
    /// Cases at the same time, over all targets.
    pub jobs: usize,
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

/// A target of the run that can be used.
struct Ready {
    running: Option<Arc<Running>>,
    discovered: Discovered,
    permits: Arc<Semaphore>,
    limit: usize,
    deviations: Vec<KnownDeviation>,
}

/// The most traces that are kept in memory because they are not on disk.
const KEPT_TRACES: usize = 64;

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

/// Runs `request`. Ends early, with what was run so far, when `cancel` is cancelled or the report folder cannot be written; cases
/// under way tidy up first.
pub async fn run(
    runner: &CaseRunner,
    request: &RunRequest,
    folder: Option<&ReportFolder>,
    progress: &mpsc::UnboundedSender<Progress>,
    cancel: &CancellationToken,
) -> Finished {
    let started = runner.clock().monotonic();
    let started_wall = runner.clock().wall();
    let mut targets = BTreeMap::new();
    let mut ready = BTreeMap::new();
    for choice in &request.targets {
        let (outcome, usable) = prepare(runner, request, choice, progress, cancel).await;
        targets.insert(choice.name().to_owned(), outcome);
        ready.insert(choice.name().to_owned(), usable);
    }
    let cases = plan_cases(request);
    // Nobody listening is fine.
    let _ = progress.send(Progress::Planned { cases: cases.len() });
    let planned = cases.len();
    let Gathered {
        mut outcomes,
        unwritten,
        traces,
    } = run_all(runner, request, &ready, &targets, cases, folder, progress, cancel).await;
    outcomes.sort_by(|a, b| (&a.target, &a.scenario, &a.cell).cmp(&(&b.target, &b.scenario, &b.cell)));
    for (name, usable) in ready {
        let used = report_unused_deviations(&usable.deviations, &name, &outcomes, request);
        if let Some(target) = targets.get_mut(&name) {
            target.contradictions.extend(used);
        }
        if let Some(running) = usable.running.and_then(Arc::into_inner) {
            running.stop().await;
        }
    }
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
            shard: request.shard.map(|shard| shard.to_string()),
            interrupted: outcomes.len() < planned,
            planned,
        },
        targets,
        cases: outcomes,
    };
    Finished {
        outcome,
        unwritten,
        traces,
    }
}

/// What was gathered of the cases.
#[derive(Default)]
struct Gathered {
    outcomes: Vec<CaseOutcome>,
    unwritten: Option<FolderError>,
    traces: BTreeMap<CaseId, Vec<Event>>,
}

/// The cases of the request, in the order of the plan.
#[must_use]
pub fn plan_cases(request: &RunRequest) -> Vec<Case> {
    let mut cases = Vec::new();
    for choice in &request.targets {
        for scenario in &request.scenarios {
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
    match request.shard {
        Some(part) => shard(cases, part, &Durations::default()),
        None => cases,
    }
}

async fn prepare(
    runner: &CaseRunner,
    request: &RunRequest,
    choice: &TargetChoice,
    progress: &mpsc::UnboundedSender<Progress>,
    cancel: &CancellationToken,
) -> (TargetOutcome, Ready) {
    let mut outcome = TargetOutcome {
        version: None,
        provision: Provisioning::Embedded.name().into(),
        address: "127.0.0.1".into(),
        insecure: false,
        capabilities: BTreeMap::new(),
        contradictions: Vec::new(),
        unavailable: None,
    };
    let mut ready = Ready {
        running: None,
        discovered: Discovered::default(),
        permits: Arc::new(Semaphore::new(64)),
        limit: 64,
        deviations: Vec::new(),
    };
    let TargetChoice::Profile(profile) = choice else {
        outcome.version = Some(env!("CARGO_PKG_VERSION").into());
        return (outcome, ready);
    };
    profile.provisioning.name().clone_into(&mut outcome.provision);
    outcome.insecure = profile.trust == crate::target::TrustChoice::Insecure;
    let tell = |what: &str| {
        // Nobody listening is fine.
        let _ = progress.send(Progress::Preparing {
            target: profile.name.clone(),
            what: what.to_owned(),
        });
    };
    tell("starting");
    let provided = tokio::select! {
        provided = runner.provisioner().provide(profile) => provided,
        () = cancel.cancelled() => {
            outcome.unavailable = Some("interrupted before it was started".into());
            return (outcome, ready);
        }
    };
    match provided {
        Err(error) => outcome.unavailable = Some(error.detail),
        Ok(running) => {
            let running = Arc::new(running);
            outcome.version.clone_from(&running.version);
            outcome.address = running.address.to_string();
            ready.limit = profile.limits.max_connections;
            ready.permits = Arc::new(Semaphore::new(ready.limit));
            ready.deviations.clone_from(&profile.known_deviations);
            tell("asking what it can do");
            let jobs = request.jobs.min((ready.limit / 2).max(1));
            ready.discovered = discover(runner, &running, &request.discover, jobs, cancel).await;
            outcome.capabilities.clone_from(&ready.discovered.evidence);
            outcome
                .contradictions
                .clone_from(&ready.discovered.contradictions);
            if let Some(reason) = &ready.discovered.unanswered {
                let note = format!("it answered none of the questions asked first: {reason}");
                outcome.contradictions.push(note);
            }
            ready.running = Some(running);
        }
    }
    (outcome, ready)
}

#[expect(
    clippy::too_many_arguments,
    reason = "one call, split from `run` for its length"
)]
async fn run_all(
    runner: &CaseRunner,
    request: &RunRequest,
    ready: &BTreeMap<String, Ready>,
    targets: &BTreeMap<String, TargetOutcome>,
    cases: Vec<Case>,
    folder: Option<&ReportFolder>,
    progress: &mpsc::UnboundedSender<Progress>,
    cancel: &CancellationToken,
) -> Gathered {
    let jobs = Arc::new(Semaphore::new(request.jobs.max(1)));
    let stop = cancel.child_token();
    let mut tasks = JoinSet::new();
    let mut by_task = HashMap::new();
    for case in cases {
        let Some(target) = ready.get(&case.id.target) else {
            continue;
        };
        let unavailable = targets
            .get(&case.id.target)
            .and_then(|target| target.unavailable.clone());
        let task = CaseTask {
            runner: runner.clone(),
            running: target.running.clone(),
            discovered: target.discovered.clone(),
            permits: Arc::clone(&target.permits),
            limit: target.limit,
            jobs: Arc::clone(&jobs),
            stop: stop.clone(),
            unavailable,
            repeat: request.repeat.max(1),
            slow: request.slow,
        };
        let same_case = case.clone();
        let handle = tasks.spawn(async move { task.run(&same_case).await });
        by_task.insert(handle.id(), case);
    }
    let mut gathered = Gathered::default();
    while let Some(result) = tasks.join_next_with_id().await {
        let (task, ran) = match result {
            Ok((task, ran)) => (task, ran),
            Err(error) => (error.id(), Some(Repeated::broken())),
        };
        // Nothing ran: interrupted before its turn.
        let (Some(case), Some(ran)) = (by_task.remove(&task), ran) else {
            continue;
        };
        let deviations = ready
            .get(&case.id.target)
            .map_or(&[][..], |target| &target.deviations);
        let known = apply_known(&case, &ran.worst.judgement, deviations, &request.today);
        // One that cannot be written is enough: the disk will not be emptier for the next.
        let place = match folder.filter(|_| gathered.unwritten.is_none()) {
            Some(folder) if !ran.worst.events.is_empty() => folder
                .write_case(&case, &ran.worst.events)
                .map_err(|error| {
                    gathered.unwritten = Some(error);
                    stop.cancel();
                })
                .ok(),
            _ => None,
        };
        let outcome = outcome_of(&case, &ran, known, place);
        if outcome.folder.is_none() && is_worth_showing(&outcome) && gathered.traces.len() < KEPT_TRACES {
            gathered.traces.insert(case.id.clone(), ran.worst.events);
        }
        if request.fail_fast && outcome.judgement.verdict == Verdict::Fail && outcome.known.is_none() {
            stop.cancel();
        }
        let _ = progress.send(Progress::Finished(Box::new(outcome.clone())));
        gathered.outcomes.push(outcome);
    }
    gathered
}

/// Whether somebody will want to see what happened.
fn is_worth_showing(outcome: &CaseOutcome) -> bool {
    matches!(
        outcome.judgement.verdict,
        Verdict::Fail | Verdict::Inconclusive | Verdict::Error
    )
}

/// All repetitions of a case.
struct Repeated {
    worst: Ran,
    same: u32,
    of: u32,
}

impl Repeated {
    /// A case whose task panicked. It must not look like one that was never started.
    fn broken() -> Self {
        let reason = "ftpspec itself broke down in this case; please report it".to_owned();
        Self {
            worst: Ran::not_run(Verdict::Error, reason),
            same: 1,
            of: 1,
        }
    }
}

struct CaseTask {
    runner: CaseRunner,
    running: Option<Arc<Running>>,
    discovered: Discovered,
    permits: Arc<Semaphore>,
    limit: usize,
    jobs: Arc<Semaphore>,
    stop: CancellationToken,
    unavailable: Option<String>,
    repeat: u32,
    slow: bool,
}

impl CaseTask {
    /// Runs the case as often as asked; nothing when the run was stopped before the first time was through.
    async fn run(&self, case: &Case) -> Option<Repeated> {
        if let Some(reason) = &self.unavailable {
            let reason = format!("the target could not be provided: {reason}");
            return Some(Repeated {
                worst: Ran::not_run(Verdict::Inconclusive, reason),
                same: 1,
                of: 1,
            });
        }
        if case.scenario.slow && !self.slow {
            let reason = "slow; run with --slow".to_owned();
            return Some(Repeated {
                worst: Ran::not_run(Verdict::NotApplicable, reason),
                same: 1,
                of: 1,
            });
        }
        let sessions = u32::try_from(session_count(&case.scenario).min(self.limit)).unwrap_or(1);
        let connections = Arc::clone(&self.permits).acquire_many_owned(sessions);
        let (_connections, _job) = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            permits = async { (connections.await, Arc::clone(&self.jobs).acquire_owned().await) } => permits,
        };
        let mut all: Vec<Ran> = Vec::new();
        for _ in 0..self.repeat {
            let ran = self.run_once(case).await;
            if ran.stopped {
                break;
            }
            all.push(ran);
            if self.stop.is_cancelled() {
                break;
            }
        }
        let of = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let worst = all.iter().max_by_key(|ran| ran.judgement.verdict).cloned()?;
        let same = all
            .iter()
            .filter(|ran| ran.judgement.verdict == worst.judgement.verdict)
            .count();
        Some(Repeated {
            worst,
            same: u32::try_from(same).unwrap_or(u32::MAX),
            of,
        })
    }

    async fn run_once(&self, case: &Case) -> Ran {
        match &self.running {
            Some(running) => {
                self.runner
                    .run_case_until(case, running, &self.discovered.facts, &self.stop)
                    .await
            }
            None => match self
                .runner
                .run_embedded_until(case, &CaseRunner::embedded_policy(&case.scenario), &self.stop)
                .await
            {
                Ok(ran) => ran,
                Err(error) => Ran::not_run(Verdict::Error, error.detail),
            },
        }
    }
}

/// How many control connections a scenario has open at the same time, at most.
fn session_count(scenario: &Scenario) -> usize {
    let steps = scenario
        .setup
        .iter()
        .chain(&scenario.steps)
        .chain(&scenario.cleanup);
    let names: std::collections::BTreeSet<&str> = steps.map(|step| step.session.value.as_str()).collect();
    names.len().max(1)
}

fn outcome_of(case: &Case, ran: &Repeated, known: Known, folder: Option<String>) -> CaseOutcome {
    CaseOutcome {
        scenario: case.id.scenario.clone(),
        target: case.id.target.clone(),
        cell: case.id.cell.0.clone(),
        title: case.scenario.title.clone(),
        severity: case.scenario.severity,
        judgement: ran.worst.judgement.clone(),
        known: known.reason,
        repeated: (ran.of > 1).then_some((ran.same, ran.of)),
        seconds: ran.worst.took.as_secs_f64(),
        folder,
    }
}

/// Known deviations that named nothing that happened, when everything was run that could show them.
fn report_unused_deviations(
    deviations: &[KnownDeviation],
    target: &str,
    outcomes: &[CaseOutcome],
    request: &RunRequest,
) -> Vec<String> {
    deviations
        .iter()
        .filter(|deviation| {
            // Only where a check of that requirement was really run.
            outcomes.iter().any(|outcome| {
                outcome.target == target
                    && deviation
                        .scenario
                        .as_ref()
                        .is_none_or(|scenario| *scenario == outcome.scenario)
                    && outcome
                        .judgement
                        .held
                        .iter()
                        .any(|held| held.requirement == deviation.requirement)
            }) && request.shard.is_none()
        })
        .filter(|deviation| {
            !outcomes.iter().any(|outcome| {
                outcome.target == target
                    && deviation
                        .scenario
                        .as_ref()
                        .is_none_or(|scenario| *scenario == outcome.scenario)
                    && outcome
                        .judgement
                        .findings
                        .iter()
                        .any(|finding| finding.requirement.as_ref() == Some(&deviation.requirement))
            })
        })
        .map(|deviation| {
            format!(
                "the known deviation from {} no longer happens; remove it from the profile ({})",
                deviation.requirement, deviation.reason
            )
        })
        .collect()
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
