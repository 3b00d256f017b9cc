//! ClientHello messages to order, legal and otherwise.
//!
//! RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2, RFC 6066 (server_name), RFC 7301 (ALPN), RFC 7507 (fallback).
//! Nothing is checked: what the caller asks for is what goes out. The keys are public constants, so a handshake
//! cannot be finished with these.

use super::cursor::{put_u16, put_vec8, put_vec16, u16_bytes, u24};
use super::record::encode_record;
use super::{content_type, extension, handshake_type, suites};

/// The longest plaintext fragment, RFC 8446 section 5.1.
const FRAGMENT: usize = 1 << 14;

/// One byte more than the longest record of any version, RFC 5246 section 6.2.3.
const OVERSIZE: usize = (1 << 14) + 2049;

/// The base point of X25519: a valid public key that everybody knows the secret of.
const X25519_SHARE: [u8; 32] = {
    let mut point = [0; 32];
    point[0] = 9;
    point
};

/// The base point of P-256, uncompressed.
const P256_SHARE: [u8; 65] = [
    0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2,
    0x77, 0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f,
    0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce,
    0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];

/// What a ClientHello says. Start from [`HelloSpec::for_version`] and change what is under test.
///
/// Lists that are too long for their length field are cut when encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelloSpec {
    /// The version of the record, usually `0x0301`.
    pub record_version: u16,
    /// `client_version`, the highest version up to TLS 1.2.
    pub legacy_version: u16,
    /// The versions of `supported_versions`; empty leaves the extension out.
    pub supported_versions: Vec<u16>,
    /// The suites, see [`suites`].
    pub suites: Vec<u16>,
    /// The compression methods; 0 is none, 1 is DEFLATE.
    pub compression: Vec<u8>,
    /// The session id, 32 bytes at most.
    pub session_id: Vec<u8>,
    /// The host name of `server_name`; `None` leaves the extension out.
    pub sni: Option<String>,
    /// The names of ALPN; empty leaves the extension out.
    pub alpn: Vec<String>,
    /// The groups; empty leaves the extension out, and `ec_point_formats` with it.
    pub groups: Vec<u16>,
    /// The signature schemes; empty leaves the extension out.
    pub signature_schemes: Vec<u16>,
    /// The key shares: group and public key. Empty leaves the extension out unless `supported_versions` holds TLS
    /// 1.3, where an empty list asks for a HelloRetryRequest.
    pub key_share: Vec<(u16, Vec<u8>)>,
    /// Whether to offer `extended_master_secret` (RFC 7627).
    pub extended_master_secret: bool,
    /// Whether to send an empty `renegotiation_info` (RFC 5746). The signalling suite is a matter of
    /// [`HelloSpec::suites`].
    pub renegotiation_info: bool,
    /// A ticket of TLS 1.2 (RFC 5077); an empty one only says that tickets are known.
    pub session_ticket: Option<Vec<u8>>,
    /// Further extensions at the end: number and content.
    pub extra_extensions: Vec<(u16, Vec<u8>)>,
    /// The random. A fixed pattern unless changed.
    pub random: [u8; 32],
}

impl HelloSpec {
    /// A hello that offers `version` (`0x0300` to `0x0304`) and no other, with every suite of that version that a
    /// server may reasonably have. Versions above TLS 1.3 are put into `supported_versions` alone, others below
    /// `0x0300` like SSL 3.
    #[must_use]
    pub fn for_version(version: u16) -> Self {
        Self::for_versions(&[version])
    }

