//! What the bridge has to know of a message: which headers it travels with, and how it is told from others. Pure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Where a message of the newer protocol says which revision it speaks.
const VERSION: &str = "io.modelcontextprotocol/protocolVersion";

/// A message from a host.
#[derive(Clone, Debug, PartialEq)]
pub struct Message(Value);

impl Message {
    /// Reads a line.
    ///
    /// # Errors
    /// It is no JSON object.
    pub fn read(line: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        if value.is_object() { Ok(Self(value)) } else { Err("a message is a JSON object".to_owned()) }
    }

    /// What is to be answered, where it wants an answer.
    pub fn id(&self) -> Option<&Value> {
        self.method().and(self.0.get("id")).filter(|id| !id.is_null())
    }

    /// What it asks for; nothing for answers.
    pub fn method(&self) -> Option<&str> {
        self.0.get("method").and_then(Value::as_str)
    }

    /// Which request it takes back, where it does.
    pub fn cancels(&self) -> Option<&Value> {
        (self.method() == Some("notifications/cancelled")).then(|| self.0.pointer("/params/requestId")).flatten()
    }

    /// Its revision, where it says one itself.
    pub fn revision(&self) -> Option<&str> {
        self.0.get("params")?.get("_meta")?.get(VERSION)?.as_str()
    }

    /// The headers that repeat it. Source: the protocol's revision 2026-07-28, "Streamable HTTP".
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        let (Some(revision), Some(method)) = (self.revision(), self.method()) else { return headers };
        headers.push(("mcp-protocol-version", revision.to_owned()));
        headers.push(("mcp-method", method.to_owned()));
        let field = match method {
            "tools/call" | "prompts/get" => "/params/name",
            "resources/read" => "/params/uri",
            _ if method.starts_with("tasks/") => "/params/taskId",
            _ => return headers,
        };
        if let Some(name) = self.0.pointer(field).and_then(Value::as_str) {
            headers.push(("mcp-name", in_header(name)));
        }
        headers
    }

    /// As it is sent.
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

/// A value that a header can hold: as it is, or encoded.
fn in_header(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let is_bare = value.trim() == value && !value.starts_with("=?base64?");
    if is_plain && is_bare { value.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(value)) }
}

/// An error in the protocol's words, for a request that the bridge could not have answered.
pub fn error(id: Option<&Value>, code: i64, message: &str) -> String {
    json!({ "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message } }).to_string()
}

/// Messages of a stream of events, as they come in pieces.
#[derive(Debug, Default)]
pub struct Events {
    rest: Vec<u8>,
    data: String,
}

impl Events {
    /// Takes a piece; answers the messages that it completes. Source: HTML, "Server-sent events", section 9.2.6.
    pub fn take(&mut self, piece: &[u8]) -> Vec<String> {
        self.rest.extend_from_slice(piece);
        let mut whole = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let data = std::mem::take(&mut self.data);
                whole.extend((!data.trim().is_empty()).then_some(data));
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_repeat_what_a_message_of_today_says() {
        let of = |method: &str, params: &str| {
            let meta = r#""_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28"}"#;
            let line = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{{{params}{meta}}}}}"#);
            Message::read(&line).unwrap().headers().into_iter().map(|(_, value)| value).collect::<Vec<_>>()
        };
        assert_eq!(of("tools/list", ""), ["2026-07-28", "tools/list"]);
        assert_eq!(of("tools/call", r#""name":"find","#), ["2026-07-28", "tools/call", "find"]);
        assert_eq!(of("resources/read", r#""uri":"a://ä","#), ["2026-07-28", "resources/read", "=?base64?YTovL8Ok?="]);
        assert_eq!(of("tasks/get", r#""taskId":"t","#), ["2026-07-28", "tasks/get", "t"]);
        assert_eq!(of("prompts/get", r#""name":" x","#)[2], "=?base64?IHg=?=");
        let legacy = Message::read(r#"{"id":1,"method":"tools/call","params":{"name":"find"}}"#).unwrap();
        assert!(legacy.headers().is_empty());
    }

    #[test]
    fn answers_and_notices_want_no_answer() {
        for (line, id) in [
            (r#"{"id":1,"method":"ping"}"#, Some(json!(1))),
            (r#"{"id":1,"result":{}}"#, None),
            (r#"{"method":"notifications/initialized"}"#, None),
            (r#"{"id":null,"method":"ping"}"#, None),
        ] {
            assert_eq!(Message::read(line).unwrap().id().cloned(), id, "{line}");
        }
        let cancel = r#"{"method":"notifications/cancelled","params":{"requestId":"a"}}"#;
        assert_eq!(Message::read(cancel).unwrap().cancels(), Some(&json!("a")));
        assert!(Message::read("[]").is_err() && Message::read("{").is_err());
    }

    #[test]
    fn a_stream_is_read_however_it_is_cut() {
        let stream = "id: 0\nretry: 3000\ndata:\n\n: ping\n\ndata: {\"a\":1}\r\n\r\ndata: {\"b\":\ndata: 2}\n\n";
        for size in [1, 2, 7, stream.len()] {
            let mut events = Events::default();
            let whole: Vec<_> = stream.as_bytes().chunks(size).flat_map(|piece| events.take(piece)).collect();
            assert_eq!(whole, ["{\"a\":1}", "{\"b\":\n2}"], "{size}");
        }
    }
}
