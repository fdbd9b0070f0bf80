//! Becoming a node: with the one-time token of an install line, or with a code that a person approves.

use sf_protocol::KeyId;
use sf_protocol::SecretKey;
use sf_protocol::enrol::{AwaitingRegistered, EnrolHello, EnrolToken, Enrolled, Pending, Progress};
use sf_protocol::handshake::{BindingKind, Nonce, VERSIONS};
use sf_protocol::report::NodeFacts;
use sf_runtime::{Clock, Rng};

use crate::link::{ControlUrl, LinkError, Socket, Trust, socket};
use crate::state::{Registration, StateDir, StateError};

/// What the install line says.
#[derive(Clone, Debug)]
pub struct InstallLine {
    /// The control plane.
    pub url: ControlUrl,
    /// Fingerprint of its root.
    pub root: KeyId,
    /// The token; `None` asks for the device flow.
    pub token: Option<EnrolToken>,
    /// How connections shall be bound.
    pub binding: BindingKind,
    /// Enrol although this node is enrolled already: its key and its apps stay.
    pub again: bool,
}

/// What enrolling needs besides the install line.
#[derive(Debug)]
pub struct Enroller<'a> {
    /// The agent's folder.
    pub state: &'a StateDir,
    /// What the machine is; told once the control plane has proven itself.
    pub facts: NodeFacts,
    /// The time.
    pub clock: Clock,
    /// Keys and nonces.
    pub rng: Rng,
}

impl Enroller<'_> {
    /// Enrols, and writes down whom this node belongs to. In the device flow `show` is told the code, and this waits
    /// for the person; a lost connection is opened again until the code is no longer good.
    ///
    /// # Errors
    /// [`LinkError`], naming the cause. Nothing secret was sent before the control plane had proven itself.
    pub async fn enrol(&self, line: &InstallLine, mut show: impl FnMut(&Pending)) -> Result<Registration, LinkError> {
        // A running daemon would go on with the key and the journal of the old registration.
        let _held = self.state.hold(self.clock.now())?;
        match self.state.registration() {
            Ok(known) if !line.again => {
                return Err(StateError::Enrolled { name: known.node_name, url: known.url }.into());
            }
            Ok(_) | Err(StateError::NotEnrolled { .. } | StateError::Damaged { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let key = self.state.node_key_or(&self.rng.bytes())?;
        let mut shown: Option<Pending> = None;
        loop {
            match self.once(line, &key, &mut shown, &mut show).await {
                Err(
                    LinkError::Lost(_) | LinkError::Tcp { .. } | LinkError::Timeout { .. } | LinkError::Silent { .. },
                ) if shown.as_ref().is_some_and(|pending| self.clock.now() < pending.expires_at) => {
                    let wait =
                        shown.as_ref().map_or(std::time::Duration::ZERO, |pending| pending.retry_after.duration());
                    tokio::time::sleep(wait).await;
                }
                other => return other,
            }
        }
    }

    async fn once(
        &self,
        line: &InstallLine,
        key: &SecretKey,
        shown: &mut Option<Pending>,
        show: &mut impl FnMut(&Pending),
    ) -> Result<Registration, LinkError> {
        // Bound to the host alone, nothing ties a self-signed certificate to the proof: an authority has to.
        let trust = if line.binding == BindingKind::Host { Trust::Public } else { Trust::Any };
        let mut socket = Box::pin(Socket::dial(&line.url, trust)).await?;
        let hello = EnrolHello {
            key: key.public(),
            root: line.root,
            binding: line.binding,
            versions: VERSIONS,
            token: line.token.clone(),
        };
        let (text, waiting) = hello.register(socket.channel(), Nonce::from_bytes(self.rng.bytes()))?;
        socket.say(text).await?;
        let challenge = socket.answer(Some(socket::ANSWER_LIMIT)).await?;
        let (text, waiting) = waiting.challenge(&challenge, key, self.facts.clone(), self.clock.now())?;
        socket.say(text).await?;
        let enrolled = self.registered(&mut socket, waiting, shown, show).await?;
        self.write(line, &socket, enrolled)
    }

    async fn registered(
        &self,
        socket: &mut Socket,
        mut waiting: AwaitingRegistered,
        shown: &mut Option<Pending>,
        show: &mut impl FnMut(&Pending),
    ) -> Result<Enrolled, LinkError> {
        let mut limit = Some(socket::ANSWER_LIMIT);
        loop {
            let text = socket.answer(limit).await?;
            match waiting.receive(&text)? {
                Progress::Done(enrolled) => return Ok(*enrolled),
                Progress::Wait(pending, next) => {
                    if shown.as_ref().map(|pending| pending.code) != Some(pending.code) {
                        show(&pending);
                    }
                    let left = pending.expires_at.since(self.clock.now()).as_millis();
                    limit = Some(sf_types::Millis(u64::try_from(left).unwrap_or(u64::MAX).saturating_add(5_000)));
                    *shown = Some(pending);
                    waiting = *next;
                }
            }
        }
    }

    fn write(&self, line: &InstallLine, socket: &Socket, enrolled: Enrolled) -> Result<Registration, LinkError> {
        let seen = socket.seen();
        let registration = Registration {
            version: 1,
            node: enrolled.node,
            node_name: enrolled.node_name,
            tenant_name: enrolled.tenant_name,
            url: line.url.to_string(),
            root: enrolled.root.id(),
            binding: enrolled.binding,
            tls_pin: (!seen.public).then(|| seen.fingerprint.clone()),
            counter: enrolled.counter,
            epoch: enrolled.epoch,
            enrolled_at: self.clock.now(),
        };
        // Numbers and outcomes of another control plane mean nothing to this one.
        if self.state.registration().is_ok_and(|known| known.node != registration.node) {
            self.state.set_aside("journal")?;
        }
        // The root first: a registration without its root could not be used.
        self.state.write_root_key(&enrolled.root)?;
        self.state.write_registration(&registration)?;
        Ok(registration)
    }
}
