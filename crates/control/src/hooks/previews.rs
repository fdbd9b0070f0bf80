//! Previews of branches: apps of their own, which are made, deployed, served and deleted by the same actions as any other one.
//!
//! What changes a preview writes down what it shall be, and has the lane of timers look (`tend.rs`): it proposes what is missing,
//! one step at a time, for whoever the preview acts for. Whatever ends the process in between, the next look goes on.

mod look;
mod make;
mod tend;

use sf_actions::Action;
use sf_actions::app::AppAction;
use sf_actions::preview::{Configure, PreviewAction, PreviewSettings};
use sf_engine::{Done, Run, RunState};
use sf_store::previews::{self, Preview};
use sf_store::{Look, Tx, apps, outbox};
use sf_types::{AppId, ErrorKind, Fault, Timestamp};

use crate::perform::{person, unlimited};
use crate::proposal::Made;
use crate::rehearsal::Told;
use crate::transition::After;
use crate::{events, timers};

pub use look::{PreviewShown, PreviewsShown};
pub(crate) use tend::tend;

/// Its kind in the lane of timers.
pub(crate) const LOOK: &str = "preview";

/// Carries out a change of previews.
pub(crate) async fn perform(
    tx: &mut Tx,
    run: &Run,
    action: &PreviewAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let app = apps::get(tx, action.app()).await?;
    let made = match action {
        PreviewAction::Configure(Configure { settings: None, .. }) => {
            previews::unwant(tx, app.id).await?;
            Made::App(app.id)
        }
        PreviewAction::Configure(Configure { settings: Some(settings), .. }) => {
            let owner = person(run)?;
            unlimited(tx, run).await?;
            if app.preview_of.is_some() {
                return Err(nested(app.name.as_str()).into());
            }
            if previews::is_anothers(tx, app.tenant, &settings.base).await? {
                return Err(not_yours(settings).into());
            }
            previews::want(tx, &app, owner, settings).await?;
            Made::App(app.id)
        }
        PreviewAction::Deploy(wanted) => Made::App(make::make(tx, run, &app, wanted, after).await?),
        PreviewAction::Extend(extend) => {
            let preview = of(tx, &app).await?;
            if preview.ends_why.is_some() {
                return Err(going(&preview.branch).into());
            }
            let expires_at = sf_engine::preview::expiry(tx.now(), extend.days);
            previews::set(tx, &Preview { expires_at, ..preview }).await?;
            look_at(tx, app.id, expires_at, after);
            Made::App(app.id)
        }
    };
    tx.publish(events::app_changed(run.tenant, run.project, app.id));
    if let Some(parent) = app.preview_of {
        tx.publish(events::app_changed(run.tenant, run.project, parent));
    }
    Ok(made)
}

/// The preview that an app is.
async fn of(at: &impl Look, app: &apps::App) -> sf_store::Result<Preview> {
    previews::find(at, app.id).await?.ok_or_else(|| no_preview(app.name.as_str()).into())
}

/// Has the lane of timers look at a preview then.
pub(crate) fn look_at(tx: &mut Tx, app: AppId, at: Timestamp, after: &mut After) {
    outbox::push(tx, timers::LANE, LOOK, serde_json::json!({ "app": app }), at);
    after.arm(at);
}

/// A run about an app is over: where the app is a preview, the next step of it may be due.
pub(crate) async fn ended(tx: &mut Tx, run: &Run, after: &mut After) -> sf_store::Result<()> {
    let counts = matches!(run.action, Action::Deploy(_) | Action::Proxy(_) | Action::App(AppAction::Delete(_)));
    let Some(app) = run.app.filter(|_| counts && run.state != RunState::Done(Done::Denied)) else { return Ok(()) };
    let Some(preview) = previews::find(tx, app).await? else { return Ok(()) };
    look_at(tx, app, tx.now(), after);
    tx.publish(events::app_changed(preview.tenant, Some(preview.project), preview.parent));
    Ok(())
}

