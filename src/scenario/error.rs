//! What can be wrong with a scenario file, and where.
//!
//! Rendering is the business of `diagnostic`.

use std::fmt;

use crate::base::{Source, Span};

/// One problem of one file. A load reports all of them at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// The file.
    pub source: Source,
    /// Where in the file.
    pub span: Span,
    /// What is wrong.
    pub kind: LoadErrorKind,
    /// What to do about it, when that is known.
    pub help: Option<String>,
}

impl LoadError {
    /// The code to search for, e.g. `scenario::unknown-key`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
}

// By hand: `thiserror` takes every field called `source` for another error.
impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.source.position(self.span.start);
        write!(
            f,
            "{}:{}:{}: {}",
            self.source.name(),
            position.line,
            position.column,
            self.kind
        )
    }
}

impl std::error::Error for LoadError {}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident($message:literal) = $code:literal,)+) => {
        /// What is wrong. Every message is one lower-case sentence.
        #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum LoadErrorKind {
            $($(#[doc = $doc])+ #[error($message)] $variant {
                /// The word, key or name in question, or the whole sentence where it varies.
                what: String,
                /// Where it stands or what was expected, in words; empty where nothing is to be said.
                context: String,
            },)+
        }

        impl LoadErrorKind {
            /// Every code, in the order of the variants.
            pub const CODES: &'static [&'static str] = &[$($code,)+];

            /// The code to search for.
            #[must_use]
            pub fn code(&self) -> &'static str {
                match self { $(Self::$variant { .. } => $code,)+ }
            }
        }
    };
}

kinds! {
    /// Not YAML.
    Syntax("{what}{context}") = "scenario::syntax",
    /// YAML that is refused on purpose: anchors, several documents, too deep, too large.
    Refused("{what}{context}") = "scenario::refused",
    /// A key that does not exist here.
    UnknownKey("unknown key `{what}` in {context}") = "scenario::unknown-key",
    /// A key twice in one mapping.
    DuplicateKey("duplicate key `{what}` in {context}") = "scenario::duplicate-key",
    /// A key that is needed here.
    MissingKey("missing key `{what}` in {context}") = "scenario::missing-key",
    /// Keys that exclude each other.
    ConflictingKeys("{what} in {context}") = "scenario::conflicting-keys",
    /// Top-level keys in another order than the house's.
    KeyOrder("key `{what}` belongs behind `{context}`") = "scenario::key-order",
    /// A text where a list is needed, and the like.
    WrongType("expected {context}, got {what}") = "scenario::wrong-type",
    /// A bare word that YAML 1.1 reads as a boolean.
    YamlBoolean("`{what}` is a boolean for YAML 1.1 readers{context}") = "scenario::yaml-boolean",
    /// A word outside a closed list.
    UnknownWord("unknown {context} `{what}`") = "scenario::unknown-word",
    /// A value of the right type with the wrong form.
    BadValue("expected {context}, got `{what}`") = "scenario::bad-value",
    /// A step with two or more verbs.
    TwoVerbs("a step has one verb, this one has {what}{context}") = "scenario::two-verbs",
    /// A step that does nothing and checks nothing.
    EmptyStep("a step needs a verb or `expect`{what}{context}") = "scenario::empty-step",
    /// A check that names no kind.
    EmptyCheck("a check needs one of {what}{context}") = "scenario::empty-check",
    /// A list or text that must not be empty.
    Empty("`{what}` is empty{context}") = "scenario::empty",
    /// A capability outside the closed list.
    UnknownCapability("unknown capability `{what}`{context}") = "scenario::unknown-capability",
    /// A fault that the embedded server does not have.
    UnknownFault("unknown fault `{what}`{context}") = "scenario::unknown-fault",
    /// A requirement outside the catalogue.
    UnknownRequirement("unknown requirement `{what}`{context}") = "scenario::unknown-requirement",
    /// A grade above the one of the catalogue.
    HarsherGrade("grade `{what}` is harsher than the requirement's, `{context}`") = "scenario::harsher-grade",
    /// A grade without a requirement.
    GradeWithoutRequirement("`grade` without `requirement`{what}{context}") = "scenario::grade-without-requirement",
    /// A certificate recipe that does not exist.
    UnknownCertificate("unknown certificate `{what}`{context}") = "scenario::unknown-certificate",
    /// `$(name)` that nothing sets before it is used.
    UnknownVariable("unknown variable `$({what})`{context}") = "scenario::unknown-variable",
    /// `$(` without its end.
    BrokenVariable("`$(` without `)`{what}{context}") = "scenario::broken-variable",
    /// A name that is set twice or shadows a built-in one.
    TakenName("the variable `{what}` is already set{context}") = "scenario::taken-name",
    /// A session that is used before it is connected.
    SessionNotConnected("session `{what}` is used before a step connects it{context}") = "scenario::session-not-connected",
    /// No fault is named.
    NothingDetected("`detects` names no fault{what}{context}") = "scenario::nothing-detected",
    /// No check under `steps` names a requirement.
    NoRequirement("no check under `steps` names a requirement{what}{context}") = "scenario::no-requirement",
    /// Writes to the target without `requires: [upload]`.
    UploadNotRequired("`{what}` writes to the target, but `requires` lacks `upload`{context}") = "scenario::upload-not-required",
    /// A file name that is no kebab-case path.
    BadName("`{what}` is not a kebab-case path{context}") = "scenario::bad-name",
    /// Two files with one id.
    DuplicateId("two files are called `{what}`{context}") = "scenario::duplicate-id",
}
