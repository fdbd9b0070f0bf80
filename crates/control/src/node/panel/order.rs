//! What a node is ordered to do with a server.

use sf_actions::Action;
use sf_actions::console::ConsoleAction;
use sf_actions::power::PowerVerb;
use sf_actions::server::ServerAction;
use sf_engine::Run;
use sf_protocol::handshake::SERVERS_SINCE;
use sf_protocol::order::Order;
use sf_protocol::schedule::Whose;
use sf_protocol::server::{InstallScript, ServerAction as Ordered, ServerVerb};
use sf_store::servers::{self, Changed, Server};
use sf_store::{Look, Tx, nodes};
use sf_types::{ErrorKind, Fault, Millis, NodeId, SecretName};

use super::{files, ports, resolve, secrets, templates};
use crate::control::Core;
use crate::schedules;

/// Whether an action is an order about a server.
pub(crate) const fn is_ordered(action: &Action) -> bool {
    match action {
        Action::Power(_) | Action::Console(_) | Action::File(_) => true,
        Action::Schedule(action) => matches!(action.whose(), Whose::Server(_)),
        Action::Server(action) => matches!(
            action,
            ServerAction::Install(_)
                | ServerAction::Reinstall(_)
                | ServerAction::Suspend(_)
                | ServerAction::Unsuspend(_)
                | ServerAction::Delete(_)
        ),
        _ => false,
    }
}

/// The order that a run gives, in the transaction that signs it: the server's generation is raised, unless only
/// its files or its schedules are changed.
pub(crate) async fn ordered(tx: &mut Tx, core: &Core, run: &Run) -> sf_store::Result<Result<Order, Fault>> {
    let Some(id) = run.server else { return Ok(Err(crate::subject::missing("server", ""))) };
    if let Action::Schedule(action) = &run.action {
        let Some(row) = crate::receive::found(servers::get(tx, id).await)? else {
            return Ok(Err(crate::subject::missing("server", id)));
        };
        return schedules::ordered_at(tx, core, action, &row).await;
    }
    if let Action::File(_) = &run.action {
        let Some(row) = crate::receive::found(servers::get(tx, id).await)? else {
            return Ok(Err(crate::subject::missing("server", id)));
        };
        return foreseen(tx, core, &run.action, &row).await;
    }
    if let Some(suspended) = suspends(&run.action) {
        let Some(row) = crate::receive::found(servers::get(tx, id).await)? else {
            return Ok(Err(crate::subject::missing("server", id)));
        };
        let changed = Changed {
            name: row.name,
            owner: row.owner,
            alt_version: row.alt_version,
            settings: row.settings.0,
            suspended,
        };
        servers::update(tx, id, &changed).await?;
    }
    let Some(row) = servers::next_generation(tx, id).await? else {
        return Ok(Err(crate::subject::missing("server", id)));
    };
    let (mut order, wanted) = match planned(tx, core, &run.action, &row).await? {
        Ok(planned) => planned,
        Err(fault) => return Ok(Err(fault)),
    };
    if let Order::ServerAction(order) = &mut order {
        match secrets::sealed(tx, core, &row, &wanted).await? {
            Ok(sealed) => order.spec.secrets = sealed,
            Err(fault) if needs_values(&order.verb) => return Ok(Err(fault)),
            // What ends a server must not fail for what a start needs: its next start brings them, or says why not.
            Err(_) => {}
        }
    }
    Ok(Ok(order))
}

/// Whether an order is one that a server's secrets are used by.
pub(crate) fn brings_values(order: &Order) -> bool {
    matches!(order, Order::ServerAction(order) if needs_values(&order.verb))
}

/// Whether a server's secrets are used by this at once.
const fn needs_values(verb: &ServerVerb) -> bool {
    matches!(verb, ServerVerb::Install { .. } | ServerVerb::Start | ServerVerb::Restart)
}

