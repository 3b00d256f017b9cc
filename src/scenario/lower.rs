//! Raw to meaning: defaults, closed lists of other layers, and everything an author can get wrong that is not a matter
//! of form. All problems are noted; none stops the rest.

mod action;
mod check;
mod property;
mod scope;
#[cfg(test)]
mod tests;

use super::error::LoadErrorKind;
use super::load::Known;
use super::model::{Action, Axis, Scenario, Severity, Step};
use super::raw::{Field, Keyed, Listed, RawScenario, RawStep, Reader, Text, Word};
use crate::base::{Source, Span, Spanned};
use crate::requirement::Capability;
use crate::trace::{Channel, DataPath, Phase, TlsVersion};
pub(super) use scope::BUILT_IN;
use scope::Scope;

/// What lowering works with.
pub(super) struct Lowering<'k, 'r> {
    known: &'k Known<'k>,
    reader: &'r mut Reader,
    scope: Scope,
    phase: Phase,
    /// `requires` names `upload` (or the scenario could not say so).
    may_write: bool,
    /// Some check under `steps` names a requirement.
    names_requirement: bool,
    /// Stands below `properties/`.
    is_property: bool,
}

/// Lowers `raw`. The result is of use only when no problem was noted.
pub(super) fn lower(
    id: &str,
    source: &Source,
    raw: &RawScenario,
    known: &Known<'_>,
    reader: &mut Reader,
) -> Scenario {
    let mut lowering = Lowering {
        known,
        reader,
        scope: Scope::default(),
        phase: Phase::Setup,
        may_write: true,
        names_requirement: false,
        is_property: false,
    };
    lowering.scenario(id, source, raw)
}

impl Lowering<'_, '_> {
    fn scenario(&mut self, id: &str, source: &Source, raw: &RawScenario) -> Scenario {
        self.check_order(raw);
        let discovers = id.starts_with("discover/");
        self.is_property = id.starts_with("properties/");
        // What no requirement is behind: it finds something out, for the plan, the facts of a target or `ftpspec diagnose`.
        let judges = !discovers && !self.is_property && !id.starts_with("diagnose/");
        self.check_head(raw, discovers);
        let requires: Vec<Spanned<Capability>> = listed(&raw.requires)
            .iter()
            .map(|one| Spanned::new(one.value.0, one.span))
            .collect();
        self.may_write = matches!(raw.requires, Field::Broken(_))
            || discovers
            || requires
                .iter()
                .any(|capability| capability.value == Capability::Upload);
        let values = self.values(raw);
        let detects = self.detects(raw, judges);
        let matrix = self.matrix(raw);
        let vars = self.vars(raw);
        let setup = self.steps(Phase::Setup, &raw.setup);
        let steps = self.steps(Phase::Steps, &raw.steps);
        let cleanup = self.steps(Phase::Cleanup, &raw.cleanup);
        self.check_yielded(&values, &steps);
        if !self.names_requirement && judges && !steps.is_empty() {
            let kind = LoadErrorKind::NoRequirement {
                what: String::new(),
                context: String::new(),
            };
            let span = raw.steps.key().unwrap_or(raw.whole());
            let help = "add `requirement: …` to the check that proves one; see `ftpspec list --coverage`";
            self.reader.note(span, kind, Some(help.into()));
        }
        Scenario {
            id: id.to_owned(),
            source: source.clone(),
            title: sentence(&raw.title),
            why: sentence(&raw.why),
            severity: raw
                .severity
                .get()
                .map_or(Severity::Medium, |severity| severity.value.0),
            capability: raw.capability.get().map(|capability| capability.value.0),
            values,
            detects,
            requires,
            matrix,
            vars,
            slow: raw.slow.get().is_some_and(|slow| slow.value.0),
            alone: raw.alone.get().is_some_and(|alone| alone.value.0),
            setup,
            steps,
            cleanup,
        }
    }

    /// The keys stand in the order of the house.
    fn check_order(&mut self, raw: &RawScenario) {
        let mut latest: Option<(&str, Span)> = None;
        for (key, span) in raw.present() {
            if let Some((before, _)) = latest.filter(|(_, place)| place.start > span.start) {
                let kind = LoadErrorKind::KeyOrder {
                    what: key.to_owned(),
                    context: before.to_owned(),
                };
                let help = format!("the order is: {}", RawScenario::KEYS.join(", "));
                self.reader
                    .note(Span::new(span.start, span.start + key.len()), kind, Some(help));
            } else {
                latest = Some((key, span));
            }
        }
    }

