//! One reader of the bus.

use std::sync::Arc;

use crate::bus::Bus;
use crate::error::BusError;
use crate::event::{Event, Lagged};
use crate::queue::Queue;
use crate::topic::Topic;

/// Topics one reader may follow at a time.
pub const MAX_TOPICS: usize = 256;

/// What a reader gets.
#[derive(Clone, PartialEq, Debug)]
pub enum Delivery {
    /// Something happened.
    Event(Arc<Event>),
    /// The reader was too slow; resume from the store.
    Lagged(Lagged),
}

/// A reader's place on the bus. Dropping it leaves.
#[derive(Debug)]
pub struct Subscription {
    pub(crate) bus: Bus,
    pub(crate) reader: u64,
    pub(crate) queue: Arc<Queue>,
    pub(crate) topics: Vec<Topic>,
    pub(crate) seen: u64,
}

impl Subscription {
    /// The next delivery, in publication order; `None` once the bus is closed and everything was read. Safe to drop
    /// while waiting: nothing is lost.
    pub async fn next(&mut self) -> Option<Delivery> {
        loop {
            match self.queue.pop() {
                Ok(Some(Delivery::Event(event))) if self.has_seen(&event) => {}
                Ok(delivery) => return delivery,
                Err(_) => self.queue.woken().await,
            }
        }
    }

    /// The next delivery if one is waiting.
    pub fn try_next(&mut self) -> Option<Delivery> {
        loop {
            match self.queue.pop() {
                Ok(Some(Delivery::Event(event))) if self.has_seen(&event) => {}
                Ok(delivery) => return delivery,
                Err(_) => return None,
            }
        }
    }

    /// Follows one more topic from now on. Following a topic twice is the same as once.
    ///
    /// # Errors
    /// [`BusError::TooManyTopics`] beyond [`MAX_TOPICS`].
    pub fn follow(&mut self, topic: Topic) -> Result<(), BusError> {
        if self.topics.contains(&topic) {
            return Ok(());
        }
        if self.topics.len() >= MAX_TOPICS {
            return Err(BusError::TooManyTopics { max: MAX_TOPICS });
        }
        self.topics.push(topic);
        self.bus.enter(topic, self.reader, &self.queue);
        Ok(())
    }

    /// Stops following a topic. What is already waiting is still delivered.
    pub fn unfollow(&mut self, topic: Topic) {
        if let Some(at) = self.topics.iter().position(|own| *own == topic) {
            self.topics.swap_remove(at);
            self.bus.leave(&[topic], self.reader);
        }
    }

    /// Leaves out stored events up to `seq`: the reader has read the store that far. To miss nothing, subscribe
    /// first, read the store second, call this third.
    pub fn skip_through(&mut self, seq: u64) {
        self.seen = self.seen.max(seq);
    }

    const fn has_seen(&self, event: &Event) -> bool {
        event.seq != 0 && event.seq <= self.seen
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.bus.leave(&self.topics, self.reader);
        self.bus.forget(self.reader);
    }
}
