//! How a socket ends, and what all sockets do alike: hear, write, give up on who does not read.

use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use sf_bus::{Delivery, Subscription};
use tokio::time::{Instant, sleep};

/// How often a socket asks whether its token is still good, pings, and counts messages.
pub const BEAT: Duration = Duration::from_secs(4);
/// A peer that says nothing for so long, not even `pong`, is gone.
pub const SILENCE: Duration = Duration::from_secs(45);
/// A message that cannot be written for so long ends the socket; its client comes back and resumes.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Time to say why it ends.
const GOODBYE: Duration = Duration::from_secs(1);

/// Why a socket ends: WebSocket close code and reason. Codes from 4000 on are ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum End {
    /// It is gone already.
    Gone,
    /// The control plane stops.
    Stopping,
    /// The token is no longer good.
    Unauthenticated,
    /// It sent too much, or what is no message.
    Refused(&'static str),
    /// It did not read.
    Slow,
    /// What it was about is deleted.
    Deleted,
}

impl End {
    /// Says why, where there is still somebody to hear it.
    pub(super) async fn say(self, stream: &mut WebSocket) {
        let (code, reason) = match self {
            Self::Gone => return,
            Self::Stopping => (1001, "the control plane is stopping"),
            Self::Unauthenticated => (4401, "the token is no longer good"),
            Self::Refused(why) => (1008, why),
            Self::Slow => (1013, "too slow: connect again and resume"),
            Self::Deleted => (1000, "the server is deleted"),
        };
        let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
        drop(tokio::time::timeout(GOODBYE, stream.send(frame)).await);
    }
}

/// The text that was sent; `None` of what only shows that somebody is there.
pub(super) fn text(message: Option<Result<Message, axum::Error>>) -> Result<Option<Utf8Bytes>, End> {
    match message {
        Some(Ok(Message::Text(text))) => Ok(Some(text)),
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::Refused("text messages only")),
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
    }
}

/// Writes one message. While the peer does not read, `still` says at each beat whether it may hear it at all.
pub(super) async fn write<F>(stream: &mut WebSocket, message: Message, still: impl Fn() -> F) -> Result<(), End>
where
    F: Future<Output = Result<(), End>>,
{
    let began = Instant::now();
    let mut sending = std::pin::pin!(stream.send(message));
    loop {
        tokio::select! {
            sent = &mut sending => return sent.map_err(|_| End::Gone),
            () = sleep(BEAT) => {
                still().await?;
                if began.elapsed() > SEND_TIMEOUT {
                    return Err(End::Slow);
                }
            }
        }
    }
}

/// What happens next; never, while nothing is followed.
pub(super) async fn next(subscription: &mut Option<Subscription>) -> Option<Delivery> {
    match subscription {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}
