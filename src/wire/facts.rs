//! Facts about files: MLST and MLSD entries, times and sizes.
//!
//! RFC 3659 section 2.3 (times), 3 (MDTM), 4 (SIZE) and 7 (MLST, MLSD). Names are bytes, never decoded. LIST output
//! has no grammar and is not read here.

use serde::{Deserialize, Serialize};

use super::line::{Ending, bounded, split_ending};
pub use super::time_val::TimeVal;

/// How many bytes of a bad entry an error keeps.
const ERROR_LINE_LIMIT: usize = 256;

/// Why bytes are not an entry, a time or a size. The fault of the peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// A fact without `=`.
    #[error("the entry has a fact without `=`: `{}`", crate::base::escape_peer(line))]
    FactWithoutValue {
        /// The line, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// An entry without the space that separates facts and name.
    #[error(
        "the entry has no space before the name: `{}`",
        crate::base::escape_peer(line)
    )]
    MissingSpace {
        /// The line, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// An entry without a name.
    #[error("the entry has no name: `{}`", crate::base::escape_peer(line))]
    MissingName {
        /// The line, cut to 256 bytes.
        line: Vec<u8>,
    },
    /// Not decimal digits, or more than 64 bits.
    #[error("the size is not a decimal number: `{}`", crate::base::escape_peer(text.as_bytes()))]
    Size {
        /// The text, cut to 256 bytes.
        text: String,
    },
    /// Not fourteen digits with an optional fraction.
    #[error("the time does not have the form `YYYYMMDDHHMMSS`: `{}`", crate::base::escape_peer(text.as_bytes()))]
    TimeForm {
        /// The text, cut to 256 bytes.
        text: String,
    },
    /// The right form, but no such day or hour.
    #[error("the time does not exist: `{}`", crate::base::escape_peer(text.as_bytes()))]
    TimeRange {
        /// The text, cut to 256 bytes.
        text: String,
    },
}

/// What is odd about an entry that could be read all the same. Facts, not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EntryViolation {
    /// The line ends with LF alone.
    BareLineFeed,
    /// A character in a fact that RFC 3659 section 7.2 does not allow there.
    FactCharacter,
    /// The same fact twice.
    FactRepeated,
    /// The last line of a listing does not end.
    LineEndMissing,
    /// No semicolon behind the last fact.
    MissingSemicolon,
    /// No space before the entry in an MLST reply (RFC 3659 section 7.2).
    MissingReplySpace,
}

/// One MLST or MLSD entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactEntry {
    /// Fact names as sent and values, in the order of the entry.
    pub facts: Vec<(String, String)>,
    /// The name: everything behind the one space, as bytes.
    pub name: Vec<u8>,
    /// What is odd, each kind once, in alphabetical order.
    pub violations: Vec<EntryViolation>,
}

/// The value of the `type` fact, RFC 3659 section 7.5.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryType {
    /// The listed directory itself.
    Cdir,
    /// A directory.
    Dir,
    /// A file.
    File,
    /// Something that only the server's operating system knows, `OS.name=type`; the whole value.
    Os(String),
    /// A value that RFC 3659 does not have.
    Other(String),
    /// The parent of the listed directory.
    Pdir,
}

