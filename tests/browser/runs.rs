//! The runs whose reports are opened: made by this program, against servers of this test.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ftpspec::judge::{Finding, Judgement, Verdict};
use ftpspec::mock::{Account, Fault, Options, Server};
use ftpspec::report::{self, Format, Input, Sources};
use ftpspec::requirement::{Catalogue, Grade, Level};
use ftpspec::runner::outcome::{CaseOutcome, REPORT_FORMAT, RunFacts, RunOutcome, TargetOutcome};
use ftpspec::scenario::model::Severity;
use ftpspec::tls::certificate::{Authority, make, parse_recipe, recipe};
use ftpspec::trace::{Channel, Event, EventKind, Phase, StepIndex};
use snapbox::cmd::Command;

/// Text that wants to be more than text.
const EVIL: &str = "<img src=x onerror=window.pwned=1></script><script>window.pwned=1</script>\u{1b}[31mred\u{202e}txt.exe\u{202c}\u{2066}&amp;`x`";

/// A report on disk.
pub(crate) struct Run {
    pub(crate) page: PathBuf,
    _folder: tempfile::TempDir,
}

fn run(arguments: &[String]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder.path())
        .args(arguments)
        .env("COLUMNS", "100")
        .env_remove("FTPSPEC_PASSWORD")
        .timeout(Duration::from_secs(600))
        .output()
        .unwrap();
    for stream in [&output.stdout, &output.stderr] {
        assert_inert(&String::from_utf8_lossy(stream));
    }
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
    let page = folder.path().join("reports/latest/index.html");
    assert!(page.is_file(), "{}", String::from_utf8_lossy(&output.stderr));
    render_again(folder.path());
    Run {
        page,
        _folder: folder,
    }
}

/// What a terminal shows must not command it, nor turn text around.
fn assert_inert(text: &str) {
    let odd = text
        .chars()
        .find(|c| c.is_control() && !"\n\r".contains(*c) || ('\u{202a}'..='\u{202e}').contains(c));
    assert_eq!(odd, None, "{text}");
}

/// A stored run is rendered byte for byte as the run did it.
fn render_again(folder: &Path) {
    let latest = folder.join("reports/latest");
    let again = folder.join("again");
    let done = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder)
        .args([
            "report",
            "render",
            "--format",
            "all",
            "--out",
            "again",
            "reports/latest",
        ])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let mut files = 0;
    for entry in std::fs::read_dir(&again).unwrap() {
        let name = entry.unwrap().file_name();
        let (first, second) = (
            std::fs::read(latest.join(&name)).unwrap(),
            std::fs::read(again.join(&name)).unwrap(),
        );
        assert!(first == second, "{name:?} differs");
        files += 1;
    }
    assert!(files > Format::ALL.len(), "{files} files");
}

fn options(identity: ftpspec::tls::Identity) -> Options {
    let mut options = Options::new(identity);
    options.accounts = vec![Account::new("alice", "wonderland")];
    options
}

/// The embedded server beside one with mistakes.
pub(crate) fn faulty_server() -> Run {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new().unwrap();
    let mut options = options(make(recipe("valid").unwrap(), &authority).unwrap());
    options.faults = [Fault::AcknowledgesResetUpload, Fault::AcceptsProtWithoutPbsz].into();
    let server = runtime.block_on(Server::start(options)).unwrap();
    let run = run(&[
        "run".into(),
        "shutdown/truncated-*".into(),
        "shutdown/reset-*".into(),
        "protection".into(),
        "properties/rein*".into(),
        "session-reuse/*resum*".into(),
        "--target".into(),
        "embedded".into(),
        format!("ftps://alice:wonderland@{}", server.address()),
        "--name=acme-ftpd".into(),
        "--insecure".into(),
        "--allow=write".into(),
    ]);
    runtime.block_on(server.stop());
    run
}

