//! Transfer parameters: PORT, EPRT, PASV, EPSV, TYPE, STRU, MODE, ALLO, REST.
//!
//! RFC 959 section 4.1.2, RFC 2428 (EPRT and EPSV), RFC 3659 section 5 (REST), RFC 2577 section 3 (bounce attacks).

use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::argument::{SYNTAX, is_bare, word};
use crate::mock::Fault;
use crate::mock::data::{Route, RouteKind};
use crate::mock::session::{Level, Session, Step, TransferType};
use crate::trace::DataPath;
use crate::transport::Listener;
use crate::wire::command::Command;
use crate::wire::endpoint::{
    parse_eprt_argument, parse_epsv_argument, parse_port_argument, render_227, render_229,
};
use crate::wire::{EprtError, EpsvArgument};

/// Ports below this one are never connected to (RFC 2577 section 3).
const FIRST_PORT: u16 = 1024;
/// The largest restart marker, so that sums with file sizes cannot overflow.
const MARKER_LIMIT: u64 = i64::MAX as u64;

pub(super) async fn port(session: &mut Session, command: &Command) -> Step {
    if let Some((code, text)) = refusal(session, DataPath::Active) {
        return session.reply(code, text).await;
    }
    match parse_port_argument(command.argument.as_deref().unwrap_or_default()) {
        Ok(peer) => go_active(session, SocketAddr::V4(peer), DataPath::Active).await,
        Err(_) => session.reply(SYNTAX.0, SYNTAX.1).await,
    }
}

pub(super) async fn eprt(session: &mut Session, command: &Command) -> Step {
    if let Some((code, text)) = refusal(session, DataPath::ExtendedActive) {
        return session.reply(code, text).await;
    }
    match parse_eprt_argument(command.argument.as_deref().unwrap_or_default()) {
        Ok(peer) if peer.is_ipv4() == session.peer().is_ipv4() => {
            go_active(session, peer, DataPath::ExtendedActive).await
        }
        Ok(_) | Err(EprtError::UnknownProtocol(_)) => refuse_protocol(session).await,
        Err(_) => session.reply(SYNTAX.0, SYNTAX.1).await,
    }
}

async fn go_active(session: &mut Session, peer: SocketAddr, path: DataPath) -> Step {
    session.settings.route = None;
    let is_third_party = peer.ip() != session.peer();
    if is_third_party && !session.has(Fault::ConnectsToThirdParty) {
        return session.reply(504, "Not the address you come from.").await;
    }
    if peer.port() < FIRST_PORT {
        return session.reply(504, "Not a port below 1024.").await;
    }
    session.settings.route = Some(Route {
        kind: RouteKind::Active(peer),
        path,
        level: session.settings.level,
        older: None,
    });
    session.reply(200, "The next data connection goes there.").await
}

pub(super) async fn pasv(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    if let Some((code, text)) = refusal(session, DataPath::Passive) {
        return session.reply(code, text).await;
    }
    let IpAddr::V4(local) = session.link.local_address().ip() else {
        return session.reply(502, "PASV is for IPv4; use EPSV.").await;
    };
    let Some(port) = listen(session, DataPath::Passive) else {
        return session.reply(425, "No port is free.").await;
    };
    if session.has(Fault::AnswersPasvWithoutAddress) {
        return session.reply(227, "ok").await;
    }
    let shown = match session.shared.options.masquerade {
        _ if session.has(Fault::ShowsAnotherAddressIn227) => Ipv4Addr::new(127, 0, 0, 99),
        Some(masquerade) => masquerade,
        None => local,
    };
    let text = render_227(SocketAddrV4::new(shown, port));
    session.reply(227, &text).await
}

pub(super) async fn epsv(session: &mut Session, command: &Command) -> Step {
    let argument = match parse_epsv_argument(command.argument.as_deref()) {
        Ok(argument) => argument,
        Err(_) if session.has(Fault::IgnoresEpsvArgument) => EpsvArgument::None,
        Err(_) => return session.reply(SYNTAX.0, SYNTAX.1).await,
    };
    let is_ipv4 = session.peer().is_ipv4();
    match argument {
        EpsvArgument::All => {
            session.settings.is_epsv_only = true;
            return session.reply(200, "Only EPSV from now on.").await;
        }
        EpsvArgument::Unknown(_) if session.has(Fault::AcceptsUnknownEpsvProtocol) => {}
        EpsvArgument::Unknown(_) => return refuse_protocol(session).await,
        EpsvArgument::Ipv4 if !is_ipv4 => return refuse_protocol(session).await,
        EpsvArgument::Ipv6 if is_ipv4 => return refuse_protocol(session).await,
        EpsvArgument::Ipv4 | EpsvArgument::Ipv6 | EpsvArgument::None => {}
    }
    if let Some((code, text)) = refusal(session, DataPath::ExtendedPassive) {
        return session.reply(code, text).await;
    }
    match listen(session, DataPath::ExtendedPassive) {
        Some(port) if session.has(Fault::PutsAddressInto229) => {
            session
                .reply(229, &format!("Entering (|1|10.0.0.1|{port}|)"))
                .await
        }
        Some(port) => session.reply(229, &render_229(port)).await,
        None => session.reply(425, "No port is free.").await,
    }
}

