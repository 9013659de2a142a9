//! The dates of `Expires`, read as leniently as browsers do (RFC 6265bis, section 5.1.1).
//!
//! No format is asked for: a time, a day, a month and a year are looked for in the text, in whatever order
//! and with whatever between them. Weekday and zone are not looked at; all dates are UTC.

/// The seconds since 1970 that `text` says; None if it is no date, or one that no calendar has.
pub fn parse(text: &[u8]) -> Option<i64> {
    let mut time = None;
    let mut day = None;
    let mut month = None;
    let mut year = None;
    for token in text.split(|byte| is_delimiter(*byte)) {
        if token.is_empty() {
            continue;
        }
        // Each is taken from the first token that has it and has not been something else.
        if time.is_none() {
            time = clock(token);
            if time.is_some() {
                continue;
            }
        }
        if day.is_none() {
            day = number(token, 1, 2);
            if day.is_some() {
                continue;
            }
        }
        if month.is_none() {
            month = month_of(token);
            if month.is_some() {
                continue;
            }
        }
        if year.is_none() {
            year = number(token, 2, 4);
        }
    }
    let (hour, minute, second) = time?;
    let (day, month) = (day?, month?);
    let year = match year? {
        short @ 70..=99 => short + 1900,
        short @ 0..=69 => short + 2000,
        whole => whole,
    };
    let exists = (1..=days_in(month, year)).contains(&day) && year >= 1601;
    if !exists || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn is_delimiter(byte: u8) -> bool {
    matches!(byte, 0x09 | 0x20..=0x2F | 0x3B..=0x40 | 0x5B..=0x60 | 0x7B..=0x7E)
}

/// The number that `token` begins with, if it has `least` to `most` digits and no more follow.
fn number(token: &[u8], least: usize, most: usize) -> Option<i64> {
    let digits = token.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (least..=most).contains(&digits).then(|| {
        let digits = token.iter().take(digits);
        digits.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'))
    })
}

/// `hour:minute:second`, and then anything that is no digit.
fn clock(token: &[u8]) -> Option<(i64, i64, i64)> {
    let mut parts = token.splitn(3, |byte| *byte == b':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let all_digits = |part: &[u8]| part.iter().all(u8::is_ascii_digit);
    if !all_digits(hour) || !all_digits(minute) {
        return None;
    }
    Some((number(hour, 1, 2)?, number(minute, 1, 2)?, number(second, 1, 2)?))
}

/// From 1.
fn month_of(token: &[u8]) -> Option<i64> {
    const MONTHS: &[u8] = b"janfebmaraprmayjunjulaugsepoctnovdec";
    let start = token.get(..3)?;
    let mut months = (1..).zip(MONTHS.chunks(3));
    months.find_map(|(number, month)| month.eq_ignore_ascii_case(start).then_some(number))
}

fn days_in(month: i64, year: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// By the Gregorian calendar. Years are counted from March, so that a leap day ends one.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 {
        (year, month - 3)
    } else {
        (year - 1, month + 9)
    };
    let leap_days = year / 4 - year / 100 + year / 400;
    // 153 days are in any five months from March on.
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    // 719,468 days lie between 1 March of the year 0 and 1970.
    year * 365 + leap_days + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_read_in_every_form_that_servers_use() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Wed, 09 Jun 2021 10:18:14 GMT", 1_623_233_894),
            ("Wednesday, 09-Jun-21 10:18:14 GMT", 1_623_233_894),
            ("Wed Jun  9 10:18:14 2021", 1_623_233_894),
            ("Wed, 9-Jun-2021 10:18:14 GMT", 1_623_233_894),
            ("10:18:14 9 JUNE 2021", 1_623_233_894),
            ("2021 Jun 9 10:18:14", 1_623_233_894),
            ("9 jun 21 10:18:14+0000", 1_623_233_894),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Mon, 29 Feb 2016 12:00:00 GMT", 1_456_747_200),
            ("Tue, 29 Feb 2000 00:00:00 GMT", 951_782_400),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Mon, 01 Jan 1601 00:00:00 GMT", -11_644_473_600),
            ("1 Jan 70 0:0:0", 0),
            ("1 Jan 69 00:00:00", 3_124_224_000),
            ("1 Jan 00 00:00:00", 946_684_800),
            ("Sat, 01-Jan-2000 08:00:00xyz", 946_713_600),
            // `01Jan` is a day; the month is the next that comes.
            ("Thu, 01Jan 1970 00:00:00 Feb 02 1999 GMT", 31 * 86_400),
        ] {
            assert_eq!(parse(text.as_bytes()), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "now",
            "0",
            "1623233894",
            "Wed, 09 Jun 2021",
            "10:18:14 GMT",
            "Wed, 31 Jun 2021 10:18:14 GMT",
            "Wed, 29 Feb 2021 10:18:14 GMT",
            "Thu, 29 Feb 1900 10:18:14 GMT",
            "Wed, 00 Jun 2021 10:18:14 GMT",
            "Wed, 09 Jun 2021 24:18:14 GMT",
            "Wed, 09 Jun 2021 10:60:14 GMT",
            "Wed, 09 Jun 2021 10:18:60 GMT",
            "Wed, 09 Jun 2021 10:18 GMT",
            "Wed, 09 Jun 2021 10:18:144 GMT",
            "Wed, 09 Jun 1600 10:18:14 GMT",
            "Wed, 09 Jun 20211 10:18:14 GMT",
            "Wed, 09 Juin 10:18:14 GMT",
            "Wed, 09 Xyz 2021 10:18:14 GMT",
            // A year of three digits, and no day after it.
            "Wed, 009 Jun 2021 10:18:14 GMT",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_calendar_counts_each_day_once() {
        let mut before = parse(b"31 Dec 1899 00:00:00");
        for year in 1900..2200_i64 {
            for month in 1..=12 {
                for day in 1..=days_in(month, year) {
                    let now = days_since_1970(year, month, day) * 86_400;
                    assert_eq!(before.map(|seconds| seconds + 86_400), Some(now));
                    before = Some(now);
                }
            }
        }
    }
}
