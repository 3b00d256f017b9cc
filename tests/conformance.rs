//! Every scenario against the embedded server, every proof, and every real target that is installed: one trial each.

fn main() -> std::process::ExitCode {
    ftpspec::cargo_test::main(ftpspec::cargo_test::Options::own_suite())
}
