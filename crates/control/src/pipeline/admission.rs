//! Gathering what policy looks at, and the card a person sees when it asks.

use std::time::Duration;

use sf_actions::admission::{Inputs, Proposer, SelfReport};
use sf_actions::node::NodeAction;
use sf_actions::{Action, Actor, ActorKind};
use sf_engine::Run;
use sf_policy::learning::{Levels, calibrate};
use sf_store::approvals::{self, Approval, ApprovalState};
use sf_store::{Json, Look, Reader, Tx};
use sf_types::Fault;
use sha2::{Digest, Sha256};

use crate::control::Core;

/// The window in which `Routing::runs_a_minute` counts.
pub const QUOTA_WINDOW: Duration = Duration::from_secs(60);

/// Code of the fault when a proposer has used their quota up.
pub const QUOTA_USED: &str = "run.quota";

/// Everything policy looks at for this proposal.
pub(crate) async fn inputs(
    core: &Core,
    reader: &Reader,
    actor: &Actor,
    action: &Action,
    confidence: Option<f64>,
) -> Result<Inputs, Fault> {
    let spec = action.spec();
    let limit = core.options.routing.runs_a_minute;
    let opened = core.quota.used(reader, actor.user(), core.clock.now(), limit).await?;
    let rules = &core.options.routing;
    let proposer = match actor.kind {
        ActorKind::Person { .. } | ActorKind::Token { .. } => Proposer::Person,
        ActorKind::Ai { .. } | ActorKind::Workflow { ai: true, .. } => Proposer::Ai,
        // They do what a person wrote down, with that person's rights.
        ActorKind::Workflow { ai: false, .. } | ActorKind::Trigger { .. } => Proposer::Person,
        ActorKind::System => Proposer::System,
    };
    let report = sf_policy::confidence::parse_report(confidence);
    let calibration = (proposer == Proposer::Ai).then(|| {
        let score = if let SelfReport::Score(score) = report { Some(score) } else { None };
        // No record is kept yet: every AI agent is one of which nothing is known, and asks.
        calibrate(score, spec.risk, &Levels::default(), core.clock.now())
    });
    let passes_freeze = passes_freeze(action);
    Ok(Inputs {
        action: spec.name.to_owned(),
        risk: spec.risk,
        destroys: spec.effect == sf_actions::Effect::Destroy,
        proposer,
        report,
        calibration,
        record: None,
        auto_at: rules.auto_at,
        notify_at: rules.notify_at,
        never_auto: rules.never_auto.iter().any(|name| name == spec.name),
        waived: false,
        frozen: rules.frozen && !passes_freeze,
        passes_freeze,
        quota_left: u32::try_from(rules.runs_a_minute.saturating_sub(opened)).unwrap_or(u32::MAX),
        draw_permille: u16::try_from(core.rng.below(1000)).unwrap_or(0),
        sample_permille: rules.sample_permille,
        undo: false,
    })
}

/// A freeze holds changes back. Deciding about those that wait is how people get out of it; and what makes a secret
/// never waits, since the secret is in the answer and nowhere else; nor does what shuts somebody out.
const fn passes_freeze(action: &Action) -> bool {
    use sf_actions::user::UserAction;
    matches!(
        action,
        Action::Run(_)
            | Action::Access(_)
            | Action::Node(NodeAction::Invite(_))
            | Action::User(
                UserAction::Invite(_) | UserAction::Uninvite(_) | UserAction::Suspend(_) | UserAction::SignOut(_)
            )
    )
}

/// The card for a waiting run: bound by its hash to exactly what is shown.
pub(crate) fn approval(tx: &Tx, run: &Run) -> Approval {
    let diff = serde_json::json!({ "action": run.action, "guard": run.guard, "because": run.decision.because });
    Approval {
        id: tx.new_id(),
        tenant: run.tenant,
        project: run.project,
        subject_kind: approvals::RUN.to_owned(),
        subject: run.id.uuid(),
        hash: hash(run),
        guard: Json(serde_json::json!(run.guard)),
        diff: Json(diff),
        state: ApprovalState::Open,
        decision: None,
        decided_by: None,
        comment: None,
        opened_at: tx.now(),
        expires_at: run.expires_at,
        decided_at: None,
        run: Some(run.id),
        step: None,
        escalated_at: None,
    }
}

/// Hash of actor, action, arguments, guard and round: a decision about anything else is refused.
pub(crate) fn hash(run: &Run) -> String {
    let shown = serde_json::json!([run.id, run.version, run.actor, run.action, run.guard]);
    let digest = Sha256::digest(shown.to_string().as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
