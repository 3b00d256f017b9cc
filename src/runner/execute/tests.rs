//! Cases from YAML against the embedded server, with the judge beside them.

use std::sync::Arc;

use tokio::time::Instant;

use super::*;
use crate::base::{Masker, Secret, SystemClock, Timeline};
use crate::client::{Credentials, Timeouts};
use crate::judge::{self, Judgement, Verdict};
use crate::mock::{Account, Fault, Options, Server};
use crate::plan::{CaseId, expand};
use crate::requirement::Catalogue;
use crate::scenario::{Known, Scenario, load};
use crate::tls::certificate::{Authority, make, recipe};

/// Runs scenarios against one embedded server.
struct Bench {
    server: Server,
    catalogue: Catalogue,
    authority: Authority,
}

/// What a case left behind.
struct Ran {
    judgement: Judgement,
    events: Vec<Event>,
}

impl Bench {
    async fn new() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let authority = Authority::new().unwrap();
        let mut options = Options::new(make(recipe("valid").unwrap(), &authority).unwrap());
        options.accounts = vec![Account::new("ada", "hunter2"), Account::new("bob", "sesame7")];
        change(&mut options);
        let server = Server::start(options).await.unwrap();
        let catalogue = Catalogue::embedded().unwrap();
        Self {
            server,
            catalogue,
            authority,
        }
    }

    fn scenario(&self, text: &str) -> Arc<Scenario> {
        let faults: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        let known = Known {
            catalogue: &self.catalogue,
            faults: &faults,
            habits: &[],
            certificates: &[],
        };
        let text = format!(
            "title: A test\nwhy: Because\nseverity: low\ndetects: [accepts-prot-without-pbsz]\n\
             requires: [upload]\n{text}"
        );
        let (scenarios, errors) = load(vec![("scenarios/test/case.yaml".into(), text)], &known);
        let errors: Vec<_> = errors.iter().map(|error| (&error.kind, &error.help)).collect();
        assert!(errors.is_empty(), "{errors:?}");
        Arc::new(scenarios.into_iter().next().unwrap())
    }

    fn context(&self, deadline: Option<Duration>) -> CaseContext {
        let mut settings = Settings::new(self.server.address());
        settings.server_name = "localhost".into();
        settings.timeouts = Timeouts::default().at_most(Duration::from_secs(5));
        settings.trust = crate::tls::ClientTrust::Authorities {
            pem: self.authority.pem().into(),
            enforce: true,
        };
        settings.accounts = [("ada", "hunter2"), ("bob", "sesame7")]
            .into_iter()
            .map(|(user, password)| Credentials {
                user: user.into(),
                password: Secret::new(password),
                account: None,
            })
            .collect();
        let variables = [("run.id", "r1"), ("user", "ada"), ("password", "hunter2")];
        let variables = variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let masker = Masker::new([Secret::new("hunter2"), Secret::new("sesame7")]);
        let recorder = Recorder::new(Timeline::start(Arc::new(SystemClock::new())), masker);
        CaseContext {
            settings,
            variables,
            recorder,
            hurry: 1,
            deadline,
            longest_wait: None,
            stop: CancellationToken::new(),
        }
    }

    /// Runs every cell of the scenario.
    async fn run(&self, text: &str) -> Vec<Ran> {
        self.run_within(text, None).await
    }

    async fn run_within(&self, text: &str, deadline: Option<Duration>) -> Vec<Ran> {
        let scenario = self.scenario(text);
        let requirements = self.catalogue.grades();
        let mut ran = Vec::new();
        for cell in expand(&scenario) {
            let id = CaseId {
                scenario: scenario.id.clone(),
                target: "embedded".into(),
                cell,
            };
            let case = Case {
                id,
                scenario: Arc::clone(&scenario),
            };
            let go_on = |events: &[Event], step| judge::judge_step(&case, &requirements, events, step).next;
            let Executed { events, stopped } = execute(&case, self.context(deadline), &go_on).await;
            assert!(!stopped);
            let judgement = judge::judge_case(&case, &requirements, &events);
            ran.push(Ran { judgement, events });
        }
        ran
    }

    /// Runs every cell and wants a pass of each.
    async fn pass(&self, text: &str) -> Vec<Ran> {
        let ran = self.run(text).await;
        for one in &ran {
            assert_eq!(
                one.judgement.verdict,
                Verdict::Pass,
                "{:#?}\n{:#?}",
                one.judgement,
                one.events
            );
        }
        ran
    }
}

impl Ran {
    fn captured(&self, wanted: &str) -> Option<&str> {
        self.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::Captured { name, value } if name == wanted => Some(value.as_str()),
            _ => None,
        })
    }

    fn lines(&self) -> Vec<&str> {
        let lines = self.events.iter().filter_map(|event| match &event.kind {
            EventKind::CommandSent { line, .. } => Some(line.as_str()),
            _ => None,
        });
        lines.collect()
    }
}

