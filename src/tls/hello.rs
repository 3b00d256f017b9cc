//! The hellos as they stand on the wire (RFC 8446 section 4.1, RFC 5246 section 7.4.1), as far as facts need them.
//!
//! Total: what cannot be read gives `None`. Does not decide anything; rustls reads the same bytes for itself.

/// A ServerHello with this random is a HelloRetryRequest (RFC 8446 section 4.1.3).
const RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2,
    0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

const EXTENSION_SERVER_NAME: u16 = 0;
const EXTENSION_ALPN: u16 = 16;
const EXTENSION_EXTENDED_MASTER_SECRET: u16 = 23;
const EXTENSION_SESSION_TICKET: u16 = 35;
const EXTENSION_PRE_SHARED_KEY: u16 = 41;
const EXTENSION_EARLY_DATA: u16 = 42;
const EXTENSION_SUPPORTED_VERSIONS: u16 = 43;

/// TLS 1.3 on the wire.
pub(super) const WIRE_TLS13: u16 = 0x0304;

/// What a ClientHello says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ClientHello {
    /// Legacy session id; TLS 1.3 clients fill it with random bytes.
    pub(super) session_id: Vec<u8>,
    /// The first host name of the SNI extension.
    pub(super) server_name: Option<Vec<u8>>,
    /// Whether a TLS 1.2 ticket is offered (the extension is there and not empty).
    pub(super) offers_ticket: bool,
    /// Whether a pre-shared key is offered.
    pub(super) offers_psk: bool,
    /// Versions of the `supported_versions` extension.
    pub(super) versions: Vec<u16>,
    /// ALPN protocols, in order.
    pub(super) alpn: Vec<Vec<u8>>,
}

impl ClientHello {
    /// Reads the body of a ClientHello message (without its four-byte header).
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut input = Input(body);
        input.take(2 + 32)?;
        let mut hello = Self {
            session_id: input.vector8()?.to_vec(),
            ..Self::default()
        };
        input.vector16()?;
        input.vector8()?;
        if input.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = Input(input.vector16()?);
        while !extensions.0.is_empty() {
            let kind = extensions.number16()?;
            let content = extensions.vector16()?;
            hello.extension(kind, content)?;
        }
        Some(hello)
    }

    /// Whether TLS 1.3 is offered.
    pub(super) fn offers_tls13(&self) -> bool {
        self.versions.contains(&WIRE_TLS13)
    }

    fn extension(&mut self, kind: u16, content: &[u8]) -> Option<()> {
        let mut input = Input(content);
        match kind {
            EXTENSION_SERVER_NAME => {
                let mut names = Input(input.vector16()?);
                while !names.0.is_empty() {
                    let name_type = names.number8()?;
                    let name = names.vector16()?;
                    if name_type == 0 && self.server_name.is_none() {
                        self.server_name = Some(name.to_vec());
                    }
                }
            }
            EXTENSION_ALPN => {
                let mut protocols = Input(input.vector16()?);
                while !protocols.0.is_empty() {
                    self.alpn.push(protocols.vector8()?.to_vec());
                }
            }
            EXTENSION_SESSION_TICKET => self.offers_ticket = !content.is_empty(),
            EXTENSION_PRE_SHARED_KEY => self.offers_psk = true,
            EXTENSION_SUPPORTED_VERSIONS => {
                let mut versions = Input(input.vector8()?);
                while !versions.0.is_empty() {
                    self.versions.push(versions.number16()?);
                }
            }
            _ => {}
        }
        Some(())
    }
}

/// What a ServerHello says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerHello {
    /// Whether it is a HelloRetryRequest.
    pub(super) retry: bool,
    /// The session id; TLS 1.3 servers give the client's back.
    pub(super) session_id: Vec<u8>,
    /// Whether the version is TLS 1.3 (or later).
    pub(super) tls13: bool,
    /// Whether the extended master secret extension is there (TLS 1.2).
    pub(super) extended_master_secret: bool,
}

impl ServerHello {
    /// Reads the body of a ServerHello message (without its four-byte header).
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let mut input = Input(body);
        input.take(2)?;
        let random = input.take(32)?;
        let session_id = input.vector8()?.to_vec();
        input.take(2 + 1)?;
        let mut hello = Self {
            retry: random == RETRY_RANDOM,
            session_id,
            ..Self::default()
        };
        if input.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = Input(input.vector16()?);
        while !extensions.0.is_empty() {
            let kind = extensions.number16()?;
            let content = extensions.vector16()?;
            match kind {
                EXTENSION_EXTENDED_MASTER_SECRET => hello.extended_master_secret = true,
                EXTENSION_SUPPORTED_VERSIONS => hello.tls13 = Input(content).number16()? >= WIRE_TLS13,
                _ => {}
            }
        }
        Some(hello)
    }
}

/// How many bytes of early data a NewSessionTicket of TLS 1.3 allows (RFC 8446 section 4.2.10); none without the
/// extension. `body` is the message without its four-byte header.
pub(super) fn early_data_of_ticket(body: &[u8]) -> Option<u32> {
    let mut input = Input(body);
    input.take(4 + 4)?;
    input.vector8()?;
    input.vector16()?;
    let mut extensions = Input(input.vector16()?);
    while !extensions.0.is_empty() {
        let kind = extensions.number16()?;
        let content = extensions.vector16()?;
        if kind == EXTENSION_EARLY_DATA {
            return Input(content).number32();
        }
    }
    None
}

/// A reader of TLS vectors (RFC 8446 section 3.4) over what is left.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input<'a>(pub(super) &'a [u8]);

impl<'a> Input<'a> {
    /// The next `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    /// A one-byte number.
    pub(super) fn number8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A two-byte number.
    pub(super) fn number16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// A four-byte number.
    pub(super) fn number32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// A vector with a one-byte length.
    pub(super) fn vector8(&mut self) -> Option<&'a [u8]> {
        let length = self.number8()?;
        self.take(usize::from(length))
    }

    /// A vector with a two-byte length.
    pub(super) fn vector16(&mut self) -> Option<&'a [u8]> {
        let length = self.number16()?;
        self.take(usize::from(length))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_says_how_much_early_data_it_allows() {
        let ticket = |extensions: &[u8]| {
            let mut body = vec![0, 0, 0, 9, 1, 2, 3, 4, 1, 7, 0, 2, 8, 8];
            body.extend([0, u8::try_from(extensions.len()).unwrap()]);
            body.extend(extensions);
            body
        };
        assert_eq!(early_data_of_ticket(&ticket(&[])), None);
        assert_eq!(
            early_data_of_ticket(&ticket(&[0, 42, 0, 4, 0, 0, 64, 0])),
            Some(16_384)
        );
        let whole = ticket(&[0, 1, 0, 0, 0, 42, 0, 4, 0, 0, 64, 0]);
        assert_eq!(early_data_of_ticket(&whole), Some(16_384));
        for cut in 0..whole.len() {
            assert_eq!(early_data_of_ticket(&whole[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn a_hello_that_ends_early_is_none() {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([
            2, 0xaa, 0xbb, 0, 2, 0x13, 0x01, 1, 0, 0, 9, 0, 43, 0, 5, 4, 3, 4, 3, 3,
        ]);
        let hello = ClientHello::parse(&body).unwrap();
        assert_eq!(hello.session_id, [0xaa, 0xbb]);
        assert!(hello.offers_tls13());
        let without_extensions = body.len() - 11;
        for cut in 0..body.len() {
            let parsed = ClientHello::parse(&body[..cut]);
            assert_eq!(parsed.is_some(), cut == without_extensions, "cut at {cut}");
        }
    }
}
