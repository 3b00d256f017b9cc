//! The properties of a target: what the scenarios under `properties/` find out, each value with its evidence; and the
//! proof that the embedded server can be brought to have each value.
//!
//! Nothing here is judged: no value is better than another.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::case_runner::{CaseRunner, Ran};
use super::outcome::PropertyOutcome;
use crate::judge::{self, Judgement, Requirements};
use crate::mock::{Fault, Habit};
use crate::plan::{Case, CaseId, CellFilter, TargetFacts, expand, keeps_cell};
use crate::requirement::Capability;
use crate::scenario::Scenario;
use crate::target::{EMBEDDED, EmbeddedPolicy, Running};
use crate::trace::Event;

/// What is asked, and of whom.
#[derive(Clone, Copy)]
pub struct PropertyRequest<'a> {
    /// The target; the embedded server when none.
    pub running: Option<&'a Arc<Running>>,
    /// What the target can do.
    pub facts: &'a TargetFacts,
    /// The scenarios.
    pub scenarios: &'a [Arc<Scenario>],
    /// Which cells of them.
    pub cells: &'a [CellFilter],
    /// Cases at the same time against this target.
    pub limit: usize,
    /// Permits for cases, shared by all targets.
    pub jobs: &'a Arc<Semaphore>,
    /// Cancelled when the run is stopped; cases under way tidy up first, and tell nothing.
    pub stop: &'a CancellationToken,
    /// Writes the trace of a case, when traces are written; gives its folder.
    pub write: &'a (dyn Fn(&Case, &Ran) -> Option<String> + Sync),
}

/// Asks a target for its properties. Sorted by property, cells in the order of their scenario.
pub async fn properties(runner: &CaseRunner, request: PropertyRequest<'_>) -> Vec<PropertyOutcome> {
    let permits = Arc::new(Semaphore::new(request.limit.max(1)));
    let mut tasks = JoinSet::new();
    let name = request.running.map_or(EMBEDDED, |running| &running.profile.name);
    let cases = request
        .scenarios
        .iter()
        .flat_map(|scenario| cases_of(scenario, name))
        .filter(|case| keeps_cell(request.cells, &case.id.cell));
    for (position, case) in cases.enumerate() {
        let (runner, permits, jobs) = (runner.clone(), Arc::clone(&permits), Arc::clone(request.jobs));
        let (running, facts) = (request.running.map(Arc::clone), request.facts.clone());
        let stop = request.stop.clone();
        tasks.spawn(async move {
            // Neither semaphore is ever closed.
            let _permits = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                permits = async { (permits.acquire_owned().await, jobs.acquire_owned().await) } => permits,
            };
            let ran = match running {
                Some(running) => runner.run_case_until(&case, &running, &facts, &stop).await,
                None => {
                    let policy = CaseRunner::embedded_policy(&case.scenario);
                    run_embedded(&runner, &case, &policy, &stop).await
                }
            };
            (!ran.stopped).then_some((position, case, ran))
        });
    }
    let mut found = Vec::new();
    while let Some(result) = tasks.join_next().await {
        // A task that broke down or was stopped found out nothing; the property is missing in the report.
        let Ok(Some((position, case, ran))) = result else {
            continue;
        };
        let place = (request.write)(&case, &ran);
        found.push((position, outcome_of(runner, &case, &ran, place)));
    }
    found.sort_by_key(|(position, _)| *position);
    found.into_iter().map(|(_, outcome)| outcome).collect()
}

fn cases_of(scenario: &Arc<Scenario>, target: &str) -> Vec<Case> {
    let cells = expand(scenario).into_iter();
    cells
        .map(|cell| Case {
            id: CaseId {
                scenario: scenario.id.clone(),
                target: target.to_owned(),
                cell,
            },
            scenario: Arc::clone(scenario),
        })
        .collect()
}

async fn run_embedded(
    runner: &CaseRunner,
    case: &Case,
    policy: &EmbeddedPolicy,
    stop: &CancellationToken,
) -> Ran {
    match runner.run_embedded_until(case, policy, stop).await {
        Ok(ran) => ran,
        Err(error) => Ran::not_run(judge::Verdict::Error, error.detail),
    }
}

fn outcome_of(runner: &CaseRunner, case: &Case, ran: &Ran, folder: Option<String>) -> PropertyOutcome {
    property_of(case, runner.requirements(), &ran.judgement, &ran.events, folder)
}

