//! What can be read at an address, as tools read it: the same views, the same boundary, the same taint.

use std::sync::LazyLock;
use std::time::Instant;

use serde_json::{Map, Value, json};
use sf_actions::AccessScope;
use sf_types::{ErrorKind, Fault};

use super::asked::{Asked, Result, Said, Stop, encoded, has};
use super::input::Input;
use super::output::{pick, rows};
use super::verdict::canonical;
use super::{Tools, catalog, done, log};
use crate::call::{Abilities, Answer, Call, Caller, Outcome, Reading, Refusal, ResourceSpec};

const JSON: &str = "application/json";
/// How reading an address stands in the log of calls.
const READ: &str = "read_resource";
/// Lines of the audit told.
const AUDITED: usize = 50;

/// All of them, in the order in which they are listed.
pub(super) fn all() -> &'static [ResourceSpec] {
    static ALL: LazyLock<Vec<ResourceSpec>> = LazyLock::new(|| {
        let one =
            |uri, name, title, description, scope| ResourceSpec { uri, name, title, description, mime: JSON, scope };
        vec![
            one(
                "serverflow://overview",
                "overview",
                "Overview",
                "Counts, open problems, what waits.",
                AccessScope::Read,
            ),
            one(
                "serverflow://apps/{id}",
                "app",
                "App",
                "An app with its settings, releases and runs.",
                AccessScope::Read,
            ),
            one(
                "serverflow://servers/{id}",
                "server",
                "Server",
                "A server with its settings and runs.",
                AccessScope::Read,
            ),
            one("serverflow://deployments/{id}/log", "deployment_log", "Log of a deployment", "By its run.", LOG_SCOPE),
            one(
                "serverflow://audit/{id}",
                "audit",
                "Audit of a thing",
                "Who did what to it, by its id.",
                AccessScope::Admin,
            ),
        ]
    });
    &ALL
}

/// What reading a deployment's log needs.
pub(super) const LOG_SCOPE: AccessScope = AccessScope::Read;

/// The address of a deployment's log, by its run.
pub(super) fn log_of(run: &str) -> String {
    format!("serverflow://deployments/{run}/log")
}

/// What an address means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Place<'a> {
    Overview,
    App(&'a str),
    Server(&'a str),
    Log(&'a str),
    Audit(&'a str),
}

fn place(uri: &str) -> Option<Place<'_>> {
    let rest = uri.strip_prefix("serverflow://")?;
    let is_id = |id: &str| {
        !id.is_empty()
            && id.len() <= 64
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    let parts: Vec<&str> = rest.split('/').collect();
    Some(match parts[..] {
        ["overview"] => Place::Overview,
        ["apps", id] if is_id(id) => Place::App(id),
        ["servers", id] if is_id(id) => Place::Server(id),
        ["deployments", id, "log"] if is_id(id) => Place::Log(id),
        ["audit", id] if is_id(id) => Place::Audit(id),
        _ => return None,
    })
}

/// Reads what is at an address; kept in the log as a call is.
pub(super) async fn read(tools: &Tools, caller: &Caller, uri: &str) -> std::result::Result<Reading, Fault> {
    let begun = Instant::now();
    let missing = || Fault::new(ErrorKind::NotFound, "resource.unknown", "There is nothing at this address.");
    let place = place(uri).ok_or_else(missing)?;
    let request = tools.request();
    let (tool, arguments) = match place {
        Place::Overview | Place::Audit(_) => ("overview", json!({})),
        Place::App(id) => ("status", json!({ "target": id, "kind": "app", "detail": "full" })),
        Place::Server(id) => ("status", json!({ "target": id, "kind": "server", "detail": "full" })),
        Place::Log(id) => ("logs", json!({ "target": id, "limit": 200 })),
    };
    let needed = if matches!(place, Place::Audit(_)) { AccessScope::Admin } else { AccessScope::Read };
    if !has(&caller.scopes, needed) {
        return Err(missing());
    }
    let arguments = arguments.as_object().cloned().unwrap_or_default();
    let schema = &catalog::named(tool).ok_or_else(missing)?.input;
    let asked = tools.asked(caller, request, Input::new(arguments.clone(), schema)?);
    let said = match place {
        Place::Audit(id) => audit(&asked, id).await,
        _ => Box::pin(super::dispatch(&asked, tool)).await,
    };
    let untrusted = asked.fence.is_used();
    let outcome = match said {
        Ok(Said::Done(structured)) => done(structured, untrusted, Vec::new()),
        Ok(Said::Held(_)) => return Err(missing()),
        Err(Stop::Scopes(_)) => return Err(missing()),
        Err(stop) => super::refused(stop),
    };
    let mut called = {
        let mut given = Map::new();
        given.insert("uri".to_owned(), json!(uri));
        let digest = canonical::digest(READ, &given);
        let (caller, tool, patience) = (caller.clone(), READ.to_owned(), std::time::Duration::ZERO);
        let call = Call { caller, request, tool, arguments: given, abilities: Abilities::default(), patience };
        log::called(&call, digest, &outcome, (false, untrusted))
    };
    called.took = begun.elapsed();
    tools.control().note_call(&caller.actor, called).await?;
    match outcome {
        Outcome::Done(Answer { text, .. }) => Ok(Reading { mime: JSON, text }),
        Outcome::Refused(Refusal { fault, .. }) => Err(fault),
        _ => Err(missing()),
    }
}

async fn audit(asked: &Asked<'_>, id: &str) -> Result<Said> {
    let lines = asked.data(&format!("/activity?q={}&limit={AUDITED}", encoded(id))).await?;
    let one = |line: &Value| {
        let fields = ["seq", "at", "actorKind", "actorRef", "action", "targetKind", "targetId", "runId", "outcome"];
        pick(line, &fields)
    };
    let told: Vec<Value> = rows(&lines).iter().map(one).collect();
    Ok(asked.done(&[("lines", Value::Array(told))], &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_a_table() {
        for (uri, expected) in [
            ("serverflow://overview", Some(Place::Overview)),
            ("serverflow://servers/lobby", Some(Place::Server("lobby"))),
            (
                "serverflow://apps/0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
                Some(Place::App("0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b")),
            ),
            ("serverflow://deployments/x/log", Some(Place::Log("x"))),
            ("serverflow://audit/x", Some(Place::Audit("x"))),
            ("serverflow://deployments/x", None),
            ("serverflow://servers/", None),
            ("serverflow://servers/a/../b", None),
            ("serverflow://servers/a%2f..", None),
            ("serverflow://servers/a?x=y", None),
            ("file:///etc/passwd", None),
            ("https://example.org", None),
        ] {
            assert_eq!(place(uri), expected, "{uri}");
        }
    }
}
