//! Masks: what a client puts over its payloads, so that nothing between can be fooled by them.
//!
//! RFC 6455, section 10.3: a key must not be foreseeable, so keys come from the cryptographic source.

/// Lays `key` over the bytes, or takes it off.
pub fn apply(bytes: &mut [u8], key: [u8; 4]) {
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut words = bytes.chunks_exact_mut(8);
    for word in &mut words {
        let mut whole = [0; 8];
        whole.copy_from_slice(word);
        word.copy_from_slice(&(u64::from_ne_bytes(whole) ^ wide).to_ne_bytes());
    }
    for (byte, key) in words.into_remainder().iter_mut().zip(key.into_iter().cycle()) {
        *byte ^= key;
    }
}

/// So much is copied and masked at a time: it stays in the processor's nearest cache. A multiple of the key's length.
const BLOCK: usize = 8 * 1024;

/// Adds the bytes to `into`, with `key` laid over them.
pub fn append(into: &mut Vec<u8>, bytes: &[u8], key: [u8; 4]) {
    into.reserve(bytes.len());
    for block in bytes.chunks(BLOCK) {
        let start = into.len();
        into.extend_from_slice(block);
        if let Some(added) = into.get_mut(start..) {
            apply(added, key);
        }
    }
}

/// Keys for one connection, drawn some at a time, since each draw costs more than a mask.
#[derive(Debug)]
pub struct Keys {
    pool: [u8; 256],
    used: usize,
}

impl Keys {
    pub fn new() -> Self {
        Self {
            pool: [0; 256],
            used: 256,
        }
    }

    /// A key that was not used before. None if the system has no randomness to give.
    pub fn next(&mut self) -> Option<[u8; 4]> {
        if self.used >= self.pool.len() {
            aws_lc_rs::rand::fill(&mut self.pool).ok()?;
            self.used = 0;
        }
        let key = self.pool.get(self.used..self.used + 4)?.try_into().ok()?;
        self.used += 4;
        Some(key)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn every_byte_gets_the_key_of_its_place() {
        let key = [1, 20, 100, 255];
        for length in 0..40_u8 {
            let plain: Vec<u8> = (0..length).map(|byte| byte.wrapping_mul(37)).collect();
            let mut masked = plain.clone();
            apply(&mut masked, key);
            let expected: Vec<u8> = plain
                .iter()
                .zip(key.into_iter().cycle())
                .map(|(a, b)| a ^ b)
                .collect();
            assert_eq!(masked, expected);
        }
    }

    #[test]
    fn what_is_added_is_masked_and_nothing_else() {
        for length in [0, 1, 7, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5] {
            let plain: Vec<u8> = (0..length).map(|place| (place * 31 % 251) as u8).collect();
            let mut expected = plain.clone();
            apply(&mut expected, [1, 20, 100, 255]);
            let mut added = b"before".to_vec();
            append(&mut added, &plain, [1, 20, 100, 255]);
            assert_eq!(added.split_at(6), (&b"before"[..], &expected[..]));
        }
    }

    #[test]
    fn keys_do_not_repeat() {
        let mut keys = Keys::new();
        let mut drawn: Vec<_> = (0..200).map(|_| keys.next().unwrap()).collect();
        drawn.sort_unstable();
        drawn.dedup();
        assert!(drawn.len() >= 199, "{}", drawn.len());
    }
}
