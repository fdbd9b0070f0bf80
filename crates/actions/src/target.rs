//! What an action acts on.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, NodeId, RunId, SecretId, TokenId, UserId};

/// The kind of thing acted on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TargetKind {
    /// The tenant as a whole: things that do not exist yet.
    Tenant,
    /// A machine.
    Node,
    /// An app.
    App,
    /// A run.
    Run,
    /// A person.
    User,
    /// A token.
    Token,
    /// A secret.
    Secret,
}

/// The thing acted on.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "camelCase")]
pub enum Target {
    /// The tenant as a whole.
    Tenant,
    /// A machine.
    Node(NodeId),
    /// An app.
    App(AppId),
    /// A run.
    Run(RunId),
    /// A person.
    User(UserId),
    /// A token.
    Token(TokenId),
    /// A secret.
    Secret(SecretId),
}
