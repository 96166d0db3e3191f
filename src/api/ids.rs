//! Random names of new things.

use poolgate_providers::Random;

const LOWER: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const MIXED: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `length` characters, each equally likely.
fn text(random: &dyn Random, alphabet: &[u8], length: usize) -> String {
    let fair = 256 - 256 % alphabet.len();
    let mut out = String::with_capacity(length);
    let mut bytes = [0_u8; 64];
    while out.len() < length {
        random.fill(&mut bytes);
        let fair_bytes = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < fair);
        let letters = fair_bytes.filter_map(|byte| alphabet.get(byte % alphabet.len()));
        out.extend(letters.take(length - out.len()).map(|letter| char::from(*letter)));
    }
    out
}

/// `{region}_{9 letters and digits}`.
pub(super) fn pool_id(random: &dyn Random, region: &str) -> String {
    format!("{region}_{}", text(random, MIXED, 9))
}

/// 26 lower-case letters and digits: 134 random bits.
pub(super) fn client_id(random: &dyn Random) -> String {
    text(random, LOWER, 26)
}

/// 52 lower-case letters and digits: 268 random bits.
pub(super) fn client_secret(random: &dyn Random) -> String {
    text(random, LOWER, 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use poolgate_providers::SystemRandom;

    #[test]
    fn ids_and_secrets_have_the_shape_of_the_reference() {
        let is = |pattern: &str, text: &str| regex::Regex::new(pattern).unwrap().is_match(text);
        assert!(is(r"\Aus-east-1_[0-9A-Za-z]{9}\z", &pool_id(&SystemRandom, "us-east-1")));
        assert!(is(r"\A[0-9a-z]{26}\z", &client_id(&SystemRandom)));
        assert!(is(r"\A[0-9a-z]{51,64}\z", &client_secret(&SystemRandom)));
        assert_ne!(client_id(&SystemRandom), client_id(&SystemRandom));
    }

    #[test]
    fn every_letter_is_equally_likely() {
        struct Counting;
        impl Random for Counting {
            fn fill(&self, bytes: &mut [u8]) {
                for (byte, value) in bytes.iter_mut().zip(192_u8..=255) {
                    *byte = value;
                }
            }
        }
        // 252 to 255 would favour the first four letters: they are thrown away.
        let letters = text(&Counting, LOWER, 60);
        assert_eq!(letters.chars().next(), Some('c'));
        assert_eq!(letters.chars().last(), Some('z'));
    }
}
