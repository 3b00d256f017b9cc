//! The `file` check: looks at a file of the target with RETR.
//!
//! Done by a session of its own that logs in the way the session under test did, so that looking changes nothing: not
//! the transfer type, not a pending RNFR, not which reply or data connection comes next. Where that session cannot log in,
//! the file is looked at on the session itself.

use super::engine::FinalReply;
use super::session::Session;
use super::transfer::Body;
use crate::base::{Span, Spanned};
use crate::scenario::model::{AccountRef, Level, Reach, TlsChoice, TransferChoice};
use crate::trace::{ActionProblem, EventKind, TransferSummary};

/// The name of the session that looks at the files of `account`.
pub(super) fn examiner_of(account: AccountRef) -> &'static str {
    match account {
        AccountRef::First => "examiner",
        AccountRef::Second => "examiner-2",
    }
}

/// What was found.
pub(super) enum Found {
    File(TransferSummary),
    Missing,
    Unknown(String),
}

impl Session {
    /// Who looks at files for this session: the same account, with the same protection.
    pub(super) fn like_this(&self) -> Reach {
        let progress = self.control.as_ref().map(|control| &control.progress);
        let login = progress.and_then(|progress| progress.login.as_deref());
        let was_protected = self
            .control
            .as_ref()
            .is_some_and(|control| control.link.is_protected());
        let level = match (self.is_private(), was_protected, login) {
            (true, ..) | (_, _, None) => Level::DataProtected,
            (false, true, Some(_)) => Level::Authenticated,
            (false, false, Some(_)) => Level::AuthenticatedInClear,
        };
        let second = self.shared.settings.accounts.get(1);
        let is_second = login.is_some() && login == second.map(|credentials| credentials.user.as_str());
        Reach {
            level: Spanned::new(level, Span::default()),
            account: if is_second {
                AccountRef::Second
            } else {
                AccountRef::First
            },
            tls: TlsChoice::default(),
        }
    }

    /// Whether a command could be sent and its reply be recognised.
    pub(super) fn is_idle(&self) -> bool {
        self.control.as_ref().is_some_and(|control| {
            control.is_readable() && !control.progress.is_waiting() && control.next_reply().is_none()
        })
    }

    /// Retrieves `path`.
    pub(super) async fn look_at(&mut self, path: &str) -> Found {
        let plan = self.plan(format!("RETR {path}"), &TransferChoice::default(), Body::Download);
        let outcome = match plan {
            Ok(transfer) => self.transfer(&transfer, FinalReply::Take).await,
            Err(problem) => Err(problem),
        };
        match outcome {
            Ok(()) => match &self.data {
                Some(data) => Found::File(data.summary(self.recorder())),
                None => Found::Unknown("the data connection is gone".to_owned()),
            },
            Err(ActionProblem::UnexpectedReply { code, hoped }) if hoped.ends_with("RETR") => {
                match code.value() {
                    450 | 550 => Found::Missing,
                    _ => Found::Unknown(format!("reply {code} to RETR")),
                }
            }
            Err(problem) => Found::Unknown(in_words(&problem)),
        }
    }

    /// Records what was found at `path` on the control channel of this session.
    pub(super) fn record_found(&self, path: &str, found: Found) {
        let (exists, summary, problem) = match found {
            Found::File(summary) => (true, Some(summary), None),
            Found::Missing => (false, None, None),
            Found::Unknown(why) => (false, None, Some(why)),
        };
        let event = EventKind::FileExamined {
            path: self.recorder().mask(path),
            exists,
            bytes: summary.as_ref().map(|summary| summary.bytes),
            sha256: summary.map(|summary| summary.sha256),
            problem,
        };
        self.recorder().record(&self.control_channel(), event);
    }
}

/// `problem` as one lower-case sentence.
pub(super) fn in_words(problem: &ActionProblem) -> String {
    match problem {
        ActionProblem::NotConnected { detail }
        | ActionProblem::ConnectionRefused { detail }
        | ActionProblem::Closed { detail }
        | ActionProblem::HandshakeFailed { detail }
        | ActionProblem::Unusable { detail }
        | ActionProblem::NotAllowed { detail } => detail.clone(),
        ActionProblem::TimedOut { waited, seconds } => {
            format!("nothing within {seconds} s (waited for {waited:?})").to_lowercase()
        }
        ActionProblem::RefusedByReply { code } => format!("refused with reply {code}"),
        ActionProblem::UnexpectedReply { code, hoped } => format!("reply {code}, hoped for {hoped}"),
    }
}
