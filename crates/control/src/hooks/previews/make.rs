//! The preview of a branch comes to be, or is brought up to date: rows alone. What follows of them is proposed by `tend.rs`.

use sf_actions::ActorKind;
use sf_actions::preview::DeployPreview;
use sf_engine::{Run, preview};
use sf_store::apps::{App, NewApp};
use sf_store::previews::{self, Preview, Wanted};
use sf_store::{Look, Tx, apps, proxies};
use sf_types::{AppId, DomainName, ErrorKind, Fault, Slug, TriggerId, UserId};

use super::{going, look_at, nested};
use crate::approval::decide::not_a_person;
use crate::transition::After;
use crate::{events, perform};

/// Makes the preview of a branch, or says what it shall be from now on; answers the app that it is.
pub(super) async fn make(
    tx: &mut Tx,
    run: &Run,
    app: &App,
    args: &DeployPreview,
    after: &mut After,
) -> sf_store::Result<AppId> {
    if app.preview_of.is_some() {
        return Err(nested(app.name.as_str()).into());
    }
    let wanted = previews::wanted(tx, app.id).await?.ok_or_else(|| off(app.name.as_str()))?;
    if app.settings.0.reference.as_ref() == Some(&args.branch) {
        return Err(own_branch(app.name.as_str(), &args.branch).into());
    }
    let user = run.actor.user().ok_or_else(|| not_a_person("Do it as a person."))?;
    let by = match run.actor {
        ActorKind::Trigger { trigger, .. } => Some(trigger),
        _ => None,
    };
    let preview = match previews::of_branch(tx, app.id, &args.branch).await? {
        Some(before) => renewed(tx, (app, &wanted), args, before, (user, by)).await?,
        None => fresh(tx, (app, &wanted), args, (user, by)).await?,
    };
    let id = preview.app;
    look_at(tx, id, tx.now(), after);
    look_at(tx, id, preview.expires_at, after);
    tx.publish(events::app_changed(run.tenant, run.project, id));
    Ok(id)
}

type By = (UserId, Option<TriggerId>);

/// The branch was pushed again: its app's settings as they are now, and the days from now on.
async fn renewed(
    tx: &mut Tx,
    (app, wanted): (&App, &Wanted),
    args: &DeployPreview,
    before: Preview,
    (user, by): By,
) -> sf_store::Result<Preview> {
    if before.ended_at.is_some() {
        return Err(going(&before.branch).into());
    }
    apps::update_settings(tx, before.app, &preview::settings_of(&app.settings.0, &args.branch)).await?;
    // Two pushes of one millisecond are two.
    let pushed_at = tx.now().max(before.pushed_at.plus(std::time::Duration::from_millis(1)));
    let preview = Preview {
        commit: args.commit.clone(),
        user,
        trigger: by.unwrap_or_else(|| own(before.app)),
        site_owner: wanted.owner,
        certificate: wanted.settings.0.certificate,
        pushed_at,
        // What was given more time keeps it.
        expires_at: preview::expiry(tx.now(), wanted.settings.0.days).max(before.expires_at),
        ends_why: None,
        problem: None,
        ..before
    };
    previews::set(tx, &preview).await?;
    Ok(preview)
}

async fn fresh(
    tx: &mut Tx,
    (app, wanted): (&App, &Wanted),
    args: &DeployPreview,
    (user, by): By,
) -> sf_store::Result<Preview> {
    let settings = &wanted.settings.0;
    let at_once = usize::from(settings.at_once);
    if previews::of_app(tx, app.id).await?.len() >= at_once {
        return Err(too_many(app.name.as_str(), at_once).into());
    }
    let (name, domain) = free(tx, app, wanted, &args.branch).await?;
    let (id, now) = (tx.new_id(), tx.now());
    let new = NewApp {
        id,
        project: app.project,
        node: app.node,
        name: name.clone(),
        settings: preview::settings_of(&app.settings.0, &args.branch),
        preview_of: Some(app.id),
    };
    apps::add(tx, new).await.map_err(|error| perform::name_taken(error, name.as_str()))?;
    let preview = Preview {
        app: id,
        tenant: app.tenant,
        project: app.project,
        parent: app.id,
        branch: args.branch.clone(),
        domain,
        certificate: settings.certificate,
        commit: args.commit.clone(),
        user,
        trigger: by.unwrap_or_else(|| own(id)),
        site_owner: wanted.owner,
        pushed_at: now,
        deployed_at: None,
        site_at: None,
        expires_at: preview::expiry(now, settings.days),
        ends_why: None,
        ended_at: None,
        problem: None,
        created_at: now,
    };
    previews::create(tx, &preview).await?;
    Ok(preview)
}

/// What somebody asked for by hand goes on as its own trigger: for them, with the rights they have then.
const fn own(app: AppId) -> TriggerId {
    TriggerId::from_uuid(app.uuid())
}

/// The best name that is nobody's: neither in the project nor anywhere as a domain. Its app's own domain is somebody's.
async fn free(tx: &Tx, app: &App, wanted: &Wanted, branch: &str) -> sf_store::Result<(Slug, DomainName)> {
    for name in preview::names(app.id, &app.name, branch) {
        let Some(domain) = preview::domain(&name, &wanted.base) else { continue };
        let is_taken = apps::is_named(tx, app.project, &name).await?
            || previews::is_named(tx, &domain).await?
            || proxies::taken(tx, std::slice::from_ref(&domain), None).await?.is_some();
        if !is_taken {
            return Ok((name, domain));
        }
    }
    Err(no_name(branch).into())
}

pub(super) fn off(app: &str) -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, "preview.off", format!("`{app}` has no previews."));
    fault.fix(format!("Say first below which domain: serverflow apps previews set {app} --base preview.example.org."))
}

fn own_branch(app: &str, branch: &str) -> Fault {
    let message = format!("`{branch}` is the branch that `{app}` itself is deployed from.");
    Fault::new(ErrorKind::Conflict, "preview.own_branch", message).fix("Preview another branch.")
}

fn too_many(app: &str, at_once: usize) -> Fault {
    let message = format!("`{app}` has {at_once} previews already, and may have no more at once.");
    let fault = Fault::new(ErrorKind::Conflict, "preview.too_many", message);
    fault.fix("Delete one, or raise `atOnce` of its previews (20 at the most).")
}

fn no_name(branch: &str) -> Fault {
    let message = format!("No name that could be made of `{branch}` is free.");
    Fault::new(ErrorKind::Conflict, "preview.no_name", message).fix("Rename the branch.")
}
