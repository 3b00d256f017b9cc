//! The closed lists of words, one table per list.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Read, Reader, suggest};
use crate::requirement::{Capability, Grade};
use crate::scenario::error::LoadErrorKind;
use crate::scenario::model::{
    AccountRef, ActionPattern, CaptureSource, CertificateQuality, ChannelRef, ClosedBy, EndpointPattern,
    HandshakeOutcome, HelloOption, Level, Milestone, Otherwise, RecordWord, Severity, StoreCommand, TcpEnd,
    Tls12By,
};
use crate::scenario::yaml::{Node, Value};
use crate::trace::{DataPath, TlsSign, TlsVersion};

/// A closed list of words.
pub(in crate::scenario) trait Word: Clone + 'static {
    /// What one is called: `session level`.
    const WHAT: &'static str;

    /// The words with their values, in the order of the reference.
    fn words() -> Vec<(&'static str, Self)>;

    /// The problem of a word that is not in the list.
    fn unknown(word: &str) -> LoadErrorKind {
        LoadErrorKind::UnknownWord {
            what: word.to_owned(),
            context: Self::WHAT.to_owned(),
        }
    }

    /// The value of `word`.
    fn find(word: &str) -> Option<Self> {
        Self::words()
            .into_iter()
            .find(|(known, _)| *known == word)
            .map(|(_, value)| value)
    }
}

/// One word of a closed list.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct One<W>(pub(in crate::scenario) W);

impl<W: Word> Read for One<W> {
    fn expected() -> String {
        let words: Vec<&str> = W::words().iter().map(|(word, _)| *word).collect();
        if words.len() > 8 {
            return format!("a {}", W::WHAT);
        }
        let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
        format!("one of {}", quoted.join(", "))
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Scalar(scalar) = &node.value else {
            reader.wrong_type(node, &format!("a {}", W::WHAT), Some(Self::expected()));
            return None;
        };
        if let Some(value) = W::find(&scalar.text) {
            return Some(Self(value));
        }
        let words: Vec<&str> = W::words().iter().map(|(word, _)| *word).collect();
        reader.note(
            node.span,
            W::unknown(&super::read::shorten(&scalar.text)),
            suggest(&scalar.text, &words),
        );
        None
    }
}

impl<W: Word> JsonSchema for One<W> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        W::WHAT.replace(' ', "-").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = W::words().iter().map(|(word, _)| *word).collect();
        json_schema!({ "enum": words })
    }
}

macro_rules! word_list {
    ($type:ty, $what:literal, [$($word:literal = $value:expr),+ $(,)?]) => {
        impl Word for $type {
            const WHAT: &'static str = $what;

            fn words() -> Vec<(&'static str, Self)> {
                vec![$(($word, $value),)+]
            }
        }
    };
}

word_list!(
    Severity,
    "severity",
    [
        "low" = Self::Low,
        "medium" = Self::Medium,
        "high" = Self::High,
        "critical" = Self::Critical,
    ]
);
word_list!(
    Level,
    "session level",
    [
        "connected" = Self::Connected,
        "authenticated-in-clear" = Self::AuthenticatedInClear,
        "protected" = Self::Protected,
        "authenticated" = Self::Authenticated,
        "data-protected" = Self::DataProtected,
    ]
);
word_list!(
    AccountRef,
    "account",
    ["first" = Self::First, "second" = Self::Second]
);
word_list!(
    StoreCommand,
    "upload command",
    ["STOR" = Self::Stor, "APPE" = Self::Appe, "STOU" = Self::Stou,]
);
word_list!(
    ChannelRef,
    "channel",
    ["control" = Self::Control, "data" = Self::Data]
);
word_list!(
    Tls12By,
    "way of resuming",
    ["id" = Self::Id, "ticket" = Self::Ticket]
);
word_list!(
    TcpEnd,
    "end of TCP",
    [
        "fin" = Self::Fin,
        "reset" = Self::Reset,
        "keep-open" = Self::KeepOpen,
    ]
);
word_list!(
    HandshakeOutcome,
    "handshake outcome",
    [
        "full" = Self::Full,
        "resumed" = Self::Resumed,
        "refused" = Self::Refused,
        "server-hello" = Self::ServerHello,
        "plaintext" = Self::Plaintext,
        "nothing" = Self::Nothing,
    ]
);
word_list!(
    HelloOption,
    "hello option",
    [
        "deflate" = Self::Deflate,
        "encrypt-then-mac" = Self::EncryptThenMac,
        "future-version" = Self::FutureVersion,
        "grease" = Self::Grease,
        "higher-versions" = Self::HigherVersions,
        "no-extended-master-secret" = Self::NoExtendedMasterSecret,
        "oversize-record" = Self::OversizeRecord,
        "renegotiation-scsv" = Self::RenegotiationScsv,
        "sha1-signatures" = Self::Sha1Signatures,
        "small-records" = Self::SmallRecords,
        "small-segments" = Self::SmallSegments,
        "truncated-hmac" = Self::TruncatedHmac,
    ]
);
impl HelloOption {
    /// The option that `word` means.
    #[must_use]
    pub fn called(word: &str) -> Option<Self> {
        Self::find(word)
    }
}

