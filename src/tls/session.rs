//! Sessions that can be resumed, and the store that keeps those of one control connection and its data connections.

use crate::trace::Channel;

/// Where a session came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionOrigin {
    /// The connection that received it.
    pub channel: Channel,
    /// Counted from 1 on that connection.
    pub number: u32,
}

/// A session that can be offered, more than once if wanted. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Session {
    origin: SessionOrigin,
}

impl Session {
    /// Where it came from.
    #[must_use]
    pub fn origin(&self) -> &SessionOrigin {
        &self.origin
    }

    /// The same session with one bit of its ticket flipped (RFC 5077 section 5.3); none where there is no ticket we
    /// can alter (TLS 1.2).
    #[must_use]
    pub fn forged(&self) -> Option<Self> {
        todo!()
    }
}

/// The sessions received by the connections of one FTP session, oldest first. Bounded.
#[derive(Clone, Debug, Default)]
pub struct SessionStore {}

impl SessionStore {
    /// Keeps `session`.
    pub fn put(&self, _session: Session) {
        todo!()
    }

    /// The newest session that came over the control connection.
    #[must_use]
    pub fn newest_of_control(&self) -> Option<Session> {
        todo!()
    }

    /// The first session that came over the control connection.
    #[must_use]
    pub fn first_of_control(&self) -> Option<Session> {
        todo!()
    }

    /// The newest session that came over any data connection.
    #[must_use]
    pub fn newest_of_data(&self) -> Option<Session> {
        todo!()
    }
}
