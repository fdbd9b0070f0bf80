//! Every verdict is a sample: what became of an AI's proposals, kept in the transaction that says so.

use sf_actions::Action;
use sf_actions::admission::{Admission, Level, Proposer, SelfReport};
use sf_actions::deploy::DeployAction;
use sf_engine::{Done, Run, RunState};
use sf_policy::learning::{Key, LevelState, Levels, Row, Sample, Source};
use sf_store::learning::{self, SampleRow};
use sf_store::{Look, StoreError, Tx, apps, inbox, runs};
use sf_types::{RunId, TenantId, TokenId};

use crate::control::Core;

/// What the levels of a proposal know.
pub(crate) async fn levels(
    at: &impl Look,
    tenant: TenantId,
    action: &str,
    agent: TokenId,
    tool: Option<&str>,
) -> sf_store::Result<Levels> {
    let agent = agent.to_string();
    let rows = Key { action, agent: &agent, tool }.rows();
    let names = rows.each_ref().map(name);
    let mut levels = Levels::default();
    for (name, state) in learning::states(at, tenant, &names).await? {
        let Some(place) = names.iter().position(|one| *one == name) else { continue };
        // What a newer program wrote counts as nothing known: then people are asked.
        *levels.at_mut(rows[place].level) = serde_json::from_value(state).unwrap_or_default();
    }
    Ok(levels)
}

/// A level as the key of its row.
fn name(row: &Row) -> String {
    let level = match row.level {
        Level::Own => "own",
        Level::Pair => "pair",
        Level::Action => "action",
        Level::Agent => "agent",
        Level::All => "all",
    };
    format!("{level}/{}/{}/{}", row.action, row.agent, row.tool)
}

/// What the end of a run says about who proposed it.
pub(crate) async fn ended(tx: &mut Tx, core: &Core, run: &Run) -> sf_store::Result<()> {
    let RunState::Done(end) = run.state else { return Ok(()) };
    if run.decision.inputs.proposer != Proposer::Ai {
        return Ok(());
    }
    if run.decision.sampled {
        inbox::ask_back(tx, run)?;
    }
    let asked = run.decision.admission == Admission::Ask;
    let source = match (end, asked) {
        (Done::Succeeded, true) => Source::Approved,
        (Done::Succeeded, false) if run.decision.admission == Admission::AutoNotify => Source::ToldAndKept,
        (Done::Succeeded, false) => Source::Kept,
        (Done::Rejected, _) => Source::Rejected,
        (Done::RolledBack, _) => Source::RolledBack,
        (Done::Failed, _) => Source::Failed,
        // Nobody has said anything about it.
        (Done::Denied | Done::Expired | Done::Cancelled, _) => return Ok(()),
    };
    sample(tx, core, run, source).await
}

/// A person takes an app back to an earlier release: whoever proposed the one that is live was wrong.
pub(crate) async fn taken_back(tx: &mut Tx, core: &Core, run: &Run) -> sf_store::Result<()> {
    let by_person = run.actor.person().is_some();
    let (Action::Deploy(DeployAction::Rollback(_)), Some(app), true) = (&run.action, run.app, by_person) else {
        return Ok(());
    };
    let Some(live) = apps::get(tx, app).await?.live_release else { return Ok(()) };
    // A release has the id of the run that made it.
    match runs::get(tx, RunId::from_uuid(live.uuid())).await {
        Err(StoreError::NotFound(_)) => Ok(()),
        Err(error) => Err(error),
        Ok(made) if made.decision.inputs.proposer == Proposer::Ai => sample(tx, core, &made, Source::RolledBack).await,
        Ok(_) => Ok(()),
    }
}

/// Takes a sample in, at every level.
pub(crate) async fn sample(tx: &mut Tx, core: &Core, run: &Run, source: Source) -> sf_store::Result<()> {
    let Some(agent) = run.actor.agent() else { return Ok(()) };
    let inputs = &run.decision.inputs;
    let report = match inputs.report {
        SelfReport::Score(score) => Some(score),
        SelfReport::None => None,
        // Who cannot say a number is not taken at their word in what is learnt either.
        SelfReport::Malformed => return Ok(()),
    };
    let now = core.clock.now();
    let row = SampleRow {
        id: tx.new_uuid(),
        tenant: run.tenant,
        project: run.project,
        run: run.id,
        source,
        action: inputs.action.clone(),
        agent,
        tool: None,
        score: report,
        confidence: run.decision.confidence,
        estimate: inputs.calibration.map(|calibration| calibration.estimate_permille),
        good: source.is_good(),
        at: now,
    };
    if !learning::keep(tx, &row).await? {
        return Ok(());
    }
    let mut levels = levels(tx, run.tenant, &inputs.action, agent, None).await?;
    let agent = agent.to_string();
    let key = Key { action: &inputs.action, agent: &agent, tool: None };
    let sample = Sample { report, source, at: now };
    for row in key.rows() {
        let state: &mut LevelState = levels.at_mut(row.level);
        state.add(&sample, now);
        let state = serde_json::to_value(&*state).expect("numbers");
        learning::learn(tx, run.tenant, &name(&row), state)?;
    }
    Ok(())
}
