//! An open connection: frames both ways until one side ends it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sf_protocol::accept::is_order;
use sf_protocol::frame::Frame;
use sf_protocol::handshake::Open;
use sf_protocol::{Kind, Signed};
use sf_runtime::Shutdown;
use sf_types::Millis;
use tokio::time::{Instant, MissedTickBehavior};

use super::error::LinkError;
use super::socket::{Heard, Reader, Socket, Writer};
use super::{Incoming, Link, SILENCE_MAX};
use crate::daemon::aside;
use crate::outbox::Delivery;
use crate::state::witnesses::{self, Witnessed};

/// Longest time between two signs of life of ours.
const PULSE_MAX: Duration = Duration::from_secs(15);
/// How often delivery cursors are written down.
const SAVE_EVERY: Duration = Duration::from_secs(5);

struct Shared {
    delivery: Mutex<Delivery>,
    heard_at: Mutex<Instant>,
}

impl Shared {
    fn delivery<T>(&self, work: impl FnOnce(&mut Delivery) -> T) -> T {
        work(&mut self.delivery.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn silence(&self) -> Duration {
        self.heard_at.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }
}

/// Reads and writes side by side: a peer that does not read cannot keep us from reading.
pub(super) async fn converse(
    link: &Link,
    socket: Socket,
    open: &Open,
    delivery: Delivery,
    shutdown: &Shutdown,
) -> Result<(), LinkError> {
    let (mut writer, reader) = socket.split();
    let shared = Shared { delivery: Mutex::new(delivery), heard_at: Mutex::new(Instant::now()) };
    let ended = tokio::select! {
        () = shutdown.requested() => Ok(()),
        ended = listen(link, reader, open, &shared) => ended,
        ended = speak(link, &mut writer, open, &shared) => ended,
    };
    shared.delivery(Delivery::save);
    writer.close().await;
    ended
}

async fn speak(link: &Link, writer: &mut Writer, open: &Open, shared: &Shared) -> Result<(), LinkError> {
    let heartbeat = open.heartbeat.duration().clamp(Duration::from_secs(1), PULSE_MAX);
    let longest = (heartbeat * 3).min(SILENCE_MAX);
    let mut pulse = tokio::time::interval_at(Instant::now() + heartbeat, heartbeat);
    let mut save = tokio::time::interval(SAVE_EVERY);
    pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
    save.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        while let Some(frame) = shared.delivery(Delivery::take) {
            writer.say(&frame).await?;
        }
        tokio::select! {
            () = link.outbox.woken() => {}
            _ = save.tick() => shared.delivery(Delivery::save),
            _ = pulse.tick() => {
                if shared.silence() > longest {
                    let after = Millis(u64::try_from(longest.as_millis()).unwrap_or(u64::MAX));
                    return Err(LinkError::Silent { after });
                }
                writer.ping().await?;
            }
        }
    }
}

async fn listen(link: &Link, mut reader: Reader, open: &Open, shared: &Shared) -> Result<(), LinkError> {
    let delegation = Arc::new(open.delegation.clone());
    loop {
        let heard = reader.hear().await?;
        *shared.heard_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        let Heard::Text(text) = heard else { continue };
        let frame = match Frame::parse(&text) {
            Ok(frame) => frame,
            Err(error) => {
                link.outbox.refused("frame", error.to_string());
                return Err(error.into());
            }
        };
        match frame {
            Frame::Stored(stored) => {
                shared.delivery(|delivery| delivery.stored(&stored));
                link.outbox.nudge();
            }
            Frame::Witness(signed) => witness(link, signed).await,
            Frame::Closing(closing) => {
                return Err(LinkError::Closed { fault: closing.fault, retry_after: closing.retry_after });
            }
            other => match other.signed() {
                Some((kind, signed)) if is_order(kind) => {
                    let incoming = Incoming { kind, signed: signed.clone(), delegation: delegation.clone() };
                    if link.orders.send(incoming).await.is_err() {
                        return Err(LinkError::Lost("this agent is stopping".to_owned()));
                    }
                }
                _ => link.outbox.refused(other.kind().wire(), "it makes no sense on an open connection".to_owned()),
            },
        }
    }
}

/// Keeps the head of an audit chain and says which one is kept. One that contradicts what was seen is reported, and
/// answered with what was seen.
async fn witness(link: &Link, signed: Signed) {
    let (state, root, taken) = (link.state.clone(), link.registration.root, signed.clone());
    let answer = match aside::short(move || witnesses::take(&state, root, &taken)).await {
        Ok(Witnessed::Kept { head, restored }) => {
            if restored {
                let message = format!("The audit chain goes on from line {} in epoch {}.", head.size, head.epoch);
                link.outbox.notice("audit.restored", message);
            }
            Some(signed)
        }
        Ok(Witnessed::Disputed { why, kept }) => {
            link.outbox.refused(Kind::Witness.wire(), format!("this node has seen another audit chain: {why}"));
            kept
        }
        Ok(Witnessed::Refused(why)) => {
            link.outbox.refused(Kind::Witness.wire(), why);
            None
        }
        Err(error) => {
            tracing::warn!(%error, "the head of an audit chain could not be kept");
            None
        }
    };
    if let Some(signed) = answer {
        link.outbox.say(Frame::Witness(signed));
    }
}
