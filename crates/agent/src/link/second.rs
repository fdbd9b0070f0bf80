//! A second connection, for bytes: dialled for a ticket, proven as the first, ended with what was moved on it. It takes no
//! orders and moves no counter, so that the first one never notices.

use std::time::Duration;

use bytes::Bytes;
use sf_protocol::SecretKey;
use sf_protocol::handshake::{AgentHello, Nonce, VERSIONS};
use sf_protocol::server::TransferEnd;
use sf_protocol::wire;
use sf_runtime::{Clock, Rng};
use sf_types::Millis;

use super::address::ControlUrl;
use super::socket::{ANSWER_LIMIT, Socket};
use super::{LinkError, Trust};
use crate::state::Registration;

/// How long the other side may neither take nor send a byte.
pub const STALL_LIMIT: Millis = Millis::secs(120);
/// How long what still comes is read and dropped, so that the last word arrives before the connection's end.
const LAST_WORD: Duration = Duration::from_secs(10);

/// What a second connection is dialled with.
#[derive(Debug)]
pub struct Dialer {
    /// Whom this node belongs to.
    pub registration: Registration,
    /// The node's key.
    pub key: SecretKey,
    /// The time.
    pub clock: Clock,
    /// Nonces.
    pub rng: Rng,
}

/// An open one.
#[derive(Debug)]
pub struct Second(Socket);

impl Dialer {
    /// Dials, has the control plane prove itself, and proves that this node was given the ticket. `position` is the
    /// journal's.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn dial(&self, ticket: Nonce, position: (u64, u64)) -> Result<Second, LinkError> {
        let registration = &self.registration;
        let url: ControlUrl = registration.url.parse()?;
        let trust = registration.tls_pin.clone().map_or(Trust::Public, Trust::Pinned);
        let mut socket = Socket::dial(&url, trust).await?;
        let hello = AgentHello {
            node: registration.node,
            key: self.key.public(),
            root: registration.root,
            binding: registration.binding,
            versions: VERSIONS,
            agent_version: env!("CARGO_PKG_VERSION").parse().expect("a version is a name"),
            epoch: position.0,
            high_water: position.1,
            counter: registration.counter,
        };
        let (text, waiting) = hello.connect_for(ticket, socket.channel(), Nonce::from_bytes(self.rng.bytes()))?;
        socket.say(text).await?;
        let challenge = socket.answer(Some(ANSWER_LIMIT)).await?;
        let (text, _) = waiting.challenge(&challenge, &self.key, self.clock.now())?;
        socket.say(text).await?;
        Ok(Second(socket))
    }
}

impl Second {
    /// The next bytes; none at the end of all.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn hear(&mut self) -> Result<Bytes, LinkError> {
        self.0.hear_bytes(STALL_LIMIT).await
    }

    /// Sends bytes, as fast as they are taken; none says that those were all.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn put(&mut self, bytes: Bytes) -> Result<(), LinkError> {
        self.0.put(bytes, STALL_LIMIT).await
    }

    /// Says what an upload came to, and closes.
    ///
    /// # Errors
    /// [`LinkError`].
    pub async fn end(mut self, end: &TransferEnd) -> Result<(), LinkError> {
        let text = String::from_utf8(wire::write(end)).expect("JSON is UTF-8");
        self.0.say(text).await?;
        let rest = async { while self.hear().await.is_ok() {} };
        drop(tokio::time::timeout(LAST_WORD, rest).await);
        self.close().await;
        Ok(())
    }

    /// Closes politely.
    pub async fn close(self) {
        self.0.split().0.close().await;
    }
}
