//! How raw types are read from nodes: the reader that collects problems, fields, lists, tables, and the macro that
//! makes a struct of optional keys.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::base::{Span, Spanned, closest};
use crate::scenario::error::LoadErrorKind;
use crate::scenario::yaml::{Node, Value};

/// A problem before it knows its file.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Problem {
    /// Where.
    pub(in crate::scenario) span: Span,
    /// What.
    pub(in crate::scenario) kind: LoadErrorKind,
    /// What to do about it.
    pub(in crate::scenario) help: Option<String>,
}

/// Collects the problems of one file.
#[derive(Debug, Default)]
pub(in crate::scenario) struct Reader {
    /// In the order they were found.
    pub(in crate::scenario) problems: Vec<Problem>,
}

impl Reader {
    /// Notes a problem.
    pub(in crate::scenario) fn note(&mut self, span: Span, kind: LoadErrorKind, help: Option<String>) {
        self.problems.push(Problem { span, kind, help });
    }

    /// Whether a key inside `span` was unknown: what seems to be missing there may be that key.
    pub(in crate::scenario) fn met_unknown_key(&self, span: Span) -> bool {
        self.problems.iter().any(|problem| {
            matches!(problem.kind, LoadErrorKind::UnknownKey { .. })
                && (span.start..span.end).contains(&problem.span.start)
        })
    }

    /// Whether the author was asked `did you mean KEY?` already.
    pub(in crate::scenario) fn suggested(&self, key: &str) -> bool {
        let help = format!("did you mean `{key}`?");
        self.problems
            .iter()
            .any(|problem| problem.help.as_ref() == Some(&help))
    }

