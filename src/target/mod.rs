//! The implementation under test: what its profile says, and how it is started and stopped.
//!
//! Knows nothing about scenarios. [`Profile`] is what `target.yaml` says, [`Provisioner`] starts it, [`Running`] is a
//! target that can be reached until it is stopped.

mod embedded;
mod process;
mod profile;
mod provision;

pub use embedded::{EMBEDDED, EmbeddedPolicy, EmbeddedPool, HURRY};
pub use process::{ServeScript, installed};
pub use profile::{
    Account, KnownDeviation, Limits, Permission, Profile, ProfileError, Provisioning, Timeouts, TlsMode,
    TrustChoice, embedded_profiles, load_profiles,
};
pub use provision::{ProvisionError, ProvisionErrorKind, Provisioner, Running};
