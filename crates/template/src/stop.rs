//! Stop values of eggs: a console command, or `^` and what is meant by it.

use sf_protocol::server::{ServerVerb, Stop};
use sf_types::Millis;

use crate::text::quoted;

/// Time a server has to end by itself unless its template says otherwise: 30 s.
pub const DEFAULT_GRACE: Millis = Millis::secs(30);

/// Signals that stop a server, and their numbers on Linux.
pub const SIGNALS: &[(&str, u8)] =
    &[("SIGINT", 2), ("SIGTERM", 15), ("SIGQUIT", 3), ("SIGHUP", 1), ("SIGUSR1", 10), ("SIGUSR2", 12), ("SIGKILL", 9)];

/// Reads an egg's stop value. `^C`, `^^C` and `^SIGINT` are SIGINT: other panels kill at some of them, and what was not
/// saved is lost. Answers what was not understood, too.
pub fn parse(value: &str) -> (Stop, Option<String>) {
    let value = value.trim();
    let is_key = value.chars().count() == 1 && value.chars().all(char::is_control);
    if value.starts_with('^') || is_key {
        return by_signal(value);
    }
    if value.is_empty() {
        let doubt = "It says nothing, so the server is stopped by SIGTERM.".to_owned();
        return (signal("SIGTERM"), Some(doubt));
    }
    if let Some((name, _)) = SIGNALS.iter().find(|(name, _)| *name == value) {
        let doubt = format!("{name} is a signal and no command; written as ^{name} it means that everywhere.");
        return (signal(name), Some(doubt));
    }
    let lines: Vec<&str> = value.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let line: String = lines.last().copied().unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
    if line.len() > ServerVerb::COMMAND_BYTES || line.is_empty() {
        let doubt = format!("A command of {} bytes cannot be sent; the server is stopped by SIGTERM.", line.len());
        return (signal("SIGTERM"), Some(doubt));
    }
    let doubt = (line != value).then(|| format!("Only one line is sent: {}.", quoted(&line)));
    (Stop::Command { line, grace: DEFAULT_GRACE }, doubt)
}

fn by_signal(value: &str) -> (Stop, Option<String>) {
    let meant = value.trim_start_matches('^').trim().to_ascii_uppercase();
    let known = match meant.as_str() {
        "C" | "\u{3}" => Some("SIGINT"),
        "\\" | "\u{1c}" => Some("SIGQUIT"),
        _ => SIGNALS.iter().find_map(|(name, number)| {
            let is_it =
                meant == *name || Some(meant.as_str()) == name.strip_prefix("SIG") || meant == number.to_string();
            is_it.then_some(*name)
        }),
    };
    match known {
        Some(name) => (signal(name), None),
        None => {
            let doubt = format!("{} is no signal that stops a server; SIGTERM is sent in its place.", quoted(value));
            (signal("SIGTERM"), Some(doubt))
        }
    }
}

fn signal(name: &str) -> Stop {
    Stop::Signal { signal: name.to_owned(), grace: DEFAULT_GRACE }
}

/// As an egg writes it. Not every stop survives this: a grace of one's own does not.
pub fn write(stop: &Stop) -> String {
    match stop {
        Stop::Command { line, .. } => line.clone(),
        Stop::Signal { signal, .. } if signal == "SIGINT" => "^C".to_owned(),
        Stop::Signal { signal, .. } => format!("^{signal}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: &str, is_sure: bool) {
        let (stop, doubt) = parse(value);
        let shown = match &stop {
            Stop::Command { line, grace } => format!("{line} {}", grace.0),
            Stop::Signal { signal, grace } => format!("^{signal} {}", grace.0),
        };
        assert_eq!(shown, format!("{expected} 30000"), "{value:?}");
        assert_eq!(doubt.is_none(), is_sure, "{value:?}: {doubt:?}");
    }

    #[test]
    fn every_way_to_stop_is_understood() {
        for value in ["^C", "^^C", "^c", "^^c", "^SIGINT", "^sigint", "^INT", "^2", " ^C ", "\u{3}"] {
            check(value, "^SIGINT", true);
        }
        for (value, expected) in [
            ("^SIGTERM", "^SIGTERM"),
            ("^15", "^SIGTERM"),
            ("^SIGKILL", "^SIGKILL"),
            ("^\\", "^SIGQUIT"),
            ("stop", "stop"),
            ("/stop", "/stop"),
            ("save-all; quit", "save-all; quit"),
            ("C", "C"),
        ] {
            check(value, expected, true);
        }
        for (value, expected) in [
            ("^X", "^SIGTERM"),
            ("^SIGABRT", "^SIGTERM"),
            ("^", "^SIGTERM"),
            ("", "^SIGTERM"),
            ("SIGINT", "^SIGINT"),
            ("save\nquit", "quit"),
            ("\u{1b}[2Jstop", "[2Jstop"),
        ] {
            check(value, expected, false);
        }
        check(&"x".repeat(1025), "^SIGTERM", false);
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (name, _) in SIGNALS {
            assert_eq!(parse(&write(&signal(name))), (signal(name), None));
        }
    }
}
