//! Lets the client act for a case, asks the judge after each step, and collects outcomes.
//!
//! The only module that joins the pure and the I/O column. Does not print.

mod capture;
mod case_runner;
mod corpus;
mod diagnose;
mod discover;
mod execute;
mod folder;
mod known;
pub mod outcome;
mod properties;
mod prove;
mod run;
mod soak;
mod vars;

pub use capture::{CaptureChoice, CaptureSettings, CaseCapture};
pub use case_runner::{CaseRunner, Ran};
pub use corpus::{Corpus, CorpusError, read_paths};
pub use diagnose::run_for_diagnosis;
pub use discover::{Discovered, discover};
pub use execute::{CaseContext, execute};
pub use folder::{FolderError, ReportFolder, read_case};
pub use known::is_known;
pub use properties::{
    PropertyProof, PropertyRequest, properties, property_of, prove_properties, prove_value,
};
pub use prove::{Opponent, Proof, ProofCase, ProofRun, catches, holds, proof_cases, prove, run_proof};
pub use run::{Finished, Progress, RunRequest, TargetChoice, plan_cases, run, today};
pub use soak::{Soaked, soak, soak_cases};
