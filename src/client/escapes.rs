//! The escapes of `send-raw`: `\r`, `\n`, `\t`, `\0`, `\\` and `\xNN`; and what of a line may be shown.

/// The bytes that `text` stands for. Escapes that are not known stay as they are written.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(position) = rest.find('\\') {
        let (before, behind) = rest.split_at(position);
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = read_escape(behind);
        bytes.push(byte);
        rest = behind.get(length..).unwrap_or_default();
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

/// The byte of the escape at the start of `text` and its length; the backslash itself when it is none.
fn read_escape(text: &str) -> (u8, usize) {
    match text.as_bytes() {
        [_, b'r', ..] => (b'\r', 2),
        [_, b'n', ..] => (b'\n', 2),
        [_, b't', ..] => (b'\t', 2),
        [_, b'0', ..] => (0, 2),
        [_, b'\\', ..] => (b'\\', 2),
        [_, b'x', high, low, ..] => match (hex_digit(*high), hex_digit(*low)) {
            (Some(high), Some(low)) => (high << 4 | low, 4),
            _ => (b'\\', 1),
        },
        _ => (b'\\', 1),
    }
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

/// `line` with the argument of PASS, ACCT and ADAT replaced by `***`, whatever it is.
pub(super) fn hide_argument(line: &str) -> String {
    let verb_end = line.find([' ', '\r', '\n']).unwrap_or(line.len());
    let (verb, argument) = line.split_at(verb_end);
    let is_secret = ["PASS", "ACCT", "ADAT"]
        .iter()
        .any(|word| verb.eq_ignore_ascii_case(word));
    if !is_secret || argument.trim().is_empty() {
        return line.to_owned();
    }
    let line_end = argument.trim_start_matches(|character| !matches!(character, '\r' | '\n'));
    format!("{verb} ***{line_end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_become_bytes() {
        assert_eq!(unescape(r"a\r\n\0\t\\\xfF"), b"a\r\n\0\t\\\xff");
        assert_eq!(unescape("pl\u{e4}in"), "pl\u{e4}in".as_bytes());
    }

    #[test]
    fn what_is_no_escape_stays() {
        assert_eq!(unescape(r"\q\x4\xzz\"), br"\q\x4\xzz\");
    }

    #[test]
    fn arguments_that_are_secret_are_hidden() {
        assert_eq!(hide_argument("pass hunter2 "), "pass ***");
        assert_eq!(hide_argument("PASS"), "PASS");
        assert_eq!(hide_argument("PASS a\r\n"), "PASS ***\r\n");
        assert_eq!(hide_argument("USER x"), "USER x");
    }
}
