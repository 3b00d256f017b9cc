//! Drives the TLS library through a handshake, one record at a time, and takes the secrets out at its end.

use std::sync::{Arc, Mutex};

use rustls::client::{ClientConnectionData, UnbufferedClientConnection};
use rustls::kernel::KernelConnection;
use rustls::pki_types::CertificateDer;
use rustls::server::{ServerConnectionData, UnbufferedServerConnection};
use rustls::unbuffered::{ConnectionState, EncodeError, ReadEarlyData, UnbufferedStatus};
use rustls::{CommonState, ConnectionTrafficSecrets, Error, ExtractedSecrets};

use super::session::lock;

/// What a record is longer than its content, at most.
const EARLY_ROOM: usize = 64;

/// A handshake on either side.
pub(super) enum Engine {
    Client(Box<UnbufferedClientConnection>),
    Server(Box<UnbufferedServerConnection>),
}

/// Where the handshake stands after a record.
pub(super) enum Progress {
    /// More records are needed.
    NeedsInput,
    /// Finished; secrets can be taken out.
    Finished,
    /// The peer sent close_notify.
    PeerClosed,
    /// Failed.
    Failed(Error),
}

/// What one call of the library wants.
enum Turn {
    Again,
    Blocked,
    Closed,
    Failed(Error),
}

impl Engine {
    /// What the library knows about the connection.
    pub(super) fn common(&self) -> &CommonState {
        match self {
            Self::Client(connection) => connection,
            Self::Server(connection) => connection,
        }
    }

    /// The chain that the peer showed.
    pub(super) fn peer_chain(&self) -> &[CertificateDer<'static>] {
        self.common().peer_certificates().unwrap_or_default()
    }

    /// Client side: the ClientHello, and early data behind it where the library allows that. A failure comes again with
    /// the first input.
    pub(super) fn start(&mut self, early_data: &[u8], output: &mut Vec<u8>) {
        let Self::Client(connection) = self else { return };
        loop {
            let status = connection.process_tls_records(&mut []);
            match status.state {
                Ok(ConnectionState::TransmitTlsData(mut data)) => {
                    if let Some(mut early) = data.may_encrypt_early_data() {
                        let start = output.len();
                        output.resize(start + early_data.len() + EARLY_ROOM, 0);
                        let room = output.get_mut(start..).unwrap_or_default();
                        let written = early.encrypt(early_data, room).unwrap_or(0);
                        output.truncate(start + written);
                    }
                    return data.done();
                }
                state => {
                    let status = UnbufferedStatus { state, ..status };
                    if !matches!(settle(status, output, &mut |_| {}).1, Turn::Again) {
                        return;
                    }
                }
            }
        }
    }

    /// Works on `inbox` (whole records), takes out of it what was used, and appends what is to be sent to `output`. Server
    /// side: appends early data that the library takes, which it does for a fault only, to `early`.
    pub(super) fn advance(
        &mut self,
        inbox: &mut Vec<u8>,
        output: &mut Vec<u8>,
        early: &mut Vec<u8>,
    ) -> Progress {
        loop {
            let (used, turn) = match self {
                Self::Client(connection) => {
                    settle(connection.process_tls_records(inbox), output, &mut |_| {})
                }
                Self::Server(connection) => {
                    let status = connection.process_tls_records(inbox);
                    settle(status, output, &mut |mut data| {
                        while let Some(Ok(record)) = data.next_record() {
                            early.extend_from_slice(record.payload);
                        }
                    })
                }
            };
            inbox.drain(..used.min(inbox.len()));
            match turn {
                Turn::Again => {}
                Turn::Blocked if self.common().is_handshaking() => return Progress::NeedsInput,
                Turn::Blocked => return Progress::Finished,
                Turn::Closed => return Progress::PeerClosed,
                Turn::Failed(error) => {
                    self.collect_alert(output);
                    return Progress::Failed(error);
                }
            }
        }
    }

    /// After a failure the alert is still to be fetched. Only as long as there is output: the library hands that out
    /// before it looks at its input, and the input it must not see again (it would fail a second time, and panic).
    fn collect_alert(&mut self, output: &mut Vec<u8>) {
        while self.common().wants_write() {
            let (_, turn) = match self {
                Self::Client(connection) => {
                    settle(connection.process_tls_records(&mut []), output, &mut |_| {})
                }
                Self::Server(connection) => {
                    settle(connection.process_tls_records(&mut []), output, &mut |_| {})
                }
            };
            if !matches!(turn, Turn::Again) {
                return;
            }
        }
    }

    /// Secrets, and what can still be derived from them.
    pub(super) fn into_kernel(self) -> Result<(ExtractedSecrets, Kernel), Error> {
        Ok(match self {
            Self::Client(connection) => {
                let (secrets, kernel) = connection.dangerous_into_kernel_connection()?;
                (
                    secrets,
                    Kernel::Client(Arc::new(ClientKernel(Mutex::new(kernel)))),
                )
            }
            Self::Server(connection) => {
                let (secrets, kernel) = connection.dangerous_into_kernel_connection()?;
                (secrets, Kernel::Server(Box::new(kernel)))
            }
        })
    }
}

fn settle<Data>(
    status: UnbufferedStatus<'_, '_, Data>,
    output: &mut Vec<u8>,
    early: &mut dyn FnMut(ReadEarlyData<'_, '_, Data>),
) -> (usize, Turn) {
    let turn = match status.state {
        Err(error) => Turn::Failed(error),
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            let start = output.len();
            let needed = match data.encode(&mut []) {
                Err(EncodeError::InsufficientSize(size)) => size.required_size,
                Ok(_) | Err(EncodeError::AlreadyEncoded) => 0,
            };
            output.resize(start + needed, 0);
            match data.encode(output.get_mut(start..).unwrap_or_default()) {
                Ok(written) => {
                    output.truncate(start + written);
                    Turn::Again
                }
                Err(_) => Turn::Failed(Error::General("the library's output did not fit".into())),
            }
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            data.done();
            Turn::Again
        }
        Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => Turn::Blocked,
        Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => Turn::Closed,
        Ok(ConnectionState::ReadEarlyData(data)) => {
            early(data);
            Turn::Again
        }
        Ok(_) => Turn::Failed(Error::General("application data inside the handshake".into())),
    };
    (status.discard, turn)
}

/// The client's part of a finished handshake, shared by the connection and its sessions.
pub(super) struct ClientKernel(pub(super) Mutex<KernelConnection<ClientConnectionData>>);

/// What is left of the library after the handshake: new keys for KeyUpdate, sessions from tickets.
pub(super) enum Kernel {
    Client(Arc<ClientKernel>),
    Server(Box<KernelConnection<ServerConnectionData>>),
}

impl Kernel {
    /// The next secret for sending (RFC 8446 section 7.2).
    pub(super) fn update_sending(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Client(kernel) => lock(&kernel.0).update_tx_secret(),
            Self::Server(kernel) => kernel.update_tx_secret(),
        }
    }

    /// The next secret for receiving.
    pub(super) fn update_receiving(&mut self) -> Result<(u64, ConnectionTrafficSecrets), Error> {
        match self {
            Self::Client(kernel) => lock(&kernel.0).update_rx_secret(),
            Self::Server(kernel) => kernel.update_rx_secret(),
        }
    }
}
