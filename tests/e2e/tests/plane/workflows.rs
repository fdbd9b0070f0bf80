//! Workflows of an installation with several control planes.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sf_actions::workflow::{CreateWorkflow, EnableWorkflow, RunWorkflow, SendEvent, WorkflowAction};
use sf_actions::{Action, Actor};
use sf_control::proposal::{Made, Proposal, Proposed};
use sf_engine::{Done, RunState};
use sf_runtime::Tasks;
use sf_store::executions::ExecutionFilter;
use sf_testkit::Plane;
use sf_types::{PageRequest, RunId, WorkflowId};

const MINUTE: Duration = Duration::from_secs(60);
/// Longer than a control plane that says nothing keeps its executions.
const LEASE_IS_OVER: Duration = Duration::from_secs(45);

async fn created(plane: &Plane, admin: &Actor, document: &str) -> Result<WorkflowId> {
    let create = CreateWorkflow { project: None, document: document.to_owned() };
    match plane.propose(admin, Action::Workflow(WorkflowAction::Create(create))).await? {
        Proposed::Done(_, Made::Workflow(id)) => Ok(id),
        other => anyhow::bail!("{other:?}"),
    }
}

async fn runs_of(plane: &Plane, admin: &Actor, workflow: WorkflowId) -> Result<usize> {
    let of = ExecutionFilter { workflow: Some(workflow), ..Default::default() };
    let page = PageRequest { limit: Some(200), after: None };
    Ok(plane.control.executions(admin, &of, &page).await?.items.len())
}

/// Waits until the run waits for its event.
async fn waiting(plane: &Plane, admin: &Actor, workflow: WorkflowId) -> Result<()> {
    let state = Some(sf_store::executions::ExecutionState::Waiting);
    let of = ExecutionFilter { workflow: Some(workflow), state, ..Default::default() };
    let page = PageRequest::default();
    let wait = async {
        while plane.control.executions(admin, &of, &page).await?.items.is_empty() {
            tokio::task::yield_now().await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(sf_testkit::plane::WAIT, wait).await.context("it does not wait")?
}

pub async fn of_two_control_planes_one_fires_each_moment(plane: Plane) -> Result<()> {
    if !sf_store::testing::is_postgres(plane.control.store()) {
        return Ok(());
    }
    let (admin, second) = (plane.admin().await?, plane.second().await?);
    let document = "workflow: 1\nname: minutely\ntriggers: [{ id: t, cron: { at: '* * * * *' } }]\n\
                    steps: [{ id: w, wait: { for: 1ms } }]";
    let workflow = created(&plane, &admin, document).await?;
    let enable = EnableWorkflow { workflow, enabled: true };
    plane.propose(&admin, Action::Workflow(WorkflowAction::Enable(enable))).await?;
    const MOMENTS: usize = 8;
    for nth in 1..=MOMENTS {
        plane.clock.set(plane.clock.now().plus(MINUTE));
        let look = || [plane.control.fire_due(), second.fire_due()];
        let looks = (0..4).flat_map(|_| look());
        for look in futures_util::future::join_all(looks).await {
            look?;
        }
        let runs = runs_of(&plane, &admin, workflow).await?;
        ensure!(runs == nth, "{runs} runs for {nth} moments");
    }
    plane.stop().await;
    Ok(())
}

pub async fn what_a_dead_control_plane_had_goes_on_at_another(plane: Plane) -> Result<()> {
    if !sf_store::testing::is_postgres(plane.control.store()) {
        return Ok(());
    }
    let (admin, tasks) = (plane.admin().await?, Tasks::new());
    let second = plane.second_under(&tasks).await?;
    let document = "workflow: 1\nname: waits\nsteps: [{ id: e, wait: { event: go } }]\noutput: ${{ steps.e.output }}";
    let workflow = created(&plane, &admin, document).await?;
    let run = RunWorkflow { workflow, version: None, input: serde_json::Value::Null, trigger: None };
    let proposal = Proposal::of(Action::Workflow(WorkflowAction::Run(run)));
    let run: RunId = match second.propose(&admin, plane.request(), proposal).await? {
        Proposed::Open(run) => run.id,
        other => anyhow::bail!("{other:?}"),
    };
    waiting(&plane, &admin, workflow).await?;
    tasks.stop(Duration::ZERO).await;
    plane.pass(LEASE_IS_OVER).await?;
    // Whoever is there takes it in, though the run was another's when it came.
    let send = SendEvent { run, event: "go".into(), data: serde_json::json!({ "by": "us" }) };
    plane.propose(&admin, Action::Workflow(WorkflowAction::Send(send))).await?;
    let ended = plane.ended(run).await?;
    ensure!(ended.state == RunState::Done(Done::Succeeded), "{:?}: {:?}", ended.state, ended.fault);
    plane.stop().await;
    Ok(())
}
