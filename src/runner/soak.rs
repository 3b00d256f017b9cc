//! Soak: every scenario against every fault of the embedded server, not only those it detects. What is asked: always a
//! verdict in time, never a hang, never a panic, never an error.
//!
//! A scenario meets a fault in one cell of its matrix, chosen by their names, and in every cell where it detects the
//! fault. Waits are shorter than usual on both sides, so that a fault that never answers costs seconds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::case_runner::{CaseRunner, stable_hash};
use super::prove::{Opponent, ProofCase, ProofRun, proof_cases, run_proof};
use crate::mock::Fault;
use crate::plan::{Case, CaseId, Shard, expand};
use crate::scenario::Scenario;
use crate::target::EMBEDDED;

/// What the soak left behind.
#[derive(Clone, Debug, Default)]
pub struct Soaked {
    /// Every run that came to an end: the strict server first, then fault by fault.
    pub runs: Vec<ProofRun>,
    /// The runs that broke down: scenario, cell and fault.
    pub lost: Vec<String>,
}

/// The runs of a soak of `scenarios`, or the part of them that is `shard`: strict server first, then fault by fault.
#[must_use]
pub fn soak_cases(scenarios: &[Arc<Scenario>], shard: Option<Shard>) -> Vec<ProofCase> {
    let mut cases: Vec<ProofCase> = scenarios
        .iter()
        .flat_map(|scenario| cells_of(scenario, None))
        .collect();
    for fault in Fault::ALL {
        cases.extend(
            scenarios
                .iter()
                .flat_map(|scenario| cells_of(scenario, Some(*fault))),
        );
    }
    cases.retain(|proof| shard.is_none_or(|shard| shard.has(&name_of(proof))));
    cases
}

fn cells_of(scenario: &Arc<Scenario>, fault: Option<Fault>) -> Vec<ProofCase> {
    let detects = |fault: Fault| scenario.detects.iter().any(|one| one.value == fault.name());
    match fault {
        None => proof_cases(scenario)
            .into_iter()
            .filter(|proof| proof.opponent == Opponent::Strict)
            .collect(),
        Some(fault) if detects(fault) => proof_cases(scenario)
            .into_iter()
            .filter(|proof| proof.opponent == Opponent::Faulty(fault))
            .collect(),
        Some(fault) => {
            let cells = expand(scenario);
            let number = usize::try_from(stable_hash(&format!("{}/{fault}", scenario.id))).unwrap_or(0);
            let chosen = number
                .checked_rem(cells.len())
                .and_then(|at| cells.into_iter().nth(at));
            let id = chosen.map(|cell| CaseId {
                scenario: scenario.id.clone(),
                target: EMBEDDED.into(),
                cell,
            });
            let case = id.map(|id| Case {
                id,
                scenario: Arc::clone(scenario),
            });
            case.map(|case| ProofCase {
                case,
                opponent: Opponent::Faulty(fault),
            })
            .into_iter()
            .collect()
        }
    }
}

fn name_of(proof: &ProofCase) -> String {
    let fault = proof.opponent.fault().map_or("no fault", Fault::name);
    format!("{} against {fault}", proof.case.id)
}

/// Makes `cases`, at most `jobs` at a time; `progress` gets every run as it ends. The servers of a fault are stopped
/// when its last run is done.
pub async fn soak(
    runner: &CaseRunner,
    cases: Vec<ProofCase>,
    jobs: usize,
    progress: &mpsc::UnboundedSender<ProofRun>,
) -> Soaked {
    let permits = Arc::new(Semaphore::new(jobs.max(1)));
    let mut left: BTreeMap<Fault, usize> = BTreeMap::new();
    for fault in cases.iter().filter_map(|proof| proof.opponent.fault()) {
        *left.entry(fault).or_default() += 1;
    }
    let mut under_way = BTreeMap::new();
    let mut tasks = JoinSet::new();
    let mut ended: Vec<(usize, ProofRun)> = Vec::new();
    let mut lost = BTreeSet::new();
    let mut settle =
        |result: Result<(tokio::task::Id, (usize, ProofRun)), tokio::task::JoinError>,
         under_way: &mut BTreeMap<tokio::task::Id, (String, Option<Fault>)>| {
            let (id, run) = match result {
                Ok((id, run)) => (id, Some(run)),
                Err(error) => (error.id(), None),
            };
            let (name, fault) = under_way.remove(&id)?;
            match run {
                Some((position, run)) => {
                    // Nobody listening is fine.
                    let _ = progress.send(run.clone());
                    ended.push((position, run));
                }
                None => {
                    lost.insert(name);
                }
            }
            let count = left.get_mut(&fault?)?;
            *count = count.saturating_sub(1);
            (*count == 0).then_some(fault?)
        };
    for (position, proof) in cases.into_iter().enumerate() {
        // The semaphore is never closed.
        let permit = Arc::clone(&permits).acquire_owned().await;
        while let Some(result) = tasks.try_join_next_with_id() {
            if let Some(fault) = settle(result, &mut under_way) {
                runner.release(fault).await;
            }
        }
        let (name, fault, runner) = (name_of(&proof), proof.opponent.fault(), runner.clone());
        let task = tasks.spawn(async move {
            let _permit = permit;
            let (run, _) = run_proof(&runner, &proof).await;
            (position, run)
        });
        under_way.insert(task.id(), (name, fault));
    }
    while let Some(result) = tasks.join_next_with_id().await {
        if let Some(fault) = settle(result, &mut under_way) {
            runner.release(fault).await;
        }
    }
    ended.sort_by_key(|(position, _)| *position);
    Soaked {
        runs: ended.into_iter().map(|(_, run)| run).collect(),
        lost: lost.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::{checking, with_axis};

    fn scenarios() -> Vec<Arc<Scenario>> {
        let mut one = checking("a/one", "r.one", "omits-150");
        with_axis(&mut one, "tls", &["tls1.2", "tls1.3"]);
        vec![
            Arc::new(one),
            Arc::new(checking("a/two", "r.two", "greets-twice")),
        ]
    }

    #[test]
    fn every_scenario_meets_every_fault_and_all_cells_meet_what_they_detect() {
        let cases = soak_cases(&scenarios(), None);
        // Strict: 2 + 1 cells. Faults: one cell each, and one more for the fault that the first one detects.
        assert_eq!(cases.len(), 3 + 2 * Fault::ALL.len() + 1);
        let pairs: BTreeSet<(String, Option<Fault>)> = cases
            .iter()
            .map(|proof| (proof.case.id.scenario.clone(), proof.opponent.fault()))
            .collect();
        assert_eq!(pairs.len(), 2 * (Fault::ALL.len() + 1));
    }

    #[test]
    fn shards_are_the_same_every_time_and_leave_nothing_out() {
        let whole = soak_cases(&scenarios(), None).len();
        let parts: Vec<usize> = ["1/3", "2/3", "3/3"]
            .iter()
            .map(|part| soak_cases(&scenarios(), Some(part.parse().unwrap())).len())
            .collect();
        assert_eq!(parts.iter().sum::<usize>(), whole);
        assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
    }
}
