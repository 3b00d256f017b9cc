//! The HTML report in a browser: the report of a real run, of a hostile peer, and of a hundred thousand cases.
//!
//! Ignored with a message where Chromium is not installed; with `FTPSPEC_REQUIRE_BROWSER=1` that is a failure.
//! `FTPSPEC_SCREENSHOTS=DIR` keeps a picture of every step.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test file: a panic is the report, and its own time is the machine's"
)]

mod chromium;
mod runs;

use std::process::ExitCode;

use chromium::Browser;
use libtest_mimic::{Arguments, Completion, Trial};
use serde_json::json;

fn main() -> ExitCode {
    let is_there = chromium::is_installed();
    let is_required = std::env::var_os("FTPSPEC_REQUIRE_BROWSER").is_some_and(|value| value != "0");
    let trial = |name: &str, test: fn()| {
        Trial::ignorable_test(name, move || {
            if !is_there && !is_required {
                return Ok(Completion::ignored_with("chromium is not installed"));
            }
            assert!(is_there, "chromium is required and not installed");
            test();
            Ok(Completion::Completed)
        })
    };
    let trials = vec![
        trial(
            "a_real_run_can_be_read_and_searched",
            a_real_run_can_be_read_and_searched,
        ),
        trial(
            "the_kill_matrix_stands_in_the_report_it_was_added_to",
            the_kill_matrix_stands_in_the_report_it_was_added_to,
        ),
        trial(
            "what_changed_since_the_baseline_leads_to_its_cases",
            what_changed_since_the_baseline_leads_to_its_cases,
        ),
        trial(
            "what_a_hostile_peer_said_stays_text",
            what_a_hostile_peer_said_stays_text,
        ),
        trial(
            "a_hundred_thousand_cases_open_and_scroll",
            a_hundred_thousand_cases_open_and_scroll,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn a_real_run_can_be_read_and_searched() {
    let run = runs::faulty_server();
    let mut browser = Browser::start();
    browser.screen(1280, 900);
    browser.prefers("light");
    browser.open(&run.page, "");
    assert_eq!(
        browser.text("document.querySelector('.eyebrow .badge').textContent"),
        "✕failed"
    );
    browser.picture("overview");
    let properties = "document.querySelectorAll('details.properties dl.facts > div').length";
    assert!(browser.evaluate(properties).as_u64().unwrap() > 0);

    filters(&mut browser);
    keyboard(&mut browser);
    let link = finding(&mut browser);

    // The address of a case opens the case.
    let title = browser.text("document.querySelector('#case-h').textContent");
    browser.assert_quiet();
    browser.open(&run.page, &link);
    browser.wait_for("document.querySelector('#view-case:not([hidden]) .timeline')");
    assert_eq!(
        browser.text("document.querySelector('#case-h').textContent"),
        title
    );

    themes(&mut browser);
    requirements_and_run_facts(&mut browser);
    browser.assert_quiet();
    narrow(&mut browser, &run.page, &link);
    assert!(browser.print().starts_with(b"%PDF"));
    browser.assert_quiet();
}

/// What is broken stands with its document open; the facts say what was run.
fn requirements_and_run_facts(browser: &mut Browser) {
    browser.evaluate("location.hash = '#requirements'");
    browser.wait_for(
        "!document.querySelector('#view-requirements').hidden && document.querySelector('#view-overview').hidden",
    );
    let of =
        |expression: &str| format!("document.querySelectorAll('#view-requirements {expression}').length");
    let rows = browser.evaluate(&of("td.says"));
    let lead = browser.text("document.querySelector('#view-requirements .lead').textContent");
    assert!(
        lead.contains(&format!(" of {rows} requirements on servers")),
        "{lead}"
    );
    // The server takes PROT without PBSZ and says yes to an upload that was reset.
    assert!(
        browser
            .evaluate(&of("details[open] td.state .badge.fail"))
            .as_u64()
            .unwrap()
            > 0
    );
    assert_eq!(
        browser.evaluate(&of("details:not([open]) td.state .badge.fail")),
        json!(0)
    );
    browser.evaluate("location.hash = '#run'");
    browser.wait_for(
        "!document.querySelector('#view-run').hidden && document.querySelector('#view-requirements').hidden",
    );
    let facts = browser.text("document.querySelector('#view-run dl').textContent");
    assert!(facts.contains(env!("CARGO_PKG_VERSION")), "{facts}");
}

fn the_kill_matrix_stands_in_the_report_it_was_added_to() {
    let run = runs::proven();
    let mut browser = Browser::start();
    browser.screen(1280, 900);
    browser.open(&run.page, "#proof");
    browser.wait_for("!document.querySelector('#view-proof').hidden");
    browser.picture("proof");
    let rows = browser
        .evaluate("document.querySelectorAll('#view-proof tbody tr').length")
        .as_u64()
        .unwrap();
    assert!(rows >= 3, "{rows}");
    let lead = browser.text("document.querySelector('#view-proof .lead').textContent");
    assert!(
        lead.starts_with(&format!("{rows} of {rows} scenarios proven")),
        "{lead}"
    );
    // Every row has a fault, and the fault the requirement it breaks.
    let faults = "[...document.querySelectorAll('#view-proof tbody tr')].every((row) => /rfc\\d+/.test(row.querySelector('.fault .meta').textContent))";
    assert_eq!(browser.evaluate(faults), json!(true));
    browser.assert_quiet();
}

/// The matrix shows what the filters leave, and its address says so.
fn filters(browser: &mut Browser) {
    browser.click("nav a[href='#matrix']");
    browser.wait_for("document.querySelectorAll('#rows th.name').length > 5");
    browser.picture("matrix");
    let all = browser.text("document.getElementById('count').textContent");
    browser.click(".chip[data-verdict='fail']");
    browser.wait_for(&format!(
        "document.getElementById('count').textContent !== {all:?}"
    ));
    assert!(browser.text("location.hash").contains("verdict=fail"));
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#rows a.v.pass').length"),
        json!(0)
    );
    assert!(
        browser
            .evaluate("document.querySelectorAll('#rows a.v.fail').length")
            .as_u64()
            .unwrap()
            > 0
    );
    browser.picture("matrix-failed");
    for (field, value, address) in [
        ("f-text", "reset upload", "text=reset%20upload"),
        ("f-requirement", "sec.truncation", "requirement=sec.truncation"),
    ] {
        browser.evaluate(&format!(
            "(() => {{ const field = document.getElementById({field:?}); field.value = {value:?}; field.dispatchEvent(new Event('input')); }})()"
        ));
        browser.wait_for(&format!("location.hash.includes({address:?})"));
    }
    let left =
        browser.evaluate("[...document.querySelectorAll('#rows .sub')].map((line) => line.textContent)");
    assert_eq!(left, json!(["shutdown/reset-upload-is-not-acknowledged"]));
    // Back to where we came from, as every page.
    browser.click("#f-clear");
    browser.wait_for(&format!(
        "document.getElementById('count').textContent === {all:?}"
    ));
    for rows in ["area", "case"] {
        browser.evaluate(&format!(
            "(() => {{ const field = document.getElementById('f-rows'); field.value = {rows:?}; field.dispatchEvent(new Event('change')); }})()"
        ));
        browser.wait_for(&format!(
            "location.hash.includes('rows={rows}') && document.querySelector('#rows .title')"
        ));
    }
}

/// The matrix is one stop of the tabulator, and the arrow keys go through it.
fn keyboard(browser: &mut Browser) {
    browser.evaluate("location.hash = '#matrix?sort=worst'");
    browser.wait_for("location.hash.includes('worst') && document.querySelector('#rows a.v')");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#grid a[tabindex=\"0\"]').length"),
        json!(1)
    );
    browser.evaluate("document.querySelector('#grid a[tabindex=\"0\"]').focus()");
    browser.press("ArrowDown");
    assert_eq!(browser.evaluate("document.activeElement.dataset.row"), json!("1"));
    browser.press("ArrowRight");
    assert_ne!(
        browser.evaluate("document.activeElement.dataset.column"),
        json!("0")
    );
    browser.press("End");
    let rows = "document.querySelector('#grid table').getAttribute('aria-rowcount') - 2";
    assert_eq!(
        browser.evaluate(&format!("Number(document.activeElement.dataset.row) === {rows}")),
        json!(true)
    );
    browser.press("Home");
    assert_eq!(browser.evaluate("document.activeElement.dataset.row"), json!("0"));
}

/// From the overview to a case; gives its address.
fn finding(browser: &mut Browser) -> String {
    browser.click("nav a[href='#overview']");
    browser.click(".finding.fail h3 a");
    browser.wait_for("document.querySelector('#view-case:not([hidden]) .timeline tr.hit')");
    browser.picture("case");
    for expected in [
        "document.querySelector('.source .bad .says').textContent.includes('expected')",
        "document.querySelector('.rerun code').textContent.startsWith('ftpspec run ')",
        "document.querySelector('#view-case .quote').textContent.includes('RFC')",
        "document.querySelector('#view-case svg.strip .flag') !== null",
        "[...document.querySelectorAll('.timeline td.data')].some((cell) => cell.textContent.includes('handshake'))",
    ] {
        assert_eq!(browser.evaluate(expected), json!(true), "{expected}");
    }
    for file in ["trace.jsonl", "capture.pcapng"] {
        let link = browser.text(&format!(
            "[...document.querySelectorAll('#view-case .files a')].map((link) => link.href).find((link) => link.endsWith('{file}')) || ''"
        ));
        let path = link.strip_prefix("file://").unwrap().replace("%3D", "=");
        assert!(std::path::Path::new(&path).is_file(), "{path}");
    }
    assert_eq!(
        browser
            .evaluate("document.querySelector('#view-case .files').textContent.includes('contains secrets')"),
        json!(true)
    );
    browser.text("location.hash")
}

/// The choice of light and dark holds against the system's, and survives a reload.
fn themes(browser: &mut Browser) {
    let colour = "getComputedStyle(document.body).backgroundColor";
    let light = browser.text(colour);
    browser.prefers("dark");
    let dark = browser.text(colour);
    assert_ne!(light, dark);
    browser.click("#theme");
    assert_eq!(
        browser.text("document.getElementById('theme').textContent"),
        "Theme: light"
    );
    assert_eq!(browser.text(colour), light);
    browser.click("#theme");
    browser.prefers("light");
    assert_eq!(browser.text(colour), dark);
    browser.picture("case-dark");
    browser.evaluate("localStorage.getItem('ftpspec-theme') === 'dark' ? 1 : null");
    browser.click("#theme");
    assert_eq!(browser.text(colour), light);
}

/// Nothing is wider than a small telephone.
fn narrow(browser: &mut Browser, page: &std::path::Path, case: &str) {
    browser.screen(360, 740);
    for (name, hash) in [
        ("overview", "#overview"),
        ("matrix", "#matrix"),
        ("cases", "#matrix?rows=case"),
        ("requirements", "#requirements"),
        ("run", "#run"),
        ("case", case),
    ] {
        browser.open(page, hash);
        browser.wait_for("document.querySelector('.view:not([hidden])')");
        browser.picture(&format!("narrow-{name}"));
        assert_eq!(
            browser.evaluate("document.documentElement.scrollWidth"),
            json!(360),
            "{hash}"
        );
        browser.assert_quiet();
    }
}

fn what_changed_since_the_baseline_leads_to_its_cases() {
    let run = runs::changed_server();
    let mut browser = Browser::start();
    browser.screen(1280, 900);
    browser.open(&run.page, "");
    browser.click("nav a[href='#changes']");
    browser.wait_for("document.querySelector('#view-changes:not([hidden]) li.finding')");
    browser.picture("changes");
    let changed = browser
        .evaluate("[...document.querySelectorAll('#view-changes h3 a')].map((link) => link.textContent)");
    assert_eq!(changed, json!(["shutdown/reset-upload-is-not-acknowledged"]));
    browser.click("#view-changes h3 a");
    browser.wait_for("document.querySelector('#view-matrix:not([hidden]) #rows a')");
    let cases = browser.evaluate(
        "[...document.querySelectorAll('#rows a')].filter((link) => link.hash.includes('reset-upload-is-not-acknowledged')).length",
    );
    assert_eq!(cases, json!(2));
    browser.click("#rows a");
    browser.wait_for("document.querySelector('#view-case:not([hidden]) .timeline')");
    browser.assert_quiet();
}

fn what_a_hostile_peer_said_stays_text() {
    let run = runs::hostile_servers();
    let size = std::fs::metadata(&run.page).unwrap().len();
    assert!(size < 8 * 1024 * 1024, "{size} bytes");
    let mut browser = Browser::start();
    browser.screen(1280, 900);
    browser.open(&run.page, "");
    browser.picture("hostile");
    let links = browser.evaluate("[...document.querySelectorAll('.finding h3 a')].map((link) => link.hash)");
    let links = links.as_array().unwrap().clone();
    browser.evaluate("location.hash = '#matrix?rows=case&verdict=fail,warn,inconclusive,error'");
    browser.wait_for("document.querySelector('#rows a')");
    let more = browser.evaluate("[...document.querySelectorAll('#rows a')].map((link) => link.hash)");
    let mut seen = false;
    let mut count = 0;
    for link in links.iter().chain(more.as_array().unwrap()).take(30) {
        browser.evaluate(&format!("location.hash = {link}"));
        browser.wait_for("document.querySelector('#view-case:not([hidden]) h1')");
        seen |= browser.evaluate("document.body.textContent.includes('<img src=x onerror=')") == json!(true);
        count += 1;
        assert_eq!(
            browser.evaluate("document.querySelectorAll('img, iframe, object, embed, base, main script, main style').length"),
            json!(0)
        );
        assert_eq!(
            browser.evaluate(
                "/[\\u0000-\\u0008\\u001b\\u202a-\\u202e\\u2066-\\u2069]/.test(document.body.textContent)"
            ),
            json!(false)
        );
    }
    browser.picture("hostile-case");
    assert!(count >= 3, "{count} cases were opened");
    assert!(seen, "the hostile text is shown as text");
    assert_eq!(browser.evaluate("window.pwned === undefined"), json!(true));
    browser.assert_quiet();
}

fn a_hundred_thousand_cases_open_and_scroll() {
    let run = runs::many(100_000);
    let size = std::fs::metadata(&run.page).unwrap().len();
    let mut browser = Browser::start();
    browser.screen(1280, 900);
    let opened = browser.open(&run.page, "");
    let shown = browser.evaluate(
        "(async () => { const start = performance.now(); location.hash = '#matrix?sort=worst'; \
         await new Promise((resolve) => { const look = () => document.querySelector('#rows a.v') ? resolve() : requestAnimationFrame(look); look(); }); \
         return performance.now() - start; })()",
    );
    let listed = browser.evaluate(
        "(async () => { const start = performance.now(); location.hash = '#matrix?rows=case&sort=time'; \
         await new Promise((resolve) => { const look = () => document.querySelector('#rows .case') ? resolve() : requestAnimationFrame(look); look(); }); \
         return performance.now() - start; })()",
    );
    assert!(
        browser
            .text("document.getElementById('count').textContent")
            .starts_with("100000 of 100000")
    );
    browser.evaluate("document.getElementById('grid').scrollTop = 2000000");
    browser.wait_for(
        "[...document.querySelectorAll('#rows a')].some((link) => Number(link.dataset.row) > 40000)",
    );
    let drawn = browser
        .evaluate("document.querySelectorAll('#rows tr').length")
        .as_u64()
        .unwrap();
    assert!(drawn < 100, "{drawn} rows are drawn");
    let memory = browser
        .evaluate("performance.memory ? performance.memory.usedJSHeapSize : 0")
        .as_f64()
        .unwrap();
    browser.picture("many");
    browser.assert_quiet();
    let figures = format!(
        "{size} bytes, open {opened:.0} ms, matrix {:.0} ms, list {:.0} ms, script memory {:.0} MiB",
        shown.as_f64().unwrap(),
        listed.as_f64().unwrap(),
        memory / 1_048_576.0
    );
    // A busy machine is slower than the two seconds that are aimed for; the figures are kept for whoever wants them.
    if let Some(folder) = std::env::var_os("FTPSPEC_SCREENSHOTS") {
        std::fs::write(std::path::Path::new(&folder).join("many.txt"), &figures).unwrap();
    }
    assert!(opened < 10_000.0 && size < 16 * 1024 * 1024, "{figures}");
}
