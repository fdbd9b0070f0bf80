//! The plan of what the control plane changes itself: the change is made and taken back in one write, so that a plan
//! refuses whatever the change would refuse.

pub(crate) mod planned;
mod rights;

use std::sync::{Arc, Mutex, PoisonError};

use sf_actions::access::{AccessAction, SpeaksFor};
use sf_actions::app::AppAction;
use sf_actions::factor::FactorAction;
use sf_actions::node::NodeAction;
use sf_actions::{Action, Object, ObjectRef, Place};
use sf_engine::Run;
use sf_store::{Look, StoreError, apps, grants, nodes, tokens, users};
use sf_types::{ErrorKind, Fault, Scope};

use crate::control::Core;
use crate::enrolment::{self, TOKEN_LIFETIME};
use crate::perform;
use crate::pipeline::secrets;
use crate::transition::After;

/// How a rehearsal ends: everything went well and is taken back.
const TAKEN_BACK: &str = "plan.taken_back";

/// What would happen and what would be lost, one line each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) steps: Vec<String>,
    pub(crate) losses: Vec<String>,
}

/// Tells what an action of the control plane would do; `None` for those that only move another run.
pub(crate) async fn rehearse(core: &Arc<Core>, run: &Run, sealed: Option<Vec<u8>>) -> Result<Option<Told>, Fault> {
    if !is_told(&run.action) {
        return Ok(None);
    }
    let (told, store) = (Arc::new(Mutex::new(Told::default())), core.store.clone());
    let (slot, core, run) = (told.clone(), core.clone(), run.clone());
    let ended: sf_store::Result<()> = store
        .write(Scope::Tenant(run.tenant), move |tx| {
            Box::pin(async move {
                let said = tell(tx, &core, &run).await?;
                secrets::wait(tx, &run, sealed).await?;
                perform::perform(tx, &core, &run, &mut After::default()).await?;
                *slot.lock().unwrap_or_else(PoisonError::into_inner) = said;
                Err(StoreError::from(Fault::new(ErrorKind::Conflict, TAKEN_BACK, "Rehearsed and taken back.")))
            })
        })
        .await;
    match ended.map_err(Fault::from) {
        Err(fault) if fault.code != TAKEN_BACK => Err(fault),
        _ => Ok(Some(std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner)))),
    }
}

/// Whether the control plane tells itself what an action would do.
pub(crate) fn is_told(action: &Action) -> bool {
    action.spec().place == Place::ControlPlane && !matches!(action, Action::Run(_))
}

/// What it would do, without trying whether it can.
pub(crate) async fn tell(at: &impl Look, core: &Arc<Core>, run: &Run) -> sf_store::Result<Told> {
    let steps = |lines: Vec<String>| Told { steps: lines, losses: Vec::new() };
    Ok(match &run.action {
        Action::Node(action) => node(at, action).await?,
        Action::App(AppAction::Create(create)) => {
            let node = nodes::get(at, create.node).await?.name;
            steps(vec![
                format!("`{}` is recorded on the node `{node}`.", create.name),
                "Nothing runs until it is deployed.".to_owned(),
            ])
        }
        Action::App(AppAction::Update(update)) => {
            let app = apps::get(at, update.app).await?.name;
            steps(vec![format!("The settings of `{app}` are replaced; what runs goes on with the old ones.")])
                .and("They take effect with the next deploy.")
        }
        Action::Access(AccessAction::CreateToken(create)) => {
            let until = at.now().plus(std::time::Duration::from_secs(u64::from(create.days) * 86_400));
            let made = match create.speaks_for {
                SpeaksFor::Person => {
                    format!("A token `{}` is made that may do what you may do, until {until}.", create.name)
                }
                SpeaksFor::Ai => format!(
                    "A token `{}` is made for an AI agent that acts for you, until {until}. What it asks for is weighed \
                     by its own record; it decides nothing.",
                    create.name
                ),
            };
            steps(vec![made]).and("Its text is shown once.")
        }
        Action::Access(AccessAction::RevokeToken(revoke)) => {
            let name = tokens::get(at, revoke.token).await?.name;
            steps(vec![format!("The token `{name}` is refused from the next request on.")])
        }
        Action::Role(action) => rights::role(at, action).await?,
        Action::Project(action) => rights::project(at, action).await?,
        Action::User(action) => crate::people::told::tell(at, action).await?,
        Action::Factor(FactorAction::Reset(of)) => {
            let name = users::get(at, of.user).await?.name;
            let mut told = steps(vec![format!("The password alone signs `{name}` in until they set up a new factor.")]);
            told.losses.push(format!("the authenticator app and the recovery codes of `{name}`"));
            told
        }
        Action::Secret(action) => secrets::tell(at, action).await?,
        Action::Hook(action) => crate::hooks::tell(at, action).await?,
        Action::Key(action) => crate::deploy_keys::tell(at, action).await?,
        Action::Preview(action) => crate::previews::tell(at, action).await?,
        Action::Workflow(action) => crate::workflow::told::tell(at, core, action).await?,
        Action::Tenant(action) => crate::people::teams::tell(core, action).await?,
        Action::Template(_) | Action::Allocation(_) | Action::Server(_) | Action::Alert(_) => {
            crate::panel::told::tell(at, run).await?
        }
        Action::Policy(action) => steps(crate::approval::routing::tell(at, core, run, action).await?),
        Action::App(AppAction::Delete(_))
        | Action::Deploy(_)
        | Action::Process(_)
        | Action::Patch(_)
        | Action::Proxy(_)
        | Action::Schedule(_)
        | Action::Power(_)
        | Action::Console(_)
        | Action::File(_)
        | Action::Run(_) => Told::default(),
    })
}

/// What people lose with an object at which `count` roles and permissions were given to them.
pub(crate) fn given_at(count: u64, place: &str) -> Option<String> {
    match count {
        0 => None,
        1 => Some(format!("a role or permission that somebody was given at {place}")),
        _ => Some(format!("{count} roles and permissions that people were given at {place}")),
    }
}

async fn node(at: &impl Look, action: &NodeAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    match action {
        NodeAction::Invite(_) => {
            let minutes = TOKEN_LIFETIME.as_secs() / 60;
            told.steps.push(format!("A one-time token is made, good for {minutes} minutes."));
            told.steps.push("The machine on which its line is run becomes a node.".to_owned());
        }
        NodeAction::Admit(admit) => {
            let device = enrolment::waiting(at, &admit.code).await?;
            told.steps.push(format!("The machine `{}` at {} becomes a node.", device.host, device.address));
            told.steps.push(format!("Its key must show these words on its own screen: {}.", device.key_words));
        }
        NodeAction::Rename(rename) => {
            let before = nodes::get(at, rename.node).await?.name;
            told.steps.push(format!("`{before}` is called `{}` from now on.", rename.name));
        }
        NodeAction::Unlock(unlock) => {
            let node = nodes::get(at, unlock.node).await?;
            told.steps.push(format!("`{}` may connect again with its key: {}.", node.name, node.key_id.words()));
        }
        NodeAction::Remove(remove) => {
            let node = nodes::get(at, remove.node).await?;
            told.steps.push(format!("`{}` is cut off and its agent is refused from now on.", node.name));
            told.losses.push("its metrics and its key; what was done there stays in the activity".to_owned());
            told.losses.extend(given_at(grants::count_at(at, ObjectRef(Object::Node(node.id))).await?, "it"));
        }
        // Its order says what it does.
        NodeAction::Service(_) => {}
    }
    Ok(told)
}

impl Told {
    fn and(mut self, step: &str) -> Self {
        self.steps.push(step.to_owned());
        self
    }
}
