//! Filters of the command line: which scenarios, and which cells of their matrices.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::case::Cell;
use super::glob;
use crate::base::closest;
use crate::requirement::Capability;
use crate::scenario::Scenario;

/// One filter, as typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Filter {
    /// `shutdown/truncated-upload`, `shutdown` (an area) or any other folder.
    Path(String),
    /// `shutdown/*`, `**tls**`.
    Glob(String),
    /// `requirement:rfc4217.s9`: scenarios with a check of it, or of one below it.
    Requirement(String),
    /// `requires:upload`.
    Requires(Capability),
    /// `detects:accepts-prot-without-pbsz`.
    Detects(String),
}

/// A filter that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct SelectError {
    /// What is wrong with it.
    pub kind: SelectErrorKind,
}

/// What is wrong with a filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectErrorKind {
    /// The word before the colon is none that filters have.
    #[error("unknown filter `{filter}`: before the colon stands `requirement`, `requires` or `detects`{}", did_you_mean(.near))]
    UnknownKey {
        /// The filter.
        filter: String,
        /// The key that was probably meant.
        near: Vec<String>,
    },
    /// `requires:` with a word that is no capability.
    #[error("unknown capability in the filter `{filter}`{}", did_you_mean(.near))]
    UnknownCapability {
        /// The filter.
        filter: String,
        /// Capabilities with a similar name.
        near: Vec<String>,
    },
    /// No scenario matches.
    #[error("the filter `{filter}` matches nothing{}", did_you_mean(.near))]
    Unmatched {
        /// The filter.
        filter: String,
        /// Things with a similar name.
        near: Vec<String>,
    },
    /// Not of the form `AXIS=VALUE`.
    #[error("expected `AXIS=VALUE`, got `{filter}`")]
    NotACell {
        /// The filter.
        filter: String,
    },
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let names: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", names.join(" or "))
}

impl From<SelectErrorKind> for SelectError {
    fn from(kind: SelectErrorKind) -> Self {
        Self { kind }
    }
}

impl FromStr for Filter {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        let filter = || text.to_owned();
        match text.split_once(':') {
            Some(("requirement", id)) => Ok(Self::Requirement(id.to_owned())),
            Some(("detects", fault)) => Ok(Self::Detects(fault.to_owned())),
            Some(("requires", word)) => word.parse().map(Self::Requires).map_err(|_| {
                let near = near(word, Capability::ALL.iter().map(|capability| capability.name()));
                SelectErrorKind::UnknownCapability {
                    filter: filter(),
                    near,
                }
                .into()
            }),
            Some((key, _)) => {
                let near = near(key, ["requirement", "requires", "detects"]);
                Err(SelectErrorKind::UnknownKey {
                    filter: filter(),
                    near,
                }
                .into())
            }
            None if text.contains(['*', '?']) => Ok(Self::Glob(filter())),
            None => Ok(Self::Path(text.trim_end_matches('/').to_owned())),
        }
    }
}

/// As it is typed.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(text) | Self::Glob(text) => f.write_str(text),
            Self::Requirement(id) => write!(f, "requirement:{id}"),
            Self::Requires(capability) => write!(f, "requires:{capability}"),
            Self::Detects(fault) => write!(f, "detects:{fault}"),
        }
    }
}

impl Filter {
    /// Whether it selects `scenario`.
    #[must_use]
    pub fn matches(&self, scenario: &Scenario) -> bool {
        match self {
            Self::Path(path) => is_below(&scenario.id, path, '/'),
            Self::Glob(pattern) => glob::matches(pattern, &scenario.id),
            Self::Requirement(prefix) => requirements_of(scenario)
                .iter()
                .any(|id| is_below(id, prefix, '.')),
            Self::Requires(capability) => scenario.requires.iter().any(|one| one.value == *capability),
            Self::Detects(fault) => scenario.detects.iter().any(|one| one.value == *fault),
        }
    }

    /// Whether it selects scenarios with this id; none for filters that look into the scenario.
    #[must_use]
    pub fn matches_id(&self, id: &str) -> Option<bool> {
        match self {
            Self::Path(path) => Some(is_below(id, path, '/')),
            Self::Glob(pattern) => Some(glob::matches(pattern, id)),
            Self::Requirement(_) | Self::Requires(_) | Self::Detects(_) => None,
        }
    }

