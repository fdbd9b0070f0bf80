//! What of the panel the control plane carries out itself, inside the transaction that records it.

use std::sync::Arc;

use sf_actions::alert::RuleScope;
use sf_actions::role::{RoleRef, built_in};
use sf_actions::server::{Create, ServerAction, ServerRef, Update};
use sf_actions::{Action, Object, ObjectRef};
use sf_engine::Run;
use sf_protocol::schedule::Whose;
use sf_store::servers::{Changed, NewServer, Server};
use sf_store::{Tx, alerts, allocations, alts, grants, metrics, nodes, schedules, servers, tenants, users};
use sf_types::{ErrorKind, Fault, NodeId, ProjectId, ServerId};

use super::placement::{self, Place, Wanted};
use super::{ports, resolve, rules, secrets, templates};
use crate::control::Core;
use crate::events;
use crate::perform::name_taken;
use crate::proposal::Made;
use crate::transition::{self, After};

/// Carries out an action of the panel.
pub(crate) async fn perform(tx: &mut Tx, core: &Arc<Core>, run: &Run, after: &mut After) -> sf_store::Result<Made> {
    match &run.action {
        Action::Template(action) => templates::perform(tx, run, action).await,
        Action::Allocation(action) => ports::perform(tx, core, run, action).await,
        Action::Alert(action) => rules::perform(tx, run, action).await,
        Action::Server(ServerAction::Create(create)) => make(tx, core, run, create, after).await,
        Action::Server(ServerAction::Update(update)) => change(tx, run, update).await,
        Action::Server(ServerAction::Forget(of)) => forget(tx, core, run, of.server).await,
        // What nodes carry out changes rows by their word.
        _ => Ok(Made::Nothing),
    }
}

/// Makes a server: its row, its ports, its owner's rights; then its installation is proposed by whoever made it.
async fn make(tx: &mut Tx, core: &Arc<Core>, run: &Run, create: &Create, after: &mut After) -> sf_store::Result<Made> {
    let project = match create.project {
        Some(project) => tenants::project(tx, project).await?.id,
        None => tenants::default_project(tx).await?.id,
    };
    let alt = alts::get(tx, create.alt).await?;
    let version = create.alt_version.unwrap_or(alt.version);
    let template = templates::document(tx, alt.id, version).await?;
    resolve::settings(&template, &create.settings)?;
    secrets::known(tx, project, &create.settings).await?;
    let owner = match create.owner.or_else(|| run.actor.user()) {
        Some(owner) => users::get(tx, owner).await?,
        None => {
            let fault = Fault::new(ErrorKind::Invalid, "server.owner", "It has to be somebody's.");
            return Err(fault.fix("Name an owner.").into());
        }
    };
    let wanted = Wanted {
        memory: create.settings.limits.memory.map_or(0, |size| size.bytes()),
        disk: create.settings.limits.disk.map_or(0, |size| size.bytes()),
        ports: if create.allocations.is_empty() { u64::from(create.ports) } else { 0 },
    };
    let node = match create.node {
        Some(node) => fits(tx, core, node, wanted).await?,
        None => placement::choose(&places(tx, core, project).await?, wanted)?,
    };
    let id: ServerId = tx.new_id();
    let new = NewServer {
        id,
        project,
        node,
        owner: owner.id,
        alt: (alt.id, version),
        name: create.name.clone(),
        settings: create.settings.clone(),
    };
    let server = servers::create(tx, new).await.map_err(|error| name_taken(error, create.name.as_str()))?;
    give_ports(tx, core, &server, create).await?;
    let object = ObjectRef(Object::Server(id));
    grants::give(tx, owner.id, RoleRef::BuiltIn(built_in::server_owner()), object, run.actor.user()).await?;
    changed(tx, &server);
    if create.install {
        let next = Action::Server(ServerAction::Install(ServerRef { server: id }));
        let of = Run { project: Some(project), ..run.clone() };
        transition::follow(tx, core, &of, next, (node, id), after).await?;
    }
    Ok(Made::Server(id))
}

async fn give_ports(tx: &mut Tx, core: &Core, server: &Server, create: &Create) -> sf_store::Result<()> {
    for (at, id) in create.allocations.iter().enumerate() {
        let one = allocations::get(tx, *id).await?;
        if one.node != server.node || !allocations::take(tx, *id, server.id, at == 0).await? {
            let message = format!("The port {} is taken, or another machine's.", one.port);
            let fault = Fault::new(ErrorKind::Conflict, "allocation.taken", message);
            return Err(fault.fix("Choose a free port of the machine that the server goes on.").into());
        }
    }
    if create.allocations.is_empty() && create.ports > 0 {
        ports::take_free(tx, core, server, create.ports, true).await?;
    }
    Ok(())
}

