//! Data connections in clear: refusals, ends, order, active mode.

use std::time::Duration;

use super::{Client, LONG, MAIN, open, read_to_end, retrieve, serve, store, text, write};
use crate::base::{Span, Spanned};
use crate::client::{ContentStream, FinalReply};
use crate::scenario::model::DataPathChoice;
use crate::scenario::model::{AccountRef, Level, TlsChoice};
use crate::scenario::model::{
    Action, ChannelRef, CloseConnection, Reach, ReadData, StartTls, TcpEnd, TlsEnd,
};
use crate::trace::{ActionProblem, Channel, DataPath, EventKind, Waited};
use crate::transport::{Link, TcpClose};

pub(super) fn reach(level: Level) -> Action {
    let level = Spanned::new(level, Span::default());
    Action::Reach(Reach {
        level,
        account: AccountRef::First,
        tls: TlsChoice::default(),
    })
}

#[tokio::test]
async fn a_refusal_ends_the_wait_for_data() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("RETR", "550 No such file").await;
        peer.see_off().await;
    });
    let mut client = Client::with(address, |settings| settings.timeouts.data = LONG * 2);
    client.open_data().await;
    client.send("RETR x").await.unwrap();
    assert_eq!(client.act(read_to_end()).await, Ok(()));
    assert_eq!(client.summary().bytes, 0);
    assert_eq!(client.reply().await, Ok(550));
}

#[tokio::test]
async fn a_refusal_ends_a_handshake_and_a_wait_for_the_connection() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("RETR", "550 No such file").await;
        peer.answer("PORT", "200 Fine").await;
        peer.answer("LIST", "425 Cannot connect").await;
        peer.see_off().await;
    });
    let mut client = Client::with(address, |settings| {
        settings.timeouts.handshake = LONG * 2;
        settings.timeouts.connect = LONG * 2;
    });
    client.open_data().await;
    client.send("RETR x").await.unwrap();
    let start = Action::StartTls(StartTls {
        channel: ChannelRef::Data,
        tls: TlsChoice::default(),
    });
    let problem = client.act(start).await.unwrap_err();
    assert!(
        matches!(problem, ActionProblem::RefusedByReply { code } if code.value() == 550),
        "{problem:?}"
    );
    assert!(client.has(|kind| matches!(kind, EventKind::HandshakeFailed(_))));
    assert_eq!(client.reply().await, Ok(550));

    client.act(open(DataPath::Active)).await.unwrap();
    client.send("LIST").await.unwrap();
    let count = Action::ReadData(ReadData::Bytes(text("1")));
    let problem = client.act(count).await.unwrap_err();
    assert!(
        matches!(problem, ActionProblem::RefusedByReply { code } if code.value() == 425),
        "{problem:?}"
    );
}

#[tokio::test]
async fn a_refusal_ends_a_write_that_nobody_reads() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("STOR", "150 Go on").await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        peer.say("552 Too much\r\n").await;
        peer.see_off().await;
    });
    let mut client = Client::with(address, |settings| settings.timeouts.data = LONG * 2);
    client.open_data().await;
    client.send("STOR x").await.unwrap();
    assert_eq!(client.reply().await, Ok(150));
    let problem = client.act(write(64 << 20)).await.unwrap_err();
    assert!(
        matches!(problem, ActionProblem::RefusedByReply { code } if code.value() == 552),
        "{problem:?}"
    );
}

#[tokio::test]
async fn mute_data_is_waited_for_until_the_deadline() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.open_data().await;
    let problem = client.act(read_to_end()).await.unwrap_err();
    assert!(
        matches!(
            problem,
            ActionProblem::TimedOut {
                waited: Waited::Data,
                ..
            }
        ),
        "{problem:?}"
    );
    assert_eq!(client.summary().bytes, 0);
}

#[tokio::test]
async fn a_target_that_never_connects_is_waited_for_until_the_deadline() {
    for path in [DataPath::Active, DataPath::ExtendedActive] {
        let address = serve(|mut peer| async move {
            peer.say("220 Hello\r\n").await;
            peer.hear().await;
            peer.say("200 Fine\r\n").await;
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.connect().await;
        client.reply().await.unwrap();
        client.act(open(path)).await.unwrap();
        let problem = client.act(read_to_end()).await.unwrap_err();
        assert!(
            matches!(
                problem,
                ActionProblem::TimedOut {
                    waited: Waited::Connection,
                    ..
                }
            ),
            "{problem:?}"
        );
    }
}

#[tokio::test]
async fn the_end_of_the_control_connection_ends_the_wait_for_data() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.link.close(TcpClose::Fin);
        peer.see_off().await;
    });
    let mut client = Client::with(address, |settings| settings.timeouts.data = LONG * 2);
    client.open_data().await;
    let problem = client.act(read_to_end()).await.unwrap_err();
    assert!(matches!(problem, ActionProblem::Closed { .. }), "{problem:?}");
}

