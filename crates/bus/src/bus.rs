//! The fan-out itself.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sf_types::Scope;

use crate::error::BusError;
use crate::event::Event;
use crate::queue::Queue;
use crate::subscription::{MAX_TOPICS, Subscription};
use crate::topic::Topic;

/// How much the bus may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Events waiting for one reader before it counts as too slow.
    pub queue_events: usize,
    /// Readers at a time.
    pub readers: usize,
}

impl Options {
    /// Default of [`Self::queue_events`]: a burst of one second on a busy app.
    pub const QUEUE_EVENTS: usize = 256;
    /// Default of [`Self::readers`].
    pub const READERS: usize = 20_000;
}

impl Default for Options {
    fn default() -> Self {
        Self { queue_events: Self::QUEUE_EVENTS, readers: Self::READERS }
    }
}

/// The bus of one process; clones are the same bus.
#[derive(Clone, Debug)]
pub struct Bus {
    options: Options,
    index: Arc<RwLock<Index>>,
}

/// Readers by what they follow. An event touches only the readers of its own topics, however many others there are;
/// the inner maps are ordered by reader so that a reader leaves a crowded topic without a search through it.
#[derive(Debug, Default)]
struct Index {
    topics: HashMap<Topic, BTreeMap<u64, Arc<Queue>>>,
    everything: BTreeMap<u64, Arc<Queue>>,
    readers: BTreeMap<u64, Arc<Queue>>,
    last_reader: u64,
    closed: bool,
}

impl Default for Bus {
    fn default() -> Self {
        Self::new(Options::default())
    }
}

impl Bus {
    /// A bus without readers.
    pub fn new(options: Options) -> Self {
        Self { options, index: Arc::default() }
    }

    /// Hands an event to everyone who follows one of its topics and may see it; waits for nobody. Answers how many
    /// queues took it. Stored events are published in the order of their numbers.
    pub fn publish(&self, event: Event) -> usize {
        let event = Arc::new(event);
        let index = self.read();
        let mut taken = 0;
        for (nth, topic) in event.topics.iter().enumerate() {
            let earlier = &event.topics[..nth];
            for (reader, queue) in index.topics.get(topic).into_iter().flatten() {
                if !earlier.iter().any(|one| index.follows(*one, *reader)) {
                    taken += usize::from(queue.push(&event));
                }
            }
        }
        taken + index.everything.values().filter(|queue| queue.push(&event)).count()
    }

    /// A reader of `topics`, as far as `scope` may see them. Whether the principal may name a topic at all is for
    /// the caller to decide; what is outside `scope` is never delivered.
    ///
    /// # Errors
    /// [`BusError::TooManyReaders`], [`BusError::TooManyTopics`], [`BusError::Closed`].
    pub fn subscribe(&self, scope: Scope, topics: impl IntoIterator<Item = Topic>) -> Result<Subscription, BusError> {
        let mut wanted: Vec<Topic> = Vec::new();
        for topic in topics {
            if !wanted.contains(&topic) {
                wanted.push(topic);
            }
            if wanted.len() > MAX_TOPICS {
                return Err(BusError::TooManyTopics { max: MAX_TOPICS });
            }
        }
        let mut subscription = self.join(scope)?;
        let mut index = self.write();
        for topic in &wanted {
            let queue = Arc::clone(&subscription.queue);
            index.topics.entry(*topic).or_default().insert(subscription.reader, queue);
        }
        drop(index);
        subscription.topics = wanted;
        Ok(subscription)
    }

    /// A reader of everything that `scope` may see, for the control plane's own listeners.
    ///
    /// # Errors
    /// [`BusError::TooManyReaders`], [`BusError::Closed`].
    pub fn subscribe_all(&self, scope: Scope) -> Result<Subscription, BusError> {
        let subscription = self.join(scope)?;
        self.write().everything.insert(subscription.reader, Arc::clone(&subscription.queue));
        Ok(subscription)
    }

    /// Ends all subscriptions after what they hold, and refuses new ones.
    pub fn close(&self) {
        let mut index = self.write();
        index.closed = true;
        index.readers.values().for_each(|queue| queue.close());
    }

    /// How many readers there are.
    pub fn readers(&self) -> usize {
        self.read().readers.len()
    }

    pub(crate) fn enter(&self, topic: Topic, reader: u64, queue: &Arc<Queue>) {
        self.write().topics.entry(topic).or_default().insert(reader, Arc::clone(queue));
    }

    pub(crate) fn leave(&self, topics: &[Topic], reader: u64) {
        let mut index = self.write();
        for topic in topics {
            if let Some(readers) = index.topics.get_mut(topic) {
                readers.remove(&reader);
                if readers.is_empty() {
                    index.topics.remove(topic);
                }
            }
        }
    }

    pub(crate) fn forget(&self, reader: u64) {
        let mut index = self.write();
        index.everything.remove(&reader);
        index.readers.remove(&reader);
    }

    fn join(&self, scope: Scope) -> Result<Subscription, BusError> {
        let mut index = self.write();
        if index.closed {
            return Err(BusError::Closed);
        }
        if index.readers.len() >= self.options.readers {
            return Err(BusError::TooManyReaders { max: self.options.readers });
        }
        index.last_reader += 1;
        let reader = index.last_reader;
        let queue = Arc::new(Queue::new(scope, self.options.queue_events));
        index.readers.insert(reader, Arc::clone(&queue));
        Ok(Subscription { bus: self.clone(), reader, queue, topics: Vec::new(), seen: 0 })
    }

    fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Index> {
        self.index.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Index {
    fn follows(&self, topic: Topic, reader: u64) -> bool {
        self.topics.get(&topic).is_some_and(|readers| readers.contains_key(&reader))
    }
}

#[cfg(test)]
mod tests;
