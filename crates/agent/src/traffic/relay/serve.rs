//! The relay's process: its listener, its control socket, its end.

use std::convert::Infallible;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use sf_protocol::app::TrafficMode;
use sf_runtime::{OnError, Tasks};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::crowd::Crowd;
use super::gate::Gate;
use super::kept::Kept;
use super::limits::{
    CONNECTIONS_MAX, CONTROL_BYTES_MAX, CONTROLS_MAX, FILE_STACK_BYTES, FILE_THREAD_IDLE, FILE_THREADS_MAX,
};
use super::spec::{Message, Pointer, RelaySpec, RelayStatus, Request};
use super::{POINTER, TRUST, http, tcp};
use crate::confine;
use crate::process::detach::{EXIT_FAILED, EXIT_PORT, EXIT_READY, Launch};
use crate::process::folder::{Held, RunFolder, STATE};
use crate::process::ports;
use crate::process::tree::Identity;

/// Time for requests in flight when the relay is told to end by a signal.
const SIGNAL_GRACE: Duration = Duration::from_secs(10);
/// Pause after the kernel refused a new connection (out of files), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
struct Relay {
    kept: Arc<Kept>,
    spec: RelaySpec,
    local: SocketAddr,
    own: Identity,
    gate: Arc<Gate>,
    trust: Arc<AtomicBool>,
    /// Nobody new is let in any more.
    closing: CancellationToken,
    tasks: Tasks,
}

/// Holds the port until told to end.
pub fn run(folder: &RunFolder, held: Held, spec: RelaySpec, launch: Launch) -> ExitCode {
    let (code, reason) = match prepare(folder, &held, spec) {
        // From here on it holds its sockets, and nothing of what strangers send is read before.
        Ok((relay, listener, control)) => match confine::apply(&relay.spec.confinement).and_then(|()| runtime()) {
            Ok(runtime) => return runtime.block_on(serve(relay, listener, control, launch)),
            Err(error) => (EXIT_FAILED, error.to_string()),
        },
        Err(failure) => failure,
    };
    // Whoever hears of it may try again at once, and must not find the lock of one that is about to end.
    drop(held);
    launch.failed(code, &reason);
    ExitCode::from(code)
}

fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(FILE_THREADS_MAX)
        .thread_stack_size(FILE_STACK_BYTES)
        .thread_keep_alive(FILE_THREAD_IDLE)
        .build()
}

type Prepared = (Relay, TcpListener, std::os::unix::net::UnixListener);

fn prepare(folder: &RunFolder, held: &Held, mut spec: RelaySpec) -> Result<Prepared, (u8, String)> {
    let failed = |error: io::Error| (EXIT_FAILED, error.to_string());
    // A connection takes two descriptors; the usual soft limit of 1,024 would be too few.
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
    let before = folder.read::<RelayStatus>(STATE).ok().flatten();
    let port = if spec.port == 0 { before.map_or(0, |before| before.port) } else { spec.port };
    let listener = TcpListener::bind((spec.address, port)).map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            let owner = ports::owner(port).map_or_else(|| "another program".to_owned(), |owner| owner.to_string());
            (EXIT_PORT, format!("port {port} is taken by {owner}"))
        }
        io::ErrorKind::PermissionDenied => (EXIT_PORT, format!("port {port} may only be used by root")),
        _ => failed(error),
    })?;
    listener.set_nonblocking(true).map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    let (kept, path) = Kept::open(folder, spec.confinement.user).map_err(failed)?;
    if spec.confinement.files {
        spec.confinement.read_write.push(path);
    }
    let pointer = kept.read::<Pointer>(POINTER).map_err(failed)?.unwrap_or(Pointer::NOTHING);
    let control = folder.listen(held).map_err(failed)?;
    let trust = kept.read::<bool>(TRUST).map_err(failed)?.unwrap_or(false);
    let (own, gate, tasks, trust) = (Identity::own(), Gate::new(pointer), Tasks::new(), Arc::new(trust.into()));
    let closing = CancellationToken::new();
    let relay = Relay { kept: Arc::new(kept), spec, local, own, gate, trust, closing, tasks };
    folder.write(STATE, &relay.status(), true).map_err(failed)?;
    Ok((relay, listener, control))
}

