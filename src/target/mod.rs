//! The implementation under test: what its profile says, and how it is started and stopped.
//!
//! Knows nothing about scenarios. [`Profile`] is what `target.yaml` says, [`Provisioner`] starts it, [`Running`] is a
//! target that can be reached until it is stopped.

mod container;
mod docker_cli;
mod embedded;
mod image;
mod leftover;
mod network;
mod owner;
mod password;
mod process;
mod profile;
mod provision;
mod serve;

pub use embedded::{EMBEDDED, EmbeddedPolicy, EmbeddedPool, HURRY};
pub use leftover::{Leftover, down, down_all, logs};
pub use network::{NETWORK_AREAS, Network};
pub use password::{PasswordPlace, PendingPassword};
pub use process::installed;
pub use profile::{
    Account, ClientCertificate, KnownDeviation, Limits, Permission, Profile, ProfileError, Provisioning,
    Timeouts, TlsMode, TrustChoice, embedded_baseline, embedded_profiles, load_profiles,
};
pub use provision::{ProvisionError, ProvisionErrorKind, Provisioner, Running};
pub use serve::ServeScript;