    /// Notes that `node` is not `expected`.
    pub(in crate::scenario) fn wrong_type(&mut self, node: &Node, expected: &str, help: Option<String>) {
        let what = match &node.value {
            Value::Null => "nothing".to_owned(),
            Value::Scalar(scalar) => format!("`{}`", shorten(&scalar.text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        };
        let context = expected.to_owned();
        self.note(node.span, LoadErrorKind::WrongType { what, context }, help);
    }
}

/// The first line of `text`, cut at 60 characters.
pub(in crate::scenario) fn shorten(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() > 60 || line.len() < text.trim_end().len() {
        line.chars().take(60).chain(['…']).collect()
    } else {
        line.to_owned()
    }
}

/// `did you mean` or the whole list, when it is short.
pub(in crate::scenario) fn suggest(word: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = closest(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let lower = word.to_lowercase();
    if let Some(same) = known.iter().find(|candidate| candidate.to_lowercase() == lower) {
        return Some(format!("did you mean `{same}`?"));
    }
    let longer: Vec<&str> = known
        .iter()
        .copied()
        .filter(|candidate| candidate.starts_with(word))
        .collect();
    match longer.as_slice() {
        [] => (!known.is_empty() && known.len() <= 24).then(|| format!("known here: {}", known.join(", "))),
        [one] => Some(format!("did you mean `{one}`?")),
        several => Some(format!("there are {}", several.join(", "))),
    }
}

/// The words that YAML 1.1 reads as booleans and YAML 1.2 as texts.
pub(in crate::scenario) fn is_yaml11_boolean(word: &str) -> bool {
    matches!(
        word.to_ascii_lowercase().as_str(),
        "yes" | "no" | "on" | "off" | "y" | "n"
    )
}

/// A type that can be read from a node and described by a schema.
pub(in crate::scenario) trait Read: Sized + JsonSchema {
    /// What it is, with its article: `a text`, `one of …`.
    fn expected() -> String;

    /// Reads it; on `None`, at least one problem was noted.
    fn read(node: &Node, reader: &mut Reader) -> Option<Self>;
}

/// One key of a raw struct.
#[derive(Clone, Debug, Default)]
pub(in crate::scenario) enum Field<T> {
    /// The key is not there.
    #[default]
    Absent,
    /// The key is there; its value could not be read, and that was noted.
    Broken(Span),
    /// The key and its value.
    Present {
        /// Where the key stands.
        key: Span,
        /// The value.
        value: Spanned<T>,
    },
}

impl<T> Field<T> {
    /// The value, when it is there and could be read.
    pub(in crate::scenario) fn get(&self) -> Option<&Spanned<T>> {
        match self {
            Self::Present { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Where the key stands, read or not.
    pub(in crate::scenario) fn key(&self) -> Option<Span> {
        match self {
            Self::Absent => None,
            Self::Broken(key) | Self::Present { key, .. } => Some(*key),
        }
    }

    /// Key and value.
    pub(in crate::scenario) fn span(&self) -> Option<Span> {
        match self {
            Self::Absent => None,
            Self::Broken(key) => Some(*key),
            Self::Present { key, value } => Some(key.to(value.span)),
        }
    }
}

impl<T: Read> Field<T> {
    /// Reads the value of a key.
    pub(in crate::scenario) fn read(key: Span, node: &Node, reader: &mut Reader) -> Self {
        match T::read(node, reader) {
            Some(value) => Self::Present {
                key,
                value: Spanned::new(value, node.span),
            },
            None => Self::Broken(key),
        }
    }

    /// A value that stands without its key (a short form).
    pub(in crate::scenario) fn read_short(node: &Node, reader: &mut Reader) -> Self {
        Self::read(node.span, node, reader)
    }
}

/// A list.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Listed<T>(pub(in crate::scenario) Vec<Spanned<T>>);

/// A list, or one value that stands for a list of one.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct OneOrMany<T>(pub(in crate::scenario) Vec<Spanned<T>>);

/// A mapping with names of the author's own.
#[derive(Clone, Debug)]
pub(in crate::scenario) struct Table<T>(pub(in crate::scenario) Vec<(Spanned<String>, Spanned<T>)>);

fn read_items<T: Read>(items: &[Node], reader: &mut Reader) -> Vec<Spanned<T>> {
    items
        .iter()
        .filter_map(|item| Some(Spanned::new(T::read(item, reader)?, item.span)))
        .collect()
}

impl<T: Read> Read for Listed<T> {
    fn expected() -> String {
        format!("a list, each item {}", T::expected())
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::List(items) = &node.value else {
            reader.wrong_type(node, &Self::expected(), Some("write it as a list: `[…]`".into()));
            return None;
        };
        Some(Self(read_items(items, reader)))
    }
}

impl<T: Read> Read for OneOrMany<T> {
    fn expected() -> String {
        format!("{}, or a list of such", T::expected())
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        match &node.value {
            Value::List(items) if items.is_empty() => {
                reader.wrong_type(node, &Self::expected(), None);
                None
            }
            Value::List(items) => Some(Self(read_items(items, reader))),
            _ => Some(Self(vec![Spanned::new(T::read(node, reader)?, node.span)])),
        }
    }
}

impl<T: Read> Read for Table<T> {
    fn expected() -> String {
        format!("a mapping, each value {}", T::expected())
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            reader.wrong_type(node, &Self::expected(), None);
            return None;
        };
        let mut read: Vec<(Spanned<String>, Spanned<T>)> = Vec::new();
        for (key, value) in entries {
            check_key(key, reader);
            if read.iter().any(|(known, _)| known.value == key.value) {
                note_duplicate(key, "this mapping", reader);
                continue;
            }
            if let Some(item) = T::read(value, reader) {
                read.push((key.clone(), Spanned::new(item, value.span)));
            }
        }
        Some(Self(read))
    }
}

/// Notes a key that YAML 1.1 would not read as a text.
pub(in crate::scenario) fn check_key(key: &Spanned<String>, reader: &mut Reader) {
    if is_yaml11_boolean(&key.value) {
        let kind = LoadErrorKind::YamlBoolean {
            what: key.value.clone(),
            context: ", and no key".into(),
        };
        reader.note(key.span, kind, Some("choose another name".into()));
    }
}

/// Notes a key that was there before.
pub(in crate::scenario) fn note_duplicate(key: &Spanned<String>, context: &str, reader: &mut Reader) {
    let kind = LoadErrorKind::DuplicateKey {
        what: key.value.clone(),
        context: context.to_owned(),
    };
    reader.note(key.span, kind, Some("keep one of the two".into()));
}

/// Notes a key that does not exist in `context`.
pub(in crate::scenario) fn note_unknown_key(
    key: &Spanned<String>,
    context: &str,
    known: &[&str],
    reader: &mut Reader,
) {
    if is_yaml11_boolean(&key.value) {
        check_key(key, reader);
        return;
    }
    let kind = LoadErrorKind::UnknownKey {
        what: shorten(&key.value),
        context: context.to_owned(),
    };
    reader.note(key.span, kind, suggest(&key.value, known));
}

impl<T: JsonSchema> JsonSchema for Listed<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("list-of-{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "array", "items": generator.subschema_for::<T>() })
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("one-or-many-{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}

impl<T: JsonSchema> JsonSchema for Table<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("table-of-{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// A key of a raw struct, for the reference.
#[derive(Clone, Copy, Debug)]
pub(in crate::scenario) struct KeyDoc {
    /// The key.
    pub(in crate::scenario) name: &'static str,
    /// What it means, in one or two sentences.
    pub(in crate::scenario) meaning: &'static str,
    /// What its value looks like, with the article.
    pub(in crate::scenario) value: fn() -> String,
}

/// A struct of optional keys.
pub(in crate::scenario) trait Keyed {
    /// What it is called in messages.
    const TITLE: &'static str;
    /// What it is, in one or two sentences.
    const MEANING: &'static str;
    /// Its keys, in the order of the reference.
    const KEYS: &'static [&'static str];
    /// Its keys with their meanings.
    const DOCS: &'static [KeyDoc];

    /// The whole mapping.
    fn whole(&self) -> Span;

    /// The keys that are there, in the order of the reference, with the places of key and value.
    fn present(&self) -> Vec<(&'static str, Span)>;
}

/// Makes a struct of optional keys: `key = "name": Type`. With `short key`, a value that is no mapping is read as the
/// value of that key.
macro_rules! raw_struct {
    (
        $(#[doc = $doc:literal])+
        $name:ident ($title:literal $(, short $short:ident: $short_type:ty)?) {
            $($(#[doc = $key_doc:literal])+ $field:ident = $key:literal: $type:ty,)+
        }
    ) => {
        $(#[doc = $doc])+
        #[derive(Clone, Debug, Default)]
        pub(in crate::scenario) struct $name {
            $($(#[doc = $key_doc])+ pub(in crate::scenario) $field: $crate::scenario::raw::Field<$type>,)+
            /// The whole mapping.
            pub(in crate::scenario) span: $crate::base::Span,
        }

        impl $crate::scenario::raw::Keyed for $name {
            const TITLE: &'static str = $title;
            const MEANING: &'static str = concat!($($doc,)+).trim_ascii();
            const KEYS: &'static [&'static str] = &[$($key,)+];
            const DOCS: &'static [$crate::scenario::raw::KeyDoc] = &[
                $($crate::scenario::raw::KeyDoc {
                    name: $key,
                    meaning: concat!($($key_doc,)+).trim_ascii(),
                    value: <$type as $crate::scenario::raw::Read>::expected,
                },)+
            ];

            fn whole(&self) -> $crate::base::Span {
                self.span
            }

            fn present(&self) -> Vec<(&'static str, $crate::base::Span)> {
                [$(($key, self.$field.span()),)+]
                    .into_iter()
                    .filter_map(|(key, span)| Some((key, span?)))
                    .collect()
            }
        }

        impl $crate::scenario::raw::Read for $name {
            fn expected() -> String {
                let short = [$(<$short_type as $crate::scenario::raw::Read>::expected(),)?];
                short.first().map_or_else(
                    || "a mapping".to_owned(),
                    |short: &String| format!("{short}, or a mapping"),
                )
            }

            fn read(
                node: &$crate::scenario::yaml::Node,
                reader: &mut $crate::scenario::raw::Reader,
            ) -> Option<Self> {
                let mut raw = Self { span: node.span, ..Self::default() };
                let $crate::scenario::yaml::Value::Map(entries) = &node.value else {
                    $(
                        if !matches!(node.value, $crate::scenario::yaml::Value::Null) {
                            raw.$short = $crate::scenario::raw::Field::read_short(node, reader);
                            return raw.$short.get().is_some().then_some(raw);
                        }
                    )?
                    reader.wrong_type(node, &Self::expected(), None);
                    return None;
                };
                for (key, value) in entries {
                    match key.value.as_str() {
                        $($key => {
                            if raw.$field.key().is_some() {
                                $crate::scenario::raw::read::note_duplicate(key, $title, reader);
                            } else {
                                raw.$field = $crate::scenario::raw::Field::read(key.span, value, reader);
                            }
                        })+
                        _ => $crate::scenario::raw::read::note_unknown_key(
                            key,
                            $title,
                            <Self as $crate::scenario::raw::Keyed>::KEYS,
                            reader,
                        ),
                    }
                }
                Some(raw)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).trim_start_matches("Raw").into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let mut properties = serde_json::Map::new();
                $(
                    let mut property = generator.subschema_for::<$type>();
                    property.insert(
                        "description".to_owned(),
                        concat!($($key_doc,)+).trim_ascii().into(),
                    );
                    properties.insert($key.to_owned(), property.to_value());
                )+
                let object = serde_json::json!({
                    "type": "object",
                    "properties": properties,
                    "additionalProperties": false,
                });
                let short: Vec<serde_json::Value> =
                    vec![$(generator.subschema_for::<$short_type>().to_value(),)?];
                let mut schema = match short.into_iter().next() {
                    None => schemars::Schema::try_from(object).unwrap_or_default(),
                    Some(short) => schemars::json_schema!({ "anyOf": [short, object] }),
                };
                schema.insert("description".to_owned(), concat!($($doc,)+).trim_ascii().into());
                schema
            }
        }
    };
}
pub(in crate::scenario) use raw_struct;
