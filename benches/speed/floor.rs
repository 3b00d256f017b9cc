//! The floor: handshakes and bytes over loopback TCP with the TLS library and nothing else.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use ftpspec::tls::certificate::{Authority, make, recipe};
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, SupportedProtocolVersion,
};

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub(crate) struct Work {
    pub(crate) full_tls12: usize,
    pub(crate) resumed_tls12: usize,
    pub(crate) full_tls13: usize,
    pub(crate) resumed_tls13: usize,
    /// Content of data connections, both ways.
    pub(crate) bytes: u64,
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} full and {} resumed handshakes of TLS 1.3, {} and {} of TLS 1.2, {:.1} MB",
            self.full_tls13,
            self.resumed_tls13,
            self.full_tls12,
            self.resumed_tls12,
            self.bytes as f64 / 1e6
        )
    }
}

/// Does `work` with one thread for each processor and tells how long it took; certificates and configurations were made before.
pub(crate) fn perform(work: &Work) -> Duration {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let ends = Ends::new();
    let start = Instant::now();
    std::thread::scope(|scope| {
        for index in 0..threads {
            let ends = &ends;
            scope.spawn(move || ends.perform(work, index, threads));
        }
    });
    start.elapsed()
}

/// The configurations of both ends.
struct Ends {
    server: Arc<ServerConfig>,
    roots: Arc<RootCertStore>,
}

impl Ends {
    fn new() -> Self {
        let authority = Authority::new().unwrap();
        let made = make(recipe("valid").unwrap(), &authority).unwrap();
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(made.chain_pem.as_bytes())
            .collect::<Result<_, _>>()
            .unwrap();
        let key = PrivateKeyDer::from_pem_slice(made.key_pem.as_bytes()).unwrap();
        let mut server = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        server.ticketer = aws_lc_rs::Ticketer::new().unwrap();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authority.pem().as_bytes()) {
            roots.add(certificate.unwrap()).unwrap();
        }
        Self {
            server: server.into(),
            roots: roots.into(),
        }
    }

    fn client(&self, version: &'static SupportedProtocolVersion, resumes: bool) -> Arc<ClientConfig> {
        let mut client = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        if !resumes {
            client.resumption = Resumption::disabled();
        }
        client.into()
    }

    /// Part `index` of `parts`.
    fn perform(&self, work: &Work, index: usize, parts: usize) {
        let share = |count: usize| count / parts + usize::from(index < count % parts);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        for (version, full, resumed) in [
            (&rustls::version::TLS13, work.full_tls13, work.resumed_tls13),
            (&rustls::version::TLS12, work.full_tls12, work.resumed_tls12),
        ] {
            let (full, resumed) = (share(full), share(resumed));
            let once = self.client(version, false);
            // The first of those that are resumed is a full one: it counts as one.
            let first = usize::from(resumed > 0);
            for _ in 0..full.saturating_sub(first) {
                Pair::connect(&listener, &once, &self.server).shake();
            }
            let again = self.client(version, true);
            for number in 0..resumed + first {
                let mut pair = Pair::connect(&listener, &again, &self.server);
                pair.shake();
                let kind = pair.client.handshake_kind();
                assert_eq!(
                    kind == Some(rustls::HandshakeKind::Resumed),
                    number > 0,
                    "{kind:?}"
                );
            }
        }
        let bytes = work.bytes / parts as u64;
        let mut pair = Pair::connect(
            &listener,
            &self.client(&rustls::version::TLS13, false),
            &self.server,
        );
        pair.shake();
        pair.carry(bytes);
    }
}

/// Both ends of a connection, turned by one thread.
struct Pair {
    client: ClientConnection,
    server: ServerConnection,
    client_socket: TcpStream,
    server_socket: TcpStream,
}

impl Pair {
    fn connect(listener: &TcpListener, client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> Self {
        let client_socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server_socket, _) = listener.accept().unwrap();
        for socket in [&client_socket, &server_socket] {
            socket.set_nodelay(true).unwrap();
            socket.set_nonblocking(true).unwrap();
        }
        let name = ServerName::try_from("localhost").unwrap();
        Self {
            client: ClientConnection::new(client.clone(), name).unwrap(),
            server: ServerConnection::new(server.clone()).unwrap(),
            client_socket,
            server_socket,
        }
    }

    /// Moves what is there; true when anything moved.
    fn turn(&mut self) -> bool {
        let mut moved = false;
        while self.client.wants_write() && self.client.write_tls(&mut self.client_socket).is_ok() {
            moved = true;
        }
        while matches!(self.server.read_tls(&mut self.server_socket), Ok(1..)) {
            self.server.process_new_packets().unwrap();
            moved = true;
        }
        while self.server.wants_write() && self.server.write_tls(&mut self.server_socket).is_ok() {
            moved = true;
        }
        while matches!(self.client.read_tls(&mut self.client_socket), Ok(1..)) {
            self.client.process_new_packets().unwrap();
            moved = true;
        }
        moved
    }

    /// The handshake, and the tickets behind it.
    fn shake(&mut self) {
        while self.client.is_handshaking() || self.server.is_handshaking() {
            self.turn();
        }
        while self.turn() {}
    }

    /// Carries `bytes` from the client to the server.
    fn carry(&mut self, bytes: u64) {
        let block = [0_u8; 16384];
        let mut sink = [0_u8; 16384];
        let (mut sent, mut received) = (0_u64, 0_u64);
        while received < bytes {
            if sent < bytes {
                let size = (bytes - sent).min(block.len() as u64) as usize;
                sent += self.client.writer().write(&block[..size]).unwrap() as u64;
            }
            self.turn();
            while let Ok(size @ 1..) = self.server.reader().read(&mut sink) {
                received += size as u64;
            }
        }
    }
}
