//! What goes over a finished connection: data, alerts, bad records, KeyUpdate, clear bytes behind the end.

use super::*;
use crate::trace::AlertLevel;

fn finished(version: TlsVersion) -> Pair {
    let world = World::new();
    let mut pair = pair(&world.client(), &options(version), &world.server(), &label(1));
    sessions(&mut pair.client);
    pair
}

fn data(opened: Option<Opened>) -> Vec<u8> {
    match opened {
        Some(Opened::Data(data)) => data,
        other => panic!("expected data, got {other:?}"),
    }
}

fn violation(opened: Option<Opened>) -> (String, u8) {
    match opened {
        Some(Opened::Violation { reason, alert }) => (reason, alert),
        other => panic!("expected a violation, got {other:?}"),
    }
}

#[test]
fn data_goes_both_ways_in_records_of_any_size() {
    for version in BOTH {
        let mut pair = finished(version);
        let sent: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
        for size in [1000, 16_384, 1_000_000] {
            for turn in 0..2 {
                let (from, to) = match turn {
                    0 => (&mut pair.client, &mut pair.server),
                    _ => (&mut pair.server, &mut pair.client),
                };
                to.feed(&from.seal(&sent, size).unwrap());
                let mut received = Vec::new();
                while to.open_data(&mut received, 1 << 20) {}
                assert_eq!(received, sent);
                assert_eq!(to.unread(), 0);
            }
        }
    }
}

#[test]
fn empty_records_and_half_records_are_seen_as_such() {
    for version in BOTH {
        let mut pair = finished(version);
        pair.server.feed(&pair.client.seal(&[], 100).unwrap());
        assert_eq!(data(pair.server.open_next()), b"");
        let record = pair.client.seal(b"whole", 100).unwrap();
        let (first, second) = record.split_at(record.len() / 2);
        pair.server.feed(first);
        assert!(pair.server.open_next().is_none());
        assert_eq!(pair.server.unread(), first.len());
        pair.server.feed(second);
        assert_eq!(data(pair.server.open_next()), b"whole");
    }
}

#[test]
fn alerts_keep_level_and_description() {
    for version in BOTH {
        let mut pair = finished(version);
        let mut wire = pair.client.seal_alert(false, 90).unwrap();
        wire.extend(pair.client.seal_alert(true, 20).unwrap());
        wire.extend(pair.client.seal_alert(true, 0).unwrap());
        pair.server.feed(&wire);
        for (level, name) in [
            (AlertLevel::Warning, "user_canceled"),
            (AlertLevel::Fatal, "bad_record_mac"),
        ] {
            let Some(Opened::Alert(facts)) = pair.server.open_next() else {
                panic!("no alert");
            };
            assert_eq!((facts.level, facts.name.as_str()), (Some(level), name));
        }
        let Some(Opened::CloseNotify(facts)) = pair.server.open_next() else {
            panic!("no close_notify");
        };
        assert_eq!(facts.level, Some(AlertLevel::Fatal));
    }
}

#[test]
fn data_behind_close_notify_is_still_opened_and_clear_bytes_are_kept() {
    for version in BOTH {
        let mut pair = finished(version);
        let mut wire = pair.client.seal_alert(false, 0).unwrap();
        wire.extend(pair.client.seal(b"late", 100).unwrap());
        wire.extend(b"NOOP\r\n");
        pair.server.feed(&wire);
        assert!(matches!(pair.server.open_next(), Some(Opened::CloseNotify(_))));
        assert_eq!(data(pair.server.open_next()), b"late");
        let (reason, alert) = violation(pair.server.open_next());
        assert_eq!(
            (reason.as_str(), alert),
            ("bytes that are no TLS record: `NOOP\\r\\n`", 10)
        );
        assert!(pair.server.open_next().is_none());
        assert!(pair.server.is_dead());
        assert_eq!(pair.server.take_unread(), b"NOOP\r\n");
    }
}

#[test]
fn a_bad_record_is_told_and_can_be_skipped() {
    for version in BOTH {
        let mut pair = finished(version);
        let mut wire = pair.client.seal(b"one", 100).unwrap();
        let mut bad = pair.client.seal(b"two", 100).unwrap();
        *bad.last_mut().unwrap() ^= 1;
        wire.extend(bad);
        wire.extend(pair.client.seal(b"three", 100).unwrap());
        pair.server.feed(&wire);
        let mut received = Vec::new();
        assert!(pair.server.open_data(&mut received, 1000));
        assert_eq!(received, b"one");
        assert_eq!(
            violation(pair.server.open_next()),
            ("bad record mac".to_owned(), 20)
        );
        assert_eq!(data(pair.server.open_next()), b"three");
    }
}

#[test]
fn oversized_and_unknown_records_are_violations() {
    for version in BOTH {
        let mut pair = finished(version);
        pair.server.feed(&[23, 3, 3, 0xff, 0xff]);
        assert_eq!(violation(pair.server.open_next()).1, 22);
        let mut pair = finished(version);
        pair.server.feed(&[20, 3, 3, 0, 1, 1]);
        let (_, alert) = violation(pair.server.open_next());
        assert_eq!(alert, if version == TlsVersion::Tls13 { 10 } else { 20 });
        let mut pair = finished(version);
        pair.server.feed(&[21, 3, 3, 0, 2, 2, 40]);
        let (reason, _) = violation(pair.server.open_next());
        match version {
            TlsVersion::Tls13 => assert!(reason.contains("alert handshake_failure in clear"), "{reason}"),
            TlsVersion::Tls12 => assert_eq!(reason, "bad record mac"),
        }
    }
}

