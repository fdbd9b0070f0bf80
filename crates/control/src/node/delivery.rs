//! How secrets reach a node: each value is opened when the order is signed and sealed to the node's key at once, so
//! that the order, which is stored and shown, holds what the node alone can open.

pub(crate) mod deploy_keys;

use std::collections::BTreeMap;

use sf_actions::process::ProcessVerb;
use sf_actions::{Action, Source};
use sf_protocol::app::{AppSpec, AppState, SecretVar};
use sf_protocol::command::GuardedSecret;
use sf_protocol::handshake::SECRETS_SINCE;
use sf_protocol::order::Order;
use sf_protocol::sealed::{Place, Sealed};
use sf_store::secrets::SecretRow;
use sf_store::{Look, Tx, apps, nodes, secrets};
use sf_types::{ErrorKind, Fault, Secret, SecretName};

use crate::control::Core;
use crate::pipeline::secrets as values;

/// The secrets that an app's processes get, as they are now.
///
/// # Errors
/// `secret.missing` inside, when one is not there; `secret.other_environment`, when it is not for them.
async fn named(at: &impl Look, app: &apps::App) -> sf_store::Result<Result<Vec<SecretRow>, Fault>> {
    let (settings, environment) = (&app.settings.0, app.environment());
    let mut rows = Vec::new();
    for name in settings.secrets(environment) {
        match secrets::by_name(at, app.project, name).await? {
            Some(row) if row.environment.covers(environment) => rows.push(row),
            Some(row) => return Ok(Err(values::elsewhere(&row, environment))),
            None => return Ok(Err(values::missing(name))),
        }
    }
    Ok(Ok(rows))
}

/// The secrets that a process started anew would get in other versions than it had, with the variables they are in.
async fn renewed(at: &impl Look, app: &apps::App, verb: ProcessVerb) -> sf_store::Result<Vec<(String, SecretRow)>> {
    let starts = match verb {
        ProcessVerb::Restart => true,
        // What runs already is left as it is.
        ProcessVerb::Start => app.state != AppState::Running,
        ProcessVerb::Stop => false,
    };
    if !starts || app.settings.0.secrets(app.environment()).is_empty() {
        return Ok(Vec::new());
    }
    let Some(AppSpec { secrets: had, .. }) = apps::applied_of(at, app.id).await? else { return Ok(Vec::new()) };
    let mut newer = Vec::new();
    for var in had {
        // One that was deleted meanwhile: the process keeps the value it had until its next deploy.
        let Some(row) = secrets::find(at, var.secret).await? else { continue };
        // One that is not for this environment any more: likewise.
        if row.version != var.version && row.environment.covers(app.environment()) {
            newer.push((var.name, row));
        }
    }
    Ok(newer)
}

/// The secrets that would go along with an action on an app, as they are now.
///
/// # Errors
/// `secret.missing` inside, when one is not there.
pub(crate) async fn foreseen(
    at: &impl Look,
    action: &Action,
    app: &apps::App,
) -> sf_store::Result<Result<Vec<SecretRow>, Fault>> {
    match action {
        Action::Deploy(_) => named(at, app).await,
        Action::Process(process) => {
            Ok(Ok(renewed(at, app, process.verb).await?.into_iter().map(|(_, row)| row).collect()))
        }
        _ => Ok(Ok(Vec::new())),
    }
}

/// What an order depends on besides its releases, in the words of a guard.
pub(crate) fn guarded(rows: &[SecretRow]) -> Vec<GuardedSecret> {
    let fact = |row: &SecretRow| GuardedSecret { secret: row.id, name: row.name.clone(), version: row.version };
    let mut facts: Vec<_> = rows.iter().map(fact).collect();
    facts.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    facts.dedup();
    facts
}

/// Gives an order the secrets it needs, sealed; answers what it depends on because of them.
pub(crate) async fn equip(
    tx: &mut Tx,
    core: &Core,
    action: &Action,
    app: &apps::App,
    order: &mut Order,
) -> sf_store::Result<Result<Vec<GuardedSecret>, Fault>> {
    let wanted = match action {
        Action::Deploy(_) => match named(tx, app).await? {
            Ok(rows) => in_variables(app, rows),
            Err(fault) => return Ok(Err(fault)),
        },
        Action::Process(process) => renewed(tx, app, process.verb).await?,
        _ => Vec::new(),
    };
    if wanted.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    if core.links.version(app.node).is_none_or(|version| version < SECRETS_SINCE) {
        return Ok(Err(too_old()));
    }
    let key = nodes::get(tx, app.node).await?.public_key;
    let mut opened: BTreeMap<SecretName, Secret<Vec<u8>>> = BTreeMap::new();
    let mut sealed = Vec::with_capacity(wanted.len());
    for (name, row) in &wanted {
        if !opened.contains_key(&row.name) {
            match values::value(tx, core, row).await? {
                Ok(value) => opened.insert(row.name.clone(), value),
                Err(fault) => return Ok(Err(fault)),
            };
        }
        let place = Place { app: app.id, name, secret: row.id, version: row.version };
        let value = Sealed::seal(&key, &place, opened[&row.name].expose(), &Secret::new(core.rng.bytes()));
        sealed.push(SecretVar { name: name.clone(), secret: row.id, version: row.version, sealed: value });
    }
    match order {
        Order::Deploy(deploy) => deploy.app.secrets = sealed,
        Order::AppAction(action) => action.secrets = sealed,
        _ => {}
    }
    let rows: Vec<_> = wanted.into_iter().map(|(_, row)| row).collect();
    Ok(Ok(guarded(&rows)))
}

fn in_variables(app: &apps::App, rows: Vec<SecretRow>) -> Vec<(String, SecretRow)> {
    let row_of = |name: &SecretName| rows.iter().find(|row| row.name == *name).cloned();
    let secret = app.settings.0.variables(app.environment()).filter_map(|variable| match &variable.source {
        Source::Secret(secret) => Some((variable.name.clone(), row_of(secret)?)),
        Source::Value(_) => None,
    });
    secret.collect()
}

fn too_old() -> Fault {
    let message = "This app uses secrets, and the agent of its node is too old to be given any.";
    Fault::new(ErrorKind::Conflict, "secret.agent_too_old", message).fix("Update the agent on that machine.")
}
