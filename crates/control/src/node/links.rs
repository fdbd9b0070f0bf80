//! The connected nodes: who can be sent something right now.
//!
//! Commands of a node leave in the order of their sequence numbers, whatever order their transactions' tasks wake up
//! in: each link holds back a number until the ones before it are out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use sf_protocol::Frame;
use sf_types::{CommandId, ConnectionId, Fault, NodeId};
use tokio::sync::mpsc;

/// Frames waiting for one connection at the most; a node that reads slower is cut and resumes from its journal.
pub const MAX_QUEUED_FRAMES: usize = 1024;

/// What the gateway writes to a connection.
#[derive(Debug)]
pub enum Outgoing {
    /// A frame.
    Frame(Box<Frame>),
    /// A command in its turn; to be noted as sent once it is written.
    Command(Box<Numbered>),
    /// Say why, then close.
    Close(Fault),
}

/// A signed command with its number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Numbered {
    /// Its id.
    pub id: CommandId,
    /// Its number.
    pub sequence: u64,
    /// As it is written.
    pub frame: Frame,
}

/// All live connections of this control plane.
#[derive(Clone, Debug, Default)]
pub struct Links(Arc<Mutex<HashMap<NodeId, Link>>>);

#[derive(Debug)]
struct Link {
    connection: ConnectionId,
    sender: mpsc::Sender<Outgoing>,
    order: Order,
}

/// Numbers that wait for an earlier one.
#[derive(Debug)]
enum Order {
    /// The backlog is still being read: everything is held.
    Loading(BTreeMap<u64, Numbered>),
    /// The next number to leave, and later ones that came early.
    Live { next: u64, early: BTreeMap<u64, Numbered> },
}

impl Links {
    /// Opens a link in place of an older one of the same node, which is told to close. Commands are held until
    /// [`Links::go_live`].
    pub fn open(&self, node: NodeId, connection: ConnectionId) -> mpsc::Receiver<Outgoing> {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED_FRAMES);
        let link = Link { connection, sender, order: Order::Loading(BTreeMap::new()) };
        if let Some(old) = self.lock().insert(node, link) {
            let fault = Fault::new(sf_types::ErrorKind::Conflict, "link.replaced", "The node connected again.");
            drop(old.sender.try_send(Outgoing::Close(fault)));
        }
        receiver
    }

    /// The backlog is read: `next` is the first number the node has not accepted, `backlog` what is signed from there.
    pub fn go_live(&self, node: NodeId, connection: ConnectionId, next: u64, backlog: Vec<Numbered>) {
        let mut links = self.lock();
        let Some(link) = links.get_mut(&node).filter(|link| link.connection == connection) else { return };
        let mut early = match std::mem::replace(&mut link.order, Order::Live { next, early: BTreeMap::new() }) {
            Order::Loading(held) | Order::Live { early: held, .. } => held,
        };
        early.extend(backlog.into_iter().map(|command| (command.sequence, command)));
        early.retain(|sequence, _| *sequence >= next);
        link.order = Order::Live { next, early };
        if !link.flush() {
            links.remove(&node);
        }
    }

    /// Sends a command in its turn. Answers whether the node is connected; when not, it is sent after its return.
    pub fn command(&self, node: NodeId, command: Numbered) -> bool {
        let mut links = self.lock();
        let Some(link) = links.get_mut(&node) else { return false };
        match &mut link.order {
            Order::Loading(held) => {
                held.insert(command.sequence, command);
            }
            Order::Live { next, early } => {
                if command.sequence >= *next {
                    early.insert(command.sequence, command);
                }
            }
        }
        let alive = link.flush();
        if !alive {
            links.remove(&node);
        }
        alive
    }

    /// Sends something without a number: a read, a STORED. Answers whether it was queued.
    pub fn send(&self, node: NodeId, frame: Frame) -> bool {
        let links = self.lock();
        links.get(&node).is_some_and(|link| link.sender.try_send(Outgoing::Frame(Box::new(frame))).is_ok())
    }

    /// Cuts a node off, saying why.
    pub fn close(&self, node: NodeId, fault: Fault) {
        if let Some(link) = self.lock().remove(&node) {
            drop(link.sender.try_send(Outgoing::Close(fault)));
        }
    }

    /// Forgets a link that ended; a newer one of the same node stays. Answers whether it was the current one.
    pub fn ended(&self, node: NodeId, connection: ConnectionId) -> bool {
        let mut links = self.lock();
        let current = links.get(&node).is_some_and(|link| link.connection == connection);
        if current {
            links.remove(&node);
        }
        current
    }

    /// Whether a node is connected.
    pub fn is_connected(&self, node: NodeId) -> bool {
        self.lock().contains_key(&node)
    }

    /// How many nodes are connected.
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<NodeId, Link>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    /// Sends what is in turn. `false` when the connection is gone or too slow: it is cut and resumes later.
    fn flush(&mut self) -> bool {
        let Order::Live { next, early } = &mut self.order else { return !self.sender.is_closed() };
        while let Some(command) = early.remove(next) {
            if self.sender.try_send(Outgoing::Command(Box::new(command))).is_err() {
                return false;
            }
            *next += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::report::Stored;
    use sf_types::{Timestamp, TypedId};

    fn id<I: TypedId>(n: u8) -> I {
        I::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    /// Stands for the command of this number.
    fn numbered(sequence: u64) -> Numbered {
        Numbered { id: id(9), sequence, frame: Frame::Stored(Stored::default()) }
    }

    fn received(receiver: &mut mpsc::Receiver<Outgoing>) -> Vec<u64> {
        let mut numbers = Vec::new();
        while let Ok(Outgoing::Command(command)) = receiver.try_recv() {
            numbers.push(command.sequence);
        }
        numbers
    }

    #[test]
    fn numbers_leave_in_order_whatever_order_they_come_in() {
        let links = Links::default();
        let mut receiver = links.open(id(1), id(2));
        links.command(id(1), numbered(6));
        links.go_live(id(1), id(2), 4, vec![numbered(3), numbered(5), numbered(4)]);
        links.command(id(1), numbered(9));
        links.command(id(1), numbered(8));
        assert_eq!(received(&mut receiver), [4, 5, 6]);
        links.command(id(1), numbered(7));
        links.command(id(1), numbered(7));
        assert_eq!(received(&mut receiver), [7, 8, 9]);
    }

    #[test]
    fn a_newer_connection_replaces_the_old_one_and_its_end_is_ignored() {
        let links = Links::default();
        let mut old = links.open(id(1), id(2));
        let _new = links.open(id(1), id(3));
        assert!(matches!(old.try_recv(), Ok(Outgoing::Close(_))));
        assert!(!links.ended(id(1), id(2)));
        assert!(links.is_connected(id(1)));
        assert!(links.ended(id(1), id(3)) && !links.is_connected(id(1)));
    }

    #[test]
    fn a_reader_that_is_too_slow_is_cut() {
        let links = Links::default();
        let _receiver = links.open(id(1), id(2));
        links.go_live(id(1), id(2), 1, Vec::new());
        let cut = (1..=MAX_QUEUED_FRAMES as u64 + 1).find(|n| !links.command(id(1), numbered(*n)));
        assert_eq!(cut, Some(MAX_QUEUED_FRAMES as u64 + 1));
        assert!(!links.is_connected(id(1)));
    }
}
