//! The loop of a shim: one `poll` over signals, the app's output, the control socket and its clients.

mod life;

use std::io::{ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal, kill, killpg};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use sf_protocol::app::AppState;
use sf_protocol::report::Stream;
use sf_runtime::Clock;
use sf_runtime::redact::{self, Redactor};

use super::client::{CLIENTS_MAX, Client};
use super::crash::CrashGuard;
use super::ending::{Ending, Why};
use super::flood::Flood;
use super::input::Input;
use super::log::{LineSplitter, LogWriter, masked};
use super::ready::ReadyRule;
use super::spawn::Output;
use super::spec::ShimSpec;
use super::state::{Message, Request, Status};
use super::values::Values;
use crate::process::detach::{EXIT_FAILED, EXIT_PROGRAM, EXIT_READY, Launch};
use crate::process::folder::{Held, RunFolder, SPEC, STATE};

/// Bytes of output read at once.
const READ_BYTES: usize = 32 * 1024;
/// Reads of one stream before others get their turn.
const READS_IN_A_ROW: usize = 4;
/// Longest wait for room on the disk when all is over.
const INSIST: Duration = Duration::from_secs(5);
/// Between two tries to write the state down.
const WRITE_AGAIN: Duration = Duration::from_secs(1);
/// Longest sleep; nothing depends on it but a process list that changed without a signal.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

struct Shim {
    folder: RunFolder,
    #[expect(dead_code, reason = "the lock is held as long as the shim lives")]
    held: Held,
    spec: ShimSpec,
    /// Values of its secrets: for its process, and to be kept out of its log.
    values: Values,
    redactor: Option<Redactor>,
    clock: Clock,
    begun: Instant,
    status: Status,
    changed: bool,
    log: LogWriter,
    told: u64,
    flood: Flood,
    outputs: Vec<(Output, LineSplitter, redact::Stream)>,
    input: Option<Input>,
    /// When the process is ready, where it says so.
    ready: Option<ReadyRule>,
    started: Instant,
    /// Since when `status.child` is the process that counts.
    main_since: Instant,
    /// How the app's own process ended, once it has, while others of its tree may still live.
    main_end: Option<super::state::How>,
    ending: Option<Ending>,
    /// Who waits was told that something cannot be killed.
    stuck: bool,
    /// The state file is behind and is written again then.
    write_again: Option<Instant>,
    start_at: Option<Instant>,
    guard: CrashGuard,
    signals: SignalFd,
    listener: UnixListener,
    clients: Vec<Client>,
}

/// Holds the process until there is nothing to hold any more.
pub fn run(folder: RunFolder, held: Held, (spec, values): (ShimSpec, Values), launch: Launch) -> ExitCode {
    let mut shim = match Shim::open(folder, held, spec, values) {
        Ok(shim) => shim,
        Err(error) => {
            launch.failed(EXIT_FAILED, &error.to_string());
            return ExitCode::from(EXIT_FAILED);
        }
    };
    if let Err(reason) = shim.start() {
        shim.could_not_start(&reason);
        shim.publish();
        // Whoever hears of it may try again at once, and must not find the lock of one that is about to end.
        drop(shim);
        launch.failed(EXIT_PROGRAM, &reason);
        return ExitCode::from(EXIT_PROGRAM);
    }
    shim.publish();
    launch.ready();
    while !shim.status.ended {
        shim.turn();
    }
    // The end has to be written down, or it looks like a killed shim: that is worth a wait for room on the disk.
    let until = Instant::now() + INSIST;
    while shim.write_again.is_some() && Instant::now() < until {
        shim.turn();
    }
    ExitCode::from(EXIT_READY)
}

/// What takes a process's secrets out of its log; `None` where it has none.
fn redactor(spec: &ShimSpec, values: &Values) -> Option<Redactor> {
    let known = values.iter().map(|(_, value)| value.expose().as_str());
    match values.is_empty() {
        true => None,
        // What can be written to is somebody's terminal: all else that it shows is theirs.
        false if spec.input => Some(Redactor::of_known(known)),
        false => Some(Redactor::new(known)),
    }
}