    fn check_head(&mut self, raw: &RawScenario, discovers: bool) {
        self.need_text(
            &raw.title,
            "title",
            raw.whole(),
            "`title` states the good behaviour in one sentence",
        );
        self.need_text(
            &raw.why,
            "why",
            raw.whole(),
            "`why` says which harm is done when the behaviour is missing",
        );
        match &raw.steps {
            Field::Absent => {
                self.missing(
                    "steps",
                    RawScenario::TITLE,
                    head_span(raw.whole()),
                    Some("`steps` is what is under test"),
                );
            }
            Field::Present { key, value } if value.value.0.is_empty() => self.empty("steps", *key),
            _ => {}
        }
        match (discovers, &raw.capability) {
            (true, Field::Absent) => self.missing(
                "capability",
                "a scenario below `discover/`",
                head_span(raw.whole()),
                Some("`capability` is what the target has when the scenario passes"),
            ),
            (false, Field::Present { key, .. }) => {
                let kind = LoadErrorKind::UnknownKey {
                    what: "capability".into(),
                    context: "a scenario that is not below `discover/`".into(),
                };
                self.reader
                    .note(*key, kind, Some("did you mean `requires`?".into()));
            }
            _ => {}
        }
    }

    fn need_text(&mut self, field: &Field<Text>, key: &str, whole: Span, help: &str) {
        match field {
            Field::Absent => self.missing(key, RawScenario::TITLE, head_span(whole), Some(help)),
            Field::Present { key: place, value } if value.value.text.trim().is_empty() => {
                self.empty(key, *place);
            }
            _ => {}
        }
    }

    fn detects(&mut self, raw: &RawScenario, judges: bool) -> Vec<Spanned<String>> {
        let names: Vec<Spanned<String>> = listed(&raw.detects)
            .iter()
            .map(|name| name.clone().map(|text| text.text))
            .collect();
        if names.is_empty() && judges && !matches!(raw.detects, Field::Broken(_)) {
            let kind = LoadErrorKind::NothingDetected {
                what: String::new(),
                context: String::new(),
            };
            let span = raw.detects.key().unwrap_or(head_span(raw.whole()));
            let help = "name the fault of the embedded server that breaks this; see `ftpspec list --faults`";
            self.reader.note(span, kind, Some(help.into()));
        }
        for name in &names {
            if !self.known.faults.contains(&name.value.as_str()) {
                let kind = LoadErrorKind::UnknownFault {
                    what: name.value.clone(),
                    context: String::new(),
                };
                self.reader.note(
                    name.span,
                    kind,
                    super::raw::suggest(&name.value, self.known.faults),
                );
            }
        }
        names
    }

    fn matrix(&mut self, raw: &RawScenario) -> Vec<Axis> {
        let Some(table) = raw.matrix.get() else {
            return Vec::new();
        };
        let mut axes = Vec::new();
        for (name, values) in &table.value.0 {
            self.name_variable(name);
            if values.value.0.is_empty() {
                self.empty(&name.value, name.span);
            }
            let mut lowered: Vec<Spanned<String>> = Vec::new();
            for value in &values.value.0 {
                let value = value.clone().map(|text| text.text);
                self.check_axis_value(&name.value, &value);
                if lowered.iter().any(|known| known.value == value.value) {
                    let kind = LoadErrorKind::DuplicateKey {
                        what: value.value.clone(),
                        context: format!("the axis `{}`", name.value),
                    };
                    self.reader
                        .note(value.span, kind, Some("keep one of the two".into()));
                }
                lowered.push(value);
            }
            axes.push(Axis {
                name: name.clone(),
                values: lowered,
            });
        }
        axes
    }

    /// The axes with a meaning of their own have values of their own.
    fn check_axis_value(&mut self, axis: &str, value: &Spanned<String>) {
        let (words, kind): (Vec<&str>, _) = match axis {
            "tls" => (words_of::<TlsVersion>(), TlsVersion::unknown(&value.value)),
            "data" => (words_of::<DataPath>(), DataPath::unknown(&value.value)),
            _ => return,
        };
        if !words.contains(&value.value.as_str()) {
            self.reader
                .note(value.span, kind, super::raw::suggest(&value.value, &words));
        }
    }

    fn vars(&mut self, raw: &RawScenario) -> Vec<(Spanned<String>, Spanned<String>)> {
        let Some(table) = raw.vars.get() else {
            return Vec::new();
        };
        let mut vars = Vec::new();
        for (name, text) in &table.value.0 {
            // A variable sees the ones above it, so its own name comes last.
            let text = self.template(text);
            self.name_variable(name);
            vars.push((name.clone(), text));
        }
        vars
    }

