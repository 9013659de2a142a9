//! From bytes to messages: what RFC 6455 asks of one who receives.
//!
//! tungstenite reads the headers. The rules above them are checked here rather than by its `WebSocket`, which
//! takes no bit of an extension and answers pings by itself; see docs/design/websocket.md.
//!
//! Invariant: after a violation nothing more is read.

use std::borrow::Cow;
use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::Utf8Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;

use super::deflate::{Inflater, Refused};
use super::mask;
use super::message::{
    BINARY, CLOSE, CONTINUATION, INVALID_DATA, MOST_CONTROL, Message, NO_STATUS, PING, PROTOCOL_ERROR, TEXT,
    TOO_BIG, may_be_sent,
};

/// A payload shorter than this is copied out of the buffer, which is then used again.
const COPIED: usize = 4096;

/// No more than this is set aside for a frame before its bytes come: its length is only what the peer says.
const TRUSTED: usize = 1 << 20;

/// What the peer did that it must not; how to tell it so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub code: u16,
    pub reason: Cow<'static, str>,
}

fn violation(reason: impl Into<Cow<'static, str>>) -> Violation {
    Violation {
        code: PROTOCOL_ERROR,
        reason: reason.into(),
    }
}

fn invalid(reason: &'static str) -> Violation {
    Violation {
        code: INVALID_DATA,
        reason: reason.into(),
    }
}

/// A message of which not all frames have come.
#[derive(Debug)]
struct Partial {
    opcode: u8,
    compressed: bool,
    bytes: BytesMut,
    /// So much of it is known to be UTF-8.
    checked: usize,
}

impl Partial {
    /// A text that cannot become UTF-8 any more is refused before the rest of it comes: RFC 6455, section 8.1.
    fn check(&mut self) -> Result<(), Violation> {
        if self.opcode != TEXT || self.compressed {
            return Ok(());
        }
        match std::str::from_utf8(self.bytes.get(self.checked..).unwrap_or_default()) {
            Ok(_) => self.checked = self.bytes.len(),
            // The rest of a character may follow.
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(invalid("a text is not UTF-8")),
        }
        Ok(())
    }
}

/// See the head of this file.
#[derive(Debug)]
pub struct Incoming {
    /// Whether frames must be masked: those of clients.
    masked: bool,
    /// How long a message may be, in bytes, as it comes and decompressed.
    most: Option<usize>,
    inflater: Option<Inflater>,
    /// What came and was not looked at.
    pub buffer: BytesMut,
    /// The frame whose payload is awaited, and how long that is.
    header: Option<(FrameHeader, usize)>,
    partial: Option<Partial>,
}

impl Incoming {
    /// `rest` came already, behind the handshake.
    pub fn new(masked: bool, most: Option<usize>, inflater: Option<Inflater>, rest: BytesMut) -> Self {
        Self {
            masked,
            most,
            inflater,
            buffer: rest,
            header: None,
            partial: None,
        }
    }

    /// The next message, if all of it is here.
    pub fn next(&mut self) -> Result<Option<Message>, Violation> {
        loop {
            let (header, length) = match self.header.take() {
                Some(header) => header,
                None => match self.read_header()? {
                    Some(header) => header,
                    None => return Ok(None),
                },
            };
            if self.buffer.len() < length {
                let missing = length - self.buffer.len();
                self.buffer.reserve(missing.min(TRUSTED));
                self.header = Some((header, length));
                return Ok(None);
            }
            let mut payload = self.buffer.split_to(length);
            if let Some(key) = header.mask {
                mask::apply(&mut payload, key);
            }
            if let Some(message) = self.frame(&header, payload)? {
                return Ok(Some(message));
            }
        }
    }

