//! How a run stands that a call began: for whoever asks again, whichever control plane they ask.

use std::time::Duration;

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;
use sf_bus::Topic;
use sf_control::Control;
use sf_engine::{Done, Run, RunState};
use sf_types::{ErrorKind, Fault, RunId};

use crate::call::Caller;

/// The run as it is, for who may see it.
pub(super) async fn of(control: &Control, caller: &Caller, run: RunId) -> Result<Run, Fault> {
    Ok(control.run(&caller.actor, run).await?.run)
}

/// Waits until it has ended, at most so long; answers how it stands then.
pub(super) async fn settled(control: &Control, caller: &Caller, run: RunId, patience: Duration) -> Result<Run, Fault> {
    let closed = |_| Fault::new(ErrorKind::Unavailable, "mcp.waiting", "Too many wait for events.");
    let mut events = control.bus().subscribe(caller.actor.scope(), [Topic::Run(run)]).map_err(closed)?;
    let wait = async {
        loop {
            let now = of(control, caller, run).await?;
            if now.is_done() || events.next().await.is_none() {
                return Ok(now);
            }
        }
    };
    match tokio::time::timeout(patience, wait).await {
        Ok(settled) => settled,
        Err(_) => of(control, caller, run).await,
    }
}

/// What is said of a run that no person has to decide any more.
pub(super) fn result(run: &Run) -> CallToolResult {
    let (state, ended) = run.state.words();
    let status = ended.unwrap_or(state);
    let went_well = !matches!(run.state, RunState::Done(done) if done != Done::Succeeded);
    let said = match (&run.fault, run.state) {
        (Some(fault), _) => format!("{} {}", fault.message, fault.fix).trim().to_owned(),
        (None, RunState::Done(Done::Succeeded)) => "It was allowed, done and verified.".to_owned(),
        (None, RunState::Done(Done::Rejected)) => "A person said no. Do not try it another way: ask them.".to_owned(),
        (None, RunState::Done(Done::Expired)) => "Nobody decided in time, and nothing was done.".to_owned(),
        (None, RunState::Done(_)) => "It ended without being done.".to_owned(),
        (None, _) => "It was allowed and is being done.".to_owned(),
    };
    let text = format!("{}: {status}. {said}", run.action.spec().title);
    let content = vec![ContentBlock::text(text)];
    let mut result = if went_well { CallToolResult::success(content) } else { CallToolResult::error(content) };
    result.structured_content = Some(json!({ "status": status, "run_id": run.id, "said": said, "next": [] }));
    result
}
