//! The stack of what needs one person.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use sf_actions::Action;
use sf_actions::run::{Decide, RunAction};
use sf_control::Proposal;
use sf_control::approval::inbox::{Card, Details, Kind, is_dangerous};
use sf_engine::Run;
use sf_types::{ApprovalId, ErrorKind, Fault, RunId};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::{Write, order, page_request, time};
use crate::state::Api;
use crate::view::inbox::{CardView, CountsView, DetailsView};
use crate::view::names::Names;
use crate::view::plan::PlannedSteps;
use crate::view::{FaultView, Nothing};

/// Cards of one batch at the most.
pub const MAX_BATCH: usize = 50;

/// Which cards.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListInbox {
    /// `approval`, `failed`, `review` or `alert`; all where absent.
    kind: Option<String>,
    /// Rows wanted, 1 to 200; 50 where absent.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// Your cards, newest first; machines and apps in trouble come before all others.
#[utoipa::path(get, path = "/api/v1/inbox", tag = "inbox", operation_id = "listInbox", params(ListInbox),
    responses((status = 200, body = Envelope<Vec<CardView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListInbox>) -> Result<Vec<CardView>> {
    let kind = query.kind.as_deref().map(kind).transpose()?;
    let asked = page_request(query.limit, query.after);
    let found = api.control().inbox(&caller.actor, kind, &asked).await?;
    let mut names = Names::new(&api, &caller.actor);
    names.learn_apps(found.items.iter().filter_map(of_run)).await;
    let mut cards = Vec::with_capacity(found.items.len());
    for card in &found.items {
        cards.push(view(&mut names, card).await);
    }
    Ok(crate::envelope::page(sf_types::Page { items: cards, next: found.next }, |card| card))
}

fn kind(word: &str) -> std::result::Result<Kind, Problem> {
    match word {
        "approval" => Ok(Kind::Approval),
        "failed" => Ok(Kind::Failed),
        "review" => Ok(Kind::Review),
        "alert" => Ok(Kind::Alert),
        _ => Err(Problem::invalid("query.kind", "`kind` is approval, failed, review or alert.").field("kind")),
    }
}

/// The run a card is about.
fn of_run(card: &Card) -> Option<&Run> {
    match card {
        Card::Decide(card) => card.run.as_ref(),
        Card::Failed(run) | Card::Review(run) => Some(run.as_ref()),
        Card::Alert(_) => None,
    }
}

async fn view(names: &mut Names<'_>, card: &Card) -> CardView {
    let run = of_run(card);
    let (about, proposer) = match run {
        Some(run) => (names.about(run).await, Some(names.who(run.actor).await)),
        None => (None, None),
    };
    CardView::of(card, about, proposer)
}

/// How many cards you have.
#[utoipa::path(get, path = "/api/v1/inbox/count", tag = "inbox", operation_id = "countInbox",
    responses((status = 200, body = Envelope<CountsView>)))]
pub async fn count(State(api): State<Api>, caller: Caller) -> Result<CountsView> {
    Ok(ok(api.control().inbox_counts(&caller.actor).await?.into()))
}

/// One card with everything that helps to decide: its plan, its confidence and what that rests on, runs like it, who
/// else may decide. Also by the id of its run.
#[utoipa::path(get, path = "/api/v1/inbox/{id}", tag = "inbox", operation_id = "getInboxCard",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<DetailsView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(id): Id<ApprovalId>) -> Result<DetailsView> {
    let details: Details = api.control().inbox_card(&caller.actor, id.uuid()).await?;
    let mut names = Names::new(&api, &caller.actor);
    let card = view(&mut names, &details.card).await;
    let run = match of_run(&details.card).cloned() {
        Some(run) => Some(names.run(sf_store::runs::RunRecord { run, outcome: None }).await),
        None => None,
    };
    Ok(ok(DetailsView::of(details, card, run)))
}

/// Until when a card is put aside.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snooze {
    /// RFC 3339, within 30 days; for good where it is null, for cards that wait for no decision.
    until: Option<String>,
}

/// Puts a card aside, for you alone.
#[utoipa::path(put, path = "/api/v1/inbox/{id}/aside", tag = "inbox", operation_id = "putAside",
    params(("id" = uuid::Uuid, Path), Write), request_body = Snooze,
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn put_aside(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Snooze>,
) -> std::result::Result<Response, Problem> {
    let until = body.until.as_deref().map(|text| time(text, "until")).transpose()?;
    if write.is_dry() {
        return Ok(ok(PlannedSteps::of("The card is not shown to you until then.")).into_response());
    }
    api.control().put_aside(&caller.actor, id.uuid(), until).await?;
    Ok(ok(Nothing {}).into_response())
}

