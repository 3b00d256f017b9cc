//! The engine against scripted peers on loopback: every wait ends, and with the right problem.
//!
//! A peer is a small script over a [`Link`], so it can misbehave in ways the embedded server cannot.

mod data;
mod limits;
mod protection;
mod replies;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::{Credentials, Engine, FinalReply, Settings, Timeouts, WantedReply};
use crate::base::{Masker, Secret, Span, Spanned, SystemClock, Timeline};
use crate::scenario::model::{
    Action, Connect, Content, DataPathChoice, OpenData, ReadData, Retrieve, Store, StoreCommand,
    TransferChoice, WriteData,
};
use crate::tls::certificate::{Authority, make, recipe};
use crate::tls::{ServerContext, ServerOptions, ServerPolicy};
use crate::trace::{
    ActionProblem, Channel, DataPath, Event, EventKind, Recorder, TlsVersion, TransferSummary,
};
use crate::transport::{Incoming, Link, Listener, TcpClose};

/// No test may take this long: a wait without an end is what they look for.
const LONG: Duration = Duration::from_secs(20);
/// The name of the session.
const MAIN: &str = Channel::MAIN;

fn recorder() -> Recorder {
    let masker = Masker::new([Secret::new("hunter2")]);
    Recorder::new(Timeline::start(Arc::new(SystemClock::new())), masker)
}

fn text(text: &str) -> Spanned<String> {
    Spanned::new(text.to_owned(), Span::default())
}

/// The target's end of a control connection, with the lines it has read.
struct Peer {
    link: Link,
    buffer: Vec<u8>,
    tls: Option<ServerContext>,
    /// The target's end of the data connection.
    data: Option<Link>,
    data_listener: Option<Listener>,
}

impl Peer {
    /// Sends text as it is.
    async fn say(&mut self, text: &str) {
        // The client may be gone, when that is what the test is about.
        let _ = self.link.send(text.as_bytes(), LONG).await;
    }

    /// The next command line, without CRLF; empty when the client is gone.
    async fn hear(&mut self) -> String {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return String::from_utf8_lossy(&line).trim_end().to_owned();
            }
            match self.link.receive().await {
                Incoming::Bytes(bytes) => self.buffer.extend(bytes),
                Incoming::Fin | Incoming::Reset => return String::new(),
                _ => {}
            }
        }
    }

    /// Hears one line that starts with `verb` and answers it.
    async fn answer(&mut self, verb: &str, reply: &str) {
        let line = self.hear().await;
        assert!(
            line.to_ascii_uppercase().starts_with(verb),
            "expected {verb}, heard `{line}`"
        );
        self.say(&format!("{reply}\r\n")).await;
    }

    /// Hears PASV and answers it with a listener.
    async fn offer_data_by_pasv(&mut self) {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let [high, low] = listener.local_address().port().to_be_bytes();
        self.data_listener = Some(listener);
        self.answer("PASV", &format!("227 Here (127,0,0,1,{high},{low})."))
            .await;
    }

    /// Answers EPSV with a fresh listener.
    async fn offer_data(&mut self) {
        let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
        let port = listener.local_address().port();
        self.data_listener = Some(listener);
        self.answer("EPSV", &format!("229 Here (|||{port}|)")).await;
    }

    /// Takes the client's data connection.
    async fn take_data(&mut self) {
        let listener = self.data_listener.take().unwrap();
        let link = listener
            .accept(None, Some(LONG), Channel::data(MAIN, 1), recorder())
            .await;
        self.data = Some(link.unwrap());
    }

    fn data(&mut self) -> &mut Link {
        self.data.as_mut().unwrap()
    }

    /// TLS on the control connection, behind AUTH TLS.
    async fn protect_control(&mut self) {
        self.answer("AUTH TLS", "234 Go on").await;
        let context = self.tls.clone().unwrap();
        self.link
            .start_tls_server(&context, &ServerOptions::default(), &[], LONG)
            .await
            .unwrap();
    }

    async fn protect_data(&mut self) {
        let context = self.tls.clone().unwrap();
        let options = ServerOptions::default();
        self.data()
            .start_tls_server(&context, &options, &[], LONG)
            .await
            .unwrap();
    }

    /// Everything up to PROT P, for a client that reaches `data-protected`.
    async fn log_in(&mut self) {
        self.say("220 Hello\r\n").await;
        self.protect_control().await;
        self.answer("USER", "331 Password").await;
        self.answer("PASS", "230 In").await;
        self.answer("PBSZ 0", "200 Fine").await;
        self.answer("PROT P", "200 Private").await;
    }

    /// Ends the data: close_notify where TLS is on, and FIN.
    async fn end_data(&mut self) {
        self.data().send_close_notify(LONG).await.unwrap();
        self.data().close(TcpClose::Fin);
    }

    /// Everything the client sends on the data connection, to its end; and whether it came with close_notify.
    async fn read_data(&mut self) -> (Vec<u8>, bool) {
        let (mut bytes, mut is_complete) = (Vec::new(), false);
        loop {
            match self.data().receive().await {
                Incoming::Bytes(more) => bytes.extend(more),
                Incoming::CloseNotify => is_complete = true,
                Incoming::Fin | Incoming::Reset => return (bytes, is_complete),
                _ => {}
            }
        }
    }

    /// Waits until the client is gone, so that nothing is closed before it has read everything.
    async fn see_off(&mut self) {
        while !self.hear().await.is_empty() {}
    }
}

