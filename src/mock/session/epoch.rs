//! Which TLS sessions belong to which control connection.
//!
//! RFC 4217 section 10.2: a data connection that resumes a session of its control connection has the same peer. Values only.

/// Bits of a session label that count data connections.
const LABEL_SHIFT: u32 = 20;

/// The TLS sessions that belong to a control connection, from one AUTH to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::mock) struct Epoch {
    /// Its own number; none in clear.
    pub(super) own: Option<u64>,
    /// The epoch whose session its handshake resumed.
    pub(super) resumed: Option<u64>,
}

/// Where the session behind a label was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mock) struct Label {
    /// The epoch.
    pub(in crate::mock) epoch: u64,
    /// The data connection; 0 for the control connection.
    pub(in crate::mock) connection: u32,
}

impl Label {
    /// As a number for `tls`.
    pub(in crate::mock) fn encode(self) -> u64 {
        let connection = u64::from(self.connection) & ((1 << LABEL_SHIFT) - 1);
        (self.epoch << LABEL_SHIFT) | connection
    }

    /// The inverse of [`Self::encode`].
    pub(in crate::mock) fn decode(label: u64) -> Self {
        Self {
            epoch: label >> LABEL_SHIFT,
            connection: u32::try_from(label & ((1 << LABEL_SHIFT) - 1)).unwrap_or(0),
        }
    }
}

impl Epoch {
    /// Whether a session of `epoch` belongs to this control connection.
    pub(in crate::mock) fn owns(&self, epoch: u64) -> bool {
        self.own == Some(epoch) || self.resumed == Some(epoch)
    }

    /// The label of data connection `connection`. In clear there is no session, and label 0 is nobody's.
    pub(in crate::mock) fn label(&self, connection: u32) -> Label {
        Label {
            epoch: self.own.unwrap_or(0),
            connection,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_tell_control_and_data_connections_apart() {
        let label = Label {
            epoch: 7,
            connection: 3,
        };
        assert_eq!(Label::decode(label.encode()), label);
        let epoch = Epoch {
            own: Some(7),
            resumed: Some(2),
        };
        assert!(epoch.owns(7) && epoch.owns(2) && !epoch.owns(3));
        assert!(!Epoch::default().owns(0));
    }
}
