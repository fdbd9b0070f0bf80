//! People decide: one voice, held for a moment, taken back in time, or given afterwards.

use std::sync::Arc;

use sf_actions::hook::HookAction;
use sf_actions::rules::Terms;
use sf_actions::run::{Decide, Reopen, Review, RunAction};
use sf_actions::workflow::WorkflowAction;
use sf_actions::{Action, ActorKind, Permission, Standing};
use sf_engine::step::APPROVAL_HOLD;
use sf_engine::{Input, Run};
use sf_policy::ballot::{self, Ballot, NoVoice, Ruling, Voice};
use sf_policy::learning::Source;
use sf_store::approvals::{Approval, ApprovalState, Verdict};
use sf_store::timeline::MomentKind;
use sf_store::votes::{self, Vote};
use sf_store::{Look, StoreError, Tx, approvals, deputies, grants, inbox, outbox, runs, users};
use sf_types::{ApprovalId, ErrorKind, Fault, RunId, UserId};

use super::{cards, learn};
use crate::control::Core;
use crate::perform::person;
use crate::proposal::Made;
use crate::transition::{self, After};
use crate::{moments, timers, workflow};

/// The timer of a held decision about a step.
pub(crate) const DECIDED: &str = "decided";

/// Carries out what a person does to another run.
pub(crate) async fn perform(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &RunAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let before = runs::get(tx, action.run()).await?;
    let now = tx.now();
    let (input, moment) = match action {
        RunAction::Cancel(_) => (Input::Cancel, moments::note(now, "somebody asked to stop it")),
        RunAction::Approve(decide) => match voice(tx, run, &before, decide, Verdict::Approved, after).await? {
            Some(moment) => (Input::Approved, moment),
            None => return Ok(Made::Run(before.id)),
        },
        RunAction::Reject(decide) => match voice(tx, run, &before, decide, Verdict::Rejected, after).await? {
            Some(moment) => (Input::Rejected(decide.comment.clone()), moment),
            None => return Ok(Made::Run(before.id)),
        },
        RunAction::Reopen(reopen) => match taken_back(tx, run, reopen).await? {
            Some(moment) => (Input::Reopened, moment),
            None => return Ok(Made::Run(before.id)),
        },
        RunAction::Review(review) => {
            look_back(tx, core, run, &before, review).await?;
            return Ok(Made::Run(before.id));
        }
    };
    let id = before.id;
    let changed = Box::pin(transition::advance(tx, core, before, input, [moment], after)).await?;
    changed.map(|_| Made::Run(id)).ok_or_else(|| {
        StoreError::from(
            Fault::new(ErrorKind::Conflict, "run.not_now", "The run is in a state in which this changes nothing.")
                .fix("Look at it again: it may have ended meanwhile."),
        )
    })
}

/// Counts a person's voice on exactly what was shown. A moment of the run's timeline where that decides it; nothing
/// where more voices are needed, or where it was a step that was decided.
async fn voice(
    tx: &mut Tx,
    run: &Run,
    waiting: &Run,
    decide: &Decide,
    verdict: Verdict,
    after: &mut After,
) -> sf_store::Result<Option<sf_store::timeline::Moment>> {
    let by = person(run)?;
    let card = shown(tx, decide).await?;
    approvals::lock(tx, card.id).await?;
    let given = votes::of_card(tx, card.id).await?;
    let ruling = judged(tx, waiting, &card, &given, by, verdict).await?;
    let (Ruling::Approved(voice) | Ruling::Rejected(voice) | Ruling::Counted(voice, _)) = ruling;
    let comment = decide.comment.clone();
    let vote = Vote { approval: card.id, tenant: card.tenant, voice: voice.of, by, verdict, comment, at: tx.now() };
    match verdict {
        // Whoever has agreed may still refuse.
        Verdict::Rejected => votes::refuse(tx, &vote).await?,
        Verdict::Approved => votes::give(tx, &vote).await.map_err(|error| match error {
            StoreError::Taken(_) => refused(NoVoice::Again).into(),
            other => other,
        })?,
    }
    let place = (card.tenant, card.project, decide.run);
    let text = match (ruling, voice.of == by) {
        (Ruling::Counted(_, missing), _) => {
            let people = if missing == 1 { "one more has".to_owned() } else { format!("{missing} more have") };
            transition::note(
                tx,
                waiting,
                moments::moment(MomentKind::Approval, tx.now(), format!("a person agreed; {people} to")),
            )?;
            cards::publish(tx, place, Some(card.id), "open");
            return Ok(None);
        }
        (Ruling::Approved(_), true) => "a person agreed",
        (Ruling::Approved(_), false) => "a deputy agreed",
        (Ruling::Rejected(_), true) => "a person refused",
        (Ruling::Rejected(_), false) => "a deputy refused",
    };
    approvals::decide(tx, card.id, &decide.hash, verdict, by, decide.comment.as_deref()).await.map_err(late)?;
    cards::publish(tx, place, Some(card.id), "decided");
    if card.step.is_none() {
        return Ok(Some(moments::moment(MomentKind::Approval, tx.now(), text)));
    }
    hold(tx, card.id, after).await?;
    Ok(None)
}

