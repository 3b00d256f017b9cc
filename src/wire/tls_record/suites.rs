//! Lists of cipher suites for probes, by what is wrong or right with them (IANA registry, RFC 9325 section 4).
//!
//! Numbers and the words for groups of them; names of single suites are in `names`. The lists overlap on purpose, each answers one question.

/// RFC 5746: "I can do secure renegotiation", in the list of suites.
pub const RENEGOTIATION_SCSV: u16 = 0x00ff;
/// RFC 7507: "I fell back to a lower version".
pub const FALLBACK_SCSV: u16 = 0x5600;

/// The suites of TLS 1.3.
pub const TLS13: &[u16] = &[0x1301, 0x1302, 0x1303, 0x1304, 0x1305];

/// TLS 1.2 with forward secrecy and an AEAD: what RFC 9325 recommends, and ChaCha20, and DHE.
pub const TLS12_AEAD: &[u16] = &[
    0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009e, 0x009f, 0xccaa,
];

/// Forward secrecy and CBC, with SHA-1 and SHA-2.
pub const CBC: &[u16] = &[
    0xc023, 0xc027, 0xc024, 0xc028, 0xc009, 0xc013, 0xc00a, 0xc014, 0x0067, 0x006b, 0x0033, 0x0039,
];

/// Those of [`CBC`] that exist before TLS 1.2.
pub const CBC_SHA1: &[u16] = &[0xc009, 0xc013, 0xc00a, 0xc014, 0x0033, 0x0039];

/// RSA key transport: no forward secrecy.
pub const STATIC_RSA: &[u16] = &[0x009c, 0x009d, 0x003c, 0x003d, 0x002f, 0x0035, 0x0041, 0x0084];

/// Those of [`STATIC_RSA`] that exist before TLS 1.2.
pub const STATIC_RSA_SHA1: &[u16] = &[0x002f, 0x0035];

/// Static (elliptic-curve) Diffie-Hellman: no forward secrecy.
pub const STATIC_DH: &[u16] = &[
    0xc004, 0xc005, 0xc00e, 0xc00f, 0xc025, 0xc026, 0xc029, 0xc02a, 0xc02d, 0xc02e, 0xc031, 0xc032,
];

/// Ephemeral elliptic-curve Diffie-Hellman and an AEAD: what RFC 9325 section 4.2 recommends, and ChaCha20.
pub const ECDHE_AEAD: &[u16] = &[0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8];

/// Numbers that no suite has and none will have (IANA: reserved for private use).
pub const UNASSIGNED: &[u16] = &[0xff01, 0xff02];

/// Ephemeral Diffie-Hellman over finite fields.
pub const DHE: &[u16] = &[0x009e, 0x009f, 0xccaa, 0x0067, 0x006b, 0x0033, 0x0039];

/// No encryption.
pub const NULL: &[u16] = &[0x0001, 0x0002, 0x003b, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015];

/// No authentication.
pub const ANONYMOUS: &[u16] = &[
    0x0018, 0x001b, 0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7, 0xc016, 0xc017, 0xc018, 0xc019,
];

/// RC4.
pub const RC4: &[u16] = &[0x0004, 0x0005, 0xc002, 0xc007, 0xc00c, 0xc011];

/// Export grade and single DES.
pub const EXPORT: &[u16] = &[
    0x0003, 0x0006, 0x0008, 0x000b, 0x000e, 0x0011, 0x0014, 0x0017, 0x0019, 0x0009, 0x0015,
];

/// Triple DES: 64-bit blocks.
pub const TRIPLE_DES: &[u16] = &[0x000a, 0x0016, 0xc008, 0xc012];

/// Those of [`ANONYMOUS`] that use finite fields.
pub const FINITE_FIELD_ANONYMOUS: &[u16] = &[0x0018, 0x001b, 0x0034, 0x003a, 0x006c, 0x006d, 0x00a6, 0x00a7];

/// The suites that a group word means: `null`, `anon`, `export`, `rc4`, `3des`, `cbc`, `rsa`, `static-dh`, `dhe`,
/// `ecdhe`, `modern`, `unassigned`; or the one suite of that IANA name.
#[must_use]
pub fn suites_called(name: &str) -> Option<Vec<u16>> {
    let group: &[&[u16]] = match name {
        "null" => &[NULL],
        "anon" => &[ANONYMOUS],
        "export" => &[EXPORT],
        "rc4" => &[RC4],
        "3des" => &[TRIPLE_DES],
        "cbc" => &[CBC],
        "rsa" => &[STATIC_RSA],
        "static-dh" => &[STATIC_DH],
        "dhe" => &[DHE],
        "ecdhe" => &[ECDHE_AEAD],
        "modern" => &[TLS13, TLS12_AEAD],
        "unassigned" => &[UNASSIGNED],
        _ => {
            let number = (0..=u16::MAX).find(|number| super::suite_name(*number) == name)?;
            return Some(vec![number]);
        }
    };
    Some(group.concat())
}
