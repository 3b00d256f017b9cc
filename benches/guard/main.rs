//! Three fixed workloads whose instructions are counted in CI: `.ci/instructions.sh` runs them under callgrind and holds the
//! counts against `benches/guard/budget.tsv`. Run without callgrind they only show that they work.
//!
//! ```text
//! guard load      # loads 500 scenario files
//! guard parse     # parses 100,000 replies
//! guard run       # runs 50 cases against the embedded server, one at a time on one thread
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark: a panic is its report"
)]

use std::path::Path;
use std::sync::Arc;

use ftpspec::base::{RunId, SystemClock};
use ftpspec::judge::Verdict;
use ftpspec::plan::{Case, CaseId, Cell};
use ftpspec::runner::{CaseRunner, Corpus, read_paths};
use ftpspec::target::Provisioner;
use ftpspec::wire::{ReplyLimits, ReplyParser};

/// Scenarios whose cases wait for nothing: their work is the same every time.
const AREAS: &[&str] = &["command-order", "extensions", "listing", "replies"];
/// Left out of the workload `run`: they wait on purpose, and waiting is not work.
const WAITS: &[&str] = &["replies/greeting-comes-once", "replies/nothing-comes-unasked"];

fn main() {
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "load" => load(),
            "parse" => parse(),
            "run" => run(),
            // What is meant for other benchmarks, and `--bench`.
            _ => {}
        }
    }
}

fn scenarios() -> Vec<(String, String)> {
    read_paths(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios")]).unwrap()
}

/// 500 files: those of four areas over and over.
fn load() {
    let texts: Vec<String> = scenarios()
        .into_iter()
        .filter(|(name, _)| AREAS.iter().any(|area| name.starts_with(&format!("{area}/"))))
        .map(|(_, text)| text)
        .collect();
    let files = (0..500)
        .zip(texts.iter().cycle())
        .map(|(number, text)| (format!("area/scenario-{number}.yaml"), text.clone()))
        .collect();
    let corpus = Corpus::load_files(files).unwrap();
    assert_eq!(corpus.scenarios.len(), 500);
    println!("loaded {} scenarios", corpus.scenarios.len());
}

/// 100,000 replies, every fifth of three lines, in pieces of 1,400 bytes.
fn parse() {
    let mut text = Vec::new();
    for number in 0..100_000 {
        if number % 5 == 0 {
            text.extend_from_slice(b"211-Features:\r\n MLST type*;size*;modify*;\r\n211 End\r\n");
        } else {
            text.extend_from_slice(format!("226 Transfer {number} complete.\r\n").as_bytes());
        }
    }
    let mut parser = ReplyParser::new(ReplyLimits::default());
    let mut replies = 0;
    for piece in text.chunks(1_400) {
        parser.push(piece);
        while parser.next().unwrap().is_some() {
            replies += 1;
        }
    }
    assert_eq!(replies, 100_000);
    println!("parsed {replies} replies");
}

/// 50 cases: the first scenarios of four areas in their first cell.
fn run() {
    let corpus = Corpus::load(&[]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let provisioner = Provisioner::new(folder.path().to_owned()).unwrap();
    let clock = Arc::new(SystemClock::new());
    let runner = CaseRunner::new(&corpus.catalogue, provisioner, clock, RunId::from_number(1));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let scenarios = corpus.scenarios.iter().filter(|scenario| {
        AREAS
            .iter()
            .any(|area| scenario.id.starts_with(&format!("{area}/")))
            && scenario.matrix.is_empty()
            && !WAITS.contains(&scenario.id.as_str())
    });
    let mut cases = 0;
    for scenario in scenarios.take(50) {
        let case = Case {
            id: CaseId {
                scenario: scenario.id.clone(),
                target: "embedded".to_owned(),
                cell: Cell::default(),
            },
            scenario: Arc::clone(scenario),
        };
        let policy = CaseRunner::embedded_policy(scenario);
        let ran = runtime.block_on(runner.run_embedded(&case, &policy)).unwrap();
        assert_eq!(
            ran.judgement.verdict,
            Verdict::Pass,
            "{}: {:?}",
            scenario.id,
            ran.judgement
        );
        cases += 1;
    }
    assert_eq!(cases, 50);
    println!("ran {cases} cases");
}
