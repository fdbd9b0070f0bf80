//! Another tenant.

use anyhow::Result;
use sf_actions::Action;
use sf_actions::app::{AppAction, AppRef, Create, Settings};
use sf_actions::node::{NodeAction, NodeRef};
use sf_actions::process::{ProcessAction, ProcessVerb};
use sf_actions::run::{RunAction, RunRef};
use sf_control::queries::apps::LogPart;
use sf_store::apps::AppFilter;
use sf_store::audit::ActivityFilter;
use sf_store::nodes::NodeFilter;
use sf_store::runs::RunFilter;
use sf_testkit::people::deploy;
use sf_testkit::{Plane, Script};
use sf_types::{ErrorKind, PageRequest};

pub async fn another_tenant_sees_and_changes_nothing(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let run = plane.deploy(&admin, app).await?;
    plane.ended(run).await?;
    let waiting = plane.open_run(&Plane::ai_of(&admin), Action::App(AppAction::Delete(AppRef { app }))).await?;
    let lines = plane.audited().await?.len();

    let stranger = plane.stranger().await?;
    let (control, page) = (&plane.control, PageRequest::default());
    assert_eq!(control.nodes(&stranger, &NodeFilter::default(), &page).await?.items, []);
    assert_eq!(control.apps(&stranger, &AppFilter::default(), &page).await?.items, []);
    assert_eq!(control.runs(&stranger, &RunFilter::default(), &page).await?.items.len(), 0);
    assert_eq!(control.approvals(&stranger, None, &page).await?.items.len(), 0);
    assert_eq!(control.activity(&stranger, &ActivityFilter::default(), &page).await?.items, []);
    let request = plane.request();
    for (what, seen) in [
        ("node", control.node(&stranger, node.id()).await.err()),
        ("app", control.app(&stranger, app).await.err()),
        ("releases", control.releases(&stranger, app, &page).await.err()),
        ("log", control.app_log(&stranger, app, None, &LogPart::Tail(1)).await.err()),
        ("status", control.app_status(&stranger, request, app).await.err()),
        ("run", control.run(&stranger, run).await.err()),
        ("timeline", control.timeline(&stranger, run).await.err()),
        ("run log", control.run_log(&stranger, run, &LogPart::Tail(1)).await.err()),
        ("proof", control.proof(&stranger, run).await.err()),
        ("watch", control.watch_node(&stranger, request, node.id()).await.err()),
    ] {
        assert_eq!(seen.map(|fault| fault.kind), Some(ErrorKind::NotFound), "{what}");
    }
    let settings = Settings::of("https://git.example.org/team/app");
    let create = Create { name: "mine".parse()?, node: node.id(), project: None, settings };
    for action in [
        deploy(app),
        Action::App(AppAction::Create(Box::new(create))),
        Action::App(AppAction::Delete(AppRef { app })),
        Action::Process(ProcessAction { app, verb: ProcessVerb::Stop }),
        Action::Node(NodeAction::Remove(NodeRef { node: node.id() })),
        Action::Node(NodeAction::Unlock(NodeRef { node: node.id() })),
        Action::Run(RunAction::Cancel(RunRef { run: waiting })),
    ] {
        let fault = plane.propose(&stranger, action.clone()).await.err();
        assert_eq!(fault.map(|fault| fault.kind), Some(ErrorKind::NotFound), "{action:?}");
    }
    let recorded = plane.audited().await?.split_off(lines);
    let refused = recorded.iter().all(|line| line.outcome == "refused" && line.tenant == Some(stranger.tenant));
    assert!(refused, "nothing but refusals of theirs was recorded: {recorded:?}");
    plane.stop().await;
    Ok(())
}
