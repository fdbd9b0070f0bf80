//! What becomes of an order.

use anyhow::{Context, Result, bail};
use sf_actions::Action;
use sf_actions::app::{AppAction, Update};
use sf_actions::process::{ProcessAction, ProcessVerb};
use sf_actions::run::{RunAction, RunRef};
use sf_bus::Topic;
use sf_engine::{Done, RunState};
use sf_protocol::handshake::Open;
use sf_protocol::order::Order;
use sf_protocol::outcome::{Facts, Step};
use sf_protocol::report::StepState;
use sf_protocol::{Command, Frame, Verdict};
use sf_store::Scope;
use sf_store::timeline::MomentKind;
use sf_testkit::node::Taken;
use sf_testkit::plane::WAIT;
use sf_testkit::{Database, Plane, Script, SimNode, Wire};

/// The next order that a connection brings, promised.
pub async fn next_order(node: &SimNode, wire: &mut Wire, open: &Open) -> Result<Command> {
    loop {
        let frame = wire.hear().await?;
        let Some((kind, signed)) = frame.signed() else { continue };
        match node.take(open, kind, signed).await {
            Taken::New(command) => match &command.order {
                Order::Query(query) => wire.say(&node.answer(&command, query)).await?,
                _ => {
                    wire.say(&node.promise(&command)).await?;
                    return Ok(*command);
                }
            },
            other => bail!("not obeyed: {other:?}"),
        }
    }
}

/// Waits until the control plane has stored the outcome of a command.
pub async fn stored(wire: &mut Wire, command: &Command) -> Result<()> {
    loop {
        if let Frame::Stored(stored) = wire.hear().await?
            && stored.results.contains(&command.id)
        {
            return Ok(());
        }
    }
}

pub async fn a_deploy_goes_through_every_state_and_is_proven(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let mut events = plane.control.bus().subscribe(Scope::System, [Topic::App(app)])?;
    let run = plane.deploy(&admin, app).await?;
    let ended = plane.ended(run).await?;
    assert_eq!((ended.state, ended.fault, ended.stale), (RunState::Done(Done::Succeeded), None, false));

    let mut states = Vec::new();
    // What is committed is told a moment later.
    while !states.iter().any(|state| state == "done")
        && let Some(sf_bus::subscription::Delivery::Event(event)) = tokio::time::timeout(WAIT, events.next()).await?
    {
        let data: serde_json::Value = serde_json::from_str(&event.data)?;
        states.extend(data["state"].as_str().map(String::from));
    }
    states.dedup();
    assert_eq!(
        states,
        ["ready", "working", "checking", "done"],
        "a promise that follows at once says that it was sent"
    );

    let mut kinds: Vec<_> = plane.control.timeline(&admin, run).await?.iter().map(|moment| moment.kind).collect();
    kinds.dedup();
    use MomentKind::{Accepted, Closed, Outcome, Policy, Proposed, Sent, Signed, Step};
    assert_eq!(kinds, [Proposed, Policy, Signed, Sent, Accepted, Step, Outcome, Closed]);

    let proof = plane.control.proof(&admin, run).await?;
    let command: Command = proof.signed.open(proof.kind, &proof.key)?;
    assert_eq!((Some(command.id), command.node, command.sequence), (ended.command, node.id(), 1));
    assert_eq!(proof.root.id(), plane.root());
    let result = proof.command.result.context("the node's word is kept")?.0;
    let outcome: sf_protocol::Outcome = result.open(sf_protocol::Kind::Result, &proof.node_key)?;
    assert_eq!((outcome.command, outcome.verdict), (command.id, Verdict::Succeeded));

    let row = plane.control.app(&admin, app).await?;
    assert_eq!((row.live_release, row.live_release.is_some()), (node.live(app), true));
    let lines = plane.audited().await?;
    let of_run: Vec<_> = lines.iter().filter(|line| line.run == Some(run)).map(|line| &*line.outcome).collect();
    assert_eq!(of_run, ["proposed", "succeeded"]);
    plane.stop().await;
    Ok(())
}

