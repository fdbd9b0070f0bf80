//! Lengths of time on the command line, and the moments they lead to.

use std::str::FromStr;

use sf_engine::workflow::Span;
use sf_runtime::Clock;

/// A length of time: `30m`, `1h30m`, `7d`.
pub fn span(text: &str) -> Result<Span, String> {
    match Span::from_str(text) {
        Ok(span) if span.is_zero() => Err("it has to be longer than nothing".to_owned()),
        span => span.map_err(|bad| bad.to_string()),
    }
}

/// The moment after so long from now, as the API takes it: milliseconds since 1970.
pub fn after(spans: &[Span]) -> String {
    let now = Clock::system().now();
    spans.iter().fold(now, |moment, span| moment.plus(span.duration())).as_millis().to_string()
}
