//! The list of trials.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use libtest_mimic::{Completion, Failed, Trial};

use super::Options;
use super::shared::Shared;
use crate::base::{Clock, RunId, Secret, SystemClock};
use crate::diagnostic::{CaseView, render_case};
use crate::judge::Verdict;
use crate::plan::{Case, CaseId, Cell, Filter, expand, requirements_of, select};
use crate::report::baseline::{Baseline, TargetBaseline};
use crate::requirement::Grade;
use crate::runner::{
    CaseRunner, Corpus, CorpusError, Opponent, ProofCase, Ran, catches, holds, proof_cases, prove_value,
    run_proof,
};
use crate::scenario::Scenario;
use crate::target::{self, EMBEDDED, Profile, Provisioner};

/// What the environment says of targets; each a list of names of targets or of their software, or `all`.
#[derive(Clone, Debug, Default)]
pub(super) struct Wanted {
    /// These must be installed.
    pub(super) required: String,
    /// No others are run; nothing said: all that are installed.
    pub(super) only: Option<String>,
}

impl Wanted {
    fn requires(&self, profile: &Profile) -> bool {
        names(&self.required, profile)
    }

    fn leaves_out(&self, profile: &Profile) -> bool {
        self.only.as_deref().is_some_and(|only| !names(only, profile))
    }
}

fn names(list: &str, profile: &Profile) -> bool {
    list.split(',')
        .map(str::trim)
        .any(|name| name == profile.name || name == profile.software || name == "all")
}