/// A person has edited what waits: it is refused, and another run is opened in its place.
pub(crate) async fn replace(
    tx: &mut Tx,
    core: &Arc<Core>,
    by: &Run,
    (old, hash): (RunId, &str),
    after: &mut After,
) -> sf_store::Result<()> {
    let before = runs::get(tx, old).await?;
    if before.parent.is_some() {
        let message = "A step of a workflow proposed this, and waits for what becomes of it.";
        let fault = Fault::new(ErrorKind::Conflict, "approval.of_step", message);
        return Err(fault.fix("Reject it, and edit the workflow.").into());
    }
    let comment = Some(format!("edited: see run {}", by.id));
    let decide = Decide { run: old, hash: hash.to_owned(), comment: comment.clone() };
    let Some(moment) = voice(tx, by, &before, &decide, Verdict::Rejected, after).await? else {
        return Err(moved().into());
    };
    Box::pin(transition::advance(tx, core, before, Input::Rejected(comment), [moment], after)).await.map(drop)
}

/// The open card with this hash.
async fn shown(tx: &Tx, decide: &Decide) -> sf_store::Result<Approval> {
    let mut open = approvals::open_steps(tx, decide.run).await?;
    open.extend(approvals::open_of_run(tx, decide.run).await?);
    match open.into_iter().find(|card| card.hash == decide.hash) {
        Some(card) if card.expires_at <= tx.now() => Err(expired().into()),
        Some(card) => Ok(card),
        None => Err(gone(tx, decide).await?.into()),
    }
}

/// Why there is no open card with this hash.
async fn gone(tx: &Tx, decide: &Decide) -> sf_store::Result<Fault> {
    let all = approvals::of_run(tx, decide.run).await?;
    let Some(card) = all.into_iter().find(|card| card.hash == decide.hash) else { return Ok(moved()) };
    Ok(match card.state {
        ApprovalState::Decided => {
            let who = match card.decided_by {
                Some(user) => users::get(tx, user).await.map_or_else(|_| "somebody".to_owned(), |user| user.name),
                None => "somebody".to_owned(),
            };
            let what = card.decision.map_or("decided", Verdict::word);
            let message = format!("{who} was faster: it is {what} already.");
            Fault::new(ErrorKind::Conflict, "approval.decided", message)
                .fix("Look at the run: it shows how it goes on.")
        }
        ApprovalState::Expired => expired(),
        ApprovalState::Withdrawn | ApprovalState::Open | ApprovalState::Escalated => moved(),
    })
}

fn moved() -> Fault {
    Fault::new(ErrorKind::Conflict, "approval.moved", "This is not what is waiting for a decision any more.")
        .fix("Look at the run again and decide on what it shows now.")
}

fn expired() -> Fault {
    Fault::new(ErrorKind::Conflict, "approval.expired", "The time for a decision is over.")
        .fix("Have it proposed again, and decide in time.")
}

fn late(error: StoreError) -> StoreError {
    match error {
        StoreError::Stale(_) => moved().into(),
        other => other,
    }
}

async fn judged(
    tx: &Tx,
    waiting: &Run,
    card: &Approval,
    given: &[Vote],
    by: UserId,
    verdict: Verdict,
) -> sf_store::Result<Ruling> {
    let standing = Standing { project: waiting.project, node: waiting.node, app: waiting.app, server: waiting.server };
    let may = |rights: sf_actions::Rights| rights.at(&standing).has(Permission::ApprovalDecide);
    let mut deputy_of = Vec::new();
    for user in deputies::decides_for(tx, by, tx.now()).await? {
        if may(grants::rights_of(tx, user).await?) {
            deputy_of.push(user);
        }
    }
    let usual = Terms::default();
    let given: Vec<Voice> = given
        .iter()
        .filter(|vote| vote.verdict == Verdict::Approved)
        .map(|vote| Voice { of: vote.voice, by: vote.by })
        .collect();
    ballot::judge(&Ballot {
        terms: card.terms.as_ref().map_or(&usual, |terms| &terms.0),
        escalated: card.state == ApprovalState::Escalated,
        proposer: waiting.actor.user(),
        given: &given,
        by,
        // The door has let them in: by rights of their own, where they are nobody's deputy.
        own_right: deputy_of.is_empty() || may(grants::rights_of(tx, by).await?),
        deputy_of: &deputy_of,
        agrees: verdict == Verdict::Approved,
    })
    .map_err(|why| refused(why).into())
}

