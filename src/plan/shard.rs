//! Splitting cases over machines, and the order in which they run.
//!
//! Both are deterministic: every machine that has the same cases and the same recorded durations splits them alike.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::case::Case;

/// How long cases took in an earlier run, by [`CaseId`](super::CaseId) as text.
pub type Durations = BTreeMap<String, Duration>;

/// What a case is taken to need when nothing is recorded.
const SHORT: Duration = Duration::from_millis(200);

/// What a slow scenario is taken to need when nothing is recorded.
const SLOW: Duration = Duration::from_secs(10);

/// Part `index` (from 1) of `count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// Not a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected `I/N` with I from 1 to N, got `{text}`")]
pub struct ShardError {
    /// What was typed.
    pub text: String,
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError {
            text: text.to_owned(),
        };
        let (index, count) = text.split_once('/').ok_or_else(wrong)?;
        let (index, count) = (
            index.parse().map_err(|_| wrong())?,
            count.parse().map_err(|_| wrong())?,
        );
        if (1..=count).contains(&index) {
            Ok(Self { index, count })
        } else {
            Err(wrong())
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// The cases of `shard`, in their order. All cases are dealt out longest first to the part that has least to do; one
/// without a recorded duration counts as a short one, so that without any durations the parts have equal numbers.
#[must_use]
pub fn shard(cases: Vec<Case>, shard: Shard, durations: &Durations) -> Vec<Case> {
    let names: Vec<String> = cases.iter().map(|case| case.id.to_string()).collect();
    let mut order: Vec<(usize, Duration)> = names
        .iter()
        .enumerate()
        .map(|(position, name)| (position, durations.get(name).copied().unwrap_or(SHORT)))
        .collect();
    order.sort_by_key(|(position, duration)| (Reverse(*duration), names.get(*position)));
    let mut loads = vec![Duration::ZERO; shard.count];
    let mut parts = vec![0; cases.len()];
    for (position, duration) in order {
        let lightest = loads
            .iter()
            .enumerate()
            .min_by_key(|(_, load)| **load)
            .map_or(0, |(part, _)| part);
        if let (Some(load), Some(part)) = (loads.get_mut(lightest), parts.get_mut(position)) {
            *load = load.saturating_add(duration.max(Duration::from_millis(1)));
            *part = lightest;
        }
    }
    let wanted = shard.index - 1;
    cases
        .into_iter()
        .zip(parts)
        .filter(|(_, part)| *part == wanted)
        .map(|(case, _)| case)
        .collect()
}

/// Sorts cases longest first; those without a recorded duration keep their order, slow scenarios before the others.
pub fn order_longest_first(cases: &mut [Case], durations: &Durations) {
    cases.sort_by_cached_key(|case| {
        let otherwise = if case.scenario.slow { SLOW } else { Duration::ZERO };
        Reverse(durations.get(&case.id.to_string()).copied().unwrap_or(otherwise))
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::case;

    fn cases(number: usize) -> Vec<Case> {
        (0..number)
            .map(|index| case(&format!("area/case-{index}")))
            .collect()
    }

    fn names(cases: &[Case]) -> Vec<String> {
        cases.iter().map(|case| case.id.to_string()).collect()
    }

    fn part(text: &str, durations: &Durations) -> Vec<String> {
        names(&shard(cases(40), text.parse().unwrap(), durations))
    }

    #[test]
    fn the_parts_are_disjoint_and_complete() {
        let timed: Durations = [("area/case-3@embedded".to_owned(), Duration::from_secs(3))].into();
        for durations in [Durations::new(), timed] {
            let mut all = Vec::new();
            for index in 1..=3 {
                let part = part(&format!("{index}/3"), &durations);
                assert!(!part.is_empty());
                all.extend(part);
            }
            all.sort();
            let mut expected = names(&cases(40));
            expected.sort();
            assert_eq!(all, expected);
        }
    }

    #[test]
    fn without_durations_the_parts_have_equal_numbers_whatever_the_order() {
        for count in [1, 3, 7, 40] {
            let sizes: Vec<usize> = (1..=count)
                .map(|index| part(&format!("{index}/{count}"), &Durations::new()).len())
                .collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            assert!(most - least <= 1, "{sizes:?}");
        }
        let mut reversed = cases(40);
        reversed.reverse();
        let mut same = names(&shard(reversed, "2/3".parse().unwrap(), &Durations::new()));
        same.reverse();
        assert_eq!(same, part("2/3", &Durations::new()));
    }

    #[test]
    fn recorded_durations_balance_the_parts() {
        let durations: Durations = names(&cases(40))
            .into_iter()
            .enumerate()
            .map(|(index, name)| (name, Duration::from_secs(if index == 0 { 39 } else { 1 })))
            .collect();
        assert_eq!(part("1/2", &durations), ["area/case-0@embedded"]);
        assert_eq!(part("2/2", &durations).len(), 39);
    }

    #[test]
    fn the_longest_case_comes_first() {
        let mut cases = cases(3);
        order_longest_first(
            &mut cases,
            &[("area/case-2@embedded".to_owned(), Duration::from_secs(1))].into(),
        );
        assert_eq!(
            names(&cases),
            [
                "area/case-2@embedded",
                "area/case-0@embedded",
                "area/case-1@embedded"
            ]
        );
    }

    #[test]
    fn only_parts_of_a_whole_are_shards() {
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        for text in ["0/3", "4/3", "1", "1/0", "a/b", "-1/2"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
