//! Teams of an installation that holds several, for those who operate it: people of its first team with the right.
//! Where there is one team by configuration, nothing of this is there.

use std::sync::Arc;

use sf_actions::role::{RoleRef, built_in};
use sf_actions::tenant::TenantAction;
use sf_actions::{Action, Actor, ObjectRef, Permission};
use sf_engine::Run;
use sf_store::audit::Entry;
use sf_store::tenants::Tenant;
use sf_store::{Look, Tx, grants, nodes, tenants, users};
use sf_types::{Email, ErrorKind, Fault, Page, PageRequest, Scope, TenantId};

use super::{invitations, tenancy};
use crate::control::{Control, Core};
use crate::proposal::Made;
use crate::queries::lacks;
use crate::rehearsal::Told;
use crate::transition::After;

/// A team as those who operate the installation see it.
#[derive(Clone, PartialEq, Debug)]
pub struct Team {
    /// The team.
    pub tenant: Tenant,
    /// Whether it is the installation's own.
    pub is_home: bool,
    /// How many people it has.
    pub people: u64,
    /// How many machines it has.
    pub nodes: u64,
    /// Whether somebody owns it by now.
    pub has_owner: bool,
}

/// What there is for everybody else, and where there is one team.
fn nothing() -> Fault {
    Fault::new(ErrorKind::NotFound, "route.not_found", "There is nothing here.")
        .fix("GET /api/v1/openapi.json lists every route.")
}

/// Refuses acts on teams to everybody but the people of the first one, as if there were no such acts.
pub(crate) async fn gate(core: &Core, actor: &Actor, action: &Action) -> Result<(), Fault> {
    match action {
        Action::Tenant(_) => at_home(core, actor).await,
        _ => Ok(()),
    }
}

async fn at_home(core: &Core, actor: &Actor) -> Result<(), Fault> {
    let home = tenants::home(&core.store.read(Scope::System)).await?.id;
    let is_open = actor.tenant == home && tenancy::is_on(&core.store, core.options.multi_tenant).await?;
    if is_open { Ok(()) } else { Err(nothing()) }
}

/// Carries out a change to teams.
pub(crate) async fn perform(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &TenantAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let own = tx.scope();
    tx.set_scope(Scope::System);
    let made = within(tx, core, run, action, after).await;
    tx.set_scope(own);
    made
}

async fn within(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &TenantAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    let home = tenants::home(tx).await?.id;
    if run.tenant != home {
        return Err(nothing().into());
    }
    let id = match action {
        TenantAction::Create(create) => {
            let (team, _) = tenants::create(tx, create.name.as_str()).await?;
            return invite(tx, core, run, team.id, &create.owner, after).await;
        }
        TenantAction::Invite(invited) => {
            tenants::lock(tx, invited.tenant).await?;
            if !grants::owners(tx, invited.tenant).await?.is_empty() {
                let fault = Fault::new(ErrorKind::Conflict, "tenant.owned", "This team has an owner.");
                return Err(fault.fix("Its owner invites everybody else.").into());
            }
            return invite(tx, core, run, invited.tenant, &invited.owner, after).await;
        }
        TenantAction::Rename(rename) => {
            tenants::rename(tx, rename.tenant, rename.name.as_str()).await?;
            rename.tenant
        }
        TenantAction::Suspend(suspend) => {
            if suspend.tenant == home {
                let fault = Fault::new(ErrorKind::Conflict, "tenant.home", "The installation's own team stays.");
                return Err(fault.fix("Suspend single people of it, or another team.").into());
            }
            tenants::set_suspended(tx, suspend.tenant, Some(suspend.reason.trim())).await?;
            suspend.tenant
        }
        TenantAction::Resume(resume) => {
            tenants::set_suspended(tx, resume.tenant, None).await?;
            resume.tenant
        }
    };
    tell_team(tx, run, id);
    Ok(Made::Team { id, link: None, mailed: false })
}

/// Asks somebody to own a team: by the same kind of link as everybody else.
async fn invite(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    id: TenantId,
    owner: &Email,
    after: &mut After,
) -> sf_store::Result<Made> {
    let by = crate::perform::person(run)?;
    if users::by_email(tx, owner.as_str()).await?.is_some() {
        let fault = Fault::new(ErrorKind::Conflict, "user.exists", format!("{owner} has an account already."));
        return Err(fault.fix("A person belongs to one team: give another address.").into());
    }
    let inviter = users::get(tx, by).await?.name;
    tx.set_scope(Scope::Tenant(id));
    let asked = invitations::Asked {
        tenant: id,
        email: owner,
        role: Some(RoleRef::BuiltIn(built_in::owner())),
        permissions: &[],
        object: ObjectRef::TENANT,
        by: None,
        inviter: &inviter,
    };
    let issued = invitations::issue(tx, core, &asked, after).await;
    tx.set_scope(Scope::System);
    let (_, link, mailed) = issued?;
    tell_team(tx, run, id);
    Ok(Made::Team { id, link: Some(link), mailed })
}

