//! One control connection of the embedded server: lines in, replies out, and the state between them.
//!
//! RFC 959 sections 4.1, 4.2 and 5.4; Telnet options are refused as RFC 1123 section 4.1.2.12 wants. Which command is
//! taken when is in `state`, what it does in `commands`.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::Fault;
use super::commands::{self, Slip};
use super::data::Route;
use super::hello::{self, Hello, Place};
use super::listing::FactSet;
use super::path::StorePath;
use super::server::{REPLY_DEADLINE, Shared};
use super::state::{self, Refusal, Ruling, State};
use crate::tls::ServerOptions;
use crate::trace::{HandshakeFacts, HandshakeFailure, Recorder};
use crate::transport::{Incoming, Link, TcpClose};
use crate::wire::command::{Command, CommandError, CommandLimits, CommandParser, CommandViolation, Verb};
use crate::wire::reply::{ReplyCode, render_reply};

/// Longest command line, in bytes.
const LINE_LIMIT: usize = 4096;
/// How many commands may wait for the end of a transfer.
const QUEUE_LIMIT: usize = 64;
/// How many lines that are no command are answered before login.
const UNKNOWN_LIMIT: u32 = 10;
/// The reply to a line with nothing in it.
const NO_VERB: &str = "The line is empty.";
/// How long a client of the implicit port may take before a fault greets it in clear.
const HESITATION: Duration = Duration::from_millis(250);
/// How long a fault stays silent.
const CHAT: Duration = Duration::from_millis(500);
/// How long the end of a connection is waited for after our own.
const GOODBYE_DEADLINE: Duration = Duration::from_secs(2);
/// Bits of a session label that count data connections.
const LABEL_SHIFT: u32 = 20;

/// The control connection is over. Carried by `?` to the end of the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The server ends it: the last reply was sent.
    ByServer,
    /// The peer ended it, or it cannot be used any more.
    ByPeer,
}

/// What a command handler gives back.
pub(super) type Step = Result<(), Ended>;

/// Who uses the control connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Access {
    /// Nobody yet.
    #[default]
    Nobody,
    /// USER was given.
    Named(String),
    /// PASS was right.
    LoggedIn(String),
}

/// Whether the control connection is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// Never was, or not since REIN.
    Clear,
    /// By TLS.
    Protected,
    /// Was until CCC.
    Cleared,
}

/// Protection level of data connections (RFC 4217 section 9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Level {
    /// PROT C.
    #[default]
    Clear,
    /// PROT P.
    Private,
}

/// TYPE.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TransferType {
    /// CRLF on the wire, LF in the store.
    #[default]
    Ascii,
    /// Bytes as they are.
    Image,
}

/// What AUTH and REIN set back to the start (RFC 4217 sections 4.2 and 13).
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) cwd: StorePath,
    pub(super) transfer_type: TransferType,
    pub(super) level: Level,
    pub(super) has_pbsz: bool,
    /// PROT was answered with 200.
    pub(super) has_prot: bool,
    pub(super) route: Option<Route>,
    pub(super) is_epsv_only: bool,
    pub(super) restart: Option<u64>,
    pub(super) announced: Option<u64>,
    pub(super) rename_from: Option<StorePath>,
    pub(super) facts: FactSet,
    pub(super) host: Option<String>,
    /// LANG was taken; for a fault.
    pub(super) has_lang: bool,
    /// PBSZ above 0 was taken; for a fault.
    pub(super) is_framed: bool,
}

/// What faults keep over AUTH and REIN.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// The directory from before AUTH.
    pub(super) cwd: Option<StorePath>,
    /// The argument of RNFR from before AUTH.
    pub(super) rename_from: Option<StorePath>,
    /// The login outlives REIN and the next AUTH.
    pub(super) login: bool,
}

/// The TLS sessions that belong to a control connection, from one AUTH to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Epoch {
    /// Its own number; none in clear.
    own: Option<u64>,
    /// The epoch whose session its handshake resumed.
    resumed: Option<u64>,
}

/// Where the session behind a label was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label {
    /// The epoch.
    pub(super) epoch: u64,
    /// The data connection; 0 for the control connection.
    pub(super) connection: u32,
}

impl Label {
    /// As a number for `tls`.
    pub(super) fn encode(self) -> u64 {
        let connection = u64::from(self.connection) & ((1 << LABEL_SHIFT) - 1);
        (self.epoch << LABEL_SHIFT) | connection
    }

    /// The inverse of [`Self::encode`].
    pub(super) fn decode(label: u64) -> Self {
        Self {
            epoch: label >> LABEL_SHIFT,
            connection: u32::try_from(label & ((1 << LABEL_SHIFT) - 1)).unwrap_or(0),
        }
    }
}

