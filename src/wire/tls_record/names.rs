//! Names of the numbers of TLS, as the IANA registries write them.
//!
//! For messages and patterns. Lists what is met in the field; the rest is shown as `0xNNNN`.

/// Alert descriptions, RFC 8446 section 6 and its predecessors.
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

/// The name of an alert description, such as `handshake_failure`; `unknown` when there is none.
#[must_use]
pub fn alert_name(description: u8) -> &'static str {
    known_alert_name(description).unwrap_or("unknown")
}

/// The name of an alert description that has one.
#[must_use]
pub fn known_alert_name(description: u8) -> Option<&'static str> {
    ALERTS
        .iter()
        .find(|(number, _)| *number == description)
        .map(|(_, name)| *name)
}

/// The alert description called `name`, in any case, with `-` as good as `_`.
#[must_use]
pub fn alert_by_name(name: &str) -> Option<u8> {
    let wanted = name.to_ascii_lowercase().replace('-', "_");
    ALERTS
        .iter()
        .find(|(_, known)| *known == wanted)
        .map(|(number, _)| *number)
}

/// Versions, oldest first. SSL 2 has its own number.
const VERSIONS: &[(u16, &str)] = &[
    (0x0002, "ssl2"),
    (0x0300, "ssl3"),
    (0x0301, "tls1.0"),
    (0x0302, "tls1.1"),
    (0x0303, "tls1.2"),
    (0x0304, "tls1.3"),
];

/// The name of a version, such as `tls1.2`; `0xNNNN` when there is none.
#[must_use]
pub fn version_name(version: u16) -> String {
    lookup(VERSIONS, version)
}

/// The version called `name` (`ssl2` to `tls1.3`).
#[must_use]
pub fn version_by_name(name: &str) -> Option<u16> {
    VERSIONS
        .iter()
        .find(|(_, known)| *known == name)
        .map(|(number, _)| *number)
}

/// Groups (curves) that are met in the field.
const GROUPS: &[(u16, &str)] = &[
    (0x0013, "secp192r1"),
    (0x0015, "secp224r1"),
    (0x0016, "secp256k1"),
    (0x0017, "secp256r1"),
    (0x0018, "secp384r1"),
    (0x0019, "secp521r1"),
    (0x001a, "brainpoolP256r1"),
    (0x001b, "brainpoolP384r1"),
    (0x001c, "brainpoolP512r1"),
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
    (0x11ed, "SecP384r1MLKEM1024"),
];

/// The name of a group (curve), such as `x25519`; `0xNNNN` when there is none.
#[must_use]
pub fn group_name(group: u16) -> String {
    lookup(GROUPS, group)
}

/// The group called `name`, in any case.
#[must_use]
pub fn group_by_name(name: &str) -> Option<u16> {
    GROUPS
        .iter()
        .find(|(_, known)| known.eq_ignore_ascii_case(name))
        .map(|(number, _)| *number)
}

/// The name of an extension, such as `server_name`; `0xNNNN` when there is none.
#[must_use]
pub fn extension_name(number: u16) -> String {
    lookup(
        &[
            (0, "server_name"),
            (1, "max_fragment_length"),
            (4, "truncated_hmac"),
            (5, "status_request"),
            (10, "supported_groups"),
            (11, "ec_point_formats"),
            (13, "signature_algorithms"),
            (15, "heartbeat"),
            (16, "application_layer_protocol_negotiation"),
            (18, "signed_certificate_timestamp"),
            (21, "padding"),
            (22, "encrypt_then_mac"),
            (23, "extended_master_secret"),
            (27, "compress_certificate"),
            (28, "record_size_limit"),
            (35, "session_ticket"),
            (41, "pre_shared_key"),
            (42, "early_data"),
            (43, "supported_versions"),
            (44, "cookie"),
            (45, "psk_key_exchange_modes"),
            (47, "certificate_authorities"),
            (49, "post_handshake_auth"),
            (50, "signature_algorithms_cert"),
            (51, "key_share"),
            (58, "ticket_request"),
            (65037, "encrypted_client_hello"),
            (65281, "renegotiation_info"),
        ],
        number,
    )
}

