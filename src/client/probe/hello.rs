//! The bytes of a probe: from the words of a scenario to a ClientHello, its records and its TCP segments.
//!
//! RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2. What is asked for goes out, legal or not.

use super::super::escapes::unescape;
use super::super::problem::not_allowed;
use crate::base::Spanned;
use crate::scenario::model::{HelloOption, ProbeTls, Template};
use crate::tls::Tls12Offer;
use crate::trace::ActionProblem;
use crate::wire::tls_record::suites::suites_called;
use crate::wire::tls_record::{HelloSpec, extension, suites, version_by_name};

/// Size of the pieces of `small-records` and `small-segments`.
const SMALL: usize = 16;
/// A version above all that exist.
const FUTURE_VERSION: u16 = 0x0309;
/// The longest padding that is asked for.
const PADDING_LIMIT: usize = 60_000;

/// What a probe sends.
#[derive(Debug)]
pub(super) struct Hello {
    /// The bytes of one TCP segment each, where the kernel allows.
    pub(super) segments: Vec<Vec<u8>>,
    /// In words, for the trace.
    pub(super) words: String,
    /// Whether what stands behind the ServerHello is of interest.
    pub(super) wants_flight: bool,
}

/// What the engine knows and the scenario does not spell.
#[derive(Debug, Default)]
pub(super) struct Surroundings<'a> {
    /// The session that `resume` means.
    pub(super) session: Option<&'a Tls12Offer>,
    /// Server name that goes with a session: a server may not resume under another (RFC 6066 section 3).
    pub(super) server_name: Option<&'a str>,
}

/// The bytes of the probe, and the probe in words.
pub(super) fn hello_of(probe: &ProbeTls, around: &Surroundings<'_>) -> Result<Hello, ActionProblem> {
    if let Some(raw) = &probe.raw {
        let bytes = unescape(&raw.value);
        return Ok(Hello {
            words: format!("{} raw bytes", bytes.len()),
            segments: vec![bytes],
            wants_flight: false,
        });
    }
    let name = probe
        .version
        .as_ref()
        .map_or("tls1.3", |version| version.value.as_str());
    let version = version_called(name)?;
    let mut spec = suited(probe, version)?;
    if let Some(sni) = &probe.sni {
        spec = spec.with_sni(sni.value.clone());
    } else if let (Some(name), Some(_)) = (around.server_name, around.session) {
        spec = spec.with_sni(name);
    }
    let alpn: Vec<&str> = probe.alpn.iter().map(|name| name.value.as_str()).collect();
    spec = spec.with_alpn(&alpn);
    if probe.fallback_scsv {
        spec = spec.with_fallback();
    }
    if let Some(version) = &probe.record_version {
        spec.record_version = version_called(&version.value)?;
    }
    if let Some(session) = around.session {
        if probe.suites.is_empty() {
            spec.suites = vec![session.suite];
        }
        offer_session(&mut spec, session)?;
    }
    let options = options_of(probe)?;
    for option in &options {
        spec = with_option(spec, *option);
    }
    if let Some(padding) = &probe.padding {
        let total = padding.value.parse().ok().filter(|total| *total <= PADDING_LIMIT);
        let total =
            total.ok_or_else(|| not_allowed(format!("`{}` bytes of padding are too many", padding.value)))?;
        spec = spec.with_padding(total);
    }
    let mut words = vec![name.to_owned(), format!("{} suites", spec.suites.len())];
    words.extend(probe.offer.iter().map(|word| word.value.clone()));
    words.extend(probe.padding.iter().map(|total| format!("{} bytes", total.value)));
    words.extend(
        probe
            .record_version
            .iter()
            .map(|version| format!("records of {}", version.value)),
    );
    words.extend(around.session.map(|_| "a session of TLS 1.2".to_owned()));
    Ok(Hello {
        wants_flight: around.session.is_some() || spec.suites.iter().any(|suite| suites::DHE.contains(suite)),
        segments: segments_of(spec, &options),
        words: words.join(", "),
    })
}

