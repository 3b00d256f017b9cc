//! Data connections: every way to open, protect, use, and end one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use super::client::{Client, DEADLINE, Data, Path, STRANGER, VERSIONS, pattern, recorder, start};
use crate::mock::{DataEnd, ResumedFrom, ReusePolicy};
use crate::tls::Tls12Resumption;
use crate::trace::{Channel, DataPath, HandshakeKind, TlsVersion};
use crate::transport::{Incoming, Link, Listener, TcpClose};

const PATHS: [DataPath; 4] = [
    DataPath::Passive,
    DataPath::ExtendedPassive,
    DataPath::Active,
    DataPath::ExtendedActive,
];

#[tokio::test]
async fn files_survive_the_round_trip_over_every_path_and_version() {
    let server = start(|_| {}).await;
    for version in VERSIONS {
        let mut client = Client::private(&server, version).await;
        client.ask("TYPE I").await;
        for (index, path) in PATHS.into_iter().enumerate() {
            let content = pattern([0, 1, 16385, 300_000][index]);
            let announced = client.announce(path).await;
            client.say("STOR f").await;
            let mut data = client.open_data(announced).await;
            assert_eq!(client.code().await, 150);
            let offer = client.control.last().cloned();
            data.handshake(&client, offer).await.unwrap();
            data.link.send(&content, DEADLINE).await.unwrap();
            data.finish().await;
            assert_eq!(client.code().await, 226);
            assert_eq!(server.store().get("alice", "f").unwrap().as_ref(), content);

            let announced = client.announce(path).await;
            client.say("RETR f").await;
            let mut data = client.open_data(announced).await;
            assert_eq!(client.code().await, 150);
            let offer = client.control.last().cloned();
            data.handshake(&client, offer).await.unwrap();
            assert_eq!(data.read_all(&mut client).await, content);
            assert_eq!(client.code().await, 226);
        }
    }
}

#[tokio::test]
async fn clear_transfers_work_with_and_without_tls_on_control() {
    let server = start(|_| {}).await;
    for with_tls in [false, true] {
        let mut client = Client::connect(&server).await;
        if with_tls {
            client.auth().await;
        }
        client.log_in().await;
        let mut data = client.begin("STOR f").await;
        data.link.send(b"a\r\nb", DEADLINE).await.unwrap();
        data.link.close(TcpClose::Fin);
        assert_eq!(client.code().await, 226);
        assert_eq!(server.store().get("alice", "f").unwrap().as_ref(), b"a\nb");
        let mut data = client.begin("RETR f").await;
        assert_eq!(data.read_all(&mut client).await, b"a\r\nb");
        assert_eq!(client.code().await, 226);
    }
}

#[tokio::test]
async fn ipv6_works_with_epsv_and_eprt() {
    let address = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), 0);
    if Listener::bind(address, None).is_err() {
        // This machine has no IPv6.
        return;
    }
    let server = start(|options| options.address = address).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    assert_eq!(client.ask("PASV").await.0, 502);
    assert_eq!(client.ask("EPSV 1").await.0, 522);
    assert_eq!(client.ask("EPRT |1|127.0.0.1|8000|").await.0, 522);
    assert_eq!(client.upload("STOR f", b"x").await, 226);
    let announced = client.announce(DataPath::ExtendedActive).await;
    client.say("NLST").await;
    let mut data = client.open_data(announced).await;
    assert_eq!(client.code().await, 150);
    data.handshake(&client, None).await.unwrap();
    assert_eq!(data.read_all(&mut client).await, b"f\r\n");
    assert_eq!(client.code().await, 226);
}

#[tokio::test]
async fn a_hello_may_come_before_150() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    let path = client.announce(DataPath::ExtendedPassive).await;
    let mut data = client.open_data(path).await;
    let offer = client.control.last().cloned();
    client.say("NLST").await;
    data.handshake(&client, offer).await.unwrap();
    assert_eq!(data.read_all(&mut client).await, b"");
    assert_eq!(client.code().await, 150);
    assert_eq!(client.code().await, 226);
}

