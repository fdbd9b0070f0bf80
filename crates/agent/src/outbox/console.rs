//! What watched servers say, on its way: one frame a server at the most, put together while the connection is busy. The
//! newest lines stay, what they push out is counted.

use std::collections::{BTreeMap, VecDeque};

use sf_protocol::server::ConsoleOutput;
use sf_types::ServerId;

use super::text::sized;

/// Bytes of lines in one frame, as JSON.
pub const CONSOLE_FRAME_BYTES: usize = 40 * 1024;

/// What waits, by server.
#[derive(Debug, Default)]
pub(super) struct Consoles {
    waiting: BTreeMap<ServerId, Waiting>,
    /// Who is next.
    turn: VecDeque<ServerId>,
}

#[derive(Debug)]
struct Waiting {
    output: ConsoleOutput,
    sizes: VecDeque<usize>,
    bytes: usize,
}

impl Waiting {
    fn new(server: ServerId) -> Self {
        let output = ConsoleOutput { server, lines: Vec::new(), skipped: 0, sample: None };
        Self { output, sizes: VecDeque::new(), bytes: 0 }
    }

    fn add(&mut self, more: ConsoleOutput) {
        if more.skipped > 0 {
            // There is a hole before them: what is before it goes, too, so that there is but one.
            self.output.skipped += more.skipped + self.output.lines.len() as u64;
            (self.output.lines, self.sizes, self.bytes) = (Vec::new(), VecDeque::new(), 0);
        }
        for line in more.lines {
            let (line, size) = sized(line);
            self.output.lines.push(line);
            self.sizes.push_back(size);
            self.bytes += size;
        }
        let mut out = 0;
        while self.bytes > CONSOLE_FRAME_BYTES && self.sizes.len() > 1 {
            self.bytes -= self.sizes.pop_front().unwrap_or(0);
            out += 1;
        }
        self.output.lines.drain(..out);
        self.output.skipped += out as u64;
        self.output.sample = more.sample.or(self.output.sample);
    }
}

impl Consoles {
    pub(super) fn add(&mut self, output: ConsoleOutput) {
        let server = output.server;
        if !self.waiting.contains_key(&server) {
            self.turn.push_back(server);
        }
        self.waiting.entry(server).or_insert_with(|| Waiting::new(server)).add(output);
    }

    /// The next frame.
    pub(super) fn take(&mut self) -> Option<ConsoleOutput> {
        loop {
            let server = self.turn.pop_front()?;
            if let Some(waiting) = self.waiting.remove(&server) {
                return Some(waiting.output);
            }
        }
    }

    pub(super) fn forget(&mut self, server: ServerId) {
        self.waiting.remove(&server);
        self.turn.retain(|one| *one != server);
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
        self.turn.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_protocol::frame::{Frame, MAX_FRAME_BYTES};
    use sf_protocol::report::{LogLine, Stream};
    use sf_types::{Timestamp, TypedId};

    fn server(nth: u8) -> ServerId {
        ServerId::from_parts(Timestamp::from_millis(i64::from(nth)), [nth; 10])
    }

    fn output(of: u8, numbers: std::ops::Range<u64>, text: &str) -> ConsoleOutput {
        let line = |sequence| LogLine { sequence, at: Timestamp::EPOCH, stream: Stream::Tty, text: text.to_owned() };
        ConsoleOutput { server: server(of), lines: numbers.map(line).collect(), skipped: 0, sample: None }
    }

    #[test]
    fn what_waits_is_put_together_bounded_and_every_line_is_told_or_counted() {
        let mut consoles = Consoles::default();
        let (mut next, mut told) = (1_u64, 0_u64);
        for round in 0..50 {
            for _ in 0..round % 4 {
                consoles.add(output(1, next..next + 500, "an ordinary line of an ordinary server"));
                next += 500;
            }
            while let Some(frame) = consoles.take() {
                told += frame.skipped;
                for line in &frame.lines {
                    told += 1;
                    assert_eq!(line.sequence, told, "a hole is before the lines");
                }
                let text = Frame::ConsoleOutput(frame).write().unwrap();
                assert!(text.len() <= MAX_FRAME_BYTES, "{}", text.len());
            }
        }
        assert_eq!(told, next - 1);
    }

    #[test]
    fn escapes_and_the_longest_line_fit_a_frame() {
        let mut consoles = Consoles::default();
        for number in 1..20 {
            consoles.add(output(1, number..number + 1, &"\u{1b}".repeat(16 * 1024)));
        }
        let frame = consoles.take().unwrap();
        assert_eq!((frame.lines.len(), frame.skipped), (1, 18));
        assert!(Frame::ConsoleOutput(frame).write().unwrap().len() <= MAX_FRAME_BYTES);
    }

    #[test]
    fn servers_take_turns_and_one_that_is_gone_says_nothing() {
        let mut consoles = Consoles::default();
        for of in [1, 2, 3, 1] {
            consoles.add(output(of, 1..3, "x"));
        }
        consoles.forget(server(2));
        let order: Vec<_> =
            std::iter::from_fn(|| consoles.take()).map(|frame| (frame.server, frame.lines.len())).collect();
        assert_eq!(order, [(server(1), 4), (server(3), 2)]);
    }
}
