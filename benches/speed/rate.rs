//! Cases per second beside the same checks in Python and beside curl started for each.

use std::process::Command;
use std::time::Duration;

use super::Scope;
use super::measure::{Table, median_seconds, run, run_well};
use super::stage::{self, Served};

/// The checks; `benches/peers/checks.py` has the same, under the same names, and so has [`CURL`].
const SCENARIOS: &[&str] = &[
    "auth/auth-tls-is-answered-234",
    "auth/explicit-greeting-comes-in-clear",
    "auth/unknown-mechanism-is-refused",
    "replies/syst-is-answered-215",
    "command-order/pbsz-is-refused-in-clear",
    "command-order/pass-needs-user",
    "command-order/prot-is-refused-before-pbsz",
    "command-order/rename-needs-its-source",
    "protection/pbsz-0-is-accepted",
    "protection/prot-p-protects-the-next-data-connection",
    "protection/unknown-level-is-refused",
    "extensions/feat-is-well-formed",
    "extensions/size-is-exact",
    "extensions/mdtm-has-fourteen-digits",
    "listing/nlst-gives-plain-names",
    "listing/mlsd-entries-are-facts-space-name",
    "replies/noop-is-answered-200",
    "replies/unknown-command-is-refused",
    "transfer/image-files-come-back-unchanged",
    "session-reuse/tls13-tickets-work-on-data",
];

/// What curl does for each of them, as near as it comes; `-` stands for an upload of a kilobyte.
const CURL: &[&[&str]] = &[
    &["-Q", "NOOP"],
    &[],
    &["-Q", "AUTH NOSUCH"],
    &["-Q", "SYST"],
    &["-Q", "PBSZ 0"],
    &["-Q", "PASS pw"],
    &["-Q", "PROT P"],
    &["-Q", "RNTO elsewhere"],
    &["-Q", "PBSZ 0"],
    &["--list-only"],
    &["-Q", "PROT X"],
    &["-Q", "FEAT"],
    &["-"],
    &["-"],
    &["--list-only"],
    &["-X", "MLSD"],
    &["-Q", "NOOP"],
    &["-Q", "NOSUCH"],
    &["-"],
    &["--tlsv1.3", "--list-only"],
];

pub(crate) fn measure(scope: Scope, table: &mut Table) {
    let served = Served::start(&[]);
    let times = if scope.quick { 2 } else { 20 };
    let has_python = stage::is_installed("python3");
    let has_curl = stage::is_installed("curl");
    // Rates: one at a time, as usual, in Python, by curl.
    let (mut single, mut usual, mut python, mut curl) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..scope.rounds {
        single.push(ours(&served, times, Some(1)));
        usual.push(ours(&served, times, None));
        if has_python {
            python.push(pythons(&served, times));
        }
        if has_curl {
            curl.push(curls(&served));
        }
    }
    let rate = |each: &[Duration]| 1.0 / median_seconds(each);
    table.row(
        "rate: one at a time, as usual",
        format!("{} scenarios, --jobs 1 and the usual 8", SCENARIOS.len()),
        format!("{:.0} and {:.0} cases/s", rate(&single), rate(&usual)),
        "",
    );
    for (name, peer, aim) in [("Python", &python, ">= 10"), ("curl", &curl, ">= 3")] {
        let what = format!("rate: ftpspec / {name}");
        if peer.is_empty() {
            table.skip(what, format!("{name} is not installed"));
            continue;
        }
        table.row(
            what,
            format!("{name}: {:.0} checks/s", rate(peer)),
            format!(
                "{:.1} with --jobs 1, {:.1} as usual",
                rate(&single) / rate(peer),
                rate(&usual) / rate(peer)
            ),
            aim,
        );
    }
}

/// The time of one case. What a run does once (start-up, finding out what the server can) is shared by all of its cases.
fn ours(served: &Served, times: usize, jobs: Option<u32>) -> Duration {
    let reports = tempfile::tempdir().unwrap();
    let mut command = stage::ftpspec();
    command.args([
        "run",
        "--quiet",
        "--capture",
        "none",
        "--insecure",
        "--allow",
        "write",
    ]);
    command.args([
        "--max-connections",
        "16",
        "--repeat",
        &times.to_string(),
        "--reports",
    ]);
    command.arg(reports.path()).args(SCENARIOS).arg(served.url());
    if let Some(jobs) = jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    let sample = run_well(&mut command);
    let report = stage::report(reports.path());
    let cases = report["cases"].as_array().unwrap();
    let judged = cases
        .iter()
        .filter(|case| case["judgement"]["verdict"] == "pass")
        .count();
    assert_eq!(judged, cases.len(), "every check passes");
    sample.wall / u32::try_from(judged * times).unwrap()
}

fn pythons(served: &Served, times: usize) -> Duration {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers/checks.py");
    let mut command = Command::new("python3");
    command.arg(script).arg(served.address.ip().to_string());
    command
        .arg(served.address.port().to_string())
        .arg(times.to_string());
    run_well(&mut command).wall / u32::try_from(SCENARIOS.len() * times).unwrap()
}

fn curls(served: &Served) -> Duration {
    let mut wall = Duration::ZERO;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("upload.bin");
    std::fs::write(&file, [7; 1000]).unwrap();
    for extra in CURL {
        let mut command = Command::new("curl");
        command.args([
            "-sS",
            "--insecure",
            "--ssl-reqd",
            "--user",
            "user:pw",
            "--output",
            "/dev/null",
        ]);
        let mut url = format!("ftp://{}/", served.address);
        if *extra == ["-"] {
            url.push_str("curl.bin");
            command.arg("--upload-file").arg(&file);
        } else {
            command.args(*extra);
        }
        // Where the check is a refusal, curl ends with an error: it has asked all the same.
        let sample = run(command.arg(url));
        assert!(sample.output.status.code() != Some(7), "curl reaches the server");
        wall += sample.wall;
    }
    wall / u32::try_from(CURL.len()).unwrap()
}
