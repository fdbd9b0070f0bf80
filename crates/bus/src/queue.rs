//! The bounded queue of one reader.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sf_types::Scope;
use tokio::sync::Notify;

use crate::event::{Event, Lagged};
use crate::subscription::Delivery;

/// What is waiting for one reader. Filled by publishers, emptied by its only reader.
#[derive(Debug)]
pub(crate) struct Queue {
    scope: Scope,
    capacity: usize,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Event>>,
    /// The gap behind what is waiting. While it is set nothing is queued, so that the order of what the reader sees
    /// is: events, the gap, later events.
    gap: Option<Lagged>,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(scope: Scope, capacity: usize) -> Self {
        Self { scope, capacity, state: Mutex::default(), wake: Notify::new() }
    }

    /// Queues or counts as missed; never waits for the reader. Answers whether it was queued.
    pub(crate) fn push(&self, event: &Arc<Event>) -> bool {
        if !event.is_visible_to(self.scope) {
            return false;
        }
        let mut state = self.lock();
        if state.closed {
            return false;
        }
        let fits = state.gap.is_none() && state.waiting.len() < self.capacity;
        if fits {
            state.waiting.push_back(Arc::clone(event));
        } else {
            let gap = state.gap.get_or_insert(Lagged { missed_from: None, missed: 0 });
            gap.missed += 1;
            if gap.missed_from.is_none() && event.seq != 0 {
                gap.missed_from = Some(event.seq);
            }
        }
        drop(state);
        self.wake.notify_one();
        fits
    }

    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.wake.notify_one();
    }

    /// What is next: `Ok(None)` when closed and empty, `Err` when nothing is there yet.
    pub(crate) fn pop(&self) -> Result<Option<Delivery>, Empty> {
        let mut state = self.lock();
        if let Some(event) = state.waiting.pop_front() {
            return Ok(Some(Delivery::Event(event)));
        }
        if let Some(gap) = state.gap.take() {
            return Ok(Some(Delivery::Lagged(gap)));
        }
        if state.closed { Ok(None) } else { Err(Empty) }
    }

    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nothing is waiting.
#[derive(Debug)]
pub(crate) struct Empty;
