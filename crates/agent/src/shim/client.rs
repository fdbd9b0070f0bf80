//! One connection on the control socket, without blocking and with bounded buffers.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use super::state::{Message, Request};

/// Connections served at once; further ones are closed at once.
pub const CLIENTS_MAX: usize = 16;
/// Longest request, in bytes.
const REQUEST_BYTES: usize = 8 * 1024;
/// Answers waiting to be read, in bytes; a client that lets more pile up is cut.
const WAITING_BYTES: usize = 256 * 1024;

/// One connection.
#[derive(Debug)]
pub struct Client {
    /// Its socket.
    pub stream: UnixStream,
    /// It wants to hear of changes.
    pub subscribed: bool,
    /// Its stop or restart has not been answered yet.
    pub waits: bool,
    /// It is gone or misbehaved.
    pub closed: bool,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Client {
    /// Serves `stream`.
    pub fn new(stream: UnixStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        let (input, output) = (Vec::new(), Vec::new());
        Some(Self { stream, subscribed: false, waits: false, closed: false, input, output })
    }

    /// Whether something waits to be written.
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Reads what is there; answers whole requests, or why one is none.
    pub fn receive(&mut self) -> Vec<Result<Request, String>> {
        let mut chunk = [0; REQUEST_BYTES];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => self.closed = true,
                Ok(read) => {
                    self.input.extend_from_slice(&chunk[..read]);
                    if self.input.len() <= REQUEST_BYTES {
                        continue;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => self.closed = true,
            }
            break;
        }
        let mut requests = Vec::new();
        while let Some(end) = self.input.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.input.drain(..=end).collect();
            requests.push(serde_json::from_slice(&line[..end]).map_err(|error| format!("no such request: {error}")));
        }
        if self.input.len() > REQUEST_BYTES {
            self.closed = true;
        }
        requests
    }

    /// Sends a message, now or when the client reads.
    pub fn send(&mut self, message: &Message) {
        if let Ok(mut line) = serde_json::to_vec(message) {
            line.push(b'\n');
            self.output.extend_from_slice(&line);
        }
        self.flush();
        if self.output.len() > WAITING_BYTES {
            self.closed = true;
        }
    }

    /// Writes what waits, as far as the client reads.
    pub fn flush(&mut self) {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(written @ 1..) => drop(self.output.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                _ => {
                    self.closed = true;
                    return;
                }
            }
        }
    }
}
