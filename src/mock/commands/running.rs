//! A transfer under way: the preliminary reply, the data connection, the control connection beside it, and the final reply.
//!
//! RFC 959 section 4.1.3 (ABOR and STAT during a transfer) and 5.4, RFC 4217 section 10.2 (refusals).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::argument::Refused;
use super::info;
use super::opening::{Due, Opening, may_use_other_codes};
use crate::mock::data::{self, Outcome, Payload, Plan, Progress, Protection, Route};
use crate::mock::observation::{DataEnd, Observation, ResumedFrom};
use crate::mock::session::{Control, Ended, Epoch, Level, Line, Session, Step};
use crate::mock::state::{self, Turn};
use crate::mock::{Fault, Habit};
use crate::trace::Channel;
use crate::transport::Link;
use crate::wire::command::{Command, Verb};

/// A transfer about to start.
pub(super) struct Job<'a> {
    pub(super) verb: &'a Verb,
    pub(super) payload: Payload,
    /// Text of the preliminary reply.
    pub(super) preliminary: String,
}

/// A transfer whose data is through; its final reply is still to be sent.
pub(super) struct Done {
    pub(super) content: Vec<u8>,
    observation: Observation,
    /// The preliminary reply, when it goes out with the final one.
    opening: Option<Opening>,
    /// The data connection, when our end of it comes behind the final reply.
    link: Option<Link>,
}

/// Sends `bytes` over a data connection, and the replies around it.
pub(super) async fn send(
    session: &mut Session,
    command: &Command,
    bytes: Vec<u8>,
    preliminary: String,
) -> Step {
    let job = Job {
        verb: &command.verb,
        payload: Payload::Download(bytes),
        preliminary,
    };
    match transfer(session, job).await? {
        Some(done) if command.verb == Verb::Mlsd && session.has(Fault::AnswersMlsdWith200) => {
            complete(session, &command.verb, done, (200, "Done.")).await
        }
        Some(done) => complete(session, &command.verb, done, (226, "Done.")).await,
        None => Ok(()),
    }
}

/// Refuses a transfer before its data connection is used; the client has to open another one.
pub(super) async fn refuse(session: &mut Session, (code, text): Refused) -> Step {
    if code != 521 {
        session.settings.route = None;
    }
    session.reply(code, text).await
}

/// Sends the final reply of a transfer whose data is through, and ends what is still open of it.
pub(super) async fn complete(session: &mut Session, verb: &Verb, done: Done, (code, text): Refused) -> Step {
    let code = match code {
        226 if may_use_other_codes(session, verb) => 250,
        other => other,
    };
    if let Some(opening) = &done.opening {
        session.hold_reply(opening.code, &opening.text);
    }
    finish(session, done.observation, (code, text)).await?;
    if let Some(link) = done.link {
        session
            .drains
            .spawn(data::close(link, session.shared.options.data_timeout));
    }
    Ok(())
}

/// Sends the final reply, and notes what was seen.
async fn finish(session: &mut Session, mut observation: Observation, (code, text): Refused) -> Step {
    observation.reply = code;
    session.shared.observe(observation);
    session.reply(code, text).await
}

// Protection

/// The level that is in force, as faults see it.
fn level(session: &Session) -> Level {
    if session.has(Fault::FixesLevelAtEpsv)
        && let Some(route) = &session.settings.route
    {
        return route.level;
    }
    let is_fresh = session.epoch != Epoch::default() && !session.settings.has_prot;
    if is_fresh && session.has(Fault::DefaultsToPrivateAfterAuth) {
        return Level::Private;
    }
    session.settings.level
}

/// The policy, looked at when the transfer command comes (RFC 4217 section 10.2).
pub(super) fn check_level(session: &Session) -> Result<(), Refused> {
    let is_wrong = level(session) == Level::Clear
        && session.shared.options.data_tls_required
        && !session.has(Fault::ServesClearDataWhenTlsRequired)
        && !(session.settings.has_prot && session.has(Fault::AcceptsProtCAgainstPolicy));
    if is_wrong {
        Err((521, "This server wants protected data; PROT P comes first."))
    } else {
        Ok(())
    }
}

fn protection(session: &Session, is_listing: bool) -> Protection {
    match level(session) {
        Level::Clear if session.is_auth_ssl && session.has(Fault::ImpliesPrivateForAuthSslButSendsClear) => {
            Protection::ClearBehindHello
        }
        Level::Clear => Protection::Clear,
        Level::Private if is_listing && session.has(Fault::SendsListingInClearAfterProtP) => {
            Protection::Clear
        }
        Level::Private => Protection::Private,
    }
}

// The transfer itself