/// What is known of the nodes that servers of a project can go on.
async fn places(tx: &Tx, core: &Core, project: ProjectId) -> sf_store::Result<Vec<Place>> {
    let mut places = Vec::new();
    for node in nodes::all(tx).await?.into_iter().filter(|node| node.project.is_none_or(|own| own == project)) {
        places.push(place(tx, core, &node).await?);
    }
    Ok(places)
}

async fn place(tx: &Tx, core: &Core, node: &nodes::Node) -> sf_store::Result<Place> {
    let taken = servers::taken(tx).await?.get(&node.id).copied().unwrap_or_default();
    let sample = metrics::latest_of_node(tx, node.id).await?.map(|(_, sample)| sample);
    let panel = &core.options.panel;
    let memory = node.facts.as_ref().map(|facts| facts.0.memory);
    Ok(Place {
        node: node.id,
        name: node.name.clone(),
        online: core.links.is_connected(node.id),
        memory: memory.map(|total| placement::promised(total, panel.memory_overcommit_percent)),
        disk: sample.map(|one| placement::promised(one.disk_total, panel.disk_overcommit_percent)),
        memory_taken: taken.memory,
        disk_taken: taken.disk,
        free_ports: allocations::count_free(tx, node.id).await?,
    })
}

/// Whether it fits on a node that was named. One that is not connected may be named: its orders wait for it.
async fn fits(tx: &Tx, core: &Core, id: NodeId, wanted: Wanted) -> sf_store::Result<NodeId> {
    let node = nodes::get(tx, id).await?;
    let place = Place { online: true, ..place(tx, core, &node).await? };
    match placement::unfit(&place, wanted) {
        None => Ok(id),
        Some(why) => {
            let message = format!("It does not fit on `{}`: {why}.", node.name);
            let fault = Fault::new(ErrorKind::Conflict, "server.no_room", message);
            Err(fault.fix("Ask for less, make room, or leave the machine open.").into())
        }
    }
}

async fn change(tx: &mut Tx, run: &Run, update: &Update) -> sf_store::Result<Made> {
    let before = servers::get(tx, update.server).await?;
    if update.from.is_some_and(|from| from != before.generation) {
        let fault =
            Fault::new(ErrorKind::Conflict, "server.changed", "Somebody else has changed it since you read it.");
        return Err(fault.fix("Read it again, and make your change on top of theirs.").into());
    }
    let settings = update.settings.clone().unwrap_or_else(|| before.settings.0.clone());
    let alt_version = update.alt_version.unwrap_or(before.alt_version);
    resolve::settings(&templates::document(tx, before.alt, alt_version).await?, &settings)?;
    secrets::known(tx, before.project, &settings).await?;
    let owner = match update.owner {
        Some(owner) => users::get(tx, owner).await?.id,
        None => before.owner,
    };
    let name = update.name.clone().unwrap_or_else(|| before.name.clone());
    let new = Changed { name, owner, alt_version, settings, suspended: before.suspended };
    servers::update(tx, before.id, &new).await.map_err(|error| name_taken(error, new.name.as_str()))?;
    if owner != before.owner {
        let object = ObjectRef(Object::Server(before.id));
        grants::give(tx, owner, RoleRef::BuiltIn(built_in::server_owner()), object, run.actor.user()).await?;
        grants::take_role(tx, before.owner, built_in::SERVER_OWNER, object).await?;
    }
    servers::touch(tx, before.id).await?;
    changed(tx, &before);
    Ok(Made::Server(before.id))
}

/// Deletes the rows of a server whose node says nothing; the node is told when it is back.
async fn forget(tx: &mut Tx, core: &Arc<Core>, run: &Run, id: ServerId) -> sf_store::Result<Made> {
    let server = servers::get(tx, id).await?;
    if core.links.is_connected(server.node) {
        let fault = Fault::new(ErrorKind::Conflict, "server.node_is_there", "Its machine is connected.");
        return Err(fault.fix("Delete it, so that its files are deleted at once.").into());
    }
    let spec = match &server.standing {
        Some(spec) => spec.0.clone(),
        // Its node has never heard of it.
        None => return gone(tx, run, &server).await.map(|()| Made::Nothing),
    };
    servers::leave(tx, &server, spec).await?;
    gone(tx, run, &server).await?;
    Ok(Made::Nothing)
}

/// The rows of a server that is no more.
pub(super) async fn gone(tx: &mut Tx, run: &Run, server: &Server) -> sf_store::Result<()> {
    grants::forget_object(tx, ObjectRef(Object::Server(server.id))).await?;
    alerts::clear_of_server(tx, server.id).await?;
    rules::forget(tx, run.tenant, RuleScope::Server(server.id)).await?;
    schedules::delete_of(tx, Whose::Server(server.id)).await?;
    servers::delete(tx, server.id).await?;
    tx.publish(events::server_changed(run.tenant, Some(server.project), server.id));
    Ok(())
}

fn changed(tx: &mut Tx, server: &Server) {
    tx.publish(events::server_changed(server.tenant, Some(server.project), server.id));
}
