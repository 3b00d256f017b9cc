//! The reference for authors of scenarios, `docs/scenarios.md`. Tables come from the raw types, so that they cannot
//! disagree with the reader; a test loads every example.

mod examples;

use std::fmt::Write as _;

use super::error::LoadErrorKind;
use super::lower::BUILT_IN;
use super::model::{
    CaptureSource, CertificateQuality, ClosedBy, HandshakeOutcome, HelloOption, Level, Milestone, RecordWord,
    Severity,
};
use super::raw::{
    CHECK_KINDS, KeyDoc, Keyed, RawCheck, RawClose, RawConnect, RawConnectData, RawData, RawFilePattern,
    RawList, RawOpenData, RawProbeTls, RawProvideFile, RawReach, RawReadData, RawReply, RawRetrieve,
    RawScenario, RawSendRaw, RawSendRecord, RawStartTls, RawStep, RawStore, RawTls, RawWriteData, VERBS,
    Word,
};
use crate::requirement::Capability;
use crate::trace::{DataPath, TlsSign};
use examples::{CHECKS, INTRODUCTION, REQUIREMENTS, RESUME, TRANSFERS, VALUES, VERB_EXAMPLES};

/// The reference as Markdown.
#[must_use]
pub fn render() -> String {
    let mut page = String::new();
    page.push_str(INTRODUCTION);
    section(&mut page, "Top level", RawScenario::MEANING);
    keys(&mut page, RawScenario::DOCS);
    section(&mut page, "Steps", RawStep::MEANING);
    let frame: Vec<KeyDoc> = RawStep::DOCS
        .iter()
        .copied()
        .filter(|key| !VERBS.contains(&key.name))
        .collect();
    keys(&mut page, &frame);
    section(
        &mut page,
        "Verbs",
        "High-level verbs are macros; `ftpspec explain` prints what they do on the wire.",
    );
    for verb in VERBS {
        verb_section(&mut page, verb);
    }
    page.push_str(RESUME);
    page.push_str(TRANSFERS);
    section(&mut page, "Checks", RawCheck::MEANING);
    let frame: Vec<KeyDoc> = RawCheck::DOCS
        .iter()
        .copied()
        .filter(|key| !CHECK_KINDS.contains(&key.name))
        .collect();
    keys(&mut page, &frame);
    for kind in CHECK_KINDS {
        check_section(&mut page, kind);
    }
    page.push_str(VALUES);
    words_section(&mut page);
    variables_section(&mut page);
    capabilities_section(&mut page);
    page.push_str(REQUIREMENTS);
    errors_section(&mut page);
    page
}

fn section(page: &mut String, title: &str, text: &str) {
    line(page, format_args!("## {title}\n\n{text}\n"));
}

/// A line, and writing to a string does not fail.
fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = writeln!(page, "{text}");
}

fn keys(page: &mut String, keys: &[KeyDoc]) {
    page.push_str("| key | value | meaning |\n|---|---|---|\n");
    for key in keys {
        line(
            page,
            format_args!(
                "| `{}` | {} | {} |",
                key.name,
                cell(&(key.value)()),
                cell(key.meaning)
            ),
        );
    }
    page.push('\n');
}

/// `text` as it may stand in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn verb_section(page: &mut String, verb: &str) {
    let meaning = RawStep::DOCS
        .iter()
        .find(|key| key.name == verb)
        .map_or("", |key| key.meaning);
    line(page, format_args!("### `{verb}`\n\n{meaning}\n"));
    example(page, VERB_EXAMPLES, verb);
    let arguments = arguments(verb);
    if !arguments.is_empty() {
        keys(page, arguments);
    }
}

fn check_section(page: &mut String, kind: &str) {
    let doc = RawCheck::DOCS.iter().find(|key| key.name == kind);
    line(
        page,
        format_args!("### `{kind}`\n\n{}\n", doc.map_or("", |key| key.meaning)),
    );
    line(
        page,
        format_args!("Value: {}.\n", doc.map_or_else(String::new, |key| (key.value)())),
    );
    example(page, CHECKS, kind);
    let parts = parts(kind);
    if !parts.is_empty() {
        keys(page, parts);
    }
}

fn example(page: &mut String, examples: &[(&str, &str)], name: &str) {
    if let Some((_, yaml)) = examples.iter().find(|(known, _)| *known == name) {
        line(page, format_args!("```yaml\n{}\n```\n", yaml.trim()));
    }
}

/// The keys of a verb's arguments.
fn arguments(verb: &str) -> &'static [KeyDoc] {
    match verb {
        "reach" => RawReach::DOCS,
        "provide-file" => RawProvideFile::DOCS,
        "store" => RawStore::DOCS,
        "retrieve" => RawRetrieve::DOCS,
        "list" => RawList::DOCS,
        "connect" => RawConnect::DOCS,
        "send-raw" => RawSendRaw::DOCS,
        "start-tls" => RawStartTls::DOCS,
        "probe-tls" => RawProbeTls::DOCS,
        "send-record" => RawSendRecord::DOCS,
        "open-data" => RawOpenData::DOCS,
        "connect-data" => RawConnectData::DOCS,
        "read-data" => RawReadData::DOCS,
        "write-data" => RawWriteData::DOCS,
        "close-data" | "close-control" => RawClose::DOCS,
        _ => &[],
    }
}

