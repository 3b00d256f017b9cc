//! Problems as people read them: load errors and findings, each with the lines of the file they are about.
//!
//! One shape for both (design section 9). Without colour for JUnit, HTML and files. Does not print.

mod case;
mod finding;
mod line;
mod load;
mod render;

pub use case::{CaseView, render_case};
pub use finding::{FindingView, render_finding};
pub use line::{event_words, render_event};
pub use load::{render_load_error, render_load_errors};
