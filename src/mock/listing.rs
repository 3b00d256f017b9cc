//! Listings as text: LIST for people, NLST names, MLST and MLSD facts, and the line ends of type A.
//!
//! RFC 959 section 3.1.1.1 (type A), RFC 1123 section 4.1.2.7 (LIST and NLST), RFC 3659 section 7 (facts). Pure.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Fault;
use super::store::Entry;
use crate::wire::TimeVal;
use crate::wire::facts::render_entry;

/// After this time LIST shows the year in place of the hour, in seconds.
const HALF_A_YEAR: i64 = 182 * 86_400;

/// One fact of RFC 3659 section 7.5.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fact {
    Type,
    Size,
    Modify,
    Perm,
    Unique,
}

impl Fact {
    const ALL: [Self; 5] = [Self::Type, Self::Size, Self::Modify, Self::Perm, Self::Unique];

    fn name(self) -> &'static str {
        match self {
            Self::Type => "type",
            Self::Size => "size",
            Self::Modify => "modify",
            Self::Perm => "perm",
            Self::Unique => "unique",
        }
    }
}

/// The facts that a client wants (OPTS MLST, RFC 3659 section 7.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FactSet(Vec<Fact>);

impl Default for FactSet {
    /// All of them.
    fn default() -> Self {
        Self(Fact::ALL.to_vec())
    }
}

impl FactSet {
    /// The facts named in the argument of OPTS MLST, unknown ones left out; none when the argument is malformed.
    pub(super) fn parse(argument: &str) -> Option<Self> {
        if argument.is_empty() {
            return Some(Self(Vec::new()));
        }
        let names = argument.strip_suffix(';')?;
        let mut wanted = Vec::new();
        for name in names.split(';') {
            let is_name = !name.is_empty()
                && name
                    .chars()
                    .all(|c| c.is_ascii_graphic() && !matches!(c, ';' | '=' | '*' | '"'));
            if !is_name {
                return None;
            }
            wanted.push(name);
        }
        let facts = Fact::ALL
            .into_iter()
            .filter(|fact| wanted.iter().any(|name| name.eq_ignore_ascii_case(fact.name())))
            .collect();
        Some(Self(facts))
    }

    /// `type;size;`, as the reply to OPTS MLST has them.
    pub(super) fn echo(&self) -> String {
        self.0.iter().map(|fact| format!("{};", fact.name())).collect()
    }

    /// `type*;size;`, as FEAT has them: what is selected has an asterisk.
    pub(super) fn feature(&self) -> String {
        Fact::ALL
            .into_iter()
            .map(|fact| {
                format!(
                    "{}{};",
                    fact.name(),
                    if self.0.contains(&fact) { "*" } else { "" }
                )
            })
            .collect()
    }
}

/// An MLSD line without its line end, or an MLST line without the space before it. `name` is what stands for the name.
pub(super) fn fact_line(entry: &Entry, name: &[u8], facts: &FactSet, faults: &BTreeSet<Fault>) -> Vec<u8> {
    let value = |fact| wrong_value(entry, fact, faults).or_else(|| fact_value(entry, fact));
    let values: Vec<(&str, String)> = facts
        .0
        .iter()
        .filter_map(|fact| value(*fact).map(|value| (fact.name(), value)))
        .collect();
    if faults.contains(&Fault::PadsFacts) {
        return render_entry(&values, &[b" ", name].concat());
    }
    render_entry(&values, name)
}

/// What a fault says in place of the fact.
fn wrong_value(entry: &Entry, fact: Fact, faults: &BTreeSet<Fault>) -> Option<String> {
    let has = |fault| faults.contains(&fault);
    match fact {
        Fact::Type if entry.is_directory && has(Fault::ReportsTypeFolder) => Some("folder".to_owned()),
        Fact::Size if !entry.is_directory && has(Fault::ReportsSizeFactInKib) => {
            Some(format!("{}K", entry.bytes / 1024))
        }
        Fact::Modify if has(Fault::ReportsModifyInLocalTime) => {
            TimeVal::from_unix(entry.modified.saturating_add(3600)).map(|time| time.to_string())
        }
        Fact::Unique if has(Fault::GivesEveryFileOneUniqueFact) => Some("1".to_owned()),
        Fact::Unique if has(Fault::CountsUniqueFacts) => {
            static NEXT: AtomicU64 = AtomicU64::new(1);
            Some(format!("c{:x}", NEXT.fetch_add(1, Ordering::Relaxed)))
        }
        Fact::Perm if has(Fault::ReportsPermAsUnixMode) => Some("0644".to_owned()),
        _ => None,
    }
}

