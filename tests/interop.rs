//! Real clients against the embedded server: curl, lftp and Python's ftplib list, upload, download, resume a transfer and
//! resume TLS sessions, explicit and implicit, TLS 1.2 and 1.3.
//!
//! What the server saw of its data connections is asserted too, so that a client that silently falls back to something
//! else does not pass. A client that is not installed is skipped with a message, or with `FTPSPEC_REQUIRE_CLIENTS=1`
//! fails the test.

use std::ffi::OsStr;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

use ftpspec::mock::{Account, DataEnd, Observation, Options, ResumedFrom, ReusePolicy, Server};
use ftpspec::tls::certificate::{Authority, make, recipe};
use ftpspec::trace::TlsVersion;
use tempfile::TempDir;
use tokio::process::Command;

const USER: &str = "alice";
const PASSWORD: &str = "wonderland";
const DEADLINE: Duration = Duration::from_secs(60);
/// Where the interrupted transfers stopped.
const CUT: usize = 100_000;

/// One way to meet the server.
#[derive(Clone, Copy, Debug)]
struct Setting {
    implicit: bool,
    version: TlsVersion,
}

const SETTINGS: [Setting; 4] = [
    Setting {
        implicit: false,
        version: TlsVersion::Tls12,
    },
    Setting {
        implicit: false,
        version: TlsVersion::Tls13,
    },
    Setting {
        implicit: true,
        version: TlsVersion::Tls12,
    },
    Setting {
        implicit: true,
        version: TlsVersion::Tls13,
    },
];

/// A server, a folder with the file to upload, and its certificate authority.
struct Stage {
    server: Server,
    folder: TempDir,
    content: Vec<u8>,
}

