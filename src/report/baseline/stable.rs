//! Text of a report without what differs from run to run: ids, times, ports.

/// Longer texts are cut.
const LENGTH: usize = 200;

/// `text` without times, ports, dates and the paths of the run `id`, cut to a line.
pub(in crate::report) fn stable(text: &str, id: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((word, length)) = replaced(rest, out.chars().next_back(), id) {
            out.push_str(word);
            rest = rest.get(length..).unwrap_or_default();
            continue;
        }
        let mut characters = rest.chars();
        let Some(next) = characters.next() else { break };
        out.push(if next.is_control() { ' ' } else { next });
        rest = characters.as_str();
    }
    let out = out.replace(" after TIME", "");
    let out = out.trim();
    if out.chars().count() > LENGTH {
        let mut cut: String = out.chars().take(LENGTH - 1).collect();
        cut.push('…');
        return cut;
    }
    out.to_owned()
}

/// What stands for the beginning of `text`, and how many bytes of it.
fn replaced(text: &str, before: Option<char>, id: &str) -> Option<(&'static str, usize)> {
    if !id.is_empty() && text.starts_with(id) {
        let tail = text.get(id.len()..).unwrap_or_default();
        let suffix = tail
            .strip_prefix('-')
            .map_or(0, |tail| 1 + length_of(tail, |c| c.is_ascii_hexdigit()));
        return Some(("RUN", id.len() + suffix));
    }
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '.') {
        return None;
    }
    let digits = length_of(text, |c| c.is_ascii_digit());
    if digits == 0 {
        return None;
    }
    let tail = text.get(digits..).unwrap_or_default();
    if let Some(fraction) = tail.strip_prefix('.') {
        let length = length_of(fraction, |c| c.is_ascii_digit());
        let unit = fraction.get(length..).unwrap_or_default();
        let ends = unit
            .strip_prefix('s')
            .is_some_and(|tail| !tail.starts_with(|c: char| c.is_ascii_alphanumeric()));
        if length > 0 && ends {
            return Some(("TIME", digits + 1 + length + 1));
        }
    }
    if let Some(length) = host_port(text) {
        return Some(("HOST-PORT", length));
    }
    match before {
        Some('|' | ':') if (4..=5).contains(&digits) => Some(("PORT", digits)),
        _ if digits >= 12 => Some(("DATE", digits)),
        _ => None,
    }
}

/// The length of `h,h,h,h,p,p` at the beginning of `text`.
fn host_port(text: &str) -> Option<usize> {
    let length = length_of(text, |c| c.is_ascii_digit() || c == ',');
    let numbers = text.get(..length)?.trim_end_matches(',');
    let is_one = numbers.split(',').count() == 6 && numbers.split(',').all(|part| part.parse::<u8>().is_ok());
    is_one.then_some(numbers.len())
}

fn length_of(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::stable;

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let id = "g3cyptp965g";
        for (text, expected) in [
            ("expected 4yz, got 226 after 0.04s", "expected 4yz, got 226"),
            ("got `g3cyptp965g-8b2c71238.bin`", "got `RUN.bin`"),
            ("229 Entering (|||12475|)", "229 Entering (|||PORT|)"),
            ("227 Entering (127,0,0,1,48,12).", "227 Entering (HOST-PORT)."),
            ("127.0.0.1:36683 refused", "127.0.0.1:PORT refused"),
            ("213 20260102030405", "213 DATE"),
            (
                "a lifetime of 7200 s, 65536 bytes",
                "a lifetime of 7200 s, 65536 bytes",
            ),
            ("within 10s; took 0.5s", "within 10s; took TIME"),
            ("a\r\nb", "a  b"),
        ] {
            assert_eq!(stable(text, id), expected);
        }
        assert_eq!(stable(&"é".repeat(500), id).chars().count(), 200);
    }
}
