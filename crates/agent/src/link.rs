//! The connection to the control plane: dialled by us, proven by both sides, kept alive, opened again when lost.
//!
//! Start reading at [`Link::run`], then `session`.

pub mod address;
pub mod backoff;
pub mod enrol;
mod error;
pub mod second;
mod session;
pub mod socket;
pub mod tls;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sf_protocol::handshake::{AgentHello, Nonce, Open, VERSIONS};
use sf_protocol::{Delegation, Kind, SecretKey, Signed};
use sf_runtime::{Clock, Rng, Shutdown};
use sf_types::{Fault, Timestamp};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

pub use address::ControlUrl;
pub use error::LinkError;
pub use socket::Socket;
pub use tls::Trust;

use crate::journal::Journal;
use crate::outbox::{Delivery, Outbox};
use crate::state::{Registration, StateDir};
use backoff::{Backoff, GOOD_AFTER};

/// Orders that were read and wait for the journal; beyond, reading stops.
pub const ORDERS_WAITING_MAX: usize = 64;

/// An order as it arrived, with the certificate of the connection it came on.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// The outer type: an untrusted hint.
    pub kind: Kind,
    /// The exact bytes.
    pub signed: Signed,
    /// Which key may sign orders here, verified by the handshake.
    pub delegation: Arc<Delegation>,
}

/// How the connection is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "link", rename_all = "camelCase")]
pub enum LinkState {
    /// Dialling or shaking hands.
    Connecting,
    /// Open.
    Connected {
        /// Since when.
        since: Timestamp,
    },
    /// Lost or never opened; tried again by itself.
    Waiting {
        /// Why.
        fault: Fault,
        /// When it is tried again.
        until: Timestamp,
    },
}

/// What the link needs.
#[derive(Debug)]
pub struct Link {
    /// Whom this node belongs to; its counter moves on.
    pub registration: Registration,
    /// The node's key.
    pub key: SecretKey,
    /// Where the counter is kept.
    pub state: StateDir,
    /// Tells epoch and high water.
    pub journal: Journal,
    /// What waits to be told.
    pub outbox: Outbox,
    /// Where orders go.
    pub orders: mpsc::Sender<Incoming>,
    /// Asked from this machine to dial now.
    pub redial: Arc<Notify>,
    /// Tells others how the connection is.
    pub status: watch::Sender<LinkState>,
    /// The time.
    pub clock: Clock,
    /// Nonces and jitter.
    pub rng: Rng,
}

impl Link {
    /// Connects, and connects again, until the agent stops.
    pub async fn run(mut self, shutdown: Shutdown) {
        let mut backoff = Backoff::default();
        loop {
            let began = Instant::now();
            self.status.send_replace(LinkState::Connecting);
            let ended = tokio::select! {
                () = shutdown.requested() => return,
                ended = Box::pin(self.connect(&shutdown)) => ended,
            };
            let Err(error) = ended else { return };
            let connected = matches!(*self.status.borrow(), LinkState::Connected { .. });
            if connected && began.elapsed() > GOOD_AFTER {
                backoff.reset();
            }
            let wait = backoff.next(&self.rng, error.retry_after());
            let fault = error.fault();
            tracing::warn!(code = %fault.code, wait_ms = wait.as_millis(), "no connection: {fault}");
            self.status.send_replace(LinkState::Waiting { fault, until: self.clock.now().plus(wait) });
            tokio::select! {
                () = shutdown.requested() => return,
                () = self.redial.notified() => backoff.reset(),
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    /// One connection from its first byte to its end. `Ok` when the agent stops.
    async fn connect(&mut self, shutdown: &Shutdown) -> Result<(), LinkError> {
        let url: ControlUrl = self.registration.url.parse()?;
        let trust = self.registration.tls_pin.clone().map_or(Trust::Public, Trust::Pinned);
        let mut socket = Socket::dial(&url, trust).await?;
        let open = self.shake_hands(&mut socket).await?;
        // The first frame confirms the counter, so it has to be on disk before.
        self.registration.counter = open.counter;
        self.state.write_registration(&self.registration)?;
        self.state.keep_delegation(open.delegation.key.id(), &open.delegation_signed)?;
        let (epoch, certified) = (self.journal.position().0, open.delegation.epoch);
        if certified > epoch {
            self.journal.raise_epoch(certified).await?;
            if epoch > 0 {
                self.outbox.notice("journal.epoch", format!("Numbers begin anew in epoch {certified}, after {epoch}."));
            }
        }
        tracing::info!(connection = %open.connection, version = open.version, "connected");
        self.outbox.speak(open.version);
        let delivery = Delivery::new(&self.outbox, &open.resume);
        self.status.send_replace(LinkState::Connected { since: self.clock.now() });
        session::converse(self, socket, &open, delivery, shutdown).await
    }

    async fn shake_hands(&self, socket: &mut Socket) -> Result<Open, LinkError> {
        let (epoch, high_water) = self.journal.position();
        let registration = &self.registration;
        let hello = AgentHello {
            node: registration.node,
            key: self.key.public(),
            root: registration.root,
            binding: registration.binding,
            versions: VERSIONS,
            agent_version: env!("CARGO_PKG_VERSION").parse().expect("a version is a name"),
            epoch,
            high_water,
            counter: registration.counter,
        };
        let (text, waiting) = hello.connect(socket.channel(), Nonce::from_bytes(self.rng.bytes()))?;
        socket.say(text).await?;
        let challenge = socket.answer(Some(socket::ANSWER_LIMIT)).await?;
        let (text, waiting) = waiting.challenge(&challenge, &self.key, self.clock.now())?;
        socket.say(text).await?;
        let authorized = socket.answer(Some(socket::ANSWER_LIMIT)).await?;
        Ok(waiting.authorized(&authorized)?)
    }
}

/// Longest silence before a connection counts as dead: 40 s, however long a heartbeat the control plane asks for.
pub const SILENCE_MAX: Duration = Duration::from_secs(40);
