//! Resumed handshakes: by id, ticket and key, chosen origin, labels, forgeries and the faults of a server.

use super::*;
use crate::tls::{OfferedSession, ServerFaults, SessionStore, Tls12Resumption};
use crate::trace::{HandshakeKind, ResumedBy};

fn offering(session: &Session, options: ClientOptions) -> ClientOptions {
    ClientOptions {
        offer: Some(session.clone()),
        ..options
    }
}

fn ids_only() -> ClientOptions {
    ClientOptions {
        tls12: Tls12Resumption::IdsOnly,
        ..options(TlsVersion::Tls12)
    }
}

#[test]
fn sessions_resume_by_id_ticket_and_key() {
    let world = World::new();
    for (options, by) in [
        (ids_only(), ResumedBy::SessionId),
        (options(TlsVersion::Tls12), ResumedBy::Ticket),
        (options(TlsVersion::Tls13), ResumedBy::Psk),
    ] {
        let (context, server) = (world.client(), world.server());
        let mut first = pair(&context, &options, &server, &label(11));
        let ticket = first.client.take_handshake_ticket();
        assert_eq!(ticket.is_some(), by == ResumedBy::Ticket);
        if let Some(ticket) = ticket {
            assert_eq!(
                (ticket.lifetime, ticket.bytes, ticket.count),
                (Some(7200), Some(48), 1)
            );
        }
        let sessions = sessions(&mut first.client);
        assert_eq!(sessions.len(), if by == ResumedBy::Psk { 2 } else { 1 });
        let second = pair(&context, &offering(&sessions[0], options), &server, &label(12));
        for facts in [&second.client_facts, &second.server_facts] {
            assert_eq!(facts.kind, HandshakeKind::Resumed);
            assert_eq!(facts.by, Some(by));
            assert!(facts.chain.is_empty());
        }
        assert_eq!(second.client_facts.session_of.as_deref(), Some("control"));
        assert_eq!(second.server_facts.session_of, None);
        assert_eq!(second.label, Some(11));
    }
}

#[test]
fn one_session_can_be_offered_three_times() {
    let world = World::new();
    for version in BOTH {
        let (context, server) = (world.client(), world.server());
        let mut first = pair(&context, &options(version), &server, &label(1));
        let session = sessions(&mut first.client).remove(0);
        drop(first);
        for _ in 0..3 {
            let again = pair(
                &context,
                &offering(&session, options(version)),
                &server,
                &label(2),
            );
            assert_eq!(again.client_facts.kind, HandshakeKind::Resumed);
            assert_eq!(again.label, Some(1));
        }
    }
}

#[test]
fn single_use_sessions_resume_once() {
    let mut world = World::new();
    world.policy.single_use_sessions = true;
    for version in BOTH {
        let (context, server) = (world.client(), world.server());
        let mut first = pair(&context, &options(version), &server, &label(1));
        let session = sessions(&mut first.client).remove(0);
        let kinds: Vec<HandshakeKind> = (0..2)
            .map(|_| {
                let again = pair(
                    &context,
                    &offering(&session, options(version)),
                    &server,
                    &label(2),
                );
                again.server_facts.kind
            })
            .collect();
        assert_eq!(kinds, [HandshakeKind::Resumed, HandshakeKind::Full]);
    }
}

#[test]
fn a_data_connection_gets_sessions_of_its_own_and_the_label_follows_the_session() {
    let world = World::new();
    let (context, server) = (world.client(), world.server());
    let mut control = pair(&context, &options(TlsVersion::Tls13), &server, &label(1));
    let store = SessionStore::default();
    for session in sessions(&mut control.client) {
        store.put(session);
    }
    let newest = store.newest_of_control().unwrap();
    assert_eq!(
        (
            newest.origin().number,
            store.first_of_control().unwrap().origin().number
        ),
        (2, 1)
    );
    assert!(store.newest_of_data().is_none());

    let data = Channel::data("main", 1);
    let mut client = context
        .connect(&offering(&newest, options(TlsVersion::Tls13)), &data)
        .unwrap();
    let mut accepted = server.accept(&label(2)).unwrap();
    let (client_side, server_side) = shake(&mut client, &mut accepted);
    assert_eq!(client_side.unwrap().kind, HandshakeKind::Resumed);
    assert_eq!(server_side.unwrap().1, Some(1));
    for session in sessions(&mut client) {
        store.put(session);
    }
    let chained = store.newest_of_data().unwrap();
    assert_eq!(chained.origin().channel, data);
    let third = pair(
        &context,
        &offering(&chained, options(TlsVersion::Tls13)),
        &server,
        &label(3),
    );
    assert_eq!(third.client_facts.session_of.as_deref(), Some("data 1"));
    assert_eq!(third.label, Some(2));
}

