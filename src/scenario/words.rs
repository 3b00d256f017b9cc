//! Actions and checks of a scenario in words. What was seen is the business of the judge.

use std::time::Duration;

use super::model::{
    AccountRef, Action, CertificateQuality, ChannelRef, Check, CheckKind, CloseConnection, ClosedBy,
    CodePattern, Content, DataPathChoice, DataPattern, FilePattern, HandshakeOutcome, Level, Milestone,
    ProbeTls, ReadData, ReplyAlternative, Resume, SendRaw, SendRecord, TcpEnd, TlsChoice, TlsEnd, TlsPattern,
    TransferChoice,
};
use super::raw::{ALERTS, Word};

/// The action in one line, imperative.
pub(super) fn action(action: &Action) -> String {
    match action {
        Action::Reach(reach) => {
            let account = match reach.account {
                AccountRef::First => "",
                AccountRef::Second => " with the second account",
            };
            format!(
                "reach {}{account}{}",
                word(&reach.level.value),
                tls_choice(&reach.tls)
            )
        }
        Action::ProvideFile(file) => {
            format!(
                "provide the file {} ({}) as `{}`",
                file.path.value,
                content(&file.content),
                file.name.value
            )
        }
        Action::Store(store) => {
            let path = store
                .path
                .as_ref()
                .map_or("a name of the target's choice", |path| path.value.as_str());
            format!(
                "store {} at {path}{}",
                content(&store.content),
                transfer(&store.transfer)
            )
        }
        Action::Retrieve(retrieve) => {
            format!("retrieve {}{}", retrieve.path.value, transfer(&retrieve.transfer))
        }
        Action::List(list) => format!("list with `{}`{}", list.command.value, transfer(&list.transfer)),
        Action::Connect(connect) => {
            let tls = match connect.implicit {
                Some(true) => ", TLS at once",
                Some(false) => ", no TLS at once",
                None => "",
            };
            let from = connect
                .from
                .as_ref()
                .map_or(String::new(), |from| format!(" from {}", from.value));
            format!(
                "open the control connection{from}{tls}{}",
                tls_choice(&connect.tls)
            )
        }
        Action::Send(line) => format!("send `{}`", line.value),
        Action::SendRaw(raw) => send_raw(raw),
        Action::StartTls(start) => format!(
            "start TLS on {}{}",
            channel(start.channel),
            tls_choice(&start.tls)
        ),
        Action::StopTls(on) => format!("end TLS on {} and go on in clear", channel(*on)),
        Action::ProbeTls(probe) => {
            let version = probe
                .version
                .as_ref()
                .map_or("TLS 1.2 and 1.3", |version| version.value.as_str());
            format!(
                "probe {} with a ClientHello of {version}{}",
                channel(probe.channel),
                probe_options(probe)
            )
        }
        Action::SendRecord(record) => send_record(record),
        Action::OpenData(open) => {
            let tail = if open.only_command {
                ", without connecting"
            } else {
                ""
            };
            format!("open a data connection, {}{tail}", data_path(&open.path))
        }
        Action::ConnectData(connect) => format!("connect to {}", connect.to.value),
        Action::ReadData(ReadData::UntilClose) => "read data until the connection ends".to_owned(),
        Action::ReadData(ReadData::Bytes(bytes)) => format!("read {} bytes of data", bytes.value),
        Action::ReadData(ReadData::During(time)) => format!("read data for {}", duration(*time)),
        Action::WriteData(write) => {
            let corrupt = if write.corrupt {
                ", the last record with a wrong MAC"
            } else {
                ""
            };
            format!(
                "write {} to the data connection{corrupt}",
                content(&write.content)
            )
        }
        Action::CloseData(close) => format!("end the data connection: {}", ending(close)),
        Action::CloseControl(close) => format!("end the control connection: {}", ending(close)),
        Action::Wait(time) => format!("wait {}", duration(time.value)),
        Action::ExamineFile(path) => format!("look at the file {}", path.value),
    }
}

fn probe_options(probe: &ProbeTls) -> String {
    let mut words: Vec<String> = probe.offer.iter().map(|word| word.value.clone()).collect();
    words.extend(
        probe
            .padding
            .as_ref()
            .map(|bytes| format!("padded to {} bytes", bytes.value)),
    );
    words.extend(
        probe
            .record_version
            .as_ref()
            .map(|version| format!("record version {}", version.value)),
    );
    words.extend(
        probe
            .resume
            .as_ref()
            .map(|_| "offers a TLS 1.2 session".to_owned()),
    );
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}

fn send_record(record: &SendRecord) -> String {
    format!(
        "send {} record{} `{}` on {}",
        record.count,
        if record.count == 1 { "" } else { "s" },
        word(&record.record),
        channel(record.channel)
    )
}

