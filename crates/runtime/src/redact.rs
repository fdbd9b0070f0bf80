//! Takes secrets out of what programs print, before it leaves a node and again before it is stored.
//!
//! Two nets: the values that are known to be secret, wherever they stand, and the shapes secrets usually come in
//! (headers, `password=`, vendor keys, private key blocks, credentials in URLs, our own tokens). The second is a
//! guess: it may hide too much, and a secret of unknown value and no known shape passes.

mod shapes;

use std::borrow::Cow;
use std::ops::Range;

use sf_types::Secret;

/// What stands in the place of a secret.
pub const MASK: &str = "[redacted]";
/// Known values shorter than this are not looked for: they would blot out half of every log. In bytes.
pub const SHORTEST_KNOWN_BYTES: usize = 6;
/// Longest part of a line that is held back while its end is unknown, in bytes; a longer line is passed on in parts.
pub const HELD_BYTES: usize = 64 * 1024;
/// What is kept back of an over-long line, so that what begins in it is seen whole, in bytes. Known values longer
/// than this are found by each of their first this many bytes.
const KEPT_BACK_BYTES: usize = 16 * 1024;
/// The same of a piece of a line that comes in pieces: longer than the beginning by which any shape is known.
const PIECE_KEPT_BACK_BYTES: usize = 512;
/// A private key block that has not ended after this many bytes is taken to be no such block.
const LONGEST_KEY_BLOCK_BYTES: usize = 64 * 1024;

/// The known secrets, ready to be looked for. The shapes are looked for as well, unless it is [`Redactor::of_known`].
#[derive(Debug, Default)]
pub struct Redactor {
    /// By first byte, so that most bytes of a log are looked at once.
    known: Vec<Vec<Secret<Vec<u8>>>>,
    /// Bytes of the longest.
    longest: usize,
    /// Nothing else is looked for.
    known_only: bool,
}

/// A place to blot out: `context` is where the reason begins (`password=`), `value` what is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) context: usize,
    pub(crate) value: Range<usize>,
}

impl Redactor {
    /// A redactor that knows these values, also as they look in JSON and URLs. Of values with several lines each
    /// line is a secret; what is shorter than [`SHORTEST_KNOWN_BYTES`] is ignored.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut known: Vec<Vec<Vec<u8>>> = vec![Vec::new(); 256];
        for line in secrets.into_iter().flat_map(str::lines).map(str::trim) {
            for form in [line.to_owned(), json_form(line), url_form(line)] {
                let mut form = form.into_bytes();
                form.truncate(KEPT_BACK_BYTES);
                if form.len() >= SHORTEST_KNOWN_BYTES && !known[usize::from(form[0])].contains(&form) {
                    known[usize::from(form[0])].push(form);
                }
            }
        }
        let longest = known.iter().flatten().map(Vec::len).max().unwrap_or(0);
        let known = known.into_iter().map(|forms| forms.into_iter().map(Secret::new).collect()).collect();
        Self { known, longest, known_only: false }
    }

    /// One that leaves alone what only looks like a secret: for a person's own terminal.
    pub fn of_known<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self { known_only: true, ..Self::new(secrets) }
    }

    /// Redacts a whole text. Borrowed when nothing was found.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut stream = Stream::default();
        let mut out = stream.push(self, text.as_bytes());
        out.extend(stream.finish(self));
        if out == text.as_bytes() {
            Cow::Borrowed(text)
        } else {
            Cow::Owned(String::from_utf8_lossy(&out).into_owned())
        }
    }

    fn find(&self, line: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        // Deep inside what is hidden anyway no shape is looked for: a line of nothing but `password=` costs no more.
        let mut hidden_until = 0;
        for at in 0..line.len() {
            if let Some(forms) = self.known.get(usize::from(line[at])) {
                let longest = forms.iter().map(Secret::expose).filter(|form| line[at..].starts_with(form));
                if let Some(form) = longest.max_by_key(|form| form.len()) {
                    found.push(Found { context: at, value: at..at + form.len() });
                }
            }
            if !self.known_only
                && at + shapes::LONGEST_CONTEXT_BYTES >= hidden_until
                && let Some(shape) = shapes::at(line, at)
            {
                hidden_until = hidden_until.max(shape.value.end);
                found.push(shape);
            }
        }
        found.sort_by_key(|one| one.value.start);
        found
    }
}

