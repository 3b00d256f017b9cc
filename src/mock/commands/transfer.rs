//! Transfers: RETR, STOR, APPE, STOU, LIST, NLST, MLSD, ABOR, and what may happen on the control connection meanwhile.
//!
//! RFC 959 sections 4.1.3 and 5.4, RFC 1123 section 4.1.2.9 (STOU), RFC 3659 sections 5 and 7, RFC 4217 section 10.2
//! (refusals). A file is stored when its upload is complete, and not at all otherwise.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::argument::{self, Refused, is_bare};
use super::info;
use crate::mock::Fault;
use crate::mock::data::{self, Outcome, Payload, Plan, Progress, Protection, Route};
use crate::mock::listing::{fact_line, from_network, list_line, to_network};
use crate::mock::observation::{DataEnd, Observation, ResumedFrom};
use crate::mock::path::StorePath;
use crate::mock::session::{Control, Ended, Epoch, Level, Line, Session, Step, TransferType};
use crate::mock::state::{self, Turn};
use crate::mock::store::{Entry, StoreErrorKind};
use crate::trace::Channel;
use crate::wire::command::{Command, Verb};

/// How many names STOU tries.
const UNIQUE_LIMIT: u32 = 100_000;

/// A transfer about to start.
struct Job<'a> {
    verb: &'a Verb,
    payload: Payload,
    /// Text of the 150 reply.
    preliminary: String,
}

/// A transfer whose data is through; its final reply is still to be sent.
struct Done {
    content: Vec<u8>,
    observation: Observation,
}

/// Where an upload goes and what of the old file it keeps.
struct Target {
    path: StorePath,
    /// What stays before the new data, in the form of the wire.
    kept: Vec<u8>,
    limit: Option<u64>,
}

pub(super) async fn retr(session: &mut Session, command: &Command) -> Step {
    let restart = take_restart(session).unwrap_or(0);
    let content = match check_level(session).and_then(|()| read(session, command, restart)) {
        Ok(content) => content,
        Err(refused) => return refuse(session, refused).await,
    };
    let preliminary = format!("{} bytes follow.", content.len());
    send(session, command, content, preliminary).await
}

/// The restart marker, which holds for one transfer.
fn take_restart(session: &mut Session) -> Option<u64> {
    let restart = if session.has(Fault::KeepsRestartOffset) {
        session.settings.restart
    } else {
        session.settings.restart.take()
    };
    restart.filter(|_| !session.has(Fault::IgnoresRestartOffset))
}

fn read(session: &Session, command: &Command, restart: u64) -> Result<Vec<u8>, Refused> {
    let path = argument::path(session, command)?;
    if session.has(Fault::ReadsOutsideOfTheHome) && command.argument_text().contains("../etc/passwd") {
        return Ok(b"root:x:0:0:root:/root:/bin/sh\n".to_vec());
    }
    let stored = match session.shared.store.read(session.user(), &path) {
        Ok(stored) => stored,
        Err(_) if session.has(Fault::AcknowledgesMissingFile) => Arc::default(),
        Err(error) => return Err(argument::refusal(&error)),
    };
    let sent = match session.settings.transfer_type {
        TransferType::Ascii if session.has(Fault::StoresCrInTypeA) => stored
            .split(|byte| *byte == b'\n')
            .collect::<Vec<_>>()
            .join(&b"\r\n"[..]),
        TransferType::Ascii if session.has(Fault::SendsLfInTypeA) => stored.to_vec(),
        TransferType::Ascii => to_network(&stored),
        TransferType::Image => stored.to_vec(),
    };
    let mut start = usize::try_from(restart).unwrap_or(usize::MAX);
    if session.has(Fault::WrapsRestartOffset) {
        start = start.checked_rem(sent.len()).unwrap_or(0);
    }
    let mut rest = sent
        .get(start..)
        .ok_or((554, "The file is shorter than the restart marker."))?;
    if session.has(Fault::DropsLastPartialRecord) {
        let whole = rest.len().saturating_sub(rest.len() % 16384);
        rest = rest.get(..whole).unwrap_or_default();
    }
    Ok(rest.to_vec())
}

