//! Which upstream a request goes to, and how many are in flight where. The one place where a switch happens.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sf_types::Millis;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::limits::{ERRORS_KEPT, HOLD_QUEUE_MAX, HOLD_TIME_MAX};
use super::pool::Pool;
use super::spec::{Drained, Draining, Pointer};

/// Something that answers requests.
#[derive(Debug)]
pub struct Upstream {
    /// Where it is.
    pub pointer: Pointer,
    /// Idle connections to it.
    pub pool: Pool,
    in_flight: AtomicUsize,
}

/// Holds a request's place on its upstream until the last byte of the answer is handed over.
#[derive(Debug)]
pub struct Ticket {
    upstream: Arc<Upstream>,
    gate: Arc<Gate>,
}

/// Too many requests wait for the end of a hold.
#[derive(Debug, PartialEq, Eq)]
pub struct Full;

/// The gate every request passes.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    /// Something that a waiting request or drain looks at has changed.
    changed: Notify,
    requests: AtomicU64,
}

#[derive(Debug)]
struct State {
    current: Arc<Upstream>,
    old: Vec<Arc<Upstream>>,
    hold: Option<Instant>,
    waiting: usize,
    errors: VecDeque<String>,
}

impl Upstream {
    fn new(pointer: Pointer) -> Arc<Self> {
        Arc::new(Self { pointer, pool: Pool::default(), in_flight: AtomicUsize::new(0) })
    }

    fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }
}

impl Ticket {
    /// Where the request goes.
    pub fn upstream(&self) -> &Arc<Upstream> {
        &self.upstream
    }

    /// Nothing came of it there: waits for a switch, at most this long, and goes where requests go then.
    pub async fn follow_within(&mut self, time: Duration) {
        let gate = self.gate.clone();
        let changed = gate.changed.notified();
        if !self.follow() {
            // Whatever has changed, or nothing: it is looked at.
            let _ = tokio::time::timeout(time, changed).await;
            self.follow();
        }
    }

    fn follow(&mut self) -> bool {
        let current = {
            let state = self.gate.state();
            if Arc::ptr_eq(&state.current, &self.upstream) {
                return false;
            }
            state.current.in_flight.fetch_add(1, Ordering::SeqCst);
            state.current.clone()
        };
        // The former one is counted out with it.
        drop(Self { upstream: std::mem::replace(&mut self.upstream, current), gate: self.gate.clone() });
        true
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.upstream.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.gate.changed.notify_waiters();
        }
    }
}

/// What the gate knows, for the status.
#[derive(Debug)]
pub struct Counts {
    pub pointer: Pointer,
    pub requests: u64,
    pub in_flight: usize,
    pub draining: Vec<Draining>,
    pub waiting: usize,
    pub errors: Vec<String>,
}

