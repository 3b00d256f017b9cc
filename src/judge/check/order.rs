//! `order` checks: milestones of the current data connection and its control connection, in this order.

use super::super::view::{View, is_transfer};
use super::super::words;
use super::{Account, CheckResult, no_data_connection};
use crate::scenario::model::Milestone;
use crate::trace::{Channel, Event, EventKind};
use crate::wire::reply::ReplyClass;

pub(super) fn judge(view: &View<'_>, milestones: &[Milestone]) -> CheckResult {
    let expected = format!("this order: {}", list(milestones));
    let Some(data) = view.current_data() else {
        return CheckResult::Broken(no_data_connection(view, expected));
    };
    let Some(window) = Window::of(view, data) else {
        return CheckResult::Broken(no_data_connection(view, expected));
    };
    let positions: Vec<(Milestone, Option<usize>)> = milestones
        .iter()
        .map(|milestone| (*milestone, window.first(view, *milestone)))
        .collect();
    let mut previous = None;
    for (milestone, position) in &positions {
        let in_order = position.is_some_and(|position| previous.is_none_or(|previous| previous < position));
        if !in_order {
            let message = match position {
                Some(_) => "did things on the data connection in another order".to_owned(),
                None => format!(
                    "left out a step of the transfer: {}",
                    words::milestone(*milestone)
                ),
            };
            return CheckResult::Broken(Account {
                message,
                expected,
                observed: observed(&positions),
                event: position.unwrap_or(view.last()),
                nothing: false,
            });
        }
        previous = *position;
    }
    CheckResult::Held
}

fn list(milestones: &[Milestone]) -> String {
    milestones
        .iter()
        .map(|milestone| words::milestone(*milestone))
        .collect::<Vec<_>>()
        .join(", ")
}

fn observed(positions: &[(Milestone, Option<usize>)]) -> String {
    let mut seen: Vec<(usize, Milestone)> = positions
        .iter()
        .filter_map(|(milestone, position)| position.map(|at| (at, *milestone)))
        .collect();
    seen.sort_by_key(|(position, _)| *position);
    let order: Vec<Milestone> = seen.into_iter().map(|(_, milestone)| milestone).collect();
    let missing: Vec<String> = positions
        .iter()
        .filter(|(_, position)| position.is_none())
        .map(|(milestone, _)| format!("no {}", words::milestone(*milestone)))
        .collect();
    match (order.is_empty(), missing.is_empty()) {
        (false, true) => list(&order),
        (false, false) => format!("{}; {}", list(&order), missing.join(", ")),
        (true, _) => missing.join(", "),
    }
}

/// The part of the trace that belongs to one data connection.
struct Window {
    data: Channel,
    control: Channel,
    /// Where the data connection came up: the listening socket of an active one, else the TCP connection.
    start: usize,
    /// The transfer command, where replies to it begin.
    command: usize,
}

impl Window {
    fn of(view: &View<'_>, data: Channel) -> Option<Self> {
        let connected = view.opened(&data)?;
        let start = view
            .all_from(0)
            .take(connected)
            .filter(|(_, event)| event.channel.as_ref() == Some(&data))
            .find(|(_, event)| matches!(event.kind, EventKind::Listening { .. }))
            .map_or(connected, |(position, _)| position);
        let control = view.control();
        let command = view
            .all_from(start)
            .find(|(_, event)| event.channel.as_ref() == Some(&control) && is_transfer(&event.kind))
            .map_or(start, |(position, _)| position);
        Some(Self {
            data,
            control,
            start,
            command,
        })
    }

    fn first(&self, view: &View<'_>, milestone: Milestone) -> Option<usize> {
        let class = |event: &Event, wanted: ReplyClass| {
            event.channel.as_ref() == Some(&self.control)
                && matches!(&event.kind, EventKind::ReplyReceived { code, .. } if code.class() == wanted)
        };
        let on_data = |event: &Event| event.channel.as_ref() == Some(&self.data);
        view.all_from(self.start)
            .find(|(position, event)| match milestone {
                Milestone::Connected => on_data(event) && matches!(event.kind, EventKind::Connected { .. }),
                Milestone::PreliminaryReply => {
                    *position >= self.command && class(event, ReplyClass::Preliminary)
                }
                Milestone::CompletionReply => {
                    *position >= self.command && class(event, ReplyClass::Completion)
                }
                Milestone::Handshake => {
                    on_data(event) && matches!(event.kind, EventKind::HandshakeFinished(_))
                }
                Milestone::Data => {
                    on_data(event)
                        && matches!(
                            event.kind,
                            EventKind::DataReceived { .. } | EventKind::DataSent { .. }
                        )
                }
                Milestone::CloseNotify => {
                    on_data(event) && matches!(event.kind, EventKind::CloseNotifyReceived)
                }
                Milestone::Fin => on_data(event) && matches!(event.kind, EventKind::FinReceived),
            })
            .map(|(position, _)| position)
    }
}
