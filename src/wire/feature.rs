//! The FEAT reply: which extensions a server says it has.
//!
//! RFC 2389 section 3.2 (form), RFC 4217 section 6 (AUTH, PBSZ, PROT), RFC 3659 section 7.8 (MLST). Reads any 211 and notes what is
//! odd. Does not know whether an extension works.

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
/// A single-line 211 is the legal way to say that there are none; another code gives [`FeatureViolation::CodeNot211`].
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

/// The lines of a FEAT reply for [`render_reply`](super::reply::render_reply): `Features:`, each feature behind one space, `End`.
/// Without features a single line.
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
