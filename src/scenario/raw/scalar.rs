//! Texts, numbers, durations and the values that are a word or something else.

use std::borrow::Cow;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use super::read::{Field, Keyed, Read, Reader, is_yaml11_boolean, shorten, suggest};
use super::words::{One, Word};
use crate::base::Spanned;
use crate::scenario::error::LoadErrorKind;
use crate::scenario::model::{CodePattern, TlsEnd};
use crate::scenario::yaml::{Node, Scalar, Value};
use crate::trace::DataPath;

/// A text that may hold `$(name)`. Numbers are taken as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::scenario) struct Text {
    /// The text.
    pub(in crate::scenario) text: String,
    /// Positions in it are positions in the file.
    pub(in crate::scenario) plain: bool,
}

/// `true` or `false`.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Flag(pub(in crate::scenario) bool);

/// A whole number.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Number(pub(in crate::scenario) u32);

/// `10s`, `300ms`, `2m`.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct Pause(pub(in crate::scenario) Duration);

/// `503`, `5yz` or `closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::scenario) enum RawCode {
    /// A code or a class.
    Code(CodePattern),
    /// No reply, but the end of the control connection.
    Closed,
}

/// A data path or a variable that holds one.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum RawPath {
    /// This one.
    Fixed(DataPath),
    /// `any-passive`
    AnyPassive,
    /// `$(data)`.
    Variable(Text),
}

/// A word, or `{ session: NAME }`.
#[derive(Clone, Debug)]
pub(in crate::scenario) enum RawResume {
    /// `never`
    Never,
    /// `control`
    Control,
    /// `control-first`
    ControlFirst,
    /// `data`
    Data,
    /// `forged`
    Forged,
    /// `{ session: NAME }`
    Session(Spanned<String>),
}

/// `close-notify`, `silent`, `half-record` or `alert:NAME`.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct RawTlsEnd(pub(in crate::scenario) TlsEnd);

/// The scalar of `node`, unless it is another kind of node.
fn scalar<'n>(node: &'n Node, expected: &str, reader: &mut Reader) -> Option<&'n Scalar> {
    if let Value::Scalar(scalar) = &node.value {
        return Some(scalar);
    }
    reader.wrong_type(node, expected, None);
    None
}

fn bad_value(node: &Node, scalar: &Scalar, expected: &str, help: Option<String>, reader: &mut Reader) {
    let kind = LoadErrorKind::BadValue {
        what: shorten(&scalar.text),
        context: expected.to_owned(),
    };
    reader.note(node.span, kind, help);
}

impl Read for Text {
    fn expected() -> String {
        "a text".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, "a text", reader)?;
        if scalar.plain && is_yaml11_boolean(&scalar.text) {
            let kind = LoadErrorKind::YamlBoolean {
                what: scalar.text.clone(),
                context: ", and no text".into(),
            };
            reader.note(
                node.span,
                kind,
                Some(format!("put it in quotes: \"{}\"", scalar.text)),
            );
            return None;
        }
        if scalar.plain && matches!(scalar.text.as_str(), "true" | "false") {
            let help = format!("put it in quotes: \"{}\"", scalar.text);
            reader.wrong_type(node, "a text", Some(help));
            return None;
        }
        Some(Self {
            text: scalar.text.clone(),
            plain: scalar.plain,
        })
    }
}

impl Read for Flag {
    fn expected() -> String {
        "`true` or `false`".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, &Self::expected(), reader)?;
        match (scalar.plain, scalar.text.as_str()) {
            (true, "true") => Some(Self(true)),
            (true, "false") => Some(Self(false)),
            _ => {
                bad_value(node, scalar, &Self::expected(), None, reader);
                None
            }
        }
    }
}

impl Read for Number {
    fn expected() -> String {
        "a whole number".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, &Self::expected(), reader)?;
        let parsed = scalar.text.parse().ok().map(Self);
        if parsed.is_none() {
            bad_value(node, scalar, &Self::expected(), None, reader);
        }
        parsed
    }
}

impl Read for Pause {
    fn expected() -> String {
        "a duration (`10s`, `300ms`, `2m`)".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, &Self::expected(), reader)?;
        let parsed = parse_duration(&scalar.text).map(Self);
        if parsed.is_none() {
            let help = scalar
                .text
                .parse::<u32>()
                .ok()
                .map(|number| format!("did you mean `{number}s`?"));
            bad_value(
                node,
                scalar,
                "a duration such as `10s` or `300ms`, at most an hour",
                help,
                reader,
            );
        }
        parsed
    }
}

