//! What a person has to agree to, and how much one may ask for.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::future::join_all;
use sf_actions::app::{AppAction, AppRef};
use sf_actions::run::{Decide, RunAction, RunRef};
use sf_actions::{Action, Actor, ActorKind};
use sf_control::{Control, Proposal, Proposed};
use sf_engine::{Done, RunState};
use sf_protocol::Verdict;
use sf_store::approvals::ApprovalState;
use sf_store::nodes::NodeStatus;
use sf_testkit::people::deploy;
use sf_testkit::{Database, Plane, Script};
use sf_types::{AppId, PageRequest, RunId};

use super::order::next_order;

/// How long a person's approval can be taken back.
const HELD: Duration = Duration::from_secs(5);

async fn hash_of(plane: &Plane, admin: &Actor, run: RunId) -> Result<String> {
    let open = plane.control.approvals(admin, Some(ApprovalState::Open), &PageRequest::default()).await?;
    Ok(open.items.into_iter().find(|card| card.run == Some(run)).context("a card waits")?.hash)
}

fn decide(run: RunId, hash: &str) -> Decide {
    Decide { run, hash: hash.to_owned(), comment: None }
}

pub async fn an_approval_is_held_and_bound_to_what_was_shown(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let ai = Plane::ai_of(&admin);
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    plane.ended(plane.deploy(&admin, app).await?).await?;

    let run = plane.open_run(&ai, Action::App(AppAction::Delete(AppRef { app }))).await?;
    let waiting = plane.run(run).await?;
    assert_eq!((waiting.state, waiting.command), (RunState::Waiting, None));
    assert_eq!(waiting.guard.live_release, node.live(app));
    let hash = hash_of(&plane, &admin, run).await?;

    let refused =
        [(&admin, decide(run, &"0".repeat(64)), "approval.moved"), (&ai, decide(run, &hash), "actor.not_a_person")];
    for (actor, decision, code) in refused {
        let fault = plane.propose(actor, Action::Run(RunAction::Approve(decision))).await.err();
        assert_eq!(fault.context(code)?.code, code);
        assert_eq!(plane.run(run).await?.state, RunState::Waiting, "{code}");
    }

    plane.propose(&admin, Action::Run(RunAction::Approve(decide(run, &hash)))).await?;
    plane.pass(Duration::from_millis(4_999)).await?;
    let held = plane.run(run).await?;
    assert_eq!((held.state, held.command), (RunState::Ready, None), "it is held back for 5 s");
    let again = plane.propose(&admin, Action::Run(RunAction::Approve(decide(run, &hash)))).await;
    assert_eq!(again.err().context("single use")?.code, "approval.decided");
    plane.pass(Duration::from_millis(1)).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    assert!(plane.control.app(&admin, app).await.is_err(), "it is gone");
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

/// Commits from a decision to its order, all in all: the decision, and that of the lane it wakes; the hold's own timer is
/// claimed, the order is promised; a lane of notices may wake beside them.
const COMMITS_OF_A_DECISION: u64 = 5;
/// What whoever decides may see of them before the answer: its own, and where the machine is slow that of the lane it woke.
const COMMITS_BEFORE_THE_ANSWER: std::ops::RangeInclusive<u64> = 1..=2;

#[tokio::test]
async fn a_decision_is_one_commit_and_its_order_follows_the_hold_with_few() -> Result<()> {
    let plane = Plane::start(Database::Sqlite).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let commits = || plane.control.store().commits();
    let deployed = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    wire.say(&node.result(&command, Verdict::Succeeded).await).await?;
    plane.ended(deployed).await?;
    plane.control.store().probe().await?;

    let run = plane.open_run(&Plane::ai_of(&admin), Action::App(AppAction::Delete(AppRef { app }))).await?;
    let hash = hash_of(&plane, &admin, run).await?;
    plane.control.store().probe().await?;
    let before = commits();
    plane.propose(&admin, Action::Run(RunAction::Approve(decide(run, &hash)))).await?;
    let decided = commits() - before;
    assert!(COMMITS_BEFORE_THE_ANSWER.contains(&decided), "who decides waits for {decided} commits");
    plane.pass(HELD).await?;
    next_order(&node, &mut wire, &open).await?;
    let all = commits() - before;
    assert!(all <= COMMITS_OF_A_DECISION, "{all} commits from the decision to the order");
    plane.stop().await;
    Ok(())
}

pub async fn an_approval_is_held_back_from_a_node_that_connects_meanwhile(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let plane = plane.reconfigured(|options| options.routing.never_auto = vec!["app.deploy".into()]).await?;
    for taken_back in [true, false] {
        let run = plane.open_run(&Plane::ai_of(&admin), deploy(app)).await?;
        let hash = hash_of(&plane, &admin, run).await?;
        plane.propose(&admin, Action::Run(RunAction::Approve(decide(run, &hash)))).await?;
        plane.pass(Duration::from_millis(4_000)).await?;
        let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
        let held = plane.run(run).await?;
        assert_eq!((held.state, held.command), (RunState::Ready, None), "nothing is signed before its time");
        if taken_back {
            plane.propose(&admin, Action::Run(RunAction::Cancel(RunRef { run }))).await?;
        }
        plane.pass(Duration::from_millis(1_000)).await?;
        let expected = if taken_back { Done::Cancelled } else { Done::Succeeded };
        assert_eq!(plane.ended(run).await?.state, RunState::Done(expected));
        session.cut().await;
        plane.until_node(node.id(), NodeStatus::Offline).await?;
    }
    assert_eq!(node.began().len(), 1);
    plane.stop().await;
    Ok(())
}

pub async fn a_rejection_ends_the_run(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let run = plane.open_run(&Plane::ai_of(&admin), Action::App(AppAction::Delete(AppRef { app }))).await?;
    let hash = hash_of(&plane, &admin, run).await?;
    let comment = Some("not on a Friday".to_owned());
    let reject = Decide { comment, ..decide(run, &hash) };
    plane.propose(&admin, Action::Run(RunAction::Reject(reject))).await?;
    let rejected = plane.run(run).await?;
    assert_eq!(rejected.state, RunState::Done(Done::Rejected));
    assert!(rejected.fault.context("it says why")?.message.contains("not on a Friday"));
    // Silence never approves.
    let run = plane.open_run(&Plane::ai_of(&admin), Action::App(AppAction::Delete(AppRef { app }))).await?;
    plane.pass(Duration::from_secs(72 * 3600 + 1)).await?;
    assert_eq!(plane.run(run).await?.state, RunState::Done(Done::Expired));
    assert!(plane.control.app(&admin, app).await.is_ok());
    plane.stop().await;
    Ok(())
}

pub async fn the_quota_is_enforced(plane: Plane) -> Result<()> {
    let plane = plane.reconfigured(|options| options.routing.runs_a_minute = 4).await?;
    let admin = plane.admin().await?;
    // An invitation and an app are two runs.
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    plane.deploy(&admin, app).await?;
    plane.deploy(&admin, app).await?;
    let refused = plane.propose(&admin, deploy(app)).await.err().context("over the quota")?;
    assert_eq!(refused.code, "run.quota", "{refused}");
    plane.pass(Duration::from_secs(61)).await?;
    plane.deploy(&admin, app).await?;
    plane.stop().await;
    Ok(())
}

/// Proposes this often at once, at these control planes in turn; answers how many runs were opened.
async fn race(plane: &Plane, planes: &[&Control], actor: &Actor, app: AppId, racers: usize) -> Result<usize> {
    let tries = (0..racers).map(|nth| {
        let (control, request) = (planes[nth % planes.len()], plane.request());
        async move { control.propose(actor, request, Proposal::of(deploy(app))).await }
    });
    let mut opened = 0;
    for tried in join_all(tries).await {
        match tried {
            Ok(Proposed::Open(_)) => opened += 1,
            Err(fault) if fault.code == "run.quota" => {}
            other => anyhow::bail!("{other:?}"),
        }
    }
    Ok(opened)
}

pub async fn of_many_that_race_for_the_last_place_one_gets_it(plane: Plane) -> Result<()> {
    let plane = plane.reconfigured(|options| options.routing.runs_a_minute = 4).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    for racers in [2, 50] {
        plane.pass(Duration::from_secs(61)).await?;
        for _ in 0..3 {
            plane.deploy(&admin, app).await?;
        }
        let opened = race(&plane, &[&plane.control], &admin, app, racers).await?;
        assert_eq!(opened, 1, "of {racers}");
        // Those that came too late took nothing, and left their refusal.
        let denied = plane.audited().await?.iter().filter(|line| line.outcome == "denied").count();
        assert_eq!(denied, if racers == 2 { 1 } else { 50 });
    }
    plane.stop().await;
    Ok(())
}

pub async fn two_control_planes_keep_one_quota(plane: Plane) -> Result<()> {
    let plane = plane.reconfigured(|options| options.routing.runs_a_minute = 7).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let second = plane.second().await?;
    assert_eq!(race(&plane, &[&plane.control, &second], &admin, app, 40).await?, 5, "two of seven were taken");
    // A moment later each of them counts anew, and still nobody is let in.
    plane.pass(Duration::from_secs(2)).await?;
    assert_eq!(race(&plane, &[&plane.control, &second], &admin, app, 4).await?, 0);
    plane.stop().await;
    Ok(())
}

pub async fn under_a_freeze_somebody_else_has_to_agree(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let plane = plane.reconfigured(|options| options.routing.frozen = true).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let run = plane.open_run(&admin, deploy(app)).await?;
    let hash = hash_of(&plane, &admin, run).await?;
    let approve = || Action::Run(RunAction::Approve(decide(run, &hash)));
    let own = plane.propose(&admin, approve()).await.err().context("the proposer is no second person")?;
    assert_eq!(own.code, "approval.own");
    assert_eq!(plane.run(run).await?.state, RunState::Waiting);

    let session = plane.control.rng().id(plane.control.clock());
    let kind = ActorKind::Person { user: plane.control.rng().id(plane.control.clock()), session };
    let second = Actor { kind, ..admin.clone() };
    plane.propose(&second, approve()).await?;
    plane.pass(Duration::from_secs(5)).await?;
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    plane.stop().await;
    Ok(())
}