    /// Like [`for_version`](Self::for_version) for several versions, best first.
    #[must_use]
    pub fn for_versions(versions: &[u16]) -> Self {
        let highest = versions.iter().copied().max().unwrap_or(0x0303);
        let has_13 = highest >= 0x0304;
        let legacy_version = highest.min(0x0303);
        let old = versions.iter().copied().filter(|version| *version < 0x0304).max();
        let mut offered = Vec::new();
        if has_13 {
            offered.extend_from_slice(suites::TLS13);
        }
        match old {
            None => {}
            Some(0x0303..) => {
                offered.extend_from_slice(suites::TLS12_AEAD);
                offered.extend_from_slice(suites::CBC);
                offered.extend_from_slice(suites::STATIC_RSA);
            }
            Some(0x0301..) => {
                offered.extend_from_slice(suites::CBC_SHA1);
                offered.extend_from_slice(suites::STATIC_RSA_SHA1);
                offered.extend_from_slice(suites::TRIPLE_DES);
            }
            Some(_) => {
                offered.extend_from_slice(suites::STATIC_RSA_SHA1);
                offered.extend_from_slice(suites::TRIPLE_DES);
                offered.extend_from_slice(suites::RC4);
                offered.push(suites::RENEGOTIATION_SCSV);
            }
        }
        let has_extensions = legacy_version > 0x0300;
        Self {
            record_version: legacy_version.min(0x0301),
            legacy_version,
            supported_versions: if has_13 { versions.to_vec() } else { Vec::new() },
            suites: offered,
            compression: vec![0],
            session_id: if has_13 { vec![0x5a; 32] } else { Vec::new() },
            sni: None,
            alpn: Vec::new(),
            groups: if has_extensions {
                vec![0x001d, 0x0017, 0x0018, 0x0019]
            } else {
                Vec::new()
            },
            signature_schemes: if legacy_version >= 0x0303 {
                vec![
                    0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203,
                    0x0201,
                ]
            } else {
                Vec::new()
            },
            key_share: if has_13 {
                vec![(0x001d, X25519_SHARE.to_vec()), (0x0017, P256_SHARE.to_vec())]
            } else {
                Vec::new()
            },
            extended_master_secret: has_extensions,
            renegotiation_info: has_extensions,
            session_ticket: None,
            extra_extensions: Vec::new(),
            random: *b"a random that is not random 0123",
        }
    }

    /// With these suites and no others.
    #[must_use]
    pub fn with_suites(mut self, suites: &[u16]) -> Self {
        self.suites = suites.to_vec();
        self
    }

    /// With this host name.
    #[must_use]
    pub fn with_sni(mut self, name: impl Into<String>) -> Self {
        self.sni = Some(name.into());
        self
    }

    /// With these ALPN names.
    #[must_use]
    pub fn with_alpn(mut self, names: &[&str]) -> Self {
        self.alpn = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// With the signalling suite of a client that fell back to a lower version (RFC 7507).
    #[must_use]
    pub fn with_fallback(mut self) -> Self {
        self.suites.push(suites::FALLBACK_SCSV);
        self
    }

    /// With a GREASE value (RFC 8701) in suites, versions, groups, signature schemes, extensions and ALPN, where
    /// those are present.
    #[must_use]
    pub fn with_grease(mut self) -> Self {
        const GREASE: u16 = 0x2a2a;
        let lists = [
            &mut self.suites,
            &mut self.supported_versions,
            &mut self.groups,
            &mut self.signature_schemes,
        ];
        for list in lists {
            if !list.is_empty() {
                list.insert(0, GREASE);
            }
        }
        if !self.key_share.is_empty() {
            self.key_share.insert(0, (GREASE, vec![0]));
        }
        if !self.alpn.is_empty() {
            self.alpn.insert(0, "**".to_owned());
        }
        self.extra_extensions.push((GREASE, vec![0]));
        self
    }

    /// With versions that nobody knows in front of `supported_versions`: a GREASE value and a draft number. Adds the
    /// extension where there was none.
    #[must_use]
    pub fn with_higher_versions(mut self) -> Self {
        if self.supported_versions.is_empty() {
            self.supported_versions.push(self.legacy_version);
        }
        self.supported_versions.splice(0..0, [0x0a0a, 0x7f20]);
        self
    }

    /// With the padding extension (RFC 7685) that makes the message of a hello with extensions `total` bytes long; nothing changes when it is as
    /// long already, or when 65535 bytes of padding do not suffice.
    #[must_use]
    pub fn with_padding(mut self, total: usize) -> Self {
        let bare = self.encode_message().len().saturating_add(4);
        if let Some(missing) = total.checked_sub(bare).filter(|missing| *missing <= 65_535) {
            self.extra_extensions.push((extension::PADDING, vec![0; missing]));
        }
        self
    }

    /// The message, padded, in one record of 2^14 + 2049 bytes: one more than any version of TLS allows.
    #[must_use]
    pub fn encode_oversize(self) -> Vec<u8> {
        let spec = self.with_padding(OVERSIZE);
        encode_record(
            content_type::HANDSHAKE,
            spec.record_version,
            &spec.encode_message(),
        )
    }

    /// The handshake message: type, length and body, without a record around it.
    #[must_use]
    pub fn encode_message(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_u16(&mut body, self.legacy_version);
        body.extend_from_slice(&self.random);
        put_vec8(&mut body, &self.session_id);
        // An even number of bytes, or the last suite would be half a suite.
        let suites = self.suites.get(..32767).unwrap_or(&self.suites);
        put_vec16(&mut body, &u16_bytes(suites));
        put_vec8(&mut body, &self.compression);
        let extensions = self.encode_extensions();
        if !extensions.is_empty() {
            put_vec16(&mut body, &extensions);
        }
        let mut message = vec![handshake_type::CLIENT_HELLO];
        message.extend_from_slice(&u24(body.len()));
        message.extend_from_slice(&body);
        message
    }

    /// The bytes to send: the message in as few records as possible.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.encode_fragmented(&[])
    }