/// The name of a record content type; `unknown` when there is none.
#[must_use]
pub fn content_type_name(content_type: u8) -> &'static str {
    match content_type {
        20 => "change_cipher_spec",
        21 => "alert",
        22 => "handshake",
        23 => "application_data",
        24 => "heartbeat",
        _ => "unknown",
    }
}

/// The name of a handshake message type; `unknown` when there is none.
#[must_use]
pub fn handshake_name(kind: u8) -> &'static str {
    match kind {
        0 => "hello_request",
        1 => "client_hello",
        2 => "server_hello",
        4 => "new_session_ticket",
        5 => "end_of_early_data",
        8 => "encrypted_extensions",
        11 => "certificate",
        12 => "server_key_exchange",
        13 => "certificate_request",
        14 => "server_hello_done",
        15 => "certificate_verify",
        16 => "client_key_exchange",
        20 => "finished",
        22 => "certificate_status",
        24 => "key_update",
        25 => "compressed_certificate",
        _ => "unknown",
    }
}

/// The IANA name of a suite, such as `TLS_AES_128_GCM_SHA256`; `0xNNNN` for those that are not listed here.
#[must_use]
pub fn suite_name(suite: u16) -> String {
    lookup(SUITES, suite)
}

fn lookup(names: &[(u16, &str)], number: u16) -> String {
    names
        .iter()
        .find(|(known, _)| *known == number)
        .map_or_else(|| format!("0x{number:04x}"), |(_, name)| (*name).to_owned())
}

