//! The facts about alerts, suites and groups as rustls and the wire tell them; `wire` has the names.

use rustls::{CipherSuite, NamedGroup};

use crate::trace::{AlertFacts, AlertLevel};
use crate::wire::tls_record::{group_name, known_alert_name};

/// The IANA name of an alert description, `alert N` for unknown ones.
pub(super) fn alert_name(description: u8) -> String {
    known_alert_name(description).map_or_else(|| format!("alert {description}"), str::to_owned)
}

/// An alert as seen on the wire.
#[must_use]
pub fn alert_facts(level: u8, description: u8) -> AlertFacts {
    AlertFacts {
        level: Some(match level {
            1 => AlertLevel::Warning,
            2 => AlertLevel::Fatal,
            _ => AlertLevel::Unknown,
        }),
        description,
        name: alert_name(description),
    }
}

/// The name of a negotiated group.
pub(super) fn named_group(group: NamedGroup) -> String {
    group_name(u16::from(group))
}

/// The IANA name of a suite, e.g. `TLS_AES_256_GCM_SHA384`.
pub(super) fn suite_name(suite: CipherSuite) -> String {
    let name = format!("{suite:?}");
    name.strip_prefix("TLS13_")
        .map_or(name.clone(), |rest| format!("TLS_{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_belong_together() {
        assert_eq!(alert_name(40), "handshake_failure");
        assert_eq!(alert_name(7), "alert 7");
        assert_eq!(alert_facts(1, 90).level, Some(AlertLevel::Warning));
        assert_eq!(alert_facts(3, 90).level, Some(AlertLevel::Unknown));
        assert_eq!(named_group(NamedGroup::X25519), "x25519");
        assert_eq!(
            suite_name(CipherSuite::TLS13_AES_128_GCM_SHA256),
            "TLS_AES_128_GCM_SHA256"
        );
        assert_eq!(
            suite_name(CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256),
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
        );
    }
}
