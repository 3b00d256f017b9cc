//! The FEAT reply: which extensions a server says it has.
//!
//! RFC 2389 section 3.2 (form), RFC 4217 section 6 (AUTH, PBSZ, PROT), RFC 3659 section 7.8 (MLST). Reads any 211 and
//! notes what is odd. Does not know whether an extension works.

use serde::{Deserialize, Serialize};

use super::reply::Reply;

/// What is odd about a FEAT reply or one line of it. Facts, not verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FeatureViolation {
    /// The reply code is not 211.
    CodeNot211,
    /// The line repeats the code (`211-MDTM`) where one space belongs.
    CodeRepeated,
    /// A multi-line reply without any feature; RFC 2389 has a single line for that.
    EmptyList,
    /// An empty feature line.
    EmptyLine,
    /// The text of the last line is not `End`.
    LastLineNotEnd,
    /// No space before the feature.
    NoLeadingSpace,
    /// A character outside of printable ASCII.
    NotPrintable,
    /// More than one space before the feature.
    SeveralLeadingSpaces,
    /// Spaces behind the feature.
    TrailingSpace,
}

impl FeatureViolation {
    /// The name in kebab-case, as serde writes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CodeNot211 => "code-not211",
            Self::CodeRepeated => "code-repeated",
            Self::EmptyList => "empty-list",
            Self::EmptyLine => "empty-line",
            Self::LastLineNotEnd => "last-line-not-end",
            Self::NoLeadingSpace => "no-leading-space",
            Self::NotPrintable => "not-printable",
            Self::SeveralLeadingSpaces => "several-leading-spaces",
            Self::TrailingSpace => "trailing-space",
        }
    }
}

/// One line of a FEAT reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// The first word, in upper case.
    pub name: String,
    /// The rest behind one space, as sent; empty without one.
    pub parameter: String,
    /// The line as received, without line end.
    pub raw: Vec<u8>,
    /// What is odd about this line.
    pub violations: Vec<FeatureViolation>,
}

/// What a server says it can do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features {
    /// The feature lines in the order of the reply.
    pub lines: Vec<Feature>,
    /// What is odd about the reply as a whole; see the lines for the rest.
    pub violations: Vec<FeatureViolation>,
}

/// One fact of the MLST feature line, RFC 3659 section 7.8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MlstFact {
    /// The fact in lower case.
    pub name: String,
    /// Whether an asterisk marks it as sent unless OPTS MLST says otherwise.
    pub is_default: bool,
}

impl Features {
    /// Whether a line names `feature`, in any case.
    #[must_use]
    pub fn has(&self, feature: &str) -> bool {
        self.named(feature).next().is_some()
    }

