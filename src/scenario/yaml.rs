//! YAML text to a tree of nodes with their positions.
//!
//! The reader stops at the first mistake of a typed value; a tree has none, so that everything behind it can report all
//! mistakes of a file together. Knows nothing about scenarios. Anchors, aliases, merge keys and further documents are
//! refused, depth and size are bounded.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::base::{Span, Spanned};

/// The deepest nesting a file may have.
const DEPTH_LIMIT: usize = 32;
/// How many values a file may have.
const NODE_LIMIT: usize = 20_000;
/// The longest file, in bytes.
const SIZE_LIMIT: usize = 1024 * 1024;

/// A value and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    /// What it is.
    pub(crate) value: Value,
    /// From its first to behind its last character.
    pub(crate) span: Span,
}

/// The kinds of values.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing, `null` or `~`.
    Null,
    /// Anything that is neither list nor mapping.
    Scalar(Scalar),
    /// `[…]` or `- …` lines.
    List(Vec<Node>),
    /// `{…}` or `key: …` lines, in the order of the file; keys may repeat.
    Map(Vec<(Spanned<String>, Node)>),
}

/// A text, number or boolean, as written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scalar {
    /// The text without quotes; numbers keep their spelling.
    pub(crate) text: String,
    /// Stands without quotes on one line, so that positions in `text` are positions in the file.
    pub(crate) plain: bool,
}

/// Text that is not a YAML document we read.
#[derive(Debug)]
pub(crate) struct YamlProblem {
    /// Where.
    pub(crate) span: Span,
    /// One lower-case sentence.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) help: Option<&'static str>,
    /// A limit was met, or something we refuse on purpose; not a mistake of syntax.
    pub(crate) refused: bool,
}

/// Reads `text`.
pub(crate) fn parse_yaml(text: &str) -> Result<Node, YamlProblem> {
    if text.len() > SIZE_LIMIT {
        return Err(YamlProblem {
            span: Span::new(0, 0),
            message: format!("the file is longer than {SIZE_LIMIT} bytes"),
            help: None,
            refused: true,
        });
    }
    let loose: serde_yaml::Spanned<Loose> =
        serde_yaml::from_str_with_options(text, reader_options()).map_err(|error| problem(text, &error))?;
    Ok(settle(text, loose))
}

