//! Checks.

use super::Lowering;
use crate::base::{Span, Spanned};
use crate::requirement::Grade;
use crate::scenario::error::LoadErrorKind;
use crate::scenario::model::{
    Check, CheckKind, DataPattern, FilePattern, Otherwise, ReplyAlternative, ReplyPattern, TlsPattern,
};
use crate::scenario::raw::{
    CHECK_KINDS, Field, Flag, Keyed, OneOrMany, RawCheck, RawCode, RawData, RawFilePattern, RawReply,
    RawStep, RawTls, Text, suggest,
};
use crate::trace::Phase;
use crate::wire::tls_record::suites::suites_called;

impl Lowering<'_, '_> {
    /// The checks of a step.
    pub(super) fn checks(&mut self, raw: &RawStep) -> Vec<Check> {
        let checks = raw
            .expect
            .get()
            .map_or(&[][..], |checks| checks.value.0.as_slice());
        checks
            .iter()
            .map(|check| self.check(&check.value, check.span))
            .collect()
    }

    pub(super) fn check(&mut self, raw: &RawCheck, span: Span) -> Check {
        let mut channel = raw.channel.get().map(|channel| channel.value.0);
        let mut kinds = Vec::new();
        if let Some(reply) = raw.reply.get() {
            kinds.push(CheckKind::Reply(self.reply(&reply.value)));
        }
        if let Some(tls) = raw.tls.get() {
            kinds.push(CheckKind::Tls(self.tls(&tls.value)));
        }
        if let Some(data) = raw.data.get() {
            kinds.push(CheckKind::Data(self.data(&data.value)));
        }
        if let Some(closed) = raw.closed.get() {
            kinds.push(CheckKind::Closed(
                closed.value.0.iter().map(|by| by.value.0).collect(),
            ));
        }
        if let Some(pattern) = raw.file.get().and_then(|file| self.file(&file.value)) {
            kinds.push(CheckKind::File(pattern));
        }
        if let Some(order) = raw.order.get() {
            if order.value.0.len() < 2 {
                self.empty("order", order.span);
            }
            kinds.push(CheckKind::Order(
                order.value.0.iter().map(|milestone| milestone.value.0).collect(),
            ));
        }
        if let Some(silence) = raw.silence.get() {
            channel = channel.or(silence.value.0);
            if matches!(raw.within, Field::Absent) {
                self.missing(
                    "within",
                    "a check of `silence`",
                    span,
                    Some("say how long: `within: 2s`"),
                );
            }
            kinds.push(CheckKind::Silence);
        }
        if let Some(endpoint) = raw.endpoint.get() {
            kinds.push(CheckKind::Endpoint(endpoint.value.0));
        }
        if let Some(action) = raw.action.get() {
            kinds.push(CheckKind::Action(action.value.0));
        }
        self.check_has_kind(raw, span);
        let requirement = self.requirement(raw);
        Check {
            grade: self.grade(raw, requirement.as_ref()),
            otherwise: self.otherwise(raw),
            requirement,
            within: raw.within.get().map(|within| within.clone().map(|pause| pause.0)),
            channel,
            kinds,
            span,
        }
    }

    fn check_has_kind(&mut self, raw: &RawCheck, span: Span) {
        if raw.present().iter().any(|(key, _)| CHECK_KINDS.contains(key)) || self.reader.met_unknown_key(span)
        {
            return;
        }
        let quoted: Vec<String> = CHECK_KINDS.iter().map(|kind| format!("`{kind}`")).collect();
        let kind = LoadErrorKind::EmptyCheck {
            what: quoted.join(", "),
            context: String::new(),
        };
        self.reader.note(span, kind, None);
    }

    fn requirement(&mut self, raw: &RawCheck) -> Option<Spanned<String>> {
        let requirement = raw.requirement.get()?.clone().map(|text| text.text);
        if self.known.catalogue.get(&requirement.value).is_none() {
            let ids: Vec<&str> = self.known.catalogue.ids().collect();
            let kind = LoadErrorKind::UnknownRequirement {
                what: requirement.value.clone(),
                context: String::new(),
            };
            let help = suggest(&requirement.value, &ids).or_else(|| self.neighbours(&requirement.value));
            self.reader.note(requirement.span, kind, help);
        }
        if self.phase == Phase::Steps {
            self.names_requirement = true;
        }
        Some(requirement)
    }

