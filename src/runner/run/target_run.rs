//! One target of a run: started, asked what it can do, run through its cases, stopped.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::case_task::{CaseTask, Repeated};
use super::next_step::next_steps;
use super::{Progress, Shared, TargetChoice, Written};
use crate::judge::Verdict;
use crate::plan::{Case, CaseId, Shard};
use crate::runner::case_runner::gone;
use crate::runner::discover::{Discovered, discover};
use crate::runner::known::{Known, apply_known};
use crate::runner::outcome::{CaseOutcome, TargetOutcome};
use crate::runner::properties::{PropertyRequest, properties};
use crate::target::{Profile, ProvisionError, ProvisionErrorKind, Provisioning, Running, TrustChoice};
use crate::trace::Event;

/// Control connections that the embedded server bears at the same time.
const EMBEDDED_LIMIT: usize = 64;

/// The most traces of one target that are kept in memory because they are not on disk.
const KEPT_TRACES: usize = 64;

/// A target and its cases.
pub(super) struct TargetRun {
    pub(super) shared: Arc<Shared>,
    pub(super) choice: TargetChoice,
    pub(super) cases: Vec<Case>,
}

/// What became of a target.
pub(super) struct TargetDone {
    pub(super) name: String,
    pub(super) outcome: TargetOutcome,
    pub(super) cases: Vec<CaseOutcome>,
    /// Traces that are not on disk and that somebody will want to see.
    pub(super) traces: BTreeMap<CaseId, Vec<Event>>,
}

/// Cases that wait for their turn, for each that may run: enough that one that needs several connections holds up nobody.
const WAITING_CASES: usize = 4;

/// A target that is up, or that will not be.
struct Ready {
    outcome: TargetOutcome,
    running: Option<Arc<Running>>,
    discovered: Discovered,
    limit: usize,
    /// Why nothing of it applies on this machine.
    unsupported: Option<String>,
}

impl TargetRun {
    /// Runs it, when its turn has come.
    pub(super) async fn run(self) -> TargetDone {
        // The semaphore is never closed.
        let _slot = self.shared.slots.acquire().await;
        let mut ready = self.prepare().await;
        self.tell_properties(&mut ready).await;
        let (cases, traces) = self.run_cases(&ready).await;
        if let TargetChoice::Profile(profile) = &self.choice {
            ready.outcome.contradictions.extend(next_steps(profile, &cases));
        }
        if let Some(running) = ready.running.and_then(Arc::into_inner) {
            if let Some((code, log)) = running.ended().await {
                ready.outcome.unavailable = Some(gone(code, &log));
            }
            running.stop().await;
        }
        TargetDone {
            name: self.choice.name().to_owned(),
            outcome: ready.outcome,
            cases,
            traces,
        }
    }

    async fn prepare(&self) -> Ready {
        let mut ready = Ready {
            outcome: TargetOutcome {
                version: None,
                provision: Provisioning::Embedded.name().into(),
                address: "127.0.0.1".into(),
                insecure: false,
                capabilities: BTreeMap::new(),
                contradictions: Vec::new(),
                known_deviations: Vec::new(),
                unavailable: None,
                properties: Vec::new(),
            },
            running: None,
            discovered: Discovered::default(),
            limit: EMBEDDED_LIMIT,
            unsupported: None,
        };
        let TargetChoice::Profile(profile) = &self.choice else {
            ready.outcome.version = Some(env!("CARGO_PKG_VERSION").into());
            return ready;
        };
        profile
            .provisioning
            .name()
            .clone_into(&mut ready.outcome.provision);
        ready.outcome.insecure = profile.trust == TrustChoice::Insecure;
        ready
            .outcome
            .known_deviations
            .clone_from(&profile.known_deviations);
        self.tell("starting");
        let provided = tokio::select! {
            provided = self.shared.runner.provisioner().provide(profile) => provided,
            () = self.shared.stop.cancelled() => Err(ProvisionError {
                kind: ProvisionErrorKind::Local,
                detail: "the run was stopped before it was started".into(),
            }),
        };
        match provided {
            Err(error) if error.kind == ProvisionErrorKind::Unsupported => {
                ready.unsupported = Some(error.detail);
            }
            Err(error) => ready.outcome.unavailable = Some(error.detail),
            Ok(running) => self.ask(&mut ready, profile, Arc::new(running)).await,
        }
        ready
    }

    /// Finds out what the target can do.
    async fn ask(&self, ready: &mut Ready, profile: &Profile, running: Arc<Running>) {
        let outcome = &mut ready.outcome;
        outcome.version.clone_from(&running.version);
        outcome.address = running.address.to_string();
        ready.limit = profile.limits.max_connections;
        self.tell("asking what it can do");
        let (runner, questions) = (&self.shared.runner, &self.shared.request.discover);
        let limit = (ready.limit / 2).max(1);
        let (jobs, stop) = (&self.shared.jobs, &self.shared.stop);
        ready.discovered = discover(runner, &running, questions, limit, jobs, stop).await;
        outcome.capabilities.clone_from(&ready.discovered.evidence);
        outcome
            .contradictions
            .clone_from(&ready.discovered.contradictions);
        if !profile.timeouts.before_tls.is_zero() {
            outcome.contradictions.push(format!(
                "its profile gives it {:?} before each ClientHello",
                profile.timeouts.before_tls
            ));
        }
        if let Some(reason) = &ready.discovered.unanswered {
            let note = format!("it answered none of the questions asked first: {reason}");
            outcome.contradictions.push(note);
        }
        ready.running = Some(running);
    }

