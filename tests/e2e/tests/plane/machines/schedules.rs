//! Schedules between their rows and their nodes: orders, what nodes tell of runs, and the alert of one that goes wrong.

use anyhow::{Context, Result, bail, ensure};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::schedule::{ScheduleAction, ScheduleRef, SetSchedule};
use sf_actions::{Action, Actor};
use sf_control::approval::alerts::Trouble;
use sf_control::approval::inbox::{Card, Kind};
use sf_control::queries::schedules::ScheduleShown;
use sf_engine::{Done, Run, RunState};
use sf_protocol::Frame;
use sf_protocol::handshake::{VERSIONS, Versions};
use sf_protocol::order::Order;
use sf_protocol::report::NodeEvent;
use sf_protocol::schedule::{RunReason, ScheduleOrder, ScheduleReport, ScheduleRunState, Whose};
use sf_store::schedules::ScheduleState;
use sf_testkit::{Plane, Script, SimNode};
use sf_types::{AppId, PageRequest, ScheduleRunId, Timestamp, TypedId};

const DONE: RunState = RunState::Done(Done::Succeeded);

fn set(app: AppId, cron: &str) -> Result<Action> {
    let settings = serde_json::from_value(serde_json::json!({ "cron": cron, "command": ["./tidy"] }))?;
    Ok(Action::Schedule(ScheduleAction::Set(Box::new(SetSchedule {
        whose: Whose::App(app),
        name: "tidy".parse()?,
        settings,
    }))))
}

fn of(app: AppId) -> Result<ScheduleRef> {
    Ok(ScheduleRef { whose: Whose::App(app), name: "tidy".parse()? })
}

async fn ended(plane: &Plane, actor: &Actor, action: Action) -> Result<Run> {
    plane.ended(plane.open_run(actor, action).await?).await
}

async fn code(plane: &Plane, actor: &Actor, action: Action) -> Result<String> {
    match plane.propose(actor, action).await {
        Err(fault) => Ok(fault.code),
        Ok(other) => bail!("it should have been refused: {other:?}"),
    }
}

async fn shown(plane: &Plane, actor: &Actor, app: AppId) -> Result<ScheduleShown> {
    plane.control.schedules(actor, Whose::App(app)).await?.pop().context("a schedule")
}

/// The node's own word, once it is taken in.
async fn tell(plane: &Plane, node: &SimNode, report: &ScheduleReport) -> Result<()> {
    let (mut wire, _) = node.connect(&plane.dial()).await?;
    wire.say(&node.event(NodeEvent::Schedule { report: report.clone() })).await?;
    while !matches!(wire.hear().await?, Frame::Stored(_)) {}
    Ok(())
}

async fn troubles(plane: &Plane, admin: &Actor) -> Result<usize> {
    let cards = plane.control.inbox(admin, Some(Kind::Alert), &PageRequest::default()).await?.items;
    Ok(cards.iter().filter(|card| matches!(card, Card::Alert(alert) if alert.trouble == Trouble::Schedule)).count())
}