/// Listens for the next data connection; the listener of before is closed.
fn listen(session: &mut Session, path: DataPath) -> Option<u16> {
    let older = session.settings.route.take();
    let local = match session.link.local_address().ip() {
        IpAddr::V6(_) if session.has(Fault::ListensOnIpv4ForEpsv) => Ipv4Addr::LOCALHOST.into(),
        local => local,
    };
    let address = SocketAddr::new(local, 0);
    let ports = if session.has(Fault::CountsPassivePortsUp) {
        let last = session.shared.last_port.load(Ordering::Relaxed);
        Some(last.saturating_add(1)..=u16::MAX)
    } else {
        session.shared.options.passive_ports.clone()
    };
    let listener = Listener::bind(address, ports).ok()?;
    let port = listener.local_address().port();
    session.shared.last_port.store(port, Ordering::Relaxed);
    session.settings.route = Some(Route {
        kind: RouteKind::Passive(Arc::new(listener)),
        path,
        level: session.settings.level,
        older: older_listener(session, older),
    });
    if session.has(Fault::AnnouncesClosedPort) {
        // With the route goes its listener.
        session.settings.route = None;
    }
    Some(port)
}

/// The listener of before, where a fault keeps it.
fn older_listener(session: &Session, older: Option<Route>) -> Option<Arc<Listener>> {
    match older?.kind {
        RouteKind::Passive(listener) if session.has(Fault::ServesOnOldListener) => Some(listener),
        RouteKind::Passive(_) | RouteKind::Active(_) => None,
    }
}

/// Why this kind of data connection is not to be had, whatever the argument.
fn refusal(session: &Session, path: DataPath) -> Option<(u16, &'static str)> {
    let is_active = matches!(path, DataPath::Active | DataPath::ExtendedActive);
    let is_epsv_only = session.settings.is_epsv_only && !session.has(Fault::IgnoresEpsvAll);
    if is_epsv_only && path != DataPath::ExtendedPassive {
        return Some((503, "Only EPSV after EPSV ALL."));
    }
    let is_tolerated = session.has(Fault::AcceptsPortWithoutActiveMode);
    if is_active && !session.shared.options.active_allowed && !is_tolerated {
        return Some((502, "Active mode is off."));
    }
    let is_early = session.settings.level == Level::Clear && session.has(Fault::RefusesPasvBeforeProt);
    is_early.then_some((550, "PROT P comes first."))
}

/// RFC 2428 section 2: the reply names what is possible.
async fn refuse_protocol(session: &mut Session) -> Step {
    let text = if session.peer().is_ipv4() {
        "Network protocol not supported, use (1)"
    } else {
        "Network protocol not supported, use (2)"
    };
    session.reply(522, text).await
}

pub(super) async fn transfer_type(session: &mut Session, command: &Command) -> Step {
    let argument = word(command);
    let words: Vec<&str> = argument.split_ascii_whitespace().collect();
    let (code, text, chosen) = match words.as_slice() {
        // Telnet format control means nothing to a file system (RFC 1123 section 4.1.2.2).
        ["A"] | ["A", "N" | "T"] => (200, "Type is A.", Some(TransferType::Ascii)),
        ["I"] | ["L", "8"] => (200, "Type is I.", Some(TransferType::Image)),
        ["A", "C"] | ["E"] | ["E", "N" | "T" | "C"] | ["L"] => (504, "Type not implemented.", None),
        ["L", bits] if bits.bytes().all(|byte| byte.is_ascii_digit()) => (504, "Type not implemented.", None),
        _ => (501, "Unknown type.", None),
    };
    if let Some(chosen) = chosen {
        session.settings.transfer_type = chosen;
    }
    session.reply(code, text).await
}

pub(super) async fn structure(session: &mut Session, command: &Command) -> Step {
    let (code, text) = match word(command).as_str() {
        "F" => (200, "Structure is F."),
        "R" | "P" => (504, "Structure not implemented."),
        _ => (501, "Unknown structure."),
    };
    session.reply(code, text).await
}

pub(super) async fn mode(session: &mut Session, command: &Command) -> Step {
    let (code, text) = match word(command).as_str() {
        "S" => (200, "Mode is S."),
        "B" | "C" => (504, "Mode not implemented."),
        _ => (501, "Unknown mode."),
    };
    session.reply(code, text).await
}

pub(super) async fn allo(session: &mut Session, command: &Command) -> Step {
    let argument = word(command);
    let words: Vec<&str> = argument.split_ascii_whitespace().collect();
    let bytes = match words.as_slice() {
        [bytes] => decimal(bytes),
        [bytes, "R", record] => decimal(record).and(decimal(bytes)),
        _ => None,
    };
    let Some(bytes) = bytes else {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    };
    session.settings.announced = Some(bytes);
    session.reply(200, "Noted.").await
}

pub(super) async fn rest(session: &mut Session, command: &Command) -> Step {
    let Some(marker) = decimal(&command.argument_text()).filter(|marker| *marker <= MARKER_LIMIT) else {
        return session.reply(501, "REST takes a number of bytes.").await;
    };
    if session.has(Fault::DropsListenerOnRest) {
        session.settings.route = None;
    }
    if marker > 0 || !session.has(Fault::IgnoresRest0) {
        session.settings.restart = (marker > 0).then_some(marker);
    }
    session
        .reply(350, &format!("The next transfer starts at {marker}."))
        .await
}

/// A number without sign, space or anything else around it.
fn decimal(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number)
}
