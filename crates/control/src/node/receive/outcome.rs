//! The node's signed word on a command.

use std::sync::Arc;

use sf_actions::Action;
use sf_actions::app::AppAction;
use sf_engine::{Done, Input, Run, RunState};
use sf_protocol::Signed;
use sf_protocol::outcome::{DeployFacts, Facts, Outcome};
use sf_store::{Tx, apps, commands, releases, runs};
use sf_types::{Fault, NodeId, Scope};

use super::{found, own};
use crate::control::{Control, Core};
use crate::transition::{self, After};
use crate::{dispatch, events, moments};

/// Stores an outcome, ends its run, makes the app what the node says it is. A repeated one changes nothing.
pub(super) async fn record(control: &Control, node: NodeId, outcome: Outcome, signed: Signed) -> Result<After, Fault> {
    let core = control.core().clone();
    let store = core.store.clone();
    let after = store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let mut after = After::default();
                let Some(command) = own(tx, node, outcome.command).await? else { return Ok(after) };
                if !commands::mark_done(tx, command.id, &signed).await? {
                    return Ok(after);
                }
                apply(tx, &core, &command, outcome, &mut after).await?;
                Ok(after)
            })
        })
        .await?;
    Ok(after)
}

async fn apply(
    tx: &mut Tx,
    core: &Arc<Core>,
    command: &commands::StoredCommand,
    outcome: Outcome,
    after: &mut After,
) -> sf_store::Result<()> {
    let run = runs::get(tx, command.run).await?;
    if let (Facts::Deploy(facts), Some(app)) = (&outcome.facts, run.app) {
        deployed(tx, &run, app, facts).await?;
    }
    if let (Facts::App(facts), Some(app)) = (&outcome.facts, run.app) {
        let change = apps::AppChange {
            state: Some(facts.state),
            live_release: Some(facts.live_release),
            stable_port: facts.port.map(Some),
            generation: Some(facts.generation),
            ..Default::default()
        };
        found(apps::change(tx, app, &change).await)?;
        tx.publish(events::app_changed(run.tenant, run.project, app));
    }
    if run.command != Some(command.id) {
        // A void or a cancel: its own outcome says nothing about the run.
        return voided(tx, core, &run, after).await;
    }
    let moment = moments::outcome(outcome.finished_at, outcome.verdict);
    let advanced = transition::advance(tx, core, run.id, Input::Outcome(Box::new(outcome)), moment, after).await?;
    if let Some(Run { state: RunState::Done(Done::Succeeded), action: Action::App(AppAction::Delete(_)), app, .. }) =
        advanced
        && let Some(app) = app
    {
        apps::delete(tx, app).await?;
    }
    Ok(())
}

/// After a void a run that still wants to go ahead gets a command under a fresh number.
async fn voided(tx: &mut Tx, core: &Arc<Core>, run: &Run, after: &mut After) -> sf_store::Result<()> {
    if run.state == RunState::Ready && run.command.is_none() {
        let mut fresh = run.clone();
        fresh.version += 1;
        dispatch::order(tx, core, &mut fresh, after).await?;
        if fresh.command.is_some() || fresh.is_done() {
            runs::update(tx, &fresh, None).await?;
        }
    }
    Ok(())
}

async fn deployed(tx: &mut Tx, run: &Run, app: sf_types::AppId, facts: &DeployFacts) -> sf_store::Result<()> {
    let change = apps::AppChange {
        state: Some(facts.state),
        live_release: Some(facts.live_release),
        stable_port: facts.port.map(Some),
        generation: Some(facts.generation),
        restarts: Some(0),
        ..Default::default()
    };
    // App or release may be deleted meanwhile; the node's word ends the run all the same.
    found(apps::change(tx, app, &change).await)?;
    found(releases::apply(tx, app, facts).await)?;
    tx.publish(events::app_changed(run.tenant, run.project, app));
    Ok(())
}
