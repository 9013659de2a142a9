//! A download from its first step to a file in its place. Runs on tokio and knows no Python.
//!
//! ```text
//! open the part -> ask (from where it ends) -> the rest, or the whole, or all is here -> receive -> place it
//!                   ^                                                                       |
//!                   +------------ what breaks off is asked for again, as retries allow -----+
//! ```
//!
//! Told to stop, it lets go of the connection, and ends when the part is closed and nothing of it is waiting to
//! be written. Dropped, it does the same, and nobody can tell when.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

use super::ended::{Ended, Failed, Whole};
use super::note;
use super::part::Part;
use super::paths::Paths;
use super::report::{Listener, Teller};
use super::validator::Validator;
use super::verdict::Verdict;
use super::writer::Writer;
use crate::error::{Error, Kind};
use crate::http::body::Body;
use crate::http::error::Failure;
use crate::http::exchange::{Exchange, Travel};
use crate::http::reader::Reader;
use crate::http::response::Parts;

/// How much of an answer that is not the file is shown, in bytes.
const SHOWN: usize = 64 * 1024;

#[derive(Debug)]
pub struct Transfer {
    pub exchange: Exchange,
    pub paths: Paths,
    /// Whether an earlier call's part is gone on from, and ours is left to a later call.
    pub resume: bool,
    pub listener: Listener,
    pub stop: Arc<Notify>,
}

impl Transfer {
    pub async fn run(self) -> Result<Ended, Error> {
        Ok(Ended(self.until_it_is_placed().await))
    }

    async fn until_it_is_placed(self) -> Result<Whole, Failed> {
        let start = Instant::now();
        let Self {
            exchange,
            paths,
            resume,
            listener,
            stop,
        } = self;
        let path = paths.given.clone();
        let mut teller = Teller::begin(listener)?;
        let origin = note::origin(&exchange.outgoing.url);
        let opening = spawn_blocking(move || Part::open(paths, origin, resume)).await;
        let (part, length) =
            opening.map_err(|_| Error::runtime("the runtime ended before the file was opened"))??;
        let mut writer = Writer::new(part, length);
        let received = {
            let receiving = pin!(receive(exchange, &mut writer, &mut teller));
            tokio::select! {
                biased;
                () = stop.notified() => Err(Failed::Stopped),
                received = receiving => received,
            }
        };
        let outcome = match received {
            Ok(received) => writer.place().await.map(|()| received),
            Err(failed) => Err(failed),
        };
        let size = writer.length();
        writer.leave().await;
        if let Teller::Bar(bar) = teller {
            // A terminal may be slow.
            let _ = spawn_blocking(move || drop(bar)).await;
        }
        let (parts, resumed_from) = outcome?;
        Ok(Whole {
            path,
            size,
            resumed_from,
            elapsed: start.elapsed(),
            parts,
        })
    }
}

/// Receives the file, or what is missing of it. Gives the last head, and how much was here before.
async fn receive(
    exchange: Exchange,
    writer: &mut Writer,
    teller: &mut Teller,
) -> Result<(Box<Parts>, u64), Failed> {
    let most = exchange.plan.most_body;
    let mut travel = Travel::begin(exchange);
    let mut asked = writer.resumable();
    let mut resumed_from = writer.length();
    loop {
        travel.change(|headers| ask(headers, asked.as_ref()));
        let (mut parts, mut reader) = travel.until_the_head().await?;
        let coded = reader.decodes();
        let (end, complete) = match Verdict::of(parts.status, &parts.headers, asked.as_ref(), coded) {
            Verdict::GoOn { end, complete } => (Some(end), complete),
            Verdict::Begin { length } => {
                resumed_from = 0;
                let known = parts.status == StatusCode::OK && !coded;
                let validator = known.then(|| Validator::of(&parts.headers)).flatten();
                writer.restart(validator).await?;
                (length, length)
            }
            Verdict::Complete => {
                teller.start(writer.length(), Some(writer.length()));
                parts.received = reader.received().into();
                return Ok((parts, resumed_from));
            }
            Verdict::AskAnew => {
                reader.discard().await;
                travel.go_back(&mut parts);
                asked = None;
                continue;
            }
            Verdict::Unasked => {
                return Err(wrong(&travel, "the server sent a part that it was not asked for").into());
            }
            Verdict::Refused => {
                parts.content = Body::of(beginning(reader).await).into();
                return Err(Failed::Refused(parts));
            }
        };
        teller.start(writer.length(), complete);
        let rest = Rest { end, complete, most };
        match rest.receive(&travel, &mut reader, writer, teller).await {
            Ok(()) => {
                parts.received = reader.received().into();
                return Ok((parts, resumed_from));
            }
            Err(Failed::Request(error)) => {
                drop(reader);
                writer.flush().await?;
                travel.go_back(&mut parts);
                travel.again(error).await?;
                asked = writer.resumable();
            }
            Err(failed) => return Err(failed),
        }
    }
}