impl Shim {
    fn open(folder: RunFolder, held: Held, spec: ShimSpec, values: Values) -> std::io::Result<Self> {
        let mut mask = SigSet::empty();
        for signal in [Signal::SIGCHLD, Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP, Signal::SIGPIPE] {
            mask.add(signal);
        }
        mask.thread_block()?;
        let signals = SignalFd::with_flags(&mask, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        nix::sys::prctl::set_child_subreaper(true)?;
        let clock = Clock::system();
        let mut log = LogWriter::open(&spec.log_dir, spec.log)?;
        let (status, guard) = life::take_over(&folder, &spec, &clock, &mut log);
        let listener = folder.listen(&held)?;
        let (now, redactor) = (Instant::now(), redactor(&spec, &values));
        let ready = spec.ready.as_ref().map(ReadyRule::of).transpose().map_err(std::io::Error::other)?.flatten();
        Ok(Self {
            folder,
            held,
            spec,
            redactor,
            values,
            clock,
            begun: now,
            status,
            changed: true,
            told: log.head().last,
            log,
            flood: Flood::default(),
            outputs: Vec::new(),
            input: None,
            ready,
            started: now,
            main_since: now,
            main_end: None,
            ending: None,
            stuck: false,
            write_again: None,
            start_at: None,
            guard,
            signals,
            listener,
            clients: Vec::new(),
        })
    }

    /// Waits for something to happen and does what it asks for.
    fn turn(&mut self) {
        let ready = self.wait();
        if ready.signals {
            self.take_signals();
        }
        let now = Instant::now();
        self.flood.refill(u64::try_from(now.duration_since(self.begun).as_millis()).unwrap_or(u64::MAX));
        if ready.input {
            self.feed();
        }
        for index in ready.outputs.into_iter().rev() {
            if !self.read_output(index, READS_IN_A_ROW) {
                self.outputs.remove(index);
            }
        }
        if ready.listener {
            self.accept();
        }
        for index in ready.clients {
            self.serve(index);
        }
        self.tick(Instant::now());
        self.note_hole();
        self.log.flush();
        self.publish();
        self.clients.retain(|client| !client.closed);
    }

    fn wait(&self) -> Ready {
        let mut fds = vec![
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.listener.as_fd(), PollFlags::POLLIN),
        ];
        fds.extend(self.outputs.iter().map(|(output, ..)| PollFd::new(output.file.as_fd(), PollFlags::POLLIN)));
        fds.extend(self.clients.iter().map(|client| {
            let write = if client.has_output() { PollFlags::POLLOUT } else { PollFlags::empty() };
            PollFd::new(client.stream.as_fd(), PollFlags::POLLIN | write)
        }));
        // One that waits for nothing is not looked at: a closed end would wake us for ever.
        let waiting = self.input.as_ref().filter(|input| input.has_waiting());
        fds.extend(waiting.map(|input| PollFd::new(input.as_fd(), PollFlags::POLLOUT)));
        let now = Instant::now();
        // A flood that ends in the middle of a hole is told of when the hole is over, and not with the next output.
        let hole = self.flood.ends_in_ms().map(|ms| now + Duration::from_millis(ms));
        let sleep = [self.ending.as_ref().map(Ending::deadline), self.start_at, self.write_again, hole]
            .into_iter()
            .flatten()
            .map(|at| at.saturating_duration_since(now) + Duration::from_millis(1))
            .fold(LONGEST_SLEEP, Duration::min);
        // An interrupted or failed poll reports nothing; the next turn looks again.
        let timeout = PollTimeout::try_from(sleep).unwrap_or(PollTimeout::MAX);
        if poll(&mut fds, timeout).is_err() {
            return Ready::default();
        }
        let hit = |index: usize| fds[index].any().unwrap_or(true);
        let (outputs, clients) = (self.outputs.len(), self.clients.len());
        Ready {
            signals: hit(0),
            listener: hit(1),
            outputs: (0..outputs).filter(|index| hit(2 + index)).collect(),
            clients: (0..clients).filter(|index| hit(2 + outputs + index)).collect(),
            input: waiting.is_some() && hit(2 + outputs + clients),
        }
    }

