//! Lawful habits of the embedded server, a closed list: other ways to be right than the usual one.
//!
//! No RFC judges them. Properties tell them apart. Those that [order a transfer](Habit::orders_transfers) are what RFC 959
//! sections 4.2.2 and 5.4 and RFC 4217 section 12.7 leave open about its replies, when they come and with which of two codes:
//! every scenario has to hold with each of these. What breaks a rule is a [`Fault`] instead.

use std::fmt;
use std::str::FromStr;

use super::Fault;
use super::closed_list::closed_list;
use crate::wire::command::Verb;

closed_list! { Habit, "One way to be right.";
    /// Sends the final reply of a transfer before it ends its side of the data connection.
    CompletesBeforeClose = "completes-before-close",
    /// Makes a full handshake on every data connection, whatever session is offered.
    DoesNotResumeOnData = "does-not-resume-on-data",
    /// Chooses no ALPN protocol, whatever is offered.
    IgnoresAlpn = "ignores-alpn",
    /// Protects data connections behind AUTH SSL without PROT.
    ImpliesPrivateForAuthSsl = "implies-private-for-auth-ssl",
    /// Keeps what has arrived of an upload that was cut, under its name; the upload is refused all the same.
    KeepsCutUploads = "keeps-cut-uploads",
    /// Has no CCC.
    LacksCcc = "lacks-ccc",
    /// Has no EPSV.
    LacksEpsv = "lacks-epsv",
    /// Has no HOST.
    LacksHost = "lacks-host",
    /// Has no MLSD and no MLST.
    LacksMlsd = "lacks-mlsd",
    /// Has neither PORT nor EPRT.
    LacksPort = "lacks-port",
    /// Has no REIN.
    LacksRein = "lacks-rein",
    /// Ends the data connection of an upload without answering the client's close_notify (TLS 1.3 allows that).
    LeavesCloseNotifyUnanswered = "leaves-close-notify-unanswered",
    /// Answers 500 to lines of more than 2048 bytes.
    LimitsLinesTo2048Bytes = "limits-lines-to-2048-bytes",
    /// Answers 500 to lines of more than 256 bytes.
    LimitsLinesTo256Bytes = "limits-lines-to-256-bytes",
    /// Answers 500 to lines of more than 512 bytes.
    LimitsLinesTo512Bytes = "limits-lines-to-512-bytes",
    /// Begins transfers (but not MLSD) with 125, once the data connection is there, and completes them with 250.
    Replies125And250 = "replies-125-and-250",
    /// Sends 150 only when the data connection is there and, where it is private, its handshake is done.
    Sends150AfterHandshake = "sends-150-after-handshake",
    /// Sends four tickets of TLS 1.3 behind each handshake.
    SendsFourTickets = "sends-four-tickets",
    /// Sends one ticket of TLS 1.3 behind each handshake.
    SendsOneTicket = "sends-one-ticket",
    /// Sends 150 and the final reply of a small download in one segment; like `sends-150-after-handshake` otherwise.
    SendsRepliesTogether = "sends-replies-together",
    /// Data connections of implicit TLS are clear until PROT P.
    StartsImplicitInClear = "starts-implicit-in-clear",
    /// Ends TCP of a download behind the client, a second after close_notify at the latest.
    WaitsForTheClientToClose = "waits-for-the-client-to-close",
}

impl Habit {
    /// The habits that order the replies around a transfer, in alphabetical order of the names.
    pub fn of_transfers() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|habit| habit.orders_transfers())
    }

    /// Whether it is about the replies around a transfer: when they come, and with which code.
    #[must_use]
    pub fn orders_transfers(self) -> bool {
        match self {
            Self::CompletesBeforeClose
            | Self::Replies125And250
            | Self::Sends150AfterHandshake
            | Self::SendsRepliesTogether => true,
            Self::DoesNotResumeOnData
            | Self::IgnoresAlpn
            | Self::ImpliesPrivateForAuthSsl
            | Self::KeepsCutUploads
            | Self::LacksCcc
            | Self::LacksEpsv
            | Self::LacksHost
            | Self::LacksMlsd
            | Self::LacksPort
            | Self::LacksRein
            | Self::LeavesCloseNotifyUnanswered
            | Self::LimitsLinesTo256Bytes
            | Self::LimitsLinesTo512Bytes
            | Self::LimitsLinesTo2048Bytes
            | Self::SendsFourTickets
            | Self::SendsOneTicket
            | Self::StartsImplicitInClear
            | Self::WaitsForTheClientToClose => false,
        }
    }

    /// The fault that does the same. Scenarios that detect it ask for more than the RFCs do, and warn of this habit.
    #[must_use]
    pub fn counterpart(self) -> Option<Fault> {
        match self {
            Self::Sends150AfterHandshake | Self::SendsRepliesTogether => {
                Some(Fault::Sends150AfterDataHandshake)
            }
            _ => None,
        }
    }

    /// Whether the server does not have `verb`.
    #[must_use]
    pub fn lacks(self, verb: &Verb) -> bool {
        match self {
            Self::LacksCcc => matches!(verb, Verb::Ccc),
            Self::LacksEpsv => matches!(verb, Verb::Epsv),
            Self::LacksHost => matches!(verb, Verb::Host),
            Self::LacksMlsd => matches!(verb, Verb::Mlsd | Verb::Mlst),
            Self::LacksPort => matches!(verb, Verb::Port | Verb::Eprt),
            Self::LacksRein => matches!(verb, Verb::Rein),
            Self::CompletesBeforeClose
            | Self::DoesNotResumeOnData
            | Self::IgnoresAlpn
            | Self::ImpliesPrivateForAuthSsl
            | Self::KeepsCutUploads
            | Self::LeavesCloseNotifyUnanswered
            | Self::LimitsLinesTo256Bytes
            | Self::LimitsLinesTo512Bytes
            | Self::LimitsLinesTo2048Bytes
            | Self::Replies125And250
            | Self::Sends150AfterHandshake
            | Self::SendsRepliesTogether
            | Self::SendsFourTickets
            | Self::SendsOneTicket
            | Self::StartsImplicitInClear
            | Self::WaitsForTheClientToClose => false,
        }
    }
}

impl fmt::Display for Habit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Habit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .iter()
            .copied()
            .find(|habit| habit.name() == text)
            .ok_or_else(|| format!("unknown habit `{text}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_sorted_and_read_back() {
        let names: Vec<&str> = Habit::ALL.iter().map(|habit| habit.name()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
        for habit in Habit::ALL {
            assert_eq!(habit.name().parse::<Habit>(), Ok(*habit));
            assert!(habit.meaning().ends_with('.'));
        }
    }
}
