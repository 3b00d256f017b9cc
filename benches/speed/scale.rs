//! Many results: time and memory of the runner and of every report, from 1,000 to 100,000 cases.

use std::fmt::Write as _;

use super::Scope;
use super::measure::{Table, run_well};
use super::stage::{self, Served};

pub(crate) fn measure(scope: Scope, table: &mut Table) {
    let sizes: &[usize] = if scope.quick {
        &[100, 1_000]
    } else {
        &[1_000, 10_000, 100_000]
    };
    let served = Served::start(&[]);
    let mut per_case = Vec::new();
    for size in sizes {
        let folder = tempfile::tempdir().unwrap();
        let area = folder.path().join("scenarios/scale");
        std::fs::create_dir_all(&area).unwrap();
        std::fs::write(area.join("greeting.yaml"), scenario(*size)).unwrap();
        let reports = folder.path().join("reports");
        let mut command = stage::ftpspec();
        command.args([
            "run",
            "--quiet",
            "--insecure",
            "--max-connections",
            "16",
            "--reports",
        ]);
        command
            .arg(&reports)
            .arg("--scenarios")
            .arg(folder.path().join("scenarios"));
        command.arg("scale/greeting").arg(served.url());
        let sample = run_well(&mut command);
        let seconds = sample.wall.as_secs_f64();
        per_case.push(seconds / *size as f64);
        let page = std::fs::metadata(reports.join("latest/index.html"))
            .unwrap()
            .len();
        table.row(
            format!("scale: {size} cases"),
            format!(
                "{seconds:.1} s, {:.2} ms a case, index.html {:.1} MB",
                seconds * 1e3 / *size as f64,
                page as f64 / 1e6
            ),
            format!("peak {} MiB", sample.peak >> 20),
            if *size == 100_000 { "< 200 MiB" } else { "" },
        );
        let render = run_well(
            stage::ftpspec()
                .args(["report", "render", "--format", "html"])
                .arg(reports.join("latest")),
        );
        table.row(
            format!("scale: the page of {size} cases made again"),
            format!("{:.1} s", render.wall.as_secs_f64()),
            format!("peak {} MiB", render.peak >> 20),
            "",
        );
    }
    if let (Some(first), Some(last)) = (per_case.first(), per_case.last()) {
        table.row(
            "scale: time of a case, most / fewest",
            "1.0 or less is linear",
            format!("{:.2}", last / first),
            "about 1",
        );
    }
}

/// The smallest exchange there is, in `size` cells.
fn scenario(size: usize) -> String {
    let mut text = "title: The greeting comes\nwhy: It is counted.\nseverity: low\ndetects: [waits-for-tls-on-explicit-port]\nmatrix:\n".to_owned();
    let values = |count: usize| {
        (0..count)
            .map(|number| number.to_string())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let _ = writeln!(
        text,
        "  row: [{}]\n  column: [{}]",
        values(size / 100),
        values(100)
    );
    text.push_str("steps:\n  - connect: { implicit: false }\n    expect: { reply: 220, requirement: rfc959.s5.4.greeting }\n");
    text
}
