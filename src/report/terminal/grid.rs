//! A table with a column per target. Where not all columns fit side by side it goes on in further blocks.

use std::fmt::Write as _;

use super::paint::Paint;
use crate::report::text;

/// Columns are no wider than this for the sake of a name.
const NAME_WIDTH: usize = 12;
/// Space before a column.
const GAP: usize = 2;

/// How a cell looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Odd,
    Bad,
    Dim,
    Plain,
}

/// What stands in one cell.
#[derive(Clone, Debug)]
pub(super) struct GridCell {
    pub(super) text: String,
    pub(super) tone: Tone,
}

impl GridCell {
    pub(super) fn new(text: impl Into<String>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

/// A row: a label and a cell per column. A row without cells is a headline.
#[derive(Clone, Debug)]
pub(super) struct GridRow {
    pub(super) label: String,
    pub(super) cells: Vec<GridCell>,
}

/// The table.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// What stands above the labels.
    pub(super) head: &'static str,
    /// Names of the columns.
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<GridRow>,
}

impl Grid {
    /// Appends the table to `out`, no line wider than `width` as far as the widest column allows.
    pub(super) fn render(&self, out: &mut String, width: usize, paint: Paint) {
        let widths: Vec<usize> = (0..self.columns.len())
            .map(|column| self.column_width(column))
            .collect();
        let widest = widths.iter().copied().max().unwrap_or(0);
        let labels = self.rows.iter().filter(|row| !row.cells.is_empty());
        let longest = labels.map(|row| row.label.chars().count()).max().unwrap_or(0);
        let label_width = longest
            .max(self.head.len())
            .min(width.saturating_sub(widest + GAP).max(8));
        for (position, block) in blocks(&widths, width.saturating_sub(label_width))
            .iter()
            .enumerate()
        {
            if position > 0 {
                out.push('\n');
            }
            self.head(out, block, &widths, label_width, paint);
            for row in &self.rows {
                row_line(out, row, block, &widths, (label_width, width), paint);
            }
        }
    }

    fn column_width(&self, column: usize) -> usize {
        let name = self.columns.get(column).map_or("", String::as_str);
        let part = pieces(name).map(|piece| piece.chars().count()).max().unwrap_or(0);
        let cells = self.rows.iter().filter_map(|row| row.cells.get(column));
        cells
            .map(GridCell::width)
            .max()
            .unwrap_or(0)
            .max(part.min(NAME_WIDTH))
    }

    /// The names of the columns, broken at hyphens, standing on the rows.
    fn head(&self, out: &mut String, block: &[usize], widths: &[usize], label_width: usize, paint: Paint) {
        let width_of = |column: usize| widths.get(column).copied().unwrap_or(0);
        let names: Vec<(usize, Vec<String>)> = block
            .iter()
            .map(|column| {
                let name = self.columns.get(*column).map_or("", String::as_str);
                (width_of(*column), broken(name, width_of(*column)))
            })
            .collect();
        let height = names.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
        for line in 0..height {
            let label = if line + 1 == height { self.head } else { "" };
            let mut text = format!("{label:<label_width$}");
            for (width, lines) in &names {
                let missing = height - lines.len();
                let part = line
                    .checked_sub(missing)
                    .and_then(|line| lines.get(line))
                    .map_or("", String::as_str);
                let _ = write!(text, "{:GAP$}{part:>width$}", "");
            }
            let _ = writeln!(out, "{}", paint.dim(text.trim_end()));
        }
    }
}

/// One line of a block.
fn row_line(
    out: &mut String,
    row: &GridRow,
    block: &[usize],
    widths: &[usize],
    (label_width, width): (usize, usize),
    paint: Paint,
) {
    if row.cells.is_empty() {
        let _ = writeln!(out, "{}", text::cut(&row.label, width));
        return;
    }
    let label = text::cut(&row.label, label_width);
    let _ = write!(out, "{label:<label_width$}");
    for column in block {
        let Some(cell) = row.cells.get(*column) else {
            continue;
        };
        let room = widths.get(*column).copied().unwrap_or(0);
        let cell_text = format!("{:>room$}", cell.text);
        let painted = match cell.tone {
            Tone::Good => paint.green(&cell_text),
            Tone::Odd => paint.yellow(&cell_text),
            Tone::Bad => paint.red(&cell_text),
            Tone::Dim => paint.dim(&cell_text),
            Tone::Plain => cell_text,
        };
        let _ = write!(out, "{:GAP$}{painted}", "");
    }
    out.push('\n');
}

/// The columns that stand side by side in `room` characters, block by block; each block has one at least.
fn blocks(widths: &[usize], room: usize) -> Vec<Vec<usize>> {
    let mut blocks: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for (column, width) in widths.iter().enumerate() {
        let needs = width + GAP;
        match blocks.last_mut() {
            Some(block) if used + needs <= room => block.push(column),
            _ => {
                blocks.push(vec![column]);
                used = 0;
            }
        }
        used += needs;
    }
    blocks
}

/// A name in parts that end with a hyphen.
fn pieces(name: &str) -> impl Iterator<Item = &str> {
    name.split_inclusive('-')
}

/// `name` in lines of `width` characters, broken behind hyphens where there are some.
fn broken(name: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines: Vec<String> = Vec::new();
    for piece in pieces(name) {
        let mut rest: Vec<char> = piece.chars().collect();
        if let Some(line) = lines.last_mut()
            && line.chars().count() + rest.len() <= width
        {
            line.extend(rest);
            continue;
        }
        while rest.len() > width {
            let tail = rest.split_off(width);
            lines.push(rest.into_iter().collect());
            rest = tail;
        }
        lines.push(rest.into_iter().collect());
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_break_behind_hyphens() {
        assert_eq!(
            broken("proftpd-no-session-reuse", 11),
            ["proftpd-no-", "session-", "reuse"]
        );
        assert_eq!(broken("abcdefghijkl", 5), ["abcde", "fghij", "kl"]);
        assert_eq!(broken("vsftpd", 8), ["vsftpd"]);
    }

    #[test]
    fn columns_that_do_not_fit_go_into_further_blocks() {
        assert_eq!(blocks(&[8, 8, 8], 20), [vec![0, 1], vec![2]]);
        assert_eq!(blocks(&[30, 8], 20), [vec![0], vec![1]]);
        assert!(blocks(&[], 20).is_empty());
    }
}
