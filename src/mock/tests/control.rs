//! Commands without data connection, lines, limits.

use std::time::Duration;

use super::client::{Client, DEADLINE, start};
use crate::trace::TlsVersion;
use crate::transport::Incoming;

#[tokio::test]
async fn file_commands_answer_as_rfc_959_and_3659_want() {
    let server = start(|_| {}).await;
    server.store().put("alice", "a/f", b"one\ntwo\n").unwrap();
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    for (line, code, text) in [
        ("CWD missing", 550, ""),
        ("CWD a/f", 550, ""),
        ("CWD a", 250, ""),
        ("CDUP", 250, ""),
        ("XCWD a", 250, ""),
        ("XPWD", 257, "\"/a\" "),
        ("XCUP", 250, ""),
        ("MKD foo\"bar", 257, "\"/foo\"\"bar\" "),
        ("MKD foo\"bar", 550, ""),
        ("RMD foo\"bar", 250, ""),
        ("RMD a", 550, ""),
        ("RMD a/f", 550, ""),
        ("DELE a", 550, ""),
        ("DELE missing", 550, ""),
        ("SIZE a/f", 213, "10"),
        ("TYPE I", 200, ""),
        ("SIZE a/f", 213, "8"),
        ("SIZE a", 550, ""),
        ("SIZE", 501, ""),
        ("MDTM missing", 550, ""),
        ("MDTM 20000101000000 a/f", 550, ""),
        ("RNTO b", 503, ""),
        ("RNFR missing", 550, ""),
        ("RNFR a/f", 350, ""),
        ("NOOP", 200, ""),
        ("RNTO a/g", 503, ""),
        ("RNFR a/f", 350, ""),
        ("RNTO a/g", 250, ""),
        ("RNTO a/h", 503, ""),
        ("OPTS MLST size;nosuch;type;", 200, "MLST OPTS type;size;"),
        ("OPTS MLST unique type;", 501, ""),
        ("MLST a/g", 250, "One entry:\n type=file;size=8; /a/g\nEnd"),
        ("OPTS MLST", 200, "MLST OPTS"),
        ("MLST a", 250, "One entry:\n  /a\nEnd"),
        ("MLST missing", 550, ""),
        ("STAT a", 212, "Status:\n -rw-r--r--"),
        ("STAT missing", 450, ""),
        ("DELE a/g", 250, ""),
        ("DELE a/g", 550, ""),
    ] {
        let (got, reply) = client.ask(line).await;
        assert_eq!(got, code, "{line}: {reply}");
        assert!(reply.starts_with(text), "{line}: {reply}");
    }
    let (code, time) = client.ask("MDTM missing").await;
    assert_eq!((code, time.as_str()), (550, "No such file or directory."));
}

#[tokio::test]
async fn parameters_are_judged() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    for (line, code) in [
        ("type i", 200),
        ("TYPE a n", 200),
        ("TYPE A T", 200),
        ("TYPE L 8", 200),
        ("TYPE L 7", 504),
        ("TYPE E", 504),
        ("TYPE Z", 501),
        ("TYPE", 501),
        ("MODE s", 200),
        ("MODE B", 504),
        ("MODE Z", 501),
        ("STRU f", 200),
        ("STRU P", 504),
        ("STRU Z", 501),
        ("ALLO 1000", 200),
        ("ALLO 1000 R 10", 200),
        ("ALLO x", 501),
        ("REST 5", 350),
        ("REST abc", 501),
        ("REST -5", 501),
        ("REST 1x", 501),
        ("REST", 501),
        ("REST 99999999999999999999999", 501),
        ("PORT 1,2,3", 501),
        ("PORT 256,0,0,1,4,1", 501),
        ("PORT 127,0,0,1,4,1 x", 501),
        ("PORT 127,0,0,1,0,25", 504),
        ("PORT 127,0,0,2,200,1", 504),
        ("EPRT |1|127.0.0.1|80|", 504),
        ("EPRT |1|127.0.0.2|8000|", 504),
        ("EPRT !1!127.0.0.1!8000!", 200),
        ("EPRT |3|x|1234|", 522),
        ("EPRT |2|::1|1234|", 522),
        ("EPRT |1|127.0.0.1|", 501),
        ("EPRT |1|127.0.0.1|0|", 501),
        ("EPRT |1|999.1.1.1|1234|", 501),
        ("EPSV 1", 229),
        ("EPSV 2", 522),
        ("EPSV 3", 522),
        ("EPSV FOO", 501),
        ("PASV x", 501),
        ("EPSV ALL", 200),
        ("PASV", 503),
        ("PORT 127,0,0,1,200,1", 503),
        ("EPRT |1|127.0.0.1|8000|", 503),
        ("EPSV", 229),
        ("ACCT x", 202),
        ("ABOR", 226),
        ("ABOR", 225),
        ("SITE HELP", 214),
        ("SITE EXEC id", 501),
        ("LANG", 200),
        ("LANG en", 200),
        ("LANG xx", 504),
        ("LANG en_US!!", 501),
        ("OPTS UTF8 ON", 200),
        ("OPTS NOSUCH x", 501),
        ("OPTS", 501),
        ("FEAT x", 501),
        ("SYST", 215),
        ("HELP", 214),
        ("HELP STOR", 214),
        ("SMNT x", 502),
        ("XFOO", 500),
        ("noop", 200),
    ] {
        let (got, text) = client.ask(line).await;
        assert_eq!(got, code, "{line}: {text}");
    }
}

