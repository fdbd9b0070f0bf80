//! How one thing is: an app, a server, a node, a domain, a workflow, or a run, whose end can be waited for.

use std::time::Duration;

use serde_json::{Value, json};
use sf_types::RunId;

use super::super::asked::{Asked, Result, Said, refuse};
use super::super::names::{Kind, Thing, resolve};
use super::super::output::{pick, rows, text, whole};
use super::super::verdict;

/// Runs told of an app or a server.
const RUNS: usize = 5;
/// Bytes of what people set, where all of it is wanted.
const SETTINGS_BYTES: usize = 4_000;
/// Bytes of a sentence that a machine said.
const SENTENCE_BYTES: usize = 500;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let called = asked.input.required("target")?;
    let kind = asked.input.text("kind");
    if let Some(id) = verdict::run_id(called).filter(|_| matches!(kind, None | Some("run")))
        && let Some(said) = of_run(asked, id, kind.is_some()).await?
    {
        return Ok(said);
    }
    if kind == Some("run") {
        let message = "A run is named by its id: the run_id of the answer that began it.";
        return refuse(sf_types::ErrorKind::Invalid, "run.id", message, "Ask `overview` for runs that failed.");
    }
    let kinds = Kind::ALL.into_iter().filter(|one| kind.is_none_or(|kind| kind == one.word())).collect::<Vec<_>>();
    let thing = resolve(asked, &kinds, called).await?;
    let view = asked.data(&thing.path("")).await?;
    let thing = Thing { view, ..thing };
    let full = asked.input.text("detail") == Some("full");
    let told = match thing.kind {
        Kind::App => of_app(asked, &thing, full).await,
        Kind::Server => of_server(asked, &thing, full).await,
        Kind::Node => of_node(asked, &thing.view),
        Kind::Domain => of_domain(asked, &thing.view),
        Kind::Workflow => of_workflow(asked, &thing).await,
    };
    let page = if thing.kind == Kind::Domain { "domains" } else { thing.kind.route() };
    let fields = [
        ("kind", json!(thing.kind.word())),
        ("id", json!(thing.id)),
        ("status", told),
        ("url", json!(asked.page(&format!("/{page}/{}", thing.id)))),
    ];
    let next: &[(&str, &str)] = match thing.kind {
        Kind::App | Kind::Server => &[("diagnose", "Find out what is wrong with it."), ("logs", "Read what it says.")],
        Kind::Node => &[("diagnose", "Find out what is wrong with it."), ("metrics", "See how busy it is.")],
        Kind::Domain => &[("status", "See the app that it leads to.")],
        Kind::Workflow => &[("run_workflow", "Run it.")],
    };
    Ok(asked.done(&fields, next))
}

async fn of_app(asked: &Asked<'_>, thing: &Thing, full: bool) -> Value {
    let view = &thing.view;
    let mut told = asked.shown(&pick(
        view,
        &[
            "name",
            "nodeId",
            "state",
            "desired",
            "stateReason",
            "url",
            "port",
            "restarts",
            "secretsPending",
            "updatedAt",
        ],
    ));
    told["live_release"] = asked.shown(&pick(&view["liveRelease"], &["id", "number", "commit", "reference", "liveAt"]));
    let releases = asked.maybe(&thing.path("/releases?limit=5")).await;
    let release = |one: &Value| asked.shown(&pick(one, &["id", "number", "commit", "state", "createdAt"]));
    told["releases"] = rows(&releases).iter().map(release).collect();
    told["runs"] = runs(asked, &format!("appId={}", thing.id)).await;
    let domains = asked.maybe(&format!("/proxies?appId={}&limit=20", thing.id)).await;
    told["domains"] = rows(&domains).iter().map(|one| asked.shown(&pick(one, &["domain", "state"]))).collect();
    if full {
        told["settings"] = settings(asked, view);
    }
    told
}

async fn of_server(asked: &Asked<'_>, thing: &Thing, full: bool) -> Value {
    let view = &thing.view;
    let mut told =
        asked.shown(&pick(view, &["name", "nodeId", "state", "install", "suspended", "unknownSince", "heardAt"]));
    told["report"] = asked.shown(&pick(&view["report"], &["since", "reason", "restarts", "stoppedBy", "diskBytes"]));
    told["limits"] = view["settings"]["limits"].clone();
    let ports = rows(&view["allocations"]).iter().map(|one| asked.shown(&pick(one, &["ip", "port", "isDefault"])));
    told["ports"] = ports.collect();
    told["runs"] = runs(asked, &format!("serverId={}", thing.id)).await;
    if full {
        told["settings"] = settings(asked, view);
    }
    told
}

