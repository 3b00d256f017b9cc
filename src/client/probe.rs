//! `probe-tls`: a hand-made ClientHello and the first thing that comes back.
//!
//! RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2. The connection is of no use afterwards; what still arrives on it is read
//! and forgotten.

use super::data::DataTls;
use super::escapes::unescape;
use super::problem::{closed, from_link, not_allowed, not_connected};
use super::session::Session;
use super::wait::{Alongside, alongside};
use crate::scenario::model::{ChannelRef, ProbeTls};
use crate::trace::{ActionProblem, AlertFacts, AlertLevel, EventKind, Waited};
use crate::transport::{RawAnswer, RawEnd};
use crate::wire::tls_record::{
    HelloAnswer, HelloSpec, alert_name, last_hello_answer, parse_hello_answer, suite_name, suites,
    version_by_name, version_name,
};

impl Session {
    /// `probe-tls`.
    pub(super) async fn probe_tls(&mut self, probe: &ProbeTls) -> Result<(), ActionProblem> {
        let (hello, words) = hello_of(probe)?;
        let within = self.timeouts().handshake;
        let recorder = self.recorder().clone();
        if probe.channel == ChannelRef::Data {
            self.connect_listener().await?;
        } else {
            self.open_control()?.drop_clear_leftover();
        }
        let Self {
            control, data, store, ..
        } = self;
        let (link, watched) = match probe.channel {
            ChannelRef::Control => {
                let control = control
                    .as_mut()
                    .ok_or_else(|| not_connected("there is no control connection"))?;
                control.start_probe();
                (&mut control.link, None)
            }
            ChannelRef::Data => {
                let data = data
                    .as_mut()
                    .ok_or_else(|| not_connected("there is no data connection"))?;
                data.start_tls(DataTls::Failed);
                let link = data
                    .link
                    .as_mut()
                    .ok_or_else(|| not_connected("the data connection is gone"))?;
                (link, control.as_mut())
            }
        };
        let channel = link.channel().clone();
        recorder.record(&channel, EventKind::ProbeSent { hello: words });
        let enough = |bytes: &[u8]| !bytes.is_empty() && !matches!(parse_hello_answer(bytes), Ok(None));
        let asking = link.raw_probe(&hello, within, enough);
        let answer = match alongside(watched, store, asking).await {
            Alongside::Done(answer) => {
                answer.map_err(|error| from_link(&error, Waited::Write, within, &recorder))?
            }
            Alongside::Refused(code) => return Err(ActionProblem::RefusedByReply { code }),
            Alongside::ControlEnded(why) => return Err(closed(why)),
        };
        if matches!(answer.ended, RawEnd::Fin | RawEnd::Reset) && probe.channel == ChannelRef::Control {
            self.control()?
                .end_here("the target closed the control connection");
        }
        recorder.record(&channel, answered(&answer));
        Ok(())
    }
}

fn answered(answer: &RawAnswer) -> EventKind {
    let otherwise = match answer.ended {
        RawEnd::Complete | RawEnd::Limit => "plaintext",
        RawEnd::Fin | RawEnd::Reset => "closed",
        RawEnd::TimedOut => "nothing",
    };
    let said = |answer: &str| EventKind::ProbeAnswered {
        answer: answer.to_owned(),
        version: None,
        suite: None,
        alpn: None,
        alert: None,
    };
    match last_hello_answer(&answer.bytes) {
        Ok(HelloAnswer::ServerHello {
            version, suite, alpn, ..
        }) => EventKind::ProbeAnswered {
            answer: "server-hello".to_owned(),
            version: Some(shown_version(version)),
            suite: Some(suite_name(suite)),
            alpn,
            alert: None,
        },
        Ok(HelloAnswer::Sslv2ServerHello) => EventKind::ProbeAnswered {
            answer: "server-hello".to_owned(),
            version: Some("ssl2".to_owned()),
            suite: None,
            alpn: None,
            alert: None,
        },
        Ok(HelloAnswer::Alert { level, description }) => EventKind::ProbeAnswered {
            answer: "alert".to_owned(),
            version: None,
            suite: None,
            alpn: None,
            alert: Some(AlertFacts {
                level: Some(match level {
                    1 => AlertLevel::Warning,
                    2 => AlertLevel::Fatal,
                    _ => AlertLevel::Unknown,
                }),
                description,
                name: alert_name(description).to_owned(),
            }),
        },
        Ok(HelloAnswer::Incomplete(_) | HelloAnswer::Nothing) => said(otherwise),
        Ok(HelloAnswer::Plaintext(_) | HelloAnswer::Unexpected { .. }) | Err(_) => said("plaintext"),
    }
}

/// The bytes of the probe, and the probe in words.
fn hello_of(probe: &ProbeTls) -> Result<(Vec<u8>, String), ActionProblem> {
    if let Some(raw) = &probe.raw {
        let bytes = unescape(&raw.value);
        let words = format!("{} raw bytes", bytes.len());
        return Ok((bytes, words));
    }
    let name = probe
        .version
        .as_ref()
        .map_or("tls1.3", |version| version.value.as_str());
    let version = version_by_name(if name == "ssl3.0" { "ssl3" } else { name })
        .ok_or_else(|| not_allowed(format!("`{name}` is no TLS version")))?;
    let mut hello = if version == 0x0304 {
        HelloSpec::for_versions(&[0x0304, 0x0303])
    } else {
        HelloSpec::for_version(version)
    };
    if !probe.suites.is_empty() {
        let mut numbers = Vec::new();
        for suite in &probe.suites {
            numbers.extend(suites_called(&suite.value)?);
        }
        hello = hello.with_suites(&numbers);
    } else if version >= 0x0303 {
        hello
            .suites
            .retain(|suite| suites::TLS13.contains(suite) || suites::TLS12_AEAD.contains(suite));
    }
    if let Some(sni) = &probe.sni {
        hello = hello.with_sni(sni.value.clone());
    }
    let alpn: Vec<&str> = probe.alpn.iter().map(|name| name.value.as_str()).collect();
    hello = hello.with_alpn(&alpn);
    if probe.fallback_scsv {
        hello = hello.with_fallback();
    }
    let words = format!("{name}, {} suites", hello.suites.len());
    Ok((hello.encode(), words))
}

/// The suites that `name` means: a group word, or one suite by its IANA name.
fn suites_called(name: &str) -> Result<Vec<u16>, ActionProblem> {
    let group: &[&[u16]] = match name {
        "null" => &[suites::NULL],
        "anon" => &[suites::ANONYMOUS],
        "export" => &[suites::EXPORT],
        "rc4" => &[suites::RC4],
        "3des" => &[suites::TRIPLE_DES],
        "cbc" => &[suites::CBC],
        "modern" => &[suites::TLS13, suites::TLS12_AEAD],
        _ => {
            let number = (0..=u16::MAX).find(|number| suite_name(*number) == name);
            let number = number.ok_or_else(|| not_allowed(format!("`{name}` is no cipher suite")))?;
            return Ok(vec![number]);
        }
    };
    Ok(group.concat())
}

fn shown_version(version: u16) -> String {
    if version == 0x0300 {
        "ssl3.0".to_owned()
    } else {
        version_name(version)
    }
}
