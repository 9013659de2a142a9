//! The policy under a fixed chance and a fixed clock.

use std::time::UNIX_EPOCH;

use http::header::RETRY_AFTER;

use super::*;

fn policy(change: impl FnOnce(&mut Settings)) -> Arc<Policy> {
    let mut settings = Settings::default();
    change(&mut settings);
    Arc::new(settings.into())
}

fn moment(chance: f64) -> impl Fn() -> Moment {
    let monotonic = Instant::now();
    move || Moment {
        monotonic,
        date: UNIX_EPOCH + Duration::from_secs(784_111_777),
        chance,
    }
}

fn headers(retry_after: Option<&str>) -> HeaderMap {
    let pairs = retry_after.map(|value| (RETRY_AFTER, value.parse().unwrap()));
    pairs.into_iter().collect()
}

/// Seconds to wait after a response, with the longest backoff that chance may give.
fn status(attempts: &mut Attempts, method: &Method, status: u16, retry_after: Option<&str>) -> Option<f64> {
    let status = StatusCode::from_u16(status).unwrap();
    let wait = attempts.after_status_at(method, status, &headers(retry_after), true, moment(1.0));
    wait.map(|wait| wait.as_secs_f64())
}

fn error(attempts: &mut Attempts, method: &Method, kind: Kind, unsent: bool) -> Option<f64> {
    let wait = attempts.after_error_at(method, kind, unsent, true, moment(1.0));
    wait.map(|wait| wait.as_secs_f64())
}

#[test]
fn the_wait_doubles_up_to_a_bound_and_chance_shortens_it() {
    let policy = policy(|settings| {
        settings.total = 9;
        settings.max_backoff = Duration::from_secs(5);
    });
    let waits = |chance: f64| -> Vec<f64> {
        let mut attempts = Attempts::new(&policy);
        std::iter::from_fn(|| attempts.after_error_at(&Method::GET, Kind::Read, false, true, moment(chance)))
            .map(|wait| wait.as_secs_f64())
            .collect()
    };
    assert_eq!(waits(1.0), [0.5, 1.0, 2.0, 4.0, 5.0, 5.0, 5.0, 5.0, 5.0]);
    assert_eq!(waits(0.5), [0.25, 0.5, 1.0, 2.0, 2.5, 2.5, 2.5, 2.5, 2.5]);
    assert_eq!(waits(0.0), [0.0; 9]);
}

#[test]
fn without_jitter_chance_has_no_say() {
    let policy = policy(|settings| settings.jitter = false);
    let waits: Vec<_> = (0..3)
        .map(|retry| policy.backoff(retry, 0.0).as_secs_f64())
        .collect();
    assert_eq!(waits, [0.5, 1.0, 2.0]);
}

#[test]
fn no_settings_make_the_backoff_overflow() {
    for backoff in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX] {
        for max_backoff in [Duration::ZERO, Duration::from_secs(1), Duration::MAX] {
            let policy = policy(|settings| {
                settings.backoff = backoff;
                settings.max_backoff = max_backoff;
            });
            for retry in [0, 1, 63, 64, 1024, u32::MAX] {
                for chance in [0.0, 0.5, 1.0] {
                    assert!(policy.backoff(retry, chance) <= max_backoff);
                }
            }
        }
    }
}

#[test]
fn attempts_are_counted_and_bounded() {
    let mut attempts = Attempts::new(&policy(|settings| settings.total = 2));
    assert_eq!(attempts.made(), 1);
    assert_eq!(status(&mut attempts, &Method::GET, 503, None), Some(0.5));
    assert_eq!(attempts.made(), 2);
    assert_eq!(error(&mut attempts, &Method::GET, Kind::Read, false), Some(1.0));
    assert_eq!(attempts.made(), 3);
    assert_eq!(status(&mut attempts, &Method::GET, 503, None), None);
    assert_eq!(error(&mut attempts, &Method::GET, Kind::Connect, true), None);
    assert_eq!(attempts.made(), 3);
}

#[test]
fn none_at_all() {
    let mut attempts = Attempts::new(&policy(|settings| settings.total = 0));
    assert_eq!(status(&mut attempts, &Method::GET, 503, None), None);
    assert_eq!(error(&mut attempts, &Method::GET, Kind::Connect, true), None);
}

#[test]
fn only_some_statuses() {
    for code in 100..=999 {
        let mut attempts = Attempts::new(&policy(|_| {}));
        let retried = status(&mut attempts, &Method::GET, code, Some("0")).is_some();
        assert_eq!(retried, [429, 502, 503, 504].contains(&code), "{code}");
    }
}

