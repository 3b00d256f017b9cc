//! Which connection an event belongs to.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A connection of a case: the control connection of a named session, or its n-th data connection (from 1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Channel {
    /// The name of the session (the login) in the scenario; `main` unless a step says otherwise.
    pub session: Arc<str>,
    /// Control, or which data connection.
    pub kind: ChannelKind,
}

/// Control or data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// The control connection.
    Control,
    /// The n-th data connection of the session, counted from 1.
    Data(u32),
}

impl Channel {
    /// The name of the session that steps use when they name none.
    pub const MAIN: &'static str = "main";

    /// The control connection of `session`.
    #[must_use]
    pub fn control(session: &str) -> Self {
        Self {
            session: session.into(),
            kind: ChannelKind::Control,
        }
    }

    /// The `number`-th data connection of `session`.
    #[must_use]
    pub fn data(session: &str, number: u32) -> Self {
        Self {
            session: session.into(),
            kind: ChannelKind::Data(number),
        }
    }

    /// Whether this is a data connection.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self.kind, ChannelKind::Data(_))
    }
}

/// `control`, `data 1`, and with another session `second control`, `second data 1`.
impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if &*self.session != Self::MAIN {
            write!(f, "{} ", self.session)?;
        }
        match self.kind {
            ChannelKind::Control => f.write_str("control"),
            ChannelKind::Data(number) => write!(f, "data {number}"),
        }
    }
}

impl FromStr for Channel {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split(' ').collect();
        let parsed = match words.as_slice() {
            ["control"] => Some(Self::control(Self::MAIN)),
            ["data", number] => number.parse().ok().map(|n| Self::data(Self::MAIN, n)),
            [session, "control"] => Some(Self::control(session)),
            [session, "data", number] => number.parse().ok().map(|n| Self::data(session, n)),
            _ => None,
        };
        parsed.ok_or_else(|| format!("expected `control` or `data N`, got `{text}`"))
    }
}

impl serde::Serialize for Channel {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Channel {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_read_as_they_are_written() {
        for channel in [
            Channel::control("main"),
            Channel::data("main", 3),
            Channel::control("second"),
            Channel::data("second", 1),
        ] {
            assert_eq!(channel.to_string().parse::<Channel>().unwrap(), channel);
        }
        assert_eq!(Channel::data("main", 1).to_string(), "data 1");
        assert!("data".parse::<Channel>().is_err());
    }
}
