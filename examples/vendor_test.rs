//! How the maker of an FTPS server runs the scenarios as tests of its own crate.
//!
//! In that crate this is `tests/ftps.rs`, with `harness = false` in its `[[test]]`; the server would be the crate's own. Here the
//! embedded server of ftpspec stands in for it. Arguments are those of `cargo test`:
//!
//! ```text
//! cargo run --example vendor_test                    # every case of the area `protection`
//! cargo run --example vendor_test -- prot-p          # those with `prot-p` in the name
//! cargo run --example vendor_test -- --list
//! ```

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use ftpspec::cargo_test::{self, Options};
use ftpspec::mock::{self, Account, Server};
use ftpspec::tls::certificate::{self, Authority};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The server needs a runtime of its own: the tests bring theirs.
    let runtime = tokio::runtime::Runtime::new()?;
    let folder = tempfile::tempdir()?;
    let authority = Authority::new()?;
    let server = runtime.block_on(start(&authority))?;
    std::fs::write(folder.path().join("ca.pem"), authority.pem())?;
    let profile = folder.path().join("target.yaml");
    describe(&profile, server.address())?;

    let mut options = Options::for_target_file(&profile);
    // Without filters, everything that applies to the target is a test.
    options.filters = vec!["protection".to_owned()];
    let code = cargo_test::main(options);

    runtime.block_on(server.stop());
    Ok(code)
}

/// Starts the server under test: here one that follows the RFCs, on a free port of this machine.
async fn start(authority: &Authority) -> Result<Server, Box<dyn Error>> {
    let identity = certificate::make(certificate::recipe("valid")?, authority)?;
    let mut options = mock::Options::new(identity);
    options.accounts = vec![Account::new("ada", "not a secret")];
    options.ccc_allowed = true;
    Ok(Server::start(options).await?)
}

/// Describes the server: where it is, what its certificate hangs on, and what the tests may do to it. In a crate of its own this is
/// a file under version control; `docs/targets.md` has every key.
fn describe(profile: &Path, address: SocketAddr) -> std::io::Result<()> {
    let text = format!(
        "name: my-server\n\
         provision: external\n\
         address: {address}\n\
         server-name: localhost\n\
         trust: file:ca.pem\n\
         accounts: [{{ user: ada, password: not a secret }}]\n\
         allow: [write]\n\
         variants:\n  my-server:\n    tls: explicit\n"
    );
    std::fs::write(profile, text)
}
