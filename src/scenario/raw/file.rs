//! The top level of a scenario file.

use super::read::{Listed, Table, raw_struct};
use super::scalar::{Flag, Text};
use super::step::RawStep;
use super::words::One;
use crate::requirement::Capability;
use crate::scenario::model::Severity;

raw_struct! {
    /// A scenario of ftpspec: one file, one behaviour. The keys stand in this order.
    RawScenario("a scenario") {
        /// States the good behaviour, in one sentence.
        title = "title": Text,
        /// The harm when it is missing.
        why = "why": Text,
        /// Sorts reports and never changes a verdict; `medium` when absent.
        severity = "severity": One<Severity>,
        /// Only below `discover/`: the capability that the target has when the scenario passes.
        capability = "capability": One<Capability>,
        /// Only below `properties/`: the values that the property can have, each with the words (capabilities, habits,
        /// faults) that make the embedded server have it; `ftpspec prove` shows that it does.
        values = "values": Table<Listed<Text>>,
        /// Faults of the embedded server that the scenario catches; `ftpspec prove` shows that it does.
        detects = "detects": Listed<Text>,
        /// Capabilities that the target needs; without one of them the scenario is not-applicable.
        requires = "requires": Listed<One<Capability>>,
        /// Axes and their values; the cases are the product. `tls` and `data` have a meaning of their own, every other
        /// axis sets the variable of its name.
        matrix = "matrix": Table<Listed<Text>>,
        /// Variables of the scenario.
        vars = "vars": Table<Text>,
        /// Takes over five seconds of waiting; runs with `--slow`. On the embedded server the waits that it spells out are cut to a fortieth, and the time-outs of the server to seconds.
        slow = "slow": Flag,
        /// Runs while no other case runs on the target: it connects to a port that the server may meanwhile have given to
        /// another session.
        alone = "alone": Flag,
        /// Preparation. A problem here makes the case inconclusive.
        setup = "setup": Listed<RawStep>,
        /// What is under test.
        steps = "steps": Listed<RawStep>,
        /// Tidying. Never changes the verdict.
        cleanup = "cleanup": Listed<RawStep>,
    }
}
