//! The life of one connection.

use std::net::{IpAddr, SocketAddr};

use sf_control::{Control, Outgoing};
use sf_protocol::frame::Frame;
use sf_protocol::handshake::{Closing, Endpoint};
use sf_runtime::{Place, Shutdown};
use sf_types::{ErrorKind, Fault, Millis};
use tokio::time::Instant;

use crate::enrolment;
use crate::limits::{HEARTBEAT, OPENING_WITHIN, RETRY_WHEN_FULL, SILENCE};
use crate::opening::{self, Connected, Opened, Refusal, Wanted};
use crate::socket::{Gone, Heard, Socket, Stream};
use crate::transfer;

/// Everything a connection needs to know.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) control: Control,
    pub(crate) endpoint: Endpoint,
    pub(crate) from: SocketAddr,
    pub(crate) shutdown: Shutdown,
}

/// A WebSocket that may shake hands. In a box: a future that is handed a value holds room for it twice.
pub(crate) struct Upgraded<S> {
    pub(crate) socket: Socket<S>,
    pub(crate) context: Context,
    /// Of its address, until it has proven who it is.
    pub(crate) place: Option<Place<IpAddr>>,
}

/// Serves one connection to its end. What opening takes is given back before it lives: most of its time it waits.
pub(crate) async fn serve<S: Stream>(mut upgraded: Box<Upgraded<S>>, full: bool) {
    let Upgraded { socket, context, place } = &mut *upgraded;
    let opened =
        if full { Err(Refusal::Fault(too_many())) } else { Box::pin(open(socket, context, place.take())).await };
    let refusal = match opened {
        Err(refusal) => Some(refusal),
        Ok(None) => None,
        Ok(Some(Connected::Transfer(lane))) => {
            Box::pin(transfer::serve(socket, lane, &context.shutdown)).await;
            None
        }
        Ok(Some(Connected::Joined(mut opened))) => {
            let ended = converse(socket, context, &mut opened).await;
            Box::pin(opened.presence.leave()).await;
            ended.err()
        }
    };
    Box::pin(close(socket, context, full, refusal)).await;
}

/// Says why, where there is something to say, and closes.
async fn close<S: Stream>(socket: &mut Socket<S>, context: &Context, full: bool, refusal: Option<Refusal>) {
    if let Some(Refusal::Fault(fault)) = refusal {
        tracing::info!(from = %context.from, code = %fault.code, "agent refused: {}", fault.message);
        let later = full || fault.code == sf_control::REFUSED_ORDER;
        let retry_after = later.then(|| Millis(u64::try_from(RETRY_WHEN_FULL.as_millis()).unwrap_or(u64::MAX)));
        if say_closing(socket, fault, retry_after).await == Err(Gone) {
            return;
        }
    }
    socket.close().await;
}

/// What a known node's connection goes on with; `None` for a machine that was enrolled. `place` is held until the
/// other side has proven who it is.
async fn open<S: Stream>(
    socket: &mut Socket<S>,
    context: &Context,
    place: Option<Place<IpAddr>>,
) -> Result<Option<Connected>, Refusal> {
    let deadline = Instant::now() + OPENING_WITHIN;
    let first = within(deadline, async { Ok(socket.text().await?) }).await?;
    let (control, endpoint) = (&context.control, context.endpoint.clone());
    match opening::wanted(&first)? {
        Wanted::Register => {
            enrolment::register(socket, &first, endpoint, control, context.from).await?;
            Ok(None)
        }
        Wanted::Connect => {
            let opened = within(deadline, opening::connect(socket, &first, endpoint, control)).await?;
            drop(place);
            Ok(Some(opened))
        }
    }
}

async fn within<T>(deadline: Instant, work: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
    match tokio::time::timeout_at(deadline, work).await {
        Ok(done) => done,
        Err(_) => Err(Refusal::Gone),
    }
}

/// Moves frames both ways until one side ends it.
async fn converse<S: Stream>(socket: &mut Socket<S>, context: &Context, opened: &mut Opened) -> Result<(), Refusal> {
    let Opened { open, outgoing, .. } = opened;
    let mut pulse = tokio::time::interval(HEARTBEAT);
    pulse.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut heard_at = Instant::now();
    loop {
        tokio::select! {
            heard = socket.hear() => {
                heard_at = Instant::now();
                if let Heard::Text(text) = heard? {
                    Box::pin(context.control.receive(open, frame(&text)?)).await?;
                }
            }
            out = outgoing.recv() => match out {
                Some(Outgoing::Frame(frame)) => {
                    say(socket, &frame).await?;
                    context.control.written(open, None).await;
                }
                Some(Outgoing::Command(command)) => {
                    // One that cannot be written would leave a hole in the numbers.
                    let text = command.frame.write().map_err(|_| Refusal::Gone)?;
                    socket.say(text).await?;
                    context.control.written(open, Some(&command)).await;
                }
                Some(Outgoing::Close(fault)) => return Err(Refusal::Fault(*fault)),
                None => return Err(Refusal::Gone),
            },
            _ = pulse.tick() => {
                if heard_at.elapsed() > SILENCE {
                    return Err(Refusal::Gone);
                }
                socket.ping().await?;
            }
            () = context.shutdown.requested() => return Err(Refusal::Fault(restarting())),
        }
    }
}

fn frame(text: &str) -> Result<Frame, Refusal> {
    Frame::parse(text).map_err(|error| {
        Refusal::Fault(Fault::new(ErrorKind::Invalid, "frame.refused", format!("A frame was refused: {error}.")))
    })
}

async fn say<S: Stream>(socket: &mut Socket<S>, frame: &Frame) -> Result<(), Gone> {
    match frame.write() {
        Ok(text) => socket.say(text).await,
        Err(error) => {
            // Ours to split; the connection is still good.
            tracing::error!(kind = %frame.kind(), %error, "a frame could not be written");
            Ok(())
        }
    }
}

async fn say_closing<S: Stream>(socket: &mut Socket<S>, fault: Fault, retry_after: Option<Millis>) -> Result<(), Gone> {
    say(socket, &Frame::Closing(Closing { fault, retry_after })).await
}

fn too_many() -> Fault {
    Fault::new(ErrorKind::RateLimited, "gateway.full", "This control plane has all the connections it can hold.")
        .fix("It is tried again by itself; start another control plane if this lasts.")
}

fn restarting() -> Fault {
    Fault::new(ErrorKind::Unavailable, "gateway.stopping", "The control plane is stopping.")
}
