//! Services of a machine: ordered as a node-wide command, by people who may change machines, from agents that know them.

use anyhow::{Context, Result, bail};
use sf_actions::Action;
use sf_actions::node::{NodeAction, SteerService};
use sf_engine::{Done, RunState};
use sf_protocol::command::Class;
use sf_protocol::handshake::{SERVICES_SINCE, VERSIONS, Versions};
use sf_protocol::order::{Order, ServiceVerb};
use sf_testkit::{Plane, Script};

pub async fn a_service_is_steered_by_a_node_wide_order_and_an_older_agent_gets_none(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let service = "postgres".parse().context("a name")?;
    let restart =
        Action::Node(NodeAction::Service(SteerService { node: node.id(), service, verb: ServiceVerb::Restart }));

    // While it is away it waits, as every order does.
    let waiting = plane.open_run(&admin, restart.clone()).await?;
    assert_eq!(plane.run(waiting).await?.state, RunState::Ready);
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    assert_eq!(plane.ended(waiting).await?.state, RunState::Done(Done::Succeeded));
    let command = node.began().pop().context("an order")?;
    let Order::ServiceAction(order) = &command.order else { bail!("a service: {command:?}") };
    assert_eq!((order.service.as_str(), order.verb, command.class), ("postgres", ServiceVerb::Restart, Class::Danger));

    // What the node says of it is how it ends.
    session.cut().await;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Fail).await?;
    let run = plane.open_run(&admin, restart.clone()).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Failed));

    session.cut().await;
    node.speak(Versions { min: 1, max: SERVICES_SINCE - 1 });
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    match plane.propose(&admin, restart).await {
        Err(fault) => assert_eq!(fault.code, "service.agent_too_old"),
        Ok(other) => bail!("it should have been refused: {other:?}"),
    }
    node.speak(VERSIONS);
    plane.stop().await;
    Ok(())
}
