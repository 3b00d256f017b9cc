//! The only place that prints. A reader that went away (`| head`) is no error.

use std::io::{self, Write as _};

use super::exit::CliError;

/// Writes `text` to standard output as it is: a file of some format, not words for a person.
pub(super) fn print_raw(text: &str) -> Result<(), CliError> {
    finish(
        io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .and_then(|()| io::stdout().flush()),
    )
}

/// Writes `text` to standard output. A closed pipe is fine; any other trouble is reported.
pub(super) fn print(text: &str) -> Result<(), CliError> {
    let mut out = anstream::stdout().lock();
    finish(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn finish(written: io::Result<()>) -> Result<(), CliError> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::internal(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
    }
}

/// Writes a line to standard error; there is nobody left to tell when that fails.
pub(super) fn complain(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = writeln!(err, "{}", text.trim_end());
}

/// How wide a line may be, in characters: `COLUMNS`, the terminal, or 110 where there is none.
pub(super) fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    columns
        .or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
        .unwrap_or(110)
        .max(40)
}

/// Whether standard output takes colours.
pub(super) fn colour() -> bool {
    anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never
}

/// Whether standard error takes colours.
pub(super) fn colour_of_complaints() -> bool {
    anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}
