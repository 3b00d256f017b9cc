//! A case and its name.

use std::fmt;
use std::sync::Arc;

use crate::scenario::Scenario;

/// One value per axis of the scenario's matrix, in the order of the axes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(pub Vec<(String, String)>);

impl Cell {
    /// The value of `axis`.
    #[must_use]
    pub fn get(&self, axis: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == axis)
            .map(|(_, value)| value.as_str())
    }
}

/// `tls=tls1.3,data=passive`; empty without axes.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, (axis, value)) in self.0.iter().enumerate() {
            let comma = if position > 0 { "," } else { "" };
            write!(f, "{comma}{axis}={value}")?;
        }
        Ok(())
    }
}

/// Scenario id, target name and cell.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaseId {
    /// Id of the scenario.
    pub scenario: String,
    /// Name of the target.
    pub target: String,
    /// The cell.
    pub cell: Cell,
}

/// `shutdown/truncated-upload@vsftpd[tls=tls1.3]`.
impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.scenario, self.target)?;
        if !self.cell.0.is_empty() {
            write!(f, "[{}]", self.cell)?;
        }
        Ok(())
    }
}

/// One case.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name.
    pub id: CaseId,
    /// The scenario.
    pub scenario: Arc<Scenario>,
}