/// An app is gone: its previews go, and the one that it was is forgotten.
pub(crate) async fn gone(tx: &mut Tx, app: AppId, after: &mut After) -> sf_store::Result<()> {
    for preview in previews::of_app(tx, app).await? {
        end(tx, preview, "The app it is of was deleted.", after).await?;
    }
    previews::unwant(tx, app).await?;
    if let Some(own) = previews::find(tx, app).await? {
        previews::delete(tx, app).await?;
        tx.publish(events::app_changed(own.tenant, Some(own.project), own.parent));
    }
    Ok(())
}

/// A preview is over: it is deleted as soon as the lane looks.
pub(crate) async fn end(tx: &mut Tx, preview: Preview, why: &str, after: &mut After) -> sf_store::Result<()> {
    let app = preview.app;
    if preview.ends_why.is_none() {
        tx.publish(events::app_changed(preview.tenant, Some(preview.project), preview.parent));
        previews::set(tx, &Preview { ends_why: Some(why.to_owned()), ..preview }).await?;
    }
    look_at(tx, app, tx.now(), after);
    Ok(())
}

/// What a change of previews would do, for people.
pub(crate) async fn tell(at: &impl Look, action: &PreviewAction) -> sf_store::Result<Told> {
    let app = apps::get(at, action.app()).await?;
    let mut told = Told::default();
    match action {
        PreviewAction::Configure(Configure { settings: None, .. }) => {
            told.steps.push(format!("No push makes a preview of `{}` any more.", app.name));
            told.steps.push("Previews that are there stay until they expire.".to_owned());
        }
        PreviewAction::Configure(Configure { settings: Some(settings), .. }) => told.steps = configured(settings),
        PreviewAction::Deploy(wanted) => {
            let there = previews::of_branch(at, app.id, &wanted.branch).await?;
            let what = wanted.commit.as_deref().unwrap_or("the tip");
            told.steps.push(match &there {
                Some(there) => {
                    format!("The preview of `{}` at {} is deployed anew: {what}.", wanted.branch, there.domain)
                }
                None => format!(
                    "An app of its own is made for `{}`, beside `{}` on the same node.",
                    wanted.branch, app.name
                ),
            });
            told.steps.push("It is given what of the environment is marked for previews, and nothing else.".to_owned());
            if there.is_none() {
                told.steps.push("Once it serves, its own domain leads to it.".to_owned());
            }
        }
        PreviewAction::Extend(extend) => {
            told.steps.push(format!("`{}` is deleted {} days from now, and not before.", app.name, extend.days));
        }
    }
    Ok(told)
}

fn configured(settings: &PreviewSettings) -> Vec<String> {
    let mut steps = vec![format!(
        "A push of a branch like `{}` makes an app of its own, at a name below {}.",
        settings.branches, settings.base
    )];
    if settings.requests {
        steps.push("So does a pull request of the same repository; what a fork sends never runs here.".to_owned());
    }
    steps.push(format!(
        "Up to {} at once; each is deleted when its branch is, and {} days after its last push.",
        settings.at_once, settings.days
    ));
    steps
        .push("They are given what of the environment is marked for previews, and nothing of production's.".to_owned());
    steps.push("Their domains are served for you, with the rights you have then.".to_owned());
    steps
}

/// What goes with an app, in the words of its plan.
pub(crate) async fn losses(at: &impl Look, app: AppId) -> sf_store::Result<Vec<String>> {
    let all = previews::of_app(at, app).await?;
    Ok(all.iter().map(|preview| format!("the preview of `{}` at {}", preview.branch, preview.domain)).collect())
}

fn nested(app: &str) -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, "preview.nested", format!("`{app}` is a preview itself."));
    fault.fix("Set the previews of the app that it is of.")
}

fn not_yours(settings: &PreviewSettings) -> Fault {
    let message = format!("{} leads to somebody else already.", settings.base);
    let fault = Fault::new(ErrorKind::Conflict, "preview.base_taken", message);
    fault.fix("Choose a domain of your own, such as preview.example.org.")
}

fn no_preview(app: &str) -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, "preview.none", format!("`{app}` is no preview."));
    fault.fix("List them: serverflow apps previews list APP.")
}

fn going(branch: &str) -> Fault {
    let message = format!("The preview of `{branch}` is being deleted.");
    Fault::new(ErrorKind::Conflict, "preview.going", message).fix("Make it anew in a moment, when it is gone.")
}