#[test]
fn a_session_of_another_login_can_be_offered() {
    let world = World::new();
    for version in BOTH {
        let server = world.server();
        let mut first = pair(&world.client(), &options(version), &server, &label(1));
        let session = sessions(&mut first.client).remove(0);
        let stranger = ClientContext::new(&world.trust(true), None, None).unwrap();
        let second = pair(
            &stranger,
            &offering(&session, options(version)),
            &server,
            &label(2),
        );
        assert_eq!(second.label, Some(1));
    }
}

#[test]
fn servers_that_do_not_resume_do_a_full_handshake() {
    let mut world = World::new();
    for version in BOTH {
        world.policy.resumption = true;
        let (context, server) = (world.client(), world.server());
        let mut first = pair(&context, &options(version), &server, &label(1));
        let session = sessions(&mut first.client).remove(0);
        let never = ServerOptions {
            never_resume: true,
            ..label(2)
        };
        let offering = offering(&session, options(version));
        let full = pair(&context, &offering, &server, &never);
        assert_eq!(full.client_facts.kind, HandshakeKind::Full);
        assert_eq!(full.client_facts.session_of.as_deref(), Some("control"));
        assert_eq!((full.label, full.client_facts.by), (None, None));
        server.forget_sessions();
        let forgotten = pair(&context, &offering, &server, &label(3));
        assert_eq!(forgotten.server_facts.kind, HandshakeKind::Full);

        world.policy.resumption = false;
        let mut without = pair(&context, &options(version), &world.server(), &label(1));
        assert!(sessions(&mut without.client).is_empty());
        assert_eq!(without.client.take_handshake_ticket(), None);
    }
}

#[test]
fn the_number_of_tickets_is_what_was_asked_for() {
    let world = World::new();
    for count in [0, 1, 5] {
        let with = ServerOptions {
            tls13_tickets: Some(count),
            ..label(1)
        };
        let mut made = pair(
            &world.client(),
            &options(TlsVersion::Tls13),
            &world.server(),
            &with,
        );
        assert_eq!(sessions(&mut made.client).len(), count);
    }
}

#[test]
fn a_forged_ticket_leads_to_a_full_handshake_and_with_the_fault_it_resumes() {
    let world = World::new();
    let (context, server) = (world.client(), world.server());
    let mut first = pair(&context, &options(TlsVersion::Tls13), &server, &label(1));
    let forged = sessions(&mut first.client)[0].forged().unwrap();
    let offering = offering(&forged, options(TlsVersion::Tls13));
    let refused = pair(&context, &offering, &server, &label(2));
    assert_eq!(refused.client_facts.kind, HandshakeKind::Full);
    let careless = ServerOptions {
        faults: ServerFaults {
            resumes_forged_tickets: true,
            ..ServerFaults::default()
        },
        ..label(3)
    };
    let resumed = pair(&context, &offering, &server, &careless);
    assert_eq!(resumed.client_facts.kind, HandshakeKind::Resumed);
    assert_eq!(resumed.label, Some(1));

    let mut old = pair(&context, &options(TlsVersion::Tls12), &server, &label(1));
    assert!(sessions(&mut old.client)[0].forged().is_none());
}

#[test]
fn early_data_is_sent_whatever_the_ticket_allows_and_with_the_fault_it_is_taken() {
    let world = World::new();
    for early_data in [None, Some(16_384)] {
        let (context, server) = (world.client(), world.server());
        let with = ServerOptions {
            faults: ServerFaults {
                early_data,
                ..ServerFaults::default()
            },
            ..label(1)
        };
        let mut first = pair(&context, &options(TlsVersion::Tls13), &server, &with);
        let early = ClientOptions {
            early_data: b"too early".to_vec(),
            ..offering(&sessions(&mut first.client)[0], options(TlsVersion::Tls13))
        };
        let mut client = context.connect(&early, &Channel::control("main")).unwrap();
        let hello = client.take_output();
        // Behind the ClientHello, and perhaps ChangeCipherSpec, stands a record of application data.
        assert!(records(&hello).contains(&23), "{:?}", records(&hello));
        let mut server = server.accept(&with).unwrap();
        let _ = server.handshake(&hello);
        let _ = client.handshake(&server.take_output());
        let _ = server.handshake(&client.take_output());
        let taken = matches!(server.open_next(), Some(Opened::Data(bytes)) if bytes == b"too early");
        assert_eq!(taken, early_data.is_some());
    }
}

/// The types of the records in `bytes`.
fn records(bytes: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    let mut rest = bytes;
    while let [kind, _, _, high, low, behind @ ..] = rest {
        types.push(*kind);
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        rest = behind.get(length..).unwrap_or_default();
    }
    types
}

