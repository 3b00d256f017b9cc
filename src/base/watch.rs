//! Finds secrets in a stream of bytes that comes in chunks, and masks them in place, byte for byte.
//!
//! For what is kept as bytes (captures); texts of events go through [`Masker`] alone. Lengths never change, so a masked
//! chunk fits where the real one was.

use std::collections::VecDeque;

use super::secret::Masker;

/// What stands for a byte of a secret.
const MASK: u8 = b'*';

/// One direction of a connection. A secret that is spread over chunks is masked in all of them.
#[derive(Debug)]
pub struct SecretWatch<T> {
    masker: Masker,
    recent: VecDeque<(T, Vec<u8>)>,
}

impl<T> SecretWatch<T> {
    /// A watch for the secrets of `masker`.
    #[must_use]
    pub fn new(masker: Masker) -> Self {
        Self {
            masker,
            recent: VecDeque::new(),
        }
    }

    /// Takes the next chunk; `tag` says where it belongs. Gives every chunk that this one has changed, masked: often
    /// none, and earlier ones where a secret began in them.
    pub fn push(&mut self, tag: T, chunk: Vec<u8>) -> Vec<(&T, &[u8])> {
        let longest = self.masker.longest();
        if longest == 0 {
            return Vec::new();
        }
        self.recent.push_back((tag, chunk));
        let mut text: Vec<u8> = Vec::with_capacity(self.kept());
        for (_, chunk) in &self.recent {
            text.extend_from_slice(chunk);
        }
        let found = self.masker.find(&text);
        let mut changed = vec![false; self.recent.len()];
        for place in found {
            let mut start = 0;
            for (index, (_, chunk)) in self.recent.iter_mut().enumerate() {
                let from = place.start.max(start) - start;
                let to = place.end.saturating_sub(start).min(chunk.len());
                start += chunk.len();
                if let Some(secret) = chunk.get_mut(from..to).filter(|secret| !secret.is_empty()) {
                    secret.fill(MASK);
                    if let Some(flag) = changed.get_mut(index) {
                        *flag = true;
                    }
                }
            }
        }
        // What lies further back than the longest secret cannot be the start of one any more; one byte in front of it
        // tells whether a short one stands alone.
        let mut drop = 0;
        let mut behind = text.len();
        for (_, chunk) in &self.recent {
            behind -= chunk.len();
            if behind <= longest || drop + 1 == self.recent.len() {
                break;
            }
            drop += 1;
        }
        let first_changed = changed.iter().position(|flag| *flag).unwrap_or(drop);
        let drop_now = drop.min(first_changed);
        self.recent.drain(..drop_now);
        changed.drain(..drop_now);
        self.recent
            .iter()
            .zip(changed)
            .filter(|(_, changed)| *changed)
            .map(|((tag, chunk), _)| (tag, chunk.as_slice()))
            .collect()
    }

    fn kept(&self) -> usize {
        self.recent.iter().map(|(_, chunk)| chunk.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::super::secret::Secret;
    use super::*;

    fn watch() -> SecretWatch<usize> {
        SecretWatch::new(Masker::new([Secret::new("hunter2"), Secret::new("pw")]))
    }

    fn pushed(watch: &mut SecretWatch<usize>, tag: usize, text: &str) -> Vec<(usize, String)> {
        watch
            .push(tag, text.into())
            .into_iter()
            .map(|(tag, chunk)| (*tag, String::from_utf8_lossy(chunk).into_owned()))
            .collect()
    }

    #[test]
    fn a_secret_in_one_chunk_is_masked_and_nothing_else() {
        let mut watch = watch();
        assert_eq!(pushed(&mut watch, 0, "USER ada\r\n"), []);
        assert_eq!(
            pushed(&mut watch, 1, "PASS hunter2\r\n"),
            [(1, "PASS *******\r\n".to_owned())]
        );
        assert_eq!(pushed(&mut watch, 2, "SYST\r\n"), []);
    }

    #[test]
    fn a_secret_that_comes_byte_by_byte_is_masked_in_every_chunk() {
        let mut watch = watch();
        let mut changed = Vec::new();
        for (tag, letter) in "PASS hunter2\r\n".chars().enumerate() {
            changed.extend(pushed(&mut watch, tag, &letter.to_string()));
        }
        let masked: Vec<usize> = changed.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(masked, [5, 6, 7, 8, 9, 10, 11]);
        assert!(changed.iter().all(|(_, text)| text == "*"));
    }

    #[test]
    fn a_short_secret_is_masked_as_a_word_only() {
        let mut watch = watch();
        assert_eq!(pushed(&mut watch, 0, "apw1 PWD xpw\r\n"), []);
        assert_eq!(
            pushed(&mut watch, 1, "PASS pw\r\n"),
            [(1, "PASS **\r\n".to_owned())]
        );
    }

    #[test]
    fn what_is_kept_does_not_grow() {
        let mut watch = watch();
        for tag in 0..1000 {
            watch.push(tag, vec![b'x'; 100]);
        }
        assert!(watch.recent.len() < 4, "{}", watch.recent.len());
    }
}
