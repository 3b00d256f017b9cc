//! Arguments of commands: present or absent, words, path names (RFC 959 section 5.3, RFC 2640 section 3.1).

use crate::mock::Fault;
use crate::mock::path::StorePath;
use crate::mock::session::Session;
use crate::mock::store::{StoreError, StoreErrorKind};
use crate::wire::command::Command;

/// A refusal: code and text of the reply.
pub(super) type Refused = (u16, &'static str);

/// The refusal for an argument that is missing, superfluous or not of the right form.
pub(super) const SYNTAX: Refused = (501, "The argument is not right.");

/// The argument as upper-case text; empty without one.
pub(super) fn word(command: &Command) -> String {
    command.argument_text().to_ascii_uppercase()
}

/// Whether the command came without argument.
pub(super) fn is_bare(command: &Command) -> bool {
    command.argument.as_deref().unwrap_or_default().is_empty()
}

/// The path name that the command must have.
///
/// # Errors
///
/// 501 without one, and for a name that the store does not take.
pub(super) fn path(session: &Session, command: &Command) -> Result<StorePath, Refused> {
    match name(command) {
        Some(name) if session.has(Fault::KeepsDoubledIac) && name.contains(&255) => {
            resolve(session, &command.pathname().unwrap_or(name))
        }
        Some(name) if !name.is_empty() => resolve(session, &name),
        _ => Err(SYNTAX),
    }
}

/// The path name that the command may have; the current directory without one.
///
/// # Errors
///
/// 501 for a name that the store does not take.
pub(super) fn path_or_cwd(session: &Session, command: &Command) -> Result<StorePath, Refused> {
    resolve(session, &name(command).unwrap_or_default())
}

/// `name`, seen from the current directory.
///
/// # Errors
///
/// 501 for a name that the store does not take.
pub(super) fn resolve(session: &Session, name: &[u8]) -> Result<StorePath, Refused> {
    if session.has(Fault::TransliteratesNames) && !name.is_ascii() {
        let text = String::from_utf8_lossy(name);
        let ascii: String = text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect();
        return session
            .settings
            .cwd
            .resolve(ascii.as_bytes())
            .map_err(|error| refusal(&error));
    }
    let mut name = name;
    if session.has(Fault::TrimsLeadingSpaces) {
        name = name.trim_ascii_start();
    }
    if session.has(Fault::TrimsTrailingSpaces) {
        name = name.trim_ascii_end();
    }
    if session.has(Fault::TreatsAbsolutePathsAsRelative) && name.len() > 1 {
        name = name.strip_prefix(b"/").unwrap_or(name);
    }
    let stripped: Vec<u8>;
    if session.has(Fault::StripsBit7) {
        stripped = name.iter().map(|byte| byte & 0x7f).collect();
        name = &stripped;
    }
    session
        .settings
        .cwd
        .resolve(name)
        .map_err(|error| refusal(&error))
}

/// The argument as a path name: CR NUL stands for CR, IAC IAC for IAC.
pub(super) fn name(command: &Command) -> Option<Vec<u8>> {
    let escaped = command.pathname()?;
    let mut name = Vec::with_capacity(escaped.len());
    let mut is_escape = false;
    for byte in escaped {
        if is_escape && byte == 255 {
            is_escape = false;
            continue;
        }
        is_escape = byte == 255;
        name.push(byte);
    }
    Some(name)
}

/// The reply to what the store refuses.
pub(super) fn refusal(error: &StoreError) -> Refused {
    match error.kind {
        StoreErrorKind::BadName => (501, "File name not allowed."),
        StoreErrorKind::Exists => (550, "Already exists."),
        StoreErrorKind::IsDirectory => (550, "Is a directory."),
        StoreErrorKind::NotDirectory => (550, "Not a directory."),
        StoreErrorKind::NotEmpty => (550, "Directory not empty."),
        StoreErrorKind::NotFound => (550, "No such file or directory."),
        StoreErrorKind::Quota => (552, "No space left."),
        StoreErrorKind::Root => (550, "Not possible with the home."),
    }
}

/// The reply to a file name that cannot be written to.
pub(super) fn write_refusal(error: &StoreError) -> Refused {
    match error.kind {
        StoreErrorKind::IsDirectory => (553, "Is a directory."),
        StoreErrorKind::NotDirectory | StoreErrorKind::NotFound => (553, "No such directory."),
        StoreErrorKind::Exists => (553, "Already exists."),
        _ => refusal(error),
    }
}
