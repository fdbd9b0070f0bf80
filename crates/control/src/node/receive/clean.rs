//! The second net: what a node sends is redacted again before it is stored or told to anybody. The node has done so
//! already, and knows the secrets of its apps; here, only the shapes are known.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sf_protocol::report::{self, LogLine, LogSource, LogStream, NodeEvent, Stream};
use sf_protocol::site::{CertificateState, SiteReport};
use sf_runtime::redact::{self, Redactor};

/// Logs with something begun (a private key, a piece of a long line) that are remembered at the most; of one more, the
/// beginning is forgotten.
pub const MAX_BEGUN: usize = 4_096;
/// Logs of which it is remembered that they were met since the start; of one more, all are looked up again.
pub const MAX_MET: usize = 16_384;
/// Lines before the first one met that are looked at for what has begun in them.
pub const LOOKED_BACK: u32 = 64;

/// What has begun in logs and goes on in their next lines.
#[derive(Debug, Default)]
pub(crate) struct Cleaning {
    shapes: Redactor,
    begun: Mutex<HashMap<(LogSource, Stream), Begun>>,
    /// Logs met since the start: what has begun in them is known.
    met: Mutex<HashSet<LogSource>>,
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
    /// Whether these lines go on with a log that was not met since the start: what has begun in it was known by a process
    /// that is gone. Then [`Cleaning::meet`] comes first.
    pub(crate) fn is_strange(&self, lines: &LogStream) -> bool {
        let begins = lines.lines.first().is_none_or(|line| line.sequence <= 1);
        !begins && !self.met.lock().unwrap_or_else(PoisonError::into_inner).contains(&lines.source)
    }

    /// Takes from the stored lines of a log what may have begun in them.
    pub(crate) fn meet(&self, source: LogSource, before: &[LogLine]) {
        let mut begun = self.lock();
        for stream in [Stream::Out, Stream::Err] {
            let Some(last) = before.iter().rev().find(|line| line.stream == stream) else { continue };
            let state = redact::Stream::after(&last.text, may_go_on(&last.text));
            if !state.is_idle() && begun.len() < MAX_BEGUN {
                begun.entry((source, stream)).or_insert(Begun { up_to: last.sequence, state });
            }
        }
        drop(begun);
        let mut met = self.met.lock().unwrap_or_else(PoisonError::into_inner);
        if met.len() >= MAX_MET {
            met.clear();
        }
        met.insert(source);
    }

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
            line.text = match report::redacted_piece(&line.text) {
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
            NodeEvent::Site { site } => NodeEvent::Site { site: self.site(site) },
            NodeEvent::Schedule { mut report } => {
                report.note = self.text(&report.note);
                report.last_lines = report.last_lines.iter().map(|line| self.text(line)).collect();
                NodeEvent::Schedule { report }
            }
            NodeEvent::Server { mut report } => {
                report.reason = self.text(&report.reason);
                NodeEvent::Server { report }
            }
            NodeEvent::Refused { kind, reason } => NodeEvent::Refused { kind, reason: self.text(&reason) },
            NodeEvent::Notice { code, message } => NodeEvent::Notice { code, message: self.text(&message) },
        }
    }

    /// An authority's words say why there is no certificate.
    pub(crate) fn site(&self, mut site: SiteReport) -> SiteReport {
        let (CertificateState::Missing { why, .. } | CertificateState::Valid { why, .. }) = &mut site.certificate
        else {
            return site;
        };
        if let Some(fault) = why {
            fault.message = self.text(&fault.message);
        }
        site
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(LogSource, Stream), Begun>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a line, as it was told, may be a piece of a longer one; what was hidden in it has made it shorter.
fn may_go_on(told: &str) -> bool {
    report::redacted_piece(told).is_some() || told.ends_with(report::GOES_ON) && told.contains(redact::MASK)
}

#[cfg(test)]
mod tests {
    use sf_protocol::report::{GOES_ON, MAX_LINE_BYTES};
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
            let told = &lines.lines[0].text;
            out.push_str(report::piece_of_longer(piece).and_then(|_| told.strip_suffix(GOES_ON)).unwrap_or(told));
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

    /// The process dies behind the line `at`; what is stored is all the next one has.
    fn with_restart(lines: &[String], at: usize) -> Vec<String> {
        let (mut cleaning, mut told) = (Cleaning::default(), Vec::<LogLine>::new());
        for (n, line) in (1..).zip(lines) {
            if told.len() == at {
                cleaning = Cleaning::default();
            }
            let mut lines = frame(n, std::slice::from_ref(line));
            if cleaning.is_strange(&lines) {
                cleaning.meet(lines.source, &told);
                assert!(!cleaning.is_strange(&lines));
            }
            let cleaned = cleaning.clean(&mut lines);
            cleaning.stored(cleaned);
            told.append(&mut lines.lines);
        }
        told.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_secret_cut_at_any_place_by_a_restart_is_not_told() {
        let secret = format!("sf_{}", "a2".repeat(40));
        let room = MAX_LINE_BYTES - GOES_ON.len();
        for cut in 0..=secret.len() {
            let text = format!("{} {secret} end", ".".repeat(room - cut - 1));
            let lines = [format!("{}{GOES_ON}", &text[..room]), text[room..].to_owned(), "plain".to_owned()];
            let told = with_restart(&lines, 1);
            assert!(!told.concat().contains("a2a2"), "cut at {cut}: {}", told[1]);
            assert_eq!(told[1..], ["[redacted]", "plain"], "cut at {cut}");
        }
    }

    #[test]
    fn a_private_key_cut_by_a_restart_is_not_told() {
        let key =
            ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADAN", "Bgkqhkia", "-----END PRIVATE KEY-----", "it goes on"];
        for at in 0..=key.len() {
            let told = with_restart(&key.map(str::to_owned), at);
            let [hidden @ .., last] = told.as_slice() else { panic!("{told:?}") };
            assert!(hidden.iter().all(|line| line == "[redacted]") && last == "it goes on", "{at}: {told:?}");
        }
        // A line that was hidden by itself takes nothing with it but what could be a key.
        let told = with_restart(&["token=s3cret-s3cret", "GET / 200", "ready"].map(str::to_owned), 1);
        assert_eq!(told, ["token=[redacted]", "GET / 200", "ready"]);
    }

    #[test]
    fn logs_that_were_met_are_bounded() {
        let cleaning = Cleaning::default();
        for n in 0..(MAX_MET as u64 + 10) {
            let mut random = [0; 10];
            random[..8].copy_from_slice(&n.to_be_bytes());
            cleaning.meet(LogSource::Run { run: RunId::from_parts(Timestamp::EPOCH, random) }, &[]);
        }
        assert!(cleaning.met.lock().unwrap().len() <= MAX_MET);
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
