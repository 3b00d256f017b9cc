//! Verbs to actions.

use super::Lowering;
use crate::base::{Span, Spanned, is_kebab_case};
use crate::scenario::error::LoadErrorKind;
use crate::scenario::model::{
    AccountRef, Action, ChannelRef, Check, CheckKind, CloseConnection, Connect, ConnectData, Content,
    DataPathChoice, HelloOption, List, OpenData, ProbeTls, ProvideFile, Reach, ReadData, Resume, Retrieve,
    SendRaw, SendRecord, StartTls, Store, StoreCommand, TcpEnd, Template, TlsChoice, TlsEnd, TransferChoice,
    WriteData,
};
use crate::scenario::raw::{
    Field, Flag, Keyed, One, OneOrMany, PROBE_VERSIONS, RawClose, RawConnect, RawConnectData, RawList,
    RawOpenData, RawPath, RawProbeTls, RawProvideFile, RawReach, RawReadData, RawResume, RawRetrieve,
    RawSendRaw, RawSendRecord, RawStartTls, RawStep, RawStore, RawWriteData, Text, VERBS, Word, suggest,
};
use crate::trace::TlsVersion;

/// Records that one `send-record` may send.
const RECORDS_LIMIT: u32 = 1000;

/// The TLS settings that several verbs share, by reference to their fields.
struct RawTlsChoice<'r> {
    versions: &'r Field<OneOrMany<One<TlsVersion>>>,
    sni: &'r Field<Text>,
    alpn: &'r Field<OneOrMany<Text>>,
    tls12_by: &'r Field<One<crate::scenario::model::Tls12By>>,
    certificate: &'r Field<Text>,
    resume: &'r Field<RawResume>,
}

macro_rules! tls_choice {
    ($raw:expr) => {
        RawTlsChoice {
            versions: &$raw.versions,
            sni: &$raw.sni,
            alpn: &$raw.alpn,
            tls12_by: &$raw.tls12_by,
            certificate: &$raw.certificate,
            resume: &$raw.resume,
        }
    };
}

impl Lowering<'_, '_> {
    /// How many verbs the step has; notes more than one, and a step that says nothing at all.
    pub(super) fn one_verb(&mut self, raw: &RawStep) -> usize {
        let verbs: Vec<(&str, Span)> = raw
            .present()
            .into_iter()
            .filter(|(key, _)| VERBS.contains(key))
            .collect();
        if let [(first, _), (second, span), ..] = verbs.as_slice() {
            let kind = LoadErrorKind::TwoVerbs {
                what: format!("`{first}` and `{second}`"),
                context: String::new(),
            };
            let place = Span::new(span.start, span.start + second.len());
            self.reader.note(place, kind, Some("make it two steps".into()));
        }
        if verbs.is_empty()
            && matches!((&raw.expect, &raw.yields), (Field::Absent, Field::Absent))
            && !self.reader.met_unknown_key(raw.whole())
        {
            let kind = LoadErrorKind::EmptyStep {
                what: String::new(),
                context: String::new(),
            };
            self.reader.note(
                raw.whole(),
                kind,
                Some(format!("the verbs are: {}", VERBS.join(", "))),
            );
        }
        verbs.len()
    }