#[tokio::test]
async fn listings_show_what_is_there() {
    let server = start(|_| {}).await;
    server.store().put("alice", "sub/one two", b"12345").unwrap();
    server.store().put("alice", "-la", b"").unwrap();
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    assert_eq!(client.download("NLST").await, b"-la\r\nsub\r\n");
    assert_eq!(client.download("NLST sub").await, b"sub/one two\r\n");
    assert_eq!(client.download("NLST -la").await, b"-la\r\n");
    assert_eq!(client.download("NLST -a sub").await, b"sub/one two\r\n");
    let list = String::from_utf8(client.download("LIST sub").await).unwrap();
    assert!(
        list.starts_with("-rw-r--r--   1 ftp") && list.ends_with(" one two\r\n"),
        "{list}"
    );
    assert_eq!(client.ask("OPTS MLST type;size;").await.0, 200);
    assert_eq!(
        client.download("MLSD sub").await,
        b"type=file;size=5; one two\r\n"
    );
    for (line, code) in [
        ("MLSD sub/one two", 501),
        ("MLSD missing", 550),
        ("LIST missing", 450),
    ] {
        assert_eq!(client.ask("EPSV").await.0, 229);
        assert_eq!(client.ask(line).await.0, code, "{line}");
    }
    assert_eq!(client.ask("LIST").await.0, 425);
}

#[tokio::test]
async fn restart_markers_are_obeyed_once() {
    let server = start(|_| {}).await;
    server.store().put("alice", "f", b"AAAAAAAAAA").unwrap();
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("TYPE I").await;
    client.ask("REST 7").await;
    assert_eq!(client.download("RETR f").await, b"AAA");
    assert_eq!(client.download("RETR f").await.len(), 10);
    client.ask("REST 5").await;
    assert_eq!(client.upload("STOR f", b"BBBBB").await, 226);
    assert_eq!(client.download("RETR f").await, b"AAAAABBBBB");
    client.ask("REST 8").await;
    assert_eq!(client.upload("APPE f", b"CC").await, 226);
    assert_eq!(client.upload("APPE f", b"D").await, 226);
    client.ask("REST 3").await;
    client.ask("REST 0").await;
    assert_eq!(client.download("RETR f").await, b"AAAAABBBCCD");
    for command in ["RETR f", "STOR f"] {
        client.ask("REST 100").await;
        assert_eq!(client.ask("EPSV").await.0, 229);
        assert_eq!(client.ask(command).await.0, 554, "{command}");
    }
}

#[tokio::test]
async fn stou_names_its_file() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls12).await;
    let path = client.announce(DataPath::ExtendedPassive).await;
    client.say("STOU").await;
    let mut data = client.open_data(path).await;
    let (code, text) = client.reply().await;
    assert_eq!((code, text.as_str()), (150, "FILE: stou-00001"));
    data.handshake(&client, None).await.unwrap();
    data.link.send(b"x", DEADLINE).await.unwrap();
    data.finish().await;
    assert_eq!(client.code().await, 226);
    assert!(server.store().get("alice", "stou-00001").is_some());
}

#[tokio::test]
async fn an_upload_without_authenticated_end_is_not_stored() {
    let server = start(|_| {}).await;
    let ends = [
        DataEnd::Fin,
        DataEnd::Reset,
        DataEnd::Alert,
        DataEnd::Violation,
        DataEnd::TimedOut,
    ];
    for version in VERSIONS {
        for end in ends {
            server.store().put("alice", "old", b"old content").unwrap();
            let mut client = Client::private(&server, version).await;
            for command in ["STOR old", "APPE old", "STOR new"] {
                let (mut data, _) = client.begin_private(command).await;
                data.link.send(&pattern(100_000), DEADLINE).await.unwrap();
                cut(&mut data, end).await;
                assert_eq!(client.code().await, 426, "{end:?}");
                assert_eq!(server.observations().last().unwrap().end, end);
            }
            assert_eq!(
                server.store().get("alice", "old").unwrap().as_ref(),
                b"old content"
            );
            assert_eq!(server.store().get("alice", "new"), None);
            assert_eq!(client.ask("NOOP").await.0, 200);
        }
    }
}

