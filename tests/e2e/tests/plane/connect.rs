//! Nodes that are away, come back, or are somebody else.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sf_actions::Action;
use sf_actions::app::{AppAction, Update};
use sf_actions::node::{NodeAction, NodeRef};
use sf_bus::{Delivery, Topic};
use sf_engine::{Done, RunState};
use sf_protocol::app::AppState;
use sf_protocol::order::Order;
use sf_protocol::query::Query;
use sf_protocol::report::{AppSample, NodeEvent, NodeSample, SystemLog};
use sf_protocol::{Frame, Verdict};
use sf_store::nodes::NodeStatus;
use sf_store::timeline::MomentKind;
use sf_testkit::node::Taken;
use sf_testkit::{Plane, Script};
use sf_types::Scope;

use crate::order::next_order;

pub async fn an_order_waits_for_its_node(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let runs = [plane.deploy(&admin, app).await?, plane.deploy(&admin, app).await?];
    for run in runs {
        let run = plane.run(run).await?;
        assert_eq!((run.state, run.command), (RunState::Ready, None));
    }
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    for run in runs {
        assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    }
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    assert_eq!((node.began().len(), node.high_water(), node.refused()), (2, 2, vec![]));
    // Nobody came for a day: it ends, saying so.
    let run = plane.deploy(&admin, app).await?;
    plane.pass(Duration::from_secs(24 * 3600 + 1)).await?;
    let expired = plane.ended(run).await?;
    assert_eq!(expired.state, RunState::Done(Done::Expired));
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

pub async fn a_run_that_cannot_be_ordered_when_its_node_comes_ends_like_any_other(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let run = plane.deploy(&admin, app).await?;
    let mut settings = plane.control.app(&admin, app).await?.settings.0;
    settings.build.start = Some(vec!["x".repeat(1_000); 60]);
    plane.propose(&admin, Action::App(AppAction::Update(Box::new(Update { app, settings, from: None })))).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let ended = plane.ended(run).await?;
    assert_eq!(ended.state, RunState::Done(Done::Failed));
    assert_eq!(ended.fault.context("it says why")?.code, "order.too_large");
    let timeline = plane.control.timeline(&admin, run).await?;
    let kinds: Vec<_> = timeline.iter().map(|moment| moment.kind).collect();
    assert_eq!(kinds, [MomentKind::Proposed, MomentKind::Policy, MomentKind::Closed]);
    let lines = plane.audited().await?;
    let of_run: Vec<_> = lines.iter().filter(|line| line.run == Some(run)).map(|line| &*line.outcome).collect();
    assert_eq!(of_run, ["proposed", "failed"]);
    plane.stop().await;
    Ok(())
}

pub async fn an_expired_order_is_voided_and_signed_afresh(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (wire, _) = node.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let first = plane.run(run).await?.command.context("it was signed: the node is connected")?;
    // The machine dies before it has read the order, and comes back when the order's time is over.
    drop(wire);
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    plane.pass(Duration::from_secs(6 * 60)).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let ended = plane.ended(run).await?;
    assert_eq!(ended.state, RunState::Done(Done::Succeeded));
    assert_ne!(ended.command, Some(first));
    let began: Vec<_> = node.began().into_iter().map(|command| (command.sequence, command.order)).collect();
    assert_eq!(began.len(), 2, "{began:?}");
    assert!(matches!(&began[0], (1, Order::Void(void)) if void.replaces == first), "{began:?}");
    assert!(matches!(&began[1], (2, Order::Deploy(_))), "{began:?}");
    assert_eq!(node.refused(), []);
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

pub async fn two_holders_of_one_key_are_both_cut_until_a_person_looks(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let copy = node.copied();
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    // Its first word confirms the counter.
    let event = NodeEvent::Notice { code: "agent.started".to_owned(), message: "It started.".to_owned() };
    wire.say(&node.event(event)).await?;
    while !matches!(wire.hear().await?, Frame::Stored(_)) {}

    let refused = copy.connect(&plane.dial()).await.err().context("the copy is refused")?;
    assert_eq!(refused.code(), "node.cloned");
    let cut = loop {
        if let Err(error) = wire.hear().await {
            break error;
        }
    };
    assert_eq!(cut.code(), "node.cloned");
    assert_eq!(plane.node(node.id()).await?.status, NodeStatus::Locked);
    let locked = node.connect(&plane.dial()).await.err().context("locked")?;
    assert_eq!(locked.code(), "handshake.locked");

    plane.propose(&admin, Action::Node(NodeAction::Unlock(NodeRef { node: node.id() }))).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let run = plane.deploy(&admin, app).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    let lines = plane.audited().await?;
    assert!(lines.iter().any(|line| line.action == "node.locked" && line.outcome == "cloned_key"));
    plane.stop().await;
    Ok(())
}

pub async fn a_second_connection_replaces_the_first(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let first = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let second = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    assert_eq!(first.ended().await.code(), "link.replaced");
    let app = plane.app(&admin, node.id(), "shop").await?;
    let run = plane.deploy(&admin, app).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    assert_eq!((plane.node(node.id()).await?.status, plane.control.connected()), (NodeStatus::Online, 1));
    second.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    plane.stop().await;
    Ok(())
}

pub async fn a_question_ends_with_the_connection_that_it_left_by(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    let asked = plane.control.services(&admin, plane.request(), node.id());
    let cut = async {
        wire.hear().await?.signed().context("a question")?;
        drop(wire);
        Ok::<_, anyhow::Error>(())
    };
    let (answer, cut) = tokio::join!(asked, cut);
    cut?;
    let Err(fault) = answer else { bail!("nobody was there to answer") };
    assert_eq!(fault.code, "node.lost", "long before it would be given up");
    plane.stop().await;
    Ok(())
}

pub async fn a_node_that_goes_silent_leaves_its_run_stale(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    plane.until(run, |run| run.state == RunState::Working).await?;
    drop(wire);
    let stale = plane.until(run, |run| run.stale).await?;
    assert_eq!(stale.state, RunState::Working);
    // Days later it still is what it was: only the journal's word ends it.
    plane.pass(Duration::from_secs(2 * 24 * 3600)).await?;
    assert_eq!(plane.run(run).await?.state, RunState::Working);
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    plane.until(run, |run| !run.stale).await?;
    // Its journal is asked, and says that it is still at work.
    let frame = wire.hear().await?;
    let (kind, signed) = frame.signed().context("a question")?;
    let Taken::New(question) = node.take(&open, kind, signed).await else { bail!("not taken: {frame:?}") };
    let Order::Query(query @ Query::Journal { command: asked }) = &question.order else { bail!("{question:?}") };
    assert_eq!(*asked, command.id);
    wire.say(&node.answer(&question, query)).await?;
    wire.say(&node.result(&command, Verdict::RolledBack).await).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::RolledBack));
    plane.stop().await;
    Ok(())
}