    /// The action of a step: its first verb that could be read.
    pub(super) fn action(&mut self, raw: &RawStep) -> Option<Spanned<Action>> {
        macro_rules! verb {
            ($field:ident, $value:ident => $lowered:expr) => {
                if let (Some(span), Some($value)) = (raw.$field.span(), raw.$field.get()) {
                    return $lowered.map(|action: Action| Spanned::new(action, span));
                }
            };
        }
        verb!(reach, reach => self.reach(&reach.value));
        verb!(provide_file, file => self.provide_file(&file.value));
        verb!(store, store => self.store(&store.value));
        verb!(retrieve, retrieve => self.retrieve(&retrieve.value));
        verb!(list, list => Some(self.list(&list.value)));
        verb!(connect, connect => Some(self.connect(&connect.value)));
        verb!(send, line => Some(Action::Send(self.template(line))));
        verb!(send_raw, bytes => self.send_raw(&bytes.value));
        verb!(start_tls, start => Some(self.start_tls(&start.value)));
        verb!(stop_tls, channel => Some(Action::StopTls(channel.value.0)));
        verb!(probe_tls, probe => Some(self.probe_tls(&probe.value)));
        verb!(send_record, record => self.send_record(&record.value));
        verb!(open_data, open => self.open_data(&open.value));
        verb!(connect_data, connect => self.connect_data(&connect.value));
        verb!(read_data, read => self.read_data(&read.value));
        verb!(write_data, write => self.write_data(&write.value));
        verb!(close_data, end => Some(Action::CloseData(close(&end.value))));
        verb!(close_control, end => Some(Action::CloseControl(close(&end.value))));
        verb!(wait, pause => Some(Action::Wait(pause.clone().map(|pause| pause.0))));
        None
    }

    /// A `file` check needs the step to itself: looking at the file is its action.
    pub(super) fn examined_file(
        &mut self,
        raw: &RawStep,
        verbs: usize,
        checks: &[Check],
    ) -> Option<Spanned<Action>> {
        let mut files = checks.iter().flat_map(|check| {
            check.kinds.iter().filter_map(|kind| match kind {
                CheckKind::File(pattern) => Some((pattern, check.span)),
                _ => None,
            })
        });
        let (pattern, span) = files.next()?;
        let path = pattern.path.clone();
        let other = files
            .find(|(other, _)| other.path.value != path.value)
            .map(|(_, span)| span);
        if verbs > 0 {
            self.conflict(
                "a `file` check and a verb",
                "one step",
                span,
                "move the check to a step of its own",
            );
            return None;
        }
        if let Some(other) = other {
            self.conflict(
                "`file` checks of two files",
                "one step",
                other,
                "make it two steps",
            );
        }
        let span = raw.expect.get().map_or(span, |_| span);
        Some(Spanned::new(Action::ExamineFile(path), span))
    }

    pub(super) fn conflict(&mut self, what: &str, context: &str, span: Span, help: &str) {
        let kind = LoadErrorKind::ConflictingKeys {
            what: what.to_owned(),
            context: context.to_owned(),
        };
        self.reader.note(span, kind, Some(help.to_owned()));
    }

