//! Texts that leave the node: without secrets, and short enough for their line and frame.

use sf_protocol::report::{LogLine, NodeEvent};
use sf_protocol::schedule::ScheduleReport;
use sf_runtime::redact::{self, Redactor};

use crate::shim::log::masked;

/// Longest text of an event, in bytes: as JSON it has to fit a log line.
const EVENT_TEXT_BYTES: usize = 2000;
/// A line whose JSON is longer than this has its control characters replaced, in bytes.
const LINE_JSON_BYTES: usize = 56 * 1024;

/// The event with its texts redacted, on one line and cut.
pub(super) fn cleaned(event: NodeEvent, redactor: &Redactor) -> NodeEvent {
    let clean = |text: String| cut(&redactor.redact(&text));
    match event {
        NodeEvent::Step { command, step, state, note } => NodeEvent::Step { command, step, state, note: clean(note) },
        NodeEvent::App { app, release, state, restarts, reason } => {
            NodeEvent::App { app, release, state, restarts, reason: clean(reason) }
        }
        // Its words are an authority's, which knows nothing of this node's secrets.
        NodeEvent::Site { site } => NodeEvent::Site { site },
        NodeEvent::Schedule { report } => NodeEvent::Schedule { report: run_of_a_schedule(report, clean) },
        NodeEvent::Server { mut report } => {
            report.reason = clean(report.reason);
            NodeEvent::Server { report }
        }
        NodeEvent::Refused { kind, reason } => NodeEvent::Refused { kind: cut(&kind), reason: clean(reason) },
        NodeEvent::Notice { code, message } => NodeEvent::Notice { code, message: clean(message) },
    }
}

/// Its last lines, as many as fit.
fn run_of_a_schedule(mut report: ScheduleReport, clean: impl Fn(String) -> String) -> ScheduleReport {
    report.note = clean(report.note);
    let mut room = ScheduleReport::MAX_LINES_BYTES;
    let mut kept: Vec<String> = Vec::new();
    for line in report.last_lines.into_iter().rev().take(ScheduleReport::MAX_LINES) {
        let mut line = clean(line);
        if line.len() > room {
            // The last line of all is shown as far as it goes.
            if !kept.is_empty() {
                break;
            }
            line.truncate(line.floor_char_boundary(room));
        }
        room -= line.len();
        kept.push(line);
    }
    kept.reverse();
    report.last_lines = kept;
    report
}

/// What is remembered between the lines of a log: a private key goes over many of them, and a long line comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Cleaner([redact::Stream; 4]);

impl Cleaner {
    /// The line's text redacted.
    pub(super) fn clean(&mut self, line: &mut LogLine, redactor: &Redactor) {
        let stream = &mut self.0[line.stream as usize];
        line.text = masked(stream, redactor, &line.text);
    }
}

/// The line's size as JSON; it fits a frame.
pub(crate) fn sized(mut line: LogLine) -> (LogLine, usize) {
    let mut size = json_bytes(&line);
    if size > LINE_JSON_BYTES {
        line.text = line.text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        size = json_bytes(&line);
    }
    (line, size)
}

fn json_bytes(line: &LogLine) -> usize {
    serde_json::to_string(line).map_or(0, |text| text.len())
}