pub(super) async fn list(session: &mut Session, command: &Command) -> Step {
    session.settings.restart = None;
    let listed = check_level(session).and_then(|()| listing(session, command));
    let listed = match listed {
        Err((450, _)) if session.has(Fault::ListsMissingPathsAsEmpty) => Ok(Vec::new()),
        Ok(mut text) if session.has(Fault::EndsListingLinesWithLf) => {
            text.retain(|byte| *byte != b'\r');
            Ok(text)
        }
        listed => listed,
    };
    match listed {
        Ok(text) => send(session, command, text, "The listing follows.".to_owned()).await,
        Err(refused) => refuse(session, refused).await,
    }
}

/// The text of LIST and NLST.
fn listing(session: &Session, command: &Command) -> Result<Vec<u8>, Refused> {
    let missing = |_| (450, "No such file or directory.");
    let store = &session.shared.store;
    let name = listed_name(session, command);
    let path = argument::resolve(session, &name)?;
    let entry = store.entry(session.user(), &path).map_err(missing)?;
    let now = store.now();
    let is_nlst = command.verb == Verb::Nlst && !session.has(Fault::SendsLongFormatForNlst);
    let line = |entry: &Entry, name: &[u8]| {
        let mut line = if is_nlst {
            name.to_vec()
        } else {
            list_line(entry, name, now)
        };
        line.extend_from_slice(b"\r\n");
        line
    };
    if !entry.is_directory {
        return Ok(line(&entry, &name));
    }
    let entries = store.list(session.user(), &path).map_err(missing)?;
    let mut prefix = Vec::new();
    if is_nlst && !name.is_empty() {
        // Every line must be usable as an argument (RFC 1123 section 4.1.2.7).
        prefix.clone_from(&name);
        if !name.ends_with(b"/") {
            prefix.push(b'/');
        }
    }
    let lines = entries
        .iter()
        .flat_map(|entry| line(entry, &[prefix.as_slice(), &entry.name].concat()));
    Ok(lines.collect())
}

/// The argument of LIST and NLST without the options that many clients send, `-la` say; no RFC has them.
fn listed_name(session: &Session, command: &Command) -> Vec<u8> {
    let name = argument::name(command).unwrap_or_default();
    if name.is_empty() && session.has(Fault::ListsRootAlways) {
        return b"/".to_vec();
    }
    let exists = |name: &[u8]| {
        argument::resolve(session, name)
            .is_ok_and(|path| session.shared.store.entry(session.user(), &path).is_ok())
    };
    if !name.starts_with(b"-") || exists(&name) {
        return name;
    }
    match name.iter().position(|byte| *byte == b' ') {
        Some(space) => name.get(space.saturating_add(1)..).unwrap_or_default().to_vec(),
        None => Vec::new(),
    }
}

pub(super) async fn mlsd(session: &mut Session, command: &Command) -> Step {
    session.settings.restart = None;
    let listed = check_level(session).and_then(|()| {
        let mut path = argument::path_or_cwd(session, command)?;
        if is_bare(command) && session.has(Fault::ListsRootAlways) {
            path = StorePath::root();
        }
        let store = &session.shared.store;
        let mut entries = store.list(session.user(), &path);
        if session.has(Fault::ListsFilesWithMlsd)
            && let Ok(entry) = store.entry(session.user(), &path)
            && !entry.is_directory
        {
            entries = Ok(vec![entry]);
        }
        let entries = entries.map_err(|error| match error.kind {
            StoreErrorKind::NotDirectory => (501, "MLSD is for directories."),
            _ => argument::refusal(&error),
        })?;
        let facts = &session.settings.facts;
        let mut text = Vec::new();
        if session.has(Fault::AddsHeaderToMlsd) {
            text.extend_from_slice(b"total 4\r\n");
        }
        if session.has(Fault::SendsDotEntriesWithoutType) {
            text.extend_from_slice(b"size=4096; .\r\n");
        }
        for entry in entries {
            let name = if session.has(Fault::SendsPathsInMlsd) {
                path.child(&entry.name).to_bytes()
            } else {
                entry.name.clone()
            };
            text.extend_from_slice(&fact_line(&entry, &name, facts, &session.shared.options.faults));
            text.extend_from_slice(b"\r\n");
        }
        Ok(text)
    });
    if session.has(Fault::SetsTypeAOnMlsd) {
        session.settings.transfer_type = TransferType::Ascii;
    }
    match listed {
        Ok(text) => send(session, command, text, "The listing follows.".to_owned()).await,
        Err(refused) => refuse(session, refused).await,
    }
}

