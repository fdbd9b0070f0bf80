//! People, their sessions and tokens.

pub mod host;
pub mod notification;
pub mod person;
pub mod rights;
pub mod sign_in;
pub mod tenant;

use serde::Serialize;
use sf_store::sessions::Session;
use sf_store::tokens::Token;
use sf_store::users::User;
use utoipa::ToSchema;
use uuid::Uuid;

use self::rights::GrantView;
use super::{Time, word};

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    /// Their id.
    pub id: Uuid,
    /// Their address.
    pub email: String,
    /// What they are called.
    pub name: String,
}

/// A person's signed-in state.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedIn)]
pub struct SignedInView {
    /// Good for 15 minutes, as `Authorization: Bearer`.
    pub access_token: String,
    /// Until when.
    pub expires_at: Time,
    /// For the CLI only; browsers have it in a cookie they cannot read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<String>,
    /// Who.
    pub user: UserView,
    /// What they may do.
    pub permissions: Vec<String>,
    /// Whether somebody else knows their password: until they chose another one, nothing else is answered.
    pub password_change_due: bool,
    /// Whether they have to have a second factor and have none: until they set one up, nothing else is answered.
    pub second_factor_due: bool,
}

/// Who is asking.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Me)]
pub struct MeView {
    /// Who.
    pub user: UserView,
    /// In which tenant.
    pub tenant: TenantView,
    /// What they may do in the whole tenant.
    pub permissions: Vec<String>,
    /// What they were given, there and at single objects.
    pub grants: Vec<GrantView>,
    /// `session`, `token`, or `ai` by the token of an AI agent.
    pub via: String,
    /// Whether somebody else knows their password: until they chose another one, nothing else is answered.
    pub password_change_due: bool,
    /// Whether they have to have a second factor and have none: until they set one up, nothing else is answered.
    pub second_factor_due: bool,
    /// Whether they operate the installation's teams; absent for everybody else.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub operator: bool,
}

/// A team.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Tenant)]
pub struct TenantView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A long-lived token; its text is shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Token)]
pub struct TokenView {
    /// Its id.
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// When it was made.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// When it was last used.
    pub last_used_at: Option<Time>,
    /// From where.
    pub last_used_from: Option<String>,
    /// Permissions it is limited to; all of its person's where null.
    pub scopes: Option<Vec<String>>,
    /// Address ranges it may be used from; all where null.
    pub addresses: Option<Vec<String>>,
    /// The project it is limited to.
    pub project_id: Option<Uuid>,
    /// Who speaks by it: `person`, or `ai` for an AI agent that acts for its person.
    pub speaks_for: String,
}

/// A new token with its text.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = IssuedToken)]
pub struct NewTokenView {
    /// The token.
    pub token: TokenView,
    /// `sf_…`: shown once.
    pub secret: String,
}

/// A signed-in browser or CLI.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Session)]
pub struct SessionView {
    /// Its id.
    pub id: Uuid,
    /// `browser` or `cli`.
    pub kind: String,
    /// "Firefox on Linux".
    pub user_agent: Option<String>,
    /// Address it began from.
    pub ip: Option<String>,
    /// When it began.
    pub created_at: Time,
    /// When it was last used.
    pub last_used_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// Whether it is the one asking.
    pub current: bool,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self { id: user.id.uuid(), email: user.email, name: user.name }
    }
}

impl From<Token> for TokenView {
    fn from(token: Token) -> Self {
        Self {
            id: token.id.uuid(),
            name: token.name,
            created_at: Time(token.created_at),
            expires_at: Time(token.expires_at),
            last_used_at: token.last_used_at.map(Time),
            last_used_from: token.last_used_from,
            scopes: token.scopes.map(|list| list.0),
            addresses: token.address_list.map(|list| list.0),
            project_id: token.project.map(|project| project.uuid()),
            speaks_for: word(&token.speaks_for),
        }
    }
}

impl SessionView {
    /// A session, and whether it is the one asking.
    pub fn of(session: Session, asking: Option<sf_types::SessionId>) -> Self {
        Self {
            id: session.id.uuid(),
            kind: session.kind.word().to_owned(),
            user_agent: session.user_agent_family,
            ip: session.ip,
            created_at: Time(session.created_at),
            last_used_at: Time(session.last_used_at),
            expires_at: Time(session.expires_at),
            current: asking == Some(session.id),
        }
    }
}