    /// The bytes to send: the message cut into records with payloads of these sizes, then as few as possible for the
    /// rest. A size of 0 makes an empty record (which TLS forbids), one above 2^14 counts as 2^14. Sizes behind the
    /// end of the message are left out.
    #[must_use]
    pub fn encode_fragmented(&self, sizes: &[usize]) -> Vec<u8> {
        let message = self.encode_message();
        let mut rest = message.as_slice();
        let mut sizes = sizes.iter().copied();
        let mut bytes = Vec::new();
        while !rest.is_empty() {
            let size = sizes.next().unwrap_or(FRAGMENT).min(FRAGMENT).min(rest.len());
            let (fragment, behind) = rest.split_at_checked(size).unwrap_or((rest, &[]));
            bytes.extend_from_slice(&encode_record(
                content_type::HANDSHAKE,
                self.record_version,
                fragment,
            ));
            rest = behind;
        }
        bytes
    }

    fn encode_extensions(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let mut put = |number: u16, content: &[u8]| {
            put_u16(&mut out, number);
            put_vec16(&mut out, content);
        };
        if let Some(name) = &self.sni {
            let mut entry = vec![0];
            put_vec16(&mut entry, name.as_bytes());
            put(extension::SERVER_NAME, &in_vec16(&entry));
        }
        if self.extended_master_secret {
            put(extension::EXTENDED_MASTER_SECRET, &[]);
        }
        if self.renegotiation_info {
            put(extension::RENEGOTIATION_INFO, &[0]);
        }
        if !self.groups.is_empty() {
            put(extension::SUPPORTED_GROUPS, &in_vec16(&u16_bytes(&self.groups)));
            put(extension::EC_POINT_FORMATS, &[1, 0]);
        }
        if let Some(ticket) = &self.session_ticket {
            put(extension::SESSION_TICKET, ticket);
        }
        if !self.alpn.is_empty() {
            let mut names = Vec::new();
            for name in &self.alpn {
                put_vec8(&mut names, name.as_bytes());
            }
            put(extension::ALPN, &in_vec16(&names));
        }
        if !self.signature_schemes.is_empty() {
            put(
                extension::SIGNATURE_ALGORITHMS,
                &in_vec16(&u16_bytes(&self.signature_schemes)),
            );
        }
        if !self.supported_versions.is_empty() {
            let versions = self
                .supported_versions
                .get(..127)
                .unwrap_or(&self.supported_versions);
            put(extension::SUPPORTED_VERSIONS, &in_vec8(&u16_bytes(versions)));
        }
        let has_13 = self.supported_versions.contains(&0x0304);
        if has_13 {
            put(extension::PSK_KEY_EXCHANGE_MODES, &[1, 1]);
        }
        if has_13 || !self.key_share.is_empty() {
            let mut shares = Vec::new();
            for (group, key) in &self.key_share {
                put_u16(&mut shares, *group);
                put_vec16(&mut shares, key);
            }
            put(extension::KEY_SHARE, &in_vec16(&shares));
        }
        for (number, content) in &self.extra_extensions {
            put(*number, content);
        }
        out
    }
}