    /// Names of the same kind that the filter might have meant.
    fn near(&self, scenarios: &[Arc<Scenario>]) -> Vec<String> {
        match self {
            Self::Path(path) | Self::Glob(path) => {
                let ids = scenarios.iter().map(|scenario| scenario.id.as_str());
                let areas = scenarios.iter().map(|scenario| area_of(scenario));
                let names = scenarios
                    .iter()
                    .filter_map(|scenario| scenario.id.rsplit('/').next());
                let found = near(path, ids.clone().chain(areas).chain(names.clone()));
                // A bare file name is shown with its folder, so that it can be pasted.
                found
                    .into_iter()
                    .map(|name| {
                        ids.clone()
                            .find(|id| id.rsplit('/').next() == Some(&name))
                            .map_or(name, str::to_owned)
                    })
                    .collect()
            }
            Self::Requirement(id) => {
                let known: BTreeSet<&str> = scenarios
                    .iter()
                    .flat_map(|scenario| requirements_of(scenario))
                    .collect();
                near(id, known)
            }
            Self::Requires(_) => Vec::new(),
            Self::Detects(fault) => {
                let known: BTreeSet<&str> = scenarios
                    .iter()
                    .flat_map(|one| &one.detects)
                    .map(|fault| fault.value.as_str())
                    .collect();
                near(fault, known)
            }
        }
    }
}

/// The scenarios that match any of `filters`, in their order; all without filters.
///
/// # Errors
/// One for each filter that matches nothing.
pub fn select(
    scenarios: &[Arc<Scenario>],
    filters: &[Filter],
) -> Result<Vec<Arc<Scenario>>, Vec<SelectError>> {
    let unmatched: Vec<SelectError> = filters
        .iter()
        .filter(|filter| !scenarios.iter().any(|scenario| filter.matches(scenario)))
        .map(|filter| {
            SelectErrorKind::Unmatched {
                filter: filter.to_string(),
                near: filter.near(scenarios),
            }
            .into()
        })
        .collect();
    if !unmatched.is_empty() {
        return Err(unmatched);
    }
    let selected =
        |scenario: &&Arc<Scenario>| filters.is_empty() || filters.iter().any(|one| one.matches(scenario));
    Ok(scenarios.iter().filter(selected).cloned().collect())
}

/// A filter on cells: `tls=tls1.3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellFilter {
    /// Name of the axis.
    pub axis: String,
    /// Its value.
    pub value: String,
}

impl FromStr for CellFilter {
    type Err = SelectError;

    fn from_str(text: &str) -> Result<Self, SelectError> {
        match text.split_once('=') {
            Some((axis, value)) if !axis.is_empty() && !value.is_empty() => Ok(Self {
                axis: axis.to_owned(),
                value: value.to_owned(),
            }),
            _ => Err(SelectErrorKind::NotACell {
                filter: text.to_owned(),
            }
            .into()),
        }
    }
}

impl fmt::Display for CellFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.axis, self.value)
    }
}

/// Whether `cell` is kept: for each axis that both it and a filter name, one of the filters has its value.
#[must_use]
pub fn keeps_cell(filters: &[CellFilter], cell: &Cell) -> bool {
    cell.0.iter().all(|(axis, value)| {
        let mut same_axis = filters.iter().filter(|filter| filter.axis == *axis).peekable();
        same_axis.peek().is_none() || same_axis.any(|filter| filter.value == *value)
    })
}

/// Looks for cell filters that no cell of any of `scenarios` has.
///
/// # Errors
/// One for each of them.
pub fn check_cell_filters(
    filters: &[CellFilter],
    scenarios: &[Arc<Scenario>],
) -> Result<(), Vec<SelectError>> {
    let known: BTreeSet<String> = scenarios
        .iter()
        .flat_map(|scenario| &scenario.matrix)
        .flat_map(|axis| {
            axis.values
                .iter()
                .map(|value| format!("{}={}", axis.name.value, value.value))
        })
        .collect();
    let unmatched: Vec<SelectError> = filters
        .iter()
        .map(ToString::to_string)
        .filter(|filter| !known.contains(filter))
        .map(|filter| {
            let near = near(&filter, known.iter().map(String::as_str));
            SelectErrorKind::Unmatched { filter, near }.into()
        })
        .collect();
    if unmatched.is_empty() {
        Ok(())
    } else {
        Err(unmatched)
    }
}

/// The requirements that the checks of `scenario` name, sorted.
#[must_use]
pub fn requirements_of(scenario: &Scenario) -> BTreeSet<&str> {
    scenario
        .steps
        .iter()
        .flat_map(|step| &step.expect)
        .filter_map(|check| check.requirement.as_ref())
        .map(|requirement| requirement.value.as_str())
        .collect()
}

