//! A new machine: with a one-time token, or with a code that a person approves.

use std::net::SocketAddr;

use sf_control::Control;
use sf_protocol::enrol::{Candidate, EnrolError, EnrolServer, NewNode};
use sf_protocol::handshake::{BindingKind, Endpoint, Identity, Nonce};
use sf_types::Millis;

use crate::limits::{HEARTBEAT, OPENING_WITHIN, SILENCE};
use crate::opening::Refusal;
use crate::socket::{Socket, Stream};
use tokio::time::Instant;

/// After a lost connection, a machine that waits for a person registers again, but not sooner than this.
const RETRY_PENDING: Millis = Millis::secs(2);

impl From<EnrolError> for Refusal {
    fn from(error: EnrolError) -> Self {
        Self::Fault(error.fault())
    }
}

/// Enrols and says REGISTERED; the machine connects anew as a node.
pub(crate) async fn register<S: Stream>(
    socket: &mut Socket<S>,
    first: &str,
    endpoint: Endpoint,
    control: &Control,
    from: SocketAddr,
) -> Result<(), Refusal> {
    let binding = if endpoint.exporter.is_some() { BindingKind::Exporter } else { BindingKind::Host };
    let registering = EnrolServer { endpoint, binding }.register(first)?;
    let certified = control.certified();
    let identity = Identity { key: &certified.key, delegation: &certified.signed, root: &certified.root };
    let nonce = Nonce::from_bytes(control.rng().bytes());
    let (challenge, waiting) = registering.challenge(identity, nonce, control.now())?;
    socket.say(challenge).await?;
    let response = tokio::time::timeout(OPENING_WITHIN, socket.text()).await.map_err(|_| Refusal::Gone)??;
    let token = match waiting.token() {
        Some(id) => control.enrolment_token(id).await?,
        None => None,
    };
    let candidate = waiting.response(&response, token.as_ref(), control.now())?;
    let new = match candidate.token() {
        Some(token) => control.enrol(&candidate, token).await?,
        None => admitted(socket, &candidate, control, from).await?,
    };
    socket.say(candidate.registered(&certified.key, new, control.now())?).await?;
    Ok(())
}

/// Shows the code and waits for a person, for as long as the code is good and the machine is there.
async fn admitted<S: Stream>(
    socket: &mut Socket<S>,
    candidate: &Candidate,
    control: &Control,
    from: SocketAddr,
) -> Result<NewNode, Refusal> {
    let mut waiting = control.ask_admission(candidate, from).await?;
    socket.say(candidate.pending(waiting.code(), waiting.expires_at(), RETRY_PENDING)?).await?;
    let mut pulse = tokio::time::interval(HEARTBEAT);
    let mut heard_at = Instant::now();
    loop {
        tokio::select! {
            decided = waiting.decided() => return Ok(decided?),
            heard = socket.hear() => {
                drop(heard?);
                heard_at = Instant::now();
            }
            _ = pulse.tick() => {
                if heard_at.elapsed() > SILENCE {
                    return Err(Refusal::Gone);
                }
                socket.ping().await?;
            }
        }
    }
}
