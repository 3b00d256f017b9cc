//! Hand-made ClientHellos and the reading of hellos, held against a real TLS library.
//!
//! Both directions: what `wire::tls_record` writes must be understood, and what the library writes must be read.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic like tests")]

use std::sync::Arc;

use ftpspec::wire::tls_record::{
    HandshakeItem, HandshakeWalker, HelloAnswer, HelloSpec, alert_by_name, downgrade_sentinel,
    last_hello_answer, parse_client_hello, parse_hello_answer, suites,
};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

fn server(alpn: &[&str]) -> ServerConnection {
    let certified = rcgen::generate_simple_self_signed(["ftp.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    ServerConnection::new(Arc::new(config)).unwrap()
}

/// What a server says to these bytes.
fn answer_to(mut server: ServerConnection, hello: &[u8]) -> Vec<u8> {
    let mut rest = hello;
    while !rest.is_empty() {
        server.read_tls(&mut rest).unwrap();
        if server.process_new_packets().is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    while server.wants_write() {
        server.write_tls(&mut answer).unwrap();
    }
    answer
}

fn alert(name: &str) -> HelloAnswer {
    HelloAnswer::Alert {
        level: 2,
        description: alert_by_name(name).unwrap(),
    }
}

fn answer(spec: &HelloSpec) -> HelloAnswer {
    parse_hello_answer(&answer_to(server(&["ftp"]), &spec.encode()))
        .unwrap()
        .unwrap()
}

#[test]
fn a_tls13_hello_is_answered_with_a_tls13_server_hello() {
    let HelloAnswer::ServerHello {
        version,
        suite,
        is_retry,
        session_id,
        group,
        ..
    } = answer(&HelloSpec::for_version(0x0304))
    else {
        panic!("no ServerHello");
    };
    assert_eq!((version, is_retry), (0x0304, false));
    assert!(suites::TLS13.contains(&suite));
    assert_eq!(session_id, [0x5a; 32]);
    assert!(matches!(group, Some(0x001d | 0x0017)));
}

#[test]
fn a_tls13_hello_without_key_share_is_asked_for_one() {
    let mut spec = HelloSpec::for_version(0x0304);
    spec.key_share.clear();
    assert!(matches!(
        answer(&spec),
        HelloAnswer::ServerHello {
            version: 0x0304,
            is_retry: true,
            group: Some(_),
            ..
        }
    ));
}

#[test]
fn a_tls12_hello_is_answered_with_alpn_and_the_downgrade_mark() {
    let spec = HelloSpec::for_version(0x0303)
        .with_sni("ftp.example")
        .with_alpn(&["x", "ftp"]);
    let HelloAnswer::ServerHello {
        version,
        suite,
        compression,
        alpn,
        random,
        extensions,
        server_name_acknowledged,
        ..
    } = answer(&spec)
    else {
        panic!("no ServerHello");
    };
    assert_eq!((version, compression), (0x0303, 0));
    assert!(suites::TLS12_AEAD.contains(&suite));
    assert_eq!(alpn.as_deref(), Some("ftp"));
    assert_eq!(downgrade_sentinel(&random), Some(0x0303));
    assert!(extensions.contains(&23) && extensions.contains(&65281));
    assert!(server_name_acknowledged);
}

#[test]
fn a_hello_in_small_pieces_and_with_grease_is_understood() {
    let spec = HelloSpec::for_versions(&[0x0304, 0x0303])
        .with_alpn(&["ftp"])
        .with_grease();
    for sizes in [&[][..], &[1, 2, 3, 50], &[100, 100]] {
        let bytes = answer_to(server(&["ftp"]), &spec.encode_fragmented(sizes));
        assert!(matches!(
            parse_hello_answer(&bytes),
            Ok(Some(HelloAnswer::ServerHello { version: 0x0304, .. }))
        ));
    }
}

#[test]
fn what_the_server_cannot_do_is_answered_with_an_alert() {
    // Clients of TLS 1.1 and below have no signature schemes; the library looks for those before it looks at the version.
    let mut old = HelloSpec::for_version(0x0302);
    assert_eq!(answer(&old), alert("handshake_failure"));
    old.signature_schemes = vec![0x0403];
    assert_eq!(answer(&old), alert("protocol_version"));
    assert_eq!(
        answer(&HelloSpec::for_version(0x0303).with_suites(suites::NULL)),
        alert("handshake_failure")
    );
    assert_eq!(
        answer(&HelloSpec::for_version(0x0303).with_alpn(&["http/1.1"])),
        alert("no_application_protocol")
    );
}

#[test]
fn the_flight_of_a_tls12_server_is_seen_message_by_message() {
    let bytes = answer_to(server(&[]), &HelloSpec::for_version(0x0303).encode());
    let mut walker = HandshakeWalker::default();
    walker.push(&bytes);
    let mut kinds = Vec::new();
    while let Some(item) = walker.next().unwrap() {
        match item {
            HandshakeItem::Message { kind, .. } => kinds.push(kind),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(kinds, [2, 11, 12, 14]);
}

#[test]
fn the_hello_of_a_real_client_is_read() {
    let mut config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    config.alpn_protocols = vec![b"ftp".to_vec()];
    let name = ServerName::try_from("ftp.example").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut bytes = Vec::new();
    client.write_tls(&mut bytes).unwrap();
    let mut walker = HandshakeWalker::default();
    walker.push(&bytes);
    let Some(HandshakeItem::Message { kind: 1, body }) = walker.next().unwrap() else {
        panic!("no ClientHello");
    };
    let hello = parse_client_hello(&body).unwrap();
    assert_eq!(hello.sni().as_deref(), Some("ftp.example"));
    assert_eq!(hello.alpn(), ["ftp"]);
    assert!(hello.supported_versions().contains(&0x0304));
    assert!(hello.groups().contains(&0x001d));
    assert_eq!(hello.legacy_version, 0x0303);
    assert!(matches!(
        last_hello_answer(&bytes),
        Ok(HelloAnswer::Unexpected {
            handshake_type: Some(1),
            ..
        })
    ));
}
