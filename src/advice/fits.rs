//! Whether a rule fits what was observed, and on what evidence.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::model::{
    Advice, ClientPolicy, Condition, EventPattern, EventWord, Outcome, Rule, Rules, Setting, Way, Weight,
};
use crate::diagnostic::render_event;
use crate::judge::{Judgement, Verdict};
use crate::plan::Case;
use crate::trace::{Event, EventKind, HandshakeKind, Phase};
use crate::wire::endpoint::parse_227;

/// How many lines of a trace stand in an evidence.
const LINES: usize = 6;

/// A case that was run for a diagnosis.
#[derive(Clone, Debug)]
pub struct DiagnosedCase {
    /// The case.
    pub case: Case,
    /// The judge's word.
    pub judgement: Judgement,
    /// Its trace.
    pub events: Arc<[Event]>,
}

/// The client in question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// What it does or leaves out.
    pub policies: Vec<ClientPolicy>,
    /// How it starts TLS.
    pub way: Way,
}

/// A server that was recognised, and by what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SoftwareFound {
    /// Its key.
    pub key: String,
    /// Its name.
    pub title: String,
    /// The reply that gave it away, escaped.
    pub by: String,
}

/// A part of what was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// The case.
    pub case: String,
    /// What it tried, as its title says.
    pub tried: String,
    /// In one sentence.
    pub seen: String,
    /// Lines of the trace.
    pub trace: Vec<String>,
}

impl Evidence {
    /// Whether everything in `other` stands here too.
    fn shows(&self, other: &Self) -> bool {
        let has_lines = other.trace.iter().all(|line| self.trace.contains(line));
        self.case == other.case && has_lines && (self.seen == other.seen || !other.trace.is_empty())
    }
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Diagnosis {
    /// The server, when it was recognised.
    pub server: Option<SoftwareFound>,
    /// What is said, problems first.
    pub advice: Vec<Advice>,
    /// How many cases were good.
    pub good: usize,
    /// Cases that were broken and that no advice speaks of: case and what was seen.
    pub unexplained: Vec<Evidence>,
    /// Cases whose steps were not reached: case and reason.
    pub unreached: Vec<(String, String)>,
    /// When no control connection came about at all: the address, and the operating system's words.
    pub unreachable: Option<(String, String)>,
}

impl Diagnosis {
    /// Whether something is wrong.
    #[must_use]
    pub fn has_problem(&self) -> bool {
        self.advice.iter().any(|advice| advice.weight == Weight::Problem)
    }
}

/// What `rules` say about `cases`.
#[must_use]
pub fn diagnose(rules: &Rules, cases: &[DiagnosedCase], given: &Given) -> Diagnosis {
    let server = recognise(rules, cases);
    let key = server.as_ref().map(|found| found.key.as_str());
    let mut explained: Vec<String> = Vec::new();
    let mut advice: Vec<Advice> = Vec::new();
    for rule in &rules.rules {
        let Some(observed) = fits(rule, cases, given) else {
            continue;
        };
        explained.extend(observed.iter().map(|evidence| evidence.case.clone()));
        advice.push(Advice {
            rule: rule.id.clone(),
            weight: rule.weight,
            title: rule.title.clone(),
            observed,
            means: rule.means.clone(),
            who: rule.who.clone(),
            safe: rule.safe.clone(),
            server: settings_for(&rule.server, key),
            client: rule.client.clone(),
        });
    }
    advice.sort_by(|a, b| (a.weight, &a.rule).cmp(&(b.weight, &b.rule)));
    let mut diagnosis = Diagnosis {
        server,
        advice,
        good: 0,
        unexplained: Vec::new(),
        unreached: Vec::new(),
        unreachable: unreachable(cases),
    };
    for case in cases {
        let name = name(case);
        match outcome(case) {
            Outcome::Good => diagnosis.good += 1,
            Outcome::Broken if explained.contains(&name) || is_of_rules(rules, case, given) => {}
            Outcome::Broken => diagnosis.unexplained.push(broken_evidence(case)),
            Outcome::Unreached => {
                let reason = case.judgement.reason.clone().unwrap_or_default();
                diagnosis.unreached.push((name, reason));
            }
        }
    }
    diagnosis
}

/// Why no control connection came about; none when one did.
fn unreachable(cases: &[DiagnosedCase]) -> Option<(String, String)> {
    let on_control = |event: &&Event| !event.channel.as_ref().is_some_and(crate::trace::Channel::is_data);
    let mut why = None;
    for event in cases
        .iter()
        .flat_map(|case| case.events.iter())
        .filter(on_control)
    {
        match &event.kind {
            EventKind::Connected { .. } => return None,
            EventKind::ConnectFailed { peer, reason } if why.is_none() => {
                why = Some((peer.clone(), reason.clone()));
            }
            _ => {}
        }
    }
    why
}

/// Whether the case is there for clients of another kind than the one in question, so that its failing says nothing.
fn is_of_rules(rules: &Rules, case: &DiagnosedCase, given: &Given) -> bool {
    let scenario = case.case.id.scenario.as_str();
    rules.rules.iter().any(|rule| {
        let is_meant = rule.scenarios().any(|name| name == scenario);
        let other_client = rule.when.iter().any(|condition| match condition {
            Condition::Policy(policy) => !given.policies.contains(policy),
            Condition::Way(way) => *way != given.way,
            _ => false,
        });
        is_meant && other_client
    })
}

/// The evidence, when every condition of the rule holds and none of those that must not.
fn fits(rule: &Rule, cases: &[DiagnosedCase], given: &Given) -> Option<Vec<Evidence>> {
    if rule
        .unless
        .iter()
        .any(|condition| holds(condition, cases, given).is_some())
    {
        return None;
    }
    let mut evidence: Vec<Evidence> = Vec::new();
    for condition in &rule.when {
        for seen in holds(condition, cases, given)? {
            let is_known = evidence.iter().any(|other| other.shows(&seen));
            if !is_known {
                evidence.push(seen);
            }
        }
    }
    Some(evidence)
}

/// The evidence that `condition` holds; none when it does not.
fn holds(condition: &Condition, cases: &[DiagnosedCase], given: &Given) -> Option<Vec<Evidence>> {
    match condition {
        Condition::Policy(policy) => given.policies.contains(policy).then(Vec::new),
        Condition::Way(way) => (*way == given.way).then(Vec::new),
        Condition::Case {
            scenario,
            tls,
            requirement,
            is,
        } => {
            let meant = of_scenario(cases, scenario, tls.as_deref());
            let found: Vec<Evidence> = meant
                .filter(|case| match requirement {
                    None => outcome(case) == *is,
                    Some(requirement) => requirement_outcome(case, requirement) == *is,
                })
                .map(|case| match is {
                    Outcome::Broken => broken_evidence(case),
                    Outcome::Good | Outcome::Unreached => short_evidence(case, *is),
                })
                .collect();
            (!found.is_empty()).then_some(found)
        }
        Condition::Event { scenario, tls, event } => {
            let found: Vec<Evidence> = of_scenario(cases, scenario, tls.as_deref())
                .filter_map(|case| event_evidence(case, event))
                .collect();
            (!found.is_empty()).then_some(found)
        }
    }
}

fn of_scenario<'a>(
    cases: &'a [DiagnosedCase],
    scenario: &'a str,
    tls: Option<&'a str>,
) -> impl Iterator<Item = &'a DiagnosedCase> {
    cases.iter().filter(move |case| {
        let id = &case.case.id;
        id.scenario == scenario && (tls.is_none() || id.cell.get("tls") == tls)
    })
}

