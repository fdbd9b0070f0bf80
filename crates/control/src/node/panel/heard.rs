//! What a node says of its servers.

use sf_actions::Action;
use sf_actions::server::ServerAction;
use sf_engine::{Done, Run, RunState};
use sf_protocol::handshake::SERVERS_SINCE;
use sf_protocol::order::{DesiredState, Order};
use sf_protocol::outcome::{Facts, Outcome};
use sf_protocol::server::{ServerAction as Ordered, ServerReport, ServerVerb};
use sf_protocol::{Guard, Verdict, wire};
use sf_store::{Tx, commands, nodes, servers};
use sf_types::{Millis, NodeId};

use super::perform;
use crate::control::Core;
use crate::dispatch::{self, Delivery, MAX_ORDER_BYTES};
use crate::events;
use crate::receive::found;
use crate::transition::After;

/// Time a node gets to delete what was left on it.
const DELETE_LIMIT: Millis = Millis::secs(600);

/// What a node made of an order about a server.
pub(crate) async fn outcome(tx: &mut Tx, order: Option<&Order>, outcome: &Outcome) -> sf_store::Result<()> {
    let Facts::Server { server: Some(report) } = &outcome.facts else { return Ok(()) };
    let taken = match order {
        // A node keeps what it was told also where it could not carry it out; what it holds is what its generation says.
        Some(Order::ServerAction(order)) if order.spec.generation == report.generation => Some(&order.spec),
        _ => None,
    };
    servers::heard(tx, report, taken).await?;
    if let Some(row) = found(servers::get(tx, report.server).await)? {
        tx.publish(events::server_changed(row.tenant, Some(row.project), row.id));
    }
    Ok(())
}

/// The rows of a server that its node has deleted go with its run.
pub(crate) async fn ended(tx: &mut Tx, run: &Run) -> sf_store::Result<()> {
    let deleted = matches!(run.action, Action::Server(ServerAction::Delete(_)));
    if !deleted || run.state != RunState::Done(Done::Succeeded) {
        return Ok(());
    }
    let Some(server) = run.server else { return Ok(()) };
    match found(servers::get(tx, server).await)? {
        Some(row) => perform::gone(tx, run, &row).await,
        None => Ok(()),
    }
}

/// A server changed by itself.
pub(crate) async fn told(tx: &mut Tx, node: NodeId, report: &ServerReport) -> sf_store::Result<()> {
    let Some(row) = found(servers::get(tx, report.server).await)?.filter(|row| row.node == node) else { return Ok(()) };
    servers::heard(tx, report, None).await?;
    tx.publish(events::server_changed(row.tenant, Some(row.project), row.id));
    Ok(())
}

/// The word on an order that belonged to no run: what was left on the node is gone.
pub(crate) async fn cleared(tx: &mut Tx, order: Option<&Order>, outcome: &Outcome) -> sf_store::Result<()> {
    match order {
        Some(Order::ServerAction(order)) if outcome.verdict == Verdict::Succeeded => {
            servers::left_no_more(tx, order.spec.server).await
        }
        _ => Ok(()),
    }
}

/// What a node that is back in step is told of its servers: how they shall be by its own last word, and which are to be
/// deleted.
pub(crate) async fn snapshot(tx: &mut Tx, core: &Core, node: NodeId) -> sf_store::Result<Vec<Order>> {
    if core.links.version(node).is_none_or(|version| version < SERVERS_SINCE) {
        return Ok(Vec::new());
    }
    let mut orders = Vec::new();
    let (mut fitting, mut bytes) = (Vec::new(), 0);
    for spec in servers::standing(tx, node).await? {
        let size = wire::write(&spec).len() + 1;
        if bytes + size > MAX_ORDER_BYTES && !fitting.is_empty() {
            let servers = std::mem::take(&mut fitting);
            orders.push(Order::DesiredState(DesiredState { servers, ..DesiredState::default() }));
            bytes = 0;
        }
        bytes += size;
        fitting.push(spec);
    }
    if !fitting.is_empty() {
        orders.push(Order::DesiredState(DesiredState { servers: fitting, ..DesiredState::default() }));
    }
    for left in servers::leftovers(tx, node).await? {
        let mut spec = left.spec.0;
        spec.generation += 1;
        orders.push(Order::ServerAction(Box::new(Ordered {
            spec,
            verb: ServerVerb::Delete,
            time_limit: DELETE_LIMIT,
        })));
    }
    Ok(orders)
}

/// Signs what a node is told for its own sake, beside any run.
pub(crate) async fn tell(
    tx: &mut Tx,
    core: &std::sync::Arc<Core>,
    node: NodeId,
    after: &mut After,
) -> sf_store::Result<()> {
    let orders = snapshot(tx, core, node).await?;
    if orders.is_empty() {
        return Ok(());
    }
    let tenant = nodes::get(tx, node).await?.tenant;
    for order in orders {
        let authz = dispatch::own_authz(tx, tenant, None);
        let command = dispatch::sign(tx, core, authz, node, order, Guard::default()).await?;
        commands::insert(tx, &command)?;
        after.deliveries.push(Delivery { node, command: dispatch::numbered(&command) });
    }
    Ok(())
}
