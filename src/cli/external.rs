//! A target given by URL.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use url::Url;

use super::args::ExternalArgs;
use super::exit::CliError;
use crate::base::{Secret, closest};
use crate::requirement::Capability;
use crate::target::{Account, Limits, Permission, Profile, Provisioning, Timeouts, TlsMode, TrustChoice};

/// Where the password is looked for when the URL has none.
const PASSWORD_VARIABLE: &str = "FTPSPEC_PASSWORD";

/// Whether `text` is meant as a URL and not as a filter.
pub(super) fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// The profile of the target at `text`.
pub(super) fn profile(text: &str, args: &ExternalArgs) -> Result<Profile, CliError> {
    let url = Url::parse(text).map_err(|error| CliError::usage(format!("cannot read the URL: {error}")))?;
    let scheme = url.scheme();
    if !matches!(scheme, "ftps" | "ftpes" | "ftp") {
        return Err(CliError::usage(format!(
            "expected ftps://HOST:PORT, got the scheme `{scheme}`"
        )));
    }
    let host = url.host_str().filter(|host| !host.is_empty());
    let host = host.ok_or_else(|| CliError::usage("the URL names no host"))?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = url.port().unwrap_or(if args.implicit { 990 } else { 21 });
    if !matches!(url.path(), "" | "/") {
        return Err(CliError::usage(
            "the URL may not have a path; scenarios work below the login folder",
        ));
    }
    let implicit = args.implicit || (port == 990 && scheme == "ftps");
    let trust = match (&args.ca, args.insecure) {
        (Some(path), _) => TrustChoice::File(path.clone()),
        (None, true) => TrustChoice::Insecure,
        (None, false) => TrustChoice::System,
    };
    let mut timeouts = Timeouts::default();
    if let Some(seconds) = args.timeout {
        let limit = std::time::Duration::from_secs(seconds);
        timeouts.greeting = limit;
        timeouts.reply = limit;
        timeouts.handshake = limit;
        timeouts.data = limit;
        timeouts.connect = timeouts.connect.min(limit);
        timeouts.close = timeouts.close.min(limit);
    }
    Ok(Profile {
        name: args
            .name
            .clone()
            .unwrap_or_else(|| format!("{}-{port}", safe_name(&host))),
        software: "external".into(),
        licence: None,
        provisioning: Provisioning::External,
        tls: if implicit {
            TlsMode::Implicit
        } else {
            TlsMode::Explicit
        },
        second_host: None,
        server_name: args.server_name.clone().unwrap_or_else(|| host.clone()),
        trust,
        accounts: accounts(&url, args)?,
        declares: declares(args, implicit)?,
        allow: args
            .allow
            .iter()
            .map(|word| permission(word))
            .collect::<Result<_, _>>()?,
        limits: Limits {
            max_connections: args.max_connections.unwrap_or(4).max(1),
        },
        timeouts,
        known_deviations: Vec::new(),
        variant: String::new(),
        network: None,
        folder: None,
        address: Some((host, port)),
    })
}

fn safe_name(host: &str) -> String {
    host.trim_matches(':')
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '.' || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect()
}

fn accounts(url: &Url, args: &ExternalArgs) -> Result<Vec<Account>, CliError> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut accounts = Vec::new();
    if url.username().is_empty() {
        if args.second_account.is_some() {
            return Err(CliError::usage("a second account needs a first one in the URL"));
        }
    } else {
        let password = match (&args.password_file, url.password()) {
            (Some(path), _) => std::fs::read_to_string(path)
                .map(|text| text.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|error| CliError::usage(format!("cannot read {}: {error}", path.display())))?,
            (None, Some(password)) => decode(password),
            (None, None) => std::env::var(PASSWORD_VARIABLE).map_err(|_| {
                CliError::usage(format!(
                    "no password for `{}`: put it in the URL, in {PASSWORD_VARIABLE} or in --password-file",
                    decode(url.username())
                ))
            })?,
        };
        accounts.push(Account {
            user: decode(url.username()),
            password: Secret::new(password),
        });
    }
    if let Some(second) = &args.second_account {
        let (user, password) = second
            .split_once(':')
            .ok_or_else(|| CliError::usage("expected `--second-account USER:PASSWORD`"))?;
        accounts.push(Account {
            user: user.to_owned(),
            password: Secret::new(password),
        });
    }
    Ok(accounts)
}

/// What is declared: the capabilities named, and those that follow from the URL and the permissions.
fn declares(args: &ExternalArgs, implicit: bool) -> Result<BTreeMap<Capability, bool>, CliError> {
    let mut declares = BTreeMap::new();
    declares.insert(Capability::ImplicitTls, implicit);
    if implicit {
        declares.insert(Capability::AuthTls, false);
        declares.insert(Capability::ClearLogin, false);
    }
    declares.insert(Capability::SecondAccount, args.second_account.is_some());
    for word in &args.declare {
        let capability: Capability = word.parse().map_err(|problem: String| {
            let near = closest(word, Capability::ALL.iter().map(|capability| capability.name()));
            CliError::usage(near.map_or(problem.clone(), |near| {
                format!("{problem}; did you mean `{near}`?")
            }))
        })?;
        declares.insert(capability, true);
    }
    Ok(declares)
}

fn permission(word: &str) -> Result<Permission, CliError> {
    match word {
        "write" => Ok(Permission::Write),
        "second-account" => Ok(Permission::SecondAccount),
        "bounce-to-harness" => Ok(Permission::BounceToHarness),
        "foreign-pasv" => Ok(Permission::ForeignPasv),
        "clear-password" => Ok(Permission::ClearPassword),
        _ => {
            let words = [
                "write",
                "second-account",
                "bounce-to-harness",
                "foreign-pasv",
                "clear-password",
            ];
            let near = closest(word, words).map_or_else(
                || format!(" (one of `{}`)", words.join("`, `")),
                |near| format!("; did you mean `{near}`?"),
            );
            Err(CliError::usage(format!("unknown permission `{word}`{near}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_becomes_a_profile() {
        let profile = profile("ftps://user:p%40w@127.0.0.1:2121", &ExternalArgs::default()).unwrap();
        assert_eq!(profile.address, Some(("127.0.0.1".into(), 2121)));
        assert_eq!(profile.accounts[0].password.reveal(), "p@w");
        assert_eq!(profile.tls, TlsMode::Explicit);
        assert!(
            profile.allow.is_empty(),
            "nothing is written without --allow write"
        );
    }

    #[test]
    fn port_990_is_implicit_and_ipv6_hosts_lose_their_brackets() {
        let implicit = profile("ftps://u:p@[::1]:990", &ExternalArgs::default()).unwrap();
        assert_eq!(implicit.tls, TlsMode::Implicit);
        assert_eq!(implicit.address, Some(("::1".into(), 990)));
    }

    #[test]
    fn odd_urls_are_refused() {
        for text in ["http://x", "ftps://u:p@h/dir", "ftps://"] {
            assert!(profile(text, &ExternalArgs::default()).is_err(), "{text}");
        }
    }
}
