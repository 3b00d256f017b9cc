//! Links over loopback: every way to end, both directions in bulk, and what is recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::join;

use super::*;
use crate::base::{Masker, SystemClock, Timeline};
use crate::tls::tests::{BOTH, World, label, options};
use crate::tls::{ClientOptions, ServerOptions};
use crate::trace::{Channel, EventKind, HandshakeKind, Recorder, TlsVersion};

mod handshakes;

const SOON: Duration = Duration::from_secs(20);

fn recorder() -> Recorder {
    Recorder::new(Timeline::start(Arc::new(SystemClock::new())), Masker::default())
}

fn any_port() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

/// Two ends of a connection, each with its own recorder; data channels, so that bytes are recorded.
struct Ends {
    client: Link,
    server: Link,
    seen: Recorder,
}

impl Ends {
    async fn clear() -> Self {
        let listener = Listener::bind(any_port(), None).unwrap();
        let (seen, other) = (recorder(), recorder());
        let data = Channel::data("main", 1);
        let (client, server) = join!(
            Link::connect(
                listener.local_address(),
                None,
                None,
                SOON,
                data.clone(),
                seen.clone()
            ),
            listener.accept(None, Some(SOON), data.clone(), other),
        );
        Self {
            client: client.unwrap(),
            server: server.unwrap(),
            seen,
        }
    }

    async fn protected(version: TlsVersion) -> Self {
        let mut ends = Self::clear().await;
        let world = World::new();
        // No tickets in the way, they have tests of their own.
        let with = ServerOptions {
            tls13_tickets: Some(0),
            ..label(1)
        };
        let (context, server) = (world.client(), world.server());
        let options = options(version);
        let (client_side, server_side) = join!(
            ends.client.start_tls_client(&context, &options, SOON),
            ends.server.start_tls_server(&server, &with, &[], SOON),
        );
        client_side.unwrap();
        server_side.unwrap();
        ends
    }

    /// What the client recorded behind the handshake, by name.
    fn names(&self) -> Vec<&'static str> {
        let events = self.seen.events();
        let start = events.iter().position(|event| {
            matches!(
                event.kind,
                EventKind::HandshakeFinished(_) | EventKind::HandshakeFailed(_)
            )
        });
        let behind = events
            .get(start.map_or(0, |index| index + 1)..)
            .unwrap_or_default();
        behind
            .iter()
            .map(|event| name(&event.kind))
            .filter(|name| *name != "ticket")
            .collect()
    }
}

fn name(kind: &EventKind) -> &'static str {
    match kind {
        EventKind::Connected { .. } => "connected",
        EventKind::ConnectFailed { .. } => "connect failed",
        EventKind::HandshakeStarted { .. } => "handshake started",
        EventKind::HandshakeFinished(_) => "handshake finished",
        EventKind::HandshakeFailed(_) => "handshake failed",
        EventKind::TicketReceived(_) => "ticket",
        EventKind::AlertReceived(_) => "alert received",
        EventKind::AlertSent(_) => "alert sent",
        EventKind::CloseNotifySent => "close_notify sent",
        EventKind::CloseNotifyReceived => "close_notify received",
        EventKind::FinSent => "fin sent",
        EventKind::FinReceived => "fin received",
        EventKind::ResetSent => "reset sent",
        EventKind::ResetReceived => "reset received",
        EventKind::TlsViolated { .. } => "violated",
        EventKind::KeyUpdateReceived => "key update",
        EventKind::TlsStopped => "tls stopped",
        EventKind::DataSent { .. } => "data sent",
        EventKind::DataReceived { .. } => "data received",
        _ => "other",
    }
}

async fn next(link: &mut Link) -> Incoming {
    tokio::time::timeout(SOON, link.receive())
        .await
        .expect("nothing came")
}

