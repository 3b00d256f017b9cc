//! Whether a cell of a scenario applies to a target, and why not (design section 6, `not-applicable`).

use std::collections::BTreeMap;

use super::case::Cell;
use crate::requirement::Capability;
use crate::scenario::Scenario;

/// What is known about a target before its cases run.
#[derive(Clone, Debug, Default)]
pub struct TargetFacts {
    /// Capabilities that are known to be there or not; what is unknown is left out.
    pub capabilities: BTreeMap<Capability, CapabilityFact>,
}

impl TargetFacts {
    /// What a profile declares, and nothing else.
    #[must_use]
    pub fn declared(declares: &BTreeMap<Capability, bool>) -> Self {
        let mut facts = Self::default();
        for (capability, present) in declares {
            facts.set(
                *capability,
                *present,
                if *present { "declared" } else { "declared absent" },
            );
        }
        facts
    }

    /// Every capability taken to be there: for discovery, which asks the target itself.
    #[must_use]
    pub fn assume_all() -> Self {
        Self::declared(
            &Capability::ALL
                .iter()
                .map(|capability| (*capability, true))
                .collect(),
        )
    }

    /// Notes that `capability` is there or not, and how that is known.
    pub fn set(&mut self, capability: Capability, present: bool, evidence: &str) {
        self.capabilities.insert(
            capability,
            CapabilityFact {
                present,
                evidence: evidence.to_owned(),
            },
        );
    }
}

/// One capability of a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CapabilityFact {
    /// Whether it is there.
    pub present: bool,
    /// How that is known, e.g. `declared` or `discovered: 500 to EPSV`.
    pub evidence: String,
}

/// Whether a case applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applicability {
    /// It does.
    Applicable,
    /// It does not.
    NotApplicable {
        /// What is missing.
        capability: Capability,
        /// One lower-case sentence that names the capability and how its absence is known.
        reason: String,
    },
}

/// Whether `cell` of `scenario` applies to a target with `facts`.
///
/// What the scenario `requires` must be known to be there. A value of the axes `tls` and `data` stands in the way only
/// when its capability is known to be absent.
#[must_use]
pub fn applicability(scenario: &Scenario, cell: &Cell, facts: &TargetFacts) -> Applicability {
    for required in &scenario.requires {
        let capability = required.value;
        let reason = match facts.capabilities.get(&capability) {
            Some(fact) if fact.present => continue,
            Some(fact) => format!(
                "requires `{capability}`, which the target lacks ({})",
                fact.evidence
            ),
            None => format!("requires `{capability}`, which was neither declared nor discovered"),
        };
        return Applicability::NotApplicable { capability, reason };
    }
    for (axis, value) in &cell.0 {
        let Some(capability) = capability_of(axis, value) else {
            continue;
        };
        if let Some(fact) = facts.capabilities.get(&capability)
            && !fact.present
        {
            let reason = format!(
                "{axis}={value} needs `{capability}`, which the target lacks ({})",
                fact.evidence
            );
            return Applicability::NotApplicable { capability, reason };
        }
    }
    Applicability::Applicable
}

/// What [`applicability`] looks at for `cell` of `scenario`: what the scenario requires, then what the values of the axes
/// `tls` and `data` need.
pub fn capabilities_needed<'a>(
    scenario: &'a Scenario,
    cell: &'a Cell,
) -> impl Iterator<Item = Capability> + 'a {
    let required = scenario.requires.iter().map(|required| required.value);
    let axes = cell.0.iter();
    required.chain(axes.filter_map(|(axis, value)| capability_of(axis, value)))
}

/// What a value of one of the two axes with a meaning needs.
fn capability_of(axis: &str, value: &str) -> Option<Capability> {
    match (axis, value) {
        ("tls", "tls1.2") => Some(Capability::Tls12),
        ("tls", "tls1.3") => Some(Capability::Tls13),
        ("data", "passive") => Some(Capability::Pasv),
        ("data", "extended-passive") => Some(Capability::Epsv),
        ("data", "active") => Some(Capability::Port),
        ("data", "extended-active") => Some(Capability::Eprt),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::{requiring, scenario};

    fn facts(capability: Capability, present: bool) -> TargetFacts {
        let evidence = "discovered: 500 to EPSV".to_owned();
        TargetFacts {
            capabilities: [(capability, CapabilityFact { present, evidence })].into(),
        }
    }

    fn reason(applicability: Applicability) -> String {
        match applicability {
            Applicability::NotApplicable { reason, .. } => reason,
            Applicability::Applicable => panic!("applies"),
        }
    }

    #[test]
    fn what_is_required_must_be_known_to_be_there() {
        let scenario = requiring("a/b", Capability::Epsv);
        let cell = Cell::default();
        assert_eq!(
            applicability(&scenario, &cell, &facts(Capability::Epsv, true)),
            Applicability::Applicable
        );
        assert_eq!(
            reason(applicability(&scenario, &cell, &facts(Capability::Epsv, false))),
            "requires `epsv`, which the target lacks (discovered: 500 to EPSV)"
        );
        assert_eq!(
            reason(applicability(&scenario, &cell, &TargetFacts::default())),
            "requires `epsv`, which was neither declared nor discovered"
        );
    }

    #[test]
    fn whoever_finds_out_only_what_is_needed_asks_for_the_axes_too() {
        let scenario = requiring("a/b", Capability::Upload);
        let cell = Cell(vec![
            ("tls".into(), "tls1.3".into()),
            ("data".into(), "extended-active".into()),
            ("size".into(), "0".into()),
        ]);
        let needed: Vec<Capability> = capabilities_needed(&scenario, &cell).collect();
        assert_eq!(needed, [Capability::Upload, Capability::Tls13, Capability::Eprt]);
        for capability in needed {
            let mut known = facts(Capability::Upload, true);
            known.set(capability, false, "refused");
            assert!(
                reason(applicability(&scenario, &cell, &known)).contains(capability.name()),
                "{capability}"
            );
        }
    }

    #[test]
    fn a_cell_needs_what_its_axes_name_unless_nothing_is_known() {
        let scenario = scenario("a/b");
        let cell = Cell(vec![
            ("tls".into(), "tls1.3".into()),
            ("data".into(), "active".into()),
        ]);
        assert_eq!(
            applicability(&scenario, &cell, &TargetFacts::default()),
            Applicability::Applicable
        );
        assert!(
            reason(applicability(&scenario, &cell, &facts(Capability::Tls13, false)))
                .starts_with("tls=tls1.3")
        );
        assert!(reason(applicability(&scenario, &cell, &facts(Capability::Port, false))).contains("`port`"));
        assert_eq!(
            applicability(&scenario, &cell, &facts(Capability::Tls12, false)),
            Applicability::Applicable
        );
    }
}
