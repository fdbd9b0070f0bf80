//! Changes the control plane carries out itself, inside the transaction that records them.

pub(crate) mod projects;
pub(crate) mod roles;

use std::sync::Arc;

use sf_actions::access::AccessAction;
use sf_actions::alert::RuleScope;
use sf_actions::app::{AppAction, Settings};
use sf_actions::factor::FactorAction;
use sf_actions::node::NodeAction;
use sf_actions::{Action, Object, ObjectRef, Permission};
use sf_engine::Run;
use sf_protocol::order::{AppVerb, DeploySource, Order, ServiceAction, ServiceVerb};
use sf_protocol::site::{CertificateFrom, SiteSpec};
use sf_store::{
    Json, Look, StoreError, Tx, allocations, apps, factors, granted, grants, nodes, servers, tenants, tokens, users,
};
use sf_types::{AppId, ErrorKind, Fault, NodeId, TokenId};
use sha2::{Digest, Sha256};

use crate::authority;
use crate::control::Core;
use crate::mail::{self, letter};
use crate::patches;
use crate::pipeline::secrets;
use crate::proposal::Made;
use crate::rehearsal::Told;
use crate::transition::After;
use crate::{approval, enrolment, events, schedules};

/// Carries out an action of the control plane.
pub(crate) async fn perform(tx: &mut Tx, core: &Arc<Core>, run: &Run, after: &mut After) -> sf_store::Result<Made> {
    match &run.action {
        Action::Node(action) => node(tx, core, run, action, after).await,
        Action::App(AppAction::Create(create)) => {
            let project = match create.project {
                Some(project) => tenants::project(tx, project).await?.id,
                None => tenants::default_project(tx).await?.id,
            };
            secrets::known(tx, project, &create.settings).await?;
            let id: AppId = tx.new_id();
            apps::create(tx, id, project, create.node, &create.name, &create.settings)
                .await
                .map_err(|error| name_taken(error, create.name.as_str()))?;
            app_changed(tx, run, id);
            Ok(Made::App(id))
        }
        Action::App(AppAction::Update(update)) => {
            let apps::App { settings: Json(before), project, .. } = apps::get(tx, update.app).await?;
            if update.from.as_ref().is_some_and(|from| *from != settings_tag(&before)) {
                let message = "Somebody else has changed these settings since you read them.";
                let fault = Fault::new(ErrorKind::Conflict, "app.changed", message);
                return Err(fault.fix("Read them again, and make your change on top of theirs.").into());
            }
            secrets::known(tx, project, &update.settings).await?;
            apps::update_settings(tx, update.app, &update.settings).await?;
            app_changed(tx, run, update.app);
            // Other settings may name other secrets.
            approval::cards::refresh(tx, core, update.app, after).await?;
            Ok(Made::App(update.app))
        }
        Action::Run(action) => approval::decide::perform(tx, core, run, action, after).await,
        Action::Role(action) => roles::perform(tx, run, action).await,
        Action::Project(action) => projects::perform(tx, run, action).await,
        Action::Access(AccessAction::CreateToken(create)) => {
            let user = person(run)?;
            unlimited(tx, run).await?;
            if let Some(project) = create.project {
                tenants::project(tx, project).await?;
            }
            let id = tx.new_id();
            let issued = sf_identity::token::issue(id, &core.rng);
            let expires_at = tx.now().plus(std::time::Duration::from_secs(u64::from(create.days) * 86_400));
            let token = tokens::Token {
                id,
                tenant: run.tenant,
                user,
                name: create.name.to_string(),
                hash: issued.hash,
                scopes: create.scopes.as_ref().map(|list| Json(list.iter().map(|one| one.name().to_owned()).collect())),
                address_list: create.addresses.clone().map(Json),
                created_at: tx.now(),
                expires_at,
                last_used_at: None,
                revoked_at: None,
                project: create.project,
                last_used_from: None,
                speaks_for: create.speaks_for,
            };
            tokens::create(tx, &token).await?;
            Ok(Made::Token { id, text: issued.text.expose().clone(), expires_at })
        }
        Action::Access(AccessAction::RevokeToken(revoke)) => {
            let user = tokens::get(tx, revoke.token).await?.user;
            if user != person(run)? && !may_end_of_others(tx, run, revoke.token).await? {
                return Err(StoreError::NotFound("token"));
            }
            tokens::revoke(tx, revoke.token).await?;
            tx.publish(events::user_changed(run.tenant, user, "token revoked"));
            Ok(Made::Nothing)
        }
        Action::User(action) => crate::people::perform::perform(tx, core, run, action, after).await,
        Action::Factor(FactorAction::Reset(of)) => {
            crate::people::roles::within_reach(tx, run, of.user).await?;
            factors::remove_all(tx, of.user).await?;
            let user = users::get(tx, of.user).await?;
            let what = "Somebody who may change people in your team took your second factor and its recovery codes \
                        away: your password alone signs you in until you set up another one.";
            let letter = letter::notice(&user.email, &user.name, "Your second factor was reset", what, tx.now());
            after.posted |= mail::post(tx, core, "notice", &letter);
            Ok(Made::Nothing)
        }
        Action::Secret(action) => secrets::perform(tx, core, run, action, after).await,
        Action::Hook(action) => crate::hooks::perform(tx, core, run, action).await,
        Action::Key(action) => crate::deploy_keys::perform(tx, core, run, action).await,
        Action::Preview(action) => crate::previews::perform(tx, run, action, after).await,
        Action::Workflow(action) => crate::workflow::perform::perform(tx, core, run, action, after).await,
        Action::Tenant(action) => crate::people::teams::perform(tx, core, run, action, after).await,
        Action::Policy(action) => approval::routing::perform(tx, run, action, after).await,
        Action::Template(_) | Action::Server(_) | Action::Allocation(_) | Action::Alert(_) => {
            crate::panel::perform::perform(tx, core, run, after).await
        }
        Action::App(AppAction::Delete(_))
        | Action::Power(_)
        | Action::Console(_)
        | Action::File(_)
        | Action::Deploy(_)
        | Action::Process(_)
        | Action::Patch(_)
        | Action::Proxy(_)
        | Action::Schedule(_) => Ok(Made::Nothing),
    }
}

