//! Alert rules: made, changed and deleted, and what one would have done.

use std::time::Duration;

use sf_actions::alert::{AlertAction, Comparison, CreateRule, RuleScope, RuleSettings, Threshold};
use sf_engine::Run;
use sf_engine::alert::{self, Episode, Reading};
use sf_protocol::server::ServerLimits;
use sf_store::alert_rules::{AlertRule, MAX_RULES, NewRule};
use sf_store::metrics::fold::{Flow, Gauge};
use sf_store::metrics::server::ServerFold;
use sf_store::metrics::tier::KeptFor;
use sf_store::metrics::{self, Range};
use sf_store::servers::Placed;
use sf_store::{Look, Tx, alert_rules, alerts, alts, nodes, servers, tenants};
use sf_types::{ErrorKind, Fault, ProjectId, TenantId};

use super::alerts::{amount, span, what};
use crate::events;
use crate::perform::name_taken;
use crate::proposal::Made;
use crate::rehearsal::Told;

/// How far back a plan says what a rule would have done.
const TRIED_OVER: Duration = Duration::from_secs(86_400);
/// By means of so long: the rows of 5 minutes of the history.
const TRIED_STEP: Duration = Duration::from_secs(300);
/// Of more servers than this no plan says it: 288 rows are read of each.
const TRIED_SERVERS: usize = 50;

/// Carries out a change of rules.
pub(super) async fn perform(tx: &mut Tx, run: &Run, action: &AlertAction) -> sf_store::Result<Made> {
    match action {
        AlertAction::Create(create) => {
            if alert_rules::count(tx).await? >= MAX_RULES {
                let message = format!("This team has {MAX_RULES} alert rules, as many as it may have.");
                let fault = Fault::new(ErrorKind::Conflict, "alert_rule.too_many", message);
                return Err(fault.fix("Delete one, or give one a wider scope.").into());
            }
            let project = project_of(tx, create.scope).await?;
            let (name, settings) = (create.name.clone(), create.settings);
            let new = NewRule { name, scope: create.scope, project, settings, by: run.actor.user() };
            let made = alert_rules::create(tx, run.tenant, new).await;
            let rule = made.map_err(|error| name_taken(error, create.name.as_str()))?;
            tx.publish(events::rules_changed(run.tenant));
            Ok(Made::AlertRule(rule.id))
        }
        AlertAction::Update(update) => {
            let before = alert_rules::get(tx, update.rule).await?;
            let changed = alert_rules::update(tx, update.rule, &update.name, &update.settings).await;
            changed.map_err(|error| name_taken(error, update.name.as_str()))?;
            let settings = before.settings.0;
            // What is compared with something else, or not at all, is another question.
            if settings.metric != update.settings.metric
                || settings.comparison != update.settings.comparison
                || !update.settings.enabled
            {
                end(tx, &before).await?;
            }
            tx.publish(events::rules_changed(run.tenant));
            Ok(Made::AlertRule(update.rule))
        }
        AlertAction::Delete(of) => {
            let rule = alert_rules::get(tx, of.rule).await?;
            end(tx, &rule).await?;
            alert_rules::delete(tx, of.rule).await?;
            tx.publish(events::rules_changed(run.tenant));
            Ok(Made::Nothing)
        }
    }
}

/// What a rule has raised ends with it.
async fn end(tx: &mut Tx, rule: &AlertRule) -> sf_store::Result<()> {
    for alert in alerts::clear_of_rule(tx, rule.id).await? {
        tx.publish(events::server_turned(alert.tenant, Some(alert.project), alert.server, "alert"));
    }
    Ok(())
}

/// Rules about what is deleted go with it, and what they have raised ends.
pub(crate) async fn forget(tx: &mut Tx, tenant: TenantId, of: RuleScope) -> sf_store::Result<()> {
    for rule in alert_rules::of_scope(tx, of).await? {
        end(tx, &rule).await?;
        alert_rules::delete(tx, rule.id).await?;
    }
    tx.publish(events::rules_changed(tenant));
    Ok(())
}

async fn project_of(at: &impl Look, scope: RuleScope) -> sf_store::Result<Option<ProjectId>> {
    Ok(match scope {
        RuleScope::Server(server) => Some(servers::get(at, server).await?.project),
        RuleScope::Node(node) => nodes::get(at, node).await?.project,
        RuleScope::Project(project) => Some(tenants::project(at, project).await?.id),
        RuleScope::Team | RuleScope::Alt(_) => None,
    })
}

/// What a change of rules would do, for people.
pub(super) async fn tell(at: &impl Look, run: &Run) -> sf_store::Result<Told> {
    let sf_actions::Action::Alert(action) = &run.action else { return Ok(Told::default()) };
    let mut told = Told::default();
    match action {
        AlertAction::Create(CreateRule { name, scope, settings }) => {
            told.steps.push(format!("The rule `{name}` watches {}.", whose(at, *scope).await?));
            told.steps.extend(says(settings));
            told.steps.push(tried(at, *scope, settings).await?);
        }
        AlertAction::Update(update) => {
            let before = alert_rules::get(at, update.rule).await?;
            let scope = before.scope();
            told.steps.push(format!("The rule `{}` goes on watching {}.", before.name, whose(at, scope).await?));
            told.steps.extend(says(&update.settings));
            told.steps.push(tried(at, scope, &update.settings).await?);
        }
        AlertAction::Delete(of) => {
            let rule = alert_rules::get(at, of.rule).await?;
            told.steps.push("What it has raised ends; what it raised before stays in the history.".to_owned());
            told.losses.push(format!("the rule `{}` of {}", rule.name, whose(at, rule.scope()).await?));
        }
    }
    Ok(told)
}

