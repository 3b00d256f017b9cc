//! The documents: a book whose pages are all listed, whose links lead somewhere, and whose command lines are true.
//!
//! Every line `$ ftpspec …`, and every `ftpspec …` in a text, can be read by the command line. The lines of a block
//! ```` ```console run=0 ```` are run one after the other in one folder, `127.0.0.1:2121` being an embedded server, and have to end
//! with that exit code.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test file: a panic is the report"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use snapbox::cmd::Command;

use common::Served;

/// What stands for the address of a server in blocks that are run.
const ADDRESS: &str = "127.0.0.1:2121";

/// The pages of the book and the documents beside it.
fn documents() -> Vec<(PathBuf, String)> {
    let mut paths: Vec<PathBuf> = ["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"]
        .iter()
        .map(PathBuf::from)
        .collect();
    for entry in fs::read_dir("docs").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "md") {
            paths.push(path);
        }
    }
    paths.sort();
    assert!(paths.len() > 12, "{paths:?}");
    paths
        .into_iter()
        .map(|path| (path.clone(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// A command line of a document.
struct Line {
    words: Vec<String>,
    /// Whether a user is meant to type it as it stands; otherwise it is named in a text and may leave out what must follow.
    is_whole: bool,
}

/// Splits as a shell does, quotes and a remark included.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, '#') if word.is_none() => break,
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[test]
fn words_are_split_as_a_shell_does() {
    assert_eq!(
        words("ftpspec run 'a b' c#d ''  # remark"),
        ["ftpspec", "run", "a b", "c#d", ""]
    );
}

/// What is in single backticks in a line.
fn inline(line: &str) -> impl Iterator<Item = &str> {
    line.split('`').skip(1).step_by(2)
}

fn command_lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut is_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            if let Some(line) = line.trim_start().strip_prefix("$ ")
                && line.starts_with("ftpspec ")
            {
                lines.push(Line {
                    words: words(line),
                    is_whole: true,
                });
            }
        } else {
            lines.extend(
                inline(line)
                    .filter(|code| code.starts_with("ftpspec "))
                    .map(|code| Line {
                        words: words(code),
                        is_whole: false,
                    }),
            );
        }
    }
    lines
}

#[test]
fn every_command_line_can_be_read() {
    let mut problems = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        for line in command_lines(&text) {
            count += 1;
            let Err(error) = ftpspec::cli::check_words(&line.words) else {
                continue;
            };
            let is_unfinished =
                error.contains("were not provided") || error.contains("requires a subcommand");
            if line.is_whole || !is_unfinished {
                problems.push(format!("{}: {}\n{error}", path.display(), line.words.join(" ")));
            }
        }
    }
    assert!(count > 60, "{count} command lines");
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn what_says_that_it_runs_runs() {
    let served = Served::start(&["--account", "user:password"]);
    let address = served.address.to_string();
    let mut count = 0;
    for (path, text) in documents() {
        let folder = tempfile::tempdir().unwrap();
        let mut wanted: Option<i32> = None;
        for line in text.lines() {
            if let Some(info) = line.strip_prefix("```") {
                wanted = info
                    .strip_prefix("console run=")
                    .map(|code| code.parse().unwrap());
            } else if let (Some(wanted), Some(line)) = (wanted, line.strip_prefix("$ ")) {
                let words = words(&line.replace(ADDRESS, &address));
                let (program, arguments) = words.split_first().unwrap();
                assert_eq!(program, "ftpspec", "{}: {line}", path.display());
                let output = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
                    .args(arguments)
                    .current_dir(folder.path())
                    .env("NO_COLOR", "1")
                    .env_remove("FTPSPEC_PASSWORD")
                    .timeout(Duration::from_secs(300))
                    .output()
                    .unwrap();
                assert_eq!(
                    output.status.code(),
                    Some(wanted),
                    "{}: {line}\n{}{}",
                    path.display(),
                    String::from_utf8_lossy(&output.stdout),
                    String::from_utf8_lossy(&output.stderr)
                );
                count += 1;
            }
        }
    }
    assert!(count > 8, "{count} command lines were run");
}

/// The targets of links, without those of the network.
fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .filter(|target| !target.contains("://") && !target.contains(' '))
        .collect()
}

/// The anchor of a heading, as Markdown readers make it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
            _ => None,
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut problems = Vec::new();
    let mut count = 0;
    for (path, text) in documents() {
        for link in links(&text) {
            count += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                path.clone()
            } else {
                path.parent().unwrap_or(Path::new("")).join(file)
            };
            let is_there = target.exists()
                && (heading.is_empty()
                    || fs::read_to_string(&target)
                        .unwrap()
                        .lines()
                        .filter(|line| line.starts_with('#'))
                        .any(|line| anchor(line.trim_start_matches('#').trim()) == heading));
            if !is_there {
                problems.push(format!("{}: {link}", path.display()));
            }
        }
    }
    assert!(count > 40, "{count} links");
    assert!(problems.is_empty(), "{problems:?}");
}

#[test]
fn the_book_has_every_page_once() {
    let summary = fs::read_to_string("docs/SUMMARY.md").unwrap();
    let listed = links(&summary);
    let pages: BTreeSet<String> = documents()
        .iter()
        .filter_map(|(path, _)| Some(path.strip_prefix("docs").ok()?.display().to_string()))
        .filter(|page| page != "SUMMARY.md")
        .collect();
    assert_eq!(
        listed
            .iter()
            .map(|page| (*page).to_owned())
            .collect::<BTreeSet<_>>(),
        pages
    );
    assert_eq!(listed.len(), pages.len());
}

/// The names of the variants of `pub enum NAME` in `text`, in kebab-case.
fn variants(text: &str, name: &str) -> Vec<String> {
    let body = text.split_once(&format!("pub enum {name} {{\n")).unwrap().1;
    let body = body.split_once("\n}\n").unwrap().0;
    body.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()))
        .map(|line| {
            let mut kebab = String::new();
            for c in line.chars().take_while(|c| c.is_ascii_alphanumeric()) {
                if c.is_ascii_uppercase() && !kebab.is_empty() {
                    kebab.push('-');
                }
                kebab.push(c.to_ascii_lowercase());
            }
            kebab
        })
        .collect()
}

#[test]
fn every_event_is_described_and_the_example_is_a_trace() {
    let page = fs::read_to_string("docs/trace.md").unwrap();
    let source = fs::read_to_string("src/trace/event.rs").unwrap();
    for name in ["EventKind", "ActionProblem"] {
        let variants = variants(&source, name);
        assert!(variants.len() > 8, "{variants:?}");
        for variant in variants {
            assert!(page.contains(&format!("\n| `{variant}` |")), "{variant}");
        }
    }
    let example = page
        .split_once("```json\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    let (case, events) = ftpspec::trace::read_trace(Cursor::new(example)).unwrap();
    assert_eq!(case, "auth/auth-tls-is-answered-234");
    assert_eq!(events.len(), 5);
}
