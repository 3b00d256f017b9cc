//! Servers that misbehave, and what a user reads about them: whose fault it is, the exit code, and reports that can be read.
//!
//! Every peer is a small scripted server on loopback with bounded threads. The password never shows up anywhere.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test file: a panic is the report, and nothing else runs in it"
)]

mod common;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use snapbox::cmd::Command;

use common::Served;

/// A word that must never be seen.
const PASSWORD: &str = "s3kr1t-Passw0rd";

/// A scenario that requires no capability and begins with a login under TLS.
const SIMPLE: &str = "protection/pbsz-0-is-accepted";

/// Logs in without TLS.
const CLEAR_LOGIN: &str = "title: A login in clear
why: >
  Only for this test.
severity: low
detects: [refuses-pbsz-zero]

setup:
  - reach: authenticated-in-clear

steps:
  - send: NOOP
    expect: { reply: 5yz, requirement: rfc4217.s9.pbsz-0-accepted }
";

/// A folder with the scenario `mine/own`.
fn scenarios(text: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("mine")).unwrap();
    std::fs::write(folder.path().join("mine/own.yaml"), text).unwrap();
    folder
}

/// What a peer does with one connection.
type Script = dyn Fn(TcpStream) + Send + Sync;

/// Serves every connection in a thread of its own until the test process ends.
fn serve(script: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let script: Arc<Script> = Arc::new(script);
    std::thread::spawn(move || {
        for stream in listener.incoming().take(2000).flatten() {
            let script = Arc::clone(&script);
            // Nobody waits for ever on either side.
            stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            stream.set_write_timeout(Some(Duration::from_secs(20))).unwrap();
            std::thread::spawn(move || script(stream));
        }
    });
    address
}

/// Reads lines and answers each; ends when `answer` gives nothing or the client is gone.
fn converse(mut stream: TcpStream, greeting: &[u8], mut answer: impl FnMut(&str, &str) -> Option<Vec<u8>>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    if stream.write_all(greeting).is_err() {
        return;
    }
    loop {
        let mut line = Vec::new();
        if !lines.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
            return;
        }
        let line = String::from_utf8_lossy(&line).trim_end().to_owned();
        let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        let Some(reply) = answer(&verb, &line) else { return };
        if stream.write_all(&reply).is_err() || verb == "QUIT" {
            return;
        }
    }
}

/// Waits until the client has gone, at most until the read times out.
fn wait_for_the_client(mut stream: TcpStream) {
    let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// A login without TLS that works, and nothing else.
fn plain_server(verb: &str) -> Vec<u8> {
    let reply: &[u8] = match verb {
        "USER" => b"331 password\r\n",
        "PASS" => b"230 in\r\n",
        "AUTH" => b"500 no TLS here\r\n",
        "QUIT" => b"221 bye\r\n",
        _ => b"502 not here\r\n",
    };
    reply.to_vec()
}

struct Seen {
    code: Option<i32>,
    out: String,
    err: String,
    folder: tempfile::TempDir,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `ftpspec run WHAT… URL`, in an empty folder, with short deadlines.
fn run(address: SocketAddr, what: &[&str]) -> Seen {
    let folder = tempfile::tempdir().unwrap();
    let output: Output = Command::new(env!("CARGO_BIN_EXE_ftpspec"))
        .current_dir(folder.path())
        .env("NO_COLOR", "1")
        .env("COLUMNS", "400")
        .arg("run")
        .args(what)
        .arg(format!("ftps://ada:{PASSWORD}@{address}"))
        .args(["--timeout", "1"])
        .timeout(Duration::from_secs(100))
        .output()
        .unwrap();
    let seen = Seen {
        code: output.status.code(),
        out: text(&output.stdout),
        err: text(&output.stderr),
        folder,
    };
    assert!(!seen.err.contains("panicked"), "{}", seen.err);
    seen.holds_no_password();
    seen
}

impl Seen {
    fn report(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("reports/latest").join(name)).unwrap()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.report("report.json")).unwrap()
    }

    /// The password is neither on the screen nor in any file of the report.
    fn holds_no_password(&self) {
        assert!(!self.out.contains(PASSWORD), "{}", self.out);
        assert!(!self.err.contains(PASSWORD), "{}", self.err);
        let mut count = 0;
        each_file(&self.folder.path().join("reports"), &mut |path, bytes| {
            let found = bytes
                .windows(PASSWORD.len())
                .any(|window| window == PASSWORD.as_bytes());
            assert!(!found, "the password is in {}", path.display());
            count += 1;
        });
        assert!(count >= 4, "only {count} report files");
    }

    /// Nothing is said about the target, for this reason, in every place where a person or a program looks.
    fn is_inconclusive(&self, reason: &str) {
        assert_eq!(self.code, Some(3), "{}{}", self.out, self.err);
        assert!(
            self.out.contains("inconclusive: nothing is said about"),
            "{}",
            self.out
        );
        assert!(self.out.contains(reason), "{reason} is not in\n{}", self.out);
        let report = self.json();
        assert!(report["cases"].as_array().unwrap().iter().all(|case| {
            case["judgement"]["verdict"] == "inconclusive" || case["judgement"]["verdict"] == "not-applicable"
        }));
        assert!(
            report.to_string().contains(reason),
            "{reason} is not in report.json"
        );
        assert!(self.report("junit.xml").contains("<testsuites"));
    }

    /// No byte that a terminal or a browser would act on.
    fn shows_nothing_live(&self) {
        let mut all = vec![self.out.clone(), self.err.clone()];
        all.extend(["report.json", "junit.xml", "summary.md", "summary.txt"].map(|name| self.report(name)));
        for text in all {
            assert!(!text.contains('\u{1b}'), "an escape character in\n{text}");
            assert!(
                !text.contains('\u{202e}'),
                "an override of the text direction in\n{text}"
            );
        }
        for name in ["junit.xml", "summary.md"] {
            assert!(!self.report(name).contains("<script"), "markup in {name}");
        }
    }
}

