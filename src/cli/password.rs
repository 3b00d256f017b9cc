//! Passwords that nobody wrote down: from the environment, from a file, or typed at the terminal without being shown.

use std::io::{IsTerminal as _, Stdin, Write as _};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio_util::sync::CancellationToken;

use super::exit::CliError;
use crate::base::Secret;
use crate::runner::TargetChoice;

/// A longer line is no password, in bytes.
const LIMIT: usize = 1024;

/// How often a prompt looks whether the program shall end.
const LOOK_AGAIN: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 100_000_000,
};

/// Fetches the passwords that `choice` needs and has not got.
pub(super) fn fetch(choice: &mut TargetChoice, cancel: &CancellationToken) -> Result<(), CliError> {
    let TargetChoice::Profile(profile) = choice else {
        return Ok(());
    };
    let name = profile.name.clone();
    let environment = |variable: &str| std::env::var(variable).ok();
    profile.fetch_passwords(&environment, &mut |user| ask(user, &name, cancel))
}

/// Asks at the terminal, where there is one.
fn ask(user: &str, target: &str, cancel: &CancellationToken) -> Result<Secret, CliError> {
    let terminal = std::io::stdin();
    if !terminal.is_terminal() {
        return Err(CliError::usage(format!(
            "no password for `{user}`: put it in the URL, in FTPSPEC_PASSWORD (FTPSPEC_PASSWORD2 for the second account) or in \
             --password-file; in a target.yaml, name `password-env` or `password-file`; at a terminal it is asked for"
        )));
    }
    let trouble =
        |reason: String| CliError::usage(format!("cannot ask for the password of `{user}`: {reason}"));
    let hidden = Hidden::new(&terminal).map_err(|error| trouble(error.to_string()))?;
    // On standard error: standard output may be the report.
    let mut screen = std::io::stderr();
    write!(screen, "password of {user} at {target}: ")
        .and_then(|()| screen.flush())
        .map_err(|error| trouble(error.to_string()))?;
    let line = read_line(&terminal, cancel);
    drop(hidden);
    let line = line.map_err(trouble)?;
    let text = String::from_utf8(line).map_err(|_| trouble("it is not UTF-8".into()))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(trouble("nothing was typed".into()));
    }
    Ok(Secret::new(password))
}

/// One line, read byte for byte from the terminal itself, until the program is interrupted.
fn read_line(terminal: &Stdin, cancel: &CancellationToken) -> Result<Vec<u8>, String> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        if cancel.is_cancelled() {
            return Err("interrupted".into());
        }
        let mut ready = [PollFd::new(terminal, PollFlags::IN)];
        match poll(&mut ready, Some(&LOOK_AGAIN)) {
            // A signal came; whether it ends the program is asked above.
            Ok(0) | Err(rustix::io::Errno::INTR) => continue,
            Ok(_) => {}
            Err(error) => return Err(error.to_string()),
        }
        let mut bytes = [0; LIMIT];
        match rustix::io::read(terminal, &mut bytes) {
            Ok(0) => break,
            Ok(count) => line.extend(bytes.iter().take(count)),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.to_string()),
        }
        if line.len() > LIMIT {
            return Err(format!("it has more than {LIMIT} bytes"));
        }
    }
    Ok(line)
}

/// A terminal that shows only line ends; as before when this is dropped.
struct Hidden<'a> {
    terminal: &'a Stdin,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn new(terminal: &'a Stdin) -> rustix::io::Result<Self> {
        let before = tcgetattr(terminal)?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        hidden.local_modes.insert(LocalModes::ECHONL | LocalModes::ICANON);
        tcsetattr(terminal, OptionalActions::Flush, &hidden)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(self.terminal, OptionalActions::Now, &self.before);
    }
}
