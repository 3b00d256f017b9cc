//! Problems as people read them: load errors and findings, each with the lines of the file they are about.
//!
//! One shape for both (design section 9). Without colour for JUnit, HTML and files. Does not print.

mod case;
mod finding;
mod line;
mod load;

pub use case::{CaseView, render_case};
pub use finding::{FindingView, render_finding};
pub use line::render_event;
pub use load::{render_load_error, render_load_errors};

use annotate_snippets::Renderer;
use annotate_snippets::renderer::DecorStyle;

/// How wide a message is at most; longer source lines are cut around what matters.
const WIDTH: usize = 120;

fn renderer(colour: bool) -> Renderer {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Unicode).term_width(WIDTH)
}
