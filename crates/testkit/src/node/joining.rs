//! How a simulated machine becomes a node.

use sf_protocol::enrol::{EnrolHello, EnrolToken, Pending, Progress};
use sf_protocol::handshake::{BindingKind, Nonce, VERSIONS};
use sf_protocol::{KeyId, SecretKey};
use sf_runtime::{Clock, Rng};

use super::{SimNode, machine};
use crate::wire::{Dial, Wire, WireError};

/// A machine that shows a code and waits.
#[derive(Debug)]
pub struct WaitingMachine {
    /// What it shows.
    pub pending: Pending,
    pub(super) key: SecretKey,
    pub(super) root: KeyId,
    pub(super) wire: Wire,
    pub(super) waiting: Box<sf_protocol::enrol::AwaitingRegistered>,
}

impl WaitingMachine {
    /// Waits for the person's decision.
    ///
    /// # Errors
    /// [`WireError`]: refused, too late, or the connection is gone.
    pub async fn admitted(mut self, clock: Clock, rng: Rng) -> Result<SimNode, WireError> {
        let text = self.wire.answer().await?;
        match self.waiting.receive(&text)? {
            Progress::Done(enrolled) => Ok(SimNode::enrolled(*enrolled, self.key, self.root, clock, rng)),
            Progress::Wait(..) => Err(sf_protocol::enrol::EnrolError::NotPending.into()),
        }
    }
}

/// Says who a new machine is, with or without a token.
pub(super) async fn register(
    dial: &Dial,
    token: Option<EnrolToken>,
    root: KeyId,
    clock: &Clock,
    rng: &Rng,
) -> Result<(SecretKey, Wire, Progress), WireError> {
    let key = SecretKey::from_seed(&rng.bytes());
    let binding = if dial.tls.is_some() { BindingKind::Exporter } else { BindingKind::Host };
    let mut wire = Wire::dial(dial).await?;
    let hello = EnrolHello { key: key.public(), root, binding, versions: VERSIONS, token };
    let (text, waiting) = hello.register(wire.channel(), Nonce::from_bytes(rng.bytes()))?;
    wire.say_text(text).await?;
    let challenge = wire.answer().await?;
    let (text, waiting) = waiting.challenge(&challenge, &key, machine(), clock.now())?;
    wire.say_text(text).await?;
    let progress = waiting.receive(&wire.answer().await?)?;
    Ok((key, wire, progress))
}
