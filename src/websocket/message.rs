//! What goes over a connection, and how it ends.

use std::borrow::Cow;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The opcodes of RFC 6455, section 5.2.
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;

/// How much a control frame may carry, in bytes: section 5.5.
pub const MOST_CONTROL: usize = 125;

/// Codes of section 7.4.1 that are used here.
pub const NORMAL: u16 = 1000;
pub const GOING_AWAY: u16 = 1001;
pub const PROTOCOL_ERROR: u16 = 1002;
pub const NO_STATUS: u16 = 1005;
pub const ABNORMAL: u16 = 1006;
pub const INVALID_DATA: u16 = 1007;
pub const TOO_BIG: u16 = 1009;
pub const INTERNAL_ERROR: u16 = 1011;

/// Something that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    Text(Utf8Bytes),
    Binary(Bytes),
    Ping(Bytes),
    Pong(Bytes),
    Close(u16, String),
}

impl Message {
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Binary(_))
    }
}

/// A frame to be sent.
#[derive(Debug, Clone)]
pub struct Outgoing {
    pub opcode: u8,
    /// Whether it is the last of its message.
    pub last: bool,
    pub payload: Bytes,
    /// Whether to compress it, where that was agreed. Of a message's later frames nothing is asked.
    pub compress: bool,
}

impl Outgoing {
    pub fn control(opcode: u8, payload: impl Into<Bytes>) -> Self {
        Self {
            opcode,
            last: true,
            payload: payload.into(),
            compress: false,
        }
    }

    /// A close frame. Without a status code there is no reason either.
    pub fn close(code: u16, reason: &str) -> Self {
        let mut payload = Vec::with_capacity(2 + reason.len());
        if code != NO_STATUS {
            payload.extend_from_slice(&code.to_be_bytes());
            payload.extend_from_slice(reason.as_bytes());
        }
        Self::control(CLOSE, payload)
    }

    pub fn weight(&self) -> usize {
        weight(&self.payload)
    }
}

/// What a frame counts for in the buffer: empty ones are not for nothing.
pub fn weight(payload: &[u8]) -> usize {
    payload.len() + 16
}

/// Why a connection is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    pub code: u16,
    pub reason: String,
    /// Who ended it.
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// The peer sent a close frame, of its own accord or as an answer.
    Peer,
    /// This side broke it off, because of what the peer did or did not.
    Us,
    /// This side has closed it, and the peer's answer is still to come.
    Closing,
    /// The connection broke, or ended without a close frame; in words.
    Broken(Cow<'static, str>),
}

impl End {
    /// Both sides have said that they are done, or it was only a goodbye.
    pub fn is_clean(&self) -> bool {
        self.by == By::Peer && matches!(self.code, NORMAL | GOING_AWAY | NO_STATUS)
    }

    pub fn in_words(&self) -> String {
        let code = self.code;
        let named = match name(code) {
            "" => format!("{code}"),
            name => format!("{code} ({name})"),
        };
        let reason = match self.reason.as_str() {
            "" => String::new(),
            reason => format!(": {}", shown(reason)),
        };
        match &self.by {
            By::Peer => format!("the connection was closed with {named}{reason}"),
            By::Us => format!("the connection was broken off with {named}{reason}"),
            By::Closing => format!("the connection is being closed with {named}{reason}"),
            By::Broken(how) => format!("the connection ended without a close frame: {how}"),
        }
    }
}

/// On one line, whatever the peer has put in.
fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char.is_control() {
            true => shown.extend(char.escape_default()),
            false => shown.push(char),
        }
    }
    shown
}

/// The names of the registry that RFC 6455, section 11.7, begins.
pub fn name(code: u16) -> &'static str {
    match code {
        1000 => "normal closure",
        1001 => "going away",
        1002 => "protocol error",
        1003 => "unsupported data",
        1005 => "no status code",
        1006 => "abnormal closure",
        1007 => "invalid data",
        1008 => "policy violation",
        1009 => "message too big",
        1010 => "mandatory extension",
        1011 => "internal error",
        1012 => "service restart",
        1013 => "try again later",
        1014 => "bad gateway",
        _ => "",
    }
}

/// Whether a close frame may have this code: section 7.4.
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
