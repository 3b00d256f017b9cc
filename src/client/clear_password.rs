//! No password goes out in clear to a target elsewhere, unless its profile allows that.
//!
//! RFC 4217 section 10.1 wants the login protected. On loopback nobody listens; anywhere else a scenario that logs in on
//! an unprotected control connection (before AUTH, or after CCC) needs the permission `clear-password`.

use std::net::IpAddr;

use super::problem::not_allowed;
use super::settings::Settings;
use crate::trace::ActionProblem;

/// Whether `text` (one line or several) may go out to `peer` without protection.
///
/// # Errors
/// When it carries a password of an account, and the profile does not allow that.
pub(super) fn allow_in_clear(text: &str, peer: IpAddr, settings: &Settings) -> Result<(), ActionProblem> {
    if settings.allow_clear_password || peer.to_canonical().is_loopback() || !carries_secret(text, settings) {
        return Ok(());
    }
    Err(not_allowed(
        "a password in clear to a target elsewhere needs the permission `clear-password`: profile `allow`, or --allow \
         clear-password",
    ))
}

/// Whether a line of `text` has a secret of an account as its argument or as one of its words.
fn carries_secret(text: &str, settings: &Settings) -> bool {
    let accounts = settings.accounts.iter();
    let mut secrets = accounts
        .flat_map(|account| std::iter::once(&account.password).chain(account.account.as_ref()))
        .map(|secret| secret.reveal())
        .filter(|secret| !secret.is_empty());
    secrets.any(|secret| {
        text.split(['\r', '\n']).any(|line| {
            let argument = line.split_once(' ').map_or("", |(_, argument)| argument);
            argument == secret || line.split_whitespace().any(|word| word == secret)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::client::Credentials;

    const ELSEWHERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 7));

    fn settings(password: &str) -> Settings {
        let mut settings = Settings::new((ELSEWHERE, 21).into());
        settings.accounts.push(Credentials {
            user: "ada".into(),
            password: Secret::new(password),
            account: Some(Secret::new("books")),
        });
        settings
    }

    #[test]
    fn a_password_does_not_leave_this_machine_in_clear() {
        let settings = settings("two words");
        for text in [
            "PASS two words",
            "USER ada\r\nPASS two words\r\n",
            "ACCT books",
            "pass two words",
        ] {
            let refused = allow_in_clear(text, ELSEWHERE, &settings);
            assert!(matches!(refused, Err(ActionProblem::NotAllowed { .. })), "{text}");
        }
    }

    #[test]
    fn the_problem_does_not_show_the_password() {
        let problem = allow_in_clear("PASS hunter2", ELSEWHERE, &settings("hunter2")).unwrap_err();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }

    #[test]
    fn loopback_and_the_permission_let_it_through() {
        let mut settings = settings("hunter2");
        for peer in ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"] {
            assert_eq!(
                allow_in_clear("PASS hunter2", peer.parse().unwrap(), &settings),
                Ok(()),
                "{peer}"
            );
        }
        settings.allow_clear_password = true;
        assert_eq!(allow_in_clear("PASS hunter2", ELSEWHERE, &settings), Ok(()));
    }

    #[test]
    fn what_is_no_password_may_go_out() {
        for text in ["USER ada", "PASS wrong-hunter2", "AUTH TLS", ""] {
            assert_eq!(
                allow_in_clear(text, ELSEWHERE, &settings("hunter2")),
                Ok(()),
                "{text}"
            );
        }
        // Without a password there is nothing to protect.
        assert_eq!(allow_in_clear("PASS ", ELSEWHERE, &settings("")), Ok(()));
    }
}
