//! The habits that order the replies of a transfer: each does what it says, and nothing but the order and the codes differs.

use super::client::{Client, DEADLINE, pattern, start};
use crate::mock::{Habit, Server};
use crate::trace::{DataPath, TlsVersion};
use crate::transport::Incoming;

async fn with(habit: Habit) -> (Server, Client) {
    let server = start(|options| {
        options.habits.insert(habit);
    })
    .await;
    let mut client = Client::private(&server, TlsVersion::Tls13).await;
    client.ask("TYPE I").await;
    (server, client)
}

#[tokio::test]
async fn the_preliminary_reply_waits_for_the_handshake() {
    for habit in [Habit::Sends150AfterHandshake, Habit::SendsRepliesTogether] {
        let (server, mut client) = with(habit).await;
        let path = client.announce(DataPath::ExtendedPassive).await;
        client.say("STOR f").await;
        let mut data = client.open_data(path).await;
        client.silence().await;
        let offer = client.control.last().cloned();
        data.handshake(&client, offer).await.unwrap();
        assert_eq!(client.code().await, 150, "{habit}");
        data.link.send(b"content", DEADLINE).await.unwrap();
        data.finish().await;
        assert_eq!(client.code().await, 226);
        assert_eq!(
            server.store().get("alice", "f").unwrap().as_ref(),
            b"content".as_slice()
        );
    }
}

#[tokio::test]
async fn both_replies_of_a_small_download_come_in_one_record() {
    let (server, mut client) = with(Habit::SendsRepliesTogether).await;
    server.store().put("alice", "f", b"content").unwrap();
    let path = client.announce(DataPath::ExtendedPassive).await;
    client.say("RETR f").await;
    let mut data = client.open_data(path).await;
    let offer = client.control.last().cloned();
    data.handshake(&client, offer).await.unwrap();
    assert_eq!(data.read_all(&mut client).await, b"content");
    let Incoming::Bytes(bytes) = client.link.receive().await else {
        panic!("expected replies");
    };
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("150 ") && text.contains("\r\n226 "), "{text:?}");
}

#[tokio::test]
async fn the_other_codes_come_where_the_usual_ones_would() {
    let (server, mut client) = with(Habit::Replies125And250).await;
    server.store().put("alice", "f", &pattern(100_000)).unwrap();
    let path = client.announce(DataPath::ExtendedPassive).await;
    client.say("RETR f").await;
    let mut data = client.open_data(path).await;
    assert_eq!(client.code().await, 125);
    let offer = client.control.last().cloned();
    data.handshake(&client, offer).await.unwrap();
    assert_eq!(data.read_all(&mut client).await, pattern(100_000));
    assert_eq!(client.code().await, 250);
    // Refusals keep their codes.
    client.announce(DataPath::ExtendedPassive).await;
    assert_eq!(client.ask("RETR missing").await.0, 550);
}

#[tokio::test]
async fn the_data_is_whole_when_its_end_comes_behind_the_final_reply() {
    let (server, mut client) = with(Habit::CompletesBeforeClose).await;
    let content = pattern(300_000);
    assert_eq!(client.upload("STOR f", &content).await, 226);
    assert_eq!(server.store().get("alice", "f").unwrap().as_ref(), content);
    assert_eq!(client.download("RETR f").await, content);
}
