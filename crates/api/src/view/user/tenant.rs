//! The installation's teams.

use serde::Serialize;
use sf_control::teams::Team;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// A team as those who operate the installation see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Team)]
pub struct TeamView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Whether it is the installation's own.
    pub home: bool,
    /// `active` or `suspended`.
    pub state: String,
    /// Why it is suspended.
    pub reason: Option<String>,
    /// Since when.
    pub suspended_at: Option<Time>,
    /// How many people it has.
    pub people: u64,
    /// How many machines it has.
    pub nodes: u64,
    /// Whether somebody owns it by now.
    pub owned: bool,
    /// When it was made.
    pub created_at: Time,
}

/// A team whose owner was asked to join.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewTeam)]
pub struct NewTeamView {
    /// The team.
    pub tenant: TeamView,
    /// Whether the link is on its way by mail.
    pub mailed: bool,
    /// What the owner joins by, once: shown here alone.
    pub link: String,
}

impl TeamView {
    /// A team with what it has.
    pub fn of(team: Team) -> Self {
        let Team { tenant, is_home, people, nodes, has_owner } = team;
        let state = if tenant.suspended_at.is_some() { "suspended" } else { "active" };
        Self {
            id: tenant.id.uuid(),
            name: tenant.name,
            home: is_home,
            state: state.to_owned(),
            reason: tenant.suspend_reason,
            suspended_at: tenant.suspended_at.map(Time),
            people,
            nodes,
            owned: has_owner,
            created_at: Time(tenant.created_at),
        }
    }
}
