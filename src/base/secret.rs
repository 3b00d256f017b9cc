//! Secrets: values that are never shown, and the mask that takes them out of texts.
//!
//! Events are masked when they are made (design invariant 6), so nothing behind `trace` can leak one.

use std::fmt;
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

    /// `text` with every secret replaced by `***`.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in self.secrets.iter() {
            if masked.contains(secret.as_str()) {
                masked = masked.replace(secret.as_str(), "***");
            }
        }
        masked
    }
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
}
