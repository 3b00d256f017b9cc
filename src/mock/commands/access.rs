//! Who uses the connection: USER, PASS, ACCT, REIN, QUIT, HOST.
//!
//! RFC 959 section 4.1.1, RFC 4217 section 13 (REIN under TLS), RFC 7151 (HOST), RFC 2577 section 5 (guessing passwords).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::argument::{SYNTAX, is_bare};
use crate::mock::Fault;
use crate::mock::path::StorePath;
use crate::mock::session::{Access, Control, Ended, Epoch, Level, Session, Settings, Step, TransferType};
use crate::wire::command::Command;

pub(super) async fn user(session: &mut Session, command: &Command) -> Step {
    if is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    let is_anonymous = command.argument_text().eq_ignore_ascii_case("anonymous");
    if is_anonymous && session.has(Fault::AnswersAnonymousInClear) {
        return session.reply_in_clear(530, "No guests.").await;
    }
    if session.has(Fault::KeepsLoginAtUser) && matches!(session.access, Access::LoggedIn(_)) {
        return session.reply(331, "Now the password.").await;
    }
    if session.client_certificate.is_some() {
        if session.has(Fault::Answers232ToEveryUser) {
            session.access = session.first_account();
            return session.reply(232, "The certificate is enough.").await;
        }
        if session.has(Fault::LogsInByCertificateInSilence) {
            session.access = session.first_account();
            return session.reply(331, "Now the password.").await;
        }
    }
    session.access = Access::Named(command.argument_text());
    if session.has(Fault::DropsProtLevelAtUser) {
        session.settings.level = Level::Clear;
    }
    // The same for users that do not exist (RFC 2577 section 7).
    session.reply(331, "Now the password.").await
}

pub(super) async fn pass(session: &mut Session, command: &Command) -> Step {
    let accounts = &session.shared.options.accounts;
    let accepted = match &session.access {
        Access::Named(name) => accounts.iter().find(|account| {
            let is_right = account.password.reveal() == command.argument_text();
            account.user == *name && (is_right || session.has(Fault::AcceptsAnyPassword))
        }),
        // Only a fault leads here without USER.
        Access::Nobody | Access::LoggedIn(_) => accounts.first(),
    }
    .map(|account| account.user.clone());
    if let Some(user) = accepted {
        session.access = Access::LoggedIn(user);
        if session.has(Fault::DefaultsToImage) {
            session.settings.transfer_type = TransferType::Image;
        }
        session.settings.cwd = session.kept.cwd.take().unwrap_or_else(StorePath::root);
        session.settings.rename_from = session.kept.rename_from.take();
        session.refused_passwords = 0;
        session.remember_login();
        return session.reply(230, "Logged in.").await;
    }
    session.access = Access::Nobody;
    session.refused_passwords = session.refused_passwords.saturating_add(1);
    if !session.has(Fault::RefusesPasswordsAtOnce) {
        tokio::time::sleep(session.shared.options.login_delay).await;
    }
    let is_limited = !session.has(Fault::TakesAnyNumberOfPasswords);
    if is_limited && session.refused_passwords >= session.shared.options.login_attempts {
        session.reply(421, "Too many wrong passwords.").await?;
        return Err(Ended::ByServer);
    }
    session.reply(530, "Login refused.").await
}

pub(super) async fn acct(session: &mut Session, command: &Command) -> Step {
    if is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    session.reply(202, "No account is needed.").await
}

