//! Every rule of `scenarios/advice/` fires on a server that has the problem and is silent on one that has not.
//!
//! Servers are embedded ones; each rule names its own in `fires-on` and `silent-on`. What `ftpspec diagnose` prints, and its
//! exit codes, are tested here too.

#![expect(clippy::unwrap_used, reason = "a test file: a panic is the report")]

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use ftpspec::advice::{
    AdviceKnown, ClientPolicy, DiagnosedCase, Diagnosis, Given, Proof, Rule, Rules, Way, Weight, diagnose,
    embedded_files, load,
};
use ftpspec::base::{Clock, RunId, Secret, SystemClock};
use ftpspec::mock::Fault;
use ftpspec::runner::{CaseRunner, Corpus, run_for_diagnosis};
use ftpspec::scenario::Scenario;
use ftpspec::target::{EmbeddedPolicy, Provisioner, TlsMode};
use tokio_util::sync::CancellationToken;

struct Stage {
    corpus: Corpus,
    rules: Rules,
    runner: CaseRunner,
}

fn stage(folder: &Path) -> Stage {
    let corpus = Corpus::load(&[]).unwrap();
    let scenarios = corpus.scenarios.iter().chain(&corpus.diagnose);
    let scenarios: Vec<&str> = scenarios.map(|scenario| scenario.id.as_str()).collect();
    let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
    let requirements: Vec<&str> = corpus.catalogue.iter().map(|entry| entry.id.as_str()).collect();
    let known = AdviceKnown {
        scenarios: &scenarios,
        faults: &faults,
        requirements: &requirements,
    };
    let (rules, problems) = load(&embedded_files(), &known);
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let provisioner = Provisioner::new(folder.to_owned()).unwrap();
    let runner = CaseRunner::new(&corpus.catalogue, provisioner, clock, RunId::from_number(1));
    Stage {
        corpus,
        rules,
        runner,
    }
}

impl Stage {
    /// What is said about the embedded server of `proof`, looking at `scenarios` only.
    async fn diagnose(&self, proof: &Proof, scenarios: &[&str]) -> Diagnosis {
        let mut policy = EmbeddedPolicy::for_capabilities(&proof.requires.iter().copied().collect());
        for fault in &proof.faults {
            policy = policy.with_fault(fault.parse().unwrap());
        }
        if proof.masquerade {
            policy = policy.behind_translation();
        }
        let mut running = self.runner.provide_embedded(&policy).await.unwrap();
        let way = proof.way.unwrap_or(match running.profile.tls {
            TlsMode::Explicit => Way::Explicit,
            TlsMode::Implicit => Way::Implicit,
        });
        running.profile.tls = match way {
            Way::Explicit => TlsMode::Explicit,
            Way::Implicit => TlsMode::Implicit,
        };
        if proof.wrong_login {
            running.accounts[0].password = Secret::new("not the password");
        }
        let all = self.corpus.diagnose.iter().chain(&self.corpus.scenarios);
        let chosen: Vec<Arc<Scenario>> = all
            .filter(|scenario| scenarios.contains(&scenario.id.as_str()))
            .cloned()
            .collect();
        let cancel = CancellationToken::new();
        let ran = run_for_diagnosis(&self.runner, &Arc::new(running), &chosen, 8, &cancel).await;
        let cases: Vec<DiagnosedCase> = ran
            .into_iter()
            .map(|(case, ran)| DiagnosedCase {
                case,
                judgement: ran.judgement,
                events: ran.events.into(),
            })
            .collect();
        let given = Given {
            policies: proof.policy.into_iter().collect(),
            way,
        };
        diagnose(&self.rules, &cases, &given)
    }

    /// What is wrong with the proofs of `rule`, when something is.
    async fn disproof(&self, rule: &Rule) -> Option<String> {
        let scenarios: Vec<&str> = rule.scenarios().collect();
        let ill = self.diagnose(&rule.fires_on, &scenarios).await;
        let well = self.diagnose(&rule.silent_on, &scenarios).await;
        match (says(&ill, rule), says(&well, rule)) {
            (true, false) => None,
            (false, _) => Some(format!("{} does not fire: {ill:#?}", rule.id)),
            (_, true) => Some(format!("{} is not silent: {well:#?}", rule.id)),
        }
    }
}

fn says(diagnosis: &Diagnosis, rule: &Rule) -> bool {
    diagnosis.advice.iter().any(|advice| advice.rule == rule.id)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_rule_fires_where_it_should_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Arc::new(stage(folder.path()));
    let mut tasks = tokio::task::JoinSet::new();
    for rule in stage.rules.rules.clone() {
        let stage = Arc::clone(&stage);
        tasks.spawn(async move { stage.disproof(&rule).await });
    }
    let disproofs: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert!(disproofs.is_empty(), "{}", disproofs.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_server_has_no_problem() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    let reuse = Proof {
        requires: vec![ftpspec::requirement::Capability::SessionReuseRequired],
        ..Proof::default()
    };
    let no_reuse = Proof {
        policy: Some(ClientPolicy::NoReuse),
        ..Proof::default()
    };
    for proof in [Proof::default(), reuse, no_reuse] {
        let diagnosis = stage.diagnose(&proof, &stage.rules.scenarios()).await;
        let is_problem = diagnosis
            .advice
            .iter()
            .any(|advice| advice.weight == Weight::Problem);
        assert!(
            !is_problem && diagnosis.unexplained.is_empty(),
            "{proof:?}: {diagnosis:#?}"
        );
        assert!(
            diagnosis.good > 20 && diagnosis.unreached.is_empty(),
            "{diagnosis:#?}"
        );
        assert_eq!(diagnosis.server.unwrap().key, "ftpspec");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_reached_says_what_was_seen_in_the_way() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    let proof = Proof {
        faults: vec!["answers-auth-with-234-without-tls".to_owned()],
        requires: vec![ftpspec::requirement::Capability::NoTls],
        ..Proof::default()
    };
    let diagnosis = stage.diagnose(&proof, &stage.rules.scenarios()).await;
    let reasons: BTreeSet<&str> = diagnosis
        .unreached
        .iter()
        .map(|(_, reason)| reason.as_str())
        .filter(|reason| reason.starts_with("TLS did not start"))
        .collect();
    assert_eq!(reasons.len(), 1, "{reasons:?}");
    let reason = reasons.first().unwrap();
    assert!(
        reason.starts_with("TLS did not start: expected a full handshake, got "),
        "{reason}"
    );
}

#[test]
fn every_rule_says_who_acts_and_every_problem_what_to_set() {
    let folder = tempfile::tempdir().unwrap();
    let stage = stage(folder.path());
    assert!(stage.rules.rules.len() >= 20);
    for rule in &stage.rules.rules {
        assert!(!rule.who.is_empty(), "{}", rule.id);
        let has_setting = !rule.server.is_empty() || !rule.client.is_empty();
        let is_hopeless = rule.safe.starts_with("There is nothing");
        assert!(has_setting || is_hopeless, "{} names no setting", rule.id);
    }
    let used: BTreeSet<&str> = stage.rules.rules.iter().flat_map(Rule::scenarios).collect();
    for scenario in &stage.corpus.diagnose {
        assert!(
            used.contains(scenario.id.as_str()),
            "no rule looks at {}",
            scenario.id
        );
    }
}
