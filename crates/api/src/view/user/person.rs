//! People of the team and invitations to it.

use serde::Serialize;
use sf_control::MailState;
use sf_control::people::invitations::Welcome;
use sf_store::invitations::Invitation;
use sf_store::users::User;
use sf_types::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;
use crate::view::rights::{GrantView, ObjectView};

/// A person of the team.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Person)]
pub struct PersonView {
    /// Their id.
    pub id: Uuid,
    /// Their address.
    pub email: String,
    /// What they are called.
    pub name: String,
    /// `active` or `suspended`.
    pub state: String,
    /// Whether a second factor is asked for at sign-in.
    pub two_factor: bool,
    /// When they joined.
    pub created_at: Time,
    /// When they last signed in.
    pub last_sign_in_at: Option<Time>,
    /// What they were given.
    pub roles: Vec<GrantView>,
}

/// An invitation that nobody has used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Invitation)]
pub struct InvitationView {
    /// Its id.
    pub id: Uuid,
    /// For which address it is.
    pub email: String,
    /// The role that comes with it; empty where single permissions do.
    pub role: String,
    /// Single permissions that come with it.
    pub permissions: Vec<String>,
    /// Where the role is given.
    pub object: ObjectView,
    /// Who invited.
    pub invited_by: InviterView,
    /// When.
    pub created_at: Time,
    /// Until when it is good.
    pub expires_at: Time,
    /// `open` or `expired`.
    pub state: String,
}

/// Who invited somebody.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Inviter)]
pub struct InviterView {
    /// Their id.
    pub id: Option<Uuid>,
    /// What they are called; null when they are gone.
    pub name: Option<String>,
}

/// An invitation just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationMade)]
pub struct NewInvitationView {
    /// The invitation.
    pub invitation: InvitationView,
    /// Whether it is on its way by mail.
    pub mailed: bool,
    /// What opens it: shown once.
    pub link: String,
}

/// What an invitation's link opens.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Welcome)]
pub struct WelcomeView {
    /// For which address it is.
    pub email: String,
    /// Into which team.
    pub team: String,
    /// Who invited; null when they are gone.
    pub invited_by: Option<String>,
    /// Until when it is good.
    pub expires_at: Time,
}

/// Whether mail goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Mail)]
pub struct MailView {
    /// Whether there is a mail server.
    pub configured: bool,
    /// The sender.
    pub from: Option<String>,
    /// The server.
    pub host: Option<String>,
    /// Letters that wait.
    pub waiting: u64,
    /// Why the last letter did not go.
    pub last_error: Option<String>,
}

impl PersonView {
    /// A person with what they were given.
    pub fn of(user: User, two_factor: bool, roles: Vec<GrantView>) -> Self {
        let state = if user.disabled_at.is_some() { "suspended" } else { "active" };
        Self {
            id: user.id.uuid(),
            email: user.email,
            name: user.name,
            state: state.to_owned(),
            two_factor,
            created_at: Time(user.created_at),
            last_sign_in_at: user.last_sign_in_at.map(Time),
            roles,
        }
    }
}

impl InvitationView {
    /// An invitation with the name of who made it.
    pub fn of(row: Invitation, inviter: Option<String>, now: Timestamp) -> Self {
        let state = if now < row.expires_at { "open" } else { "expired" };
        Self {
            id: row.id.uuid(),
            email: row.email,
            role: row.role,
            permissions: row.permissions.iter().flat_map(|names| names.split(' ')).map(str::to_owned).collect(),
            object: ObjectView::stored(&row.object_kind, &row.object_id),
            invited_by: InviterView { id: row.invited_by.map(sf_types::UserId::uuid), name: inviter },
            created_at: Time(row.created_at),
            expires_at: Time(row.expires_at),
            state: state.to_owned(),
        }
    }
}

impl From<Welcome> for WelcomeView {
    fn from(welcome: Welcome) -> Self {
        let Welcome { email, team, invited_by, expires_at } = welcome;
        Self { email, team, invited_by, expires_at: Time(expires_at) }
    }
}

impl From<MailState> for MailView {
    fn from(state: MailState) -> Self {
        let (host, from) = state.server.unzip();
        Self { configured: host.is_some(), from, host, waiting: state.waiting, last_error: state.last_error }
    }
}
