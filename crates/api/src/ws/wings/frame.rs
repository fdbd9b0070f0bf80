//! What is said: `{"event": name, "args": [text, …]}` both ways.

use serde::{Deserialize, Serialize};

/// What a client asks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Asked {
    /// Who it is, also again.
    Auth(String),
    /// `start`, `stop`, `restart` or `kill`.
    SetState(String),
    /// A line for the console.
    SendCommand(String),
    /// The last lines.
    SendLogs,
    /// How it is.
    SendStats,
    /// What no version of ours knows: left alone, as Wings does.
    Other,
}

impl Asked {
    /// Its event, as it is written.
    pub const fn event(&self) -> &'static str {
        match self {
            Self::Auth(_) => "auth",
            Self::SetState(_) => "set state",
            Self::SendCommand(_) => "send command",
            Self::SendLogs => "send logs",
            Self::SendStats => "send stats",
            Self::Other => "",
        }
    }
}

#[derive(Deserialize)]
struct Frame {
    event: String,
    /// Clients send `[null]` where they have nothing to say.
    #[serde(default)]
    args: Option<Vec<Option<String>>>,
}

/// Reads a frame.
///
/// # Errors
/// Why it is none: no JSON, or arguments that are no texts.
pub fn read(text: &str) -> Result<Asked, String> {
    let frame: Frame = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let first = frame.args.unwrap_or_default().into_iter().next().flatten();
    let needs = |what: &str| first.clone().ok_or_else(|| format!("`{}` needs {what}", frame.event));
    Ok(match frame.event.as_str() {
        "auth" => Asked::Auth(needs("a token")?),
        "set state" => Asked::SetState(needs("a state")?),
        "send command" => Asked::SendCommand(needs("a line")?),
        "send logs" => Asked::SendLogs,
        "send stats" => Asked::SendStats,
        _ => Asked::Other,
    })
}

#[derive(Serialize)]
struct Told<'a> {
    event: &'a str,
    args: &'a [&'a str],
}

/// Writes a frame.
pub fn write(event: &str, args: &[&str]) -> String {
    serde_json::to_string(&Told { event, args }).expect("texts alone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_clients_write_them() {
        let check = |text: &str, expected: Option<Asked>| assert_eq!(read(text).ok(), expected, "{text}");
        check(r#"{"event":"auth","args":["a.b.c"]}"#, Some(Asked::Auth("a.b.c".into())));
        check(r#"{"event":"send logs","args":[null]}"#, Some(Asked::SendLogs));
        check(r#"{"event":"send logs"}"#, Some(Asked::SendLogs));
        check(r#"{"event":"send stats","args":null}"#, Some(Asked::SendStats));
        check(r#"{"args":["kill"],"event":"set state"}"#, Some(Asked::SetState("kill".into())));
        check(r#"{"event":"send command","args":["say","more"]}"#, Some(Asked::SendCommand("say".into())));
        check(r#"{"event":"backup completed","args":["x"]}"#, Some(Asked::Other));
        for bad in [
            "",
            "[]",
            "null",
            r#"{"event":"auth","args":[]}"#,
            r#"{"event":"auth","args":[null]}"#,
            r#"{"event":"set state","args":[1]}"#,
            r#"{"event":"set state","args":"kill"}"#,
            r#"{"event":"send command","args":[{"line":"x"}]}"#,
            r#"{"event":7,"args":["x"]}"#,
            r#"{"event":"auth","args":["x"]} trailing"#,
        ] {
            check(bad, None);
        }
        assert_eq!(write("status", &["running"]), r#"{"event":"status","args":["running"]}"#);
        assert_eq!(write("auth success", &[]), r#"{"event":"auth success","args":[]}"#);
    }
}