fn version_called(name: &str) -> Result<u16, ActionProblem> {
    version_by_name(if name == "ssl3.0" { "ssl3" } else { name })
        .ok_or_else(|| not_allowed(format!("`{name}` is no TLS version")))
}

/// The hello of that version with the suites that the probe asks for.
fn suited(probe: &ProbeTls, version: u16) -> Result<HelloSpec, ActionProblem> {
    let mut spec = if version == 0x0304 {
        HelloSpec::for_versions(&[0x0304, 0x0303])
    } else {
        HelloSpec::for_version(version)
    };
    if !probe.suites.is_empty() {
        let mut numbers = Vec::new();
        for Spanned { value: name, .. } in &probe.suites {
            let called = suites_called(name);
            numbers.extend(called.ok_or_else(|| not_allowed(format!("`{name}` is no cipher suite")))?);
        }
        return Ok(spec.with_suites(&numbers));
    }
    if version >= 0x0303 {
        spec.suites
            .retain(|suite| suites::TLS13.contains(suite) || suites::TLS12_AEAD.contains(suite));
    }
    Ok(spec)
}

/// By ticket where there is one; the session id beside it is the client's own then (RFC 5077 section 3.4).
fn offer_session(spec: &mut HelloSpec, session: &Tls12Offer) -> Result<(), ActionProblem> {
    if !session.ticket.is_empty() {
        spec.session_ticket = Some(session.ticket.clone());
        spec.session_id = vec![0x5a; 32];
    } else if !session.session_id.is_empty() {
        spec.session_id.clone_from(&session.session_id);
    } else {
        return Err(not_allowed("the TLS session has neither a ticket nor an id"));
    }
    Ok(())
}

fn options_of(probe: &ProbeTls) -> Result<Vec<HelloOption>, ActionProblem> {
    let option = |word: &Template| {
        HelloOption::called(&word.value)
            .ok_or_else(|| not_allowed(format!("`{}` is nothing that a hello can offer", word.value)))
    };
    probe.offer.iter().map(option).collect()
}

fn with_option(mut spec: HelloSpec, option: HelloOption) -> HelloSpec {
    match option {
        HelloOption::Deflate => spec.compression = vec![1, 0],
        HelloOption::EncryptThenMac => spec
            .extra_extensions
            .push((extension::ENCRYPT_THEN_MAC, Vec::new())),
        HelloOption::FutureVersion => {
            spec.legacy_version = FUTURE_VERSION;
            spec.supported_versions.clear();
            spec.key_share.clear();
        }
        HelloOption::Grease => spec = spec.with_grease(),
        HelloOption::HigherVersions => spec = spec.with_higher_versions(),
        HelloOption::NoExtendedMasterSecret => spec.extended_master_secret = false,
        HelloOption::RenegotiationScsv => {
            spec.renegotiation_info = false;
            spec.suites.push(suites::RENEGOTIATION_SCSV);
        }
        HelloOption::Sha1Signatures => spec.signature_schemes = vec![0x0201, 0x0203, 0x0202],
        HelloOption::TruncatedHmac => spec
            .extra_extensions
            .push((extension::TRUNCATED_HMAC, Vec::new())),
        HelloOption::OversizeRecord | HelloOption::SmallRecords | HelloOption::SmallSegments => {}
    }
    spec
}

