//! What is known at a step: variables that are set, sessions that are connected.

use std::collections::BTreeSet;

use super::Lowering;
use crate::base::{Span, Spanned};
use crate::scenario::error::LoadErrorKind;
use crate::scenario::model::Template;
use crate::scenario::raw::{Text, suggest};
use crate::scenario::vars::{is_name, references};

/// Variables that the runner sets for every case.
pub(in crate::scenario) const BUILT_IN: &[(&str, &str)] = &[
    (
        "run.id",
        "short word, different for every case; part of every path that a scenario makes",
    ),
    ("user", "user name of the first account"),
    ("password", "its password"),
    (
        "user2",
        "user name of the second account (capability `second-account`)",
    ),
    ("password2", "its password"),
    ("target.host", "address of the target"),
    ("target.port", "port of the control connection"),
    (
        "server.name",
        "the name that the certificate of the target must be for",
    ),
    ("host2", "a second name for HOST (capability `second-host`)"),
    (
        "other.address",
        "a second source address of ours (capability `second-address`)",
    ),
    ("own.address", "our address as the target sees it"),
    ("own.address-for-port", "the same with commas, as PORT wants it"),
    ("tls", "the value of the axis `tls`"),
    ("data", "the value of the axis `data`"),
];

/// Names in force.
#[derive(Debug, Default)]
pub(super) struct Scope {
    variables: BTreeSet<String>,
    sessions: BTreeSet<String>,
}

impl Scope {
    /// From here on, `name` has a value.
    pub(super) fn set(&mut self, name: String) {
        self.variables.insert(name);
    }

    /// From here on, `session` is connected.
    pub(super) fn connect(&mut self, session: &str) {
        self.sessions.insert(session.to_owned());
    }

    fn has(&self, name: &str) -> bool {
        self.variables.contains(name) || BUILT_IN.iter().any(|(known, _)| *known == name)
    }

    fn names(&self) -> Vec<&str> {
        let built_in = BUILT_IN.iter().map(|(name, _)| *name);
        let own = self.variables.iter().map(String::as_str);
        let names: BTreeSet<&str> = own.chain(built_in).collect();
        names.into_iter().collect()
    }

    /// Help for a name that is not known: `account.user` is told about `user`.
    fn suggest(&self, name: &str) -> Option<String> {
        let last = name.rsplit('.').next().unwrap_or(name);
        let known = self.names();
        let ends_alike = |known: &&&str| known.rsplit('.').next() == Some(last) && known.contains('.');
        if let Some(same) = known
            .iter()
            .find(ends_alike)
            .or_else(|| known.iter().find(|known| **known == last))
        {
            return Some(format!("did you mean `{same}`?"));
        }
        suggest(name, &known)
    }
}

impl Lowering<'_, '_> {
    /// `text` with its variables checked.
    pub(super) fn template(&mut self, text: &Spanned<Text>) -> Template {
        match references(&text.value.text) {
            Ok(found) => {
                for reference in found {
                    if !self.scope.has(reference.name) {
                        let place = place_in(text, reference.start, reference.end);
                        let kind = LoadErrorKind::UnknownVariable {
                            what: reference.name.to_owned(),
                            context: String::new(),
                        };
                        let help = self.scope.suggest(reference.name);
                        self.reader.note(place, kind, help);
                    }
                }
            }
            Err(start) => {
                let kind = LoadErrorKind::BrokenVariable {
                    what: String::new(),
                    context: String::new(),
                };
                self.reader.note(place_in(text, start, start + 2), kind, None);
            }
        }
        text.clone().map(|text| text.text)
    }

    /// Notes that `name` is set from here on, unless it cannot be a name or is one already.
    pub(super) fn name_variable(&mut self, name: &Spanned<String>) {
        if !is_name(&name.value) {
            let kind = LoadErrorKind::BadValue {
                what: name.value.clone(),
                context: "a name of lower-case letters, digits, dots and hyphens".into(),
            };
            self.reader.note(name.span, kind, None);
        } else if self.scope.has(&name.value) && !matches!(name.value.as_str(), "tls" | "data") {
            let kind = LoadErrorKind::TakenName {
                what: name.value.clone(),
                context: String::new(),
            };
            self.reader
                .note(name.span, kind, Some("choose another name".into()));
        }
        self.scope.set(name.value.clone());
    }

    /// Notes the use of a session that no step has connected.
    pub(super) fn need_session(&mut self, session: &str, place: Span) {
        if self.scope.sessions.contains(session) {
            return;
        }
        let kind = LoadErrorKind::SessionNotConnected {
            what: session.to_owned(),
            context: String::new(),
        };
        let known: Vec<&str> = self.scope.sessions.iter().map(String::as_str).collect();
        let near = suggest(session, &known).filter(|help| help.starts_with("did"));
        let help = near.unwrap_or_else(|| match session {
            "main" => "begin with `- reach: connected` or `- connect: {}`".to_owned(),
            other => format!("begin with `- {{ session: {other}, reach: connected }}`"),
        });
        self.reader.note(place, kind, Some(help));
        // Once is enough.
        self.scope.connect(session);
    }
}

/// Where `start..end` of a text stands in the file: exactly for bare texts, the whole text otherwise.
fn place_in(text: &Spanned<Text>, start: usize, end: usize) -> Span {
    if text.value.plain {
        Span::new(text.span.start + start, text.span.start + end)
    } else {
        text.span
    }
}