async fn node(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &NodeAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    match action {
        NodeAction::Invite(invite) => {
            let invitation = enrolment::invite(tx, core, run.tenant, person(run).ok(), invite.name.clone()).await?;
            Ok(Made::Invitation(invitation))
        }
        NodeAction::Admit(admit) => {
            let node = enrolment::admit(tx, core, run.tenant, &admit.code, admit.name.clone(), after).await?;
            node_changed(tx, run, node, "joined");
            Ok(Made::Node(node))
        }
        NodeAction::Rename(rename) => {
            nodes::rename(tx, rename.node, rename.name.as_str())
                .await
                .map_err(|error| name_taken(error, rename.name.as_str()))?;
            node_changed(tx, run, rename.node, "renamed");
            Ok(Made::Node(rename.node))
        }
        NodeAction::Unlock(unlock) => {
            nodes::unlock(tx, unlock.node).await?;
            node_changed(tx, run, unlock.node, "unlocked");
            Ok(Made::Node(unlock.node))
        }
        NodeAction::Remove(remove) => {
            if !apps::of_node(tx, remove.node).await?.is_empty() {
                let fault = Fault::new(ErrorKind::Conflict, "node.has_apps", "There are still apps on this node.");
                return Err(fault.fix("Delete them first, or move them to another node.").into());
            }
            if !servers::of_node(tx, remove.node).await?.is_empty() {
                let fault =
                    Fault::new(ErrorKind::Conflict, "node.has_servers", "There are still servers on this node.");
                return Err(fault.fix("Delete them first; of a machine that is gone for good, forget them.").into());
            }
            grants::forget_object(tx, ObjectRef(Object::Node(remove.node))).await?;
            servers::forget_leftovers(tx, remove.node).await?;
            allocations::delete_of_node(tx, remove.node).await?;
            crate::panel::rules::forget(tx, run.tenant, RuleScope::Node(remove.node)).await?;
            nodes::remove(tx, remove.node).await?;
            let gone = Fault::new(ErrorKind::Forbidden, "node.removed", "This node was removed.");
            after.cut.push((remove.node, gone));
            node_changed(tx, run, remove.node, "removed");
            Ok(Made::Nothing)
        }
        NodeAction::Service(_) => Ok(Made::Nothing),
    }
}

