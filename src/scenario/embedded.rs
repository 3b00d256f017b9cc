//! The scenarios and requirements that are built into the binary.

use include_dir::{Dir, DirEntry, include_dir};

use crate::requirement::Catalogue;

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios");

/// The built-in scenario files: path (`scenarios/auth/….yaml`, as messages show it) and text, sorted by path.
#[must_use]
pub fn scenario_files() -> Vec<(String, String)> {
    let mut files = Vec::new();
    collect(&SCENARIOS, &mut files);
    files.sort();
    files
}

/// The built-in files of the catalogue: name and text, sorted by name.
#[must_use]
pub fn requirement_files() -> Vec<(String, String)> {
    Catalogue::embedded_files()
}

fn collect(folder: &Dir<'_>, files: &mut Vec<(String, String)>) {
    for entry in folder.entries() {
        match entry {
            DirEntry::Dir(inner) if matches!(inner.path().to_str(), Some("requirements" | "advice")) => {}
            DirEntry::Dir(inner) => collect(inner, files),
            DirEntry::File(file) => {
                let path = file.path().to_string_lossy().replace('\\', "/");
                if path.ends_with(".yaml")
                    && let Some(text) = file.contents_utf8()
                {
                    files.push((format!("scenarios/{path}"), text.to_owned()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requirements_are_no_scenarios() {
        assert!(
            scenario_files()
                .iter()
                .all(|(path, _)| path.starts_with("scenarios/") && !path.contains("/requirements/"))
        );
        assert!(requirement_files().iter().any(|(name, _)| name == "rfc4217.yaml"));
    }
}
