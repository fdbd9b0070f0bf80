//! How servers are doing: over time, now, and by the rules about them.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::alert::{AlertAction, CreateRule, RuleRef, RuleScope, RuleSettings, UpdateRule};
use sf_control::Made;
use sf_store::alerts::AlertFilter;
use sf_types::{AlertRuleId, Name, ServerId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Paged, Span, Write, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::panel::monitoring::{
    AlertView, OverviewView, RuleSettingsView, RuleView, ScopeView, Series, ServerSampleView, of_server,
};

/// Which course of a server.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Course {
    /// Not before (RFC 3339 or milliseconds); an hour before `to` where absent.
    from: Option<String>,
    /// Before; now where absent.
    to: Option<String>,
    /// Points wanted at the most, up to 2,000; 120 where absent.
    points: Option<u32>,
    /// What is wanted, with commas between: `cpu`, `memory`, `disk`, `network`, `processes`; all where absent.
    series: Option<String>,
}

/// Which alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAlerts {
    /// `open` for those that are so now, `ended` for the others; all where absent.
    state: Option<String>,
    /// About this server.
    #[param(value_type = Option<uuid::Uuid>)]
    server_id: Option<ServerId>,
    /// By this rule.
    #[param(value_type = Option<uuid::Uuid>)]
    rule_id: Option<AlertRuleId>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A new rule.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewAlertRule {
    /// Its name, unique within the team.
    #[schema(value_type = String)]
    name: Name,
    /// Of which servers; of all of the team where left out. Stays as it is.
    #[serde(default)]
    #[schema(value_type = Option<ScopeView>)]
    scope: RuleScope,
    /// What it says.
    #[schema(value_type = RuleSettingsView)]
    settings: RuleSettings,
}

/// A rule as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedAlertRule {
    /// Its name, unique within the team.
    #[schema(value_type = String)]
    name: Name,
    /// What it says, whole.
    #[schema(value_type = RuleSettingsView)]
    settings: RuleSettings,
}

type Answered = std::result::Result<Response, Problem>;

/// The course of a server in at most so many points. Each says what it stands for: means with the lowest and the highest, from samples of
/// the last day, rows of 5 minutes or rows of an hour, the coarsest that gives the points.
#[utoipa::path(get, path = "/api/v1/servers/{id}/metrics", tag = "monitoring", operation_id = "serverMetrics",
    params(("id" = uuid::Uuid, Path), Course), responses((status = 200, body = Envelope<Vec<ServerSampleView>>)))]
pub async fn metrics(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(query): Asked<Course>,
) -> Result<Vec<ServerSampleView>> {
    let series = series(query.series.as_deref())?;
    let range = Span { from: query.from, to: query.to, points: query.points }.range(api.control().now())?;
    Ok(ok(of_server(&api.control().server_metrics(&caller.actor, server, range).await?, &series)))
}

fn series(wanted: Option<&str>) -> std::result::Result<Vec<Series>, Problem> {
    let Some(wanted) = wanted else { return Ok(Series::ALL.to_vec()) };
    let one = |name: &str| serde_json::from_value(serde_json::Value::String(name.to_owned()));
    let found: std::result::Result<Vec<Series>, _> = wanted.split(',').map(|name| one(name.trim())).collect();
    found.map_err(|_| {
        let message = "`series` is of cpu, memory, disk, network and processes, with commas between.";
        Problem::invalid("query.series", message).field("series")
    })
}

/// All servers that you may watch, now: totals, the busiest, those near a limit of theirs, and those that nothing is known of.
#[utoipa::path(get, path = "/api/v1/monitoring/overview", tag = "monitoring", operation_id = "monitoringOverview",
    responses((status = 200, body = Envelope<OverviewView>)))]
pub async fn overview(State(api): State<Api>, caller: Caller) -> Result<OverviewView> {
    Ok(ok(api.control().monitoring(&caller.actor).await?.into()))
}

/// Alert rules that stand where you may watch, newest first.
#[utoipa::path(get, path = "/api/v1/monitoring/rules", tag = "monitoring", operation_id = "listAlertRules", params(Paged),
    responses((status = 200, body = Envelope<Vec<RuleView>>)))]
pub async fn rules(State(api): State<Api>, caller: Caller, Asked(paged): Asked<Paged>) -> Result<Vec<RuleView>> {
    Ok(page(api.control().alert_rules(&caller.actor, &paged.into()).await?, RuleView::from))
}

/// Makes an alert rule. Its plan (`dryRun`) says what it would have raised over the last day.
#[utoipa::path(post, path = "/api/v1/monitoring/rules", tag = "monitoring", operation_id = "createAlertRule", params(Write),
    request_body = NewAlertRule, responses((status = 201, body = Envelope<RuleView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewAlertRule>,
) -> Answered {
    let create = CreateRule { name: body.name, scope: body.scope, settings: body.settings };
    match propose(&api, &caller, write, Action::Alert(AlertAction::Create(create))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::AlertRule(rule)) => {
            // Who may set alerts somewhere may not watch there: it is made all the same.
            match api.control().alert_rule(&caller.actor, rule).await {
                Ok(made) => Ok(created(RuleView::from(made)).into_response()),
                Err(_) => Ok(created(Nothing {}).into_response()),
            }
        }
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// One alert rule.
#[utoipa::path(get, path = "/api/v1/monitoring/rules/{id}", tag = "monitoring", operation_id = "getAlertRule",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<RuleView>)))]
pub async fn rule(State(api): State<Api>, caller: Caller, Id(rule): Id<AlertRuleId>) -> Result<RuleView> {
    Ok(ok(api.control().alert_rule(&caller.actor, rule).await?.into()))
}

/// Changes an alert rule. What it has raised is judged anew by the next sample.
#[utoipa::path(put, path = "/api/v1/monitoring/rules/{id}", tag = "monitoring", operation_id = "changeAlertRule",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedAlertRule,
    responses((status = 200, body = Envelope<RuleView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(rule): Id<AlertRuleId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedAlertRule>,
) -> Answered {
    let update = UpdateRule { rule, name: body.name, settings: body.settings };
    match propose(&api, &caller, write, Action::Alert(AlertAction::Update(update))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => {
            Ok(ok(RuleView::from(api.control().alert_rule(&caller.actor, rule).await?)).into_response())
        }
    }
}

/// Deletes an alert rule. What it has raised ends; what it raised before stays in the history.
#[utoipa::path(delete, path = "/api/v1/monitoring/rules/{id}", tag = "monitoring", operation_id = "deleteAlertRule",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(rule): Id<AlertRuleId>,
    Asked(write): Asked<Write>,
) -> Answered {
    match propose(&api, &caller, write, Action::Alert(AlertAction::Delete(RuleRef { rule }))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// What rules have raised, newest first: what is so now, and for 90 days what was.
#[utoipa::path(get, path = "/api/v1/monitoring/alerts", tag = "monitoring", operation_id = "listServerAlerts", params(ListAlerts),
    responses((status = 200, body = Envelope<Vec<AlertView>>)))]
pub async fn alerts(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListAlerts>) -> Result<Vec<AlertView>> {
    let open = match query.state.as_deref() {
        None => None,
        Some("open") => Some(true),
        Some("ended") => Some(false),
        Some(_) => return Err(Problem::invalid("query.state", "`state` is open or ended.").field("state")),
    };
    let filter = AlertFilter { open, server: query.server_id, rule: query.rule_id };
    let request = page_request(query.limit, query.after);
    Ok(page(api.control().server_alerts(&caller.actor, &filter, &request).await?, AlertView::from))
}
