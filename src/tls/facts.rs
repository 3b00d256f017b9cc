//! Certificates in brief, for events (RFC 5280 section 4.1). Reads, judges nothing.

use rustls::pki_types::{CertificateDer, UnixTime};
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use crate::base::escape_peer;
use crate::trace::CertificateFacts;

/// Certificates and names kept at most.
const CHAIN_LIMIT: usize = 16;
const NAMES_LIMIT: usize = 64;

/// Signatures by hashes that can be forged, by object identifier.
const WEAK_SIGNATURES: &[(&str, &str)] = &[
    ("1.2.840.113549.1.1.4", "md5WithRSAEncryption"),
    ("1.2.840.113549.1.1.5", "sha1WithRSAEncryption"),
    ("1.2.840.10040.4.3", "dsa-with-sha1"),
    ("1.2.840.10045.4.1", "ecdsa-with-SHA1"),
    ("1.3.14.3.2.29", "sha1WithRSA"),
];

/// Lower-case hex.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from(DIGITS[usize::from(digit)]));
        }
    }
    text
}

/// Facts of a chain, leaf first.
pub(super) fn chain_facts(chain: &[CertificateDer<'_>]) -> Vec<CertificateFacts> {
    chain
        .iter()
        .take(CHAIN_LIMIT)
        .map(|der| certificate_facts(der))
        .collect()
}

/// Facts of one certificate; a certificate that cannot be read has its hash and says so.
fn certificate_facts(der: &[u8]) -> CertificateFacts {
    let sha256 = hex(&Sha256::digest(der));
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return CertificateFacts {
            sha256,
            subject: "unreadable".to_owned(),
            issuer: String::new(),
            names: Vec::new(),
            not_before: String::new(),
            not_after: String::new(),
            key: "unknown".to_owned(),
        };
    };
    let names = certificate
        .subject_alternative_name()
        .ok()
        .flatten()
        .map(|extension| {
            let names = extension.value.general_names.iter();
            names.take(NAMES_LIMIT).map(general_name).collect()
        })
        .unwrap_or_default();
    CertificateFacts {
        sha256,
        subject: escape_peer(certificate.subject().to_string().as_bytes()),
        issuer: escape_peer(certificate.issuer().to_string().as_bytes()),
        names,
        not_before: date(&certificate.validity().not_before),
        not_after: date(&certificate.validity().not_after),
        key: key(&certificate),
    }
}

/// A certificate of the chain that is not valid now, in words.
pub(super) fn date_problem(chain: &[CertificateDer<'_>], now: UnixTime) -> Option<String> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    chain
        .iter()
        .take(CHAIN_LIMIT)
        .enumerate()
        .find_map(|(place, der)| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            let validity = certificate.validity();
            if validity.not_after.timestamp() < now {
                Some(format!(
                    "certificate {place} of the chain expired at {}",
                    date(&validity.not_after)
                ))
            } else if validity.not_before.timestamp() > now {
                Some(format!(
                    "certificate {place} of the chain is not valid before {}",
                    date(&validity.not_before)
                ))
            } else {
                None
            }
        })
}

/// A key below 2048 (RSA) or 224 bits (elliptic curves), or a signature by MD5 or SHA-1 on a certificate that is not
/// signed by its own key (a root is trusted for what it is); RFC 9325 section 4.5.
pub(super) fn weakness(chain: &[CertificateDer<'_>]) -> Option<String> {
    chain
        .iter()
        .take(CHAIN_LIMIT)
        .enumerate()
        .find_map(|(place, der)| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            let bits = match certificate.public_key().parsed() {
                Ok(PublicKey::RSA(key)) if key.key_size() < 2048 => Some(key.key_size()),
                Ok(PublicKey::EC(point)) if point.key_size() < 224 => Some(point.key_size()),
                _ => None,
            };
            if let Some(bits) = bits {
                return Some(format!(
                    "the key of certificate {place} of the chain has {bits} bits"
                ));
            }
            let algorithm = certificate.signature_algorithm.algorithm.to_id_string();
            let is_self_signed = certificate.subject() == certificate.issuer();
            WEAK_SIGNATURES
                .iter()
                .find(|(number, _)| *number == algorithm && !is_self_signed)
                .map(|(_, name)| format!("certificate {place} of the chain is signed with {name}"))
        })
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::DNSName(text) | GeneralName::RFC822Name(text) | GeneralName::URI(text) => {
            escape_peer(text.as_bytes())
        }
        GeneralName::IPAddress(bytes) => match (<[u8; 4]>::try_from(*bytes), <[u8; 16]>::try_from(*bytes)) {
            (Ok(v4), _) => std::net::Ipv4Addr::from(v4).to_string(),
            (_, Ok(v6)) => std::net::Ipv6Addr::from(v6).to_string(),
            _ => hex(bytes.get(..32.min(bytes.len())).unwrap_or_default()),
        },
        other => escape_peer(format!("{other:?}").as_bytes()),
    }
}

fn date(time: &ASN1Time) -> String {
    jiff::Timestamp::from_second(time.timestamp())
        .map_or_else(|_| "unreadable".to_owned(), |stamp| stamp.to_string())
}

