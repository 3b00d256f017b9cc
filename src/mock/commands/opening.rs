//! The preliminary reply of a transfer: which code, and when it is due.
//!
//! RFC 959 sections 4.2.2 and 5.4, RFC 4217 section 12.7. The usual way is 150 at once; habits do it later.

use crate::mock::data::Payload;
use crate::mock::session::Session;
use crate::mock::{Fault, Habit};
use crate::wire::command::Verb;

/// The largest download whose 150 may wait for its end: it fits into the buffers between us and a client that reads nothing
/// before the 150.
const SMALL: usize = 16 * 1024;

/// A preliminary reply that is not sent yet.
pub(super) struct Opening {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) due: Due,
}

/// When a preliminary reply is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Before the data connection is looked at.
    AtOnce,
    /// When the data connection is there.
    Connected,
    /// When it is ready for data: connected, and protected where it has to be.
    Ready,
    /// With the final reply.
    AtTheEnd,
}

/// RFC 3659 section 7.2 gives MLSD 150 and 226 and no others.
pub(super) fn may_use_other_codes(session: &Session, verb: &Verb) -> bool {
    session.does(Habit::Replies125And250) && *verb != Verb::Mlsd
}

impl Opening {
    /// The preliminary reply of `verb`, a transfer of `payload`; none for a fault.
    pub(super) fn of(session: &Session, verb: &Verb, text: String, payload: &Payload) -> Option<Self> {
        if session.has(Fault::Omits150) {
            return None;
        }
        let is_small = matches!(payload, Payload::Download(bytes) if bytes.len() <= SMALL);
        let late = session.does(Habit::Sends150AfterHandshake)
            || session.does(Habit::SendsRepliesTogether)
            || session.has(Fault::Sends150AfterDataHandshake);
        let (code, due) = if session.does(Habit::SendsRepliesTogether) && is_small {
            (150, Due::AtTheEnd)
        } else if late {
            (150, Due::Ready)
        } else if may_use_other_codes(session, verb) {
            (125, Due::Connected)
        } else {
            (150, Due::AtOnce)
        };
        Some(Self { code, text, due })
    }
}
