//! Checks and the patterns of their kinds.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Listed, OneOrMany, Read, Reader, raw_struct};
use super::scalar::{AlertName, Flag, Number, Pause, RawCode, Text};
use super::words::{One, Word};
use crate::requirement::Grade;
use crate::scenario::model::{
    ActionPattern, CertificateQuality, ChannelRef, ClosedBy, EndpointPattern, HandshakeOutcome, Milestone,
    Otherwise,
};
use crate::scenario::yaml::{Node, Value};
use crate::trace::TlsSign;

/// The keys of a check that say what is checked.
pub(in crate::scenario) const CHECK_KINDS: &[&str] = &[
    "reply", "tls", "data", "closed", "file", "order", "silence", "endpoint", "action",
];

raw_struct! {
    /// A check. Names at least one kind; each kind it names is judged and reported on its own.
    RawCheck("a check") {
        /// The next reply on the control connection, or the next final one when none of the checks accepts a 1yz. All
        /// `reply` checks of one step look at the same reply.
        reply = "reply": OneOrMany<RawReply>,
        /// The handshake or probe of this step.
        tls = "tls": RawTls,
        /// What the transfer of this step brought.
        data = "data": RawData,
        /// How the peer ended the connection: any of these.
        closed = "closed": OneOrMany<RawClosed>,
        /// A file on the target, looked at with RETR.
        file = "file": RawFilePattern,
        /// These things happened in this order since the last data connection was opened.
        order = "order": Listed<One<Milestone>>,
        /// Nothing arrives on the channel for as long as `within` says.
        silence = "silence": RawSilence,
        /// Of data connections: `own-address`, an active one comes from the address of the control connection, or the 227 of the step names it; `port-below-control`, an active one comes from the port below that of the control connection; `no-sequence`, the ports of every 227 and 229 so far are in no order.
        endpoint = "endpoint": One<EndpointPattern>,
        /// How the action itself went; for actions that have no reply.
        action = "action": One<ActionPattern>,
        /// The requirement that the check proves; without one, it is a precondition: broken, the case is inconclusive.
        requirement = "requirement": Text,
        /// A softer grade than the requirement's, where the catalogue grades this very outcome softer.
        grade = "grade": One<Grade>,
        /// Only in `setup`: a broken check makes the case not-applicable instead of inconclusive, because a target may well be without what it asks for.
        otherwise = "otherwise": One<Otherwise>,
        /// The time allowed for the observation; the profile's when absent. On `tls`, `data` and `action` it also shortens the
        /// waits of the action itself.
        within = "within": Pause,
        /// The connection that `tls`, `data`, `closed` and `silence` are about; the action's own when absent.
        channel = "channel": One<ChannelRef>,
    }
}

raw_struct! {
    /// One alternative of a reply pattern; every part that is set must match.
    RawReply("`reply`", short code: OneOrMany<RawCode>) {
        /// Codes (`503`) or classes (`5yz`), any of them; `closed` also accepts the end of the control connection.
        code = "code": OneOrMany<RawCode>,
        /// Some line contains this, letter case ignored.
        text = "text": Text,
        /// No line contains this, letter case ignored.
        without = "without": Text,
        /// Some line, without its code, is this as a whole, letter case ignored. `#` stands for a digit, `*` for anything, `[abc]` for one or more of these letters.
        line = "line": Text,
        /// Arrived under TLS (`true`) or in clear (`false`).
        protected = "protected": Flag,
        /// Is free of violations of the form (RFC 959 section 4.2).
        well_formed = "well-formed": Flag,
    }
}

