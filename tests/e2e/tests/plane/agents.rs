//! AI agents by tokens of their own: verdicts and what nodes say open a gate, and close it.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use sf_actions::access::{AccessAction, CreateToken, SpeaksFor};
use sf_actions::policy::{PolicyAction, UpdatePolicy};
use sf_actions::rules::Rules;
use sf_actions::run::{Decide, RunAction};
use sf_actions::{Action, Actor, Admission};
use sf_control::{Made, Proposal, Proposed};
use sf_engine::{Done, Run, RunState};
use sf_identity::Audience;
use sf_store::nodes::NodeStatus;
use sf_testkit::people::deploy;
use sf_testkit::{Database, Plane, Script};
use sf_types::AppId;

/// What it always says.
const SURE: f64 = 95.0;
/// docs/reference/confidence.md: scores, and after how many good runs `app.deploy` has them for who reports 95.
const TELLS: (u8, usize) = (70, 8);
const RUNS: (u8, usize) = (90, 38);

async fn agent(plane: &Plane, person: &Actor, name: &str) -> Result<Actor> {
    let create = CreateToken {
        name: name.parse().ok().context("a name")?,
        days: 1,
        scopes: None,
        addresses: None,
        project: None,
        speaks_for: SpeaksFor::Ai,
    };
    match plane.propose(person, Action::Access(AccessAction::CreateToken(create))).await? {
        Proposed::Done(_, Made::Token { text, .. }) => {
            Ok(plane.control.authenticate(Audience::Api, &text, None).await?)
        }
        other => bail!("a token: {other:?}"),
    }
}

async fn proposes(plane: &Plane, agent: &Actor, app: AppId) -> Result<Run> {
    let proposal = Proposal { confidence: Some(SURE), ..Proposal::of(deploy(app)) };
    match plane.control.propose(agent, plane.request(), proposal).await? {
        Proposed::Open(run) => Ok(*run),
        other => bail!("a run: {other:?}"),
    }
}

/// A person agrees, and the node does it.
async fn agreed(plane: &Plane, person: &Actor, run: &Run) -> Result<Run> {
    let card = sf_store::approvals::open_of_run(&plane.control.store().read(person.scope()), run.id).await?;
    let approve = RunAction::Approve(Decide { run: run.id, hash: card.context("a card")?.hash, comment: None });
    plane.propose(person, Action::Run(approve)).await?;
    plane.pass(Duration::from_secs(5)).await?;
    plane.ended(run.id).await
}

pub async fn good_deploys_open_the_gate_of_one_agent_and_what_comes_back_closes_it(plane: Plane) -> Result<()> {
    opens_and_closes(plane, TELLS).await
}

/// As the installation has it, and on one database: each good run is a whole deploy.
#[tokio::test]
async fn thirty_eight_good_deploys_open_the_gate() -> Result<()> {
    Box::pin(opens_and_closes(Plane::start(Database::Sqlite).await?, RUNS)).await
}

async fn opens_and_closes(plane: Plane, (from, after): (u8, usize)) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
    // Nothing between asking and running by itself, so that each good run is one that a person agreed to.
    let rules = Rules { auto_at: Some(from), notify_at: Some(from), ..Rules::default() };
    let rules = UpdatePolicy { project: None, from: 0, rules };
    plane.propose(&admin, Action::Policy(PolicyAction::Update(Box::new(rules)))).await?;
    let (ours, other) = (agent(&plane, &admin, "deployer").await?, agent(&plane, &admin, "other").await?);
    let mut good = 0;
    let first = loop {
        let run = proposes(&plane, &ours, app).await?;
        if run.decision.admission != Admission::Ask {
            break run;
        }
        assert!(good < after, "{:?}", run.decision);
        assert_eq!(agreed(&plane, &admin, &run).await?.state, RunState::Done(Done::Succeeded));
        good += 1;
    };
    assert_eq!((good, first.decision.admission), (after, Admission::Auto), "{:?}", first.decision);
    assert_eq!(plane.ended(first.id).await?.state, RunState::Done(Done::Succeeded), "nobody was asked");
    let unknown = proposes(&plane, &other, app).await?;
    assert_eq!(unknown.decision.admission, Admission::Ask, "it has no record of its own: {:?}", unknown.decision);
    // The next release breaks and the node takes it back.
    session.cut().await;
    plane.until_node(node.id(), NodeStatus::Offline).await?;
    node.serve(&plane.nodes, &plane.dial(), Script::RollBack).await?;
    let broken = proposes(&plane, &ours, app).await?;
    assert_eq!(broken.decision.admission, Admission::Auto);
    assert_eq!(plane.ended(broken.id).await?.state, RunState::Done(Done::RolledBack));
    let after = proposes(&plane, &ours, app).await?;
    assert_eq!(after.decision.admission, Admission::Ask, "one bad run is enough: {:?}", after.decision);
    assert!(after.decision.because.contains("a person decides"), "{}", after.decision.because);
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}
