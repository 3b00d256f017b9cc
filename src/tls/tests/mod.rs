//! Two connections joined by a byte pump, without sockets; and the TLS library itself as an independent peer.

mod cross_check;
mod handshakes;
mod hostile;
mod records;
mod reseal;
mod resumption;

use super::certificate::{Authority, make, recipe};
use super::{
    ClientContext, ClientOptions, ClientTrust, Connection, HandshakeStep, Identity, Opened, ServerContext,
    ServerOptions, ServerPolicy, Session,
};
use crate::trace::{Channel, HandshakeFacts, HandshakeFailure, TlsVersion};

pub(crate) const BOTH: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

/// An authority with a server policy of its own.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) policy: ServerPolicy,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with("valid")
    }

    pub(crate) fn with(certificate: &str) -> Self {
        let authority = Authority::new().unwrap();
        let policy = ServerPolicy {
            identity: make(recipe(certificate).unwrap(), &authority).unwrap(),
            versions: BOTH.to_vec(),
            alpn: Vec::new(),
            alpn_required: false,
            tls13_tickets: 2,
            resumption: true,
            single_use_sessions: false,
            client_authorities: None,
        };
        Self { authority, policy }
    }

    pub(crate) fn identity(&self, name: &str) -> Identity {
        make(recipe(name).unwrap(), &self.authority).unwrap()
    }

    pub(crate) fn server(&self) -> ServerContext {
        ServerContext::new(&self.policy).unwrap()
    }

    pub(crate) fn trust(&self, enforce: bool) -> ClientTrust {
        ClientTrust::Authorities {
            pem: self.authority.pem().into(),
            enforce,
        }
    }

    pub(crate) fn client(&self) -> ClientContext {
        ClientContext::new(&self.trust(false), None, None).unwrap()
    }
}

pub(crate) fn options(version: TlsVersion) -> ClientOptions {
    ClientOptions {
        versions: vec![version],
        server_name: "localhost".to_owned(),
        send_sni: true,
        ..ClientOptions::default()
    }
}

pub(crate) fn label(label: u64) -> ServerOptions {
    ServerOptions {
        label,
        ..ServerOptions::default()
    }
}

type ClientSide = Result<HandshakeFacts, HandshakeFailure>;
type ServerSide = Result<(HandshakeFacts, Option<u64>), HandshakeFailure>;

/// Pumps until both sides are done (or nothing moves any more, which is a failure of that side).
fn shake(client: &mut Connection, server: &mut Connection) -> (ClientSide, ServerSide) {
    let mut client_done = None;
    let mut server_done = None;
    for _ in 0..20 {
        let to_server = client.take_output();
        match &server_done {
            None => server_done = outcome(server.handshake(&to_server)),
            Some(_) => server.feed(&to_server),
        }
        let to_client = server.take_output();
        match &client_done {
            None => client_done = outcome(client.handshake(&to_client)),
            Some(_) => client.feed(&to_client),
        }
    }
    let stuck = || {
        Err(HandshakeFailure {
            reason: "stuck".to_owned(),
            alert: None,
            plaintext: None,
        })
    };
    (
        client_done.unwrap_or_else(stuck).map(|(facts, _)| facts),
        server_done.unwrap_or_else(stuck),
    )
}

fn outcome(step: HandshakeStep) -> Option<ServerSide> {
    match step {
        HandshakeStep::NeedsInput => None,
        HandshakeStep::Finished { facts, resumed_label } => Some(Ok((*facts, resumed_label))),
        HandshakeStep::Failed(failure) => Some(Err(failure)),
    }
}

/// A finished pair with what each side says.
struct Pair {
    client: Connection,
    server: Connection,
    client_facts: HandshakeFacts,
    server_facts: HandshakeFacts,
    label: Option<u64>,
}

fn pair(
    context: &ClientContext,
    options: &ClientOptions,
    server: &ServerContext,
    with: &ServerOptions,
) -> Pair {
    let mut client = context.connect(options, &Channel::control("main")).unwrap();
    let mut server = server.accept(with).unwrap();
    let (client_facts, server_side) = shake(&mut client, &mut server);
    let (server_facts, label) = server_side.unwrap();
    Pair {
        client,
        server,
        client_facts: client_facts.unwrap(),
        server_facts,
        label,
    }
}

/// Every session that a finished client has or gets.
fn sessions(client: &mut Connection) -> Vec<Session> {
    let mut sessions = client.take_handshake_sessions();
    while let Some(opened) = client.open_next() {
        if let Opened::Ticket(_, session) = opened {
            sessions.extend(session);
        }
    }
    sessions
}