fn cut(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if out.len() + c.len_utf8() > EVENT_TEXT_BYTES {
            out.push('…');
            break;
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shim::log::LineSplitter;
    use sf_protocol::frame::MAX_FRAME_BYTES;
    use sf_protocol::report::{self, Stream};
    use sf_types::Timestamp;

    #[test]
    fn every_line_fits_a_frame_and_secrets_stay_here() {
        let redactor = Redactor::new(["s3cret-value"]);
        let line = |text: String| LogLine { sequence: u64::MAX, at: Timestamp::EPOCH, stream: Stream::Out, text };
        // The longest line with what was kept back of the piece before it.
        let (_, size) = sized(line("\u{1}".repeat(16 * 1024 + 2048)));
        assert!(size + 512 < MAX_FRAME_BYTES, "{size}");
        let mut clean = line("it is s3cret-value here".into());
        Cleaner::default().clean(&mut clean, &redactor);
        assert!(!clean.text.contains("s3cret-value"), "{}", clean.text);
        let event = NodeEvent::Notice { code: "x".into(), message: "a\nb ".repeat(3000) + "s3cret-value" };
        let NodeEvent::Notice { message, .. } = cleaned(event, &redactor) else { panic!("a notice") };
        assert!(message.len() < EVENT_TEXT_BYTES + 8 && !message.contains('\n'));
    }

    /// What leaves the node of an output that came in these chunks; lines are joined by `|`, pieces by nothing.
    fn told(redactor: &Redactor, chunks: &[&[u8]]) -> String {
        let (mut splitter, mut texts) = (LineSplitter::default(), Vec::new());
        for chunk in chunks {
            splitter.feed(chunk, |line| texts.push(line.to_owned()));
        }
        splitter.finish(|line| texts.push(line.to_owned()));
        let mut cleaner = Cleaner::default();
        let mut out = String::new();
        for text in texts {
            let mut line = LogLine { sequence: 1, at: Timestamp::EPOCH, stream: Stream::Out, text };
            let goes_on = report::piece_of_longer(&line.text).is_some();
            cleaner.clean(&mut line, redactor);
            match line.text.strip_suffix(report::GOES_ON).filter(|_| goes_on) {
                Some(piece) => out.push_str(piece),
                None => out.push_str(&(line.text + "|")),
            }
        }
        out
    }

    #[test]
    fn a_secret_is_hidden_wherever_the_output_is_cut() {
        const KNOWN: &str = "canary-of-the-environment-0123456789";
        let redactor = Redactor::new([KNOWN]);
        let jwt = format!("eyJ{}.{}", "hbGciOiJFZERTQSJ9".repeat(3), "c2lnbmF0dXJl".repeat(3));
        let cases = [
            (KNOWN.to_owned(), "[redacted]"),
            (format!("X={KNOWN}"), "X=[redacted]"),
            (format!("https://bot:{KNOWN}@git.example.org/a.git"), "https://bot:[redacted]@git.example.org/a.git"),
            ("https://bot:s3cret-pw@git.example.org/a.git".to_owned(), "https://bot:[redacted]@git.example.org/a.git"),
            ("https://0123456789abcdef@git.example.org".to_owned(), "https://[redacted]@git.example.org"),
            ("API_TOKEN=s3cret-token-1".to_owned(), "API_TOKEN=[redacted]"),
            (format!("Bearer {jwt}"), "Bearer [redacted]"),
            (jwt, "[redacted]"),
            (format!("sf_{}", "a2".repeat(40)), "[redacted]"),
            (format!("sfr_{}", "b3".repeat(40)), "[redacted]"),
            (format!("sfe_{}", "c4".repeat(40)), "[redacted]"),
            ("-----BEGIN PRIVATE KEY-----MIIEvQIBADAN-----END PRIVATE KEY-----".to_owned(), "[redacted]"),
        ];
        let room = report::MAX_LINE_BYTES - report::GOES_ON.len();
        for (secret, hidden) in &cases {
            // In chunks, in a short line.
            let text = format!("a {secret} z\n");
            for cut in 0..=text.len() {
                let (head, tail) = text.as_bytes().split_at(cut);
                assert_eq!(told(&redactor, &[head, tail]), format!("a {hidden} z|"), "{secret} at {cut}");
            }
            // Where a long line is cut into pieces.
            for cut in 0..=secret.len() {
                let pad = ".".repeat(room - cut - 1);
                let text = format!("{pad} {secret} z\n");
                assert!(told(&redactor, &[text.as_bytes()]) == format!("{pad} {hidden} z|"), "{secret} at {cut}");
            }
        }
        for header in
            ["Authorization: Basic Y2FuYXJ5OmNhbmFyeQ==", "Cookie: a=canary; b=canary", "X-Api-Key: canary123"]
        {
            for cut in 0..=header.len() {
                let pad = ".".repeat(room - cut - 1);
                let told = told(&redactor, &[format!("{pad} {header}\n").as_bytes()]);
                assert!(
                    !told.contains("canary") && !told.contains("Y2Fu") && told.ends_with("[redacted]|"),
                    "{header} at {cut}"
                );
            }
        }
    }

    #[test]
    fn a_private_key_is_hidden_over_lines_and_nothing_behind_it() {
        let redactor = Redactor::new([]);
        let text =
            b"one\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----\ntwo\n";
        for cut in 0..=text.len() {
            let (head, tail) = text.split_at(cut);
            assert_eq!(told(&redactor, &[head, tail]), "one|[redacted]|[redacted]|[redacted]|two|", "{cut}");
        }
    }

    #[test]
    fn what_holds_no_secret_keeps_its_bytes() {
        let redactor = Redactor::new([]);
        for length in [1, 100, 16 * 1024 - 4, 16 * 1024, 40 * 1024, 100 * 1024] {
            let text = "é".repeat(length / 2) + "Loading…";
            assert!(told(&redactor, &[text.as_bytes(), b"\n"]) == format!("{text}|"), "{length}");
        }
    }
}
