//! The catalogue: every requirement, where it comes from and what breaking it costs.
//!
//! Read from `scenarios/requirements/*.yaml`, which is built into the binary. Pure: text in, values or a problem out.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::level::{Grade, Level, Side};

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios/requirements");

/// One requirement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Stable name, e.g. `rfc4217.s9.pbsz-before-prot`.
    pub id: String,
    /// The document it comes from, or whose subject it is: `RFC 4217`. None for pure practice.
    pub document: Option<String>,
    /// The section of that document, as the document numbers it.
    pub section: Option<String>,
    /// Further places, e.g. `RFC 2228 section 3`.
    pub see_also: Vec<String>,
    /// What the text says.
    pub level: Level,
    /// What breaking it costs.
    pub grade: Grade,
    /// Whom it binds.
    pub applies_to: Side,
    /// Topic; the folder of the scenarios that check it.
    pub area: String,
    /// 1 (first) to 4 (last): the order of work.
    pub priority: u8,
    /// Whether the cited text was read for this entry.
    pub verified: bool,
    /// What a check needs, in the catalogue's words.
    pub needs: Vec<String>,
    /// Codes or classes that do not by themselves break it; empty when it is not about a code.
    pub accepted_replies: Vec<String>,
    /// Where practice comes from; empty for the words of an RFC.
    pub basis: Vec<String>,
    /// The requirement in our own words.
    pub summary: String,
    /// How it can be checked.
    pub check: CheckIdea,
    /// How a mock breaks it, in words.
    pub fault: String,
    /// What is known from the field.
    pub notes: String,
    /// Why no scenario checks it, when that is decided.
    pub waived: Option<String>,
    /// What of the check no scenario does, and why; for a requirement that is covered otherwise.
    pub partly_waived: Option<String>,
}

/// How a requirement can be checked, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct CheckIdea {
    /// What is done.
    pub steps: String,
    /// What holds it.
    pub pass: String,
    /// What breaks it.
    pub fail: String,
    /// What is worth a warning.
    #[serde(default)]
    pub warn: String,
    /// When it does not apply.
    #[serde(default)]
    pub not_applicable: String,
}

impl Requirement {
    /// `RFC 4217 section 9`, `RFC 959 Appendix II`, or the first basis of a practice.
    #[must_use]
    pub fn citation(&self) -> String {
        let place = self.place();
        match self.level {
            // The document is where the practice is explained, and demands nothing.
            Level::SecurityPractice | Level::DeFacto if self.document.is_some() => {
                format!("practice (see {place})")
            }
            _ => place,
        }
    }

    /// Where it is written.
    fn place(&self) -> String {
        match (&self.document, &self.section) {
            (Some(document), Some(section)) if section.starts_with("Appendix") => {
                format!("{document} {section}")
            }
            (Some(document), Some(section)) if section.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("{document} section {section}")
            }
            (Some(document), Some(section)) => format!("{document} appendix {section}"),
            (Some(document), None) => document.clone(),
            (None, _) => self
                .basis
                .first()
                .cloned()
                .unwrap_or_else(|| "practice".to_owned()),
        }
    }
}

/// All requirements, sorted by id.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    entries: BTreeMap<String, Requirement>,
}

/// A catalogue file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {kind}")]
pub struct CatalogueError {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub kind: CatalogueErrorKind,
}

/// What is wrong with a catalogue file.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueErrorKind {
    /// Not the YAML that is expected; the reader's words.
    #[error("{0}")]
    Syntax(String),
    /// An id twice.
    #[error("requirement `{0}` is there twice")]
    DuplicateId(String),
    /// A requirement without a document and without a basis.
    #[error("requirement `{0}` names neither document nor basis")]
    NoSource(String),
    /// A waiver that does not say why.
    #[error("requirement `{0}` is waived without a reason")]
    NoReason(String),
}

/// One file, as written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawFile {
    document: Option<String>,
    #[serde(rename = "title")]
    _title: String,
    requirements: Vec<RawRequirement>,
}

