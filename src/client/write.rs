//! `write-data` and `send-raw`: bytes with chosen boundaries.
//!
//! RFC 959 section 3.4, RFC 8446 section 5.1 (records). Writing gives up when the target refuses the transfer on the control
//! connection and does not read on.

use super::clear_password::allow_in_clear;
use super::content::ContentSource;
use super::control::record_raw;
use super::data::DataTls;
use super::escapes::unescape;
use super::problem::{closed, from_link, not_allowed, not_connected};
use super::session::Session;
use super::wait::{Alongside, alongside};
use crate::scenario::model::{ChannelRef, Content, SendRaw, WriteData};
use crate::trace::{ActionProblem, Waited};

/// About how much is given to the data connection at once.
const PIECE: usize = 64 * 1024;
/// The longest plaintext of a TLS record, RFC 8446 section 5.1.
const RECORD_LIMIT: usize = 16 * 1024;

/// How content is cut into TLS records.
#[derive(Clone, Copy, Debug)]
struct Records {
    size: usize,
    corrupt: bool,
}

impl Session {
    /// `write-data`.
    pub(super) async fn write_data(&mut self, write: &WriteData) -> Result<(), ActionProblem> {
        let size = write.record_size.unwrap_or(RECORD_LIMIT).clamp(1, RECORD_LIMIT);
        self.write_records(
            &write.content,
            Records {
                size,
                corrupt: write.corrupt,
            },
        )
        .await
    }

    /// Writes `content` in whole records.
    pub(super) async fn write_content(&mut self, content: &Content) -> Result<(), ActionProblem> {
        self.write_records(
            content,
            Records {
                size: RECORD_LIMIT,
                corrupt: false,
            },
        )
        .await
    }

    async fn write_records(&mut self, content: &Content, records: Records) -> Result<(), ActionProblem> {
        let seed = self.shared.settings.content_seed;
        let mut source = ContentSource::new(content, seed).map_err(not_allowed)?;
        self.connect_listener().await?;
        let piece = PIECE - PIECE % records.size;
        while !source.is_empty() {
            let bytes = source.next_piece(piece);
            let corrupt = records.corrupt && source.is_empty();
            self.write_piece(&bytes, Records { corrupt, ..records }).await?;
        }
        Ok(())
    }

    async fn write_piece(&mut self, bytes: &[u8], records: Records) -> Result<(), ActionProblem> {
        let within = self.timeouts().data;
        let Self {
            control,
            data: Some(data),
            store,
            shared,
            ..
        } = self
        else {
            return Err(not_connected("there is no data connection"));
        };
        if data.tls == DataTls::Failed {
            return Err(not_connected("the TLS handshake of the data connection failed"));
        }
        let Some(link) = data.link.as_mut() else {
            return Err(not_connected("the data connection is gone"));
        };
        let sending = async {
            if link.is_protected() {
                link.send_records(bytes, records.size, records.corrupt, within)
                    .await
            } else {
                link.send(bytes, within).await
            }
        };
        match alongside(control.as_mut(), store, sending).await {
            Alongside::Done(Ok(())) => Ok(()),
            Alongside::Done(Err(error)) => Err(from_link(&error, Waited::Write, within, &shared.recorder)),
            Alongside::Refused(code) => Err(ActionProblem::RefusedByReply { code }),
            Alongside::ControlEnded(why) => Err(closed(why)),
        }
    }

    /// `send-raw`.
    pub(super) async fn send_raw(&mut self, raw: &SendRaw) -> Result<(), ActionProblem> {
        let within = self.timeouts().data;
        if raw.channel == ChannelRef::Data {
            self.connect_listener().await?;
        } else {
            self.note_arrivals().await;
            let link = &self.open_control()?.link;
            let (clear, peer) = (raw.clear || !link.is_protected(), link.peer_address().ip());
            if clear {
                // All segments together: a password may be cut in two.
                let bytes: Vec<u8> = raw
                    .segments
                    .iter()
                    .flat_map(|segment| unescape(&segment.value))
                    .collect();
                allow_in_clear(&String::from_utf8_lossy(&bytes), peer, &self.shared.settings)?;
            }
        }
        for segment in &raw.segments {
            let bytes = unescape(&segment.value);
            let recorder = self.recorder().clone();
            let link = match raw.channel {
                ChannelRef::Control => {
                    let control = self.control()?;
                    let protected = control.link.is_protected() && !raw.clear;
                    control.note_raw(&bytes, protected);
                    &mut control.link
                }
                ChannelRef::Data => {
                    let link = self.data.as_mut().and_then(|data| data.link.as_mut());
                    let link = link.ok_or_else(|| not_connected("the data connection is gone"))?;
                    record_raw(&recorder, link, &bytes, link.is_protected() && !raw.clear);
                    link
                }
            };
            let sent = if raw.clear {
                link.send_clear(&bytes, within).await
            } else {
                link.send(&bytes, within).await
            };
            sent.map_err(|error| from_link(&error, Waited::Write, within, &recorder))?;
        }
        Ok(())
    }
}