impl RecordWord {
    /// Its word.
    #[must_use]
    pub fn name(self) -> &'static str {
        let words = Self::words();
        let own = words.iter().find(|(_, value)| *value == self);
        own.map_or("record", |(word, _)| word)
    }
}

word_list!(
    RecordWord,
    "record",
    [
        "client-hello" = Self::ClientHello,
        "empty" = Self::Empty,
        "key-update" = Self::KeyUpdate,
        "oversize" = Self::Oversize,
    ]
);
word_list!(
    CertificateQuality,
    "certificate quality",
    [
        "in-date" = Self::InDate,
        "known-issuer" = Self::KnownIssuer,
        "names-server" = Self::NamesServer,
        "strong" = Self::Strong,
        "valid" = Self::Valid,
    ]
);
word_list!(
    ClosedBy,
    "end of a connection",
    [
        "close-notify" = Self::CloseNotify,
        "fin" = Self::Fin,
        "reset" = Self::Reset,
        "alert" = Self::Alert,
    ]
);
word_list!(
    Milestone,
    "milestone",
    [
        "connected" = Self::Connected,
        "preliminary-reply" = Self::PreliminaryReply,
        "completion-reply" = Self::CompletionReply,
        "handshake" = Self::Handshake,
        "data" = Self::Data,
        "close-notify" = Self::CloseNotify,
        "fin" = Self::Fin,
    ]
);
word_list!(
    ActionPattern,
    "outcome of an action",
    ["done" = Self::Done, "failed" = Self::Failed, "any" = Self::Any,]
);
word_list!(
    Otherwise,
    "verdict of a broken precondition",
    [
        "inconclusive" = Self::Inconclusive,
        "not-applicable" = Self::NotApplicable,
    ]
);
word_list!(
    EndpointPattern,
    "property of data endpoints",
    [
        "own-address" = Self::OwnAddress,
        "port-below-control" = Self::PortBelowControl,
        "no-sequence" = Self::NoSequence,
    ]
);
word_list!(
    CaptureSource,
    "source of a capture",
    [
        "reply.code" = Self::ReplyCode,
        "reply.text" = Self::ReplyText,
        "reply.endpoint" = Self::ReplyEndpoint,
        "reply.quoted" = Self::ReplyQuoted,
        "reply.unique" = Self::ReplyUnique,
        "data.sha256" = Self::DataSha256,
        "data.bytes" = Self::DataBytes,
    ]
);
word_list!(
    DataPath,
    "data path",
    [
        "passive" = Self::Passive,
        "extended-passive" = Self::ExtendedPassive,
        "active" = Self::Active,
        "extended-active" = Self::ExtendedActive,
    ]
);
word_list!(
    TlsVersion,
    "TLS version",
    ["tls1.2" = Self::Tls12, "tls1.3" = Self::Tls13]
);
word_list!(
    Grade,
    "grade",
    ["fail" = Self::Fail, "warn" = Self::Warn, "info" = Self::Info]
);

impl Word for TlsSign {
    const WHAT: &'static str = "TLS sign";

    fn words() -> Vec<(&'static str, Self)> {
        Self::ALL.iter().map(|sign| (sign.name(), *sign)).collect()
    }
}

impl Word for Capability {
    const WHAT: &'static str = "capability";

    fn words() -> Vec<(&'static str, Self)> {
        Self::ALL
            .iter()
            .map(|capability| (capability.name(), *capability))
            .collect()
    }

    fn unknown(word: &str) -> LoadErrorKind {
        LoadErrorKind::UnknownCapability {
            what: word.to_owned(),
            context: String::new(),
        }
    }
}
