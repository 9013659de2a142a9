//! Content codings: gzip, deflate, br and zstd (RFC 9110, section 8.4; RFC 7932; RFC 8878).
//!
//! A chain of decoders takes a body chunk by chunk as it arrives, and gives it in pieces of limited length, so
//! that a big body keeps no thread busy for long, and a small one that becomes very big takes no more memory
//! than anyone wants of it. Codings are undone in the reverse of the order in which the header names them;
//! with one that is unknown the body is left as it came, as browsers and all clients do.

use std::io;

use bytes::{Buf, Bytes};
use compression_codecs::core::util::PartialBuffer;
use compression_codecs::zstd::params::DParameter;
use compression_codecs::{BrotliDecoder, Decode, DeflateDecoder, GzipDecoder, ZlibDecoder, ZstdDecoder};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;

/// What we can decode, as `Accept-Encoding` says it.
pub const ACCEPTED: &str = "gzip, deflate, br, zstd";

/// Nobody codes a body more often than this, except to keep us busy.
const MOST_CODINGS: usize = 5;

/// How much is decoded at a time, in bytes.
const SLICE: usize = 16 * 1024;

/// A piece that is decoded is not made longer when it has so many bytes.
const PIECE: usize = 256 * 1024;

/// How much room a decoder gets at first, and at most at a time; in bytes.
const LEAST_ROOM: usize = 8 * 1024;
const MOST_ROOM: usize = PIECE / 2;

/// How far back a frame of zstd may refer, as a power of two: RFC 9659, section 3, 8 MiB.
const ZSTD_WINDOW: u32 = 23;

/// Undoes the codings of one body.
#[derive(Debug)]
pub struct Decoder {
    /// In the order in which they are applied.
    stages: Vec<Stage>,
    /// Nothing came: a body that is empty is not coded, whatever the header says.
    empty: bool,
}

impl Decoder {
    /// The decoder for what the headers say; None if there is nothing to do, or nothing that we can.
    pub fn for_headers(headers: &HeaderMap) -> io::Result<Option<Self>> {
        let mut stages = Vec::new();
        for value in headers.get_all(CONTENT_ENCODING) {
            let Ok(value) = value.to_str() else {
                return Ok(None);
            };
            for name in value.split(',').map(str::trim) {
                match Coding::named(name) {
                    Some(Coding::Identity) => {}
                    Some(coding) => stages.push(Stage::new(coding)),
                    None => return Ok(None),
                }
            }
        }
        if stages.len() > MOST_CODINGS {
            return Err(invalid("it is coded too many times"));
        }
        stages.reverse();
        Ok((!stages.is_empty()).then_some(Self { stages, empty: true }))
    }

    /// The next piece of what `source` is decoded to, which is taken as it is needed; empty once there is none.
    pub fn next(&mut self, source: &mut Bytes) -> io::Result<Bytes> {
        self.empty &= source.is_empty();
        pull(&mut self.stages, source)
    }

    /// Whether all is decoded that was taken.
    pub fn is_drained(&self) -> bool {
        self.stages.iter().all(Stage::is_drained)
    }

    /// Says that the body is complete: UnexpectedEof if a coding is not.
    pub fn finish(mut self) -> io::Result<()> {
        if self.empty || self.stages.iter_mut().all(Stage::is_complete) {
            Ok(())
        } else {
            Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "it ends in the middle",
            ))
        }
    }
}

/// A piece from the last of the stages; a stage gets more when it has used what it had.
fn pull(stages: &mut [Stage], source: &mut Bytes) -> io::Result<Bytes> {
    let Some((last, earlier)) = stages.split_last_mut() else {
        return Ok(source.split_to(source.len().min(SLICE)));
    };
    loop {
        let piece = last.next()?;
        if !piece.is_empty() {
            return Ok(piece.into());
        }
        let more = pull(earlier, source)?;
        if more.is_empty() {
            return Ok(more);
        }
        last.feed(more);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Deflate,
    Brotli,
    Zstd,
}

impl Coding {
    fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "" | "identity" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Brotli,
            "zstd" => Self::Zstd,
            _ => return None,
        })
    }
}

#[derive(Debug)]
enum Codec {
    Gzip(GzipDecoder),
    Zlib(ZlibDecoder),
    /// What many servers send under the name of deflate: without zlib's frame.
    Raw(DeflateDecoder),
    Brotli(BrotliDecoder),
    Zstd(ZstdDecoder),
}

impl Codec {
    fn decode(
        &mut self,
        input: &mut PartialBuffer<&[u8]>,
        output: &mut PartialBuffer<&mut [u8]>,
    ) -> io::Result<bool> {
        match self {
            Self::Gzip(codec) => codec.decode(input, output),
            Self::Zlib(codec) => codec.decode(input, output),
            Self::Raw(codec) => codec.decode(input, output),
            Self::Brotli(codec) => codec.decode(input, output),
            Self::Zstd(codec) => codec.decode(input, output),
        }
    }

    /// Gives what it still has inside.
    fn flush(&mut self, output: &mut PartialBuffer<&mut [u8]>) -> io::Result<bool> {
        match self {
            Self::Gzip(codec) => codec.flush(output),
            Self::Zlib(codec) => codec.flush(output),
            Self::Raw(codec) => codec.flush(output),
            Self::Brotli(codec) => codec.flush(output),
            Self::Zstd(codec) => codec.flush(output),
        }
    }