impl FactEntry {
    /// The value of the fact called `name`, in any case; the first one.
    #[must_use]
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts
            .iter()
            .find(|(fact, _)| fact.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The `type` fact.
    #[must_use]
    pub fn entry_type(&self) -> Option<EntryType> {
        let value = self.fact("type")?;
        Some(match value.to_ascii_lowercase().as_str() {
            "cdir" => EntryType::Cdir,
            "dir" => EntryType::Dir,
            "file" => EntryType::File,
            "pdir" => EntryType::Pdir,
            lower if lower.starts_with("os.") => EntryType::Os(value.to_owned()),
            _ => EntryType::Other(value.to_owned()),
        })
    }

    /// The `size` fact, in bytes.
    #[must_use]
    pub fn size(&self) -> Option<Result<u64, FactError>> {
        self.fact("size").map(parse_size)
    }

    /// The `modify` fact.
    #[must_use]
    pub fn modify(&self) -> Option<Result<TimeVal, FactError>> {
        self.fact("modify").map(str::parse)
    }
}

/// An MLSD line, with or without its line end, or an MLST entry without its leading space.
///
/// # Errors
///
/// [`FactError::MissingSpace`], [`FactError::MissingName`] and [`FactError::FactWithoutValue`].
pub fn parse_entry(line: &[u8]) -> Result<FactEntry, FactError> {
    let (content, ending) = split_ending(line);
    let error_line = || bounded(content, ERROR_LINE_LIMIT);
    let mut parts = content.splitn(2, |byte| *byte == b' ');
    let facts = parts.next().unwrap_or_default();
    let Some(name) = parts.next() else {
        return Err(FactError::MissingSpace { line: error_line() });
    };
    if name.is_empty() {
        return Err(FactError::MissingName { line: error_line() });
    }
    let mut entry = FactEntry {
        facts: Vec::new(),
        name: name.to_vec(),
        violations: Vec::new(),
    };
    if ending == Ending::LineFeed {
        entry.violations.push(EntryViolation::BareLineFeed);
    }
    if facts.is_empty() {
        return Ok(entry);
    }
    let facts = facts.strip_suffix(b";").unwrap_or_else(|| {
        entry.violations.push(EntryViolation::MissingSemicolon);
        facts
    });
    for fact in facts.split(|byte| *byte == b';') {
        let fact = String::from_utf8_lossy(fact);
        let Some((name, value)) = fact.split_once('=') else {
            return Err(FactError::FactWithoutValue { line: error_line() });
        };
        let is_fine = !name.is_empty() && !name.contains(['"', '=']);
        if !is_fine || !name.chars().chain(value.chars()).all(is_fact_character) {
            entry.violations.push(EntryViolation::FactCharacter);
        }
        entry.facts.push((name.to_owned(), value.to_owned()));
    }
    let mut names: Vec<String> = entry
        .facts
        .iter()
        .map(|(name, _)| name.to_ascii_lowercase())
        .collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    if names.len() < count {
        entry.violations.push(EntryViolation::FactRepeated);
    }
    entry.violations.sort_unstable();
    entry.violations.dedup();
    Ok(entry)
}

/// SCHAR of RFC 3659 section 2.1.
fn is_fact_character(character: char) -> bool {
    character.is_ascii_graphic()
        && !matches!(
            character,
            ';' | '*' | '<' | '>' | '[' | ']' | '`' | '{' | '|' | '}' | '~'
        )
}

/// The inner line of an MLST reply: one space, then the entry.
///
/// # Errors
///
/// As [`parse_entry`]. A missing space is noted as [`EntryViolation::MissingReplySpace`].
pub fn parse_mlst_line(line: &[u8]) -> Result<FactEntry, FactError> {
    if let Some(entry) = line.strip_prefix(b" ") {
        return parse_entry(entry);
    }
    let mut entry = parse_entry(line)?;
    entry.violations.push(EntryViolation::MissingReplySpace);
    entry.violations.sort_unstable();
    Ok(entry)
}

/// The lines of an MLSD listing, each read for itself. Blank lines are errors like other lines that are no entries.
#[must_use]
pub fn parse_mlsd(listing: &[u8]) -> Vec<Result<FactEntry, FactError>> {
    listing
        .split_inclusive(|byte| *byte == b'\n')
        .map(|line| {
            let mut entry = parse_entry(line)?;
            if !line.ends_with(b"\n") {
                entry.violations.push(EntryViolation::LineEndMissing);
                entry.violations.sort_unstable();
            }
            Ok(entry)
        })
        .collect()
}

/// An entry as on the wire, without line end and without the space that MLST puts before it.
#[must_use]
pub fn render_entry(facts: &[(impl AsRef<str>, impl AsRef<str>)], name: &[u8]) -> Vec<u8> {
    let mut line = Vec::new();
    for (fact, value) in facts {
        line.extend_from_slice(fact.as_ref().as_bytes());
        line.push(b'=');
        line.extend_from_slice(value.as_ref().as_bytes());
        line.push(b';');
    }
    line.push(b' ');
    line.extend_from_slice(name);
    line
}

pub(super) fn cut(text: &str) -> String {
    text.chars().take(ERROR_LINE_LIMIT).collect()
}

/// The text of a 213 reply to SIZE: decimal digits and nothing else, in bytes (RFC 3659 section 4.2).
///
/// # Errors
///
/// [`FactError::Size`].
pub fn parse_size(text: &str) -> Result<u64, FactError> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| is_number)
        .ok_or_else(|| FactError::Size { text: cut(text) })
}

/// The text of a 213 reply to MDTM: a time and nothing else (RFC 3659 section 3.2).
///
/// # Errors
///
/// [`FactError::TimeForm`] and [`FactError::TimeRange`].
pub fn parse_mdtm(text: &str) -> Result<TimeVal, FactError> {
    text.parse()
}

