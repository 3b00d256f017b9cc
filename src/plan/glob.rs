//! Globs over scenario ids: `*` and `?` stay within one part of a path, `**` crosses parts.

/// Whether `text` as a whole matches `pattern`.
#[must_use]
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    // reached[j]: the pattern so far matches the first j characters of the text.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    let mut rest = pattern.as_slice();
    while let Some((token, tail)) = next_token(rest) {
        rest = tail;
        reached = step(token, &reached, &text);
    }
    reached.last().copied().unwrap_or(false)
}

#[derive(Clone, Copy)]
enum Token {
    One,
    Many,
    Across,
    Char(char),
}

fn next_token(pattern: &[char]) -> Option<(Token, &[char])> {
    match pattern {
        [] => None,
        ['*', '*', tail @ ..] => Some((Token::Across, tail)),
        ['*', tail @ ..] => Some((Token::Many, tail)),
        ['?', tail @ ..] => Some((Token::One, tail)),
        [other, tail @ ..] => Some((Token::Char(*other), tail)),
    }
}

fn step(token: Token, reached: &[bool], text: &[char]) -> Vec<bool> {
    let mut next = vec![false; reached.len()];
    for (position, here) in reached.iter().enumerate() {
        let previous = position.checked_sub(1).and_then(|before| text.get(before));
        let before = |row: &[bool]| {
            position
                .checked_sub(1)
                .and_then(|index| row.get(index))
                .copied()
                .unwrap_or(false)
        };
        let matched = match (token, previous) {
            (Token::Across, _) => *here || before(&next),
            (Token::Many, previous) => *here || before(&next) && previous != Some(&'/'),
            (Token::One, Some(character)) => before(reached) && *character != '/',
            (Token::Char(wanted), Some(character)) => before(reached) && *character == wanted,
            (Token::One | Token::Char(_), None) => false,
        };
        if let Some(cell) = next.get_mut(position) {
            *cell = matched;
        }
    }
    next
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_stay_within_a_part_and_double_stars_do_not() {
        assert!(matches("auth/*", "auth/auth-tls"));
        assert!(matches("*/auth-?ls", "auth/auth-tls"));
        assert!(matches("**tls**", "auth/auth-tls-twice"));
        assert!(matches("**", ""));
        assert!(!matches("auth*", "auth/auth-tls"));
        assert!(!matches("auth/auth", "auth/auth-tls"));
        assert!(!matches("?", "/"));
        assert!(!matches("", "a"));
    }

    #[test]
    fn many_stars_take_no_time() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(199)));
    }
}