/// The keys of a check's pattern.
fn parts(kind: &str) -> &'static [KeyDoc] {
    match kind {
        "reply" => RawReply::DOCS,
        "tls" => RawTls::DOCS,
        "data" => RawData::DOCS,
        "file" => RawFilePattern::DOCS,
        _ => &[],
    }
}

fn words_section(page: &mut String) {
    section(
        page,
        "Words",
        "Closed lists; a word outside them is a load error with a suggestion.",
    );
    page.push_str("| list | words |\n|---|---|\n");
    words::<Severity>(page);
    words::<Level>(page);
    words::<DataPath>(page);
    words::<HandshakeOutcome>(page);
    words::<HelloOption>(page);
    words::<RecordWord>(page);
    words::<TlsSign>(page);
    words::<CertificateQuality>(page);
    words::<ClosedBy>(page);
    words::<Milestone>(page);
    words::<CaptureSource>(page);
    page.push('\n');
}

fn words<W: Word>(page: &mut String) {
    let words: Vec<String> = W::words().iter().map(|(word, _)| format!("`{word}`")).collect();
    line(page, format_args!("| {} | {} |", W::WHAT, words.join(", ")));
}

fn variables_section(page: &mut String) {
    let text = "`$(name)` in a text is filled in when the step runs, never before parsing. A name is known when it is an \
                axis of `matrix`, a variable of `vars` (which may use the ones above it), a `capture` of an earlier step, \
                or `AS.path`, `AS.bytes`, `AS.sha256` of an earlier `provide-file: { …, as: AS }`. These are always there:";
    section(page, "Variables", text);
    page.push_str("| name | value |\n|---|---|\n");
    for (name, meaning) in BUILT_IN {
        line(page, format_args!("| `$({name})` | {meaning} |"));
    }
    page.push('\n');
}

fn capabilities_section(page: &mut String) {
    let text = "The words of `requires`. A target's profile declares them, or a scenario below `discover/` finds them out.";
    section(page, "Capabilities", text);
    page.push_str("| word | meaning |\n|---|---|\n");
    for capability in Capability::ALL {
        line(
            page,
            format_args!("| `{capability}` | {} |", cell(capability.meaning())),
        );
    }
    page.push('\n');
}

fn errors_section(page: &mut String) {
    let text = "All problems of all files are reported at once, each with a code:";
    section(page, "Messages", text);
    let codes: Vec<String> = LoadErrorKind::CODES
        .iter()
        .map(|code| format!("`{code}`"))
        .collect();
    line(page, format_args!("{}.", codes.join(", ")));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::requirement::Catalogue;
    use crate::scenario::{Known, load};

    /// Steps are loaded inside this scenario.
    fn frame(steps: &str) -> String {
        let indented: String = steps.lines().map(|line| format!("  {line}\n")).collect();
        format!(
            "title: T\nwhy: W\ndetects: [accepts-prot-without-pbsz]\nrequires: [upload]\n\
             vars: {{ path: a-$(run.id) }}\nsetup:\n  - reach: data-protected\n  - {{ session: second, reach: protected }}\n  \
             - provide-file: {{ path: $(path), bytes: 4096, as: file }}\nsteps:\n{indented}  \
             - expect: {{ reply: 503, requirement: rfc4217.s9.pbsz-before-prot }}\n"
        )
    }

    #[test]
    fn every_example_can_be_loaded() {
        let catalogue = Catalogue::embedded().unwrap();
        let faults = [
            "accepts-prot-without-pbsz",
            "serves-full-handshake-when-reuse-required",
        ];
        let known = Known {
            catalogue: &catalogue,
            faults: &faults,
            habits: &["lacks-rein"],
            certificates: &["client"],
        };
        let page = render();
        let blocks: Vec<&str> = page
            .split("```yaml\n")
            .skip(1)
            .filter_map(|rest| rest.split("```").next())
            .collect();
        assert!(blocks.len() > VERBS.len() + CHECK_KINDS.len());
        for block in blocks {
            let is_whole = block.starts_with("title:");
            let text = if is_whole { block.to_owned() } else { frame(block) };
            let path = if block.contains("\ncapability:") {
                "discover/example"
            } else if block.contains("\nvalues:") {
                "properties/example"
            } else {
                "reference/example"
            };
            let (_, errors) = load(vec![(path.to_owned(), text)], &known);
            let messages: Vec<String> = errors.iter().map(ToString::to_string).collect();
            assert!(messages.is_empty(), "{block}\n{}", messages.join("\n"));
        }
    }

    #[test]
    fn every_verb_and_every_check_has_its_example() {
        for verb in VERBS {
            let (_, yaml) = VERB_EXAMPLES.iter().find(|(name, _)| name == verb).unwrap();
            assert!(yaml.contains(&format!("{verb}:")), "{verb}");
        }
        for kind in CHECK_KINDS {
            let (_, yaml) = CHECKS.iter().find(|(name, _)| name == kind).unwrap();
            assert!(yaml.contains(&format!("{kind}:")), "{kind}");
        }
        assert_eq!(VERB_EXAMPLES.len(), VERBS.len());
        assert_eq!(CHECKS.len(), CHECK_KINDS.len());
    }
}