pub async fn a_schedule_is_what_its_node_has_and_goes_wrong_once(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let (node, other) = (plane.enrol(&admin).await?, plane.enrol(&admin).await?);
    let shop = plane.app(&admin, node.id(), "shop").await?;

    // An agent that knows no schedules is asked for none, an app that was never deployed has none.
    node.speak(Versions { min: 1, max: 4 });
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    assert_eq!(code(&plane, &admin, set(shop, "@daily")?).await?, "schedule.agent_too_old");
    session.cut().await;
    node.speak(VERSIONS);
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    assert_eq!(code(&plane, &admin, set(shop, "@daily")?).await?, "app.never_deployed");
    let deploy = DeployAction::Deploy(Deploy { app: shop, reference: None, commit: None, full: false });
    assert_eq!(ended(&plane, &admin, Action::Deploy(deploy)).await?.state, DONE);
    assert_eq!(code(&plane, &admin, set(shop, "61 * * * *")?).await?, "value.refused");
    let run_now = Action::Schedule(ScheduleAction::Run(of(shop)?));
    assert_eq!(code(&plane, &admin, run_now.clone()).await?, "schedule.not_found");

    assert_eq!(ended(&plane, &admin, set(shop, "@daily")?).await?.state, DONE);
    let command = node.began().pop().context("an order")?;
    let Order::Schedule(order) = &command.order else { bail!("a schedule: {command:?}") };
    let ScheduleOrder::Set { spec } = &**order else { bail!("it is set: {order:?}") };
    let row = shown(&plane, &admin, shop).await?;
    assert_eq!((spec.schedule, spec.generation), (row.schedule.id, 1));
    assert_eq!((row.schedule.state, row.next.len()), (ScheduleState::Standing, 3));
    assert_eq!(ended(&plane, &admin, set(shop, "@hourly")?).await?.state, DONE);
    assert_eq!(shown(&plane, &admin, shop).await?.schedule.generation, 2);
    assert_eq!(ended(&plane, &admin, run_now).await?.state, DONE);
    session.cut().await;

    // What its node tells is kept once; another node's word counts for nothing.
    let report = |n: u8, state: ScheduleRunState| ScheduleReport {
        run: ScheduleRunId::from_parts(Timestamp::from_millis(i64::from(n)), [n; 10]),
        schedule: row.schedule.id,
        whose: Whose::App(shop),
        why: RunReason::Clock,
        due: Timestamp::from_millis(1000),
        started_at: Some(Timestamp::from_millis(1001)),
        ended_at: state.is_over().then_some(Timestamp::from_millis(2000)),
        state,
        exit_code: None,
        note: "ended with code 3".to_owned(),
        last_lines: vec!["password=hunter2hunter2".to_owned()],
    };
    tell(&plane, &other, &report(1, ScheduleRunState::Failed)).await?;
    assert!(shown(&plane, &admin, shop).await?.last.is_none());
    tell(&plane, &node, &report(1, ScheduleRunState::Running)).await?;
    assert_eq!(troubles(&plane, &admin).await?, 0);
    tell(&plane, &node, &report(1, ScheduleRunState::Failed)).await?;
    assert_eq!(troubles(&plane, &admin).await?, 1);
    let since = shown(&plane, &admin, shop).await?.schedule.troubled_at;
    tell(&plane, &node, &report(1, ScheduleRunState::Interrupted)).await?;
    tell(&plane, &node, &report(2, ScheduleRunState::Missed)).await?;
    let after = shown(&plane, &admin, shop).await?;
    assert_eq!(after.schedule.troubled_at, since, "one trouble, however often it fails");
    let page = plane.control.schedule_runs(&admin, Whose::App(shop), &"tidy".parse()?, &PageRequest::default()).await?;
    let states: Vec<_> = page.items.iter().map(|run| run.state.as_str()).collect();
    assert_eq!(states, ["missed", "failed"]);
    ensure!(!format!("{page:?}").contains("hunter2"), "what looks like a secret is hidden");
    tell(&plane, &node, &report(3, ScheduleRunState::Succeeded)).await?;
    assert_eq!((troubles(&plane, &admin).await?, shown(&plane, &admin, shop).await?.schedule.troubled_at), (0, None));

    // What its node did not take says why; what it has stays.
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Fail).await?;
    assert_eq!(ended(&plane, &admin, set(shop, "@weekly")?).await?.state, RunState::Done(Done::Failed));
    let failed = shown(&plane, &admin, shop).await?.schedule;
    assert_eq!((failed.state, failed.standing.map(|spec| spec.0.generation)), (ScheduleState::Failed, Some(2)));
    session.cut().await;

    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let gone = Action::Schedule(ScheduleAction::Delete(of(shop)?));
    assert_eq!(ended(&plane, &admin, gone.clone()).await?.state, DONE);
    ensure!(plane.control.schedules(&admin, Whose::App(shop)).await?.is_empty());
    assert_eq!(code(&plane, &admin, gone).await?, "schedule.not_found");
    Ok(())
}