async fn send(session: &mut Session, command: &Command, bytes: Vec<u8>, preliminary: String) -> Step {
    let job = Job {
        verb: &command.verb,
        payload: Payload::Download(bytes),
        preliminary,
    };
    match transfer(session, job).await? {
        Some(done) if command.verb == Verb::Mlsd && session.has(Fault::AnswersMlsdWith200) => {
            finish(session, done.observation, (200, "Done.")).await
        }
        Some(done) => finish(session, done.observation, (226, "Done.")).await,
        None => Ok(()),
    }
}

pub(super) async fn stor(session: &mut Session, command: &Command) -> Step {
    let mut restart = take_restart(session);
    if command.verb == Verb::Appe && session.has(Fault::AppendsBehindRestart) {
        restart = None;
    }
    let target = check_level(session)
        .and_then(|()| argument::path(session, command))
        .and_then(|path| target(session, path, &command.verb, restart));
    match target {
        Ok(target) => receive(session, command, target, "Waiting for the data.".to_owned()).await,
        Err(refused) => refuse(session, refused).await,
    }
}

pub(super) async fn stou(session: &mut Session, command: &Command) -> Step {
    session.settings.restart = None;
    let target = check_level(session).and_then(|()| {
        if !is_bare(command) {
            return Err(argument::SYNTAX);
        }
        let name = unique_name(session).ok_or((452, "No name is free."))?;
        let path = session.settings.cwd.child(name.as_bytes());
        target(session, path, &command.verb, None).map(|target| (name, target))
    });
    match target {
        // This very form, so that clients can find the name (RFC 1123 section 4.1.2.9).
        Ok((_, target)) if session.has(Fault::HidesTheNameOfStou) => {
            receive(session, command, target, "Fine.".to_owned()).await
        }
        Ok((name, target)) => receive(session, command, target, format!("FILE: {name}")).await,
        Err(refused) => refuse(session, refused).await,
    }
}

fn unique_name(session: &Session) -> Option<String> {
    (1..UNIQUE_LIMIT)
        .map(|number| format!("stou-{number:05}"))
        .find(|name| {
            let path = session.settings.cwd.child(name.as_bytes());
            session.shared.store.entry(session.user(), &path).is_err()
        })
}

fn target(session: &Session, path: StorePath, verb: &Verb, restart: Option<u64>) -> Result<Target, Refused> {
    let store = &session.shared.store;
    store
        .may_write(session.user(), &path)
        .map_err(|error| argument::write_refusal(&error))?;
    let old = store.read(session.user(), &path).ok();
    let old_bytes = old.as_ref().map_or(0, |old| old.len());
    let old = match session.settings.transfer_type {
        TransferType::Ascii => to_network(old.as_deref().unwrap_or_default()),
        TransferType::Image => old.as_deref().unwrap_or_default().to_vec(),
    };
    // APPE behind REST is taken like STOR (RFC 3659 section 5.3).
    let kept = match (restart, verb) {
        (Some(marker), _) => {
            let end = usize::try_from(marker).unwrap_or(usize::MAX);
            old.get(..end)
                .ok_or((554, "The file is shorter than the restart marker."))?
                .to_vec()
        }
        (None, Verb::Appe) if !session.has(Fault::TreatsAppeAsStor) => old,
        (None, _) => Vec::new(),
    };
    let freed = u64::try_from(old_bytes.saturating_sub(kept.len())).unwrap_or(0);
    let limit = store.room().map(|room| room.saturating_add(freed));
    Ok(Target { path, kept, limit })
}

