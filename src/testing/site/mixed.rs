//! A page as scrapers meet it: compressed HTML that comes late, and now and then an error instead.
//!
//! All of it is computed from the number in the path, so every client gets the same at every start.
//!
//! - The pause before the answer has a heavy tail (Pareto): half of them are below 7 ms, one in a hundred
//!   is above 150 ms, none is above 500 ms.
//! - One answer in a hundred is a 503, one breaks off in its middle with its connection.
//! - The rest are pages of 5,000 to 200,000 bytes before compression, small ones likelier than large ones.

use std::fmt::Write;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::sleep;

use super::content::Content;
use super::dice::Dice;
use super::reply::{Refusal, Reply, text, typed, with_status};
use super::{coding, delivery};

/// The law of the pauses, in seconds: the shortest, the exponent of the tail, and where it is cut.
const SHORTEST: f64 = 0.004;
const EXPONENT: f64 = 1.25;
const LONGEST: f64 = 0.5;

/// Bytes of the smallest and of the largest page, before compression.
const SMALLEST: f64 = 5_000.0;
const LARGEST: f64 = 200_000.0;

/// Bytes that are promised where the answer breaks off.
const PROMISED: u64 = 50_000;

/// The pages, compressed when they are first asked for: the clients are to be measured, not the server.
static PAGES: [OnceLock<Bytes>; 64] = [const { OnceLock::new() }; 64];

/// What the number in the path stands for.
#[derive(Debug, PartialEq)]
struct Lot {
    pause: Duration,
    fate: Fate,
}

#[derive(Debug, PartialEq)]
enum Fate {
    Refused,
    CutOff,
    /// One of [`PAGES`].
    Page(usize),
}

pub(super) async fn answer(number: u64) -> Result<Reply, Refusal> {
    let lot = draw(number);
    sleep(lot.pause).await;
    match lot.fate {
        Fate::Refused => Ok(with_status(StatusCode::SERVICE_UNAVAILABLE, text("too busy\n"))),
        Fate::CutOff => Ok(delivery::truncated(PROMISED)),
        Fate::Page(index) => {
            let html = Content::Whole(page(index).await?);
            coding::coded("gzip", typed("text/html; charset=utf-8", html))
        }
    }
}

fn draw(number: u64) -> Lot {
    let mut dice = Dice(number);
    let pause = SHORTEST * dice.share().powf(-1.0 / EXPONENT);
    Lot {
        pause: Duration::from_secs_f64(pause.min(LONGEST)),
        fate: match dice.below(100) {
            0 => Fate::Refused,
            1 => Fate::CutOff,
            _ => Fate::Page(dice.below(PAGES.len() as u64) as usize),
        },
    }
}

/// A page, compressed. Two that ask for it first at the same time may both make it: the same.
async fn page(index: usize) -> Result<Bytes, Refusal> {
    let Some(place) = PAGES.get(index) else {
        return Err(Refusal::NotFound(format!("page {index}")));
    };
    match place.get() {
        Some(page) => Ok(page.clone()),
        None => {
            let made = coding::gzip(html(index).as_bytes()).await?;
            Ok(place.get_or_init(|| made.into()).clone())
        }
    }
}

const WORDS: [&str; 24] = [
    "price", "of", "the", "copper", "kettle", "and", "its", "lid", "was", "never", "so", "low", "before",
    "winter", "came", "to", "town", "with", "seven", "carts", "full", "of", "unsold", "lamps",
];

/// A list of offers, as long as its number has it.
fn html(index: usize) -> String {
    let mut dice = Dice(index as u64);
    // Evenly over the logarithm of the length.
    let length = SMALLEST * (LARGEST / SMALLEST).powf(dice.share());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Offers {index}</title></head>\n\
         <body>\n<ul class=\"offers\">\n"
    );
    while page.len() < length as usize {
        let (id, cents) = (dice.roll(), dice.below(100_000));
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "<li class=\"offer\"><a href=\"/offer/{id:016x}\">{} {}</a><span class=\"price\">{}.{:02}</span><p>",
            dice.pick(&WORDS),
            dice.pick(&WORDS),
            cents / 100,
            cents % 100
        );
        for _ in 0..10 + dice.below(30) {
            page.push_str(dice.pick(&WORDS));
            page.push(' ');
        }
        page.push_str("</p></li>\n");
    }
    page.push_str("</ul>\n</body></html>\n");
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lots() -> impl Iterator<Item = Lot> {
        (0..20_000).map(draw)
    }

    #[test]
    fn one_in_a_hundred_is_refused_and_one_cut_off() {
        for fate in [Fate::Refused, Fate::CutOff] {
            let share = lots().filter(|lot| lot.fate == fate).count();
            assert!((150..250).contains(&share), "{fate:?}: {share} of 20,000");
        }
    }

    #[test]
    fn pauses_have_a_heavy_tail_that_is_cut() {
        let mut pauses: Vec<_> = lots().map(|lot| lot.pause.as_secs_f64()).collect();
        pauses.sort_by(f64::total_cmp);
        let at = |rank: usize| pauses.get(rank).copied().unwrap_or(f64::NAN);
        assert!((0.0065..0.0075).contains(&at(10_000)));
        assert!((0.14..0.18).contains(&at(19_800)));
        assert!(at(0) >= SHORTEST && at(19_999) == LONGEST);
    }

    #[test]
    fn pages_are_of_all_lengths_and_always_the_same() {
        let lengths: Vec<_> = (0..PAGES.len()).map(|index| html(index).len()).collect();
        assert!(lengths.iter().all(|length| (5_000..201_000).contains(length)));
        assert!(lengths.iter().filter(|length| **length < 32_000).count() > 16);
        assert!(lengths.iter().filter(|length| **length > 32_000).count() > 16);
        assert_eq!(html(7), html(7));
        assert_ne!(html(7), html(8));
    }
}
