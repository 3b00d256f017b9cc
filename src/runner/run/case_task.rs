//! One case of a run, repeated as often as asked. Waits its turn: a target bears a limited number of connections, and the
//! machine a limited number of cases.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::{Mutex, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::judge::Verdict;
use crate::plan::{Applicability, Case, applicability};
use crate::runner::case_runner::{CaseRunner, Ran};
use crate::runner::discover::Discovered;
use crate::scenario::Scenario;
use crate::target::Running;

/// All repetitions of a case.
pub(super) struct Repeated {
    pub(super) worst: Ran,
    pub(super) same: u32,
    pub(super) of: u32,
}

impl Repeated {
    fn once(ran: Ran) -> Self {
        Self {
            worst: ran,
            same: 1,
            of: 1,
        }
    }

    /// With one more repetition; only the worst is kept whole.
    fn and(mut self, ran: Ran) -> Self {
        self.of = self.of.saturating_add(1);
        match ran.judgement.verdict.cmp(&self.worst.judgement.verdict) {
            Ordering::Less => {}
            Ordering::Equal => self.same = self.same.saturating_add(1),
            Ordering::Greater => {
                self.worst = ran;
                self.same = 1;
            }
        }
        self
    }

    /// A case whose task panicked. It must not look like one that was never started.
    pub(super) fn broken() -> Self {
        let reason = "ftpspec itself broke down in this case; please report it".to_owned();
        Self::once(Ran::not_run(Verdict::Error, reason))
    }
}

/// A case and what it needs.
pub(super) struct CaseTask {
    pub(super) runner: CaseRunner,
    pub(super) running: Option<Arc<Running>>,
    pub(super) discovered: Discovered,
    pub(super) permits: Arc<Semaphore>,
    pub(super) limit: usize,
    pub(super) jobs: Arc<Semaphore>,
    /// Held while waiting for a job: one case of each target waits at a time, so that targets take turns, and one that bears few
    /// connections does not wait for all cases of the others.
    pub(super) turn: Arc<Mutex<()>>,
    pub(super) stop: CancellationToken,
    pub(super) unavailable: Option<String>,
    pub(super) unsupported: Option<String>,
    pub(super) repeat: u32,
    pub(super) slow: bool,
}

impl CaseTask {
    /// Runs the case as often as asked; nothing when the run was stopped before the first time was through.
    pub(super) async fn run(&self, case: &Case) -> Option<Repeated> {
        if let Some(reason) = &self.unavailable {
            let reason = format!("the target could not be provided: {reason}");
            return Some(Repeated::once(Ran::not_run(Verdict::Inconclusive, reason)));
        }
        let slow = (case.scenario.slow && !self.slow).then(|| "slow; run with --slow".to_owned());
        if let Some(reason) = self.unsupported.clone().or(slow) {
            return Some(Repeated::once(Ran::not_run(Verdict::NotApplicable, reason)));
        }
        let share = share(&case.scenario, self.limit);
        let connections = Arc::clone(&self.permits).acquire_many_owned(share);
        let (_connections, _job) = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            permits = async {
                let connections = connections.await;
                let _turn = self.turn.lock().await;
                (connections, Arc::clone(&self.jobs).acquire_owned().await)
            } => permits,
        };
        let mut repeated: Option<Repeated> = None;
        for _ in 0..self.repeat {
            let ran = self.run_once(case).await;
            if ran.stopped {
                break;
            }
            repeated = Some(match repeated {
                None => Repeated::once(ran),
                Some(before) => before.and(ran),
            });
            if self.stop.is_cancelled() {
                break;
            }
        }
        repeated
    }

    /// Why nobody knows whether the case applies, when the login was refused while that was asked.
    fn unasked(&self, case: &Case) -> Option<String> {
        let facts = &self.discovered.facts;
        let Applicability::NotApplicable { capability, .. } =
            applicability(&case.scenario, &case.id.cell, facts)
        else {
            return None;
        };
        let refused = self.discovered.unasked.get(&capability)?;
        Some(format!(
            "requires `{capability}`, and whether the target has it could not be asked: {refused}"
        ))
    }

    async fn run_once(&self, case: &Case) -> Ran {
        if let Some(reason) = self.unasked(case) {
            return Ran::not_run(Verdict::Inconclusive, reason);
        }
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

/// How many of the `limit` connections that the target bears `scenario` takes: as many as it has sessions, and all when it must
/// run alone.
fn share(scenario: &Scenario, limit: usize) -> u32 {
    let share = if scenario.alone {
        limit
    } else {
        session_count(scenario).min(limit)
    };
    u32::try_from(share).unwrap_or(1)
}

/// How many control connections a scenario has open at the same time, at most.
fn session_count(scenario: &Scenario) -> usize {
    let steps = scenario
        .setup
        .iter()
        .chain(&scenario.steps)
        .chain(&scenario.cleanup);
    let names: BTreeSet<&str> = steps.map(|step| step.session.value.as_str()).collect();
    names.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_must_run_alone_takes_every_connection() {
        let mut scenario = crate::plan::fixtures::scenario("a/b");
        assert_eq!(share(&scenario, 5), 1);
        scenario.alone = true;
        assert_eq!(share(&scenario, 5), 5);
        assert_eq!(share(&scenario, 1), 1);
    }
}