/// Everything up to the end, bytes joined.
async fn all(link: &mut Link) -> Vec<Incoming> {
    let mut list: Vec<Incoming> = Vec::new();
    loop {
        match (next(link).await, list.last_mut()) {
            (Incoming::Bytes(more), Some(Incoming::Bytes(bytes))) => bytes.extend(more),
            (Incoming::Ticket, _) => {}
            (end @ (Incoming::Fin | Incoming::Reset), _) => {
                list.push(end);
                return list;
            }
            (incoming, _) => list.push(incoming),
        }
    }
}

fn bytes(text: &[u8]) -> Incoming {
    Incoming::Bytes(text.to_vec())
}

#[tokio::test]
async fn close_notify_and_fin_are_told_apart_from_fin_alone() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send(b"whole", SOON).await.unwrap();
        ends.server.send_close_notify(SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        let got = all(&mut ends.client).await;
        assert_eq!(got, [bytes(b"whole"), Incoming::CloseNotify, Incoming::Fin]);
        assert_eq!(next(&mut ends.client).await, Incoming::Fin);
        assert_eq!(
            ends.names(),
            ["data received", "close_notify received", "fin received"]
        );

        let mut ends = Ends::protected(version).await;
        ends.server.send(b"cut", SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        assert_eq!(all(&mut ends.client).await, [bytes(b"cut"), Incoming::Fin]);
        assert_eq!(ends.names(), ["data received", "fin received"]);
    }
}

#[tokio::test]
async fn a_reset_is_no_fin_and_is_recorded_once() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send(b"before", SOON).await.unwrap();
        assert_eq!(next(&mut ends.client).await, bytes(b"before"));
        ends.server.close(TcpClose::Reset);
        assert_eq!(next(&mut ends.client).await, Incoming::Reset);
        assert_eq!(next(&mut ends.client).await, Incoming::Reset);
        assert_eq!(next(&mut ends.server).await, Incoming::Reset);
        let error = ends.client.send(b"x", SOON).await.unwrap_err();
        assert_eq!(error.kind, LinkErrorKind::Closed);
        let error = ends.server.send(b"x", SOON).await.unwrap_err();
        assert_eq!(error.kind, LinkErrorKind::Closed);
        assert_eq!(ends.names(), ["data received", "reset received"]);
    }
}

#[tokio::test]
async fn a_peer_that_resets_while_we_send_is_noticed() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        let mut server = ends.server;
        let reset = async {
            next(&mut server).await;
            server.close(TcpClose::Reset);
        };
        let piece = vec![7; 1 << 20];
        let send = async {
            loop {
                if let Err(error) = ends.client.send(&piece, SOON).await {
                    return error;
                }
            }
        };
        let ((), error) = join!(reset, send);
        assert_eq!(error.kind, LinkErrorKind::Closed);
        assert_eq!(next(&mut ends.client).await, Incoming::Reset);
        let events = ends.seen.events();
        let resets = events
            .iter()
            .filter(|event| event.kind == EventKind::ResetReceived)
            .count();
        assert_eq!(resets, 1);
    }
}

#[tokio::test]
async fn what_came_before_a_reset_is_read_although_sending_noticed_it() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send(b"bye", SOON).await.unwrap();
        ends.server.close(TcpClose::Reset);
        let error = loop {
            if let Err(error) = ends.client.send(b"x", SOON).await {
                break error;
            }
        };
        assert_eq!(error.kind, LinkErrorKind::Closed);
        assert_eq!(all(&mut ends.client).await, [bytes(b"bye"), Incoming::Reset]);
        assert_eq!(
            ends.seen
                .events()
                .iter()
                .filter(|event| name(&event.kind) == "reset received")
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_set_up_error_is_not_held_against_the_peer() {
    let world = World::new();
    let mut ends = Ends::clear().await;
    let bad = ClientOptions {
        server_name: "not a name".to_owned(),
        ..options(TlsVersion::Tls13)
    };
    ends.client
        .start_tls_client(&world.client(), &bad, SOON)
        .await
        .unwrap_err();
    assert!(
        ends.seen
            .events()
            .iter()
            .any(|event| matches!(event.kind, EventKind::HarnessFailed { .. }))
    );
}

#[tokio::test]
async fn alerts_arrive_with_level_and_description() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send_alert(true, 80, SOON).await.unwrap();
        ends.server.send_alert(false, 90, SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        let alert = |fatal, description| Incoming::Alert { fatal, description };
        assert_eq!(
            all(&mut ends.client).await,
            [alert(true, 80), alert(false, 90), Incoming::Fin]
        );
        assert_eq!(ends.names(), ["alert received", "alert received", "fin received"]);
    }
}