fn of_node(asked: &Asked<'_>, view: &Value) -> Value {
    let fields = ["name", "status", "host", "arch", "agentVersion", "lastSeenAt", "connectedAt", "lockedReason"];
    let mut told = asked.shown(&pick(view, &fields));
    let latest = &view["latest"];
    if latest.is_object() {
        told["now"] = json!({
            "at": latest["at"], "cpu_percent": whole(latest, "/cpuPermille") / 10,
            "memory_percent": share(latest, "/memoryUsed", "/memoryTotal"),
            "disk_percent": share(latest, "/diskUsed", "/diskTotal"), "uptime_seconds": latest["uptimeSecs"],
        });
    }
    told
}

fn of_domain(asked: &Asked<'_>, view: &Value) -> Value {
    let mut told = asked.shown(&pick(view, &["domain", "url", "appId", "app", "nodeId", "state", "reason", "inStep"]));
    let certificate = &view["certificate"];
    told["certificate"] = asked.shown(&pick(certificate, &["state", "notAfter", "next"]));
    if certificate["why"].is_object() {
        told["certificate"]["why"] = json!(asked.fence.text(text(certificate, "/why/message"), SENTENCE_BYTES));
    }
    told
}

async fn of_workflow(asked: &Asked<'_>, thing: &Thing) -> Value {
    let mut told = asked.shown(&pick(&thing.view, &["name", "version", "enabled", "openRuns", "updatedAt"]));
    let runs = asked.maybe(&format!("/workflow-executions?workflowId={}&limit={RUNS}", thing.id)).await;
    told["runs"] =
        rows(&runs).iter().map(|run| pick(run, &["runId", "state", "done", "openedAt", "closedAt"])).collect();
    told
}

/// What people set, without what is in the environment.
fn settings(asked: &Asked<'_>, view: &Value) -> Value {
    let mut settings = view["settings"].clone();
    if let Some(fields) = settings.as_object_mut() {
        for values in ["env", "variables", "secrets"] {
            fields.remove(values);
        }
    }
    json!(asked.fence.text(&settings.to_string(), SETTINGS_BYTES))
}

async fn runs(asked: &Asked<'_>, of: &str) -> Value {
    let runs = asked.maybe(&format!("/runs?{of}&limit={RUNS}")).await;
    rows(&runs).iter().map(|run| pick(run, &["id", "action", "state", "done", "openedAt"])).collect()
}

pub(super) fn share(view: &Value, used: &str, total: &str) -> u64 {
    (whole(view, used) * 100).checked_div(whole(view, total)).unwrap_or(0)
}

/// A run; `None` where there is none that this caller may see, so that the id may be something else's.
async fn of_run(asked: &Asked<'_>, id: RunId, surely: bool) -> Result<Option<Said>> {
    let own = asked.control.own_run(&asked.caller.actor, id).await;
    if let Ok(run) = own {
        let seconds = asked.input.whole("wait_seconds").unwrap_or(0);
        let patience = asked.patience.min(Duration::from_secs(seconds));
        verdict::until_settled(asked, run, patience).await?;
    }
    let view = asked.maybe(&format!("/runs/{id}")).await;
    if !view.is_object() {
        return if surely { Ok(Some(Said::Done(asked.data(&format!("/runs/{id}")).await?))) } else { Ok(None) };
    }
    let mut told = pick(
        &view,
        &["action", "title", "state", "done", "step", "stale", "appId", "serverId", "nodeId", "openedAt", "closedAt"],
    );
    told["because"] = view["policy"]["because"].clone();
    if view["fault"].is_object() {
        told["fault"] = json!({ "code": view["fault"]["code"], "fix": view["fault"]["fix"],
            "message": asked.fence.text(text(&view, "/fault/message"), SENTENCE_BYTES) });
    }
    let next: &[(&str, &str)] = match text(&view, "/state") {
        "done" if text(&view, "/done") == "failed" => {
            &[("diagnose", "Find out why, by the app's or server's id."), ("logs", "Read its log, by the run's id.")]
        }
        "done" => &[("status", "See how the app or server is now.")],
        "waiting" => &[("approvals", "See the card that a person has to decide.")],
        _ => &[("status", "Ask again with wait_seconds 25.")],
    };
    let fields = [
        ("kind", json!("run")),
        ("id", json!(id)),
        ("status", told),
        ("url", json!(asked.page(&format!("/runs/{id}")))),
    ];
    Ok(Some(asked.done(&fields, next)))
}