/// Runs `script` for the first client and gives its address.
fn serve<F, S>(script: F) -> SocketAddr
where
    F: FnOnce(Peer) -> S + Send + 'static,
    S: Future<Output = ()> + Send,
{
    serve_with(None, script)
}

fn serve_with<F, S>(tls: Option<ServerContext>, script: F) -> SocketAddr
where
    F: FnOnce(Peer) -> S + Send + 'static,
    S: Future<Output = ()> + Send,
{
    let listener = Listener::bind("127.0.0.1:0".parse().unwrap(), None).unwrap();
    let address = listener.local_address();
    tokio::spawn(async move {
        let accepted = listener
            .accept(None, Some(LONG), Channel::control(MAIN), recorder())
            .await;
        let link = accepted.unwrap();
        script(Peer {
            link,
            buffer: Vec::new(),
            tls,
            data: None,
            data_listener: None,
        })
        .await;
    });
    address
}

/// A server context with a certificate of its own.
fn server_tls(versions: &[TlsVersion]) -> ServerContext {
    let authority = Authority::new().unwrap();
    let policy = ServerPolicy {
        identity: make(recipe("valid").unwrap(), &authority).unwrap(),
        versions: versions.to_vec(),
        alpn: Vec::new(),
        alpn_required: false,
        tls13_tickets: 2,
        resumption: true,
        single_use_sessions: false,
        client_authorities: None,
    };
    ServerContext::new(&policy).unwrap()
}

/// The engine under test, with its trace.
struct Client {
    engine: Engine,
    recorder: Recorder,
}

impl Client {
    /// An engine for a target at `address` with short deadlines.
    fn new(address: SocketAddr) -> Self {
        Self::with(address, |_| {})
    }

    fn with(address: SocketAddr, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Settings::new(address);
        settings.server_name = "localhost".into();
        settings.timeouts = Timeouts::default().at_most(Duration::from_secs(1));
        settings.accounts = vec![Credentials {
            user: "ada".into(),
            password: Secret::new("hunter2"),
            account: None,
        }];
        change(&mut settings);
        let recorder = recorder();
        let engine = Engine::new(settings, recorder.clone());
        Self { engine, recorder }
    }

    /// Does `action`; the whole test fails when it does not come to an end.
    async fn act(&mut self, action: Action) -> Result<(), ActionProblem> {
        self.act_with(action, FinalReply::Take).await
    }

    async fn act_with(&mut self, action: Action, final_reply: FinalReply) -> Result<(), ActionProblem> {
        let acting = self.engine.act(MAIN, &action, final_reply);
        tokio::time::timeout(LONG, acting)
            .await
            .expect("the action has a deadline")
    }

    async fn connect(&mut self) {
        self.act(Action::Connect(Connect::default())).await.unwrap();
    }

    async fn send(&mut self, line: &str) -> Result<(), ActionProblem> {
        self.act(Action::Send(text(line))).await
    }

    /// The code of the next reply.
    async fn reply(&mut self) -> Result<u16, ActionProblem> {
        let waiting = self
            .engine
            .await_reply(MAIN, WantedReply::Next, Duration::from_secs(1));
        let seen = tokio::time::timeout(LONG, waiting)
            .await
            .expect("the wait has a deadline")?;
        Ok(seen.reply.code.value())
    }

    /// Connects, takes the greeting and opens a data connection with EPSV.
    async fn open_data(&mut self) {
        self.connect().await;
        assert_eq!(self.reply().await, Ok(220));
        self.act(open(DataPath::ExtendedPassive)).await.unwrap();
    }

    fn kinds(&self) -> Vec<EventKind> {
        self.recorder
            .events()
            .into_iter()
            .map(|event| event.kind)
            .collect()
    }

    fn has(&self, wanted: impl Fn(&EventKind) -> bool) -> bool {
        self.kinds().iter().any(wanted)
    }

    fn events(&self) -> Vec<Event> {
        self.recorder.events()
    }

    /// The last summary of a data connection.
    fn summary(&self) -> TransferSummary {
        let mut summaries = self.kinds().into_iter().filter_map(|kind| match kind {
            EventKind::TransferFinished(summary) => Some(summary),
            _ => None,
        });
        summaries.next_back().expect("a transfer was finished")
    }

    /// The value of the last remark `name`.
    fn noted(&self, name: &str) -> Option<String> {
        let mut values = self.kinds().into_iter().filter_map(|kind| match kind {
            EventKind::Noted { name: noted, value } if noted == name => Some(value),
            _ => None,
        });
        values.next_back()
    }
}

fn open(path: DataPath) -> Action {
    Action::OpenData(OpenData {
        path: DataPathChoice::Fixed(path),
        from: None,
        only_command: false,
    })
}

fn read_to_end() -> Action {
    Action::ReadData(ReadData::UntilClose)
}

fn write(bytes: u64) -> Action {
    let content = Content::Bytes(text(&bytes.to_string()));
    Action::WriteData(WriteData {
        content,
        record_size: None,
        corrupt: false,
    })
}

fn retrieve(path: &str) -> Action {
    Action::Retrieve(Retrieve {
        path: text(path),
        restart: None,
        transfer: TransferChoice::default(),
    })
}

fn store(path: &str, bytes: u64) -> Action {
    Action::Store(Store {
        path: Some(text(path)),
        command: StoreCommand::Stor,
        content: Content::Bytes(text(&bytes.to_string())),
        restart: None,
        transfer: TransferChoice::default(),
    })
}
