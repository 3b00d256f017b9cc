//! Protection: AUTH, ADAT, PBSZ, PROT, CCC.
//!
//! RFC 4217 sections 4 (AUTH), 5 (CCC), 9 (PBSZ and PROT), 10 (failures) and RFC 2228 section 3 (reply codes).

use std::time::Duration;

use super::argument::{SYNTAX, is_bare, word};
use crate::mock::session::{Access, Control, Ended, Level, Session, Step};
use crate::mock::{Fault, Habit};
use crate::transport::Incoming;
use crate::wire::command::Command;

/// How long the faulty server looks for more clear bytes behind AUTH.
const READ_AHEAD: Duration = Duration::from_millis(200);

pub(super) async fn auth(session: &mut Session, command: &Command) -> Step {
    if session.shared.options.tls_disabled {
        return auth_without_tls(session).await;
    }
    if session.control == Control::Protected {
        return auth_again(session).await;
    }
    if session.has(Fault::RefusesAuthTls) {
        return session.reply(502, "There is no TLS here.").await;
    }
    let mechanism = word(command);
    let is_any = session.has(Fault::AcceptsAnyAuthMechanism);
    if mechanism.is_empty() && !is_any {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    let is_ssl = mechanism == "SSL" && session.shared.options.auth_ssl_accepted;
    if !is_ssl && !is_any && !matches!(mechanism.as_str(), "TLS" | "TLS-C") {
        return session.reply(504, "Only TLS is spoken here.").await;
    }
    if session.has(Fault::AcceptsAuthOnlyAsFirstCommand) && session.had_commands() {
        return session.reply(503, "AUTH comes first.").await;
    }
    let code = if session.has(Fault::AnswersAuthTlsWith334) {
        334
    } else {
        234
    };
    // Before the reply: what was sent ahead is gone, however long the reply takes.
    if session.has(Fault::ExecutesCommandsPipelinedBehindAuth) {
        // What is on its way in a segment of its own counts as sent ahead, too.
        session.read_ahead(READ_AHEAD).await;
    } else {
        session.drop_pending();
    }
    if session.has(Fault::SendsClearLineBehind234) {
        session
            .send(b"234 Now the TLS handshake.\r\n220 hello\r\n")
            .await?;
    } else {
        session.reply(code, "Now the TLS handshake.").await?;
    }
    let access = std::mem::take(&mut session.access);
    session.is_auth_ssl = is_ssl;
    if session.start_tls().await.is_err() {
        if session.has(Fault::ServesClearCommandsAfterFailedHandshake) {
            session.access = access;
            return Ok(());
        }
        return Err(Ended::ByPeer);
    }
    let keeps = match &access {
        Access::Nobody => false,
        Access::Named(_) => session.has(Fault::KeepsPendingUserAcrossAuth),
        Access::LoggedIn(_) => session.has(Fault::KeepsUserAcrossAuth) || session.kept.login,
    };
    if keeps {
        session.access = access;
    } else if session.has(Fault::LogsInAfterTls) {
        session.access = session.first_account();
    }
    reset_for_auth(session);
    if is_ssl && session.does(Habit::ImpliesPrivateForAuthSsl) {
        session.settings.level = Level::Private;
    }
    Ok(())
}

/// RFC 2228 section 3: as if the command did not exist.
async fn auth_without_tls(session: &mut Session) -> Step {
    let (code, text) = if session.has(Fault::AnswersAuthWith530) {
        (530, "Log in first.")
    } else if session.has(Fault::AnswersAuthWith234WithoutTls) {
        (234, "Now the TLS handshake.")
    } else {
        (502, "There is no TLS.")
    };
    session.reply(code, text).await
}

/// What a fault makes of AUTH inside of implicit TLS: a second handshake is waited for, and cannot come.
async fn auth_again(session: &mut Session) -> Step {
    session.reply(234, "Now the TLS handshake.").await?;
    let deadline = session.shared.options.handshake_timeout;
    let end = async { while session.link.receive().await != Incoming::Fin {} };
    // Nothing that arrives changes the outcome.
    drop(tokio::time::timeout(deadline, end).await);
    Err(Ended::ByPeer)
}

/// AUTH sets everything back, but for the host that was chosen before (RFC 7151 section 4) and what faults keep.
fn reset_for_auth(session: &mut Session) {
    let mut old = std::mem::take(&mut session.settings);
    session.reset_settings();
    session.settings.host = old.host.take();
    if session.has(Fault::KeepsCwdAcrossAuth) {
        session.kept.cwd = Some(old.cwd);
    }
    if session.has(Fault::KeepsListenerAcrossAuth) {
        session.settings.route = old.route.take();
    }
    if session.has(Fault::KeepsTypeAcrossAuth) {
        session.settings.transfer_type = old.transfer_type;
    }
}

pub(super) async fn adat(session: &mut Session) -> Step {
    // Only a fault leads here.
    session.reply(335, "ADAT=AAAA").await
}

pub(super) async fn pbsz(session: &mut Session, command: &Command) -> Step {
    if session.has(Fault::RefusesPbszOnImplicit) && session.shared.options.implicit {
        return session.reply(503, "Not on this port.").await;
    }
    let argument = command.argument_text();
    let is_number = !argument.is_empty() && argument.bytes().all(|byte| byte.is_ascii_digit());
    let size = match argument.parse::<u32>() {
        Ok(size) if is_number => size,
        _ if session.has(Fault::AcceptsBadPbszArgument) => 0,
        _ => return session.reply(501, "PBSZ takes a number of 32 bits.").await,
    };
    if size == 0 && session.has(Fault::RefusesPbszZero) {
        return session.reply(501, "PBSZ must not be 0.").await;
    }
    session.settings.has_pbsz = true;
    session.settings.is_framed = size > 0 && session.has(Fault::FramesDataAfterLargePbsz);
    // TLS does its own framing: whatever the client can take, 0 is in force (RFC 4217 section 9).
    session.reply(200, "PBSZ=0").await
}

pub(super) async fn prot(session: &mut Session, command: &Command) -> Step {
    let argument = word(command);
    let is_lower = command.argument_text() != argument;
    if is_lower && session.has(Fault::ComparesProtArgumentCaseSensitively) {
        return session.reply(504, "Unknown protection level.").await;
    }
    if session.has(Fault::RefusesProtAfterPbsz) {
        return session.reply(503, "PBSZ comes first.").await;
    }
    let options = &session.shared.options;
    let (code, text, level) = match argument.as_str() {
        "" => (501, "PROT takes a level.", None),
        "C" if options.data_tls_required && !session.has(Fault::AcceptsProtCAgainstPolicy) => {
            (534, "This server wants protected data.", None)
        }
        "C" if session.has(Fault::KeepsPrivateAfterProtC) => (200, "Data is clear.", None),
        "C" => (200, "Data is clear.", Some(Level::Clear)),
        "P" if options.data_tls_disabled && !session.has(Fault::AcceptsProtPWithoutDataTls) => {
            (534, "This server does not protect data.", None)
        }
        "P" => (200, "Data is private.", Some(Level::Private)),
        "S" if session.has(Fault::AcceptsProtSAndSendsClear) => (200, "Data is safe.", Some(Level::Clear)),
        "S" | "E" => (536, "TLS does not have this level.", None),
        _ if session.has(Fault::AcceptsUnknownProtLevel) => (200, "Data is whatever that means.", None),
        _ => (504, "Unknown protection level.", None),
    };
    if let Some(level) = level {
        session.settings.level = level;
        session.settings.has_prot = true;
    } else if code >= 500 && session.has(Fault::FallsToClearOnBadProt) {
        session.settings.level = Level::Clear;
    }
    session.reply(code, text).await
}

pub(super) async fn ccc(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    let is_tolerated = session.has(Fault::ServesCcc) || session.has(Fault::AcceptsCccBeforeLogin);
    if !session.shared.options.ccc_allowed && !is_tolerated {
        return session
            .reply(534, "The control connection stays protected here.")
            .await;
    }
    if session.has(Fault::AnswersCccInClear) {
        session.reply_in_clear(200, "Control is clear.").await?;
    } else {
        session.reply(200, "Control is clear after this.").await?;
    }
    if session.has(Fault::RunsCommandsBehindCccTwice) {
        while let Some(line) = session.take_line() {
            session.reply(200, "Nothing done.").await?;
            session.queue(line).await?;
        }
    }
    session.stop_tls().await?;
    session.control = Control::Cleared;
    Ok(())
}