    fn take_signals(&mut self) {
        let mut reap = false;
        while let Ok(Some(info)) = self.signals.read_signal() {
            match i32::try_from(info.ssi_signo).map(Signal::try_from) {
                Ok(Ok(Signal::SIGCHLD)) => reap = true,
                // The machine shuts down, or somebody ends us on purpose: take the app along properly.
                Ok(Ok(Signal::SIGTERM)) => self.begin_end(Why::Stop, None),
                _ => {}
            }
        }
        if reap {
            self.reap();
        }
    }

    /// Reads what a stream has; `false` when it has ended.
    fn read_output(&mut self, index: usize, reads: usize) -> bool {
        let mut is_ready = false;
        let goes_on = self.read_lines(index, reads, &mut is_ready);
        if is_ready {
            self.became_ready();
        }
        goes_on
    }

    fn read_lines(&mut self, index: usize, reads: usize, is_ready: &mut bool) -> bool {
        let Some((output, splitter, cleaner)) = self.outputs.get_mut(index) else { return false };
        let mut chunk = [0; READ_BYTES];
        let rule = self.ready.as_ref().filter(|_| self.status.state == AppState::Starting);
        for _ in 0..reads {
            let (log, flood, at, stream) = (&mut self.log, &mut self.flood, self.clock.now(), output.stream);
            let redactor = &self.redactor;
            let mut keep = |line: &str| {
                // Also in a line that a flood takes away.
                *is_ready = *is_ready || rule.is_some_and(|rule| rule.is_met_by(line));
                if flood.admits(line.len()) {
                    match redactor {
                        // In pieces of an over-long line, too.
                        Some(redactor) => log.push(at, stream, &masked(cleaner, redactor, line)),
                        None => log.push(at, stream, line),
                    };
                } else {
                    log.lose();
                }
            };
            match output.file.read(&mut chunk) {
                Ok(read @ 1..) => splitter.feed(&chunk[..read], keep),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The end; a terminal says EIO when nobody holds its other side.
                Ok(0) | Err(_) => {
                    splitter.finish(&mut keep);
                    return false;
                }
            }
        }
        true
    }

    /// Writes a line to the process's standard input, now or when it reads.
    fn write_line(&mut self, line: &str) -> Result<(), String> {
        if self.leader().is_none() {
            return Err("no process runs".to_owned());
        }
        let input = self.input.as_mut().ok_or("it has closed its standard input")?;
        input.push(line)?;
        self.feed();
        Ok(())
    }

    fn feed(&mut self) {
        if self.input.as_mut().is_some_and(|input| !input.flush()) {
            self.input = None;
        }
    }

    fn note(&mut self, text: &str) {
        self.log.push(self.clock.now(), Stream::Note, text);
    }

    fn note_hole(&mut self) {
        let lines = self.flood.hole_ended();
        if lines > 0 {
            let rate = sf_types::ByteSize(super::LOG_BYTES_PER_SECOND);
            self.note(&format!("{lines} lines were not kept: the app wrote more than {rate} a second"));
        }
    }