#[test]
fn another_server_name_prevents_resumption_unless_the_fault_allows_it() {
    let world = World::new();
    for version in BOTH {
        let (context, server) = (world.client(), world.server());
        let mut first = pair(&context, &options(version), &server, &label(1));
        let session = sessions(&mut first.client).remove(0);
        let careless = ServerOptions {
            faults: ServerFaults {
                resumes_across_names: true,
                ..ServerFaults::default()
            },
            ..label(3)
        };
        for (name, send_sni) in [("other.example", true), ("localhost", false)] {
            let elsewhere = ClientOptions {
                server_name: name.to_owned(),
                send_sni,
                ..offering(&session, options(version))
            };
            let refused = pair(&context, &elsewhere, &server, &label(2));
            assert_eq!(refused.server_facts.kind, HandshakeKind::Full, "{name}");
            let resumed = pair(&context, &elsewhere, &server, &careless);
            assert_eq!(resumed.server_facts.kind, HandshakeKind::Resumed, "{name}");
        }
    }
}

#[test]
fn a_ticket_lifetime_can_be_announced() {
    let world = World::new();
    let with = ServerOptions {
        faults: ServerFaults {
            ticket_lifetime: Some(1_000_000),
            ..ServerFaults::default()
        },
        ..label(1)
    };
    let mut old = pair(
        &world.client(),
        &options(TlsVersion::Tls12),
        &world.server(),
        &with,
    );
    assert_eq!(
        old.client.take_handshake_ticket().unwrap().lifetime,
        Some(1_000_000)
    );
    let mut new = pair(
        &world.client(),
        &options(TlsVersion::Tls13),
        &world.server(),
        &with,
    );
    for count in 1..=2 {
        let Some(Opened::Ticket(facts, Some(_))) = new.client.open_next() else {
            panic!("no ticket");
        };
        assert_eq!((facts.lifetime, facts.count), (Some(1_000_000), count));
    }
}

#[test]
fn a_server_can_abort_when_a_session_is_offered() {
    let world = World::new();
    let ways = [
        (
            ids_only(),
            OfferedSession {
                session_id: true,
                ..OfferedSession::default()
            },
        ),
        (
            options(TlsVersion::Tls12),
            OfferedSession {
                tls12_ticket: true,
                ..OfferedSession::default()
            },
        ),
        (
            options(TlsVersion::Tls13),
            OfferedSession {
                psk: true,
                ..OfferedSession::default()
            },
        ),
    ];
    for (own, (client_options, _)) in ways.iter().enumerate() {
        for (fault, (_, abort_when_offered)) in ways.iter().enumerate() {
            let (context, server) = (world.client(), world.server());
            let with = ServerOptions {
                faults: ServerFaults {
                    abort_when_offered: *abort_when_offered,
                    ..ServerFaults::default()
                },
                ..label(1)
            };
            let mut first = pair(&context, client_options, &server, &with);
            let session = sessions(&mut first.client).remove(0);
            let offering = offering(&session, client_options.clone());
            let mut client = context.connect(&offering, &Channel::data("main", 1)).unwrap();
            let mut accepted = server.accept(&with).unwrap();
            let (client_side, _) = shake(&mut client, &mut accepted);
            match own == fault {
                true => assert_eq!(client_side.unwrap_err().alert.unwrap().name, "handshake_failure"),
                false => assert_eq!(client_side.unwrap().kind, HandshakeKind::Resumed),
            }
        }
    }
}

#[test]
fn a_session_of_another_version_is_not_offered() {
    let world = World::new();
    let (context, server) = (world.client(), world.server());
    for (made, used) in [
        (TlsVersion::Tls12, TlsVersion::Tls13),
        (TlsVersion::Tls13, TlsVersion::Tls12),
    ] {
        let mut first = pair(&context, &options(made), &server, &label(1));
        let session = sessions(&mut first.client).remove(0);
        let second = pair(&context, &offering(&session, options(used)), &server, &label(2));
        assert_eq!(second.client_facts.session_of, None);
        assert_eq!(second.client_facts.kind, HandshakeKind::Full);
        let both = ClientOptions {
            versions: Vec::new(),
            ..offering(&session, options(used))
        };
        let third = pair(&context, &both, &server, &label(3));
        // The server prefers TLS 1.3, whatever is offered.
        let resumed = made == TlsVersion::Tls13;
        assert_eq!(third.label, resumed.then_some(1));
    }
}

#[test]
fn the_store_is_bounded_and_keeps_the_first_of_control() {
    let world = World::new();
    let (context, server) = (world.client(), world.server());
    let mut control = pair(&context, &options(TlsVersion::Tls13), &server, &label(1));
    let store = SessionStore::default();
    assert!(store.is_empty());
    let received = sessions(&mut control.client);
    store.put(received[0].clone());
    for _ in 0..1000 {
        store.put(received[1].clone());
    }
    assert!(store.len() <= 256);
    assert_eq!(store.first_of_control().unwrap().origin().number, 1);
    assert_eq!(store.newest_of_control().unwrap().origin().number, 2);
}
