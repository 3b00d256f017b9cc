//! What a check may look at: the events up to the end of one step, and where that step begins.
//!
//! Finds things; decides nothing. Total: any list of events, in any order, gives an answer or none.

use std::time::Duration;

use super::words;
use crate::plan::Cell;
use crate::plan::template::{FillError, fill};
use crate::scenario::model::{ChannelRef, Check, Step};
use crate::trace::{ActionProblem, Channel, ChannelKind, Event, EventKind, StepIndex, Waited};
use crate::wire::command::Verb;
use crate::wire::reply::{ReplyClass, ReplyCode, ReplyViolation};

/// Where a step lies in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StepRange {
    /// Position of `StepStarted`.
    pub start: usize,
    /// Position behind the last event of the step.
    pub end: usize,
    /// Whether `StepFinished` is there.
    pub finished: bool,
}

/// Where `step` lies, looking from position `from` on; none when it was never started.
pub(super) fn find_step(events: &[Event], step: StepIndex, from: usize) -> Option<StepRange> {
    let start = (from..events.len()).find(|position| {
        matches!(events.get(*position), Some(Event { kind: EventKind::StepStarted { step: started }, .. })
            if *started == step)
    })?;
    for (position, event) in events.iter().enumerate().skip(start + 1) {
        match event.kind {
            EventKind::StepFinished { step: finished } => {
                return Some(StepRange {
                    start,
                    end: position + 1,
                    finished: finished == step,
                });
            }
            EventKind::StepStarted { .. } => {
                return Some(StepRange {
                    start,
                    end: position,
                    finished: false,
                });
            }
            _ => {}
        }
    }
    Some(StepRange {
        start,
        end: events.len(),
        finished: false,
    })
}

/// A reply that a step took for its expectation.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeenReply<'a> {
    pub event: usize,
    number: u32,
    pub code: ReplyCode,
    pub lines: &'a [String],
    pub protected: bool,
    pub violations: &'a [ReplyViolation],
}

impl<'a> SeenReply<'a> {
    /// The reply that `event`, at `position` of the trace, brought on `control`.
    fn of(position: usize, event: &'a Event, control: &Channel) -> Option<Self> {
        match &event.kind {
            EventKind::ReplyReceived {
                number,
                code,
                lines,
                protected,
                violations,
            } if event.channel.as_ref() == Some(control) => Some(Self {
                event: position,
                number: *number,
                code: *code,
                lines,
                protected: *protected,
                violations,
            }),
            _ => None,
        }
    }
}

/// One step with everything that was known at its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// Everything up to the end of the step.
    events: &'a [Event],
    start: usize,
    step: &'a Step,
    cell: &'a Cell,
}

impl<'a> View<'a> {
    pub(super) fn new(events: &'a [Event], range: StepRange, step: &'a Step, cell: &'a Cell) -> Self {
        let events = events.get(..range.end).unwrap_or(events);
        Self {
            events,
            start: range.start.min(events.len()),
            step,
            cell,
        }
    }

