//! What a scenario means, after lowering. `docs/scenarios.md` is the same list for authors.
//!
//! Everything an author can get wrong keeps its span. Strings may hold `$(name)`; they are filled in when the step
//! runs, never before parsing.

mod check;

use std::time::Duration;

use crate::base::{Source, Span, Spanned};
use crate::requirement::Capability;
use crate::trace::DataPath;
use crate::wire::command::Verb;

pub use check::{
    ActionPattern, Check, CheckKind, ClosedBy, CodePattern, DataPattern, EndpointPattern, FilePattern,
    HandshakeOutcome, Milestone, Otherwise, ReplyAlternative, ReplyPattern, TlsPattern,
};

/// One scenario file.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Path below `scenarios/` without `.yaml`, e.g. `protection/prot-refused-before-pbsz`.
    pub id: String,
    /// The text it came from.
    pub source: Source,
    /// States the good behaviour.
    pub title: String,
    /// The harm when it is missing.
    pub why: String,
    /// Sorts reports; never changes a verdict.
    pub severity: Severity,
    /// Below `discover/`: the capability that a target has when the scenario passes.
    pub capability: Option<Capability>,
    /// Below `properties/`: the values that the property can have, each with the words (capabilities, habits, faults)
    /// that make the embedded server have it.
    pub values: Vec<(Spanned<String>, Vec<Spanned<String>>)>,
    /// Faults of the embedded server that this scenario catches (kebab-case names).
    pub detects: Vec<Spanned<String>>,
    /// What the target must be able to do.
    pub requires: Vec<Spanned<Capability>>,
    /// Axes; the cases are their product.
    pub matrix: Vec<Axis>,
    /// Variables of the scenario: name and (unexpanded) text.
    pub vars: Vec<(Spanned<String>, Spanned<String>)>,
    /// Takes over five seconds of waiting; runs with `--slow`.
    pub slow: bool,
    /// Runs while no other case runs on the target.
    pub alone: bool,
    /// Preparation.
    pub setup: Vec<Step>,
    /// What is under test.
    pub steps: Vec<Step>,
    /// Tidying.
    pub cleanup: Vec<Step>,
}

impl Scenario {
    /// Whether it tells a property of the target and judges nothing.
    #[must_use]
    pub fn is_property(&self) -> bool {
        !self.values.is_empty()
    }

    /// The last part of the id; for a property, its name.
    #[must_use]
    pub fn name(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or(&self.id)
    }

    /// The requirements that the checks under `steps` prove, in order, each once.
    pub fn requirements(&self) -> impl Iterator<Item = &str> {
        let mut seen = std::collections::BTreeSet::new();
        let checks = self.steps.iter().flat_map(|step| &step.expect);
        let ids = checks.filter_map(|check| check.requirement.as_ref());
        ids.map(|id| id.value.as_str()).filter(move |id| seen.insert(*id))
    }
}

impl Scenario {
    /// Whether data moves over a data connection in it, or is meant to.
    #[must_use]
    pub fn moves_data(&self) -> bool {
        let steps = self.setup.iter().chain(&self.steps);
        steps.into_iter().any(|step| {
            let looks_at_file = step.expect.iter().flat_map(|check| &check.kinds);
            let mut kinds = looks_at_file.filter(|kind| matches!(kind, CheckKind::File(_)));
            let action = step.action.as_ref().map(|action| &action.value);
            kinds.next().is_some() || action.is_some_and(Action::moves_data)
        })
    }
}

/// How bad it is when the scenario fails.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// A nuisance.
    Low,
    /// Breaks some peers.
    Medium,
    /// Breaks many peers.
    High,
    /// Loses data or security.
    Critical,
}

/// One axis of the matrix. The axis `tls` has values `tls1.2`, `tls1.3` and fixes the TLS version of every connection
/// of the case (a value is skipped, as not-applicable, where the target lacks the version). The axis `data` has values
/// `passive`, `extended-passive`, `active`, `extended-active` and is what `open-data: $(data)` and the composite
/// transfers use. Every other axis only sets the variable of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// Name; also the variable that holds the value.
    pub name: Spanned<String>,
    /// Values, in order.
    pub values: Vec<Spanned<String>>,
}

