//! Filling `$(name)` into strings, after parsing (design invariant 5).
//!
//! Names are kebab-case words that may hold dots (`file.sha256`). A `$` that no `(name)` follows stands for itself. Does
//! not know which names exist: the caller looks them up.

/// A name that has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`$({name})` has no value")]
pub struct FillError {
    /// The name.
    pub name: String,
}

/// `text` with every `$(name)` replaced by what `lookup` gives for it. Values are not filled again.
///
/// # Errors
/// For the first name that `lookup` does not know.
pub fn fill<'a>(text: &str, mut lookup: impl FnMut(&str) -> Option<&'a str>) -> Result<String, FillError> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, name, after)) = next_name(rest) {
        filled.push_str(before);
        let value = lookup(name).ok_or_else(|| FillError {
            name: name.to_owned(),
        })?;
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

/// The names in `text`, in order, repetitions included.
#[must_use]
pub fn names(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((_, name, after)) = next_name(rest) {
        found.push(name);
        rest = after;
    }
    found
}

/// The text before the first `$(name)`, the name, and the text behind it.
fn next_name(text: &str) -> Option<(&str, &str, &str)> {
    for (start, _) in text.match_indices("$(") {
        let (before, from) = text.split_at(start);
        let inner = from.strip_prefix("$(")?;
        if let Some((name, after)) = inner.split_once(')')
            && is_name(name)
        {
            return Some((before, name, after));
        }
    }
    None
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str) -> Option<&'static str> {
        match name {
            "path" => Some("a$(path)b"),
            "file.sha256" => Some("00ff"),
            _ => None,
        }
    }

    #[test]
    fn names_are_filled_once_and_other_dollars_stay() {
        assert_eq!(
            fill("RETR $(path).whole", values).unwrap(),
            "RETR a$(path)b.whole"
        );
        assert_eq!(
            fill("$$(file.sha256)$ $( $(a b)", values).unwrap(),
            "$00ff$ $( $(a b)"
        );
        assert_eq!(fill("nothing", values).unwrap(), "nothing");
    }

    #[test]
    fn a_name_without_a_value_is_an_error() {
        assert_eq!(
            fill("x $(missing)", values),
            Err(FillError {
                name: "missing".into()
            })
        );
    }

    #[test]
    fn names_are_listed() {
        assert_eq!(names("$(a)-$(b.c) $(a)"), ["a", "b.c", "a"]);
    }
}
