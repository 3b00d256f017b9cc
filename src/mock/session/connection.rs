//! One control connection: greets, obeys or refuses line by line.
//!
//! RFC 959 sections 4.1 and 5.4; Telnet options are refused as RFC 1123 section 4.1.2.12 wants. Which command is taken when
//! is in `state`, what it does in `commands`.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::line::EMPTY_LINE;
use super::{Access, Control, Ended, Epoch, Kept, Level, Line, Settings, Step};
use crate::mock::commands::{self, Slip};
use crate::mock::hello;
use crate::mock::server::Shared;
use crate::mock::state::{self, Refusal, Ruling, State};
use crate::mock::{Fault, Habit};
use crate::tls::Identity;
use crate::trace::Recorder;
use crate::transport::Link;
use crate::wire::command::{Command, CommandLimits, CommandParser, CommandViolation, Verb};

/// Longest command line, in bytes.
const LINE_LIMIT: usize = 4096;
/// How many lines that are no command are answered before login.
const UNKNOWN_LIMIT: u32 = 10;
/// How long a client of the implicit port may take before a fault greets it in clear.
const HESITATION: Duration = Duration::from_millis(250);

/// One control connection.
pub(in crate::mock) struct Session {
    pub(in crate::mock) shared: Arc<Shared>,
    pub(in crate::mock) number: u32,
    pub(in crate::mock) link: Link,
    pub(in crate::mock) recorder: Recorder,
    pub(super) parser: CommandParser,
    pub(super) queue: VecDeque<Line>,
    /// A line that ended with LF alone is not over before CRLF (RFC 959 section 5.3.1).
    pub(super) is_line_broken: bool,
    pub(in crate::mock) access: Access,
    pub(in crate::mock) control: Control,
    pub(in crate::mock) settings: Settings,
    pub(in crate::mock) epoch: Epoch,
    /// The epoch before REIN; for a fault.
    pub(in crate::mock) old_epoch: Option<Epoch>,
    pub(in crate::mock) sni: Option<String>,
    /// The certificate that HOST chose, when that is not the usual one.
    pub(in crate::mock) identity: Option<Identity>,
    /// SHA-256 of the client's certificate.
    pub(in crate::mock) client_certificate: Option<String>,
    pub(in crate::mock) is_auth_ssl: bool,
    pub(in crate::mock) refused_passwords: u32,
    pub(super) unknown_lines: u32,
    pub(super) commands: u32,
    pub(in crate::mock) data_number: u32,
    /// A session of a data connection was offered; for a fault.
    pub(in crate::mock) has_used_data_session: bool,
    /// PROT P outlives REIN; for a fault.
    pub(in crate::mock) keeps_private: bool,
    pub(in crate::mock) kept: Kept,
    /// ABOR ended a transfer; for a fault.
    pub(in crate::mock) has_aborted: bool,
    /// What has arrived of the last upload, when it was cut; for a habit.
    pub(in crate::mock) cut_upload: Option<Vec<u8>>,
    /// The final reply is sent twice; for a fault.
    pub(super) is_doubled: bool,
    /// A reply that waits for the next one.
    pub(super) held_reply: Vec<u8>,
    /// A data connection that stays open; for a fault.
    pub(in crate::mock) held: Option<Link>,
    /// Data connections whose end is still waited for.
    pub(in crate::mock) drains: JoinSet<()>,
}

impl Session {
    /// A session on a connection that was just accepted.
    pub(in crate::mock) fn new(shared: Arc<Shared>, number: u32, link: Link, recorder: Recorder) -> Self {
        let line = if shared.does(Habit::LimitsLinesTo256Bytes) {
            256
        } else if shared.does(Habit::LimitsLinesTo512Bytes) {
            512
        } else if shared.does(Habit::LimitsLinesTo2048Bytes) {
            2048
        } else {
            LINE_LIMIT
        };
        Self {
            shared,
            number,
            link,
            recorder,
            parser: CommandParser::new(CommandLimits { line }),
            queue: VecDeque::new(),
            is_line_broken: false,
            access: Access::Nobody,
            control: Control::Clear,
            settings: Settings::default(),
            epoch: Epoch::default(),
            old_epoch: None,
            sni: None,
            identity: None,
            client_certificate: None,
            is_auth_ssl: false,
            refused_passwords: 0,
            unknown_lines: 0,
            commands: 0,
            data_number: 0,
            has_used_data_session: false,
            keeps_private: false,
            kept: Kept::default(),
            has_aborted: false,
            cut_upload: None,
            is_doubled: false,
            held_reply: Vec::new(),
            held: None,
            drains: JoinSet::new(),
        }
    }

    /// Serves the connection to its end.
    pub(in crate::mock) async fn run(mut self) {
        let ended = match self.serve().await {
            Ok(()) => Ended::ByServer,
            Err(ended) => ended,
        };
        self.say_goodbye(ended).await;
    }

    async fn serve(&mut self) -> Step {
        self.greet().await?;
        loop {
            while self.drains.try_join_next().is_some() {}
            let line = self.next_line().await?;
            self.obey(line).await?;
        }
    }

