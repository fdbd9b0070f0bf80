//! Bytes of a stream into lines.

use super::{GOES_ON, MAX_LINE_BYTES};

/// Cuts a byte stream into lines of at most [`MAX_LINE_BYTES`] and holds what is not yet a whole line.
#[derive(Debug, Default)]
pub struct LineSplitter {
    pending: Vec<u8>,
}

/// What fits into a line beside the mark that it goes on.
const ROOM: usize = MAX_LINE_BYTES - GOES_ON.len();

impl LineSplitter {
    /// Takes `bytes`, hands every line that is now whole to `line`: UTF-8 (other bytes replaced), without its end.
    pub fn feed(&mut self, mut bytes: &[u8], mut line: impl FnMut(&str)) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            let (head, tail) = (&bytes[..end], &bytes[end + 1..]);
            bytes = tail;
            if self.pending.is_empty() {
                emit(head, &mut line);
            } else {
                self.pending.extend_from_slice(head);
                emit(&self.pending, &mut line);
                self.pending.clear();
            }
        }
        self.pending.extend_from_slice(bytes);
        while self.pending.len() > ROOM {
            let cut = boundary(&self.pending, ROOM);
            whole(&self.pending[..cut], true, &mut line);
            self.pending.drain(..cut);
        }
    }

    /// The stream has ended: hands out what is left.
    pub fn finish(&mut self, mut line: impl FnMut(&str)) {
        if !self.pending.is_empty() {
            emit(&self.pending, &mut line);
            self.pending = Vec::new();
        }
    }
}

/// Hands out one line of any length.
fn emit(mut bytes: &[u8], line: &mut impl FnMut(&str)) {
    if let [head @ .., b'\r'] = bytes {
        bytes = head;
    }
    while bytes.len() > ROOM {
        let cut = boundary(bytes, ROOM);
        whole(&bytes[..cut], true, line);
        bytes = &bytes[cut..];
    }
    whole(bytes, false, line);
}

/// Hands out one piece. Replacing bad bytes makes it up to three times longer, so it may have to be cut again.
fn whole(bytes: &[u8], goes_on: bool, line: &mut impl FnMut(&str)) {
    let text = String::from_utf8_lossy(bytes);
    let mut text: &str = &text;
    while text.len() > ROOM {
        let cut = boundary(text.as_bytes(), ROOM);
        line(&format!("{}{GOES_ON}", &text[..cut]));
        text = &text[cut..];
    }
    if goes_on { line(&format!("{text}{GOES_ON}")) } else { line(text) }
}

/// The last place at or before `at` where no UTF-8 character is cut; `at` itself when these bytes are no UTF-8.
fn boundary(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|cut| bytes[*cut] & 0b1100_0000 != 0b1000_0000).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(chunks: &[&[u8]], expected: &[&str]) {
        let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
        for chunk in chunks {
            splitter.feed(chunk, |line| lines.push(line.to_owned()));
        }
        splitter.finish(|line| lines.push(line.to_owned()));
        assert_eq!(lines, expected);
    }

    #[test]
    fn lines_are_cut_at_newlines_across_chunks() {
        check(&[b"a\nb", b"c\n", b"d"], &["a", "bc", "d"]);
        check(&[b"\n\r\nx\r", b"\n"], &["", "", "x"]);
        check(&[b"ok \xff\xfe\n"], &["ok \u{fffd}\u{fffd}"]);
        check(&["ü".as_bytes()], &["ü"]);
    }

    #[test]
    fn no_line_is_longer_than_the_limit_and_nothing_is_lost() {
        for unit in ["x", "ü", "€", "\u{1f600}"] {
            let long = unit.repeat(3 * MAX_LINE_BYTES / unit.len());
            for chunk in [1000, 100_000] {
                let (mut splitter, mut joined, mut longest) = (LineSplitter::default(), String::new(), 0);
                let mut take = |line: &str| {
                    longest = longest.max(line.len());
                    joined.push_str(line.trim_end_matches(GOES_ON));
                };
                for part in long.as_bytes().chunks(chunk) {
                    splitter.feed(part, &mut take);
                }
                splitter.finish(&mut take);
                assert!(longest <= MAX_LINE_BYTES, "{longest}");
                assert_eq!(joined, long);
            }
        }
    }

    #[test]
    fn binary_noise_stays_within_the_limit() {
        let noise = vec![0xff_u8; 5 * MAX_LINE_BYTES];
        let mut splitter = LineSplitter::default();
        let mut longest = 0;
        splitter.feed(&noise, |line| longest = longest.max(line.len()));
        assert!(longest <= MAX_LINE_BYTES && splitter.pending.len() <= MAX_LINE_BYTES, "{longest}");
    }
}
