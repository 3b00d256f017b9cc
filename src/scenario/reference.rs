//! `docs/scenarios.md`.
/// The text.
#[must_use]
pub fn render() -> String {
    String::new()
}
