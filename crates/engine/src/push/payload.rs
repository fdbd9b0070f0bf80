//! What git hosts write.
//! Sources: GitHub, "Webhook events and payloads" (`push`: at most 2,048 commits, 3,000 files each); GitLab, "Webhook
//! events" (`Push Hook`: the last 20 commits, of `total_commits_count`); Gitea `modules/structs/hook.go` (`PushPayload`).
//! What they write of pull requests is read in [`super::request`].

use serde::Deserialize;
use sf_types::Timestamp;

use super::{Changed, Event, Push, Sender, is_none, request};

/// Files of one commit from which on GitHub leaves some out.
const MOST_FILES: usize = 3_000;
/// Commits from which on GitHub leaves some out.
const MOST_COMMITS: usize = 2_048;
/// Longest name of an event that is kept: 64 characters.
pub(super) const MAX_EVENT_CHARS: usize = 64;

/// A genuine request says what nobody can make sense of.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub String);

#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "ref")]
    reference: String,
    before: Option<String>,
    after: Option<String>,
    #[serde(default)]
    created: bool,
    #[serde(default)]
    forced: bool,
    commits: Option<Vec<Commit>>,
    /// GitLab's.
    total_commits_count: Option<usize>,
    /// Gitea's.
    total_commits: Option<usize>,
    repository: Option<Repository>,
    /// GitLab's.
    project: Option<Repository>,
}

#[derive(Deserialize)]
struct Commit {
    added: Option<Vec<String>>,
    removed: Option<Vec<String>>,
    modified: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Repository {
    default_branch: Option<String>,
    pushed_at: Option<serde_json::Value>,
}

/// What anything else writes, and nothing besides: a name that was mistyped must not change what it means.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Told {
    #[serde(default)]
    event: Kind,
    branch: Option<String>,
    commit: Option<String>,
    before: Option<String>,
    changed: Option<Vec<String>>,
    default_branch: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Push,
    Ping,
}

/// Reads a genuine request. `event` is what its sender calls it, in the header of [`Sender::event_headers`].
///
/// # Errors
/// [`Malformed`].
pub fn read(sender: Sender, event: Option<&str>, body: &[u8]) -> Result<Event, Malformed> {
    match (sender, event.unwrap_or_default()) {
        (Sender::Generic, _) => told(body),
        (_, "ping") => Ok(Event::Ping),
        (_, "push") | (Sender::GitLab, "Push Hook") => sent(body),
        (Sender::GitHub | Sender::Gitea, name @ ("pull_request" | "pull_request_sync")) => request::pull(name, body),
        (Sender::GitLab, "Merge Request Hook") => request::merge(body),
        (_, other) => {
            let shown = other.chars().filter(|c| !sf_types::text::is_deceptive(*c));
            Ok(Event::Other(shown.take(MAX_EVENT_CHARS).collect()))
        }
    }
}

fn told(body: &[u8]) -> Result<Event, Malformed> {
    let told: Told = parse(body)?;
    if matches!(told.event, Kind::Ping) {
        return Ok(Event::Ping);
    }
    let (Some(branch), Some(commit)) = (told.branch, told.commit) else {
        return Err(Malformed("`branch` and `commit` are missing: both are needed for a push".to_owned()));
    };
    let changed = told.changed.map_or(Changed::Unknown("its sender does not say"), Changed::Files);
    let (before, default_branch) = (told.before, told.default_branch);
    checked(Push { branch, before, commit: Some(commit), changed, default_branch, at: None })
}

fn sent(body: &[u8]) -> Result<Event, Malformed> {
    let sent: Sent = parse(body)?;
    let Some(branch) = sent.reference.strip_prefix("refs/heads/").map(str::to_owned) else {
        return Ok(Event::Other("push of a tag".to_owned()));
    };
    let after = sent.after.clone().ok_or_else(|| Malformed("`after`, the commit, is missing".to_owned()))?;
    let commit = Some(after).filter(|after| !is_none(after));
    let before = sent.before.clone().filter(|before| !is_none(before));
    let changed = changed(&sent);
    let about = sent.repository.into_iter().chain(sent.project);
    let (mut default_branch, mut at) = (None, None);
    for repository in about {
        default_branch = default_branch.or(repository.default_branch);
        at = at.or_else(|| repository.pushed_at.and_then(|at| at.as_i64()));
    }
    let at = at.map(|secs| Timestamp::from_millis(secs.saturating_mul(1000)));
    checked(Push { branch, before, commit, changed, default_branch, at })
}

/// The files, where nothing speaks for there being others.
fn changed(sent: &Sent) -> Changed {
    if sent.created || sent.before.as_deref().is_none_or(is_none) {
        return Changed::Unknown("the branch is new");
    }
    if sent.forced {
        return Changed::Unknown("the push was forced");
    }
    let Some(commits) = sent.commits.as_ref().filter(|commits| !commits.is_empty()) else {
        return Changed::Unknown("its sender lists no commits");
    };
    let total = sent.total_commits_count.or(sent.total_commits).unwrap_or(commits.len());
    if commits.len() >= MOST_COMMITS || total > commits.len() {
        return Changed::Unknown("its sender does not list all commits");
    }
    let mut files = Vec::new();
    for Commit { added, removed, modified } in commits {
        let (Some(added), Some(removed), Some(modified)) = (added, removed, modified) else {
            return Changed::Unknown("its sender does not list the files of each commit");
        };
        if added.len() + removed.len() + modified.len() >= MOST_FILES {
            return Changed::Unknown("its sender does not list all files");
        }
        files.extend(added.iter().chain(removed).chain(modified).cloned());
    }
    // What a merge brings in may be listed nowhere.
    if files.is_empty() { Changed::Unknown("its sender lists no files") } else { Changed::Files(files) }
}

pub(super) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Malformed> {
    serde_json::from_slice(body).map_err(|error| {
        let is_form = body.starts_with(b"payload=");
        let fix = if is_form { "it is a form; choose the content type application/json" } else { "see the guide" };
        Malformed(format!("the body is not the JSON of a push ({error}): {fix}"))
    })
}

/// Refuses what git could misunderstand.
fn checked(push: Push) -> Result<Event, Malformed> {
    let refused = |refused: sf_actions::Refused| Malformed(refused.to_string());
    sf_actions::valid::reference(&push.branch).map_err(refused)?;
    for commit in push.commit.iter().chain(&push.before) {
        sf_actions::valid::commit(commit).map_err(refused)?;
    }
    Ok(Event::Push(push))
}