/// Sends the preliminary reply, moves the data, and answers failures; what is given back was moved and wants its final reply.
pub(super) async fn transfer(session: &mut Session, job: Job<'_>) -> Result<Option<Done>, Ended> {
    let is_empty = matches!(&job.payload, Payload::Download(bytes) if bytes.is_empty());
    let Some(mut plan) = plan(session, job.verb) else {
        if !session.has(Fault::HangsWithoutDataConnection) {
            session
                .reply(425, "PASV, EPSV, PORT or EPRT comes first.")
                .await?;
        }
        return Ok(None);
    };
    if is_empty && plan.is_listing && session.has(Fault::SkipsHandshakeForEmptyListing) {
        plan.protection = Protection::Clear;
    }
    let mut opening = Opening::of(session, job.verb, job.preliminary, &job.payload);
    open(session, &mut opening, Due::AtOnce).await?;
    let mut observation = Observation {
        session: session.number,
        number: plan.number,
        verb: job.verb.as_str().to_owned(),
        path: plan.route.path,
        handshake: None,
        end: DataEnd::Aborted,
        bytes: 0,
        reply: 0,
    };
    let progress = Arc::new(Progress::default());
    let outcome = match carry(session, plan, job.payload, &progress, &mut opening).await {
        Ok(outcome) => outcome,
        Err(ended) => {
            session.shared.observe(observation);
            return Err(ended);
        }
    };
    observation.bytes = progress.bytes.load(Ordering::Relaxed);
    let Carried::Over { outcome, is_aborted } = outcome else {
        observation.reply = 426;
        session.shared.observe(observation);
        session.has_aborted = true;
        session.reply(426, "The transfer was aborted.").await?;
        session.reply(226, "Abort done.").await?;
        return Ok(None);
    };
    observation.end = outcome.end;
    observation.handshake.clone_from(&outcome.handshake);
    after_transfer(session, &outcome);
    let Outcome { result, link, .. } = *outcome;
    let ends_late = session.does(Habit::CompletesBeforeClose) && result.is_ok();
    let (link, ended) = match link {
        Some(link) if session.has(Fault::KeepsDataConnectionOpen) => {
            session.held = Some(link);
            (None, None)
        }
        link if ends_late => (link, None),
        link => (None, link),
    };
    if let Some(link) = ended {
        session.drains.spawn(data::drain(link));
    }
    if is_aborted {
        // Only a fault gets here.
        finish(session, observation, (226, "Done.")).await?;
        session.reply(226, "Abort done.").await?;
        return Ok(None);
    }
    match result {
        Ok(content) => Ok(Some(Done {
            content,
            observation,
            opening,
            link,
        })),
        Err(failure) => {
            session.cut_upload = failure.kept;
            answer_failure(session, observation, (failure.code, failure.text)).await?;
            Ok(None)
        }
    }
}

/// Sends the preliminary reply when it is due `now`.
async fn open(session: &mut Session, opening: &mut Option<Opening>, now: Due) -> Step {
    match opening.take_if(|opening| opening.due == now) {
        Some(opening) => {
            session.reply(opening.code, &opening.text).await?;
            if session.has(Fault::Sends150Twice) {
                session.reply(opening.code, &opening.text).await?;
            }
            Ok(())
        }
        None => Ok(()),
    }
}

async fn answer_failure(session: &mut Session, observation: Observation, reply: Refused) -> Step {
    let has_failed_handshake = observation.end == DataEnd::HandshakeFailed;
    if observation.end == DataEnd::NotConnected && session.has(Fault::AcknowledgesMissingDataConnection) {
        return finish(session, observation, (226, "Done.")).await;
    }
    let is_not_reused = observation.end == DataEnd::Refused && reply.0 == 522;
    if is_not_reused && session.has(Fault::DropsDataSilentlyWithoutReuse) {
        session.shared.observe(observation);
        return Ok(());
    }
    if observation.end == DataEnd::Fin && session.has(Fault::LeavesTruncatedUploadUnanswered) {
        session.shared.observe(observation);
        return Ok(());
    }
    let reply = if has_failed_handshake && session.has(Fault::AcknowledgesFailedDataHandshake) {
        (226, "Done.")
    } else {
        reply
    };
    finish(session, observation, reply).await?;
    if has_failed_handshake && session.has(Fault::EndsSessionOnDataHandshakeFailure) {
        return Err(Ended::ByServer);
    }
    Ok(())
}

/// What a transfer leaves behind, for faults.
fn after_transfer(session: &mut Session, outcome: &Outcome) {
    if session.has(Fault::ForgetsProtAfterOneTransfer) {
        session.settings.level = Level::Clear;
    }
    let resumed = outcome.handshake.as_ref().and_then(|handshake| handshake.resumed);
    if matches!(resumed, Some(ResumedFrom::Data(_))) {
        session.has_used_data_session = true;
    }
}

