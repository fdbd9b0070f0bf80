//! The first words of a connection: a known node connects, or a new one enrols.

use sf_control::{Control, Joined, Lane, Outgoing, Presence};
use sf_protocol::frame::Frame;
use sf_protocol::handshake::{Endpoint, HandshakeError, Identity, Nonce, ServerHello, ServerOpen};
use sf_protocol::kind::Kind;
use sf_types::Fault;
use tokio::sync::mpsc::Receiver;

use crate::socket::{Gone, Socket, Stream};

/// Why a connection did not open.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// It went away.
    Gone,
    /// It is told this.
    Fault(Fault),
}

impl From<Gone> for Refusal {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<HandshakeError> for Refusal {
    fn from(error: HandshakeError) -> Self {
        Self::Fault(error.fault())
    }
}

/// What the first frame asks for.
pub(crate) enum Wanted {
    /// A known node.
    Connect,
    /// A new one.
    Register,
}

/// A known node's open connection.
pub(crate) struct Opened {
    pub(crate) open: ServerOpen,
    pub(crate) outgoing: Receiver<Outgoing>,
    /// The node is connected for as long as this is held.
    pub(crate) presence: Presence,
}

/// What the handshake of a known node came to.
pub(crate) enum Connected {
    /// Its connection, for orders.
    Joined(Box<Opened>),
    /// A second one, for bytes.
    Transfer(Lane),
}

/// Tells from the first frame who is there.
pub(crate) fn wanted(first: &str) -> Result<Wanted, Refusal> {
    match Frame::parse(first).map_err(HandshakeError::from)?.kind() {
        Kind::Connect => Ok(Wanted::Connect),
        Kind::Register => Ok(Wanted::Register),
        found => Err(HandshakeError::Unexpected { expected: Kind::Connect, found }.into()),
    }
}

/// The handshake of a known node, up to AUTHORIZED; a second connection goes no further than the node's proof.
pub(crate) async fn connect<S: Stream>(
    socket: &mut Socket<S>,
    first: &str,
    endpoint: Endpoint,
    control: &Control,
) -> Result<Connected, Refusal> {
    let waiting = ServerHello::new(endpoint).connect(first)?;
    let record = control.node_record(waiting.connect().pub_key.id()).await?;
    let certified = control.certified();
    let identity = Identity { key: &certified.key, delegation: &certified.signed, root: &certified.root };
    let nonce = Nonce::from_bytes(control.rng().bytes());
    let (challenge, waiting) = waiting.challenge(record, identity, nonce, control.now())?;
    socket.say(challenge).await?;
    let response = socket.text().await?;
    let proven = waiting.response(&response)?;
    if let Some(ticket) = proven.connect().transfer {
        return Ok(Connected::Transfer(control.take_ticket(proven.node(), ticket)?));
    }
    let joined = control.join(&proven).await?;
    let Joined { welcome, outgoing, presence } = joined;
    let (authorized, open) = proven.authorize(&certified.key, welcome, control.now())?;
    socket.say(authorized).await?;
    Ok(Connected::Joined(Box::new(Opened { open, outgoing, presence })))
}
