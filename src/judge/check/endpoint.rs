//! `endpoint` checks: where data connections come from, and where 227 and 229 lead.
//!
//! RFC 1123 sections 4.1.2.6 and 4.1.2.12, RFC 959 section 5.2, RFC 2577 section 8. Addresses are those of the trace.

use std::net::{IpAddr, SocketAddr};

use super::super::view::View;
use super::super::words;
use super::{Account, CheckResult, no_data_connection};
use crate::scenario::model::EndpointPattern;
use crate::trace::{Channel, EventKind};
use crate::wire::endpoint::{parse_227, parse_229};

/// How many ports it takes to tell an order from chance. Of `n` random ones, `2 (2^n - n) / n!` of all orders rise or fall
/// throughout with at most one turn: 1 in 60,000 for twelve, 1 in 160 million for the sixteen that the scenario asks for.
const SAMPLE: usize = 12;

pub(super) fn judge(view: &View<'_>, pattern: EndpointPattern) -> CheckResult {
    match pattern {
        EndpointPattern::OwnAddress => own_address(view),
        EndpointPattern::PortBelowControl => port_below_control(view),
        EndpointPattern::NoSequence => no_sequence(view),
    }
}

fn own_address(view: &View<'_>) -> CheckResult {
    let expected = "the address of the control connection".to_owned();
    let Some(own) = peer_of(view, &view.control()).map(|(_, peer)| peer.ip()) else {
        return unknown(view, expected, "the control connection was never open");
    };
    // A 227 of this step, else the peer of the data connection.
    let named = named_endpoints(view).rfind(|(event, _, _)| view.in_step().any(|(at, _)| at == *event));
    let seen = match named {
        Some((event, Some(address), _)) => Some((event, address)),
        Some((_, None, _)) | None => view
            .current_data()
            .and_then(|data| peer_of(view, &data))
            .map(|(event, peer)| (event, peer.ip())),
    };
    match seen {
        None => CheckResult::Broken(no_data_connection(view, expected)),
        Some((_, address)) if address == own => CheckResult::Held,
        Some((event, address)) => CheckResult::Broken(Account {
            message: format!("used the address {address} for data, and {own} for the control connection"),
            expected: own.to_string(),
            observed: address.to_string(),
            event,
            nothing: false,
        }),
    }
}

fn port_below_control(view: &View<'_>) -> CheckResult {
    let expected = "the port below that of the control connection".to_owned();
    let Some((_, control)) = peer_of(view, &view.control()) else {
        return unknown(view, expected, "the control connection was never open");
    };
    let wanted = control.port().saturating_sub(1);
    match view.current_data().and_then(|data| peer_of(view, &data)) {
        None => CheckResult::Broken(no_data_connection(view, expected)),
        Some((_, data)) if data.port() == wanted => CheckResult::Held,
        Some((event, data)) => CheckResult::Broken(Account {
            message: format!("connected from port {}", data.port()),
            expected: format!("port {wanted}"),
            observed: format!("port {}", data.port()),
            event,
            nothing: false,
        }),
    }
}

fn no_sequence(view: &View<'_>) -> CheckResult {
    let expected = "ports without an order".to_owned();
    let ports: Vec<(usize, u16)> = named_endpoints(view)
        .map(|(event, _, port)| (event, port))
        .collect();
    if ports.len() < SAMPLE {
        let observed = format!("{} only", words::count(ports.len() as u64, "port"));
        return unknown(view, expected, &observed);
    }
    let order: Vec<u16> = ports.iter().map(|(_, port)| *port).collect();
    match sequence(&order) {
        None => CheckResult::Held,
        Some(kind) => {
            let shown: Vec<String> = order.iter().map(ToString::to_string).collect();
            CheckResult::Broken(Account {
                message: format!("named passive ports that {kind}"),
                expected,
                observed: shown.join(", "),
                event: ports.last().map_or(view.last(), |(event, _)| *event),
                nothing: false,
            })
        }
    }
}

/// The order that `ports` are in. A sequence that starts again once, at the end of its range, is one all the same.
fn sequence(ports: &[u16]) -> Option<&'static str> {
    let steps: Vec<i32> = ports
        .windows(2)
        .filter_map(|pair| match pair {
            [first, second] => Some(i32::from(*second) - i32::from(*first)),
            _ => None,
        })
        .collect();
    let against = |is_step: &dyn Fn(&i32) -> bool| steps.iter().filter(|step| !is_step(step)).count();
    if against(&|step| *step == 0) == 0 {
        Some("are all the same")
    } else if against(&|step| *step > 0) <= 1 {
        Some("rise")
    } else if against(&|step| *step < 0) <= 1 {
        Some("fall")
    } else {
        None
    }
}

/// Every 227 and 229 on the control connection: position, the address where there is one, and the port.
fn named_endpoints<'a>(
    view: &'a View<'_>,
) -> impl DoubleEndedIterator<Item = (usize, Option<IpAddr>, u16)> + 'a {
    let control = view.control();
    view.all_from(0).filter_map(move |(position, event)| {
        let EventKind::ReplyReceived { code, lines, .. } = &event.kind else {
            return None;
        };
        if event.channel.as_ref() != Some(&control) {
            return None;
        }
        let text = lines.join(" ");
        match code.value() {
            227 => parse_227(&text)
                .ok()
                .map(|at| (position, Some(IpAddr::V4(*at.ip())), at.port())),
            229 => parse_229(&text).ok().map(|port| (position, None, port)),
            _ => None,
        }
    })
}

/// The peer of the last connection on `channel`, and where the trace says so.
fn peer_of(view: &View<'_>, channel: &Channel) -> Option<(usize, SocketAddr)> {
    view.all_from(0)
        .rev()
        .find_map(|(position, event)| match &event.kind {
            EventKind::Connected { peer, .. } if event.channel.as_ref() == Some(channel) => {
                peer.parse().ok().map(|peer| (position, peer))
            }
            _ => None,
        })
}

fn unknown(view: &View<'_>, expected: String, observed: &str) -> CheckResult {
    CheckResult::Unjudged(Account {
        message: "gave no endpoint that could be judged".to_owned(),
        expected,
        observed: observed.to_owned(),
        event: view.last(),
        nothing: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_from_chance() {
        let up: Vec<u16> = (0..16).map(|n| 50_000 + n * 3).collect();
        assert_eq!(sequence(&up), Some("rise"));
        let mut wrapped = up.clone();
        wrapped.rotate_left(5);
        assert_eq!(sequence(&wrapped), Some("rise"));
        let down: Vec<u16> = up.iter().rev().copied().collect();
        assert_eq!(sequence(&down), Some("fall"));
        assert_eq!(sequence(&[2121; 16]), Some("are all the same"));
        let mixed = [5, 9, 2, 7, 1, 8, 3, 6, 4, 10, 0, 11];
        assert_eq!(sequence(&mixed), None);
    }
}
