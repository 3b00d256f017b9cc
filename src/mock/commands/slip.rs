//! Wrong replies: faults that answer a command in place of its handler, or of the table's refusal.
//!
//! One row per fault. Each one differs from the strict server in the reply alone; faults that change what the server does
//! sit where it is done.

use super::argument::{self, is_bare, word};
use crate::mock::Fault;
use crate::mock::session::{Control, Session};
use crate::wire::EprtError;
use crate::wire::command::{Command, Verb};
use crate::wire::endpoint::{parse_eprt_argument, parse_port_argument};

/// What a fault does in place of the right thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::mock) enum Slip {
    /// Closes the connection without a reply.
    Closes,
    /// This reply.
    Replies(u16, &'static str),
}

/// What a fault does in place of what the table says, whatever the table says.
pub(in crate::mock) fn before_rules(session: &Session, command: &Command) -> Option<Slip> {
    let is_clear = session.control == Control::Clear;
    match &command.verb {
        _ if session.has(Fault::ComparesCommandsCaseSensitively) && !is_upper_case(command) => {
            Some(Slip::Replies(500, "Unknown command."))
        }
        Verb::Other(_) if session.has(Fault::AcceptsUnknownCommands) => Some(Slip::Replies(200, "Fine.")),
        Verb::Ccc if session.has(Fault::AcceptsCccInClear) && is_clear => Some(Slip::Replies(200, "Clear.")),
        Verb::Other(_) if session.has(Fault::ServesBrowsers) => Some(Slip::Replies(500, "Unknown command.")),
        Verb::Xpwd | Verb::Xmkd | Verb::Xrmd | Verb::Xcwd | Verb::Xcup
            if session.has(Fault::LacksXCommands) =>
        {
            Some(Slip::Replies(500, "Unknown command."))
        }
        Verb::Adat if session.has(Fault::AnswersAdatInClear) && is_clear => {
            Some(Slip::Replies(335, "ADAT=AAAA"))
        }
        _ => None,
    }
}

/// What a fault does in place of what the handler would do.
pub(in crate::mock) fn instead(session: &Session, command: &Command) -> Option<Slip> {
    of_extensions(session, command)
        .or_else(|| of_parameters(session, command))
        .or_else(|| of_others(session, command))
}

/// As [`instead`], for commands that are newer than RFC 959, and for information.
fn of_extensions(session: &Session, command: &Command) -> Option<Slip> {
    let argument = word(command);
    let replies = |fault, code, text| session.has(fault).then_some(Slip::Replies(code, text));
    match &command.verb {
        Verb::Help => replies(Fault::AnswersHelpWith200, 200, "No help."),
        Verb::Host if session.has(Fault::AnswersHostWith200) => Some(Slip::Replies(200, "Fine.")),
        Verb::Host if !argument.contains(':') && !is_address(&argument) => {
            (!session.shared.options.serves_host(&argument))
                .then(|| replies(Fault::AcceptsUnknownHost, 220, "Ready."))
                .flatten()
        }
        Verb::Mdtm if !is_missing(session, command) => {
            replies(Fault::AnswersMdtmInWords, 213, "Sun Jan 01 00:00:00 2026")
        }
        Verb::Mlst => replies(Fault::ListsMlstWithoutServingIt, 500, "Unknown command."),
        Verb::Noop if session.has(Fault::AnswersNoopWith250) => Some(Slip::Replies(250, "Fine.")),
        Verb::Noop => replies(Fault::AsksForMoreAfterNoop, 350, "And now?"),
        Verb::Opts if argument.starts_with("MLST") => {
            replies(Fault::AnswersOptsMlstWith202, 202, "Not needed here.")
        }
        Verb::Size if !is_missing(session, command) => replies(Fault::AnswersSizeInWords, 213, "size is 1"),
        Verb::Stat if !is_bare(command) => {
            replies(Fault::AnswersStatPathWith150, 150, "The listing follows.")
        }
        Verb::Syst => replies(Fault::AnswersSystWith200, 200, "Fine."),
        Verb::User if session.settings.host.is_none() => {
            replies(Fault::DemandsHostBeforeUser, 503, "HOST comes first.")
        }
        _ => None,
    }
}

/// As [`instead`], for transfer parameters and listings.
fn of_parameters(session: &Session, command: &Command) -> Option<Slip> {
    let argument = word(command);
    let replies = |fault, code, text| session.has(fault).then_some(Slip::Replies(code, text));
    match &command.verb {
        Verb::Allo => replies(Fault::LacksAllo, 502, "Command not implemented."),
        Verb::Eprt if !argument.starts_with('|') => {
            replies(Fault::TakesOnlyPipeInEprt, 501, "The argument is not right.")
        }
        Verb::List | Verb::Nlst if argument.starts_with('-') => {
            session.has(Fault::ClosesOnListOptions).then_some(Slip::Closes)
        }
        Verb::Pasv if session.peer().is_ipv6() => replies(
            Fault::AnswersPasvOverIpv6,
            227,
            "Entering Passive Mode (0,0,0,0,200,10).",
        ),
        Verb::Port if is_low_port(command) => replies(Fault::AcceptsLowPorts, 200, "Fine."),
        Verb::Stru if argument == "F" => replies(Fault::LacksStru, 502, "Command not implemented."),
        Verb::Type if argument == "A T" => replies(Fault::RefusesTypeAT, 504, "Not this format."),
        _ => None,
    }
}

