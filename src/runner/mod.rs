//! Lets the client act for a case, asks the judge after each step, and collects outcomes.

pub mod outcome;