    /// The greeting, behind the handshake where TLS is implicit.
    async fn greet(&mut self) -> Step {
        let greeting = self.shared.options.greeting.clone();
        let is_implicit = self.shared.options.implicit;
        let mut is_clear = false;
        if is_implicit && self.has(Fault::GreetsInClearOnImplicit) {
            match hello::read_hello(&mut self.link, HESITATION).await {
                Ok(hello) => self.finish_tls(Some(&hello)).await.map_err(|_| Ended::ByPeer)?,
                Err(_) => {
                    is_clear = true;
                    self.reply(220, &greeting).await?;
                    self.start_tls().await.map_err(|_| Ended::ByPeer)?;
                }
            }
        } else if is_implicit || self.has(Fault::WaitsForTlsOnExplicitPort) {
            self.start_tls().await.map_err(|_| Ended::ByPeer)?;
        }
        if is_implicit {
            self.imply_private();
        }
        if !is_clear {
            self.reply(220, &greeting).await?;
        }
        if self.has(Fault::GreetsTwice) {
            tokio::time::sleep(Duration::from_millis(100)).await;
            self.reply(220, "Ready").await?;
        }
        Ok(())
    }

    /// On implicit connections PBSZ 0 and PROT P count as sent.
    pub(in crate::mock) fn imply_private(&mut self) {
        self.settings.has_pbsz = true;
        let options = &self.shared.options;
        if !options.data_tls_disabled && !options.does(Habit::StartsImplicitInClear) {
            self.settings.level = Level::Private;
        }
    }

    /// Where the session stands, in the words of the table.
    pub(in crate::mock) fn state(&self) -> State {
        let is_locked =
            self.shared.options.tls_required && !self.has(Fault::AcceptsClearLoginWhenTlsRequired);
        match (self.control, self.settings.has_pbsz, &self.access) {
            (Control::Clear, _, Access::Nobody) if is_locked => State::Locked,
            (Control::Clear, _, Access::Nobody) => State::Clear,
            (Control::Clear, _, Access::Named(_)) => State::ClearNamed,
            (Control::Clear, _, Access::LoggedIn(_)) => State::ClearLoggedIn,
            (Control::Protected, false, Access::Nobody) => State::Protected,
            (Control::Protected, false, Access::Named(_)) => State::ProtectedNamed,
            (Control::Protected, false, Access::LoggedIn(_)) => State::ProtectedLoggedIn,
            (Control::Protected, true, Access::Nobody) => State::Buffered,
            (Control::Protected, true, Access::Named(_)) => State::BufferedNamed,
            (Control::Protected, true, Access::LoggedIn(_)) => State::BufferedLoggedIn,
            (Control::Cleared, _, _) => State::Cleared,
        }
    }

    /// Whether `fault` is asked for.
    pub(in crate::mock) fn has(&self, fault: Fault) -> bool {
        self.shared.has(fault)
    }

    /// Whether the server has `habit`.
    pub(in crate::mock) fn does(&self, habit: Habit) -> bool {
        self.shared.does(habit)
    }

    /// The user that is logged in.
    pub(in crate::mock) fn user(&self) -> &str {
        match &self.access {
            Access::LoggedIn(user) => user,
            // Only a fault looks at files before login.
            Access::Nobody | Access::Named(_) => {
                let first = self.shared.options.accounts.first();
                first.map_or("", |account| &account.user)
            }
        }
    }

    /// The first account, logged in; for a fault.
    pub(in crate::mock) fn first_account(&self) -> Access {
        match self.shared.options.accounts.first() {
            Some(account) => Access::LoggedIn(account.user.clone()),
            None => Access::Nobody,
        }
    }

    /// The peer of the control connection.
    pub(in crate::mock) fn peer(&self) -> IpAddr {
        self.link.peer_address().ip()
    }