raw_struct! {
    /// The handshake or probe of a step.
    RawTls("`tls`", short handshake: OneOrMany<One<HandshakeOutcome>>) {
        /// How it ended, any of these.
        handshake = "handshake": OneOrMany<One<HandshakeOutcome>>,
        /// Any of these versions.
        version = "version": OneOrMany<RawVersion>,
        /// Any of these ALPN protocols was chosen; `none` when none must be.
        alpn = "alpn": OneOrMany<Text>,
        /// The peer sent any of these alerts (IANA names); `any` is any alert.
        alert = "alert": OneOrMany<One<AlertName>>,
        /// The suite is any of these, by IANA name or by a group of `probe-tls`.
        suite = "suite": OneOrMany<Text>,
        /// All of these show: words of the list *TLS sign*.
        shows = "shows": OneOrMany<One<TlsSign>>,
        /// None of these shows.
        lacks = "lacks": OneOrMany<One<TlsSign>>,
        /// A finite-field group, where the server uses one, has at least that many bits.
        dh_bits = "dh-bits": Number,
        /// The certificate is all of this. Nothing is said of a resumed handshake.
        certificate = "certificate": OneOrMany<One<CertificateQuality>>,
        /// At least that many tickets have arrived on the channel.
        tickets = "tickets": Number,
        /// The longest ticket lifetime seen, in seconds, is at most this.
        ticket_lifetime = "ticket-lifetime": Number,
        /// The certificate has this name among its subject alternative names.
        certificate_name = "certificate-name": Text,
        /// The certificate is the one of the control connection, or its session was resumed.
        same_certificate = "same-certificate": Flag,
        /// The version is the one of the control connection.
        same_version = "same-version": Flag,
    }
}

raw_struct! {
    /// The data received in a step.
    RawData("`data`") {
        /// Exactly that many bytes.
        bytes = "bytes": Text,
        /// At least that many bytes.
        at_least = "at-least": Text,
        /// At most that many bytes.
        at_most = "at-most": Text,
        /// SHA-256 in hex.
        sha256 = "sha256": Text,
        /// Contains this text (in the first 4096 characters).
        text = "text": Text,
        /// Does not contain this text.
        without = "without": Text,
        /// Every byte arrived under TLS (`true`) or in clear (`false`).
        protected = "protected": Flag,
    }
}

raw_struct! {
    /// A file on the target.
    RawFilePattern("`file`") {
        /// Path on the target.
        path = "path": Text,
        /// Whether it must be there.
        exists = "exists": Flag,
        /// Exactly that many bytes.
        bytes = "bytes": Text,
        /// SHA-256 in hex.
        sha256 = "sha256": Text,
    }
}

/// One end of a connection.
pub(in crate::scenario) type RawClosed = One<ClosedBy>;

/// A version in an expectation; probes know old ones too. May be a variable.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct RawVersion(pub(in crate::scenario) Text);

/// The versions that a probe can meet.
pub(in crate::scenario) const PROBE_VERSIONS: &[&str] = &["ssl3.0", "tls1.0", "tls1.1", "tls1.2", "tls1.3"];

#[derive(Clone, Debug)]
struct ProbeVersion;

impl Word for ProbeVersion {
    const WHAT: &'static str = "TLS version or older one";

    fn words() -> Vec<(&'static str, Self)> {
        PROBE_VERSIONS.iter().map(|word| (*word, Self)).collect()
    }
}

impl Read for RawVersion {
    fn expected() -> String {
        One::<ProbeVersion>::expected()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let text = Text::read(node, reader)?;
        if !text.text.contains("$(") {
            One::<ProbeVersion>::read(node, reader)?;
        }
        Some(Self(text))
    }
}

impl JsonSchema for RawVersion {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "version".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "enum": PROBE_VERSIONS }, { "type": "string", "pattern": "\\$\\(" }] })
    }
}

/// `true`, or the channel that is silent.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct RawSilence(pub(in crate::scenario) Option<ChannelRef>);

impl Read for RawSilence {
    fn expected() -> String {
        "`true`, `control` or `data`".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::Scalar(scalar) if scalar.text == "true" => Some(Self(None)),
            Value::Scalar(scalar) if ChannelRef::find(&scalar.text).is_some() => {
                Some(Self(ChannelRef::find(&scalar.text)))
            }
            _ => {
                reader.wrong_type(node, &Self::expected(), None);
                None
            }
        }
    }
}

impl JsonSchema for RawSilence {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "silence".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, "control", "data"] })
    }
}
