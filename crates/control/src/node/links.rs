//! The connected nodes: who can be sent something right now.
//!
//! Commands of a node leave in the order of their sequence numbers, whatever order their transactions' tasks wake up
//! in: each link holds back a number until the ones before it are out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use sf_protocol::Frame;
use sf_types::{CommandId, ConnectionId, Fault, NodeId, Timestamp};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{mpsc, watch};

/// Frames waiting for one connection at the most. Commands beyond are read from the store again when these are written;
/// a node that reads nothing is cut by its connection.
pub const MAX_QUEUED_FRAMES: usize = 1024;

/// What the gateway writes to a connection.
#[derive(Debug)]
pub enum Outgoing {
    /// A frame.
    Frame(Box<Frame>),
    /// A command in its turn; to be noted as sent once it is written.
    Command(Box<Numbered>),
    /// Say why, then close.
    Close(Box<Fault>),
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
    /// The protocol version spoken on it.
    version: u16,
    sender: mpsc::Sender<Outgoing>,
    order: Order,
    /// The last number that was written.
    written: u64,
    /// Whether the node has said anything on it.
    spoke: bool,
    /// Gone with the link: whoever asked something by it knows then that no answer comes.
    life: watch::Sender<()>,
    /// Ports that something else has on it, and when it said so.
    held: (Timestamp, Vec<u16>),
}

/// The end of the connection that a question left by.
#[derive(Debug)]
pub struct End(watch::Receiver<()>);

