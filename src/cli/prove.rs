//! `ftpspec prove`: the kill matrix.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::args::ProveArgs;
use super::corpus;
use super::exit::{CliError, Exit};
use super::interrupt::Interrupts;
use super::list::coverage_of;
use super::material::Material;
use super::progress::Bar;
use super::stored::StoredRun;
use super::{output, run, soak, targets};
use crate::base::{Clock, SystemClock};
use crate::judge::Verdict;
use crate::mock::Fault;
use crate::report::coverage::{self, Coverage};
use crate::report::kill_matrix::{self, FaultVerdict, ProofRow};
use crate::report::{self, Format};
use crate::runner::{self, CaseRunner, Opponent, Proof, PropertyProof, ReportFolder, catches};

/// How many cells that show no fault are named.
const MISSED_SHOWN: usize = 5;
/// Runs at the same time when nothing is said.
const USUAL_JOBS: u16 = 8;

pub(super) async fn run(args: &ProveArgs) -> Result<Exit, CliError> {
    let corpus = corpus::load(&args.corpus)?;
    let filters: Vec<&String> = args.what.iter().collect();
    let (properties, scenarios): (Vec<_>, Vec<_>) = run::selected(&corpus, &filters)?
        .into_iter()
        .partition(|scenario| scenario.is_property());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let id = targets::fresh_id();
    let runner = CaseRunner::new(&corpus.catalogue, targets::provisioner()?, clock, id.clone());
    if args.all {
        return soak::run(args, runner, &scenarios, id).await;
    }
    let mut interrupts = Interrupts::catch();
    let runs: usize = scenarios
        .iter()
        .map(|scenario| runner::proof_cases(scenario).len())
        .sum();
    let mut bar = Bar::of_proofs(args.quiet);
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
    let values = tokio::select! {
        values = runner::prove_properties(&runner, &properties, jobs) => values,
        () = interrupts.wait() => return Err(CliError::inconclusive("interrupted; nothing is said about what is proven")),
    };
    let mut text = String::new();
    let rows: Vec<ProofRow> = proofs.iter().map(row).collect();
    let coverage = coverage_of(&corpus).measured_by(&rows);
    if !proofs.is_empty() {
        if args.coverage {
            text.push_str(&coverage::render(&coverage));
            text.push('\n');
        } else if !args.quiet {
            text.push_str(&kill_matrix::render(&rows));
            text.push('\n');
        }
        text.push_str(&render(&proofs, runs));
        text.push_str(&render_requirements(&coverage));
    }
    if !values.is_empty() {
        text.push_str(&render_values(&values));
    }
    output::print(&text)?;
    if let Some(folder) = &args.report {
        add_to_report(rows, folder)?;
    }
    let is_proven = proofs.iter().all(|proof| proof.problems.is_empty())
        && coverage.unproven().next().is_none()
        && values.iter().all(|proof| proof.problem.is_none());
    Ok(if is_proven { Exit::Success } else { Exit::Failed })
}

/// Writes the kill matrix beside a stored run, and its HTML report anew.
fn add_to_report(rows: Vec<ProofRow>, folder: &Path) -> Result<(), CliError> {
    let internal = |error: String| CliError::internal(error);
    let stored = StoredRun::open(folder)?;
    let mut material = Material::stored(&stored)?;
    material.proofs = Some(rows);
    let traces = |place: &str| runner::read_case(&stored.folder, place).ok();
    let html = report::render(Format::Html, &material.input(&stored.outcome, &traces))
        .map_err(|error| internal(error.to_string()))?;
    let folder = ReportFolder::at(&stored.folder);
    let html = (Format::Html.file(), html);
    for (file, text) in material.files()?.into_iter().chain([html]) {
        folder
            .write(file, text.as_bytes())
            .map_err(|error| internal(error.to_string()))?;
    }
    Ok(())
}

fn proof_went_well(run: &runner::ProofRun) -> bool {
    match run.opponent {
        Opponent::Faulty(_) => catches(run),
        // A habit that is warned of on purpose is sorted out in the end.
        Opponent::Habitual(_) => matches!(run.verdict, Verdict::Pass | Verdict::Info | Verdict::Warn),
        Opponent::Strict => run.verdict == Verdict::Pass,
    }
}

/// What is not proven, then the sums.
fn render(proofs: &[Proof], runs: usize) -> String {
    let mut text = String::new();
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
    let named: BTreeSet<Fault> = proofs
        .iter()
        .flat_map(|proof| &proof.runs)
        .filter_map(|run| run.opponent.fault())
        .collect();
    let _ = writeln!(
        text,
        "{proven} of {} scenarios proven in {runs} runs; they name {} of the {} faults there are, and {} of these were caught",
        proofs.len(),
        named.len(),
        Fault::ALL.len(),
        caught.len()
    );
    text.push_str(&render_missed(proofs));
    text
}

/// The runs against a fault that did not show it. Each is in a cell where it need not show (a fault of TLS 1.3 in a cell
/// of TLS 1.2, say), as another cell of the scenario does. Of scenarios that are not proven more is said above.
fn render_missed(proofs: &[Proof]) -> String {
    let missed: Vec<&runner::ProofRun> = proofs
        .iter()
        .filter(|proof| proof.problems.is_empty())
        .flat_map(|proof| &proof.runs)
        .filter(|run| run.opponent.fault().is_some() && !catches(run))
        .collect();
    if missed.is_empty() {
        return String::new();
    }
    let cells: BTreeSet<String> = missed
        .iter()
        .map(|run| format!("{} [{}]", run.scenario, run.cell))
        .collect();
    let shown: Vec<&str> = cells.iter().take(MISSED_SHOWN).map(String::as_str).collect();
    let rest = cells.len().saturating_sub(shown.len());
    let more = if rest == 0 {
        String::new()
    } else {
        format!(" and {rest} more cells")
    };
    format!(
        "faults that a cell did not show, and another cell of the scenario does: {} ({}{more})\n",
        missed.len(),
        shown.join(", ")
    )
}

/// The requirements whose scenarios were all proved, and of these the ones that no fault breaks.
fn render_requirements(coverage: &Coverage) -> String {
    let mut text = String::new();
    for row in coverage.unproven() {
        let scenarios: Vec<&str> = row.scenarios.keys().map(String::as_str).collect();
        let _ = writeln!(
            text,
            "not proven: no fault that {} detects breaks a check that names {}",
            scenarios.join(" or "),
            row.id
        );
    }
    let total = coverage.total();
    let _ = writeln!(
        text,
        "{} of {} requirements proven, each by a fault that breaks a check naming it",
        total.proven,
        total.proven + total.unproven
    );
    text
}

/// The values of properties that the embedded server does not come to have, then the sum.
fn render_values(proofs: &[PropertyProof]) -> String {
    let mut text = String::new();
    for proof in proofs {
        if let Some(problem) = &proof.problem {
            let _ = writeln!(
                text,
                "not shown: {} {}: got {problem}",
                proof.scenario, proof.value
            );
        }
    }
    let shown = proofs.iter().filter(|proof| proof.problem.is_none()).count();
    let _ = writeln!(text, "{shown} of {} values of properties shown", proofs.len());
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