fn refused(why: NoVoice) -> Fault {
    let (code, fix) = match why {
        NoVoice::Own => ("approval.own", "Ask a second person who may decide."),
        NoVoice::NotNamed => ("approval.not_named", "Ask one of the people named on the card."),
        NoVoice::Again => ("approval.again", "Ask another person who may decide."),
    };
    let mut message = why.to_string();
    message.replace_range(..1, &message[..1].to_uppercase());
    Fault::new(ErrorKind::Forbidden, code, format!("{message}.")).fix(fix)
}

/// A decision about a step is told to its workflow after a moment, so that it can be taken back.
async fn hold(tx: &mut Tx, card: ApprovalId, after: &mut After) -> sf_store::Result<()> {
    let until = tx.now().plus(APPROVAL_HOLD);
    approvals::hold(tx, card, until).await?;
    outbox::push(tx, timers::LANE, DECIDED, serde_json::json!({ "approval": card }), until);
    after.arm(until);
    Ok(())
}

/// The time in which a decision about a step could be taken back is over: its workflow hears of it.
pub(crate) async fn release(tx: &mut Tx, id: ApprovalId, after: &mut After) -> sf_store::Result<()> {
    let card = match approvals::get(tx, id).await {
        Err(StoreError::NotFound(_)) => return Ok(()),
        card => card?,
    };
    // One that was taken back and decided anew has another timer.
    if card.held_until.is_none_or(|until| until > tx.now()) || !approvals::release(tx, id).await? {
        return Ok(());
    }
    let (Some(verdict), Some(by)) = (card.decision, card.decided_by) else { return Ok(()) };
    workflow::perform::decided(tx, &card, verdict, by, card.comment.as_deref(), after).await
}

/// Whoever decided takes it back while it is held. A moment where the run waits again, nothing where it was a step.
async fn taken_back(tx: &mut Tx, run: &Run, reopen: &Reopen) -> sf_store::Result<Option<sf_store::timeline::Moment>> {
    let by = person(run)?;
    let card = approvals::decided_of_run(tx, reopen.run, &reopen.hash).await?.ok_or_else(moved)?;
    if card.decided_by != Some(by) {
        let message = "Only whoever decided can take it back.";
        return Err(Fault::new(ErrorKind::Forbidden, "approval.not_yours", message)
            .fix("Cancel the run instead.")
            .into());
    }
    votes::forget(tx, card.id).await?;
    if card.step.is_none() {
        // It waits with a card of its own: this one is not decided, and can be neither decided nor taken back again.
        approvals::undecide(tx, card.id).await?;
        return Ok(Some(moments::moment(MomentKind::Approval, tx.now(), "the decision was taken back")));
    }
    approvals::reopen(tx, card.id).await.map_err(|error| match error {
        StoreError::Stale(_) => too_late().into(),
        other => other,
    })?;
    cards::publish(tx, (card.tenant, card.project, reopen.run), Some(card.id), "open");
    Ok(None)
}

fn too_late() -> Fault {
    Fault::new(ErrorKind::Conflict, "run.not_now", "It cannot be taken back any more: it has begun.")
        .fix("Cancel the run instead, or roll back what it has done.")
}

/// What a person says of an automatic run afterwards.
async fn look_back(tx: &mut Tx, core: &Core, run: &Run, of: &Run, review: &Review) -> sf_store::Result<()> {
    let by = person(run)?;
    inbox::reviewed(tx, of.id, review.good, by, review.comment.as_deref()).await.map_err(|error| match error {
        StoreError::Stale(_) => {
            let message = "Nobody is asked about this run, or somebody has answered already.";
            Fault::new(ErrorKind::Conflict, "review.over", message).fix("Look at the next card.").into()
        }
        other => other,
    })?;
    let source = if review.good { Source::ReviewedGood } else { Source::ReviewedBad };
    learn::sample(tx, core, of, source).await
}

/// Only people decide, and make or end what one comes in by, whatever policy would say. An AI agent does not even ask
/// for it: what is shown once would be shown to nobody, and what acts for a person later is theirs to switch on.
pub(crate) fn by_people(kind: ActorKind, action: &Action) -> Result<(), Fault> {
    let fix = match action {
        Action::Run(RunAction::Cancel(_)) => return Ok(()),
        Action::Run(_) if kind.person().is_none() => "Ask a person who may decide.",
        Action::Access(_) | Action::Workflow(WorkflowAction::Enable(_)) | Action::Hook(HookAction::Update(_))
            if kind.agent().is_some() =>
        {
            ASK_YOURS
        }
        action if action.shows_once() && kind.agent().is_some() => ASK_YOURS,
        _ => return Ok(()),
    };
    Err(not_a_person(fix))
}

const ASK_YOURS: &str = "Ask the person you act for to do it.";

pub(crate) fn not_a_person(fix: &str) -> Fault {
    Fault::new(ErrorKind::Forbidden, "actor.not_a_person", "Only a person may do this.").fix(fix)
}
