//! `reply` checks: the reply that the step consumed (RFC 959 section 4.2).

use super::super::view::{SeenReply, View};
use super::super::words;
use super::closed::ending;
use super::{Account, CheckResult};
use crate::plan::template::FillError;
use crate::scenario::model::{Check, CodePattern, ReplyAlternative, ReplyPattern};
use crate::trace::{ActionProblem, EventKind, Waited};
use crate::wire::reply::ReplyCode;

/// The reply of a server that is about to close the control connection.
const SERVICE_CLOSING: u16 = 421;

pub(super) fn judge(
    view: &View<'_>,
    check: &Check,
    pattern: &ReplyPattern,
) -> Result<CheckResult, FillError> {
    let alternatives = pattern
        .any_of
        .iter()
        .map(|one| Wanted::fill(view, one))
        .collect::<Result<Vec<_>, _>>()?;
    let expected = words::within(words::any_of(alternatives.iter().flat_map(Wanted::words)), check);
    match view.consumed_reply() {
        Some(reply) => Ok(judge_reply(view, &alternatives, expected, &reply)),
        None => Ok(judge_absence(view, &alternatives, expected)),
    }
}

/// A negative reply that stopped the action is accepted by a reply check that accepts that reply; a closed control
/// connection by one that names closing.
pub(super) fn allows_failure(view: &View<'_>, pattern: &ReplyPattern, problem: &ActionProblem) -> bool {
    match problem {
        ActionProblem::RefusedByReply { code } | ActionProblem::UnexpectedReply { code, .. } => {
            view.consumed_reply().is_some_and(|reply| reply.code == *code)
        }
        // The check held without a reply, so closing was named. With one, a last word before the end: what we sent
        // behind it met a closed connection.
        ActionProblem::Closed { .. } | ActionProblem::NotConnected { .. } => {
            view.consumed_reply().is_none() || pattern.any_of.iter().any(|alternative| alternative.closed)
        }
        _ => false,
    }
}

/// An alternative with its variables filled in.
struct Wanted<'a> {
    codes: &'a [CodePattern],
    text: Option<String>,
    without: Option<String>,
    line: Option<String>,
    protected: Option<bool>,
    closed: bool,
    well_formed: bool,
}

impl<'a> Wanted<'a> {
    fn fill(view: &View<'_>, alternative: &'a ReplyAlternative) -> Result<Self, FillError> {
        let fill = |template: &Option<crate::scenario::model::Template>| {
            template.as_ref().map(|text| view.fill(&text.value)).transpose()
        };
        Ok(Self {
            codes: &alternative.codes,
            text: fill(&alternative.text)?,
            without: fill(&alternative.without)?,
            line: fill(&alternative.line)?,
            protected: alternative.protected,
            closed: alternative.closed,
            well_formed: alternative.well_formed,
        })
    }

    /// Whether it speaks of a reply at all, not only of closing.
    fn wants_reply(&self) -> bool {
        !self.closed
            || !self.codes.is_empty()
            || self.text.is_some()
            || self.without.is_some()
            || self.line.is_some()
            || self.protected.is_some()
            || self.well_formed
    }

    fn matches_code(&self, code: ReplyCode) -> bool {
        self.codes.is_empty()
            || self.codes.iter().any(|pattern| match pattern {
                CodePattern::Code(wanted) => *wanted == code.value(),
                CodePattern::Class(digit) => u16::from(*digit) == code.value() / 100,
            })
    }

    /// What keeps `reply` from matching; nothing when it matches.
    fn misses(&self, reply: &SeenReply<'_>) -> Option<Miss> {
        if !self.wants_reply() || !self.matches_code(reply.code) {
            return Some(Miss::Code);
        }
        if self.protected.is_some_and(|wanted| wanted != reply.protected) {
            return Some(Miss::Protection);
        }
        if self.well_formed && !reply.violations.is_empty() {
            return Some(Miss::Form);
        }
        let contains = |wanted: &String| {
            let wanted = wanted.to_lowercase();
            reply
                .lines
                .iter()
                .any(|line| words::contains(&line.to_lowercase(), &wanted))
        };
        if !self.text.as_ref().is_none_or(contains) || self.without.as_ref().is_some_and(contains) {
            return Some(Miss::Text);
        }
        let is_line = |wanted: &String| reply.lines.iter().any(|line| words::is_like(line, wanted));
        if !self.line.as_ref().is_none_or(is_line) {
            return Some(Miss::Text);
        }
        None
    }

