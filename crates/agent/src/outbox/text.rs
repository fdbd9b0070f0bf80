//! Texts that leave the node: without secrets, and short enough for their line and frame.

use sf_protocol::report::{LogLine, NodeEvent};
use sf_runtime::redact::Redactor;

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
        NodeEvent::Refused { kind, reason } => NodeEvent::Refused { kind: cut(&kind), reason: clean(reason) },
        NodeEvent::Notice { code, message } => NodeEvent::Notice { code, message: clean(message) },
    }
}

/// The line redacted, and its size as JSON, which fits a frame.
pub(super) fn sized(mut line: LogLine, redactor: &Redactor) -> (LogLine, usize) {
    if let std::borrow::Cow::Owned(text) = redactor.redact(&line.text) {
        line.text = text;
    }
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
    use sf_protocol::frame::MAX_FRAME_BYTES;
    use sf_protocol::report::Stream;
    use sf_types::Timestamp;

    #[test]
    fn every_line_fits_a_frame_and_secrets_stay_here() {
        let redactor = Redactor::new(["s3cret-value"]);
        let line = |text: String| LogLine { sequence: u64::MAX, at: Timestamp::EPOCH, stream: Stream::Out, text };
        let (_, size) = sized(line("\u{1}".repeat(16 * 1024)), &redactor);
        assert!(size + 512 < MAX_FRAME_BYTES, "{size}");
        let (clean, _) = sized(line("it is s3cret-value here".into()), &redactor);
        assert!(!clean.text.contains("s3cret-value"), "{}", clean.text);
        let event = NodeEvent::Notice { code: "x".into(), message: "a\nb ".repeat(3000) + "s3cret-value" };
        let NodeEvent::Notice { message, .. } = cleaned(event, &redactor) else { panic!("a notice") };
        assert!(message.len() < EVENT_TEXT_BYTES + 8 && !message.contains('\n'));
    }
}
