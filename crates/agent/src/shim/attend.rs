//! The mode `serverflow-agent attend --spec FILE`: what a shim holds in place of a container.
//!
//! It makes the container, copies what it writes, passes signals on and ends as it ended, so that for everybody above it is
//! the app's process. It is killed without a trace: the container has a name, and whoever comes next takes it over where
//! it is of the same start, and else replaces it.

use std::io::Write;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, raise, sigaction};
use serde::{Deserialize, Serialize};
use sf_containers::attach::{Attached, Input, Stream};
use sf_containers::container::Spec;
use sf_containers::{Engine, EngineError};
use sf_types::Millis;
use tokio::io::AsyncReadExt;
use tokio::signal::unix::{SignalKind, signal};

use super::spec::ShimSpec;
use crate::process::folder::{RunFolder, SPEC};
use crate::process::tree::Identity;

/// What names of variables for the container begin with in an attendant's own environment.
pub const VARIABLE: &str = "SF_APP_";
/// How an attendant ends when the engine is away. An app that ends by it has the code 128 and more, and not the signal.
pub const AWAY: Signal = Signal::SIGUSR1;
/// Between two tries then.
pub const AWAY_AGAIN: Millis = Millis::secs(5);
/// File in the run folder that says which process of the machine the container is.
const INSIDE: &str = "container.json";
/// Label of the one start that a container is of.
const START: &str = "serverflow.start";
/// Code of what could not even be started.
const EXIT_NOT_STARTED: u8 = 125;
/// Bytes of input on their way to the container at once.
const FEED_BYTES: usize = 4096;
/// Longest wait for the last output of a container that has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A container that a process stands for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Contained {
    /// Where its engine listens.
    pub socket: std::path::PathBuf,
    /// Its name.
    pub name: String,
    /// Names this start: a container of another one is replaced.
    pub start: String,
    /// What it is to be; its variables come by the environment.
    pub spec: Spec,
    /// Time it has to end by itself before it is killed. The shim's own rule has to have more.
    pub grace: Millis,
    /// What of its limits is in force, in words.
    pub enforced: Vec<String>,
}

impl Contained {
    /// Its engine.
    pub fn engine(&self) -> Engine {
        Engine::at(&self.socket)
    }
}

/// The container's first process as this machine sees it, where it does.
pub fn inside(folder: &RunFolder) -> Option<Identity> {
    folder.read::<Identity>(INSIDE).ok().flatten().filter(Identity::is_alive)
}

/// How it ends.
enum End {
    /// With the container's own code.
    Code(i32),
    /// The engine is away.
    Away,
    /// There is no container; said already.
    NotStarted,
}

/// Attends to the container of the specification at `spec` until it ends.
pub fn main(spec: &Path) -> ExitCode {
    let Some(folder) = spec.canonicalize().ok().and_then(|path| path.parent().map(RunFolder::at)) else {
        return failed(&format!("{} is not there", spec.display()));
    };
    let contained = folder.read::<ShimSpec>(SPEC).ok().flatten().and_then(|spec| spec.container);
    let Some(contained) = contained else {
        return failed("the specification names no container");
    };
    let env: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(VARIABLE)?.to_owned();
            Some((name, value.to_str()?.to_owned()))
        })
        .collect();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.to_string()),
    };
    let attendant = Attendant { engine: contained.engine(), contained, folder, env };
    match runtime.block_on(attendant.run()) {
        Ok(End::Code(code)) => end_as(code),
        Ok(End::Away) => by_signal(AWAY),
        Ok(End::NotStarted) => ExitCode::from(EXIT_NOT_STARTED),
        Err(error) if error.is_away() => {
            say(&format!("{error}"));
            by_signal(AWAY)
        }
        Err(error) => failed(&error.to_string()),
    }
}

fn failed(reason: &str) -> ExitCode {
    say(reason);
    ExitCode::from(EXIT_NOT_STARTED)
}