#[tokio::test]
async fn a_fin_inside_a_record_is_a_violation() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send_half_record(&[7; 1000], SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        let got = all(&mut ends.client).await;
        let [Incoming::TlsViolation(reason), Incoming::Fin] = got.as_slice() else {
            panic!("{got:?}");
        };
        assert!(reason.starts_with("FIN inside a record"), "{reason}");
        assert_eq!(ends.names(), ["violated", "fin received"]);
    }
}

#[tokio::test]
async fn data_behind_close_notify_is_a_violation_and_still_read() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send_close_notify(SOON).await.unwrap();
        ends.server.send(b"late", SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        let violation = Incoming::TlsViolation("application data behind close_notify".to_owned());
        let got = all(&mut ends.client).await;
        assert_eq!(
            got,
            [Incoming::CloseNotify, violation, bytes(b"late"), Incoming::Fin]
        );
        assert_eq!(ends.client.violation_alert(), Some(10));
        let names = ends.names();
        assert_eq!(
            names,
            [
                "close_notify received",
                "data received",
                "violated",
                "fin received"
            ]
        );
    }
}

#[tokio::test]
async fn a_bad_record_is_a_violation_and_the_next_one_is_read() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send(b"one", SOON).await.unwrap();
        ends.server
            .send_records(b"twotwotwo", 3, true, SOON)
            .await
            .unwrap();
        ends.server.send(b"four", SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        let violation = Incoming::TlsViolation("bad record mac".to_owned());
        let got = all(&mut ends.client).await;
        assert_eq!(
            got,
            [bytes(b"onetwotwo"), violation, bytes(b"four"), Incoming::Fin]
        );
        assert_eq!(ends.client.violation_alert(), Some(20));
    }
}

#[tokio::test]
async fn empty_records_are_not_given_out() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send_records(b"", 10, false, SOON).await.unwrap();
        ends.server.send(b"x", SOON).await.unwrap();
        assert_eq!(next(&mut ends.client).await, bytes(b"x"));
    }
}

#[tokio::test]
async fn tls_can_be_stopped_with_clear_bytes_glued_behind_close_notify() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        let close = ends.server.seal_close_notify_for_test();
        let glued = [close.as_slice(), b"200 clear\r\n"].concat();
        ends.server.send_clear(&glued, SOON).await.unwrap();
        assert_eq!(next(&mut ends.client).await, Incoming::CloseNotify);
        ends.client.send_close_notify(SOON).await.unwrap();
        assert_eq!(next(&mut ends.server).await, Incoming::CloseNotify);
        ends.client.stop_tls();
        ends.server.stop_tls();
        assert!(!ends.client.is_protected());
        assert_eq!(next(&mut ends.client).await, bytes(b"200 clear\r\n"));
        ends.client.send(b"NOOP\r\n", SOON).await.unwrap();
        assert_eq!(next(&mut ends.server).await, bytes(b"NOOP\r\n"));
        let names = ends.names();
        assert_eq!(
            names,
            [
                "close_notify received",
                "close_notify sent",
                "tls stopped",
                "data received",
                "data sent"
            ]
        );
    }
}

