//! Chance that is the same at every start, on every machine: what makes pages differ, and tests repeat.

/// The same numbers for the same seed: splitmix64.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// From 0 to `bound - 1`; `bound` is not 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Above 0, and at most 1.
    pub(super) fn share(&mut self) -> f64 {
        // As many bits as an f64 holds exactly.
        ((self.roll() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    pub(super) fn pick(&mut self, words: &[&'static str]) -> &'static str {
        let index = self.below(words.len() as u64) as usize;
        words.get(index).copied().unwrap_or_default()
    }
}
