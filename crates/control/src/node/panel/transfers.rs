//! Second connections of nodes, for bytes of files: a ticket is made for one request of a person, named in a signed QUERY, and
//! taken by the node that was asked, once, while that request waits. All of it is in memory: whoever was cut off asks again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use sf_protocol::handshake::Nonce;
use sf_protocol::server::TransferEnd;
use sf_runtime::{Place, Places};
use sf_types::{ErrorKind, Fault, NodeId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;

use crate::control::Control;

/// Transfers at the same time, of all nodes.
pub const TRANSFERS_AT_ONCE: usize = 128;
/// The same of one node.
pub const TRANSFERS_OF_A_NODE: usize = 24;
/// How long a node has to dial, from the question on.
pub const DIAL_WITHIN: Duration = Duration::from_secs(30);
/// How long either side may neither take nor send a byte.
pub const STALL_LIMIT: Duration = Duration::from_secs(120);
/// Pieces, of 64 KiB at the most, that wait for the slower side.
pub const PIECES_WAITING: usize = 4;

/// What a node sent.
#[derive(Debug)]
pub enum Arrived {
    /// More.
    Bytes(Bytes),
    /// That was all. Without it, something is missing.
    End,
}

/// What the connection that took a ticket moves.
#[derive(Debug)]
pub enum Lane {
    /// From the node.
    Down(mpsc::Sender<Arrived>),
    /// To the node.
    Up {
        /// To be written as they come; empty ones are the end of all. No more of them without such an end: whoever sent
        /// was cut off.
        bytes: mpsc::Receiver<Bytes>,
        /// What the node says in the end.
        end: oneshot::Sender<TransferEnd>,
    },
}

#[derive(Debug)]
struct Waiting {
    node: NodeId,
    lane: Lane,
    taken: oneshot::Sender<()>,
    until: Instant,
}

/// Tickets that wait for their nodes.
#[derive(Debug)]
pub(crate) struct Transfers {
    waiting: Mutex<HashMap<Nonce, Waiting>>,
    room: Arc<Semaphore>,
    of_node: Places<NodeId>,
}

impl Default for Transfers {
    fn default() -> Self {
        let room = Arc::new(Semaphore::new(TRANSFERS_AT_ONCE));
        Self { waiting: Mutex::default(), room, of_node: Places::new(TRANSFERS_OF_A_NODE) }
    }
}

/// A request that waits for a node's second connection.
#[derive(Debug)]
pub(crate) struct Awaited {
    ticket: Ticket,
    taken: oneshot::Receiver<()>,
    room: Room,
}

/// Worth nothing once this is dropped.
#[derive(Debug)]
struct Ticket(Control, Nonce);

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.core().transfers.lock().remove(&self.1);
    }
}

/// Held while bytes are on their way.
#[derive(Debug)]
pub(crate) struct Room {
    _all: OwnedSemaphorePermit,
    _of_node: Place<NodeId>,
}

impl Transfers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Nonce, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// A ticket for `node`, and what its connection shall move.
    pub(crate) fn await_node(&self, node: NodeId, lane: Lane) -> Result<Awaited, Fault> {
        let transfers = &self.core().transfers;
        let room = transfers.room.clone().try_acquire_owned().ok();
        let (Some(room), Some(of_node)) = (room, transfers.of_node.take(node)) else {
            let message = "Too many files are on their way already.";
            let fault = Fault::new(ErrorKind::RateLimited, "transfer.busy", message);
            return Err(fault.fix("Wait until some of them have ended."));
        };
        let (sender, taken) = oneshot::channel();
        let ticket = Nonce::from_bytes(self.rng().bytes());
        let waiting = Waiting { node, lane, taken: sender, until: Instant::now() + DIAL_WITHIN };
        transfers.lock().insert(ticket, waiting);
        let room = Room { _all: room, _of_node: of_node };
        Ok(Awaited { ticket: Ticket(self.clone(), ticket), taken, room })
    }

    /// What a connection of `node`, which has proven that it is that node's, moves for this ticket. It is worth nothing
    /// afterwards.
    ///
    /// # Errors
    /// `transfer.ticket`: unknown, another node's, taken already, or nobody waits for it any more.
    pub fn take_ticket(&self, node: NodeId, ticket: Nonce) -> Result<Lane, Fault> {
        let waiting = match self.core().transfers.lock().entry(ticket) {
            // Another node's is left to that node.
            Entry::Occupied(entry) if entry.get().node == node => Some(entry.remove()),
            _ => None,
        };
        waiting
            .filter(|waiting| waiting.until >= Instant::now())
            .and_then(|Waiting { lane, taken, .. }| taken.send(()).is_ok().then_some(lane))
            .ok_or_else(|| {
                let message = "This connection's ticket is unknown, spent, or nobody waits for it any more.";
                Fault::new(ErrorKind::Forbidden, "transfer.ticket", message)
            })
    }
}

impl Awaited {
    /// To be named in the question.
    pub const fn ticket(&self) -> Nonce {
        self.ticket.1
    }

    /// Waits until the node has dialled.
    ///
    /// # Errors
    /// `transfer.not_dialled`.
    pub async fn dialled(self) -> Result<Room, Fault> {
        let Self { ticket, taken, room } = self;
        let dialled = tokio::time::timeout(DIAL_WITHIN, taken).await;
        drop(ticket);
        if matches!(dialled, Ok(Ok(()))) {
            return Ok(room);
        }
        let message = "The node did not open a second connection for the bytes.";
        let fault = Fault::new(ErrorKind::Timeout, "transfer.not_dialled", message);
        Err(fault.fix("Try again; look at the agent's log if it happens often."))
    }
}
