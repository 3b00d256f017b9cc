//! The proof that each check can fail: every scenario against the strict server, and against each fault it names.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

use super::case_runner::{CaseRunner, Ran};
use crate::judge::Verdict;
use crate::mock::{Fault, Habit};
use crate::plan::{Case, CaseId, Cell, expand};
use crate::scenario::Scenario;
use crate::target::EMBEDDED;

/// The embedded server that a run of a proof is against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opponent {
    /// Strict, with its usual habits: the scenario must pass.
    Strict,
    /// Strict, with another lawful habit: the scenario must pass as well.
    Habitual(Habit),
    /// With a fault: the scenario must notice.
    Faulty(Fault),
}

impl Opponent {
    /// The fault, when there is one.
    #[must_use]
    pub fn fault(self) -> Option<Fault> {
        match self {
            Self::Faulty(fault) => Some(fault),
            Self::Strict | Self::Habitual(_) => None,
        }
    }
}

/// One run of a proof: a scenario in one cell against the strict server or one fault.
#[derive(Clone, Debug)]
pub struct ProofRun {
    /// Scenario id.
    pub scenario: String,
    /// The cell.
    pub cell: Cell,
    /// What it ran against.
    pub opponent: Opponent,
    /// The verdict.
    pub verdict: Verdict,
    /// Requirements whose checks were found broken.
    pub broken: Vec<String>,
    /// In words: the first finding, or the reason.
    pub words: String,
}

/// A scenario, and whether it is proven.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Scenario id.
    pub scenario: String,
    /// Why it is not proven; empty when it is.
    pub problems: Vec<String>,
    /// Every run, strict ones first.
    pub runs: Vec<ProofRun>,
}

/// A run to be made.
#[derive(Clone, Debug)]
pub struct ProofCase {
    /// The case.
    pub case: Case,
    /// What to run against.
    pub opponent: Opponent,
}

/// The runs that prove `scenario`: each cell against the strict server, against each habit that orders transfers when data
/// moves in it, and against each fault it detects.
#[must_use]
pub fn proof_cases(scenario: &Arc<Scenario>) -> Vec<ProofCase> {
    let cells = expand(scenario);
    let habits = Habit::of_transfers().filter(|_| scenario.moves_data());
    let faults = scenario
        .detects
        .iter()
        .filter_map(|fault| fault.value.parse().ok());
    let opponents = std::iter::once(Opponent::Strict)
        .chain(habits.map(Opponent::Habitual))
        .chain(faults.map(Opponent::Faulty));
    let mut cases = Vec::new();
    for opponent in opponents {
        for cell in &cells {
            let id = CaseId {
                scenario: scenario.id.clone(),
                target: EMBEDDED.into(),
                cell: cell.clone(),
            };
            cases.push(ProofCase {
                case: Case {
                    id,
                    scenario: Arc::clone(scenario),
                },
                opponent,
            });
        }
    }
    cases
}

/// Makes one run.
pub async fn run_proof(runner: &CaseRunner, proof: &ProofCase) -> (ProofRun, Ran) {
    let policy = CaseRunner::embedded_policy(&proof.case.scenario);
    let policy = match proof.opponent {
        Opponent::Strict => policy,
        Opponent::Habitual(habit) => policy.with_habit(habit),
        Opponent::Faulty(fault) => policy.with_fault(fault),
    };
    let ran = match runner.run_embedded(&proof.case, &policy).await {
        Ok(ran) => ran,
        Err(error) => Ran::not_run(Verdict::Error, error.detail),
    };
    let broken: Vec<String> = ran
        .judgement
        .findings
        .iter()
        .filter_map(|finding| finding.requirement.clone())
        .collect();
    let words = ran
        .judgement
        .findings
        .first()
        .map(|finding| {
            format!(
                "{}: expected {}, got {}",
                finding.message, finding.expected, finding.observed
            )
        })
        .or_else(|| ran.judgement.reason.clone())
        .unwrap_or_default();
    let run = ProofRun {
        scenario: proof.case.id.scenario.clone(),
        cell: proof.case.id.cell.clone(),
        opponent: proof.opponent,
        verdict: ran.judgement.verdict,
        broken,
        words,
    };
    (run, ran)
}