    /// Obeys or refuses a line.
    async fn obey(&mut self, line: Line) -> Step {
        let mut command = match line {
            Line::Command(command) => command,
            Line::Refused(code, text) => {
                if text == EMPTY_LINE && self.has(Fault::ClosesOnEmptyLine) {
                    return Err(Ended::ByServer);
                }
                self.count_unknown(code).await?;
                return self.reply(code, text).await;
            }
        };
        if !command.telnet.is_empty() && self.has(Fault::TakesTelnetForText) {
            return self.reply(500, "Unknown command.").await;
        }
        self.refuse_telnet_options(&command.telnet).await?;
        if let Some(slip) = commands::before_rules(self, &command) {
            return self.slip(slip).await;
        }
        if self
            .shared
            .options
            .habits
            .iter()
            .any(|habit| habit.lacks(&command.verb))
        {
            return self.reply(502, "Command not implemented.").await;
        }
        let Some(row) = state::row(&command.verb) else {
            if is_http(&command) {
                // A browser that was led here must not get further (CVE-2021-3618).
                self.reply(421, "This is not a web server.").await?;
                return Err(Ended::ByServer);
            }
            self.count_unknown(500).await?;
            if self.has(Fault::EchoesUnknownCommands) {
                let text = [command.raw.as_slice(), b" is unknown."].concat();
                return self.reply_bytes(500, &[&text]).await;
            }
            return self.reply(500, "Unknown command.").await;
        };
        if self.has(Fault::CutsNamesAtNul)
            && let Some(argument) = &mut command.argument
            && let Some(end) = argument.iter().position(|byte| *byte == 0)
        {
            argument.truncate(end);
            command.violations.clear();
        }
        if command.violations.contains(&CommandViolation::BareCarriageReturn)
            || command.violations.contains(&CommandViolation::Nul)
        {
            return self.reply(501, "Control characters do not belong here.").await;
        }
        let is_renaming = self.settings.rename_from.is_some();
        let mut ruling = row.ruling(self.state(), is_renaming);
        if let Ruling::Refused(refusal) = ruling
            && self.tolerates(&command.verb, refusal)
        {
            ruling = Ruling::Taken;
        }
        if command.verb == Verb::Auth && self.has(Fault::KeepsRenameSourceAcrossAuth) {
            self.kept.rename_from = self.settings.rename_from.take();
        }
        if command.verb != Verb::Rnto && !self.has(Fault::KeepsRenameSource) {
            self.settings.rename_from = None;
        }
        self.commands = self.commands.saturating_add(1);
        match ruling {
            Ruling::Taken => {
                if let Some(slip) = commands::instead(self, &command) {
                    return self.slip(slip).await;
                }
                self.is_doubled = self.has(Fault::SendsFinalReplyTwice)
                    && matches!(command.verb, Verb::Type | Verb::Cwd | Verb::Noop);
                let step = commands::obey(self, &command).await;
                self.is_doubled = false;
                step
            }
            Ruling::Refused(refusal) => {
                if refusal == Refusal::ProtectedAlready && self.has(Fault::ForgetsLoginOnRefusedAuth) {
                    self.access = Access::Nobody;
                }
                let (code, text) = refusal.reply();
                self.reply(code, text).await
            }
        }
    }

    async fn slip(&mut self, slip: Slip) -> Step {
        match slip {
            Slip::Closes => Err(Ended::ByServer),
            Slip::Replies(code, text) => self.reply(code, text).await,
        }
    }

    /// Whether a fault takes a command that the table refuses.
    fn tolerates(&self, verb: &Verb, refusal: Refusal) -> bool {
        match (verb, refusal) {
            (Verb::Auth, Refusal::ProtectedAlready) => {
                self.has(Fault::AcceptsAuthOnImplicit) && self.shared.options.implicit
            }
            (Verb::Ccc, Refusal::CccBeforeLogin) => self.has(Fault::AcceptsCccBeforeLogin),
            (Verb::Size | Verb::Mdtm | Verb::Mlst, Refusal::NotLoggedIn) => {
                self.has(Fault::ServesSizeBeforeLogin)
            }
            (Verb::Pass, Refusal::NoUser) => self.has(Fault::AcceptsPassWithoutUser),
            (Verb::Host, Refusal::AfterLogin) => self.has(Fault::AcceptsHostAfterLogin),
            (Verb::Pbsz, Refusal::BeforeTls) => self.has(Fault::AcceptsPbszInClear),
            (Verb::Prot, Refusal::BeforeTls) => self.has(Fault::AcceptsProtInClear),
            (Verb::Prot, Refusal::BeforePbsz) => self.has(Fault::AcceptsProtWithoutPbsz),
            (Verb::Prot, Refusal::AfterCcc) => self.has(Fault::AcceptsProtAfterCcc),
            (Verb::Adat, Refusal::NoExchange) => {
                self.has(Fault::AnswersAdatUnderTls) && self.control == Control::Protected
            }
            _ => false,
        }
    }

    /// Whether another command came before the current one.
    pub(in crate::mock) fn had_commands(&self) -> bool {
        self.commands > 1
    }

    async fn count_unknown(&mut self, code: u16) -> Step {
        self.unknown_lines = self.unknown_lines.saturating_add(1);
        let is_logged_in = matches!(self.access, Access::LoggedIn(_));
        let is_limited = !self.has(Fault::HasNoLimitForUnknownCommands);
        if is_limited && code == 500 && !is_logged_in && self.unknown_lines > UNKNOWN_LIMIT {
            self.reply(421, "Too many lines that are no command.").await?;
            return Err(Ended::ByServer);
        }
        Ok(())
    }

    /// Answers DO with WONT and WILL with DONT (RFC 854; RFC 1123 section 4.1.2.12).
    async fn refuse_telnet_options(&mut self, telnet: &[u8]) -> Step {
        const IAC: u8 = 255;
        let mut answer = Vec::new();
        for sequence in telnet.windows(3) {
            match sequence {
                [IAC, 253, option] => answer.extend_from_slice(&[IAC, 252, *option]),
                [IAC, 251, option] => answer.extend_from_slice(&[IAC, 254, *option]),
                _ => {}
            }
        }
        if answer.is_empty() {
            return Ok(());
        }
        self.send(&answer).await
    }
}

fn is_http(command: &Command) -> bool {
    let verb = command.verb.as_str();
    matches!(
        verb,
        "CONNECT" | "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PATCH" | "POST" | "PUT" | "TRACE"
    ) && command.argument_text().contains("HTTP/")
}