impl Stage {
    async fn new(setting: Setting, reuse: ReusePolicy) -> Self {
        let authority = Authority::new().unwrap();
        let identity = make(recipe("valid").unwrap(), &authority).unwrap();
        let mut options = Options::new(identity);
        options.accounts = vec![Account::new(USER, PASSWORD)];
        options.implicit = setting.implicit;
        options.versions = vec![setting.version];
        options.reuse = reuse;
        options.tls_required = true;
        options.data_tls_required = true;
        let server = Server::start(options).await.unwrap();
        let content: Vec<u8> = (0..300_000_u32)
            .map(|index| u8::try_from(index * 7 % 251).unwrap())
            .collect();
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        fs::write(folder.path().join("up.bin"), &content).unwrap();
        fs::write(folder.path().join("part.bin"), &content[..CUT]).unwrap();
        server.store().put(USER, "part.bin", &content[..CUT]).unwrap();
        server.store().put(USER, "whole.bin", &content).unwrap();
        Self {
            server,
            folder,
            content,
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Everything arrived in both directions, and every data connection was protected and ended as it should.
    fn check(&self, setting: Setting, client: &str) -> Vec<Observation> {
        for name in ["up.bin", "part.bin"] {
            let stored = self.server.store().get(USER, name).unwrap();
            assert!(
                stored.as_ref() == self.content,
                "{client} {setting:?}: {name} on the server"
            );
        }
        for name in ["down.bin", "part.bin"] {
            let got = fs::read(self.path(name)).unwrap();
            assert!(
                got == self.content,
                "{client} {setting:?}: {name} of the client, {} bytes",
                got.len()
            );
        }
        let seen = self.server.observations();
        for verb in ["STOR", "RETR"] {
            assert!(
                seen.iter().any(|one| one.verb == verb),
                "{client} {setting:?}: no {verb} in {seen:?}"
            );
        }
        for one in &seen {
            let end = match one.verb.as_str() {
                "STOR" | "APPE" => DataEnd::CloseNotify,
                _ => DataEnd::Sent,
            };
            assert_eq!((one.end, one.reply), (end, 226), "{client} {setting:?}: {one:?}");
            let handshake = one.handshake.as_ref().unwrap();
            assert_eq!(
                handshake.version, setting.version,
                "{client} {setting:?}: {one:?}"
            );
        }
        seen
    }
}

/// Every data connection resumed a session of its own control connection.
fn assert_resumed(seen: &[Observation], setting: Setting, client: &str) {
    for one in seen {
        let resumed = one.handshake.as_ref().and_then(|handshake| handshake.resumed);
        assert!(
            matches!(resumed, Some(ResumedFrom::Control | ResumedFrom::Data(_))),
            "{client} {setting:?}: {one:?}"
        );
    }
}

/// Whether `program` can be run; panics when it must be there and is not.
async fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if command.status().await.is_ok_and(|status| status.success()) {
        return true;
    }
    let is_required = std::env::var_os("FTPSPEC_REQUIRE_CLIENTS").is_some_and(|value| value == "1");
    assert!(
        !is_required,
        "{program} is not installed, and FTPSPEC_REQUIRE_CLIENTS=1 wants it"
    );
    println!("skipped: {program} is not installed");
    false
}

/// Runs a client to its end; panics with its output unless it succeeds.
async fn run<S: AsRef<OsStr>>(program: &str, args: &[S], stage: &Stage, setting: Setting) -> String {
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(stage.folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output = tokio::time::timeout(DEADLINE, command.output())
        .await
        .unwrap_or_else(|_| panic!("{program} {setting:?} did not end within {DEADLINE:?}"))
        .unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        output.status.success(),
        "{program} {setting:?}: {}\n{text}\nthe server saw {:#?}",
        output.status,
        stage.server.observations()
    );
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn curl_transfers_and_resumes() {
    if !is_installed("curl").await {
        return;
    }
    for setting in SETTINGS {
        let stage = Stage::new(setting, ReusePolicy::ThisControl).await;
        let scheme = if setting.implicit { "ftps" } else { "ftp" };
        let url = |name: &str| format!("{scheme}://{USER}:{PASSWORD}@{}/{name}", stage.server.address());
        let (least, most) = match setting.version {
            TlsVersion::Tls12 => ("--tlsv1.2", "1.2"),
            TlsVersion::Tls13 => ("--tlsv1.3", "1.3"),
        };
        // curl uses a TLS 1.3 ticket once, and uploads bring no new one: an upload is the last transfer of a login.
        let logins: [&[&[&str]]; 2] = [
            &[
                &["--output", "list.txt", &url("")],
                &["--output", "down.bin", &url("whole.bin")],
                &["--continue-at", "-", "--output", "part.bin", &url("whole.bin")],
                &["--upload-file", "up.bin", &url("up.bin")],
            ],
            &[&[
                "--continue-at",
                "100000",
                "--upload-file",
                "up.bin",
                &url("part.bin"),
            ]],
        ];
        for transfers in logins {
            let mut args: Vec<&str> = Vec::new();
            for transfer in transfers {
                if !args.is_empty() {
                    args.push("--next");
                }
                args.extend(["--silent", "--show-error", "--fail-early", "--ssl-reqd"]);
                args.extend(["--cacert", "ca.pem", least, "--tls-max", most]);
                args.extend(*transfer);
            }
            run("curl", &args, &stage, setting).await;
        }
        let list = fs::read_to_string(stage.path("list.txt")).unwrap();
        assert!(
            list.contains("300000") && list.contains("whole.bin"),
            "{setting:?}: {list}"
        );
        let seen = stage.check(setting, "curl");
        assert_eq!(
            seen.iter().map(|one| one.session).max(),
            Some(2),
            "{setting:?}: {seen:?}"
        );
        assert!(seen.iter().any(|one| one.verb == "APPE"), "{setting:?}: {seen:?}");
        assert_resumed(&seen, setting, "curl");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lftp_transfers_and_resumes() {
    if !is_installed("lftp").await {
        return;
    }
    for setting in SETTINGS {
        let stage = Stage::new(setting, ReusePolicy::ThisControl).await;
        let scheme = if setting.implicit { "ftps" } else { "ftp" };
        let version = match setting.version {
            TlsVersion::Tls12 => "1.2",
            TlsVersion::Tls13 => "1.3",
        };
        let script = format!(
            "set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 20; set xfer:clobber yes; \
             set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:ca-file ca.pem; \
             set ssl:priority NORMAL:-VERS-ALL:+VERS-TLS{version}; \
             open -u {USER},{PASSWORD} {scheme}://{}; \
             put up.bin; cls -l up.bin; get up.bin -o down.bin; \
             get -c whole.bin -o part.bin; put -c up.bin -o part.bin; bye",
            stage.server.address()
        );
        let output = run("lftp", &["-c", &script], &stage, setting).await;
        assert!(
            output.contains("300000") && output.contains("up.bin"),
            "{setting:?}: {output}"
        );
        let seen = stage.check(setting, "lftp");
        assert_resumed(&seen, setting, "lftp");
    }
}

/// Lists, uploads, downloads, resumes; with `reuse` data connections offer the session of the control connection, which
/// ftplib does not do by itself.
const FTPLIB: &str = r#"
import ftplib, ssl, sys

host, port, user, password, implicit, version, reuse = sys.argv[1:]
context = ssl.create_default_context(cafile="ca.pem")
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)


class Client(ftplib.FTP_TLS):
    def connect_implicit(self, host, port):
        ftplib.FTP.connect(self, host, port)

    @property
    def sock(self):
        return self._sock

    @sock.setter
    def sock(self, value):
        if implicit == "yes" and value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._sock = value

    def ntransfercmd(self, cmd, rest=None):
        if reuse != "yes":
            return super().ntransfercmd(cmd, rest)
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
        assert conn.session_reused, "the data connection did not resume"
        return conn, size


ftp = Client(context=context, timeout=20)
ftp._sock = None
ftp.connect(host, int(port))
if implicit == "yes":
    ftplib.FTP.login(ftp, user, password)
else:
    ftp.login(user, password)
ftp.prot_p()
with open("up.bin", "rb") as file:
    ftp.storbinary("STOR up.bin", file)
assert "up.bin" in ftp.nlst(), ftp.nlst()
names = dict(ftp.mlsd(facts=["size"]))
assert names["up.bin"]["size"] == "300000", names
lines = []
ftp.retrlines("LIST", lines.append)
assert any(line.endswith(" up.bin") for line in lines), lines
with open("down.bin", "wb") as file:
    ftp.retrbinary("RETR up.bin", file.write)
with open("part.bin", "ab") as file:
    ftp.retrbinary("RETR whole.bin", file.write, rest=file.tell())
with open("up.bin", "rb") as file:
    file.seek(100000)
    ftp.storbinary("STOR part.bin", file, rest=100000)
ftp.rename("up.bin", "new.bin")
assert ftp.size("new.bin") == 300000
ftp.rename("new.bin", "up.bin")
print(ftp.quit())
"#;

#[tokio::test(flavor = "multi_thread")]
async fn ftplib_transfers_with_and_without_session_reuse() {
    if !is_installed("python3").await {
        return;
    }
    for setting in SETTINGS {
        for reuse in [ReusePolicy::Optional, ReusePolicy::ThisControl] {
            let stage = Stage::new(setting, reuse).await;
            fs::write(stage.path("client.py"), FTPLIB).unwrap();
            let address = stage.server.address();
            let with_reuse = reuse == ReusePolicy::ThisControl;
            let args = [
                "client.py".to_owned(),
                address.ip().to_string(),
                address.port().to_string(),
                USER.to_owned(),
                PASSWORD.to_owned(),
                yes_or_no(setting.implicit),
                match setting.version {
                    TlsVersion::Tls12 => "TLSv1_2".to_owned(),
                    TlsVersion::Tls13 => "TLSv1_3".to_owned(),
                },
                yes_or_no(with_reuse),
            ];
            let output = run("python3", &args, &stage, setting).await;
            assert!(output.contains("221"), "{setting:?}: {output}");
            let seen = stage.check(setting, "ftplib");
            if with_reuse {
                assert_resumed(&seen, setting, "ftplib");
            } else {
                let full = seen.iter().all(|one| {
                    one.handshake
                        .as_ref()
                        .is_some_and(|handshake| handshake.resumed.is_none())
                });
                assert!(full, "{setting:?}: {seen:?}");
            }
        }
    }
}

fn yes_or_no(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// ftplib without reuse is turned away by a server that insists on it, and told so.
#[tokio::test(flavor = "multi_thread")]
async fn ftplib_without_reuse_is_refused_where_reuse_is_required() {
    if !is_installed("python3").await {
        return;
    }
    let setting = SETTINGS[1];
    let stage = Stage::new(setting, ReusePolicy::ThisControl).await;
    let script = "\
import ftplib, ssl, sys
ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile='ca.pem'), timeout=20)
ftp.connect(sys.argv[1], int(sys.argv[2]))
ftp.login(sys.argv[3], sys.argv[4])
ftp.prot_p()
try:
    ftp.retrbinary('RETR whole.bin', lambda data: sys.exit('data came'))
except (ftplib.Error, OSError) as error:
    print('refused:', error)
print(ftp.voidcmd('NOOP') if len(sys.argv) > 5 else ftp.getmultiline())
";
    fs::write(stage.path("client.py"), script).unwrap();
    let address = stage.server.address();
    let args = [
        "client.py".to_owned(),
        address.ip().to_string(),
        address.port().to_string(),
        USER.to_owned(),
        PASSWORD.to_owned(),
    ];
    let output = run("python3", &args, &stage, setting).await;
    assert!(output.contains("refused:") && output.contains("522"), "{output}");
    let seen = stage.server.observations();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].end, seen[0].bytes, seen[0].reply),
        (DataEnd::Refused, 0, 522)
    );
}
