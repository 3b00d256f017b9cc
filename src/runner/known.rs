//! Known deviations: findings that a profile accepts, with a reason and an optional last day.

use crate::judge::{Judgement, Verdict};
use crate::plan::Case;
use crate::requirement::Grade;
use crate::target::KnownDeviation;

/// Whether the fail of a case is known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// The reasons, when every finding of grade fail is known.
    pub(super) reason: Option<String>,
}

/// Looks up the failing findings of `judgement` among `deviations`; one past its last day counts as not there.
pub(super) fn apply_known(
    case: &Case,
    judgement: &Judgement,
    deviations: &[KnownDeviation],
    today: &str,
) -> Known {
    if judgement.verdict != Verdict::Fail {
        return Known::default();
    }
    let mut reasons: Vec<&str> = Vec::new();
    for finding in judgement
        .findings
        .iter()
        .filter(|finding| finding.grade == Some(Grade::Fail))
    {
        let found = deviations.iter().find(|deviation| {
            finding.requirement.as_deref() == Some(&deviation.requirement)
                && deviation.scenario.as_ref().is_none_or(|scenario| *scenario == case.id.scenario)
                // Dates of this form compare as text.
                && deviation.expires.as_deref().is_none_or(|last| today <= last)
        });
        match found {
            Some(deviation) if !reasons.contains(&deviation.reason.as_str()) => {
                reasons.push(&deviation.reason);
            }
            Some(_) => {}
            None => return Known::default(),
        }
    }
    Known {
        reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
    }
}

/// Whether every failing finding of `judgement` is among `deviations`, whatever the day.
#[must_use]
pub fn is_known(case: &Case, judgement: &Judgement, deviations: &[KnownDeviation]) -> bool {
    apply_known(case, judgement, deviations, "").reason.is_some()
}
