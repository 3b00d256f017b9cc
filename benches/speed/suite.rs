//! The whole embedded run beside its floor: the same handshakes and bytes with the TLS library alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::Scope;
use super::floor::{self, Work};
use super::measure::{Table, median_seconds, run_well};
use super::stage;

/// No event for so long is a wait: the embedded server answers within a millisecond.
const PAUSE: f64 = 0.05;

/// What the traces of a run hold.
#[derive(Debug, Default)]
struct Counted {
    work: Work,
    /// Seconds in which nothing happened, by scenario.
    waits: BTreeMap<String, f64>,
    cases: usize,
}

pub(crate) fn measure(scope: Scope, table: &mut Table) {
    let folder = tempfile::tempdir().unwrap();
    run_well(&mut command(folder.path(), &[]));
    let all = count(folder.path());
    table.row(
        "suite: everything",
        format!("{} cases, {}", all.cases, all.work),
        format!("{:.1} s of deliberate waits", all.waits.values().sum::<f64>()),
        "",
    );

    let report = stage::report(folder.path());
    let scenarios: BTreeSet<String> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|case| case["scenario"].as_str().unwrap().to_owned())
        .filter(|scenario| !all.waits.contains_key(scenario))
        .collect();
    let scenarios: Vec<String> = scenarios.into_iter().collect();
    let (mut whole, mut inner, mut floors) = (Vec::new(), Vec::new(), Vec::new());
    let mut counted = Counted::default();
    for _ in 0..scope.rounds {
        let folder = tempfile::tempdir().unwrap();
        whole.push(run_well(&mut command(folder.path(), &scenarios)).wall);
        let seconds = stage::report(folder.path())["run"]["seconds"].as_f64().unwrap();
        inner.push(Duration::from_secs_f64(seconds));
        counted = count(folder.path());
        floors.push(floor::perform(&counted.work));
    }
    let floor = median_seconds(&floors);
    let what = format!("{} cases that do not wait, {}", counted.cases, counted.work);
    table.row(
        "suite: run / floor",
        format!("{what}: {:.3} s, floor {floor:.3} s", median_seconds(&inner)),
        format!("{:.2}", median_seconds(&inner) / floor),
        "<= 1.5",
    );
    table.row(
        "suite: process / floor",
        format!(
            "the same with start-up and reports: {:.3} s",
            median_seconds(&whole)
        ),
        format!("{:.2}", median_seconds(&whole) / floor),
        "",
    );
}

fn command(reports: &Path, scenarios: &[String]) -> std::process::Command {
    let mut command = stage::ftpspec();
    command
        .args(["run", "--quiet", "--capture", "none", "--reports"])
        .arg(reports)
        .args(scenarios);
    command
}

/// Reads the traces of all cases, those of properties left out.
fn count(reports: &Path) -> Counted {
    let latest = reports.join("latest");
    let report = stage::report(reports);
    let mut counted = Counted::default();
    for case in report["cases"].as_array().unwrap() {
        let Some(place) = case["folder"].as_str() else {
            continue;
        };
        counted.cases += 1;
        let text = std::fs::read_to_string(latest.join(place).join("trace.jsonl")).unwrap();
        let events: Vec<Value> = text
            .lines()
            .skip(1)
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let times = events.iter().map(|event| event["at"].as_f64().unwrap());
        let (mut last, mut paused) = (0.0, 0.0);
        for time in times {
            if time - last > PAUSE {
                paused += time - last;
            }
            last = time;
        }
        if paused > 0.0 {
            let scenario = case["scenario"].as_str().unwrap().to_owned();
            *counted.waits.entry(scenario).or_default() += paused;
        }
        for event in &events {
            add(&mut counted.work, event);
        }
    }
    counted
}

fn add(work: &mut Work, event: &Value) {
    match event["event"].as_str() {
        Some("handshake-finished") => {
            let is_new = event["version"] == "tls1.3";
            let is_full = event["kind"] == "full";
            match (is_new, is_full) {
                (true, true) => work.full_tls13 += 1,
                (true, false) => work.resumed_tls13 += 1,
                (false, true) => work.full_tls12 += 1,
                (false, false) => work.resumed_tls12 += 1,
            }
        }
        Some("data-sent" | "transfer-finished") => work.bytes += event["bytes"].as_u64().unwrap_or_default(),
        _ => {}
    }
}
