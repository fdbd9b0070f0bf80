//! Deploys by push: the hook of an app, which says to whom it listens, and what it was sent.
//!
//! A hook acts for whoever has set it last, with the rights that person has when something is pushed. What somebody else changes
//! becomes theirs thereby: nobody lets another person's hook deploy what that person has not agreed to.

mod branch;
mod deliver;
mod look;
pub mod previews;

use std::sync::Arc;

use sf_actions::hook::{HookAction, SetHook};
use sf_connectors::destination::{SECRET_BYTES, new_secret};
use sf_engine::Run;
use sf_identity::master::Sealed;
use sf_store::hooks::{self, Hook};
use sf_store::{Json, Look, StoreError, Tx, apps};
use sf_types::{AppId, ErrorKind, Fault, Secret, TenantId, TriggerId, UserId};

use crate::control::Core;
use crate::events;
use crate::perform::{person, unlimited};
use crate::proposal::Made;
use crate::rehearsal::Told;
use crate::workflow::hooks::ROTATION;

pub use deliver::{NOTED_EVERY, Pushed, Pushing, unknown};
pub(crate) use deliver::{first, record};
pub use look::{DeliveryShown, HookShown};

/// What secrets of hooks are sealed for.
const SECRET: &str = "deploy hook";

/// Carries out a change of a hook.
pub(crate) async fn perform(tx: &mut Tx, core: &Arc<Core>, run: &Run, action: &HookAction) -> sf_store::Result<Made> {
    let app = apps::get(tx, action.app()).await?;
    let made = match action {
        HookAction::Create(set) => {
            let owner = owner(tx, run).await?;
            if app.preview_of.is_some() {
                return Err(of_preview(app.name.as_str()).into());
            }
            if hooks::of_app(tx, app.id).await?.is_some() {
                return Err(there_is_one(app.name.as_str()).into());
            }
            let id: TriggerId = tx.new_id();
            let (secret, sealed) = fresh(core, app.tenant, id);
            hooks::create(tx, id, &app, owner, &set.settings, sealed).await?;
            Made::Hook { app: app.id, secret }
        }
        HookAction::Update(SetHook { settings, .. }) => {
            let (hook, owner) = (of_app(tx, app.id).await?, owner(tx, run).await?);
            hooks::set(tx, &Hook { owner, settings: Json(settings.clone()), ..hook }).await?;
            Made::App(app.id)
        }
        HookAction::Rotate(_) => {
            let (hook, owner) = (of_app(tx, app.id).await?, owner(tx, run).await?);
            let (secret, sealed) = fresh(core, app.tenant, hook.id);
            let before = Some(hook.sealed.clone());
            let rotated_at = Some(tx.now());
            hooks::set(tx, &Hook { owner, sealed, sealed_before: before, rotated_at, ..hook }).await?;
            Made::Hook { app: app.id, secret }
        }
        HookAction::Delete(_) => {
            of_app(tx, app.id).await?;
            hooks::delete_of_app(tx, app.id).await?;
            Made::Nothing
        }
    };
    tx.publish(events::app_changed(run.tenant, run.project, app.id));
    Ok(made)
}

/// Whoever sets a hook is who it acts for: with all their rights, whatever the key was limited to that they set it with.
async fn owner(tx: &Tx, run: &Run) -> sf_store::Result<UserId> {
    let owner = person(run)?;
    unlimited(tx, run).await?;
    Ok(owner)
}

async fn of_app(at: &impl Look, app: AppId) -> sf_store::Result<Hook> {
    hooks::of_app(at, app).await?.ok_or_else(|| StoreError::from(none()))
}

/// A new secret as it is shown, and as it is kept. Every sender can be given it: the standard's as it is, others as a text.
fn fresh(core: &Core, tenant: TenantId, hook: TriggerId) -> (String, Vec<u8>) {
    let secret = new_secret(core.rng.bytes::<SECRET_BYTES>());
    let sealed = core.keys.master.seal(SECRET, &row(tenant, hook), secret.as_bytes(), &core.rng);
    (secret, sealed.to_bytes())
}

/// The secrets that a hook takes: the newest, and the one before for as long as a rotation takes.
fn secrets(core: &Core, hook: &Hook) -> Vec<Secret<String>> {
    let is_fresh = hook.rotated_at.is_some_and(|at| core.clock.now().since(at) <= ROTATION);
    let before = hook.sealed_before.as_ref().filter(|_| is_fresh);
    let open = |sealed: &Vec<u8>| {
        let plain = core.keys.master.open(SECRET, &row(hook.tenant, hook.id), &Sealed::from_bytes(sealed)?).ok()?;
        Some(Secret::new(String::from_utf8(plain.expose().clone()).ok()?))
    };
    std::iter::once(&hook.sealed).chain(before).filter_map(open).collect()
}

fn row(tenant: TenantId, hook: TriggerId) -> String {
    format!("{tenant}/{hook}")
}

fn none() -> Fault {
    let fault = Fault::new(ErrorKind::NotFound, "hook.none", "This app is not deployed by push.");
    fault.fix("Make its hook first: serverflow hooks create APP.")
}

fn of_preview(app: &str) -> Fault {
    let message = format!("`{app}` is a preview, and follows its branch already.");
    Fault::new(ErrorKind::Conflict, "hook.preview", message)
        .fix("Pushes are heard by the hook of the app that it is of.")
}

fn there_is_one(app: &str) -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, "hook.exists", format!("`{app}` has a hook already."));
    fault.fix(format!("Give it another secret: serverflow hooks rotate {app}."))
}

/// What a change of a hook would do, for people.
pub(crate) async fn tell(at: &impl Look, action: &HookAction) -> sf_store::Result<Told> {
    let app = apps::get(at, action.app()).await?;
    let yours = "It acts for you: what is pushed is deployed with the rights you have then.".to_owned();
    let mut told = Told::default();
    match action {
        HookAction::Create(set) => {
            told.steps
                .push(format!("An address is made at which pushes deploy `{}`; its secret is shown once.", app.name));
            told.steps.push(taken(set, &app));
            told.steps.push(yours);
        }
        HookAction::Update(set) => {
            told.steps.push(taken(set, &app));
            told.steps.push(yours);
        }
        HookAction::Rotate(_) => {
            let hours = ROTATION.as_secs() / 3600;
            told.steps
                .push(format!("It gets another secret, which is shown once; the one before is taken for {hours} h."));
            told.steps.push(yours);
        }
        HookAction::Delete(_) => {
            told.steps.push(format!("Nothing that is pushed deploys `{}` any more.", app.name));
            told.losses.push("its address, its secret and what it was sent".to_owned());
        }
    }
    Ok(told)
}

fn taken(SetHook { settings, .. }: &SetHook, app: &apps::App) -> String {
    if !settings.enabled {
        return "It is switched off: no push deploys anything.".to_owned();
    }
    let branch = settings.branch.as_ref().or(app.settings.0.reference.as_ref());
    let branch = branch.map_or("the default branch".to_owned(), |branch| format!("`{branch}`"));
    match settings.paths.as_slice() {
        [] => format!("Every push of {branch} deploys it."),
        paths => format!("Pushes of {branch} deploy it that change something in {}.", paths.join(", ")),
    }
}
