//! A small client for the tests of the embedded server: enough of a user-PI and user-DTP, nothing more.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::LazyLock;
use std::time::Duration;

use crate::base::{Masker, SystemClock, Timeline};
use crate::mock::{Account, Options, Server};
use crate::tls::certificate::{Authority, make, recipe};
use crate::tls::{ClientContext, ClientOptions, ClientTrust, Identity, Session, Tls12Resumption};
use crate::trace::{Channel, DataPath, HandshakeFacts, HandshakeFailure, Recorder, TlsVersion};
use crate::transport::{Incoming, Link, Listener, TcpClose};
use crate::wire::endpoint::{parse_227, parse_229, render_eprt, render_port};
use crate::wire::reply::{ReplyLimits, ReplyParser, ReplyViolation};

pub(super) const DEADLINE: Duration = Duration::from_secs(10);

static IDENTITY: LazyLock<Identity> = LazyLock::new(|| {
    let authority = Authority::new().unwrap();
    make(recipe("valid").unwrap(), &authority).unwrap()
});

/// Strict options with short deadlines and two accounts, `alice` and `bob`.
pub(super) fn options() -> Options {
    let mut options = Options::new(IDENTITY.clone());
    options.accounts = vec![
        Account::new("alice", "wonderland"),
        Account::new("bob", "builder"),
    ];
    options.login_delay = Duration::from_millis(1);
    options.data_timeout = Duration::from_secs(1);
    options.handshake_timeout = Duration::from_secs(1);
    options
}

pub(super) async fn start(change: impl FnOnce(&mut Options)) -> Server {
    let mut options = options();
    change(&mut options);
    Server::start(options).await.unwrap()
}

pub(super) fn recorder() -> Recorder {
    Recorder::new(Timeline::start(Arc::new(SystemClock::new())), Masker::default())
}

/// One control connection and the data connection it is about to use.
pub(super) struct Client {
    pub(super) link: Link,
    parser: ReplyParser,
    context: ClientContext,
    pub(super) recorder: Recorder,
    pub(super) versions: Vec<TlsVersion>,
    pub(super) tls12: Tls12Resumption,
    /// Sessions of the control connection.
    pub(super) control: Vec<Session>,
    /// Sessions of data connections.
    pub(super) data: Vec<Session>,
    numbers: u32,
}

/// A data connection that is not open yet.
pub(super) enum Path {
    To(SocketAddr),
    At(Listener),
}

impl Client {
    pub(super) async fn open(server: &Server) -> Self {
        Self::open_from(server, None).await
    }

    pub(super) async fn open_from(server: &Server, source: Option<IpAddr>) -> Self {
        let recorder = recorder();
        let link = Link::connect(
            server.address(),
            source,
            None,
            DEADLINE,
            Channel::control("main"),
            recorder.clone(),
        )
        .await
        .unwrap();
        Self {
            link,
            parser: ReplyParser::new(ReplyLimits::default()),
            context: ClientContext::new(&ClientTrust::Anything, None, None).unwrap(),
            recorder,
            versions: Vec::new(),
            tls12: Tls12Resumption::default(),
            control: Vec::new(),
            data: Vec::new(),
            numbers: 0,
        }
    }

    /// Connected, with the greeting read.
    pub(super) async fn connect(server: &Server) -> Self {
        let mut client = Self::open(server).await;
        assert_eq!(client.code().await, 220);
        client
    }

    /// Logged in as alice under TLS of that version, PBSZ and PROT P done.
    pub(super) async fn private(server: &Server, version: TlsVersion) -> Self {
        let mut client = Self::connect(server).await;
        client.versions = vec![version];
        client.auth().await;
        client.log_in().await;
        client.protect().await;
        client
    }

    /// Protected and nothing more, with the greeting read.
    pub(super) async fn protected(server: &Server) -> Self {
        let mut client = Self::connect(server).await;
        client.auth().await;
        client
    }

    pub(super) async fn auth(&mut self) {
        assert_eq!(self.ask("AUTH TLS").await.0, 234);
        self.handshake(None).await.unwrap();
    }

    pub(super) async fn log_in(&mut self) {
        assert_eq!(self.ask("USER alice").await.0, 331);
        assert_eq!(self.ask("PASS wonderland").await.0, 230);
    }