#[tokio::test]
async fn a_reply_that_comes_before_the_data_is_recorded_first() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("RETR", "150 Here\r\n226 Done").await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        peer.data().send(b"late", LONG).await.unwrap();
        peer.end_data().await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.open_data().await;
    client.send("RETR x").await.unwrap();
    assert_eq!(client.reply().await, Ok(150));
    client.act(read_to_end()).await.unwrap();
    let position = |wanted: fn(&EventKind) -> bool| client.kinds().iter().position(wanted).unwrap();
    let done = position(|kind| matches!(kind, EventKind::ReplyReceived { code, .. } if code.value() == 226));
    let data = position(|kind| matches!(kind, EventKind::DataReceived { .. }));
    assert!(done < data);
    assert_eq!(
        (client.summary().bytes, client.summary().text.as_str()),
        (4, "late")
    );
    assert_eq!(client.reply().await, Ok(226));
}

#[tokio::test]
async fn what_arrives_at_once_is_told_in_the_order_it_ought_to_have() {
    let (sent, all_sent) = tokio::sync::oneshot::channel();
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("LIST", "150 Here").await;
        peer.data().send(b"a listing", LONG).await.unwrap();
        peer.end_data().await;
        peer.say("226 Done\r\n").await;
        let _ = sent.send(());
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.open_data().await;
    client.send("LIST").await.unwrap();
    all_sent.await.unwrap();
    assert_eq!(client.reply().await, Ok(150));
    client.act(read_to_end()).await.unwrap();
    assert_eq!(client.reply().await, Ok(226));
    let kinds = client.kinds();
    let order: Vec<String> = kinds
        .iter()
        .filter_map(|kind| match kind {
            EventKind::ReplyReceived { code, .. } if code.value() != 220 && code.value() != 229 => {
                Some(code.to_string())
            }
            EventKind::DataReceived { .. } => Some("data".to_owned()),
            EventKind::FinReceived => Some("fin".to_owned()),
            _ => None,
        })
        .collect();
    assert_eq!(order, ["150", "data", "fin", "226"]);
}

#[tokio::test]
async fn exactly_the_bytes_asked_for_are_read() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.data().send(b"0123456789", LONG).await.unwrap();
        peer.end_data().await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.open_data().await;
    let count = |number: &str| Action::ReadData(ReadData::Bytes(text(number)));
    client.act(count("4")).await.unwrap();
    assert_eq!(client.summary().text, "0123");
    client.act(read_to_end()).await.unwrap();
    assert_eq!(client.summary().text, "0123456789");
    let problem = client.act(count("1")).await.unwrap_err();
    assert!(matches!(problem, ActionProblem::Closed { .. }), "{problem:?}");
}

