//! What a session remembers between commands: who, how protected, which parameters.
//!
//! RFC 959 section 5.1 (defaults), RFC 4217 sections 4.2, 9 and 13 (what AUTH and REIN set back). Values only.

use crate::mock::data::Route;
use crate::mock::listing::FactSet;
use crate::mock::path::StorePath;

/// The control connection is over. Carried by `?` to the end of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mock) enum Ended {
    /// The server ends it: the last reply was sent.
    ByServer,
    /// The peer ended it, or it cannot be used any more.
    ByPeer,
}

/// What a command handler gives back.
pub(in crate::mock) type Step = Result<(), Ended>;

/// Who uses the control connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::mock) enum Access {
    /// Nobody yet.
    #[default]
    Nobody,
    /// USER was given.
    Named(String),
    /// PASS was right.
    LoggedIn(String),
}

/// Whether the control connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mock) enum Control {
    /// Never was, or not since REIN.
    Clear,
    /// By TLS.
    Protected,
    /// Was until CCC.
    Cleared,
}

/// Protection level of data connections (RFC 4217 section 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::mock) enum Level {
    /// PROT C.
    #[default]
    Clear,
    /// PROT P.
    Private,
}

/// TYPE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::mock) enum TransferType {
    /// CRLF on the wire, LF in the store.
    #[default]
    Ascii,
    /// Bytes as they are.
    Image,
}

/// What AUTH and REIN set back to the start (RFC 4217 sections 4.2 and 13).
#[derive(Debug, Default)]
pub(in crate::mock) struct Settings {
    pub(in crate::mock) cwd: StorePath,
    pub(in crate::mock) transfer_type: TransferType,
    pub(in crate::mock) level: Level,
    pub(in crate::mock) has_pbsz: bool,
    /// PROT was answered with 200.
    pub(in crate::mock) has_prot: bool,
    pub(in crate::mock) route: Option<Route>,
    pub(in crate::mock) is_epsv_only: bool,
    pub(in crate::mock) restart: Option<u64>,
    pub(in crate::mock) announced: Option<u64>,
    pub(in crate::mock) rename_from: Option<StorePath>,
    pub(in crate::mock) facts: FactSet,
    pub(in crate::mock) host: Option<String>,
    /// LANG was taken; for a fault.
    pub(in crate::mock) has_lang: bool,
    /// PBSZ above 0 was taken; for a fault.
    pub(in crate::mock) is_framed: bool,
}

/// What faults keep over AUTH and REIN.
#[derive(Debug, Default)]
pub(in crate::mock) struct Kept {
    /// The directory from before AUTH.
    pub(in crate::mock) cwd: Option<StorePath>,
    /// The argument of RNFR from before AUTH.
    pub(in crate::mock) rename_from: Option<StorePath>,
    /// The login outlives REIN and the next AUTH.
    pub(in crate::mock) login: bool,
}
