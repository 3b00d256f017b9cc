//! A scenario's matrix to cells: the product of its axes.

use super::case::Cell;
use crate::scenario::Scenario;

/// Every combination of axis values, the first axis slowest. One empty cell for a scenario without a matrix.
///
/// Cells that do not apply to a target are not left out; see [`applicability`](super::applicability).
#[must_use]
pub fn expand(scenario: &Scenario) -> Vec<Cell> {
    let mut cells = vec![Cell::default()];
    for axis in &scenario.matrix {
        let mut longer = Vec::with_capacity(cells.len() * axis.values.len());
        for cell in &cells {
            for value in &axis.values {
                let mut pairs = cell.0.clone();
                pairs.push((axis.name.value.clone(), value.value.clone()));
                longer.push(Cell(pairs));
            }
        }
        cells = longer;
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::fixtures::{scenario, with_axis};

    #[test]
    fn cells_are_the_product_of_the_axes() {
        let mut scenario = scenario("a/b");
        assert_eq!(expand(&scenario), [Cell::default()]);
        with_axis(&mut scenario, "tls", &["tls1.2", "tls1.3"]);
        with_axis(&mut scenario, "data", &["passive", "active"]);
        let cells: Vec<String> = expand(&scenario).iter().map(ToString::to_string).collect();
        assert_eq!(
            cells,
            [
                "tls=tls1.2,data=passive",
                "tls=tls1.2,data=active",
                "tls=tls1.3,data=passive",
                "tls=tls1.3,data=active"
            ]
        );
    }

    #[test]
    fn an_axis_without_values_gives_no_case() {
        let mut scenario = scenario("a/b");
        with_axis(&mut scenario, "tls", &[]);
        assert_eq!(expand(&scenario), []);
    }
}
