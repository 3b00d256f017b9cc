//! Who is believed: PEM, certificate verifiers and client certificates for the TLS library.
//!
//! A client that only records problems accepts every certificate in the handshake (the signature is still checked) and
//! looks at the chain afterwards, because a verifier must be the same object for a session to be resumed.

use std::fmt;
use std::sync::{Arc, LazyLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, KeyLog, RootCertStore, SignatureScheme,
    SupportedProtocolVersion,
};

use super::config::KeyLogSink;
use super::facts::{date_problem, weakness};
use super::{ClientTrust, Identity, TlsSetupError};
use crate::base::{Clock, SystemClock};
use crate::trace::{CertificateAccount, TlsVersion, UNKNOWN_ISSUER};

/// The crypto of every connection; never the process default, which a program around us may set.
pub(super) static PROVIDER: LazyLock<Arc<CryptoProvider>> =
    LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));

/// The verifier of every client that does not enforce; one object, so that a session made under one FTP session can
/// be offered under another.
pub(super) static ACCEPT_ANYTHING: LazyLock<Arc<dyn ServerCertVerifier>> =
    LazyLock::new(|| Arc::new(AcceptAnything));

/// The resolver of every client without a certificate; one object for the same reason.
pub(super) static NO_CERTIFICATE: LazyLock<Arc<dyn ResolvesClientCert>> =
    LazyLock::new(|| Arc::new(NoCertificate));

/// The library's words for our versions; empty means both.
pub(super) fn versions(wanted: &[TlsVersion]) -> Vec<&'static SupportedProtocolVersion> {
    let mut versions = Vec::new();
    for (version, supported) in [
        (TlsVersion::Tls13, &rustls::version::TLS13),
        (TlsVersion::Tls12, &rustls::version::TLS12),
    ] {
        if wanted.is_empty() || wanted.contains(&version) {
            versions.push(supported);
        }
    }
    versions
}

/// CA certificates from PEM.
pub(super) fn root_store(pem: &str) -> Result<Arc<RootCertStore>, TlsSetupError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate =
            certificate.map_err(|error| TlsSetupError::new(format!("bad PEM of an authority: {error}")))?;
        roots
            .add(certificate)
            .map_err(|error| TlsSetupError::new(format!("unusable authority certificate: {error}")))?;
    }
    if roots.is_empty() {
        return Err(TlsSetupError::new("the PEM text holds no authority certificate"));
    }
    Ok(Arc::new(roots))
}

/// The authorities of this machine, read once; empty when it has none. Those that the TLS library cannot use are left
/// out, as every client does.
static SYSTEM_ROOTS: LazyLock<Arc<RootCertStore>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    Arc::new(roots)
});