fn each_file(folder: &Path, see: &mut dyn FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            each_file(&path, see);
        } else {
            see(&path, &std::fs::read(&path).unwrap());
        }
    }
}

#[test]
fn a_web_server_is_named_as_no_ftp_server() {
    let address = serve(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n<script>\x1b[31m\r\n");
        wait_for_the_client(stream);
    });
    let seen = run(address, &[SIMPLE]);
    seen.is_inconclusive("does not greet like an FTP server: HTTP/1.1 400 Bad Request");
    seen.shows_nothing_live();
    assert!(seen.out.contains("could not be used"), "{}", seen.out);
}

#[test]
fn a_server_that_closes_at_once_is_not_judged() {
    run(serve(drop), &[SIMPLE]).is_inconclusive("closed the connection without a greeting");
}

#[test]
fn a_port_without_a_server_is_not_judged() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    run(address, &[SIMPLE]).is_inconclusive("does not listen");
}

#[test]
fn silence_ends_at_the_deadline() {
    let seen = run(serve(wait_for_the_client), &[SIMPLE]);
    seen.is_inconclusive("sent no greeting within 1s; is it an implicit TLS port?");
}

#[test]
fn a_server_that_never_answers_a_command_is_given_up() {
    let address = serve(|mut stream| {
        let _ = stream.write_all(b"220 hello\r\n");
        wait_for_the_client(stream);
    });
    let seen = run(address, &[SIMPLE, "--max-connections", "64", "--jobs", "64"]);
    seen.is_inconclusive("nothing within 1s");
}

#[test]
fn refused_tls_is_told_with_the_reply() {
    let address = serve(|stream| converse(stream, b"220 hello\r\n", |verb, _| Some(plain_server(verb))));
    let seen = run(address, &[SIMPLE]);
    seen.is_inconclusive("500");
    assert!(seen.out.contains("500 no TLS here"), "{}", seen.out);
    let evidence = seen.json()["targets"].to_string();
    assert!(evidence.contains("expected 234, got 500"), "{evidence}");
}

#[test]
fn escapes_and_markup_of_a_server_are_shown_and_not_acted_on() {
    let address = serve(|stream| {
        let evil = "220 \x1b[31mred\x1b]0;title\x07 <script>alert(1)</script> ]]> &amp; \u{202e}\0\r\n";
        converse(stream, evil.as_bytes(), |verb, _| match verb {
            "AUTH" => Some(b"334 \x1b[2J<script>alert(2)</script>\r\n".to_vec()),
            _ => Some(plain_server(verb)),
        });
    });
    let seen = run(address, &[SIMPLE]);
    assert_eq!(seen.code, Some(3), "{}", seen.out);
    seen.shows_nothing_live();
    assert!(seen.out.contains(r"\x1b[2J"), "{}", seen.out);
}

#[test]
fn a_password_that_the_server_sends_back_is_masked() {
    let address = serve(|stream| {
        converse(stream, b"220 hello\r\n", |verb, line| match verb {
            "PASS" => Some(format!("530 not with {line}\r\n").into_bytes()),
            _ => Some(plain_server(verb)),
        });
    });
    // `run` looks through every file; the reply must be there all the same.
    let scenarios = scenarios(CLEAR_LOGIN);
    let seen = run(
        address,
        &["mine/own", "--scenarios", scenarios.path().to_str().unwrap()],
    );
    seen.is_inconclusive("530");
    assert!(seen.out.contains("530 not with PASS ***"), "{}", seen.out);
}

#[test]
fn a_line_of_100_megabytes_is_cut_off() {
    let address = serve(|stream| {
        let mut sink = stream.try_clone().unwrap();
        converse(stream, b"220 hello\r\n", |_, _| {
            let _ = sink_line(&mut sink, 100);
            None
        });
    });
    let seen = run(address, &[SIMPLE]);
    assert_eq!(seen.code, Some(3), "{}", seen.out);
    assert!(
        seen.out.contains("a reply line that is longer than the limit"),
        "{}",
        seen.out
    );
}

