//! What a server's files take while it runs. No kernel keeps a folder to a size, so they are counted, and a server that stays
//! above its limit is stopped, as its people were told that it would be.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use sf_protocol::app::AppState;
use sf_runtime::{OnError, Shutdown};
use sf_types::{ByteSize, ServerId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::power::Errand;
use crate::execute::{End, Node};

/// Time of a stop that no order asked for.
const STOP_LIMIT: Duration = Duration::from_secs(3600);

/// A server that is above its limit of disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Above {
    /// When it is stopped.
    until: Instant,
    /// It is being stopped.
    told_to_stop: bool,
}

/// What follows from a count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Judged {
    /// There is nothing to say.
    Fits,
    /// It has come above its limit: its people are told, and have so long.
    Above(Duration),
    /// Its time runs, or it is being stopped.
    Waits,
    /// It is to be stopped.
    TooLong,
    /// It has become smaller in time.
    FitsAgain,
}

/// Judges a count of `used` bytes.
fn judge(above: &mut Option<Above>, used: u64, limit: Option<ByteSize>, (now, grace): (Instant, Duration)) -> Judged {
    if limit.is_none_or(|limit| used <= limit.bytes()) {
        return above.take().map_or(Judged::Fits, |_| Judged::FitsAgain);
    }
    match above {
        None => {
            *above = Some(Above { until: now + grace, told_to_stop: false });
            Judged::Above(grace)
        }
        Some(one) if one.told_to_stop || now < one.until => Judged::Waits,
        Some(one) => {
            one.told_to_stop = true;
            Judged::TooLong
        }
    }
}

impl Node {
    /// Counts what the files of servers take, one after another, until the agent stops. Those above their limits are counted
    /// again when their time is over.
    pub(crate) async fn count_disks(self: Arc<Self>, shutdown: Shutdown) {
        let mut above: HashMap<ServerId, Above> = HashMap::new();
        let mut all_at = Instant::now();
        loop {
            let (now, rules) = (Instant::now(), self.policy().map(|policy| policy.servers.clone()).unwrap_or_default());
            let all = now >= all_at;
            if all {
                all_at = now + Duration::from_secs(rules.count_secs.max(1));
            }
            let ids = self.servers.ids();
            above.retain(|server, _| ids.contains(server));
            for server in ids {
                if !all && above.get(&server).is_none_or(|one| one.told_to_stop || now < one.until) {
                    continue;
                }
                tokio::select! {
                    () = shutdown.requested() => return,
                    () = self.count_disk(server) => {}
                }
                self.hold_to_its_disk(server, &mut above, Duration::from_secs(rules.disk_grace_secs)).await;
            }
            let due = above.values().filter(|one| !one.told_to_stop).map(|one| one.until).min();
            tokio::select! {
                () = shutdown.requested() => return,
                () = tokio::time::sleep_until(due.map_or(all_at, |due| due.min(all_at))) => {}
            }
        }
    }

    /// Says, and in the end does, what follows from what was counted of a server that runs.
    async fn hold_to_its_disk(
        self: &Arc<Self>,
        server: ServerId,
        above: &mut HashMap<ServerId, Above>,
        grace: Duration,
    ) {
        let process = self.server_process(server).filter(|process| process.status().state != AppState::Stopped);
        let (Some(process), Some(record)) = (process, self.servers.get(server)) else {
            above.remove(&server);
            return;
        };
        let (used, limit) = (self.servers.live(server).disk(), record.spec.limits.disk);
        let mut one = above.remove(&server);
        let judged = judge(&mut one, used, limit, (Instant::now(), grace));
        above.extend(one.map(|one| (server, one)));
        let (used, allowed) = (ByteSize(used), limit.unwrap_or(ByteSize(0)));
        let words = match judged {
            Judged::Fits | Judged::Waits => return,
            Judged::FitsAgain => format!("Its files take {used}: it goes on."),
            Judged::Above(grace) => format!(
                "Its files take {used}, and {allowed} are allowed. It is stopped in {} s unless they become fewer.",
                grace.as_secs()
            ),
            Judged::TooLong => format!("Its files take {used}, and {allowed} are allowed. It is stopped."),
        };
        // Its shim writes its console.
        if let Err(error) = process.note(&words).await {
            tracing::debug!(%server, %error, "a line could not be written to a console");
        }
        if !matches!(judged, Judged::FitsAgain) {
            self.outbox.notice("server.disk_full", format!("{}: {words}", record.spec.slug));
        }
        if judged == Judged::TooLong {
            let node = self.clone();
            // Its own way to stop may have much patience, and the others are to be counted.
            self.tasks.spawn("server.disk", OnError::Log, async move {
                node.stop_too_large(server, format!("its files take {used}, and {allowed} are allowed")).await;
                Ok::<(), Infallible>(())
            });
        }
    }

    async fn stop_too_large(self: &Arc<Self>, server: ServerId, reason: String) {
        let (progress, cancel) = (self.silent_progress(), CancellationToken::new());
        let Some(process) = self.server_process(server) else { return };
        self.servers.live(server).stops_for(Some(reason));
        // Nobody's errand: an order that is under way for it goes on, and finds it stopped.
        let (halt, until) = (CancellationToken::new(), Instant::now() + STOP_LIMIT);
        let errand = Errand { server, progress: &progress, cancel: &cancel, halt, until, by_order: false };
        let Err(End::Failed(fault)) = self.stop_server(&errand).await else { return };
        tracing::warn!(%server, %fault, "a server above its limit of disk could not be stopped, and is killed");
        if let Err(error) = process.kill().await {
            tracing::warn!(%server, %error, "nor could it be killed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_above_its_limit_is_told_once_and_stopped_once_when_its_time_is_over() {
        let (begun, grace) = (Instant::now(), Duration::from_secs(60));
        let mut above = None;
        let mut check = |secs: u64, used: u64, limit: Option<u64>, expected: Judged| {
            let now = begun + Duration::from_secs(secs);
            assert_eq!(judge(&mut above, used, limit.map(ByteSize), (now, grace)), expected, "{secs} s, {used} bytes");
        };
        check(0, 100, Some(100), Judged::Fits);
        check(0, 1 << 40, None, Judged::Fits);
        check(1, 101, Some(100), Judged::Above(grace));
        check(2, 150, Some(100), Judged::Waits);
        check(30, 100, Some(100), Judged::FitsAgain);
        // Its time begins anew.
        check(40, 101, Some(100), Judged::Above(grace));
        check(99, 101, Some(100), Judged::Waits);
        check(100, 101, Some(100), Judged::TooLong);
        check(101, 101, Some(100), Judged::Waits);
        // Given more, it may stay.
        check(102, 101, Some(200), Judged::FitsAgain);
        check(103, 101, Some(200), Judged::Fits);
    }
}