#[test]
fn key_updates_go_both_ways_and_are_answered() {
    let mut pair = finished(TlsVersion::Tls13);
    for request in [false, true] {
        for turn in 0..2 {
            let (from, to) = match turn {
                0 => (&mut pair.client, &mut pair.server),
                _ => (&mut pair.server, &mut pair.client),
            };
            let mut wire = from.seal_key_update(request).unwrap();
            wire.extend(from.seal(b"new key", 100).unwrap());
            to.feed(&wire);
            assert!(matches!(to.open_next(), Some(Opened::KeyUpdate)));
            assert_eq!(data(to.open_next()), b"new key");
            let mut answer = to.take_output();
            assert_eq!(answer.is_empty(), !request);
            answer.extend(to.seal(b"answer", 100).unwrap());
            from.feed(&answer);
            if request {
                assert!(matches!(from.open_next(), Some(Opened::KeyUpdate)));
            }
            assert_eq!(data(from.open_next()), b"answer");
            assert!(from.take_output().is_empty());
        }
    }
    let mut old = finished(TlsVersion::Tls12);
    assert!(old.client.seal_key_update(true).is_err());
}

#[test]
fn tickets_still_read_after_a_key_update() {
    let world = World::new();
    let server = world.server();
    let context = world.client();
    let mut pair = pair(&context, &options(TlsVersion::Tls13), &server, &label(1));
    let session = sessions(&mut pair.client).remove(0);
    pair.server.feed(&pair.client.seal_key_update(true).unwrap());
    assert!(matches!(pair.server.open_next(), Some(Opened::KeyUpdate)));
    pair.client.feed(&pair.server.take_output());
    assert!(matches!(pair.client.open_next(), Some(Opened::KeyUpdate)));
    let offering = ClientOptions {
        offer: Some(session),
        ..options(TlsVersion::Tls13)
    };
    let again = super::pair(&context, &offering, &server, &label(2));
    assert_eq!(again.label, Some(1));
}

#[test]
fn nothing_can_be_sealed_before_the_handshake_is_finished() {
    let world = World::new();
    let mut client = world
        .client()
        .connect(&options(TlsVersion::Tls13), &Channel::control("main"))
        .unwrap();
    assert!(client.seal(b"x", 10).is_err());
    assert!(client.seal_alert(true, 0).is_err());
    assert!(client.open_next().is_none());
}

#[test]
fn renegotiation_is_refused_with_a_warning() {
    let mut pair = finished(TlsVersion::Tls12);
    pair.client
        .feed(&pair.server.seal_any(22, &[0, 0, 0, 0]).unwrap());
    assert!(matches!(
        pair.client.open_next(),
        Some(Opened::RenegotiationRefused)
    ));
    pair.server.feed(&pair.client.take_output());
    let Some(Opened::Alert(facts)) = pair.server.open_next() else {
        panic!("no alert");
    };
    assert_eq!((facts.level, facts.description), (Some(AlertLevel::Warning), 100));
    let mut new = finished(TlsVersion::Tls13);
    new.client.feed(&new.server.seal_any(22, &[0, 0, 0, 0]).unwrap());
    assert_eq!(violation(new.client.open_next()).1, 10);
}

#[test]
fn messages_behind_the_handshake_may_be_cut_and_joined() {
    // A ticket message: lifetime, age, nonce, ticket, no extensions.
    let mut ticket = vec![4, 0, 0, 17];
    ticket.extend([0, 0, 0, 60, 1, 2, 3, 4, 1, 9, 0, 3, 7, 7, 7, 0, 0]);
    let mut pair = finished(TlsVersion::Tls13);
    let twice = [ticket.as_slice(), ticket.as_slice()].concat();
    let (first, second) = twice.split_at(30);
    pair.client.feed(&pair.server.seal_any(22, first).unwrap());
    let count = |opened: Option<Opened>| match opened {
        Some(Opened::Ticket(facts, Some(_))) => (facts.count, facts.lifetime, facts.bytes),
        other => panic!("expected a ticket, got {other:?}"),
    };
    assert_eq!(count(pair.client.open_next()), (3, Some(60), Some(17)));
    assert!(pair.client.open_next().is_none());
    pair.client.feed(&pair.server.seal_any(22, second).unwrap());
    assert_eq!(count(pair.client.open_next()), (4, Some(60), Some(17)));
}

#[test]
fn bad_messages_behind_the_handshake_are_violations() {
    for (content, alert) in [
        (&[4, 0, 0, 1, 0][..], 50),
        (&[24, 0, 0, 1, 2][..], 47),
        (&[24, 0, 0, 1, 0, 9, 0, 0, 0][..], 10),
        (&[99, 0, 0, 0][..], 10),
    ] {
        let mut pair = finished(TlsVersion::Tls13);
        pair.client.feed(&pair.server.seal_any(22, content).unwrap());
        assert_eq!(violation(pair.client.open_next()).1, alert, "{content:?}");
    }
    let mut pair = finished(TlsVersion::Tls13);
    pair.server
        .feed(&pair.client.seal_any(22, &[4, 0, 0, 0]).unwrap());
    assert_eq!(violation(pair.server.open_next()).1, 10);
    let mut pair = finished(TlsVersion::Tls13);
    pair.client.feed(&pair.server.seal_any(21, &[1]).unwrap());
    assert_eq!(violation(pair.client.open_next()).1, 50);
}

#[test]
fn a_message_that_never_ends_is_cut_off() {
    let mut pair = finished(TlsVersion::Tls12);
    let mut start = vec![0, 0xff, 0xff, 0xff];
    start.resize(16_000, 0);
    for _ in 0..8 {
        pair.client.feed(&pair.server.seal_any(22, &start).unwrap());
        assert!(pair.client.open_next().is_none());
    }
    pair.client.feed(&pair.server.seal_any(22, &start).unwrap());
    assert_eq!(violation(pair.client.open_next()).1, 50);
    assert!(pair.client.is_dead());
}