fn fact_value(entry: &Entry, fact: Fact) -> Option<String> {
    match fact {
        Fact::Type => Some(if entry.is_directory { "dir" } else { "file" }.to_owned()),
        Fact::Size => (!entry.is_directory).then(|| entry.bytes.to_string()),
        Fact::Modify => TimeVal::from_unix(entry.modified).map(|time| time.to_string()),
        Fact::Perm => Some(if entry.is_directory { "cdeflmp" } else { "adfrw" }.to_owned()),
        Fact::Unique => Some(format!("{:x}", entry.id)),
    }
}

/// A LIST line without its line end, in the form of `ls -l`; `now` in seconds since 1970-01-01 UTC.
pub(super) fn list_line(entry: &Entry, name: &[u8], now: i64) -> Vec<u8> {
    let mode = if entry.is_directory {
        "drwxr-xr-x"
    } else {
        "-rw-r--r--"
    };
    let date = list_date(entry.modified, now);
    let mut line = format!("{mode}   1 ftp      ftp      {:>12} {date} ", entry.bytes).into_bytes();
    line.extend_from_slice(name);
    line
}

fn list_date(modified: i64, now: i64) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let Some(time) = TimeVal::from_unix(modified) else {
        return "Jan 01  1970".to_owned();
    };
    let (year, month, day) = time.date();
    let (hour, minute, _) = time.time();
    let month = MONTHS
        .get(usize::from(month).saturating_sub(1))
        .copied()
        .unwrap_or("Jan");
    if modified > now.saturating_sub(HALF_A_YEAR) && modified <= now {
        format!("{month} {day:02} {hour:02}:{minute:02}")
    } else {
        format!("{month} {day:02}  {year:04}")
    }
}

/// Stored text as type A sends it: LF becomes CRLF, CRLF stays.
pub(super) fn to_network(stored: &[u8]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(stored.len().saturating_add(stored.len() / 16));
    let mut previous = 0;
    for byte in stored {
        if *byte == b'\n' && previous != b'\r' {
            sent.push(b'\r');
        }
        sent.push(*byte);
        previous = *byte;
    }
    sent
}

/// What arrived in type A as it is stored: CRLF becomes LF.
pub(super) fn from_network(received: &[u8]) -> Vec<u8> {
    let mut stored = Vec::with_capacity(received.len());
    for byte in received {
        if *byte == b'\n' && stored.last() == Some(&b'\r') {
            stored.pop();
        }
        stored.push(*byte);
    }
    stored
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Entry {
        Entry {
            name: b"a b".to_vec(),
            is_directory: false,
            bytes: 12,
            modified: 1_700_000_000,
            id: 255,
        }
    }

    #[test]
    fn facts_are_selected_by_opts_mlst() {
        let facts = FactSet::parse("Type;nosuch;SIZE;").unwrap();
        assert_eq!(facts.echo(), "type;size;");
        assert_eq!(facts.feature(), "type*;size*;modify;perm;unique;");
        assert_eq!(
            fact_line(&file(), b"a b", &facts, &BTreeSet::new()),
            b"type=file;size=12; a b"
        );
        let none = FactSet::parse("").unwrap();
        assert_eq!(fact_line(&file(), b"a b", &none, &BTreeSet::new()), b" a b");
        assert_eq!(
            fact_line(&file(), b"a b", &FactSet::default(), &BTreeSet::new()),
            b"type=file;size=12;modify=20231114221320;perm=adfrw;unique=ff; a b"
        );
        for malformed in ["type", "unique type;", ";", "type;;", "a=b;"] {
            assert_eq!(FactSet::parse(malformed), None, "{malformed}");
        }
    }

    #[test]
    fn old_files_show_the_year() {
        let line = |now| String::from_utf8(list_line(&file(), b"a b", now)).unwrap();
        assert_eq!(
            line(1_700_000_001),
            "-rw-r--r--   1 ftp      ftp                12 Nov 14 22:13 a b"
        );
        assert!(line(1_800_000_000).contains("Nov 14  2023 a b"));
    }

    #[test]
    fn type_a_changes_line_ends_and_nothing_else() {
        assert_eq!(to_network(b"a\nb\r\nc\rd"), b"a\r\nb\r\nc\rd");
        assert_eq!(from_network(b"a\r\nb\nc\rd\r"), b"a\nb\nc\rd\r");
        assert_eq!(from_network(&to_network(b"\n\nx\n")), b"\n\nx\n");
    }
}
