//! Small scenarios for the tests of this module and of `report`.

use std::sync::Arc;

use super::case::{Case, CaseId, Cell};
use crate::base::{Source, Span, Spanned};
use crate::requirement::Capability;
use crate::scenario::Scenario;
use crate::scenario::model::{ActionPattern, Axis, Check, CheckKind, Otherwise, Severity, Step};

pub(crate) fn spanned<T>(value: T) -> Spanned<T> {
    Spanned::new(value, Span::default())
}

pub(crate) fn scenario(id: &str) -> Scenario {
    Scenario {
        id: id.into(),
        source: Source::new(id, ""),
        title: "t".into(),
        why: "w".into(),
        severity: Severity::Low,
        capability: None,
        values: Vec::new(),
        detects: Vec::new(),
        requires: Vec::new(),
        matrix: Vec::new(),
        vars: Vec::new(),
        slow: false,
        alone: false,
        setup: Vec::new(),
        steps: Vec::new(),
        cleanup: Vec::new(),
    }
}

pub(crate) fn with_axis(scenario: &mut Scenario, name: &str, values: &[&str]) {
    scenario.matrix.push(Axis {
        name: spanned(name.into()),
        values: values.iter().map(|value| spanned((*value).to_owned())).collect(),
    });
}

pub(crate) fn requiring(id: &str, capability: Capability) -> Scenario {
    let mut scenario = scenario(id);
    scenario.requires.push(spanned(capability));
    scenario
}

/// A scenario with one check of `requirement` that detects `fault`.
pub(crate) fn checking(id: &str, requirement: &str, fault: &str) -> Scenario {
    let mut scenario = scenario(id);
    scenario.detects.push(spanned(fault.into()));
    scenario.steps.push(Step {
        title: None,
        session: spanned("main".into()),
        action: None,
        expect: vec![Check {
            requirement: Some(spanned(requirement.into())),
            grade: None,
            otherwise: Otherwise::default(),
            within: None,
            channel: None,
            kinds: vec![CheckKind::Action(ActionPattern::Done)],
            span: Span::default(),
        }],
        yields: Vec::new(),
        capture: Vec::new(),
        span: Span::default(),
    });
    scenario
}

pub(crate) fn case(id: &str) -> Case {
    Case {
        id: CaseId {
            scenario: id.into(),
            target: "embedded".into(),
            cell: Cell::default(),
        },
        scenario: Arc::new(scenario(id)),
    }
}