/// What tells one state of an app's settings from another: the first 16 bytes of a hash of them, hexadecimal.
pub fn settings_tag(settings: &Settings) -> String {
    let bytes = serde_json::to_vec(settings).expect("settings are structs, lists, numbers and text");
    Sha256::digest(bytes).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Whether this is a grant of an AI host, which who may change people ends for them: as they could by suspending them.
async fn may_end_of_others(tx: &Tx, run: &Run, token: TokenId) -> sf_store::Result<bool> {
    match granted::get(tx, token).await {
        Ok(_) => Ok(authority::rights_of(tx, run.actor).await?.in_tenant().has(Permission::UserUpdate)),
        Err(StoreError::NotFound(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Refuses to let a key with limits make what has none.
pub(crate) async fn unlimited(tx: &Tx, run: &Run) -> sf_store::Result<()> {
    let Some(token) = run.actor.token() else { return Ok(()) };
    if authority::limits_of(&tokens::get(tx, token).await?).is_none() {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::Forbidden, "token.limited", "A key that is limited cannot make what is not.");
    Err(fault.fix("Sign in as a person, or use a key without limits.").into())
}

pub(crate) fn person(run: &Run) -> Result<sf_types::UserId, StoreError> {
    run.actor.person().ok_or_else(|| approval::decide::not_a_person("Do it as a person.").into())
}

pub(crate) fn name_taken(error: StoreError, name: &str) -> StoreError {
    match error {
        StoreError::Taken(_) => Fault::new(ErrorKind::Conflict, "name.taken", format!("The name `{name}` is taken."))
            .fix("Choose another one.")
            .into(),
        other => other,
    }
}

fn app_changed(tx: &mut Tx, run: &Run, app: AppId) {
    tx.publish(events::app_changed(run.tenant, run.project, app));
}

fn node_changed(tx: &mut Tx, run: &Run, node: NodeId, what: &str) {
    tx.publish(events::node_changed(run.tenant, node, what));
}

/// What an order will do on its node, for people.
pub(crate) fn plan_steps(order: &Order, app: &apps::App) -> Vec<String> {
    match order {
        Order::Deploy(deploy) => {
            let first = match &deploy.from {
                DeploySource::Git(source) => {
                    let what = source.commit.as_deref().or(source.reference.as_deref());
                    format!("Fetch {} of {} and build it", what.unwrap_or("the default branch"), source.url)
                }
                DeploySource::Kept => "Take the kept release from the node's disk".to_owned(),
            };
            vec![
                first,
                "Start it on a port of its own beside the live release".to_owned(),
                "Wait until it is healthy".to_owned(),
                "Point the stable port at it and let the old release finish its requests".to_owned(),
                format!("Watch it for {} s; return to the old release if it breaks", deploy.watch.0 / 1000),
            ]
        }
        Order::AppAction(action) => match action.verb {
            AppVerb::Start => vec![format!("Start the live release of `{}`", app.name)],
            AppVerb::Stop => vec![format!("Stop `{}`; visitors see that it is stopped", app.name)],
            AppVerb::Restart => {
                vec![format!("Start a fresh process of `{}`, switch to it, stop the old one", app.name)]
            }
            AppVerb::Delete => vec![
                format!("Stop `{}`", app.name),
                "Delete its releases, logs and folder on the node".to_owned(),
                "Delete its rows here".to_owned(),
            ],
            AppVerb::Status => vec!["Look".to_owned()],
        },
        Order::Patch(patch) => patches::steps(patch),
        Order::ProvisionDomain(wanted) => provisioned(&wanted.site, app),
        Order::DeleteProxy(_) => vec![
            "Have nginx on the app's node serve the domain no more".to_owned(),
            "Delete its certificate there, and its row here".to_owned(),
        ],
        Order::ServiceAction(_) => steered(order).steps,
        Order::Schedule(order) => schedules::steps(order, app.name.as_str()),
        Order::ServerAction(_)
        | Order::FileAction(_)
        | Order::Query(_)
        | Order::Cancel(_)
        | Order::Void(_)
        | Order::DesiredState(_) => Vec::new(),
    }
}

/// What steering a service does, for people.
pub(crate) fn steered(order: &Order) -> Told {
    let Order::ServiceAction(ServiceAction { service, verb, .. }) = order else { return Told::default() };
    let losses = match verb {
        ServiceVerb::Stop => {
            vec![format!("whatever needs `{service}` on that machine is without it until it is started")]
        }
        ServiceVerb::Restart => vec![format!("whatever needs `{service}` on that machine is without it for a moment")],
        ServiceVerb::Start | ServiceVerb::Reload => Vec::new(),
    };
    let what = match verb {
        ServiceVerb::Start => "Start",
        ServiceVerb::Stop => "Stop",
        ServiceVerb::Restart => "Stop and start",
        ServiceVerb::Reload => "Have its configuration read anew by",
    };
    let steps = vec![
        format!("{what} the service `{service}` of the machine, in the way its owner has laid down there"),
        "Look whether it is as it should be then".to_owned(),
    ];
    Told { steps, losses }
}

fn provisioned(site: &SiteSpec, app: &apps::App) -> Vec<String> {
    let settings = &site.settings;
    let to = match (&settings.redirect, &settings.maintenance) {
        (Some(redirect), _) => format!("be redirected to https://{}", redirect.to),
        (None, Some(_)) => "show a maintenance page".to_owned(),
        (None, None) => format!("lead to `{}`", app.name),
    };
    let mut steps = vec![
        format!("Write a configuration in which {} shall {to}, and let nginx on the app's node judge it", site.domain),
        "Have nginx take it without losing a request; put the earlier one back if it does not".to_owned(),
    ];
    let other = |name: &sf_types::DomainName| format!("{name} is redirected to {}", site.domain);
    steps.extend(settings.aliases.iter().map(other));
    steps.extend(settings.routes.iter().map(|route| format!("{} and below lead to another app", route.path.as_str())));
    if settings.tls.certificate == CertificateFrom::Acme {
        steps.push("Ask for a certificate where none holds for these names; the node renews it by itself".to_owned());
    }
    steps
}
