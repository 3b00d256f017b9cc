//! TLS: the order of 150 and handshake, what is left over in clear, garbage instead of TLS, ends of uploads, CCC.

use super::data::reach;
use super::{Client, LONG, Peer, read_to_end, retrieve, serve, serve_with, server_tls, store, text};
use crate::client::{ContentStream, FinalReply};
use crate::scenario::model::{
    Action, ChannelRef, CloseConnection, Connect, Level, ProbeTls, StartTls, TcpEnd, TlsChoice, TlsEnd,
};
use crate::trace::{ActionProblem, EventKind, HandshakeKind, TlsVersion, Waited};
use crate::transport::TcpClose;

const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

fn start_tls(channel: ChannelRef) -> Action {
    Action::StartTls(StartTls {
        channel,
        tls: TlsChoice::default(),
    })
}

/// When the target shakes hands on the data connection.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Order {
    HandshakeFirst,
    ReplyFirst,
}

async fn begin(peer: &mut Peer, verb: &str, order: Order) {
    peer.offer_data().await;
    peer.take_data().await;
    let line = peer.hear().await;
    assert!(line.starts_with(verb), "{line}");
    if order == Order::ReplyFirst {
        peer.say("150 Go on\r\n").await;
    }
    peer.protect_data().await;
    if order == Order::HandshakeFirst {
        peer.say("150 Go on\r\n").await;
    }
}

#[tokio::test]
async fn transfers_accept_every_order_of_150_and_handshake() {
    for (order, noted) in [
        (Order::HandshakeFirst, "before-150"),
        (Order::ReplyFirst, "after-150"),
    ] {
        for version in BOTH {
            let address = serve_with(Some(server_tls(&[version])), move |mut peer| async move {
                peer.log_in().await;
                peer.answer("TYPE I", "200 Binary").await;
                begin(&mut peer, "STOR", order).await;
                let (bytes, is_complete) = peer.read_data().await;
                assert!(is_complete && bytes == ContentStream::new(0).take(100_000));
                peer.end_data().await;
                peer.say("226 Done\r\n").await;
                begin(&mut peer, "RETR", order).await;
                peer.data().send(b"content", LONG).await.unwrap();
                peer.end_data().await;
                peer.say("226 Done\r\n").await;
                peer.see_off().await;
            });
            let mut client = Client::new(address);
            client.act(reach(Level::DataProtected)).await.unwrap();
            client.act(store("x", 100_000)).await.unwrap();
            assert_eq!(
                client.noted("handshake-order").as_deref(),
                Some(noted),
                "{version:?}"
            );
            client.act(retrieve("x")).await.unwrap();
            assert_eq!(client.summary().text, "content");
            assert!(!client.has(|kind| *kind == EventKind::ResetReceived));
            let resumed = client.has(
                |kind| matches!(kind, EventKind::HandshakeFinished(facts) if facts.kind == HandshakeKind::Resumed),
            );
            assert!(resumed, "data connections offer the session of control");
        }
    }
}