    /// Asks the target for its properties. Of several shards, the first one does.
    async fn tell_properties(&self, ready: &mut Ready) {
        let request = &self.shared.request;
        let is_first = request.shard.is_none_or(Shard::is_first);
        if ready.outcome.unavailable.is_some() || request.properties.is_empty() || !is_first {
            return;
        }
        self.tell("asking for its properties");
        let asked = PropertyRequest {
            running: ready.running.as_ref(),
            facts: &ready.discovered.facts,
            scenarios: &request.properties,
            cells: &request.cells,
            limit: (ready.limit / 2).max(1),
            jobs: &self.shared.jobs,
            stop: &self.shared.stop,
            write: &|case, ran| self.shared.write_case(case, ran).map(|written| written.folder),
        };
        ready.outcome.properties = properties(&self.shared.runner, asked).await;
    }

    fn tell(&self, what: &str) {
        // Nobody listening is fine.
        let _ = self.shared.progress.send(Progress::Preparing {
            target: self.choice.name().to_owned(),
            what: what.to_owned(),
        });
    }

    async fn run_cases(&self, ready: &Ready) -> (Vec<CaseOutcome>, BTreeMap<CaseId, Vec<Event>>) {
        let shared = &self.shared;
        let common = Arc::new(CaseTask {
            runner: shared.runner.clone(),
            running: ready.running.clone(),
            discovered: ready.discovered.clone(),
            permits: Arc::new(Semaphore::new(ready.limit)),
            limit: ready.limit,
            jobs: Arc::clone(&shared.jobs),
            turn: Arc::new(Mutex::new(())),
            stop: shared.stop.clone(),
            unavailable: ready.outcome.unavailable.clone(),
            unsupported: ready.unsupported.clone(),
            repeat: shared.request.repeat.max(1),
            slow: shared.request.slow,
        });
        let at_once = ready.limit.max(shared.request.jobs).saturating_mul(WAITING_CASES);
        let mut tasks = JoinSet::new();
        let mut by_task = HashMap::new();
        let mut waiting = self.cases.iter();
        let mut outcomes = Vec::new();
        let mut traces = BTreeMap::new();
        loop {
            for case in waiting.by_ref().take(at_once.saturating_sub(tasks.len())) {
                let (common, shared, same_case) = (Arc::clone(&common), Arc::clone(shared), case.clone());
                let handle = tasks.spawn(async move {
                    let mut ran = common.run(&same_case).await?;
                    // Here and not where the results come together: writing goes on beside other cases.
                    let place = shared.write_case(&same_case, &ran.worst);
                    if place.is_some() {
                        ran.worst.events = Vec::new();
                    }
                    Some((ran, place))
                });
                by_task.insert(handle.id(), case);
            }
            let Some(result) = tasks.join_next_with_id().await else {
                break;
            };
            let (task, ran) = match result {
                Ok((task, ran)) => (task, ran),
                Err(error) => (error.id(), Some((Repeated::broken(), None))),
            };
            // Nothing ran: interrupted before its turn.
            let (Some(case), Some((ran, place))) = (by_task.remove(&task), ran) else {
                continue;
            };
            let known = self.known(case, &ran);
            let outcome = outcome_of(case, &ran, known, place);
            if outcome.folder.is_none() && is_worth_showing(&outcome) && traces.len() < KEPT_TRACES {
                traces.insert(case.id.clone(), ran.worst.events);
            }
            if shared.request.fail_fast && outcome.has_failed() {
                shared.stop.cancel();
            }
            let _ = shared
                .progress
                .send(Progress::Finished(Box::new(outcome.clone())));
            outcomes.push(outcome);
        }
        (outcomes, traces)
    }

    /// Whether the profile or a baseline accepts what `case` found.
    fn known(&self, case: &Case, ran: &Repeated) -> Known {
        if ran.worst.judgement.verdict != Verdict::Fail {
            return Known::default();
        }
        let request = &self.shared.request;
        let mut deviations = match &self.choice {
            TargetChoice::Profile(profile) => profile.known_deviations.clone(),
            TargetChoice::Embedded => Vec::new(),
        };
        deviations.extend(
            request
                .accepted
                .get(self.choice.name())
                .into_iter()
                .flatten()
                .cloned(),
        );
        apply_known(case, &ran.worst.judgement, &deviations, &request.today)
    }
}

/// Whether somebody will want to see what happened.
fn is_worth_showing(outcome: &CaseOutcome) -> bool {
    matches!(
        outcome.judgement.verdict,
        Verdict::Fail | Verdict::Inconclusive | Verdict::Error
    )
}

fn outcome_of(case: &Case, ran: &Repeated, known: Known, written: Option<Written>) -> CaseOutcome {
    let (folder, capture) = written.map_or((None, None), |written| (Some(written.folder), written.capture));
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
        capture,
    }
}
