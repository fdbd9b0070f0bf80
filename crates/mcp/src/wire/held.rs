//! A call that a person has to decide. Where and how its host hears of that depends on what the host can do; who decides does
//! not: always a person in the dashboard, which no answer of a host can replace.

use std::time::Duration;

use rmcp::model::{
    CallToolResponse, CreateTaskResult, DetailedTask, ElicitRequest, ElicitRequestParams, ElicitationAction, ErrorData,
    InputRequest, InputRequests, InputRequiredResult, Task, TaskPayload, TaskStatus,
};
use rmcp::{Peer, RoleServer};
use sf_control::{Control, key};
use sf_engine::{Done, Run, RunState};
use sf_types::{Fault, RunId};

use super::rates::Principal;
use super::sealed::{Digested, Seals, Waiting};
use super::{answer, standing};
use crate::call::{Abilities, Caller, Held};

/// How often a host should look at a task, milliseconds.
const POLL_MS: u64 = 2_000;
/// How long what a host brings back is good: a person may take their time to come to the page.
pub const STATE_GOOD_FOR: Duration = Duration::from_secs(15 * 60);
/// The name of our one question to a host.
const QUESTION: &str = "decision";

/// Which protocol the host speaks, and so how it can be asked.
pub(super) enum Era<'a> {
    /// Asked by the answer, which it repeats the call with.
    Modern,
    /// Asked by a request of ours.
    Legacy(&'a Peer<RoleServer>),
}

/// All that this needs.
pub(super) struct Desk<'a> {
    pub(super) control: &'a Control,
    pub(super) seals: &'a Seals,
    pub(super) caller: &'a Caller,
    pub(super) principal: Principal,
    pub(super) patience: Duration,
}

impl Desk<'_> {
    /// Tells the host, in the best way it knows.
    pub(super) async fn tell(&self, era: Era<'_>, can: Abilities, call: &Digested, held: &Held) -> CallToolResponse {
        let pending = || CallToolResponse::from(answer::held(held));
        match era {
            Era::Modern if can.tasks => self.task(held).map_or_else(pending, CallToolResponse::from),
            Era::Modern if can.links => self.question(call, held).map_or_else(pending, CallToolResponse::from),
            Era::Legacy(peer) if can.links => self.ask(peer, held).await,
            Era::Modern | Era::Legacy(_) => pending(),
        }
    }

    /// A task: a name for the run. The run is durable before its name is told.
    fn task(&self, held: &Held) -> Option<CreateTaskResult> {
        let now = self.control.now().to_string();
        let message = format!("Waits for a person: {}", held.url);
        let task = Task::new(self.seals.task(self.principal, held)?, TaskStatus::Working, now.clone(), now);
        Some(CreateTaskResult::new(task.with_status_message(message).with_poll_interval_ms(POLL_MS)))
    }

    /// A question that the host shows, and repeats the call after.
    fn question(&self, call: &Digested, held: &Held) -> Option<InputRequiredResult> {
        let nonce: String = self.control.rng().bytes::<16>().iter().map(|byte| format!("{byte:02x}")).collect();
        let waiting = Waiting { nonce, approval: held.approval, run: held.run, url: held.url.clone() };
        let left = held.expires_at.since(self.control.now()).min(STATE_GOOD_FOR);
        let state = self.seals.call(self.principal, call, &waiting, left)?;
        let request = InputRequest::Elicitation(ElicitRequest::new(link(held, String::new())));
        let requests: InputRequests = [(QUESTION.to_owned(), request)].into_iter().collect();
        Some(InputRequiredResult::new(Some(requests), Some(state)))
    }

    /// Asks now, and waits for the person: whatever the host says, the dashboard decides. A host that says no is not waited
    /// for.
    async fn ask(&self, peer: &Peer<RoleServer>, held: &Held) -> CallToolResponse {
        let shown = peer.create_elicitation(link(held, held.approval.to_string()));
        let settled = standing::settled(self.control, self.caller, held.run, self.patience);
        let (mut shown, mut settled) = (std::pin::pin!(shown), std::pin::pin!(settled));
        let run = tokio::select! {
            run = settled.as_mut() => run,
            said = shown.as_mut() => match said {
                Ok(said) if said.action == ElicitationAction::Accept => settled.await,
                _ => return answer::held(held).into(),
            },
        };
        match run {
            Ok(run) if run.state != RunState::Waiting => standing::result(&run).into(),
            _ => answer::held(held).into(),
        }
    }

    /// The call comes again, with what it was given. Only how it stands is told: nothing is begun anew.
    pub(super) async fn again(&self, call: &Digested, sealed: &str) -> Result<CallToolResponse, ErrorData> {
        let refused = || ErrorData::invalid_params("requestState is not of this call, is too old, or was used.", None);
        let waiting = self.seals.opened_call(self.principal, call, sealed).ok_or_else(refused)?;
        let name = format!("mcp-state:{}", waiting.nonce);
        let is_first = key::once(self.control, &self.caller.actor, &name).await.map_err(|fault| internal(&fault))?;
        if !is_first {
            return Err(refused());
        }
        let settled = standing::settled(self.control, self.caller, waiting.run, self.patience).await;
        let run = settled.map_err(|fault| internal(&fault))?;
        Ok(match run.state {
            RunState::Waiting => answer::held(&waits(&waiting, &run)).into(),
            _ => standing::result(&run).into(),
        })
    }

    /// How a task stands.
    pub(super) async fn look(&self, name: &str) -> Result<DetailedTask, ErrorData> {
        let run = standing::of(self.control, self.caller, self.run_of(name)?).await.map_err(|_| no_task())?;
        let task = Task::new(name, TaskStatus::Working, run.opened_at.to_string(), run.updated_at.to_string());
        let payload = match run.state {
            RunState::Done(Done::Cancelled) => TaskPayload::Cancelled,
            RunState::Done(_) => {
                let result = serde_json::to_value(standing::result(&run)).unwrap_or_default();
                TaskPayload::Completed { result: result.as_object().cloned().unwrap_or_default() }
            }
            _ => TaskPayload::Working,
        };
        Ok(DetailedTask::new(task.with_status_message(word(&run)).with_poll_interval_ms(POLL_MS), payload))
    }

    /// The run that a task of this principal is a name for; nobody else's exists.
    pub(super) fn run_of(&self, name: &str) -> Result<RunId, ErrorData> {
        self.seals.opened_task(self.principal, name).map(|task| task.run).ok_or_else(no_task)
    }
}

/// The page on which a person decides.
fn link(held: &Held, elicitation_id: String) -> ElicitRequestParams {
    let message = format!("{} {} Decide it on this page.", held.summary, held.why);
    ElicitRequestParams::UrlElicitationParams { meta: None, message, url: held.url.clone(), elicitation_id }
}

/// What is told again of a call that waits.
fn waits(waiting: &Waiting, run: &Run) -> Held {
    Held {
        approval: waiting.approval,
        run: waiting.run,
        url: waiting.url.clone(),
        summary: format!("{} still waits.", run.action.spec().title),
        why: "Nobody has decided yet.".to_owned(),
        expires_at: run.expires_at,
    }
}

fn word(run: &Run) -> String {
    match run.state {
        RunState::Waiting => "Waits for a person.".to_owned(),
        state => state.words().0.to_owned(),
    }
}

fn no_task() -> ErrorData {
    ErrorData::invalid_params("There is no such task.", None)
}

/// Trouble of our own.
pub(super) fn internal(fault: &Fault) -> ErrorData {
    ErrorData::internal_error(format!("{} {}", fault.message, fault.fix), None)
}
