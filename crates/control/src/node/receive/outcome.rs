//! The node's signed word on a command.

use std::sync::Arc;

use sf_actions::app::AppAction;
use sf_actions::{Action, Object, ObjectRef};
use sf_engine::{Done, Input, Run, RunState};
use sf_protocol::app::AppSpec;
use sf_protocol::order::Order;
use sf_protocol::outcome::{DeployFacts, Facts, Outcome};
use sf_protocol::schedule::Whose;
use sf_protocol::{Command, Kind, Signed, Verdict};
use sf_store::apps::AppChange;
use sf_store::commands::{self, CommandState};
use sf_store::{Tx, apps, deploy_keys, grants, hooks, nodes, proxies, releases, servers};
use sf_types::{AppId, Fault, NodeId, Scope, Timestamp};

use super::found;
use crate::approval::cards;
use crate::control::{Control, Core};
use crate::resync::{change_of, desired_of};
use crate::transition::{self, After};
use crate::{events, moments, panel, patches, previews, schedules, sites};

/// Stores an outcome, ends its run, makes the app what the node says it is. A repeated one changes nothing.
///
/// `signed` is the word itself; an answer about the journal only repeats it.
pub(crate) async fn record(
    control: &Control,
    node: NodeId,
    outcome: Outcome,
    signed: Option<Signed>,
) -> Result<After, Fault> {
    let core = control.core().clone();
    let store = core.store.clone();
    let sent = core.written.take(outcome.command);
    let after = store
        .write(Scope::System, move |tx| {
            Box::pin(async move {
                let mut after = After::default();
                let repeated = signed.is_none();
                let found = commands::under_way(tx, Some(node), outcome.command).await?;
                let Some(mut found) = found.filter(|found| found.state != CommandState::Done) else { return Ok(after) };
                commands::done(tx, outcome.command, signed.as_ref(), sent);
                let Some(run) = found.run.take() else {
                    panel::heard::cleared(tx, found.order.as_deref().and_then(order_of).as_ref(), &outcome).await?;
                    in_step(tx, node, found.kind, &outcome).await?;
                    return Ok(after);
                };
                if !repeated || !is_older(tx, &run, &outcome).await? {
                    facts(tx, &run, found.order.as_deref(), &outcome).await?;
                }
                // Only a release that is live in place of another one makes a card's facts other ones.
                let app = run.app.filter(|_| matches!(outcome.facts, Facts::Deploy(_) | Facts::Patch(_)));
                ended(tx, &core, run, outcome, sent, &mut after).await?;
                if let Some(app) = app {
                    cards::refresh(tx, &core, app, &mut after).await?;
                }
                Ok(after)
            })
        })
        .await?;
    Ok(after)
}

/// The word on what belongs to no run: a node that could not be brought in step is told of.
async fn in_step(tx: &mut Tx, node: NodeId, kind: Kind, outcome: &Outcome) -> sf_store::Result<()> {
    let Some(fault) = outcome.fault.as_ref().filter(|_| kind == Kind::DesiredState) else { return Ok(()) };
    let row = nodes::get(tx, node).await?;
    tracing::warn!(agent_id = %node, %fault, "a node is not what it should be");
    tx.publish(events::node_notice(row.tenant, node, &fault.code, &fault.to_string()));
    Ok(())
}

/// Whether a repeated word speaks of a state of the app that was followed by another.
async fn is_older(tx: &Tx, run: &Run, outcome: &Outcome) -> sf_store::Result<bool> {
    let generation = match &outcome.facts {
        Facts::Deploy(facts) => facts.generation,
        Facts::Patch(facts) => facts.deploy.generation,
        Facts::App(facts) => facts.generation,
        // Orders about one domain follow each other, as those about its app do.
        Facts::Site { .. } | Facts::Service { .. } | Facts::File(_) | Facts::None => return Ok(false),
        Facts::Server { server } => {
            let Some(report) = server else { return Ok(false) };
            let row = found(servers::get(tx, report.server).await)?;
            return Ok(row.is_some_and(|row| report.generation < row.generation));
        }
    };
    let Some(app) = run.app else { return Ok(false) };
    Ok(found(apps::get(tx, app).await)?.is_some_and(|row| generation < row.generation))
}

