//! The checks of a step: what must be observed. What a step does is the rest of [`super`].

use std::time::Duration;

use super::{CertificateQuality, ChannelRef, Template};
use crate::base::{Span, Spanned};
use crate::requirement::Grade;
use crate::trace::TlsSign;

/// One check of a step. Names at least one of its kinds; each one set is judged on its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// The requirement it proves; none makes it a precondition: broken, the case is inconclusive.
    pub requirement: Option<Spanned<String>>,
    /// A softer grade than the requirement's, where the catalogue grades this very outcome softer.
    pub grade: Option<Spanned<Grade>>,
    /// What a broken precondition of the set-up makes of the case.
    pub otherwise: Otherwise,
    /// The time allowed for the observation; the profile's timeout when absent.
    pub within: Option<Spanned<Duration>>,
    /// Which connection `tls`, `data`, `closed`, `silence` are about; the action's own when absent, and else control
    /// for `silence`, data for the others.
    pub channel: Option<ChannelRef>,
    /// What is checked.
    pub kinds: Vec<CheckKind>,
    /// The check.
    pub span: Span,
}

/// What a broken precondition makes of the case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Otherwise {
    /// Inconclusive: the exchange ought to have come about.
    #[default]
    Inconclusive,
    /// Not applicable: the target may well be without it, and no capability asks for it.
    NotApplicable,
}

/// The kinds of checks.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckKind {
    /// `reply`: the next reply on the control connection. All `reply` checks of one step look at the same reply.
    Reply(ReplyPattern),
    /// `tls`: a handshake or probe of this step.
    Tls(TlsPattern),
    /// `data`: what the transfer of this step brought.
    Data(DataPattern),
    /// `closed`: how the peer ended the connection, any of these.
    Closed(Vec<ClosedBy>),
    /// `file`: a file on the target.
    File(FilePattern),
    /// `order`: these things happened in this order since the last data connection was opened.
    Order(Vec<Milestone>),
    /// `silence`: nothing arrives on the channel for `within`.
    Silence,
    /// `endpoint`: where data connections come from or lead to.
    Endpoint(EndpointPattern),
    /// `action: done`: the action succeeded, or `failed` with any problem; for actions that have no reply.
    Action(ActionPattern),
}

/// Any of these alternatives.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplyPattern {
    /// Alternatives; one must match.
    pub any_of: Vec<ReplyAlternative>,
}

impl ReplyPattern {
    /// Whether a preliminary reply (1yz) can match.
    #[must_use]
    pub fn accepts_preliminary(&self) -> bool {
        self.any_of.iter().any(|one| match one.codes.as_slice() {
            // Closing alone speaks of no reply.
            [] => !one.closed,
            codes => codes.iter().any(|code| match code {
                CodePattern::Code(code) => *code < 200,
                CodePattern::Class(digit) => *digit == 1,
            }),
        })
    }
}

/// One alternative of a reply pattern; every part that is set must match.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReplyAlternative {
    /// Codes or classes; empty means any.
    pub codes: Vec<CodePattern>,
    /// Some line contains this, letter case ignored.
    pub text: Option<Template>,
    /// No line contains this, letter case ignored.
    pub without: Option<Template>,
    /// Some line is this as a whole, letter case ignored, with the wildcards of `judge`.
    pub line: Option<Template>,
    /// Must (or must not) have arrived under TLS.
    pub protected: Option<bool>,
    /// Closing the control connection is accepted instead of a reply (`reply: [421, closed]`).
    pub closed: bool,
    /// Must be free of form violations (RFC 959 section 4.2).
    pub well_formed: bool,
}

/// `503` or `5yz`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodePattern {
    /// Exactly this code.
    Code(u16),
    /// This first digit.
    Class(u8),
}

/// Of a handshake or probe.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsPattern {
    /// Any of these outcomes; empty means not checked.
    pub handshake: Vec<HandshakeOutcome>,
    /// Any of these versions (`tls1.2`, and for probes also `tls1.0` …).
    pub version: Vec<String>,
    /// The ALPN protocol chosen; `none` when none must be chosen.
    pub alpn: Vec<String>,
    /// The peer sent any of these alerts (IANA names); `any` is any.
    pub alert: Vec<String>,
    /// The suite is any of these, by IANA name or group word; empty means not checked.
    pub suite: Vec<String>,
    /// All of these show.
    pub shows: Vec<TlsSign>,
    /// None of these shows.
    pub lacks: Vec<TlsSign>,
    /// An ephemeral finite-field group has at least that many bits.
    pub dh_bits: Option<u32>,
    /// The certificate is all of this.
    pub certificate: Vec<CertificateQuality>,
    /// At least that many tickets have arrived on the channel.
    pub tickets: Option<u32>,
    /// The longest ticket lifetime seen on the channel, in seconds, is at most this.
    pub ticket_lifetime: Option<u32>,
    /// The leaf certificate has this name.
    pub certificate_name: Option<Template>,
    /// The leaf certificate is the one of the control connection (or the handshake resumed its session).
    pub same_certificate: bool,
    /// Version and suite are the ones of the control connection's policy: same version.
    pub same_version: bool,
}

/// How a handshake or probe ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeOutcome {
    /// Full handshake finished.
    Full,
    /// Resumed handshake finished.
    Resumed,
    /// Refused: alert, close, reset, or no TLS at all.
    Refused,
    /// A probe got a ServerHello.
    ServerHello,
    /// The peer answered in clear text.
    Plaintext,
    /// Nothing came.
    Nothing,
}

/// Of the data received in this step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DataPattern {
    /// Exactly that many bytes.
    pub bytes: Option<Template>,
    /// At least that many bytes.
    pub at_least: Option<Template>,
    /// At most that many bytes.
    pub at_most: Option<Template>,
    /// SHA-256, hex.
    pub sha256: Option<Template>,
    /// Contains this text (bounded sample).
    pub text: Option<Template>,
    /// Does not contain this text.
    pub without: Option<Template>,
    /// Every byte arrived under TLS (`true`) or in clear (`false`).
    pub protected: Option<bool>,
}

/// How the peer ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClosedBy {
    /// close_notify, then FIN (or close_notify only, when we end first).
    CloseNotify,
    /// FIN without close_notify.
    Fin,
    /// RST.
    Reset,
    /// A fatal alert.
    Alert,
}

/// Of a file on the target, examined with RETR.
#[derive(Clone, Debug, PartialEq)]
pub struct FilePattern {
    /// Path.
    pub path: Template,
    /// Whether it must be there; not checked when `None`.
    pub exists: Option<bool>,
    /// Exactly that many bytes.
    pub bytes: Option<Template>,
    /// SHA-256, hex.
    pub sha256: Option<Template>,
}

/// Things whose order can be checked, on the current data connection and its control connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Milestone {
    /// TCP connection of the data connection.
    Connected,
    /// 1yz reply.
    PreliminaryReply,
    /// 2yz reply to the transfer command.
    CompletionReply,
    /// Handshake on the data connection finished.
    Handshake,
    /// First byte of data.
    Data,
    /// close_notify received on the data connection.
    CloseNotify,
    /// FIN received on the data connection.
    Fin,
}

/// Of the action itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActionPattern {
    /// It was done.
    Done,
    /// It could not be done.
    Failed,
    /// Either.
    Any,
}

/// Of the addresses and ports of data connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndpointPattern {
    /// An active data connection comes from the address of the control connection; a 227 names that address.
    OwnAddress,
    /// An active data connection comes from the port one below that of the control connection.
    PortBelowControl,
    /// The ports that 227 and 229 named so far are neither in order nor evenly spaced.
    NoSequence,
}