/// The area of a scenario: the first part of its id.
#[must_use]
pub fn area_of(scenario: &Scenario) -> &str {
    scenario.id.split('/').next().unwrap_or("")
}

/// Whether `name` is `parent` or lies below it.
fn is_below(name: &str, parent: &str, separator: char) -> bool {
    name.strip_prefix(parent)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(separator))
}

/// Up to three names close to `word`.
fn near<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut known: BTreeSet<&str> = known.into_iter().collect();
    let mut found = Vec::new();
    while found.len() < 3
        && let Some(name) = closest(word, known.iter().copied())
    {
        known.remove(name);
        found.push(name.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::{checking, requiring, with_axis};

    fn scenarios() -> Vec<Arc<Scenario>> {
        let mut listing = requiring("listing/list-in-clear", Capability::Upload);
        with_axis(&mut listing, "tls", &["tls1.2", "tls1.3"]);
        vec![
            Arc::new(checking(
                "auth/auth-tls",
                "rfc4217.s4.auth",
                "keeps-user-across-auth",
            )),
            Arc::new(checking(
                "auth/auth-tls-twice",
                "rfc4217.s9.prot",
                "accepts-prot-in-clear",
            )),
            Arc::new(listing),
        ]
    }

    fn ids(filters: &[&str]) -> Vec<String> {
        let filters: Vec<Filter> = filters.iter().map(|text| text.parse().unwrap()).collect();
        select(&scenarios(), &filters)
            .unwrap()
            .iter()
            .map(|scenario| scenario.id.clone())
            .collect()
    }

    fn problem(filter: &str) -> String {
        match filter.parse::<Filter>() {
            Ok(filter) => select(&scenarios(), &[filter]).unwrap_err()[0].to_string(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn scenarios_are_selected_by_id_area_glob_and_content() {
        assert_eq!(ids(&[]).len(), 3);
        assert_eq!(ids(&["auth/auth-tls"]), ["auth/auth-tls"]);
        assert_eq!(ids(&["auth"]).len(), 2);
        assert_eq!(
            ids(&["listing/", "auth/*-twice"]),
            ["auth/auth-tls-twice", "listing/list-in-clear"]
        );
        assert_eq!(ids(&["**clear"]), ["listing/list-in-clear"]);
        assert_eq!(ids(&["requirement:rfc4217.s9"]), ["auth/auth-tls-twice"]);
        assert_eq!(ids(&["requirement:rfc4217"]).len(), 2);
        assert_eq!(ids(&["requires:upload"]), ["listing/list-in-clear"]);
        assert_eq!(ids(&["detects:keeps-user-across-auth"]), ["auth/auth-tls"]);
    }

    #[test]
    fn a_filter_that_matches_nothing_is_an_error_with_near_names() {
        assert_eq!(
            problem("auth/auth-tsl"),
            "the filter `auth/auth-tsl` matches nothing; did you mean `auth/auth-tls`?"
        );
        assert_eq!(
            problem("list-in-claer"),
            "the filter `list-in-claer` matches nothing; did you mean `listing/list-in-clear`?"
        );
        assert_eq!(
            problem("requirement:rfc4217.s"),
            "the filter `requirement:rfc4217.s` matches nothing"
        );
        assert!(problem("detects:accept-prot-in-clear").ends_with("did you mean `accepts-prot-in-clear`?"));
        assert!(problem("require:upload").ends_with("did you mean `requires`?"));
        assert!(problem("requires:uplaod").ends_with("did you mean `upload`?"));
    }

    #[test]
    fn cells_are_filtered_by_axis_and_cells_without_the_axis_stay() {
        let filter = |text: &str| text.parse::<CellFilter>().unwrap();
        let cell = Cell(vec![("tls".into(), "tls1.3".into())]);
        assert!(keeps_cell(&[], &cell));
        assert!(keeps_cell(&[filter("tls=tls1.2"), filter("tls=tls1.3")], &cell));
        assert!(!keeps_cell(&[filter("tls=tls1.2")], &cell));
        assert!(keeps_cell(&[filter("tls=tls1.2")], &Cell::default()));
        assert!(check_cell_filters(&[filter("tls=tls1.2")], &scenarios()).is_ok());
        let wrong = check_cell_filters(&[filter("tls=tls1.4")], &scenarios()).unwrap_err();
        assert!(
            wrong[0]
                .to_string()
                .starts_with("the filter `tls=tls1.4` matches nothing; did you mean `tls=tls1.")
        );
        assert!("tls".parse::<CellFilter>().is_err());
    }
}
