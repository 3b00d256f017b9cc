//! Login, AUTH, REIN, CCC, PBSZ, PROT.

use super::client::{Client, DEADLINE, VERSIONS, start};
use crate::tls::Session;
use crate::trace::{HandshakeKind, TlsVersion};
use crate::transport::Incoming;

#[tokio::test]
async fn a_login_in_clear_is_taken_unless_tls_is_required() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("PASS wonderland").await.0, 503);
    assert_eq!(client.ask("PWD").await.0, 530);
    client.log_in().await;
    assert_eq!(
        client.ask("PWD").await,
        (257, "\"/\" is the current directory.".to_owned())
    );

    let server = start(|options| options.tls_required = true).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("USER alice").await.0, 530);
    assert_eq!(client.ask("PASS wonderland").await.0, 530);
    client.auth().await;
    client.log_in().await;
}

#[tokio::test]
async fn wrong_passwords_are_refused_and_then_the_connection_is_closed() {
    let server = start(|options| options.login_attempts = 3).await;
    let mut client = Client::connect(&server).await;
    client.auth().await;
    for _ in 0..2 {
        assert_eq!(client.ask("USER alice").await.0, 331);
        assert_eq!(client.ask("PASS wrong").await.0, 530);
    }
    assert_eq!(client.ask("USER nobody").await.0, 331);
    assert_eq!(client.ask("PASS wrong").await.0, 421);
    assert_eq!(client.try_reply().await, Err(Some(Incoming::CloseNotify)));
}

#[tokio::test]
async fn auth_forgets_the_user_and_all_settings() {
    let server = start(|_| {}).await;
    server.store().put("alice", "sub/f", b"a\nb").unwrap();
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    for (line, code) in [
        ("CWD sub", 250),
        ("TYPE I", 200),
        ("REST 2", 350),
        ("EPSV", 229),
        ("RNFR f", 350),
    ] {
        assert_eq!(client.ask(line).await.0, code, "{line}");
    }
    client.auth().await;
    assert_eq!(client.ask("PWD").await.0, 530);
    assert_eq!(client.ask("PASS wonderland").await.0, 503);
    client.log_in().await;
    assert_eq!(client.ask("RNTO g").await.0, 503);
    assert_eq!(client.ask("LIST").await.0, 425);
    assert_eq!(client.ask("SIZE sub/f").await, (213, "4".to_owned()));
    client.protect().await;
    assert_eq!(client.download("RETR sub/f").await, b"a\r\nb");
}

#[tokio::test]
async fn what_is_sent_ahead_of_the_handshake_is_forgotten() {
    let server = start(|_| {}).await;
    for tail in ["FEAT\r\n", "USER alice\r\n", "DELE /x;"] {
        let mut client = Client::connect(&server).await;
        client.say(&format!("AUTH TLS\r\n{}", tail.trim_end())).await;
        assert_eq!(client.code().await, 234);
        client.handshake(None).await.unwrap();
        client.silence().await;
        assert_eq!(client.ask("PASS wonderland").await.0, 503);
        assert_eq!(client.ask("NOOP").await.0, 200);
    }
}

#[tokio::test]
async fn auth_arguments_are_judged() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    for (line, code) in [
        ("AUTH", 501),
        ("AUTH GSSAPI", 504),
        ("AUTH SSL", 504),
        ("AUTH TLS-P", 504),
        ("ADAT AAAA", 503),
        ("PBSZ 0", 503),
        ("PROT P", 503),
        ("CCC", 533),
    ] {
        assert_eq!(client.ask(line).await.0, code, "{line}");
    }
    assert_eq!(client.ask("auth tls-c").await.0, 234);
    client.handshake(None).await.unwrap();
    for (line, code) in [("AUTH TLS", 503), ("ADAT AAAA", 503), ("CCC", 534)] {
        assert_eq!(client.ask(line).await.0, code, "{line}");
    }
}

