//! Structured logs: one JSON object a line, `{timestamp, level, message, correlationId, agentId, context}`.

use std::fmt;
use std::io::IsTerminal;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::clock::Clock;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// JSON when standard error is no terminal.
    Auto,
    /// Always JSON.
    Json,
    /// For people.
    Text,
}

/// Installs the process-wide subscriber on standard error. `filter` is a tracing filter (`info,sf_agent=debug`); a
/// second call is ignored, so tests may call it freely.
pub fn install(filter: &str, format: LogFormat) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let json = match format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let installed = if json {
        builder.event_format(JsonLine { clock: Clock::system() }).try_init()
    } else {
        builder.with_target(false).try_init()
    };
    drop(installed);
}

/// A filter by which `target` says only what is of `level`, unless the filter speaks of that target itself: for libraries that
/// are loud about what others do.
pub fn quieter(filter: &str, (target, level): (&str, &str)) -> String {
    let speaks_of = |directive: &str| {
        let rest = directive.trim().strip_prefix(target);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '=', '[']))
    };
    let is_off = filter.trim().eq_ignore_ascii_case("off");
    if is_off || filter.split(',').any(speaks_of) { filter.to_owned() } else { format!("{filter},{target}={level}") }
}

/// Formats one event as the documented JSON object. Fields named `correlation_id` and `agent_id` are lifted from
/// the event or from the nearest span that has them.
struct JsonLine {
    clock: Clock,
}

impl<S, N> FormatEvent<S, N> for JsonLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let mut context = fields.0;
        let message = context.remove("message").unwrap_or(Value::Null);
        let correlation = context.remove("correlation_id").unwrap_or(Value::Null);
        let agent = context.remove("agent_id").unwrap_or(Value::Null);
        context.insert("target".into(), event.metadata().target().into());
        let mut line = Map::new();
        line.insert("timestamp".into(), self.clock.now().to_string().into());
        line.insert("level".into(), event.metadata().level().as_str().to_lowercase().into());
        line.insert("message".into(), message);
        line.insert("correlationId".into(), correlation);
        line.insert("agentId".into(), agent);
        line.insert("context".into(), Value::Object(context));
        writeln!(writer, "{}", Value::Object(line))
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().into(), format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().into(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().into(), value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::fmt::MakeWriter;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Sink {
        type Writer = Self;

        fn make_writer(&'a self) -> Self {
            self.clone()
        }
    }

    #[test]
    fn a_loud_library_is_quiet_unless_somebody_asks_for_it() {
        for (filter, expected) in [
            ("info", "info,loud=error"),
            ("info,sf_api=debug", "info,sf_api=debug,loud=error"),
            ("info,louder=debug", "info,louder=debug,loud=error"),
            ("info,loud=debug", "info,loud=debug"),
            ("info, loud::part=trace", "info, loud::part=trace"),
            ("loud", "loud"),
            ("off", "off"),
        ] {
            assert_eq!(quieter(filter, ("loud", "error")), expected);
        }
    }

    #[test]
    fn a_line_has_the_documented_fields_and_nothing_else() {
        let sink = Sink::default();
        let clock = Clock::manual(sf_types::Timestamp::from_millis(0));
        let subscriber = tracing_subscriber::fmt().with_writer(sink.clone()).event_format(JsonLine { clock }).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(correlation_id = "req-1", agent_id = "node-1", bytes = 7_u64, "line \"one\"\n");
        });
        let line: Value = serde_json::from_slice(&sink.0.lock().unwrap()).unwrap();
        assert_eq!(
            line,
            serde_json::json!({
                "timestamp": "1970-01-01T00:00:00.000Z", "level": "info", "message": "line \"one\"\n",
                "correlationId": "req-1", "agentId": "node-1",
                "context": {"bytes": 7, "target": "sf_runtime::telemetry::tests"},
            })
        );
    }
}
