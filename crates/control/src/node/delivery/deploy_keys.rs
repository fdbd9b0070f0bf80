//! Deploy keys: made here, kept sealed, and given to the app's node alone, with each deploy that reads by ssh.

use std::sync::Arc;

use sf_actions::key::KeyAction;
use sf_actions::{Actor, Permission};
use sf_engine::Run;
use sf_identity::master::Sealed as AtRest;
use sf_identity::root::{public_openssh, write_openssh};
use sf_protocol::SecretKey;
use sf_protocol::app::SecretVar;
use sf_protocol::handshake::DEPLOY_KEYS_SINCE;
use sf_protocol::order::{DEPLOY_KEY, DeploySource, Order};
use sf_protocol::sealed::{Place, Sealed};
use sf_store::apps::App;
use sf_store::deploy_keys::{self, DeployKey, NewKey};
use sf_store::{Look, Tx, apps, nodes};
use sf_types::{AppId, ErrorKind, Fault, Secret, SecretId, TenantId};

use crate::control::{Control, Core};
use crate::events;
use crate::proposal::Made;
use crate::rehearsal::Told;

/// What private halves are sealed for at rest.
const AT_REST: &str = "deploy key";
/// Keys have no versions: another one has another id.
const VERSION: u32 = 1;

/// Carries out a change of a deploy key.
pub(crate) async fn perform(tx: &mut Tx, core: &Arc<Core>, run: &Run, action: &KeyAction) -> sf_store::Result<Made> {
    let app = apps::get(tx, action.app()).await?;
    let made = match action {
        KeyAction::Create(_) => {
            if !is_ssh(&app.settings.0.repository) {
                return Err(not_ssh().into());
            }
            if deploy_keys::of_app(tx, app.id).await?.is_some() {
                return Err(there_is_one(app.name.as_str()).into());
            }
            let new = fresh(core, &app, tx.new_id());
            deploy_keys::create(tx, &app, new).await?;
            Made::App(app.id)
        }
        KeyAction::Delete(_) => {
            if !deploy_keys::delete_of_app(tx, app.id).await? {
                return Err(none().into());
            }
            Made::Nothing
        }
    };
    tx.publish(events::app_changed(run.tenant, run.project, app.id));
    Ok(made)
}

fn fresh(core: &Core, app: &App, id: SecretId) -> NewKey {
    let key = SecretKey::from_seed(Secret::new(core.rng.bytes()).expose());
    let comment = format!("serverflow {}", app.name);
    let (public, fingerprint) = public_openssh(&key.public(), &comment);
    let private = write_openssh(&key, &comment);
    let sealed = core.keys.master.seal(AT_REST, &row(app.tenant, id), private.expose().as_bytes(), &core.rng);
    NewKey { id, public, fingerprint, sealed: sealed.to_bytes() }
}

/// Gives a deploy that reads by ssh its app's key, sealed to the node.
pub(crate) async fn equip(
    tx: &mut Tx,
    core: &Core,
    app: &App,
    order: &mut Order,
) -> sf_store::Result<Result<(), Fault>> {
    let Order::Deploy(deploy) = order else { return Ok(Ok(())) };
    let DeploySource::Git(source) = &deploy.from else { return Ok(Ok(())) };
    if !is_ssh(&source.url) {
        return Ok(Ok(()));
    }
    // A preview reads its app's repository.
    let Some(key) = deploy_keys::of_app(tx, app.preview_of.unwrap_or(app.id)).await? else { return Ok(Ok(())) };
    if core.links.version(app.node).is_none_or(|version| version < DEPLOY_KEYS_SINCE) {
        return Ok(Err(too_old()));
    }
    let Some(private) = opened(core, &key) else { return Ok(Err(damaged())) };
    let node = nodes::get(tx, app.node).await?.public_key;
    let place = Place { app: app.id, name: DEPLOY_KEY, secret: key.id, version: VERSION };
    let sealed = Sealed::seal(&node, &place, private.expose(), &Secret::new(core.rng.bytes()));
    deploy.key = Some(SecretVar { name: DEPLOY_KEY.to_owned(), secret: key.id, version: VERSION, sealed });
    Ok(Ok(()))
}

fn opened(core: &Core, key: &DeployKey) -> Option<Secret<Vec<u8>>> {
    core.keys.master.open(AT_REST, &row(key.tenant, key.id), &AtRest::from_bytes(&key.sealed)?).ok()
}

fn row(tenant: TenantId, key: SecretId) -> String {
    format!("{tenant}/{key}")
}

/// Of the addresses there are (`sf_actions::valid::repository`), all others are ssh's.
fn is_ssh(url: &str) -> bool {
    !url.starts_with("https://") && !url.starts_with("file://")
}

/// What a change of a deploy key would do, for people.
pub(crate) async fn tell(at: &impl Look, action: &KeyAction) -> sf_store::Result<Told> {
    let app = apps::get(at, action.app()).await?;
    let mut told = Told::default();
    match action {
        KeyAction::Create(_) => {
            told.steps.push(format!("An Ed25519 key is made that opens the repository of `{}` alone.", app.name));
            told.steps.push(
                "Its public half is for the git host; the private one leaves only sealed to the app's node.".into(),
            );
            told.steps.push("Deploys read with it from the next one on, and no more with the node's own key.".into());
        }
        KeyAction::Delete(_) => {
            told.steps.push(format!("`{}` is read with the node's own key from the next deploy on.", app.name));
            told.losses.push("the key: what it opens at the git host, it opens no more".to_owned());
        }
    }
    Ok(told)
}

impl Control {
    /// The deploy key of an app, where it has one; its private half is nobody's to read.
    ///
    /// # Errors
    /// No such app, no right, or the store cannot be read.
    pub async fn deploy_key(&self, actor: &Actor, app: AppId) -> Result<Option<DeployKey>, Fault> {
        let reader = self.view(actor, Permission::AppView)?;
        let app = apps::get(&reader, app).await?;
        Ok(deploy_keys::of_app(&reader, app.id).await?)
    }
}

fn none() -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, "deploykey.none", "This app has no deploy key.");
    fault.fix("Make one: serverflow deploy-key create APP.")
}

fn there_is_one(app: &str) -> Fault {
    let fault = Fault::new(ErrorKind::Conflict, "deploykey.exists", format!("`{app}` has a deploy key already."));
    fault.fix("Delete it first; what it opens at the git host, another one does not.")
}

fn not_ssh() -> Fault {
    let message = "A deploy key opens repositories by ssh, and this app's address is not one of those.";
    let fault = Fault::new(ErrorKind::Conflict, "deploykey.not_ssh", message);
    fault.fix("Change the app's repository to git@host:path or ssh://git@host/path.")
}

fn too_old() -> Fault {
    let message = "This app has a deploy key, and the agent of its node is too old to be given one.";
    Fault::new(ErrorKind::Conflict, "deploykey.agent_too_old", message).fix("Update the agent on that machine.")
}

fn damaged() -> Fault {
    let message = "The deploy key cannot be opened: its row is damaged, or the master key is another.";
    let fault = Fault::new(ErrorKind::Internal, "deploykey.damaged", message);
    fault.fix("Start with the master key it was sealed under, or delete it and make another one.")
}
