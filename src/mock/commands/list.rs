//! Listings: LIST, NLST, MLSD.
//!
//! RFC 959 section 4.1.3, RFC 1123 section 4.1.2.7, RFC 3659 section 7.

use super::argument::{self, Refused, is_bare};
use super::running::{check_level, refuse, send};
use crate::mock::Fault;
use crate::mock::listing::{fact_line, list_line};
use crate::mock::path::StorePath;
use crate::mock::session::{Session, Step, TransferType};
use crate::mock::store::{Entry, StoreErrorKind};
use crate::wire::command::{Command, Verb};

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
