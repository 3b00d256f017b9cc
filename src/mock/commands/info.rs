//! Information: STAT, FEAT, OPTS, LANG, HELP, SYST, SITE.
//!
//! RFC 959 section 4.1.3, RFC 2389 (FEAT and OPTS), RFC 2640 section 4 (LANG), RFC 3659 section 7.9 (OPTS MLST), RFC 4217
//! section 6 (what FEAT says about TLS).

use std::sync::atomic::Ordering;

use super::argument::{self, SYNTAX, is_bare, word};
use crate::mock::Fault;
use crate::mock::data::Progress;
use crate::mock::listing::{FactSet, list_line};
use crate::mock::session::{Access, Control, Level, Session, Step, TransferType};
use crate::mock::state;
use crate::wire::command::{Command, Verb};
use crate::wire::feature::render_features;

/// How many verbs stand on a line of HELP.
const VERBS_PER_LINE: usize = 10;

/// STAT; `progress` while a transfer is under way.
pub(super) async fn stat(session: &mut Session, command: &Command, progress: Option<&Progress>) -> Step {
    if !is_bare(command) {
        return stat_path(session, command).await;
    }
    let protection = match session.control {
        Control::Protected => "protected by TLS",
        Control::Clear => "in clear",
        Control::Cleared => "in clear after CCC",
    };
    let level = match session.settings.level {
        Level::Clear => "clear",
        Level::Private => "private",
    };
    let kind = match session.settings.transfer_type {
        TransferType::Ascii => "ASCII, FORM: Nonprint",
        TransferType::Image => "Image",
    };
    let access = match &session.access {
        Access::LoggedIn(_) => "logged in",
        Access::Nobody | Access::Named(_) => "not logged in",
    };
    let mut lines = vec![
        "Status of the server:".to_owned(),
        format!(" control connection {protection}, {access}"),
        format!(" TYPE: {kind}; STRUcture: File; MODE: Stream; data {level}"),
    ];
    lines.push(match progress {
        Some(progress) => format!(
            " a transfer is under way, {} bytes so far",
            progress.bytes.load(Ordering::Relaxed)
        ),
        None => " no transfer".to_owned(),
    });
    lines.push("End of status".to_owned());
    if session.has(Fault::SendsStatInClear) {
        return session.reply_lines_in_clear(211, &lines).await;
    }
    session.reply_lines(211, &lines).await
}

async fn stat_path(session: &mut Session, command: &Command) -> Step {
    let found = argument::path(session, command).and_then(|path| {
        let store = &session.shared.store;
        let entry = store
            .entry(session.user(), &path)
            .map_err(|_| (450, "No such file or directory."))?;
        if !entry.is_directory {
            return Ok((213, vec![entry]));
        }
        let entries = store
            .list(session.user(), &path)
            .map_err(|error| argument::refusal(&error))?;
        Ok((212, entries))
    });
    match found {
        Ok((code, entries)) => {
            if session.has(Fault::SendsNamesUnpaddedInStat) {
                let names: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.name).collect();
                let names = names.join(&b"\r\n"[..]);
                let text = [b"212-Status:", names.as_slice(), b"212 End\r\n"];
                return session.send(&text.join(&b"\r\n"[..])).await;
            }
            let now = session.shared.store.now();
            let mut lines = vec![b"Status:".to_vec()];
            for entry in entries {
                // The space keeps a name from looking like the end of the reply.
                let mut line = b" ".to_vec();
                line.extend_from_slice(&list_line(&entry, &entry.name, now));
                lines.push(line);
            }
            lines.push(b"End of status".to_vec());
            let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
            session.reply_bytes(code, &lines).await
        }
        Err((code, text)) => session.reply(code, text).await,
    }
}

pub(super) async fn feat(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) && !session.has(Fault::IgnoresFeatArgument) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    if session.has(Fault::RefusesFeatBeforeLogin) && !matches!(session.access, Access::LoggedIn(_)) {
        return session.reply(530, "Log in first.").await;
    }
    let mut features = features(session);
    if session.has(Fault::IndentsFeaturesTwice) {
        features.iter_mut().for_each(|feature| feature.insert(0, ' '));
    }
    let lacks = |verb: Verb| {
        session
            .shared
            .options
            .habits
            .iter()
            .any(|habit| habit.lacks(&verb))
    };
    features.retain(|feature| match feature.as_str() {
        "CCC" => !lacks(Verb::Ccc),
        "EPRT" => !lacks(Verb::Eprt),
        "EPSV" => !lacks(Verb::Epsv),
        "HOST" => !lacks(Verb::Host),
        text => !text.starts_with("MLST") || !lacks(Verb::Mlst),
    });
    let lines = render_features(&features);
    if session.has(Fault::EndsMultilineWithAnotherCode) {
        let inner = lines.get(1..lines.len().saturating_sub(1)).unwrap_or_default();
        let text = format!(
            "211-Features:\r\n{}\r\n212 End\r\n211 End\r\n",
            inner.join("\r\n")
        );
        return session.send(text.as_bytes()).await;
    }
    session.reply_lines(211, &lines).await
}

