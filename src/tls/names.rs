//! IANA names and numbers of alerts, suites and groups. Names only, no decisions (RFC 8446 sections 6 and 4.2.7).

use rustls::{CipherSuite, NamedGroup};

use crate::trace::{AlertFacts, AlertLevel};

/// Alert descriptions of the IANA registry.
const ALERTS: &[(u8, &str)] = &[
    (0, "close_notify"),
    (10, "unexpected_message"),
    (20, "bad_record_mac"),
    (21, "decryption_failed"),
    (22, "record_overflow"),
    (30, "decompression_failure"),
    (40, "handshake_failure"),
    (41, "no_certificate"),
    (42, "bad_certificate"),
    (43, "unsupported_certificate"),
    (44, "certificate_revoked"),
    (45, "certificate_expired"),
    (46, "certificate_unknown"),
    (47, "illegal_parameter"),
    (48, "unknown_ca"),
    (49, "access_denied"),
    (50, "decode_error"),
    (51, "decrypt_error"),
    (60, "export_restriction"),
    (70, "protocol_version"),
    (71, "insufficient_security"),
    (80, "internal_error"),
    (86, "inappropriate_fallback"),
    (90, "user_canceled"),
    (100, "no_renegotiation"),
    (109, "missing_extension"),
    (110, "unsupported_extension"),
    (111, "certificate_unobtainable"),
    (112, "unrecognized_name"),
    (113, "bad_certificate_status_response"),
    (114, "bad_certificate_hash_value"),
    (115, "unknown_psk_identity"),
    (116, "certificate_required"),
    (120, "no_application_protocol"),
    (121, "ech_required"),
];

/// The groups that can be negotiated, with their IANA names.
const GROUPS: &[(u16, &str)] = &[
    (0x0017, "secp256r1"),
    (0x0018, "secp384r1"),
    (0x0019, "secp521r1"),
    (0x001d, "x25519"),
    (0x001e, "x448"),
    (0x0100, "ffdhe2048"),
    (0x0101, "ffdhe3072"),
    (0x0102, "ffdhe4096"),
    (0x0103, "ffdhe6144"),
    (0x0104, "ffdhe8192"),
    (0x0200, "MLKEM512"),
    (0x0201, "MLKEM768"),
    (0x0202, "MLKEM1024"),
    (0x11eb, "SecP256r1MLKEM768"),
    (0x11ec, "X25519MLKEM768"),
];

/// The IANA name of an alert description, `alert N` for unknown ones.
#[must_use]
pub fn alert_name(description: u8) -> String {
    ALERTS
        .iter()
        .find(|(number, _)| *number == description)
        .map_or_else(|| format!("alert {description}"), |(_, name)| (*name).to_owned())
}

/// The number of an alert by its IANA name.
#[must_use]
pub fn alert_number(name: &str) -> Option<u8> {
    ALERTS
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(number, _)| *number)
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

/// The IANA name of a group, `group 0xNNNN` for unknown ones.
#[must_use]
pub fn group_name(number: u16) -> String {
    GROUPS
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("group {number:#06x}"), |(_, name)| (*name).to_owned())
}

/// The number of a group by its IANA name (as in `HandshakeFacts::group`), for `ClientOptions::group_hint`.
#[must_use]
pub fn group_number(name: &str) -> Option<u16> {
    GROUPS
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(number, _)| *number)
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
        assert_eq!(alert_number("unknown_ca"), Some(48));
        assert_eq!(alert_facts(1, 90).level, Some(AlertLevel::Warning));
        assert_eq!(alert_facts(3, 90).level, Some(AlertLevel::Unknown));
        assert_eq!(group_number(&named_group(NamedGroup::X25519)), Some(0x1d));
        assert_eq!(group_name(0x4242), "group 0x4242");
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