    /// The requirements of the same section, or of the same document.
    fn neighbours(&self, id: &str) -> Option<String> {
        let mut prefix = id;
        while let Some((shorter, _)) = prefix.rsplit_once('.') {
            prefix = shorter;
            let ids: Vec<&str> = self
                .known
                .catalogue
                .with_prefix(prefix)
                .map(|one| one.id.as_str())
                .collect();
            match ids.len() {
                0 => {}
                1..=8 => return Some(format!("below `{prefix}` there are {}", ids.join(", "))),
                count => {
                    return Some(format!(
                        "below `{prefix}` there are {count}; see `ftpspec list --coverage`"
                    ));
                }
            }
        }
        Some("see `ftpspec list --coverage`".into())
    }

    fn grade(&mut self, raw: &RawCheck, requirement: Option<&Spanned<String>>) -> Option<Spanned<Grade>> {
        let grade = raw.grade.get()?.clone().map(|word| word.0);
        let Some(requirement) = requirement else {
            if matches!(raw.requirement, Field::Absent) {
                let kind = LoadErrorKind::GradeWithoutRequirement {
                    what: String::new(),
                    context: String::new(),
                };
                let help = "a check without a requirement is a precondition and has no grade";
                self.reader.note(grade.span, kind, Some(help.into()));
            }
            return Some(grade);
        };
        if let Some(entry) = self.known.catalogue.get(&requirement.value)
            && grade.value > entry.grade
        {
            let kind = LoadErrorKind::HarsherGrade {
                what: grade.value.to_string(),
                context: entry.grade.to_string(),
            };
            let help = "a scenario can soften a grade; the catalogue decides the harshest one";
            self.reader.note(grade.span, kind, Some(help.into()));
        }
        Some(grade)
    }

    fn otherwise(&mut self, raw: &RawCheck) -> Otherwise {
        let Some(otherwise) = raw.otherwise.get() else {
            return Otherwise::default();
        };
        if self.phase != Phase::Setup {
            let kind = LoadErrorKind::ConflictingKeys {
                what: "`otherwise` outside of `setup`".into(),
                context: "a check".into(),
            };
            let help = "what is under test must come about; move the check to `setup`, or name a capability";
            self.reader.note(otherwise.span, kind, Some(help.into()));
        }
        otherwise.value.0
    }

    /// Bare codes become one alternative, so that they are told in one breath.
    fn reply(&mut self, raw: &OneOrMany<RawReply>) -> ReplyPattern {
        let mut bare = ReplyAlternative::default();
        let mut any_of = Vec::new();
        for one in &raw.0 {
            let reply = &one.value;
            let others = reply.present().iter().any(|(key, _)| *key != "code");
            let target = if others {
                any_of.push(self.alternative(reply));
                any_of.last_mut()
            } else {
                if reply.present().is_empty() && !self.reader.met_unknown_key(one.span) {
                    self.empty("reply", one.span);
                }
                Some(&mut bare)
            };
            let codes = reply.code.get().map_or(&[][..], |codes| codes.value.0.as_slice());
            if let Some(target) = target {
                add_codes(target, codes);
            }
        }
        if bare != ReplyAlternative::default() {
            any_of.insert(0, bare);
        }
        ReplyPattern { any_of }
    }

    fn alternative(&mut self, raw: &RawReply) -> ReplyAlternative {
        ReplyAlternative {
            codes: Vec::new(),
            text: self.optional(&raw.text),
            without: self.optional(&raw.without),
            line: self.optional(&raw.line),
            protected: flag(&raw.protected),
            closed: false,
            well_formed: flag(&raw.well_formed).unwrap_or(false),
        }
    }

