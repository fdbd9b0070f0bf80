//! The real `serverflow` program against a control plane that is reached by HTTPS with an authority of its own.

mod audit;
mod hooks;
mod inbox;
mod keys;
mod people;
mod previews;
mod secrets;
mod workflows;
mod world;

use anyhow::{Context, Result, ensure};
use sf_actions::Action;
use sf_actions::deploy::{Deploy, DeployAction};
use sf_engine::{Done, RunState};
use sf_testkit::{Plane, SimNode};
use sf_types::AppId;

use crate::world::{Served, person};

const ADMIN: &str = "admin@example.org";

fn deploy(app: AppId) -> Action {
    Action::Deploy(DeployAction::Deploy(Deploy { app, reference: None, commit: None, full: false }))
}

#[tokio::test]
async fn who_trusts_the_authority_signs_in() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    let served = Served::start(&plane).await?;
    let stranger = served.person().await?;
    let refused =
        stranger.without_authority(&["login", ADMIN, "--password-stdin"], sf_testkit::people::PASSWORD).await?;
    ensure!(refused.code == 6, "an unknown authority is not trusted: {refused:?}");
    let ada = served.person().await?;
    let wrong = ada.says(&["login", ADMIN, "--password-stdin"], "not her password at all").await?;
    ensure!(wrong.code == 4 && wrong.err.contains("sign_in.wrong"), "{wrong:?}");
    ada.signs_in(ADMIN).await?;
    let me = ada.json(&["nodes"]).await?;
    ensure!(me.as_array().is_some_and(Vec::is_empty), "{me}");
    ada.ok(&["logout"]).await?;
    let out = ada.run(&["nodes"]).await?;
    ensure!(out.code != 0, "{out:?}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_was_given_a_password_is_told_to_choose_another_one() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    let served = Served::start(&plane).await?;
    let (_, password) = sf_control::sign_in::reset_password(plane.control.store(), &plane.rng, None).await?;
    let ada = served.person().await?;
    let told = ada.says(&["login", ADMIN, "--password-stdin"], password.expose()).await?;
    ensure!(told.code != 0 && told.err.contains("account.password_change_due"), "{told:?}");
    ensure!(told.err.contains("choose one of your own") && told.err.contains("dashboard"), "{told:?}");
    let out = ada.run(&["nodes"]).await?;
    ensure!(out.code != 0, "nothing is kept that opens anything: {out:?}");
    let user = plane.admin_again().await?.user().context("a person")?;
    let open = sf_store::sessions::of_user(&plane.control.store().read(sf_store::Scope::System), user).await?;
    ensure!(open.is_empty(), "the session that owes something is ended");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn machines_that_show_a_code_are_let_in_or_turned_away() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    plane.admin().await?;
    let served = Served::start(&plane).await?;
    let ada = served.person().await?;
    ada.signs_in(ADMIN).await?;
    let dial = plane.dial();
    let ask = || SimNode::ask(&dial, plane.root(), &plane.clock, &plane.rng);
    let wanted = ask().await?;
    let waiting = ada.json(&["enrol", "pending"]).await?;
    ensure!(waiting[0]["host"] == "sim", "{waiting}");
    let code = wanted.pending.code.to_string();
    let made = ada.json(&["enrol", "approve", &code, "--name", "attic"]).await?;
    ensure!(made["name"] == "attic", "{made}");
    wanted.admitted(plane.clock.clone(), plane.rng.clone()).await?;
    let unwanted = ask().await?;
    let waiting = ada.json(&["enrol", "pending"]).await?;
    ada.ok(&["enrol", "deny", waiting[0]["id"].as_str().context("an id")?]).await?;
    let denied = unwanted.admitted(plane.clock.clone(), plane.rng.clone()).await.err().context("turned away")?;
    ensure!(denied.code() == "enrol.denied", "{denied}");
    let nodes = ada.ok(&["nodes"]).await?;
    ensure!(nodes.contains("attic"), "{nodes}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn runs_are_cancelled_approved_and_rejected() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    let waits = plane.deploy(&admin, app).await?;
    let plane = plane.reconfigured(|options| options.routing.frozen = true).await?;
    person(&plane, "bo@example.org").await?;
    let served = Served::start(&plane).await?;
    let (ada, bo) = (served.person().await?, served.person().await?);
    ada.signs_in(ADMIN).await?;
    bo.signs_in("bo@example.org").await?;
    ada.ok(&["runs", "cancel", &waits.to_string()]).await?;
    ensure!(plane.run(waits).await?.state == RunState::Done(Done::Cancelled));
    let wanted = plane.open_run(&admin, deploy(app)).await?.to_string();
    let own = ada.run(&["runs", "approve", &wanted]).await?;
    ensure!(own.code != 0 && own.err.contains("Somebody else"), "{own:?}");
    bo.ok(&["runs", "approve", &wanted, "--comment", "looks right"]).await?;
    let unwanted = plane.open_run(&admin, deploy(app)).await?;
    bo.ok(&["runs", "reject", &unwanted.to_string(), "--comment", "not today"]).await?;
    ensure!(plane.run(unwanted).await?.state == RunState::Done(Done::Rejected));
    let again = bo.run(&["runs", "reject", &unwanted.to_string()]).await?;
    ensure!(again.code != 0, "{again:?}");
    served.stop().await;
    plane.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_epoch_is_raised_where_the_keys_are() -> Result<()> {
    let plane = Plane::real_time(true).await?;
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let served = Served::start(&plane).await?;
    let owner = served.person().await?;
    let folder = plane.folder().display().to_string();
    let raised = owner.json(&["admin", "--data", &folder, "raise-epoch"]).await?;
    ensure!(raised["epoch"] == 2, "{raised}");
    served.stop().await;
    let plane = plane.restarted().await?;
    let (_, open) = node.connect(&plane.dial()).await?;
    ensure!(open.delegation.epoch == 2, "the node follows");
    plane.stop().await;
    Ok(())
}
