//! Secrets: values that are never shown, and the mask that takes them out of texts.
//!
//! Events are masked when they are made (design invariant 6), so nothing behind `trace` can leak one.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A password or key. `Debug` and `Display` show `***`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps `text`.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself, for the wire only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Secrets with fewer characters are masked as whole words only.
const SHORT: usize = 6;

/// Replaces known secrets in texts by `***`. Cheap to clone.
#[derive(Clone, Default)]
pub struct Masker {
    secrets: Arc<Vec<String>>,
}

impl Masker {
    /// A mask for these secrets; empty ones are ignored.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Self {
        let mut list: Vec<String> = secrets
            .into_iter()
            .map(|secret| secret.0)
            .filter(|text| !text.is_empty())
            .collect();
        // Longest first: a secret that contains another one must not leave its rest behind.
        list.sort_by_key(|text| std::cmp::Reverse(text.len()));
        list.dedup();
        Self {
            secrets: Arc::new(list),
        }
    }

    /// The same without the short secrets, for bytes in which a short one would be found by chance.
    #[must_use]
    pub fn only_long(&self) -> Self {
        let secrets = self.secrets.iter().filter(|secret| is_long(secret));
        Self {
            secrets: Arc::new(secrets.cloned().collect()),
        }
    }

    /// Bytes of the longest secret; zero when there is none.
    #[must_use]
    pub fn longest(&self) -> usize {
        self.secrets.iter().map(String::len).max().unwrap_or(0)
    }

    /// Where secrets stand in `bytes`, by the same rule as in [`Self::mask`]; the places may overlap.
    #[must_use]
    pub fn find(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        for secret in self.secrets.iter() {
            let (wanted, anywhere) = (secret.as_bytes(), is_long(secret));
            let mut from = 0;
            while let Some(at) = position(bytes.get(from..).unwrap_or_default(), wanted) {
                let place = from + at..from + at + wanted.len();
                let joins = place
                    .start
                    .checked_sub(1)
                    .is_some_and(|before| is_word(bytes, before))
                    || is_word(bytes, place.end);
                from = place.start + 1;
                if anywhere || !joins {
                    found.push(place);
                }
            }
        }
        found
    }

    /// `text` with every secret replaced by `***`. A secret shorter than six characters is replaced only where it
    /// stands as a word of its own: as part of a hash or a number it is chance, and masking it would change what is judged.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in self
            .secrets
            .iter()
            .filter(|secret| text.contains(secret.as_str()))
        {
            masked = replace_secret(&masked, secret);
        }
        masked
    }
}

/// Whether a secret is masked wherever it stands.
fn is_long(secret: &str) -> bool {
    secret.chars().count() >= SHORT
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = wanted.first()?;
    let mut from = 0;
    loop {
        // The first byte decides in nearly every place, and looking for one byte is fast.
        let at = from + bytes.get(from..)?.iter().position(|byte| byte == first)?;
        if bytes.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// Whether the byte at `index` is a part of a word; nothing is none.
fn is_word(bytes: &[u8], index: usize) -> bool {
    bytes
        .get(index)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii())
}

fn replace_secret(text: &str, secret: &str) -> String {
    let anywhere = is_long(secret);
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once(secret) {
        masked.push_str(before);
        let joins = masked.ends_with(char::is_alphanumeric) || behind.starts_with(char::is_alphanumeric);
        masked.push_str(if anywhere || !joins { "***" } else { secret });
        rest = behind;
    }
    masked.push_str(rest);
    masked
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Masker({} secrets)", self.secrets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** Secret(***)");
    }

    #[test]
    fn the_longest_secret_is_masked_first() {
        let masker = Masker::new([Secret::new("abc"), Secret::new("abcdef"), Secret::new("")]);
        assert_eq!(masker.mask("PASS abcdef abc x"), "PASS *** *** x");
    }

    #[test]
    fn a_short_secret_is_no_part_of_a_hash_but_a_long_one_is_masked_anywhere() {
        let masker = Masker::new([Secret::new("a9"), Secret::new("hunter2")]);
        assert_eq!(masker.mask("d6a96c a9, PASS a9"), "d6a96c ***, PASS ***");
        assert_eq!(masker.mask("xhunter2y"), "x***y");
    }
}