/// The order that an action would give about a server as it is.
pub(crate) async fn foreseen(
    at: &impl Look,
    core: &Core,
    action: &Action,
    row: &Server,
) -> sf_store::Result<Result<Order, Fault>> {
    Ok(planned(at, core, action, row).await?.map(|(order, _)| order))
}

/// An order without its secrets, and which they are by the names of variables.
type Planned = (Order, Vec<(String, SecretName)>);

async fn planned(
    at: &impl Look,
    core: &Core,
    action: &Action,
    row: &Server,
) -> sf_store::Result<Result<Planned, Fault>> {
    if let Err(fault) = known_to(core, row.node) {
        return Ok(Err(fault));
    }
    match action {
        Action::File(action) => return Ok(files::order(action).map(|order| (order, Vec::new()))),
        Action::Schedule(action) => {
            let foreseen = schedules::foreseen_at(at, core, action, row).await?;
            return Ok(foreseen.map(|order| (order, Vec::new())));
        }
        _ => {}
    }
    let template = templates::document(at, row.alt, row.alt_version).await?;
    let allocations = ports::of_server(at, row.id).await?;
    let location = nodes::get(at, row.node).await?.name;
    let row = &Server { suspended: suspends(action).unwrap_or(row.suspended), ..row.clone() };
    let resolved = match resolve::server(&template, row, &location, allocations) {
        Ok(resolved) => resolved,
        Err(fault) => return Ok(Err(fault)),
    };
    let verb = match verb(action, row, resolved.install) {
        Ok(verb) => verb,
        Err(fault) => return Ok(Err(fault)),
    };
    // The node says how it ended before the run's own time is over.
    let time_limit = Millis(u64::try_from(action.spec().time_limit.as_millis()).unwrap_or(u64::MAX) * 3 / 4);
    let order = Order::ServerAction(Box::new(Ordered { spec: resolved.spec, verb, time_limit }));
    Ok(Ok((order, resolved.secrets)))
}

/// Whether an action says that a server is kept stopped, or that it is not.
const fn suspends(action: &Action) -> Option<bool> {
    match action {
        Action::Server(ServerAction::Suspend(_)) => Some(true),
        Action::Server(ServerAction::Unsuspend(_)) => Some(false),
        _ => None,
    }
}

fn verb(action: &Action, row: &Server, script: Option<InstallScript>) -> Result<ServerVerb, Fault> {
    Ok(match action {
        Action::Server(ServerAction::Reinstall(args)) => ServerVerb::Install { script, wipe: args.wipe },
        Action::Server(ServerAction::Suspend(_)) => ServerVerb::Stop,
        Action::Server(ServerAction::Unsuspend(_)) => ServerVerb::Configure,
        Action::Server(ServerAction::Delete(_)) => ServerVerb::Delete,
        Action::Power(power) => match power.verb {
            PowerVerb::Start | PowerVerb::Restart if row.suspended => return Err(suspended(row)),
            PowerVerb::Start => ServerVerb::Start,
            PowerVerb::Stop => ServerVerb::Stop,
            PowerVerb::Restart => ServerVerb::Restart,
            PowerVerb::Kill => ServerVerb::Kill,
        },
        Action::Console(ConsoleAction::Command(args)) => ServerVerb::Command { line: args.line.clone() },
        _ => ServerVerb::Install { script, wipe: false },
    })
}

fn suspended(row: &Server) -> Fault {
    let message = format!("`{}` is suspended.", row.name);
    Fault::new(ErrorKind::Conflict, "server.suspended", message).fix("Let it run again first.")
}

/// Refuses a node whose agent is too old; one that is away is asked when it is back.
pub(crate) fn known_to(core: &Core, node: NodeId) -> Result<(), Fault> {
    if core.links.version(node).is_none_or(|version| version >= SERVERS_SINCE) {
        return Ok(());
    }
    Err(too_old())
}

pub(crate) fn too_old() -> Fault {
    let message = "The agent of this machine is too old to know servers of the panel.";
    Fault::new(ErrorKind::Conflict, "server.agent_too_old", message).fix("Update the agent on that machine.")
}
