//! AI hosts: what one asks for, and what people have granted.

use serde::Serialize;
use sf_control::sign_in::mcp::{Connection, Considered, Offered};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Time;

/// What a person is shown before they decide.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HostConsent)]
pub struct ConsentView {
    /// What the program calls itself: claimed, never proven.
    pub name: String,
    /// The host of the program's address, which it has proven; null where it only registered.
    pub host: Option<String>,
    /// By which the program is asked for.
    pub client_id: String,
    /// Where the answer goes.
    pub redirect_uri: String,
    /// The host of that.
    pub redirect_host: String,
    /// The team that it would act in.
    pub team: String,
    /// What it asks for.
    pub scopes: Vec<OfferedView>,
    /// Why it cannot be let in, whoever would; null where it can.
    pub refused: Option<RefusedView>,
}

/// A scope to choose.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HostScope)]
pub struct OfferedView {
    /// `read`, `deploy`, `operate`, `files`, `provision` or `admin`.
    pub name: String,
    /// What it means.
    pub meaning: String,
    /// Whether the person has any right of it.
    pub available: bool,
    /// Whether it is chosen already.
    pub chosen: bool,
}

/// Why a program cannot be let in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HostRefused)]
pub struct RefusedView {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub fix: String,
    /// Where a person may go to tell the program so. Nobody is sent there without a click.
    pub back_to: String,
}

/// What a decision leads to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HostDecided)]
pub struct DecidedView {
    /// Where the browser goes next: back to the program.
    pub redirect_to: String,
}

/// What was granted to an AI host.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HostGrant)]
pub struct HostGrantView {
    /// Its id: also the AI agent's, in runs and cards.
    pub id: Uuid,
    /// What it is called: the claimed name with what is known.
    pub name: String,
    /// The program: an https address of its own, or the id it registered under.
    pub client_id: String,
    /// Where it was answered.
    pub redirect_uri: String,
    /// What it was granted.
    pub scopes: Vec<String>,
    /// Who granted it.
    pub user_id: Uuid,
    /// Their name.
    pub user_name: String,
    /// When.
    pub created_at: Time,
    /// When it ends unless it is used.
    pub expires_at: Time,
    /// When it was last used.
    pub last_used_at: Option<Time>,
    /// From where.
    pub last_used_from: Option<String>,
}

impl ConsentView {
    /// What is shown.
    pub fn of(considered: Considered) -> Self {
        let Considered { program, redirect, scopes, team, refused } = considered;
        let offered = |one: Offered| OfferedView {
            name: one.scope.name().to_owned(),
            meaning: one.scope.meaning().to_owned(),
            available: one.available,
            chosen: one.chosen,
        };
        Self {
            name: program.name,
            host: program.host,
            client_id: program.id,
            redirect_host: sf_identity::client::host(&redirect).to_owned(),
            redirect_uri: redirect,
            team,
            scopes: scopes.into_iter().map(offered).collect(),
            refused: refused.map(|(fault, back_to)| RefusedView { message: fault.message, fix: fault.fix, back_to }),
        }
    }
}

impl HostGrantView {
    /// One of them.
    pub fn of(connection: Connection) -> Self {
        let Connection { grant, token, scopes, person } = connection;
        Self {
            id: grant.id.uuid(),
            name: token.name,
            client_id: grant.client,
            redirect_uri: grant.redirect,
            scopes: scopes.iter().map(|scope| scope.name().to_owned()).collect(),
            user_id: grant.user.uuid(),
            user_name: person,
            created_at: Time(grant.created_at),
            expires_at: Time(token.expires_at),
            last_used_at: token.last_used_at.map(Time),
            last_used_from: token.last_used_from,
        }
    }
}
