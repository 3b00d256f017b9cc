//! Full handshakes: facts, certificates, refusals.

use std::sync::{Arc, Mutex};

use super::*;
use crate::trace::{AlertLevel, HandshakeKind};
use crate::wire::tls_record::group_by_name;

fn refused(
    world: &World,
    context: &ClientContext,
    options: &ClientOptions,
) -> (HandshakeFailure, HandshakeFailure) {
    let mut client = context.connect(options, &Channel::control("main")).unwrap();
    let mut server = world.server().accept(&label(1)).unwrap();
    let (client, server) = shake(&mut client, &mut server);
    (client.unwrap_err(), server.unwrap_err())
}

#[test]
fn a_full_handshake_tells_its_facts_on_both_sides() {
    let mut world = World::new();
    world.policy.alpn = vec![b"ftp".to_vec()];
    for version in BOTH {
        let options = ClientOptions {
            alpn: vec![b"ftp".to_vec()],
            ..options(version)
        };
        let pair = pair(&world.client(), &options, &world.server(), &label(7));
        for facts in [&pair.client_facts, &pair.server_facts] {
            assert_eq!(facts.version, version);
            assert_eq!(facts.kind, HandshakeKind::Full);
            assert_eq!(facts.by, None);
            assert_eq!(facts.alpn.as_deref(), Some("ftp"));
            assert_eq!(facts.sni.as_deref(), Some("localhost"));
            assert!(!facts.retried);
            assert!(facts.suite.starts_with("TLS_"), "{}", facts.suite);
            assert!(group_by_name(facts.group.as_deref().unwrap()).is_some());
            assert_eq!(facts.certificate_problem, None);
        }
        assert_eq!(pair.label, None);
        assert_eq!(pair.client_facts.chain.len(), 1);
        let certificate = &pair.client_facts.chain[0];
        assert_eq!(certificate.names, ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(certificate.key, "ecdsa-p256");
        assert_eq!(certificate.subject, "CN=localhost");
        assert_eq!(certificate.issuer, "CN=ftpspec authority");
        assert_eq!(certificate.sha256.len(), 64);
        assert!(certificate.not_before < certificate.not_after);
        assert!(pair.server_facts.chain.is_empty());
        let extended = pair.client_facts.extended_master_secret;
        assert_eq!(extended, (version == TlsVersion::Tls12).then_some(true));
    }
}

#[test]
fn every_key_algorithm_is_named() {
    for (name, key) in [
        ("rsa", "rsa-2048"),
        ("p384", "ecdsa-p384"),
        ("p521", "ecdsa-p521"),
        ("ed25519", "ed25519"),
    ] {
        let world = World::with(name);
        let pair = pair(
            &world.client(),
            &options(TlsVersion::Tls13),
            &world.server(),
            &label(1),
        );
        assert_eq!(pair.client_facts.chain[0].key, key);
        assert_eq!(pair.client_facts.certificate_problem, None, "{name}");
    }
}

#[test]
fn a_bad_certificate_is_recorded_or_enforced() {
    for (name, problem, alert) in [
        ("expired", "certificate expired", 45),
        ("not-yet-valid", "certificate not yet valid", 45),
        ("wrong-name", "certificate not valid for the name `localhost`", 42),
        (
            "common-name-only",
            "certificate not valid for the name `localhost`",
            42,
        ),
        ("self-signed", "unknown issuer", 48),
        ("missing-intermediate", "unknown issuer", 48),
        ("other-ca", "unknown issuer", 48),
        ("wrong-purpose", "certificate not meant for this purpose", 43),
        ("ca-as-leaf", "bad certificate", 46),
    ] {
        let world = World::with(name);
        for version in BOTH {
            let pair = pair(&world.client(), &options(version), &world.server(), &label(1));
            let recorded = pair.client_facts.certificate_problem.unwrap_or_default();
            assert!(recorded.starts_with(problem), "{name}: {recorded}");
            let enforcing = ClientContext::new(&world.trust(true), None, None).unwrap();
            let (client, server) = refused(&world, &enforcing, &options(version));
            assert!(client.reason.starts_with(problem), "{name}: {}", client.reason);
            assert_eq!(client.alert, None);
            let got = server.alert.unwrap();
            assert_eq!(got.description, alert, "{name}: {}", got.name);
        }
    }
    for name in ["valid", "with-intermediate"] {
        let world = World::with(name);
        let enforcing = ClientContext::new(&world.trust(true), None, None).unwrap();
        let pair = pair(
            &enforcing,
            &options(TlsVersion::Tls12),
            &world.server(),
            &label(1),
        );
        assert_eq!(pair.client_facts.chain.len(), if name == "valid" { 1 } else { 2 });
    }
    let world = World::with("self-signed");
    let careless = ClientContext::new(&ClientTrust::Anything, None, None).unwrap();
    let pair = pair(&careless, &options(TlsVersion::Tls13), &world.server(), &label(1));
    assert_eq!(pair.client_facts.certificate_problem, None);
}

#[test]
fn without_a_common_version_the_alert_is_told_with_its_level() {
    let mut world = World::new();
    world.policy.versions = vec![TlsVersion::Tls13];
    let (client, server) = refused(&world, &world.client(), &options(TlsVersion::Tls12));
    let alert = client.alert.unwrap();
    assert_eq!(alert.name, "protocol_version");
    assert_eq!(alert.level, Some(AlertLevel::Fatal));
    assert_eq!(server.alert, None);
}

#[test]
fn alpn_without_overlap_is_ignored_unless_required() {
    let mut world = World::new();
    world.policy.alpn = vec![b"ftp".to_vec()];
    let options = ClientOptions {
        alpn: vec![b"h2".to_vec()],
        ..options(TlsVersion::Tls13)
    };
    let pair = pair(&world.client(), &options, &world.server(), &label(1));
    assert_eq!(pair.client_facts.alpn, None);
    world.policy.alpn_required = true;
    let (client, _) = refused(&world, &world.client(), &options);
    assert_eq!(client.alert.unwrap().description, 120);
}

#[test]
fn clear_text_is_told_from_tls() {
    let world = World::new();
    let mut client = world
        .client()
        .connect(&options(TlsVersion::Tls13), &Channel::control("main"))
        .unwrap();
    let HandshakeStep::Failed(failure) = client.handshake(b"220 ready\r\n") else {
        panic!("a greeting is no ServerHello");
    };
    assert_eq!(failure.plaintext.as_deref(), Some("220 ready\\r\\n"));
    assert_eq!(client.take_unread(), b"220 ready\r\n");

    let mut server = world.server().accept(&label(1)).unwrap();
    let HandshakeStep::Failed(failure) = server.handshake(b"USER x\r\n") else {
        panic!("a command is no ClientHello");
    };
    assert_eq!(failure.plaintext.as_deref(), Some("USER x\\r\\n"));
    assert_eq!(server.take_output(), [21, 3, 3, 0, 2, 2, 10]);
}

#[test]
fn the_handshake_may_come_byte_by_byte() {
    let world = World::with("rsa");
    for version in BOTH {
        let mut client = world
            .client()
            .connect(&options(version), &Channel::control("main"))
            .unwrap();
        let mut server = world.server().accept(&label(1)).unwrap();
        let mut done = [false, false];
        for _ in 0..20 {
            for byte in client.take_output() {
                done[0] |= outcome(server.handshake(&[byte])).is_some_and(|side| side.is_ok());
            }
            for byte in server.take_output() {
                match done[1] {
                    true => client.feed(&[byte]),
                    false => done[1] |= outcome(client.handshake(&[byte])).is_some_and(|side| side.is_ok()),
                }
            }
        }
        assert_eq!(done, [true, true]);
        assert!(!sessions(&mut client).is_empty());
    }
}

#[test]
fn a_hint_that_the_server_does_not_like_leads_to_a_retry() {
    let world = World::new();
    let hinted = ClientOptions {
        group_hint: Some(0x17),
        ..options(TlsVersion::Tls13)
    };
    let pair = pair(&world.client(), &hinted, &world.server(), &label(1));
    for facts in [&pair.client_facts, &pair.server_facts] {
        assert_eq!(facts.group.as_deref(), Some("x25519"));
        assert!(facts.retried);
    }
}

#[test]
fn a_client_certificate_is_shown_when_asked_for() {
    let mut world = World::new();
    world.policy.client_authorities = Some(world.authority.pem().into());
    for version in BOTH {
        let context = ClientContext::new(&world.trust(false), Some(&world.identity("client")), None).unwrap();
        let pair = pair(&context, &options(version), &world.server(), &label(1));
        assert_eq!(pair.server_facts.chain[0].subject, "CN=ftpspec client");
        for (name, alert) in [("client-expired", 45), ("client-other-ca", 48)] {
            let context = ClientContext::new(&world.trust(false), Some(&world.identity(name)), None).unwrap();
            assert_eq!(late_or_early_alert(&world, &context, version), alert, "{name}");
        }
        let none = if version == TlsVersion::Tls13 { 116 } else { 40 };
        let got = late_or_early_alert(&world, &world.client(), version);
        assert!(got == none || got == 116, "{got}");
    }
}

/// The alert a server answers a client certificate with: inside the handshake in TLS 1.2, behind it in TLS 1.3.
fn late_or_early_alert(world: &World, context: &ClientContext, version: TlsVersion) -> u8 {
    let mut client = context
        .connect(&options(version), &Channel::control("main"))
        .unwrap();
    let mut server = world.server().accept(&label(1)).unwrap();
    let (client_side, server_side) = shake(&mut client, &mut server);
    server_side.unwrap_err();
    match version {
        TlsVersion::Tls12 => client_side.unwrap_err().alert.unwrap().description,
        TlsVersion::Tls13 => {
            client_side.unwrap();
            let Some(Opened::Alert(facts)) = client.open_next() else {
                panic!("no alert behind the handshake");
            };
            assert_eq!(facts.level, Some(AlertLevel::Fatal));
            facts.description
        }
    }
}

#[test]
fn the_key_log_has_the_secrets_of_both_sides() {
    let world = World::new();
    let lines: Arc<Mutex<Vec<String>>> = Arc::default();
    let sink = {
        let lines = lines.clone();
        Arc::new(move |line: &str| lines.lock().unwrap().push(line.to_owned()))
    };
    let context = ClientContext::new(&world.trust(false), None, Some(sink.clone())).unwrap();
    let with = ServerOptions {
        key_log: Some(crate::tls::KeyLogSink(sink)),
        ..label(1)
    };
    pair(&context, &options(TlsVersion::Tls12), &world.server(), &with);
    let lines = lines.lock().unwrap().clone();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
    assert!(lines[0].starts_with("CLIENT_RANDOM "));
    assert_eq!(lines[0].len(), "CLIENT_RANDOM ".len() + 64 + 1 + 96);
}

#[test]
fn options_that_cannot_work_are_set_up_errors() {
    let world = World::new();
    let bad_name = ClientOptions {
        server_name: "not a name".to_owned(),
        ..ClientOptions::default()
    };
    let error = world
        .client()
        .connect(&bad_name, &Channel::control("main"))
        .unwrap_err();
    assert!(error.reason.contains("neither a host name nor an address"));
    let trust = ClientTrust::Authorities {
        pem: "nothing".into(),
        enforce: false,
    };
    assert!(ClientContext::new(&trust, None, None).is_err());
    let no_versions = ServerOptions {
        versions: Some(Vec::new()),
        ..label(1)
    };
    assert!(world.server().accept(&no_versions).is_err());
}
