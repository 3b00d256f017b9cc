//! Variables of a case: their values while it runs, and actions with `$(name)` filled in.
//!
//! Filling happens here and nowhere before (design invariant 5). Every value that is not secret is also an event
//! (`Captured`), because the judge reads variables from the trace alone.

use std::collections::BTreeMap;

use crate::base::Spanned;
use crate::plan::template::{FillError, fill};
use crate::scenario::model::{
    Action, Connect, ConnectData, Content, DataPathChoice, List, OpenData, ProbeTls, ProvideFile, Reach,
    ReadData, Retrieve, SendRaw, StartTls, Store, Template, TlsChoice, TransferChoice, WriteData,
};
use crate::trace::{EventKind, Recorder};

/// Names that are never recorded.
const SECRET: &[&str] = &["password", "password2"];

/// The variables of a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, String>,
}

impl Variables {
    /// Sets `name`, and records it unless it is secret.
    pub(super) fn set(&mut self, name: &str, value: String, recorder: &Recorder) {
        if !SECRET.contains(&name) {
            recorder.record_case(EventKind::Captured {
                name: name.to_owned(),
                value: recorder.mask(&value),
            });
        }
        self.values.insert(name.to_owned(), value);
    }

    /// `text` with every `$(name)` filled in.
    ///
    /// # Errors
    /// For the first name without a value.
    pub(super) fn fill(&self, text: &str) -> Result<String, FillError> {
        fill(text, |name| self.values.get(name).map(String::as_str))
    }

    fn template(&self, template: &Template) -> Result<Template, FillError> {
        Ok(Spanned::new(self.fill(&template.value)?, template.span))
    }

    fn optional(&self, template: Option<&Template>) -> Result<Option<Template>, FillError> {
        template.map(|template| self.template(template)).transpose()
    }

    fn all(&self, templates: &[Template]) -> Result<Vec<Template>, FillError> {
        templates.iter().map(|template| self.template(template)).collect()
    }

    /// `action` with every text filled in.
    ///
    /// # Errors
    /// For the first name without a value.
    pub(super) fn fill_action(&self, action: &Action) -> Result<Action, FillError> {
        Ok(match action {
            Action::Reach(reach) => Action::Reach(Reach {
                tls: self.tls(&reach.tls)?,
                ..reach.clone()
            }),
            Action::ProvideFile(provide) => Action::ProvideFile(ProvideFile {
                path: self.template(&provide.path)?,
                content: self.content(&provide.content)?,
                name: provide.name.clone(),
            }),
            Action::Store(store) => Action::Store(Store {
                path: self.optional(store.path.as_ref())?,
                command: store.command,
                content: self.content(&store.content)?,
                restart: self.optional(store.restart.as_ref())?,
                transfer: self.transfer(&store.transfer)?,
            }),
            Action::Retrieve(retrieve) => Action::Retrieve(Retrieve {
                path: self.template(&retrieve.path)?,
                restart: self.optional(retrieve.restart.as_ref())?,
                transfer: self.transfer(&retrieve.transfer)?,
            }),
            Action::List(list) => Action::List(List {
                command: self.template(&list.command)?,
                transfer: self.transfer(&list.transfer)?,
            }),
            Action::Connect(connect) => Action::Connect(Connect {
                implicit: connect.implicit,
                from: self.optional(connect.from.as_ref())?,
                tls: self.tls(&connect.tls)?,
            }),
            Action::Send(line) => Action::Send(self.template(line)?),
            Action::SendRaw(raw) => Action::SendRaw(SendRaw {
                segments: self.all(&raw.segments)?,
                ..raw.clone()
            }),
            Action::StartTls(start) => Action::StartTls(StartTls {
                channel: start.channel,
                tls: self.tls(&start.tls)?,
            }),
            Action::ProbeTls(probe) => Action::ProbeTls(self.probe(probe)?),
            Action::OpenData(open) => Action::OpenData(OpenData {
                path: self.data_path(&open.path)?,
                from: self.optional(open.from.as_ref())?,
                only_command: open.only_command,
            }),
            Action::ConnectData(connect) => Action::ConnectData(ConnectData {
                to: self.template(&connect.to)?,
                from: self.optional(connect.from.as_ref())?,
            }),
            Action::ReadData(ReadData::Bytes(count)) => {
                Action::ReadData(ReadData::Bytes(self.template(count)?))
            }
            Action::WriteData(write) => Action::WriteData(WriteData {
                content: self.content(&write.content)?,
                ..write.clone()
            }),
            Action::ExamineFile(path) => Action::ExamineFile(self.template(path)?),
            Action::StopTls(_)
            | Action::ReadData(ReadData::UntilClose | ReadData::During(_))
            | Action::SendRecord(_)
            | Action::CloseData(_)
            | Action::CloseControl(_)
            | Action::Wait(_) => action.clone(),
        })
    }