    pub(super) fn step(&self) -> &'a Step {
        self.step
    }

    /// The events of the step, with their positions in the trace.
    pub(super) fn in_step(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Event)> + use<'a> {
        self.events.iter().enumerate().skip(self.start)
    }

    /// All events from position `from` to the end of the step.
    pub(super) fn all_from(
        &self,
        from: usize,
    ) -> impl DoubleEndedIterator<Item = (usize, &'a Event)> + use<'a> {
        self.events.iter().enumerate().skip(from)
    }

    /// Position of the last event of the step; what a finding points at when nothing came.
    pub(super) fn last(&self) -> usize {
        self.events.len().saturating_sub(1)
    }

    pub(super) fn time(&self, event: usize) -> Duration {
        self.events.get(event).map_or(Duration::ZERO, |event| event.at)
    }

    pub(super) fn control(&self) -> Channel {
        Channel::control(&self.step.session.value)
    }

    /// The newest data connection of the step's session, opened or attempted.
    pub(super) fn current_data(&self) -> Option<Channel> {
        let newest = self
            .events
            .iter()
            .filter_map(|event| event.channel.as_ref())
            .filter(|channel| *channel.session == *self.step.session.value)
            .filter_map(|channel| match channel.kind {
                ChannelKind::Data(number) => Some(number),
                ChannelKind::Control => None,
            })
            .max()?;
        Some(Channel::data(&self.step.session.value, newest))
    }

    /// The connection that `check` is about: its own word, else the action's, else `otherwise`.
    pub(super) fn channel_of(&self, check: &Check, otherwise: ChannelRef) -> Option<Channel> {
        let choice = check
            .channel
            .or_else(|| {
                self.step
                    .action
                    .as_ref()
                    .and_then(|action| action.value.channel())
            })
            .unwrap_or(otherwise);
        match choice {
            ChannelRef::Control => Some(self.control()),
            ChannelRef::Data => self.current_data(),
        }
    }

    /// Position of the last `Connected` on `channel`.
    pub(super) fn opened(&self, channel: &Channel) -> Option<usize> {
        self.events.iter().rposition(|event| {
            event.channel.as_ref() == Some(channel) && matches!(event.kind, EventKind::Connected { .. })
        })
    }

    /// The first problem of the step's action.
    pub(super) fn problem(&self) -> Option<(usize, &'a ActionProblem, Option<&'a Channel>)> {
        self.in_step().find_map(|(position, event)| match &event.kind {
            EventKind::ActionFailed(problem) => Some((position, problem, event.channel.as_ref())),
            _ => None,
        })
    }

    /// The reply that the step consumed last. None when a later wait for a reply came to nothing: a composite action
    /// consumes replies of its own before the one that the step is about.
    pub(super) fn consumed_reply(&self) -> Option<SeenReply<'a>> {
        let control = self.control();
        let (consumed, wanted) = self
            .in_step()
            .rev()
            .find_map(|(position, event)| match event.kind {
                EventKind::ReplyConsumed { number } if event.channel.as_ref() == Some(&control) => {
                    Some((position, number))
                }
                _ => None,
            })?;
        if self
            .all_from(consumed)
            .any(|(_, event)| is_reply_missed(&event.kind))
        {
            return None;
        }
        self.events
            .iter()
            .enumerate()
            .take(consumed)
            .rev()
            .filter_map(|(position, event)| SeenReply::of(position, event, &control))
            .find(|reply| reply.number == wanted)
    }

    /// The first reply on `control` that no step has consumed, since the connection was opened: its position.
    pub(super) fn untaken_reply(&self, control: &Channel) -> Option<(usize, &'a EventKind)> {
        let opened = self.opened(control)?;
        let on_control = || {
            self.all_from(opened)
                .filter(|(_, event)| event.channel.as_ref() == Some(control))
        };
        let taken = on_control()
            .filter_map(|(_, event)| match event.kind {
                EventKind::ReplyConsumed { number } | EventKind::ReplyPassedOver { number } => Some(number),
                _ => None,
            })
            .max()
            .unwrap_or(0);
        on_control().find_map(|(position, event)| match event.kind {
            EventKind::ReplyReceived { number, .. } if number > taken => Some((position, &event.kind)),
            _ => None,
        })
    }

    /// The first reply other than 1yz on `control` that no step has consumed, since the connection was opened.
    pub(super) fn untaken_final_reply(&self, control: &Channel) -> Option<SeenReply<'a>> {
        let (first, _) = self.untaken_reply(control)?;
        self.all_from(first)
            .filter_map(|(position, event)| SeenReply::of(position, event, control))
            .find(|reply| reply.code.class() != ReplyClass::Preliminary)
    }

    /// What the session sent last on its control connection before position `before`: a command line, or raw bytes.
    pub(super) fn last_request(&self, before: usize) -> Option<&'a str> {
        let control = self.control();
        self.events
            .iter()
            .take(before)
            .rev()
            .find_map(|event| match &event.kind {
                EventKind::CommandSent { line: text, .. } | EventKind::RawSent { text, .. }
                    if event.channel.as_ref() == Some(&control) =>
                {
                    Some(text.strip_suffix("\\r\\n").unwrap_or(text))
                }
                _ => None,
            })
    }

    /// The negative reply that refused the last transfer command of the session before it began: none came before it, and
    /// no preliminary one.
    pub(super) fn refusal_before_transfer(&self) -> Option<(usize, ReplyCode)> {
        let control = self.control();
        let on_control = |event: &Event| event.channel.as_ref() == Some(&control);
        let command = self
            .events
            .iter()
            .rposition(|event| on_control(event) && is_transfer(&event.kind))?;
        let (position, code) = self
            .all_from(command)
            .find_map(|(position, event)| match event.kind {
                EventKind::ReplyReceived { code, .. } if on_control(event) => Some((position, code)),
                _ => None,
            })?;
        code.class().is_negative().then_some((position, code))
    }

    /// How long before the event at `position` the session had last sent something.
    pub(super) fn since_last_sent(&self, position: usize) -> Option<Duration> {
        let at = self.events.get(position)?.at;
        let sent = self.events.iter().take(position).rev().find(|event| {
            event
                .channel
                .as_ref()
                .is_some_and(|channel| *channel.session == *self.step.session.value)
                && is_sent(&event.kind)
        })?;
        Some(at.saturating_sub(sent.at))
    }

    /// The last thing that arrived on any connection of the session: the connection, and what, in words.
    pub(super) fn last_arrival(&self) -> Option<(String, String)> {
        self.events.iter().rev().find_map(|event| {
            let channel = event.channel.as_ref()?;
            if *channel.session != *self.step.session.value {
                return None;
            }
            Some((channel.to_string(), words::arrival(&event.kind)?))
        })
    }

    /// `text` with the variables filled in: the case's cell, overlaid by what was captured until now.
    pub(super) fn fill(&self, text: &str) -> Result<String, FillError> {
        fill(text, |name| self.value_of(name))
    }

    fn value_of(&self, wanted: &str) -> Option<&'a str> {
        self.events
            .iter()
            .rev()
            .find_map(|event| match &event.kind {
                EventKind::Captured { name, value } if name == wanted => Some(value.as_str()),
                _ => None,
            })
            .or_else(|| self.cell.get(wanted))
    }
}

