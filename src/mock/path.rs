//! Path names of the store: absolute, resolved, unable to leave the home of the account.
//!
//! RFC 3659 section 6 (TVFS): `/` separates, `.` and `..` mean what they usually mean, and nothing else is special.
//! Names are bytes (RFC 2640); control characters are refused, since a reply or a listing could not carry them.

use super::store::{StoreError, StoreErrorKind};

/// Longest name of one file, in bytes.
const NAME_LIMIT: usize = 255;
/// Deepest path.
const DEPTH_LIMIT: usize = 64;

/// An absolute path below the home of an account; empty for the home itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct StorePath(Vec<Vec<u8>>);

impl StorePath {
    /// The home.
    #[must_use]
    pub fn root() -> Self {
        Self::default()
    }

    /// `argument`, seen from this directory. `..` above the home stays in the home.
    ///
    /// # Errors
    ///
    /// [`StoreErrorKind::BadName`] for control characters, names above 255 bytes, and more than 64 levels.
    pub fn resolve(&self, argument: &[u8]) -> Result<Self, StoreError> {
        let mut names = if argument.first() == Some(&b'/') {
            Vec::new()
        } else {
            self.0.clone()
        };
        for name in argument.split(|byte| *byte == b'/') {
            match name {
                b"" | b"." => {}
                b".." => {
                    names.pop();
                }
                name => {
                    if name.len() > NAME_LIMIT || name.iter().any(u8::is_ascii_control) {
                        return Err(StoreErrorKind::BadName.into());
                    }
                    names.push(name.to_vec());
                }
            }
        }
        if names.len() > DEPTH_LIMIT {
            return Err(StoreErrorKind::BadName.into());
        }
        Ok(Self(names))
    }

    /// The directory that holds it; the home for the home.
    #[must_use]
    pub fn parent(&self) -> Self {
        let mut names = self.0.clone();
        names.pop();
        Self(names)
    }

    /// The entry `name` of this directory.
    #[must_use]
    pub fn child(&self, name: &[u8]) -> Self {
        let mut names = self.0.clone();
        names.push(name.to_vec());
        Self(names)
    }

    /// The last name; none for the home.
    #[must_use]
    pub fn name(&self) -> Option<&[u8]> {
        self.0.last().map(Vec::as_slice)
    }

    /// The names from the home down.
    #[must_use]
    pub fn names(&self) -> &[Vec<u8>] {
        &self.0
    }

    /// Whether `other` is this directory or lies below it.
    #[must_use]
    pub fn contains(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }

    /// With a slash before each name; `/` for the home.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        if self.0.is_empty() {
            return b"/".to_vec();
        }
        let mut bytes = Vec::new();
        for name in &self.0 {
            bytes.push(b'/');
            bytes.extend_from_slice(name);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(cwd: &str, argument: &str) -> String {
        let cwd = StorePath::root().resolve(cwd.as_bytes()).unwrap();
        String::from_utf8(cwd.resolve(argument.as_bytes()).unwrap().to_bytes()).unwrap()
    }

    #[test]
    fn paths_are_resolved_against_the_directory_and_never_leave_the_home() {
        assert_eq!(resolved("/a", "b"), "/a/b");
        assert_eq!(resolved("/a", "/b"), "/b");
        assert_eq!(resolved("/a/b", "../c/./d//"), "/a/c/d");
        assert_eq!(resolved("/a", "../../../../etc/passwd"), "/etc/passwd");
        assert_eq!(resolved("/a", "/.."), "/");
        assert_eq!(resolved("/", "..."), "/...");
    }

    #[test]
    fn spaces_belong_to_the_name() {
        assert_eq!(resolved("/", " a b "), "/ a b ");
    }

    #[test]
    fn names_that_a_reply_cannot_carry_are_refused() {
        let root = StorePath::root();
        for name in [&b"a\nb"[..], b"a\rb", b"a\0b", &[b'x'; 256]] {
            assert_eq!(root.resolve(name).unwrap_err().kind, StoreErrorKind::BadName);
        }
        assert!(root.resolve(&b"a/".repeat(65)).is_err());
        assert!(root.resolve(b"\xff\x80").is_ok());
    }
}
