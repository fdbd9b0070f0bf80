//! What is said over a socket.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sf_types::{Fault, Timestamp};

use crate::view::Time;

/// From a client: exactly one of these.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum FromClient {
    /// Follow these.
    Subscribe(Subscribe),
    /// Follow these no more.
    Unsubscribe(Unsubscribe),
    /// Are you there? Answered by `pong` with the same number.
    Ping(i64),
}

/// What to follow, and from where.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Subscribe {
    /// `run:<id>`, `app:<id>`, `node:<id>`, `logs:app:<id>`, `logs:run:<id>`, `runs`, `apps`, `nodes`, `approvals`,
    /// `system`.
    pub topics: Vec<String>,
    /// Also everything after this event.
    #[serde(default)]
    pub after: Option<String>,
    /// For logs: also every line after this one.
    #[serde(default)]
    pub after_line: Option<String>,
}

/// What to follow no more.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unsubscribe {
    /// As in [`Subscribe`].
    pub topics: Vec<String>,
}

/// An event as a client gets it.
#[derive(Debug, Serialize)]
pub struct ToClient<'a> {
    /// Its name: `run.update`.
    pub event: &'a str,
    /// Its number, for `after`; absent for what is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<String>,
    /// The topic through which it is heard.
    pub topic: &'a str,
    /// When it happened.
    pub at: Time,
    /// What happened.
    pub data: &'a RawValue,
}

/// An event, written.
pub fn event(name: &str, seq: u64, topic: &str, at: Timestamp, data: &str) -> String {
    let Ok(data) = serde_json::from_str::<&RawValue>(data) else {
        tracing::error!(event = name, seq, "an event's data is no JSON");
        return failure(&Fault::new(sf_types::ErrorKind::Internal, "events.data", "An event cannot be shown."));
    };
    let seq = (seq != 0).then(|| seq.to_string());
    written(&ToClient { event: name, seq, topic, at: Time(at), data })
}

/// Events `from` to `to` were not delivered.
pub fn lagged(from: u64, to: u64) -> String {
    written(&serde_json::json!({ "event": "lagged", "from": from.to_string(), "to": to.to_string() }))
}

/// What is followed now, and up to which event everything was told.
pub fn subscribed(topics: &[String], seq: u64) -> String {
    written(&serde_json::json!({ "subscribed": { "topics": topics, "seq": seq.to_string() } }))
}

/// What is followed no more.
pub fn unsubscribed(topics: &[String]) -> String {
    written(&serde_json::json!({ "unsubscribed": { "topics": topics } }))
}

/// The answer to a ping.
pub fn pong(number: i64) -> String {
    written(&serde_json::json!({ "pong": number }))
}

/// Why something was not done.
pub fn failure(fault: &Fault) -> String {
    let fix = Some(&fault.fix).filter(|fix| !fix.is_empty());
    written(&serde_json::json!({ "error": { "code": fault.code, "message": fault.message, "fix": fix } }))
}

fn written<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("messages are structs, lists, numbers and strings with text keys")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_read_strictly() {
        let subscribe = r#"{"subscribe":{"topics":["runs"],"after":"12"}}"#;
        let FromClient::Subscribe(read) = serde_json::from_str(subscribe).unwrap() else { panic!("a subscribe") };
        assert_eq!((read.topics, read.after.as_deref()), (vec!["runs".to_owned()], Some("12")));
        assert_eq!(serde_json::from_str::<FromClient>(r#"{"ping":3}"#).unwrap(), FromClient::Ping(3));
        for bad in ["", "{}", r#"{"subscribe":{}}"#, r#"{"subscribe":{"topics":[],"x":1}}"#, r#"{"other":1}"#] {
            assert!(serde_json::from_str::<FromClient>(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_event_carries_its_number_and_its_data_as_they_are() {
        let text = event("run.update", 12, "runs", Timestamp::from_millis(0), r#"{"id":"x"}"#);
        assert_eq!(
            text,
            r#"{"event":"run.update","seq":"12","topic":"runs","at":"1970-01-01T00:00:00.000Z","data":{"id":"x"}}"#
        );
        assert!(!event("node.metrics", 0, "nodes", Timestamp::from_millis(0), "{}").contains("seq"));
    }
}
