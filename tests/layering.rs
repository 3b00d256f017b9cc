//! Holds the imports of every module against the table in ARCHITECTURE.md.

#![expect(clippy::unwrap_used, reason = "a test file: a panic is the report")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module to the modules it may import, as the table says; rows come in layer order.
fn table() -> Vec<(String, BTreeSet<String>)> {
    let text = fs::read_to_string("ARCHITECTURE.md").unwrap();
    let mut rows: Vec<(String, BTreeSet<String>)> = Vec::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let modules = words(cells[0]);
        let above: BTreeSet<String> = rows.iter().map(|(name, _)| name.clone()).collect();
        for module in modules {
            let mut allowed = if cells[1].contains("everything") {
                above.clone()
            } else {
                BTreeSet::new()
            };
            // `cargo_test` also gets what stands in the brackets behind its name; the others do not.
            let (general, special) = cells[1].split_once('(').unwrap_or((cells[1], ""));
            allowed.extend(words(general));
            if special.contains(&format!("`{module}`")) {
                allowed.extend(words(special));
            }
            rows.push((module, allowed));
        }
    }
    rows
}

/// The words in backticks.
fn words(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn rust_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("tests") || path.ends_with("tests.rs") || path.ends_with("fixtures.rs") {
            continue;
        }
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The paths behind every `crate::` of the code (comments and test modules left out).
fn imports(text: &str) -> Vec<String> {
    let code: String = text
        .split("#[cfg(test)]")
        .next()
        .unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        let path: String = code[at + "crate::".len()..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_' || *c == ':')
            .collect();
        found.push(path);
    }
    found
}

#[test]
fn imports_go_down_and_never_across() {
    let rows = table();
    let allowed: BTreeMap<&str, &BTreeSet<String>> =
        rows.iter().map(|(name, set)| (name.as_str(), set)).collect();
    assert!(allowed.len() >= 15, "the table was found: {allowed:?}");
    let mut problems = Vec::new();
    let mut seen = 0;
    for (module, may) in &allowed {
        let mut files = Vec::new();
        rust_files(&Path::new("src").join(module), &mut files);
        for file in files {
            for path in imports(&fs::read_to_string(&file).unwrap()) {
                seen += 1;
                let target = path.split(':').next().unwrap_or_default();
                let fine = target == *module
                    || target == "base"
                    || may.iter().any(|entry| {
                        entry == target || (path.starts_with(entry.as_str()) && entry.contains("::"))
                    });
                if !fine && allowed.contains_key(target) {
                    problems.push(format!("{}: crate::{path}", file.display()));
                }
            }
        }
    }
    assert!(seen > 100, "imports were found");
    assert!(
        problems.is_empty(),
        "imports that the table does not allow:\n{}",
        problems.join("\n")
    );
}

#[test]
fn only_tls_names_rustls_and_only_cli_and_cargo_test_read_the_environment() {
    let mut files = Vec::new();
    rust_files(Path::new("src"), &mut files);
    let mut problems = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let place = file.strip_prefix("src").unwrap().display().to_string();
        let code: String = code
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            .collect::<Vec<_>>()
            .join("\n");
        if code.contains("rustls::") && !place.starts_with("tls/") {
            problems.push(format!("{place} names rustls"));
        }
        let entry = place.starts_with("cli/") || place.starts_with("cargo_test/");
        if (code.contains("std::env::") || code.contains("env::var")) && !entry {
            problems.push(format!("{place} reads the environment"));
        }
        if code.contains("docker") && code.contains("Command::new") && !place.starts_with("target/") {
            problems.push(format!("{place} starts containers"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
