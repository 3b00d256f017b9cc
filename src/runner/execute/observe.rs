//! What a step waits for once its action is done, and the variables it captures.
//!
//! One wait per kind of check and connection; every wait ends in an event, and the judge looks at those.

use std::time::Duration;

use super::{StepOutcome, StepRunner, checks_reply};
use crate::client::WantedReply;
use crate::scenario::model::{Action, CaptureSource, ChannelRef, Check, CheckKind, Step};
use crate::trace::{ActionProblem, Channel, EventKind, Waited};
use crate::wire::facts::parse_mlst_line;

/// How long `silence` listens when its check does not say.
const SILENCE: Duration = Duration::from_secs(1);
/// How long tickets are waited for when their check does not say.
const TICKETS: Duration = Duration::from_secs(1);

impl StepRunner {
    /// Waits for what the checks of `step` look at, in their order; each kind once per connection. Files come last:
    /// looking at one takes time.
    pub(super) async fn observe(&mut self, step: &Step, awaits_reply: bool, outcome: &mut StepOutcome) {
        let mut awaits_reply = awaits_reply;
        let mut done: Vec<(&str, ChannelRef)> = Vec::new();
        for check in &step.expect {
            for kind in &check.kinds {
                match kind {
                    CheckKind::Reply(_) if awaits_reply => {
                        awaits_reply = false;
                        self.await_reply(step, outcome).await;
                    }
                    CheckKind::Closed(_) => {
                        let channel = channel_of_check(step, check, ChannelRef::Data);
                        if first_of(&mut done, "closed", channel) {
                            let within = self.within(check, self.engine.timeouts().close);
                            self.engine
                                .await_close(&step.session.value, channel, within)
                                .await;
                        }
                    }
                    CheckKind::Silence => {
                        let channel = channel_of_check(step, check, ChannelRef::Control);
                        if first_of(&mut done, "silence", channel) {
                            let within = self.within(check, SILENCE);
                            self.engine
                                .await_silence(&step.session.value, channel, within)
                                .await;
                        }
                    }
                    CheckKind::Tls(pattern) => {
                        let channel = channel_of_check(step, check, ChannelRef::Data);
                        let count = pattern
                            .tickets
                            .unwrap_or(u32::from(pattern.ticket_lifetime.is_some()));
                        if count > 0 {
                            let within = self.within(check, TICKETS);
                            self.engine
                                .await_tickets(&step.session.value, channel, count, within)
                                .await;
                        }
                    }
                    CheckKind::Reply(_)
                    | CheckKind::Data(_)
                    | CheckKind::File(_)
                    | CheckKind::Order(_)
                    | CheckKind::Endpoint(_)
                    | CheckKind::Action(_) => {}
                }
            }
        }
        self.examine_files(step).await;
    }

    /// The time that `check` allows, cut where the case is in a hurry; `otherwise` when it does not say.
    fn within(&self, check: &Check, otherwise: Duration) -> Duration {
        let said = check
            .within
            .as_ref()
            .map_or(otherwise, |within| within.value / self.hurry);
        said.min(self.longest_wait)
    }

    /// Takes the next reply; `TimedOut` when none comes.
    pub(super) async fn await_reply(&mut self, step: &Step, outcome: &mut StepOutcome) {
        let session = &step.session.value;
        let times = self.engine.timeouts();
        let is_greeting = matches!(
            step.action.as_ref().map(|action| &action.value),
            Some(Action::Connect(_))
        );
        let otherwise = if is_greeting { times.greeting } else { times.reply };
        let checks = step
            .expect
            .iter()
            .filter(|check| check.kinds.iter().any(is_reply));
        let within = checks
            .map(|check| self.within(check, otherwise))
            .max()
            .unwrap_or(otherwise);
        let mut kinds = step.expect.iter().flat_map(|check| &check.kinds);
        let accepts_preliminary = |kind: &CheckKind| match kind {
            CheckKind::Reply(pattern) => pattern.accepts_preliminary(),
            _ => false,
        };
        // Without a check about it, the next one will do.
        let wanted = if kinds.any(accepts_preliminary) || !checks_reply(step) {
            WantedReply::Next
        } else {
            WantedReply::Final
        };
        match self.engine.await_reply(session, wanted, within).await {
            Ok(seen) => outcome.reply = Some(seen),
            Err(ActionProblem::TimedOut { .. }) => {
                let event = EventKind::TimedOut {
                    waited: Waited::Reply,
                    seconds: within.as_secs_f64(),
                };
                self.recorder.record(&Channel::control(session), event);
            }
            // The end of the connection is in the trace already.
            Err(_) => {}
        }
    }

