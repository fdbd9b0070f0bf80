//! From which of samples, 5-minute rows and hourly rows a question is answered, and in which steps.

use std::time::Duration;

use sf_types::Timestamp;

use super::history::{COARSE_SECS, FINE_SECS};
use super::{MAX_POINTS, Range};

/// How long what is kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeptFor {
    /// Samples as they came.
    pub samples: Duration,
    /// Rows of 5 minutes.
    pub fine: Duration,
    /// Rows of an hour.
    pub coarse: Duration,
}

impl Default for KeptFor {
    fn default() -> Self {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        Self { samples: days(1), fine: days(30), coarse: days(400) }
    }
}

/// How a question is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Way {
    /// The rows that are read; samples where absent.
    pub(crate) rows_secs: Option<i64>,
    /// Begin of the first point.
    pub(crate) from: Timestamp,
    /// Length of a point.
    pub(crate) step_ms: i64,
}

/// The coarsest that still gives the points asked for, but nothing finer than what is still there of `from`.
pub(crate) fn way(range: Range, now: Timestamp, kept: KeptFor) -> Way {
    let points = i64::from(range.points.clamp(1, MAX_POINTS));
    let (from, to) = (range.from.as_millis(), range.to.as_millis());
    let wanted = ceil(to.saturating_sub(from).max(1), points);
    // Whoever asks for the last day does so a moment after it was the last day.
    let is_there = |kept: Duration| from.saturating_add(FINE_SECS * 1_000) >= now.minus(kept).as_millis();
    let fits = |secs: i64| secs * 1_000 <= wanted;
    let rows_secs = if fits(COARSE_SECS) || !(is_there(kept.fine) || is_there(kept.samples)) {
        COARSE_SECS
    } else if fits(FINE_SECS) || !is_there(kept.samples) {
        FINE_SECS
    } else {
        return Way { rows_secs: None, from: range.from, step_ms: wanted };
    };
    let row_ms = rows_secs * 1_000;
    let from = from.div_euclid(row_ms) * row_ms;
    let step_ms = ceil(ceil(to.saturating_sub(from).max(1), points), row_ms).saturating_mul(row_ms);
    Way { rows_secs: Some(rows_secs), from: Timestamp::from_millis(from), step_ms }
}

const fn ceil(of: i64, by: i64) -> i64 {
    of / by + (of % by != 0) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;
    const HOUR: i64 = 3_600;
    const DAY: i64 = 86_400;
    const NOW: i64 = 1_000 * DAY;

    #[test]
    fn the_coarsest_that_gives_the_points() {
        // Seconds ago from and to, points; rows and length of a point in seconds.
        for (from, to, points, rows, step) in [
            (HOUR, 0, 120, None, 30),
            (DAY, 0, 1_440, None, 60),
            (DAY, 0, 288, Some(300), 300),
            (DAY, 0, 24, Some(3_600), HOUR),
            (7 * DAY, 0, 336, Some(300), 1_800),
            (7 * DAY, 0, 168, Some(3_600), HOUR),
            (30 * DAY, 0, 2_000, Some(300), 1_500),
            (365 * DAY, 0, 365, Some(3_600), DAY),
            // What was so fine is gone.
            (2 * DAY, 2 * DAY - HOUR, 120, Some(300), 300),
            (40 * DAY, 40 * DAY - 6 * HOUR, 120, Some(3_600), HOUR),
            (900 * DAY, 899 * DAY, 120, Some(3_600), HOUR),
            (DAY, 0, 0, Some(3_600), DAY),
            (MINUTE, 0, 5_000, None, 0),
        ] {
            let at = |ago: i64| Timestamp::from_millis((NOW - ago) * 1_000);
            let found = way(Range { from: at(from), to: at(to), points }, at(0), KeptFor::default());
            assert_eq!((found.rows_secs, found.step_ms / 1_000), (rows, step), "{from} {to} {points}");
        }
    }

    #[test]
    fn never_more_points_than_asked_for() {
        for points in [1, 2, 7, 100, 1_999] {
            for from in [1, 299, 301, 7_201, DAY + 1, 29 * DAY + 7, 399 * DAY + 11] {
                let range = Range {
                    from: Timestamp::from_millis((NOW - from) * 1_000),
                    to: Timestamp::from_millis(NOW * 1_000),
                    points,
                };
                let way = way(range, range.to, KeptFor::default());
                let last = (range.to.as_millis() - 1 - way.from.as_millis()) / way.step_ms;
                assert!(last < i64::from(points), "{points} {from}: {way:?}");
                assert!(way.from <= range.from);
            }
        }
    }
}