#[tokio::test]
async fn a_failed_handshake_ends_the_connection() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("AUTH TLS").await.0, 234);
    client.say("NOOP").await;
    let end = client.link.receive().await;
    assert!(
        !matches!(&end, Incoming::Bytes(bytes) if bytes.starts_with(b"200")),
        "{end:?}"
    );
    let mut last = end;
    while !matches!(last, Incoming::Fin | Incoming::Reset) {
        last = client.link.receive().await;
    }
}

#[tokio::test]
async fn pbsz_and_prot_follow_rfc_4217() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.auth().await;
    assert_eq!(client.ask("PROT P").await.0, 503);
    for argument in ["", " abc", " -1", " 4294967296", " +1"] {
        assert_eq!(client.ask(&format!("PBSZ{argument}")).await.0, 501, "{argument}");
    }
    assert_eq!(client.ask("PBSZ 4096").await, (200, "PBSZ=0".to_owned()));
    for (line, code) in [
        ("PROT", 501),
        ("PROT X", 504),
        ("PROT PP", 504),
        ("PROT S", 536),
        ("PROT E", 536),
        ("prot p", 200),
        ("PROT C", 200),
    ] {
        assert_eq!(client.ask(line).await.0, code, "{line}");
    }
}

#[tokio::test]
async fn policies_about_data_protection_are_enforced_at_the_transfer() {
    let server = start(|options| options.data_tls_required = true).await;
    let mut client = Client::connect(&server).await;
    client.auth().await;
    client.log_in().await;
    for command in ["LIST", "RETR x", "STOR x", "STOU", "APPE x", "NLST", "MLSD"] {
        assert_eq!(client.ask("EPSV").await.0, 229);
        assert_eq!(client.ask(command).await.0, 521, "{command}");
    }
    client.protect().await;
    assert_eq!(client.ask("PROT C").await.0, 534);
    assert_eq!(client.download("LIST").await, b"");

    let server = start(|options| options.data_tls_disabled = true).await;
    let mut client = Client::connect(&server).await;
    client.auth().await;
    assert_eq!(client.ask("PBSZ 0").await.0, 200);
    assert_eq!(client.ask("PROT P").await.0, 534);
}

#[tokio::test]
async fn rein_answers_under_tls_and_goes_back_to_clear() {
    let server = start(|_| {}).await;
    for version in VERSIONS {
        let mut client = Client::private(&server, version).await;
        assert_eq!(client.ask("REIN").await.0, 220);
        assert_eq!(client.link.receive().await, Incoming::CloseNotify);
        client.link.send_close_notify(DEADLINE).await.unwrap();
        client.link.stop_tls();
        assert_eq!(client.ask("PWD").await.0, 530);
        assert_eq!(client.ask("PROT C").await.0, 503);
        client.auth().await;
        client.log_in().await;
        assert_eq!(client.ask("PROT P").await.0, 503);
        let mut data = client.begin("LIST").await;
        assert_eq!(data.read_all(&mut client).await, b"");
        assert_eq!(client.code().await, 226);
    }
}

#[tokio::test]
async fn ccc_ends_tls_on_control_and_keeps_it_on_data() {
    let server = start(|options| options.ccc_allowed = true).await;
    server.store().put("alice", "f", b"content").unwrap();
    for version in VERSIONS {
        let mut client = Client::private(&server, version).await;
        assert_eq!(client.ask("TYPE I").await.0, 200);
        assert_eq!(client.ask("CCC").await.0, 200);
        assert_eq!(client.link.receive().await, Incoming::CloseNotify);
        client.link.send_close_notify(DEADLINE).await.unwrap();
        client.link.stop_tls();
        for (line, code) in [
            ("NOOP", 200),
            ("PBSZ 0", 503),
            ("PROT C", 503),
            ("CCC", 533),
            ("USER bob", 503),
        ] {
            assert_eq!(client.ask(line).await.0, code, "{line}");
        }
        assert_eq!(client.download("RETR f").await, b"content");
    }
}

