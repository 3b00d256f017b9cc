//! Names: the id of a run, the shape of a kebab-case name, and "did you mean".

use std::fmt;

/// Names one run; part of the paths that the harness makes on a target. Lower-case letters and digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunId(String);

impl RunId {
    /// An id from a number (time and process id, say), in base 36.
    #[must_use]
    pub fn from_number(mut number: u64) -> Self {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut digits = Vec::new();
        loop {
            let index = usize::try_from(number % 36).unwrap_or(0);
            digits.push(DIGITS.get(index).copied().unwrap_or(b'0'));
            number /= 36;
            if number == 0 {
                break;
            }
        }
        digits.reverse();
        Self(digits.into_iter().map(char::from).collect())
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether `text` is kebab-case: lower-case letters, digits and dots in parts joined by single hyphens.
#[must_use]
pub fn is_kebab_case(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|part| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.')
        })
}

/// The word of `known` that `word` was most likely meant to be, for "did you mean".
/// Nothing when no word is close (edit distance over a third of the length).
#[must_use]
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= candidate.chars().count().max(word.chars().count()) / 3)
        // Of two that are as near, letters in the wrong order are the likelier mistake than a wrong letter.
        .min_by_key(|(distance, candidate)| (*distance, letters(word) != letters(candidate)))
        .map(|(_, candidate)| candidate)
}

/// The letters of `word`, sorted.
fn letters(word: &str) -> Vec<char> {
    let mut letters: Vec<char> = word.chars().collect();
    letters.sort_unstable();
    letters
}

/// How many insertions, deletions, replacements and swaps of neighbours lead from one word to the other.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = at(&row, j) + usize::from(a != b);
            let mut best = replaced.min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && left.get(i - 1) == Some(b) && right.get(j - 1) == Some(a);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn did_you_mean_finds_near_words_only() {
        assert_eq!(
            closest("open-dta", ["open-data", "close-data"]),
            Some("open-data")
        );
        assert_eq!(closest("auth-tsl", ["auth-ssl", "auth-tls"]), Some("auth-tls"));
        assert_eq!(closest("titel", ["title", "why"]), Some("title"));
        assert_eq!(closest("frobnicate", ["open-data", "close-data"]), None);
    }

    #[test]
    fn kebab_case_is_recognised() {
        assert!(is_kebab_case("tls1.3-data"));
        assert!(!is_kebab_case("Tls"));
        assert!(!is_kebab_case("a--b"));
        assert!(!is_kebab_case(""));
    }

    #[test]
    fn run_ids_are_short_words() {
        assert_eq!(RunId::from_number(0).to_string(), "0");
        assert_eq!(RunId::from_number(36 * 36 + 35).to_string(), "10z");
    }
}
