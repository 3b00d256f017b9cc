//! Peers that send without end: every buffer has a limit, and reaching it is an observation.

use std::time::Duration;

use super::{Client, LONG, Peer, open, read_to_end, serve};
use crate::trace::{ActionProblem, DataPath, EventKind, Waited};

/// Sends `piece` for ever, until the client is gone.
async fn flood(peer: &mut Peer, piece: &str) {
    let bytes = piece.repeat(64 * 1024 / piece.len());
    while peer.link.send(bytes.as_bytes(), LONG).await.is_ok() {}
}

/// What the client makes of a peer that sends `start` and then `piece` for ever.
async fn flooded(start: &'static str, piece: &'static str) -> Client {
    let address = serve(move |mut peer| async move {
        peer.say(start).await;
        flood(&mut peer, piece).await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    let problem = loop {
        if let Err(problem) = client.reply().await {
            break problem;
        }
    };
    assert!(matches!(problem, ActionProblem::Closed { .. }), "{problem:?}");
    client
}

fn malformed(client: &Client) -> usize {
    client
        .kinds()
        .iter()
        .filter(|kind| matches!(kind, EventKind::ReplyMalformed { .. }))
        .count()
}

#[tokio::test]
async fn a_reply_line_without_end_is_given_up() {
    let client = flooded("220 ", "a very long greeting ").await;
    assert_eq!(malformed(&client), 1);
}

#[tokio::test]
async fn a_reply_with_lines_without_end_is_given_up() {
    let client = flooded("220-Hello\r\n", "another line\r\n").await;
    assert_eq!(malformed(&client), 1);
}

#[tokio::test]
async fn lines_that_are_no_replies_are_not_listened_to_for_ever() {
    let client = flooded("", "these are not the replies you look for\r\n").await;
    assert!((2..1000).contains(&malformed(&client)));
}

#[tokio::test]
async fn replies_without_end_are_not_listened_to_for_ever() {
    // Nobody takes them: the client waits for the data connection meanwhile.
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        flood(&mut peer, "150 More to come\r\n").await;
    });
    let mut client = Client::new(address);
    client.open_data().await;
    let problem = client.act(read_to_end()).await.unwrap_err();
    assert!(
        matches!(
            problem,
            ActionProblem::Closed { .. } | ActionProblem::TimedOut { .. }
        ),
        "{problem:?}"
    );
    let replies = client
        .kinds()
        .iter()
        .filter(|kind| matches!(kind, EventKind::ReplyReceived { .. }))
        .count();
    assert!(replies < 2000, "{replies}");
}

#[tokio::test]
async fn data_that_nobody_reads_stays_with_the_target() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        let piece = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            if peer
                .data()
                .send(&piece, Duration::from_millis(300))
                .await
                .is_err()
            {
                break;
            }
        }
        peer.see_off().await;
    });
    let mut client = Client::new(address);
    client.connect().await;
    client.reply().await.unwrap();
    client.act(open(DataPath::ExtendedPassive)).await.unwrap();
    // The wait for a reply reads ahead on the data connection, but not without limit.
    client.reply().await.unwrap_err();
    let received: u64 = client
        .kinds()
        .iter()
        .map(|kind| match kind {
            EventKind::DataReceived { bytes, .. } => *bytes,
            _ => 0,
        })
        .sum();
    assert!((1..2 << 20).contains(&received), "{received}");
}

/// A byte now and then keeps every wait for the next one alive; the transfer as a whole has a deadline all the same, and
/// the problem names that one.
#[tokio::test]
async fn data_that_drips_is_given_up_at_the_deadline_of_the_transfer() {
    let address = serve(|mut peer| async move {
        peer.say("220 Hello\r\n").await;
        peer.offer_data().await;
        peer.take_data().await;
        while peer.data().send(b"x", LONG).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut client = Client::with(address, |settings| {
        settings.timeouts.transfer = Duration::from_millis(700);
    });
    client.open_data().await;
    let problem = client.act(read_to_end()).await.unwrap_err();
    assert_eq!(
        problem,
        ActionProblem::TimedOut {
            waited: Waited::Transfer,
            seconds: 0.7
        }
    );
    assert!(client.summary().bytes > 3);
}
