//! What every layer may use: source positions, secrets, the clock, ids, escaping of peer text.
//!
//! Knows nothing about FTP or TLS.

mod clock;
mod escape;
mod id;
mod secret;
mod span;
mod watch;

pub use clock::{Clock, SystemClock, Timeline};
pub use escape::{PEER_TEXT_LIMIT, escape_peer, escape_peer_full, shell_word};
pub use id::{RunId, closest, is_kebab_case};
pub use secret::{Masker, Secret};
pub use span::{LineColumn, Source, Span, Spanned};
pub use watch::SecretWatch;