    /// A field that is needed; notes its absence.
    pub(super) fn needed<'f, T>(
        &mut self,
        field: &'f Field<T>,
        key: &str,
        context: &str,
        whole: Span,
    ) -> Option<&'f Spanned<T>> {
        if let Field::Absent = field {
            self.missing(key, context, whole, None);
        }
        field.get()
    }

    pub(super) fn optional(&mut self, field: &Field<Text>) -> Option<Template> {
        field.get().map(|text| self.template(text))
    }

    fn many(&mut self, field: &Field<OneOrMany<Text>>) -> Vec<Template> {
        let texts = field.get().map_or(&[][..], |many| many.value.0.as_slice());
        texts.iter().map(|text| self.template(text)).collect()
    }

    fn reach(&mut self, raw: &RawReach) -> Option<Action> {
        let level = self.needed(&raw.level, "level", RawReach::TITLE, raw.whole())?;
        let level = level.clone().map(|word| word.0);
        Some(Action::Reach(Reach {
            level,
            account: raw
                .account
                .get()
                .map_or(AccountRef::First, |account| account.value.0),
            tls: self.tls_choice(&tls_choice!(raw)),
        }))
    }

    fn provide_file(&mut self, raw: &RawProvideFile) -> Option<Action> {
        let content = self.content(&raw.bytes, &raw.text, RawProvideFile::TITLE, raw.whole());
        let path = self.needed(&raw.path, "path", RawProvideFile::TITLE, raw.whole())?;
        let path = self.template(path);
        let name = raw.name.get().map_or_else(
            || Spanned::new("file".to_owned(), raw.whole()),
            |name| name.clone().map(|text| text.text),
        );
        if !is_kebab_case(&name.value) {
            let kind = LoadErrorKind::BadValue {
                what: name.value.clone(),
                context: "a kebab-case name".into(),
            };
            self.reader.note(name.span, kind, None);
        }
        Some(Action::ProvideFile(ProvideFile {
            path,
            content: content?,
            name,
        }))
    }

    fn store(&mut self, raw: &RawStore) -> Option<Action> {
        let content = self.content(&raw.bytes, &raw.text, RawStore::TITLE, raw.whole());
        let command = raw
            .command
            .get()
            .map_or(StoreCommand::Stor, |command| command.value.0);
        if command != StoreCommand::Stou {
            self.needed(&raw.path, "path", RawStore::TITLE, raw.whole());
        }
        let path = self.optional(&raw.path);
        let restart = self.optional(&raw.restart);
        Some(Action::Store(Store {
            path,
            command,
            content: content?,
            restart,
            transfer: self.transfer(&raw.data, &raw.resume),
        }))
    }

    fn retrieve(&mut self, raw: &RawRetrieve) -> Option<Action> {
        let restart = self.optional(&raw.restart);
        let transfer = self.transfer(&raw.data, &raw.resume);
        let path = self.needed(&raw.path, "path", RawRetrieve::TITLE, raw.whole())?;
        Some(Action::Retrieve(Retrieve {
            path: self.template(path),
            restart,
            transfer,
        }))
    }

    fn list(&mut self, raw: &RawList) -> Action {
        let mut command = self
            .optional(&raw.command)
            .unwrap_or_else(|| Spanned::new("LIST".to_owned(), raw.whole()));
        if let Some(path) = self.optional(&raw.path) {
            command.value = format!("{} {}", command.value, path.value);
        }
        Action::List(List {
            command,
            transfer: self.transfer(&raw.data, &raw.resume),
        })
    }

    fn transfer(&mut self, data: &Field<RawPath>, resume: &Field<RawResume>) -> TransferChoice {
        TransferChoice {
            path: data
                .get()
                .map(|path| Spanned::new(self.data_path(path), path.span)),
            resume: self.resume(resume),
        }
    }

    fn data_path(&mut self, raw: &Spanned<RawPath>) -> DataPathChoice {
        match &raw.value {
            RawPath::Fixed(path) => DataPathChoice::Fixed(*path),
            RawPath::AnyPassive => DataPathChoice::AnyPassive,
            RawPath::Variable(text) => {
                DataPathChoice::Variable(self.template(&Spanned::new(text.clone(), raw.span)))
            }
        }
    }

    fn connect(&mut self, raw: &RawConnect) -> Action {
        Action::Connect(Connect {
            implicit: flag(&raw.implicit),
            from: self.optional(&raw.from),
            tls: self.tls_choice(&tls_choice!(raw)),
        })
    }

    fn send_raw(&mut self, raw: &RawSendRaw) -> Option<Action> {
        self.needed(&raw.segments, "segments", RawSendRaw::TITLE, raw.whole())?;
        Some(Action::SendRaw(SendRaw {
            segments: self.many(&raw.segments),
            channel: channel(&raw.channel),
            clear: flag(&raw.clear).unwrap_or(false),
        }))
    }

    fn start_tls(&mut self, raw: &RawStartTls) -> Action {
        Action::StartTls(StartTls {
            channel: channel(&raw.channel),
            tls: TlsChoice {
                early_data: self.optional(&raw.early_data),
                ..self.tls_choice(&tls_choice!(raw))
            },
        })
    }

    fn probe_tls(&mut self, raw: &RawProbeTls) -> Action {
        let version = self.probe_version(&raw.version);
        let record_version = self.probe_version(&raw.record_version);
        let offer = self.many(&raw.offer);
        let options: Vec<&str> = HelloOption::words().iter().map(|(word, _)| *word).collect();
        for word in offer.iter().filter(|word| !word.value.contains("$(")) {
            self.check_word(word, HelloOption::WHAT, &options);
        }
        Action::ProbeTls(ProbeTls {
            channel: channel(&raw.channel),
            version,
            suites: self.many(&raw.suites),
            alpn: self.many(&raw.alpn),
            sni: self.optional(&raw.sni),
            raw: self.optional(&raw.raw),
            fallback_scsv: flag(&raw.fallback_scsv).unwrap_or(false),
            offer,
            padding: raw.padding.get().map(|padding| self.number(padding)),
            record_version,
            resume: self.resume(&raw.resume),
        })
    }

    fn probe_version(&mut self, raw: &Field<Text>) -> Option<Template> {
        let version = self.optional(raw);
        if let Some(version) = version.as_ref().filter(|version| !version.value.contains("$(")) {
            self.check_word(version, "TLS version or older one", PROBE_VERSIONS);
        }
        version
    }

    fn send_record(&mut self, raw: &RawSendRecord) -> Option<Action> {
        let record = self.needed(&raw.record, "record", RawSendRecord::TITLE, raw.whole())?;
        let count = raw.count.get();
        if let Some(count) = count.filter(|count| !(1..=RECORDS_LIMIT).contains(&count.value.0)) {
            let kind = LoadErrorKind::BadValue {
                what: count.value.0.to_string(),
                context: format!("a number of records from 1 to {RECORDS_LIMIT}"),
            };
            self.reader.note(count.span, kind, None);
        }
        Some(Action::SendRecord(SendRecord {
            channel: channel(&raw.channel),
            record: record.value.0,
            count: count.map_or(1, |count| count.value.0),
        }))
    }

    fn check_word(&mut self, word: &Spanned<String>, what: &str, known: &[&str]) {
        if !known.contains(&word.value.as_str()) {
            let kind = LoadErrorKind::UnknownWord {
                what: word.value.clone(),
                context: what.to_owned(),
            };
            self.reader.note(word.span, kind, suggest(&word.value, known));
        }
    }

    fn open_data(&mut self, raw: &RawOpenData) -> Option<Action> {
        let from = self.optional(&raw.from);
        let path = self.needed(&raw.path, "path", RawOpenData::TITLE, raw.whole())?;
        Some(Action::OpenData(OpenData {
            path: self.data_path(path),
            from,
            only_command: flag(&raw.only_command).unwrap_or(false),
        }))
    }

    fn connect_data(&mut self, raw: &RawConnectData) -> Option<Action> {
        let from = self.optional(&raw.from);
        let to = self.needed(&raw.to, "to", RawConnectData::TITLE, raw.whole())?;
        Some(Action::ConnectData(ConnectData {
            to: self.template(to),
            from,
        }))
    }

    fn read_data(&mut self, raw: &RawReadData) -> Option<Action> {
        let present = raw.present();
        if present.len() != 1 {
            let help = "`until-close`, `{ bytes: N }` or `{ during: 2s }`";
            self.conflict(
                "exactly one of `bytes` and `during` is needed",
                RawReadData::TITLE,
                raw.whole(),
                help,
            );
            return None;
        }
        let read = match (raw.bytes.get(), raw.during.get()) {
            (Some(bytes), _) => ReadData::Bytes(self.number(bytes)),
            (_, Some(during)) => ReadData::During(during.value.0),
            _ => ReadData::UntilClose,
        };
        (raw.until.get().is_some() || raw.bytes.get().is_some() || raw.during.get().is_some())
            .then_some(Action::ReadData(read))
    }

    fn write_data(&mut self, raw: &RawWriteData) -> Option<Action> {
        let content = self.content(&raw.bytes, &raw.text, RawWriteData::TITLE, raw.whole());
        let size = raw.record_size.get();
        if let Some(size) = size.filter(|size| !(1..=16_384).contains(&size.value.0)) {
            let kind = LoadErrorKind::BadValue {
                what: size.value.0.to_string(),
                context: "a record size of 1 to 16384".into(),
            };
            self.reader.note(size.span, kind, None);
        }
        Some(Action::WriteData(WriteData {
            content: content?,
            record_size: size.and_then(|size| usize::try_from(size.value.0).ok()),
            corrupt: flag(&raw.corrupt).unwrap_or(false),
        }))
    }

    /// Exactly one of `bytes` and `text`.
    fn content(
        &mut self,
        bytes: &Field<Text>,
        text: &Field<Text>,
        context: &str,
        whole: Span,
    ) -> Option<Content> {
        match (bytes.key(), text.key()) {
            (None, None) => {
                self.missing("bytes", context, whole, Some("give `bytes: N` or `text: …`"));
                None
            }
            (Some(_), Some(second)) => {
                self.conflict("`bytes` and `text`", context, second, "keep one of the two");
                None
            }
            _ => match (bytes.get(), text.get()) {
                (Some(bytes), _) => Some(Content::Bytes(self.number(bytes))),
                (_, Some(text)) => Some(Content::Text(self.template(text))),
                _ => None,
            },
        }
    }

    /// A text that is a whole number once its variables are filled in.
    pub(super) fn number(&mut self, text: &Spanned<Text>) -> Template {
        let template = self.template(text);
        if !template.value.contains("$(") && template.value.parse::<u64>().is_err() {
            let kind = LoadErrorKind::BadValue {
                what: crate::scenario::raw::shorten(&template.value),
                context: "a whole number".into(),
            };
            self.reader.note(template.span, kind, None);
        }
        template
    }

    fn tls_choice(&mut self, raw: &RawTlsChoice<'_>) -> TlsChoice {
        let versions = raw
            .versions
            .get()
            .map_or(&[][..], |versions| versions.value.0.as_slice());
        let certificate = self.optional(raw.certificate);
        if let Some(name) = &certificate {
            self.check_certificate(name);
        }
        TlsChoice {
            versions: versions
                .iter()
                .map(|version| version.clone().map(|word| word.0))
                .collect(),
            sni: self.optional(raw.sni),
            alpn: self.many(raw.alpn),
            tls12_by: raw.tls12_by.get().map(|by| by.value.0),
            certificate,
            resume: self.resume(raw.resume),
            early_data: None,
        }
    }

    fn check_certificate(&mut self, name: &Template) {
        let known = self.known.certificates;
        // `none` shows no certificate, whatever the profile has.
        if name.value == "none" || name.value.contains("$(") || known.contains(&name.value.as_str()) {
            return;
        }
        let kind = LoadErrorKind::UnknownCertificate {
            what: name.value.clone(),
            context: String::new(),
        };
        self.reader.note(name.span, kind, suggest(&name.value, known));
    }

    fn resume(&mut self, raw: &Field<RawResume>) -> Option<Spanned<Resume>> {
        let raw = raw.get()?;
        let resume = match &raw.value {
            RawResume::Never => Resume::Never,
            RawResume::Control => Resume::Control,
            RawResume::ControlFirst => Resume::ControlFirst,
            RawResume::Data => Resume::Data,
            RawResume::Forged => Resume::Forged,
            RawResume::Session(name) => {
                self.need_session(&name.value, name.span);
                Resume::Session(name.value.clone())
            }
        };
        Some(Spanned::new(resume, raw.span))
    }
}

fn close(raw: &RawClose) -> CloseConnection {
    let tls = raw
        .tls
        .get()
        .map_or(TlsEnd::CloseNotify, |end| end.value.0.clone());
    CloseConnection {
        drain: flag(&raw.drain).unwrap_or(tls == TlsEnd::CloseNotify),
        tls,
        tcp: raw.tcp.get().map_or(TcpEnd::Fin, |end| end.value.0),
    }
}

fn flag(field: &Field<Flag>) -> Option<bool> {
    field.get().map(|flag| flag.value.0)
}

fn channel(field: &Field<One<ChannelRef>>) -> ChannelRef {
    field.get().map_or(ChannelRef::Control, |channel| channel.value.0)
}
