//! Pushes that start deploys: what a genuine request of a git host says, and what is made of it.
//!
//! Whether it is genuine says [`crate::workflow::webhook`]; by which scheme it is signed says [`Sender::of`]. A hook has one
//! secret, and who does not know it can sign by no scheme.

mod judge;
mod payload;
mod request;

use serde::{Deserialize, Serialize};
use sf_types::Timestamp;

pub use judge::{MAX_AGE, Past, Verdict, Wanted, judge};
pub use payload::{Malformed, read};

use crate::workflow::webhook::{Encoding, HeaderName, Scheme};

/// The name GitHub, GitLab, Gitea and Forgejo have for a commit that is none: the branch was made, or deleted.
const NONE: char = '0';

/// Who has sent a request.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sender {
    /// GitHub.
    GitHub,
    /// GitLab.
    GitLab,
    /// Gitea or Forgejo.
    Gitea,
    /// Anything else that signs as Standard Webhooks has it.
    Generic,
}

impl Sender {
    /// The word in the database and the API.
    pub const fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
            Self::Gitea => "gitea",
            Self::Generic => "generic",
        }
    }

    /// Who says to have sent it, by the headers alone, and how they sign. `has` tells whether there is a header of this
    /// lower-case name. Gitea calls itself GitHub and Gogs, too, for the sake of older receivers.
    pub fn of(has: impl Fn(&str) -> bool) -> (Self, Scheme) {
        let named = |name| HeaderName::parse(name).expect("letters and dashes");
        let signed = |name| Scheme::HmacSha256 { header: named(name), encoding: Encoding::Hex };
        match () {
            () if has("x-forgejo-event") && has("x-forgejo-signature") => (Self::Gitea, signed("x-forgejo-signature")),
            () if has("x-gitea-event") || has("x-forgejo-event") => (Self::Gitea, signed("x-gitea-signature")),
            // With a signing token GitLab follows the standard; with a secret token, it shows that.
            () if has("x-gitlab-event") && has("webhook-signature") => (Self::GitLab, Scheme::Standard),
            () if has("x-gitlab-event") => (Self::GitLab, Scheme::Token { header: named("x-gitlab-token") }),
            () if has("x-github-event") => (Self::GitHub, Scheme::GitHub),
            () => (Self::Generic, Scheme::Standard),
        }
    }

    /// The headers that name the event; the first that is there counts.
    pub const fn event_headers(self) -> &'static [&'static str] {
        match self {
            Self::GitHub => &["x-github-event"],
            Self::GitLab => &["x-gitlab-event"],
            Self::Gitea => &["x-forgejo-event", "x-gitea-event"],
            Self::Generic => &[],
        }
    }
}

/// What a request tells of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// Nothing: its sender tries whether anybody is there.
    Ping,
    /// A branch is another one.
    Push(Push),
    /// Something happened to a pull request.
    Request(Request),
    /// Something that starts no deploys, by the sender's name for it.
    Other(String),
}

/// A branch is another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Push {
    /// Which, without `refs/heads/`.
    pub branch: String,
    /// What it was; `None` where it was not there, or nobody says.
    pub before: Option<String>,
    /// What it is; `None` where it was deleted.
    pub commit: Option<String>,
    /// Which files are other ones.
    pub changed: Changed,
    /// The branch that the repository calls its default.
    pub default_branch: Option<String>,
    /// When, where its sender says so.
    pub at: Option<Timestamp>,
}

/// Something happened to a pull request; GitLab calls it a merge request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The branch it wants to have merged, without `refs/heads/`.
    pub branch: String,
    /// What that branch is.
    pub commit: String,
    /// Whether the branch is one of this very repository; no where nobody says so.
    pub is_own: bool,
    /// What happened.
    pub stage: Stage,
    /// Its sender's word for what happened.
    pub about: String,
}

/// What happened to a pull request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It was opened, or its branch is another one.
    Open,
    /// It was merged or closed.
    Closed,
    /// Something that changes no code.
    Other,
}

/// Which files a push has changed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Changed {
    /// All of these and no others.
    Files(Vec<String>),
    /// Nobody can tell, and why.
    Unknown(&'static str),
}

fn is_none(commit: &str) -> bool {
    commit.chars().all(|digit| digit == NONE)
}

#[cfg(test)]
mod tests;