fn key(certificate: &X509Certificate<'_>) -> String {
    let info = certificate.public_key();
    match info.parsed() {
        Ok(PublicKey::RSA(key)) => format!("rsa-{}", key.key_size()),
        // A point of P-521 takes 66 bytes.
        Ok(PublicKey::EC(point)) if point.key_size() == 528 => "ecdsa-p521".to_owned(),
        Ok(PublicKey::EC(point)) => format!("ecdsa-p{}", point.key_size()),
        _ => match info.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => "ed25519".to_owned(),
            "1.3.101.113" => "ed448".to_owned(),
            other => other.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::pem::PemObject;

    use super::*;

    /// RSA of 1024 bits, signed by itself with SHA-1.
    const SHORT_KEY: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIICADCCAWmgAwIBAgIUaCRsm3enDrauTfQ4Awxmavo4mFUwDQYJKoZIhvcNAQEF\n\
BQAwEjEQMA4GA1UEAwwHd2Vhay1jYTAeFw0yNjExMjYwMDA5MjdaFw0zNjExMjMw\n\
MDA5MjdaMBIxEDAOBgNVBAMMB3dlYWstY2EwgZ8wDQYJKoZIhvcNAQEBBQADgY0A\n\
MIGJAoGBALl5RSBli/IsopxyUy6ToJVoRkxTFbaBvgR2lNcwmOsnxelQ02SgeQgd\n\
67/+IkXtFtQN8ytENblyE0CA8hSK/cHkW4dRmOTPrsffHKofmQI5fz/bY+Nm8At4\n\
QR1ZDT57ozx8SfaF4AU1p9q26cko3zCRooYjSs5dGecZ8T/yQRXhAgMBAAGjUzBR\n\
MB0GA1UdDgQWBBRfb/trgMLkDbT3HhwitjQqXbvBMTAfBgNVHSMEGDAWgBRfb/tr\n\
gMLkDbT3HhwitjQqXbvBMTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBBQUA\n\
A4GBAFTR2qtEhVsrNX2DK2P0sIlyVOP2Fe8uu3yYjJrT3vEYtFOXZiXKN4nwZAU8\n\
rnitgcY56MyJCfHM8cN4VzVFYUno5q+DWc06KKmqJkHh6784GltJVhlMC5bcHpmq\n\
G7MlKwFKHbU2y7EqRtc58Y4yHGBVBWzqfEc09GuoX/rSbyfF\n\
-----END CERTIFICATE-----\n\
";
    /// RSA of 2048 bits, signed by the one above with SHA-1.
    const SHA1: &str = "\
-----BEGIN CERTIFICATE-----\n\
MIICFDCCAX0CAQcwDQYJKoZIhvcNAQEFBQAwEjEQMA4GA1UEAwwHd2Vhay1jYTAe\n\
Fw0yNjExMjYwMDA5MjlaFw0zNjExMjMwMDA5MjlaMA8xDTALBgNVBAMMBHdlYWsw\n\
ggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCnwHsGVk9JcrM38jIQLYVp\n\
QZPWNqLzmMvkf6Wgmzu468ZW30oJ8R2mACOXdjMUcEnneduWcDM0FHEC4F9u/W0e\n\
KNVNUPk/p7X13DBg5MwvURto2NZR+V2xkwqLseimeiSqiKq1SGSj+O2VMTADhTr/\n\
+G5aj47Sj4U7dL358SOhODt+xVxAzSms48CAsIPZ2qjix2US1CnlMDYHfG1+JoRw\n\
afZgW4mG3dJa/FXOfZxHK06MGRzoW6Ay5lfzN6EKU0kBkDxXOq0aLjhLDlTepk4e\n\
MHhU7DIoIpaZcViOjiaHhU2Kp5AmHI1+ArW2AGTREDS+oZFSh2ytI2Cyt5m+s+Jn\n\
AgMBAAEwDQYJKoZIhvcNAQEFBQADgYEAS4S06D42cBMZXtG5D5RFDsuVsxSz6mzV\n\
cmasdkzA8RShqyge5BgLqk0vKtcTj/Shc6FKCvg6D/mVbosZ8gY4sF45Ba+ZHu6L\n\
tkFhO2/NUhHZgBm+Q0xsEu7/jrij1IMSF17ppe4ldBVldvPsRT1eFZwfdTzbUlbF\n\
xrgg6vJ6HJs=\n\
-----END CERTIFICATE-----\n\
";

    fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
        vec![CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()]
    }

    #[test]
    fn short_keys_and_weak_signatures_are_named() {
        let short = weakness(&chain(SHORT_KEY)).unwrap();
        assert_eq!(short, "the key of certificate 0 of the chain has 1024 bits");
        let signature = weakness(&chain(SHA1)).unwrap();
        assert_eq!(
            signature,
            "certificate 0 of the chain is signed with sha1WithRSAEncryption"
        );
        assert_eq!(weakness(&[]), None);
    }

    #[test]
    fn a_date_out_of_validity_is_named() {
        let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
        let before = date_problem(&chain(SHA1), at(1_000_000_000)).unwrap();
        assert!(before.contains("is not valid before"), "{before}");
        let after = date_problem(&chain(SHA1), at(4_000_000_000)).unwrap();
        assert!(after.contains("expired at"), "{after}");
        assert_eq!(date_problem(&chain(SHA1), at(1_800_000_000)), None);
    }
}
