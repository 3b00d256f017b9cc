//! Outcomes: what reports are made of. Plain data, versioned, written as JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::judge::Judgement;

/// Version of the report format.
pub const REPORT_FORMAT: u32 = 1;

/// A whole run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunOutcome {
    /// [`REPORT_FORMAT`].
    pub ftpspec_report: u32,
    /// Facts about the run.
    pub run: RunFacts,
    /// The targets, by name.
    pub targets: BTreeMap<String, TargetOutcome>,
    /// The cases, sorted by target, scenario, cell, repetition.
    pub cases: Vec<CaseOutcome>,
}

/// Facts about a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct RunFacts {
    /// Id of the run.
    pub id: String,
    /// When it started, RFC 3339 UTC.
    pub started: String,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Version of ftpspec.
    pub version: String,
    /// SHA-256 over all scenarios and requirements, hex.
    pub corpus: String,
    /// How many scenarios were selected.
    pub scenarios: usize,
    /// Shard `i/n`, when one was asked for.
    pub shard: Option<String>,
    /// True when the run was interrupted: cases are missing.
    pub interrupted: bool,
    /// Cases selected, run or not.
    pub planned: usize,
}

/// A target of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct TargetOutcome {
    /// Its version, as far as known.
    pub version: Option<String>,
    /// How it was provided: `embedded`, `process`, `external`.
    pub provision: String,
    /// Address and port.
    pub address: String,
    /// Whether certificates were not checked (`--insecure`).
    pub insecure: bool,
    /// Capabilities: word to how it is known (`declared`, `discovered: 211 with MLSD`, …).
    pub capabilities: BTreeMap<String, String>,
    /// Contradictions between declared and discovered, one sentence each.
    pub contradictions: Vec<String>,
    /// Why the target could not be used, when it could not.
    pub unavailable: Option<String>,
}

/// One case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CaseOutcome {
    /// Scenario id.
    pub scenario: String,
    /// Target name.
    pub target: String,
    /// Axis to value, in the order of the axes.
    pub cell: Vec<(String, String)>,
    /// Title of the scenario.
    pub title: String,
    /// Severity of the scenario.
    pub severity: crate::scenario::model::Severity,
    /// The judge's word. With `--repeat`, the worst of all repetitions.
    pub judgement: Judgement,
    /// Set when every failing finding is a known deviation of the profile: its reason.
    pub known: Option<String>,
    /// `k of n` repetitions that had this verdict, when n > 1.
    pub repeated: Option<(u32, u32)>,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Folder with the trace, relative to the report folder; none when nothing was run.
    pub folder: Option<String>,
}