/// What a macro does on the wire, one line per exchange; empty for explicit verbs.
pub(super) fn expansion(action: &Action) -> Vec<String> {
    match action {
        Action::Reach(reach) => reach_expansion(reach.level.value),
        Action::ProvideFile(file) => transfer_expansion("STOR", Some(&file.path.value), None, Body::Upload),
        Action::Store(store) => {
            let path = store.path.as_ref().map(|path| path.value.as_str());
            let restart = store.restart.as_ref().map(|restart| restart.value.as_str());
            transfer_expansion(word(&store.command), path, restart, Body::Upload)
        }
        Action::Retrieve(retrieve) => {
            let restart = retrieve.restart.as_ref().map(|restart| restart.value.as_str());
            transfer_expansion("RETR", Some(&retrieve.path.value), restart, Body::Download)
        }
        Action::List(list) => transfer_expansion(&list.command.value, None, None, Body::Listing),
        Action::ExamineFile(path) => transfer_expansion("RETR", Some(&path.value), None, Body::Download),
        _ => Vec::new(),
    }
}

/// What a composite transfer carries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    Upload,
    Download,
    Listing,
}

fn reach_expansion(level: Level) -> Vec<String> {
    let mut lines = vec!["connect, read the greeting (220)"];
    if level >= Level::Protected {
        lines.push("AUTH TLS (234), TLS handshake on the control connection");
    }
    if level == Level::AuthenticatedInClear || level >= Level::Authenticated {
        lines.push("USER, PASS, ACCT as far as the target asks (2yz)");
    }
    if level >= Level::DataProtected {
        lines.push("PBSZ 0 (2yz), PROT P (2yz)");
    }
    lines.push("what is done already is left out");
    lines.into_iter().map(str::to_owned).collect()
}

fn transfer_expansion(verb: &str, path: Option<&str>, restart: Option<&str>, body: Body) -> Vec<String> {
    let mut lines = Vec::new();
    if body != Body::Listing {
        lines.push("TYPE I (2yz), unless a type was chosen".to_owned());
    }
    lines.push("open the data connection".to_owned());
    lines.extend(restart.map(|offset| format!("REST {offset} (350)")));
    lines.push(path.map_or_else(|| verb.to_owned(), |path| format!("{verb} {path}")));
    lines
        .push("preliminary reply (1yz) and, after PROT P, TLS handshake on data, in either order".to_owned());
    lines.push(match body {
        Body::Upload => "write everything, close_notify, FIN".to_owned(),
        Body::Download | Body::Listing => "read until close_notify and FIN, answer with the same".to_owned(),
    });
    lines.push("completion reply (2yz); a reply check of the step looks at it".to_owned());
    lines
}

/// What a check demands, one line per kind.
pub(super) fn check(check: &Check) -> Vec<String> {
    let on = check
        .channel
        .map_or(String::new(), |one| format!(" on {}", channel(one)));
    let within = check
        .within
        .as_ref()
        .map_or(String::new(), |time| format!(" within {}", duration(time.value)));
    let lines = check.kinds.iter().map(|kind| match kind {
        CheckKind::Reply(pattern) => {
            let alternatives: Vec<String> = pattern.any_of.iter().map(reply).collect();
            format!("reply: {}{within}", any_of(&alternatives))
        }
        CheckKind::Tls(pattern) => format!("TLS{on}: {}{within}", tls(pattern)),
        CheckKind::Data(pattern) => format!("data{on}: {}{within}", data(pattern)),
        CheckKind::Closed(by) => {
            let ways: Vec<String> = by.iter().map(|by| closed_by(*by).to_owned()).collect();
            format!("closed by the target{on}: {}{within}", any_of(&ways))
        }
        CheckKind::File(pattern) => format!("file {}", file(pattern)),
        CheckKind::Order(order) => {
            let order: Vec<&str> = order.iter().map(|one| milestone(*one)).collect();
            format!("in this order: {}", order.join(", "))
        }
        CheckKind::Silence => {
            let time = check
                .within
                .as_ref()
                .map_or(String::new(), |time| format!(" for {}", duration(time.value)));
            format!("nothing arrives{on}{time}")
        }
        CheckKind::Endpoint(pattern) => format!("data endpoints: {}", word(pattern)),
        CheckKind::Action(pattern) => format!("the action: {}", word(pattern)),
    });
    lines.collect()
}

fn send_raw(raw: &SendRaw) -> String {
    let segments: Vec<String> = raw
        .segments
        .iter()
        .map(|segment| format!("`{}`", segment.value))
        .collect();
    let clear = if raw.clear { " in clear" } else { "" };
    let pieces = match segments.len() {
        1 => "one piece".to_owned(),
        count => format!("{count} pieces"),
    };
    format!(
        "send raw on {}{clear}, in {pieces}: {}",
        channel(raw.channel),
        segments.join(" then ")
    )
}