/// `10s`, `300ms`, `2m`; whole numbers, at most an hour.
fn parse_duration(text: &str) -> Option<Duration> {
    let unit_at = text.find(|c: char| !c.is_ascii_digit())?;
    let (digits, unit) = text.split_at(unit_at);
    let number: u64 = digits.parse().ok()?;
    let duration = match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60)?),
        _ => return None,
    };
    (duration <= Duration::from_secs(3600)).then_some(duration)
}

impl Read for RawCode {
    fn expected() -> String {
        "a reply code (`503`), a class (`5yz`) or `closed`".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, &Self::expected(), reader)?;
        let code = parse_code(&scalar.text);
        if code.is_none() {
            let help = match scalar.text.to_ascii_lowercase().as_str() {
                lower @ ("1xx" | "2xx" | "3xx" | "4xx" | "5xx") => {
                    Some(format!("did you mean `{}yz`?", lower.get(..1).unwrap_or("5")))
                }
                lower => suggest(lower, &["closed", "1yz", "2yz", "3yz", "4yz", "5yz"])
                    .filter(|help| help.starts_with("did")),
            };
            bad_value(node, scalar, &Self::expected(), help, reader);
        }
        code
    }
}

fn parse_code(text: &str) -> Option<RawCode> {
    if text == "closed" {
        return Some(RawCode::Closed);
    }
    let [first, second, third] = <[u8; 3]>::try_from(text.as_bytes()).ok()?;
    if !(b'1'..=b'5').contains(&first) {
        return None;
    }
    if (second, third) == (b'y', b'z') {
        return Some(RawCode::Code(CodePattern::Class(first - b'0')));
    }
    let code = text.parse().ok().filter(|code| (100..600).contains(code))?;
    Some(RawCode::Code(CodePattern::Code(code)))
}

/// EPSV, and PASV where there is no EPSV.
const ANY_PASSIVE: &str = "any-passive";

impl Read for RawPath {
    fn expected() -> String {
        "`any-passive`, `passive`, `extended-passive`, `active`, `extended-active` or a variable such as `$(data)`"
            .into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, &Self::expected(), reader)?;
        if scalar.text.contains("$(") {
            return Text::read(node, reader).map(Self::Variable);
        }
        if scalar.text == ANY_PASSIVE {
            return Some(Self::AnyPassive);
        }
        One::<DataPath>::read(node, reader).map(|path| Self::Fixed(path.0))
    }
}

super::read::raw_struct! {
    /// Offers the newest session of another control connection.
    RawResumeSession("`resume`") {
        /// The name of the session (`session:` of its steps) whose control connection is meant.
        session = "session": Text,
    }
}

/// The words of `resume`.
const RESUME_WORDS: &[&str] = &["never", "control", "control-first", "data", "forged"];

impl Read for RawResume {
    fn expected() -> String {
        "`never`, `control`, `control-first`, `data`, `forged` or `{ session: NAME }`".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        if matches!(node.value, Value::Map(_)) {
            let raw = RawResumeSession::read(node, reader)?;
            if let Field::Absent = raw.session {
                let kind = LoadErrorKind::MissingKey {
                    what: "session".into(),
                    context: RawResumeSession::TITLE.into(),
                };
                reader.note(node.span, kind, None);
            }
            let session = raw.session.get()?;
            return Some(Self::Session(session.clone().map(|text| text.text)));
        }
        let scalar = scalar(node, &Self::expected(), reader)?;
        let resume = match scalar.text.as_str() {
            "never" => Self::Never,
            "control" => Self::Control,
            "control-first" => Self::ControlFirst,
            "data" => Self::Data,
            "forged" => Self::Forged,
            word => {
                let kind = LoadErrorKind::UnknownWord {
                    what: shorten(word),
                    context: "session to resume".into(),
                };
                let help = suggest(word, RESUME_WORDS)
                    .filter(|help| help.starts_with("did"))
                    .unwrap_or_else(|| {
                        format!("another control connection is written `{{ session: {word} }}`")
                    });
                reader.note(node.span, kind, Some(help));
                return None;
            }
        };
        Some(resume)
    }
}

