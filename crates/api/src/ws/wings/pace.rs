//! How often what may be asked over one socket.

use std::time::Duration;

use tokio::time::Instant;

use super::frame::Asked;

/// Frames of any kind between two beats; what sends more is ended.
pub const MAX_FRAMES_PER_BEAT: u32 = 200;

/// So many at once, and one more after each pause.
#[derive(Clone, Copy, Debug)]
struct Pace {
    burst: u32,
    every: Duration,
    /// When all of the burst is there again.
    full_at: Instant,
    /// It was said since the last beat that it is used up.
    told: bool,
}

/// The paces of one socket.
#[derive(Clone, Copy, Debug)]
pub struct Paces {
    heavy: [Pace; 2],
    commands: Pace,
    others: Pace,
}

/// Whether something may be done now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum May {
    /// It may.
    Now,
    /// It may not, and that has to be said.
    Throttled,
    /// It may not, and that was said already.
    Silently,
}

impl Pace {
    const fn new(burst: u32, every: Duration, now: Instant) -> Self {
        Self { burst, every, full_at: now, told: false }
    }

    fn take(&mut self, now: Instant) -> May {
        let then = self.full_at.max(now) + self.every;
        if then - now > self.every * self.burst {
            return if std::mem::replace(&mut self.told, true) { May::Silently } else { May::Throttled };
        }
        self.full_at = then;
        May::Now
    }
}

impl Paces {
    /// Of a socket that opens now: `auth` and logs one in 5 s, two at once; commands one a second, ten at once; others one a
    /// second, four at once.
    pub const fn new(now: Instant) -> Self {
        let heavy = Pace::new(2, Duration::from_secs(5), now);
        Self {
            heavy: [heavy, heavy],
            commands: Pace::new(10, Duration::from_secs(1), now),
            others: Pace::new(4, Duration::from_secs(1), now),
        }
    }

    /// Counts what is asked.
    pub fn take(&mut self, asked: &Asked, now: Instant) -> May {
        let pace = match asked {
            Asked::Auth(_) => &mut self.heavy[0],
            Asked::SendLogs => &mut self.heavy[1],
            Asked::SendCommand(_) => &mut self.commands,
            Asked::SetState(_) | Asked::SendStats | Asked::Other => &mut self.others,
        };
        pace.take(now)
    }

    /// What is used up may be said again.
    pub fn beat(&mut self) {
        let [auth, logs] = &mut self.heavy;
        for pace in [auth, logs, &mut self.commands, &mut self.others] {
            pace.told = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_pace_and_is_told_once() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut paces = Paces::new(start);
        let command = Asked::SendCommand("x".into());
        let mut all =
            |asked: &Asked, ms: u64, times: usize| (0..times).map(|_| paces.take(asked, at(ms))).collect::<Vec<_>>();
        assert_eq!(all(&Asked::SendLogs, 0, 4), [May::Now, May::Now, May::Throttled, May::Silently]);
        assert_eq!(all(&Asked::Auth("a".into()), 0, 2), [May::Now; 2], "another pace");
        assert_eq!(all(&Asked::SendLogs, 4_999, 1), [May::Silently]);
        assert_eq!(all(&Asked::SendLogs, 5_000, 2), [May::Now, May::Silently]);
        assert_eq!(all(&command, 0, 11).iter().filter(|may| **may == May::Now).count(), 10);
        assert_eq!(all(&command, 1_000, 2)[0], May::Now);
        assert_eq!(all(&Asked::SetState("kill".into()), 0, 5).iter().filter(|may| **may == May::Now).count(), 4);
        assert_eq!(
            all(&Asked::SendStats, 60_000, 5).iter().filter(|may| **may == May::Now).count(),
            4,
            "no more than full"
        );
    }
}