    fn tls(&mut self, raw: &RawTls) -> TlsPattern {
        if raw.present().is_empty() && !self.reader.met_unknown_key(raw.whole()) {
            self.empty("tls", raw.whole());
        }
        TlsPattern {
            handshake: many(&raw.handshake).iter().map(|one| one.value.0).collect(),
            version: many(&raw.version)
                .iter()
                .map(|one| self.template(&one.clone().map(|version| version.0)).value)
                .collect(),
            alpn: many(&raw.alpn)
                .iter()
                .map(|one| self.template(one).value)
                .collect(),
            alert: many(&raw.alert)
                .iter()
                .map(|one| one.value.0.0.to_owned())
                .collect(),
            suite: self.suites(raw),
            shows: many(&raw.shows).iter().map(|sign| sign.value.0).collect(),
            lacks: many(&raw.lacks).iter().map(|sign| sign.value.0).collect(),
            dh_bits: raw.dh_bits.get().map(|number| number.value.0),
            certificate: many(&raw.certificate)
                .iter()
                .map(|quality| quality.value.0)
                .collect(),
            tickets: raw.tickets.get().map(|number| number.value.0),
            ticket_lifetime: raw.ticket_lifetime.get().map(|number| number.value.0),
            certificate_name: self.optional(&raw.certificate_name),
            same_certificate: flag(&raw.same_certificate).unwrap_or(false),
            same_version: flag(&raw.same_version).unwrap_or(false),
        }
    }

    /// The words of `suite`, each a suite or a group of suites.
    fn suites(&mut self, raw: &RawTls) -> Vec<String> {
        let mut words = Vec::new();
        for one in many(&raw.suite) {
            let word = one.value.text.clone();
            if suites_called(&word).is_none() {
                let kind = LoadErrorKind::UnknownWord {
                    what: word.clone(),
                    context: "cipher suite or group of suites".into(),
                };
                self.reader.note(one.span, kind, None);
            }
            words.push(word);
        }
        words
    }

    fn data(&mut self, raw: &RawData) -> DataPattern {
        if raw.present().is_empty() && !self.reader.met_unknown_key(raw.whole()) {
            self.empty("data", raw.whole());
        }
        DataPattern {
            bytes: raw.bytes.get().map(|bytes| self.number(bytes)),
            at_least: raw.at_least.get().map(|bytes| self.number(bytes)),
            at_most: raw.at_most.get().map(|bytes| self.number(bytes)),
            sha256: raw.sha256.get().map(|sum| self.sha256(sum)),
            text: self.optional(&raw.text),
            without: self.optional(&raw.without),
            protected: flag(&raw.protected),
        }
    }

    fn file(&mut self, raw: &RawFilePattern) -> Option<FilePattern> {
        if raw.present().iter().all(|(key, _)| *key == "path") {
            let help = "say `exists: true`, `exists: false`, `bytes` or `sha256`";
            self.missing("exists", RawFilePattern::TITLE, raw.whole(), Some(help));
        }
        let bytes = raw.bytes.get().map(|bytes| self.number(bytes));
        let sha256 = raw.sha256.get().map(|sum| self.sha256(sum));
        let path = self.needed(&raw.path, "path", RawFilePattern::TITLE, raw.whole())?;
        Some(FilePattern {
            path: self.template(path),
            exists: flag(&raw.exists),
            bytes,
            sha256,
        })
    }

    fn sha256(&mut self, text: &Spanned<Text>) -> Spanned<String> {
        let template = self.template(text);
        let is_sum = template.value.len() == 64 && template.value.chars().all(|c| c.is_ascii_hexdigit());
        if !is_sum && !template.value.contains("$(") {
            let kind = LoadErrorKind::BadValue {
                what: crate::scenario::raw::shorten(&template.value),
                context: "64 hexadecimal digits or a variable such as `$(file.sha256)`".into(),
            };
            self.reader.note(template.span, kind, None);
        }
        template
    }
}

fn add_codes(alternative: &mut ReplyAlternative, codes: &[Spanned<RawCode>]) {
    for code in codes {
        match code.value {
            RawCode::Code(pattern) => alternative.codes.push(pattern),
            RawCode::Closed => alternative.closed = true,
        }
    }
}

fn many<T>(field: &Field<OneOrMany<T>>) -> &[Spanned<T>] {
    field.get().map_or(&[], |many| many.value.0.as_slice())
}

fn flag(field: &Field<Flag>) -> Option<bool> {
    field.get().map(|flag| flag.value.0)
}