pub async fn what_a_node_says_of_others_apps_is_told_to_nobody(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let (node, other) = (plane.enrol(&admin).await?, plane.enrol(&admin).await?);
    let (own, foreign) = (plane.app(&admin, node.id(), "shop").await?, plane.app(&admin, other.id(), "bank").await?);
    let mut heard = plane.control.bus().subscribe(Scope::System, [Topic::App(own), Topic::App(foreign)])?;
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    let of = |app| AppSample {
        app,
        state: AppState::Running,
        cpu_permille: 1,
        memory: 1,
        processes: 1,
        requests: 0,
        restarts: 0,
    };
    let apps = vec![of(foreign), of(own)];
    wire.say(&Frame::SystemLog(SystemLog {
        at: plane.clock.now(),
        node: NodeSample::default(),
        apps,
        servers: Vec::new(),
        held: None,
    }))
    .await?;
    let event = loop {
        match heard.next().await.context("a delivery")? {
            Delivery::Event(event) if event.name == sf_control::events::NODE_METRICS => break event,
            _ => {}
        }
    };
    assert_eq!(event.topics, [Topic::Node(node.id()), Topic::App(own)]);
    assert!(!event.data.contains(&foreign.to_string()), "{}", event.data);
    plane.stop().await;
    Ok(())
}

pub async fn a_lock_says_that_its_runs_are_not_known(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let copy = node.copied();
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    wire.say(&node.promise(&command)).await?;
    plane.until(run, |run| run.state == RunState::Working).await?;
    copy.connect(&plane.dial()).await.err().context("the copy is refused")?;
    let locked = plane.run(run).await?;
    assert_eq!((locked.state, locked.stale), (RunState::Working, true));
    plane.stop().await;
    Ok(())
}

pub async fn a_journal_that_lost_its_end_goes_on(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    for _ in 0..2 {
        let run = plane.deploy(&admin, app).await?;
        plane.ended(run).await?;
    }
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    // Of the third order it says nothing any more.
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let unended = plane.deploy(&admin, app).await?;
    // What should be true of its apps comes first.
    while !matches!(next_order(&node, &mut wire, &open).await?.order, Order::Deploy(_)) {}
    plane.until(unended, |run| run.state == RunState::Working).await?;
    drop(wire);
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    node.forget_after(1);
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let ended = plane.ended(unended).await?;
    assert_eq!(ended.state, RunState::Done(Done::Failed));
    assert_eq!(ended.fault.context("why")?.code, "node.journal_lost");
    // The numbers it lost are filled, and the next order is taken.
    let next = plane.deploy(&admin, app).await?;
    assert_eq!(plane.ended(next).await?.state, RunState::Done(Done::Succeeded));
    assert_eq!(node.refused(), []);
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

pub async fn more_than_a_thousand_orders(plane: Plane) -> Result<()> {
    const ORDERS: usize = 1_050;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let mut runs = Vec::new();
    for _ in 0..ORDERS {
        runs.push(plane.deploy(&admin, app).await?);
    }
    let (wire, _) = node.connect(&plane.dial()).await?;
    // All of them are signed now, and it dies before it has read one.
    drop(wire);
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
    for run in runs {
        assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    }
    let numbers: Vec<_> = node.began().iter().map(|command| command.sequence).collect();
    assert_eq!((numbers.len(), numbers.first(), numbers.last()), (ORDERS, Some(&1), Some(&(ORDERS as u64))));
    assert_eq!(node.refused(), []);
    plane.stop().await;
    Ok(())
}