/// Proves `scenarios`, at most `jobs` runs at a time; `progress` gets every run as it ends.
pub async fn prove(
    runner: &CaseRunner,
    scenarios: &[Arc<Scenario>],
    jobs: usize,
    progress: Option<mpsc::UnboundedSender<ProofRun>>,
) -> Vec<Proof> {
    let permits = Arc::new(Semaphore::new(jobs.max(1)));
    let mut tasks = JoinSet::new();
    for (position, scenario) in scenarios.iter().enumerate() {
        for (order, proof) in proof_cases(scenario).into_iter().enumerate() {
            let (runner, permits, progress) = (runner.clone(), Arc::clone(&permits), progress.clone());
            tasks.spawn(async move {
                let _permit = permits.acquire_owned().await;
                let (run, _) = run_proof(&runner, &proof).await;
                if let Some(progress) = progress {
                    // A receiver that is gone does not want to know.
                    let _ = progress.send(run.clone());
                }
                (position, order, run)
            });
        }
    }
    let mut runs = Vec::new();
    while let Some(result) = tasks.join_next().await {
        // A run that panicked is missing in the list, which `verdict_of` reports.
        if let Ok(run) = result {
            runs.push(run);
        }
    }
    runs.sort_by_key(|(position, order, _)| (*position, *order));
    scenarios
        .iter()
        .enumerate()
        .map(|(position, scenario)| {
            let own: Vec<ProofRun> = runs
                .iter()
                .filter(|(of, _, _)| *of == position)
                .map(|(_, _, run)| run.clone())
                .collect();
            verdict_of(scenario, own)
        })
        .collect()
}

/// Whether `runs` prove `scenario`.
fn verdict_of(scenario: &Arc<Scenario>, runs: Vec<ProofRun>) -> Proof {
    let mut problems = Vec::new();
    let expected = proof_cases(scenario).len();
    if runs.len() != expected {
        problems.push(format!(
            "{} of {expected} runs did not come to an end",
            expected.saturating_sub(runs.len())
        ));
    }
    for run in &runs {
        let against = match run.opponent {
            Opponent::Faulty(_) => continue,
            _ if holds(scenario, run) => continue,
            Opponent::Strict => "the strict server".to_owned(),
            Opponent::Habitual(habit) => format!("the lawful habit {habit}"),
        };
        problems.push(format!(
            "is {:?} against {against}{}: {}",
            run.verdict,
            in_cell(&run.cell),
            run.words
        ));
    }
    if scenario.detects.is_empty() {
        problems.push("names no fault it detects".into());
    }
    for fault in &scenario.detects {
        let against: Vec<&ProofRun> = runs
            .iter()
            .filter(|run| {
                run.opponent
                    .fault()
                    .is_some_and(|other| other.name() == fault.value)
            })
            .collect();
        if !against.iter().any(|run| catches(run)) {
            let seen: Vec<String> = against
                .iter()
                .map(|run| format!("{:?}{} {}", run.verdict, in_cell(&run.cell), run.words))
                .collect();
            problems.push(format!("does not catch {}: {}", fault.value, seen.join("; ")));
        }
        for run in against.iter().filter(|run| run.verdict == Verdict::Error) {
            problems.push(format!(
                "ends in error against {}{}: {}",
                fault.value,
                in_cell(&run.cell),
                run.words
            ));
        }
    }
    Proof {
        scenario: scenario.id.clone(),
        problems,
        runs,
    }
}

/// Whether a run against a server without fault went as it must: a pass. A scenario that detects the fault that a habit
/// is the lawful twin of may warn of it.
#[must_use]
pub fn holds(scenario: &Scenario, run: &ProofRun) -> bool {
    let twin = match run.opponent {
        Opponent::Habitual(habit) => habit.counterpart(),
        Opponent::Strict | Opponent::Faulty(_) => None,
    };
    let is_after_it = twin.is_some_and(|twin| scenario.detects.iter().any(|one| one.value == twin.name()));
    match run.verdict {
        Verdict::Pass => true,
        Verdict::Info | Verdict::Warn => is_after_it,
        _ => false,
    }
}

/// A fault is caught by a broken check that names a requirement, and by nothing else.
#[must_use]
pub fn catches(run: &ProofRun) -> bool {
    matches!(run.verdict, Verdict::Fail | Verdict::Warn | Verdict::Info) && !run.broken.is_empty()
}

fn in_cell(cell: &Cell) -> String {
    if cell.0.is_empty() {
        String::new()
    } else {
        format!(" [{cell}]")
    }
}