/// What this server can do, one feature a line, in alphabetical order.
fn features(session: &Session) -> Vec<String> {
    let options = &session.shared.options;
    let has = |fault| session.has(fault);
    let mlst = match session.settings.facts.feature() {
        facts if has(Fault::SeparatesFactsWithCommas) => facts.replace(';', ", "),
        facts if has(Fault::OmitsPermFromMlstFeature) => facts.replace("perm*;", ""),
        facts => facts,
    };
    let mlst = format!("MLST {mlst}");
    let has_tls_lines = !has(Fault::OmitsAuthFromFeat) && !options.tls_disabled;
    let has_pseudo_codes = has(Fault::ListsPseudoCodes);
    let lang = if has(Fault::ListsLangWithoutTags) {
        "LANG"
    } else {
        "LANG EN*"
    };
    let mdtm = if has(Fault::DescribesMdtmInFeat) {
        "MDTM YYYYMMDDHHMMSS file"
    } else {
        "MDTM"
    };
    let tvfs = if has(Fault::AddsTextToTvfsFeature) {
        "TVFS 1.0"
    } else {
        "TVFS"
    };
    [
        ("AUTH TLS", has_tls_lines),
        ("base", has_pseudo_codes),
        ("CCC", options.ccc_allowed),
        ("EPRT", options.active_allowed),
        ("EPSV", true),
        ("HOST", !has(Fault::OmitsHostFromFeat)),
        (lang, true),
        (mdtm, !has(Fault::OmitsMdtmFromFeat)),
        (&mlst, true),
        ("nat6", has_pseudo_codes),
        ("PBSZ", has_tls_lines),
        ("PROT", has_tls_lines),
        ("REST STREAM", !has(Fault::OmitsRestFromFeat)),
        ("SIZE", true),
        (tvfs, true),
        ("UTF8", !has(Fault::OmitsUtf8FromFeat)),
    ]
    .into_iter()
    .filter(|(_, is_there)| *is_there)
    .map(|(feature, _)| feature.to_owned())
    .collect()
}

pub(super) async fn opts(session: &mut Session, command: &Command) -> Step {
    let argument = command.argument_text();
    let (name, options) = argument.split_once(' ').unwrap_or((&argument, ""));
    match name.to_ascii_uppercase().as_str() {
        "UTF8" | "UTF-8" if options.is_empty() || options.eq_ignore_ascii_case("ON") => {
            session.reply(200, "Names are UTF-8, always.").await
        }
        "MLST" => match FactSet::parse(options) {
            Some(facts) => {
                let text = format!("MLST OPTS {}", facts.echo());
                if !session.has(Fault::IgnoresFactSelection) {
                    session.settings.facts = facts;
                }
                session.reply(200, text.trim_ascii_end()).await
            }
            None => {
                if session.has(Fault::ClearsFactsOnBadOpts) {
                    session.settings.facts = FactSet::parse("").unwrap_or_default();
                }
                session.reply(SYNTAX.0, SYNTAX.1).await
            }
        },
        _ => session.reply(501, "No such option.").await,
    }
}

pub(super) async fn lang(session: &mut Session, command: &Command) -> Step {
    let tag = command.argument_text();
    let is_tag = tag.split('-').enumerate().all(|(index, part)| {
        (1..=8).contains(&part.len())
            && part
                .chars()
                .all(|c| c.is_ascii_alphabetic() || (index > 0 && c.is_ascii_digit()))
    });
    if tag.is_empty() || tag.eq_ignore_ascii_case("en") {
        session.settings.has_lang = true;
        session.reply(200, "Replies are in English.").await
    } else if is_tag {
        session.reply(504, "Only English is spoken here.").await
    } else {
        session.reply(501, "Not a language tag.").await
    }
}

pub(super) async fn help(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        let asked = word(command);
        let is_known = state::implemented().any(|verb| verb.as_str() == asked);
        let text = if is_known {
            "This command is implemented."
        } else {
            "This command is not implemented."
        };
        return session.reply(if is_known { 214 } else { 501 }, text).await;
    }
    let verbs: Vec<&str> = state::implemented().map(Verb::as_str).collect();
    let mut lines = vec!["Commands:".to_owned()];
    lines.extend(
        verbs
            .chunks(VERBS_PER_LINE)
            .map(|chunk| format!(" {}", chunk.join(" "))),
    );
    lines.push("End of help".to_owned());
    session.reply_lines(214, &lines).await
}

pub(super) async fn syst(session: &mut Session, command: &Command) -> Step {
    if !is_bare(command) {
        return session.reply(SYNTAX.0, SYNTAX.1).await;
    }
    session.reply(215, "UNIX Type: L8").await
}

pub(super) async fn site(session: &mut Session, command: &Command) -> Step {
    match word(command).as_str() {
        "" => session.reply(SYNTAX.0, SYNTAX.1).await,
        "HELP" => session.reply(214, "There is no other SITE command.").await,
        _ => session.reply(501, "No such SITE command.").await,
    }
}
