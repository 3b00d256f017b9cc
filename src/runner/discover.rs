//! What a target can do, found out by the scenarios under `discover/`, each with its evidence.
//!
//! A declaration wins over a discovery; a contradiction is reported. Does not judge requirements.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::case_runner::{CaseRunner, Ran};
use crate::judge::Verdict;
use crate::plan::{Case, CaseId, Cell, TargetFacts};
use crate::requirement::Capability;
use crate::scenario::Scenario;
use crate::target::{Running, TlsMode, TrustChoice};
use crate::trace::{ActionProblem, Event, EventKind};

/// The capabilities of a target.
#[derive(Clone, Debug, Default)]
pub struct Discovered {
    /// What the plan works with.
    pub facts: TargetFacts,
    /// For the report: word to how it is known.
    pub evidence: BTreeMap<String, String>,
    /// Declared one way, seen the other; one sentence each.
    pub contradictions: Vec<String>,
    /// Set when not one question was answered well: then what looks absent was never asked. The reason of one of them.
    pub unanswered: Option<String>,
    /// What could not be asked, because the login was refused: how it was.
    pub unasked: BTreeMap<Capability, String>,
}

impl Discovered {
    /// Only what the profile declares.
    #[must_use]
    pub fn declared(running: &Running) -> Self {
        let declares = &running.profile.declares;
        let evidence = declares
            .iter()
            .map(|(capability, has)| (capability.name().to_owned(), declared_words(*has).to_owned()))
            .collect();
        let mut discovered = Self {
            facts: TargetFacts::declared(declares),
            evidence,
            contradictions: Vec::new(),
            unanswered: None,
            unasked: BTreeMap::new(),
        };
        for (capability, has, words) in given(running) {
            if declares.contains_key(&capability) {
                continue;
            }
            let given = if has { "given" } else { "given absent" };
            discovered
                .evidence
                .insert(capability.name().to_owned(), format!("{given}: {words}"));
            discovered.facts.set(capability, has, words);
        }
        discovered
    }
}

/// What needs no question: it follows from where the target is and how it is reached.
fn given(running: &Running) -> Vec<(Capability, bool, &'static str)> {
    let address = running.address.ip();
    let is_implicit = running.profile.tls == TlsMode::Implicit;
    let (tls, ip) = (
        if is_implicit {
            "implicit TLS"
        } else {
            "explicit TLS"
        },
        if address.is_ipv6() {
            "reached over IPv6"
        } else {
            "reached over IPv4"
        },
    );
    let mut given = vec![
        (Capability::ImplicitTls, is_implicit, tls),
        (Capability::Ipv6, address.is_ipv6(), ip),
    ];
    // Where the authority is told, a chain that does not lead to it is a finding; where it is not, nothing can be said.
    let trust = match &running.profile.trust {
        TrustChoice::HarnessAuthority => Some((true, "the harness made the certificate")),
        TrustChoice::File(_) => Some((true, "the authorities are named")),
        TrustChoice::Insecure => Some((false, "the certificate is not looked at (--insecure)")),
        TrustChoice::System => None,
    };
    given.extend(trust.map(|(has, words)| (Capability::KnownAuthority, has, words)));
    if running.other_source.is_some() {
        given.push((
            Capability::SecondAddress,
            true,
            "this machine has a second address that reaches it",
        ));
    }
    given
}

fn declared_words(has: bool) -> &'static str {
    if has { "declared" } else { "declared absent" }
}

/// Runs the discover scenarios against `running`, at most `limit` at a time, each with a permit of `jobs`. When `stop` is
/// cancelled, those under way tidy up, the rest is left out, and only what the profile declares is known.
pub async fn discover(
    runner: &CaseRunner,
    running: &Arc<Running>,
    scenarios: &[Arc<Scenario>],
    limit: usize,
    jobs: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Discovered {
    let mut discovered = Discovered::declared(running);
    let permits = Arc::new(Semaphore::new(limit.max(1)));
    let mut tasks = JoinSet::new();
    let given: Vec<Capability> = given(running)
        .into_iter()
        .map(|(capability, ..)| capability)
        .collect();
    for scenario in scenarios {
        let Some(capability) = scenario.capability else {
            continue;
        };
        if given.contains(&capability) {
            continue;
        }
        let case = Case {
            id: CaseId {
                scenario: scenario.id.clone(),
                target: running.profile.name.clone(),
                cell: Cell::default(),
            },
            scenario: Arc::clone(scenario),
        };
        let (runner, running) = (runner.clone(), Arc::clone(running));
        let (permits, jobs, stop) = (Arc::clone(&permits), Arc::clone(jobs), stop.clone());
        tasks.spawn(async move {
            let _permit = permits.acquire_owned().await;
            let _job = jobs.acquire_owned().await;
            // Discovery asks the target itself; what is not known yet must not stand in its way.
            let ran = if stop.is_cancelled() {
                Ran::not_run(Verdict::NotApplicable, "the run was stopped".to_owned())
            } else {
                runner
                    .run_case_until(&case, &running, &TargetFacts::assume_all(), &stop)
                    .await
            };
            (capability, case.id.scenario, ran)
        });
    }
    let mut asked = Vec::new();
    while let Some(result) = tasks.join_next().await {
        asked.extend(result.ok());
    }
    let mut reasons = Vec::new();
    let mut answered = false;
    for (capability, ran) in clearest(asked) {
        match &ran.judgement.reason {
            Some(reason) if !is_good(ran.judgement.verdict) => reasons.push(reason.clone()),
            _ => {}
        }
        answered |= is_good(ran.judgement.verdict);
        add(&mut discovered, &running.profile.declares, capability, &ran);
    }
    if stop.is_cancelled() {
        return Discovered::declared(running);
    }
    discovered.contradictions.sort();
    reasons.sort();
    if !answered {
        discovered.unanswered = reasons.into_iter().next();
    }
    discovered
}

/// Several scenarios may ask for one capability, each in another way: of each capability the first that says most of it.
fn clearest(mut asked: Vec<(Capability, String, Ran)>) -> BTreeMap<Capability, Ran> {
    asked.sort_by(|(.., one, _), (.., other, _)| one.cmp(other));
    let mut clearest: BTreeMap<Capability, Ran> = BTreeMap::new();
    for (capability, _, ran) in asked {
        let is_clearer = clearest
            .get(&capability)
            .is_none_or(|known| Answer::of(&ran) > Answer::of(known));
        if is_clearer {
            clearest.insert(capability, ran);
        }
    }
    clearest
}

/// What a scenario says of its capability; what says more comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    /// Not asked (no permission to write, say), or harness trouble: nothing is known.
    Unknown,
    /// The target is without it.
    Lacks,
    /// The target has it.
    Has,
}

