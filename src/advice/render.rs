//! A diagnosis as people read it.

use std::fmt::Write as _;

use super::fits::{Diagnosis, Evidence};
use super::model::{Advice, Party, Rules, Setting, Weight};
use crate::base::escape_peer;

/// How many cases are quoted for a piece of advice; further ones are counted.
const QUOTED: usize = 3;
/// Where the text behind a word begins.
const INDENT: usize = 12;

/// The text, with lines of at most `width` characters where words allow it.
#[must_use]
pub fn render(diagnosis: &Diagnosis, rules: &Rules, target: &str, width: usize) -> String {
    let mut text = String::new();
    let server = diagnosis.server.as_ref().map_or_else(
        || "server not recognised".to_owned(),
        |found| format!("{}, by `{}`", found.title, escape_peer(found.by.as_bytes())),
    );
    let _ = writeln!(text, "{target}: {server}\n");
    for advice in &diagnosis.advice {
        advice_text(&mut text, advice, rules, width);
    }
    if diagnosis.has_problem() && !diagnosis.unexplained.is_empty() {
        let names: Vec<&str> = diagnosis
            .unexplained
            .iter()
            .map(|evidence| evidence.case.as_str())
            .collect();
        let words = format!(
            "went wrong too, probably for the same reason: {}",
            names.join(", ")
        );
        let _ = writeln!(text, "{}\n", wrapped("also      ", &words, 10, width));
    }
    let unexplained = diagnosis.unexplained.iter().filter(|_| !diagnosis.has_problem());
    for evidence in unexplained {
        let _ = writeln!(
            text,
            "unknown   {} went wrong, and no rule explains it",
            evidence.case
        );
        observed(&mut text, std::slice::from_ref(evidence), width);
        text.push('\n');
    }
    if let Some((address, reason)) = &diagnosis.unreachable {
        unreachable(&mut text, address, reason, width);
    }
    summary(&mut text, diagnosis, width);
    text
}

/// No connection at all: what that usually is, and who can look.
fn unreachable(text: &mut String, address: &str, reason: &str, width: usize) {
    let reason = escape_peer(reason.as_bytes());
    let first = format!("no connection to {}: {reason}", escape_peer(address.as_bytes()));
    let _ = writeln!(text, "{}", wrapped("unreached ", &first, 10, width));
    let lower = reason.to_lowercase();
    let (means, who) = if lower.contains("refused") {
        (
            "The machine answers, and nothing listens at this port: the server is not running, or it listens at another port (21 is \
             usual for explicit TLS, 990 for implicit) or another address.",
            &[Party::Server][..],
        )
    } else if lower.contains("timed out") {
        (
            "Nothing answers at all: a firewall drops the packets, or no machine has this address.",
            &[Party::Network, Party::Server][..],
        )
    } else {
        (
            "The network of this machine does not lead there, or does not let it through.",
            &[Party::Network][..],
        )
    };
    line(text, "means", means, width);
    let who: Vec<&str> = who.iter().map(|party| party_words(*party)).collect();
    line(text, "who acts", &who.join("; "), width);
    text.push('\n');
}

fn advice_text(text: &mut String, advice: &Advice, rules: &Rules, width: usize) {
    let mark = match advice.weight {
        Weight::Problem => "problem",
        Weight::Note => "note",
    };
    let title = format!("{} [{}]", advice.title, advice.rule);
    let _ = writeln!(text, "{}", wrapped(&format!("{mark:<8}  "), &title, 10, width));
    observed(text, &advice.observed, width);
    line(text, "means", &advice.means, width);
    let who: Vec<&str> = advice.who.iter().map(|party| party_words(*party)).collect();
    line(text, "who acts", &who.join("; "), width);
    settings(text, "server", &advice.server, width, |key| {
        rules.servers.get(key).map(|software| software.title.as_str())
    });
    settings(text, "client", &advice.client, width, |key| {
        rules.clients.get(key).map(|software| software.title.as_str())
    });
    line(text, "safe?", &advice.safe, width);
    text.push('\n');
}

fn party_words(party: Party) -> &'static str {
    match party {
        Party::Client => "whoever runs or writes the client",
        Party::Network => "whoever runs the firewall or the address translation",
        Party::Server => "whoever runs the server",
    }
}

/// Cases with lines of their trace first; they show most.
fn observed(text: &mut String, evidence: &[Evidence], width: usize) {
    let mut shown: Vec<&Evidence> = evidence.iter().collect();
    shown.sort_by_key(|evidence| evidence.trace.is_empty());
    let more = shown.len().saturating_sub(QUOTED);
    let mut word = "observed";
    for evidence in shown.iter().take(QUOTED) {
        let seen = format!("{}: {}", evidence.case, evidence.seen);
        line(text, word, &seen, width);
        word = "";
        for event in &evidence.trace {
            let _ = writeln!(text, "  {:INDENT$}{event}", "");
        }
    }
    if more > 0 {
        line(text, word, &format!("… and {more} more"), width);
    }
}

fn settings<'a>(
    text: &mut String,
    word: &str,
    settings: &[Setting],
    width: usize,
    title: impl Fn(&str) -> Option<&'a str>,
) {
    let mut word = word;
    for setting in settings {
        let name = title(&setting.software).unwrap_or(&setting.software);
        line(text, word, &format!("{name}: {}", setting.set), width);
        word = "";
    }
}

fn line(text: &mut String, word: &str, words: &str, width: usize) {
    if !words.is_empty() {
        let first = format!("  {word:<INDENT$}");
        let _ = writeln!(text, "{}", wrapped(&first, words, INDENT + 2, width));
    }
}

/// `words` behind `first`, further lines indented.
fn wrapped(first: &str, words: &str, indent: usize, width: usize) -> String {
    let mut lines = vec![first.to_owned()];
    let mut is_start = true;
    for word in words.split(' ') {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if !is_start && last + 1 + word.chars().count() > width {
            lines.push(" ".repeat(indent));
            is_start = true;
        }
        if let Some(line) = lines.last_mut() {
            if !is_start {
                line.push(' ');
            }
            line.push_str(word);
        }
        is_start = false;
    }
    lines.join("\n")
}

fn summary(text: &mut String, diagnosis: &Diagnosis, width: usize) {
    let count = |weight| {
        diagnosis
            .advice
            .iter()
            .filter(|advice| advice.weight == weight)
            .count()
    };
    let noun = |number: usize, noun: &str| match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    };
    let problems = count(Weight::Problem);
    let mut line = format!(
        "{}, {}; {} good",
        noun(problems, "problem"),
        noun(count(Weight::Note), "note"),
        noun(diagnosis.good, "check")
    );
    // What stands first in the way says why; the rest waits behind it.
    let door = |name: &str| ["explicit-tls", "implicit-tls", "login"].contains(&name);
    let unreached = &diagnosis.unreached;
    let why = unreached
        .iter()
        .find(|(case, _)| door(case))
        .or(unreached.first());
    if let Some((case, reason)) = why {
        // What the peer said in it is escaped already; backslashes are not escaped twice.
        let reason = escape_peer(reason.as_bytes()).replace(r"\\", r"\");
        let _ = write!(
            line,
            "; {} not reached, {case} because {reason}",
            diagnosis.unreached.len()
        );
    }
    let _ = writeln!(text, "{}", wrapped("", &line, 2, width));
    if problems == 0 && diagnosis.unexplained.is_empty() && diagnosis.good == 0 {
        text.push_str("nothing can be said about the server\n");
    }
}
