//! The second net: what a node sends is redacted again before it is stored or told to anybody. The node has done so
//! already, and knows the secrets of its apps; here, only the shapes are known.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use sf_protocol::report::{self, LogSource, LogStream, NodeEvent, Stream};
use sf_runtime::redact::{self, Redactor};

/// Logs with something begun (a private key, a piece of a long line) that are remembered at the most; of one more, the
/// beginning is forgotten.
pub const MAX_BEGUN: usize = 4_096;

/// What has begun in logs and goes on in their next lines.
#[derive(Debug, Default)]
pub(crate) struct Cleaning {
    shapes: Redactor,
    begun: Mutex<HashMap<(LogSource, Stream), Begun>>,
}

#[derive(Clone, Debug, Default)]
struct Begun {
    up_to: u64,
    state: redact::Stream,
}

/// What is remembered once lines are stored.
#[derive(Debug)]
pub(crate) struct Cleaned(Vec<((LogSource, Stream), Begun)>);

impl Cleaning {
    /// Redacts the lines. Remember what this answers when they are stored: lines that could not be stored come again.
    pub(crate) fn clean(&self, lines: &mut LogStream) -> Cleaned {
        let mut touched: Vec<((LogSource, Stream), Begun)> = Vec::new();
        for line in &mut lines.lines {
            let key = (lines.source, line.stream);
            let at = touched.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
                let begun = self.lock().get(&key).cloned().unwrap_or_default();
                touched.push((key, begun));
                touched.len() - 1
            });
            let begun = &mut touched[at].1;
            let mut repeated = redact::Stream::default();
            // A line that came before is redacted by itself; it is not stored again.
            let state = if line.sequence > begun.up_to { &mut begun.state } else { &mut repeated };
            line.text = match report::piece_of_longer(&line.text) {
                Some(piece) => state.line(&self.shapes, piece, true) + report::GOES_ON,
                None => state.line(&self.shapes, &line.text, false),
            };
            begun.up_to = begun.up_to.max(line.sequence);
        }
        Cleaned(touched)
    }

    /// The lines are stored.
    pub(crate) fn stored(&self, cleaned: Cleaned) {
        let mut begun = self.lock();
        for (key, state) in cleaned.0 {
            if state.state.is_idle() {
                begun.remove(&key);
            } else if begun.len() < MAX_BEGUN || begun.contains_key(&key) {
                begun.insert(key, state);
            }
        }
    }

    /// A text by itself.
    pub(crate) fn text(&self, text: &str) -> String {
        self.shapes.redact(text).into_owned()
    }

    /// What people are told of an event.
    pub(crate) fn event(&self, event: NodeEvent) -> NodeEvent {
        match event {
            NodeEvent::Step { command, step, state, note } => {
                NodeEvent::Step { command, step, state, note: self.text(&note) }
            }
            NodeEvent::App { app, release, state, restarts, reason } => {
                NodeEvent::App { app, release, state, restarts, reason: self.text(&reason) }
            }
            NodeEvent::Refused { kind, reason } => NodeEvent::Refused { kind, reason: self.text(&reason) },
            NodeEvent::Notice { code, message } => NodeEvent::Notice { code, message: self.text(&message) },
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(LogSource, Stream), Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sf_protocol::report::{GOES_ON, LogLine, MAX_LINE_BYTES};
    use sf_types::{RunId, Timestamp, TypedId};

    use super::*;

    fn source() -> LogSource {
        LogSource::Run { run: RunId::from_parts(Timestamp::EPOCH, [1; 10]) }
    }

    fn frame(first: u64, texts: &[String]) -> LogStream {
        let line = |(n, text): (u64, &String)| LogLine {
            sequence: first + n,
            at: Timestamp::EPOCH,
            stream: Stream::Out,
            text: text.clone(),
        };
        LogStream { source: source(), lines: (0..).zip(texts).map(line).collect(), dropped: 0 }
    }

    /// Pieces as a node cuts them, each in a frame of its own.
    fn through(pieces: &[String]) -> String {
        let cleaning = Cleaning::default();
        let mut out = String::new();
        for (n, piece) in (1..).zip(pieces) {
            let mut lines = frame(n, std::slice::from_ref(piece));
            // The store refuses the first time; the same lines come again.
            let _refused = cleaning.clean(&mut lines.clone());
            let cleaned = cleaning.clean(&mut lines);
            cleaning.stored(cleaned);
            out.push_str(report::piece_of_longer(&lines.lines[0].text).unwrap_or(&lines.lines[0].text));
        }
        assert!(cleaning.lock().is_empty(), "nothing is remembered of what has ended");
        out
    }

    #[test]
    fn a_secret_cut_at_any_place_between_frames_is_hidden_whole() {
        let jwt = format!("eyJ{}.{}", "hbGciOiJFZERTQSJ9".repeat(3), "c2lnbmF0dXJl".repeat(3));
        for (secret, told) in [
            (format!("sf_{}", "a2".repeat(40)), "[redacted]".to_owned()),
            (jwt.clone(), "[redacted]".to_owned()),
            ("https://app:s3cret-s3cret@db/x".to_owned(), "https://app:[redacted]@db/x".to_owned()),
            ("DB_PASSWORD=s3cret-s3cret".to_owned(), "DB_PASSWORD=[redacted]".to_owned()),
        ] {
            let room = MAX_LINE_BYTES - GOES_ON.len();
            for cut in 0..=secret.len() {
                let text = format!("{} {secret} end", ".".repeat(room - cut - 1));
                let pieces = [format!("{}{GOES_ON}", &text[..room]), text[room..].to_owned()];
                let expected = format!("{} {told} end", ".".repeat(room - cut - 1));
                assert!(through(&pieces) == expected, "{secret} cut at {cut}");
            }
        }
    }

    #[test]
    fn a_private_key_over_lines_and_frames_is_hidden() {
        let key = ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADAN", "Bgkqhkia", "-----END PRIVATE KEY-----", "plain"];
        let told = through(&key.map(str::to_owned));
        assert_eq!(told, "[redacted][redacted][redacted][redacted]plain");
    }

    #[test]
    fn what_is_begun_is_bounded() {
        let cleaning = Cleaning::default();
        for n in 0..(MAX_BEGUN + 10) {
            let mut lines = frame(1, &["-----BEGIN PRIVATE KEY-----".to_owned()]);
            let mut random = [0; 10];
            random[..8].copy_from_slice(&n.to_be_bytes());
            lines.source = LogSource::Run { run: RunId::from_parts(Timestamp::EPOCH, random) };
            let cleaned = cleaning.clean(&mut lines);
            cleaning.stored(cleaned);
        }
        assert!(cleaning.lock().len() <= MAX_BEGUN);
    }

    #[test]
    fn events_are_redacted_too() {
        let note = "cloning https://app:s3cret-s3cret@git.example.org/a".to_owned();
        let NodeEvent::Notice { message, .. } =
            Cleaning::default().event(NodeEvent::Notice { code: "x".into(), message: note })
        else {
            panic!("a notice stays one")
        };
        assert_eq!(message, "cloning https://app:[redacted]@git.example.org/a");
    }
}