/// Reads any bytes as a listing, as a time and as a size, and checks that what was found can be written and read again. For
/// fuzzing and property tests.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    for entry in parse_mlsd(data).iter().flatten() {
        let mut written = render_entry(&entry.facts, &entry.name);
        written.extend_from_slice(b"\r\n");
        let again = parse_entry(&written);
        assert!(again.is_ok_and(|again| again.facts == entry.facts && again.name == entry.name));
        let _ = (entry.entry_type(), entry.size(), entry.modify());
    }
    let _ = parse_mlst_line(data);
    let text = String::from_utf8_lossy(data);
    if let Ok(time) = parse_mdtm(&text) {
        assert_eq!(time.to_string(), text);
        let again = TimeVal::from_unix(time.unix());
        assert!(again.is_some_and(|again| again.unix() == time.unix()));
    }
    if let Ok(size) = parse_size(&text) {
        assert_eq!(parse_size(&size.to_string()), Ok(size));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_entry_is_facts_one_space_and_a_name() {
        let entry = parse_entry(b"Type=file;Size=17;Modify=20240229120000.5;  a;b=c \r\n").unwrap();
        assert_eq!(entry.name, b" a;b=c ");
        assert_eq!(entry.entry_type(), Some(EntryType::File));
        assert_eq!(entry.size(), Some(Ok(17)));
        assert_eq!(entry.modify().unwrap().unwrap().fraction(), "5");
        assert_eq!(entry.fact("TYPE"), Some("file"));
        assert_eq!(entry.fact("perm"), None);
        assert_eq!(entry.violations, []);
        assert_eq!(parse_entry(b" only-a-name").unwrap().facts, []);
    }

    #[test]
    fn the_type_fact_is_read_in_any_case() {
        for (value, expected) in [
            ("cdir", EntryType::Cdir),
            ("PDIR", EntryType::Pdir),
            ("Dir", EntryType::Dir),
            ("OS.unix=slink:/x", EntryType::Os("OS.unix=slink:/x".into())),
            ("door", EntryType::Other("door".into())),
        ] {
            let entry = parse_entry(format!("type={value}; x").as_bytes()).unwrap();
            assert_eq!(entry.entry_type(), Some(expected));
        }
    }

    #[test]
    fn lines_that_are_no_entries_are_errors() {
        assert!(matches!(parse_entry(b""), Err(FactError::MissingSpace { .. })));
        assert!(matches!(
            parse_entry(b"type=file;"),
            Err(FactError::MissingSpace { .. })
        ));
        assert!(matches!(
            parse_entry(b"type=file; "),
            Err(FactError::MissingName { .. })
        ));
        assert!(matches!(
            parse_entry(b"drwxr-xr-x 2 ftp ftp 4096 Jan 1 00:00 dir"),
            Err(FactError::FactWithoutValue { .. })
        ));
    }

    #[test]
    fn oddities_are_noted() {
        use EntryViolation as V;
        let cases: &[(&[u8], &[V])] = &[
            (b"a=1; x\r\n", &[]),
            (b"a=1; x\n", &[V::BareLineFeed]),
            (b"a=1; x", &[V::LineEndMissing]),
            (b"a=1 x\r\n", &[V::MissingSemicolon]),
            (b"a=1;A=2; x\r\n", &[V::FactRepeated]),
            (b"a=\t; x\r\n", &[V::FactCharacter]),
            (b"=1; x\r\n", &[V::FactCharacter]),
        ];
        for (line, violations) in cases {
            let entries = parse_mlsd(line);
            let [Ok(entry)] = entries.as_slice() else {
                panic!("{entries:?}");
            };
            assert_eq!(entry.violations, *violations, "{}", line.escape_ascii());
        }
        assert_eq!(
            parse_mlst_line(b"a=1; x").unwrap().violations,
            [V::MissingReplySpace]
        );
        assert_eq!(parse_mlst_line(b" a=1; x").unwrap().violations, []);
    }

    #[test]
    fn a_listing_is_read_line_by_line() {
        assert!(parse_mlsd(b"").is_empty());
        let entries = parse_mlsd(b"a=1; x\r\n\r\ntotal 3\r\na=2; y\r\n");
        assert_eq!(entries.len(), 4);
        assert_eq!(entries.iter().filter(|entry| entry.is_ok()).count(), 2);
    }

    #[test]
    fn a_size_is_digits_and_nothing_else() {
        assert_eq!(parse_size("0"), Ok(0));
        assert_eq!(parse_size("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "+1", "-1", " 1", "1 ", "1.5", "0x1", "18446744073709551616"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_entries_or_errors(data in proptest::collection::vec(
            prop_oneof![Just(b';'), Just(b'='), Just(b' '), Just(b'\r'), Just(b'\n'), Just(b'a'), any::<u8>()], 0..200,
        )) {
            fuzz_entry(&data);
        }

        #[test]
        fn what_is_written_is_read_again(
            facts in proptest::collection::vec(("[A-Za-z.]{1,10}", "[A-Za-z0-9.:/=-]{0,12}"), 0..6),
            name in proptest::collection::vec(any::<u8>().prop_filter("line end", |b| !matches!(b, b'\r' | b'\n')), 1..40),
        ) {
            let entry = parse_entry(&render_entry(&facts, &name)).unwrap();
            prop_assert_eq!(entry.facts, facts);
            prop_assert_eq!(entry.name, name);
        }
    }
}