/// A line of our own among the app's.
fn say(text: &str) {
    eprintln!("serverflow: {text}");
}

/// As the container ended: by the same code, or by the same signal where an engine tells it as 128 and more.
fn end_as(code: i32) -> ExitCode {
    let signal = code.checked_sub(128).and_then(|number| Signal::try_from(number).ok());
    match signal.filter(|signal| *signal != AWAY) {
        Some(signal) => by_signal(signal),
        None => ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX)),
    }
}

fn by_signal(signal: Signal) -> ExitCode {
    let usual = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    if signal != Signal::SIGKILL && signal != Signal::SIGSTOP {
        // SAFETY: the default action runs no code of ours.
        let _ = unsafe { sigaction(signal, &usual) };
    }
    let _ = raise(signal);
    // One that ends nobody by default.
    ExitCode::from(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX))
}

struct Attendant {
    engine: Engine,
    contained: Contained,
    folder: RunFolder,
    env: Vec<(String, String)>,
}

impl Attendant {
    async fn run(&self) -> Result<End, EngineError> {
        // Before anything else: what comes meanwhile is not to be missed.
        let signals = Signals::listen()
            .map_err(|error| EngineError::Broken { what: "the attendant".to_owned(), reason: error.to_string() })?;
        let found = self.engine.container(&self.contained.name).await?;
        let same = |labels: &std::collections::BTreeMap<String, String>| {
            labels.get(START).is_some_and(|start| *start == self.contained.start)
        };
        let (id, output) = match found {
            Some(found) if found.running && same(&found.labels) => {
                let output = self.engine.attach(&found.id, self.contained.spec.ends()).await?;
                say("took over its running container; what that wrote meanwhile is lost");
                (found.id, output)
            }
            found => {
                if let Some(old) = found {
                    self.engine.remove(&old.id).await?;
                }
                match self.start().await {
                    Ok(started) => started,
                    Err(error) if error.is_away() => return Err(error),
                    Err(error) => {
                        say(&error.to_string());
                        let _ = self.engine.remove(&self.contained.name).await;
                        return Ok(End::NotStarted);
                    }
                }
            }
        };
        self.tell_inside(&id).await;
        self.attend(&id, output, signals).await
    }

    async fn start(&self) -> Result<(String, Attached), EngineError> {
        let mut spec = self.contained.spec.clone();
        spec.labels.insert(START.to_owned(), self.contained.start.clone());
        let id = self.engine.create(&self.contained.name, &spec, &self.env).await?;
        let output = self.engine.attach(&id, spec.ends()).await?;
        self.engine.start(&id).await?;
        Ok((id, output))
    }

    /// So that what it uses can be seen without asking the engine.
    async fn tell_inside(&self, id: &str) {
        let pid = self.engine.container(id).await.ok().flatten().map_or(0, |container| container.pid);
        let inside = Identity::of(pid).filter(|_| pid > 0);
        if let Some(inside) = inside {
            let _ = self.folder.write(INSIDE, &inside, false);
        }
    }

    async fn attend(&self, id: &str, mut output: Attached, mut signals: Signals) -> Result<End, EngineError> {
        let ended = self.engine.wait(id);
        tokio::pin!(ended);
        let (mut is_open, mut kill_at) = (true, None::<tokio::time::Instant>);
        let mut feed = output.input().and_then(Feed::of);
        loop {
            let due = kill_at.unwrap_or_else(|| tokio::time::Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                biased;
                piece = output.next(), if is_open => match piece {
                    Some((stream, bytes)) => copy(stream, &bytes),
                    None => is_open = false,
                },
                code = &mut ended => {
                    self.last_words(&mut output).await;
                    return self.over(id, code).await;
                }
                fed = Feed::go(&mut feed), if feed.is_some() => if fed.is_err() {
                    feed = None;
                },
                asked = signals.next() => {
                    if asked == Signal::SIGTERM {
                        kill_at.get_or_insert_with(|| tokio::time::Instant::now() + self.contained.grace.duration());
                    }
                    self.engine.signal(id, asked.as_str()).await?;
                }
                () = tokio::time::sleep_until(due), if kill_at.is_some() => {
                    say(&format!("the container did not end within {} s and is killed", self.contained.grace.0 / 1000));
                    // Once is enough: what survives it waits in the kernel.
                    kill_at = Some(tokio::time::Instant::now() + Duration::from_secs(3600));
                    self.engine.signal(id, Signal::SIGKILL.as_str()).await?;
                }
            }
        }
    }