impl Gate {
    /// A gate that leads to `pointer`.
    pub fn new(pointer: Pointer) -> Arc<Self> {
        let (current, errors) = (Upstream::new(pointer), VecDeque::new());
        let state = State { current, old: Vec::new(), hold: None, waiting: 0, errors };
        Arc::new(Self { state: Mutex::new(state), changed: Notify::new(), requests: AtomicU64::new(0) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a request in, once no hold is on. Choosing the upstream and counting are one step, so that a drain
    /// never misses a request.
    pub async fn enter(self: &Arc<Self>) -> Result<Ticket, Full> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mut place = None;
        loop {
            let changed = self.changed.notified();
            let until = {
                let mut state = self.state();
                match state.hold.filter(|until| *until > Instant::now()) {
                    None => {
                        state.hold = None;
                        let upstream = state.current.clone();
                        upstream.in_flight.fetch_add(1, Ordering::SeqCst);
                        return Ok(Ticket { upstream, gate: self.clone() });
                    }
                    Some(until) => {
                        if place.is_none() {
                            if state.waiting >= HOLD_QUEUE_MAX {
                                return Err(Full);
                            }
                            state.waiting += 1;
                            place = Some(Place(self));
                        }
                        until
                    }
                }
            };
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(until) => {}
            }
        }
    }

    /// Sends every request from now on to `pointer`, those that wait included.
    pub fn switch(&self, pointer: Pointer) {
        let mut state = self.state();
        state.hold = None;
        if state.current.pointer != pointer {
            let old = std::mem::replace(&mut state.current, Upstream::new(pointer));
            old.pool.close();
            state.old.push(old);
        }
        state.old.retain(|upstream| upstream.in_flight() > 0);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Lets new requests wait.
    pub fn hold(&self, time: Duration) {
        self.state().hold = Some(Instant::now() + time.min(HOLD_TIME_MAX));
    }

    /// Ends a hold.
    pub fn resume(&self) {
        self.state().hold = None;
        self.changed.notify_waiters();
    }

    /// Waits until nothing is in flight on old upstreams.
    pub async fn drain(&self, within: Duration) -> Drained {
        self.wait_for(within, |state| state.old.iter().map(|upstream| upstream.in_flight()).sum()).await
    }

    /// Waits until nothing is in flight at all.
    pub async fn idle(&self, within: Duration) -> Drained {
        let all = |state: &State| state.old.iter().chain([&state.current]).map(|upstream| upstream.in_flight()).sum();
        self.wait_for(within, all).await
    }

    async fn wait_for(&self, within: Duration, count: impl Fn(&State) -> usize) -> Drained {
        let begun = Instant::now();
        loop {
            // `notify_waiters` reaches those that exist, polled or not, so nothing between look and wait is missed.
            let changed = self.changed.notified();
            let in_flight = count(&self.state());
            let took = Millis(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
            if in_flight == 0 || begun.elapsed() >= within {
                return Drained { in_flight, took };
            }
            // The deadline ends the wait, and the next turn says so.
            let _ = tokio::time::timeout_at(begun + within, changed).await;
        }
    }

    /// The relay ends: idle connections to the app are closed.
    pub fn close(&self) {
        self.state().current.pool.close();
    }

    /// Remembers a failure.
    pub fn failed(&self, what: String) {
        let errors = &mut self.state().errors;
        if errors.len() >= ERRORS_KEPT {
            errors.pop_front();
        }
        errors.push_back(what);
    }

    /// The numbers.
    pub fn counts(&self) -> Counts {
        let state = self.state();
        let draining = |old: &Arc<Upstream>| Draining { release: old.pointer.release, in_flight: old.in_flight() };
        Counts {
            pointer: state.current.pointer.clone(),
            requests: self.requests.load(Ordering::Relaxed),
            in_flight: state.current.in_flight(),
            draining: state.old.iter().map(draining).filter(|old| old.in_flight > 0).collect(),
            waiting: state.waiting,
            errors: state.errors.iter().cloned().collect(),
        }
    }
}

/// A place in the queue of a hold.
struct Place<'a>(&'a Gate);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::spec::Target;
    use super::*;

    fn port(port: u16) -> Pointer {
        Pointer { release: None, target: Target::Port { port } }
    }

    #[tokio::test(start_paused = true)]
    async fn a_switch_moves_new_requests_and_a_drain_counts_old_ones_exactly() {
        let gate = Gate::new(port(1));
        let (one, two) = (gate.enter().await.unwrap(), gate.enter().await.unwrap());
        gate.switch(port(2));
        assert_eq!(gate.enter().await.unwrap().upstream().pointer, port(2));
        drop(one);
        assert_eq!(gate.drain(Duration::from_millis(50)).await, Drained { in_flight: 1, took: Millis(50) });
        let drain = gate.drain(Duration::from_secs(9));
        let release = async { drop(two) };
        assert_eq!(tokio::join!(drain, release).0.in_flight, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_nothing_came_of_follows_the_next_switch_and_is_counted_where_it_is() {
        let gate = Gate::new(port(1));
        let mut ticket = gate.enter().await.unwrap();
        ticket.follow_within(Duration::from_millis(5)).await;
        assert_eq!(ticket.upstream().pointer, port(1));
        let begun = Instant::now();
        let switch = async { gate.switch(port(2)) };
        tokio::join!(ticket.follow_within(Duration::from_secs(5)), switch);
        assert_eq!((ticket.upstream().pointer.clone(), begun.elapsed()), (port(2), Duration::ZERO));
        assert_eq!((gate.drain(Duration::ZERO).await.in_flight, gate.counts().in_flight), (0, 1));
        drop(ticket);
        assert_eq!(gate.counts().in_flight, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_queues_in_bounds_and_ends_by_switch_or_time() {
        let gate = Gate::new(port(1));
        gate.hold(Duration::from_secs(5));
        let mut waiting: Vec<_> = (0..HOLD_QUEUE_MAX).map(|_| Box::pin(gate.enter())).collect();
        for request in &mut waiting {
            assert!(futures_util::poll!(request.as_mut()).is_pending());
        }
        assert_eq!(gate.enter().await.unwrap_err(), Full);
        waiting.pop();
        assert_eq!(gate.counts().waiting, HOLD_QUEUE_MAX - 1);
        gate.switch(port(2));
        for request in waiting {
            assert_eq!(request.await.unwrap().upstream().pointer, port(2));
        }
        gate.hold(Duration::from_secs(5));
        let begun = Instant::now();
        gate.enter().await.unwrap();
        assert_eq!(begun.elapsed(), Duration::from_secs(5));
        assert_eq!(gate.counts().waiting, 0);
    }
}
