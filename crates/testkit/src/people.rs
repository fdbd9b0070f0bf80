//! Who proposes in tests: people with real rows and rights, an AI that acts for one of them, another tenant.

use anyhow::{Context, Result, bail};
use sf_actions::app::{AppAction, Create, Settings};
use sf_actions::deploy::{Deploy, DeployAction};
use sf_actions::{Action, Actor, ActorKind, Permission, PermissionSet, Rights};
use sf_control::{Made, Proposed};
use sf_store::{Scope, grants, permissions, tenants, users};
use sf_types::{AppId, NodeId, RunId, Secret, Slug, TokenId};

use crate::plane::Plane;

/// A password that is long enough and in no list.
pub const PASSWORD: &str = "blue harbour, seven lamps";

impl Plane {
    /// Makes the first administrator and signs in.
    ///
    /// # Errors
    /// There is one already, or it cannot be recorded.
    pub async fn admin(&self) -> Result<Actor> {
        let user = self.control.first_admin("admin@example.org", "Admin", Secret::new(PASSWORD.to_owned())).await?;
        let rights = grants::rights_of(&self.control.store().read(Scope::System), user).await?;
        let session = self.rng.id(&self.clock);
        Ok(Actor { kind: ActorKind::Person { user, session }, tenant: self.tenant, rights })
    }

    /// The administrator that [`Plane::admin`] made, perhaps in an earlier process.
    ///
    /// # Errors
    /// There is none.
    pub async fn admin_again(&self) -> Result<Actor> {
        let reader = self.control.store().read(Scope::System);
        let user = users::by_email(&reader, "admin@example.org").await?.context("an administrator")?.id;
        let rights = grants::rights_of(&reader, user).await?;
        let session = self.rng.id(&self.clock);
        Ok(Actor { kind: ActorKind::Person { user, session }, tenant: self.tenant, rights })
    }

    /// An AI that acts for a person, with all their rights, by a token that is in no table.
    ///
    /// # Panics
    /// When nobody is behind `actor`.
    pub fn ai_of(actor: &Actor) -> Actor {
        let user = actor.user().expect("an AI acts for a person");
        Actor { kind: ActorKind::Ai { user, token: TokenId::from_uuid(user.uuid()) }, ..actor.clone() }
    }

    /// A person of another tenant who may do everything there.
    ///
    /// # Errors
    /// When it cannot be recorded.
    pub async fn stranger(&self) -> Result<Actor> {
        let session = self.rng.id(&self.clock);
        let (user, tenant) = self
            .control
            .store()
            .write(Scope::System, |tx| {
                Box::pin(async move {
                    let (tenant, _) = tenants::create(tx, "other").await?;
                    let user = users::create(tx, tenant.id, "stranger@example.org", "Stranger").await?;
                    permissions::grant(tx, user.id, Permission::ALL).await?;
                    Ok((user.id, tenant.id))
                })
            })
            .await?;
        let rights = Rights::everywhere(PermissionSet::ALL);
        Ok(Actor { kind: ActorKind::Person { user, session }, tenant, rights })
    }

    /// Makes an app on a node.
    ///
    /// # Errors
    /// The refusal.
    pub async fn app(&self, actor: &Actor, node: NodeId, name: &str) -> Result<AppId> {
        let name: Slug = name.parse().ok().context("the name is a slug")?;
        let settings = Settings::of("https://git.example.org/team/app");
        let create = Action::App(AppAction::Create(Box::new(Create { name, node, project: None, settings })));
        match self.propose(actor, create).await? {
            Proposed::Done(_, Made::App(app)) => Ok(app),
            other => bail!("expected an app, got {other:?}"),
        }
    }

    /// Proposes a deploy.
    ///
    /// # Errors
    /// The refusal.
    pub async fn deploy(&self, actor: &Actor, app: AppId) -> Result<RunId> {
        self.open_run(actor, deploy(app)).await
    }
}

/// The action that deploys an app from its default branch.
pub const fn deploy(app: AppId) -> Action {
    Action::Deploy(DeployAction::Deploy(Deploy { app, reference: None, commit: None, full: false }))
}