/// Suites that are met in the field, and those that no server may choose.
const SUITES: &[(u16, &str)] = &[
    (0x0000, "TLS_NULL_WITH_NULL_NULL"),
    (0x0001, "TLS_RSA_WITH_NULL_MD5"),
    (0x0002, "TLS_RSA_WITH_NULL_SHA"),
    (0x0003, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),
    (0x0004, "TLS_RSA_WITH_RC4_128_MD5"),
    (0x0005, "TLS_RSA_WITH_RC4_128_SHA"),
    (0x0006, "TLS_RSA_EXPORT_WITH_RC2_CBC_40_MD5"),
    (0x0008, "TLS_RSA_EXPORT_WITH_DES40_CBC_SHA"),
    (0x0009, "TLS_RSA_WITH_DES_CBC_SHA"),
    (0x000a, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x000b, "TLS_DH_DSS_EXPORT_WITH_DES40_CBC_SHA"),
    (0x000e, "TLS_DH_RSA_EXPORT_WITH_DES40_CBC_SHA"),
    (0x0011, "TLS_DHE_DSS_EXPORT_WITH_DES40_CBC_SHA"),
    (0x0014, "TLS_DHE_RSA_EXPORT_WITH_DES40_CBC_SHA"),
    (0x0015, "TLS_DHE_RSA_WITH_DES_CBC_SHA"),
    (0x0016, "TLS_DHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0x0017, "TLS_DH_anon_EXPORT_WITH_RC4_40_MD5"),
    (0x0018, "TLS_DH_anon_WITH_RC4_128_MD5"),
    (0x0019, "TLS_DH_anon_EXPORT_WITH_DES40_CBC_SHA"),
    (0x001b, "TLS_DH_anon_WITH_3DES_EDE_CBC_SHA"),
    (0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA"),
    (0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA"),
    (0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA"),
    (0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA"),
    (0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA"),
    (0x003a, "TLS_DH_anon_WITH_AES_256_CBC_SHA"),
    (0x003b, "TLS_RSA_WITH_NULL_SHA256"),
    (0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256"),
    (0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256"),
    (0x0041, "TLS_RSA_WITH_CAMELLIA_128_CBC_SHA"),
    (0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"),
    (0x006c, "TLS_DH_anon_WITH_AES_128_CBC_SHA256"),
    (0x006d, "TLS_DH_anon_WITH_AES_256_CBC_SHA256"),
    (0x0084, "TLS_RSA_WITH_CAMELLIA_256_CBC_SHA"),
    (0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384"),
    (0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0x00a6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256"),
    (0x00a7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384"),
    (0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
    (0x1301, "TLS_AES_128_GCM_SHA256"),
    (0x1302, "TLS_AES_256_GCM_SHA384"),
    (0x1303, "TLS_CHACHA20_POLY1305_SHA256"),
    (0x1304, "TLS_AES_128_CCM_SHA256"),
    (0x1305, "TLS_AES_128_CCM_8_SHA256"),
    (0x5600, "TLS_FALLBACK_SCSV"),
    (0xc001, "TLS_ECDH_ECDSA_WITH_NULL_SHA"),
    (0xc002, "TLS_ECDH_ECDSA_WITH_RC4_128_SHA"),
    (0xc004, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc005, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc006, "TLS_ECDHE_ECDSA_WITH_NULL_SHA"),
    (0xc007, "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA"),
    (0xc008, "TLS_ECDHE_ECDSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA"),
    (0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA"),
    (0xc00b, "TLS_ECDH_RSA_WITH_NULL_SHA"),
    (0xc00c, "TLS_ECDH_RSA_WITH_RC4_128_SHA"),
    (0xc00e, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA"),
    (0xc00f, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA"),
    (0xc010, "TLS_ECDHE_RSA_WITH_NULL_SHA"),
    (0xc011, "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    (0xc012, "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
    (0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
    (0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
    (0xc015, "TLS_ECDH_anon_WITH_NULL_SHA"),
    (0xc016, "TLS_ECDH_anon_WITH_RC4_128_SHA"),
    (0xc017, "TLS_ECDH_anon_WITH_3DES_EDE_CBC_SHA"),
    (0xc018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA"),
    (0xc019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA"),
    (0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc025, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256"),
    (0xc026, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384"),
    (0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc029, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256"),
    (0xc02a, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384"),
    (0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02d, "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256"),
    (0xc02e, "TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384"),
    (0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"),
    (0xc031, "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256"),
    (0xc032, "TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384"),
    (0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
    (0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256"),
];

#[cfg(test)]
mod tests {
    use super::super::suites;
    use super::*;

    #[test]
    fn alerts_are_found_by_number_and_by_name() {
        for (number, name) in ALERTS {
            assert_eq!(alert_name(*number), *name);
            assert_eq!(alert_by_name(name), Some(*number));
        }
        assert_eq!(alert_by_name("Handshake-Failure"), Some(40));
        assert_eq!(alert_by_name("unknown"), None);
        assert_eq!(alert_name(255), "unknown");
    }

    #[test]
    fn every_suite_that_is_offered_has_a_name() {
        let lists = [
            suites::TLS13,
            suites::TLS12_AEAD,
            suites::CBC,
            suites::CBC_SHA1,
            suites::STATIC_RSA,
            suites::STATIC_RSA_SHA1,
            suites::STATIC_DH,
            suites::DHE,
            suites::NULL,
            suites::ANONYMOUS,
            suites::RC4,
            suites::EXPORT,
            suites::TRIPLE_DES,
        ];
        for suite in lists.concat() {
            assert!(suite_name(suite).starts_with("TLS_"), "0x{suite:04x}");
        }
        let by = |list: &[u16], word: &str| list.iter().all(|suite| suite_name(*suite).contains(word));
        assert!(by(suites::NULL, "NULL") && by(suites::ANONYMOUS, "anon") && by(suites::RC4, "RC4"));
        assert!(by(suites::CBC, "CBC") && by(suites::CBC, "E_") && by(suites::TRIPLE_DES, "3DES"));
        assert!(by(suites::STATIC_RSA, "TLS_RSA_WITH") && by(suites::STATIC_DH, "TLS_ECDH_"));
        assert!(by(suites::DHE, "TLS_DHE_"));
        let is_weak = |suite: &u16| {
            ["EXPORT", "_DES_"]
                .iter()
                .any(|word| suite_name(*suite).contains(word))
        };
        assert!(suites::EXPORT.iter().all(is_weak));
    }

    #[test]
    fn tables_are_sorted_and_name_each_number_once() {
        assert!(SUITES.is_sorted_by(|left, right| left.0 < right.0));
        assert!(ALERTS.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn versions_and_groups_have_names() {
        for (number, name) in VERSIONS {
            assert_eq!(version_name(*number), *name);
            assert_eq!(version_by_name(name), Some(*number));
        }
        assert_eq!(version_name(0x7f1c), "0x7f1c");
        assert_eq!(group_name(0x001d), "x25519");
        assert_eq!(extension_name(43), "supported_versions");
        assert_eq!(handshake_name(4), "new_session_ticket");
        assert_eq!(content_type_name(21), "alert");
    }
}
