//! Records with a password in them, sealed a second time: the peer opens them, and the password is gone.

use super::*;
use crate::base::{Masker, Secret};
use crate::tls::Rewrite;

/// Applies rewrites to the bytes of a stream.
fn rewritten(mut stream: Vec<u8>, rewrites: &[Rewrite]) -> Vec<u8> {
    for Rewrite { offset, bytes } in rewrites {
        let start = usize::try_from(*offset).unwrap();
        stream[start..start + bytes.len()].copy_from_slice(bytes);
    }
    stream
}

fn watched(version: TlsVersion, policy: impl Fn(&mut World)) -> Pair {
    let mut world = World::new();
    policy(&mut world);
    let (context, server) = (world.client(), world.server());
    let mut client = context
        .connect(&options(version), &Channel::control("main"))
        .unwrap();
    client.watch_for(&Masker::new([Secret::new("hunter2")]));
    let mut server = server.accept(&label(1)).unwrap();
    let (client_facts, server_side) = shake(&mut client, &mut server);
    let (server_facts, label) = server_side.unwrap();
    Pair {
        client,
        server,
        client_facts: client_facts.unwrap(),
        server_facts,
        label,
    }
}

fn opened(connection: &mut Connection) -> String {
    let mut data = Vec::new();
    while connection.open_data(&mut data, 1 << 20) {}
    String::from_utf8(data).unwrap()
}

#[test]
fn a_sent_password_is_masked_and_what_follows_still_opens() {
    for version in BOTH {
        let mut pair = watched(version, |_| ());
        let mut stream = Vec::new();
        for line in ["USER ada\r\n", "PASS hun", "ter2\r\n", "SYST\r\n"] {
            stream.extend(pair.client.seal(line.as_bytes(), 16_384).unwrap());
        }
        let (sent, received) = pair.client.take_rewrites();
        assert_eq!(
            (sent.len(), received.len()),
            (2, 0),
            "two records hold a part of it"
        );
        pair.server.feed(&rewritten(stream, &sent));
        assert_eq!(opened(&mut pair.server), "USER ada\r\nPASS *******\r\nSYST\r\n");
        assert_eq!(pair.client.take_rewrites().0, [], "told once");
    }
}

#[test]
fn a_received_password_is_masked_in_its_record_only() {
    for version in BOTH {
        let mut pair = watched(version, |world| world.policy.tls13_tickets = 0);
        let records = ["331 hello\r\n", "500 PASS hunter2?\r\n", "220 x\r\n"]
            .map(|line| pair.server.seal(line.as_bytes(), 16_384).unwrap());
        pair.client.feed(&records.concat());
        assert!(
            opened(&mut pair.client).contains("hunter2"),
            "what is judged stays as it is"
        );
        let (_, received) = pair.client.take_rewrites();
        let [Rewrite { offset, bytes }] = received.as_slice() else {
            panic!("{received:?}");
        };
        assert_eq!(*offset, records[0].len() as u64);
        assert_eq!(bytes.len(), records[1].len());
        assert_eq!(bytes[..5], records[1][..5], "the header is the same");
        assert_ne!(*bytes, records[1]);
    }
}

#[test]
fn masking_goes_on_behind_a_key_update() {
    let mut pair = watched(TlsVersion::Tls13, |_| ());
    let mut stream = pair.client.seal_key_update(false).unwrap();
    stream.extend(pair.client.seal(b"PASS hunter2\r\n", 16_384).unwrap());
    let (sent, _) = pair.client.take_rewrites();
    pair.server.feed(&rewritten(stream, &sent));
    assert!(matches!(pair.server.open_next(), Some(Opened::KeyUpdate)));
    assert_eq!(opened(&mut pair.server), "PASS *******\r\n");
}