fn reply(alternative: &ReplyAlternative) -> String {
    let mut words: Vec<String> = alternative
        .codes
        .iter()
        .map(|code| match code {
            CodePattern::Code(code) => code.to_string(),
            CodePattern::Class(digit) => format!("{digit}yz"),
        })
        .collect();
    if alternative.closed {
        words.push("the end of the control connection".to_owned());
    }
    let mut text = any_of(&words);
    let mut extra = Vec::new();
    extra.extend(
        alternative
            .text
            .as_ref()
            .map(|text| format!("with the text `{}`", text.value)),
    );
    extra.extend(
        alternative
            .without
            .as_ref()
            .map(|text| format!("without the text `{}`", text.value)),
    );
    extra.extend(
        alternative
            .line
            .as_ref()
            .map(|text| format!("with the line `{}`", text.value)),
    );
    extra.extend(
        alternative
            .protected
            .map(|on| (if on { "under TLS" } else { "in clear" }).to_owned()),
    );
    if alternative.well_formed {
        extra.push("in the right form".to_owned());
    }
    if text.is_empty() {
        text.push_str("any");
    }
    for one in extra {
        text.push(' ');
        text.push_str(&one);
    }
    text
}

fn tls(pattern: &TlsPattern) -> String {
    let mut words = Vec::new();
    if !pattern.handshake.is_empty() {
        let outcomes: Vec<String> = pattern
            .handshake
            .iter()
            .map(|one| handshake(*one).to_owned())
            .collect();
        words.push(any_of(&outcomes));
    }
    for (name, list) in [
        ("version", &pattern.version),
        ("ALPN", &pattern.alpn),
        ("alert", &pattern.alert),
    ] {
        if !list.is_empty() {
            words.push(format!("{name} {}", any_of(list)));
        }
    }
    if !pattern.suite.is_empty() {
        words.push(format!("suite {}", any_of(&pattern.suite)));
    }
    for (name, signs) in [("shows", &pattern.shows), ("does not show", &pattern.lacks)] {
        words.extend(signs.iter().map(|sign| format!("{name} {}", sign.name())));
    }
    words.extend(
        pattern
            .dh_bits
            .map(|bits| format!("a finite-field group of {bits} bits at least")),
    );
    words.extend(pattern.certificate.iter().map(|quality| {
        match quality {
            CertificateQuality::InDate => "a certificate that is in date",
            CertificateQuality::KnownIssuer => "a certificate that an authority vouches for",
            CertificateQuality::NamesServer => "a certificate that names the server",
            CertificateQuality::Strong => "strong keys and signatures",
            CertificateQuality::Valid => "a valid certificate",
        }
        .to_owned()
    }));
    words.extend(pattern.tickets.map(|count| format!("at least {count} tickets")));
    words.extend(
        pattern
            .ticket_lifetime
            .map(|seconds| format!("tickets live {seconds}s at most")),
    );
    if pattern.same_certificate {
        words.push("the certificate of the control connection".to_owned());
    }
    if pattern.same_version {
        words.push("the version of the control connection".to_owned());
    }
    words.join(", ")
}

fn data(pattern: &DataPattern) -> String {
    let mut words = Vec::new();
    words.extend(
        pattern
            .bytes
            .as_ref()
            .map(|bytes| format!("{} bytes", bytes.value)),
    );
    words.extend(
        pattern
            .at_least
            .as_ref()
            .map(|bytes| format!("at least {} bytes", bytes.value)),
    );
    words.extend(
        pattern
            .at_most
            .as_ref()
            .map(|bytes| format!("at most {} bytes", bytes.value)),
    );
    words.extend(
        pattern
            .sha256
            .as_ref()
            .map(|sum| format!("SHA-256 {}", sum.value)),
    );
    words.extend(
        pattern
            .text
            .as_ref()
            .map(|text| format!("contains `{}`", text.value)),
    );
    words.extend(
        pattern
            .without
            .as_ref()
            .map(|text| format!("does not contain `{}`", text.value)),
    );
    words.extend(
        pattern
            .protected
            .map(|on| (if on { "all under TLS" } else { "all in clear" }).to_owned()),
    );
    words.join(", ")
}

fn file(pattern: &FilePattern) -> String {
    let mut words = vec![pattern.path.value.clone()];
    words.extend(
        pattern
            .exists
            .map(|there| (if there { "is there" } else { "is not there" }).to_owned()),
    );
    words.extend(
        pattern
            .bytes
            .as_ref()
            .map(|bytes| format!("has {} bytes", bytes.value)),
    );
    words.extend(
        pattern
            .sha256
            .as_ref()
            .map(|sum| format!("has SHA-256 {}", sum.value)),
    );
    words.join(" ")
}