pub async fn what_the_node_says_is_how_it_ends(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let mut live = None;
    for (script, expected) in [
        (Script::Fail, Done::Failed),
        (Script::Succeed, Done::Succeeded),
        (Script::RollBack, Done::RolledBack),
        (Script::Quick, Done::Succeeded),
    ] {
        let session = node.serve(&plane.nodes, &plane.dial(), script).await?;
        let run = plane.deploy(&admin, app).await?;
        let ended = plane.ended(run).await?;
        assert_eq!(ended.state, RunState::Done(expected), "{script:?}");
        assert_eq!(ended.fault.is_some(), expected != Done::Succeeded, "{script:?}");
        let now = plane.control.app(&admin, app).await?.live_release;
        assert_eq!(now != live, expected == Done::Succeeded, "{script:?}");
        live = now;
        session.cut().await;
    }
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

pub async fn a_repeated_or_late_word_changes_nothing(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    wire.say(&node.result(&command, Verdict::Succeeded).await).await?;
    stored(&mut wire, &command).await?;
    let ended = plane.ended(run).await?;
    let timeline = plane.control.timeline(&admin, run).await?;
    let lines = plane.audited().await?.len();

    // The promise again, a step that comes late, and another result for the same command.
    wire.say(&node.promise(&command)).await?;
    wire.say(&node.step(&command, Step::Build, StepState::Failed)).await?;
    for frame in node.unconfirmed() {
        wire.say(&frame).await?;
    }
    wire.say(&Frame::Result(node.word(command.id, Verdict::Failed, Facts::None))).await?;
    stored(&mut wire, &command).await?;
    assert_eq!(plane.run(run).await?, ended);
    let word = |moments: &[sf_store::timeline::Moment]| {
        moments.iter().filter(|moment| moment.kind != MomentKind::Step).cloned().collect::<Vec<_>>()
    };
    assert_eq!(word(&plane.control.timeline(&admin, run).await?), word(&timeline));
    assert_eq!(plane.audited().await?.len(), lines);
    plane.stop().await;
    Ok(())
}

pub async fn words_out_of_order_end_it_once(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    for script in [Script::Reorder, Script::Duplicate] {
        let session = node.serve(&plane.nodes, &plane.dial(), script).await?;
        let run = plane.deploy(&admin, app).await?;
        let ended = plane.ended(run).await?;
        assert_eq!(ended.state, RunState::Done(Done::Succeeded), "{script:?}");
        // A second order goes through the same connection: whatever was said late is taken in by then.
        let second = plane.deploy(&admin, app).await?;
        plane.ended(second).await?;
        assert_eq!(plane.run(run).await?, ended, "{script:?}");
        let closed = plane.control.timeline(&admin, run).await?;
        let closed = closed.iter().filter(|moment| moment.kind == MomentKind::Closed).count();
        assert_eq!(closed, 1, "{script:?}");
        session.cut().await;
    }
    assert_eq!((node.began().len(), node.refused()), (4, vec![]));
    plane.stop().await;
    Ok(())
}

pub async fn the_word_of_another_node_counts_for_nothing(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let (node, liar) = (plane.enrol(&admin).await?, plane.enrol(&admin).await?);
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let (mut other, _) = liar.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    let working = plane.until(run, |run| run.state == RunState::Working).await?;

    // In its own name about another's command, with the promise and a step to go with it.
    other.say(&liar.promise(&command)).await?;
    other.say(&liar.step(&command, Step::Watch, StepState::Done)).await?;
    other.say(&Frame::Result(liar.word(command.id, Verdict::Failed, Facts::None))).await?;
    stored(&mut other, &command).await?;
    assert_eq!(plane.run(run).await?, working);
    // In the other's name, with its own key and then with a stolen frame: the connection ends.
    other.say(&Frame::Result(node.word(command.id, Verdict::Failed, Facts::None))).await?;
    let ended = loop {
        if let Err(error) = other.hear().await {
            break error;
        }
    };
    assert_eq!(ended.code(), "frame.signature");
    assert_eq!(plane.run(run).await?, working);

    wire.say(&node.result(&command, Verdict::Succeeded).await).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    plane.stop().await;
    Ok(())
}

pub async fn a_cancel_reaches_the_node_and_only_its_word_ends_the_run(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let cancel = |run| Action::Run(RunAction::Cancel(RunRef { run }));

    // Before it left: at once.
    let run = plane.deploy(&admin, app).await?;
    plane.propose(&admin, cancel(run)).await?;
    assert_eq!(plane.run(run).await?.state, RunState::Done(Done::Cancelled));

    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    plane.until(run, |run| run.state == RunState::Working).await?;
    plane.propose(&admin, cancel(run)).await?;
    let stop = next_order(&node, &mut wire, &open).await?;
    assert!(matches!(&stop.order, Order::Cancel(cancel) if cancel.command == command.id), "{stop:?}");
    assert_eq!(plane.run(run).await?.state, RunState::Working);
    wire.say(&node.result(&command, Verdict::Cancelled).await).await?;
    wire.say(&node.result(&stop, Verdict::Succeeded).await).await?;
    stored(&mut wire, &stop).await?;
    assert_eq!(plane.run(run).await?.state, RunState::Done(Done::Cancelled));
    let again = plane.propose(&admin, cancel(run)).await;
    assert_eq!(again.err().context("refused")?.code, "run.not_now");
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

pub async fn an_order_that_fits_no_frame_ends_its_run_and_holds_up_nobody(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let small = plane.control.app(&admin, app).await?.settings.0;
    let mut large = small.clone();
    large.build.start = Some(vec!["x".repeat(1_000); 60]);
    for (settings, state) in [(large, RunState::Done(Done::Failed)), (small, RunState::Done(Done::Succeeded))] {
        let update = Update { app, settings, from: None };
        plane.propose(&admin, Action::App(AppAction::Update(Box::new(update)))).await?;
        let ended = plane.ended(plane.deploy(&admin, app).await?).await?;
        assert_eq!(ended.state, state, "{:?}", ended.fault);
        if state == RunState::Done(Done::Failed) {
            assert_eq!(ended.fault.context("it says why")?.code, "order.too_large");
        }
    }
    plane.stop().await;
    Ok(())
}

/// What one restart costs the writer: opened, promised, ended. Grows only on purpose.
const STATEMENTS_OF_AN_ORDER: u64 = 24;

#[tokio::test]
async fn an_order_stays_within_its_budget_of_statements() -> Result<()> {
    let plane = Plane::start(Database::Sqlite).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let store = plane.control.store();
    let restart = || Action::Process(ProcessAction { app, verb: ProcessVerb::Restart });
    let deployed = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    wire.say(&node.result(&command, Verdict::Succeeded).await).await?;
    plane.ended(deployed).await?;
    // The machine tells what it is, and whatever else comes with a first connection is done by then.
    store.probe().await?;
    drop(sf_store::testing::statements(store));
    let statements = store.statements();

    let run = plane.open_run(&admin, restart()).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    plane.until(run, |run| run.state == RunState::Working).await?;
    wire.say(&node.result(&command, Verdict::Succeeded).await).await?;
    plane.ended(run).await?;

    let statements = store.statements() - statements;
    let list = sf_store::testing::statements(store);
    let list: Vec<_> = list.iter().map(|text| text.chars().take(90).collect::<String>()).collect();
    assert!(statements <= STATEMENTS_OF_AN_ORDER, "{statements} statements:\n{}", list.join("\n"));
    plane.stop().await;
    Ok(())
}
