//! Why a repository gave no files, and what git's own words mean.

use std::io;
use std::net::IpAddr;
use std::path::PathBuf;

use sf_types::{ErrorKind, Fault};

use crate::confine::ConfineError;

/// Why a repository gave no files.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The address is refused.
    #[error("the repository address is refused: {why}")]
    Url {
        /// What is wrong; never repeats a password.
        why: String,
        /// What to write instead.
        fix: String,
    },
    /// The branch or tag is refused.
    #[error("`{name}` is no name of a branch or tag: {why}")]
    Reference {
        /// The name, made printable.
        name: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// The commit is refused.
    #[error("a commit is written as 40 or 64 lower-case hex digits")]
    Commit,
    /// A folder of the node that the policy does not list.
    #[error("{} is not below a folder whose repositories this node may deploy", path.display())]
    FileOutside {
        /// What was asked for.
        path: PathBuf,
        /// What is listed.
        listed: Vec<PathBuf>,
    },
    /// The host has no address.
    #[error("the host {host} could not be resolved: {why}")]
    Unresolved {
        /// The host.
        host: String,
        /// Why.
        why: String,
    },
    /// The host's address is not public.
    #[error("the host {host} has the address {address}, which is not on the public internet")]
    PrivateAddress {
        /// The host.
        host: String,
        /// Its address.
        address: IpAddr,
    },
    /// No right to read it, or the host hides it.
    #[error("{repository} does not exist or the node may not read it: {said}")]
    Denied {
        /// The address.
        repository: String,
        /// git's words.
        said: String,
    },
    /// The ssh host is not known.
    #[error("the key of the ssh host of {repository} is not the one this node knows, or it knows none")]
    HostKey {
        /// The address.
        repository: String,
    },
    /// The host answers with another address.
    #[error("{repository} redirects to another address, which is not followed")]
    Redirected {
        /// The address.
        repository: String,
    },
    /// No connection.
    #[error("{repository} cannot be reached: {said}")]
    Unreachable {
        /// The address.
        repository: String,
        /// git's words.
        said: String,
    },
    /// The repository has no such branch, tag or commit.
    #[error("{repository} has no {what}")]
    NotThere {
        /// The address.
        repository: String,
        /// What was looked for.
        what: String,
    },
    /// Over a limit.
    #[error("the repository is too large: {what}")]
    TooLarge {
        /// Which limit, in words.
        what: String,
    },
    /// Contents that are refused.
    #[error("the repository holds something that is refused: {what}")]
    Refused {
        /// What.
        what: String,
    },
    /// Out of time.
    #[error("fetching took longer than {seconds} s and was stopped")]
    Time {
        /// The limit.
        seconds: u64,
    },
    /// Somebody asked.
    #[error("fetching was cancelled")]
    Cancelled,
    /// git failed in a way without a name here.
    #[error("git could not {doing} {repository}: {said}")]
    Git {
        /// `read`, `fetch`, ...
        doing: &'static str,
        /// The address.
        repository: String,
        /// git's words, without secrets.
        said: String,
    },
    /// git could not be started or confined.
    #[error(transparent)]
    Confine(#[from] ConfineError),
    /// A file of the node.
    #[error("{what}: {source}")]
    Disk {
        /// What was being done.
        what: String,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl From<SourceError> for Fault {
    fn from(error: SourceError) -> Self {
        use SourceError as E;
        let (kind, code, fix) = match error {
            E::Confine(inner) => return inner.into(),
            E::Url { ref fix, .. } => (ErrorKind::Invalid, "source.url", fix.clone()),
            E::Reference { .. } => (ErrorKind::Invalid, "source.reference", "Name an existing branch or tag.".into()),
            E::Commit => (ErrorKind::Invalid, "source.commit", "Copy the whole commit id from `git rev-parse`.".into()),
            E::FileOutside { ref listed, .. } => (ErrorKind::Forbidden, "source.file_outside", list_fix(listed)),
            E::Unresolved { .. } => (
                ErrorKind::Unavailable,
                "source.unresolved",
                "Check the host name, and the node's DNS with `getent hosts <name>`.".into(),
            ),
            E::PrivateAddress { ref host, .. } => (
                ErrorKind::Forbidden,
                "source.private_address",
                format!("If it is meant, the node's owner adds `allow_private_hosts = [\"{host}\"]` to policy.toml."),
            ),
            E::Denied { .. } => (
                ErrorKind::Forbidden,
                "source.denied",
                "Check the address. For a private repository put a line https://user:token@host into the file \
                 `credentials` (mode 0600) in the agent's folder, or an ssh key into `ssh_key`."
                    .into(),
            ),
            E::HostKey { .. } => (
                ErrorKind::Forbidden,
                "source.host_key",
                "Compare the host's key and add it to `known_hosts` in the agent's folder, or set \
                 `ssh_accept_new = true` in policy.toml for hosts never seen."
                    .into(),
            ),
            E::Redirected { .. } => (
                ErrorKind::Invalid,
                "source.redirected",
                "Use the final address; many hosts want it to end in `.git`.".into(),
            ),
            E::Unreachable { .. } => {
                (ErrorKind::Unavailable, "source.unreachable", "Check that the node can connect to the host.".into())
            }
            E::NotThere { .. } => {
                (ErrorKind::NotFound, "source.not_there", "Push it, or choose one that is in the repository.".into())
            }
            E::TooLarge { .. } => (
                ErrorKind::TooLarge,
                "source.too_large",
                "Keep large files out of the repository and fetch them during the build.".into(),
            ),
            E::Refused { .. } => (ErrorKind::Invalid, "source.refused", "Remove it from the repository.".into()),
            E::Time { .. } => (ErrorKind::Timeout, "source.time", "Try again, or make the repository smaller.".into()),
            E::Cancelled => (ErrorKind::Conflict, "source.cancelled", String::new()),
            E::Git { .. } => {
                (ErrorKind::Invalid, "source.git", "Try `git ls-remote` with this address on another machine.".into())
            }
            E::Disk { .. } => (
                ErrorKind::Internal,
                "source.disk",
                "Check the node's disk and the rights of the agent's folder.".into(),
            ),
        };
        Self::new(kind, code, error.to_string()).fix(fix)
    }
}

fn list_fix(listed: &[PathBuf]) -> String {
    if listed.is_empty() {
        return "The node's owner adds `allow_file_below = [\"/folder\"]` to policy.toml.".to_owned();
    }
    let names: Vec<_> = listed.iter().map(|dir| dir.display().to_string()).collect();
    format!("Move the repository below {}, or let the node's owner list its folder in policy.toml.", names.join(" or "))
}

/// What git's last words mean. `said` is already without secrets.
pub(super) fn explain(doing: &'static str, repository: String, said: String) -> SourceError {
    let any = |parts: &[&str]| parts.iter().any(|part| said.contains(part));
    if any(&["maximum allowed tree depth"]) {
        return SourceError::TooLarge { what: "folders are nested too deep".to_owned() };
    }
    if any(&["Host key verification failed", "REMOTE HOST IDENTIFICATION HAS CHANGED"]) {
        return SourceError::HostKey { repository };
    }
    if any(&["unable to update url base from redirection", "returned error: 301", "returned error: 302"]) {
        return SourceError::Redirected { repository };
    }
    let denied = [
        "Authentication failed",
        "could not read Username",
        "could not read Password",
        "Permission denied",
        "returned error: 401",
        "returned error: 403",
        "returned error: 404",
        "epository not found",
        "not found",
        "does not appear to be a git repository",
        "does not exist",
        "not a git repository",
    ];
    if any(&denied) {
        return SourceError::Denied { repository, said };
    }
    let unreachable = [
        "Could not resolve host",
        "Failed to connect",
        "Connection refused",
        "Connection timed out",
        "Connection reset",
        "Network is unreachable",
        "Operation timed out",
        "Operation too slow",
        "SSL",
        "TLS",
        "certificate",
        "kex_exchange_identification",
    ];
    if any(&unreachable) {
        return SourceError::Unreachable { repository, said };
    }
    if any(&["fsck", "gitmodules"]) {
        return SourceError::Refused { what: said };
    }
    SourceError::Git { doing, repository, said }
}
