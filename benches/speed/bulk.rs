//! One gibibyte each way over TLS 1.3 from and to vsftpd, beside curl and lftp doing the same, in turns.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::Scope;
use super::measure::{Sample, Table, median, run_well};
use super::stage;

/// The variant that takes a full handshake on data connections: not every build of the clients reuses sessions.
const TARGET: &str = "vsftpd-no-reuse";
/// The file that travels, and the one of a single byte.
const FILES: [(&str, &str); 2] = [("whole", "bulk.bin"), ("base", "bulk-small.bin")];

pub(crate) fn measure(scope: Scope, table: &mut Table) {
    let Some(server) = Up::start() else {
        table.skip(
            "bulk",
            format!("{TARGET} does not start here (`ftpspec targets list` says why)"),
        );
        return;
    };
    let size: u64 = if scope.quick { 16 << 20 } else { 1 << 30 };
    let rounds = scope.rounds.min(3);
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.bin");
    std::fs::File::create(&source).unwrap().set_len(size).unwrap();
    let small = folder.path().join("small.bin");
    std::fs::write(&small, "x").unwrap();
    scenarios(folder.path(), size);

    let mut clients: Vec<Client> = Vec::new();
    for name in ["ftpspec", "curl", "lftp"] {
        if name == "ftpspec" || stage::is_installed(name) {
            clients.push(Client::new(name));
        } else {
            table.skip(format!("bulk: beside {name}"), format!("{name} is not installed"));
        }
    }
    for _ in 0..rounds {
        for client in &mut clients {
            for upload in [true, false] {
                // What a transfer of next to nothing takes is not the transfer's: start, login, finding out what there is.
                let base = client.transfer(&server, folder.path(), upload, &small, 1);
                let whole = client.transfer(&server, folder.path(), upload, &source, size);
                client.note(upload, &base, &whole, size);
            }
        }
    }
    let Some((ours, others)) = clients.split_first() else {
        return;
    };
    for (index, way) in ["STOR", "RETR"].into_iter().enumerate() {
        table.row(
            format!("bulk: {way} of {} MiB", size >> 20),
            format!(
                "{:.0} MB/s, {:.2} CPU s/GiB, peak {} MiB",
                median(&ours.rate[index]),
                median(&ours.cpu[index]),
                ours.peak[index] >> 20
            ),
            "",
            "flat memory",
        );
        for other in others {
            let (rate, cpu) = (median(&other.rate[index]), median(&other.cpu[index]));
            table.row(
                format!("bulk: {way}, ftpspec / {}", other.name),
                format!("{}: {rate:.0} MB/s, {cpu:.2} CPU s/GiB", other.name),
                format!(
                    "{:.2} of the rate, {:.2} of the CPU time",
                    median(&ours.rate[index]) / rate,
                    median(&ours.cpu[index]) / cpu
                ),
                if other.name == "curl" {
                    ">= 1.0, <= 1.0"
                } else {
                    ""
                },
            );
        }
    }
}

/// Scenarios that move a file of `size`, and of one byte.
fn scenarios(folder: &Path, size: u64) {
    let area = folder.join("scenarios/bulk");
    std::fs::create_dir_all(&area).unwrap();
    for ((name, file), bytes) in FILES.into_iter().zip([size, 1]) {
        for (way, step) in [
            ("upload", format!("store: {{ path: {file}, bytes: {bytes} }}")),
            ("download", format!("retrieve: {{ path: {file} }}")),
        ] {
            let text = format!(
                "title: A file travels\nwhy: It is measured.\nseverity: low\ndetects: [drops-last-partial-record]\nrequires: [upload]\nmatrix:\n  tls: [tls1.3]\n\
                 setup:\n  - reach: data-protected\nsteps:\n  - {step}\n    expect:\n      - action: done\n\
                 \x20     - {{ reply: 226, requirement: rfc959.s3.1.1.3.image-roundtrip }}\n"
            );
            std::fs::write(area.join(format!("{way}-{name}.yaml")), text).unwrap();
        }
    }
}

/// One program and what it took, uploads first.
#[derive(Debug)]
struct Client {
    name: &'static str,
    rate: [Vec<f64>; 2],
    cpu: [Vec<f64>; 2],
    peak: [u64; 2],
}

impl Client {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            rate: Default::default(),
            cpu: Default::default(),
            peak: Default::default(),
        }
    }

    fn note(&mut self, upload: bool, base: &Sample, whole: &Sample, size: u64) {
        let index = usize::from(!upload);
        let time = whole.wall.saturating_sub(base.wall).as_secs_f64();
        self.rate[index].push(size as f64 / 1e6 / time);
        let cpu = whole.cpu.saturating_sub(base.cpu).as_secs_f64();
        self.cpu[index].push(cpu / (size as f64 / f64::from(1 << 30)));
        self.peak[index] = self.peak[index].max(whole.peak);
    }

    /// Uploads `source`, or downloads what was uploaded of that size.
    fn transfer(&self, server: &Up, folder: &Path, upload: bool, source: &Path, size: u64) -> Sample {
        let (which, file) = FILES[usize::from(size == 1)];
        let mut command = match self.name {
            "ftpspec" => {
                let mut command = stage::ftpspec();
                let way = if upload { "upload" } else { "download" };
                command.args([
                    "run",
                    "--quiet",
                    "--insecure",
                    "--allow",
                    "write",
                    "--capture",
                    "none",
                ]);
                command.args(["--timeout", "60", "--reports"]);
                command
                    .arg(folder.join("reports"))
                    .arg("--scenarios")
                    .arg(folder.join("scenarios"));
                command.arg(format!("bulk/{way}-{which}")).arg(server.url());
                command
            }
            "curl" => {
                let mut command = Command::new("curl");
                command.args(["-sS", "--insecure", "--ssl-reqd", "--tlsv1.3", "--user"]);
                command.arg(format!("{}:{}", server.user, server.password));
                if upload {
                    command.arg("--upload-file").arg(source);
                } else {
                    command.args(["--output", "/dev/null"]);
                }
                command.arg(format!("ftp://{}/{file}", server.address));
                command
            }
            _ => {
                let mut command = Command::new("lftp");
                let what = if upload {
                    format!("put {} -o {file}", source.display())
                } else {
                    format!("get {file} -o /dev/null")
                };
                command.arg("-c").arg(format!(
                    "set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; \
                     set xfer:clobber yes; set net:max-retries 1; open -u {},{} ftp://{}; {what}",
                    server.user, server.password, server.address
                ));
                command
            }
        };
        run_well(&mut command)
    }
}

/// A target that is up, ended when dropped.
struct Up {
    child: Child,
    address: String,
    user: String,
    password: String,
}

impl Up {
    /// None when it cannot be started here.
    fn start() -> Option<Self> {
        let mut child = stage::ftpspec()
            .args(["targets", "up", TARGET])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // `NAME listens on ADDRESS`, then `account USER PASSWORD` for each account.
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        let (Some(listens), Some(account)) = (lines.next(), lines.next()) else {
            let _ = child.wait();
            return None;
        };
        let words: Vec<&str> = account.split_whitespace().collect();
        let ["account", user, password] = words[..] else {
            panic!("no account in {account:?}");
        };
        Some(Self {
            child,
            address: listens.split_whitespace().last().unwrap_or_default().to_owned(),
            user: user.to_owned(),
            password: password.to_owned(),
        })
    }

    fn url(&self) -> String {
        format!("ftps://{}:{}@{}", self.user, self.password, self.address)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // SIGINT lets it end its server.
        let pid = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::INT);
        let _ = self.child.wait();
    }
}