#[tokio::test]
async fn files_go_up_and_down_over_every_path_and_version() {
    let bench = Bench::new().await;
    let ran = bench
        .pass(
            "
matrix:
  tls: [tls1.2, tls1.3]
  data: [passive, extended-passive, active, extended-active]
setup:
  - reach: data-protected
  - provide-file: { path: hello-$(run.id).bin, bytes: 100000, as: file }
steps:
  - open-data: $(data)
  - send: RETR $(file.path)
    expect: { reply: [125, 150] }
  - start-tls: { channel: data, resume: control }
    expect: { tls: { handshake: resumed } }
  - read-data: until-close
    expect: { data: { sha256: $(file.sha256), bytes: 100000, protected: true }, closed: close-notify }
  - expect: { reply: 226, requirement: rfc959.s4.2.every-command-replied }
  - expect: { order: [connected, preliminary-reply, handshake, data, close-notify, completion-reply] }
  - store: { path: empty.bin, bytes: 0 }
    expect: { reply: 226 }
  - retrieve: { path: empty.bin }
    expect: [{ reply: 226 }, { data: { bytes: 0 } }]
  - list: { command: NLST }
    expect: [{ reply: 226 }, { data: { text: empty.bin } }]
",
        )
        .await;
    assert_eq!(ran.len(), 8);
}

#[tokio::test]
async fn files_go_up_and_down_over_ipv6() {
    let bench = Bench::with(|options| options.address = "[::1]:0".parse().unwrap()).await;
    bench
        .pass(
            "
matrix:
  data: [extended-passive, extended-active]
setup:
  - reach: data-protected
steps:
  - store: { path: six.bin, bytes: 1000 }
    expect: { reply: 226, requirement: rfc959.s4.2.every-command-replied }
  - retrieve: { path: six.bin }
    expect: [{ reply: 226 }, { data: { bytes: 1000 } }]
",
        )
        .await;
}

#[tokio::test]
async fn variables_are_in_the_trace_and_passwords_are_not() {
    let bench = Bench::new().await;
    let ran = bench
        .pass(
            "
matrix:
  level: [P]
vars:
  path: a-$(run.id)-$(level)
steps:
  - reach: protected
  - send: USER $(user)
    expect: { reply: 331 }
  - send: PASS $(password)
    expect: { reply: 230 }
  - send: PWD
    expect: { reply: 257, requirement: rfc959.s4.2.every-command-replied }
    capture: { here: reply.quoted, code: reply.code }
  - send: PBSZ 0
    expect: { reply: 200 }
  - send: PROT $(level)
    expect: { reply: 200 }
  - store: { path: $(path), text: abc }
    expect: { reply: 226 }
  - retrieve: { path: $(path) }
    expect: [{ reply: 226 }, { data: { bytes: 3 } }]
    capture: { sum: data.sha256, size: data.bytes }
",
        )
        .await;
    let one = &ran[0];
    assert_eq!(one.captured("path"), Some("a-r1-P"));
    assert_eq!(one.captured("here"), Some("/"));
    assert_eq!(one.captured("code"), Some("257"));
    assert_eq!(one.captured("size"), Some("3"));
    assert_eq!(one.captured("password"), None);
    assert!(!format!("{:?}", one.events).contains("hunter2"));
}

#[tokio::test]
async fn a_step_sees_the_reply_that_its_action_took() {
    let bench = Bench::new().await;
    let ran = bench
        .pass(
            "
setup:
  - reach: data-protected
steps:
  - open-data: { path: extended-passive, only-command: true }
    expect: { reply: 229, requirement: rfc959.s4.2.every-command-replied }
    capture: { where: reply.endpoint }
  - connect-data: { to: $(where) }
    expect: { action: done }
  - send: LIST
    expect: { reply: [125, 150] }
  - start-tls: { channel: data, resume: control }
  - read-data: until-close
  - expect: { reply: 226 }
  - send: EPSV ALL
    expect: { reply: 200 }
  - open-data: passive
    expect: { reply: [4yz, 5yz] }
",
        )
        .await;
    assert!(ran[0].captured("where").unwrap().starts_with("127.0.0.1:"));
}

