//! A headless Chromium, spoken to over its debugging pipe (the DevTools protocol: JSON messages that end with NUL).
//!
//! Two pipes and a handful of calls: a client crate would bring a web server's worth of dependencies for that. Every wait
//! has a deadline; what the page complains about and what it asks the network for is kept.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

/// How long the browser may take for one thing.
const DEADLINE: Duration = Duration::from_secs(120);

/// The arguments beside the pipe and the folder: nothing that asks the network, nothing that needs a screen.
const ARGUMENTS: &str = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync --remote-debugging-pipe";

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    input: ChildStdin,
    messages: Receiver<Value>,
    session: Option<String>,
    last: u64,
    /// Requests that the page made, and what it complained about, since it was opened.
    requests: Vec<String>,
    complaints: Vec<String>,
    is_loaded: bool,
    _folder: tempfile::TempDir,
}

/// Whether there is a browser on this machine.
pub(crate) fn is_installed() -> bool {
    let version = Command::new("chromium")
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    version.is_ok_and(|status| status.success())
}

impl Browser {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The browser reads commands from descriptor 3 and writes to 4, which the shell makes of its own 0 and 1.
        let script =
            format!("exec chromium {ARGUMENTS} --user-data-dir=\"$1\" about:blank 3<&0 4>&1 >/dev/null 2>&1");
        let mut child = Command::new("sh")
            .args(["-c", &script, "sh"])
            .arg(folder.path())
            .env("HOME", folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        std::thread::spawn(move || {
            let mut message = Vec::new();
            while output.read_until(0, &mut message).is_ok_and(|bytes| bytes > 0) {
                message.pop();
                let value = serde_json::from_slice(&message).unwrap();
                message.clear();
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            input,
            messages,
            session: None,
            last: 0,
            requests: Vec::new(),
            complaints: Vec::new(),
            is_loaded: false,
            _folder: folder,
        };
        let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
        let attached = browser.call(
            "Target.attachToTarget",
            json!({ "targetId": target["targetId"], "flatten": true }),
        );
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        browser
    }

    /// Opens a file and waits until it is loaded; gives the milliseconds that took, by the browser's clock.
    pub(crate) fn open(&mut self, file: &Path, hash: &str) -> f64 {
        self.requests.clear();
        self.complaints.clear();
        // Another hash alone would not load the file again.
        self.go("about:blank");
        self.requests.clear();
        self.go(&format!("file://{}{hash}", file.display()));
        let milliseconds = self.evaluate(
            "(([e]) => e.loadEventEnd || performance.now())(performance.getEntriesByType('navigation'))",
        );
        milliseconds.as_f64().unwrap()
    }

    fn go(&mut self, url: &str) {
        self.is_loaded = false;
        self.call("Page.navigate", json!({ "url": url }));
        let until = Instant::now() + DEADLINE;
        while !self.is_loaded {
            let message = self.next(until);
            self.note(&message);
        }
    }

    /// The screen, in CSS pixels.
    pub(crate) fn screen(&mut self, width: u32, height: u32) {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
        self.call("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// What the system says about light and dark.
    pub(crate) fn prefers(&mut self, scheme: &str) {
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", features);
    }

    /// The value of an expression (or of what it promises).
    pub(crate) fn evaluate(&mut self, expression: &str) -> Value {
        let parameters = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let result = self.call("Runtime.evaluate", parameters);
        assert!(result.get("exceptionDetails").is_none(), "{expression}: {result}");
        result["result"]["value"].clone()
    }

    pub(crate) fn text(&mut self, expression: &str) -> String {
        self.evaluate(expression).as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an expression is true.
    pub(crate) fn wait_for(&mut self, expression: &str) {
        let wait = format!(
            "new Promise((resolve) => {{ const until = performance.now() + 60000; const look = () => \
             ({expression}) ? resolve(true) : performance.now() > until ? resolve(false) : requestAnimationFrame(look); look(); }})"
        );
        assert_eq!(self.evaluate(&wait), json!(true), "waited for {expression}");
    }

    pub(crate) fn click(&mut self, selector: &str) {
        self.wait_for(&format!("document.querySelector({selector:?})"));
        self.evaluate(&format!("document.querySelector({selector:?}).click()"));
    }

    /// Presses a key, as a keyboard does.
    pub(crate) fn press(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            self.call("Input.dispatchKeyEvent", json!({ "type": kind, "key": key }));
        }
    }

    /// The page as it is printed.
    pub(crate) fn print(&mut self) -> Vec<u8> {
        let pdf = self.call("Page.printToPDF", json!({}));
        decode(&pdf["data"])
    }

    /// Writes a picture of the screen into the folder of `FTPSPEC_SCREENSHOTS`, when there is one.
    pub(crate) fn picture(&mut self, name: &str) {
        if let Some(folder) = std::env::var_os("FTPSPEC_SCREENSHOTS") {
            let picture = self.call("Page.captureScreenshot", json!({ "format": "png" }));
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(
                Path::new(&folder).join(format!("{name}.png")),
                decode(&picture["data"]),
            )
            .unwrap();
        }
    }

    /// No complaint since the page was opened, and no request but the one for the file itself (and its own icon).
    pub(crate) fn assert_quiet(&mut self) {
        // What is under way arrives before the answer to this.
        self.evaluate("1");
        assert_eq!(self.complaints, [""; 0]);
        let foreign: Vec<&String> = self
            .requests
            .iter()
            .filter(|url| !url.starts_with("data:"))
            .collect();
        assert_eq!(foreign.len(), 1, "{foreign:?}");
        assert!(foreign[0].starts_with("file://"), "{foreign:?}");
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": parameters });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.input.write_all(message.to_string().as_bytes()).unwrap();
        self.input.write_all(&[0]).unwrap();
        self.input.flush().unwrap();
        let until = Instant::now() + DEADLINE;
        loop {
            let answer = self.next(until);
            if answer["id"] == json!(self.last) {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
            self.note(&answer);
        }
    }

    fn next(&self, until: Instant) -> Value {
        match self
            .messages
            .recv_timeout(until.saturating_duration_since(Instant::now()))
        {
            Ok(message) => message,
            Err(RecvTimeoutError::Timeout) => panic!("the browser did not answer within {DEADLINE:?}"),
            Err(RecvTimeoutError::Disconnected) => panic!("the browser is gone"),
        }
    }

    fn note(&mut self, event: &Value) {
        let parameters = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Page.loadEventFired" => self.is_loaded = true,
            "Network.requestWillBeSent" => {
                self.requests.push(
                    parameters["request"]["url"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                );
            }
            "Runtime.exceptionThrown"
            | "Runtime.consoleAPICalled"
            | "Log.entryAdded"
            | "Page.javascriptDialogOpening" => {
                self.complaints.push(event.to_string());
            }
            _ => {}
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Its pipe ends with it, and the browser with its pipe; killed when it is not quick about it.
        let _ = self.input.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let until = Instant::now() + Duration::from_secs(10);
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            // Its last messages are of no interest; waiting for them is waiting for its end.
            if self.messages.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Disconnected) {
                break;
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn decode(text: &Value) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD
        .decode(text.as_str().unwrap())
        .unwrap()
}
