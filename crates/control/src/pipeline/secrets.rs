//! Secrets in the pipeline. A value travels beside its action: it is sealed before the run is opened, waits under the
//! run's id for as long as a person or a transaction needs, and becomes a version when the run is carried out. Every
//! other end of the run deletes it.

use std::sync::Arc;

use sf_actions::app::Settings;
use sf_actions::secret::{CreateSecret, SecretAction, UpdateSecret, check_value};
use sf_actions::{Action, Environment, Source};
use sf_engine::{Done, Run, RunState};
use sf_identity::master::Sealed;
use sf_store::secrets::{self, MAX_PER_PROJECT, NewSecret, SecretRow, VERSIONS_KEPT};
use sf_store::{Look, StoreError, Tx, tenants, workflows};
use sf_types::{ErrorKind, Fault, ProjectId, RunId, Secret, SecretId, SecretName, Slug, TenantId, UserId};

use crate::approval::cards;
use crate::control::Core;
use crate::perform::name_taken;
use crate::proposal::{Made, refused};
use crate::rehearsal::Told;
use crate::transition::After;

/// What values at rest are sealed for.
const AT_REST: &str = "secret";
/// What values that wait for their run are sealed for.
const WAITING: &str = "waiting secret";

/// Refuses an action without its value, a value without its action, and values that no process could be given.
pub(crate) fn check(action: &Action, value: Option<&Secret<String>>) -> Result<(), Fault> {
    let takes = match action {
        Action::Secret(action) => {
            action.check().map_err(|error| refused(&error))?;
            action.takes_value()
        }
        _ => false,
    };
    match value {
        Some(value) if takes => check_value(value.expose()).map_err(|error| refused(&error)),
        None if !takes => Ok(()),
        _ => Err(refused(&sf_actions::Refused::new("value", "exactly the actions that need a value come with one"))),
    }
}

/// Seals what travels beside an action, for its run alone.
pub(crate) fn seal(core: &Core, run: &Run, value: &Secret<String>) -> Vec<u8> {
    let row = waiting_row(run.tenant, run.id);
    core.keys.master.seal(WAITING, &row, value.expose().as_bytes(), &core.rng).to_bytes()
}

/// Keeps a sealed value for its run, in the transaction that opens it.
pub(crate) async fn wait(tx: &mut Tx, run: &Run, sealed: Option<Vec<u8>>) -> sf_store::Result<()> {
    match sealed {
        Some(sealed) => secrets::wait(tx, run.tenant, run.id, sealed).await,
        None => Ok(()),
    }
}

/// A run that ended without being carried out leaves no value behind.
pub(crate) async fn forget(tx: &mut Tx, run: &Run) -> sf_store::Result<()> {
    let carried_out = run.state == RunState::Done(Done::Succeeded) && run.fault.is_none();
    if matches!(run.action, Action::Secret(_)) && run.is_done() && !carried_out {
        secrets::take(tx, run.id).await?;
    }
    Ok(())
}

/// Carries a change of secrets out.
pub(crate) async fn perform(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &SecretAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let by = crate::dispatch::authz(run).user;
    match action {
        SecretAction::Create(create) => create_one(tx, core, run, create, by).await.map(Made::Secret),
        SecretAction::Update(update) => {
            change(tx, core, run, update, by).await?;
            if update.new_value {
                let row = secrets::get(tx, update.secret).await?;
                cards::refresh_users(tx, core, &row, after).await?;
            }
            Ok(Made::Secret(update.secret))
        }
        SecretAction::Delete(of) => {
            let row = secrets::get(tx, of.secret).await?;
            unused(tx, &row).await?;
            secrets::delete(tx, of.secret, by).await?;
            // A process may still hold what its app's settings do not name any more.
            cards::refresh_users(tx, core, &row, after).await?;
            Ok(Made::Nothing)
        }
    }
}

async fn create_one(
    tx: &mut Tx,
    core: &Core,
    run: &Run,
    create: &CreateSecret,
    by: Option<UserId>,
) -> sf_store::Result<SecretId> {
    let project = match create.project {
        Some(project) => project,
        None => tenants::default_project(tx).await?.id,
    };
    if secrets::count(tx, project).await? >= MAX_PER_PROJECT {
        let message = format!("The project has {MAX_PER_PROJECT} secrets; no more are allowed.");
        let fault = Fault::new(ErrorKind::Conflict, "secret.too_many", message);
        return Err(fault.fix("Delete those that nothing uses.").into());
    }
    let id: SecretId = tx.new_id();
    let sealed = reseal(tx, core, run, id, 1).await?;
    let (name, description) = (create.name.clone(), create.description.clone());
    let environment = create.environment;
    let new = NewSecret { id, tenant: run.tenant, project, name, description, by, environment };
    secrets::create(tx, new, sealed).await.map_err(|error| name_taken(error, create.name.as_str()))?;
    Ok(id)
}