fn reader_options() -> serde_yaml::Options {
    serde_yaml::options! {
        budget: serde_yaml::budget! {
            max_anchors: 0,
            max_aliases: 0,
            max_documents: 1,
            max_depth: DEPTH_LIMIT,
            max_nodes: NODE_LIMIT,
            max_inclusion_depth: 0,
        },
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_yaml::MergeKeyPolicy::AsOrdinary,
        strict_booleans: true,
        non_finite_float_policy: serde_yaml::NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

/// What the reader delivers: kinds it guessed, positions without the ends of collections.
enum Loose {
    Null,
    Text(String),
    Other,
    List(Vec<serde_yaml::Spanned<Self>>),
    Map(Vec<(serde_yaml::Spanned<String>, serde_yaml::Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LooseVisitor)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Loose;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_none<E>(self) -> Result<Loose, E> {
        Ok(Loose::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Loose, E> {
        Ok(Loose::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
        Ok(Loose::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Loose::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Loose::Map(entries))
    }
}

/// Byte range of what the reader saw at `location`.
fn span_of(text: &str, location: &serde_yaml::Location) -> Span {
    let span = location.span();
    let Some(start) = span.byte_offset() else {
        return line_and_column(text, location);
    };
    let start = clamp(text, start);
    let end = clamp(text, start as u64 + span.byte_len().unwrap_or(0));
    Span::new(start, end)
}

/// The place of an error, which the reader gives in lines and characters only.
fn line_and_column(text: &str, location: &serde_yaml::Location) -> Span {
    let line = usize::try_from(location.line())
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let column = usize::try_from(location.column())
        .unwrap_or(usize::MAX)
        .saturating_sub(1);
    let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
    let rest = text.get(start..).unwrap_or("").lines().next().unwrap_or("");
    let inside: usize = rest.chars().take(column).map(char::len_utf8).sum();
    Span::new(start + inside, start + inside)
}

/// `offset` as a character boundary inside `text`.
fn clamp(text: &str, offset: u64) -> usize {
    let mut offset = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    offset
}

fn slice(text: &str, span: Span) -> &str {
    text.get(span.start..span.end).unwrap_or("")
}

/// `span` without the white space at its ends.
fn trimmed(text: &str, span: Span) -> Span {
    let inside = slice(text, span);
    let start = span.start + (inside.len() - inside.trim_start().len());
    Span::new(start, start + inside.trim().len())
}

fn settle(text: &str, loose: serde_yaml::Spanned<Loose>) -> Node {
    let span = trimmed(text, span_of(text, &loose.referenced));
    match loose.value {
        Loose::Null => Node {
            value: Value::Null,
            span,
        },
        Loose::Other => scalar(slice(text, span).to_owned(), true, span),
        Loose::Text(value) => {
            let plain = slice(text, span) == value;
            scalar(value, plain, span)
        }
        Loose::List(items) => {
            let items: Vec<Node> = items.into_iter().map(|item| settle(text, item)).collect();
            let last = items.last().map(|item| item.span);
            Node {
                value: Value::List(items),
                span: collection_span(text, span, last, (b'[', b']')),
            }
        }
        Loose::Map(entries) => {
            let entries: Vec<(Spanned<String>, Node)> = entries
                .into_iter()
                .map(|(key, value)| {
                    let span = trimmed(text, span_of(text, &key.referenced));
                    (Spanned::new(key.value, span), settle(text, value))
                })
                .collect();
            let first = entries.first().map(|(key, _)| key.span);
            let last = entries.last().map(|(key, value)| key.span.to(value.span));
            let start = if text.as_bytes().get(span.start) == Some(&b'{') {
                span
            } else {
                first.unwrap_or(span)
            };
            Node {
                value: Value::Map(entries),
                span: collection_span(text, start, last, (b'{', b'}')),
            }
        }
    }
}

fn scalar(value: String, plain: bool, span: Span) -> Node {
    Node {
        value: Value::Scalar(Scalar { text: value, plain }),
        span,
    }
}

/// From the start of a collection to the end of its last entry, closing bracket included.
fn collection_span(text: &str, start: Span, last: Option<Span>, (open, close): (u8, u8)) -> Span {
    let bytes = text.as_bytes();
    let end = last.map_or(start.start + 1, |last| last.end.max(start.start));
    if bytes.get(start.start) != Some(&open) {
        return Span::new(start.start, end.max(start.end.min(end)));
    }
    let tail = bytes.get(end..).unwrap_or_default();
    let closing = tail
        .iter()
        .position(|byte| !(byte.is_ascii_whitespace() || *byte == b','))
        .filter(|position| tail.get(*position) == Some(&close));
    Span::new(start.start, closing.map_or(end, |position| end + position + 1))
}

/// The reader's error in our words, without its own excerpt.
fn problem(text: &str, error: &serde_yaml::Error) -> YamlProblem {
    use serde_yaml::budget::BudgetBreach;

    let error = error.without_snippet();
    let span = error.location().map_or(Span::new(0, 0), |location| {
        trimmed(text, span_of(text, &location))
    });
    let (message, refused) = match error {
        serde_yaml::Error::Budget { breach, .. } => {
            let words = match breach {
                BudgetBreach::Anchors { .. } | BudgetBreach::Aliases { .. } => {
                    "anchors and aliases are not allowed".to_owned()
                }
                BudgetBreach::Depth { .. } => format!("nested deeper than {DEPTH_LIMIT} levels"),
                BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => {
                    format!("more than {NODE_LIMIT} values in one file")
                }
                BudgetBreach::Documents { .. } => "more than one document in one file".to_owned(),
                other => format!("beyond the limits of a scenario file: {other:?}"),
            };
            (words, true)
        }
        serde_yaml::Error::MultipleDocuments { .. } => {
            ("more than one document in one file".to_owned(), true)
        }
        serde_yaml::Error::UnknownAnchor { .. } => ("anchors and aliases are not allowed".to_owned(), true),
        serde_yaml::Error::Eof { .. } => ("the file is empty".to_owned(), false),
        serde_yaml::Error::Unexpected { expected, .. } if *expected == "string scalar" => {
            ("a key must be a text".to_owned(), false)
        }
        other => (first_line(&other.to_string()), false),
    };
    let span = if message.contains("anchors") {
        reference_at(text, span)
    } else {
        word_at(text, span)
    };
    let help = help_for(&message);
    YamlProblem {
        span,
        message,
        help,
        refused,
    }
}

/// What usually is behind a sentence of the reader.
fn help_for(message: &str) -> Option<&'static str> {
    const HELP: &[(&str, &str)] = &[
        ("tabs", "indent with spaces"),
        (
            "mapping values are not allowed",
            "put a text with a colon in quotes",
        ),
        ("placement of ':'", "a bracket or a quote above may lack its end"),
        ("anchors", "write the value out; a second shape is a second file"),
        ("more than one document", "make it two files"),
    ];
    HELP.iter()
        .find(|(part, _)| message.contains(part))
        .map(|(_, help)| *help)
}

/// The `&name` or `*name` at or before `span` in its line.
fn reference_at(text: &str, span: Span) -> Span {
    let before = text.get(..span.start).unwrap_or("");
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    match text.get(line..span.start).and_then(|line| line.rfind(['&', '*'])) {
        Some(at) => word_at(text, Span::new(line + at, line + at)),
        None => word_at(text, span),
    }
}

/// `span`, or when it is empty the word that starts there; at the end of the text, the last character of it.
fn word_at(text: &str, span: Span) -> Span {
    if span.end > span.start {
        return span;
    }
    let rest = text.get(span.start..).unwrap_or("");
    let word = rest.find(|c: char| c.is_whitespace()).unwrap_or(rest.len());
    if word > 0 {
        return Span::new(span.start, span.start + word);
    }
    let before = text.get(..span.start).unwrap_or("").trim_end();
    let last = before.chars().next_back().map_or(0, char::len_utf8);
    Span::new(before.len() - last, before.len())
}

/// The reader's sentence: its first line, without the position it adds and starting in lower case.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or("cannot be read");
    let line = line.split(" at line ").next().unwrap_or(line);
    let line = line.strip_prefix("error: ").unwrap_or(line);
    let mut characters = line.trim_end_matches(['.', ',', ':', ' ']).chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => "cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        fn walk(text: &str, node: &Node, out: &mut Vec<String>) {
            match &node.value {
                Value::Null => out.push("null".into()),
                Value::Scalar(scalar) => out.push(format!("{:?}/{}", scalar.text, slice(text, node.span))),
                Value::List(items) => {
                    out.push(format!("list<{}>", slice(text, node.span)));
                    items.iter().for_each(|item| walk(text, item, out));
                }
                Value::Map(entries) => {
                    out.push(format!("map<{}>", slice(text, node.span)));
                    for (key, value) in entries {
                        out.push(format!("{}/{}:", key.value, slice(text, key.span)));
                        walk(text, value, out);
                    }
                }
            }
        }
        let mut out = Vec::new();
        match parse_yaml(text) {
            Ok(node) => walk(text, &node, &mut out),
            Err(problem) => out.push(format!(
                "!{}{}..{} {}",
                if problem.refused { "refused " } else { "" },
                problem.span.start,
                problem.span.end,
                problem.message
            )),
        }
        out.join("\n")
    }

    #[test]
    fn positions_are_those_of_the_text() {
        let text = "a: 1_0\nb: { c: [x, \"y z\" ], d: 'q' }\nc:\n  - é: tls1.3\n  - e\nd:\ne: []\n";
        let expected = [
            &format!("map<{}>", text.trim_end()),
            "a/a:",
            "\"1_0\"/1_0",
            "b/b:",
            "map<{ c: [x, \"y z\" ], d: 'q' }>",
            "c/c:",
            "list<[x, \"y z\" ]>",
            "\"x\"/x",
            "\"y z\"/\"y z\"",
            "d/d:",
            "\"q\"/'q'",
            "c/c:",
            "list<- é: tls1.3\n  - e>",
            "map<é: tls1.3>",
            "é/é:",
            "\"tls1.3\"/tls1.3",
            "\"e\"/e",
            "d/d:",
            "null",
            "e/e:",
            "list<[]>",
        ];
        assert_eq!(shown(text), expected.join("\n"));
    }

    #[test]
    fn what_is_refused_says_so_in_our_words() {
        let refused = |text: &str| shown(text);
        assert_eq!(
            refused("a: &x 1\n"),
            "!refused 3..5 anchors and aliases are not allowed"
        );
        assert_eq!(
            refused("a: *x\n"),
            "!refused 3..5 anchors and aliases are not allowed"
        );
        assert_eq!(
            refused("a: 1\n---\nb: 2\n"),
            "!refused 5..8 more than one document in one file"
        );
        assert!(refused(&"- ".repeat(40)).contains("refused 64..65 nested deeper than 32 levels"));
        assert!(refused(&"[".repeat(80_000)).starts_with('!'));
        assert!(refused(&"- 1\n".repeat(NODE_LIMIT + 1)).contains("more than 20000 values"));
        assert!(refused(&" ".repeat(SIZE_LIMIT + 1)).contains("longer than"));
    }

    #[test]
    fn repeated_keys_are_kept_for_the_reader() {
        let Value::Map(entries) = parse_yaml("a: 1\na: 2\n").unwrap().value else {
            panic!("a mapping");
        };
        assert_eq!(entries.len(), 2);
    }
}
