//! Rebuilds when a file below `scenarios/` changes: the whole folder is built into the binary.

fn main() {
    println!("cargo::rerun-if-changed=scenarios");
}
