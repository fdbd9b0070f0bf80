//! What a reader has missed: stored events by number, lines of logs by theirs.

use sf_protocol::report::LogStream;
use sf_store::events::{self, EventFilter};
use sf_types::Timestamp;

use super::{End, Socket, Trouble, closest, log_of, passes};
use crate::ws::message;
use crate::ws::topic::Topic;

/// Events repeated for one `after` at the most; older ones have to be read by REST.
pub const MAX_REPLAYED: usize = 10_000;
/// Pages of a log repeated for one `afterLine` at the most; as many as a log can hold.
const MAX_LOG_PAGES: usize = 32;
/// Events read at a time.
const CHUNK: usize = 200;

impl Socket {
    /// Tells stored events that were missed, in order and once each; answers up to which number.
    /// When the database fails on the way, `resume` is where to go on.
    pub(super) async fn catch_up(
        &mut self,
        topics: &[Topic],
        after: Option<u64>,
        resume: &mut Option<String>,
    ) -> Result<u64, Trouble> {
        let reader = self.reader();
        let head = events::head(&reader).await?;
        for topic in topics {
            match after {
                Some(after) => drop(self.followed.insert(*topic, after.min(head))),
                None => drop(self.followed.entry(*topic).or_insert(head)),
            }
        }
        if after.is_none() {
            return Ok(head);
        }
        let filter = EventFilter { topics: self.followed.keys().filter_map(|topic| topic.stored()).collect() };
        let mut from = self.followed.values().copied().min().unwrap_or(head);
        let oldest = events::oldest(&reader).await?;
        if from + 1 < oldest {
            self.send(message::lagged(from + 1, oldest - 1)).await?;
            from = oldest - 1;
        }
        let mut left = if filter.topics.is_empty() { 0 } else { MAX_REPLAYED };
        while left > 0 {
            let (found, seen) = events::after(&reader, from, &filter, CHUNK).await?;
            if found.is_empty() && seen <= from {
                break;
            }
            from = from.max(seen);
            left = left.saturating_sub(found.len().max(1));
            for stored in found {
                self.replay(&stored).await?;
            }
            *resume = after.map(|after| after.max(from).to_string());
        }
        let head = events::head(&reader).await?;
        if left == 0 && !filter.topics.is_empty() && from < head {
            self.send(message::lagged(from + 1, head)).await?;
            from = head;
        }
        let told = if filter.topics.is_empty() { head } else { from };
        self.followed.values_mut().for_each(|seen| *seen = told.max(*seen));
        Ok(told)
    }

    async fn replay(&mut self, stored: &events::StoredEvent) -> Result<(), End> {
        let event = &stored.event;
        let mut heard_through: Option<Topic> = None;
        for (topic, seen) in &mut self.followed {
            let named = topic.stored().is_some_and(|name| event.topics.contains(&name));
            if named && *seen < stored.seq {
                *seen = stored.seq;
                let about = event.topics.iter().filter_map(|name| name.parse().ok());
                if topic.shows(&self.known.actor, event.project, about) {
                    heard_through = closest(heard_through, *topic);
                }
            }
        }
        let Some(topic) = heard_through else { return Ok(()) };
        let text = message::event(&event.name, stored.seq, &topic.to_string(), stored.at, &event.data);
        self.send(text).await
    }

    pub(super) async fn catch_up_lines(&mut self, topic: Topic, mut after: u64) -> Result<(), Trouble> {
        for _ in 0..MAX_LOG_PAGES {
            let (control, actor) = (self.api.control(), &self.known.actor);
            let found = match topic {
                Topic::AppLog(app) => crate::route::apps::newest_log(control, actor, app, after).await,
                Topic::RunLog(run) => crate::route::runs::newest_log(control, actor, run, after).await,
                _ => return Ok(()),
            };
            let (source, lines) = match found {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(()),
                Err(fault) if passes(&fault) => return Err(fault.into()),
                Err(fault) => return Ok(self.send(message::failure(&fault)).await?),
            };
            let Some(last) = lines.last().map(|line| line.sequence) else { return Ok(()) };
            // Who asks for lines again gets them again.
            self.lines.insert(log_of(source).0, after);
            self.tell_lines(topic, Timestamp::EPOCH, LogStream { source, lines, dropped: 0 }).await?;
            after = last;
        }
        Ok(())
    }
}