async fn cut(data: &mut Data, end: DataEnd) {
    match end {
        DataEnd::Fin => data.link.close(TcpClose::Fin),
        DataEnd::Reset => data.link.close(TcpClose::Reset),
        DataEnd::Alert => {
            data.link.send_alert(true, 80, DEADLINE).await.unwrap();
            data.link.close(TcpClose::Fin);
        }
        DataEnd::Violation => {
            data.link.send_records(b"x", 100, true, DEADLINE).await.unwrap();
            let mut incoming = data.link.receive().await;
            while incoming == Incoming::Ticket {
                incoming = data.link.receive().await;
            }
            assert_eq!(
                incoming,
                Incoming::Alert {
                    fatal: true,
                    description: 20
                }
            );
        }
        _ => {}
    }
}

#[tokio::test]
async fn half_a_record_is_a_truncation() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    let (mut data, _) = client.begin_private("STOR f").await;
    data.link
        .send_half_record(&pattern(1000), DEADLINE)
        .await
        .unwrap();
    data.link.close(TcpClose::Fin);
    assert_eq!(client.code().await, 426);
    assert_eq!(server.store().get("alice", "f"), None);
}

#[tokio::test]
async fn what_comes_behind_close_notify_is_not_stored() {
    let server = start(|_| {}).await;
    for version in VERSIONS {
        let mut client = Client::private(&server, version).await;
        let (mut data, _) = client.begin_private("STOR f").await;
        data.link.send(b"AAAA", DEADLINE).await.unwrap();
        data.link.send_close_notify(DEADLINE).await.unwrap();
        data.link.send(b"BBBB", DEADLINE).await.unwrap();
        assert_eq!(client.code().await, 226);
        assert_eq!(server.store().get("alice", "f").unwrap().as_ref(), b"AAAA");
    }
}

#[tokio::test]
async fn an_upload_is_complete_for_clients_that_never_read() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("TYPE I").await;
    for size in [1, 16384, 1_000_000] {
        let (mut data, _) = client.begin_private("STOR f").await;
        data.link.send(&pattern(size), DEADLINE).await.unwrap();
        data.link.send_close_notify(DEADLINE).await.unwrap();
        drop(data);
        assert_eq!(client.code().await, 226, "{size}");
        assert_eq!(server.store().get("alice", "f").unwrap().len(), size);
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_before_the_client_ends() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("ALLO 4").await;
    let (mut data, _) = client.begin_private("STOR f").await;
    data.link.send(b"AAAA", DEADLINE).await.unwrap();
    client.silence().await;
    data.finish().await;
    assert_eq!(client.code().await, 226);
}

#[tokio::test]
async fn a_download_that_the_client_gives_up_is_not_acknowledged() {
    let server = start(|_| {}).await;
    server.store().put("alice", "big", &pattern(20_000_000)).unwrap();
    for version in VERSIONS {
        for how in [TcpClose::Reset, TcpClose::Fin] {
            let mut client = Client::private(&server, version).await;
            client.ask("TYPE I").await;
            let (mut data, _) = client.begin_private("RETR big").await;
            assert!(matches!(
                data.link.receive().await,
                Incoming::Bytes(_) | Incoming::Ticket
            ));
            data.link.close(how);
            assert_eq!(client.code().await, 426, "{version:?} {how:?}");
            assert_eq!(client.ask("NOOP").await.0, 200);
        }
    }
}

#[tokio::test]
async fn a_small_download_that_was_reset_is_not_acknowledged() {
    let server = start(|_| {}).await;
    server.store().put("alice", "f", &pattern(100_000)).unwrap();
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    let mut data = client.begin("RETR f").await;
    data.handshake(&client, None).await.unwrap();
    data.link.close(TcpClose::Reset);
    assert_eq!(client.code().await, 426);
}

