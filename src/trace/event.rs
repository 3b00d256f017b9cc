//! The events of a trace.
//!
//! An event is a fact: what happened, on which channel, when. Secrets are masked and peer text is bounded when an
//! event is made. Every kind is documented in `docs/trace.md`.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::tls_facts::{AlertFacts, HandshakeFacts, HandshakeFailure, TicketFacts, TlsSign};
use crate::wire::reply::{ReplyCode, ReplyViolation};

/// One observed fact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Offset from the start of the case. Serialised as seconds with microseconds.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// The connection it happened on; none for events of the case itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// Set-up, the steps under test, or clean-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Preparation; a problem here makes the case inconclusive.
    Setup,
    /// What is under test.
    Steps,
    /// Tidying; never changes the verdict.
    Cleanup,
}

/// Which step of a scenario: phase and zero-based position in that phase's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct StepIndex {
    /// The list.
    pub phase: Phase,
    /// Zero-based position in the list.
    pub index: usize,
}

/// Which way bytes went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the harness to the target.
    Sent,
    /// From the target to the harness.
    Received,
}

/// How a data connection comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DataPath {
    /// PASV, RFC 959.
    Passive,
    /// EPSV, RFC 2428.
    ExtendedPassive,
    /// PORT, RFC 959.
    Active,
    /// EPRT, RFC 2428.
    ExtendedActive,
}

/// What a wait was for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waited {
    /// The next reply on a control connection.
    Reply,
    /// A TCP connection (ours to the target, or the target's to us).
    Connection,
    /// A handshake.
    Handshake,
    /// Data, or the end of the data.
    Data,
    /// The end of a connection.
    Close,
    /// Room to write.
    Write,
    /// The end of data that kept coming, but too slowly to ever get there.
    Transfer,
    /// The end of the whole case.
    Case,
}

/// Why an action could not be done. An observation about the target unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "problem")]
pub enum ActionProblem {
    /// The action needs a connection that is not open (closed by the target, or never opened).
    NotConnected {
        /// One lower-case sentence.
        detail: String,
    },
    /// A TCP connection could not be made.
    ConnectionRefused {
        /// The operating system's words.
        detail: String,
    },
    /// Nothing within the time allowed.
    TimedOut {
        /// What was waited for.
        waited: Waited,
        /// The time allowed, in seconds.
        seconds: f64,
    },
    /// The target closed or reset the connection meanwhile.
    Closed {
        /// One lower-case sentence.
        detail: String,
    },
    /// A negative reply arrived on the control connection while the action waited for something else.
    RefusedByReply {
        /// Its code.
        code: ReplyCode,
    },
    /// A TLS handshake was refused or failed; details in `HandshakeFailed`.
    HandshakeFailed {
        /// One lower-case sentence.
        detail: String,
    },
    /// The target sent something that the action cannot use (a reply without an address, say).
    Unusable {
        /// One lower-case sentence.
        detail: String,
    },
    /// The target's profile does not allow it (PASV address of another host, say), or the harness cannot do it here
    /// (no certificate of that name, no ticket to alter). Says nothing about the target.
    NotAllowed {
        /// One lower-case sentence.
        detail: String,
    },
    /// A composite action got a reply it did not hope for.
    UnexpectedReply {
        /// Its code.
        code: ReplyCode,
        /// What was hoped for, e.g. `2yz to PBSZ 0`.
        hoped: String,
    },
}

/// The sums over one data connection, recorded when the engine stops reading or the connection ends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TransferSummary {
    /// Bytes received (after decryption).
    pub bytes: u64,
    /// SHA-256 of them, hex.
    pub sha256: String,
    /// The first bytes, escaped, at most 4096 characters; for listings.
    pub text: String,
    /// Bytes that arrived in clear on this connection before TLS was started.
    pub clear_bytes: u64,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
#[non_exhaustive]
pub enum EventKind {
    /// The runner started a step.
    StepStarted {
        /// Which.
        step: StepIndex,
    },
    /// The runner is done with a step.
    StepFinished {
        /// Which.
        step: StepIndex,
    },
    /// The action of the current step could not be done.
    ActionFailed(ActionProblem),
    /// The harness itself had trouble (disk, no free port, a bug); the case becomes `error`.
    HarnessFailed {
        /// One lower-case sentence.
        reason: String,
    },
    /// A variable got a value.
    Captured {
        /// Name of the variable.
        name: String,
        /// Its value, masked.
        value: String,
    },
    /// A free remark of a composite action, e.g. which order of 150 and handshake it met.
    Noted {
        /// Kebab-case name, e.g. `handshake-order`.
        name: String,
        /// Value, e.g. `after-150`.
        value: String,
    },