    pub(super) async fn protect(&mut self) {
        assert_eq!(self.ask("PBSZ 0").await.0, 200);
        assert_eq!(self.ask("PROT P").await.0, 200);
    }

    /// A handshake on the control connection.
    pub(super) async fn handshake(
        &mut self,
        offer: Option<Session>,
    ) -> Result<HandshakeFacts, HandshakeFailure> {
        let options = self.options(offer);
        self.handshake_with(&options).await
    }

    pub(super) async fn handshake_with(
        &mut self,
        options: &ClientOptions,
    ) -> Result<HandshakeFacts, HandshakeFailure> {
        let facts = self
            .link
            .start_tls_client(&self.context, options, DEADLINE)
            .await?;
        self.control.extend(self.link.take_sessions());
        Ok(facts)
    }

    pub(super) fn options(&self, offer: Option<Session>) -> ClientOptions {
        ClientOptions {
            versions: self.versions.clone(),
            server_name: "localhost".to_owned(),
            send_sni: true,
            offer,
            tls12: self.tls12,
            ..ClientOptions::default()
        }
    }

    pub(super) async fn say(&mut self, line: &str) {
        let line = format!("{line}\r\n");
        self.link.send(line.as_bytes(), DEADLINE).await.unwrap();
    }

    pub(super) async fn ask(&mut self, line: &str) -> (u16, String) {
        self.say(line).await;
        self.reply().await
    }

    /// The next reply; panics when the connection ends instead.
    pub(super) async fn reply(&mut self) -> (u16, String) {
        self.try_reply()
            .await
            .unwrap_or_else(|end| panic!("expected a reply, got {end:?}"))
    }

    pub(super) async fn code(&mut self) -> u16 {
        self.reply().await.0
    }

    /// The next reply, or how the connection ended. The reply must have nothing odd about it.
    pub(super) async fn try_reply(&mut self) -> Result<(u16, String), Option<Incoming>> {
        let (reply, violations) = self.any_reply().await?;
        assert_eq!(violations, [], "{}", reply.1);
        Ok(reply)
    }

    /// The code of the next reply, however odd its text.
    pub(super) async fn odd_code(&mut self) -> u16 {
        self.any_reply().await.unwrap().0.0
    }

    async fn any_reply(&mut self) -> Result<((u16, String), Vec<ReplyViolation>), Option<Incoming>> {
        loop {
            if let Some(reply) = self.parser.next().unwrap() {
                let lines: Vec<String> = reply
                    .lines
                    .iter()
                    .map(|line| String::from_utf8_lossy(line).into_owned())
                    .collect();
                return Ok(((reply.code.value(), lines.join("\n")), reply.violations));
            }
            let incoming = tokio::time::timeout(DEADLINE, self.link.receive())
                .await
                .map_err(|_| None)?;
            self.control.extend(self.link.take_sessions());
            match incoming {
                Incoming::Bytes(bytes) => self.parser.push(&bytes),
                Incoming::Ticket => {}
                end => return Err(Some(end)),
            }
        }
    }

    /// Nothing arrives on the control connection for a while.
    pub(super) async fn silence(&mut self) {
        let waited = tokio::time::timeout(Duration::from_millis(300), self.try_reply()).await;
        assert!(waited.is_err(), "expected nothing, got {waited:?}");
    }

    /// Announces a data connection.
    pub(super) async fn announce(&mut self, path: DataPath) -> Path {
        let host = self.link.local_address().ip();
        match path {
            DataPath::Passive => {
                let (code, text) = self.ask("PASV").await;
                assert_eq!(code, 227, "{text}");
                Path::To(SocketAddr::V4(parse_227(&text).unwrap()))
            }
            DataPath::ExtendedPassive => {
                let (code, text) = self.ask("EPSV").await;
                assert_eq!(code, 229, "{text}");
                let port = parse_229(&text).unwrap();
                Path::To(SocketAddr::new(self.link.peer_address().ip(), port))
            }
            DataPath::Active | DataPath::ExtendedActive => {
                let listener = Listener::bind(SocketAddr::new(host, 0), None).unwrap();
                let line = match (path, listener.local_address()) {
                    (DataPath::Active, SocketAddr::V4(address)) => {
                        format!("PORT {}", render_port(address))
                    }
                    (_, address) => format!("EPRT {}", render_eprt(address)),
                };
                assert_eq!(self.ask(&line).await.0, 200);
                Path::At(listener)
            }
        }
    }

