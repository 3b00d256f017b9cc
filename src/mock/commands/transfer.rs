//! Transfers: RETR, STOR, APPE, STOU, ABOR.
//!
//! RFC 959 sections 4.1.3 and 5.4, RFC 1123 section 4.1.2.9 (STOU), RFC 3659 section 5 (REST). A file is stored when its
//! upload is complete, and not at all otherwise.

use std::sync::Arc;

use super::argument::{self, Refused, is_bare};
use super::running::{Job, check_level, complete, refuse, send, transfer};
use crate::mock::Fault;
use crate::mock::data::Payload;
use crate::mock::listing::{from_network, to_network};
use crate::mock::path::StorePath;
use crate::mock::session::{Ended, Line, Session, Step, TransferType};
use crate::wire::command::{Command, Verb};

/// The most bytes that one upload may bring, quota or not: it is kept in memory until it is complete.
const UPLOAD_LIMIT: u64 = 1 << 30;
/// How many names STOU tries.
const UNIQUE_LIMIT: u32 = 100_000;

/// Where an upload goes and what of the old file it keeps.
struct Target {
    path: StorePath,
    /// What stays before the new data, in the form of the wire.
    kept: Vec<u8>,
    limit: u64,
}

pub(super) async fn retr(session: &mut Session, command: &Command) -> Step {
    let restart = take_restart(session).unwrap_or(0);
    let mut content = match check_level(session).and_then(|()| read(session, command, restart)) {
        Ok(content) => content,
        Err(refused) => return refuse(session, refused).await,
    };
    if session.has(Fault::MixesTransfers) {
        content.extend(read_next(session).await?);
    }
    let preliminary = format!("{} bytes follow.", content.len());
    send(session, command, content, preliminary).await
}

/// The file of the RETR that has come behind the current one; for a fault.
async fn read_next(session: &mut Session) -> Result<Vec<u8>, Ended> {
    let Some(line) = session.take_line() else {
        return Ok(Vec::new());
    };
    if let Line::Command(command) = &line
        && command.verb == Verb::Retr
        && let Ok(content) = read(session, command, 0)
    {
        return Ok(content);
    }
    session.queue(line).await?;
    Ok(Vec::new())
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
    let limit = store
        .room()
        .map_or(UPLOAD_LIMIT, |room| room.saturating_add(freed).min(UPLOAD_LIMIT));
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
    let is_loose = session.has(Fault::LosesRenamedUpload);
    if is_loose {
        // Where it cannot be written, the upload fails at its end.
        drop(
            session
                .shared
                .store
                .write(session.user(), &target.path, Vec::new()),
        );
    }
    let Some(mut done) = transfer(session, job).await? else {
        if let Some(cut) = session.cut_upload.take() {
            // What cannot be kept is gone, as without the habit.
            drop(session.shared.store.write(session.user(), &target.path, cut));
        }
        return Ok(());
    };
    if is_loose && session.shared.store.entry(session.user(), &target.path).is_err() {
        return complete(session, &command.verb, done, (226, "Stored.")).await;
    }
    let mut content = target.kept;
    content.append(&mut done.content);
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
    complete(session, &command.verb, done, reply).await
}

/// ABOR without a transfer.
pub(super) async fn abor(session: &mut Session) -> Step {
    if session.settings.route.take().is_some() {
        session.reply(226, "The data connection is closed.").await
    } else {
        session.reply(225, "There is no transfer.").await
    }
}
