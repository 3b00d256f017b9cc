//! `$(name)` in texts: which names a text uses. Filling them in is the business of the step that runs.

/// One `$(name)` in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference<'t> {
    /// The name.
    pub(super) name: &'t str,
    /// Byte offset of the `$`.
    pub(super) start: usize,
    /// Byte offset behind the `)`.
    pub(super) end: usize,
}

/// The variables in `text`, in order. `Err` is the offset of a `$(` that no `)` ends.
pub(super) fn references(text: &str) -> Result<Vec<Reference<'_>>, usize> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(start) = text
        .get(from..)
        .and_then(|rest| rest.find("$("))
        .map(|at| from + at)
    {
        let inside = text.get(start + 2..).unwrap_or("");
        let Some(length) = inside.find(')') else {
            return Err(start);
        };
        let end = start + 2 + length + 1;
        found.push(Reference {
            name: inside.get(..length).unwrap_or(""),
            start,
            end,
        });
        from = end;
    }
    Ok(found)
}

/// Whether `text` can be the name of a variable: letters, digits, dots, hyphens.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_with_their_places() {
        let names = |text| {
            references(text).map(|found| {
                found
                    .into_iter()
                    .map(|one| (one.name, one.start, one.end))
                    .collect::<Vec<_>>()
            })
        };
        assert_eq!(names("a $(x) b$(y.z)"), Ok(vec![("x", 2, 6), ("y.z", 8, 14)]));
        assert_eq!(names("$ ( x ) $x"), Ok(vec![]));
        assert_eq!(names("a $(x"), Err(2));
        assert_eq!(names("$()"), Ok(vec![("", 0, 3)]));
    }
}