    async fn examine_files(&mut self, step: &Step) {
        let mut seen: Vec<String> = Vec::new();
        if let Some(Action::ExamineFile(path)) = step.action.as_ref().map(|action| &action.value) {
            seen.extend(self.variables.fill(&path.value));
        }
        for kind in step.expect.iter().flat_map(|check| &check.kinds) {
            let CheckKind::File(pattern) = kind else { continue };
            // A path without a value stays unexamined; the judge says which variable is missing.
            let Ok(path) = self.variables.fill(&pattern.path.value) else {
                continue;
            };
            if !seen.contains(&path) {
                self.engine.examine_file(&step.session.value, &path).await;
                seen.push(path);
            }
        }
    }

    /// Sets the variables that `step` captures. What was not observed has no value, and a step that needs it says so.
    pub(super) fn capture(&mut self, step: &Step, outcome: &StepOutcome) {
        for (name, source) in &step.capture {
            match self.captured(source.value.clone(), step, outcome) {
                Some(value) => self.variables.set(&name.value, value, &self.recorder),
                None => self.recorder.record_case(EventKind::Noted {
                    name: "not-captured".to_owned(),
                    value: name.value.clone(),
                }),
            }
        }
    }

    fn captured(&self, source: CaptureSource, step: &Step, outcome: &StepOutcome) -> Option<String> {
        let session = &step.session.value;
        let reply = || {
            let taken = self
                .took_reply(outcome.start, session)
                .then(|| self.engine.last_taken(session));
            outcome.reply.clone().or_else(|| taken.flatten())
        };
        match source {
            CaptureSource::ReplyCode => reply().map(|seen| seen.reply.code.to_string()),
            CaptureSource::ReplyText => reply().map(|seen| {
                let line = seen.reply.lines.last().cloned().unwrap_or_default();
                String::from_utf8_lossy(&line).into_owned()
            }),
            CaptureSource::ReplyEndpoint => reply()?.endpoint.map(|endpoint| endpoint.to_string()),
            CaptureSource::ReplyQuoted => quoted(&reply()?.reply.text()),
            CaptureSource::ReplyUnique => unique(&reply()?.reply.lines),
            CaptureSource::DataSha256 => self
                .engine
                .transfer_summary(session)
                .map(|summary| summary.sha256),
            CaptureSource::DataBytes => self
                .engine
                .transfer_summary(session)
                .map(|summary| summary.bytes.to_string()),
        }
    }
}

pub(super) fn is_reply(kind: &CheckKind) -> bool {
    matches!(kind, CheckKind::Reply(_))
}

/// Whether `what` on `channel` is met for the first time.
fn first_of(done: &mut Vec<(&'static str, ChannelRef)>, what: &'static str, channel: ChannelRef) -> bool {
    let is_first = !done.contains(&(what, channel));
    if is_first {
        done.push((what, channel));
    }
    is_first
}

/// The connection a check is about: its own word, the action's, or `otherwise`.
fn channel_of_check(step: &Step, check: &Check, otherwise: ChannelRef) -> ChannelRef {
    let of_action = step.action.as_ref().and_then(|action| action.value.channel());
    check.channel.or(of_action).unwrap_or(otherwise)
}

/// The `unique` fact of the entry in an MLST reply; values come as they are, names of facts in any case.
fn unique(lines: &[Vec<u8>]) -> Option<String> {
    let facts = lines.iter().filter_map(|line| parse_mlst_line(line).ok());
    let mut values = facts.flat_map(|entry| entry.facts);
    values
        .find(|(name, _)| name.eq_ignore_ascii_case("unique"))
        .map(|(_, value)| value)
}

/// The text between the first double quotes, with doubled quotes inside made single (RFC 959 appendix II).
fn quoted(text: &str) -> Option<String> {
    let (_, behind) = text.split_once('"')?;
    let mut inside = String::new();
    let mut characters = behind.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '"' {
            inside.push(character);
        } else if characters.next_if_eq(&'"').is_some() {
            inside.push('"');
        } else {
            return Some(inside);
        }
    }
    None
}
