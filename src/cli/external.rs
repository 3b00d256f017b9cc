//! A target given by URL.

use std::collections::BTreeMap;
use std::path::PathBuf;

use percent_encoding::percent_decode_str;
use url::Url;

use super::args::ExternalArgs;
use super::exit::CliError;
use crate::base::{Secret, closest};
use crate::requirement::Capability;
use crate::target::{
    Account, ClientCertificate, Limits, PasswordPlace, PendingPassword, Permission, Profile, Provisioning,
    Timeouts, TlsMode, TrustChoice,
};

/// Where the password is looked for when the URL has none.
const PASSWORD_VARIABLE: &str = "FTPSPEC_PASSWORD";

/// The same for the second account.
const SECOND_PASSWORD_VARIABLE: &str = "FTPSPEC_PASSWORD2";

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
    let (accounts, pending) = accounts(&url, args)?;
    let client_certificate = args.client_cert.clone().zip(args.client_key.clone());
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
        accounts,
        pending,
        client_certificate: client_certificate
            .map(|(certificate, key)| ClientCertificate { certificate, key }),
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
        unusable: None,
    })
}

/// `host` as the name of a target.
pub(super) fn safe_name(host: &str) -> String {
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

/// The accounts, and those whose password stands neither in the URL nor in an option.
fn accounts(url: &Url, args: &ExternalArgs) -> Result<(Vec<Account>, Vec<PendingPassword>), CliError> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (mut accounts, mut pending) = (Vec::new(), Vec::new());
    let mut add = |user: String, given: Option<String>, file: Option<&PathBuf>, variable: &str| {
        let place = match (file, &given) {
            (Some(path), _) => Some(PasswordPlace::File(path.clone())),
            (None, Some(_)) => None,
            (None, None) if std::env::var_os(variable).is_some() => {
                Some(PasswordPlace::Environment(variable.to_owned()))
            }
            (None, None) => Some(PasswordPlace::Prompt),
        };
        let account = accounts.len();
        pending.extend(place.map(|place| PendingPassword { account, place }));
        accounts.push(Account {
            user,
            password: given.map(Secret::new).unwrap_or_default(),
        });
    };
    if url.username().is_empty() {
        if args.second_account.is_some() {
            return Err(CliError::usage("a second account needs a first one in the URL"));
        }
    } else {
        let file = args.password_file.as_ref();
        add(
            decode(url.username()),
            url.password().map(decode),
            file,
            PASSWORD_VARIABLE,
        );
    }
    if let Some(second) = &args.second_account {
        let (user, password) = match second.split_once(':') {
            Some((user, password)) => (user, Some(password.to_owned())),
            // Not shown: what was meant as a password may stand in it.
            None if second.contains(char::is_whitespace) => {
                return Err(CliError::usage(
                    "expected `--second-account USER` or `USER:PASSWORD`",
                ));
            }
            None => (second.as_str(), None),
        };
        let file = args.second_password_file.as_ref();
        add(user.to_owned(), password, file, SECOND_PASSWORD_VARIABLE);
    }
    Ok((accounts, pending))
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
    fn a_password_that_is_left_out_is_asked_for_and_never_empty_by_itself() {
        let args = ExternalArgs {
            second_account: Some("bob".into()),
            second_password_file: Some("secret".into()),
            ..ExternalArgs::default()
        };
        let profile = profile("ftps://ada:pw@127.0.0.1:2121", &args).unwrap();
        assert_eq!(profile.accounts[1].user, "bob");
        let second = PendingPassword {
            account: 1,
            place: PasswordPlace::File("secret".into()),
        };
        assert_eq!(profile.pending, [second]);
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
