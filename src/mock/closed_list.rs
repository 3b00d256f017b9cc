//! How the closed lists of the embedded server are written down: the words of [`Fault`](super::Fault) and
//! [`Habit`](super::Habit). Reading a word back is the business of each list, for the message names the list.

/// Makes the enum `$name` with `ALL`, `name` and `meaning`; the words in alphabetical order.
macro_rules! closed_list {
    ($name:ident, $about:literal; $($(#[doc = $doc:literal])+ $variant:ident = $word:literal,)+) => {
        #[doc = $about]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl $name {
            /// All of them, in alphabetical order of the names.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The kebab-case name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What the server does, in one sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+).trim_ascii(),)+ }
            }
        }
    };
}

pub(in crate::mock) use closed_list;