async fn receive(session: &mut Session, command: &Command, target: Target, preliminary: String) -> Step {
    let announced = session.settings.announced.take();
    let job = Job {
        verb: &command.verb,
        payload: Payload::Upload {
            limit: target.limit,
            announced,
        },
        preliminary,
    };
    let Some(done) = transfer(session, job).await? else {
        return Ok(());
    };
    let mut content = target.kept;
    content.extend_from_slice(&done.content);
    if session.has(Fault::OpensWithoutTruncation)
        && let Ok(old) = session.shared.store.read(session.user(), &target.path)
    {
        content.extend_from_slice(old.get(content.len()..).unwrap_or_default());
    }
    if session.settings.transfer_type == TransferType::Ascii && !session.has(Fault::StoresCrInTypeA) {
        content = from_network(&content);
    }
    let stored = session.shared.store.write(session.user(), &target.path, content);
    let reply = match stored {
        Ok(()) => (226, "Stored."),
        Err(error) => argument::write_refusal(&error),
    };
    finish(session, done.observation, reply).await
}

/// ABOR without a transfer.
pub(super) async fn abor(session: &mut Session) -> Step {
    if session.settings.route.take().is_some() {
        session.reply(226, "The data connection is closed.").await
    } else {
        session.reply(225, "There is no transfer.").await
    }
}

/// Refuses a transfer before its data connection is used; the client has to open another one.
async fn refuse(session: &mut Session, (code, text): Refused) -> Step {
    if code != 521 {
        session.settings.route = None;
    }
    session.reply(code, text).await
}

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
fn check_level(session: &Session) -> Result<(), Refused> {
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

/// Sends 150, moves the data, and answers failures; what is given back was moved and wants its final reply.
async fn transfer(session: &mut Session, job: Job<'_>) -> Result<Option<Done>, Ended> {
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
    let mut preliminary = Some(job.preliminary).filter(|_| !session.has(Fault::Omits150));
    if !session.has(Fault::Sends150AfterDataHandshake)
        && let Some(text) = preliminary.take()
    {
        session.reply(150, &text).await?;
        if session.has(Fault::Sends150Twice) {
            session.reply(150, &text).await?;
        }
    }
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
    let outcome = carry(session, plan, job.payload, &progress, preliminary).await?;
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
    if let Some(link) = link {
        if session.has(Fault::KeepsDataConnectionOpen) {
            session.held = Some(link);
            return Ok(result.ok().map(|content| Done { content, observation }));
        }
        session.drains.spawn(data::drain(link));
    }
    if is_aborted {
        // Only a fault gets here.
        finish(session, observation, (226, "Done.")).await?;
        session.reply(226, "Abort done.").await?;
        return Ok(None);
    }
    match result {
        Ok(content) => Ok(Some(Done { content, observation })),
        Err(failure) => {
            answer_failure(session, observation, (failure.code, failure.text)).await?;
            Ok(None)
        }
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
    mut preliminary: Option<String>,
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
        let is_late = preliminary.is_some();
        tokio::select! {
            () = progress.opened.notified(), if is_late => {
                if let Some(text) = preliminary.take() {
                    session.reply(150, &text).await?;
                }
            }
            outcome = &mut work => {
                if outcome.result.is_ok() && let Some(text) = preliminary.take() {
                    session.reply(150, &text).await?;
                }
                return Ok(Carried::Over { outcome: Box::new(outcome), is_aborted });
            }
            incoming = session.link.receive() => {
                session.accept(incoming)?;
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
