//! Roles, and what people are given: nobody hands on what they do not have, and a team keeps an owner.

use sf_actions::role::{Grant, RoleAction, RoleRef, UpdateRole, Withdraw, built_in};
use sf_actions::{Object, PermissionSet, Rights, Standing};
use sf_engine::Run;
use sf_store::grants::Given;
use sf_store::roles::RoleChange;
use sf_store::{StoreError, Tx, grants, roles, tenants};
use sf_types::{ErrorKind, Fault};

use super::name_taken;
use crate::authority;
use crate::events;
use crate::proposal::Made;

/// Carries out a change to roles.
pub(crate) async fn perform(tx: &mut Tx, run: &Run, action: &RoleAction) -> sf_store::Result<Made> {
    // What the proposer may do now, not what they could when they asked.
    let own = authority::rights_of(tx, run.actor).await?;
    let made = match action {
        RoleAction::Create(create) => {
            let wanted = create.permissions.iter().copied().collect();
            within(&own, wanted, &Standing::TENANT)?;
            let role = roles::create(tx, run.tenant, create.name.as_str(), &create.description, &create.permissions)
                .await
                .map_err(|error| name_taken(error, create.name.as_str()))?;
            Made::Role(role.id)
        }
        RoleAction::Update(update) => self::update(tx, &own, update).await?,
        RoleAction::Delete(delete) => {
            within(&own, roles::get(tx, delete.role).await?.permissions(), &Standing::TENANT)?;
            roles::delete(tx, delete.role).await?;
            Made::Nothing
        }
        RoleAction::Grant(give) => self::give(tx, run, &own, give).await?,
        RoleAction::Withdraw(withdraw) => self::take(tx, run, &own, withdraw).await?,
    };
    tx.publish(match action {
        RoleAction::Grant(Grant { user, .. }) | RoleAction::Withdraw(Withdraw { user, .. }) => {
            events::user_changed(run.tenant, *user, "rights")
        }
        _ => events::roles_changed(run.tenant),
    });
    Ok(made)
}

async fn update(tx: &mut Tx, own: &Rights, update: &UpdateRole) -> sf_store::Result<Made> {
    let before = roles::get(tx, update.role).await?.permissions();
    let after = update.permissions.as_ref().map_or(before, |list| list.iter().copied().collect());
    within(own, before.union(after), &Standing::TENANT)?;
    let change = RoleChange {
        name: update.name.as_ref().map(ToString::to_string),
        description: update.description.clone(),
        permissions: update.permissions.clone(),
    };
    let named = change.name.clone().unwrap_or_default();
    roles::change(tx, update.role, &change).await.map_err(|error| name_taken(error, &named))?;
    Ok(Made::Role(update.role))
}

async fn give(tx: &mut Tx, run: &Run, own: &Rights, give: &Grant) -> sf_store::Result<Made> {
    let place = authority::standing_of(tx, give.object).await?;
    let wanted = match give.role {
        None => give.permissions.iter().copied().collect(),
        Some(role) => permissions_of(tx, role).await?,
    };
    within(own, wanted, &place)?;
    let by = person(run);
    match give.role {
        Some(role) => grants::give(tx, give.user, role, give.object, by).await?,
        None => grants::give_permissions(tx, give.user, &give.permissions, give.object, by).await?,
    }
    Ok(Made::User(give.user))
}

async fn take(tx: &mut Tx, run: &Run, own: &Rights, withdraw: &Withdraw) -> sf_store::Result<Made> {
    tenants::lock(tx, run.tenant).await?;
    let grant = grants::take(tx, withdraw.user, withdraw.grant).await?;
    let place = match authority::standing_of(tx, grant.object).await {
        Err(StoreError::NotFound(_)) => Standing::TENANT,
        other => other?,
    };
    within(own, grant.permissions, &place)?;
    let is_owner = matches!(grant.given, Given::Role(RoleRef::BuiltIn(role)) if role.name == built_in::OWNER);
    if is_owner && grant.object.0 == Object::Tenant {
        keep_an_owner(tx, run).await?;
    }
    Ok(Made::User(withdraw.user))
}

/// Refuses a change after which nobody could manage the team. To be asked after it, under [`tenants::lock`].
pub(crate) async fn keep_an_owner(tx: &mut Tx, run: &Run) -> sf_store::Result<()> {
    if !grants::owners(tx, run.tenant).await?.is_empty() {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::Conflict, "role.last_owner", "The team would be left without an owner.");
    Err(fault.fix("Make somebody else an owner first.").into())
}

/// What a role allows now.
pub(crate) async fn permissions_of(tx: &Tx, role: RoleRef) -> sf_store::Result<PermissionSet> {
    match role {
        RoleRef::BuiltIn(role) => Ok(role.permissions),
        RoleRef::Own(id) => Ok(roles::get(tx, id).await?.permissions()),
    }
}

/// Refuses to hand on, or to take, what the proposer does not have there.
pub(crate) fn within(own: &Rights, wanted: PermissionSet, place: &Standing) -> sf_store::Result<()> {
    let missing = sf_policy::beyond(own, wanted, place);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|permission| format!("`{permission}`")).take(SHOWN).collect();
    let more = missing.iter().count().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!("This reaches beyond your own rights there: you do not have {}{more}.", names.join(", "));
    let fault = Fault::new(ErrorKind::Forbidden, "grant.beyond", message);
    Err(fault.fix("Choose less, or ask somebody who has them.").into())
}

/// Missing permissions that are named; the rest is counted.
const SHOWN: usize = 5;

const fn person(run: &Run) -> Option<sf_types::UserId> {
    run.actor.user()
}
