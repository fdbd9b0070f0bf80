//! Where people and their roles meet: the only calls from here to what is granted.

use sf_actions::role::RoleRef;
use sf_actions::user::Invite;
use sf_actions::{ObjectRef, Permission, PermissionSet};
use sf_engine::Run;
use sf_store::invitations::Invitation;
use sf_store::{StoreError, Tx, grants, tenants};
use sf_types::{ErrorKind, Fault, TenantId, UserId};

use super::invitations::over;
use crate::authority;
use crate::perform::roles;

/// Refuses a role or an object that is not there, and more than the inviter has there.
pub(super) async fn can_be_given(tx: &Tx, run: &Run, args: &Invite) -> sf_store::Result<()> {
    let own = authority::rights_of(tx, run.actor).await?;
    let place = authority::standing_of(tx, args.object).await?;
    let wanted = match args.role {
        Some(role) => roles::permissions_of(tx, role).await?,
        None => args.permissions.iter().copied().collect(),
    };
    roles::within(&own, wanted, &place)
}

/// Single permissions as an invitation keeps them; `None` where it gives a role.
pub(super) fn written(permissions: &[Permission]) -> Option<String> {
    let names: Vec<&str> = permissions.iter().map(|permission| permission.name()).collect();
    (!names.is_empty()).then(|| names.join(" "))
}

/// What an invitation gives.
enum Given {
    Role(RoleRef),
    Permissions(Vec<Permission>),
}

impl Given {
    /// # Errors
    /// [`StoreError::Malformed`]; a permission that this program does not know is one, too: less than was meant is not given.
    fn of(row: &Invitation) -> sf_store::Result<Self> {
        let damaged = || StoreError::Malformed("what an invitation gives".to_owned());
        let Some(names) = &row.permissions else {
            return row.role.parse().map(Self::Role).map_err(|_| damaged());
        };
        let read: Result<Vec<Permission>, _> = names.split(' ').map(str::parse).collect();
        read.map(Self::Permissions).map_err(|_| damaged())
    }
}

/// Gives somebody who joins what they were invited with, as far as who invited could still give it.
pub(super) async fn give(tx: &mut Tx, row: &Invitation, user: UserId) -> sf_store::Result<()> {
    let damaged = || StoreError::Malformed("what an invitation gives".to_owned());
    let given = Given::of(row)?;
    let object = ObjectRef::parse(&row.object_kind, &row.object_id).map_err(|_| damaged())?;
    if row.from_operator == Some(true) {
        let Given::Role(role) = given else { return Err(damaged()) };
        return first_owner(tx, row.tenant, user, role, object).await;
    }
    let by = row.invited_by.ok_or_else(over)?;
    let place = authority::standing_of(tx, object).await.map_err(gone)?;
    let wanted = match &given {
        Given::Role(role) => roles::permissions_of(tx, *role).await.map_err(gone)?,
        Given::Permissions(permissions) => permissions.iter().copied().collect(),
    };
    if !sf_policy::beyond(&grants::rights_of(tx, by).await?, wanted, &place).is_empty() {
        return Err(over().into());
    }
    let done = match given {
        Given::Role(role) => grants::give(tx, user, role, object, Some(by)).await,
        Given::Permissions(permissions) => grants::give_permissions(tx, user, &permissions, object, Some(by)).await,
    };
    done.map_err(gone)
}

/// Whoever operates the installation gives a team its owner, and nothing to a team that has one.
async fn first_owner(
    tx: &mut Tx,
    tenant: TenantId,
    user: UserId,
    role: RoleRef,
    object: ObjectRef,
) -> sf_store::Result<()> {
    tenants::lock(tx, tenant).await?;
    if !grants::owners(tx, tenant).await?.is_empty() {
        return Err(over().into());
    }
    grants::give(tx, user, role, object, None).await.map_err(gone)
}

/// What was to be given has gone since: the invitation is good for nothing.
fn gone(error: StoreError) -> StoreError {
    match error {
        StoreError::NotFound(_) => over().into(),
        other => other,
    }
}

/// Refuses acts on people who have more than who asks for it: taking them over would give their rights away.
pub(crate) async fn within_reach(tx: &Tx, run: &Run, user: UserId) -> sf_store::Result<()> {
    let own = authority::rights_of(tx, run.actor).await?;
    let theirs = grants::rights_of(tx, user).await?;
    if sf_policy::reaches(&own, &theirs) {
        return Ok(());
    }
    let more = theirs.given().iter().fold(PermissionSet::NONE, |all, (_, one)| all.union(*one));
    let missing = more.without(own.in_tenant()).iter().next().map_or("", |permission| permission.name());
    let message = format!("They may do more than you (`{missing}`, for one).");
    let fault = Fault::new(ErrorKind::Forbidden, "user.beyond", message);
    Err(fault.fix("Ask somebody who may do at least as much.").into())
}

/// An owner has to stay.
pub(super) async fn somebody_stays(tx: &mut Tx, tenant: TenantId, leaving: UserId) -> sf_store::Result<()> {
    tenants::lock(tx, tenant).await?;
    let owners = grants::owners(tx, tenant).await?;
    if owners.iter().any(|owner| *owner != leaving) || !owners.contains(&leaving) {
        return Ok(());
    }
    let message = "This is the last owner of the team.";
    let fault = Fault::new(ErrorKind::Conflict, "role.last_owner", message);
    Err(fault.fix("Make somebody else an owner first.").into())
}
