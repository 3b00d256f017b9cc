//! What was observed: events with their time and channel, and the recorder that collects them.
//!
//! Nothing here judges. Names are in the past tense (design section 7).

mod capture;
mod channel;
mod event;
mod format;
mod recorder;
mod tls_facts;

pub use capture::{Capture, CaptureLabel, Captured, ConnectionId, ConnectionStart, TcpEnd, write_capture};
pub use channel::{Channel, ChannelKind};
pub use event::{
    ActionProblem, DataPath, Direction, Event, EventKind, Phase, StepIndex, TransferSummary, Waited,
};
pub use format::{TRACE_FORMAT, TraceError, TraceErrorKind, read_trace, write_trace};
pub use recorder::Recorder;
pub use tls_facts::{
    AlertFacts, AlertLevel, CertificateAccount, CertificateFacts, HandshakeFacts, HandshakeFailure,
    HandshakeKind, ResumedBy, TicketFacts, TlsSign, TlsVersion, UNKNOWN_ISSUER,
};