/// One step: at most one action and any number of checks, at least one of the two.
#[derive(Clone, Debug)]
pub struct Step {
    /// In words, when the author gave some.
    pub title: Option<String>,
    /// The session (login, control connection) it acts on; `main` unless `session:` says otherwise.
    pub session: Spanned<String>,
    /// What we do; none waits for the next thing only.
    pub action: Option<Spanned<Action>>,
    /// What must be observed; all must hold. Of a step that yields, what its values look at, one behind the other.
    pub expect: Vec<Check>,
    /// The values that the step can yield, in order.
    pub yields: Vec<Yield>,
    /// Variables set from what was observed: name and source.
    pub capture: Vec<(Spanned<String>, Spanned<CaptureSource>)>,
    /// The whole step.
    pub span: Span,
}

/// A value that a property has when some checks of a step hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Yield {
    /// The value.
    pub value: Spanned<String>,
    /// Which checks of the step, by position.
    pub checks: std::ops::Range<usize>,
}

/// A string that may hold `$(name)`.
pub type Template = Spanned<String>;

/// What the client engine can do. Imperative names; one variant per YAML verb.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    // High-level verbs (macros): their expansion is shown by `ftpspec explain` and in the trace.
    /// `reach: data-protected`: does what is needed to get the session there, nothing that is done already.
    Reach(Reach),
    /// `provide-file: { path, bytes | text, as }`: makes sure the file is on the target, and sets `$(as.path)`,
    /// `$(as.bytes)`, `$(as.sha256)`.
    ProvideFile(ProvideFile),
    /// `store: { path, bytes | text, append, restart }`: a clean upload in any legal order of 150 and handshake.
    Store(Store),
    /// `retrieve: { path, restart }`: a clean download.
    Retrieve(Retrieve),
    /// `list: { command: LIST, path }`: a clean listing with LIST, NLST or MLSD.
    List(List),

    // Explicit verbs.
    /// `connect: {}`: opens the control connection of the session and, on an implicit target, starts TLS.
    /// The greeting is left to `expect`.
    Connect(Connect),
    /// `send: PROT P`: one command line; CRLF is added.
    Send(Template),
    /// `send-raw: { segments: […], channel, clear }`: bytes with chosen boundaries, one TCP segment (or TLS record)
    /// each. `\r`, `\n`, `\0`, `\xNN` are escapes.
    SendRaw(SendRaw),
    /// `start-tls: { channel, resume, … }`: a TLS client handshake on the control or the current data connection.
    StartTls(StartTls),
    /// `stop-tls: control`: ends TLS with close_notify both ways and goes on in clear (after CCC).
    StopTls(ChannelRef),
    /// `probe-tls: { channel, versions, suites, … }`: sends a hand-made ClientHello and reads the first answer. The
    /// connection cannot be used for anything else afterwards.
    ProbeTls(ProbeTls),
    /// `send-record: { channel, record, count }`: records that no TLS library sends of its own accord.
    SendRecord(SendRecord),
    /// `open-data: any-passive`: sends PASV/EPSV and connects, or listens and sends PORT/EPRT. Its own reply is
    /// consumed by the action (a negative one is the problem `refused-by-reply`).
    OpenData(OpenData),
    /// `connect-data: { to, from, as }`: a bare TCP connection to an address (a captured endpoint); becomes the current
    /// data connection.
    ConnectData(ConnectData),
    /// `read-data: until-close` or `{ bytes: N }` or `{ during: 2s }`.
    ReadData(ReadData),
    /// `write-data: { bytes | text, … }`.
    WriteData(WriteData),
    /// `close-data: { tls: close-notify, tcp: fin }`.
    CloseData(CloseConnection),
    /// `close-control: { tls: silent, tcp: reset }`.
    CloseControl(CloseConnection),
    /// `wait: 2s`: lets time pass while recording what arrives.
    Wait(Spanned<Duration>),
    /// Looks at a file of the target (lowered from a `file` check without action): RETR on this session.
    ExamineFile(Template),
}