#[tokio::test]
async fn a_resumed_control_session_carries_no_login() {
    let server = start(|_| {}).await;
    for version in VERSIONS {
        let mut first = Client::private(&server, version).await;
        assert_eq!(first.ask("NOOP").await.0, 200);
        let session: Option<Session> = first.control.last().cloned();
        assert_eq!(first.ask("QUIT").await.0, 221);
        let mut second = Client::connect(&server).await;
        second.versions = vec![version];
        assert_eq!(second.ask("AUTH TLS").await.0, 234);
        let facts = second.handshake(session).await.unwrap();
        assert_eq!(facts.kind, HandshakeKind::Resumed, "{version:?}");
        assert_eq!(second.ask("PWD").await.0, 530);
        assert_eq!(second.ask("PROT P").await.0, 503);
    }
}

#[tokio::test]
async fn implicit_tls_greets_inside_and_takes_prot_p_for_granted() {
    let server = start(|options| options.implicit = true).await;
    server.store().put("alice", "f", b"x").unwrap();
    let mut client = Client::open(&server).await;
    client.handshake(None).await.unwrap();
    assert_eq!(client.code().await, 220);
    assert_eq!(client.ask("AUTH TLS").await.0, 503);
    client.log_in().await;
    assert!(client.download("LIST").await.ends_with(b" f\r\n"));
    client.protect().await;
    assert_eq!(client.ask("REIN").await.0, 220);
    assert_eq!(client.ask("PWD").await.0, 530);
    client.log_in().await;
    assert_eq!(client.download("NLST").await, b"f\r\n");
}

#[tokio::test]
async fn host_follows_rfc_7151() {
    let server = start(|options| options.hosts = vec!["localhost".into(), "ftpspec.test".into()]).await;
    let mut client = Client::connect(&server).await;
    for (line, code) in [
        ("HOST localhost", 220),
        ("HOST FTPSPEC.test", 220),
        ("HOST [::1]", 504),
        ("HOST 127.0.0.1", 220),
        ("HOST 203.0.113.77", 504),
        ("HOST localhost:21", 501),
        ("HOST nosuch.invalid", 504),
        ("USER alice", 331),
        ("HOST localhost", 220),
        ("PASS wonderland", 503),
    ] {
        assert_eq!(client.ask(line).await.0, code, "{line}");
    }
    client.auth().await;
    assert_eq!(client.ask("HOST ftpspec.test").await.0, 504);
    client.log_in().await;
    assert_eq!(client.ask("HOST localhost").await.0, 503);
}

#[tokio::test]
async fn names_that_are_not_served_get_an_alert() {
    let server = start(|options| options.hosts = vec!["other.test".into()]).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("AUTH TLS").await.0, 234);
    let failure = client.handshake(None).await.unwrap_err();
    assert_eq!(failure.alert.map(|alert| alert.description), Some(112));
}

#[tokio::test]
async fn alpn_is_answered_with_ftp_or_an_alert() {
    let server = start(|_| {}).await;
    for (offered, selected) in [(vec!["x", "ftp"], Some("ftp")), (vec!["h2", "http/1.1"], None)] {
        let mut client = Client::connect(&server).await;
        assert_eq!(client.ask("AUTH TLS").await.0, 234);
        let mut options = client.options(None);
        options.alpn = offered.iter().map(|name| name.as_bytes().to_vec()).collect();
        let outcome = client.handshake_with(&options).await;
        match selected {
            Some(name) => assert_eq!(outcome.unwrap().alpn.as_deref(), Some(name)),
            None => assert_eq!(
                outcome.unwrap_err().alert.map(|alert| alert.description),
                Some(120)
            ),
        }
    }
}

#[tokio::test]
async fn quit_ends_with_close_notify() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    assert_eq!(client.ask("QUIT").await.0, 221);
    assert_eq!(client.try_reply().await, Err(Some(Incoming::CloseNotify)));
    assert_eq!(client.link.receive().await, Incoming::Fin);
}
