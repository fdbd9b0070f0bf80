//! Deploys by push.

use serde::Serialize;
use sf_actions::hook::HookSettings as Settings;
use sf_control::hooks::{DeliveryShown, HookShown, Pushed};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// The hook of an app, where it has one.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppHook)]
pub struct AppHookView {
    /// The hook; null where pushes do not deploy the app.
    pub hook: Option<HookView>,
}

/// The address at which pushes deploy an app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Hook)]
pub struct HookView {
    /// Its id.
    pub id: Uuid,
    /// Of which app.
    pub app_id: Uuid,
    /// Where senders post to, below the address of this control plane.
    pub path: String,
    /// Which pushes it takes.
    #[schema(value_type = HookSettings)]
    pub settings: Settings,
    /// The branch it waits for; null for the one that the repository calls its default.
    pub branch: Option<String>,
    /// For whom it acts: whoever set it last.
    pub owner_id: Uuid,
    /// What they are called; null where they are gone.
    pub owner: Option<String>,
    /// Whether they can still act: a person who is suspended or gone deploys nothing.
    pub owner_active: bool,
    /// When its secret was made in place of another one, which is taken for a day more.
    pub rotated_at: Option<Time>,
    /// When a request was last refused that its sender could not prove to be its own.
    pub refused_at: Option<Time>,
    /// Why.
    pub refused_why: Option<String>,
    /// When it was made.
    pub created_at: Time,
    /// When it was last set.
    pub updated_at: Time,
}

/// Which pushes start deploys.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HookSettings {
    /// Whether any does; true where absent.
    pub enabled: Option<bool>,
    /// Those of this branch; of the app's own where absent.
    pub branch: Option<String>,
    /// Those that change one of these folders or files, from the root of the repository; all where absent. At most 50.
    pub paths: Option<Vec<String>>,
}

/// A hook with its secret, which is shown this once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewHook)]
pub struct NewHookView {
    /// The hook.
    pub hook: HookView,
    /// What senders prove by that a request is their own.
    #[schema(format = Password)]
    pub secret: String,
}

/// A genuine request, and what was made of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HookDelivery)]
pub struct DeliveryView {
    /// Its id here.
    pub id: Uuid,
    /// When it came.
    pub at: Time,
    /// Who says to have sent it: `github`, `gitlab`, `gitea` or `generic`.
    pub sender: String,
    /// What its sender calls it.
    pub event: String,
    /// Of which branch.
    pub branch: Option<String>,
    /// The commit that was pushed.
    pub commit: Option<String>,
    /// `deploy`: a run was opened; `preview`: a preview was made, brought up to date or is being deleted; `known`: the commit
    /// serves, or is being deployed, already; `ignored`, `refused` and `ping` start nothing.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// The run.
    pub run_id: Option<Uuid>,
    /// How that run is: `waiting`, `ready`, `sent`, `working`, `checking`, or how it ended.
    pub run_state: Option<String>,
}

/// What was made of a request, for its sender.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PushHeard {
    /// `deploy`, `preview`, `known`, `ignored` or `ping`.
    pub outcome: String,
    /// Why.
    pub reason: String,
    /// The run that deploys it.
    pub run_id: Option<Uuid>,
}

impl From<HookShown> for HookView {
    fn from(HookShown { hook, owner, is_armed, branch }: HookShown) -> Self {
        Self {
            id: hook.id.uuid(),
            app_id: hook.app.uuid(),
            path: format!("/api/v1/hooks/apps/{}", hook.id),
            settings: hook.settings.0,
            branch,
            owner_id: hook.owner.uuid(),
            owner,
            owner_active: is_armed,
            rotated_at: hook.rotated_at.map(Time),
            refused_at: hook.refused_at.map(Time),
            refused_why: hook.refused_why,
            created_at: Time(hook.created_at),
            updated_at: Time(hook.updated_at),
        }
    }
}

impl From<DeliveryShown> for DeliveryView {
    fn from(DeliveryShown { delivery, run }: DeliveryShown) -> Self {
        let state = run.map(|run| {
            let (state, done) = run.state.words();
            done.unwrap_or(state).to_owned()
        });
        Self {
            id: delivery.id,
            at: Time(delivery.at),
            sender: delivery.sender.word().to_owned(),
            event: delivery.event,
            branch: delivery.branch,
            commit: delivery.commit,
            outcome: delivery.outcome.word().to_owned(),
            reason: delivery.reason,
            run_id: delivery.run.map(|run| run.uuid()),
            run_state: state,
        }
    }
}

impl From<Pushed> for PushHeard {
    fn from(pushed: Pushed) -> Self {
        Self {
            outcome: pushed.outcome.word().to_owned(),
            reason: pushed.reason,
            run_id: pushed.run.map(|run| run.uuid()),
        }
    }
}