#[tokio::test]
async fn clear_text_on_a_protected_link_is_a_violation_and_kept() {
    for version in BOTH {
        let mut ends = Ends::protected(version).await;
        ends.server.send_clear(b"421 Timeout\r\n", SOON).await.unwrap();
        let Incoming::TlsViolation(reason) = next(&mut ends.client).await else {
            panic!("no violation");
        };
        assert!(reason.contains("421 Timeout"), "{reason}");
        ends.server.send_clear(b"more", SOON).await.unwrap();
        ends.server.close(TcpClose::Fin);
        assert_eq!(next(&mut ends.client).await, Incoming::Fin);
        ends.client.stop_tls();
        assert_eq!(next(&mut ends.client).await, bytes(b"421 Timeout\r\nmore"));
    }
}

#[tokio::test]
async fn ten_megabytes_go_both_ways_at_once() {
    for version in BOTH {
        let Ends {
            mut client,
            mut server,
            seen,
        } = Ends::protected(version).await;
        let sent: Vec<u8> = (0..10_000_000_u32).map(|number| (number % 249) as u8).collect();
        for turn in 0..2 {
            let (from, to) = match turn {
                0 => (&mut client, &mut server),
                _ => (&mut server, &mut client),
            };
            let send = from.send(&sent, SOON);
            let receive = async {
                let mut received = Vec::new();
                while received.len() < sent.len() {
                    match next(to).await {
                        Incoming::Bytes(more) => received.extend(more),
                        other => panic!("{other:?}"),
                    }
                }
                received
            };
            let (outcome, received) = join!(send, receive);
            outcome.unwrap();
            assert!(received == sent, "the bytes differ");
        }
        let mut totals = (0, 0);
        for event in seen.events() {
            match event.kind {
                EventKind::DataSent {
                    bytes,
                    protected: true,
                } => totals.0 += bytes,
                EventKind::DataReceived {
                    bytes,
                    protected: true,
                } => totals.1 += bytes,
                _ => {}
            }
        }
        assert_eq!(totals, (10_000_000, 10_000_000));
    }
}