impl End {
    /// Returns when the connection is no more the node's.
    pub async fn come(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

/// Numbers that wait for an earlier one.
#[derive(Debug)]
enum Order {
    /// The backlog is still being read: everything is held.
    Loading(BTreeMap<u64, Numbered>),
    /// The next number to leave, and later ones that came early.
    Live { next: u64, early: BTreeMap<u64, Numbered> },
    /// There is more than is held here: from `next` on it is in the store, and read when all before it is written.
    Behind { next: u64, early: BTreeMap<u64, Numbered> },
}

impl Links {
    /// Opens a link in place of an older one of the same node, which is told to close. Commands are held until
    /// [`Links::go_live`].
    pub fn open(&self, node: NodeId, connection: ConnectionId, version: u16) -> mpsc::Receiver<Outgoing> {
        let (sender, receiver) = mpsc::channel(MAX_QUEUED_FRAMES);
        let order = Order::Loading(BTreeMap::new());
        let held = (Timestamp::EPOCH, Vec::new());
        let life = watch::Sender::new(());
        let link = Link { connection, version, sender, order, written: 0, spoke: false, life, held };
        if let Some(old) = self.lock().insert(node, link) {
            let fault = Fault::new(sf_types::ErrorKind::Conflict, "link.replaced", "The node connected again.");
            drop(old.sender.try_send(Outgoing::Close(Box::new(fault))));
        }
        receiver
    }

    /// The backlog is read: `next` is the first number to leave, `backlog` what is signed from there, and whether there
    /// is more behind it.
    pub fn go_live(&self, node: NodeId, connection: ConnectionId, next: u64, backlog: Vec<Numbered>, more: bool) {
        let mut links = self.lock();
        let Some(link) = links.get_mut(&node).filter(|link| link.connection == connection) else { return };
        let mut early = match std::mem::replace(&mut link.order, Order::Loading(BTreeMap::new())) {
            Order::Loading(held) | Order::Live { early: held, .. } | Order::Behind { early: held, .. } => held,
        };
        if more {
            // What is held belongs behind what is not read yet.
            early.clear();
        }
        early.extend(backlog.into_iter().map(|command| (command.sequence, command)));
        early.retain(|sequence, _| *sequence >= next);
        link.written = link.written.max(next.saturating_sub(1));
        link.order = if more { Order::Behind { next, early } } else { Order::Live { next, early } };
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
            // It is in the store, and its turn comes.
            Order::Behind { .. } => {}
        }
        let alive = link.flush();
        if !alive {
            links.remove(&node);
        }
        alive
    }

    /// A frame was written, perhaps a command with its number. Where nothing more is held here and more is in the store,
    /// answers from which number on to read; until [`Links::go_live`] everything is held.
    pub fn read_on(&self, node: NodeId, connection: ConnectionId, written: Option<u64>) -> Option<u64> {
        let mut links = self.lock();
        let link = links.get_mut(&node).filter(|link| link.connection == connection)?;
        if !link.flush() {
            links.remove(&node);
            return None;
        }
        link.written = written.unwrap_or(link.written);
        match &link.order {
            Order::Behind { next, early } if early.is_empty() && *next == link.written + 1 => {
                let next = *next;
                link.order = Order::Loading(BTreeMap::new());
                Some(next)
            }
            _ => None,
        }
    }

    /// Sends something without a number: a read, a STORED. Answers whether it was queued.
    pub fn send(&self, node: NodeId, frame: Frame) -> bool {
        let links = self.lock();
        links.get(&node).is_some_and(|link| link.sender.try_send(Outgoing::Frame(Box::new(frame))).is_ok())
    }

    /// Sends something that is to be answered. Answers the end of the connection it leaves by, where it was queued.
    pub fn ask(&self, node: NodeId, frame: Frame) -> Option<End> {
        let links = self.lock();
        let link = links.get(&node)?;
        link.sender.try_send(Outgoing::Frame(Box::new(frame))).ok()?;
        Some(End(link.life.subscribe()))
    }

    /// Sends a frame to up to `most` nodes whose connections speak `version` or a later one, beginning at the
    /// `turn`-th of them and going round. Answers how many have it queued.
    pub fn send_to_some(&self, frame: &Frame, version: u16, most: usize, turn: usize) -> usize {
        let links = self.lock();
        let speaking: Vec<_> = links.values().filter(|link| link.version >= version).collect();
        let chosen = (0..speaking.len().min(most)).map(|n| speaking[(turn + n) % speaking.len()]);
        chosen.filter(|link| link.sender.try_send(Outgoing::Frame(Box::new(frame.clone()))).is_ok()).count()
    }

    /// Cuts a node off, saying why.
    pub fn close(&self, node: NodeId, fault: Fault) {
        if let Some(link) = self.lock().remove(&node) {
            drop(link.sender.try_send(Outgoing::Close(Box::new(fault))));
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

    /// Whether this is the node's first word on this connection, if it is still the current one.
    pub fn first_word(&self, node: NodeId, connection: ConnectionId) -> bool {
        let mut links = self.lock();
        let link = links.get_mut(&node).filter(|link| link.connection == connection);
        link.is_some_and(|link| !std::mem::replace(&mut link.spoke, true))
    }

    /// Whether a node is connected.
    pub fn is_connected(&self, node: NodeId) -> bool {
        self.lock().contains_key(&node)
    }

    /// The protocol version that a connected node speaks.
    pub fn version(&self, node: NodeId) -> Option<u16> {
        self.lock().get(&node).map(|link| link.version)
    }

    /// A node says which of its ports something else has; what it said of an earlier moment comes late.
    pub fn holds(&self, node: NodeId, at: Timestamp, ports: Vec<u16>) {
        if let Some(link) = self.lock().get_mut(&node).filter(|link| link.held.0 <= at) {
            link.held = (at, ports);
        }
    }

    /// Ports that something else had on a node when it last spoke of them; none of one that is away.
    pub fn held(&self, node: NodeId) -> Vec<u16> {
        self.lock().get(&node).map(|link| link.held.1.clone()).unwrap_or_default()
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
    /// Sends what is in turn, as far as the connection takes it. `false` when the connection is gone.
    fn flush(&mut self) -> bool {
        let (Order::Live { next, early } | Order::Behind { next, early }) = &mut self.order else {
            return !self.sender.is_closed();
        };
        while let Some(command) = early.remove(next) {
            match self.sender.try_send(Outgoing::Command(Box::new(command))) {
                Ok(()) => *next += 1,
                Err(TrySendError::Closed(_)) => return false,
                Err(TrySendError::Full(_)) => {
                    // All of it is in the store: it is read again when there is room.
                    self.order = Order::Behind { next: *next, early: BTreeMap::new() };
                    return true;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::report::Stored;
    use sf_types::TypedId;

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
    fn what_only_newer_agents_understand_goes_to_them_alone_and_to_each_in_turn() {
        let links = Links::default();
        let mut receivers: Vec<_> = (1..=6).map(|n| links.open(id(n), id(n), 1 + u16::from(n > 2))).collect();
        let frame = Frame::Stored(Stored::default());
        assert_eq!(links.send_to_some(&frame, 2, 3, 0), 3);
        assert_eq!(links.send_to_some(&frame, 2, 3, 3), 3);
        let got: Vec<usize> =
            receivers.iter_mut().map(|of| std::iter::from_fn(|| of.try_recv().ok()).count()).collect();
        assert_eq!(got[..2], [0, 0], "agents of version 1");
        assert!(got[2..].iter().all(|count| (1..=2).contains(count)) && got.iter().sum::<usize>() == 6, "{got:?}");
        assert_eq!(Links::default().send_to_some(&frame, 2, 3, 9), 0);
    }

    #[test]
    fn numbers_leave_in_order_whatever_order_they_come_in() {
        let links = Links::default();
        let mut receiver = links.open(id(1), id(2), 1);
        links.command(id(1), numbered(6));
        links.go_live(id(1), id(2), 4, vec![numbered(3), numbered(5), numbered(4)], false);
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
        let mut old = links.open(id(1), id(2), 1);
        let _new = links.open(id(1), id(3), 1);
        assert!(matches!(old.try_recv(), Ok(Outgoing::Close(_))));
        assert!(!links.ended(id(1), id(2)));
        assert!(links.is_connected(id(1)));
        assert!(links.ended(id(1), id(3)) && !links.is_connected(id(1)));
    }

    #[test]
    fn what_a_slow_reader_has_no_room_for_is_read_from_the_store_when_there_is() {
        let links = Links::default();
        let mut receiver = links.open(id(1), id(2), 1);
        links.go_live(id(1), id(2), 1, Vec::new(), false);
        let full = MAX_QUEUED_FRAMES as u64;
        (1..=full + 10).for_each(|n| assert!(links.command(id(1), numbered(n)), "{n}"));
        assert_eq!(links.read_on(id(1), id(2), Some(1)), None, "others are still to be written");
        assert_eq!(received(&mut receiver), (1..=full).collect::<Vec<_>>());
        assert_eq!(links.read_on(id(1), id(2), Some(full)), Some(full + 1));
        assert_eq!(links.read_on(id(1), id(2), Some(full)), None, "one reads at a time");
        // Signed while the store is read: perhaps before it was looked at, perhaps after.
        links.command(id(1), numbered(full + 11));
        links.go_live(id(1), id(2), full + 1, (full + 1..=full + 11).map(numbered).collect(), false);
        links.command(id(1), numbered(full + 12));
        assert_eq!(received(&mut receiver), (full + 1..=full + 12).collect::<Vec<_>>());
    }

    #[test]
    fn a_command_behind_many_other_frames_is_read_when_they_are_written() {
        let links = Links::default();
        let mut receiver = links.open(id(1), id(2), 1);
        links.go_live(id(1), id(2), 5, Vec::new(), false);
        while links.send(id(1), Frame::Stored(Stored::default())) {}
        assert!(links.command(id(1), numbered(5)));
        assert!(receiver.try_recv().is_ok());
        assert_eq!(links.read_on(id(1), id(2), None), Some(5));
    }

    #[test]
    fn a_backlog_is_told_in_parts_without_a_gap() {
        let links = Links::default();
        let mut receiver = links.open(id(1), id(2), 1);
        links.command(id(1), numbered(9));
        links.go_live(id(1), id(2), 1, (1..=3).map(numbered).collect(), true);
        links.command(id(1), numbered(10));
        assert_eq!(received(&mut receiver), [1, 2, 3]);
        assert_eq!(links.read_on(id(1), id(2), Some(3)), Some(4));
        links.go_live(id(1), id(2), 4, (4..=6).map(numbered).collect(), true);
        assert_eq!(received(&mut receiver), [4, 5, 6]);
        assert_eq!(links.read_on(id(1), id(2), Some(6)), Some(7));
        links.go_live(id(1), id(2), 7, (7..=10).map(numbered).collect(), false);
        links.command(id(1), numbered(11));
        assert_eq!(received(&mut receiver), [7, 8, 9, 10, 11]);
        assert_eq!(links.read_on(id(1), id(2), Some(11)), None);
    }
}
