//! What a scenario file says, before it means anything: structs of optional keys, read from the node tree.
//!
//! Reading never stops at a mistake: a key that cannot be read is noted as broken and its neighbours are read on. The
//! same types give the JSON Schema and the reference, so that the three cannot disagree.

mod check;
mod file;
mod read;
mod scalar;
mod step;
mod words;

pub(super) use check::{PROBE_VERSIONS, RawCheck, RawData, RawFilePattern, RawReply, RawTls};
pub(super) use file::RawScenario;
pub(super) use read::{Field, KeyDoc, Keyed, Listed, OneOrMany, Read, Reader, shorten, suggest};
pub(super) use scalar::{ALERTS, Flag, RawCode, RawPath, RawResume, Text};
pub(super) use step::{
    RawClose, RawConnect, RawConnectData, RawList, RawOpenData, RawProbeTls, RawProvideFile, RawReach,
    RawReadData, RawRetrieve, RawSendRaw, RawStartTls, RawStep, RawStore, RawWriteData,
};
pub(super) use words::{One, Word};

/// The keys of a step that are verbs.
pub(super) const VERBS: &[&str] = &[
    "reach",
    "provide-file",
    "store",
    "retrieve",
    "list",
    "connect",
    "send",
    "send-raw",
    "start-tls",
    "stop-tls",
    "probe-tls",
    "open-data",
    "connect-data",
    "read-data",
    "write-data",
    "close-data",
    "close-control",
    "wait",
];

/// The keys of a check that say what is checked.
pub(super) const CHECK_KINDS: &[&str] = &[
    "reply", "tls", "data", "closed", "file", "order", "silence", "action",
];