#[tokio::test]
async fn a_data_connection_can_be_ended_in_every_way() {
    for (tcp, drain) in [
        (TcpEnd::Fin, true),
        (TcpEnd::Fin, false),
        (TcpEnd::Reset, false),
        (TcpEnd::KeepOpen, false),
    ] {
        let address = serve(|mut peer| async move {
            peer.say("220 Hello\r\n").await;
            peer.offer_data().await;
            peer.take_data().await;
            peer.read_data().await;
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.open_data().await;
        client.act(write(10)).await.unwrap();
        let close = CloseConnection {
            tls: TlsEnd::Silent,
            tcp,
            drain,
        };
        client.act(Action::CloseData(close)).await.unwrap();
        let (fin, reset) = (
            client.has(|kind| *kind == EventKind::FinSent),
            client.has(|kind| *kind == EventKind::ResetSent),
        );
        assert_eq!((fin, reset), (tcp == TcpEnd::Fin, tcp == TcpEnd::Reset));
    }
}

#[tokio::test]
async fn transfers_work_in_clear_over_every_path() {
    for path in [
        DataPath::Passive,
        DataPath::ExtendedPassive,
        DataPath::Active,
        DataPath::ExtendedActive,
    ] {
        let address = serve(move |mut peer| async move {
            peer.say("220 Hello\r\n").await;
            peer.answer("TYPE I", "200 Binary").await;
            for verb in ["STOR", "RETR"] {
                match path {
                    DataPath::ExtendedPassive => peer.offer_data().await,
                    DataPath::Passive => peer.offer_data_by_pasv().await,
                    DataPath::Active | DataPath::ExtendedActive => {
                        let line = peer.hear().await;
                        let (_, argument) = line.split_once(' ').unwrap();
                        let to = if path == DataPath::Active {
                            crate::wire::endpoint::parse_port_argument(argument.as_bytes())
                                .unwrap()
                                .into()
                        } else {
                            crate::wire::endpoint::parse_eprt_argument(argument.as_bytes()).unwrap()
                        };
                        peer.say("200 Fine\r\n").await;
                        let channel = Channel::data(MAIN, 1);
                        let link = Link::connect(to, None, None, LONG, channel, super::recorder()).await;
                        peer.data = Some(link.unwrap());
                    }
                }
                if peer.data_listener.is_some() {
                    peer.take_data().await;
                }
                peer.answer(verb, "150 Go on").await;
                if verb == "STOR" {
                    let (bytes, _) = peer.read_data().await;
                    assert_eq!(bytes, ContentStream::new(0).take(70_000));
                } else {
                    peer.data().send(b"content", LONG).await.unwrap();
                }
                peer.data().close(TcpClose::Fin);
                peer.say("226 Done\r\n").await;
                peer.data = None;
            }
            peer.see_off().await;
        });
        let mut client = Client::with(address, |settings| {
            settings.default_data_path = DataPathChoice::Fixed(path);
        });
        client.act(reach(Level::Connected)).await.unwrap();
        client.act(store("x", 70_000)).await.unwrap();
        client.act(retrieve("x")).await.unwrap();
        assert_eq!(client.summary().text, "content");
    }
}

#[tokio::test]
async fn without_epsv_a_transfer_goes_by_pasv_and_epsv_is_asked_for_once() {
    for refusal in [
        "500 What?",
        "501 What?",
        "502 No such command",
        "504 No",
        "522 Use (1)",
    ] {
        let address = serve(move |mut peer| async move {
            peer.say("220 Hello\r\n").await;
            peer.answer("TYPE I", "200 Binary").await;
            peer.answer("EPSV", refusal).await;
            for _ in 0..2 {
                peer.offer_data_by_pasv().await;
                peer.take_data().await;
                peer.answer("RETR", "150 Go on").await;
                peer.data().send(b"content", LONG).await.unwrap();
                peer.data().close(TcpClose::Fin);
                peer.say("226 Done\r\n").await;
                peer.data = None;
            }
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.act(reach(Level::Connected)).await.unwrap();
        for _ in 0..2 {
            client.act(retrieve("x")).await.unwrap();
            assert_eq!(client.summary().text, "content");
        }
    }
}

#[tokio::test]
async fn a_refusal_that_is_not_about_the_command_is_no_reason_for_pasv() {
    for refusal in ["421 Enough", "425 No port", "530 Log in first", "521 Not so"] {
        let address = serve(move |mut peer| async move {
            peer.say("220 Hello\r\n").await;
            peer.answer("TYPE I", "200 Binary").await;
            peer.answer("EPSV", refusal).await;
            assert_eq!(peer.hear().await, "", "nothing may follow {refusal}");
        });
        let mut client = Client::new(address);
        client.act(reach(Level::Connected)).await.unwrap();
        let problem = client.act(retrieve("x")).await.unwrap_err();
        assert!(
            matches!(problem, ActionProblem::RefusedByReply { code } if refusal.starts_with(&code.to_string())),
            "{problem:?}"
        );
    }
}

#[tokio::test]
async fn a_composite_leaves_the_final_reply_to_the_step_that_checks_it() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.answer("TYPE I", "200 Binary").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("RETR", "550 No such file").await;
        peer.offer_data().await;
        peer.take_data().await;
        peer.answer("RETR", "550 No such file").await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.act(reach(Level::Connected)).await.unwrap();
    client.act_with(retrieve("x"), FinalReply::Leave).await.unwrap();
    assert_eq!(client.reply().await, Ok(550));
    let problem = client.act(retrieve("x")).await.unwrap_err();
    assert!(
        matches!(problem, ActionProblem::UnexpectedReply { code, .. } if code.value() == 550),
        "{problem:?}"
    );
}
