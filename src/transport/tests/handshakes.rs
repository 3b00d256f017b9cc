//! Handshakes and how connections come about.

use super::*;

#[tokio::test]
async fn bytes_read_before_the_handshake_belong_to_it() {
    let world = World::new();
    let mut ends = Ends::clear().await;
    let (context, server) = (world.client(), world.server());
    let (options, with) = (options(TlsVersion::Tls13), label(1));
    let serve = async {
        let Incoming::Bytes(first) = next(&mut ends.server).await else {
            panic!("no ClientHello");
        };
        ends.server.start_tls_server(&server, &with, &first, SOON).await
    };
    let (client_side, server_side) = join!(ends.client.start_tls_client(&context, &options, SOON), serve);
    client_side.unwrap();
    server_side.unwrap();
}

#[tokio::test]
async fn a_peer_in_clear_fails_the_handshake_early_and_its_text_can_be_read() {
    let world = World::new();
    let mut ends = Ends::clear().await;
    ends.server.send(b"500 no TLS here\r\n", SOON).await.unwrap();
    let context = world.client();
    let failure = ends
        .client
        .start_tls_client(&context, &options(TlsVersion::Tls13), SOON)
        .await
        .unwrap_err();
    assert_eq!(failure.plaintext.as_deref(), Some("500 no TLS here\\r\\n"));
    assert_eq!(next(&mut ends.client).await, bytes(b"500 no TLS here\r\n"));
    assert!(!ends.client.is_protected());
    let failed: Vec<_> = ends
        .seen
        .events()
        .into_iter()
        .map(|event| name(&event.kind))
        .collect();
    assert_eq!(
        failed,
        [
            "connected",
            "handshake started",
            "alert sent",
            "handshake failed",
            "data received"
        ]
    );
}

#[tokio::test]
async fn a_server_can_go_on_in_clear_behind_a_failed_handshake() {
    let world = World::new();
    let mut ends = Ends::clear().await;
    let server = world.server();
    // Application data where a ClientHello belongs, an alert, and then a command.
    let nonsense = [
        &[23, 3, 1, 0, 4, 9, 0, 0, 0][..],
        &[21, 3, 3, 0, 2, 2, 40],
        b"USER x\r\n",
    ]
    .concat();
    ends.client.send(&nonsense, SOON).await.unwrap();
    let failure = ends
        .server
        .start_tls_server(&server, &label(1), &[], SOON)
        .await
        .unwrap_err();
    assert_eq!(failure.plaintext, None);
    let Incoming::Alert { .. } = next(&mut ends.server).await else {
        panic!("the alert behind the failure is lost");
    };
    assert_eq!(next(&mut ends.server).await, bytes(b"USER x\r\n"));
    // Our own alert came back.
    let got = next(&mut ends.client).await;
    assert!(matches!(got, Incoming::Bytes(_)), "{got:?}");
}

#[tokio::test]
async fn a_refused_handshake_names_the_alert_and_how_tcp_ended() {
    let mut world = World::new();
    world.policy.versions = vec![TlsVersion::Tls13];
    let mut ends = Ends::clear().await;
    let (context, server) = (world.client(), world.server());
    let (options, with) = (options(TlsVersion::Tls12), label(1));
    let (client_side, server_side) = join!(
        ends.client.start_tls_client(&context, &options, SOON),
        ends.server.start_tls_server(&server, &with, &[], SOON),
    );
    assert_eq!(client_side.unwrap_err().alert.unwrap().name, "protocol_version");
    server_side.unwrap_err();
    ends.server.close(TcpClose::Fin);
    assert_eq!(next(&mut ends.client).await, Incoming::Fin);
    assert_eq!(ends.server.events_for_test("alert sent"), 1);

    for how in [TcpClose::Fin, TcpClose::Reset] {
        let mut ends = Ends::clear().await;
        let gone = async {
            next(&mut ends.server).await;
            ends.server.close(how);
        };
        let (client_side, ()) = join!(ends.client.start_tls_client(&context, &options, SOON), gone);
        let reason = client_side.unwrap_err().reason;
        let (word, end) = match how {
            TcpClose::Fin => ("closed", Incoming::Fin),
            TcpClose::Reset => ("reset", Incoming::Reset),
        };
        assert!(reason.contains(word), "{reason}");
        assert_eq!(next(&mut ends.client).await, end);
    }
}

