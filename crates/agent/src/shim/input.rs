//! Standard input of a held process: lines that wait until it reads. Nothing here ever blocks.

use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::fcntl::{FcntlArg, OFlag, fcntl};

/// Bytes that wait for a process that does not read; further lines are refused.
pub const WAITING_BYTES: usize = 64 * 1024;

/// Our end of it.
#[derive(Debug)]
pub struct Input {
    file: File,
    waiting: Vec<u8>,
}

impl Input {
    /// Writes to `end`.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn to(end: OwnedFd) -> io::Result<Self> {
        fcntl(end.as_fd(), FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        Ok(Self { file: File::from(end), waiting: Vec::new() })
    }

    /// Adds a line to what waits.
    ///
    /// # Errors
    /// In words, when too much waits already.
    pub fn push(&mut self, line: &str) -> Result<(), String> {
        if self.waiting.len() + line.len() + 1 > WAITING_BYTES {
            return Err(format!("it does not read its input: {} bytes of earlier lines wait", self.waiting.len()));
        }
        self.waiting.extend_from_slice(line.as_bytes());
        self.waiting.push(b'\n');
        Ok(())
    }

    /// Whether something waits.
    pub fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Writes what is taken now; `false` when nobody will ever read again.
    pub fn flush(&mut self) -> bool {
        while !self.waiting.is_empty() {
            match self.file.write(&self.waiting) {
                Ok(written @ 1..) => drop(self.waiting.drain(..written)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return true,
                Ok(0) | Err(_) => return false,
            }
        }
        true
    }
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn lines_wait_for_who_does_not_read_up_to_a_limit_and_come_whole() {
        let (theirs, ours) = nix::unistd::pipe2(OFlag::O_CLOEXEC).unwrap();
        let mut input = Input::to(ours).unwrap();
        let (line, mut taken) = ("x".repeat(1023), 0_usize);
        while input.push(&line).is_ok() {
            taken += 1;
            assert!(input.flush());
        }
        // A full pipe and a full buffer.
        assert!(taken * 1024 > WAITING_BYTES && input.has_waiting());
        assert!(input.push(&line).unwrap_err().contains("does not read"));
        let (mut reader, mut read) = (File::from(theirs), vec![0; 1024]);
        for _ in 0..taken {
            reader.read_exact(&mut read).unwrap();
            assert!(read.ends_with(b"x\n") && input.flush());
        }
        assert!(!input.has_waiting());
        drop(reader);
        input.push("to nobody").unwrap();
        assert!(!input.flush());
    }
}