/// One entry, as written.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawRequirement {
    id: String,
    document: Option<String>,
    section: Option<String>,
    #[serde(default)]
    see_also: Vec<String>,
    level: Level,
    grade: Grade,
    applies_to: Side,
    area: String,
    priority: u8,
    verified: bool,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    accepted_replies: Vec<String>,
    #[serde(default)]
    basis: Vec<String>,
    summary: String,
    check: CheckIdea,
    #[serde(default)]
    fault: String,
    #[serde(default)]
    notes: String,
    waived: Option<String>,
    partly_waived: Option<String>,
}

impl Catalogue {
    /// The catalogue that is built in.
    ///
    /// # Errors
    /// When a built-in file is broken, which a test rules out.
    pub fn embedded() -> Result<Self, CatalogueError> {
        Self::load(&Self::embedded_files())
    }

    /// The built-in files: name and text, sorted by name.
    #[must_use]
    pub fn embedded_files() -> Vec<(String, String)> {
        let mut files: Vec<(String, String)> = EMBEDDED
            .files()
            .filter(|file| {
                file.path()
                    .extension()
                    .is_some_and(|extension| extension == "yaml")
            })
            .filter_map(|file| {
                Some((
                    file.path().to_string_lossy().into_owned(),
                    file.contents_utf8()?.to_owned(),
                ))
            })
            .collect();
        files.sort();
        files
    }

