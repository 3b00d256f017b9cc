//! Files and directories without data connection: CWD, CDUP, PWD, MKD, RMD, DELE, RNFR, RNTO, SIZE, MDTM, MLST.
//!
//! RFC 959 section 4.1.3 and appendix II (quoted paths), RFC 3659 sections 3, 4 and 7.

use super::argument::{self, Refused, SYNTAX, is_bare};
use crate::mock::Fault;
use crate::mock::listing::{fact_line, to_network};
use crate::mock::path::StorePath;
use crate::mock::session::{Session, Step, TransferType};
use crate::mock::store::Entry;
use crate::wire::TimeVal;
use crate::wire::command::Command;

pub(super) async fn cwd(session: &mut Session, command: &Command) -> Step {
    let found = argument::path(session, command).and_then(|path| match entry(session, &path)? {
        Entry {
            is_directory: true, ..
        } => Ok(path),
        _ => Err((550, "Not a directory.")),
    });
    match found {
        Ok(path) => {
            session.settings.cwd = path;
            session.reply(250, "Directory changed.").await
        }
        Err((code, text)) => session.reply(code, text).await,
    }
}

pub(super) async fn cdup(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    session.settings.cwd = session.settings.cwd.parent();
    session.reply(250, "Directory changed.").await
}

pub(super) async fn pwd(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    let has_other_quotes = session.settings.has_lang && session.has(Fault::SendsAngleQuotesAfterLang);
    let text = if has_other_quotes {
        [&b"<<"[..], &session.settings.cwd.to_bytes(), b">>"].concat()
    } else if session.has(Fault::OmitsQuotesIn257) {
        session.settings.cwd.to_bytes()
    } else {
        quoted(&session.settings.cwd, b"is the current directory.")
    };
    session.reply_bytes(257, &[&text]).await
}

pub(super) async fn mkd(session: &mut Session, command: &Command) -> Step {
    let made = argument::path(session, command).and_then(|path| {
        let made = session.shared.store.make_directory(session.user(), &path);
        made.map(|()| path).map_err(|error| argument::refusal(&error))
    });
    match made {
        Ok(path) => {
            let text = if session.has(Fault::OmitsQuotesIn257) {
                path.to_bytes()
            } else {
                quoted(&path, b"was made.")
            };
            session.reply_bytes(257, &[&text]).await
        }
        Err((code, text)) => session.reply(code, text).await,
    }
}

pub(super) async fn rmd(session: &mut Session, command: &Command) -> Step {
    let removed = argument::path(session, command).and_then(|path| {
        let removed = session.shared.store.remove_directory(session.user(), &path);
        removed.map_err(|error| argument::refusal(&error))
    });
    answer(session, removed, (250, "Directory removed.")).await
}

pub(super) async fn dele(session: &mut Session, command: &Command) -> Step {
    let removed = argument::path(session, command).and_then(|path| {
        let removed = session.shared.store.remove_file(session.user(), &path);
        removed.map_err(|error| argument::refusal(&error))
    });
    answer(session, removed, (250, "File deleted.")).await
}

pub(super) async fn rnfr(session: &mut Session, command: &Command) -> Step {
    let found = argument::path(session, command).and_then(|path| entry(session, &path).map(|_| path));
    match found {
        Ok(path) => {
            session.settings.rename_from = Some(path);
            session.reply(350, "Now the new name.").await
        }
        Err((code, text)) => session.reply(code, text).await,
    }
}

pub(super) async fn rnto(session: &mut Session, command: &Command) -> Step {
    let from = if session.has(Fault::KeepsRenameSource) {
        session.settings.rename_from.clone()
    } else {
        session.settings.rename_from.take()
    };
    let Some(from) = from else {
        return session.reply(503, "RNFR comes first.").await;
    };
    let renamed = argument::path(session, command).and_then(|to| {
        let renamed = session.shared.store.rename(session.user(), &from, &to);
        renamed.map_err(|error| argument::write_refusal(&error))
    });
    answer(session, renamed, (250, "Renamed.")).await
}

