//! What of a message the door has to know before anybody reads it: its method, its id, and the tool it calls.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

/// Methods that are counted by name; all others are `other`, so that nobody can make up labels.
const METHODS: [&str; 20] = [
    "initialize",
    "server/discover",
    "ping",
    "tools/list",
    "tools/call",
    "resources/list",
    "resources/templates/list",
    "resources/read",
    "resources/subscribe",
    "resources/unsubscribe",
    "prompts/list",
    "prompts/get",
    "completion/complete",
    "logging/setLevel",
    "subscriptions/listen",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
];

/// A message from afar.
#[derive(Debug, PartialEq)]
pub(super) struct Glance {
    /// One of [`METHODS`], or `other`; `reply` for an answer to a question of ours.
    pub(super) method: &'static str,
    /// To be answered under, where it wants an answer.
    pub(super) id: Option<Value>,
    /// What it calls, where it calls a tool.
    pub(super) tool: Option<String>,
}

/// Why a body is no message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoMessage {
    /// It is not JSON.
    Unreadable,
    /// It is JSON, and something else.
    Other,
    /// Several at once: only one revision of the protocol had that, and hosts of it do without.
    Batch,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    id: Option<Value>,
    #[serde(borrow)]
    params: Option<Params<'a>>,
}

#[derive(Deserialize)]
struct Params<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

impl Glance {
    /// Looks at a body.
    pub(super) fn at(body: &[u8]) -> Result<Self, NoMessage> {
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => {}
            Some(b'[') if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() => {
                return Err(NoMessage::Batch);
            }
            _ if serde_json::from_slice::<serde::de::IgnoredAny>(body).is_ok() => return Err(NoMessage::Other),
            _ => return Err(NoMessage::Unreadable),
        }
        let message: Message<'_> = serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => NoMessage::Other,
            _ => NoMessage::Unreadable,
        })?;
        let Some(method) = message.method else {
            return Ok(Self { method: "reply", id: None, tool: None });
        };
        let known = METHODS.into_iter().find(|known| *known == method).unwrap_or("other");
        let name = message.params.and_then(|params| params.name);
        let tool = (known == "tools/call").then(|| name.unwrap_or_default().into_owned());
        Ok(Self { method: known, id: message.id.filter(|id| !id.is_null()), tool })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_glance_is_enough() {
        let check = |body: &str, expected: Result<(&'static str, Option<Value>, Option<&str>), NoMessage>| {
            let expected = expected.map(|(method, id, tool)| Glance { method, id, tool: tool.map(str::to_owned) });
            assert_eq!(Glance::at(body.as_bytes()), expected, "{body}");
        };
        check(
            r#"{"method":"tools/call","id":7,"params":{"name":"find"}}"#,
            Ok(("tools/call", Some(json!(7)), Some("find"))),
        );
        check(
            r#"{"method":"prompts/get","id":"a","params":{"name":"x"}}"#,
            Ok(("prompts/get", Some(json!("a")), None)),
        );
        check(r#"{"method":"tools\/call","id":null}"#, Ok(("tools/call", None, Some(""))));
        check(r#"{"method":"evil/made up"}"#, Ok(("other", None, None)));
        check(r#"{"result":{},"id":1}"#, Ok(("reply", None, None)));
        check("[]", Err(NoMessage::Batch));
        check("3", Err(NoMessage::Other));
        check(r#"{"method":3}"#, Err(NoMessage::Other));
        check("{", Err(NoMessage::Unreadable));
        check("", Err(NoMessage::Unreadable));
        check(&"[".repeat(100_000), Err(NoMessage::Unreadable));
    }
}
