//! A trace on disk: one JSON object per line, the first line naming the format.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use super::event::Event;

/// Version of the trace format, raised when a reader of the old one would misread the new one.
pub const TRACE_FORMAT: u32 = 1;

/// The longest line a trace may have, in bytes.
const LINE_LIMIT: usize = 4 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Header {
    ftpspec_trace: u32,
    case: String,
}

/// A trace that cannot be read back.
#[derive(Debug, thiserror::Error)]
#[error("{kind}")]
pub struct TraceError {
    /// What is wrong.
    pub kind: TraceErrorKind,
}

/// What is wrong with a trace file.
#[derive(Debug, thiserror::Error)]
pub enum TraceErrorKind {
    /// The file could not be read.
    #[error("cannot read the trace: {0}")]
    Io(#[from] io::Error),
    /// A line is not what the format says.
    #[error("line {line} of the trace is not an event of format {TRACE_FORMAT}: {reason}")]
    Line {
        /// One-based line number.
        line: usize,
        /// The JSON reader's words.
        reason: String,
    },
}

impl<T: Into<TraceErrorKind>> From<T> for TraceError {
    fn from(kind: T) -> Self {
        Self { kind: kind.into() }
    }
}

/// Writes the events of `case` to `out`.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_trace(out: &mut impl Write, case: &str, events: &[Event]) -> io::Result<()> {
    serde_json::to_writer(
        &mut *out,
        &Header {
            ftpspec_trace: TRACE_FORMAT,
            case: case.to_owned(),
        },
    )?;
    out.write_all(b"\n")?;
    for event in events {
        serde_json::to_writer(&mut *out, event)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Reads a trace back: the id of its case and its events.
///
/// # Errors
/// When the file cannot be read, is of another format, or a line is not an event.
pub fn read_trace(input: impl BufRead) -> Result<(String, Vec<Event>), TraceError> {
    let mut case = None;
    let mut events = Vec::new();
    for (index, line) in input.lines().enumerate() {
        let text = line.map_err(TraceErrorKind::Io)?;
        let wrong = |reason: String| TraceErrorKind::Line {
            line: index + 1,
            reason,
        };
        if text.len() > LINE_LIMIT {
            return Err(wrong("too long".into()).into());
        }
        if case.is_none() {
            let header: Header = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
            if header.ftpspec_trace != TRACE_FORMAT {
                return Err(wrong(format!("format {}", header.ftpspec_trace)).into());
            }
            case = Some(header.case);
        } else {
            events.push(serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?);
        }
    }
    let case = case.ok_or(TraceErrorKind::Line {
        line: 1,
        reason: "empty file".into(),
    })?;
    Ok((case, events))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::trace::{ActionProblem, Channel, EventKind, Phase, StepIndex, Waited};

    #[test]
    fn a_trace_is_read_as_it_was_written() {
        let events = vec![
            Event {
                at: Duration::from_micros(1),
                channel: None,
                kind: EventKind::StepStarted {
                    step: StepIndex {
                        phase: Phase::Setup,
                        index: 0,
                    },
                },
            },
            Event {
                at: Duration::from_micros(41_000),
                channel: Some(Channel::data("second", 2)),
                kind: EventKind::ActionFailed(ActionProblem::TimedOut {
                    waited: Waited::Data,
                    seconds: 1.5,
                }),
            },
            Event {
                at: Duration::from_secs(2),
                channel: Some(Channel::control("main")),
                kind: EventKind::CommandSent {
                    line: "PASS ***".into(),
                    protected: true,
                },
            },
        ];
        let mut bytes = Vec::new();
        write_trace(&mut bytes, "a/b@embedded", &events).unwrap();
        let (case, read) = read_trace(bytes.as_slice()).unwrap();
        assert_eq!(case, "a/b@embedded");
        assert_eq!(read, events);
    }

    #[test]
    fn another_format_is_refused() {
        assert!(read_trace(&b"{\"ftpspec-trace\":99,\"case\":\"x\"}\n"[..]).is_err());
        assert!(read_trace(&b""[..]).is_err());
    }
}