fn of_others(session: &Session, command: &Command) -> Option<Slip> {
    let argument = word(command);
    let replies = |fault, code, text| session.has(fault).then_some(Slip::Replies(code, text));
    match &command.verb {
        Verb::Abor if session.settings.route.is_none() => {
            session.has(Fault::ClosesOnIdleAbor).then_some(Slip::Closes)
        }
        Verb::Auth if argument == "TLS-C" => replies(Fault::RefusesTlsC, 504, "Only TLS."),
        Verb::Auth if argument == "TLS" && !is_upper_case_argument(command) => replies(
            Fault::ComparesAuthMechanismCaseSensitively,
            504,
            "Unknown mechanism.",
        ),
        Verb::Cdup => replies(Fault::IgnoresCdup, 250, "Directory changed."),
        Verb::Cwd if is_missing(session, command) => {
            replies(Fault::EntersMissingDirectories, 250, "Directory changed.")
        }
        Verb::Dele | Verb::Rmd if is_missing(session, command) => {
            replies(Fault::DeletesMissingFiles, 250, "Deleted.")
        }
        Verb::Eprt => eprt(session, command),
        Verb::Host if is_address(&argument) => replies(Fault::AcceptsAnyHostLiteral, 220, "Ready."),
        Verb::Host if argument.contains(':') => replies(Fault::AcceptsHostWithPort, 220, "Ready."),
        Verb::Lang => replies(Fault::AcceptsAnyLanguage, 200, "That is the language."),
        Verb::Mdtm if is_missing(session, command) => {
            replies(Fault::InventsFactsOfMissingFiles, 213, "19700101000000")
        }
        Verb::Mkd if !is_missing(session, command) => {
            replies(Fault::MakesExistingDirectories, 257, "\"/made\" was made.")
        }
        Verb::Mlst if is_missing(session, command) => {
            replies(Fault::InventsFactsOfMissingFiles, 250, "Nothing to say.")
        }
        Verb::Opts if argument.starts_with("UTF8") => {
            session.has(Fault::ClosesOnOptsUtf8).then_some(Slip::Closes)
        }
        Verb::Opts if !argument.starts_with("MLST") => replies(Fault::AnswersOptsWith500, 500, "No OPTS."),
        Verb::Port if parse_port_argument(command.argument.as_deref().unwrap_or_default()).is_err() => {
            replies(Fault::AcceptsMalformedPort, 200, "Fine.")
        }
        Verb::Rest if argument.parse::<u64>().is_err() => {
            replies(Fault::AcceptsBadRestartArgument, 350, "Go on.")
        }
        Verb::Site if argument.starts_with("EXEC") => replies(Fault::RunsSiteExec, 200, "Done."),
        Verb::Size if is_missing(session, command) => replies(Fault::InventsFactsOfMissingFiles, 213, "0"),
        Verb::Syst => replies(Fault::LacksSyst, 502, "Command not implemented."),
        Verb::Type if argument == "L 8" => replies(Fault::RefusesTypeL8, 504, "Not this type."),
        Verb::Type | Verb::Mode | Verb::Stru if argument == "Z" => {
            replies(Fault::AcceptsUnknownType, 200, "Fine.")
        }
        Verb::Type | Verb::Mode | Verb::Stru if !is_upper_case_argument(command) => replies(
            Fault::ComparesParametersCaseSensitively,
            504,
            "Unknown parameter.",
        ),
        Verb::User if !has_account(session, command) => {
            replies(Fault::RefusesUnknownUserAtUser, 530, "Unknown user.")
        }
        _ => None,
    }
}

fn eprt(session: &Session, command: &Command) -> Option<Slip> {
    let fault = match parse_eprt_argument(command.argument.as_deref().unwrap_or_default()) {
        Ok(_) => return None,
        Err(EprtError::UnknownProtocol(_)) => Fault::AcceptsUnknownEprtProtocol,
        Err(_) => Fault::AcceptsMalformedPort,
    };
    session.has(fault).then_some(Slip::Replies(200, "Fine."))
}

/// Whether the argument names nothing that exists.
fn is_missing(session: &Session, command: &Command) -> bool {
    !is_bare(command)
        && argument::path(session, command)
            .is_ok_and(|path| session.shared.store.entry(session.user(), &path).is_err())
}

fn has_account(session: &Session, command: &Command) -> bool {
    let name = command.argument_text();
    session
        .shared
        .options
        .accounts
        .iter()
        .any(|account| account.user == name)
}

fn is_low_port(command: &Command) -> bool {
    parse_port_argument(command.argument.as_deref().unwrap_or_default()).is_ok_and(|peer| peer.port() < 1024)
}

fn is_address(argument: &str) -> bool {
    argument.starts_with('[') || argument.parse::<std::net::IpAddr>().is_ok()
}

fn is_upper_case_argument(command: &Command) -> bool {
    !command
        .argument
        .as_deref()
        .unwrap_or_default()
        .iter()
        .any(u8::is_ascii_lowercase)
}

fn is_upper_case(command: &Command) -> bool {
    command
        .raw
        .get(command.telnet.len()..)
        .unwrap_or_default()
        .starts_with(command.verb.as_str().as_bytes())
}