/// A wait for a reply that ended without one.
fn is_reply_missed(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::TimedOut {
            waited: Waited::Reply,
            ..
        } | EventKind::ActionFailed(
            ActionProblem::TimedOut {
                waited: Waited::Reply,
                ..
            } | ActionProblem::Closed { .. }
                | ActionProblem::NotConnected { .. }
        )
    )
}

/// Whether a command was sent that a data connection belongs to.
pub(super) fn is_transfer(kind: &EventKind) -> bool {
    match kind {
        EventKind::CommandSent { line, .. } => {
            let verb = line.split(' ').next().unwrap_or_default();
            verb.parse::<Verb>().is_ok_and(|verb| verb.is_transfer())
        }
        _ => false,
    }
}

/// Whether we sent something.
fn is_sent(kind: &EventKind) -> bool {
    matches!(
        kind,
        EventKind::AlertSent(_)
            | EventKind::CloseNotifySent
            | EventKind::CommandSent { .. }
            | EventKind::Connected { .. }
            | EventKind::DataSent { .. }
            | EventKind::FinSent
            | EventKind::HandshakeStarted { .. }
            | EventKind::ProbeSent { .. }
            | EventKind::RawSent { .. }
            | EventKind::RecordSent { .. }
            | EventKind::ResetSent
    )
}

/// Whether an event of `kind` is us sending on its channel, for telling cause from consequence.
pub(super) fn is_ours(kind: &EventKind) -> bool {
    is_sent(kind) && !matches!(kind, EventKind::Connected { .. })
}
