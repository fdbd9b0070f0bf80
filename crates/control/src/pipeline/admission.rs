//! Gathering what policy looks at.

use std::time::Duration;

use sf_actions::admission::{self, Inputs, Proposer, SelfReport};
use sf_actions::node::NodeAction;
use sf_actions::{Action, Actor, ActorKind};
use sf_policy::rules::Routing;
use sf_store::{Reader, mcp_calls, runs};
use sf_types::{Fault, Timestamp};

use crate::approval::{learn, routing};
use crate::control::Core;
use crate::subject::Subject;

/// The window in which `Routing::runs_a_minute` counts.
pub const QUOTA_WINDOW: Duration = Duration::from_secs(60);

/// For how long what an AI agent has read makes it ask.
pub const TAINTED_FOR: Duration = Duration::from_secs(admission::TAINT_MINUTES as u64 * 60);

/// Code of the fault when a proposer has used their quota up.
pub const QUOTA_USED: &str = "run.quota";

/// Everything policy looks at for this proposal.
pub(crate) async fn inputs(
    core: &Core,
    reader: &Reader,
    actor: &Actor,
    action: &Action,
    subject: &Subject,
    confidence: Option<f64>,
) -> Result<Inputs, Fault> {
    let (spec, now) = (action.spec(), core.clock.now());
    let limit = core.options.routing.runs_a_minute;
    let opened = core.quota.used(reader, actor.user(), now, limit).await?;
    let routing = routing::at(core, reader, subject.tenant, subject.project).await?;
    let report = sf_policy::confidence::parse_report(confidence);
    let proposer = match actor.kind {
        ActorKind::Person { .. } | ActorKind::Token { .. } => Proposer::Person,
        ActorKind::Ai { .. } | ActorKind::Workflow { ai: Some(_), .. } => Proposer::Ai,
        // They do what a person wrote down, with that person's rights.
        ActorKind::Workflow { ai: None, .. } | ActorKind::Trigger { .. } => Proposer::Person,
        ActorKind::System => Proposer::System,
    };
    let calibration = match actor.kind.agent() {
        Some(agent) => {
            let levels = learn::levels(reader, subject.tenant, spec.name, agent, None).await?;
            let report = if let SelfReport::Score(score) = report { Some(score) } else { None };
            Some(sf_policy::learning::calibrate(report, spec.risk, &levels, now))
        }
        None => None,
    };
    let tainted = match actor.kind.agent() {
        Some(agent) => mcp_calls::is_tainted(reader, agent, now.minus(TAINTED_FOR)).await?,
        None => false,
    };
    let over_budget = over_budget(reader, &routing, actor, spec.name, proposer, now).await?;
    let inputs = Inputs {
        action: spec.name.to_owned(),
        risk: spec.risk,
        destroys: spec.effect == sf_actions::Effect::Destroy,
        proposer,
        report,
        calibration,
        record: None,
        auto_at: 0,
        notify_at: 0,
        never_auto: false,
        opens_gates: action.opens_gates(),
        tainted,
        undoable: spec.undo.is_some(),
        waived: false,
        frozen: false,
        frozen_by: None,
        passes_freeze: passes_freeze(action),
        over_budget,
        quota_left: u32::try_from(limit.saturating_sub(opened)).unwrap_or(u32::MAX),
        draw_permille: u16::try_from(core.rng.below(1000)).unwrap_or(0),
        sample_permille: 0,
        undo: false,
    };
    Ok(routing.apply(&inputs, now))
}

/// The first budget that this principal has used up, in words.
async fn over_budget(
    reader: &Reader,
    routing: &Routing,
    actor: &Actor,
    action: &str,
    proposer: Proposer,
    now: Timestamp,
) -> Result<Option<String>, Fault> {
    let (Some(user), Proposer::Person | Proposer::Ai) = (actor.user(), proposer) else { return Ok(None) };
    for limit in routing.limits(action, proposer == Proposer::Person) {
        let since = now.minus(limit.window);
        let patterns: Vec<&str> = limit.actions.iter().map(|pattern| pattern.0.as_str()).collect();
        let ai = proposer == Proposer::Ai;
        if runs::opened_of(reader, user, ai, &patterns, since, limit.runs).await? >= u64::from(limit.runs) {
            let what = if patterns.is_empty() { "anything".to_owned() } else { patterns.join(", ") };
            let minutes = limit.window.as_secs() / 60;
            return Ok(Some(format!("{} × {what} in {minutes} min", limit.runs)));
        }
    }
    Ok(None)
}

/// A freeze holds changes back. Deciding about those that wait, and changing the rules, is how people get out of it; and what makes a secret
/// never waits, since the secret is in the answer and nowhere else; nor does what shuts somebody out.
const fn passes_freeze(action: &Action) -> bool {
    use sf_actions::user::UserAction;
    matches!(
        action,
        Action::Run(_)
            | Action::Policy(_)
            | Action::Access(_)
            | Action::Node(NodeAction::Invite(_))
            | Action::User(
                UserAction::Invite(_) | UserAction::Uninvite(_) | UserAction::Suspend(_) | UserAction::SignOut(_)
            )
    )
}