/// Alerts by their IANA names (RFC 8446 section 6, RFC 5246 section 7.2).
pub(in crate::scenario) const ALERTS: &[(&str, u8)] = &[
    ("unexpected_message", 10),
    ("bad_record_mac", 20),
    ("record_overflow", 22),
    ("handshake_failure", 40),
    ("bad_certificate", 42),
    ("unsupported_certificate", 43),
    ("certificate_revoked", 44),
    ("certificate_expired", 45),
    ("certificate_unknown", 46),
    ("illegal_parameter", 47),
    ("unknown_ca", 48),
    ("access_denied", 49),
    ("decode_error", 50),
    ("decrypt_error", 51),
    ("protocol_version", 70),
    ("insufficient_security", 71),
    ("internal_error", 80),
    ("inappropriate_fallback", 86),
    ("user_canceled", 90),
    ("no_renegotiation", 100),
    ("missing_extension", 109),
    ("unsupported_extension", 110),
    ("unrecognized_name", 112),
    ("bad_certificate_status_response", 113),
    ("unknown_psk_identity", 115),
    ("certificate_required", 116),
    ("no_application_protocol", 120),
];

/// Name of an alert in an expectation, or `any`.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct AlertName(pub(in crate::scenario) &'static str);

impl Word for AlertName {
    const WHAT: &'static str = "alert";

    fn words() -> Vec<(&'static str, Self)> {
        let any = [("any", Self("any"))];
        let named = ALERTS.iter().map(|(name, _)| (*name, Self(name)));
        any.into_iter().chain(named).collect()
    }
}

impl Read for RawTlsEnd {
    fn expected() -> String {
        "`close-notify`, `silent`, `half-record` or `alert:NAME` (such as `alert:internal_error`)".into()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let scalar = scalar(node, &Self::expected(), reader)?;
        let word = scalar.text.as_str();
        let end = match word {
            "close-notify" => TlsEnd::CloseNotify,
            "silent" => TlsEnd::Silent,
            "half-record" => TlsEnd::HalfRecord,
            _ => {
                let name = word.strip_prefix("alert:");
                let number = name.and_then(|name| ALERTS.iter().find(|(known, _)| *known == name));
                let number = number.map(|(_, number)| *number).or_else(|| name?.parse().ok());
                if let Some(number) = number {
                    return Some(Self(TlsEnd::Alert(number)));
                }
                let (what, context, known) = match name {
                    Some(name) => (name, "alert", ALERTS.iter().map(|(name, _)| *name).collect()),
                    None => (
                        word,
                        "end of TLS",
                        vec!["close-notify", "silent", "half-record", "alert:NAME"],
                    ),
                };
                let kind = LoadErrorKind::UnknownWord {
                    what: shorten(what),
                    context: context.into(),
                };
                reader.note(node.span, kind, suggest(what, &known));
                return None;
            }
        };
        Some(Self(end))
    }
}

macro_rules! schema {
    ($type:ty, $name:literal, $generator:ident => $schema:expr) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

schema!(Text, "text", _generator => json_schema!({
    "type": ["string", "number"],
    "description": "A text; may hold $(name).",
}));
schema!(Flag, "flag", _generator => json_schema!({ "type": "boolean" }));
schema!(Number, "number", _generator => json_schema!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }));
schema!(Pause, "duration", _generator => json_schema!({ "type": "string", "pattern": "^[0-9]+(ms|s|m)$" }));
schema!(RawCode, "reply-code", _generator => json_schema!({
    "anyOf": [
        { "type": "integer", "minimum": 100, "maximum": 599 },
        { "type": "string", "pattern": "^([1-5][0-9][0-9]|[1-5]yz|closed)$" },
    ],
}));
schema!(RawPath, "data-path-or-variable", generator => {
    let path = generator.subschema_for::<One<DataPath>>();
    json_schema!({ "anyOf": [path, { "const": ANY_PASSIVE }, { "type": "string", "pattern": "\\$\\(" }] })
});
schema!(RawResume, "resume", generator => {
    let session = generator.subschema_for::<RawResumeSession>();
    json_schema!({ "anyOf": [{ "enum": RESUME_WORDS }, session] })
});
schema!(RawTlsEnd, "end-of-tls", _generator => {
    let mut words: Vec<String> = vec!["close-notify".into(), "silent".into(), "half-record".into()];
    words.extend(ALERTS.iter().map(|(name, _)| format!("alert:{name}")));
    json_schema!({ "anyOf": [{ "enum": words }, { "type": "string", "pattern": "^alert:[0-9]+$" }] })
});