async fn change(
    tx: &mut Tx,
    core: &Core,
    run: &Run,
    update: &UpdateSecret,
    by: Option<UserId>,
) -> sf_store::Result<()> {
    if let Some(description) = &update.description {
        secrets::describe(tx, update.secret, by, description).await?;
    }
    if let Some(environment) = update.environment {
        secrets::mark(tx, update.secret, by, environment).await?;
    }
    if update.new_value {
        let row = secrets::get(tx, update.secret).await?;
        let sealed = reseal(tx, core, run, row.id, row.version + 1).await?;
        secrets::add_version(tx, &row, by, sealed).await?;
    }
    Ok(())
}

/// The value that waited for `run`, sealed as a version of its secret.
async fn reseal(tx: &mut Tx, core: &Core, run: &Run, secret: SecretId, version: u32) -> sf_store::Result<Vec<u8>> {
    let gone = || {
        let message = "The value that was given with this is not here any more.";
        Fault::new(ErrorKind::Conflict, "secret.value_gone", message).fix("Propose it again with its value.")
    };
    let waiting = secrets::take(tx, run.id).await?.ok_or_else(gone)?;
    let value = unseal(core, WAITING, &waiting_row(run.tenant, run.id), &waiting)?;
    let row = version_row(run.tenant, secret, version);
    Ok(core.keys.master.seal(AT_REST, &row, value.expose(), &core.rng).to_bytes())
}

/// The value of the newest version. Only what hands it to its node may ask. A value that does not open (another master key, a
/// damaged row) is a fault inside: it ends the run that needs it and nothing else.
pub(crate) async fn value(tx: &Tx, core: &Core, row: &SecretRow) -> sf_store::Result<Result<Secret<Vec<u8>>, Fault>> {
    let sealed = match secrets::sealed(tx, row.id, row.version).await {
        Err(StoreError::NotFound(_)) => return Ok(Err(damaged(Some(&row.name)))),
        sealed => sealed?,
    };
    Ok(opened(core, row, row.version, Some(&sealed)))
}

/// Opens a version as it is stored. Only what hands it to its node, or verifies by it, may ask.
pub(crate) fn opened(
    core: &Core,
    row: &SecretRow,
    version: u32,
    sealed: Option<&[u8]>,
) -> Result<Secret<Vec<u8>>, Fault> {
    let sealed = sealed.ok_or_else(|| damaged(Some(&row.name)))?;
    let opened = unseal(core, AT_REST, &version_row(row.tenant, row.id, version), sealed);
    opened.map_err(|_| damaged(Some(&row.name)))
}

fn unseal(core: &Core, purpose: &'static str, row: &str, sealed: &[u8]) -> Result<Secret<Vec<u8>>, Fault> {
    let sealed = Sealed::from_bytes(sealed).ok_or_else(|| damaged(None))?;
    Ok(core.keys.master.open(purpose, row, &sealed)?)
}

fn damaged(name: Option<&SecretName>) -> Fault {
    let which = name.map_or_else(String::new, |name| format!(" `{name}`"));
    let message =
        format!("The stored secret{which} cannot be opened: its row is damaged, or the master key is another.");
    let fault = Fault::new(ErrorKind::Internal, "secret.damaged", message);
    fault.fix("Start with the master key it was sealed under, or give the secret its value again.")
}

fn version_row(tenant: TenantId, secret: SecretId, version: u32) -> String {
    format!("{tenant}/{secret}/{version}")
}

fn waiting_row(tenant: TenantId, run: RunId) -> String {
    format!("{tenant}/{run}")
}

