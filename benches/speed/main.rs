//! `cargo bench`: what a run costs beside the floor that TLS sets and beside other programs.
//!
//! Machines are noisy, so nothing here is a promise in seconds: what is compared is measured in one run, in turns, and shown as a
//! ratio of medians. `docs/performance.md` says what each part measures and has the table of one run.
//!
//! ```text
//! cargo bench                        # everything
//! cargo bench -- suite startup       # these parts
//! cargo bench -- --quick             # fewer rounds, smaller sizes: does it work?
//! ```

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark: a panic is its report, its output is the table, and it measures the machine's own time"
)]

mod bulk;
mod floor;
mod measure;
mod rate;
mod scale;
mod stage;
mod startup;
mod suite;
mod waiting;

use measure::Table;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
struct Scope {
    /// Rounds of each side of a comparison.
    rounds: usize,
    /// Small sizes.
    quick: bool,
}

/// A part: its name, and what it prints.
type Part = (&'static str, fn(Scope, &mut Table));

const PARTS: &[Part] = &[
    ("suite", suite::measure),
    ("rate", rate::measure),
    ("startup", startup::measure),
    ("bulk", bulk::measure),
    ("scale", scale::measure),
    ("waiting", waiting::measure),
];

fn main() {
    let mut scope = Scope {
        rounds: 5,
        quick: false,
    };
    let mut wanted = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            // Cargo says so to every benchmark.
            "--bench" => {}
            "--quick" => {
                scope = Scope {
                    rounds: 1,
                    quick: true,
                };
            }
            name if PARTS.iter().any(|(part, _)| *part == name) => wanted.push(name.to_owned()),
            other => {
                let names: Vec<&str> = PARTS.iter().map(|(name, _)| *name).collect();
                println!("unknown part `{other}`: expected {} or --quick", names.join(", "));
                std::process::exit(2);
            }
        }
    }
    let mut table = Table::default();
    for (name, measure) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            println!("measuring {name} …");
            measure(scope, &mut table);
        }
    }
    println!("\n{table}");
}