pub(super) async fn size(session: &mut Session, command: &Command) -> Step {
    let read = argument::path(session, command).and_then(|path| {
        let path = expanded(session, path);
        let read = session.shared.store.read(session.user(), &path);
        read.map_err(|error| argument::refusal(&error))
    });
    match read {
        Ok(content) => {
            // What RETR would send now (RFC 3659 section 4).
            let bytes = match session.settings.transfer_type {
                TransferType::Ascii => to_network(&content).len(),
                TransferType::Image => content.len(),
            };
            let bytes = bytes.saturating_add(usize::from(session.has(Fault::ReportsWrongSize)));
            session.reply(213, &bytes.to_string()).await
        }
        Err((code, text)) => session.reply(code, text).await,
    }
}

pub(super) async fn mdtm(session: &mut Session, command: &Command) -> Step {
    if session.has(Fault::SetsTimeWithMdtm)
        && let Some(name) = argument::name(command).and_then(|name| name.get(15..).map(<[u8]>::to_vec))
        && let Ok(path) = argument::resolve(session, &name)
        && session.shared.store.set_modified(session.user(), &path, 0)
    {
        return session.reply(213, "19700101000000").await;
    }
    let found = argument::path(session, command).and_then(|path| match entry(session, &path)? {
        Entry {
            is_directory: true, ..
        } => Err((550, "Is a directory.")),
        entry => Ok(entry),
    });
    match found {
        Ok(entry) => match TimeVal::from_unix(entry.modified) {
            Some(time) => session.reply(213, &time.to_string()).await,
            None => session.reply(550, "The time is not known.").await,
        },
        Err((code, text)) => session.reply(code, text).await,
    }
}

pub(super) async fn mlst(session: &mut Session, command: &Command) -> Step {
    let found = argument::path_or_cwd(session, command)
        .and_then(|path| entry(session, &path).map(|entry| (path, entry)));
    match found {
        Ok((path, entry)) => {
            let mut line = b" ".to_vec();
            if session.has(Fault::OmitsSpaceBeforeMlstEntry) {
                line.clear();
            }
            line.extend_from_slice(&fact_line(
                &entry,
                &path.to_bytes(),
                &session.settings.facts,
                &session.shared.options.faults,
            ));
            session.reply_bytes(250, &[b"One entry:", &line, b"End"]).await
        }
        Err((code, text)) => session.reply(code, text).await,
    }
}

/// The first name that a `*` at the end of `path` stands for, where a fault looks for it.
fn expanded(session: &Session, path: StorePath) -> StorePath {
    let prefix = path.name().and_then(|name| name.strip_suffix(b"*"));
    let Some(prefix) = prefix.filter(|_| session.has(Fault::ExpandsWildcardsInSize)) else {
        return path;
    };
    let entries = session.shared.store.list(session.user(), &path.parent());
    let found = entries
        .unwrap_or_default()
        .into_iter()
        .find(|entry| entry.name.starts_with(prefix));
    found.map_or_else(|| path.clone(), |entry| path.parent().child(&entry.name))
}

fn entry(session: &Session, path: &StorePath) -> Result<Entry, Refused> {
    let found = session.shared.store.entry(session.user(), path);
    found.map_err(|error| argument::refusal(&error))
}

async fn answer(session: &mut Session, result: Result<(), Refused>, good: Refused) -> Step {
    let (code, text) = match result {
        Ok(()) => good,
        Err(refused) => refused,
    };
    session.reply(code, text).await
}

/// A path in double quotes, those inside doubled (RFC 959 appendix II), and a remark.
fn quoted(path: &StorePath, remark: &[u8]) -> Vec<u8> {
    let mut text = vec![b'"'];
    for byte in path.to_bytes() {
        text.push(byte);
        if byte == b'"' {
            text.push(byte);
        }
    }
    text.extend_from_slice(b"\" ");
    text.extend_from_slice(remark);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_in_paths_are_doubled() {
        let path = StorePath::root().resolve(b"foo\"bar").unwrap();
        assert_eq!(quoted(&path, b"x"), b"\"/foo\"\"bar\" x");
    }
}
