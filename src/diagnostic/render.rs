//! The look that load errors and findings share.

use annotate_snippets::Renderer;
use annotate_snippets::renderer::DecorStyle;

/// How wide a message is at most; longer source lines are cut around what matters.
const WIDTH: usize = 120;

pub(super) fn renderer(colour: bool) -> Renderer {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    renderer.decor_style(DecorStyle::Unicode).term_width(WIDTH)
}
