//! The only place that asks what time it is.
//!
//! Everything else gets a [`Timeline`] (offsets from the start of a case) or a [`Clock`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// A source of time. Two implementations: the system's, and a fixed one in tests.
pub trait Clock: Send + Sync {
    /// Monotonic time since an arbitrary start.
    fn monotonic(&self) -> Duration;
    /// Wall-clock time since 1970-01-01 UTC.
    fn wall(&self) -> Duration;
}

/// The clock of this machine.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is the one place that reads the clock"
    )]
    pub fn new() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this module is the one place that reads the clock"
    )]
    fn monotonic(&self) -> Duration {
        Instant::now().saturating_duration_since(self.start)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "this module is the one place that reads the clock"
    )]
    fn wall(&self) -> Duration {
        SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default()
    }
}

/// Offsets from one starting moment; what events are stamped with.
#[derive(Clone)]
pub struct Timeline {
    clock: Arc<dyn Clock>,
    start: Duration,
}

impl Timeline {
    /// A timeline that starts now on `clock`.
    #[must_use]
    pub fn start(clock: Arc<dyn Clock>) -> Self {
        let start = clock.monotonic();
        Self { clock, start }
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.clock.monotonic().saturating_sub(self.start)
    }
}

impl fmt::Debug for Timeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timeline(start {:?})", self.start)
    }
}