    fn content(&self, content: &Content) -> Result<Content, FillError> {
        Ok(match content {
            Content::Bytes(count) => Content::Bytes(self.template(count)?),
            Content::Text(text) => Content::Text(self.template(text)?),
        })
    }

    fn data_path(&self, path: &DataPathChoice) -> Result<DataPathChoice, FillError> {
        Ok(match path {
            DataPathChoice::Fixed(path) => DataPathChoice::Fixed(*path),
            DataPathChoice::AnyPassive => DataPathChoice::AnyPassive,
            DataPathChoice::Variable(name) => DataPathChoice::Variable(self.template(name)?),
        })
    }

    fn transfer(&self, transfer: &TransferChoice) -> Result<TransferChoice, FillError> {
        let path = match &transfer.path {
            Some(path) => Some(Spanned::new(self.data_path(&path.value)?, path.span)),
            None => None,
        };
        Ok(TransferChoice {
            path,
            resume: transfer.resume.clone(),
        })
    }

    fn tls(&self, tls: &TlsChoice) -> Result<TlsChoice, FillError> {
        Ok(TlsChoice {
            sni: self.optional(tls.sni.as_ref())?,
            alpn: self.all(&tls.alpn)?,
            certificate: self.optional(tls.certificate.as_ref())?,
            early_data: self.optional(tls.early_data.as_ref())?,
            ..tls.clone()
        })
    }

    fn probe(&self, probe: &ProbeTls) -> Result<ProbeTls, FillError> {
        Ok(ProbeTls {
            version: self.optional(probe.version.as_ref())?,
            suites: self.all(&probe.suites)?,
            alpn: self.all(&probe.alpn)?,
            sni: self.optional(probe.sni.as_ref())?,
            raw: self.optional(probe.raw.as_ref())?,
            offer: self.all(&probe.offer)?,
            padding: self.optional(probe.padding.as_ref())?,
            record_version: self.optional(probe.record_version.as_ref())?,
            ..probe.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::base::{Masker, Secret, Span, SystemClock, Timeline};

    fn recorder() -> Recorder {
        let masker = Masker::new([Secret::new("hunter2")]);
        Recorder::new(Timeline::start(Arc::new(SystemClock::new())), masker)
    }

    #[test]
    fn passwords_are_filled_in_and_never_recorded() {
        let recorder = recorder();
        let mut variables = Variables::default();
        variables.set("user", "ada".into(), &recorder);
        variables.set("password", "hunter2".into(), &recorder);
        variables.set("both", "ada:hunter2".into(), &recorder);
        let line = Action::Send(Spanned::new("PASS $(password)".into(), Span::default()));
        let Action::Send(filled) = variables.fill_action(&line).unwrap() else {
            panic!("another action")
        };
        assert_eq!(filled.value, "PASS hunter2");
        let recorded = format!("{:?}", recorder.events());
        assert!(!recorded.contains("hunter2"), "{recorded}");
        assert!(recorded.contains("ada:***"));
    }

    #[test]
    fn a_variable_without_a_value_is_named() {
        let wait = Action::ReadData(ReadData::Bytes(Spanned::new("$(size)".into(), Span::default())));
        let error = Variables::default().fill_action(&wait).unwrap_err();
        assert_eq!(error.name, "size");
    }
}