fn segments_of(spec: HelloSpec, options: &[HelloOption]) -> Vec<Vec<u8>> {
    let bytes = if options.contains(&HelloOption::OversizeRecord) {
        spec.encode_oversize()
    } else if options.contains(&HelloOption::SmallRecords) {
        let pieces = spec.encode_message().len().div_ceil(SMALL);
        spec.encode_fragmented(&vec![SMALL; pieces])
    } else {
        spec.encode()
    };
    if options.contains(&HelloOption::SmallSegments) {
        bytes.chunks(SMALL).map(<[u8]>::to_vec).collect()
    } else {
        vec![bytes]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Span;
    use crate::wire::tls_record::{ClientHello, HandshakeItem, HandshakeWalker, parse_client_hello};

    fn text(text: &str) -> Template {
        Spanned::new(text.to_owned(), Span::default())
    }

    fn probe(version: &str, offer: &[&str]) -> ProbeTls {
        ProbeTls {
            version: Some(text(version)),
            offer: offer.iter().map(|word| text(word)).collect(),
            ..ProbeTls::default()
        }
    }

    fn sent(probe: &ProbeTls, around: &Surroundings<'_>) -> (ClientHello, Vec<Vec<u8>>) {
        let hello = hello_of(probe, around).unwrap();
        let mut walker = HandshakeWalker::default();
        walker.push(&hello.segments.concat());
        match walker.next() {
            Ok(Some(HandshakeItem::Message { kind: 1, body })) => {
                (parse_client_hello(&body).unwrap(), hello.segments)
            }
            other => panic!("expected a ClientHello, got {other:?}"),
        }
    }

    #[test]
    fn every_option_shows_in_the_hello() {
        let around = Surroundings::default();
        let (hello, _) = sent(
            &probe(
                "tls1.2",
                &["deflate", "encrypt-then-mac", "truncated-hmac", "sha1-signatures"],
            ),
            &around,
        );
        assert_eq!(hello.compression, [1, 0]);
        assert!(hello.extension(extension::ENCRYPT_THEN_MAC).is_some());
        assert!(hello.extension(extension::TRUNCATED_HMAC).is_some());
        assert_eq!(hello.signature_schemes(), [0x0201, 0x0203, 0x0202]);
        let (hello, _) = sent(
            &probe(
                "tls1.2",
                &[
                    "no-extended-master-secret",
                    "renegotiation-scsv",
                    "future-version",
                ],
            ),
            &around,
        );
        assert_eq!(hello.legacy_version, 0x0309);
        assert!(hello.extension(extension::EXTENDED_MASTER_SECRET).is_none());
        assert!(hello.extension(extension::RENEGOTIATION_INFO).is_none());
        assert!(hello.suites.contains(&suites::RENEGOTIATION_SCSV));
        let (hello, _) = sent(&probe("tls1.3", &["higher-versions", "grease"]), &around);
        assert_eq!(
            hello.supported_versions(),
            [0x2a2a, 0x0a0a, 0x7f20, 0x0304, 0x0303]
        );
    }

    #[test]
    fn small_pieces_hold_the_same_hello() {
        let around = Surroundings::default();
        let (whole, segments) = sent(&probe("tls1.2", &[]), &around);
        assert_eq!(segments.len(), 1);
        let (records, _) = sent(&probe("tls1.2", &["small-records"]), &around);
        let (pieces, segments) = sent(&probe("tls1.2", &["small-segments"]), &around);
        assert_eq!((&whole, &whole), (&records, &pieces));
        assert!(segments.iter().all(|segment| segment.len() <= SMALL) && segments.len() > 5);
    }

    #[test]
    fn a_session_is_offered_with_its_name() {
        let session = Tls12Offer {
            suite: 0xc030,
            session_id: vec![1, 2],
            ticket: vec![3, 4],
        };
        let around = Surroundings {
            session: Some(&session),
            server_name: Some("ftp.example"),
        };
        let (hello, _) = sent(&probe("tls1.2", &["no-extended-master-secret"]), &around);
        assert_eq!(hello.suites, [0xc030]);
        assert_eq!(hello.session_ticket(), Some(&[3, 4][..]));
        assert_eq!(hello.sni().as_deref(), Some("ftp.example"));
        let without_ticket = Tls12Offer {
            ticket: Vec::new(),
            ..session
        };
        let around = Surroundings {
            session: Some(&without_ticket),
            server_name: None,
        };
        let (hello, _) = sent(&probe("tls1.2", &[]), &around);
        assert_eq!(
            (hello.session_id.as_slice(), hello.session_ticket()),
            (&[1, 2][..], None)
        );
    }

    #[test]
    fn what_a_variable_brings_is_checked() {
        for broken in [
            probe("tls1.2", &["magic"]),
            probe("tls9", &[]),
            ProbeTls {
                padding: Some(text("99999999")),
                ..probe("tls1.2", &[])
            },
        ] {
            assert!(hello_of(&broken, &Surroundings::default()).is_err(), "{broken:?}");
        }
    }
}
