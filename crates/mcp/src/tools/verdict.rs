//! From a tool's call to a proposal, and from what policy made of it to an answer: allowed, held or denied.

pub(super) mod canonical;
pub mod repeat;

use std::time::Duration;

use serde_json::{Value, json};
use sf_actions::{AccessScope, Action};
use sf_bus::Topic;
use sf_control::{Proposal, Proposed};
use sf_engine::{Done, Run, RunState};
use sf_store::idempotency::Begin;
use sf_types::{ErrorKind, Fault, RunId};

use super::asked::{Asked, Result, Said, refuse};

use crate::call::Held;
use repeat::is_retry;

/// How often a key that somebody else has just used is looked at again.
const TRIES: usize = 3;
/// Bytes told of a fault.
const FAULT_BYTES: usize = 600;

/// A call's key, as idempotency keeps it.
struct Key {
    text: String,
    given: bool,
}

/// Proposes an action and answers what became of it: its run's end within the call's patience, a card, or a refusal. `about`
/// names what it acts on.
pub(super) async fn propose(asked: &Asked<'_>, action: Action, about: &str) -> Result<Said> {
    let spec = action.spec();
    asked.needs(&[AccessScope::of(spec.permission)])?;
    let key = key(asked);
    let (control, actor) = (asked.control, &asked.caller.actor);
    for _ in 0..TRIES {
        match control.begin_keyed(actor, &key.text, asked.digest).await? {
            Begin::New => return open(asked, &key, action, about).await,
            Begin::Carried | Begin::Replay(_) => {}
            Begin::Running => break,
            Begin::Conflict => {
                let message = "This idempotency_key was used for another call.";
                return refuse(ErrorKind::Conflict, "idempotency.conflict", message, "Use a new one for another call.");
            }
        }
        // Another call may have renewed it meanwhile.
        let Some(before) = control.keyed_run(actor, &key.text).await? else { continue };
        let ended = before.closed_at.map_or(Duration::ZERO, |at| control.now().since(at));
        if is_retry(before.state, key.given, ended) {
            return told(asked, before, about, true).await;
        }
        control.release_key(actor, &key.text, Some(before.id)).await?;
    }
    let message = "The same call is being carried out right now.";
    refuse(ErrorKind::Conflict, "idempotency.running", message, "Make it again in a moment: nothing is done twice.")
}

/// Equal calls have equal keys: the arguments', or the caller's own.
fn key(asked: &Asked<'_>) -> Key {
    let own = asked.input.text("idempotency_key");
    let text = match own {
        Some(own) => format!("mcp.key:{}", canonical::hex(&canonical::digest(own, &serde_json::Map::new()))),
        None => format!("mcp.call:{}", canonical::hex(&asked.digest)),
    };
    Key { text, given: own.is_some() }
}

async fn open(asked: &Asked<'_>, key: &Key, action: Action, about: &str) -> Result<Said> {
    let (control, actor) = (asked.control, &asked.caller.actor);
    let proposal = Proposal { key: Some(key.text.clone()), ..Proposal::of(action) };
    match control.propose(actor, asked.request, proposal).await {
        Ok(Proposed::Done(run, _) | Proposed::Open(run)) => told(asked, *run, about, false).await,
        Ok(Proposed::Plan(_)) => {
            Err(Fault::new(ErrorKind::Internal, "mcp.planned", "It was planned, not done.").into())
        }
        Err(fault) => {
            control.release_key(actor, &key.text, None).await?;
            Err(fault.into())
        }
    }
}

/// What there is to tell of a run: where it has not ended yet, as much as the call's patience sees of it.
async fn told(asked: &Asked<'_>, run: Run, about: &str, again: bool) -> Result<Said> {
    let run = until_settled(asked, run, asked.patience).await?;
    if run.state == RunState::Waiting
        && let Some(card) = asked.control.card_of(&asked.caller.actor, run.id).await?
    {
        return Ok(Said::Held(held(asked, &run, &card, about)));
    }
    Ok(answer(asked, &run, about, again))
}

fn held(asked: &Asked<'_>, run: &Run, card: &sf_store::approvals::Approval, about: &str) -> Held {
    let spec = run.action.spec();
    Held {
        approval: card.id,
        run: run.id,
        url: asked.page(&format!("/inbox/{}", card.id)),
        summary: format!("{}: {about}. {}", spec.title, spec.help),
        why: run.decision.because.clone(),
        expires_at: card.expires_at,
    }
}

/// Waits until a run has ended or waits for a person, for as long as the call may wait. Its events say when to look.
pub(super) async fn until_settled(asked: &Asked<'_>, run: Run, patience: Duration) -> Result<Run> {
    if is_settled(&run) || patience.is_zero() {
        return Ok(run);
    }
    let (control, actor, id) = (asked.control, &asked.caller.actor, run.id);
    // Where nobody can be told, the run is answered as it stands.
    let Ok(mut events) = control.bus().subscribe(actor.scope(), [Topic::Run(id)]) else { return Ok(run) };
    let settled = async {
        loop {
            let now = control.own_run(actor, id).await?;
            if is_settled(&now) || events.next().await.is_none() {
                return Ok::<_, Fault>(now);
            }
        }
    };
    match tokio::time::timeout(patience, settled).await {
        Ok(run) => Ok(run?),
        Err(_) => Ok(control.own_run(actor, id).await?),
    }
}

const fn is_settled(run: &Run) -> bool {
    // A decision that may still be taken back is none that waits for a person.
    run.is_done() || (matches!(run.state, RunState::Waiting) && run.held_until.is_none())
}

fn answer(asked: &Asked<'_>, run: &Run, about: &str, again: bool) -> Said {
    let spec = run.action.spec();
    let (state, done) = run.state.words();
    let status = done.unwrap_or(state);
    let summary = match (run.state, again) {
        (RunState::Done(Done::Succeeded), false) => format!("{}: {about}. Done.", spec.title),
        (RunState::Done(_), true) => format!(
            "{}: {about}. The same call did this before and it ended: {status}. Give another idempotency_key to do it once more.",
            spec.title
        ),
        (RunState::Done(_), false) => format!("{}: {about}. It ended: {status}.", spec.title),
        (_, true) => format!("{}: {about}. The same call began this before; it is {status}.", spec.title),
        (_, false) => format!("{}: {about}. It goes on by itself; it is {status}.", spec.title),
    };
    let fault = run.fault.as_ref().map_or(Value::Null, |fault| {
        json!({ "code": fault.code, "message": asked.fence.text(&fault.message, FAULT_BYTES), "fix": fault.fix })
    });
    let fields = [
        ("status", json!(status)),
        ("run_id", json!(run.id)),
        ("summary", json!(summary)),
        ("fault", fault),
        ("url", json!(asked.page(&format!("/runs/{}", run.id)))),
    ];
    asked.done(&fields, after(run))
}

fn after(run: &Run) -> &'static [(&'static str, &'static str)] {
    match run.state {
        RunState::Done(Done::Succeeded) => &[("status", "See how it is now.")],
        RunState::Done(Done::Failed | Done::RolledBack) => {
            &[("diagnose", "Find out why it failed."), ("logs", "Read the log of the run.")]
        }
        RunState::Done(Done::Rejected) => &[("overview", "A person refused this: do something else, or ask them.")],
        RunState::Done(_) => &[("status", "See how it is now.")],
        _ => &[("status", "Wait for the run: target its run_id, wait_seconds 25.")],
    }
}

/// A run's id, where a text is one.
pub(super) fn run_id(text: &str) -> Option<RunId> {
    text.parse().ok()
}