async fn whose(at: &impl Look, scope: RuleScope) -> sf_store::Result<String> {
    Ok(match scope {
        RuleScope::Team => "all servers of the team".to_owned(),
        RuleScope::Project(project) => {
            format!("all servers of the project `{}`", tenants::project(at, project).await?.name)
        }
        RuleScope::Node(node) => format!("all servers on `{}`", nodes::get(at, node).await?.name),
        RuleScope::Alt(alt) => format!("all servers made from `{}`", alts::get(at, alt).await?.name),
        RuleScope::Server(server) => format!("the server `{}`", servers::get(at, server).await?.name),
    })
}

fn says(settings: &RuleSettings) -> Vec<String> {
    let line = match settings.threshold {
        Threshold::Value(value) => amount(settings.metric, value),
        Threshold::Percent(percent) => format!("{percent} % of the server's limit"),
    };
    let side = match settings.comparison {
        Comparison::Above => "at or above",
        Comparison::Below => "below",
    };
    let time = match settings.for_secs {
        0 => "as soon as".to_owned(),
        secs => format!("after {} in which", span(secs)),
    };
    let mut lines = vec![
        format!("People are told {time} {} is {side} {line}.", what(settings.metric)),
        format!(
            "It ends once the value is {} % better than that; one that is back within {} is told no second time.",
            settings.margin_percent,
            span(settings.cooldown_secs)
        ),
    ];
    if !settings.enabled {
        lines.push("It is switched off: nothing is judged.".to_owned());
    }
    lines
}

/// What it would have raised over the last day.
async fn tried(at: &impl Look, scope: RuleScope, settings: &RuleSettings) -> sf_store::Result<String> {
    let covered = |server: &Placed| match scope {
        RuleScope::Team => true,
        RuleScope::Project(project) => project == server.project,
        RuleScope::Node(node) => node == server.node,
        RuleScope::Alt(alt) => alt == server.alt,
        RuleScope::Server(id) => id == server.id,
    };
    let placed: Vec<Placed> = servers::placed(at).await?.into_iter().filter(covered).collect();
    if placed.is_empty() {
        return Ok("There is no such server yet.".to_owned());
    }
    let without = placed.iter().filter(|server| alert::line(settings, &server.settings.0.limits).is_none()).count();
    let unlimited = match without {
        0 => String::new(),
        1 => " One of them has no such limit, and is not judged.".to_owned(),
        _ => format!(" {without} of them have no such limit, and are not judged."),
    };
    if placed.len() > TRIED_SERVERS {
        return Ok(format!("There are {} such servers now.{unlimited}", placed.len()));
    }
    let (mut raised, mut on) = (0, 0);
    for server in &placed {
        let found = over_a_day(at, server, settings).await?.len();
        raised += found;
        on += usize::from(found > 0);
    }
    let count = placed.len();
    let servers = if count == 1 { "server".to_owned() } else { format!("{count} servers") };
    Ok(match raised {
        0 => format!("Over the last day it would have raised nothing, by means of 5 min of the {servers}.{unlimited}"),
        1 => {
            format!("Over the last day it would have raised one alert, by means of 5 min of the {servers}.{unlimited}")
        }
        _ => format!(
            "Over the last day it would have raised {raised} alerts, at {on} of {count}, by means of 5 min.{unlimited}"
        ),
    })
}

async fn over_a_day(at: &impl Look, server: &Placed, settings: &RuleSettings) -> sf_store::Result<Vec<Episode>> {
    let (from, to) = (at.now().minus(TRIED_OVER), at.now());
    let points = u32::try_from(TRIED_OVER.as_secs() / TRIED_STEP.as_secs()).unwrap_or(u32::MAX);
    let course = metrics::of_server(at, server.id, Range { from, to, points }, KeptFor::default()).await?;
    let step = Duration::from_millis(u64::try_from(course.step_ms).unwrap_or(0));
    let readings: Vec<Reading> = course.points.iter().map(|point| reading(point, step)).collect();
    let limits: &ServerLimits = &server.settings.0.limits;
    Ok(alert::replay(settings, limits, &readings, step))
}

fn reading(fold: &ServerFold, step: Duration) -> Reading {
    let mean = |gauge: Gauge| gauge.mean(fold.samples);
    let rate = |flow: Flow| flow.sum / step.as_secs().max(1);
    Reading {
        at: fold.last_at,
        up: fold.up > 0,
        cpu: mean(fold.cpu),
        memory: mean(fold.memory),
        disk: mean(fold.disk),
        processes: mean(fold.processes),
        network: fold.has_network.then(|| rate(fold.received).saturating_add(rate(fold.sent))),
    }
}
