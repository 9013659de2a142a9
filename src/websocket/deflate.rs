//! permessage-deflate: RFC 7692. What was agreed is in [`extensions`](super::extensions).
//!
//! A message is compressed as a whole; what a flush ends with, four bytes, is not sent (section 7.2.1).

use std::fmt;

use zlib_rs::{Deflate, DeflateConfig, DeflateFlush, Inflate, InflateFlush, Status};

/// What a flush ends with.
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

/// The least by which an output grows, in bytes.
const STEP: usize = 4096;

/// zlib's usual level costs twice the time of this one for some percent of the size.
const LEVEL: i32 = 3;

/// One direction as it was agreed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Way {
    /// The window's size is two to this power.
    pub bits: u8,
    /// Whether a message may refer to those before it.
    pub takeover: bool,
}

/// What compresses what this side sends. It takes some 150 KiB, most of which is a table whose size zlib-rs does not
/// let one choose. So it has no memory before the first message, none between messages that do not refer to each
/// other, and none while it rests.
pub struct Deflater {
    deflate: Option<Deflate>,
    way: Way,
    /// Whether it was used since it last could rest.
    used: bool,
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Deflater")
    }
}

impl Deflater {
    pub fn new(way: Way) -> Self {
        Self {
            deflate: None,
            way,
            used: false,
        }
    }

    /// Gives its memory back if it was not used since the last call. That a message may refer to those before it does
    /// not mean that it must: the next begins anew.
    pub fn rest(&mut self) {
        if !std::mem::take(&mut self.used) {
            self.deflate = None;
        }
    }

    /// Adds `payload`, compressed, to `into`. False, and nothing is added, if it cannot be compressed.
    pub fn compress(&mut self, payload: &[u8], into: &mut Vec<u8>) -> bool {
        let start = into.len();
        let mut filled = start;
        let mut rest = payload;
        self.used = true;
        let bits = i32::from(self.way.bits);
        let deflate = self.deflate.get_or_insert_with(|| {
            Deflate::new_with_config(DeflateConfig {
                level: LEVEL,
                // Negative: without a header.
                window_bits: -bits,
                // Memory for what was not sent goes with the window.
                mem_level: bits.saturating_sub(7).clamp(1, 8),
                ..DeflateConfig::default()
            })
        });
        let done = loop {
            into.resize(filled + rest.len() / 2 + STEP, 0);
            let (taken, given) = (deflate.total_in(), deflate.total_out());
            let output = into.get_mut(filled..).unwrap_or_default();
            let room = output.len();
            let status = deflate.compress(rest, output, DeflateFlush::SyncFlush);
            let taken = (deflate.total_in() - taken) as usize;
            let given = (deflate.total_out() - given) as usize;
            filled += given;
            rest = rest.get(taken..).unwrap_or_default();
            match status {
                Ok(_) if rest.is_empty() && given < room => break true,
                Ok(Status::Ok) => {}
                _ => break false,
            }
        };
        into.truncate(filled);
        if !self.way.takeover || !done {
            self.deflate = None;
        }
        let ends = into.get(start..).is_some_and(|added| added.ends_with(&TAIL));
        into.truncate(if done && ends { filled - TAIL.len() } else { start });
        done && ends
    }
}

/// Why a message cannot be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    TooBig,
    Invalid,
}

/// What decompresses what the peer sends; its memory is as the deflater's.
pub struct Inflater {
    inflate: Option<Inflate>,
    takeover: bool,
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inflater")
    }
}

impl Inflater {
    /// The widest window takes what was compressed with any.
    pub fn new(takeover: bool) -> Self {
        Self {
            inflate: None,
            takeover,
        }
    }