/// Refuses to delete what apps and servers use, or webhooks that are switched on, naming them.
async fn unused(tx: &Tx, secret: &SecretRow) -> sf_store::Result<()> {
    let users = secrets::users(tx, Some(secret.project)).await?;
    let apps = users.iter().filter(|user| user.secrets.contains(&secret.name));
    let apps: Vec<_> = apps.map(|user| format!("`{}`", user.name)).collect();
    let hooks = listening(tx, secret).await?;
    let hooks: Vec<_> = hooks.iter().map(|name| format!("a webhook of the workflow `{name}`")).collect();
    let (used_by, fix) = match (apps.is_empty(), hooks.is_empty()) {
        (true, true) => return Ok(()),
        (false, true) => (apps, "Take it out of their environment, or a server's variables, first."),
        (true, false) => (hooks, "Switch their triggers off first, or save them with another secret."),
        (false, false) => {
            let fix = "Take it out of their environment, and switch their triggers off, first.";
            ([apps, hooks].concat(), fix)
        }
    };
    let message = format!("`{}` is used by {}.", secret.name, used_by.join(", "));
    Err(Fault::new(ErrorKind::Conflict, "secret.in_use", message).fix(fix).into())
}

/// Workflows whose webhooks are switched on and verify by this secret.
async fn listening(tx: &Tx, secret: &SecretRow) -> sf_store::Result<Vec<Slug>> {
    let mut names = Vec::new();
    for workflow in workflows::listening(tx, secret.project).await? {
        let version = workflows::version(tx, workflow.id, workflow.version).await?;
        let definition = crate::workflow::told::parse(&version.document)?;
        let mut hooks = definition.triggers.iter().filter_map(|trigger| trigger.kind.webhook.as_ref());
        if hooks.any(|hook| hook.secret == secret.name.as_str()) {
            names.push(workflow.name);
        }
    }
    Ok(names)
}

/// Refuses settings that name secrets the project does not have.
pub(crate) async fn known(tx: &Tx, project: ProjectId, settings: &Settings) -> sf_store::Result<()> {
    for variable in &settings.env {
        let Source::Secret(name) = &variable.source else { continue };
        let row = secrets::by_name(tx, project, name).await?.ok_or_else(|| missing(name))?;
        if !row.environment.covers(variable.environment) {
            return Err(elsewhere(&row, variable.environment).into());
        }
    }
    Ok(())
}

/// The secret is not for this environment.
pub(crate) fn elsewhere(row: &SecretRow, wanted: Environment) -> Fault {
    let (name, marked, wanted) = (&row.name, row.environment.word(), wanted.word());
    let message = format!("The secret `{name}` is marked `{marked}`, and a variable marked `{wanted}` names it.");
    let fault = Fault::new(ErrorKind::Conflict, "secret.other_environment", message);
    fault.fix(format!(
        "Use one that is for `{wanted}`, or mark this one: serverflow secrets set {name} --environment all."
    ))
}

/// The project has no secret of this name.
pub(crate) fn missing(name: &SecretName) -> Fault {
    let fault =
        Fault::new(ErrorKind::Conflict, "secret.missing", format!("There is no secret `{name}` in the project."));
    fault.fix(format!("Make it first: serverflow secrets set {name}."))
}

/// What a change of secrets would do, for people.
pub(crate) async fn tell(at: &impl Look, action: &SecretAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    match action {
        SecretAction::Create(create) => {
            told.steps.push(format!("The secret `{}` is made; its value can never be read again.", create.name));
        }
        SecretAction::Update(update) => {
            let row = secrets::get(at, update.secret).await?;
            if update.description.is_some() {
                told.steps.push(format!("The description of `{}` is replaced.", row.name));
            }
            if let Some(environment) = update.environment {
                let (name, before, then) = (&row.name, row.environment.word(), environment.word());
                told.steps.push(format!("`{name}`, which was for `{before}`, may be given to `{then}` from now on."));
            }
            if update.new_value {
                told.steps.push(format!("`{}` gets a new value, version {}.", row.name, row.version + 1));
                told.steps.push("Apps get it when they are next deployed or restarted.".to_owned());
            }
            let lost = row.version.saturating_add(1).saturating_sub(VERSIONS_KEPT);
            if update.new_value && lost > 0 {
                told.losses.push(format!("its version {lost}: the last {VERSIONS_KEPT} are kept"));
            }
        }
        SecretAction::Delete(of) => {
            let row = secrets::get(at, of.secret).await?;
            told.steps.push(format!("The secret `{}` is deleted; nothing uses it.", row.name));
            told.losses.push(format!("all values of `{}`", row.name));
        }
    }
    Ok(told)
}