#[tokio::test]
async fn a_private_connection_without_tls_is_522_and_the_session_goes_on() {
    let server = start(|_| {}).await;
    server.store().put("alice", "f", b"secret").unwrap();
    for version in VERSIONS {
        let mut client = Client::private(&server, version).await;
        for (command, text) in [
            ("STOR new", Some(&b"clear text\r\n"[..])),
            ("RETR f", Some(b"GET / HTTP/1.1\r\n\r\n")),
            ("LIST", None),
        ] {
            let mut data = client.begin(command).await;
            match text {
                Some(text) => data.link.send(text, DEADLINE).await.unwrap(),
                None => data.link.close(TcpClose::Fin),
            }
            let (received, _) = data.read_to_end(&mut client).await;
            assert!(
                !received.windows(6).any(|window| window == b"secret"),
                "{command}: {received:?}"
            );
            assert_eq!(client.code().await, 522, "{command}");
        }
        assert_eq!(server.store().get("alice", "new"), None);
        // Silence runs into the deadline of the handshake, with nothing sent.
        let mut data = client.begin("RETR f").await;
        assert_eq!(client.code().await, 522);
        assert_eq!(data.read_to_end(&mut client).await, (vec![], vec![Incoming::Fin]));
        assert_eq!(client.download("RETR f").await, b"secret");
    }
}

#[tokio::test]
async fn transfers_without_data_connection_are_425() {
    let server = start(|options| options.data_timeout = Duration::from_millis(100)).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    assert_eq!(client.ask("LIST").await.0, 425);
    assert_eq!(client.ask("EPSV").await.0, 229);
    assert_eq!(client.ask("LIST").await.0, 150);
    assert_eq!(client.code().await, 425);
    let Path::At(listener) = client.announce(DataPath::Active).await else {
        panic!("a listener");
    };
    drop(listener);
    assert_eq!(client.ask("LIST").await.0, 150);
    assert_eq!(client.code().await, 425);
    assert_eq!(client.ask("NOOP").await.0, 200);
}

#[tokio::test]
async fn the_newest_address_wins_and_serves_once() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    let Path::To(first) = client.announce(DataPath::ExtendedPassive).await else {
        panic!("an address");
    };
    let second = client.announce(DataPath::ExtendedPassive).await;
    let Path::To(address) = second else {
        panic!("an address");
    };
    let refused = |address| Link::connect(address, None, None, DEADLINE, Channel::data("x", 1), recorder());
    assert!(refused(first).await.is_err());
    client.say("NLST").await;
    let mut data = client.open_data(second).await;
    assert_eq!(client.code().await, 150);
    assert_eq!(data.read_all(&mut client).await, b"");
    assert_eq!(client.code().await, 226);
    assert!(refused(address).await.is_err());
    assert_eq!(client.ask("NLST").await.0, 425);
}

#[tokio::test]
async fn a_stranger_on_the_passive_port_is_turned_away() {
    let server = start(|_| {}).await;
    server.store().put("alice", "f", b"secret").unwrap();
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    let Path::To(address) = client.announce(DataPath::ExtendedPassive).await else {
        panic!("an address");
    };
    let mut stranger = Link::connect(
        address,
        Some(STRANGER),
        None,
        DEADLINE,
        Channel::data("x", 1),
        recorder(),
    )
    .await
    .unwrap();
    assert_eq!(client.ask("RETR f").await.0, 150);
    assert_eq!(client.code().await, 425);
    assert_eq!(stranger.receive().await, Incoming::Reset);
    let mut data = client.begin("RETR f").await;
    assert_eq!(data.read_all(&mut client).await, b"secret");
}

#[tokio::test]
async fn the_protection_level_is_the_one_at_the_transfer() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    for (before, after) in [("PROT C", "PROT P"), ("PROT P", "PROT C")] {
        assert_eq!(client.ask(before).await.0, 200);
        let path = client.announce(DataPath::ExtendedPassive).await;
        assert_eq!(client.ask(after).await.0, 200);
        client.say("NLST").await;
        let mut data = client.open_data(path).await;
        assert_eq!(client.code().await, 150);
        if after == "PROT P" {
            data.handshake(&client, None).await.unwrap();
        }
        assert_eq!(data.read_all(&mut client).await, b"");
        assert_eq!(client.code().await, 226);
    }
}