impl Action {
    /// The connection it works on; none for actions without one of their own.
    #[must_use]
    pub fn channel(&self) -> Option<ChannelRef> {
        match self {
            Self::CloseControl(_) | Self::Connect(_) | Self::Reach(_) => Some(ChannelRef::Control),
            Self::StartTls(start) => Some(start.channel),
            Self::StopTls(channel) => Some(*channel),
            Self::ProbeTls(probe) => Some(probe.channel),
            Self::SendRaw(raw) => Some(raw.channel),
            Self::SendRecord(record) => Some(record.channel),
            Self::CloseData(_)
            | Self::ConnectData(_)
            | Self::List(_)
            | Self::OpenData(_)
            | Self::ProvideFile(_)
            | Self::ReadData(_)
            | Self::Retrieve(_)
            | Self::Store(_)
            | Self::WriteData(_) => Some(ChannelRef::Data),
            Self::ExamineFile(_) | Self::Send(_) | Self::Wait(_) => None,
        }
    }

    /// Whether it opens or uses a data connection, or asks the target to.
    #[must_use]
    pub fn moves_data(&self) -> bool {
        match self {
            Self::ExamineFile(_) => true,
            Self::Send(line) => {
                let verb = line.value.split(' ').next().unwrap_or_default();
                // The verb may be a variable; then it may be any.
                verb.starts_with('$') || verb.parse::<Verb>().is_ok_and(|verb| verb.is_transfer())
            }
            _ => self.channel() == Some(ChannelRef::Data),
        }
    }
}

/// How far `reach` goes. Each includes the ones before it, except `authenticated-in-clear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Connected, greeting read (implicit: after TLS).
    Connected,
    /// USER and PASS in clear; never TLS.
    AuthenticatedInClear,
    /// AUTH TLS and handshake done.
    Protected,
    /// USER, PASS (and ACCT) done under TLS. No PBSZ.
    Authenticated,
    /// PBSZ 0 and PROT P done.
    DataProtected,
}

/// Arguments of `reach`: a bare level, or `{ level, account, resume, … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reach {
    /// Where to.
    pub level: Spanned<Level>,
    /// Which account of the profile logs in.
    pub account: AccountRef,
    /// TLS settings of the control connection.
    pub tls: TlsChoice,
}

/// An account of the target's profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccountRef {
    /// The first one.
    #[default]
    First,
    /// The second one (capability `second-account`).
    Second,
}

/// What goes into an upload.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// That many pseudo-random bytes, the same for the same number and scenario. May be `$(file-size)`.
    Bytes(Template),
    /// This text.
    Text(Template),
}

/// `provide-file`.
#[derive(Clone, Debug, PartialEq)]
pub struct ProvideFile {
    /// Path on the target.
    pub path: Template,
    /// Its content.
    pub content: Content,
    /// Prefix of the variables `path`, `bytes`, `sha256`.
    pub name: Spanned<String>,
}

/// `store`.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Path on the target; none for STOU.
    pub path: Option<Template>,
    /// STOR, APPE or STOU.
    pub command: StoreCommand,
    /// Its content.
    pub content: Content,
    /// REST before the command.
    pub restart: Option<Template>,
    /// Common choices.
    pub transfer: TransferChoice,
}

/// Which command uploads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreCommand {
    /// STOR.
    #[default]
    Stor,
    /// APPE.
    Appe,
    /// STOU.
    Stou,
}

/// `retrieve`.
#[derive(Clone, Debug, PartialEq)]
pub struct Retrieve {
    /// Path on the target.
    pub path: Template,
    /// REST before RETR.
    pub restart: Option<Template>,
    /// Common choices.
    pub transfer: TransferChoice,
}

/// `list`.
#[derive(Clone, Debug, PartialEq)]
pub struct List {
    /// The command line, e.g. `LIST`, `NLST sub`, `MLSD`.
    pub command: Template,
    /// Common choices.
    pub transfer: TransferChoice,
}

/// What the composite transfers have in common.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TransferChoice {
    /// How the data connection comes about; EPSV unless the matrix or this says otherwise.
    pub path: Option<Spanned<DataPathChoice>>,
    /// Which session the data connection offers; `control` by default.
    pub resume: Option<Spanned<Resume>>,
}

/// A data path, fixed, as the target can, or from a variable (`$(data)`).
#[derive(Clone, Debug, PartialEq)]
pub enum DataPathChoice {
    /// This one.
    Fixed(DataPath),
    /// EPSV; PASV where the target refuses EPSV as a command it does not have (RFC 2428 section 3).
    AnyPassive,
    /// The one named by the text after filling in variables.
    Variable(Template),
}

