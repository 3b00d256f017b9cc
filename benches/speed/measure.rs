//! Measuring processes, and the table of what was measured.

use std::fmt;
use std::fs;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// What one process took.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    /// From start to end.
    pub(crate) wall: Duration,
    /// User and system time, its children included; in steps of 10 ms.
    pub(crate) cpu: Duration,
    /// The most memory it held at a time, in bytes.
    pub(crate) peak: u64,
    /// What it wrote.
    pub(crate) output: Output,
}

/// Runs `command` to its end.
pub(crate) fn run(command: &mut Command) -> Sample {
    let before = children_time();
    let start = Instant::now();
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = child
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
    let status = format!("/proc/{}/status", child.id());
    let (ended, peak) = (AtomicBool::new(false), AtomicU64::new(0));
    let output = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                peak.fetch_max(high_water(&status), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        let output = child.wait_with_output().unwrap();
        ended.store(true, Ordering::Relaxed);
        output
    });
    Sample {
        wall: start.elapsed(),
        cpu: children_time().saturating_sub(before),
        peak: peak.into_inner(),
        output,
    }
}

/// Runs `command` to its end; it must end with 0.
pub(crate) fn run_well(command: &mut Command) -> Sample {
    let sample = run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        sample.output.status.success(),
        "{command:?} ended with {}:\n{}{}",
        sample.output.status,
        text(&sample.output.stdout),
        text(&sample.output.stderr)
    );
    sample
}

/// `VmHWM` of a process, in bytes; 0 when it is gone.
fn high_water(status: &str) -> u64 {
    let text = fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or_default()
        * 1024
}

/// User and system time of all processes that were waited for.
fn children_time() -> Duration {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    // Behind the name, which may hold spaces: field 3 is the first; 16 and 17 are the children's ticks of 10 ms.
    let fields: Vec<&str> = text
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[13..15]
        .iter()
        .map(|ticks| ticks.parse::<u64>().unwrap())
        .sum();
    Duration::from_millis(ticks * 10)
}

/// The middle one; the upper of two.
pub(crate) fn median<T: Copy + PartialOrd>(values: &[T]) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).unwrap());
    sorted[sorted.len() / 2]
}

/// The median in seconds.
pub(crate) fn median_seconds(values: &[Duration]) -> f64 {
    let seconds: Vec<f64> = values.iter().map(Duration::as_secs_f64).collect();
    median(&seconds)
}

/// What was measured, a row each.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<[String; 4]>,
}

impl Table {
    /// A row: what, how much, the ratio or figure that counts, and what it should be.
    pub(crate) fn row(
        &mut self,
        what: impl Into<String>,
        measured: impl Into<String>,
        figure: impl Into<String>,
        aim: impl Into<String>,
    ) {
        let row = [what.into(), measured.into(), figure.into(), aim.into()];
        println!("  {}: {} {}", row[0], row[1], row[2]);
        self.rows.push(row);
    }

    /// A row that was not measured.
    pub(crate) fn skip(&mut self, what: impl Into<String>, why: impl Into<String>) {
        self.row(what, why, "not measured", "");
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | measured | figure | aim |")?;
        writeln!(f, "|---|---|---|---|")?;
        for row in &self.rows {
            writeln!(f, "| {} |", row.join(" | "))?;
        }
        Ok(())
    }
}