fn sink_line(sink: &mut TcpStream, megabytes: usize) -> std::io::Result<()> {
    let megabyte = vec![b'x'; 1_000_000];
    sink.write_all(b"234-")?;
    for _ in 0..megabytes {
        sink.write_all(&megabyte)?;
    }
    sink.write_all(b"\r\n")
}

#[test]
fn a_reply_without_end_is_cut_off() {
    let address = serve(|stream| {
        let mut sink = stream.try_clone().unwrap();
        converse(stream, b"220 hello\r\n", |_, _| {
            let mut open = sink.write_all(b"234-start\r\n").is_ok();
            for _ in 0..100_000 {
                open = open && sink.write_all(&b" more\r\n".repeat(1000)).is_ok();
            }
            None
        });
    });
    let seen = run(address, &[SIMPLE]);
    assert_eq!(seen.code, Some(3), "{}", seen.out);
    assert!(seen.out.contains("more lines than the limit"), "{}", seen.out);
}

#[test]
fn replies_without_end_are_cut_off() {
    let address = serve(|mut stream| {
        for _ in 0..10_000 {
            if stream.write_all(&b"220 hello\r\n".repeat(100)).is_err() {
                return;
            }
        }
    });
    let seen = run(address, &[SIMPLE]);
    assert_eq!(seen.code, Some(3), "{}", seen.out);
    let mut bytes = 0;
    each_file(&seen.folder.path().join("reports"), &mut |_, text| {
        bytes += text.len();
    });
    assert!(bytes < 20_000_000, "{bytes} bytes of reports");
}

#[test]
fn a_wrong_password_is_told_with_the_reply_and_the_exchange() {
    let served = Served::start(&["--account", "ada:another"]);
    let seen = run(served.address, &[SIMPLE]);
    seen.is_inconclusive("530");
    assert!(seen.out.contains("PASS ***"), "{}", seen.out);
}

#[test]
fn a_data_address_elsewhere_is_followed_only_when_allowed() {
    for (allow, expected) in [(&[][..], false), (&["--allow", "foreign-pasv"][..], true)] {
        let elsewhere = TcpListener::bind("127.0.0.2:0").unwrap();
        let port = elsewhere.local_addr().unwrap().port();
        elsewhere.set_nonblocking(true).unwrap();
        let address = serve(move |stream| {
            converse(stream, b"220 hello\r\n", |verb, _| match verb {
                "PASV" => {
                    Some(format!("227 there (127,0,0,2,{},{})\r\n", port >> 8, port & 255).into_bytes())
                }
                _ => Some(plain_server(verb)),
            });
        });
        let scenarios = scenarios(&format!("{CLEAR_LOGIN}  - open-data: passive\n"));
        let mut what = vec!["mine/own", "--scenarios", scenarios.path().to_str().unwrap()];
        what.extend(allow);
        let seen = run(address, &what);
        assert_eq!(elsewhere.accept().is_ok(), expected, "{}", seen.out);
        if !expected {
            seen.is_inconclusive("the data connection would go to 127.0.0.2");
        }
    }
}

/// Serves and runs at an address that is not loopback, in a network of its own that ends with the process.
const ELSEWHERE: &str = r#"
ip link set lo up && ip addr add 192.0.2.9/32 dev lo || exit 99
"$0" serve --listen 192.0.2.9:2121 --account "ada:$1" >served &
server=$!
until grep -q serving served; do sleep 0.1; done
shift
"$0" run auth/login-does-not-survive-auth protection/pbsz-0-is-accepted --timeout 2 "$@"
code=$?
kill "$server"
exit "$code"
"#;

#[test]
fn no_password_goes_out_in_clear_to_a_server_elsewhere_unless_allowed() {
    for (allow, logs_in) in [(&[][..], false), (&["--allow", "clear-password"][..], true)] {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("ftps://ada:{PASSWORD}@192.0.2.9:2121");
        let output = Command::new("unshare")
            .args([
                "-n",
                "sh",
                "-c",
                ELSEWHERE,
                env!("CARGO_BIN_EXE_ftpspec"),
                PASSWORD,
            ])
            .arg(&url)
            .args(allow)
            .current_dir(folder.path())
            .timeout(Duration::from_secs(100))
            .output();
        // Without the right to make a network there is no address to try; the rule itself has unit tests.
        let Some(output) = output
            .ok()
            .filter(|output| !matches!(output.status.code(), Some(1 | 99 | 127)))
        else {
            return;
        };
        let seen = Seen {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
            folder,
        };
        seen.holds_no_password();
        assert_eq!(seen.code, Some(0), "{}{}", seen.out, seen.err);
        let mut in_clear = 0;
        each_file(&seen.folder.path().join("reports"), &mut |_, bytes| {
            let trace = String::from_utf8_lossy(bytes);
            in_clear += trace
                .lines()
                .filter(|line| line.contains("\"PASS ***\"") && line.contains("\"protected\":false"))
                .count();
        });
        assert_eq!(in_clear > 0, logs_in, "{}", seen.out);
        let report = seen.json().to_string();
        assert_eq!(
            report.contains("needs the permission `clear-password`"),
            !logs_in,
            "{report}"
        );
    }
}
