//! The TLS library's own buffered connections as the peer: what we seal it opens, and the other way round.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection};

use super::*;
use crate::tls::trust::{PROVIDER, root_store, versions};

fn library_server(world: &World, version: TlsVersion, retry: bool) -> ServerConnection {
    let mut provider = (**PROVIDER).clone();
    if retry {
        provider
            .kx_groups
            .retain(|group| group.name() == rustls::NamedGroup::secp384r1);
    }
    library_server_with(world, version, provider)
}

fn library_server_with(
    world: &World,
    version: TlsVersion,
    provider: rustls::crypto::CryptoProvider,
) -> ServerConnection {
    let identity = &world.policy.identity;
    let chain = CertificateDer::pem_slice_iter(identity.chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&versions(&[version]))
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    ServerConnection::new(Arc::new(config)).unwrap()
}

fn library_client(world: &World, version: TlsVersion) -> ClientConnection {
    let roots = root_store(world.authority.pem()).unwrap();
    let config = ClientConfig::builder_with_provider(PROVIDER.clone())
        .with_protocol_versions(&versions(&[version]))
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap()
}

/// Moves everything once in both directions; `ours` gets what the library sends.
macro_rules! move_bytes {
    ($library:expr, $ours:expr, $done:expr) => {{
        let output = $ours.take_output();
        let mut rest = output.as_slice();
        while !rest.is_empty() {
            $library.read_tls(&mut rest).unwrap();
            $library.process_new_packets().unwrap();
        }
        let mut wire = Vec::new();
        while $library.wants_write() {
            $library.write_tls(&mut wire).unwrap();
        }
        match $done {
            Some(_) => $ours.feed(&wire),
            None => $done = outcome($ours.handshake(&wire)),
        }
    }};
}

/// Many records each way through the library, and its close_notify.
macro_rules! exchange {
    ($library:expr, $ours:expr) => {{
        let sent: Vec<u8> = (0..60_000_u32).map(|number| (number % 253) as u8).collect();
        let mut received = Vec::new();
        for piece in sent.chunks(9_000) {
            let wire = $ours.seal(piece, 700).unwrap();
            let mut rest = wire.as_slice();
            while !rest.is_empty() {
                $library.read_tls(&mut rest).unwrap();
                $library.process_new_packets().unwrap();
                let mut buffer = [0; 20_000];
                while let Ok(count @ 1..) = $library.reader().read(&mut buffer) {
                    received.extend_from_slice(&buffer[..count]);
                }
            }
        }
        assert!(received == sent, "the library read something else");
        let mut received = Vec::new();
        for piece in sent.chunks(5_000) {
            $library.writer().write_all(piece).unwrap();
            let mut wire = Vec::new();
            while $library.wants_write() {
                $library.write_tls(&mut wire).unwrap();
            }
            $ours.feed(&wire);
            while let Some(opened) = $ours.open_next() {
                match opened {
                    Opened::Data(data) => received.extend(data),
                    Opened::Ticket(..) | Opened::KeyUpdate => {}
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
        assert!(received == sent, "we read something else");
        $library.send_close_notify();
        let mut wire = Vec::new();
        $library.write_tls(&mut wire).unwrap();
        $ours.feed(&wire);
        assert!(matches!($ours.open_next(), Some(Opened::CloseNotify(_))));
        let wire = $ours.seal_alert(false, 0).unwrap();
        $library.read_tls(&mut wire.as_slice()).unwrap();
        assert!($library.process_new_packets().unwrap().peer_has_closed());
    }};
}

#[test]
fn our_client_talks_to_the_library() {
    let world = World::new();
    for version in BOTH {
        let mut library = library_server(&world, version, false);
        let mut ours = world
            .client()
            .connect(&options(version), &Channel::control("main"))
            .unwrap();
        let mut done = None;
        for _ in 0..5 {
            move_bytes!(library, ours, done);
        }
        assert_eq!(done.unwrap().unwrap().0.version, version);
        exchange!(library, ours);
    }
}

#[test]
fn our_server_talks_to_the_library() {
    let world = World::new();
    for version in BOTH {
        let mut library = library_client(&world, version);
        let mut ours = world.server().accept(&label(1)).unwrap();
        let mut done = None;
        for _ in 0..5 {
            move_bytes!(library, ours, done);
        }
        assert_eq!(done.unwrap().unwrap().0.version, version);
        exchange!(library, ours);
    }
}

#[test]
fn a_hello_retry_request_is_seen_and_a_hint_avoids_it() {
    let world = World::new();
    for (hint, retried) in [(None, true), (Some(0x18), false)] {
        let mut library = library_server(&world, TlsVersion::Tls13, true);
        let options = ClientOptions {
            group_hint: hint,
            ..options(TlsVersion::Tls13)
        };
        let mut ours = world
            .client()
            .connect(&options, &Channel::control("main"))
            .unwrap();
        let mut done = None;
        for _ in 0..6 {
            move_bytes!(library, ours, done);
        }
        let facts = done.unwrap().unwrap().0;
        assert_eq!(facts.retried, retried);
        assert_eq!(facts.group.as_deref(), Some("secp384r1"));
    }
}

#[test]
fn a_key_update_of_the_library_is_followed() {
    let world = World::new();
    let mut library = library_server(&world, TlsVersion::Tls13, false);
    let mut ours = world
        .client()
        .connect(&options(TlsVersion::Tls13), &Channel::control("main"))
        .unwrap();
    let mut done = None;
    for _ in 0..5 {
        move_bytes!(library, ours, done);
    }
    library.refresh_traffic_keys().unwrap();
    let mut wire = Vec::new();
    library.write_tls(&mut wire).unwrap();
    ours.feed(&wire);
    sessions(&mut ours);
    let wire = ours.seal_key_update(true).unwrap();
    library.read_tls(&mut wire.as_slice()).unwrap();
    library.process_new_packets().unwrap();
    exchange!(library, ours);
}

#[test]
fn every_suite_seals_and_opens() {
    let worlds = [World::new(), World::with("rsa")];
    let mut tried = 0;
    for suite in &PROVIDER.cipher_suites {
        let version = match suite {
            rustls::SupportedCipherSuite::Tls12(_) => TlsVersion::Tls12,
            rustls::SupportedCipherSuite::Tls13(_) => TlsVersion::Tls13,
        };
        let name = crate::tls::names::suite_name(suite.suite());
        let world = &worlds[usize::from(name.contains("RSA"))];
        let mut provider = (**PROVIDER).clone();
        provider.cipher_suites = vec![*suite];
        let mut library = library_server_with(world, version, provider);
        let mut ours = world
            .client()
            .connect(&options(version), &Channel::control("main"))
            .unwrap();
        let mut done = None;
        for _ in 0..5 {
            move_bytes!(library, ours, done);
        }
        assert_eq!(done.unwrap().unwrap().0.suite, name);
        exchange!(library, ours);
        tried += 1;
    }
    assert_eq!(tried, 9);
}