#[tokio::test]
async fn looking_at_a_file_leaves_the_session_alone() {
    let bench = Bench::new().await;
    let ran = bench
        .pass(
            "
setup:
  - reach: data-protected
  - store: { path: seen.txt, text: abc }
    expect: { reply: 226 }
steps:
  - send: RNFR seen.txt
    expect: { reply: 350, requirement: rfc959.s4.2.every-command-replied }
  - expect: { file: { path: seen.txt, exists: true, bytes: 3 } }
  - expect: { file: { path: no.txt, exists: false } }
  - send: RNTO moved.txt
    expect: { reply: 250 }
  - expect: { file: { path: seen.txt, exists: false } }
",
        )
        .await;
    let looks = ran[0]
        .lines()
        .iter()
        .filter(|line| line.starts_with("RETR"))
        .count();
    assert_eq!(looks, 3);
    let logins = ran[0]
        .lines()
        .iter()
        .filter(|line| line.starts_with("USER"))
        .count();
    assert_eq!(logins, 2, "one examiner for the whole case: {:?}", ran[0].lines());
}

#[tokio::test]
async fn sessions_are_apart_and_can_offer_each_others_tls_sessions() {
    let bench = Bench::new().await;
    bench
        .pass(
            "
matrix:
  tls: [tls1.2, tls1.3]
setup:
  - reach: data-protected
  - send: NOOP
    expect: { reply: 200 }
steps:
  - session: second
    connect: {}
    expect: { reply: 220 }
  - session: second
    send: AUTH TLS
    expect: { reply: 234 }
  - session: second
    start-tls: { channel: control, resume: { session: main } }
    expect: { tls: { handshake: resumed } }
  - session: second
    send: PWD
    expect: { reply: 530, requirement: rfc959.s4.2.every-command-replied }
  - send: PWD
    expect: { reply: 257 }
",
        )
        .await;
}

#[tokio::test]
async fn tickets_are_waited_for_and_closing_is_seen() {
    let bench = Bench::new().await;
    bench
        .pass(
            "
matrix:
  tls: [tls1.3]
setup:
  - reach: connected
  - send: AUTH TLS
    expect: { reply: 234 }
steps:
  - start-tls: { channel: control }
    expect: { tls: { handshake: full, tickets: 1 } }
  - expect: { silence: control, within: 100ms }
  - send: QUIT
    expect: [{ reply: 221, requirement: rfc959.s4.2.every-command-replied }, { closed: close-notify, channel: control }]
",
        )
        .await;
}

#[tokio::test]
async fn clean_up_runs_on_a_new_connection_after_a_failure() {
    let bench = Bench::new().await;
    let ran = bench
        .run(
            "
setup:
  - reach: data-protected
  - store: { path: left.txt, text: abc }
    expect: { reply: 226 }
steps:
  - send: NOOP
    expect: { reply: 500 }
  - send: STAT
    expect: { reply: 211, requirement: rfc959.s4.2.every-command-replied }
cleanup:
  - close-control: { tls: silent, tcp: reset }
  - send: DELE left.txt
",
        )
        .await;
    let one = &ran[0];
    assert_eq!(one.judgement.verdict, Verdict::Inconclusive);
    assert!(
        !one.lines().contains(&"STAT"),
        "stopped behind the broken precondition"
    );
    assert_eq!(one.lines().last(), Some(&"DELE left.txt"));
    assert!(
        bench.server.store().get("ada", "left.txt").is_none(),
        "the clean-up was done"
    );
}

#[tokio::test]
async fn a_case_that_takes_too_long_says_nothing_about_the_target() {
    let bench = Bench::new().await;
    let ran = bench
        .run_within(
            "
setup:
  - reach: data-protected
steps:
  - wait: 60s
  - send: NOOP
    expect: { reply: 200, requirement: rfc959.s4.2.every-command-replied }
cleanup:
  - send: PWD
",
            Some(Duration::from_secs(1)),
        )
        .await;
    let one = &ran[0];
    assert_eq!(
        one.judgement.verdict,
        Verdict::Inconclusive,
        "{:?}",
        one.judgement
    );
    let reason = one.judgement.reason.as_deref();
    assert_eq!(
        reason,
        Some("the case did not end within 1s; 2 steps were not judged")
    );
    assert_eq!(one.lines().last(), Some(&"PWD"));
    let count =
        |wanted: fn(&EventKind) -> bool| one.events.iter().filter(|event| wanted(&event.kind)).count();
    let started = count(|kind| matches!(kind, EventKind::StepStarted { .. }));
    let finished = count(|kind| matches!(kind, EventKind::StepFinished { .. }));
    assert_eq!(started, finished + 1, "the step that was broken off has no end");
}

