//! What people were given at objects, and what becomes of it.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use sf_actions::app::{AppAction, AppRef};
use sf_actions::node::{NodeAction, NodeRef};
use sf_actions::project::{CreateProject, ProjectAction, ProjectRef};
use sf_actions::role::{Grant, RoleAction, RoleRef, built_in};
use sf_actions::{Action, Actor, Object, ObjectRef, Permission};
use sf_control::{Made, Proposal, Proposed};
use sf_engine::{Done, RunState};
use sf_store::{Scope, grants, users};
use sf_testkit::{Plane, Script};
use sf_types::UserId;

/// Somebody who was given nothing.
async fn newcomer(plane: &Plane) -> Result<UserId> {
    let tenant = plane.tenant;
    let make = plane.control.store().write(Scope::System, move |tx| {
        Box::pin(async move { Ok(users::create(tx, tenant, "bo@example.org", "Bo").await?.id) })
    });
    Ok(make.await?)
}

/// Gives a role and a permission there.
async fn give(plane: &Plane, admin: &Actor, user: UserId, object: ObjectRef) -> Result<()> {
    let viewer = RoleRef::BuiltIn(built_in::find("viewer").context("the role")?);
    for (role, permissions) in [(Some(viewer), vec![]), (None, vec![Permission::AppDeploy])] {
        let grant = Grant { user, role, permissions, object };
        plane.propose(admin, Action::Role(RoleAction::Grant(grant))).await?;
    }
    Ok(())
}

async fn losses(plane: &Plane, admin: &Actor, action: Action) -> Result<Vec<String>> {
    let proposal = Proposal { dry_run: true, ..Proposal::of(action) };
    match plane.control.propose(admin, plane.request(), proposal).await? {
        Proposed::Plan(plan) => Ok(plan.losses),
        other => bail!("expected a plan, got {other:?}"),
    }
}

pub async fn what_was_given_at_an_object_ends_with_it(plane: Plane) -> Result<()> {
    let admin = plane.admin().await?;
    let node = plane.enrol(&admin).await?;
    let app = plane.app(&admin, node.id(), "shop").await?;
    // A team's first project is its oldest.
    plane.pass(Duration::from_secs(1)).await?;
    let create = ProjectAction::Create(CreateProject { name: "attic".parse().ok().context("a name")? });
    let Proposed::Done(_, Made::Project(project)) = plane.propose(&admin, Action::Project(create)).await? else {
        bail!("expected a project")
    };
    let user = newcomer(&plane).await?;
    let objects = [Object::App(app), Object::Node(node.id()), Object::Project(project)].map(ObjectRef);
    for object in objects {
        give(&plane, &admin, user, object).await?;
    }
    let left = async || grants::of_user(&plane.control.store().read(Scope::System), user).await;
    ensure!(left().await?.len() == 6);

    let told = "2 roles and permissions that people were given at it";
    let delete_app = || Action::App(AppAction::Delete(AppRef { app }));
    let lost = losses(&plane, &admin, delete_app()).await?;
    ensure!(lost.iter().any(|line| line == told), "{lost:?}");
    node.serve(&plane.nodes, &plane.dial(), Script::Succeed).await?;
    let ended = plane.ended(plane.open_run(&admin, delete_app()).await?).await?;
    ensure!(ended.state == RunState::Done(Done::Succeeded), "{ended:?}");
    ensure!(left().await?.iter().all(|grant| grant.object != objects[0]), "the app's end with it");

    let remove = Action::Node(NodeAction::Remove(NodeRef { node: node.id() }));
    let delete = Action::Project(ProjectAction::Delete(ProjectRef { project }));
    for (nth, action) in [(1, remove), (2, delete)] {
        let lost = losses(&plane, &admin, action.clone()).await?;
        ensure!(lost.iter().any(|line| line == told), "{lost:?}");
        ensure!(left().await?.iter().any(|grant| grant.object == objects[nth]), "a plan takes nothing");
        plane.propose(&admin, action).await?;
        ensure!(left().await?.iter().all(|grant| grant.object != objects[nth]), "{:?}", objects[nth]);
    }
    ensure!(left().await?.is_empty());
    plane.stop().await;
    Ok(())
}
