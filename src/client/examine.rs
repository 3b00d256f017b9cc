//! The `file` check: looks at a file of the target with RETR.
//!
//! Uses the session itself with whatever protection it has. Where the session is gone or still waits for a reply, a
//! session of its own (`examiner`) logs in the same way.

use std::sync::Arc;

use super::engine::FinalReply;
use super::session::{Session, Shared};
use super::transfer::Body;
use crate::base::{Span, Spanned};
use crate::scenario::model::{AccountRef, Level, Reach, TlsChoice, TransferChoice};
use crate::trace::{ActionProblem, EventKind, TransferSummary};

/// The name of the session that looks at files when the one under test cannot.
const EXAMINER: &str = "examiner";

/// What was found.
enum Found {
    File(TransferSummary),
    Missing,
    Unknown(String),
}

impl Session {
    /// Looks at `path` and records `FileExamined` on the control channel of this session.
    pub(super) async fn examine_file(&mut self, path: &str) {
        let found = if self.is_usable() {
            self.look_at(path).await
        } else {
            let mut examiner = self.examiner();
            let found = match examiner.log_in_like(self).await {
                Ok(()) => examiner.look_at(path).await,
                Err(problem) => Found::Unknown(in_words(&problem)),
            };
            examiner.finish(self.timeouts().close).await;
            found
        };
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

    /// Whether a command could be sent and its reply be recognised.
    fn is_usable(&self) -> bool {
        self.control
            .as_ref()
            .is_some_and(|control| control.is_readable() && !control.progress.is_waiting())
    }

    fn examiner(&self) -> Self {
        let shared: Arc<Shared> = Arc::clone(&self.shared);
        Self::new(EXAMINER, shared)
    }

    /// Reaches the level and account that `other` had.
    async fn log_in_like(&mut self, other: &Self) -> Result<(), ActionProblem> {
        let was_protected = other
            .control
            .as_ref()
            .is_some_and(|control| control.link.is_protected());
        let level = match (other.is_private(), was_protected) {
            (true, _) => Level::DataProtected,
            (false, true) => Level::Authenticated,
            (false, false) => Level::AuthenticatedInClear,
        };
        let login = other
            .control
            .as_ref()
            .and_then(|control| control.progress.login.clone());
        let second = self
            .shared
            .settings
            .accounts
            .get(1)
            .map(|credentials| credentials.user.clone());
        let account = if login.is_some() && login == second {
            AccountRef::Second
        } else {
            AccountRef::First
        };
        let level = Spanned::new(level, Span::default());
        self.reach(&Reach {
            level,
            account,
            tls: TlsChoice::default(),
        })
        .await
    }

    async fn look_at(&mut self, path: &str) -> Found {
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
}

/// `problem` as one lower-case sentence.
fn in_words(problem: &ActionProblem) -> String {
    match problem {
        ActionProblem::NotConnected { detail }
        | ActionProblem::ConnectionRefused { detail }
        | ActionProblem::Closed { detail }
        | ActionProblem::HandshakeFailed { detail }
        | ActionProblem::Unusable { detail }
        | ActionProblem::NotAllowed { detail } => detail.clone(),
        ActionProblem::TimedOut { waited, seconds } => {
            format!(
                "nothing within {seconds} s (waited for {})",
                format!("{waited:?}").to_lowercase()
            )
        }
        ActionProblem::RefusedByReply { code } => format!("refused with reply {code}"),
        ActionProblem::UnexpectedReply { code, hoped } => format!("reply {code}, hoped for {hoped}"),
    }
}
