//! `ftpspec prove`: the kill matrix.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::args::ProveArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::interrupt::Interrupts;
use super::progress::Bar;
use super::{output, run, targets};
use crate::base::{Clock, SystemClock};
use crate::judge::Verdict;
use crate::mock::Fault;
use crate::report::kill_matrix::{self, FaultVerdict, ProofRow};
use crate::runner::{self, CaseRunner, Opponent, Proof, catches};

/// Runs at the same time when nothing is said.
const USUAL_JOBS: u16 = 8;

pub(super) async fn run(args: &ProveArgs) -> Result<Exit, CliError> {
    let mut interrupts = Interrupts::catch();
    let corpus = corpus::load(&args.corpus)?;
    let filters: Vec<&String> = args.what.iter().collect();
    let scenarios = run::selected(&corpus, &filters)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let runner = CaseRunner::new(
        &corpus.catalogue,
        targets::provisioner()?,
        clock,
        targets::fresh_id(),
    );
    let runs: usize = scenarios
        .iter()
        .map(|scenario| runner::proof_cases(scenario).len())
        .sum();
    let mut bar = Bar::new(args.quiet);
    bar.set_length(runs);
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let shown = tokio::spawn(async move {
        while let Some(run) = receiver.recv().await {
            bar.step(proof_went_well(&run));
        }
        bar.finish();
    });
    let jobs = usize::from(args.jobs.unwrap_or(USUAL_JOBS));
    let proofs = tokio::select! {
        proofs = runner::prove(&runner, &scenarios, jobs, Some(sender)) => proofs,
        () = interrupts.wait() => return Err(CliError::inconclusive("interrupted; nothing is said about what is proven")),
    };
    // A bar that panicked must not hide the outcome.
    let _ = shown.await;
    output::print(&render(&proofs, args.quiet, runs))?;
    Ok(if proofs.iter().all(|proof| proof.problems.is_empty()) {
        Exit::Success
    } else {
        Exit::Failed
    })
}

fn proof_went_well(run: &runner::ProofRun) -> bool {
    match run.opponent {
        Opponent::Faulty(_) => catches(run),
        // A manner that is warned of on purpose is sorted out in the end.
        Opponent::Mannered(_) => matches!(run.verdict, Verdict::Pass | Verdict::Info | Verdict::Warn),
        Opponent::Strict => run.verdict == Verdict::Pass,
    }
}

/// The kill matrix, then what is not proven, then the sums.
fn render(proofs: &[Proof], quiet: bool, runs: usize) -> String {
    let mut text = String::new();
    if !quiet {
        text.push_str(&kill_matrix::render(&proofs.iter().map(row).collect::<Vec<_>>()));
        text.push('\n');
    }
    for proof in proofs {
        for problem in &proof.problems {
            let _ = writeln!(text, "not proven: {} {problem}", proof.scenario);
        }
    }
    let caught: BTreeSet<Fault> = proofs
        .iter()
        .flat_map(|proof| &proof.runs)
        .filter(|run| catches(run))
        .filter_map(|run| run.opponent.fault())
        .collect();
    let proven = proofs.iter().filter(|proof| proof.problems.is_empty()).count();
    let _ = writeln!(
        text,
        "{proven} of {} scenarios proven; {} of {} faults caught; {runs} runs",
        proofs.len(),
        caught.len(),
        Fault::ALL.len()
    );
    text
}

/// A fault need not show in every cell (some belong to one TLS version), so the cell that shows it most counts.
fn row(proof: &Proof) -> ProofRow {
    let strict = proof
        .runs
        .iter()
        .filter(|run| run.opponent == Opponent::Strict)
        .map(|run| run.verdict)
        .max();
    let mut faults: Vec<FaultVerdict> = Vec::new();
    for run in &proof.runs {
        let Some(fault) = run.opponent.fault() else {
            continue;
        };
        let at = faults
            .iter()
            .position(|known| known.fault == fault.name())
            .unwrap_or_else(|| {
                faults.push(FaultVerdict {
                    fault: fault.name().to_owned(),
                    verdict: Verdict::Pass,
                    requirements: Vec::new(),
                });
                faults.len() - 1
            });
        let Some(known) = faults.get_mut(at) else { continue };
        if catches(run) || known.requirements.is_empty() {
            known.verdict = if known.requirements.is_empty() {
                run.verdict
            } else {
                known.verdict.max(run.verdict)
            };
            known.requirements.extend(run.broken.iter().cloned());
            known.requirements.sort();
            known.requirements.dedup();
        }
    }
    ProofRow {
        scenario: proof.scenario.clone(),
        strict: strict.unwrap_or(Verdict::Error),
        faults,
    }
}
