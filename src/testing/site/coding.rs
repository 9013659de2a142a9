//! Routes about what the bytes of a body mean: compressed, in some encoding, or broken.

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use http::Response;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::content::{Content, pieces};
use super::reply::{Refusal, Reply, text, typed, value};

/// `length` bytes of the pattern, compressed.
pub(super) async fn compressed(coding: &str, length: u64) -> Result<Reply, Refusal> {
    // The pattern shrinks to nearly nothing anyway, so a test need not wait for the best.
    let level = Level::Fastest;
    let mut output = Vec::new();
    match coding {
        "gzip" => pour(GzipEncoder::with_quality(&mut output, level), length).await,
        "br" => pour(BrotliEncoder::with_quality(&mut output, level), length).await,
        "zstd" => pour(ZstdEncoder::with_quality(&mut output, level), length).await,
        // HTTP's "deflate" is the zlib format.
        _ => pour(ZlibEncoder::with_quality(&mut output, level), length).await,
    }
    .map_err(|error| Refusal::Broken(format!("{coding} failed: {error}")))?;
    coded(
        coding,
        typed("text/plain; charset=utf-8", Content::Whole(output.into())),
    )
}

/// These bytes as a gzip member.
pub(super) async fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut encoder = GzipEncoder::new(Vec::new());
    let written = async {
        encoder.write_all(bytes).await?;
        encoder.shutdown().await
    };
    match written.await {
        Ok(()) => Ok(encoder.into_inner()),
        Err(error) => Err(Refusal::Broken(format!("gzip failed: {error}"))),
    }
}

async fn pour(mut encoder: impl AsyncWrite + Unpin, length: u64) -> std::io::Result<()> {
    for piece in pieces(length) {
        encoder.write_all(&piece).await?;
    }
    encoder.shutdown().await
}

/// A body that is not what its content-encoding says.
pub(super) fn broken(coding: &str) -> Result<Reply, Refusal> {
    coded(coding, text("These bytes were never compressed.\n"))
}

/// Says that the body is in that coding.
pub(super) fn coded(coding: &str, mut reply: Reply) -> Result<Reply, Refusal> {
    reply.headers_mut().insert(CONTENT_ENCODING, value(coding)?);
    Ok(reply)
}

/// Sentences of which each encoding can write one; the first that it can write is sent.
const SAMPLES: [&str; 10] = [
    "Déjà vu – 10 €, 日本 и мир\n",
    "Déjà vu: 10 €\n",
    "Déjà vu\n",
    "日本語のページ\n",
    "Привет, мир\n",
    "Καλημέρα κόσμε\n",
    "שלום עולם\n",
    "مرحبا بالعالم\n",
    "สวัสดีชาวโลก\n",
    "plain ASCII\n",
];

/// Text in the encoding of that label, declared by the label as it was given. `?text=` chooses the text.
pub(super) fn charset(label: &str, query: &[(String, String)]) -> Result<Reply, Refusal> {
    let encoding = Encoding::for_label(label.as_bytes())
        .ok_or_else(|| Refusal::NotFound(format!("an encoding with the label {label:?}")))?;
    let chosen = query
        .iter()
        .find(|(name, _)| name == "text")
        .map(|(_, text)| text);
    let body = match chosen {
        Some(text) => encode(encoding, text),
        None => SAMPLES.iter().find_map(|sample| encode(encoding, sample)),
    }
    .ok_or_else(|| Refusal::bad(format!("{} cannot write that text", encoding.name())))?;
    let mut reply = Response::new(Content::Whole(body.into()));
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, value(&format!("text/plain; charset={label}"))?);
    Ok(reply)
}

/// `None` where the encoding lacks a character.
fn encode(encoding: &'static Encoding, text: &str) -> Option<Vec<u8>> {
    // encoding_rs only reads UTF-16, as browsers do.
    if encoding == UTF_16LE {
        return Some(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if encoding == UTF_16BE {
        return Some(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let (bytes, written_as, lacking) = encoding.encode(text);
    (written_as == encoding && !lacking).then(|| bytes.into_owned())
}
