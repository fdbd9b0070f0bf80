//! Patches between a proposal, its node and what people are told.

use anyhow::{Context, Result, bail, ensure};
use sf_actions::patch::{Apply, PatchAction, PatchEffect};
use sf_actions::{Action, Actor};
use sf_engine::{Done, Run, RunState};
use sf_protocol::handshake::{VERSIONS, Versions};
use sf_protocol::order::Order;
use sf_protocol::patch::{Edit, TakesEffect};
use sf_testkit::{Plane, Script};
use sf_types::{AppId, FileState, PageRequest};

const SECRET: &str = "KEY=hush-hush";

fn patch(app: AppId, effect: PatchEffect) -> Result<Apply> {
    let path = ".env".parse().context("a path")?;
    let text = Some(SECRET.to_owned());
    Ok(Apply { app, path, before: FileState::Absent, text, from: None, to: None, delete: false, effect })
}

fn apply(app: AppId, effect: PatchEffect) -> Result<Action> {
    Ok(Action::Patch(PatchAction::Apply(Box::new(patch(app, effect)?))))
}

async fn ended(plane: &Plane, actor: &Actor, action: Action) -> Result<Run> {
    plane.ended(plane.open_run(actor, action).await?).await
}

async fn code(plane: &Plane, actor: &Actor, action: Action) -> Result<String> {
    match plane.propose(actor, action).await {
        Err(fault) => Ok(fault.code),
        Ok(other) => bail!("it should have been refused: {other:?}"),
    }
}

const DONE: RunState = RunState::Done(Done::Succeeded);

pub async fn a_patch_is_ordered_as_it_was_agreed_to_and_told_without_what_it_writes(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;

    // An agent that knows no patches is asked for none, and nothing is live yet.
    node.speak(Versions { min: 1, max: 3 });
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let run = plane.deploy(&admin, app).await?;
    assert_eq!(plane.ended(run).await?.state, DONE);
    assert_eq!(code(&plane, &admin, apply(app, PatchEffect::Restart)?).await?, "patch.agent_too_old");
    session.cut().await;
    node.speak(VERSIONS);
    let session = node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let first = node.live(app);

    // With a restart it makes a release of its own.
    let done = ended(&plane, &admin, apply(app, PatchEffect::Restart)?).await?;
    assert_eq!(done.state, DONE);
    assert_ne!(node.live(app), first);
    let command = node.began().pop().context("an order")?;
    let Order::Patch(order) = &command.order else { bail!("a patch: {command:?}") };
    assert_eq!(
        (order.effect, order.file.before, order.accept_broken),
        (TakesEffect::Restart, FileState::Absent, false)
    );
    assert_eq!(order.file.edit, Edit::Write { from: 0, to: None, text: SECRET.to_owned() });
    let releases = plane.control.releases(&admin, app, &PageRequest::default()).await?.items;
    let states: Vec<_> = releases.iter().map(|release| (release.subject.clone(), release.state)).collect();
    let made = releases.iter().find(|release| release.id == order.release).context("its release")?;
    ensure!(releases.len() == 2 && made.subject.as_deref() == Some("patch of .env"), "{states:?}");
    assert_eq!(plane.control.app(&admin, app).await?.live_release, Some(order.release));

    // With a signal it makes none.
    let hup = ended(&plane, &admin, apply(app, PatchEffect::Hup)?).await?;
    assert_eq!(hup.state, DONE);
    assert_eq!(plane.control.releases(&admin, app, &PageRequest::default()).await?.items.len(), 2);
    assert_eq!(plane.control.app(&admin, app).await?.live_release, Some(order.release));

    // Against the grammar it is another action, and a riskier one.
    let forced = Action::Patch(PatchAction::Force(Box::new(patch(app, PatchEffect::Restart)?)));
    ensure!(forced.spec().risk > hup.action.spec().risk, "{:?}", forced.spec());
    assert_eq!(ended(&plane, &admin, forced).await?.state, DONE);
    let command = node.began().pop().context("an order")?;
    assert!(matches!(&command.order, Order::Patch(order) if order.accept_broken));

    // The audit says which file it was and how much, never what.
    let lines = plane.audited().await?;
    let told = format!("{lines:?}").replace('\\', "");
    ensure!(told.contains("patch.apply") && told.contains("patch.force"), "{told}");
    ensure!(told.contains("\"13\"") && told.contains("absent"), "{told}");
    ensure!(!told.contains("hush"), "{told}");
    ensure!(!done.action.shown().to_string().contains("hush"));

    // What breaks is told as the node says it, and what was live is live.
    session.cut().await;
    node.serve(&plane.nodes, &plane.dial(), Script::RollBack).await?;
    let live = node.live(app);
    let back = ended(&plane, &admin, apply(app, PatchEffect::Restart)?).await?;
    assert_eq!(back.state, RunState::Done(Done::RolledBack));
    assert_eq!(plane.control.app(&admin, app).await?.live_release, live);
    plane.stop().await;
    Ok(())
}

pub async fn what_cannot_be_a_patch_is_refused_before_anybody_is_asked(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let with = |change: &dyn Fn(&mut Apply)| -> Result<Action> {
        let mut args = patch(app, PatchEffect::Restart)?;
        change(&mut args);
        Ok(Action::Patch(PatchAction::Apply(Box::new(args))))
    };
    for (action, expected) in [
        (with(&|args| args.text = None)?, "value.refused"),
        (with(&|args| args.text = Some("\"".repeat(20_000)))?, "value.refused"),
        (with(&|args| args.delete = true)?, "value.refused"),
        (with(&|args| (args.from, args.to) = (Some(2), Some(1)))?, "value.refused"),
    ] {
        assert_eq!(code(&plane, &admin, action).await?, expected);
    }
    // Never deployed: there is no file to change, and none to look at.
    let run = plane.open_run(&admin, apply(app, PatchEffect::Restart)?).await;
    let refused = match run {
        Ok(run) => plane.ended(run).await?.fault.map(|fault| fault.code),
        Err(error) => error.downcast_ref::<sf_types::Fault>().map(|fault| fault.code.clone()),
    };
    assert_eq!(refused.as_deref(), Some("app.never_deployed"));
    let request = plane.control.rng().id(plane.control.clock());
    let read = plane.control.file(&admin, request, app, ".env".parse().context("a path")?).await;
    assert_eq!(read.map_err(|fault| fault.code), Err("app.never_deployed".to_owned()));
    assert_eq!(node.began().len(), 0);
    plane.stop().await;
    Ok(())
}
