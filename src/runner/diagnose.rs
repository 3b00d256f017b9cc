//! Runs the few cases that a diagnosis needs: first how TLS starts, then the login, then the rest side by side.
//!
//! What stands behind a door that does not open is not tried: it would only wait. Says nothing about what it means, that is
//! the business of `advice`.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::case_runner::{CaseRunner, Ran};
use crate::judge::{Judgement, Verdict};
use crate::plan::{Case, CaseId, Cell, TargetFacts, expand};
use crate::scenario::Scenario;
use crate::target::{Running, TlsMode};

const EXPLICIT: &str = "diagnose/explicit-tls";
const IMPLICIT: &str = "diagnose/implicit-tls";
const LOGIN: &str = "diagnose/login";

/// Runs `scenarios` against `running`, at most `jobs` cases at a time. Cases that were not run say why.
pub async fn run_for_diagnosis(
    runner: &CaseRunner,
    running: &Arc<Running>,
    scenarios: &[Arc<Scenario>],
    jobs: usize,
    cancel: &CancellationToken,
) -> Vec<(Case, Ran)> {
    let mut cases: Vec<Case> = scenarios
        .iter()
        .flat_map(|scenario| {
            expand(scenario)
                .into_iter()
                .map(|cell| case_of(scenario, running, cell))
        })
        .collect();
    let own_door = match running.profile.tls {
        TlsMode::Explicit => EXPLICIT,
        TlsMode::Implicit => IMPLICIT,
    };
    let mut done: Vec<(Case, Ran)> = Vec::new();
    let stages: [(&[&str], &str, &str); 2] = [
        (&[EXPLICIT, IMPLICIT], own_door, "TLS did not start"),
        (&[LOGIN], LOGIN, "the login failed"),
    ];
    for (names, gate, reason) in stages {
        let (stage, rest): (Vec<Case>, Vec<Case>) = cases
            .into_iter()
            .partition(|case| names.contains(&case.id.scenario.as_str()));
        done.extend(run_all(runner, running, stage, jobs, cancel).await);
        let shut = done
            .iter()
            .find(|(case, ran)| case.id.scenario == gate && !matches!(ran.judgement.verdict, Verdict::Pass));
        cases = rest;
        if let Some((_, ran)) = shut {
            let reason =
                seen(&ran.judgement).map_or_else(|| reason.to_owned(), |seen| format!("{reason}: {seen}"));
            let skipped = cases.into_iter().map(|case| {
                let ran = Ran::not_run(Verdict::Inconclusive, reason.clone());
                (case, ran)
            });
            done.extend(skipped);
            return done;
        }
    }
    done.extend(run_all(runner, running, cases, jobs, cancel).await);
    done.sort_by(|(a, _), (b, _)| (&a.id.scenario, &a.id.cell.0).cmp(&(&b.id.scenario, &b.id.cell.0)));
    done
}

/// What stood in the way, as far as the judge knows.
fn seen(judgement: &Judgement) -> Option<String> {
    let finding = judgement.findings.first();
    let seen = finding.map(|finding| format!("expected {}, got {}", finding.expected, finding.observed));
    seen.or_else(|| judgement.reason.clone())
}

fn case_of(scenario: &Arc<Scenario>, running: &Running, cell: Cell) -> Case {
    Case {
        id: CaseId {
            scenario: scenario.id.clone(),
            target: running.profile.name.clone(),
            cell,
        },
        scenario: Arc::clone(scenario),
    }
}

async fn run_all(
    runner: &CaseRunner,
    running: &Arc<Running>,
    cases: Vec<Case>,
    jobs: usize,
    cancel: &CancellationToken,
) -> Vec<(Case, Ran)> {
    let permits = Arc::new(Semaphore::new(jobs.max(1)));
    let mut tasks = JoinSet::new();
    for case in cases {
        let (runner, running, permits) = (runner.clone(), Arc::clone(running), Arc::clone(&permits));
        let cancel = cancel.clone();
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let interrupted = || Ran::not_run(Verdict::Inconclusive, "interrupted".to_owned());
            // As in discovery: what nobody has found out yet must not stand in the way.
            let facts = TargetFacts::assume_all();
            let ran = tokio::select! {
                biased;
                () = cancel.cancelled() => interrupted(),
                ran = runner.run_case(&case, &running, &facts) => ran,
            };
            (case, ran)
        });
    }
    let mut done = Vec::new();
    while let Some(result) = tasks.join_next().await {
        // A task that broke down leaves a case out; the rules that need it then stay silent.
        done.extend(result.ok());
    }
    done
}