/// The property that the events of a case tell, by its scenario. Pure: a stored trace tells it again. Where no value came
/// about, the evidence is the reason of `judgement`.
#[must_use]
pub fn property_of(
    case: &Case,
    requirements: &Requirements,
    judgement: &Judgement,
    events: &[Event],
    folder: Option<String>,
) -> PropertyOutcome {
    let (value, evidence) = match judge::yielded(case, requirements, events) {
        Some(yielded) => (Some(yielded.value), yielded.evidence),
        None => (None, judgement.reason.clone().unwrap_or_default()),
    };
    PropertyOutcome {
        property: case.scenario.name().to_owned(),
        title: case.scenario.title.clone(),
        cell: case.id.cell.0.clone(),
        value,
        evidence,
        folder,
    }
}

/// Whether the embedded server can be brought to have a value of a property.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PropertyProof {
    /// Scenario id.
    pub scenario: String,
    /// The value.
    pub value: String,
    /// What was seen instead, in every cell; none when some cell has the value.
    pub problem: Option<String>,
}

/// Brings the embedded server to have `value` of `scenario`, and asks.
pub async fn prove_value(runner: &CaseRunner, scenario: &Arc<Scenario>, value: &str) -> PropertyProof {
    let words = scenario
        .values
        .iter()
        .find(|(known, _)| known.value == value)
        .map(|(_, words)| words.iter().map(|word| word.value.as_str()).collect::<Vec<_>>())
        .unwrap_or_default();
    let policy = policy_of(scenario, &words);
    let mut seen = Vec::new();
    for case in cases_of(scenario, EMBEDDED) {
        let ran = run_embedded(runner, &case, &policy, &CancellationToken::new()).await;
        let outcome = outcome_of(runner, &case, &ran, None);
        if outcome.value.as_deref() == Some(value) {
            seen.clear();
            break;
        }
        let got = outcome.value.unwrap_or_else(|| "no value".to_owned());
        seen.push(format!("{got} [{}] ({})", case.id.cell, outcome.evidence));
    }
    PropertyProof {
        scenario: scenario.id.clone(),
        value: value.to_owned(),
        problem: (!seen.is_empty()).then(|| seen.join("; ")),
    }
}

/// Proves every value of every property, at most `jobs` at a time. In the order of the scenarios and their values.
pub async fn prove_properties(
    runner: &CaseRunner,
    scenarios: &[Arc<Scenario>],
    jobs: usize,
) -> Vec<PropertyProof> {
    let permits = Arc::new(Semaphore::new(jobs.max(1)));
    let mut tasks = JoinSet::new();
    let pairs = scenarios
        .iter()
        .flat_map(|scenario| scenario.values.iter().map(move |(value, _)| (scenario, value)));
    let mut proofs: Vec<PropertyProof> = Vec::new();
    for (position, (scenario, value)) in pairs.enumerate() {
        proofs.push(PropertyProof {
            scenario: scenario.id.clone(),
            value: value.value.clone(),
            problem: Some("the proof did not come to an end".to_owned()),
        });
        let (runner, permits) = (runner.clone(), Arc::clone(&permits));
        let (scenario, value) = (Arc::clone(scenario), value.value.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            (position, prove_value(&runner, &scenario, &value).await)
        });
    }
    while let Some(result) = tasks.join_next().await {
        if let Ok((position, proof)) = result
            && let Some(place) = proofs.get_mut(position)
        {
            *place = proof;
        }
    }
    proofs
}

/// The policy that has what `scenario` requires, and `words`: capabilities, habits and faults.
fn policy_of(scenario: &Scenario, words: &[&str]) -> EmbeddedPolicy {
    let mut capabilities: BTreeSet<Capability> = scenario
        .requires
        .iter()
        .map(|capability| capability.value)
        .collect();
    capabilities.extend(words.iter().filter_map(|word| word.parse::<Capability>().ok()));
    let mut policy = EmbeddedPolicy::for_capabilities(&capabilities);
    for word in words {
        if let Ok(habit) = word.parse::<Habit>() {
            policy = policy.with_habit(habit);
        } else if let Ok(fault) = word.parse::<Fault>() {
            policy = policy.with_fault(fault);
        }
    }
    policy
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words of `values` are told apart by their list alone.
    #[test]
    fn no_word_is_in_two_lists() {
        let capabilities = Capability::ALL.iter().map(|one| one.name());
        let habits = Habit::ALL.iter().map(|one| one.name());
        let faults = Fault::ALL.iter().map(|one| one.name());
        let mut seen = BTreeSet::new();
        for word in capabilities.chain(habits).chain(faults) {
            assert!(seen.insert(word), "`{word}` is there twice");
        }
    }
}