    fn accept(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.clients.len() < CLIENTS_MAX {
                self.clients.extend(Client::new(stream));
            }
        }
    }

    fn serve(&mut self, index: usize) {
        let Some(client) = self.clients.get_mut(index) else { return };
        client.flush();
        for request in client.receive() {
            let answer = match request {
                Ok(request) => self.answer(index, request),
                Err(reason) => Some(Message::Refused(reason)),
            };
            if let (Some(answer), Some(client)) = (answer, self.clients.get_mut(index)) {
                client.send(&answer);
            }
        }
    }

    /// Answers a request; `None` where the answer comes when the work is done.
    fn answer(&mut self, index: usize, request: Request) -> Option<Message> {
        match request {
            Request::Status => {}
            // All is over; only the state file is not written yet.
            _ if self.status.ended => {}
            Request::Subscribe => self.clients[index].subscribed = true,
            Request::Stop { grace } => {
                self.clients[index].waits = true;
                self.begin_end(Why::Stop, grace);
                return None;
            }
            Request::Restart if self.ending.as_ref().is_some_and(|ending| ending.why == Why::Stop) => {
                return Some(Message::Refused("it is being stopped".to_owned()));
            }
            Request::Restart => {
                self.clients[index].waits = true;
                self.begin_end(Why::Restart, None);
                return None;
            }
            Request::Kill => {
                self.clients[index].waits = true;
                self.kill_now();
                return None;
            }
            Request::Input { line } => {
                if line.contains(char::is_control) {
                    return Some(Message::Refused("a line for its input holds a control character".to_owned()));
                }
                if let Err(reason) = self.write_line(&line) {
                    return Some(Message::Refused(reason));
                }
            }
            Request::Note { text } => {
                if text.contains(char::is_control) {
                    return Some(Message::Refused("a note holds a control character".to_owned()));
                }
                self.note(&text);
            }
            Request::Signal { signal } => match (Signal::try_from(signal), self.status.child.as_ref()) {
                (Ok(signal), Some(child)) => {
                    let child = Pid::from_raw(child.pid);
                    // One that went to the background need not lead a group.
                    let sent = match self.leader() {
                        Some(_) => killpg(child, signal).or_else(|_| kill(child, signal)),
                        None => Err(nix::errno::Errno::ESRCH),
                    };
                    if let Err(error) = sent {
                        return Some(Message::Refused(format!("the signal could not be sent: {error}")));
                    }
                }
                (Err(_), _) => return Some(Message::Refused(format!("{signal} is no signal"))),
                (_, None) => return Some(Message::Refused("no process runs".to_owned())),
            },
            Request::SetRestartRule { rule } => {
                let spec = ShimSpec { restart: rule, ..self.spec.clone() };
                if let Err(error) = self.folder.write(SPEC, &spec, true) {
                    return Some(Message::Refused(format!("the rule could not be written: {error}")));
                }
                self.spec = spec;
                self.forgo_restart();
            }
        }
        self.status.log = self.log.head();
        Some(Message::Status(Box::new(self.status.clone())))
    }

    /// Tells who waits for an end that something cannot be killed, once.
    fn give_notice(&mut self) {
        self.stuck = true;
        let left = crate::process::tree::descendants(self.status.shim.pid).len();
        let reason =
            format!("{left} of its processes cannot be killed: they wait in the kernel, for a disk or network");
        for client in self.clients.iter_mut().filter(|client| client.waits) {
            client.waits = false;
            client.send(&Message::Refused(reason.clone()));
        }
        self.status.reason = reason;
        self.changed = true;
    }

    /// Writes the state down and tells who wants to know, if anything changed.
    fn publish(&mut self) {
        self.status.log = self.log.head();
        let changed = std::mem::take(&mut self.changed);
        let now = Instant::now();
        if changed || self.write_again.is_some_and(|at| now >= at) {
            // A full disk must not end the app; it is tried again, and the socket tells the truth meanwhile.
            let written = self.folder.write(STATE, &self.status, false);
            self.write_again = written.err().map(|_| now + WRITE_AGAIN);
        }
        if changed {
            let done = self.ending.is_none();
            let message = Message::Status(Box::new(self.status.clone()));
            for client in &mut self.clients {
                let answered = client.waits && done;
                if answered || client.subscribed {
                    client.send(&message);
                    client.waits &= !answered;
                }
            }
        }
        let last = self.status.log.last;
        for client in self.clients.iter_mut().filter(|client| client.subscribed && last > self.told) {
            // One that has not read yet will look at the log anyway.
            if !client.has_output() {
                client.send(&Message::Log(last));
            }
        }
        self.told = last;
    }
}

#[derive(Default)]
struct Ready {
    signals: bool,
    listener: bool,
    outputs: Vec<usize>,
    clients: Vec<usize>,
    input: bool,
}
