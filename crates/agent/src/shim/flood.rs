//! Keeps an app that floods its log from wearing out the disk. Pure.

/// Bytes a second that are written for long; what is beyond is counted, not kept.
pub const LOG_BYTES_PER_SECOND: u64 = 4 * 1024 * 1024;
/// Bytes that may come at once.
pub const LOG_BURST_BYTES: u64 = 8 * 1024 * 1024;

/// Bytes there must be room for before a hole ends.
const ROOM_TO_OPEN: u64 = LOG_BYTES_PER_SECOND / 4;

/// A bucket of bytes that refills with time.
#[derive(Clone, Debug)]
pub struct Flood {
    left: u64,
    filled_ms: u64,
    dropped: u64,
}

impl Default for Flood {
    fn default() -> Self {
        Self { left: LOG_BURST_BYTES, filled_ms: 0, dropped: 0 }
    }
}

impl Flood {
    /// Time has passed: `now_ms` on any steady clock.
    pub fn refill(&mut self, now_ms: u64) {
        let fresh = now_ms.saturating_sub(self.filled_ms).saturating_mul(LOG_BYTES_PER_SECOND) / 1000;
        if fresh > 0 {
            self.left = self.left.saturating_add(fresh).min(LOG_BURST_BYTES);
            self.filled_ms = now_ms;
        }
    }

    /// Whether a line of `bytes` is kept. A line that is not kept is counted.
    pub fn admits(&mut self, bytes: usize) -> bool {
        let bytes = bytes as u64 + 32; // with its number and time
        // Once shut, it opens only with room for a while, so that a flood leaves few and long holes.
        let room = if self.dropped > 0 { ROOM_TO_OPEN } else { 0 };
        if self.left >= bytes + room {
            self.left -= bytes;
            true
        } else {
            self.dropped += 1;
            false
        }
    }

    /// How many lines were dropped in the hole that has just ended; 0 while it lasts and when there was none.
    pub fn hole_ended(&mut self) -> u64 {
        if self.left >= ROOM_TO_OPEN { std::mem::take(&mut self.dropped) } else { 0 }
    }

    /// In how many milliseconds the hole that lasts can end; `None` where there is none. An app that goes silent in the
    /// middle of one wakes nobody.
    pub fn ends_in_ms(&self) -> Option<u64> {
        let missing = ROOM_TO_OPEN.saturating_sub(self.left);
        (self.dropped > 0).then(|| (missing * 1000).div_ceil(LOG_BYTES_PER_SECOND))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_held_to_the_rate_and_the_hole_is_counted() {
        let mut flood = Flood::default();
        let (mut kept, mut dropped) = (0_u64, 0);
        for ms in 0..10_000 {
            flood.refill(ms);
            dropped += flood.hole_ended();
            for _ in 0..100 {
                kept += u64::from(flood.admits(1000));
            }
        }
        flood.refill(20_000);
        dropped += flood.hole_ended();
        assert_eq!(kept + dropped, 1_000_000);
        assert!(kept * 1032 <= LOG_BURST_BYTES + 10 * LOG_BYTES_PER_SECOND, "{kept}");
        assert!(kept * 1032 >= 9 * LOG_BYTES_PER_SECOND, "{kept}");
    }

    #[test]
    fn a_hole_says_when_it_can_end() {
        let mut flood = Flood::default();
        flood.refill(1);
        assert_eq!(flood.ends_in_ms(), None);
        while flood.admits(100_000) {}
        let wait = flood.ends_in_ms().unwrap();
        assert!((200..=250).contains(&wait), "{wait}");
        flood.refill(1 + wait / 2);
        assert_eq!(flood.hole_ended(), 0);
        flood.refill(1 + wait + 1);
        assert_eq!((flood.hole_ended(), flood.ends_in_ms()), (1, None));
    }

    #[test]
    fn ordinary_output_is_never_touched() {
        let mut flood = Flood::default();
        for ms in 0..5_000 {
            flood.refill(ms);
            assert!(flood.admits(2_000));
        }
    }
}