#[tokio::test]
async fn a_handshake_with_a_silent_peer_times_out() {
    let world = World::new();
    let mut ends = Ends::clear().await;
    let context = world.client();
    let failure = ends
        .client
        .start_tls_client(&context, &options(TlsVersion::Tls13), Duration::from_millis(50))
        .await
        .unwrap_err();
    assert_eq!(failure.reason, "timed out during the handshake");
}

#[tokio::test]
async fn a_raw_probe_gets_the_raw_answer() {
    let world = World::new();
    let mut ends = Ends::clear().await;
    let server = world.server();
    // A ClientHello of TLS 1.0 without any extension.
    let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 1];
    hello.extend([5; 32]);
    hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
    let with = label(1);
    let segments: [&[u8]; 1] = [&hello];
    let (answer, refused) = join!(
        ends.client.raw_probe(&segments, SOON, |bytes| bytes.len() >= 7),
        ends.server.start_tls_server(&server, &with, &[], SOON),
    );
    refused.unwrap_err();
    let answer = answer.unwrap();
    assert_eq!(answer.ended, RawEnd::Complete);
    assert_eq!(answer.bytes.first_chunk(), Some(&[21, 3, 3, 0, 2, 2]));
    ends.server.close(TcpClose::Fin);
    let answer = ends.client.raw_probe(&[], SOON, |_| false).await.unwrap();
    assert_eq!((answer.bytes.len(), answer.ended), (0, RawEnd::Fin));
}

#[tokio::test]
async fn connecting_tells_refusal_from_local_trouble() {
    let listener = Listener::bind(any_port(), None).unwrap();
    let closed = listener.local_address();
    drop(listener);
    let seen = recorder();
    let control = Channel::control("main");
    let error = Link::connect(closed, None, None, SOON, control.clone(), seen.clone())
        .await
        .unwrap_err();
    assert_eq!(error.kind, LinkErrorKind::Refused);
    assert_eq!(name(&seen.events()[0].kind), "connect failed");

    let listener = Listener::bind(any_port(), None).unwrap();
    let source = Some([127, 0, 0, 2].into());
    let (link, accepted) = join!(
        Link::connect(
            listener.local_address(),
            source,
            None,
            SOON,
            control.clone(),
            seen.clone()
        ),
        listener.accept(None, Some(SOON), control.clone(), recorder()),
    );
    assert_eq!(link.unwrap().local_address().ip().to_string(), "127.0.0.2");
    assert_eq!(accepted.unwrap().peer_address().ip().to_string(), "127.0.0.2");

    let nowhere = Some([192, 0, 2, 1].into());
    let error = Link::connect(
        listener.local_address(),
        nowhere,
        None,
        SOON,
        control.clone(),
        seen,
    )
    .await
    .unwrap_err();
    assert_eq!(error.kind, LinkErrorKind::Local);
    let error = listener
        .accept(None, Some(Duration::from_millis(20)), control, recorder())
        .await
        .unwrap_err();
    assert_eq!(error.kind, LinkErrorKind::TimedOut);
}

#[tokio::test]
async fn a_listener_takes_a_free_port_of_a_range() {
    let taken = Listener::bind(any_port(), None).unwrap();
    let port = taken.local_address().port();
    let error = Listener::bind(any_port(), Some(port..=port)).unwrap_err();
    assert_eq!(error.kind, LinkErrorKind::Local);
    assert!(error.detail.contains("no free port"));
    let last = port.saturating_add(20);
    let other = Listener::bind(any_port(), Some(port..=last)).unwrap();
    assert!((port + 1..=last).contains(&other.local_address().port()));
}

#[tokio::test]
async fn a_second_handshake_on_a_protected_link_is_refused() {
    let world = World::new();
    let mut ends = Ends::protected(TlsVersion::Tls13).await;
    let failure = ends
        .client
        .start_tls_client(&world.client(), &options(TlsVersion::Tls13), SOON)
        .await
        .unwrap_err();
    assert_eq!(failure.reason, "TLS is on already");
    ends.client.send(b"still on", SOON).await.unwrap();
    assert_eq!(next(&mut ends.server).await, bytes(b"still on"));
}