impl Epoch {
    /// Whether a session of `epoch` belongs to this control connection.
    pub(super) fn owns(&self, epoch: u64) -> bool {
        self.own == Some(epoch) || self.resumed == Some(epoch)
    }

    /// The label of data connection `connection`. In clear there is no session, and label 0 is nobody's.
    pub(super) fn label(&self, connection: u32) -> Label {
        Label {
            epoch: self.own.unwrap_or(0),
            connection,
        }
    }
}

/// A line of the control connection.
pub(super) enum Line {
    /// A command.
    Command(Command),
    /// Not a command: the reply for it.
    Refused(u16, &'static str),
}

/// One control connection.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) number: u32,
    pub(super) link: Link,
    pub(super) recorder: Recorder,
    parser: CommandParser,
    queue: VecDeque<Line>,
    /// A line that ended with LF alone is not over before CRLF (RFC 959 section 5.3.1).
    is_line_broken: bool,
    pub(super) access: Access,
    pub(super) control: Control,
    pub(super) settings: Settings,
    pub(super) epoch: Epoch,
    /// The epoch before REIN; for a fault.
    pub(super) old_epoch: Option<Epoch>,
    pub(super) sni: Option<String>,
    /// SHA-256 of the client's certificate.
    pub(super) client_certificate: Option<String>,
    pub(super) is_auth_ssl: bool,
    pub(super) refused_passwords: u32,
    unknown_lines: u32,
    commands: u32,
    pub(super) data_number: u32,
    /// A session of a data connection was offered; for a fault.
    pub(super) has_used_data_session: bool,
    /// PROT P outlives REIN; for a fault.
    pub(super) keeps_private: bool,
    pub(super) kept: Kept,
    /// ABOR ended a transfer; for a fault.
    pub(super) has_aborted: bool,
    /// The final reply is sent twice; for a fault.
    is_doubled: bool,
    /// A data connection that stays open; for a fault.
    pub(super) held: Option<Link>,
    /// Data connections whose end is still waited for.
    pub(super) drains: JoinSet<()>,
}

impl Session {
    /// A session on a connection that was just accepted.
    pub(super) fn new(shared: Arc<Shared>, number: u32, link: Link, recorder: Recorder) -> Self {
        Self {
            shared,
            number,
            link,
            recorder,
            parser: CommandParser::new(CommandLimits { line: LINE_LIMIT }),
            queue: VecDeque::new(),
            is_line_broken: false,
            access: Access::Nobody,
            control: Control::Clear,
            settings: Settings::default(),
            epoch: Epoch::default(),
            old_epoch: None,
            sni: None,
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
            is_doubled: false,
            held: None,
            drains: JoinSet::new(),
        }
    }

