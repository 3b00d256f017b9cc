//! Waiting overlaps: a target that answers late, and one that takes few connections, beside the best schedule there is.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Scope;
use super::measure::{Table, median, run_well};
use super::stage::{self, Served};

/// How late every reply comes.
const LATE: Duration = Duration::from_millis(200);
/// How many connections the target with few of them takes.
const FEW: usize = 5;
/// Cases at the same time when nothing is said.
const JOBS: usize = 8;

pub(crate) fn measure(scope: Scope, table: &mut Table) {
    let served = Served::start(&[]);
    let areas: &[&str] = if scope.quick {
        &["command-order"]
    } else {
        &["auth", "command-order", "extensions", "protection", "replies"]
    };
    let late = delayed(served.address);
    let url = format!("ftps://user:pw@{late}");
    compare("every reply 200 ms late", &url, JOBS, areas, scope, table);
    compare("5 connections", &served.url(), FEW, areas, scope, table);
}

fn compare(what: &str, url: &str, connections: usize, areas: &[&str], scope: Scope, table: &mut Table) {
    let (mut ratios, mut seen) = (Vec::new(), String::new());
    for _ in 0..scope.rounds.min(3) {
        let reports = tempfile::tempdir().unwrap();
        let mut command = stage::ftpspec();
        command.args([
            "run",
            "--quiet",
            "--insecure",
            "--allow",
            "write",
            "--capture",
            "none",
        ]);
        command.args(["--max-connections", &connections.to_string(), "--reports"]);
        command.arg(reports.path()).args(areas).arg(url);
        let wall = run_well(&mut command).wall.as_secs_f64();
        let report = stage::report(reports.path());
        let seconds = stage::case_seconds(&report);
        let ideal = ideal(&seconds, connections.min(JOBS));
        ratios.push(wall / ideal);
        seen = format!("{} cases, {wall:.1} s, ideal {ideal:.1} s", seconds.len());
    }
    table.row(
        format!("waiting: {what}, wall / ideal"),
        seen,
        format!("{:.2}", median(&ratios)),
        "<= 1.2",
    );
}

/// The end of the best schedule of these cases on so many slots: no less than an even share, nor than the longest.
fn ideal(seconds: &[f64], slots: usize) -> f64 {
    let even = seconds.iter().sum::<f64>() / slots as f64;
    seconds.iter().copied().fold(even, f64::max)
}

/// A way to `target` on which everything that comes back is [`LATE`].
fn delayed(target: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            if let Ok(server) = TcpStream::connect(target) {
                carry(client, server);
            }
        }
    });
    address
}

fn carry(client: TcpStream, server: TcpStream) {
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    // Reading goes on while older pieces wait for their time.
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let (mut from_server, mut to_client) = (server, client);
    std::thread::spawn(move || {
        let mut buffer = [0; 16384];
        while let Ok(size @ 1..) = from_server.read(&mut buffer) {
            if sender
                .send((Instant::now() + LATE, buffer[..size].to_vec()))
                .is_err()
            {
                break;
            }
        }
    });
    std::thread::spawn(move || {
        for (due, bytes) in receiver {
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if to_client.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(std::net::Shutdown::Write);
    });
}