/// How a case ended, for the purpose of advice. Checks without a requirement count too; set-up does not.
fn outcome(case: &DiagnosedCase) -> Outcome {
    match case.judgement.verdict {
        Verdict::Pass | Verdict::Info => Outcome::Good,
        Verdict::Fail | Verdict::Warn => Outcome::Broken,
        Verdict::Inconclusive if step_finding(case).is_some() => Outcome::Broken,
        Verdict::Inconclusive | Verdict::NotApplicable | Verdict::Error => Outcome::Unreached,
    }
}

fn requirement_outcome(case: &DiagnosedCase, requirement: &str) -> Outcome {
    let judgement = &case.judgement;
    let is_broken = |finding: &crate::judge::Finding| finding.requirement.as_deref() == Some(requirement);
    if judgement.findings.iter().any(is_broken) {
        Outcome::Broken
    } else if judgement.held.iter().any(|held| held.requirement == requirement) {
        Outcome::Good
    } else {
        Outcome::Unreached
    }
}

fn step_finding(case: &DiagnosedCase) -> Option<&crate::judge::Finding> {
    let findings = &case.judgement.findings;
    findings.iter().find(|finding| finding.step.phase == Phase::Steps)
}

/// `listing[tls=tls1.3]`, or with its folder when it is no scenario of `diagnose/`.
fn name(case: &DiagnosedCase) -> String {
    let id = &case.case.id;
    let short = id.scenario.strip_prefix("diagnose/").unwrap_or(&id.scenario);
    let cell = id.cell.to_string();
    if cell.is_empty() {
        short.to_owned()
    } else {
        format!("{short}[{cell}]")
    }
}

fn evidence(case: &DiagnosedCase, seen: String, trace: Vec<String>) -> Evidence {
    Evidence {
        case: name(case),
        tried: case.case.scenario.title.clone(),
        seen,
        trace,
    }
}

fn short_evidence(case: &DiagnosedCase, is: Outcome) -> Evidence {
    evidence(case, is.to_string(), Vec::new())
}

fn broken_evidence(case: &DiagnosedCase) -> Evidence {
    let Some(finding) = step_finding(case) else {
        return short_evidence(case, Outcome::Broken);
    };
    let seen = format!("expected {}, got {}", finding.expected, finding.observed);
    let until = finding.event.saturating_add(1).min(case.events.len());
    let lines: Vec<String> = case
        .events
        .get(..until)
        .unwrap_or_default()
        .iter()
        .filter(|event| is_telling(&event.kind))
        .map(|event| render_event(event).trim_end().to_owned())
        .collect();
    let from = lines.len().saturating_sub(LINES);
    evidence(case, seen, lines.get(from..).unwrap_or_default().to_vec())
}