    /// Reads catalogue files, each a name and a text.
    ///
    /// # Errors
    /// At the first file that is not as expected, and for ids that are there twice.
    pub fn load(files: &[(String, String)]) -> Result<Self, CatalogueError> {
        let mut entries = BTreeMap::new();
        for (file, text) in files {
            let wrong = |kind| CatalogueError {
                file: file.clone(),
                kind,
            };
            let raw: RawFile = serde_yaml::from_str(text)
                .map_err(|error| wrong(CatalogueErrorKind::Syntax(error.to_string())))?;
            for entry in raw.requirements {
                let requirement = lower(entry, raw.document.as_deref());
                if requirement.document.is_none() && requirement.basis.is_empty() {
                    return Err(wrong(CatalogueErrorKind::NoSource(requirement.id)));
                }
                let reasons = [&requirement.waived, &requirement.partly_waived];
                if reasons.into_iter().flatten().any(String::is_empty) {
                    return Err(wrong(CatalogueErrorKind::NoReason(requirement.id)));
                }
                match entries.entry(requirement.id.clone()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(requirement);
                    }
                    Entry::Occupied(_) => return Err(wrong(CatalogueErrorKind::DuplicateId(requirement.id))),
                }
            }
        }
        Ok(Self { entries })
    }

    /// The requirement called `id`.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        self.entries.get(id)
    }

    /// All requirements, sorted by id.
    pub fn iter(&self) -> impl Iterator<Item = &Requirement> {
        self.entries.values()
    }

    /// All ids, sorted.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Those whose id is `prefix` or starts with `prefix` and a dot: `rfc4217`, `rfc4217.s9`.
    pub fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.iter().filter(move |requirement| {
            let rest = requirement.id.strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        })
    }

    /// Those of an area.
    pub fn of_area<'a>(&'a self, area: &'a str) -> impl Iterator<Item = &'a Requirement> {
        self.iter().filter(move |requirement| requirement.area == area)
    }

    /// Level and grade of every requirement, for the judge.
    #[must_use]
    pub fn grades(&self) -> BTreeMap<String, (Level, Grade)> {
        self.iter()
            .map(|requirement| (requirement.id.clone(), (requirement.level, requirement.grade)))
            .collect()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

fn lower(raw: RawRequirement, document: Option<&str>) -> Requirement {
    Requirement {
        id: raw.id,
        document: raw.document.or_else(|| document.map(str::to_owned)),
        section: raw.section,
        see_also: raw.see_also,
        level: raw.level,
        grade: raw.grade,
        applies_to: raw.applies_to,
        area: raw.area,
        priority: raw.priority,
        verified: raw.verified,
        needs: raw.needs,
        accepted_replies: raw.accepted_replies,
        basis: raw.basis,
        summary: raw.summary.trim().to_owned(),
        check: raw.check,
        fault: raw.fault.trim().to_owned(),
        notes: raw.notes.trim().to_owned(),
        waived: raw.waived.map(|reason| reason.trim().to_owned()),
        partly_waived: raw.partly_waived.map(|reason| reason.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_catalogue_is_read_and_consistent() {
        let catalogue = Catalogue::embedded().unwrap();
        assert_eq!(catalogue.len(), 463);
        for requirement in catalogue.iter() {
            let first = requirement.id.split('.').next().unwrap();
            assert!(crate::base::is_kebab_case(&requirement.id), "{}", requirement.id);
            assert!(requirement.id.contains('.'), "{}", requirement.id);
            if let Some(number) = first.strip_prefix("rfc") {
                assert_eq!(
                    requirement.document,
                    Some(format!("RFC {number}")),
                    "{}",
                    requirement.id
                );
                assert!(requirement.basis.is_empty(), "{}", requirement.id);
            } else {
                assert!(!requirement.basis.is_empty(), "{}", requirement.id);
            }
            assert!(!requirement.summary.is_empty(), "{}", requirement.id);
            assert!((1..=4).contains(&requirement.priority), "{}", requirement.id);
        }
    }

    #[test]
    fn requirements_are_found_by_id_prefix_and_area() {
        let catalogue = Catalogue::embedded().unwrap();
        let pbsz = catalogue.get("rfc4217.s9.pbsz-before-prot").unwrap();
        assert_eq!(pbsz.citation(), "RFC 4217 section 9");
        assert!(catalogue.with_prefix("rfc4217.s9").count() > 1);
        assert!(
            catalogue
                .with_prefix("rfc4217.s9")
                .all(|requirement| requirement.section.as_deref() == Some("9"))
        );
        assert_eq!(catalogue.with_prefix("rfc4217.s").count(), 0);
        assert_eq!(catalogue.of_area("shutdown").count(), 31);
        assert!(catalogue.get("rfc4217").is_none());
    }

    #[test]
    fn citations_name_the_place() {
        let catalogue = Catalogue::embedded().unwrap();
        let cited = |id: &str| catalogue.get(id).unwrap().citation();
        assert_eq!(cited("rfc959.appii.pwd-quoting"), "RFC 959 Appendix II");
        assert_eq!(cited("defacto.data.pasv-listener-closed"), "Practice");
        assert_eq!(
            cited("defacto.reuse.many-sequential-transfers"),
            "practice (see RFC 8446 appendix C.4)"
        );
    }

    #[test]
    fn mistakes_in_a_catalogue_file_are_reported() {
        let entry = "title: x\nrequirements:\n  - { id: a.b, level: must, grade: fail, applies-to: server, area: x, \
                     priority: 1, verified: true, summary: s, check: { steps: a, pass: b, fail: c }BASIS }\n";
        let load = |files: &[&str]| {
            let files: Vec<(String, String)> = files
                .iter()
                .map(|text| ("f.yaml".to_owned(), (*text).to_owned()))
                .collect();
            Catalogue::load(&files)
        };
        let good = entry.replace("BASIS", ", basis: [Practice]");
        assert!(load(&[&good]).is_ok());
        assert!(load(&[&good, &good]).unwrap_err().to_string().contains("twice"));
        assert!(
            load(&[&entry.replace("BASIS", "")])
                .unwrap_err()
                .to_string()
                .contains("neither")
        );
        assert!(load(&[&good.replace("level", "leval")]).is_err());
        assert!(
            load(&[&entry.replace("BASIS", ", basis: [Practice], waived: needs a second machine")]).is_ok()
        );
        assert!(
            load(&[&entry.replace("BASIS", ", basis: [Practice], waived: ' '")])
                .unwrap_err()
                .to_string()
                .contains("without a reason")
        );
    }
}