fn tls_choice(choice: &TlsChoice) -> String {
    let mut words = Vec::new();
    if !choice.versions.is_empty() {
        let versions: Vec<String> = choice
            .versions
            .iter()
            .map(|one| one.value.name().to_owned())
            .collect();
        words.push(format!("offering {}", versions.join(" and ")));
    }
    words.extend(choice.sni.as_ref().map(|sni| format!("SNI {}", sni.value)));
    if !choice.alpn.is_empty() {
        let names: Vec<&str> = choice.alpn.iter().map(|name| name.value.as_str()).collect();
        words.push(format!("ALPN {}", names.join(" and ")));
    }
    words.extend(choice.tls12_by.map(|by| format!("TLS 1.2 by {}", word(&by))));
    words.extend(
        choice
            .certificate
            .as_ref()
            .map(|name| format!("certificate {}", name.value)),
    );
    words.extend(choice.resume.as_ref().map(|one| resume(&one.value)));
    words.extend(
        choice
            .early_data
            .as_ref()
            .map(|text| format!("early data `{}`", text.value)),
    );
    words.iter().map(|one| format!(", {one}")).collect()
}

fn transfer(choice: &TransferChoice) -> String {
    let mut text = String::new();
    if let Some(path) = &choice.path {
        text.push_str(", ");
        text.push_str(&data_path(&path.value));
    }
    if let Some(one) = &choice.resume {
        text.push_str(", ");
        text.push_str(&resume(&one.value));
    }
    text
}

fn resume(one: &Resume) -> String {
    match one {
        Resume::Never => "offers no session".to_owned(),
        Resume::Control => "offers the newest session of control".to_owned(),
        Resume::ControlFirst => "offers the first session of control".to_owned(),
        Resume::Data => "offers the newest session of the data connections".to_owned(),
        Resume::Session(name) => format!("offers the session of `{name}`"),
        Resume::Forged => "offers a forged session".to_owned(),
    }
}

fn data_path(path: &DataPathChoice) -> String {
    match path {
        DataPathChoice::Fixed(path) => word(path).to_owned(),
        DataPathChoice::AnyPassive => "any-passive (EPSV, or PASV where there is no EPSV)".to_owned(),
        DataPathChoice::Variable(text) => text.value.clone(),
    }
}

fn content(content: &Content) -> String {
    match content {
        Content::Bytes(bytes) => format!("{} bytes", bytes.value),
        Content::Text(text) => format!("`{}`", text.value.escape_default()),
    }
}

fn ending(close: &CloseConnection) -> String {
    let tls = match &close.tls {
        TlsEnd::CloseNotify => "close_notify".to_owned(),
        TlsEnd::Silent => "no close_notify".to_owned(),
        TlsEnd::HalfRecord => "half a record".to_owned(),
        TlsEnd::Alert(number) => {
            let name = ALERTS
                .iter()
                .find(|(_, known)| known == number)
                .map_or("unknown", |(name, _)| name);
            format!("fatal alert {name} ({number})")
        }
    };
    let tcp = match close.tcp {
        TcpEnd::Fin => "FIN",
        TcpEnd::Reset => "RST",
        TcpEnd::KeepOpen => "TCP stays open",
    };
    let drain = if close.drain {
        ", after reading to the target's end"
    } else {
        ""
    };
    format!("{tls}, then {tcp}{drain}")
}

fn channel(channel: ChannelRef) -> &'static str {
    word(&channel)
}

fn handshake(outcome: HandshakeOutcome) -> &'static str {
    match outcome {
        HandshakeOutcome::Full => "full handshake",
        HandshakeOutcome::Resumed => "resumed handshake",
        HandshakeOutcome::Refused => "refused",
        HandshakeOutcome::ServerHello => "ServerHello",
        HandshakeOutcome::Plaintext => "an answer in clear",
        HandshakeOutcome::Nothing => "no answer",
    }
}

fn closed_by(by: ClosedBy) -> &'static str {
    match by {
        ClosedBy::CloseNotify => "close_notify",
        ClosedBy::Fin => "FIN without close_notify",
        ClosedBy::Reset => "RST",
        ClosedBy::Alert => "fatal alert",
    }
}

fn milestone(milestone: Milestone) -> &'static str {
    word(&milestone)
}

/// The author's word for a value of a closed list.
pub(super) fn word<W: Word + PartialEq>(value: &W) -> &'static str {
    W::words()
        .into_iter()
        .find(|(_, known)| known == value)
        .map_or("?", |(word, _)| word)
}

/// `10s`, `300ms`.
fn duration(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{}s", time.as_secs())
    } else {
        format!("{}ms", time.as_millis())
    }
}

fn any_of(words: &[String]) -> String {
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
    }
}