/// Takes the route that PASV or PORT made; none when there is none.
fn plan(session: &mut Session, verb: &Verb) -> Option<Plan> {
    let is_listing = matches!(verb, Verb::List | Verb::Nlst | Verb::Mlsd);
    let protection = protection(session, is_listing);
    let mut route: Route = session.settings.route.take()?;
    if session.has_aborted && session.has(Fault::LosesDataPathAfterAbor) {
        return None;
    }
    if session.has(Fault::ReusesPassiveListener) {
        session.settings.route = route.again();
    }
    let older = route.older.take();
    session.data_number = session.data_number.saturating_add(1);
    let number = session.data_number;
    Some(Plan {
        shared: Arc::clone(&session.shared),
        recorder: session.recorder.clone(),
        channel: Channel::data(&session.link.channel().session, number),
        number,
        route,
        older,
        peer: session.peer(),
        local: session.link.local_address().ip(),
        protection,
        epoch: session.epoch.clone(),
        demanded_epoch: session.old_epoch.clone(),
        identity: session.identity.clone(),
        client_certificate: session.client_certificate.clone(),
        is_after_ccc: session.control == Control::Cleared,
        has_used_data_session: session.has_used_data_session,
        is_listing,
        is_framed: session.settings.is_framed,
    })
}

/// How a transfer ended, seen from the control connection.
enum Carried {
    /// ABOR ended it.
    Aborted,
    /// It came to its own end; `is_aborted` when a fault makes ABOR look like that.
    Over { outcome: Box<Outcome>, is_aborted: bool },
}

/// Moves the data and serves the control connection meanwhile: ABOR and STAT at once, everything else later.
async fn carry(
    session: &mut Session,
    plan: Plan,
    payload: Payload,
    progress: &Arc<Progress>,
    opening: &mut Option<Opening>,
) -> Result<Carried, Ended> {
    let mut is_aborted = false;
    let mut work = Box::pin(data::carry(plan, payload, Arc::clone(progress)));
    // What came together with the transfer command.
    let mut has_lines = true;
    loop {
        if std::mem::take(&mut has_lines) {
            while let Some(line) = session.take_line() {
                if !serve(session, line, progress).await? {
                    continue;
                }
                if !session.has(Fault::CompletesAbortedTransfer) {
                    // Dropping the work closes the data connection without close_notify: what was cut looks cut.
                    return Ok(Carried::Aborted);
                }
                is_aborted = true;
                progress.must_finish.store(true, Ordering::Relaxed);
            }
        }
        let due = opening.as_ref().map(|opening| opening.due);
        tokio::select! {
            () = progress.connected.notified(), if due == Some(Due::Connected) => {
                open(session, opening, Due::Connected).await?;
            }
            () = progress.opened.notified(), if due == Some(Due::Ready) => {
                open(session, opening, Due::Ready).await?;
            }
            outcome = &mut work => {
                if outcome.result.is_ok() {
                    // It may be through before anybody looked.
                    open(session, opening, Due::Connected).await?;
                    open(session, opening, Due::Ready).await?;
                }
                return Ok(Carried::Over { outcome: Box::new(outcome), is_aborted });
            }
            incoming = session.link.receive() => {
                let accepted = session.accept(incoming);
                if let Err(ended) = accepted {
                    if session.has(Fault::ServesOnAfterControlLoss) {
                        drop((&mut work).await);
                    }
                    return Err(ended);
                }
                has_lines = true;
            }
        }
    }
}

/// Serves a line during a transfer; true for an ABOR that is to be obeyed.
async fn serve(session: &mut Session, line: Line, progress: &Progress) -> Result<bool, Ended> {
    let turn = match &line {
        Line::Command(command) => state::row(&command.verb).map_or(Turn::Later, |row| row.turn),
        Line::Refused(..) => Turn::Later,
    };
    let Line::Command(command) = &line else {
        session.queue(line).await?;
        return Ok(false);
    };
    match (turn, &command.verb) {
        (Turn::Now, Verb::Abor) if !session.has(Fault::IgnoresAbor) => Ok(true),
        (Turn::Now, Verb::Stat) => {
            info::stat(session, command, Some(progress)).await?;
            Ok(false)
        }
        (_, Verb::Quit) if session.has(Fault::QuitsAtOnce) => {
            session.reply(226, "Done.").await?;
            session.reply(221, "Goodbye.").await?;
            Err(Ended::ByServer)
        }
        _ if session.has(Fault::DropsCommandsDuringTransfer) => Ok(false),
        _ => {
            session.queue(line).await?;
            Ok(false)
        }
    }
}