    /// The alternative in words, one per code and one for closing.
    fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        if self.wants_reply() {
            let mut extra = String::new();
            match self.protected {
                Some(true) => extra.push_str(" under TLS"),
                Some(false) => extra.push_str(" in clear"),
                None => {}
            }
            if self.well_formed {
                extra.push_str(" in the right form");
            }
            if let Some(text) = &self.text {
                extra.push_str(" with the text ");
                extra.push_str(&words::quoted(text));
            }
            if let Some(text) = &self.without {
                extra.push_str(" without the text ");
                extra.push_str(&words::quoted(text));
            }
            if let Some(line) = &self.line {
                extra.push_str(" with the line ");
                extra.push_str(&words::quoted(line));
            }
            if self.codes.is_empty() {
                words.push(format!("a reply{extra}"));
            }
            for code in self.codes {
                words.push(format!("{}{extra}", words::code_pattern(*code)));
            }
        }
        if self.closed {
            words.push("a closed control connection".to_owned());
        }
        words
    }
}

/// The first thing that kept a reply from matching an alternative. Ordered: later ones are nearer misses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Miss {
    Code,
    Protection,
    Form,
    Text,
}

fn judge_reply(
    view: &View<'_>,
    alternatives: &[Wanted<'_>],
    expected: String,
    reply: &SeenReply<'_>,
) -> CheckResult {
    let mut nearest = Miss::Code;
    for alternative in alternatives {
        match alternative.misses(reply) {
            None => return CheckResult::Held,
            Some(miss) => nearest = nearest.max(miss),
        }
    }
    let code = reply.code;
    let observed = match nearest {
        Miss::Code => code.to_string(),
        Miss::Protection if reply.protected => format!("{code} under TLS"),
        Miss::Protection => format!("{code} in clear"),
        Miss::Form => {
            let violations = reply.violations.iter().map(ToString::to_string);
            format!("{code} in a wrong form ({})", words::all_of(violations))
        }
        Miss::Text => format!("{code} with the text {}", words::quoted(&reply.lines.join("\\n"))),
    };
    let text = reply.lines.last().map_or("", String::as_str);
    let shown = words::quoted(format!("{code} {text}").trim_end());
    let message = match view.last_request(reply.event) {
        Some(command) => format!("answered {} with {shown}", words::quoted(command)),
        None => format!("sent {shown}"),
    };
    CheckResult::Broken(Account {
        message,
        expected,
        observed: format!("{observed}{}", words::after(view.since_last_sent(reply.event))),
        event: reply.event,
        nothing: false,
    })
}

fn judge_absence(view: &View<'_>, alternatives: &[Wanted<'_>], expected: String) -> CheckResult {
    let control = view.control();
    let command = view.last_request(usize::MAX).map(words::quoted);
    let asked = |verb: &str, other: &str| match &command {
        Some(command) => format!("{verb} {command}"),
        None => other.to_owned(),
    };
    if let Some(ending) = ending(view, &control) {
        if alternatives.iter().any(|alternative| alternative.closed) {
            // What was said before the end counts as the answer, although the command could not be sent any more. A last
            // 421 only announces the end (RFC 959 section 5.4).
            let said = view
                .untaken_final_reply(&control)
                .filter(|reply| reply.code.value() != SERVICE_CLOSING);
            return match said {
                Some(reply) => judge_reply(view, alternatives, expected, &reply),
                None => CheckResult::Held,
            };
        }
        return CheckResult::Broken(Account {
            message: asked(
                "closed the control connection instead of answering",
                "closed the control connection instead of sending a reply",
            ),
            expected,
            observed: format!(
                "the control connection was closed ({}){}",
                ending.words,
                words::after(view.since_last_sent(ending.event))
            ),
            event: ending.event,
            nothing: false,
        });
    }
    let malformed = view
        .in_step()
        .rev()
        .find_map(|(position, event)| match &event.kind {
            EventKind::ReplyMalformed { text, reason } if event.channel.as_ref() == Some(&control) => {
                Some((position, text, reason))
            }
            _ => None,
        });
    if let Some((event, text, reason)) = malformed {
        return CheckResult::Broken(Account {
            message: "sent something that is not a reply".to_owned(),
            expected,
            observed: format!("{} ({})", words::quoted(text), words::shown(reason)),
            event,
            nothing: false,
        });
    }
    let timed_out = timed_out(view);
    let event = timed_out.map_or(view.last(), |(position, _)| position);
    let nothing = match timed_out {
        Some((_, seconds)) => words::nothing_within(Waited::Reply, seconds),
        None => "no reply".to_owned(),
    };
    let observed = match view.last_arrival() {
        Some((channel, arrival)) => {
            format!("{nothing}; the last thing that arrived was {arrival} on {channel}")
        }
        None => nothing,
    };
    CheckResult::Broken(Account {
        message: asked("did not answer", "sent no reply"),
        expected,
        observed,
        event,
        nothing: timed_out.is_none(),
    })
}

/// The wait for a reply that ran out in this step: its position and the seconds waited.
fn timed_out(view: &View<'_>) -> Option<(usize, f64)> {
    view.in_step()
        .rev()
        .find_map(|(position, event)| match event.kind {
            EventKind::TimedOut {
                waited: Waited::Reply,
                seconds,
            }
            | EventKind::ActionFailed(ActionProblem::TimedOut {
                waited: Waited::Reply,
                seconds,
            }) => Some((position, seconds)),
            _ => None,
        })
}
