//! `probe-tls`: a hand-made ClientHello and the first thing that comes back.
//!
//! RFC 8446 section 4.1.2, RFC 5246 section 7.4.1.2. The connection is of no use afterwards; what still arrives on it is read
//! and forgotten.

mod hello;

use std::net::IpAddr;

use super::data::DataTls;
use super::problem::{closed, from_link, not_allowed, not_connected};
use super::session::Session;
use super::wait::{Alongside, alongside};
use crate::scenario::model::{ChannelRef, ProbeTls};
use crate::trace::{ActionProblem, EventKind, TlsSign, Waited};
use crate::transport::{RawAnswer, RawEnd};
use crate::wire::tls_record::{
    FlightKind, HelloAnswer, downgrade_sentinel, extension, last_hello_answer, parse_hello_answer,
    parse_server_flight, suite_name, version_name,
};
use hello::{Hello, Surroundings, hello_of};

impl Session {
    /// The bytes of the probe, with the session and the server name that it asks for.
    fn hello(&self, probe: &ProbeTls) -> Result<Hello, ActionProblem> {
        let session = match &probe.resume {
            Some(resume) => self.offer(&resume.value, probe.channel)?,
            None => None,
        };
        if probe.resume.is_some()
            && session
                .as_ref()
                .and_then(crate::tls::Session::tls12_offer)
                .is_none()
        {
            return Err(not_allowed("there is no TLS 1.2 session to offer"));
        }
        let name = self.shared.settings.server_name.as_str();
        let around = Surroundings {
            session: session.as_ref().and_then(crate::tls::Session::tls12_offer),
            // An address is no server name (RFC 6066 section 3).
            server_name: name.parse::<IpAddr>().is_err().then_some(name),
        };
        hello_of(probe, &around)
    }

    /// `probe-tls`.
    pub(super) async fn probe_tls(&mut self, probe: &ProbeTls) -> Result<(), ActionProblem> {
        let hello = self.hello(probe)?;
        let within = self.timeouts().handshake;
        let recorder = self.recorder().clone();
        if probe.channel == ChannelRef::Data {
            self.connect_listener().await?;
        } else {
            tokio::time::sleep(self.timeouts().before_tls).await;
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
        recorder.record(&channel, EventKind::ProbeSent { hello: hello.words });
        let enough = |bytes: &[u8]| {
            let is_answered = !bytes.is_empty() && !matches!(parse_hello_answer(bytes), Ok(None));
            is_answered && (!hello.wants_flight || parse_server_flight(bytes).is_complete)
        };
        let segments: Vec<&[u8]> = hello.segments.iter().map(Vec::as_slice).collect();
        let asking = link.raw_probe(&segments, within, enough);
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

fn answered(raw: &RawAnswer) -> EventKind {
    let (mut version, mut suite, mut alpn, mut alert) = (None, None, None, None);
    let (mut signs, mut dh_bits) = (Vec::new(), None);
    let answer = match last_hello_answer(&raw.bytes) {
        Ok(HelloAnswer::ServerHello {
            version: number,
            suite: chosen,
            compression,
            random,
            alpn: protocol,
            extensions,
            warnings,
            ..
        }) => {
            let flight = parse_server_flight(&raw.bytes);
            version = Some(shown_version(number));
            suite = Some(suite_name(chosen));
            alpn = protocol;
            dh_bits = flight.dh_bits;
            signs = signs_of(&extensions);
            signs.extend((compression != 0).then_some(TlsSign::Compression));
            signs.extend(downgrade_sentinel(&random).map(|_| TlsSign::DowngradeSentinel));
            signs.extend((!warnings.is_empty()).then_some(TlsSign::WarningAlert));
            signs.extend((flight.kind == FlightKind::Abbreviated).then_some(TlsSign::Abbreviated));
            "server-hello"
        }
        Ok(HelloAnswer::Sslv2ServerHello) => {
            version = Some("ssl2".to_owned());
            "server-hello"
        }
        Ok(HelloAnswer::Alert { level, description }) => {
            alert = Some(crate::tls::alert_facts(level, description));
            "alert"
        }
        Ok(HelloAnswer::Incomplete(_) | HelloAnswer::Nothing) => match raw.ended {
            RawEnd::Complete | RawEnd::Limit => "plaintext",
            RawEnd::Fin | RawEnd::Reset => "closed",
            RawEnd::TimedOut => "nothing",
        },
        Ok(HelloAnswer::Plaintext(_) | HelloAnswer::Unexpected { .. }) | Err(_) => "plaintext",
    };
    EventKind::ProbeAnswered {
        answer: answer.to_owned(),
        version,
        suite,
        alpn,
        alert,
        signs,
        dh_bits,
    }
}

/// What the extensions of a ServerHello show.
fn signs_of(extensions: &[u16]) -> Vec<TlsSign> {
    let known = [
        (extension::ENCRYPT_THEN_MAC, TlsSign::EncryptThenMac),
        (extension::EXTENDED_MASTER_SECRET, TlsSign::ExtendedMasterSecret),
        (extension::KEY_SHARE, TlsSign::KeyShare),
        (extension::PRE_SHARED_KEY, TlsSign::PreSharedKey),
        (extension::RENEGOTIATION_INFO, TlsSign::RenegotiationInfo),
        (extension::SERVER_NAME, TlsSign::ServerName),
        (extension::TRUNCATED_HMAC, TlsSign::TruncatedHmac),
    ];
    known
        .into_iter()
        .filter(|(number, _)| extensions.contains(number))
        .map(|(_, sign)| sign)
        .collect()
}

fn shown_version(version: u16) -> String {
    if version == 0x0300 {
        "ssl3.0".to_owned()
    } else {
        version_name(version)
    }
}