async fn serve(
    relay: Relay,
    listener: TcpListener,
    control: std::os::unix::net::UnixListener,
    launch: Launch,
) -> ExitCode {
    let opened = (|| {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let control = UnixListener::from_std(control)?;
        Ok::<_, io::Error>((listener, control, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?))
    })();
    let (listener, control, mut terminate, mut hangup) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            launch.failed(EXIT_FAILED, &error.to_string());
            return ExitCode::from(EXIT_FAILED);
        }
    };
    launch.ready();
    let shutdown = relay.tasks.shutdown();
    let controls = Arc::new(Semaphore::new(CONTROLS_MAX));
    let mut accepting = Some(Box::pin(accept(relay.clone(), listener)));
    loop {
        tokio::select! {
            () = shutdown.requested() => break,
            _ = terminate.recv() => break relay.tasks.shutdown().request(),
            _ = hangup.recv() => {}
            // Dropping it closes the port.
            () = relay.closing.cancelled(), if accepting.is_some() => accepting = None,
            never = async { accepting.as_mut().expect("checked by the branch's condition").await }, if accepting.is_some() => match never {},
            Ok((stream, _)) = control.accept() => {
                let Ok(permit) = controls.clone().try_acquire_owned() else { continue };
                let relay = relay.clone();
                relay.tasks.clone().spawn("relay.control", OnError::Log, async move {
                    let _permit = permit;
                    relay.converse(stream).await
                });
            }
        }
    }
    // From here on nobody is let in; `Stop` itself waits for what is in flight and is answered.
    drop(accepting);
    relay.gate.close();
    relay.tasks.stop(SIGNAL_GRACE).await;
    ExitCode::from(EXIT_READY)
}

async fn accept(relay: Relay, listener: tokio::net::TcpListener) -> Infallible {
    let (places, crowd) = (Arc::new(Semaphore::new(CONNECTIONS_MAX)), Arc::new(Crowd::default()));
    loop {
        // Never closed, so a place always comes.
        let Ok(place) = places.clone().acquire_owned().await else { continue };
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(_) => {
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (gate, tasks, guest) = (relay.gate.clone(), relay.tasks.clone(), crowd.join());
        if relay.spec.mode == TrafficMode::Http {
            let _ = stream.set_nodelay(true);
            let from = http::From { peer, trust: relay.trust.clone() };
            relay.tasks.spawn("relay.http", OnError::Log, async move {
                let _place = (place, guest);
                http::serve(gate, tasks, stream, from).await
            });
        } else {
            relay.tasks.spawn("relay.tcp", OnError::Log, async move {
                let _place = (place, guest);
                tcp::serve(gate, stream).await
            });
        }
    }
}

impl Relay {
    fn status(&self) -> RelayStatus {
        let counts = self.gate.counts();
        RelayStatus {
            app: self.spec.app,
            relay: self.own.clone(),
            address: self.local.ip(),
            port: self.local.port(),
            mode: self.spec.mode,
            trusts_proxy: self.trust.load(Ordering::Relaxed),
            pointer: counts.pointer,
            requests: counts.requests,
            in_flight: counts.in_flight,
            draining: counts.draining,
            waiting: counts.waiting,
            errors: counts.errors,
        }
    }

    /// Serves one control connection.
    async fn converse(&self, stream: UnixStream) -> io::Result<()> {
        let shutdown = self.tasks.shutdown();
        let mut stream = BufReader::with_capacity(1024, stream);
        loop {
            let mut line = Vec::new();
            let mut limited = (&mut stream).take(CONTROL_BYTES_MAX);
            tokio::select! {
                read = limited.read_until(b'\n', &mut line) => read?,
                () = shutdown.requested() => return Ok(()),
            };
            if line.last() != Some(&b'\n') {
                return Ok(());
            }
            let (message, end) = match serde_json::from_slice(&line) {
                Ok(request) => self.answer(request).await,
                Err(error) => (Message::Refused(format!("no such request: {error}")), false),
            };
            let mut answer = serde_json::to_vec(&message).map_err(io::Error::other)?;
            answer.push(b'\n');
            stream.get_mut().write_all(&answer).await?;
            if end {
                shutdown.request();
                return Ok(());
            }
        }
    }

    /// Does what is asked; answers also whether the relay ends now.
    async fn answer(&self, request: Request) -> (Message, bool) {
        let message = match request {
            Request::Status => Message::Status(Box::new(self.status())),
            Request::Switch { pointer } => match self.kept.write(POINTER, &pointer) {
                Ok(()) => {
                    self.gate.switch(pointer);
                    Message::Status(Box::new(self.status()))
                }
                Err(error) => Message::Refused(format!("the pointer could not be written: {error}")),
            },
            Request::Drain { within } => Message::Drained(self.gate.drain(within.duration()).await),
            Request::Hold { within } => {
                self.gate.hold(within.duration());
                Message::Status(Box::new(self.status()))
            }
            Request::Resume => {
                self.gate.resume();
                Message::Status(Box::new(self.status()))
            }
            Request::Trust { proxy } => match self.kept.write(TRUST, &proxy) {
                Ok(()) => {
                    self.trust.store(proxy, Ordering::Relaxed);
                    Message::Status(Box::new(self.status()))
                }
                Err(error) => Message::Refused(format!("it could not be written down: {error}")),
            },
            Request::Stop { within } => {
                self.closing.cancel();
                return (Message::Drained(self.gate.idle(within.duration()).await), true);
            }
        };
        (message, false)
    }
}
