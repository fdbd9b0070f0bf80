//! Secrets: everything but their values.

use serde::Serialize;
use sf_control::queries::secrets::SecretShown;
use sf_store::secrets::UsedBy;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;
use super::settings::Environment;

/// A sealed value with a name and versions. The value is in no answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Secret)]
pub struct SecretView {
    /// Its id.
    pub id: Uuid,
    /// The project that owns it.
    pub project: Uuid,
    /// Its name, unique within the project.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// Whose processes may be given it: `production`, `preview` or `all`.
    #[schema(value_type = Environment)]
    pub environment: sf_actions::Environment,
    /// Its newest version, from 1; a new value is a new version.
    pub version: u32,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
    /// What the person who changed it last is called; null for ServerFlow itself and for people who are gone.
    pub updated_by: Option<String>,
    /// What uses it.
    pub used_by: Vec<SecretUserView>,
}

/// Something that uses a secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SecretUser)]
pub struct SecretUserView {
    /// `app` or `server`.
    pub kind: String,
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

impl From<SecretShown> for SecretView {
    fn from(SecretShown { secret, updated_by, used_by }: SecretShown) -> Self {
        let user = |user: sf_store::secrets::User| {
            let (kind, id) = match user.by {
                UsedBy::App(app) => ("app", app.uuid()),
                UsedBy::Server(server) => ("server", server.uuid()),
            };
            SecretUserView { kind: kind.to_owned(), id, name: user.name.into() }
        };
        Self {
            id: secret.id.uuid(),
            project: secret.project.uuid(),
            name: secret.name.into(),
            description: secret.description,
            environment: secret.environment,
            version: secret.version,
            created_at: Time(secret.created_at),
            updated_at: Time(secret.updated_at),
            updated_by,
            used_by: used_by.into_iter().map(user).collect(),
        }
    }
}
