//! Ports: added to nodes, given to servers, taken back. What a server listens on counts from its next start.

use sf_actions::allocation::{AllocationAction, AssignAllocation};
use sf_engine::Run;
use sf_store::servers::Server;
use sf_store::{Look, Tx, allocations, servers};
use sf_types::{AllocationId, ErrorKind, Fault, ServerId};

use crate::control::Core;
use crate::events;
use crate::proposal::{Made, refused};

/// Carries out a change of ports.
pub(super) async fn perform(tx: &mut Tx, core: &Core, run: &Run, action: &AllocationAction) -> sf_store::Result<Made> {
    match action {
        AllocationAction::Create(create) => {
            let address = create.address().map_err(|bad| refused(&bad))?;
            let ports = create.each_port().map_err(|bad| refused(&bad))?;
            allocations::add(tx, create.node, address, &ports, create.alias.as_deref()).await?;
            tx.publish(events::node_changed(run.tenant, create.node, "ports"));
            Ok(Made::Node(create.node))
        }
        AllocationAction::Delete(delete) => {
            if allocations::get(tx, delete.allocation).await?.node != delete.node {
                return Err(sf_store::StoreError::NotFound("allocation"));
            }
            if !allocations::delete(tx, delete.allocation).await? {
                return Err(taken().into());
            }
            tx.publish(events::node_changed(run.tenant, delete.node, "ports"));
            Ok(Made::Nothing)
        }
        AllocationAction::Assign(assign) => {
            give(tx, core, assign).await?;
            changed(tx, run, assign.server).await
        }
        AllocationAction::Unassign(of) => {
            let own = own(tx, of.server, of.allocation).await?;
            if own.is_default {
                let fault = Fault::new(ErrorKind::Conflict, "allocation.default", "A server keeps its first port.");
                return Err(fault.fix("Make another one its first port, then take this one.").into());
            }
            allocations::give_back(tx, own.id).await?;
            changed(tx, run, of.server).await
        }
        AllocationAction::Default(of) => {
            own(tx, of.server, of.allocation).await?;
            allocations::set_default(tx, of.server, of.allocation).await?;
            changed(tx, run, of.server).await
        }
    }
}

async fn changed(tx: &mut Tx, run: &Run, server: ServerId) -> sf_store::Result<Made> {
    servers::touch(tx, server).await?;
    tx.publish(events::server_changed(run.tenant, run.project, server));
    Ok(Made::Server(server))
}

async fn own(tx: &Tx, server: ServerId, id: AllocationId) -> sf_store::Result<allocations::Allocation> {
    let one = allocations::get(tx, id).await?;
    if one.server == Some(server) { Ok(one) } else { Err(sf_store::StoreError::NotFound("allocation")) }
}

/// Gives a server one more port, within what its people may have. Two at once never get more than that: the writer runs
/// one after the other.
async fn give(tx: &mut Tx, core: &Core, assign: &AssignAllocation) -> sf_store::Result<()> {
    let server = servers::get(tx, assign.server).await?;
    let has = allocations::of_server(tx, server.id).await?;
    if has.len() >= usize::from(server.settings.0.allocation_limit) {
        let message = format!("`{}` has {} of the ports it may have.", server.name, has.len());
        let fault = Fault::new(ErrorKind::Conflict, "allocation.limit", message);
        return Err(fault.fix("Take one from it first, or raise its limit of ports.").into());
    }
    match assign.allocation {
        Some(id) => {
            let one = allocations::get(tx, id).await?;
            if one.node != server.node {
                let fault = Fault::new(ErrorKind::Conflict, "allocation.other_node", "That port is another machine's.");
                return Err(fault.fix("Choose one of the machine that the server is on.").into());
            }
            if !allocations::take(tx, id, server.id, has.is_empty()).await? {
                return Err(taken().into());
            }
        }
        None => take_free(tx, core, &server, 1, has.is_empty()).await?,
    }
    Ok(())
}

/// Takes the lowest free ports of a server's node; the first one is the server's first where `first` says so. Those that
/// something else has there, as the node says, come last.
pub(super) async fn take_free(
    tx: &mut Tx,
    core: &Core,
    server: &Server,
    count: u16,
    first: bool,
) -> sf_store::Result<()> {
    let held = core.links.held(server.node);
    let free = allocations::free(tx, server.node, &held, u32::from(count)).await?;
    if free.len() < usize::from(count) {
        let message = format!("That machine has {} free ports, {count} are wanted.", free.len());
        return Err(Fault::new(ErrorKind::Conflict, "allocation.none_free", message).fix("Add ports to it.").into());
    }
    for (at, one) in free.iter().enumerate() {
        allocations::take(tx, one.id, server.id, first && at == 0).await?;
    }
    Ok(())
}

fn taken() -> Fault {
    Fault::new(ErrorKind::Conflict, "allocation.taken", "That port is a server's own.").fix("Choose a free one.")
}

/// Where a server listens, the first one first.
pub(super) async fn of_server(
    at: &impl Look,
    server: ServerId,
) -> sf_store::Result<Vec<sf_protocol::server::Allocation>> {
    let own = allocations::of_server(at, server).await?;
    let place = |one: allocations::Allocation| {
        let (ip, port) = (one.ip.parse().ok()?, u16::try_from(one.port).ok()?);
        Some(sf_protocol::server::Allocation { ip, port })
    };
    Ok(own.into_iter().filter_map(place).collect())
}