/// Chain and key ready for use. Whether the key fits the certificate is not checked: a mismatch is a possible test.
pub(super) fn certified_key(identity: &Identity) -> Result<Arc<CertifiedKey>, TlsSetupError> {
    let chain = CertificateDer::pem_slice_iter(identity.chain_pem.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsSetupError::new(format!("bad PEM of a certificate chain: {error}")))?;
    if chain.is_empty() {
        return Err(TlsSetupError::new("the PEM text holds no certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes())
        .map_err(|error| TlsSetupError::new(format!("bad PEM of a private key: {error}")))?;
    let key = PROVIDER
        .key_provider
        .load_private_key(key)
        .map_err(|error| TlsSetupError::new(format!("unusable private key: {error}")))?;
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

impl Identity {
    /// Whether it can be used: chain and key can be read and belong together.
    ///
    /// # Errors
    /// When they cannot or do not.
    pub fn check(&self) -> Result<(), TlsSetupError> {
        match certified_key(self)?.keys_match() {
            Ok(()) | Err(Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(()),
            Err(_) => Err(TlsSetupError::new("the key is not the one of the certificate")),
        }
    }
}

/// What a client does with the server's certificate.
#[derive(Clone)]
pub(super) struct ServerTrust {
    /// Goes into the TLS library.
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    recorder: Recorder,
}

/// Asked after the handshake, when problems are only recorded.
#[derive(Clone)]
enum Recorder {
    /// Nothing is recorded, or the verifier refuses at once.
    Off,
    /// There are no authorities: nobody vouches for any chain.
    Nobody,
    /// Holds the chain against authorities.
    Authorities(Arc<WebPkiServerVerifier>),
}

impl ServerTrust {
    pub(super) fn new(trust: &ClientTrust) -> Result<Self, TlsSetupError> {
        let (roots, enforce) = match trust {
            ClientTrust::Authorities { pem, enforce } => (root_store(pem)?, *enforce),
            ClientTrust::System if SYSTEM_ROOTS.is_empty() => return Ok(Self::accepting(Recorder::Nobody)),
            ClientTrust::System => (SYSTEM_ROOTS.clone(), false),
            ClientTrust::Anything => return Ok(Self::accepting(Recorder::Off)),
        };
        let webpki = WebPkiServerVerifier::builder_with_provider(roots, PROVIDER.clone())
            .build()
            .map_err(|error| TlsSetupError::new(format!("unusable authorities: {error}")))?;
        Ok(if enforce {
            Self {
                verifier: webpki,
                recorder: Recorder::Off,
            }
        } else {
            Self::accepting(Recorder::Authorities(webpki))
        })
    }

    fn accepting(recorder: Recorder) -> Self {
        Self {
            verifier: ACCEPT_ANYTHING.clone(),
            recorder,
        }
    }

    /// What else can be said of the chain.
    pub(super) fn account(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> CertificateAccount {
        let is_named = *name != ServerName::try_from(super::client::NO_NAME).unwrap_or_else(|_| name.clone());
        let leaf = chain.first().map(ParsedCertificate::try_from);
        CertificateAccount {
            is_checked: !matches!(self.recorder, Recorder::Off),
            names_server: match leaf {
                Some(Ok(leaf)) if is_named => Some(verify_server_name(&leaf, name).is_ok()),
                Some(Err(_)) if is_named => Some(false),
                _ => None,
            },
            date_problem: date_problem(chain, now()),
            weakness: weakness(chain),
        }
    }

    /// What is wrong with the chain a server showed, in words.
    pub(super) fn problem(&self, chain: &[CertificateDer<'_>], name: &ServerName<'_>) -> Option<String> {
        let recorder = match &self.recorder {
            Recorder::Off => return None,
            Recorder::Nobody => return Some(UNKNOWN_ISSUER.into()),
            Recorder::Authorities(recorder) => recorder,
        };
        let Some((leaf, intermediates)) = chain.split_first() else {
            return Some("no certificate shown".to_owned());
        };
        recorder
            .verify_server_cert(leaf, intermediates, name, &[], now())
            .err()
            .map(|error| certificate_problem(&error))
    }
}

/// One lower-case sentence for what a verifier says.
pub(super) fn certificate_problem(error: &Error) -> String {
    let Error::InvalidCertificate(kind) = error else {
        return error.to_string();
    };
    match kind {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "certificate expired".into(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "certificate not yet valid".into()
        }
        CertificateError::NotValidForName => "certificate not valid for the name".into(),
        CertificateError::NotValidForNameContext { expected, presented } => format!(
            "certificate not valid for the name `{}` (it is for {})",
            expected.to_str(),
            crate::base::escape_peer(presented.join(", ").as_bytes())
        ),
        CertificateError::UnknownIssuer => UNKNOWN_ISSUER.into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate not meant for this purpose".into()
        }
        other => format!("bad certificate: {other}"),
    }
}

/// The wall clock as the TLS library wants it.
pub(super) fn now() -> UnixTime {
    UnixTime::since_unix_epoch(SystemClock::new().wall())
}

/// The wall clock, which can be set back for a moment: a ticket that is read again must keep the time it came.
#[derive(Debug, Default)]
pub(super) struct TicketClock {
    pinned: std::sync::Mutex<Option<UnixTime>>,
}

impl TicketClock {
    /// Shows `time` from now on, or the real time.
    pub(super) fn pin(&self, time: Option<UnixTime>) {
        *self
            .pinned
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = time;
    }
}

impl TimeProvider for TicketClock {
    fn current_time(&self) -> Option<UnixTime> {
        let pinned = *self
            .pinned
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Some(pinned.unwrap_or_else(now))
    }
}

impl KeyLog for KeyLogSink {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        (self.0)(&format!(
            "{label} {} {}",
            super::facts::hex(client_random),
            super::facts::hex(secret)
        ));
    }
}

/// Accepts every certificate; checks handshake signatures.
#[derive(Debug)]
struct AcceptAnything;

impl ServerCertVerifier for AcceptAnything {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &PROVIDER.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &PROVIDER.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }
}

/// Has no client certificate.
#[derive(Debug)]
struct NoCertificate;

impl ResolvesClientCert for NoCertificate {
    fn resolve(&self, _issuers: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

impl fmt::Debug for ServerTrust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerTrust")
    }
}
