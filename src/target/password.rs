//! Where the passwords of external targets come from, besides their profile.

use std::path::PathBuf;

use crate::base::Secret;

/// Larger files hold no password, in bytes.
const LIMIT: u64 = 64 * 1024;

/// Where a password is to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PasswordPlace {
    /// The environment variable of this name.
    Environment(String),
    /// This file, without its last line end.
    File(PathBuf),
    /// Whoever started the run.
    Prompt,
}

/// An account of a profile whose password has to be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPassword {
    /// Which of the accounts.
    pub account: usize,
    /// From where.
    pub place: PasswordPlace,
}

impl PasswordPlace {
    /// The password of `user`.
    ///
    /// # Errors
    /// When it is not there, with the place; what `ask` says when it is to be asked for.
    pub fn fetch<E: From<String>>(
        &self,
        user: &str,
        environment: &dyn Fn(&str) -> Option<String>,
        ask: &mut dyn FnMut(&str) -> Result<Secret, E>,
    ) -> Result<Secret, E> {
        match self {
            Self::Environment(variable) => match environment(variable) {
                Some(password) => Ok(Secret::new(password)),
                None => Err(E::from(format!(
                    "no password for `{user}`: the environment variable {variable} is not set"
                ))),
            },
            Self::File(path) => read(path).map(Secret::new).map_err(|reason| {
                E::from(format!(
                    "cannot read {} with the password of `{user}`: {reason}",
                    path.display()
                ))
            }),
            Self::Prompt => ask(user),
        }
    }
}

fn read(path: &std::path::Path) -> Result<String, String> {
    use std::io::Read as _;
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    // A device or a pipe may have no end.
    file.take(LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(|error| error.to_string())?;
    if text.len() as u64 > LIMIT {
        return Err(format!("it has more than {LIMIT} bytes"));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}
