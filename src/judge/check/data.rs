//! `data` checks: what the transfer of the step brought.

use std::cmp::Ordering;

use super::super::view::View;
use super::super::words;
use super::{Account, CheckResult};
use crate::plan::template::FillError;
use crate::scenario::model::{Action, DataPattern, Template};
use crate::trace::{ActionProblem, Channel, Event, EventKind, TransferSummary};

/// The pattern with its variables filled in.
struct Wanted {
    bytes: Option<String>,
    at_least: Option<String>,
    at_most: Option<String>,
    sha256: Option<String>,
    text: Option<String>,
    without: Option<String>,
    protected: Option<bool>,
}

pub(super) fn judge(view: &View<'_>, pattern: &DataPattern) -> Result<CheckResult, FillError> {
    let wanted = Wanted::fill(view, pattern)?;
    let Some((event, channel, summary)) = transfer(view) else {
        return Ok(no_transfer(view, &wanted));
    };
    Ok(match wanted.misfit(view, channel, summary) {
        Fit::Fits => CheckResult::Held,
        Fit::Unknown { why } => CheckResult::Unjudged(Account {
            message: "sent no data that could be judged".to_owned(),
            expected: wanted.words(),
            observed: why,
            event,
            nothing: true,
        }),
        Fit::Not {
            message,
            expected,
            observed,
        } => CheckResult::Broken(Account {
            message,
            expected,
            observed,
            event,
            nothing: false,
        }),
    })
}

/// Reading ended early because the peer closed or refused: exactly the expected bytes are there all the same.
pub(super) fn allows_failure(view: &View<'_>, problem: &ActionProblem) -> bool {
    let reads = view
        .step()
        .action
        .as_ref()
        .is_some_and(|action| matches!(action.value, Action::ReadData(_)));
    reads
        && matches!(
            problem,
            ActionProblem::Closed { .. }
                | ActionProblem::NotConnected { .. }
                | ActionProblem::RefusedByReply { .. }
        )
}

enum Fit {
    Fits,
    Not {
        message: String,
        expected: String,
        observed: String,
    },
    Unknown {
        why: String,
    },
}

/// The last transfer of the step, else the last one on the current data connection.
fn transfer<'a>(view: &View<'a>) -> Option<(usize, &'a Channel, &'a TransferSummary)> {
    let finished = |(position, event): (usize, &'a Event)| match (&event.kind, &event.channel) {
        (EventKind::TransferFinished(summary), Some(channel))
            if channel.is_data() && *channel.session == *view.step().session.value =>
        {
            Some((position, channel, summary))
        }
        _ => None,
    };
    view.in_step().rev().find_map(finished).or_else(|| {
        let current = view.current_data()?;
        view.all_from(0)
            .rev()
            .filter_map(finished)
            .find(|(_, channel, _)| **channel == current)
    })
}

/// Without any transfer nothing arrived, but that is no proof that nothing would have been sent. It is one when the target
/// itself refused to open a data connection.
fn no_transfer(view: &View<'_>, wanted: &Wanted) -> CheckResult {
    if wanted.is_for_no_bytes() && opening_was_refused(view) {
        return CheckResult::Held;
    }
    let account = Account {
        message: "did not serve the transfer".to_owned(),
        expected: wanted.words(),
        observed: "no transfer took place".to_owned(),
        event: view.last(),
        nothing: true,
    };
    if wanted.is_for_no_bytes() {
        CheckResult::Unjudged(account)
    } else {
        CheckResult::Broken(account)
    }
}

/// Whether the session's last attempt at a data connection ended with a refusing reply to its command.
fn opening_was_refused(view: &View<'_>) -> bool {
    let control = view.control();
    let opening = view
        .all_from(0)
        .rev()
        .find_map(|(position, event)| match &event.kind {
            EventKind::CommandSent { line, .. }
                if event.channel.as_ref() == Some(&control) && opens_data(line) =>
            {
                Some(position)
            }
            _ => None,
        });
    let Some(opening) = opening else { return false };
    view.all_from(opening)
        .find_map(|(_, event)| match &event.kind {
            EventKind::ReplyReceived { code, .. } if event.channel.as_ref() == Some(&control) => {
                Some(code.class().is_negative())
            }
            _ => None,
        })
        .unwrap_or(false)
}

fn opens_data(line: &str) -> bool {
    let verb = line.split(' ').next().unwrap_or_default();
    ["EPRT", "EPSV", "PASV", "PORT"]
        .iter()
        .any(|opener| verb.eq_ignore_ascii_case(opener))
}

impl Wanted {
    fn fill(view: &View<'_>, pattern: &DataPattern) -> Result<Self, FillError> {
        let fill =
            |template: &Option<Template>| template.as_ref().map(|text| view.fill(&text.value)).transpose();
        Ok(Self {
            bytes: fill(&pattern.bytes)?,
            at_least: fill(&pattern.at_least)?,
            at_most: fill(&pattern.at_most)?,
            sha256: fill(&pattern.sha256)?,
            text: fill(&pattern.text)?,
            without: fill(&pattern.without)?,
            protected: pattern.protected,
        })
    }

    fn is_for_no_bytes(&self) -> bool {
        self.number(&self.bytes) == Some(0)
    }

    #[expect(clippy::ref_option, reason = "the fields are options; nothing else calls it")]
    fn number(&self, text: &Option<String>) -> Option<u64> {
        text.as_ref().and_then(|text| text.trim().parse().ok())
    }

