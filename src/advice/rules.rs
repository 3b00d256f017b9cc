//! The rule files that are built into the binary.

use include_dir::{Dir, include_dir};

static ADVICE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/scenarios/advice");

/// The built-in files: path (`scenarios/advice/….yaml`, as messages show it) and text, sorted by path.
#[must_use]
pub fn embedded_files() -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = ADVICE
        .files()
        .filter_map(|file| {
            let name = file.path().to_str()?;
            let text = file.contents_utf8()?;
            name.ends_with(".yaml")
                .then(|| (format!("scenarios/advice/{name}"), text.to_owned()))
        })
        .collect();
    files.sort();
    files
}

/// Whether a file below `scenarios/` is one of advice and no scenario.
#[must_use]
pub fn is_advice(path: &str) -> bool {
    path.starts_with("scenarios/advice/") || path.starts_with("advice/")
}
