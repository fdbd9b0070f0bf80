//! What a host has to bring back: sealed with a key that every control plane over this database has, so that any of them can
//! open it. Bound to who it was given to; what binds it to a call is in it.

use std::time::Duration;

use rmcp::model::{RequestStateCodec, SealOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sf_control::{Control, key};
use sf_types::{ApprovalId, RunId};
use sha2::{Digest, Sha256};

use super::rates::Principal;
use crate::call::Held;

/// Opens and closes.
#[derive(Clone, Debug)]
pub(super) struct Seals(RequestStateCodec);

/// A call that waits for a person, as it is handed to its host.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Waiting {
    /// Good once.
    pub(super) nonce: String,
    pub(super) approval: ApprovalId,
    pub(super) run: RunId,
    pub(super) url: String,
}

/// A task: a name for a run, which nobody can guess and which is good for one principal.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct TaskName {
    pub(super) run: RunId,
}

impl Seals {
    pub(super) fn new(control: &Control) -> Self {
        Self(RequestStateCodec::new_unchecked(key::seal_key(control).to_vec()))
    }

    /// For the answer to a call that is to be repeated with it.
    pub(super) fn call(
        &self,
        who: Principal,
        call: &Digested,
        waiting: &Waiting,
        good_for: Duration,
    ) -> Option<String> {
        let bound = bound("call", who, Some(call));
        let options = SealOptions::new().associated_data(bound.as_bytes()).ttl(good_for);
        self.0.seal_json_with(waiting, &options).ok()
    }

    /// Nothing for what was given to somebody else, for another call, too long ago, or by nobody. Why is not told.
    pub(super) fn opened_call(&self, who: Principal, call: &Digested, sealed: &str) -> Option<Waiting> {
        self.0.open_json_with(sealed, bound("call", who, Some(call)).as_bytes()).ok()
    }

    /// The name of a task.
    pub(super) fn task(&self, who: Principal, held: &Held) -> Option<String> {
        let bound = bound("task", who, None);
        let options = SealOptions::new().associated_data(bound.as_bytes());
        self.0.seal_json_with(&TaskName { run: held.run }, &options).ok()
    }

    /// Nothing for a name that this principal was not given.
    pub(super) fn opened_task(&self, who: Principal, name: &str) -> Option<TaskName> {
        self.0.open_json_with(name, bound("task", who, None).as_bytes()).ok()
    }
}

/// A tool and its arguments, whichever way they are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Digested(String);

impl Digested {
    pub(super) fn of(tool: &str, arguments: &Map<String, Value>) -> Self {
        let mut hash = Sha256::new();
        feed(&mut hash, &Value::String(tool.to_owned()));
        feed_map(&mut hash, arguments);
        Self(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Keys in their order, and nothing between them: two writings of one value are one.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Object(map) => feed_map(hash, map),
        Value::Array(list) => {
            hash.update(b"[");
            for item in list {
                feed(hash, item);
                hash.update(b",");
            }
            hash.update(b"]");
        }
        plain => hash.update(plain.to_string().as_bytes()),
    }
}

fn feed_map(hash: &mut Sha256, map: &Map<String, Value>) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort();
    hash.update(b"{");
    for key in keys {
        hash.update(Value::String(key.clone()).to_string().as_bytes());
        hash.update(b":");
        feed(hash, &map[key]);
        hash.update(b",");
    }
    hash.update(b"}");
}

fn bound(what: &str, who: Principal, call: Option<&Digested>) -> String {
    let call = call.map_or("", |call| call.0.as_str());
    format!("{what}|{}|{}|{call}", who.user, who.token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_is_no_difference_and_all_else_is() {
        let of = |text: &str, tool: &str| {
            let Value::Object(map) = serde_json::from_str(text).unwrap() else { panic!("an object") };
            Digested::of(tool, &map)
        };
        let one = of(r#"{"a":1,"b":{"c":[1,"x"],"d":null}}"#, "deploy");
        assert_eq!(one, of(r#"{ "b": {"d": null, "c": [1, "x"]}, "a": 1 }"#, "deploy"));
        for other in [
            of(r#"{"a":1,"b":{"c":[1,"x"],"d":null}}"#, "stop"),
            of(r#"{"a":1,"b":{"c":["x",1],"d":null}}"#, "deploy"),
            of(r#"{"a":"1","b":{"c":[1,"x"],"d":null}}"#, "deploy"),
            of(r#"{"a":1,"b":{"c":[1,"x"]}}"#, "deploy"),
            of(r#"{"a":1,"b":{"c":[1],"x":null,"d":null}}"#, "deploy"),
        ] {
            assert_ne!(one, other);
        }
        assert_eq!(json!({}).as_object().map(|map| Digested::of("x", map)), Some(of("{}", "x")));
    }
}