/// A run with its kill matrix.
pub(crate) fn proven() -> Run {
    let scenarios = "protection/pbsz-*";
    let run = run(&["run".into(), scenarios.into()]);
    let folder = run.page.parent().unwrap();
    let proof = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .args(["prove", scenarios, "--quiet", "--report"])
        .arg(folder)
        .timeout(Duration::from_secs(600))
        .output()
        .unwrap();
    assert!(
        proof.status.success(),
        "{}",
        String::from_utf8_lossy(&proof.stderr)
    );
    run
}

/// A server that made mistakes since its baseline was written.
pub(crate) fn changed_server() -> Run {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let baseline = folder.path().join("acme.json").display().to_string();
    let judged = |faults: &[Fault], more: &[&str]| {
        let mut options = options(make(recipe("valid").unwrap(), &authority).unwrap());
        options.faults = faults.iter().copied().collect();
        let server = runtime.block_on(Server::start(options)).unwrap();
        let mut arguments = vec![
            "run".to_owned(),
            "shutdown/reset-*".into(),
            "protection/pbsz-*".into(),
        ];
        arguments.push(format!("ftps://alice:wonderland@{}", server.address()));
        arguments.extend([
            "--name=acme-ftpd".into(),
            "--insecure".into(),
            "--allow=write".into(),
        ]);
        arguments.extend(["--baseline".into(), baseline.clone()]);
        arguments.extend(more.iter().map(|word| (*word).to_owned()));
        let run = run(&arguments);
        runtime.block_on(server.stop());
        run
    };
    judged(&[], &["--update-baseline"]);
    judged(&[Fault::AcknowledgesResetUpload], &[])
}

/// Peers that put markup, terminal sequences and turned text wherever they can, and ten megabytes of it.
pub(crate) fn hostile_servers() -> Run {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let authority = Authority::new().unwrap();
    let name = serde_json::to_string(EVIL).unwrap();
    let evil = parse_recipe(
        "evil",
        &format!("title: x\ncommon-name: {name}\nnames: [localhost]\n"),
    )
    .unwrap();
    let mut options = options(make(&evil, &authority).unwrap());
    options.greeting = EVIL.into();
    options.faults = [Fault::AcknowledgesResetUpload].into();
    let server = runtime.block_on(Server::start(options)).unwrap();
    // The embedded server's own files have no control characters in their names.
    let name: String = EVIL.chars().filter(|c| !c.is_control() && *c != '/').collect();
    server.store().put("alice", &name, b"x").unwrap();
    let shouting = shout();
    let run = run(&[
        "run".into(),
        "shutdown/reset-upload*".into(),
        "listing".into(),
        "auth/auth-tls-is-answered-234".into(),
        format!("ftps://alice:wonderland@{}", server.address()),
        format!("ftps://alice:wonderland@{shouting}"),
        "--insecure".into(),
        "--allow=write".into(),
        "--timeout=5".into(),
    ]);
    runtime.block_on(server.stop());
    run
}

/// A server whose every reply is ten megabytes of markup.
fn shout() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let text: Arc<str> = format!("220-{}\r\n", EVIL.repeat(8))
        .repeat(10 * 1024 * 1024 / (EVIL.len() * 8))
        .into();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().take(500).flatten() {
            let text = Arc::clone(&text);
            std::thread::spawn(move || {
                // A peer that goes away is what happens to such a server.
                let _ = stream.set_write_timeout(Some(Duration::from_secs(20)));
                let _ = stream.write_all(text.as_bytes());
            });
        }
    });
    address
}