fn is_telling(kind: &EventKind) -> bool {
    !matches!(
        kind,
        EventKind::StepStarted { .. }
            | EventKind::StepFinished { .. }
            | EventKind::ReplyConsumed { .. }
            | EventKind::Captured { .. }
            | EventKind::Noted { .. }
    )
}

fn event_evidence(case: &DiagnosedCase, pattern: &EventPattern) -> Option<Evidence> {
    let found = case
        .events
        .iter()
        .enumerate()
        .find(|(index, event)| matches(pattern, case, *index, event))?
        .1;
    let line = render_event(found).trim_end().to_owned();
    Some(evidence(case, pattern.word.to_string(), vec![line]))
}

fn matches(pattern: &EventPattern, case: &DiagnosedCase, index: usize, event: &Event) -> bool {
    let on_data = event.channel.as_ref().map(crate::trace::Channel::is_data);
    if pattern.on_data.is_some() && on_data != pattern.on_data {
        return false;
    }
    let says = |text: &str| {
        pattern
            .text
            .as_ref()
            .is_none_or(|part| text.to_lowercase().contains(&part.to_lowercase()))
    };
    match (pattern.word, &event.kind) {
        (EventWord::Alert, EventKind::AlertReceived(alert)) => says(&alert.name),
        (EventWord::Alert, EventKind::HandshakeFailed(failure)) => {
            failure.alert.as_ref().is_some_and(|alert| says(&alert.name))
        }
        (EventWord::ClearData, EventKind::DataReceived { protected, .. }) => !protected,
        (EventWord::HandshakeRefused, EventKind::HandshakeFailed(failure)) => says(&failure.reason),
        (EventWord::ConnectFailed, EventKind::ConnectFailed { .. })
        | (EventWord::Timeout, EventKind::TimedOut { .. }) => true,
        (EventWord::FinWithoutCloseNotify, EventKind::FinReceived) => {
            let before = case.events.get(..index).unwrap_or_default();
            let mut own = before.iter().filter(|other| other.channel == event.channel);
            own.clone()
                .any(|other| matches!(other.kind, EventKind::HandshakeFinished(_)))
                && !own.any(|other| matches!(other.kind, EventKind::CloseNotifyReceived))
        }
        (EventWord::ForeignAddress, EventKind::ReplyReceived { code, lines, .. }) => {
            code.value() == 227 && is_foreign(case, lines)
        }
        (EventWord::HandshakeFull, EventKind::HandshakeFinished(facts)) => facts.kind == HandshakeKind::Full,
        (EventWord::HandshakeResumed, EventKind::HandshakeFinished(facts)) => {
            facts.kind == HandshakeKind::Resumed
        }
        (EventWord::Reply, EventKind::ReplyReceived { code, lines, .. }) => {
            let is_meant = pattern.codes.is_empty() || pattern.codes.iter().any(|own| own.accepts(*code));
            is_meant && says(&lines.join("\n"))
        }
        _ => false,
    }
}

/// Whether the address in a 227 is not that of the control connection's peer.
fn is_foreign(case: &DiagnosedCase, lines: &[String]) -> bool {
    let peer = case.events.iter().find_map(|event| match &event.kind {
        EventKind::Connected { peer, path: None, .. } => peer.parse::<std::net::SocketAddr>().ok(),
        _ => None,
    });
    let named = lines.last().and_then(|line| parse_227(line).ok());
    match (peer, named) {
        (Some(peer), Some(named)) => peer.ip().to_canonical() != std::net::IpAddr::V4(*named.ip()),
        _ => false,
    }
}

/// The first server whose words stand in a reply.
fn recognise(rules: &Rules, cases: &[DiagnosedCase]) -> Option<SoftwareFound> {
    let replies = || {
        cases
            .iter()
            .flat_map(|case| case.events.iter())
            .filter_map(|event| match &event.kind {
                EventKind::ReplyReceived { code, lines, .. } => Some((code, lines)),
                _ => None,
            })
    };
    for (key, software) in &rules.servers {
        for text in &software.says {
            let wanted = text.to_lowercase();
            let line = replies().find_map(|(code, lines)| {
                let line = lines.iter().find(|line| line.to_lowercase().contains(&wanted))?;
                Some(format!("{code} {line}"))
            });
            if let Some(by) = line {
                return Some(SoftwareFound {
                    key: key.clone(),
                    title: software.title.clone(),
                    by,
                });
            }
        }
    }
    None
}

/// Those of the server that was recognised; all when it was not, or when none is known for it.
fn settings_for(settings: &[Setting], key: Option<&str>) -> Vec<Setting> {
    let own: Vec<Setting> = settings
        .iter()
        .filter(|setting| Some(setting.software.as_str()) == key)
        .cloned()
        .collect();
    match key {
        Some(_) => own,
        None => settings.to_vec(),
    }
}