    /// A TCP connection is open.
    Connected {
        /// Our address and port.
        local: String,
        /// The target's.
        peer: String,
        /// How the data connection came about; none on control.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path: Option<DataPath>,
    },
    /// A TCP connection attempt failed.
    ConnectFailed {
        /// The target's address and port.
        peer: String,
        /// The operating system's words, or `timed out`.
        reason: String,
    },
    /// We listen for an active data connection.
    Listening {
        /// Our address and port.
        local: String,
    },
    /// A line went out on a control connection.
    CommandSent {
        /// The line without CRLF, masked and escaped.
        line: String,
        /// Whether TLS protected it.
        protected: bool,
    },
    /// Bytes went out that are not one command line (raw sends).
    RawSent {
        /// Masked and escaped, cut at 200 characters.
        text: String,
        /// Their number.
        bytes: u64,
        /// Whether TLS protected them.
        protected: bool,
    },
    /// A reply was read completely.
    ReplyReceived {
        /// Counted from 1 on this control connection.
        number: u32,
        /// The reply code.
        code: ReplyCode,
        /// Text of each line, without the code on the first and last one; masked and escaped.
        lines: Vec<String>,
        /// Whether TLS protected it.
        protected: bool,
        /// What is odd about its form.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        violations: Vec<ReplyViolation>,
    },
    /// Bytes on the control connection that are not a reply, or a reply beyond the limits.
    ReplyMalformed {
        /// One lower-case sentence.
        reason: String,
        /// The first bytes, escaped.
        text: String,
    },
    /// A step took this reply for its expectation.
    ReplyConsumed {
        /// Its number on that control connection.
        number: u32,
    },
    /// A step that waited for a final reply passed over this one, the preliminary reply of a transfer.
    ReplyPassedOver {
        /// Its number on that control connection.
        number: u32,
    },
    /// Bytes in clear were left over when TLS started on the channel (RFC 7457 section 2.2).
    ClearBytesLeftOver {
        /// Their number.
        bytes: u64,
        /// Escaped, cut at 200 characters.
        text: String,
    },

    /// We started a handshake.
    HandshakeStarted {
        /// Channel whose session is offered; none when nothing is offered.
        offered: Option<String>,
    },
    /// A handshake finished.
    HandshakeFinished(HandshakeFacts),
    /// A handshake did not finish.
    HandshakeFailed(HandshakeFailure),
    /// A hand-made ClientHello went out (a probe).
    ProbeSent {
        /// In words, e.g. `tls1.0, 12 suites`.
        hello: String,
    },
    /// The answer to a hand-made ClientHello.
    ProbeAnswered {
        /// `server-hello`, `alert`, `closed`, `plaintext` or `nothing`.
        answer: String,
        /// Version of the ServerHello, e.g. `tls1.0`.
        version: Option<String>,
        /// Suite of the ServerHello.
        suite: Option<String>,
        /// ALPN protocol of the ServerHello.
        alpn: Option<String>,
        /// The alert.
        alert: Option<AlertFacts>,
        /// What the ServerHello shows, and the flight behind it as far as it was read.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        signs: Vec<TlsSign>,
        /// Bits of the prime of an ephemeral finite-field key exchange.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        dh_bits: Option<u32>,
    },
    /// A session ticket arrived.
    TicketReceived(TicketFacts),
    /// An alert other than close_notify arrived.
    AlertReceived(AlertFacts),
    /// We sent an alert other than close_notify.
    AlertSent(AlertFacts),
    /// We sent close_notify.
    CloseNotifySent,
    /// close_notify arrived.
    CloseNotifyReceived,
    /// The peer broke TLS (bad MAC, unknown record, data after close_notify, …).
    TlsViolated {
        /// One lower-case sentence.
        reason: String,
    },
    /// Records made by hand went out under TLS.
    RecordSent {
        /// In words, e.g. `key-update`.
        record: String,
        /// How many.
        count: u32,
    },
    /// A post-handshake KeyUpdate arrived.
    KeyUpdateReceived,
    /// A ServerHello arrived on a connection that was protected already: the peer renegotiates (TLS 1.2).
    RenegotiationAccepted,
    /// TLS ended on this channel and it goes on in clear (CCC).
    TlsStopped,

    /// We sent FIN.
    FinSent,
    /// FIN arrived: the peer will send nothing more.
    FinReceived,
    /// We sent RST.
    ResetSent,
    /// RST arrived.
    ResetReceived,
    /// Bytes went out on a data connection.
    DataSent {
        /// Their number (before encryption).
        bytes: u64,
        /// Whether TLS protected them.
        protected: bool,
    },
    /// Bytes arrived on a data connection; consecutive pieces are joined.
    DataReceived {
        /// Their number (after decryption).
        bytes: u64,
        /// Whether TLS protected them.
        protected: bool,
    },
    /// The engine stopped reading a data connection.
    TransferFinished(TransferSummary),
    /// A file of the target was looked at (the `file` check).
    FileExamined {
        /// Path as sent.
        path: String,
        /// Whether it could be retrieved.
        exists: bool,
        /// Its size when it could.
        bytes: Option<u64>,
        /// Its SHA-256 when it could.
        sha256: Option<String>,
        /// In words, when it could not be examined at all.
        problem: Option<String>,
    },
    /// Nothing came within the time allowed.
    TimedOut {
        /// What was waited for.
        waited: Waited,
        /// The time allowed, in seconds.
        seconds: f64,
    },
    /// A wait for silence ended without anything arriving.
    StayedSilent {
        /// The time waited, in seconds.
        seconds: f64,
    },
}

/// `Duration` as seconds with microseconds.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "microseconds of a case fit a double exactly"
        )]
        serializer.serialize_f64(at.as_micros() as f64 / 1e6)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
    }
}
