//! Colours, or none.

use anstyle::{AnsiColor, Style};

use crate::requirement::Grade;

/// Colours text, when it may.
#[derive(Clone, Copy)]
pub(in crate::report) struct Paint {
    pub colour: bool,
}

impl Paint {
    pub(in crate::report) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(in crate::report) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    pub(in crate::report) fn red(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(in crate::report) fn yellow(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default(), text)
    }

    pub(in crate::report) fn green(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default(), text)
    }

    pub(in crate::report) fn cyan(self, text: &str) -> String {
        self.with(AnsiColor::Cyan.on_default(), text)
    }

    /// The mark before a finding: `x`, `!`, `i`, and `~` for a known deviation.
    pub(in crate::report) fn mark(self, grade: Option<Grade>, known: bool) -> String {
        match grade {
            Some(Grade::Fail) if known => self.dim("~"),
            Some(Grade::Fail) => self.red("x"),
            Some(Grade::Warn) => self.yellow("!"),
            Some(Grade::Info) => self.cyan("i"),
            None => self.dim("?"),
        }
    }

    fn with(self, style: Style, text: &str) -> String {
        if self.colour {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}