    fn words(&self) -> String {
        let mut parts = Vec::new();
        if let Some(bytes) = &self.bytes {
            parts.push(format!("{} bytes", words::shown(bytes)));
        }
        if let Some(bytes) = &self.at_most {
            parts.push(format!("at most {} bytes", words::shown(bytes)));
        }
        if let Some(bytes) = &self.at_least {
            parts.push(format!("at least {} bytes", words::shown(bytes)));
        }
        if let Some(hash) = &self.sha256 {
            parts.push(format!("data with the SHA-256 {}", short_hash(hash)));
        }
        if let Some(text) = &self.text {
            parts.push(format!("data with the text {}", words::quoted(text)));
        }
        if let Some(text) = &self.without {
            parts.push(format!("data without the text {}", words::quoted(text)));
        }
        match self.protected {
            Some(true) => parts.push("data under TLS".to_owned()),
            Some(false) => parts.push("data in clear".to_owned()),
            None => {}
        }
        words::all_of(parts)
    }

    fn misfit(&self, view: &View<'_>, channel: &Channel, summary: &TransferSummary) -> Fit {
        let size = words::count(summary.bytes, "byte");
        let not = |message: String, expected: String, observed: String| Fit::Not {
            message,
            expected,
            observed,
        };
        let bounds = [
            (&self.bytes, "", [Ordering::Equal].as_slice()),
            (&self.at_least, "at least ", &[Ordering::Equal, Ordering::Greater]),
            (&self.at_most, "at most ", &[Ordering::Equal, Ordering::Less]),
        ];
        for (text, prefix, allowed) in bounds {
            let Some(text) = text else { continue };
            let Some(number) = self.number(&Some(text.clone())) else {
                return Fit::Unknown {
                    why: format!("{} is not a number of bytes", words::quoted(text)),
                };
            };
            if !allowed.contains(&summary.bytes.cmp(&number)) {
                let expected = format!("{prefix}{}", words::count(number, "byte"));
                return not(format!("sent {size} of data"), expected, size);
            }
        }
        if self.is_for_no_bytes() && summary.clear_bytes > 0 {
            let observed = format!("{} in clear", words::count(summary.clear_bytes, "byte"));
            return not("sent data in clear".to_owned(), "0 bytes".to_owned(), observed);
        }
        if let Some(hash) = &self.sha256
            && !hash.eq_ignore_ascii_case(&summary.sha256)
        {
            return not(
                "sent other data".to_owned(),
                format!("data with the SHA-256 {}", short_hash(hash)),
                format!("{size} with the SHA-256 {}", short_hash(&summary.sha256)),
            );
        }
        if let Some(fit) = self.text_misfit(summary) {
            return fit;
        }
        match self.protected {
            Some(wanted) => protection(view, channel, summary, wanted),
            None => Fit::Fits,
        }
    }

    fn text_misfit(&self, summary: &TransferSummary) -> Option<Fit> {
        let observed = || format!("the data {}", words::quoted(&summary.text));
        if let Some(text) = &self.text
            && !words::contains(&summary.text, text)
        {
            return Some(Fit::Not {
                message: "sent data that lacks a text".to_owned(),
                expected: format!("data with the text {}", words::quoted(text)),
                observed: observed(),
            });
        }
        let text = self.without.as_ref()?;
        if words::contains(&summary.text, text) {
            return Some(Fit::Not {
                message: "sent data with a text that must not be there".to_owned(),
                expected: format!("data without the text {}", words::quoted(text)),
                observed: observed(),
            });
        }
        (summary.bytes == 0 && self.is_only_without()).then(|| Fit::Unknown {
            why: "0 bytes".to_owned(),
        })
    }

    /// `without` alone would hold for no data at all.
    fn is_only_without(&self) -> bool {
        self.bytes.is_none() && self.at_least.is_none() && self.sha256.is_none() && self.text.is_none()
    }
}

fn protection(view: &View<'_>, channel: &Channel, summary: &TransferSummary, wanted: bool) -> Fit {
    let opened = view.opened(channel).unwrap_or(0);
    let (mut under_tls, mut in_clear, mut left_over, mut handshake) =
        (0_u64, 0_u64, summary.clear_bytes, false);
    for (_, event) in view
        .all_from(opened)
        .filter(|(_, event)| event.channel.as_ref() == Some(channel))
    {
        match event.kind {
            EventKind::DataReceived {
                bytes,
                protected: true,
            } => under_tls = under_tls.saturating_add(bytes),
            EventKind::DataReceived {
                bytes,
                protected: false,
            } => in_clear = in_clear.saturating_add(bytes),
            EventKind::ClearBytesLeftOver { bytes, .. } => left_over = left_over.max(bytes),
            EventKind::HandshakeFinished(_) => handshake = true,
            _ => {}
        }
    }
    let in_clear = in_clear.max(left_over);
    let observed = format!(
        "{} under TLS and {} in clear",
        words::count(under_tls, "byte"),
        words::count(in_clear, "byte")
    );
    match (wanted, under_tls, in_clear) {
        (true, 0, 0) if handshake => Fit::Fits,
        (true, 1.., 0) | (false, 0, 1..) => Fit::Fits,
        (_, 0, 0) => Fit::Unknown {
            why: "0 bytes".to_owned(),
        },
        (true, ..) => Fit::Not {
            message: "sent data in clear".to_owned(),
            expected: "every byte under TLS".to_owned(),
            observed,
        },
        (false, ..) => Fit::Not {
            message: "sent data under TLS".to_owned(),
            expected: "every byte in clear".to_owned(),
            observed,
        },
    }
}

/// The first twelve digits are enough to tell two apart.
fn short_hash(hash: &str) -> String {
    let mut cut: String = words::shown(hash).chars().take(12).collect();
    if cut.len() < hash.len() {
        cut.push('…');
    }
    cut
}