#[tokio::test]
async fn a_case_that_is_stopped_tidies_up() {
    let bench = Bench::new().await;
    let scenario = bench.scenario(
        "
setup:
  - reach: data-protected
  - provide-file: { path: left.bin, bytes: 100, as: file }
  # A transfer is under way when the run is stopped.
  - open-data: extended-passive
  - send: RETR left.bin
  - wait: 60s
steps:
  - send: NOOP
    expect: { reply: 200, requirement: rfc959.s4.2.every-command-replied }
cleanup:
  - send: DELE left.bin
",
    );
    let id = CaseId {
        scenario: scenario.id.clone(),
        target: "embedded".into(),
        cell: crate::plan::Cell::default(),
    };
    let case = Case { id, scenario };
    let context = bench.context(None);
    let (stop, recorder) = (context.stop.clone(), context.recorder.clone());
    let go_on = |_: &[Event], _| Next::GoOn;
    let begun = Instant::now();
    let stopping = async {
        let is_waiting = |event: &Event| matches!(event.kind, EventKind::StepStarted { step } if step.phase == Phase::Setup && step.index == 4);
        while !recorder.events().iter().any(is_waiting) {
            tokio::task::yield_now().await;
        }
        assert!(bench.server.store().get("ada", "left.bin").is_some());
        stop.cancel();
    };
    let (executed, ()) = tokio::join!(execute(&case, context, &go_on), stopping);
    assert!(executed.stopped);
    assert!(
        bench.server.store().get("ada", "left.bin").is_none(),
        "the clean-up was done"
    );
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn within_shortens_the_wait_of_the_action_itself() {
    let bench = Bench::new().await;
    // The strict server looks at a data connection only behind a command.
    let ran = bench
        .pass(
            "
setup:
  - reach: data-protected
  - open-data: extended-passive
steps:
  - start-tls: { channel: data, resume: never }
    expect: { tls: { handshake: nothing }, within: 300ms, requirement: rfc4217.s9.prot-p-accepted }
  - send: NOOP
    expect: { reply: 200 }
",
        )
        .await;
    let waited = ran[0].events.iter().find_map(|event| match &event.kind {
        EventKind::ActionFailed(ActionProblem::TimedOut { waited, seconds }) => Some((*waited, *seconds)),
        _ => None,
    });
    assert_eq!(waited, Some((Waited::Handshake, 0.3)));
}

#[tokio::test]
async fn a_reply_from_before_is_no_answer_to_a_command_that_could_not_be_sent() {
    let bench = Bench::with(|options| options.idle_timeout = Duration::from_millis(300)).await;
    let ran = bench
        .pass(
            "
setup:
  - reach: connected
steps:
  - wait: 1s
  - send: NOOP
    expect: { reply: [200, closed], requirement: rfc959.s4.2.every-command-replied }
",
        )
        .await;
    let said_421 =
        |event: &Event| matches!(&event.kind, EventKind::ReplyReceived { code, .. } if code.value() == 421);
    assert!(ran[0].events.iter().any(said_421));
}

#[tokio::test]
async fn a_fault_is_seen_where_it_happens() {
    let bench = Bench::with(|options| {
        options.faults.insert(Fault::OmitsCloseNotifyOnRetr);
    })
    .await;
    let ran = bench
        .run(
            "
setup:
  - reach: data-protected
  - provide-file: { path: cut.bin, bytes: 1000, as: file }
steps:
  - retrieve: { path: $(file.path) }
    expect: { closed: close-notify, requirement: rfc8446.s6.1.retr-close-notify-tls13 }
",
        )
        .await;
    let findings = &ran[0].judgement.findings;
    assert_eq!(findings.len(), 1, "{:?}", ran[0].judgement);
    assert_eq!(
        findings[0].step,
        StepIndex {
            phase: Phase::Steps,
            index: 0
        }
    );
    assert!(
        findings[0].observed.contains("FIN, no close_notify"),
        "{}",
        findings[0].observed
    );
}

/// A reply that was passed over is not the answer when the target closes the connection instead of sending one.
#[tokio::test]
async fn a_150_that_was_passed_over_is_not_the_final_reply() {
    let bench = Bench::with(|options| {
        options.faults.insert(Fault::EndsSessionOnDataHandshakeFailure);
    })
    .await;
    let steps = |expected: &str| {
        format!(
            "
setup:
  - reach: data-protected
steps:
  - open-data: extended-passive
  - send: LIST
  - close-data: {{ tls: silent, tcp: fin }}
  - expect: {{ reply: {expected}, requirement: rfc4217.s10.2.data-handshake-failure-522 }}
  - expect: {{ reply: [5yz, closed], requirement: rfc4217.s10.2.data-handshake-failure-522 }}
"
        )
    };
    bench.pass(&steps("[4yz, 5yz]")).await;
    let ran = bench.run(&steps("250")).await;
    assert_eq!(ran[0].judgement.verdict, Verdict::Fail);
    let finding = &ran[0].judgement.findings[0];
    assert!(finding.observed.starts_with("522"), "{}", finding.observed);
}