pub(super) async fn rein(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    let keeps_tls = session.shared.options.implicit || session.has(Fault::KeepsTlsAcrossRein);
    let was_protected = session.control == Control::Protected;
    let was_private = session.settings.level == Level::Private;
    let greeting = session.shared.options.greeting.clone();
    if session.has(Fault::AnswersReinInClear) {
        session.reply_in_clear(220, &greeting).await?;
    } else {
        session.reply(220, &greeting).await?;
    }
    if was_protected && !keeps_tls {
        session.stop_tls().await?;
        // Nothing that was sent under the old session may be obeyed in the new one.
        session.drop_pending();
    }
    if session.has(Fault::KeepsPrivateAcrossRein) && was_private {
        session.keeps_private = true;
    }
    if session.has(Fault::DemandsOldSessionAfterRein) && session.old_epoch.is_none() {
        session.old_epoch = Some(session.epoch.clone());
    }
    if session.has(Fault::KeepsLoginAcrossRein) {
        session.kept.login = true;
    } else {
        session.access = Access::Nobody;
    }
    let host = session.settings.host.take();
    session.reset_settings();
    if session.has(Fault::KeepsHostAcrossRein) {
        session.settings.host = host;
    }
    if keeps_tls && session.control == Control::Protected {
        if session.shared.options.implicit {
            session.imply_private();
        }
    } else {
        session.control = Control::Clear;
        session.epoch = Epoch::default();
        session.sni = None;
        session.client_certificate = None;
        session.is_auth_ssl = false;
    }
    Ok(())
}

pub(super) async fn quit(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    session.reply(221, "Goodbye.").await?;
    if session.has(Fault::StaysOpenAfterQuit) {
        return Ok(());
    }
    Err(Ended::ByServer)
}

pub(super) async fn host(session: &mut Session, command: &Command) -> Step {
    let name = command.argument_text();
    let refused = match HostName::parse(&name) {
        None => Some((501, "Not a host name.")),
        Some(HostName::Address(address)) => (address != session.link.local_address().ip())
            .then_some((504, "This is not the address you are connected to.")),
        Some(HostName::Name) => {
            let is_other_sni = session
                .sni
                .as_ref()
                .is_some_and(|sni| !sni.eq_ignore_ascii_case(&name));
            if is_other_sni && !session.has(Fault::IgnoresSniAtHost) {
                Some((504, "TLS was started for another name."))
            } else if session.shared.options.serves_host(&name) {
                None
            } else {
                Some((504, "Unknown host."))
            }
        }
    };
    if let Some((code, text)) = refused {
        return session.reply(code, text).await;
    }
    session.settings.host = Some(name);
    if !session.has(Fault::KeepsUserAcrossHost)
        && let Access::Named(_) = session.access
    {
        session.access = Access::Nobody;
    }
    let greeting = session.shared.options.greeting.clone();
    session.reply(220, &greeting).await
}

impl Session {
    /// Sets back everything that AUTH and REIN set back.
    pub(super) fn reset_settings(&mut self) {
        self.settings = Settings::default();
        if self.keeps_private {
            self.settings.level = Level::Private;
        }
    }
}

/// The argument of HOST, RFC 7151 section 3.1.
#[derive(Debug, PartialEq, Eq)]
enum HostName {
    Address(IpAddr),
    Name,
}

impl HostName {
    fn parse(text: &str) -> Option<Self> {
        if let Some(literal) = text.strip_prefix('[') {
            let literal = literal.strip_suffix(']')?;
            return literal
                .parse::<Ipv6Addr>()
                .ok()
                .map(|address| Self::Address(address.into()));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Some(Self::Address(address.into()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_name = !name.is_empty() && name.len() <= 253 && name.split('.').all(is_label);
        is_name.then_some(Self::Name)
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_takes_names_and_literals_without_port() {
        assert_eq!(HostName::parse("ftp.example.org."), Some(HostName::Name));
        assert_eq!(
            HostName::parse("[::1]"),
            Some(HostName::Address(Ipv6Addr::LOCALHOST.into()))
        );
        assert_eq!(
            HostName::parse("127.0.0.1"),
            Some(HostName::Address(Ipv4Addr::LOCALHOST.into()))
        );
        for wrong in [
            "",
            "192.0.2.1:21",
            "name:2112",
            "2001:db8::1",
            "-bad-",
            "a..b",
            "[::1",
            "a b",
        ] {
            assert_eq!(HostName::parse(wrong), None, "{wrong}");
        }
    }
}