#[test]
fn only_some_errors() {
    for kind in PASSING {
        let mut attempts = Attempts::new(&policy(|_| {}));
        let expected = ![Kind::WriteTimeout, Kind::Proxy].contains(&kind);
        assert_eq!(
            error(&mut attempts, &Method::GET, kind, false).is_some(),
            expected,
            "{kind:?}"
        );
    }
    for kind in [
        Kind::Cancelled,
        Kind::Timeout,
        Kind::Close,
        Kind::LocalProtocol,
        Kind::Tls,
        Kind::UnsupportedProtocol,
        Kind::Decoding,
        Kind::TooManyRedirects,
        Kind::BodyTooLarge,
        Kind::RobotsDisallowed,
        Kind::InvalidUrl,
    ] {
        let mut attempts = Attempts::new(&policy(|settings| settings.errors = Box::new(PASSING)));
        assert_eq!(error(&mut attempts, &Method::GET, kind, true), None, "{kind:?}");
    }
}

#[test]
fn what_may_have_had_an_effect_is_not_sent_twice() {
    let lower = Method::from_bytes(b"get").unwrap();
    for method in [Method::POST, Method::PATCH, lower] {
        let mut attempts = Attempts::new(&policy(|_| {}));
        assert_eq!(status(&mut attempts, &method, 503, Some("1")), None);
        assert_eq!(error(&mut attempts, &method, Kind::Read, false), None);
        assert_eq!(error(&mut attempts, &method, Kind::Connect, true), Some(0.5));
        // Unsent or not, an error that is not to be retried is not.
        assert_eq!(error(&mut attempts, &method, Kind::Proxy, true), None);
    }
    let mut attempts = Attempts::new(&policy(|settings| settings.methods = None));
    assert_eq!(status(&mut attempts, &Method::POST, 503, None), Some(0.5));
    assert_eq!(error(&mut attempts, &Method::PATCH, Kind::Read, false), Some(1.0));
}

#[test]
fn a_body_that_is_gone_is_never_sent_again() {
    let mut attempts = Attempts::new(&policy(|settings| settings.methods = None));
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    assert_eq!(
        attempts.after_status(&Method::PUT, unavailable, &headers(None), false),
        None
    );
    assert_eq!(
        attempts.after_error(&Method::PUT, Kind::Connect, true, false),
        None
    );
    assert_eq!(attempts.made(), 1);
}

#[test]
fn the_server_is_left_alone_as_long_as_it_wants() {
    let wait = |retry_after: &str| {
        let mut attempts = Attempts::new(&policy(|_| {}));
        status(&mut attempts, &Method::GET, 429, Some(retry_after))
    };
    assert_eq!(wait("7"), Some(7.0));
    assert_eq!(wait("60"), Some(60.0));
    assert_eq!(wait("61"), None);
    assert_eq!(wait("99999999999999999999999"), None);
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10.0));
    assert_eq!(wait("Sun, 06 Nov 1994 09:49:37 GMT"), None);
    // Shorter than the backoff, past, or not understood: the backoff.
    assert_eq!(wait("0"), Some(0.5));
    assert_eq!(wait("Sun, 06 Nov 1994 07:49:37 GMT"), Some(0.5));
    assert_eq!(wait("later"), Some(0.5));
}

#[test]
fn a_wait_that_was_refused_takes_no_attempt_and_nothing_of_the_budget() {
    let policy = policy(|settings| settings.budget = Some(Share(0.1)));
    let mut attempts = Attempts::new(&policy);
    for _ in 0..50 {
        assert_eq!(status(&mut attempts, &Method::GET, 429, Some("61")), None);
    }
    assert_eq!(attempts.made(), 1);
    assert_eq!(status(&mut attempts, &Method::GET, 429, Some("6")), Some(6.0));
}

#[test]
fn retry_after_may_be_left_aside() {
    let mut attempts = Attempts::new(&policy(|settings| settings.respect_retry_after = false));
    assert_eq!(status(&mut attempts, &Method::GET, 429, Some("3600")), Some(0.5));
}

#[test]
fn all_requests_share_the_budget() {
    let policy = policy(|settings| settings.budget = Some(Share(0.5)));
    let retried = (0..1000)
        .filter(|_| {
            let mut attempts = Attempts::new(&policy);
            error(&mut attempts, &Method::GET, Kind::Connect, true).is_some()
        })
        .count();
    // Half of them and the floor, unless a second or two of the window passed by.
    assert!((490..=510).contains(&retried), "{retried}");
}

#[test]
fn chance_is_fair_and_there() {
    let policy = policy(|settings| settings.total = 1);
    let waits: Vec<f64> = (0..1000)
        .map(|_| {
            let mut attempts = Attempts::new(&policy);
            let wait = attempts.after_error(&Method::GET, Kind::Connect, true, true);
            wait.unwrap().as_secs_f64()
        })
        .collect();
    assert!(waits.iter().all(|wait| (0.0..=0.5).contains(wait)));
    // Six standard deviations on either side.
    let mean = waits.iter().sum::<f64>() / 1000.0;
    assert!((0.22..0.28).contains(&mean), "{mean}");
}
