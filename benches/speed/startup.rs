//! How long it takes until something happens: `list`, and loading scenario files.

use std::path::Path;
use std::time::{Duration, Instant};

use ftpspec::runner::{Corpus, read_paths};

use super::Scope;
use super::measure::{Table, median_seconds, run_well};
use super::stage;

pub(crate) fn measure(scope: Scope, table: &mut Table) {
    let mut lists = Vec::new();
    for _ in 0..scope.rounds {
        lists.push(run_well(stage::ftpspec().arg("list")).wall);
    }
    table.row(
        "startup: `ftpspec list`",
        "the whole process",
        format!("{:.0} ms", median_seconds(&lists) * 1e3),
        "",
    );
    let bundled = bundled();
    let (few, many) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(few.path(), 500, &bundled);
    write(many.path(), 5_000, &bundled);
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for _ in 0..scope.rounds {
        small.push(load(few.path(), 500));
        large.push(load(many.path(), 5_000));
    }
    let (small, large) = (median_seconds(&small), median_seconds(&large));
    table.row(
        "startup: 500 scenario files",
        "read, checked and lowered, one thread a processor",
        format!("{:.0} ms", small * 1e3),
        "< 50 ms",
    );
    table.row(
        "startup: 5,000 / 500 files",
        format!("{:.0} ms", large * 1e3),
        format!("{:.1} times the time", large / small),
        "10",
    );
}

/// The scenarios of the repository that stand for themselves, by text.
fn bundled() -> Vec<String> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut texts = Vec::new();
    for area in [
        "auth",
        "command-order",
        "protection",
        "replies",
        "shutdown",
        "transfer",
    ] {
        let mut files: Vec<_> = std::fs::read_dir(scenarios.join(area))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        texts.extend(files.iter().map(|file| std::fs::read_to_string(file).unwrap()));
    }
    texts
}

/// `count` files, the bundled ones over and over.
fn write(folder: &Path, count: usize, texts: &[String]) {
    for (number, text) in (0..count).zip(texts.iter().cycle()) {
        let area = folder.join(format!("area-{}", number / 100));
        std::fs::create_dir_all(&area).unwrap();
        std::fs::write(area.join(format!("scenario-{number}.yaml")), text).unwrap();
    }
}

fn load(folder: &Path, count: usize) -> Duration {
    let start = Instant::now();
    let files = read_paths(&[folder.to_owned()]).unwrap();
    let corpus = Corpus::load_files(files).unwrap();
    let time = start.elapsed();
    assert_eq!(corpus.scenarios.len(), count);
    time
}