    /// The words of all lines that name `feature`, split at spaces, semicolons and commas: `TLS`, `TLS-C` of
    /// `AUTH TLS;TLS-C;`.
    #[must_use]
    pub fn parameters(&self, feature: &str) -> Vec<String> {
        self.named(feature)
            .flat_map(|line| line.parameter.split([' ', ';', ',']))
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// Whether a line names `feature` and `parameter`, in any case.
    #[must_use]
    pub fn has_parameter(&self, feature: &str, parameter: &str) -> bool {
        self.parameters(feature)
            .iter()
            .any(|word| word.eq_ignore_ascii_case(parameter))
    }

    /// The facts of the MLST line; `None` when there is no such line.
    #[must_use]
    pub fn mlst_facts(&self) -> Option<Vec<MlstFact>> {
        let line = self.named("MLST").next()?;
        let facts = line
            .parameter
            .split(';')
            .map(str::trim)
            .filter(|fact| !fact.is_empty())
            .map(|fact| {
                let name = fact.strip_suffix('*').unwrap_or(fact);
                MlstFact {
                    name: name.to_ascii_lowercase(),
                    is_default: name.len() < fact.len(),
                }
            })
            .collect();
        Some(facts)
    }

    /// Every violation of the reply and its lines, each kind once.
    #[must_use]
    pub fn all_violations(&self) -> Vec<FeatureViolation> {
        let mut all = self.violations.clone();
        for line in &self.lines {
            all.extend_from_slice(&line.violations);
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn named<'a>(&'a self, feature: &'a str) -> impl Iterator<Item = &'a Feature> {
        self.lines
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(feature))
    }
}

/// Reads a FEAT reply. Total: a reply that is no list of features gives no lines, and violations.
///
/// A single-line 211 is the legal way to say that there are none; another code gives
/// [`FeatureViolation::CodeNot211`].
#[must_use]
pub fn parse_features(reply: &Reply) -> Features {
    let mut features = Features::default();
    if reply.code.value() != 211 {
        features.violations.push(FeatureViolation::CodeNot211);
    }
    let [_, inner @ .., last] = reply.lines.as_slice() else {
        return features;
    };
    let code = reply.code.to_string();
    features.lines = inner.iter().map(|line| parse_feature(&code, line)).collect();
    if features.lines.is_empty() {
        features.violations.push(FeatureViolation::EmptyList);
    }
    if !last.eq_ignore_ascii_case(b"End") {
        features.violations.push(FeatureViolation::LastLineNotEnd);
    }
    features
}

fn parse_feature(code: &str, line: &[u8]) -> Feature {
    let text = String::from_utf8_lossy(line);
    let mut violations = Vec::new();
    let mut content: &str = &text;
    if let Some(rest) = content.strip_prefix(code).and_then(|rest| rest.strip_prefix('-')) {
        content = rest;
        violations.push(FeatureViolation::CodeRepeated);
    }
    let stripped = content.trim_start_matches(' ');
    match content.len().saturating_sub(stripped.len()) {
        1 => {}
        0 if !violations.is_empty() => {}
        0 => violations.push(FeatureViolation::NoLeadingSpace),
        _ => violations.push(FeatureViolation::SeveralLeadingSpaces),
    }
    let trimmed = stripped.trim_end_matches(' ');
    if trimmed.is_empty() {
        violations.push(FeatureViolation::EmptyLine);
    } else if trimmed.len() < stripped.len() {
        violations.push(FeatureViolation::TrailingSpace);
    }
    if !line.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        violations.push(FeatureViolation::NotPrintable);
    }
    violations.sort_unstable();
    let (name, parameter) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
    Feature {
        name: name.to_ascii_uppercase(),
        parameter: parameter.to_owned(),
        raw: line.to_vec(),
        violations,
    }
}

/// The lines of a FEAT reply for [`render_reply`](super::reply::render_reply): `Features:`, each feature behind one
/// space, `End`. Without features a single line.
#[must_use]
pub fn render_features(features: &[impl AsRef<str>]) -> Vec<String> {
    if features.is_empty() {
        return vec!["no features".to_owned()];
    }
    let mut lines = vec!["Features:".to_owned()];
    lines.extend(features.iter().map(|feature| format!(" {}", feature.as_ref())));
    lines.push("End".to_owned());
    lines
}

/// Reads any bytes as a FEAT reply and checks that what was found can be written and read again. For fuzzing and property
/// tests.
#[doc(hidden)]
pub fn fuzz_entry(data: &[u8]) {
    let mut parser = super::reply::ReplyParser::default();
    parser.push(data);
    while let Ok(Some(reply)) = parser.finish() {
        let features = parse_features(&reply);
        assert!(features.lines.len() < reply.lines.len());
        for line in &features.lines {
            assert!(features.has(&line.name));
            let word = [line.name.as_str(), line.parameter.as_str()].join(" ");
            let again = parse_feature("211", format!(" {word}").as_bytes());
            assert!(line.name.is_empty() || again.name == line.name);
        }
        let _ = features.parameters("AUTH");
        let _ = features.mlst_facts();
        let _ = features.all_violations();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::reply::{ReplyCode, ReplyParser, render_reply};
    use super::*;

    fn features(raw: &[u8]) -> Features {
        let mut parser = ReplyParser::default();
        parser.push(raw);
        parse_features(&parser.next().unwrap().unwrap())
    }

    #[test]
    fn each_line_is_a_name_and_its_parameter() {
        let features = features(b"211-Features:\r\n AUTH TLS\r\n REST STREAM\r\n utf8\r\n211 End\r\n");
        assert_eq!(features.lines.len(), 3);
        assert!(features.has("auth") && features.has("UTF8") && !features.has("PBSZ"));
        assert!(features.has_parameter("REST", "stream"));
        assert_eq!(features.all_violations(), []);
    }

    #[test]
    fn auth_parameters_are_found_in_every_style() {
        for (lines, expected) in [
            (" AUTH TLS", vec!["TLS"]),
            (" AUTH TLS;TLS-C;PBSZ;PROT;", vec!["TLS", "TLS-C", "PBSZ", "PROT"]),
            (" AUTH SSL\r\n AUTH TLS", vec!["SSL", "TLS"]),
            (" AUTH SSL,TLS", vec!["SSL", "TLS"]),
            (" AUTH", vec![]),
        ] {
            let raw = format!("211-F\r\n{lines}\r\n211 End\r\n");
            assert_eq!(features(raw.as_bytes()).parameters("AUTH"), expected, "{lines}");
        }
    }

    #[test]
    fn mlst_facts_know_which_are_sent_without_asking() {
        let features = features(b"211-F\r\n MLST Type*;Size*;Modify;UNIX.mode;\r\n211 End\r\n");
        let facts = features.mlst_facts().unwrap();
        let shown: Vec<_> = facts
            .iter()
            .map(|fact| (fact.name.as_str(), fact.is_default))
            .collect();
        assert_eq!(
            shown,
            [
                ("type", true),
                ("size", true),
                ("modify", false),
                ("unix.mode", false)
            ]
        );
        assert_eq!(Features::default().mlst_facts(), None);
    }

    #[test]
    fn oddities_are_noted() {
        use FeatureViolation as V;
        let cases: &[(&str, &[V])] = &[
            ("211 no features", &[]),
            ("211-F\r\n A\r\n211 END", &[]),
            ("211-F\r\n211 End", &[V::EmptyList]),
            ("211-F\r\nA\r\n211 End", &[V::NoLeadingSpace]),
            ("211-F\r\n  A\r\n211 End", &[V::SeveralLeadingSpaces]),
            ("211-F\r\n211-A\r\n211 End", &[V::CodeRepeated]),
            ("211-F\r\n A \r\n211 End", &[V::TrailingSpace]),
            ("211-F\r\n \r\n211 End", &[V::EmptyLine]),
            ("211-F\r\n A\tb\r\n211 End", &[V::NotPrintable]),
            ("211-F\r\n A\r\n211 End.", &[V::LastLineNotEnd]),
            ("500 what", &[V::CodeNot211]),
        ];
        for (raw, violations) in cases {
            assert_eq!(
                features(format!("{raw}\r\n").as_bytes()).all_violations(),
                *violations,
                "{raw}"
            );
        }
    }

    #[test]
    fn names_in_serde_are_those_of_the_type() {
        for violation in [
            FeatureViolation::CodeNot211,
            FeatureViolation::SeveralLeadingSpaces,
        ] {
            assert_eq!(serde_json::to_value(violation).unwrap(), violation.name());
        }
    }

    proptest! {
        #[test]
        fn any_reply_is_read(inner in "[ -~\r\n\t]{0,200}") {
            fuzz_entry(format!("211-{inner}\r\n211 End\r\n").as_bytes());
        }

        #[test]
        fn what_is_written_is_read_again(
            written in proptest::collection::vec("[A-Z][A-Z0-9]{2,5}( [!-~]{1,20})?", 1..8),
        ) {
            let code = ReplyCode::new(211).unwrap();
            let features = features(&render_reply(code, &render_features(&written)));
            prop_assert_eq!(features.all_violations(), vec![]);
            let read: Vec<String> = features
                .lines
                .iter()
                .map(|line| format!("{} {}", line.name, line.parameter).trim_end().to_owned())
                .collect();
            prop_assert_eq!(read, written);
        }
    }
}