#[tokio::test]
async fn abor_ends_a_transfer_visibly() {
    let server = start(|_| {}).await;
    server.store().put("alice", "big", &pattern(20_000_000)).unwrap();
    for version in VERSIONS {
        let mut client = Client::private(&server, version).await;
        client.ask("TYPE I").await;
        let (mut data, _) = client.begin_private("RETR big").await;
        let (code, text) = client.ask("STAT").await;
        assert_eq!(code, 211);
        assert!(text.contains("a transfer is under way"), "{text}");
        client.say("NOOP").await;
        assert_eq!(client.ask("ABOR").await.0, 426);
        assert_eq!(client.code().await, 226);
        assert_eq!(client.code().await, 200);
        let (content, ends) = data.read_to_end(&mut client).await;
        assert!(content.len() < 20_000_000);
        assert!(!ends.contains(&Incoming::CloseNotify), "{ends:?}");
        assert_eq!(client.download("RETR big").await.len(), 20_000_000);

        let (mut data, _) = client.begin_private("STOR half").await;
        data.link.send(b"half", DEADLINE).await.unwrap();
        assert_eq!(client.ask("ABOR").await.0, 426);
        assert_eq!(client.code().await, 226);
        assert_eq!(server.store().get("alice", "half"), None);
        assert_eq!(server.observations().last().unwrap().end, DataEnd::Aborted);
    }
}

#[tokio::test]
async fn quit_during_a_transfer_waits_for_its_end() {
    let server = start(|_| {}).await;
    server.store().put("alice", "big", &pattern(5_000_000)).unwrap();
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("TYPE I").await;
    let (mut data, _) = client.begin_private("RETR big").await;
    client.say("QUIT").await;
    assert_eq!(data.read_all(&mut client).await.len(), 5_000_000);
    assert_eq!(client.code().await, 226);
    assert_eq!(client.code().await, 221);
}

#[tokio::test]
async fn the_end_of_control_ends_the_transfer() {
    let server = start(|_| {}).await;
    server.store().put("alice", "big", &pattern(20_000_000)).unwrap();
    for how in [TcpClose::Fin, TcpClose::Reset] {
        let mut client = Client::private(&server, TlsVersion::Tls13).await;
        client.ask("TYPE I").await;
        let (mut data, _) = client.begin_private("RETR big").await;
        client.link.close(how);
        let (content, ends) = data.read_to_end(&mut client).await;
        assert!(content.len() < 20_000_000);
        assert!(!ends.contains(&Incoming::CloseNotify), "{ends:?}");
    }
}

#[tokio::test]
async fn a_second_transfer_waits_and_needs_a_path_of_its_own() {
    let server = start(|_| {}).await;
    server.store().put("alice", "a", &pattern(3_000_000)).unwrap();
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("TYPE I").await;
    let (mut data, _) = client.begin_private("RETR a").await;
    client.say("RETR a").await;
    assert_eq!(data.read_all(&mut client).await, pattern(3_000_000));
    assert_eq!(client.code().await, 226);
    assert_eq!(client.code().await, 425);
}

#[tokio::test]
async fn the_quota_holds() {
    let server = start(|options| options.quota = Some(100_000)).await;
    server.store().put("alice", "f", &pattern(60_000)).unwrap();
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("TYPE I").await;
    let (mut data, _) = client.begin_private("STOR g").await;
    data.link.send(&pattern(50_000), DEADLINE).await.unwrap();
    assert_eq!(client.code().await, 552);
    assert_eq!(server.store().get("alice", "g"), None);
    assert_eq!(client.upload("STOR f", &pattern(100_000)).await, 226);
    assert_eq!(client.upload("APPE f", b"").await, 226);
}

