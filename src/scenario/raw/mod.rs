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

pub(super) use check::{CHECK_KINDS, PROBE_VERSIONS, RawCheck, RawData, RawFilePattern, RawReply, RawTls};
pub(super) use file::RawScenario;
pub(super) use read::{Field, KeyDoc, Keyed, Listed, OneOrMany, Read, Reader, shorten, suggest};
pub(super) use scalar::{ALERTS, Flag, RawCode, RawPath, RawResume, Text};
pub(super) use step::{
    RawClose, RawConnect, RawConnectData, RawList, RawOpenData, RawProbeTls, RawProvideFile, RawReach,
    RawReadData, RawRetrieve, RawSendRaw, RawSendRecord, RawStartTls, RawStep, RawStore, RawWriteData, VERBS,
};
pub(super) use words::{One, Word};
