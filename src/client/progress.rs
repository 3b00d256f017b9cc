//! How far a control connection has come: which commands wait for their reply, and what the positive ones changed.
//!
//! Followed from the commands and replies themselves, so that `reach` does only what is missing however a session got
//! where it is. RFC 959 section 5.4, RFC 4217 sections 4 to 13. Does not judge.

use std::collections::VecDeque;

use crate::wire::ReplyCode;
use crate::wire::command::Verb;

/// How many commands may wait for a reply; older ones are forgotten.
const WAITING_LIMIT: usize = 1024;

/// What is known of one control connection.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Who is logged in.
    pub(super) login: Option<String>,
    /// PBSZ was accepted.
    pub(super) buffer_size: bool,
    /// PROT P is in force.
    pub(super) private: bool,
    /// The argument of the last TYPE that was accepted.
    pub(super) transfer_type: Option<String>,
    /// It refused EPSV as a command it does not have.
    pub(super) lacks_epsv: bool,
    /// A reply has been taken, so the greeting is behind us.
    pub(super) greeted: bool,
    user: Option<String>,
    waiting: VecDeque<Sent>,
}

/// A command that waits for its reply.
#[derive(Debug)]
struct Sent {
    verb: String,
    argument: String,
    /// A preliminary reply has come.
    has_begun: bool,
}

impl Progress {
    /// A command line went out.
    pub(super) fn note_command(&mut self, line: &str) {
        let line = line.trim_end_matches(['\r', '\n']);
        let (verb, argument) = line.split_once(' ').unwrap_or((line, ""));
        if self.waiting.len() >= WAITING_LIMIT {
            self.waiting.pop_front();
        }
        self.waiting.push_back(Sent {
            verb: verb.to_ascii_uppercase(),
            argument: argument.to_owned(),
            has_begun: false,
        });
    }

    /// A reply arrived.
    pub(super) fn note_reply(&mut self, code: ReplyCode) {
        if !code.class().is_final() {
            return;
        }
        if let Some(sent) = self.waiting.pop_front() {
            self.apply(sent, code.value());
        }
    }

    /// TLS started on the control connection: what was agreed before holds no longer.
    pub(super) fn note_tls(&mut self) {
        self.forget_login();
    }

    /// A preliminary reply arrived: whether it is the first one to a command that moves data (RETR, STOR, LIST, …).
    pub(super) fn begins_transfer(&mut self) -> bool {
        let Some(sent) = self.waiting.front_mut() else {
            return false;
        };
        let is_transfer = sent.verb.parse::<Verb>().is_ok_and(|verb| verb.is_transfer());
        is_transfer && !std::mem::replace(&mut sent.has_begun, true)
    }

    /// Whether a command still waits for its final reply.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn apply(&mut self, sent: Sent, code: u16) {
        match (sent.verb.as_str(), code) {
            ("USER", 230 | 232) => {
                self.login = Some(sent.argument.clone());
                self.user = Some(sent.argument);
            }
            ("USER", 300..=399) => self.user = Some(sent.argument),
            ("PASS" | "ACCT", 200..=299) => self.login.clone_from(&self.user),
            ("PBSZ", 200..=299) => self.buffer_size = true,
            ("PROT", 200..=299) => self.private = sent.argument.trim().eq_ignore_ascii_case("P"),
            ("TYPE", 200..=299) => self.transfer_type = Some(sent.argument.trim().to_ascii_uppercase()),
            ("REIN", 200..=299) => {
                self.forget_login();
                self.transfer_type = None;
            }
            _ => {}
        }
    }

    fn forget_login(&mut self) {
        self.login = None;
        self.user = None;
        self.buffer_size = false;
        self.private = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange(progress: &mut Progress, line: &str, codes: &[u16]) {
        progress.note_command(line);
        for code in codes {
            progress.note_reply(ReplyCode::new(*code).unwrap());
        }
    }

    #[test]
    fn a_login_is_followed_to_private_data_and_back() {
        let mut progress = Progress::default();
        exchange(&mut progress, "user ada", &[331]);
        assert_eq!(progress.login, None);
        exchange(&mut progress, "PASS x", &[230]);
        assert_eq!(progress.login.as_deref(), Some("ada"));
        exchange(&mut progress, "PBSZ 0", &[200]);
        exchange(&mut progress, "PROT P", &[200]);
        assert!(progress.buffer_size && progress.private);
        exchange(&mut progress, "PROT C", &[534]);
        assert!(progress.private);
        exchange(&mut progress, "REIN", &[120, 220]);
        assert!(!progress.private && progress.login.is_none());
    }

    #[test]
    fn a_preliminary_reply_leaves_its_command_waiting() {
        let mut progress = Progress::default();
        exchange(&mut progress, "RETR x", &[150]);
        assert!(progress.is_waiting());
        progress.note_reply(ReplyCode::new(226).unwrap());
        assert!(!progress.is_waiting());
    }

    #[test]
    fn a_reply_without_a_command_changes_nothing() {
        let mut progress = Progress::default();
        progress.note_reply(ReplyCode::new(220).unwrap());
        exchange(&mut progress, "USER a", &[230]);
        assert_eq!(progress.login.as_deref(), Some("a"));
    }
}