/// A run of `count` cases with findings in some of them, rendered by the library: no machine runs that many in a test.
pub(crate) fn many(count: usize) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let targets: Vec<String> = (0..20).map(|number| format!("server-{number}")).collect();
    let scenarios = count / targets.len() / 2;
    let mut cases = Vec::with_capacity(count);
    for target in &targets {
        for scenario in 0..scenarios {
            for tls in ["tls1.2", "tls1.3"] {
                cases.push(made_up(target, scenario, tls, cases.len()));
            }
        }
    }
    let made = |name: &String| {
        let target = TargetOutcome {
            version: Some("1.0".into()),
            provision: "process".into(),
            address: "127.0.0.1:21".into(),
            ..target()
        };
        (name.clone(), target)
    };
    let outcome = RunOutcome {
        ftpspec_report: REPORT_FORMAT,
        run: RunFacts {
            scenarios,
            planned: cases.len(),
            ..facts()
        },
        targets: targets.iter().map(made).collect(),
        cases,
    };
    // Together more than the page may hold, so this is the largest there is.
    let events: Vec<Event> = (0..90)
        .map(|number| Event {
            at: Duration::from_millis(number),
            channel: Some(Channel::control(Channel::MAIN)),
            kind: EventKind::CommandSent {
                line: format!("STOR a-file-with-a-long-name-{number}.bin"),
                protected: true,
            },
        })
        .collect();
    let sources = Sources::of(&Catalogue::embedded().unwrap(), &[], |_| false);
    let input = Input {
        run: &outcome,
        sources: &sources,
        traces: &|_| Some(events.clone()),
        proofs: None,
        changes: None,
    };
    let page = folder.path().join("index.html");
    std::fs::write(&page, report::render(Format::Html, &input).unwrap()).unwrap();
    Run {
        page,
        _folder: folder,
    }
}

/// A target and facts as an older report has them: what is new since then is filled in by the reader.
fn target() -> TargetOutcome {
    serde_json::from_value(serde_json::json!({
        "version": null, "provision": "", "address": "", "insecure": false,
        "capabilities": {}, "contradictions": [], "unavailable": null
    }))
    .unwrap()
}

fn facts() -> RunFacts {
    serde_json::from_value(serde_json::json!({
        "id": "made-up", "started": "2026-01-02T03:04:05Z", "seconds": 1.0, "version": "0.1.0", "corpus": "00",
        "scenarios": 0, "shard": null, "interrupted": false, "planned": 0
    }))
    .unwrap()
}

fn made_up(target: &str, scenario: usize, tls: &str, number: usize) -> CaseOutcome {
    let areas = [
        "auth",
        "listing",
        "protection",
        "session-reuse",
        "shutdown",
        "transfer",
    ];
    let (verdict, grade) = match number % 97 {
        0 => (Verdict::Fail, Some(Grade::Fail)),
        1 | 2 => (Verdict::Warn, Some(Grade::Warn)),
        3..6 => (Verdict::NotApplicable, None),
        _ => (Verdict::Pass, None),
    };
    let finding = |grade| Finding {
        requirement: Some("rfc4217.s9.pbsz-0-accepted".into()),
        level: Some(Level::Must),
        grade: Some(grade),
        step: StepIndex {
            phase: Phase::Steps,
            index: 1,
        },
        check: Some(0),
        message: format!("answered number {number} with `226 Transfer complete.`"),
        expected: "4yz or 5yz within 10s".into(),
        observed: "226 after 0.04s".into(),
        event: 0,
        at: Duration::from_millis(281),
    };
    CaseOutcome {
        capture: None,
        scenario: format!("{}/scenario-number-{scenario}", areas[scenario % areas.len()]),
        target: target.into(),
        cell: vec![("tls".into(), tls.into())],
        title: format!("Scenario {scenario} shows that something holds"),
        severity: Severity::High,
        judgement: Judgement {
            verdict,
            findings: grade.map(finding).into_iter().collect(),
            held: Vec::new(),
            reason: (verdict == Verdict::NotApplicable)
                .then(|| "requires `port`, which the target lacks".into()),
        },
        known: None,
        repeated: None,
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        seconds: (number % 700) as f64 / 1000.0,
        folder: grade.map(|_| format!("case-{number}")),
    }
}
