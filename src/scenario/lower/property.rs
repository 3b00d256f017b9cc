//! Properties: the values at the top, and the steps that yield them.

use super::{Lowering, head_span};
use crate::base::Spanned;
use crate::requirement::Capability;
use crate::scenario::error::LoadErrorKind;
use crate::scenario::model::{Check, Step, Yield};
use crate::scenario::raw::{Field, Keyed, RawScenario, RawStep, Text, suggest};

/// A value of a property, with the words that make the embedded server have it.
type Value = (Spanned<String>, Vec<Spanned<String>>);

impl Lowering<'_, '_> {
    /// The values that a property can have.
    pub(super) fn values(&mut self, raw: &RawScenario) -> Vec<Value> {
        match (&raw.values, self.is_property) {
            (Field::Absent, true) => self.missing(
                "values",
                "a scenario below `properties/`",
                head_span(raw.whole()),
                Some("`values` lists what the property can be, each with what makes the embedded server so"),
            ),
            (Field::Present { key, .. }, false) => {
                let kind = LoadErrorKind::UnknownKey {
                    what: "values".into(),
                    context: "a scenario that is not below `properties/`".into(),
                };
                self.reader.note(*key, kind, None);
            }
            _ => {}
        }
        let Some(table) = raw.values.get() else {
            return Vec::new();
        };
        if table.value.0.is_empty() {
            self.empty("values", table.span);
        }
        let mut values = Vec::new();
        for (value, words) in &table.value.0 {
            let words: Vec<Spanned<String>> = words
                .value
                .0
                .iter()
                .map(|word| word.clone().map(|text: Text| text.text))
                .collect();
            words.iter().for_each(|word| self.check_setting(word));
            values.push((value.clone(), words));
        }
        values
    }

    /// A word of `values` is a capability, a habit or a fault.
    fn check_setting(&mut self, word: &Spanned<String>) {
        let known: Vec<&str> = Capability::ALL
            .iter()
            .map(|capability| capability.name())
            .chain(self.known.habits.iter().copied())
            .chain(self.known.faults.iter().copied())
            .collect();
        if known.contains(&word.value.as_str()) {
            return;
        }
        let kind = LoadErrorKind::UnknownWord {
            what: word.value.clone(),
            context: "capability, habit or fault".into(),
        };
        self.reader.note(word.span, kind, suggest(&word.value, &known));
    }

    /// What the step can yield. The checks are put behind `expect`, so that the step waits for what they look at.
    pub(super) fn yields(&mut self, raw: &RawStep, expect: &mut Vec<Check>) -> Vec<Yield> {
        if let (Some(key), false) = (raw.yields.key(), self.is_property) {
            let kind = LoadErrorKind::UnknownKey {
                what: "yields".into(),
                context: "a step that is not below `properties/`".into(),
            };
            self.reader.note(key, kind, Some("did you mean `expect`?".into()));
        }
        let Some(table) = raw.yields.get() else {
            return Vec::new();
        };
        if let Some(key) = raw.expect.key() {
            let kind = LoadErrorKind::ConflictingKeys {
                what: "both `expect` and `yields`".into(),
                context: "a step".into(),
            };
            self.reader.note(key, kind, Some("make it two steps".into()));
        }
        let mut yields = Vec::new();
        for (value, checks) in &table.value.0 {
            let start = expect.len();
            for check in &checks.value.0 {
                expect.push(self.check(&check.value, check.span));
            }
            yields.push(Yield {
                value: value.clone(),
                checks: start..expect.len(),
            });
        }
        yields
    }

    /// Steps yield values of the list, and every value of the list is yielded by some step.
    pub(super) fn check_yielded(&mut self, values: &[Value], steps: &[Step]) {
        let known: Vec<&str> = values.iter().map(|(value, _)| value.value.as_str()).collect();
        let yielded: Vec<&Spanned<String>> = steps
            .iter()
            .flat_map(|step| &step.yields)
            .map(|one| &one.value)
            .collect();
        for value in &yielded {
            if !known.contains(&value.value.as_str()) {
                let kind = LoadErrorKind::UnknownWord {
                    what: value.value.clone(),
                    context: "value of the property".into(),
                };
                self.reader.note(value.span, kind, suggest(&value.value, &known));
            }
        }
        for (value, _) in values {
            if yielded.iter().all(|other| other.value != value.value) {
                let kind = LoadErrorKind::MissingKey {
                    what: value.value.clone(),
                    context: "`yields` of any step".into(),
                };
                self.reader.note(value.span, kind, None);
            }
        }
    }
}