/// The state between the chunks of one byte stream: an unfinished line, an open private key block. A secret split
/// over chunks is found as if it had come in one.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    held: Vec<u8>,
    /// Bytes of the private key block that is open.
    key_block: Option<usize>,
    /// The value blotted out last is longer than what may be held: drop the rest of it too.
    swallowing: bool,
    /// The beginning was never seen.
    lost: Option<Lost>,
}

/// What a state cannot know that began before it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lost {
    /// The front of this line.
    Line,
    /// The front of what may be a private key block; bytes of it so far.
    Block(usize),
}

impl Stream {
    /// A state for a log whose last line before was told as `told` by a state that is lost; `goes_on` says that it was a
    /// piece of a longer line. What could be the rest of a secret that began there is hidden: the rest of that line, or
    /// the rest of a key block.
    pub fn after(told: &str, goes_on: bool) -> Self {
        let lost = match goes_on {
            true => Some(Lost::Line),
            false => told.ends_with(MASK).then_some(Lost::Block(0)),
        };
        Self { lost, ..Self::default() }
    }

    /// Takes a chunk; answers everything that is certain by now, which is whole lines but for over-long ones.
    pub fn push(&mut self, redactor: &Redactor, chunk: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len());
        for part in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.held.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.end_line(redactor, &mut out);
            }
            while self.held.len() > HELD_BYTES {
                self.pass_on(redactor, (HELD_BYTES, KEPT_BACK_BYTES), &mut out);
            }
        }
        out
    }

    /// The stream has ended, or its reader cannot wait for the end of a line (a prompt): answers what was held.
    pub fn finish(&mut self, redactor: &Redactor) -> Vec<u8> {
        let mut out = Vec::new();
        self.end_line(redactor, &mut out);
        out
    }

    fn end_line(&mut self, redactor: &Redactor, out: &mut Vec<u8>) {
        let mut held = std::mem::take(&mut self.held);
        let ending = held.iter().rev().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let end = held.split_off(held.len() - ending);
        let rest = self.swallow(&held);
        self.swallowing = false;
        let line = &held[rest..];
        let found = self.with_key_block(redactor, line, redactor.find(line));
        blot(line, &found, out);
        out.extend_from_slice(&end);
    }

    /// Takes the next line of a log that comes line by line, without its end; `goes_on` says that it is a piece of a
    /// longer line whose rest follows. What may begin a secret at the end of such a piece moves into the next one, so
    /// that a secret is never cut in two; everything else stays where it was.
    pub fn line(&mut self, redactor: &Redactor, piece: &str, goes_on: bool) -> String {
        match self.lost.take() {
            Some(Lost::Line) => {
                self.lost = goes_on.then_some(Lost::Line);
                return MASK.to_owned();
            }
            Some(Lost::Block(bytes)) if shapes::in_key_block(piece.as_bytes()) => {
                let (total, ended) = (bytes + piece.len(), shapes::key_block_end(piece.as_bytes(), 0).is_some());
                self.lost = (!ended && total < LONGEST_KEY_BLOCK_BYTES).then_some(Lost::Block(total));
                return MASK.to_owned();
            }
            _ => {}
        }
        let mut out = Vec::with_capacity(piece.len() + self.held.len());
        self.held.extend_from_slice(piece.as_bytes());
        if goes_on {
            let kept = redactor.longest.max(PIECE_KEPT_BACK_BYTES);
            self.pass_on(redactor, (kept, kept), &mut out);
        } else {
            self.end_line(redactor, &mut out);
        }
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Whether nothing is remembered: a new state would do as well.
    pub const fn is_idle(&self) -> bool {
        self.held.is_empty() && self.key_block.is_none() && !self.swallowing && self.lost.is_none()
    }

    /// Passes on the front of an over-long line, cut where no secret is split: what is longer than `most`, but for the
    /// last `kept` bytes.
    fn pass_on(&mut self, redactor: &Redactor, (most, kept): (usize, usize), out: &mut Vec<u8>) {
        let rest = self.swallow(&self.held);
        self.held.drain(..rest);
        if self.held.len() <= most {
            return;
        }
        let before = self.key_block;
        let found = redactor.find(&self.held);
        let found = self.with_key_block(redactor, &self.held.clone(), found);
        let mut cut = boundary(&self.held, self.held.len() - kept);
        for one in found.iter().rev() {
            if one.context < cut && one.value.end > cut {
                cut = one.context;
            }
        }
        if cut == 0 {
            // It begins at once and is longer than what is kept back: blot it out and drop the rest of it.
            let end = found.iter().filter(|one| one.context == 0).map(|one| one.value.end).max().unwrap_or(0);
            self.swallowing = end >= self.held.len();
            cut = end;
        }
        let found: Vec<_> = found.into_iter().filter(|one| one.value.start < cut).collect();
        blot(&self.held[..cut], &found, out);
        if before.is_none() && cut < self.held.len() && found.iter().all(|one| one.value.end <= cut) {
            // A block that opened behind the cut is found again with the rest.
            self.key_block = None;
        }
        self.held.drain(..cut);
    }

    /// How much of the front still belongs to the value that was blotted out last.
    fn swallow(&self, bytes: &[u8]) -> usize {
        let ends = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'&');
        if self.swallowing { bytes.iter().position(ends).unwrap_or(bytes.len()) } else { 0 }
    }

    /// Adds what an open private key block hides, and notices blocks that open and close in this line.
    fn with_key_block(&mut self, redactor: &Redactor, line: &[u8], mut found: Vec<Found>) -> Vec<Found> {
        if redactor.known_only {
            return found;
        }
        let mut from = 0;
        if let Some(so_far) = self.key_block {
            let end = shapes::key_block_end(line, 0);
            let hidden = end.unwrap_or(line.len());
            found.insert(0, Found { context: 0, value: 0..hidden });
            let total = so_far + hidden + 1;
            self.key_block = (end.is_none() && total < LONGEST_KEY_BLOCK_BYTES).then_some(total);
            from = hidden;
        }
        while let Some(start) = shapes::key_block_start(line, from) {
            let end = shapes::key_block_end(line, start + 1);
            found.push(Found { context: start, value: start..end.unwrap_or(line.len()) });
            self.key_block = end.is_none().then_some(line.len() - start);
            from = end.unwrap_or(line.len());
        }
        found.sort_by_key(|one| one.value.start);
        found
    }
}

/// The last place at or before `at` that cuts no UTF-8 character; `at` itself where these bytes are no UTF-8.
fn boundary(bytes: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at).rev().find(|cut| bytes.get(*cut).is_none_or(|byte| byte & 0xc0 != 0x80)).unwrap_or(at)
}

/// Writes `line` with every found value, overlapping ones as one, replaced by [`MASK`].
fn blot(line: &[u8], found: &[Found], out: &mut Vec<u8>) {
    let mut written = 0;
    for Found { value, .. } in found {
        let end = value.end.min(line.len());
        if value.start < written {
            written = written.max(end);
        } else if end > value.start {
            out.extend_from_slice(&line[written..value.start]);
            out.extend_from_slice(MASK.as_bytes());
            written = end;
        }
    }
    out.extend_from_slice(&line[written..]);
}

/// As it stands inside a JSON string.
fn json_form(text: &str) -> String {
    text.chars().flat_map(|c| matches!(c, '"' | '\\').then_some('\\').into_iter().chain([c])).collect()
}

/// Percent-encoded, upper-case hexadecimal digits (RFC 3986 section 2.1).
fn url_form(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests;
