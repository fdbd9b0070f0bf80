//! The control plane goes away in the middle and comes back over the same store.

use anyhow::{Result, bail};
use sf_actions::Action;
use sf_actions::workflow::{CreateWorkflow, RunWorkflow, WorkflowAction};
use sf_control::{Made, Proposed};
use sf_engine::{Done, RunState};
use sf_protocol::Verdict;
use sf_protocol::outcome::Step;
use sf_protocol::report::StepState;
use sf_testkit::{Plane, Script};

use crate::order::next_order;

pub async fn a_kill_in_the_middle_ends_truthfully(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (mut wire, open) = node.connect(&plane.dial()).await?;
    let run = plane.deploy(&admin, app).await?;
    let command = next_order(&node, &mut wire, &open).await?;
    wire.say(&node.step(&command, Step::Build, StepState::Started)).await?;
    plane.until(run, |run| run.step == Some(Step::Build)).await?;
    let plane = plane.killed().await?;
    drop(wire);
    // The node finished while nobody listened; its journal has the word.
    node.result(&command, Verdict::RolledBack).await;
    let between = plane.run(run).await?;
    assert_eq!((between.state, between.stale), (RunState::Working, true));
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let ended = plane.ended(run).await?;
    assert_eq!((ended.state, ended.command), (RunState::Done(Done::RolledBack), Some(command.id)));
    assert_eq!((node.began().len(), node.refused()), (1, vec![]));
    // And the next order goes on with the next number.
    let next = plane.deploy(&admin, app).await?;
    assert_eq!(plane.ended(next).await?.state, RunState::Done(Done::Succeeded));
    assert_eq!(node.high_water(), 2);
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

pub async fn a_restart_before_the_order_left_sends_it_once(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let (wire, _) = node.connect(&plane.dial()).await?;
    let signed = plane.deploy(&admin, app).await?;
    drop(wire);
    let waiting = plane.deploy(&admin, app).await?;
    let plane = plane.restarted().await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    for run in [signed, waiting] {
        assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    }
    assert_eq!((node.began().len(), node.refused()), (2, vec![]));
    plane.audited().await?;
    plane.stop().await;
    Ok(())
}

/// What was under way is taken up before the API of the new process is there.
pub async fn a_read_of_a_workflow_waits_for_the_api(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let document = "workflow: 1\nname: reads\nsteps: [{ id: a, query: /projects }]".to_owned();
    let create = Action::Workflow(WorkflowAction::Create(CreateWorkflow { project: None, document }));
    let Proposed::Done(_, Made::Workflow(workflow)) = plane.propose(&admin, create).await? else {
        bail!("a workflow was made")
    };
    let run = RunWorkflow { workflow, version: None, input: serde_json::Value::Null, trigger: None };
    let run = plane.open_run(&admin, Action::Workflow(WorkflowAction::Run(run))).await?;
    let plane = plane.killed().await?;
    assert_eq!(plane.run(run).await?.state, RunState::Working);
    let _router = sf_api::router(plane.control.clone(), sf_api::ApiOptions::new(plane.tasks.clone()));
    assert_eq!(plane.ended(run).await?.state, RunState::Done(Done::Succeeded));
    plane.stop().await;
    Ok(())
}