    async fn last_words(&self, output: &mut Attached) {
        let rest = async {
            while let Some((stream, bytes)) = output.next().await {
                copy(stream, &bytes);
            }
        };
        drop(tokio::time::timeout(LAST_WORDS, rest).await);
    }

    async fn over(&self, id: &str, code: Result<i32, EngineError>) -> Result<End, EngineError> {
        // An engine that ends breaks off what waits for it; a container that somebody else removed has ended, too.
        let found = match self.engine.container(id).await {
            Ok(found) => found,
            Err(error) => {
                say(&error.to_string());
                return Ok(End::Away);
            }
        };
        let Some(found) = found else { return Ok(End::Code(code.unwrap_or(128 + Signal::SIGKILL as i32))) };
        if found.running {
            // Only the connection broke: the next one takes it over.
            return Ok(End::Away);
        }
        if found.out_of_memory {
            let most = found_limit(self.contained.spec.memory);
            say(&format!("out of memory: the container was killed{most}"));
        }
        let code = code.unwrap_or(found.code);
        self.engine.remove(id).await?;
        Ok(End::Code(code))
    }
}

fn found_limit(memory: Option<u64>) -> String {
    memory.map_or_else(String::new, |bytes| format!(" at its limit of {}", sf_types::ByteSize(bytes)))
}

/// Into our own streams, which the shim reads.
fn copy(stream: Stream, bytes: &[u8]) {
    let _ = match stream {
        Stream::Out => {
            let mut out = std::io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        }
        Stream::Err => std::io::stderr().lock().write_all(bytes),
    };
}

/// What is written to our own standard input, on its way to the container's. A container that does not read holds up
/// nothing but this.
struct Feed {
    from: tokio::net::unix::pipe::Receiver,
    to: Input,
    waiting: Vec<u8>,
}

impl Feed {
    /// From our standard input, where that is a pipe.
    fn of(to: Input) -> Option<Self> {
        let own = std::io::stdin().as_fd().try_clone_to_owned().ok()?;
        let from = tokio::net::unix::pipe::Receiver::from_owned_fd(own).ok()?;
        Some(Self { from, to, waiting: Vec::new() })
    }

    /// One step: reads, or writes what was read. The error is the end. Cancel-safe.
    async fn go(feed: &mut Option<Self>) -> std::io::Result<()> {
        let Some(feed) = feed else { return std::future::pending().await };
        if feed.waiting.is_empty() {
            let mut chunk = [0; FEED_BYTES];
            let read = feed.from.read(&mut chunk).await?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            feed.waiting.extend_from_slice(&chunk[..read]);
            return Ok(());
        }
        let written = feed.to.write(&feed.waiting).await?;
        feed.waiting.drain(..written);
        Ok(())
    }
}

/// Signals that are passed on.
struct Signals(Vec<(Signal, tokio::signal::unix::Signal)>);

impl Signals {
    fn listen() -> std::io::Result<Self> {
        use Signal::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};
        let one = |asked: Signal| Ok((asked, signal(SignalKind::from_raw(asked as i32))?));
        [SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGWINCH]
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    async fn next(&mut self) -> Signal {
        std::future::poll_fn(|context| {
            for (asked, listener) in &mut self.0 {
                if let std::task::Poll::Ready(Some(())) = listener.poll_recv(context) {
                    return std::task::Poll::Ready(*asked);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