/// Takes a card up again.
#[utoipa::path(delete, path = "/api/v1/inbox/{id}/aside", tag = "inbox", operation_id = "takeUp",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn take_up(
    State(api): State<Api>,
    caller: Caller,
    Id(id): Id<ApprovalId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        return Ok(ok(PlannedSteps::of("The card is shown to you again.")).into_response());
    }
    api.control().take_up(&caller.actor, id.uuid()).await?;
    Ok(ok(Nothing {}).into_response())
}

/// Several cards that are decided alike.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Batch {
    /// `approve` or `reject`.
    verdict: String,
    /// Which, up to 50.
    cards: Vec<BatchCard>,
    /// Why, for the record.
    comment: Option<String>,
}

/// One of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BatchCard {
    /// The run.
    #[schema(value_type = Uuid)]
    run_id: RunId,
    /// What was shown.
    hash: String,
}

/// What became of each.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchAnswer {
    /// The run.
    pub run_id: Uuid,
    /// Why it was not decided; null where it was.
    pub error: Option<FaultView>,
}

/// Decides several cards alike, each as if it were alone. One by which something is lost, or that changes who may do
/// what, is never decided in a batch.
#[utoipa::path(post, path = "/api/v1/inbox/batch", tag = "inbox", operation_id = "decideBatch", params(Write),
    request_body = Batch, responses((status = 200, body = Envelope<Vec<BatchAnswer>>)))]
pub async fn batch(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Batch>,
) -> Result<Vec<BatchAnswer>> {
    let approves = match body.verdict.as_str() {
        "approve" => true,
        "reject" => false,
        _ => return Err(Problem::invalid("batch.verdict", "`verdict` is approve or reject.").field("verdict")),
    };
    if body.cards.is_empty() || body.cards.len() > MAX_BATCH {
        return Err(Problem::invalid("batch.cards", "A batch has 1 to 50 cards.").field("cards"));
    }
    let mut answers = Vec::with_capacity(body.cards.len());
    for card in body.cards {
        let run = card.run_id;
        let decide = Decide { run, hash: card.hash, comment: body.comment.clone() };
        let action = if approves { RunAction::Approve(decide) } else { RunAction::Reject(decide) };
        let decided = one(&api, &caller, write, run, action).await;
        answers.push(BatchAnswer { run_id: run.uuid(), error: decided.err().map(FaultView::from) });
    }
    Ok(ok(answers))
}

async fn one(
    api: &Api,
    caller: &Caller,
    write: Write,
    run: RunId,
    action: RunAction,
) -> std::result::Result<(), Fault> {
    let waiting = api.control().run(&caller.actor, run).await?.run;
    if matches!(action, RunAction::Approve(_)) && is_dangerous(&waiting) {
        let message = "Something is lost by this, or it changes who may do what: it is decided by itself.";
        let fault = Fault::new(ErrorKind::Conflict, "batch.dangerous", message);
        return Err(fault.fix("Open its card and decide there."));
    }
    let proposal = Proposal { dry_run: write.is_dry(), ..Proposal::of(Action::Run(action)) };
    api.control().propose(&caller.actor, caller.request, proposal).await.map(drop)
}

/// Other arguments for what waits.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EditCard {
    /// What was shown.
    hash: String,
    /// The action's arguments as they are to be.
    #[schema(value_type = Object)]
    args: serde_json::Value,
}

/// Edits what waits: a new proposal, by you, with other arguments. The one that waited is refused with it.
#[utoipa::path(post, path = "/api/v1/runs/{id}/edit", tag = "inbox", operation_id = "editRun",
    params(("id" = uuid::Uuid, Path), Write), request_body = EditCard,
    responses((status = 202, body = Envelope<crate::view::run::RunOpened>)))]
pub async fn edit(
    State(api): State<Api>,
    caller: Caller,
    Id(run): Id<RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<EditCard>,
) -> std::result::Result<Response, Problem> {
    let waiting = api.control().run(&caller.actor, run).await?.run;
    let edited = serde_json::json!({ "action": waiting.action.spec().name, "args": body.args });
    let action: Action = serde_json::from_value(edited).map_err(|_| {
        let message = format!("These are no arguments of `{}`.", waiting.action.spec().name);
        Problem::invalid("edit.args", message).field("args")
    })?;
    let replaces = Some((run, body.hash));
    order(&api, &caller, Proposal { dry_run: write.is_dry(), replaces, ..Proposal::of(action) }).await
}
