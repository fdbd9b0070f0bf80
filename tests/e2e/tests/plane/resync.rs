//! A node, or the control plane itself, that fell behind the other.

use std::time::Duration;

use anyhow::{Context, Result};
use sf_actions::app::{AppAction, Update};
use sf_actions::process::{ProcessAction, ProcessVerb};
use sf_actions::{Action, Actor};
use sf_engine::{Done, RunState};
use sf_protocol::app::AppState;
use sf_protocol::order::Order;
use sf_protocol::{Frame, Verdict};
use sf_store::nodes::NodeStatus;
use sf_testkit::node::Taken;
use sf_testkit::{Database, Plane, Script};
use sf_types::AppId;

use crate::order::{next_order, stored};

async fn act(plane: &Plane, admin: &Actor, app: AppId, verb: ProcessVerb) -> Result<()> {
    let run = plane.open_run(admin, Action::Process(ProcessAction { app, verb })).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    Ok(())
}

pub async fn a_node_that_fell_behind_is_brought_back_in_step(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.ended(plane.deploy(&admin, app).await?).await?;
    let backup = node.app(app).context("it was deployed")?;
    act(&plane, &admin, app, ProcessVerb::Stop).await?;
    // Settings that were not deployed yet are not what the node should have.
    let mut settings = plane.control.app(&admin, app).await?.settings.0;
    settings.build.start = Some(vec!["later".to_owned()]);
    plane.propose(&admin, Action::App(AppAction::Update(Box::new(Update { app, settings, from: None })))).await?;
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;

    // Somebody puts an old copy of the app's folder back: it would run again.
    assert!(backup.is_running());
    node.restore(app, backup);
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let snapshot = next_order(&node, &mut wire, &open).await?;
    let Order::DesiredState(desired) = &snapshot.order else { anyhow::bail!("{snapshot:?}") };
    let one = desired.apps.first().context("the app")?;
    assert_eq!((one.spec.app, one.release, one.state), (app, node.live(app), AppState::Stopped));
    assert_eq!(one.spec.build.start, None, "as it was deployed");
    assert_eq!(one.spec.generation, plane.control.app(&admin, app).await?.generation);
    wire.say(&node.result(&snapshot, Verdict::Succeeded).await).await?;
    stored(&mut wire, &snapshot).await?;
    assert!(!node.app(app).context("it is there")?.is_running());

    // Once a connection; and an app with an order under way is left to that.
    let restart = Action::Process(ProcessAction { app, verb: ProcessVerb::Start });
    let run = plane.open_run(&admin, restart).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    assert!(matches!(command.order, Order::AppAction(_)), "{command:?}");
    plane.until(run, |run| run.state == RunState::Working).await?;
    drop(wire);
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    wire.say(&node.result(&command, Verdict::Succeeded).await).await?;
    loop {
        match wire.hear().await? {
            Frame::Stored(stored) if stored.results.contains(&command.id) => break,
            frame => {
                let Some((kind, signed)) = frame.signed() else { continue };
                match node.take(&open, kind, signed).await {
                    Taken::New(asked) if matches!(asked.order, Order::Query(_)) => {}
                    other => anyhow::bail!("nothing else was to come: {other:?}"),
                }
            }
        }
    }
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    assert!(node.app(app).context("it is there")?.is_running());
    plane.stop().await;
    Ok(())
}

/// Only on SQLite: a backup is a copy of the file.
#[tokio::test]
async fn after_a_restore_nothing_runs_twice_and_the_journal_closes_what_it_knows() -> Result<()> {
    let plane = Plane::start(Database::Sqlite).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let other = plane.app(&admin, node.id(), "blog").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let working = plane.deploy(&admin, app).await?;
    let first = next_order(&node, &mut wire, &open).await?;
    plane.until(working, |run| run.state == RunState::Working).await?;
    let signed = plane.deploy(&admin, app).await?;
    drop(wire);
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    let waiting = plane.deploy(&admin, other).await?;
    let (plane, backup) = plane.backed_up().await?;

    // What the backup does not know: all three end, the app is stopped.
    node.result(&first, Verdict::RolledBack).await;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    for run in [working, signed, waiting] {
        plane.ended(run).await?;
    }
    act(&plane, &admin, app, ProcessVerb::Stop).await?;
    session.cut().await;
    let (orders, stopped) = (node.began().len(), node.app(app));
    assert_eq!(orders, 4);

    plane.pass(Duration::from_secs(60)).await?;
    let plane = plane.restored(&backup, false).await?;
    let refused = node.connect(&plane.dial()).await.err().context("its numbers are ahead")?;
    assert_eq!(refused.code(), "node.numbers_ahead");

    let plane = plane.restored(&backup, true).await?;
    // Proposed after the restore, before the node is back: nobody can have done that.
    let fresh = plane.deploy(&admin, other).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    for (run, state) in
        [(working, Done::RolledBack), (signed, Done::Succeeded), (waiting, Done::Failed), (fresh, Done::Succeeded)]
    {
        assert_eq!(plane.ended(run).await?.state, RunState::Done(state), "{run}");
    }
    assert_eq!(plane.run(waiting).await?.fault.context("it says why")?.code, "run.restored");
    assert_eq!((node.began().len(), node.refused()), (orders + 1, vec![]), "one order more, nothing twice");
    // What the node knows better was taken over.
    assert_eq!(node.app(app), stopped);
    let row = plane.control.app(&admin, app).await?;
    assert_eq!((row.state, row.live_release), (AppState::Stopped, node.live(app)));
    act(&plane, &admin, app, ProcessVerb::Start).await?;
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}
