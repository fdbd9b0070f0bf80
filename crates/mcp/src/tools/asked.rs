//! A call under way: who asks, with what, and what a tool may do for it.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sf_actions::AccessScope;
use sf_control::Control;
use sf_control::workflow::Seen;
use sf_types::{ErrorKind, Fault, RequestId};

use super::Options;
use super::input::Input;
use super::output::{self, Fence};
use crate::call::{Caller, Held, Refusal};

/// A call under way.
pub(super) struct Asked<'a> {
    pub(super) control: &'a Control,
    pub(super) options: &'a Options,
    pub(super) caller: &'a Caller,
    pub(super) request: RequestId,
    pub(super) input: Input,
    /// Its canonical arguments.
    pub(super) digest: [u8; 32],
    pub(super) patience: Duration,
    pub(super) fence: Fence,
}

/// What a tool has to say.
#[derive(Debug)]
pub(super) enum Said {
    /// It is done.
    Done(Value),
    /// A person decides.
    Held(Held),
}

/// Why a tool stops.
#[derive(Debug)]
pub(super) enum Stop {
    Refused(Box<Refusal>),
    Scopes(Vec<AccessScope>),
}

/// The answer of a tool.
pub(super) type Result<T> = std::result::Result<T, Stop>;

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Refused(Box::new(Refusal { next: after(&fault), fault, retry_safe: true }))
    }
}

/// What helps after a fault. Calls that change something have keys, so that each may be made again.
fn after(fault: &Fault) -> Vec<(String, String)> {
    let step = |tool: &str, why: &str| vec![(tool.to_owned(), why.to_owned())];
    match fault.kind {
        ErrorKind::NotFound => step("find", "Look for what it is called."),
        ErrorKind::Unavailable | ErrorKind::Timeout => step("overview", "See whether its machine is connected."),
        ErrorKind::Invalid => step("search_docs", "Read how it is done."),
        _ => Vec::new(),
    }
}

/// Refuses for a reason of the tools' own.
pub(super) fn refuse<T>(kind: ErrorKind, code: &str, message: impl Into<String>, fix: impl Into<String>) -> Result<T> {
    Err(Fault::new(kind, code, message).fix(fix).into())
}

impl Asked<'_> {
    /// What the API shows this caller.
    pub(super) async fn see(&self, path: &str) -> Result<Seen> {
        Ok(self.control.see(&self.caller.actor, self.request, path).await?)
    }

    /// The data of it.
    pub(super) async fn data(&self, path: &str) -> Result<Value> {
        Ok(self.see(path).await?.data)
    }

    /// The same, and nothing where it may not see it, it is not there, or a machine does not answer.
    pub(super) async fn maybe(&self, path: &str) -> Value {
        self.control.see(&self.caller.actor, self.request, path).await.map_or(Value::Null, |seen| seen.data)
    }

    /// The address of a page for people.
    pub(super) fn page(&self, path: &str) -> String {
        format!("{}{path}", self.options.public_url.trim_end_matches('/'))
    }

    /// # Errors
    /// A challenge with all of them where one is missing.
    pub(super) fn needs(&self, scopes: &[AccessScope]) -> Result<()> {
        if scopes.iter().all(|scope| has(&self.caller.scopes, *scope)) {
            Ok(())
        } else {
            Err(Stop::Scopes(scopes.to_vec()))
        }
    }

    /// An answer with what to do next.
    pub(super) fn done(&self, fields: &[(&str, Value)], next: &[(&str, &str)]) -> Said {
        let mut answer: Map<String, Value> = fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        answer.insert("next".to_owned(), output::next(next));
        Said::Done(Value::Object(answer))
    }

    /// A name that others chose, as it may be told.
    pub(super) fn name(&self, raw: &str) -> Value {
        json!(self.fence.name(raw))
    }
}

/// Whether these scopes hold this one.
pub(super) fn has(scopes: &[AccessScope], wanted: AccessScope) -> bool {
    scopes.contains(&wanted) || scopes.contains(&AccessScope::Admin)
}

/// A text as a part of a query.
pub(super) fn encoded(text: &str) -> String {
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}
