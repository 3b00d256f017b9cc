//! Properties in brief: one fact each, cells of a matrix brought together.

use super::text;
use crate::runner::outcome::PropertyOutcome;

/// How many characters of the evidence of a cell are kept.
const EVIDENCE: usize = 300;

/// `name value`, or `name value (cells), value (cells)` where the cells differ. What was not found out is left out.
pub(super) fn in_brief(found: &[PropertyOutcome]) -> Vec<String> {
    let mut names: Vec<&str> = found.iter().map(|one| one.property.as_str()).collect();
    names.dedup();
    names
        .into_iter()
        .filter_map(|name| {
            let own: Vec<&PropertyOutcome> = found.iter().filter(|one| one.property == name).collect();
            one_in_brief(name, &own)
        })
        .collect()
}

/// A property with all its cells.
pub(super) struct Row {
    /// Its name.
    pub name: String,
    /// What it is about, in one sentence.
    pub title: String,
    /// As in [`in_brief`]; none when it was not found out in any cell.
    pub value: Option<String>,
    /// The exchanges that show it, or why there is no value; each once.
    pub evidence: Vec<String>,
}

/// A row for each property, in the order of `found`.
pub(super) fn rows(found: &[PropertyOutcome]) -> Vec<Row> {
    let mut names: Vec<&str> = found.iter().map(|one| one.property.as_str()).collect();
    names.dedup();
    names
        .into_iter()
        .map(|name| {
            let own: Vec<&PropertyOutcome> = found.iter().filter(|one| one.property == name).collect();
            let mut evidence = Vec::new();
            for one in &own {
                let words = text::short(&one.evidence, EVIDENCE);
                if !words.is_empty() && !evidence.contains(&words) {
                    evidence.push(words);
                }
            }
            Row {
                name: text::plain(name),
                title: own
                    .first()
                    .map_or_else(String::new, |one| text::plain(&one.title)),
                value: values_in_brief(&own),
                evidence,
            }
        })
        .collect()
}

fn one_in_brief(name: &str, cells: &[&PropertyOutcome]) -> Option<String> {
    values_in_brief(cells).map(|values| format!("{} {values}", text::plain(name)))
}

/// `value`, or `value (cells), value (cells)` where the cells differ.
fn values_in_brief(cells: &[&PropertyOutcome]) -> Option<String> {
    let mut values: Vec<(&str, Vec<String>)> = Vec::new();
    for one in cells {
        let Some(value) = one.value.as_deref() else {
            continue;
        };
        let cell: Vec<String> = one.cell.iter().map(|(_, value)| text::plain(value)).collect();
        let cell = cell.join(" ");
        match values.iter_mut().find(|(known, _)| *known == value) {
            Some((_, cells)) => cells.push(cell),
            None => values.push((value, vec![cell])),
        }
    }
    let is_one = values.len() == 1;
    let words: Vec<String> = values
        .iter()
        .map(|(value, cells)| {
            if is_one {
                text::plain(value)
            } else {
                format!("{} ({})", text::plain(value), cells.join(", "))
            }
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(property: &str, cell: &str, value: Option<&str>) -> PropertyOutcome {
        PropertyOutcome {
            property: property.into(),
            title: "What it is".into(),
            cell: vec![("tls".into(), cell.into())],
            value: value.map(Into::into),
            evidence: "we sent `CCC`, the reply `200 Fine`".into(),
            folder: None,
        }
    }

    #[test]
    fn cells_of_one_value_stand_together_and_what_is_unknown_is_left_out() {
        let found = [
            one("ccc", "tls1.2", Some("accepted")),
            one("ccc", "tls1.3", Some("accepted")),
            one("end", "tls1.2", Some("fin")),
            one("end", "tls1.3", Some("close-notify")),
            one("host", "tls1.2", None),
        ];
        assert_eq!(
            in_brief(&found),
            ["ccc accepted", "end fin (tls1.2), close-notify (tls1.3)"]
        );
    }

    #[test]
    fn a_row_says_what_is_unknown_and_each_evidence_once() {
        let rows = rows(&[
            one("end", "tls1.2", Some("fin")),
            one("end", "tls1.3", Some("close-notify")),
            one("host", "tls1.2", None),
        ]);
        let brief: Vec<(&str, Option<&str>, usize)> = rows
            .iter()
            .map(|row| (row.name.as_str(), row.value.as_deref(), row.evidence.len()))
            .collect();
        assert_eq!(
            brief,
            [
                ("end", Some("fin (tls1.2), close-notify (tls1.3)"), 1),
                ("host", None, 1)
            ]
        );
    }

    #[test]
    fn peer_text_is_made_harmless() {
        let found = [
            one("ccc\u{1b}", "a", Some("b\u{202e}")),
            one("ccc\u{1b}", "\n", Some("c")),
        ];
        let text = in_brief(&found).concat();
        assert!(text.chars().all(|c| c.is_ascii_graphic() || c == ' '), "{text}");
    }
}