impl Answer {
    fn of(ran: &Ran) -> Self {
        match ran.judgement.verdict {
            Verdict::Pass | Verdict::Info | Verdict::Warn => Self::Has,
            Verdict::Fail | Verdict::Inconclusive if is_forbidden(&ran.events) => Self::Unknown,
            // Nobody declines that way: what it answered is there, and the scenarios say what is wrong with it.
            Verdict::Fail | Verdict::Inconclusive if breaks_tls(&ran.events) => Self::Has,
            Verdict::Fail | Verdict::Inconclusive => Self::Lacks,
            Verdict::NotApplicable | Verdict::Error => Self::Unknown,
        }
    }
}

/// Whether the profile kept the question from being asked.
fn is_forbidden(events: &[Event]) -> bool {
    events.iter().any(|event| {
        matches!(
            event.kind,
            EventKind::ActionFailed(ActionProblem::NotAllowed { .. })
        )
    })
}

fn is_good(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Pass | Verdict::Info | Verdict::Warn)
}

/// Adds what one scenario found.
fn add(
    discovered: &mut Discovered,
    declares: &BTreeMap<Capability, bool>,
    capability: Capability,
    ran: &Ran,
) {
    let has = match Answer::of(ran) {
        Answer::Unknown => return,
        Answer::Lacks => false,
        Answer::Has => true,
    };
    if let Some(refused) = refused_login(&ran.events).filter(|_| !has) {
        // That says nothing about what comes behind a login.
        if !declares.contains_key(&capability) {
            discovered.unasked.insert(capability, refused);
        }
        return;
    }
    let evidence = evidence(ran);
    if let Some(declared) = declares.get(&capability) {
        if *declared != has {
            let seen = if has { "present" } else { "absent" };
            discovered.contradictions.push(format!(
                "{capability} is {} and was found {seen} ({evidence})",
                declared_words(*declared)
            ));
        }
        return;
    }
    let words = if has { "discovered" } else { "discovered absent" };
    discovered
        .evidence
        .insert(capability.name().to_owned(), format!("{words}: {evidence}"));
    discovered.facts.set(capability, has, &evidence);
}

/// Whether the answer to the last question broke TLS on the control connection.
fn breaks_tls(events: &[Event]) -> bool {
    let asked = events
        .iter()
        .rposition(|event| matches!(event.kind, EventKind::CommandSent { .. }));
    events.iter().skip(asked.unwrap_or(0)).any(|event| {
        matches!(event.kind, EventKind::TlsViolated { .. })
            && event.channel.as_ref().is_some_and(|channel| !channel.is_data())
    })
}

/// How the target refused a login under TLS, when that is what ended the case.
fn refused_login(events: &[Event]) -> Option<String> {
    let (place, code, hoped) = events
        .iter()
        .enumerate()
        .find_map(|(place, event)| match &event.kind {
            EventKind::ActionFailed(ActionProblem::UnexpectedReply { code, hoped }) => {
                Some((place, code, hoped))
            }
            _ => None,
        })?;
    let commands = events.iter().take(place).rev();
    let mut commands = commands.filter_map(|event| match &event.kind {
        EventKind::CommandSent { line, protected } => Some((line, *protected)),
        _ => None,
    });
    let (line, protected) = commands.next()?;
    let is_login = ["USER ", "PASS "].iter().any(|verb| line.starts_with(verb));
    (is_login && protected).then(|| format!("the login was refused: {code} where {hoped} was hoped for"))
}

/// What a report shows as the evidence of a discovery: the finding when there is one, and else the last exchange.
fn evidence(ran: &Ran) -> String {
    if let Some(finding) = ran.judgement.findings.first() {
        return format!("expected {}, got {}", finding.expected, finding.observed);
    }
    last_exchange(&ran.events)
        .or_else(|| ran.judgement.reason.clone())
        .unwrap_or_else(|| "no exchange".into())
}

fn last_exchange(events: &[Event]) -> Option<String> {
    let command = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::CommandSent { line, .. } => Some(line.clone()),
        _ => None,
    })?;
    let reply = events.iter().rev().find_map(|event| match &event.kind {
        EventKind::ReplyReceived { code, lines, .. } => {
            Some(format!("{code} {}", lines.first().map_or("", String::as_str)))
        }
        _ => None,
    })?;
    Some(format!("{command} was answered {}", reply.trim_end()))
}