    /// The message whose compressed form is `payload`, no longer than `most` bytes.
    pub fn decompress(&mut self, payload: &[u8], most: Option<usize>) -> Result<Vec<u8>, Refused> {
        if payload.is_empty() {
            // No compressor leaves this, but what it means is clear; a tail without a block before it is not.
            return Ok(Vec::new());
        }
        let mut message = Vec::new();
        let mut filled = 0;
        let inflate = self.inflate.get_or_insert_with(|| Inflate::new(false, 15));
        for mut rest in [payload, &TAIL] {
            loop {
                let more = rest.len().saturating_mul(2).max(STEP);
                // One byte beyond the limit is enough to know.
                let most = most.map_or(usize::MAX, |most| most.saturating_add(1));
                message.resize(filled + more.min(most.saturating_sub(filled)).max(1), 0);
                let (taken, given) = (inflate.total_in(), inflate.total_out());
                let output = message.get_mut(filled..).unwrap_or_default();
                let room = output.len();
                let status = inflate.decompress(rest, output, InflateFlush::SyncFlush);
                let taken = (inflate.total_in() - taken) as usize;
                let given = (inflate.total_out() - given) as usize;
                filled += given;
                rest = rest.get(taken..).unwrap_or_default();
                if filled >= most {
                    return Err(Refused::TooBig);
                }
                match status {
                    // A last block, after which another may begin: section 7.2.3.5.
                    Ok(Status::StreamEnd) => inflate.reset(false),
                    Ok(Status::Ok | Status::BufError) if taken + given > 0 || rest.is_empty() => {}
                    _ => return Err(Refused::Invalid),
                }
                if rest.is_empty() && given < room {
                    break;
                }
            }
        }
        message.truncate(filled);
        if !self.takeover {
            self.inflate = None;
        }
        Ok(message)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn compressed(deflater: &mut Deflater, payload: &[u8]) -> Vec<u8> {
        let mut into = vec![7];
        assert!(deflater.compress(payload, &mut into));
        assert_eq!(into.remove(0), 7);
        into
    }

    #[test]
    fn what_is_compressed_comes_back() {
        for bits in 9..=15 {
            for takeover in [false, true] {
                let mut deflater = Deflater::new(Way { bits, takeover });
                let mut inflater = Inflater::new(takeover);
                for length in [1_usize, 5, 100, 4095, 4096, 70_000, 300_000] {
                    let payload: Vec<u8> = (0..length).map(|n| (n * n / 7) as u8).collect();
                    let small = compressed(&mut deflater, &payload);
                    assert_eq!(inflater.decompress(&small, Some(length)).unwrap(), payload);
                }
            }
        }
    }

    #[test]
    fn after_a_rest_it_begins_anew_and_the_other_side_goes_on() {
        let way = Way {
            bits: 12,
            takeover: true,
        };
        let (mut deflater, mut inflater) = (Deflater::new(way), Inflater::new(true));
        let text = b"the same again, and the same again; what was random: 7f3e9a".repeat(2);
        let mut lengths = Vec::new();
        for rests in [0, 0, 1, 2, 0] {
            for _ in 0..rests {
                deflater.rest();
            }
            assert_eq!(deflater.deflate.is_none(), lengths.is_empty() || rests == 2);
            let small = compressed(&mut deflater, &text);
            assert_eq!(inflater.decompress(&small, None).unwrap(), text);
            lengths.push(small.len());
        }
        let lengths: [usize; 5] = lengths.try_into().unwrap();
        assert!(lengths[1] < lengths[0] && lengths[2] < lengths[0], "{lengths:?}");
        assert!(lengths[3] == lengths[0] && lengths[4] < lengths[3], "{lengths:?}");
    }

    /// RFC 7692, sections 7.2.3.1 to 7.2.3.5.
    #[test]
    fn the_examples_of_the_rfc() {
        let hello: [&[u8]; 3] = [
            &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00],
            &[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00],
            &[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00],
        ];
        for payload in hello {
            assert_eq!(Inflater::new(true).decompress(payload, None).unwrap(), b"Hello");
        }
        let mut inflater = Inflater::new(true);
        for payload in [hello[0], &[0xf2, 0x00, 0x11, 0x00, 0x00]] {
            assert_eq!(inflater.decompress(payload, Some(5)).unwrap(), b"Hello");
        }
        for nothing in [&[][..], &[0x00]] {
            assert_eq!(inflater.decompress(nothing, None).unwrap(), b"");
        }
        // And goes on from there.
        assert_eq!(
            inflater
                .decompress(&[0xf2, 0x00, 0x11, 0x00, 0x00], None)
                .unwrap(),
            b"Hello"
        );
    }

    #[test]
    fn a_bomb_is_not_unpacked_and_rubbish_is_refused() {
        let mut deflater = Deflater::new(Way {
            bits: 15,
            takeover: true,
        });
        let bomb = compressed(&mut deflater, &vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(
            Inflater::new(true).decompress(&bomb, Some(9_999_999)),
            Err(Refused::TooBig)
        );
        assert_eq!(
            Inflater::new(true).decompress(&[0xff; 20], Some(100)),
            Err(Refused::Invalid)
        );
    }
}