    fn read_header(&mut self) -> Result<Option<(FrameHeader, usize)>, Violation> {
        let mut cursor = Cursor::new(&self.buffer);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| violation("an opcode that is not known"))?;
        let Some((header, length)) = parsed else {
            return Ok(None);
        };
        let size = cursor.position() as usize;
        self.check(&header, length)?;
        self.buffer.advance(size);
        Ok(Some((header, length as usize)))
    }

    /// What can be said before the payload is here.
    fn check(&self, header: &FrameHeader, length: u64) -> Result<(), Violation> {
        if length >> 63 != 0 {
            return Err(violation("a length has its highest bit set"));
        }
        let opcode = u8::from(header.opcode);
        let starts = matches!(opcode, TEXT | BINARY);
        if header.rsv2 || header.rsv3 || (header.rsv1 && (self.inflater.is_none() || !starts)) {
            return Err(violation("a reserved bit is set"));
        }
        if header.mask.is_some() != self.masked {
            return Err(violation(match self.masked {
                true => "a client's frame is not masked",
                false => "a server's frame is masked",
            }));
        }
        if matches!(header.opcode, OpCode::Control(_)) {
            if !header.is_final {
                return Err(violation("a control frame is fragmented"));
            }
            if length > MOST_CONTROL as u64 {
                return Err(violation("a control frame has more than 125 bytes"));
            }
            return Ok(());
        }
        let before = self.partial.as_ref().map(|partial| partial.bytes.len());
        match (opcode == CONTINUATION, before) {
            (true, None) => return Err(violation("a continuation of no message")),
            (false, Some(_)) => return Err(violation("a message within another")),
            _ => {}
        }
        let whole = length.saturating_add(before.unwrap_or(0) as u64);
        match self.most {
            Some(most) if whole > most as u64 => Err(self.too_big()),
            // Nothing so long can be kept, whatever the limit.
            _ if whole > isize::MAX as u64 => Err(self.too_big()),
            _ => Ok(()),
        }
    }

    fn too_big(&self) -> Violation {
        let reason = match self.most {
            Some(most) => format!("a message is longer than {most} bytes").into(),
            None => "a message is too long".into(),
        };
        Violation {
            code: TOO_BIG,
            reason,
        }
    }

    fn frame(&mut self, header: &FrameHeader, payload: BytesMut) -> Result<Option<Message>, Violation> {
        let opcode = u8::from(header.opcode);
        if matches!(header.opcode, OpCode::Control(_)) {
            return control(opcode, &payload).map(Some);
        }
        let (opcode, compressed, bytes) = match self.partial.take() {
            None if header.is_final => (opcode, header.rsv1, payload),
            None => {
                let mut partial = Partial {
                    opcode,
                    compressed: header.rsv1,
                    bytes: payload,
                    checked: 0,
                };
                partial.check()?;
                self.partial = Some(partial);
                return Ok(None);
            }
            Some(mut partial) => {
                partial.bytes.extend_from_slice(&payload);
                if !header.is_final {
                    partial.check()?;
                    self.partial = Some(partial);
                    return Ok(None);
                }
                (partial.opcode, partial.compressed, partial.bytes)
            }
        };
        let bytes = self.decompressed(compressed, bytes)?;
        if opcode == BINARY {
            return Ok(Some(Message::Binary(bytes)));
        }
        match Utf8Bytes::try_from(bytes) {
            Ok(text) => Ok(Some(Message::Text(text))),
            Err(_) => Err(invalid("a text is not UTF-8")),
        }
    }

    fn decompressed(&mut self, compressed: bool, bytes: BytesMut) -> Result<Bytes, Violation> {
        match &mut self.inflater {
            Some(inflater) if compressed => match inflater.decompress(&bytes, self.most) {
                Ok(message) => Ok(message.into()),
                Err(Refused::TooBig) => Err(self.too_big()),
                Err(Refused::Invalid) => Err(invalid("a message is not validly compressed")),
            },
            _ if bytes.len() < COPIED => Ok(Bytes::copy_from_slice(&bytes)),
            _ => Ok(bytes.freeze()),
        }
    }
}

fn control(opcode: u8, payload: &[u8]) -> Result<Message, Violation> {
    match opcode {
        CLOSE => close(payload),
        PING => Ok(Message::Ping(Bytes::copy_from_slice(payload))),
        _ => Ok(Message::Pong(Bytes::copy_from_slice(payload))),
    }
}

/// RFC 6455, section 5.5.1.
fn close(payload: &[u8]) -> Result<Message, Violation> {
    let Some((code, reason)) = payload.split_first_chunk::<2>() else {
        return match payload {
            [] => Ok(Message::Close(NO_STATUS, String::new())),
            _ => Err(violation("a close frame has half a code")),
        };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(violation(format!("a close frame has the code {code}")));
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok(Message::Close(code, reason.to_owned())),
        Err(_) => Err(invalid("the reason of a close frame is not UTF-8")),
    }
}