/// Makes the trials of `options` with the targets that are `wanted`.
pub(super) fn collect(options: &Options, wanted: &Wanted) -> Result<(Vec<Trial>, Arc<Shared>), String> {
    let (corpus, scenarios) = load(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start threads: {error}"))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let id = fresh_id(&*clock);
    let folder = std::env::temp_dir().join(format!("ftpspec-test-{}-{id}", std::process::id()));
    let provisioner = Provisioner::new(folder).map_err(|error| error.detail)?;
    let runner = CaseRunner::new(&corpus.catalogue, provisioner, clock, id);
    let shared = Arc::new(Shared::new(runtime, runner, &corpus));
    let mut trials = Vec::new();
    if options.embedded {
        trials.extend(
            scenarios
                .iter()
                .flat_map(|scenario| embedded_trials(scenario, &shared)),
        );
    }
    if options.proofs {
        trials.extend(
            scenarios
                .iter()
                .flat_map(|scenario| proof_trials(scenario, &shared)),
        );
        trials.extend(requirement_trials(&corpus.scenarios, &scenarios, &shared));
        trials.extend(
            corpus
                .properties
                .iter()
                .flat_map(|scenario| property_trials(scenario, &shared)),
        );
    }
    for profile in profiles(options)? {
        trials.extend(target_trials(&profile, &scenarios, &shared, wanted)?);
    }
    Ok((trials, shared))
}

/// The corpus, and the scenarios of it that the filters leave.
fn load(options: &Options) -> Result<(Corpus, Vec<Arc<Scenario>>), String> {
    let corpus = Corpus::load(&options.scenario_folders).map_err(|error| match error {
        CorpusError::Scenarios(problems) => problems
            .iter()
            .map(|problem| crate::diagnostic::render_load_error(problem, false))
            .collect(),
        other => other.to_string(),
    })?;
    let filters = options
        .filters
        .iter()
        .map(|text| text.parse::<Filter>().map_err(|error| error.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    let selected = select(&corpus.scenarios, &filters).map_err(|errors| {
        errors
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ")
    })?;
    Ok((corpus, selected))
}

fn profiles(options: &Options) -> Result<Vec<Profile>, String> {
    let mut profiles = Vec::new();
    if options.bundled_targets {
        profiles.extend(target::embedded_profiles().map_err(|error| error.to_string())?);
    }
    for file in &options.target_files {
        let mut loaded = target::load_profiles(file).map_err(|error| error.to_string())?;
        for profile in &mut loaded {
            profile.fetch_passwords(&|variable| std::env::var(variable).ok(), &mut nobody_to_ask)?;
        }
        profiles.extend(loaded);
    }
    Ok(profiles)
}

/// Tests run without anybody who could type.
fn nobody_to_ask(user: &str) -> Result<Secret, String> {
    Err(format!(
        "no password for `{user}`: name `password-env` or `password-file` for the account in the target.yaml"
    ))
}

fn embedded_trials(scenario: &Arc<Scenario>, shared: &Arc<Shared>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for cell in expand(scenario) {
        let (case, shared) = (case(scenario, EMBEDDED, cell), Arc::clone(shared));
        trials.push(Trial::test(case.id.to_string(), move || {
            let policy = CaseRunner::embedded_policy(&case.scenario);
            let ran = shared
                .runtime
                .block_on(shared.runner.run_embedded(&case, &policy));
            let ran = ran.map_err(|error| Failed::from(error.detail))?;
            // The strict server has everything a scenario requires: nothing but a pass is right.
            if ran.judgement.verdict == Verdict::Pass {
                Ok(())
            } else {
                Err(failed(&case, &ran, &shared))
            }
        }));
    }
    trials
}

/// One trial per lawful habit that orders transfers, of the embedded server: no cell may take it for a mistake.
fn habit_trials(scenario: &Arc<Scenario>, shared: &Arc<Shared>) -> Vec<Trial> {
    let mut by_habit: BTreeMap<&str, Vec<ProofCase>> = BTreeMap::new();
    for proof in proof_cases(scenario) {
        if let Opponent::Habitual(habit) = proof.opponent {
            by_habit.entry(habit.name()).or_default().push(proof);
        }
    }
    let trial = |(habit, proofs): (&str, Vec<ProofCase>)| {
        let (name, shared) = (format!("habit {} {habit}", scenario.id), Arc::clone(shared));
        Trial::test(name, move || {
            for proof in &proofs {
                let (run, ran) = shared.runtime.block_on(run_proof(&shared.runner, proof));
                if !holds(&proof.case.scenario, &run) {
                    return Err(failed(&proof.case, &ran, &shared));
                }
            }
            Ok(())
        })
    };
    by_habit.into_iter().map(trial).collect()
}

/// One trial per fault: it must be caught in at least one cell.
fn proof_trials(scenario: &Arc<Scenario>, shared: &Arc<Shared>) -> Vec<Trial> {
    let mut trials = habit_trials(scenario, shared);
    for fault in &scenario.detects {
        let runs: Vec<_> = proof_cases(scenario)
            .into_iter()
            .filter(|proof| {
                proof
                    .opponent
                    .fault()
                    .is_some_and(|other| other.name() == fault.value)
            })
            .collect();
        let (name, shared) = (
            format!("proof {} {}", scenario.id, fault.value),
            Arc::clone(shared),
        );
        trials.push(Trial::test(name, move || {
            let mut seen = String::new();
            for proof in &runs {
                let (run, _) = shared.runtime.block_on(run_proof(&shared.runner, proof));
                if catches(&run) {
                    return Ok(());
                }
                let _ = write!(seen, "\n  {:?} [{}] {}", run.verdict, run.cell, run.words);
            }
            Err(Failed::from(format!(
                "the fault is not caught by a check that names a requirement:{seen}"
            )))
        }));
    }
    trials
}

/// One trial per requirement: one fault at least breaks a check that names it. A scenario that catches a fault at
/// another requirement's check proves nothing of this one. Requirements with a scenario that was not selected have none.
fn requirement_trials(all: &[Arc<Scenario>], selected: &[Arc<Scenario>], shared: &Arc<Shared>) -> Vec<Trial> {
    let mut checked: BTreeMap<&str, Vec<&Arc<Scenario>>> = BTreeMap::new();
    for scenario in all {
        for requirement in requirements_of(scenario) {
            checked.entry(requirement).or_default().push(scenario);
        }
    }
    let is_selected = |scenario: &Arc<Scenario>| selected.iter().any(|one| one.id == scenario.id);
    checked.retain(|_, scenarios| scenarios.iter().all(|scenario| is_selected(scenario)));
    let trial = |(requirement, scenarios): (&str, Vec<&Arc<Scenario>>)| {
        let proofs: Vec<ProofCase> = scenarios
            .into_iter()
            .flat_map(proof_cases)
            .filter(|proof| proof.opponent.fault().is_some())
            .collect();
        let (requirement, shared) = (requirement.to_owned(), Arc::clone(shared));
        Trial::test(format!("requirement {requirement}"), move || {
            for proof in &proofs {
                let (run, _) = shared.runtime.block_on(run_proof(&shared.runner, proof));
                if catches(&run) && run.broken.contains(&requirement) {
                    return Ok(());
                }
            }
            Err(Failed::from(
                "no fault that its scenarios detect breaks a check that names it",
            ))
        })
    };
    checked.into_iter().map(trial).collect()
}

/// One trial per value: the embedded server can be brought to have it.
fn property_trials(scenario: &Arc<Scenario>, shared: &Arc<Shared>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for (value, _) in &scenario.values {
        let (scenario, value, shared) = (Arc::clone(scenario), value.value.clone(), Arc::clone(shared));
        trials.push(Trial::test(
            format!("property {} {value}", scenario.id),
            move || {
                let proof = prove_value(&shared.runner, &scenario, &value);
                match shared.runtime.block_on(proof).problem {
                    None => Ok(()),
                    Some(problem) => Err(Failed::from(format!("the value does not come about: {problem}"))),
                }
            },
        ));
    }
    trials
}

fn target_trials(
    profile: &Profile,
    scenarios: &[Arc<Scenario>],
    shared: &Arc<Shared>,
    wanted: &Wanted,
) -> Result<Vec<Trial>, String> {
    let (must, is_left_out) = (wanted.requires(profile), wanted.leaves_out(profile));
    let baseline = Arc::new(baseline(profile)?);
    let mut trials = Vec::new();
    for scenario in scenarios.iter().filter(|scenario| !scenario.slow) {
        for cell in expand(scenario) {
            let case = case(scenario, &profile.name, cell);
            let (shared, profile, baseline) = (Arc::clone(shared), profile.clone(), Arc::clone(&baseline));
            trials.push(Trial::ignorable_test(case.id.to_string(), move || {
                if is_left_out {
                    return Ok(Completion::ignored_with("left out by FTPSPEC_ONLY_TARGETS"));
                }
                // Asked by the trial and not by the list: cargo-nextest makes the list once per trial.
                if let Some(reason) = shared.runtime.block_on(shared.missing(&profile)) {
                    return if must {
                        Err(Failed::from(format!(
                            "{} is required and not installed: {reason}",
                            profile.name
                        )))
                    } else {
                        Ok(Completion::ignored_with(format!("not installed: {reason}")))
                    };
                }
                let ran = shared
                    .runtime
                    .block_on(shared.run(&profile, &case))
                    .map_err(Failed::from)?;
                conclude(&case, &ran, (&profile, &baseline), &shared)
            }));
        }
    }
    Ok(trials)
}

/// What the committed baseline knows of a bundled target; nothing of any other.
fn baseline(profile: &Profile) -> Result<TargetBaseline, String> {
    let bundled = profile.folder.is_none();
    let Some(text) = target::embedded_baseline(&profile.software).filter(|_| bundled) else {
        return Ok(TargetBaseline::default());
    };
    let mut all =
        Baseline::parse(text).map_err(|error| format!("the baseline of {}: {error}", profile.software))?;
    Ok(all.targets.remove(&profile.name).unwrap_or_default())
}

/// Fails on what is not known; a case that does not apply is ignored with its reason.
fn conclude(
    case: &Case,
    ran: &Ran,
    (profile, baseline): (&Profile, &TargetBaseline),
    shared: &Shared,
) -> Result<Completion, Failed> {
    match ran.judgement.verdict {
        Verdict::Pass | Verdict::Info | Verdict::Warn => Ok(Completion::Completed),
        Verdict::NotApplicable => Ok(Completion::ignored_with(
            ran.judgement.reason.clone().unwrap_or_default(),
        )),
        Verdict::Fail if crate::runner::is_known(case, &ran.judgement, &profile.known_deviations) => {
            Ok(Completion::Completed)
        }
        Verdict::Fail | Verdict::Inconclusive
            if baseline.accepts(&case.id.scenario, &case.id.cell.to_string(), &ran.judgement) =>
        {
            Ok(Completion::Completed)
        }
        Verdict::Fail | Verdict::Inconclusive | Verdict::Error => Err(failed(case, ran, shared)),
    }
}

fn case(scenario: &Arc<Scenario>, target: &str, cell: Cell) -> Case {
    let id = CaseId {
        scenario: scenario.id.clone(),
        target: target.to_owned(),
        cell,
    };
    Case {
        id,
        scenario: Arc::clone(scenario),
    }
}

fn failed(case: &Case, ran: &Ran, shared: &Shared) -> Failed {
    let view = CaseView {
        id: &case.id,
        scenario: &case.scenario,
        judgement: &ran.judgement,
        events: &ran.events,
        version: None,
        is_external: false,
        folder: None,
        capture: None,
        catalogue: &shared.catalogue,
    };
    let text = render_case(&view, Grade::Info, false);
    let verdict = ran.judgement.verdict;
    Failed::from(if text.is_empty() {
        format!("{verdict:?} {:?}", ran.judgement.reason)
    } else {
        text
    })
}

/// The time and the process, as an id.
fn fresh_id(clock: &dyn Clock) -> RunId {
    let milliseconds = u64::try_from(clock.wall().as_millis()).unwrap_or(0);
    RunId::from_number(
        milliseconds
            .wrapping_mul(0x8000)
            .wrapping_add(u64::from(std::process::id()) & 0x7fff),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_named_by_themselves_or_by_their_software() {
        let profiles = target::embedded_profiles().unwrap();
        let named = |wanted: &Wanted| -> Vec<String> {
            let run = profiles.iter().filter(|profile| !wanted.leaves_out(profile));
            run.map(|profile| profile.name.clone()).collect()
        };
        let only = |list: &str| Wanted {
            only: Some(list.to_owned()),
            ..Wanted::default()
        };
        assert_eq!(named(&Wanted::default()).len(), profiles.len());
        assert_eq!(named(&only("all")).len(), profiles.len());
        assert_eq!(
            named(&only("pyftpdlib-required, aioftp")),
            ["aioftp", "pyftpdlib-required"]
        );
        assert!(
            named(&only("vsftpd"))
                .iter()
                .any(|name| name == "vsftpd-no-reuse")
        );
        assert_eq!(named(&only("")), [""; 0]);
        let required = Wanted {
            required: "vsftpd".to_owned(),
            only: None,
        };
        let vsftpd = profiles.iter().filter(|profile| required.requires(profile));
        assert!(vsftpd.count() > 1);
        assert!(!Wanted::default().requires(profiles.first().unwrap()));
    }
}
