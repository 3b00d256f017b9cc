//! What a serve script is told: the environment of the contract in `docker/README.md`, and the files it is given.
//!
//! The same for a process of this machine and for a container, so that both run the same server.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use super::profile::Account;
use crate::tls::Identity;

/// How many passive ports a target gets: so many that a port just given up is not soon another session's.
pub(super) const PASSIVE_PORTS: u16 = 240;

/// A serve script and what it is told.
#[derive(Clone, Debug)]
pub struct ServeScript {
    /// The script.
    pub script: PathBuf,
    /// The variant.
    pub variant: String,
    /// An existing, empty, private folder; everything that is written goes below it.
    pub state: PathBuf,
    /// Certificate and key of the server.
    pub identity: Identity,
    /// The authority that signed it, PEM.
    pub authority_pem: String,
    /// Two accounts.
    pub accounts: Vec<Account>,
}

/// Where the server listens, as it sees itself.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) address: IpAddr,
    pub(super) port: u16,
    pub(super) passive: RangeInclusive<u16>,
    /// What its PASV replies name when that is not the address it is reached at.
    pub(super) public: Option<IpAddr>,
}

impl ServeScript {
    /// Makes the folders `given` and `state` below `into`, with the certificate, the key and the authority in `given`.
    pub(super) fn write(&self, into: &Path) -> std::io::Result<()> {
        let given = into.join("given");
        for folder in [&given, &into.join("state")] {
            std::fs::create_dir_all(folder)?;
        }
        write_private(&given.join("server.pem"), &self.identity.chain_pem)?;
        write_private(&given.join("server.key"), &self.identity.key_pem)?;
        write_private(&given.join("ca.pem"), &self.authority_pem)
    }

    /// The variables, for folders that the script sees below `root`.
    pub(super) fn variables(&self, place: &Place, root: &Path) -> Vec<(String, String)> {
        let path = |name: &str| root.join(name).display().to_string();
        let mut variables = vec![
            ("FTPSPEC_STATE".to_owned(), path("state")),
            ("FTPSPEC_ADDRESS".to_owned(), place.address.to_string()),
            ("FTPSPEC_PORT".to_owned(), place.port.to_string()),
            (
                "FTPSPEC_PASSIVE_MIN".to_owned(),
                place.passive.start().to_string(),
            ),
            ("FTPSPEC_PASSIVE_MAX".to_owned(), place.passive.end().to_string()),
            ("FTPSPEC_VARIANT".to_owned(), self.variant.clone()),
            ("FTPSPEC_CERT".to_owned(), path("given/server.pem")),
            ("FTPSPEC_KEY".to_owned(), path("given/server.key")),
            ("FTPSPEC_CA".to_owned(), path("given/ca.pem")),
        ];
        if let Some(public) = place.public {
            variables.push(("FTPSPEC_PASV_ADDRESS".to_owned(), public.to_string()));
        }
        for (index, account) in self.accounts.iter().enumerate() {
            let suffix = if index == 0 {
                String::new()
            } else {
                (index + 1).to_string()
            };
            variables.push((format!("FTPSPEC_USER{suffix}"), account.user.clone()));
            variables.push((
                format!("FTPSPEC_PASSWORD{suffix}"),
                account.password.reveal().to_owned(),
            ));
        }
        variables
    }
}

/// Writes a file that only the owner can read.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::base::Secret;

    #[test]
    fn the_script_is_told_everything_that_the_contract_names() {
        let account = |user: &str| Account {
            user: user.into(),
            password: Secret::new("pw"),
        };
        let serve = ServeScript {
            script: "serve.sh".into(),
            variant: "acme".into(),
            state: "/tmp/x".into(),
            identity: Identity {
                chain_pem: "".into(),
                key_pem: "".into(),
            },
            authority_pem: String::new(),
            accounts: vec![account("one"), account("two")],
        };
        let mut place = Place {
            address: Ipv4Addr::LOCALHOST.into(),
            port: 2121,
            passive: 3000..=3059,
            public: None,
        };
        let names = |place: &Place| -> Vec<String> {
            let variables = serve.variables(place, Path::new("/x"));
            variables.into_iter().map(|(name, _)| name).collect()
        };
        let contract = include_str!("../../docker/README.md");
        for name in names(&place) {
            assert!(contract.contains(&name), "{name} is documented");
        }
        assert!(!names(&place).contains(&"FTPSPEC_PASV_ADDRESS".to_owned()));
        place.public = Some(Ipv4Addr::LOCALHOST.into());
        assert!(names(&place).contains(&"FTPSPEC_PASV_ADDRESS".to_owned()));
    }
}