    /// Opens the TCP connection of a data connection.
    pub(super) async fn open_data(&mut self, path: Path) -> Data {
        self.numbers += 1;
        let channel = Channel::data("main", self.numbers);
        let link = match path {
            Path::To(address) => {
                Link::connect(address, None, None, DEADLINE, channel, self.recorder.clone()).await
            }
            Path::At(listener) => {
                listener
                    .accept(None, Some(DEADLINE), channel, self.recorder.clone())
                    .await
            }
        };
        Data { link: link.unwrap() }
    }

    /// EPSV, the command, 150, and the open TCP connection.
    pub(super) async fn begin(&mut self, command: &str) -> Data {
        let path = self.announce(DataPath::ExtendedPassive).await;
        self.say(command).await;
        let data = self.open_data(path).await;
        let (code, text) = self.reply().await;
        assert_eq!(code, 150, "{text}");
        data
    }

    /// As [`Self::begin`], with TLS that resumes the control connection's newest session.
    pub(super) async fn begin_private(&mut self, command: &str) -> (Data, HandshakeFacts) {
        let mut data = self.begin(command).await;
        let offer = self.control.last().cloned();
        let facts = data.handshake(self, offer).await.unwrap();
        (data, facts)
    }

    /// A whole download, protected.
    pub(super) async fn download(&mut self, command: &str) -> Vec<u8> {
        let (mut data, _) = self.begin_private(command).await;
        let content = data.read_all(self).await;
        assert_eq!(self.code().await, 226);
        content
    }

    /// A whole upload, protected; the code of the final reply.
    pub(super) async fn upload(&mut self, command: &str, content: &[u8]) -> u16 {
        let (mut data, _) = self.begin_private(command).await;
        data.link.send(content, DEADLINE).await.unwrap();
        data.finish().await;
        self.code().await
    }
}

/// An open data connection.
pub(super) struct Data {
    pub(super) link: Link,
}

impl Data {
    pub(super) async fn handshake(
        &mut self,
        client: &Client,
        offer: Option<Session>,
    ) -> Result<HandshakeFacts, HandshakeFailure> {
        let options = client.options(offer);
        self.link
            .start_tls_client(&client.context, &options, DEADLINE)
            .await
    }

    /// Everything that comes; under TLS the end must be close_notify and FIN.
    pub(super) async fn read_all(&mut self, client: &mut Client) -> Vec<u8> {
        let (content, ends) = self.read_to_end(client).await;
        let expected = if self.link.is_protected() {
            vec![Incoming::CloseNotify, Incoming::Fin]
        } else {
            vec![Incoming::Fin]
        };
        assert_eq!(ends, expected);
        content
    }

    /// Everything that comes, and what ended it.
    pub(super) async fn read_to_end(&mut self, client: &mut Client) -> (Vec<u8>, Vec<Incoming>) {
        let mut content = Vec::new();
        let mut ends = Vec::new();
        loop {
            let incoming = tokio::time::timeout(DEADLINE, self.link.receive()).await.unwrap();
            client.data.extend(self.link.take_sessions());
            match incoming {
                Incoming::Bytes(bytes) => content.extend_from_slice(&bytes),
                Incoming::Ticket => {}
                Incoming::Fin | Incoming::Reset => {
                    ends.push(incoming);
                    return (content, ends);
                }
                end => ends.push(end),
            }
        }
    }

    /// close_notify, the peer's end, FIN.
    pub(super) async fn finish(&mut self) {
        self.link.send_close_notify(DEADLINE).await.unwrap();
        let mut ends = Vec::new();
        loop {
            match tokio::time::timeout(DEADLINE, self.link.receive()).await.unwrap() {
                Incoming::Ticket | Incoming::Bytes(_) => {}
                end @ (Incoming::Fin | Incoming::Reset) => {
                    ends.push(end);
                    break;
                }
                end => ends.push(end),
            }
        }
        assert_eq!(ends, [Incoming::CloseNotify, Incoming::Fin]);
        self.link.close(TcpClose::Fin);
    }
}

/// `count` bytes that are not all the same.
pub(super) fn pattern(count: usize) -> Vec<u8> {
    (0..count)
        .map(|index| u8::try_from(index * 7 % 251).unwrap())
        .collect()
}

/// The versions that every test of private data connections runs with.
pub(super) const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// Another loopback address.
pub(super) const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
