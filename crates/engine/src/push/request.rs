//! What git hosts write of pull requests.
//! Sources: GitHub, "Webhook events and payloads" (`pull_request`); GitLab, "Webhook events" (`Merge Request Hook`); Gitea
//! `modules/structs/hook.go` (`PullRequestPayload`, sent as `pull_request` and `pull_request_sync`).

use serde::Deserialize;
use serde_json::Value;

use super::payload::{MAX_EVENT_CHARS, parse};
use super::{Event, Malformed, Request, Stage};

#[derive(Deserialize)]
struct Pull {
    action: String,
    pull_request: PullRequest,
}

#[derive(Deserialize)]
struct PullRequest {
    head: End,
    base: End,
}

#[derive(Deserialize)]
struct End {
    #[serde(rename = "ref")]
    reference: String,
    sha: String,
    /// Null where a fork was deleted.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: Option<Value>,
}

#[derive(Deserialize)]
struct Merge {
    object_attributes: Attributes,
}

#[derive(Deserialize)]
struct Attributes {
    action: Option<String>,
    source_branch: String,
    source_project_id: Option<Value>,
    target_project_id: Option<Value>,
    /// The branch's commit before, where the branch is another one with this.
    oldrev: Option<String>,
    last_commit: Commit,
}

#[derive(Deserialize)]
struct Commit {
    id: String,
}

/// GitHub's, Gitea's and Forgejo's.
pub(super) fn pull(event: &str, body: &[u8]) -> Result<Event, Malformed> {
    let Pull { action, pull_request: PullRequest { head, base } } = parse(body)?;
    let stage = match action.as_str() {
        _ if event == "pull_request_sync" => Stage::Open,
        "opened" | "reopened" | "synchronize" | "synchronized" => Stage::Open,
        "closed" => Stage::Closed,
        _ => Stage::Other,
    };
    let id = |end: &End| end.repo.as_ref().and_then(|repository| repository.id.clone());
    checked(head.reference.clone(), head.sha.clone(), is_same(id(&head), id(&base)), (stage, &action))
}

/// GitLab's.
pub(super) fn merge(body: &[u8]) -> Result<Event, Malformed> {
    let Merge { object_attributes: told } = parse(body)?;
    let action = told.action.unwrap_or_default();
    let stage = match action.as_str() {
        "open" | "reopen" => Stage::Open,
        // Of a new title, too.
        "update" if told.oldrev.is_some() => Stage::Open,
        "merge" | "close" => Stage::Closed,
        _ => Stage::Other,
    };
    let is_own = is_same(told.source_project_id, told.target_project_id);
    checked(told.source_branch, told.last_commit.id, is_own, (stage, &action))
}

/// Whether both are there and one repository. Names can be given again; ids are not.
fn is_same(one: Option<Value>, other: Option<Value>) -> bool {
    let is_id = |value: &Value| value.is_u64() || value.is_string();
    one.is_some_and(|one| is_id(&one) && Some(one) == other)
}

/// Refuses what git could misunderstand.
fn checked(branch: String, commit: String, is_own: bool, (stage, action): (Stage, &str)) -> Result<Event, Malformed> {
    let refused = |refused: sf_actions::Refused| Malformed(refused.to_string());
    sf_actions::valid::reference(&branch).map_err(refused)?;
    sf_actions::valid::commit(&commit).map_err(refused)?;
    let shown = action.chars().filter(|c| !sf_types::text::is_deceptive(*c));
    let about = shown.take(MAX_EVENT_CHARS).collect();
    Ok(Event::Request(Request { branch, commit, is_own, stage, about }))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::push::{Sender, read};

    fn github(action: &str, head: &Value, base: &Value) -> Value {
        let end = |branch: &str, repo: &Value| json!({ "ref": branch, "sha": "b".repeat(40), "repo": repo });
        json!({ "action": action, "pull_request": { "head": end("feature/x", head), "base": end("main", base) } })
    }

    fn of(sender: Sender, event: &str, body: &Value) -> Request {
        match read(sender, Some(event), body.to_string().as_bytes()) {
            Ok(Event::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn only_a_branch_of_the_same_repository_is_its_own() {
        let check = |head: Value, base: Value, is_own| {
            let request = of(Sender::GitHub, "pull_request", &github("opened", &head, &base));
            assert_eq!((request.is_own, request.stage), (is_own, Stage::Open), "{head} {base}");
            assert_eq!((request.branch.as_str(), request.commit), ("feature/x", "b".repeat(40)));
        };
        check(json!({ "id": 1 }), json!({ "id": 1 }), true);
        check(json!({ "id": 2, "fork": true }), json!({ "id": 1 }), false);
        // A fork that was deleted, or somebody who does not say.
        check(Value::Null, json!({ "id": 1 }), false);
        check(Value::Null, Value::Null, false);
        check(json!({}), json!({}), false);
        check(json!({ "id": null }), json!({ "id": null }), false);
        check(json!({ "id": [] }), json!({ "id": [] }), false);
        let gitlab = |source: Value, target: Value| {
            let body = json!({ "object_attributes": {
                "action": "open", "source_branch": "feature/x", "source_project_id": source,
                "target_project_id": target, "last_commit": { "id": "b".repeat(40) },
            }});
            of(Sender::GitLab, "Merge Request Hook", &body).is_own
        };
        assert!(gitlab(json!(5), json!(5)));
        assert!(!gitlab(json!(6), json!(5)) && !gitlab(Value::Null, Value::Null));
    }

    #[test]
    fn what_happened_is_told_by_each_host_in_its_own_words() {
        let own = json!({ "id": 1 });
        for (sender, event, action, stage) in [
            (Sender::GitHub, "pull_request", "opened", Stage::Open),
            (Sender::GitHub, "pull_request", "synchronize", Stage::Open),
            (Sender::GitHub, "pull_request", "closed", Stage::Closed),
            (Sender::GitHub, "pull_request", "labeled", Stage::Other),
            (Sender::Gitea, "pull_request", "reopened", Stage::Open),
            (Sender::Gitea, "pull_request_sync", "synchronized", Stage::Open),
            (Sender::Gitea, "pull_request", "closed", Stage::Closed),
        ] {
            assert_eq!(of(sender, event, &github(action, &own, &own)).stage, stage, "{event} {action}");
        }
        for (action, oldrev, stage) in [
            ("open", None, Stage::Open),
            ("update", Some("a"), Stage::Open),
            ("update", None, Stage::Other),
            ("merge", None, Stage::Closed),
            ("close", None, Stage::Closed),
            ("approved", None, Stage::Other),
        ] {
            let body = json!({ "object_attributes": {
                "action": action, "oldrev": oldrev, "source_branch": "x", "source_project_id": 1,
                "target_project_id": 1, "last_commit": { "id": "b".repeat(40) },
            }});
            assert_eq!(of(Sender::GitLab, "Merge Request Hook", &body).stage, stage, "{action}");
        }
    }

    #[test]
    fn what_git_could_misunderstand_is_refused() {
        let mut body = github("opened", &json!({ "id": 1 }), &json!({ "id": 1 }));
        body["pull_request"]["head"]["ref"] = json!("--upload-pack=id");
        assert!(read(Sender::GitHub, Some("pull_request"), body.to_string().as_bytes()).is_err());
        body["pull_request"]["head"]["ref"] = json!("x");
        body["pull_request"]["head"]["sha"] = json!("HEAD");
        assert!(read(Sender::GitHub, Some("pull_request"), body.to_string().as_bytes()).is_err());
    }
}