fn in_vec8(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_vec8(&mut out, content);
    out
}

fn in_vec16(content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    put_vec16(&mut out, content);
    out
}

/// A CLIENT-HELLO of SSL 2 that offers SSL 2 and all its suites.
#[must_use]
pub fn sslv2_client_hello() -> Vec<u8> {
    // Suites of three bytes: RC4, RC2, DES and triple DES, each with MD5.
    const SUITES: [u8; 21] = [
        1, 0, 0x80, 7, 0, 0xc0, 5, 0, 0x80, 3, 0, 0x80, 6, 0, 0x40, 2, 0, 0x80, 4, 0, 0x80,
    ];
    let mut message = vec![1, 0, 2];
    put_u16(&mut message, 21);
    put_u16(&mut message, 0);
    put_u16(&mut message, 16);
    message.extend_from_slice(&SUITES);
    message.extend_from_slice(b"not random at al");
    let length = u16::try_from(message.len()).unwrap_or(0) | 0x8000;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(&message);
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{ClientHello, HandshakeItem, HandshakeWalker, parse_client_hello};
    use super::*;

    fn read(bytes: &[u8]) -> ClientHello {
        let mut walker = HandshakeWalker::default();
        walker.push(bytes);
        let Some(HandshakeItem::Message { kind: 1, body }) = walker.next().unwrap() else {
            panic!("no ClientHello");
        };
        assert_eq!(walker.next().unwrap(), None);
        parse_client_hello(&body).unwrap()
    }

    #[test]
    fn a_hello_says_what_it_was_told_to_say() {
        let mut spec = HelloSpec::for_versions(&[0x0304, 0x0303])
            .with_sni("ftp.example")
            .with_alpn(&["ftp", "x"]);
        spec.session_ticket = Some(b"ticket".to_vec());
        spec.extra_extensions = vec![(extension::ENCRYPT_THEN_MAC, Vec::new())];
        let hello = read(&spec.encode());
        assert_eq!(hello.legacy_version, 0x0303);
        assert_eq!(hello.supported_versions(), [0x0304, 0x0303]);
        assert_eq!(hello.suites, spec.suites);
        assert_eq!(hello.compression, [0]);
        assert_eq!(hello.session_id, spec.session_id);
        assert_eq!(hello.sni().as_deref(), Some("ftp.example"));
        assert_eq!(hello.alpn(), ["ftp", "x"]);
        assert_eq!(hello.groups(), spec.groups);
        assert_eq!(hello.signature_schemes(), spec.signature_schemes);
        assert_eq!(hello.session_ticket(), Some(b"ticket".as_slice()));
        assert_eq!(hello.extension(extension::ENCRYPT_THEN_MAC), Some(b"".as_slice()));
        assert_eq!(hello.random, spec.random);
        assert!(hello.psk_identities().is_empty());
    }

    #[test]
    fn each_version_has_its_own_shape() {
        let hello = read(&HelloSpec::for_version(0x0300).encode());
        assert_eq!((hello.legacy_version, hello.extensions.len()), (0x0300, 0));
        assert!(hello.suites.contains(&suites::RENEGOTIATION_SCSV));
        for version in [0x0301, 0x0302] {
            let hello = read(&HelloSpec::for_version(version).encode());
            assert_eq!(hello.legacy_version, version);
            assert!(hello.supported_versions().is_empty() && hello.signature_schemes().is_empty());
            assert!(
                hello
                    .suites
                    .iter()
                    .all(|suite| *suite < 0x003a || (0xc000..0xc020).contains(suite))
            );
        }
        let hello = read(&HelloSpec::for_version(0x0303).encode());
        assert!(hello.supported_versions().is_empty() && hello.extension(extension::KEY_SHARE).is_none());
        let hello = read(&HelloSpec::for_version(0x0304).encode());
        assert_eq!(hello.suites, suites::TLS13);
        assert_eq!(hello.supported_versions(), [0x0304]);
    }

    #[test]
    fn fallback_and_grease_are_added() {
        let spec = HelloSpec::for_version(0x0302).with_fallback();
        assert_eq!(read(&spec.encode()).suites.last(), Some(&suites::FALLBACK_SCSV));
        let hello = read(
            &HelloSpec::for_version(0x0304)
                .with_alpn(&["ftp"])
                .with_grease()
                .encode(),
        );
        assert_eq!(hello.suites.first(), Some(&0x2a2a));
        assert_eq!(hello.groups().first(), Some(&0x2a2a));
        assert_eq!(hello.alpn(), ["**", "ftp"]);
        assert!(hello.extension(0x2a2a).is_some());
    }

    #[test]
    fn a_hello_is_cut_where_the_caller_wants() {
        let spec = HelloSpec::for_version(0x0303);
        let whole = spec.encode_message();
        let bytes = spec.encode_fragmented(&[1, 0, 3]);
        assert!(bytes.starts_with(&[22, 3, 1, 0, 1, 1, 22, 3, 1, 0, 0, 22, 3, 1, 0, 3]));
        assert_eq!(bytes.len(), whole.len() + 4 * 5);
        assert_eq!(read(&bytes), read(&spec.encode()));
        assert_eq!(spec.encode_fragmented(&[usize::MAX, 1, 1]), spec.encode());
    }

    #[test]
    fn a_long_hello_takes_several_records() {
        let mut spec = HelloSpec::for_version(0x0303);
        spec.extra_extensions = vec![(21, vec![0; 40_000])];
        assert_eq!(read(&spec.encode()).extension(21).map(<[u8]>::len), Some(40_000));
    }

    #[test]
    fn padding_makes_a_hello_as_long_as_wanted() {
        for total in [600, 5000, 16_384] {
            let spec = HelloSpec::for_version(0x0304).with_padding(total);
            assert_eq!(spec.encode_message().len(), total);
        }
        let short = HelloSpec::for_version(0x0303);
        assert_eq!(short.clone().with_padding(10), short);
        let bytes = short.encode_oversize();
        assert_eq!(bytes.len(), 5 + 16_384 + 2049);
        assert_eq!(bytes.get(3..5), Some(&18_433_u16.to_be_bytes()[..]));
    }

    #[test]
    fn unknown_versions_stand_in_front_of_the_known_ones() {
        let hello = read(
            &HelloSpec::for_versions(&[0x0304, 0x0303])
                .with_higher_versions()
                .encode(),
        );
        assert_eq!(hello.supported_versions(), [0x0a0a, 0x7f20, 0x0304, 0x0303]);
        let hello = read(&HelloSpec::for_version(0x0303).with_higher_versions().encode());
        assert_eq!(hello.supported_versions(), [0x0a0a, 0x7f20, 0x0303]);
    }

    #[test]
    fn an_ssl2_hello_states_its_lengths() {
        let bytes = sslv2_client_hello();
        assert_eq!(bytes.len(), 2 + 9 + 21 + 16);
        assert_eq!(
            bytes.first_chunk(),
            Some(&[0x80, 46, 1, 0, 2, 0, 21, 0, 0, 0, 16])
        );
    }

    proptest! {
        #[test]
        fn any_lists_however_long_make_a_hello_that_can_be_read(
            suites in proptest::collection::vec(any::<u16>(), 0..40),
            repeat in 1..2000_usize,
            versions in proptest::collection::vec(any::<u16>(), 0..200),
            session_id in proptest::collection::vec(any::<u8>(), 0..300),
            alpn in proptest::collection::vec("[ -~]{0,300}", 0..5),
            sizes in proptest::collection::vec(0..500_usize, 0..10),
        ) {
            let mut spec = HelloSpec::for_version(0x0303);
            spec.suites = suites.repeat(repeat);
            spec.supported_versions = versions;
            spec.session_id = session_id;
            spec.alpn = alpn;
            let hello = read(&spec.encode_fragmented(&sizes));
            prop_assert!(spec.suites.starts_with(&hello.suites));
            prop_assert!(spec.supported_versions.starts_with(&hello.supported_versions()));
            prop_assert!(spec.session_id.starts_with(&hello.session_id));
            prop_assert_eq!(hello.alpn().len(), spec.alpn.len());
        }
    }
}
