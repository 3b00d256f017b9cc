//! What to do about what was observed: rules as data, the question whether one fits, and the answer in plain words.
//!
//! Pure: rules and cases in, advice out. The cases are run by `runner::diagnose`. Does not judge requirements; a verdict of
//! `judge` is one of the things that a rule may look at.

mod fits;
mod load;
mod model;
mod render;
mod rules;
#[cfg(test)]
mod tests;

pub use fits::{DiagnosedCase, Diagnosis, Evidence, Given, SoftwareFound, diagnose};
pub use load::{AdviceKnown, load};
pub use model::{
    Advice, ClientPolicy, Condition, EventPattern, EventWord, Outcome, Party, Proof, Rule, Rules, Setting,
    Software, Way, Weight,
};
pub use render::render;
pub use rules::{embedded_files, is_advice};