/// Asks for what follows on what is here, if that is still of the file that is there (RFC 9110, section 13.1.5).
fn ask(headers: &mut HeaderMap, from: Option<&(u64, Validator)>) {
    headers.remove(RANGE);
    headers.remove(IF_RANGE);
    let Some((from, validator)) = from else { return };
    let range = HeaderValue::from_str(&format!("bytes={from}-"));
    if let (Ok(range), Some(validator)) = (range, validator.if_range()) {
        headers.insert(RANGE, range);
        headers.insert(IF_RANGE, validator);
    }
}

/// What is to come with one answer.
struct Rest {
    /// Where in the file it ends, if that is known.
    end: Option<u64>,
    complete: Option<u64>,
    most: Option<u64>,
}

impl Rest {
    async fn receive(
        self,
        travel: &Travel,
        reader: &mut Reader,
        writer: &mut Writer,
        teller: &mut Teller,
    ) -> Result<(), Failed> {
        self.check(travel, self.complete.unwrap_or(0))?;
        while let Some(piece) = next(reader, writer, teller).await? {
            let length = writer.length() + piece.len() as u64;
            self.check(travel, length)?;
            if self.end.is_some_and(|end| length > end) {
                return Err(wrong(travel, "the body is longer than the server said").into());
            }
            writer.add(piece).await?;
            teller.moved(length, self.complete);
        }
        let came = writer.length();
        match self.complete.or(self.end) {
            Some(whole) if came < whole => {
                let what = format!("the body ended after {came} of {whole} bytes");
                Err(wrong(travel, &what).into())
            }
            _ => Ok(()),
        }
    }

    fn check(&self, travel: &Travel, length: u64) -> Result<(), Error> {
        match self.most {
            Some(most) if length > most => Err(Failure::BodyTooLarge { most }.about(travel.sent(), "body")),
            _ => Ok(()),
        }
    }
}

/// The next piece. What is due meanwhile is done.
async fn next(
    reader: &mut Reader,
    writer: &mut Writer,
    teller: &mut Teller,
) -> Result<Option<Bytes>, Failed> {
    let mut next = pin!(reader.next());
    loop {
        tokio::select! {
            biased;
            piece = &mut next => return Ok(piece?),
            () = teller.is_due() => teller.tell(),
            () = writer.is_due() => writer.write_out().await?,
        }
    }
}

fn wrong(travel: &Travel, what: &str) -> Error {
    let sent = travel.sent();
    let message = format!("{} {}: {what}", sent.method, sent.url);
    Error::new(Kind::RemoteProtocol, message).about(sent.about("body"))
}

/// What an error message can show. That the rest of it does not come matters to nobody.
async fn beginning(mut reader: Reader) -> Vec<Bytes> {
    let mut pieces = Vec::new();
    let mut length = 0;
    while length < SHOWN
        && let Ok(Some(piece)) = reader.next().await
    {
        length += piece.len();
        pieces.push(piece);
    }
    pieces
}