    /// Serves the connection to its end.
    pub(super) async fn run(mut self) {
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
    pub(super) fn imply_private(&mut self) {
        self.settings.has_pbsz = true;
        if !self.shared.options.data_tls_disabled {
            self.settings.level = Level::Private;
        }
    }

    /// Where the session stands, in the words of the table.
    pub(super) fn state(&self) -> State {
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
    pub(super) fn has(&self, fault: Fault) -> bool {
        self.shared.has(fault)
    }

    /// The user that is logged in.
    pub(super) fn user(&self) -> &str {
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
    pub(super) fn first_account(&self) -> Access {
        match self.shared.options.accounts.first() {
            Some(account) => Access::LoggedIn(account.user.clone()),
            None => Access::Nobody,
        }
    }

    /// The peer of the control connection.
    pub(super) fn peer(&self) -> IpAddr {
        self.link.peer_address().ip()
    }

    /// Obeys or refuses a line.
    async fn obey(&mut self, line: Line) -> Step {
        let mut command = match line {
            Line::Command(command) => command,
            Line::Refused(code, text) => {
                if text == NO_VERB && self.has(Fault::ClosesOnEmptyLine) {
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
    pub(super) fn had_commands(&self) -> bool {
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

    // Lines

    /// The next line, in the order of arrival; 421 when none comes for too long.
    async fn next_line(&mut self) -> Result<Line, Ended> {
        loop {
            if let Some(line) = self.queue.pop_front() {
                return Ok(line);
            }
            if let Some(line) = self.take_line() {
                return Ok(line);
            }
            if self.has(Fault::TalksWhileIdle) {
                let Ok(incoming) = tokio::time::timeout(CHAT, self.link.receive()).await else {
                    self.reply(211, "Still here.").await?;
                    continue;
                };
                self.accept(incoming)?;
                continue;
            }
            let idle = self.shared.options.idle_timeout;
            let Ok(incoming) = tokio::time::timeout(idle, self.link.receive()).await else {
                self.reply(421, "No command for too long.").await?;
                return Err(Ended::ByServer);
            };
            self.accept(incoming)?;
        }
    }

    /// Takes what arrived on the control connection.
    pub(super) fn accept(&mut self, incoming: Incoming) -> Step {
        match incoming {
            Incoming::Bytes(bytes) => {
                self.push(&bytes);
                Ok(())
            }
            Incoming::Alert { fatal: false, .. } | Incoming::Ticket => Ok(()),
            Incoming::Alert { fatal: true, .. }
            | Incoming::CloseNotify
            | Incoming::Fin
            | Incoming::Reset
            | Incoming::TlsViolation(_) => Err(Ended::ByPeer),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.has(Fault::ProcessesFirstLineOnly)
            && let Some(end) = bytes.iter().position(|byte| *byte == b'\n')
        {
            self.parser.push(bytes.get(..=end).unwrap_or_default());
            return;
        }
        if self.has(Fault::SplitsLinesAt1024Bytes) {
            for part in bytes.chunks(1024) {
                self.parser.push(part);
                self.parser.push(if part.len() == 1024 { b"\r\n" } else { b"" });
            }
            return;
        }
        self.parser.push(bytes);
        if self.has(Fault::ExecutesPartialLines) && !bytes.ends_with(b"\n") {
            self.parser.push(b"\r\n");
        }
    }

    /// The next whole line that has arrived.
    pub(super) fn take_line(&mut self) -> Option<Line> {
        loop {
            let line = match self.parser.next() {
                Ok(None) => return None,
                Ok(Some(command)) => {
                    let is_bare = command.violations.contains(&CommandViolation::BareLineFeed);
                    if is_bare && !self.has(Fault::SplitsLinesAtBareLf) {
                        // What comes before CRLF is still the same line, and not a command of its own.
                        self.is_line_broken = true;
                        continue;
                    }
                    Line::Command(command)
                }
                Err(CommandError::Empty) => Line::Refused(500, NO_VERB),
                Err(CommandError::NotAVerb { .. }) => Line::Refused(500, "A command starts with a verb."),
                Err(CommandError::LineTooLong) => Line::Refused(500, "The line is too long."),
                Err(CommandError::TooMuchWaiting) => Line::Refused(500, "Too many commands at once."),
            };
            if std::mem::take(&mut self.is_line_broken) {
                return Some(Line::Refused(501, "A line ends with CR LF."));
            }
            return Some(line);
        }
    }

    /// Keeps a line for after the transfer.
    pub(super) async fn queue(&mut self, line: Line) -> Step {
        if self.queue.len() >= QUEUE_LIMIT {
            self.reply(421, "Too many commands during a transfer.").await?;
            return Err(Ended::ByServer);
        }
        self.queue.push_back(line);
        Ok(())
    }

    /// Forgets what the client sent ahead in clear (RFC 7457 section 2.2).
    pub(super) fn drop_pending(&mut self) {
        self.parser.clear();
        self.queue.clear();
        self.is_line_broken = false;
    }

    // Replies

    /// Sends a reply of one line.
    pub(super) async fn reply(&mut self, code: u16, text: &str) -> Step {
        self.reply_bytes(code, &[text.as_bytes()]).await
    }

    /// Sends a reply of one line or more.
    pub(super) async fn reply_lines(&mut self, code: u16, lines: &[String]) -> Step {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        self.reply_bytes(code, &lines).await
    }

    /// Sends a reply whose text may hold path names. IAC is doubled (RFC 854).
    pub(super) async fn reply_bytes(&mut self, code: u16, lines: &[&[u8]]) -> Step {
        let mut bytes = render(code, lines);
        if self.has(Fault::EndsRepliesWithLf) {
            bytes.retain(|byte| *byte != b'\r');
        }
        if self.is_doubled {
            bytes.extend_from_within(..);
        }
        self.send(&bytes).await
    }

    /// Sends a reply past TLS; for a fault.
    pub(super) async fn reply_in_clear(&mut self, code: u16, text: &str) -> Step {
        self.reply_lines_in_clear(code, &[text.to_owned()]).await
    }

    /// As [`Self::reply_in_clear`], of one line or more.
    pub(super) async fn reply_lines_in_clear(&mut self, code: u16, lines: &[String]) -> Step {
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let bytes = render(code, &lines);
        self.link
            .send_clear(&bytes, REPLY_DEADLINE)
            .await
            .map_err(|_| Ended::ByPeer)
    }

    /// Sends bytes as they are.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Step {
        self.link
            .send(bytes, REPLY_DEADLINE)
            .await
            .map_err(|_| Ended::ByPeer)
    }

    // TLS

    /// Becomes the TLS server of the control connection, and starts a new epoch.
    pub(super) async fn start_tls(&mut self) -> Result<(), HandshakeFailure> {
        self.finish_tls(None).await
    }

    /// As [`Self::start_tls`]; `first` is the ClientHello when it was read already.
    async fn finish_tls(&mut self, first: Option<&Hello>) -> Result<(), HandshakeFailure> {
        let number = self.shared.next_epoch();
        let mut epoch = Epoch {
            own: Some(number),
            resumed: None,
        };
        let options = ServerOptions {
            label: epoch.label(0).encode(),
            ..ServerOptions::default()
        };
        let link = &mut self.link;
        let (facts, label) = match first {
            Some(first) => hello::finish_tls(link, &self.shared, Place::Control, &options, first).await?,
            None => hello::accept_tls(link, &self.shared, Place::Control, &options).await?,
        };
        epoch.resumed = label.map(|label| Label::decode(label).epoch);
        self.control = Control::Protected;
        self.note_facts(facts);
        if self.has(Fault::RestoresLoginFromSession)
            && let Some(user) = epoch
                .resumed
                .and_then(|epoch| self.shared.remembered_login(epoch))
        {
            self.access = Access::LoggedIn(user);
        }
        self.epoch = epoch;
        Ok(())
    }

    fn note_facts(&mut self, facts: HandshakeFacts) {
        self.sni = facts.sni;
        self.client_certificate = facts.chain.into_iter().next().map(|leaf| leaf.sha256);
    }

    /// Notes the login under the session, for the fault `restores-login-from-session`.
    pub(super) fn remember_login(&self) {
        if let (Some(epoch), Access::LoggedIn(user)) = (self.epoch.own, &self.access)
            && self.has(Fault::RestoresLoginFromSession)
        {
            self.shared.remember_login(epoch, user);
        }
    }

    /// Ends TLS in both directions and goes on in clear (REIN and CCC). What the client had sent under TLS before its
    /// close_notify is kept as commands.
    pub(super) async fn stop_tls(&mut self) -> Step {
        let deadline = self.shared.options.handshake_timeout;
        self.link
            .send_close_notify(deadline)
            .await
            .map_err(|_| Ended::ByPeer)?;
        let wait = async {
            loop {
                match self.link.receive().await {
                    Incoming::CloseNotify => return Ok(()),
                    other => {
                        if let Incoming::Bytes(bytes) = other {
                            self.parser.push(&bytes);
                        } else if !matches!(other, Incoming::Ticket | Incoming::Alert { fatal: false, .. }) {
                            return Err(Ended::ByPeer);
                        }
                    }
                }
            }
        };
        tokio::time::timeout(deadline, wait)
            .await
            .map_err(|_| Ended::ByPeer)??;
        self.link.stop_tls();
        Ok(())
    }

    /// Ends the connection: close_notify, FIN, and a short wait for the peer's end, so that the last reply is not lost
    /// to a reset.
    async fn say_goodbye(&mut self, ended: Ended) {
        self.settings.route = None;
        let is_silent = self.has(Fault::OmitsCloseNotifyOnControl) && ended == Ended::ByServer;
        if !is_silent && self.link.send_close_notify(GOODBYE_DEADLINE).await.is_err() {
            return;
        }
        self.link.close(TcpClose::Fin);
        let end = async { while !matches!(self.link.receive().await, Incoming::Fin | Incoming::Reset) {} };
        // A peer that does not close in time is closed all the same, by the drop of the link.
        drop(tokio::time::timeout(GOODBYE_DEADLINE, end).await);
    }
}

/// The bytes of a reply; IAC is doubled.
fn render(code: u16, lines: &[&[u8]]) -> Vec<u8> {
    let code =
        ReplyCode::new(code).expect("invariant: the codes of this server are literals from 100 to 599");
    let bytes = render_reply(code, lines);
    if !bytes.contains(&255) {
        return bytes;
    }
    let mut escaped = Vec::with_capacity(bytes.len().saturating_add(8));
    for byte in bytes {
        escaped.push(byte);
        if byte == 255 {
            escaped.push(byte);
        }
    }
    escaped
}

fn is_http(command: &Command) -> bool {
    let verb = command.verb.as_str();
    matches!(
        verb,
        "CONNECT" | "DELETE" | "GET" | "HEAD" | "OPTIONS" | "PATCH" | "POST" | "PUT" | "TRACE"
    ) && command.argument_text().contains("HTTP/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_tell_control_and_data_connections_apart() {
        let label = Label {
            epoch: 7,
            connection: 3,
        };
        assert_eq!(Label::decode(label.encode()), label);
        let epoch = Epoch {
            own: Some(7),
            resumed: Some(2),
        };
        assert!(epoch.owns(7) && epoch.owns(2) && !epoch.owns(3));
        assert!(!Epoch::default().owns(0));
    }

    #[test]
    fn replies_double_iac() {
        assert_eq!(render(257, &[b"\"\xff\""]), b"257 \"\xff\xff\"\r\n");
    }
}