#[tokio::test]
async fn an_upload_drains_tickets_that_nobody_reads() {
    // The target reads slowly and sends tickets first: a client that closed with unread bytes would reset it.
    let address = serve_with(Some(server_tls(&[TlsVersion::Tls13])), |mut peer| async move {
        peer.log_in().await;
        peer.answer("TYPE I", "200 Binary").await;
        begin(&mut peer, "STOR", Order::ReplyFirst).await;
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        let (bytes, is_complete) = peer.read_data().await;
        let reply = if is_complete && bytes.len() == 300_000 {
            "226 Done"
        } else {
            "426 Cut"
        };
        peer.end_data().await;
        peer.say(&format!("{reply}\r\n")).await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.act(reach(Level::DataProtected)).await.unwrap();
    client.act(store("x", 300_000)).await.unwrap();
}

#[tokio::test]
async fn clear_bytes_behind_234_are_dropped_and_told() {
    let address = serve_with(Some(server_tls(&BOTH)), |mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.hear().await;
        peer.say("234 Go on\r\n230 You are in\r\n23").await;
        let context = peer.tls.clone().unwrap();
        let options = crate::tls::ServerOptions::default();
        peer.link
            .start_tls_server(&context, &options, &[], LONG)
            .await
            .unwrap();
        peer.answer("NOOP", "200 Fine").await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    client.reply().await.unwrap();
    client.send("AUTH TLS").await.unwrap();
    assert_eq!(client.reply().await, Ok(234));
    client.act(start_tls(ChannelRef::Control)).await.unwrap();
    client.send("NOOP").await.unwrap();
    assert_eq!(client.reply().await, Ok(200));
    assert!(client.has(|kind| matches!(kind, EventKind::ClearBytesLeftOver { bytes: 18, .. })));
}

#[tokio::test]
async fn clear_text_instead_of_tls_is_a_failed_handshake() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.answer("AUTH TLS", "234 Go on").await;
        // Whatever comes is answered in clear.
        let _ = peer.link.receive().await;
        peer.say("500 What was that\r\n").await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    let problem = client.act(reach(Level::Protected)).await.unwrap_err();
    assert!(
        matches!(problem, ActionProblem::HandshakeFailed { .. }),
        "{problem:?}"
    );
    assert!(
        client.has(|kind| matches!(kind, EventKind::HandshakeFailed(failure) if failure.plaintext.is_some()))
    );
}

#[tokio::test]
async fn a_handshake_that_is_not_answered_is_waited_for_until_the_deadline() {
    let address = serve(|mut peer| async move { peer.see_off().await });
    let mut client = Client::new(address);
    let implicit = Connect {
        implicit: Some(true),
        ..Connect::default()
    };
    let problem = client.act(Action::Connect(implicit)).await.unwrap_err();
    assert!(
        matches!(
            problem,
            ActionProblem::TimedOut {
                waited: Waited::Handshake,
                ..
            }
        ),
        "{problem:?}"
    );
}

#[tokio::test]
async fn a_download_that_is_cut_is_no_close_notify() {
    for how in [TcpClose::Fin, TcpClose::Reset] {
        let address = serve_with(Some(server_tls(&BOTH)), move |mut peer| async move {
            peer.log_in().await;
            peer.answer("TYPE I", "200 Binary").await;
            begin(&mut peer, "RETR", Order::ReplyFirst).await;
            peer.data().send(b"half", LONG).await.unwrap();
            // What was sent is read before the connection goes.
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            peer.data().close(how);
            peer.say("426 Cut\r\n").await;
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.act(reach(Level::DataProtected)).await.unwrap();
        client.act_with(retrieve("x"), FinalReply::Leave).await.unwrap();
        assert_eq!(client.reply().await, Ok(426));
        assert_eq!(client.summary().text, "half");
        assert!(!client.has(|kind| *kind == EventKind::CloseNotifyReceived));
    }
}

#[tokio::test]
async fn after_ccc_the_session_goes_on_in_clear() {
    for version in BOTH {
        let address = serve_with(Some(server_tls(&[version])), |mut peer| async move {
            peer.log_in().await;
            peer.answer("CCC", "200 Clear from now on").await;
            peer.link.send_close_notify(LONG).await.unwrap();
            while peer.link.receive().await != crate::transport::Incoming::CloseNotify {}
            peer.link.stop_tls();
            peer.answer("NOOP", "200 Fine").await;
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.act(reach(Level::DataProtected)).await.unwrap();
        client.send("CCC").await.unwrap();
        assert_eq!(client.reply().await, Ok(200));
        client.act(Action::StopTls(ChannelRef::Control)).await.unwrap();
        client.send("NOOP").await.unwrap();
        assert_eq!(client.reply().await, Ok(200));
        let shown = client.kinds();
        let last = shown.iter().rev().find_map(|kind| match kind {
            EventKind::ReplyReceived { protected, .. } => Some(*protected),
            _ => None,
        });
        assert_eq!(last, Some(false));
    }
}

#[tokio::test]
async fn a_probe_tells_what_came_back() {
    let hello = |answer: &'static str| {
        serve(move |mut peer| async move {
            let _ = peer.link.receive().await;
            match answer {
                "plaintext" => peer.say("220 Hello\r\n").await,
                "alert" => peer
                    .link
                    .send_clear(&[21, 3, 1, 0, 2, 2, 70], LONG)
                    .await
                    .unwrap(),
                "closed" => peer.link.close(TcpClose::Fin),
                _ => {}
            }
            peer.see_off().await;
        })
    };
    for answer in ["plaintext", "alert", "closed", "nothing"] {
        let mut client = Client::new(hello(answer));
        client.connect().await;
        let probe = ProbeTls {
            version: Some(text("tls1.0")),
            ..ProbeTls::default()
        };
        client.act(Action::ProbeTls(probe)).await.unwrap();
        assert!(
            client
                .has(|kind| matches!(kind, EventKind::ProbeAnswered { answer: told, .. } if told == answer)),
            "{answer}: {:?}",
            client.kinds()
        );
    }
}

#[tokio::test]
async fn a_control_connection_can_be_ended_in_every_way() {
    let ends = [
        TlsEnd::CloseNotify,
        TlsEnd::Silent,
        TlsEnd::Alert(80),
        TlsEnd::HalfRecord,
    ];
    for tls in ends {
        let address = serve_with(Some(server_tls(&BOTH)), |mut peer| async move {
            peer.log_in().await;
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.act(reach(Level::DataProtected)).await.unwrap();
        let close = CloseConnection {
            tls: tls.clone(),
            tcp: TcpEnd::Fin,
            drain: false,
        };
        client.act(Action::CloseControl(close)).await.unwrap();
        assert_eq!(
            client.has(|kind| *kind == EventKind::CloseNotifySent),
            tls == TlsEnd::CloseNotify
        );
        assert_eq!(
            client.has(|kind| matches!(kind, EventKind::AlertSent(_))),
            tls == TlsEnd::Alert(80)
        );
        assert!(client.has(|kind| *kind == EventKind::FinSent));
        let problem = client.reply().await.unwrap_err();
        assert!(matches!(problem, ActionProblem::Closed { .. }), "{problem:?}");
    }
}

#[tokio::test]
async fn nothing_is_read_behind_a_failed_handshake_on_data() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.data().send(b"no TLS at all, just text", LONG).await.unwrap();
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.open_data().await;
    let problem = client.act(start_tls(ChannelRef::Data)).await.unwrap_err();
    assert!(
        matches!(problem, ActionProblem::HandshakeFailed { .. }),
        "{problem:?}"
    );
    client.act(read_to_end()).await.unwrap();
    assert_eq!(client.summary().bytes, 0);
}