/// `connect`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connect {
    /// Start TLS at once, whatever the profile says; `None` follows the profile.
    pub implicit: Option<bool>,
    /// Our source address (another loopback address, say).
    pub from: Option<Template>,
    /// TLS settings, for implicit targets.
    pub tls: TlsChoice,
}

/// `send-raw`.
#[derive(Clone, Debug, PartialEq)]
pub struct SendRaw {
    /// One TCP segment (clear) or TLS record (protected) each.
    pub segments: Vec<Template>,
    /// Control unless said otherwise.
    pub channel: ChannelRef,
    /// Bypass TLS although it is on.
    pub clear: bool,
}

/// The control connection of the session, or its current (newest) data connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelRef {
    /// The control connection.
    #[default]
    Control,
    /// The current data connection.
    Data,
}

/// Which TLS session a handshake offers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resume {
    /// None.
    #[default]
    Never,
    /// The newest session of this session's control connection.
    Control,
    /// The first session of the control connection, again and again (what lftp does).
    ControlFirst,
    /// The newest session that a data connection of this session received, control when there is none (what curl does).
    Data,
    /// The newest session of the control connection of another named session.
    Session(String),
    /// A session of the control connection with one bit of its ticket flipped.
    Forged,
}

/// How TLS is offered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TlsChoice {
    /// Versions; empty means the case's (`tls` axis) or both.
    pub versions: Vec<Spanned<crate::trace::TlsVersion>>,
    /// Server name to send: a name, or `none`; the profile's when absent.
    pub sni: Option<Template>,
    /// ALPN protocols to offer; none by default.
    pub alpn: Vec<Template>,
    /// TLS 1.2 only: `id` resumes by session id, without tickets.
    pub tls12_by: Option<Tls12By>,
    /// Client certificate: a recipe of `certs/` (`client`, `client-expired`, …) or `none`; the profile's when absent.
    pub certificate: Option<Template>,
    /// Which session is offered; each verb has its own default.
    pub resume: Option<Spanned<Resume>>,
    /// TLS 1.3: sent as early data under the session that is offered, whatever its ticket allows; with escapes. Only
    /// `start-tls` has it.
    pub early_data: Option<Template>,
}

/// How TLS 1.2 resumes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls12By {
    /// Session ids only.
    Id,
    /// Tickets, or ids where the server has no tickets.
    Ticket,
}

/// `start-tls`.
#[derive(Clone, Debug, PartialEq)]
pub struct StartTls {
    /// Where.
    pub channel: ChannelRef,
    /// How.
    pub tls: TlsChoice,
}

/// `probe-tls`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbeTls {
    /// Where.
    pub channel: ChannelRef,
    /// Highest version offered: `ssl3.0`, `tls1.0`, `tls1.1`, `tls1.2`, `tls1.3`.
    pub version: Option<Template>,
    /// Suites by IANA name or a group word (`wire::tls_record::suites::suites_called`); `modern` if empty.
    pub suites: Vec<Template>,
    /// ALPN protocols.
    pub alpn: Vec<Template>,
    /// SNI; none if absent.
    pub sni: Option<Template>,
    /// Raw bytes instead of a ClientHello.
    pub raw: Option<Template>,
    /// Signal the fallback SCSV (RFC 7507).
    pub fallback_scsv: bool,
    /// What is special about the hello; words of [`HelloOption`].
    pub offer: Vec<Template>,
    /// Length that the hello is padded to, in bytes.
    pub padding: Option<Template>,
    /// Version in the header of the records, as in `version`; TLS 1.0 if absent.
    pub record_version: Option<Template>,
    /// The session whose TLS 1.2 ticket or id is offered; none if absent.
    pub resume: Option<Spanned<Resume>>,
}