#[tokio::test]
async fn feat_lists_what_works() {
    let server = start(|options| options.ccc_allowed = true).await;
    let mut client = Client::connect(&server).await;
    let (code, text) = client.ask("FEAT").await;
    assert_eq!(code, 211);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "Features:",
            " AUTH TLS",
            " CCC",
            " EPRT",
            " EPSV",
            " HOST",
            " LANG EN*",
            " MDTM",
            " MLST type*;size*;modify*;perm*;unique*;",
            " PBSZ",
            " PROT",
            " REST STREAM",
            " SIZE",
            " TVFS",
            " UTF8",
            "End"
        ]
    );
}

#[tokio::test]
async fn names_are_bytes_and_spaces_count() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    assert_eq!(
        client.ask("MKD  leading").await,
        (257, "\"/ leading\" was made.".to_owned())
    );
    assert_eq!(client.ask("MKD e\u{301}\u{1f600}").await.0, 257);
    client.link.send(b"MKD x\xff\xffy\r\n", DEADLINE).await.unwrap();
    assert_eq!(client.odd_code().await, 257);
    client.link.send(b"MKD a\r\0b\r\n", DEADLINE).await.unwrap();
    assert_eq!(client.code().await, 501);
    client.link.send(b"MKD c\0d\r\n", DEADLINE).await.unwrap();
    assert_eq!(client.code().await, 501);
    let names: Vec<Vec<u8>> = server
        .store()
        .list("alice", &crate::mock::StorePath::root())
        .unwrap()
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(
        names,
        [
            b" leading".to_vec(),
            "e\u{301}\u{1f600}".as_bytes().to_vec(),
            b"x\xffy".to_vec()
        ]
    );
}

#[tokio::test]
async fn a_line_ends_with_crlf_only() {
    let server = start(|_| {}).await;
    server.store().put("alice", "victim", b"x").unwrap();
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    client
        .link
        .send(b"MKD a\nDELE victim\r\nNOOP\r\n", DEADLINE)
        .await
        .unwrap();
    assert_eq!(client.code().await, 501);
    assert_eq!(client.code().await, 200);
    client.link.send(b"\r\n", DEADLINE).await.unwrap();
    assert_eq!(client.code().await, 500);
    client.link.send(b"MKD par", DEADLINE).await.unwrap();
    client.silence().await;
    client.link.send(b"t1\r", DEADLINE).await.unwrap();
    client.link.send(b"\nNOOP\r\nSYST\r\n", DEADLINE).await.unwrap();
    assert_eq!(client.code().await, 257);
    assert_eq!(client.code().await, 200);
    assert_eq!(client.code().await, 215);
    assert!(server.store().get("alice", "victim").is_some());
}

#[tokio::test]
async fn overlong_lines_are_refused_once() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.log_in().await;
    for length in [4096, 8192, 65536, 70000] {
        let line = format!("STAT {}DELE victim", "A".repeat(length));
        assert_eq!(client.ask(&line).await.0, 500, "{length}");
        assert_eq!(client.ask("NOOP").await.0, 200);
    }
}

#[tokio::test]
async fn telnet_options_are_refused() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client
        .link
        .send(b"\xff\xfd\x01\xff\xfb\x03NOOP\r\n", DEADLINE)
        .await
        .unwrap();
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n") {
        match client.link.receive().await {
            Incoming::Bytes(bytes) => received.extend(bytes),
            other => panic!("{other:?}"),
        }
    }
    assert!(
        received.starts_with(b"\xff\xfc\x01\xff\xfe\x03200 "),
        "{received:?}"
    );
}

#[tokio::test]
async fn browsers_and_noise_are_turned_away() {
    let server = start(|_| {}).await;
    let mut client = Client::connect(&server).await;
    client.auth().await;
    assert_eq!(client.ask("POST / HTTP/1.1").await.0, 421);
    assert_eq!(client.try_reply().await, Err(Some(Incoming::CloseNotify)));
    let mut client = Client::connect(&server).await;
    for _ in 0..10 {
        assert_eq!(client.ask("FOO").await.0, 500);
    }
    assert_eq!(client.ask("FOO").await.0, 421);
}

#[tokio::test]
async fn an_idle_connection_is_closed_with_421() {
    let server = start(|options| options.idle_timeout = Duration::from_millis(50)).await;
    let mut client = Client::protected(&server).await;
    assert_eq!(client.code().await, 421);
    assert_eq!(client.try_reply().await, Err(Some(Incoming::CloseNotify)));
}

#[tokio::test]
async fn a_handshake_that_never_comes_is_given_up() {
    let server = start(|options| options.handshake_timeout = Duration::from_millis(50)).await;
    let mut client = Client::connect(&server).await;
    assert_eq!(client.ask("AUTH TLS").await.0, 234);
    assert!(matches!(
        client.try_reply().await,
        Err(Some(Incoming::Fin | Incoming::Reset))
    ));
}

#[tokio::test]
async fn too_many_connections_get_421() {
    let server = start(|options| options.max_connections = 1).await;
    let first = Client::connect(&server).await;
    let mut second = Client::open(&server).await;
    assert_eq!(second.code().await, 421);
    drop(first);
}

#[tokio::test]
async fn a_stopped_server_is_gone() {
    let server = start(|_| {}).await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    let address = server.address();
    server.stop().await;
    assert!(matches!(
        client.try_reply().await,
        Err(Some(Incoming::Fin | Incoming::Reset))
    ));
    let again = crate::transport::Listener::bind(address, None);
    assert!(again.is_ok());
}
