//! Deploy keys: their public halves.

use serde::Serialize;
use sf_store::deploy_keys::DeployKey;
use utoipa::ToSchema;

use crate::view::Time;

/// The deploy key of an app, where it has one.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppDeployKey)]
pub struct AppDeployKeyView {
    /// The key; null where the node's own key opens the repository.
    pub key: Option<DeployKeyView>,
}

/// The public half of a key that opens one app's repository.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeployKey)]
pub struct DeployKeyView {
    /// As the git host wants it, one line: `ssh-ed25519 …`.
    pub public_key: String,
    /// Its fingerprint, as git hosts show it: `SHA256:…`.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: Time,
}

impl From<DeployKey> for DeployKeyView {
    fn from(key: DeployKey) -> Self {
        Self { public_key: key.public, fingerprint: key.fingerprint, created_at: Time(key.created_at) }
    }
}