#[tokio::test]
async fn a_receive_that_is_dropped_loses_nothing() {
    for version in BOTH {
        let Ends {
            mut client,
            mut server,
            ..
        } = Ends::protected(version).await;
        let sent: Vec<u8> = (0..300_000_u32).map(|number| (number % 241) as u8).collect();
        let send = async {
            for piece in sent.chunks(777) {
                server.send(piece, SOON).await.unwrap();
                tokio::task::yield_now().await;
            }
            server.close(TcpClose::Fin);
        };
        let receive = async {
            let mut received = Vec::new();
            loop {
                // The other branch wins whenever the receive has to wait.
                let incoming = tokio::select! {
                    biased;
                    incoming = client.receive() => incoming,
                    () = tokio::task::yield_now() => continue,
                };
                match incoming {
                    Incoming::Bytes(more) => received.extend(more),
                    Incoming::Fin => return received,
                    other => panic!("{other:?}"),
                }
            }
        };
        let ((), received) = tokio::time::timeout(SOON, async { join!(send, receive) })
            .await
            .unwrap();
        assert!(received == sent, "the bytes differ");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_read_makes_sending_time_out_and_nothing_is_lost() {
    let Ends {
        mut client,
        mut server,
        ..
    } = Ends::protected(TlsVersion::Tls13).await;
    let piece = vec![9; 1 << 20];
    let mut sent = 0_usize;
    let error = loop {
        match client.send(&piece, Duration::from_millis(200)).await {
            Ok(()) => sent += piece.len(),
            Err(error) => break error,
        }
        assert!(sent < 1 << 30, "the kernel takes everything");
    };
    assert_eq!(error.kind, LinkErrorKind::TimedOut);
    let finish = async {
        client.send(b"end", SOON).await.unwrap();
        client.close(TcpClose::Fin);
    };
    let ((), got) = join!(finish, all(&mut server));
    let [Incoming::Bytes(received), Incoming::Fin] = got.as_slice() else {
        panic!("something else than bytes and FIN");
    };
    assert!(received.len() > sent && received.ends_with(b"end"));
}

#[tokio::test]
async fn key_updates_are_followed_on_both_sides() {
    let mut ends = Ends::protected(TlsVersion::Tls13).await;
    ends.server.send_key_update(true, SOON).await.unwrap();
    ends.server.send(b"new", SOON).await.unwrap();
    assert_eq!(next(&mut ends.client).await, bytes(b"new"));
    ends.client.send(b"answer", SOON).await.unwrap();
    assert_eq!(next(&mut ends.server).await, bytes(b"answer"));
    assert_eq!(ends.names(), ["key update", "data received", "data sent"]);
    let mut old = Ends::protected(TlsVersion::Tls12).await;
    assert!(old.client.send_key_update(false, SOON).await.is_err());
}

#[tokio::test]
async fn an_answer_to_a_key_update_goes_out_without_sending() {
    let mut ends = Ends::protected(TlsVersion::Tls13).await;
    ends.server.send_key_update(true, SOON).await.unwrap();
    ends.server.send(b"new", SOON).await.unwrap();
    ends.server.close(TcpClose::Fin);
    assert_eq!(all(&mut ends.client).await, [bytes(b"new"), Incoming::Fin]);
    ends.client.close(TcpClose::Fin);
    let other = all(&mut ends.server).await;
    assert_eq!(other, [Incoming::Fin]);
    assert_eq!(ends.server.events_for_test("key update"), 1);
}

#[tokio::test]
async fn sessions_and_tickets_arrive_and_resume_over_tcp() {
    let world = World::new();
    let (context, server) = (world.client(), world.server());
    for version in BOTH {
        let mut ends = Ends::clear().await;
        let plain = options(version);
        let with = label(5);
        let (client_side, server_side) = join!(
            ends.client.start_tls_client(&context, &plain, SOON),
            ends.server.start_tls_server(&server, &with, &[], SOON),
        );
        assert_eq!(client_side.unwrap().kind, HandshakeKind::Full);
        assert_eq!(server_side.unwrap().1, None);
        ends.server.send(b"x", SOON).await.unwrap();
        while next(&mut ends.client).await == Incoming::Ticket {}
        let sessions = ends.client.take_sessions();
        let events = ends.seen.events();
        let tickets = events
            .iter()
            .filter(|event| name(&event.kind) == "ticket")
            .count();
        let wanted = if version == TlsVersion::Tls13 { 2 } else { 1 };
        assert_eq!((sessions.len(), tickets), (wanted, wanted));

        let mut data = Ends::clear().await;
        let offering = ClientOptions {
            offer: sessions.first().cloned(),
            ..options(version)
        };
        let with = label(6);
        let (client_side, server_side) = join!(
            data.client.start_tls_client(&context, &offering, SOON),
            data.server.start_tls_server(&server, &with, &[], SOON),
        );
        assert_eq!(client_side.unwrap().kind, HandshakeKind::Resumed);
        assert_eq!(server_side.unwrap().1, Some(5));
        let started = data.seen.events().into_iter().find_map(|event| match event.kind {
            EventKind::HandshakeStarted { offered } => Some(offered),
            _ => None,
        });
        assert_eq!(started, Some(Some("data 1".to_owned())));
    }
}

impl Link {
    /// A sealed close_notify that the test sends together with other bytes.
    fn seal_close_notify_for_test(&mut self) -> Vec<u8> {
        match &mut self.protection {
            link::Protection::Tls(connection) => connection.seal_alert(false, 0).unwrap(),
            _ => panic!("not protected"),
        }
    }

    /// How many events of this name the link's recorder has.
    fn events_for_test(&self, wanted: &str) -> usize {
        let events = self.recorder.events();
        events.iter().filter(|event| name(&event.kind) == wanted).count()
    }
}