/// What is done to a team stands in its own lines too, without who of another team did it.
fn tell_team(tx: &mut Tx, run: &Run, id: TenantId) {
    tx.audit(Entry {
        tenant: Some(id),
        project: None,
        actor_kind: "system".to_owned(),
        actor_ref: String::new(),
        action: run.action.spec().name.to_owned(),
        target_kind: "tenant".to_owned(),
        target_id: id.to_string(),
        run: None,
        request: None,
        outcome: "succeeded".to_owned(),
        fields: vec![("through", "operator".to_owned())],
        personal: Vec::new(),
    });
}

/// What a change to teams would do, for its plan: teams are seen by the installation alone.
pub(crate) async fn tell(core: &Core, action: &TenantAction) -> sf_store::Result<Told> {
    let at = &core.store.read(Scope::System);
    let mut told = Told::default();
    let days = invitations::INVITATION_LIFETIME.as_secs() / 86_400;
    let mut step = |text: String| told.steps.push(text);
    match action {
        TenantAction::Create(create) => {
            step(format!("The team `{}` is made, apart from all others.", create.name));
            step(format!("{} may join it once within {days} days, as its owner.", create.owner));
        }
        TenantAction::Invite(invite) => {
            let name = tenants::get(at, invite.tenant).await?.name;
            step(format!("{} may join `{name}` once within {days} days, as its owner.", invite.owner));
            step("Earlier links to the same address open nothing any more.".to_owned());
        }
        TenantAction::Rename(rename) => {
            let before = tenants::get(at, rename.tenant).await?.name;
            step(format!("The team `{before}` is called `{}` from now on.", rename.name));
        }
        TenantAction::Suspend(suspend) => {
            let name = tenants::get(at, suspend.tenant).await?.name;
            step(format!("The people and keys of `{name}` are shut out within seconds, until it is resumed."));
            step("Its machines stay connected, and its apps keep running.".to_owned());
        }
        TenantAction::Resume(resume) => {
            let name = tenants::get(at, resume.tenant).await?.name;
            step(format!("The people and keys of `{name}` come in again, with the sessions they had."));
        }
    }
    Ok(told)
}

impl Control {
    /// Whether this actor operates an installation of several teams.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn operates(&self, actor: &Actor) -> Result<bool, Fault> {
        if !actor.may(Permission::TenantManage) {
            return Ok(false);
        }
        match at_home(self.core(), actor).await {
            Ok(()) => Ok(true),
            Err(fault) if fault.kind == ErrorKind::NotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Refuses everybody who does not operate an installation of several teams.
    ///
    /// # Errors
    /// Nothing is there for this actor, or the right is missing.
    pub(crate) async fn must_operate(&self, actor: &Actor) -> Result<(), Fault> {
        at_home(self.core(), actor).await?;
        if actor.may(Permission::TenantManage) { Ok(()) } else { Err(lacks(Permission::TenantManage)) }
    }

    /// The installation's teams, newest first; `q` is looked for in the name.
    ///
    /// # Errors
    /// As [`Self::must_operate`]; a bad cursor; the store cannot be read.
    pub async fn tenants(&self, actor: &Actor, q: Option<&str>, page: &PageRequest) -> Result<Page<Team>, Fault> {
        self.must_operate(actor).await?;
        let found = tenants::page(&self.core().store.read(Scope::System), q, page).await?;
        let mut items = Vec::with_capacity(found.items.len());
        for tenant in found.items {
            items.push(self.seen(tenant).await?);
        }
        Ok(Page { items, next: found.next })
    }

    /// One of the installation's teams.
    ///
    /// # Errors
    /// As [`Self::must_operate`]; not there; the store cannot be read.
    pub async fn tenant(&self, actor: &Actor, id: TenantId) -> Result<Team, Fault> {
        self.must_operate(actor).await?;
        self.seen(tenants::get(&self.core().store.read(Scope::System), id).await?).await
    }

    async fn seen(&self, tenant: Tenant) -> Result<Team, Fault> {
        let store = &self.core().store;
        let home = tenants::home(&store.read(Scope::System)).await?.id;
        let inside = store.read(Scope::Tenant(tenant.id));
        let people = users::count(&inside).await?;
        let nodes = nodes::count_all(&inside).await?;
        let has_owner = !grants::owners(&inside, tenant.id).await?.is_empty();
        Ok(Team { is_home: tenant.id == home, tenant, people, nodes, has_owner })
    }
}