/// The app is as the node says.
async fn facts(tx: &mut Tx, run: &Run, ordered: Option<&[u8]>, outcome: &Outcome) -> sf_store::Result<()> {
    match (&outcome.facts, run.app) {
        (Facts::Deploy(facts), Some(app)) => deployed(tx, run, app, facts, ordered, outcome).await,
        (Facts::Patch(facts), Some(app)) => {
            let mut deploy = facts.deploy.clone();
            if ordered.and_then(order_of).is_none_or(|order| !patches::makes_release(&order)) {
                // The release keeps the times of the deploy that made it.
                deploy.timings.clear();
            }
            deployed(tx, run, app, &deploy, ordered, outcome).await
        }
        (Facts::App(facts), Some(app)) => {
            let applied = restarted(tx, app, ordered, outcome).await?;
            apps::heard(tx, app, &AppChange { applied, ..change_of(facts) });
            tx.publish(events::app_changed(run.tenant, run.project, app));
            Ok(())
        }
        (Facts::Site { site }, _) => {
            sites::heard(tx, run, site.as_ref(), ordered.and_then(order_of).as_ref(), outcome).await
        }
        (Facts::Server { .. }, _) => panel::heard::outcome(tx, ordered.and_then(order_of).as_ref(), outcome).await,
        (Facts::None, _) => schedules::heard(tx, run, ordered.and_then(order_of).as_ref(), outcome).await,
        _ => Ok(()),
    }
}

/// The run ends as the node says.
async fn ended(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: Run,
    outcome: Outcome,
    sent: Option<Timestamp>,
    after: &mut After,
) -> sf_store::Result<()> {
    if run.command != Some(outcome.command) {
        // A void or a cancel: its own outcome says nothing about the run. After a void, one that still wants to go
        // ahead gets a command under a fresh number.
        return transition::advance(tx, core, run, Input::NodeReady, None, after).await.map(drop);
    }
    let word = moments::outcome(outcome.finished_at, outcome.verdict);
    let said = sent.map(moments::sent).into_iter().chain([word]);
    let advanced = transition::advance(tx, core, run, Input::Outcome(Box::new(outcome)), said, after).await?;
    if let Some(run) = &advanced {
        panel::heard::ended(tx, run).await?;
    }
    if let Some(Run { state: RunState::Done(Done::Succeeded), action: Action::App(AppAction::Delete(_)), app, .. }) =
        advanced
        && let Some(app) = app
    {
        // What is gone can be given to nobody: its id never comes again.
        grants::forget_object(tx, ObjectRef(Object::App(app))).await?;
        proxies::delete_of_app(tx, app).await?;
        sf_store::schedules::delete_of(tx, Whose::App(app)).await?;
        hooks::delete_of_app(tx, app).await?;
        deploy_keys::delete_of_app(tx, app).await?;
        previews::gone(tx, app, after).await?;
        apps::delete(tx, app).await?;
    }
    Ok(())
}

async fn deployed(
    tx: &mut Tx,
    run: &Run,
    app: AppId,
    facts: &DeployFacts,
    ordered: Option<&[u8]>,
    outcome: &Outcome,
) -> sf_store::Result<()> {
    let taken = ordered.filter(|_| outcome.verdict == Verdict::Succeeded);
    let change = AppChange {
        state: Some(facts.state),
        live_release: Some(facts.live_release),
        stable_port: facts.port.map(Some),
        generation: Some(facts.generation),
        restarts: Some(0),
        desired: desired_of(facts.state),
        applied: taken.and_then(spec_of),
        ..Default::default()
    };
    // App or release may be deleted meanwhile; the node's word ends the run all the same.
    apps::heard(tx, app, &change);
    found(releases::apply(tx, app, facts).await)?;
    tx.publish(events::app_changed(run.tenant, run.project, app));
    Ok(())
}

/// The app as its node has it after an order that gave it newer secrets; `None` where it gave none.
async fn restarted(
    tx: &Tx,
    app: AppId,
    ordered: Option<&[u8]>,
    outcome: &Outcome,
) -> sf_store::Result<Option<AppSpec>> {
    let order = ordered.filter(|_| outcome.verdict == Verdict::Succeeded).and_then(order_of);
    let Some(Order::AppAction(action)) = order else { return Ok(None) };
    if action.secrets.is_empty() {
        return Ok(None);
    }
    Ok(apps::applied_of(tx, app).await?.map(|mut spec| {
        spec.renew(action.secrets);
        spec
    }))
}

fn order_of(payload: &[u8]) -> Option<Order> {
    sf_protocol::wire::parse::<Command>(payload).ok().map(|command| command.order)
}

/// The app as our own signed deploy said that it shall be.
fn spec_of(deploy: &[u8]) -> Option<AppSpec> {
    match order_of(deploy)? {
        Order::Deploy(deploy) => Some(deploy.app),
        _ => None,
    }
}
