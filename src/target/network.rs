//! The network between: delay, loss and rate on the interface of a container.
//!
//! tc(8) and the kernel's `netem` and `tbf` do the work, in the network of the container, called from a container beside it, so
//! that the server itself gets no right to its network. What the kernel lacks is said, and nothing is run.

use std::fmt;
use std::str::FromStr;

use super::docker_cli::Call;
use super::provision::{ProvisionError, ProvisionErrorKind};

/// Areas of scenarios where the network makes a difference: how connections end, and what is lost when they do.
pub const NETWORK_AREAS: &[&str] = &["shutdown", "transfer"];

/// A kind of network between the harness and a container; it holds for what the container sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Network {
    /// 20 ms on the way.
    Delay20,
    /// 200 ms on the way.
    Delay200,
    /// Every hundredth packet is lost.
    Loss1,
    /// 64 KiB in a second.
    Rate64,
}

impl Network {
    /// Every kind.
    pub const ALL: &'static [Self] = &[Self::Delay20, Self::Delay200, Self::Loss1, Self::Rate64];

    /// The word on the command line and behind the name of a target.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Delay20 => "delay-20ms",
            Self::Delay200 => "delay-200ms",
            Self::Loss1 => "loss-1",
            Self::Rate64 => "rate-64k",
        }
    }

    /// The queueing discipline and its words for tc.
    fn discipline(self) -> &'static [&'static str] {
        match self {
            Self::Delay20 => &["netem", "delay", "20ms"],
            Self::Delay200 => &["netem", "delay", "200ms"],
            Self::Loss1 => &["netem", "loss", "1%"],
            Self::Rate64 => &["tbf", "rate", "524288bit", "burst", "16kb", "latency", "2s"],
        }
    }

    /// Puts it on the interface of `container`, with tc of the image `tag`.
    ///
    /// # Errors
    /// [`ProvisionErrorKind::Unsupported`] when the kernel of the daemon lacks it.
    pub(super) async fn shape(self, container: &str, tag: &str) -> Result<(), ProvisionError> {
        let call = Call::new(["run", "--rm", "--cap-add=NET_ADMIN"])
            .arg(format!("--network=container:{container}"))
            .args([tag, "qdisc", "add", "dev", "eth0", "root"])
            .args(self.discipline().iter().copied());
        call.run().await.map(|_| ()).map_err(|error| self.explain(error))
    }

    fn explain(self, error: ProvisionError) -> ProvisionError {
        let lower = error.detail.to_lowercase();
        let lacks = [
            "qdisc kind is unknown",
            "no such file or directory",
            "not supported",
        ]
        .iter()
        .any(|words| lower.contains(words));
        if !lacks {
            return error;
        }
        let kind = self.discipline().first().copied().unwrap_or_default();
        ProvisionError {
            kind: ProvisionErrorKind::Unsupported,
            detail: format!(
                "the network {self} needs the queueing discipline `{kind}`, which the kernel of the docker daemon lacks (modprobe \
                 sch_{kind}, where the kernel has it as a module)"
            ),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().copied().find(|network| network.name() == text);
        found.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|network| network.name()).collect();
            format!("unknown network `{text}` (one of `{}`)", names.join("`, `"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for network in Network::ALL {
            assert_eq!(network.name().parse(), Ok(*network));
        }
        assert!("20ms".parse::<Network>().unwrap_err().contains("`delay-20ms`"));
    }

    #[test]
    fn what_the_kernel_lacks_is_told_apart_from_other_trouble() {
        let error = |detail: &str| ProvisionError {
            kind: ProvisionErrorKind::Local,
            detail: detail.into(),
        };
        let lacks = Network::Loss1.explain(error(
            "`docker run` failed: Error: Specified qdisc kind is unknown.",
        ));
        assert_eq!(lacks.kind, ProvisionErrorKind::Unsupported);
        assert!(lacks.detail.contains("`netem`"), "{lacks}");
        let other = Network::Loss1.explain(error("no space left on device"));
        assert_eq!(other.kind, ProvisionErrorKind::Local);
    }
}
