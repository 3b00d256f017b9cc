//! `send-record`: records that no TLS library sends of its own accord.
//!
//! RFC 8446 sections 4.6.3 (KeyUpdate) and 5 (records), RFC 5246 sections 6.2 and 7.4.1.2 (renegotiation). Sends and
//! records; how the target takes it is for the judge.

use super::problem::{from_link, not_allowed, not_connected};
use super::session::Session;
use crate::scenario::model::{ChannelRef, RecordWord, SendRecord};
use crate::trace::{ActionProblem, EventKind, Waited};
use crate::wire::tls_record::{HelloSpec, content_type};

/// Plaintext that no version allows: TLS 1.2 takes 2048 bytes more than 2^14 behind encryption, TLS 1.3 256.
const OVERSIZE: usize = (1 << 14) + 2100;

impl Session {
    /// `send-record`.
    pub(super) async fn send_record(&mut self, action: &SendRecord) -> Result<(), ActionProblem> {
        let within = self.timeouts().data;
        let recorder = self.recorder().clone();
        self.note_arrivals().await;
        let link = match action.channel {
            ChannelRef::Control => &mut self.open_control()?.link,
            ChannelRef::Data => {
                let link = self.data.as_mut().and_then(|data| data.link.as_mut());
                link.ok_or_else(|| not_connected("the data connection is gone"))?
            }
        };
        if !link.is_protected() {
            return Err(not_connected("TLS is not on"));
        }
        if action.record == RecordWord::KeyUpdate && !link.is_tls13() {
            return Err(not_allowed("TLS 1.2 has no KeyUpdate"));
        }
        let event = EventKind::RecordSent {
            record: action.record.name().to_owned(),
            count: action.count,
        };
        recorder.record(&link.channel().clone(), event);
        for _ in 0..action.count {
            let sent = match action.record {
                RecordWord::ClientHello => {
                    let mut hello = HelloSpec::for_version(0x0303);
                    hello.renegotiation_info = false;
                    link.send_any_record(content_type::HANDSHAKE, &hello.encode_message(), within)
                        .await
                }
                RecordWord::Empty => {
                    link.send_any_record(content_type::APPLICATION_DATA, &[], within)
                        .await
                }
                RecordWord::KeyUpdate => link.send_key_update(true, within).await,
                RecordWord::Oversize => {
                    link.send_any_record(content_type::APPLICATION_DATA, &[b'x'; OVERSIZE], within)
                        .await
                }
            };
            sent.map_err(|error| from_link(&error, Waited::Write, within, &recorder))?;
        }
        Ok(())
    }
}
