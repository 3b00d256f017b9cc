//! Replies: early, late, doubled, cut off; and what is shown of commands.

use std::time::Duration;

use super::{Client, LONG, MAIN, open, serve, text};
use crate::scenario::model::{Action, ChannelRef, SendRaw};
use crate::trace::{ActionProblem, DataPath, EventKind, Waited};
use crate::transport::TcpClose;

#[tokio::test]
async fn replies_that_come_at_once_are_taken_one_by_one() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.answer("NOOP", "150 Early\r\n226-Done\r\n226 and out").await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    assert_eq!(client.reply().await, Ok(220));
    client.send("NOOP").await.unwrap();
    assert_eq!(client.reply().await, Ok(150));
    assert_eq!(client.reply().await, Ok(226));
    let consumed: Vec<u32> = client
        .kinds()
        .into_iter()
        .filter_map(|kind| match kind {
            EventKind::ReplyConsumed { number } => Some(number),
            _ => None,
        })
        .collect();
    assert_eq!(consumed, [1, 2, 3]);
}

#[tokio::test]
async fn a_target_that_says_nothing_is_waited_for_in_vain() {
    let address = serve(|mut peer| async move { peer.see_off().await });
    let mut client = Client::new(address);
    client.connect().await;
    let problem = client.reply().await.unwrap_err();
    assert!(
        matches!(
            problem,
            ActionProblem::TimedOut {
                waited: Waited::Reply,
                ..
            }
        ),
        "{problem:?}"
    );
}

#[tokio::test]
async fn a_control_connection_that_ends_is_no_timeout() {
    for said in ["", "220 Hel", "220-Hello\r\n", "nonsense"] {
        let address = serve(move |mut peer| async move {
            peer.say(said).await;
            peer.link.close(TcpClose::Fin);
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.connect().await;
        let mut outcome = client.reply().await;
        if outcome.is_ok() {
            // What was begun is shown, with its oddity; behind it comes the end.
            outcome = client.reply().await;
        }
        assert!(
            matches!(outcome, Err(ActionProblem::Closed { .. })),
            "{said:?}: {outcome:?}"
        );
        assert!(client.has(|kind| *kind == EventKind::FinReceived));
        let later = client.send("NOOP").await;
        assert!(matches!(later, Err(ActionProblem::Closed { .. })), "{later:?}");
    }
}

#[tokio::test]
async fn a_reset_at_any_moment_ends_the_wait() {
    for replies in 0..3 {
        let address = serve(move |mut peer| async move {
            for reply in ["220 Hello", "331 Password"].iter().take(replies) {
                peer.say(&format!("{reply}\r\n")).await;
                peer.hear().await;
            }
            peer.link.close(TcpClose::Reset);
        });
        let mut client = Client::new(address);
        client.connect().await;
        let mut last = client.reply().await;
        for line in ["USER ada", "PASS hunter2"] {
            if last.is_ok() && client.send(line).await.is_ok() {
                last = client.reply().await;
            }
        }
        assert!(
            matches!(last, Err(ActionProblem::Closed { .. })),
            "after {replies}: {last:?}"
        );
    }
}

#[tokio::test]
async fn a_password_is_never_in_the_trace() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.answer("PASS", "530 hunter2 is wrong").await;
        peer.answer("USER", "331 Password").await;
        peer.answer("PASS", "230 In").await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    client.reply().await.unwrap();
    client.send("pass hunter2").await.unwrap();
    client.reply().await.unwrap();
    let segments = vec![text(r"USER hunter2\r\nPASS other secret\r\n")];
    let raw = SendRaw {
        segments,
        channel: ChannelRef::Control,
        clear: false,
    };
    client.act(Action::SendRaw(raw)).await.unwrap();
    client.reply().await.unwrap();
    client.reply().await.unwrap();
    let shown = format!("{:?}", client.events());
    assert!(
        !shown.contains("hunter2") && !shown.contains("other secret"),
        "{shown}"
    );
    assert!(shown.contains("pass ***"));
}

#[tokio::test]
async fn silence_is_silence_only_when_nothing_comes() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.answer("ONE", "200 One").await;
        peer.answer("TWO", "200 Two\r\n200 Too many").await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    client.reply().await.unwrap();
    let stayed = |client: &Client| {
        client
            .kinds()
            .iter()
            .filter(|kind| matches!(kind, EventKind::StayedSilent { .. }))
            .count()
    };
    let (control, short) = (ChannelRef::Control, Duration::from_millis(200));
    client.send("ONE").await.unwrap();
    client.reply().await.unwrap();
    client.engine.await_silence(MAIN, control, short).await;
    assert_eq!(stayed(&client), 1);
    client.send("TWO").await.unwrap();
    client.reply().await.unwrap();
    client.engine.await_silence(MAIN, control, LONG).await;
    assert_eq!(stayed(&client), 1);
}

#[tokio::test]
async fn a_227_that_names_another_host_is_not_followed() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.answer("PASV", "227 Entering Passive Mode (192,0,2,1,4,1)")
            .await;
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    client.reply().await.unwrap();
    let problem = client.act(open(DataPath::Passive)).await.unwrap_err();
    assert!(matches!(problem, ActionProblem::NotAllowed { .. }), "{problem:?}");
    assert!(!client.has(|kind| matches!(kind, EventKind::ConnectFailed { .. })));
}

#[tokio::test]
async fn an_answer_to_pasv_that_cannot_be_used_says_why() {
    let answers = [
        ("425 Not now", "refused"),
        ("227 Somewhere", "unusable"),
        ("227 (1,2,3)", "unusable"),
        ("331 What", "unexpected"),
    ];
    for (answer, wanted) in answers {
        let address = serve(move |mut peer| async move {
            peer.say("220 Hello\r\n").await;
            peer.answer("PASV", answer).await;
            peer.see_off().await;
        });
        let mut client = Client::new(address);
        client.connect().await;
        client.reply().await.unwrap();
        let problem = client.act(open(DataPath::Passive)).await.unwrap_err();
        let kind = match problem {
            ActionProblem::RefusedByReply { .. } => "refused",
            ActionProblem::Unusable { .. } => "unusable",
            ActionProblem::UnexpectedReply { .. } => "unexpected",
            _ => "other",
        };
        assert_eq!(kind, wanted, "{answer}");
    }
}