    /// Whether the stream ended with the last byte it got.
    fn is_at_end(&mut self) -> bool {
        let mut nothing = [0; 64];
        let mut output = PartialBuffer::new(&mut nothing[..]);
        let outcome = match self {
            Self::Gzip(codec) => codec.finish(&mut output),
            Self::Zlib(codec) => codec.finish(&mut output),
            Self::Raw(codec) => codec.finish(&mut output),
            Self::Brotli(codec) => codec.finish(&mut output),
            Self::Zstd(codec) => codec.finish(&mut output),
        };
        matches!(outcome, Ok(true)) && output.written_len() == 0
    }
}

/// One coding of a body.
#[derive(Debug)]
struct Stage {
    coding: Coding,
    /// None until the first bytes have said which codec it is.
    codec: Option<Codec>,
    /// What is not used yet; a codec that is not known waits here until there is enough of it.
    input: Bytes,
    /// There was no room for all that the codec had to give.
    full: bool,
    /// The stream is at an end: here the body may end, or another member may begin.
    complete: bool,
    /// What follows the end is no member, and ignored.
    closed: bool,
}

impl Stage {
    fn new(coding: Coding) -> Self {
        Self {
            coding,
            codec: None,
            input: Bytes::new(),
            full: false,
            complete: false,
            closed: false,
        }
    }

    fn is_complete(&mut self) -> bool {
        // An output that was filled to the last byte hides the end from `run`.
        self.complete || self.codec.as_mut().is_some_and(Codec::is_at_end)
    }

    fn is_drained(&self) -> bool {
        let used = self.input.is_empty() || (self.codec.is_none() && self.input.len() < self.tells_by());
        used && !self.full
    }

    fn feed(&mut self, more: Bytes) {
        self.input = match self.input.is_empty() {
            true => more,
            false => [&self.input[..], &more[..]].concat().into(),
        };
    }

    /// What comes of the input, as far as it is one piece; empty if there must be more of it.
    fn next(&mut self) -> io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < PIECE && (self.full || !self.input.is_empty()) {
            if self.closed {
                self.input.clear();
            } else if self.codec.is_some() {
                self.run(&mut out)?;
            } else if self.input.len() < self.tells_by() {
                break;
            } else {
                self.begin();
            }
        }
        Ok(out)
    }

    /// How many bytes of a stream say what it is. An empty stream of brotli has but one.
    fn tells_by(&self) -> usize {
        if self.complete || self.coding == Coding::Deflate {
            2
        } else {
            1
        }
    }

    /// Picks the codec by the first bytes of a stream.
    fn begin(&mut self) {
        let (first, second) = match &self.input[..] {
            [first, second, ..] => (*first, *second),
            [first] => (*first, 0),
            [] => (0, 0),
        };
        if self.complete && !self.begins_member(first, second) {
            self.closed = true;
            return;
        }
        // RFC 1950: eight in the lower half, and the two as one number a multiple of 31.
        let zlib = first & 0x0f == 8 && (u16::from(first) << 8 | u16::from(second)) % 31 == 0;
        self.complete = false;
        self.codec = match self.coding {
            Coding::Identity => None,
            Coding::Gzip => Some(Codec::Gzip(GzipDecoder::new())),
            Coding::Deflate if zlib => Some(Codec::Zlib(ZlibDecoder::new())),
            Coding::Deflate => Some(Codec::Raw(DeflateDecoder::new())),
            Coding::Brotli => Some(Codec::Brotli(BrotliDecoder::new())),
            Coding::Zstd => Some(Codec::Zstd(ZstdDecoder::new_with_params(&[
                DParameter::window_log_max(ZSTD_WINDOW),
            ]))),
        };
    }

    /// RFC 1952 and RFC 8878 let members and frames follow each other. Other bytes after the end are
    /// padding, and ignored.
    fn begins_member(&self, first: u8, second: u8) -> bool {
        match self.coding {
            Coding::Gzip => (first, second) == (0x1f, 0x8b),
            // A frame, or one of sixteen kinds that are skipped.
            Coding::Zstd => (first, second) == (0x28, 0xb5) || (first & 0xf0 == 0x50 && second == 0x2a),
            _ => false,
        }
    }

    /// Runs the codec until it has used the input, has ended, or has given enough.
    fn run(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.full = false;
        let Some(codec) = &mut self.codec else {
            return Ok(());
        };
        let mut input = PartialBuffer::new(&self.input[..]);
        let mut room = LEAST_ROOM
            .max(input.unwritten().len().saturating_mul(2))
            .min(MOST_ROOM);
        loop {
            let start = out.len();
            out.resize(start + room, 0);
            let mut output = PartialBuffer::new(out.get_mut(start..).unwrap_or_default());
            let before = input.written_len();
            let outcome = if input.unwritten().is_empty() {
                codec.flush(&mut output).map(|_| false)
            } else {
                codec.decode(&mut input, &mut output)
            };
            let written = output.written_len();
            out.truncate(start + written);
            if outcome? {
                self.complete = true;
                self.codec = None;
                break;
            }
            // A codec that left room has nothing more to give for this input.
            if written < room && input.unwritten().is_empty() {
                break;
            }
            if written == 0 && input.written_len() == before {
                return Err(invalid("it makes no sense to the decoder"));
            }
            if out.len() >= PIECE {
                self.full = true;
                break;
            }
            room = (room * 2).min(MOST_ROOM);
        }
        let used = input.written_len();
        self.input.advance(used);
        Ok(())
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