/// What is special about a hand-made ClientHello.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HelloOption {
    /// DEFLATE is offered beside no compression (RFC 3749).
    Deflate,
    /// `encrypt_then_mac` (RFC 7366).
    EncryptThenMac,
    /// `client_version` 3.9, and no `supported_versions`.
    FutureVersion,
    /// Values that nobody knows in every list (RFC 8701).
    Grease,
    /// Versions that nobody knows in front of `supported_versions`.
    HigherVersions,
    /// No `extended_master_secret`.
    NoExtendedMasterSecret,
    /// One record of 2^14 + 2049 bytes.
    OversizeRecord,
    /// RFC 5746's suite instead of its extension.
    RenegotiationScsv,
    /// SHA-1 signatures and no others.
    Sha1Signatures,
    /// Records of 16 bytes.
    SmallRecords,
    /// TCP segments of 16 bytes.
    SmallSegments,
    /// `truncated_hmac` (RFC 6066 section 7).
    TruncatedHmac,
}

/// `send-record`.
#[derive(Clone, Debug, PartialEq)]
pub struct SendRecord {
    /// Where.
    pub channel: ChannelRef,
    /// What.
    pub record: RecordWord,
    /// How many, one behind the other.
    pub count: u32,
}

/// A record that no TLS library sends of its own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RecordWord {
    /// A ClientHello without `renegotiation_info` (TLS 1.2).
    ClientHello,
    /// Application data of no bytes.
    Empty,
    /// A KeyUpdate that asks for one back (TLS 1.3).
    KeyUpdate,
    /// Application data beyond the limit of the version.
    Oversize,
}

/// What a certificate must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CertificateQuality {
    /// No certificate of the chain is out of its validity.
    InDate,
    /// An authority that the profile names vouches for it; whether it is good otherwise does not matter.
    KnownIssuer,
    /// Names the server in a subject alternative name (RFC 9525).
    NamesServer,
    /// Keys and signatures are strong enough (RFC 9325 section 4.5).
    Strong,
    /// In date, and good for the authorities and the name of the profile.
    Valid,
}

/// `open-data`.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenData {
    /// How.
    pub path: DataPathChoice,
    /// Our source address for the TCP connection, when not the control connection's.
    pub from: Option<Template>,
    /// Send the command and read the reply, but do not connect (passive only). The endpoint can be captured.
    pub only_command: bool,
}

/// `connect-data`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConnectData {
    /// `ADDRESS:PORT`, usually `$(endpoint)`.
    pub to: Template,
    /// Our source address.
    pub from: Option<Template>,
}

/// `read-data`.
#[derive(Clone, Debug, PartialEq)]
pub enum ReadData {
    /// Until close_notify, FIN, RST, or a negative reply on control with nothing arriving on data.
    UntilClose,
    /// Until that many bytes have arrived.
    Bytes(Template),
    /// For that long.
    During(Duration),
}

/// `write-data`.
#[derive(Clone, Debug, PartialEq)]
pub struct WriteData {
    /// What.
    pub content: Content,
    /// One TLS record per this many bytes; 16384 at most and by default.
    pub record_size: Option<usize>,
    /// Flip a bit in the last record (bad MAC).
    pub corrupt: bool,
}

/// `close-data`, `close-control`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseConnection {
    /// How TLS ends.
    pub tls: TlsEnd,
    /// How TCP ends.
    pub tcp: TcpEnd,
    /// Read until the peer's end before closing TCP, as a careful client does. True by default with
    /// `tls: close-notify`, so that unread tickets cause no reset.
    pub drain: bool,
}

/// How we end TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsEnd {
    /// close_notify.
    CloseNotify,
    /// Nothing.
    Silent,
    /// This alert, fatal.
    Alert(u8),
    /// Half of a record, then nothing.
    HalfRecord,
}

/// How we end TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpEnd {
    /// FIN (our half only; reading goes on).
    Fin,
    /// RST.
    Reset,
    /// Not at all.
    KeepOpen,
}

/// Where a captured variable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CaptureSource {
    /// `reply.code`
    ReplyCode,
    /// `reply.text`: the text of the last line.
    ReplyText,
    /// `reply.endpoint`: the address of a 227 or 229, as `ADDRESS:PORT`.
    ReplyEndpoint,
    /// `reply.quoted`: the text between the first double quotes (257).
    ReplyQuoted,
    /// `reply.unique`: the `unique` fact of an MLST reply (RFC 3659 section 7.5.2).
    ReplyUnique,
    /// `data.sha256`
    DataSha256,
    /// `data.bytes`
    DataBytes,
}