    fn steps(&mut self, phase: Phase, raw: &Field<Listed<RawStep>>) -> Vec<Step> {
        self.phase = phase;
        listed(raw).iter().map(|step| self.step(&step.value)).collect()
    }

    fn step(&mut self, raw: &RawStep) -> Step {
        let session = raw.session.get().map_or_else(
            || Spanned::new(Channel::MAIN.to_owned(), raw.whole()),
            |session| session.clone().map(|text| text.text),
        );
        let verbs = self.one_verb(raw);
        let mut action = self.action(raw);
        let mut expect = self.checks(raw);
        let yields = self.yields(raw, &mut expect);
        if let Some(file) = self.examined_file(raw, verbs, &expect) {
            action = Some(file);
        }
        let uses_session = action.is_some() || !expect.is_empty();
        // A bare data connection needs no login: a stranger that knows the port has none.
        let connects = matches!(
            action.as_ref().map(|action| &action.value),
            Some(Action::Reach(_) | Action::Connect(_) | Action::ConnectData(_) | Action::Wait(_))
        );
        let broken_verb = verbs > 0 && action.is_none();
        if uses_session && !connects && !broken_verb {
            let place = raw
                .session
                .get()
                .map_or_else(|| first_line_span(raw), |session| session.span);
            self.need_session(&session.value, place);
        }
        if connects || broken_verb {
            self.scope.connect(&session.value);
        }
        self.check_writing(action.as_ref());
        let capture = self.captures(raw, action.as_ref());
        Step {
            title: raw.title.get().map(|title| title.value.text.clone()),
            session,
            action,
            expect,
            yields,
            capture,
            span: raw.whole(),
        }
    }

    fn captures(
        &mut self,
        raw: &RawStep,
        action: Option<&Spanned<Action>>,
    ) -> Vec<(Spanned<String>, Spanned<super::model::CaptureSource>)> {
        if let Some(Action::ProvideFile(file)) = action.map(|action| &action.value) {
            for part in ["path", "bytes", "sha256"] {
                self.scope.set(format!("{}.{part}", file.name.value));
            }
        }
        let Some(table) = raw.capture.get() else {
            return Vec::new();
        };
        let mut captures = Vec::new();
        for (name, source) in &table.value.0 {
            self.name_variable(name);
            captures.push((name.clone(), source.clone().map(|word| word.0)));
        }
        captures
    }

    /// Writing needs the capability, so that a read-only target is not written to.
    fn check_writing(&mut self, action: Option<&Spanned<Action>>) {
        let Some(action) = action else { return };
        let verb = match action.value {
            Action::ProvideFile(_) => "provide-file",
            Action::Store(_) => "store",
            Action::WriteData(_) => "write-data",
            _ => return,
        };
        if !self.may_write && self.phase != Phase::Cleanup {
            let kind = LoadErrorKind::UploadNotRequired {
                what: verb.into(),
                context: String::new(),
            };
            self.reader
                .note(action.span, kind, Some("add `upload` to `requires`".into()));
        }
    }

    fn missing(&mut self, key: &str, context: &str, span: Span, help: Option<&str>) {
        if self.reader.suggested(key) {
            return;
        }
        let kind = LoadErrorKind::MissingKey {
            what: key.to_owned(),
            context: context.to_owned(),
        };
        self.reader.note(span, kind, help.map(str::to_owned));
    }

    fn empty(&mut self, key: &str, span: Span) {
        let kind = LoadErrorKind::Empty {
            what: key.to_owned(),
            context: String::new(),
        };
        self.reader.note(span, kind, None);
    }
}

fn words_of<W: Word>() -> Vec<&'static str> {
    W::words().into_iter().map(|(word, _)| word).collect()
}

fn listed<T>(field: &Field<Listed<T>>) -> &[Spanned<T>] {
    field.get().map_or(&[], |list| list.value.0.as_slice())
}

/// The text of `field` on one line.
fn sentence(field: &Field<Text>) -> String {
    field.get().map_or_else(String::new, |text| {
        text.value.text.split_whitespace().collect::<Vec<_>>().join(" ")
    })
}

/// A place for what is missing from a whole mapping: its first character.
fn head_span(whole: Span) -> Span {
    Span::new(whole.start, whole.start + 1)
}

/// The first thing a step says.
fn first_line_span(raw: &RawStep) -> Span {
    raw.present()
        .into_iter()
        .map(|(_, span)| span)
        .min_by_key(|span| span.start)
        .unwrap_or(raw.whole())
}
