//! Text that a peer sent, made safe to show: control characters and ANSI sequences become visible escapes.

/// How many characters of peer text a message shows.
pub const PEER_TEXT_LIMIT: usize = 200;

/// `bytes` as one printable line of at most [`PEER_TEXT_LIMIT`] characters: UTF-8 is kept, control characters and
/// bytes that are not UTF-8 become `\r`, `\n`, `\t` or `\xNN`, and what was cut is marked by `…`.
#[must_use]
pub fn escape_peer(bytes: &[u8]) -> String {
    escape_limited(bytes, PEER_TEXT_LIMIT)
}

/// Like [`escape_peer`] without the limit; for files that keep everything, never for messages.
#[must_use]
pub fn escape_peer_full(bytes: &[u8]) -> String {
    escape_limited(bytes, usize::MAX)
}

fn escape_limited(bytes: &[u8], limit: usize) -> String {
    let mut shown = String::new();
    let mut length = 0;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if length >= limit {
                shown.push('…');
                return shown;
            }
            length += 1;
            push_visible(&mut shown, character);
        }
        for byte in chunk.invalid() {
            if length >= limit {
                shown.push('…');
                return shown;
            }
            length += 1;
            shown.push_str(&format_byte(*byte));
        }
    }
    shown
}

fn push_visible(shown: &mut String, character: char) {
    match character {
        '\r' => shown.push_str("\\r"),
        '\n' => shown.push_str("\\n"),
        '\t' => shown.push_str("\\t"),
        '\\' => shown.push_str("\\\\"),
        // Bidirectional overrides and zero-width characters could make a reply read as something else.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => {
            shown.extend(character.escape_unicode());
        }
        other if other.is_control() => {
            if u32::from(other) < 0x80 {
                shown.push_str(&format_byte(other as u8));
            } else {
                shown.extend(other.escape_unicode());
            }
        }
        other => shown.push(other),
    }
}

fn format_byte(byte: u8) -> String {
    format!("\\x{byte:02x}")
}

/// `text` as one word of a shell: in single quotes unless it is harmless without.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,:/@%+".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_odd_bytes_become_visible() {
        assert_eq!(
            escape_peer(b"220 \x1b[31mred\x1b[0m\r\n"),
            "220 \\x1b[31mred\\x1b[0m\\r\\n"
        );
        assert_eq!(escape_peer(b"a\xff\xc3\xa4"), "a\\xff\u{e4}");
        assert_eq!(escape_peer("x\u{202e}y\u{85}".as_bytes()), "x\\u{202e}y\\u{85}");
    }

    #[test]
    fn long_text_is_cut() {
        let shown = escape_peer(&[b'a'; 500]);
        assert_eq!(shown.chars().count(), PEER_TEXT_LIMIT + 1);
        assert!(shown.ends_with('…'));
        assert_eq!(escape_peer_full(&[b'a'; 500]).len(), 500);
    }

    #[test]
    fn words_of_a_shell_are_quoted_when_they_must_be() {
        assert_eq!(shell_word("tls=tls1.3"), "tls=tls1.3");
        assert_eq!(shell_word("command=CWD /"), "'command=CWD /'");
        assert_eq!(shell_word("a'b;$(c)"), r"'a'\''b;$(c)'");
        assert_eq!(shell_word(""), "''");
    }
}