#[tokio::test]
async fn sessions_are_resumed_by_id_ticket_and_psk_and_from_data_connections() {
    let server = start(|_| {}).await;
    for (version, tls12) in [
        (TlsVersion::Tls12, Tls12Resumption::TicketsOrIds),
        (TlsVersion::Tls12, Tls12Resumption::IdsOnly),
        (TlsVersion::Tls13, Tls12Resumption::TicketsOrIds),
    ] {
        let mut client = Client::connect(&server).await;
        client.versions = vec![version];
        client.tls12 = tls12;
        client.auth().await;
        client.log_in().await;
        client.protect().await;
        for _ in 0..3 {
            let (mut data, facts) = client.begin_private("NLST").await;
            assert_eq!(facts.kind, HandshakeKind::Resumed, "{version:?} {tls12:?}");
            data.read_all(&mut client).await;
            assert_eq!(client.code().await, 226);
            let seen = server.observations().pop().unwrap().handshake.unwrap();
            assert_eq!(seen.version, version);
            assert_eq!(seen.resumed, Some(ResumedFrom::Control));
        }
        if version == TlsVersion::Tls13 {
            let number = server.observations().last().unwrap().number;
            let mut data = client.begin("NLST").await;
            let offer = client.data.last().cloned();
            data.handshake(&client, offer).await.unwrap();
            data.read_all(&mut client).await;
            assert_eq!(client.code().await, 226);
            let seen = server.observations().pop().unwrap().handshake.unwrap();
            assert_eq!(seen.resumed, Some(ResumedFrom::Data(number)));
        }
    }
}

#[tokio::test]
async fn reuse_of_this_control_is_insisted_on() {
    let server = start(|options| options.reuse = ReusePolicy::ThisControl).await;
    server.store().put("alice", "f", b"secret").unwrap();
    for version in VERSIONS {
        let mut other = Client::private(&server, version).await;
        assert_eq!(other.download("NLST f").await, b"f\r\n");
        let mut client = Client::private(&server, version).await;
        assert_eq!(client.download("RETR f").await, b"secret");
        for offer in [None, other.control.last().cloned()] {
            let mut data = client.begin("RETR f").await;
            data.handshake(&client, offer).await.unwrap();
            let (content, ends) = data.read_to_end(&mut client).await;
            assert_eq!(content, b"");
            assert!(!ends.contains(&Incoming::CloseNotify), "{ends:?}");
            let (code, text) = client.reply().await;
            assert_eq!(code, 522);
            assert!(text.contains("session"), "{text}");
        }
        assert_eq!(client.upload("STOR g", b"x").await, 226);
    }
}

#[tokio::test]
async fn reuse_of_any_session_is_enough_for_that_policy() {
    let server = start(|options| options.reuse = ReusePolicy::AnySession).await;
    let mut other = Client::private(&server, TlsVersion::Tls12).await;
    assert_eq!(other.ask("NOOP").await.0, 200);
    let mut client = Client::private(&server, TlsVersion::Tls12).await;
    let mut data = client.begin("NLST").await;
    let offer = other.control.last().cloned();
    data.handshake(&client, offer).await.unwrap();
    assert_eq!(data.read_all(&mut client).await, b"");
    assert_eq!(client.code().await, 226);
    let mut data = client.begin("NLST").await;
    data.handshake(&client, None).await.unwrap();
    data.read_to_end(&mut client).await;
    assert_eq!(client.code().await, 522);
}

#[tokio::test]
async fn a_forged_ticket_leads_to_a_full_handshake() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("NOOP").await;
    let forged = client.control.last().unwrap().forged();
    assert!(forged.is_some());
    let mut data = client.begin("NLST").await;
    let facts = data.handshake(&client, forged).await.unwrap();
    assert_eq!(facts.kind, HandshakeKind::Full);
    data.read_all(&mut client).await;
    assert_eq!(client.code().await, 226);
}

#[tokio::test]
async fn passive_ports_and_masquerade_are_as_configured() {
    let server = start(|options| {
        options.passive_ports = Some(42_100..=42_199);
        options.masquerade = Some("203.0.113.7".parse().unwrap());
    })
    .await;
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    let (_, text) = client.ask("PASV").await;
    assert!(text.contains("203,0,113,7,164,"), "{text}");
}

#[tokio::test]
async fn active_mode_can_be_switched_off() {
    let server = start(|options| options.active_allowed = false).await;
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    assert_eq!(client.ask("PORT 127,0,0,1,200,1").await.0, 502);
    assert_eq!(client.ask("EPRT |1|127.0.0.1|8000|").await.0, 502);
}
