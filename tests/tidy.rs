//! House rules that no lint knows: file headers, sizes, words, generated files.

#![expect(clippy::unwrap_used, reason = "a test file: a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

/// Lines a file may have, without its tests.
const LINES: usize = 800;

fn files(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("out") && !path.ends_with("target") {
                files(&path, extension, into);
            }
        } else if path.extension().is_some_and(|found| found == extension) {
            into.push(path);
        }
    }
}

fn rust_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in ["src", "tests", "benches", "examples"] {
        if Path::new(folder).is_dir() {
            files(Path::new(folder), "rs", &mut found);
        }
    }
    assert!(found.len() > 20, "files were found");
    found
}

/// Test code inside of `src`.
fn is_test(path: &Path) -> bool {
    path.ends_with("tests.rs") || path.components().any(|part| part.as_os_str() == "tests")
}

#[test]
fn every_file_says_what_it_is() {
    let mut problems = Vec::new();
    for path in rust_files() {
        let text = fs::read_to_string(&path).unwrap();
        if !text.starts_with("//! ") {
            problems.push(path.display().to_string());
        }
        if text.starts_with("//! Under") || text.starts_with("//! Placeholder") {
            problems.push(format!("{} is not done", path.display()));
        }
    }
    assert!(problems.is_empty(), "files without a header: {problems:?}");
}

#[test]
fn no_file_is_too_long() {
    let mut problems = Vec::new();
    for path in rust_files()
        .into_iter()
        .filter(|path| path.starts_with("src") && !is_test(path))
    {
        let text = fs::read_to_string(&path).unwrap();
        let lines = text
            .lines()
            .take_while(|line| !line.starts_with("#[cfg(test)]"))
            .count();
        if lines > LINES {
            problems.push(format!("{}: {lines} lines", path.display()));
        }
    }
    assert!(problems.is_empty(), "files over {LINES} lines: {problems:?}");
}

#[test]
fn nothing_is_left_unfinished() {
    let forbidden = ["todo!(", "unimplemented!(", "dbg!("];
    let mut problems = Vec::new();
    for path in rust_files().into_iter().filter(|path| path.starts_with("src")) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in text.lines().enumerate() {
            if forbidden.iter().any(|word| line.contains(word)) {
                problems.push(format!("{}:{}: {}", path.display(), number + 1, line.trim()));
            }
            if line.trim_start().starts_with("#[allow(") {
                problems.push(format!(
                    "{}:{}: use #[expect(…, reason = …)]",
                    path.display(),
                    number + 1
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_module_file_holds_only_its_header_and_what_it_gives_out() {
    let mut problems = Vec::new();
    // Entry points hold their `main`.
    let entry_points = ["src/cli/mod.rs", "src/cargo_test/mod.rs"];
    let modules = rust_files()
        .into_iter()
        .filter(|path| path.starts_with("src") && path.ends_with("mod.rs"));
    for path in modules.filter(|path| !is_test(path)) {
        if entry_points.iter().any(|entry| path == Path::new(entry)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if text
            .lines()
            .any(|line| line.starts_with("fn ") || line.starts_with("pub fn ") || line.starts_with("impl "))
        {
            problems.push(path.display().to_string());
        }
    }
    assert!(problems.is_empty(), "module files with code: {problems:?}");
}

#[test]
fn scenarios_name_the_faults_they_detect() {
    let mut found = Vec::new();
    files(Path::new("scenarios"), "yaml", &mut found);
    let mut problems = Vec::new();
    for path in found {
        let exempt = [
            "scenarios/requirements",
            "scenarios/discover",
            "scenarios/diagnose",
            "scenarios/properties",
            "scenarios/advice",
        ];
        if exempt.iter().any(|folder| path.starts_with(folder)) {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        if !text.lines().any(|line| line.starts_with("detects:")) {
            problems.push(path.display().to_string());
        }
    }
    assert!(problems.is_empty(), "{problems:?}");
}
