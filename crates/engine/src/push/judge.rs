//! Whether a push starts a deploy, and why not.

use std::time::Duration;

use sf_types::Timestamp;

use super::{Changed, Push};

/// A push that happened longer ago is not taken any more: 3 days, for as long as GitHub can send one again.
pub const MAX_AGE: Duration = Duration::from_secs(3 * 86_400);

/// What a hook waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted<'a> {
    /// The branch; the repository's default where `None`.
    pub branch: Option<&'a str>,
    /// Folders and files, of which one must have changed; all where empty.
    pub paths: &'a [String],
}

/// What is known already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Past<'a> {
    /// Pushes of this branch that were told before, newest first: what it was, what it became.
    pub pushes: &'a [(Option<String>, String)],
    /// The commit that serves.
    pub live: Option<&'a str>,
}

/// What is made of a push.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// This commit is deployed, and why.
    Deploy {
        /// Which.
        commit: String,
        /// Why.
        because: String,
    },
    /// Nothing.
    Ignore {
        /// Why.
        why: String,
        /// Whether it was taken up all the same: it is known from now on what the branch is.
        heard: bool,
    },
}

fn nothing(why: impl Into<String>) -> Verdict {
    Verdict::Ignore { why: why.into(), heard: false }
}

/// Judges a push. A deploy is left out only where it is certain that nothing wanted has changed.
pub fn judge(push: &Push, wanted: Wanted<'_>, past: Past<'_>, now: Timestamp) -> Verdict {
    let Some(branch) = wanted.branch.or(push.default_branch.as_deref()) else {
        let why = "Neither the hook nor the app names a branch, and the push does not say which one is the default.";
        return nothing(why);
    };
    if push.branch != branch.strip_prefix("refs/heads/").unwrap_or(branch) {
        return nothing(format!("It is of the branch `{}`; this app deploys `{branch}`.", push.branch));
    }
    let Some(commit) = &push.commit else { return nothing(format!("The branch `{branch}` was deleted.")) };
    if push.at.is_some_and(|at| now.since(at) > MAX_AGE) {
        return nothing("It was pushed more than 3 days ago.");
    }
    let tip = past.pushes.first().map(|(_, commit)| commit.as_str());
    let follows = push.before.is_some() && push.before.as_deref() == tip;
    // Deliveries have no order: what another push has replaced already must not be put back by one that comes late.
    if !follows && past.pushes.iter().any(|(before, _)| before.as_ref() == Some(commit)) {
        return nothing("A later push, which came before this one, has replaced this commit.");
    }
    let deploy = |because: String| Verdict::Deploy { commit: commit.clone(), because };
    if wanted.paths.is_empty() {
        return deploy(format!("`{branch}` was pushed."));
    }
    let files = match &push.changed {
        Changed::Unknown(why) => return deploy(format!("Which files have changed cannot be told: {why}.")),
        // Where a push was missed, its files are in no list.
        Changed::Files(_) if !follows && (past.live.is_none() || push.before.as_deref() != past.live) => {
            return deploy(
                "Which files have changed cannot be told: the push before this one was not heard of.".into(),
            );
        }
        Changed::Files(files) => files,
    };
    match files.iter().find(|file| wanted.paths.iter().any(|path| is_below(file, path))) {
        Some(file) => deploy(format!("`{}` has changed.", shown(file))),
        None => {
            let paths: Vec<_> = wanted.paths.iter().map(|path| format!("`{path}`")).collect();
            Verdict::Ignore { why: format!("Nothing in {} has changed.", paths.join(", ")), heard: true }
        }
    }
}

/// Whether a file is `path`, or in the folder of that name.
fn is_below(file: &str, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    file.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A file's name as it may be shown: people choose them.
fn shown(file: &str) -> String {
    file.chars().filter(|c| !sf_types::text::is_deceptive(*c)).take(120).collect()
}
