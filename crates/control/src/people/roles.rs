//! Where people and their roles meet: the only calls from here to what is granted.

use sf_actions::user::Invite;
use sf_actions::{ObjectRef, PermissionSet};
use sf_engine::Run;
use sf_store::invitations::Invitation;
use sf_store::{StoreError, Tx, grants, tenants};
use sf_types::{ErrorKind, Fault, TenantId, UserId};

use crate::authority;
use crate::perform::roles;

/// Refuses a role or an object that is not there, and more than the inviter has there.
pub(super) async fn can_be_given(tx: &Tx, run: &Run, args: &Invite) -> sf_store::Result<()> {
    let own = authority::rights_of(tx, run.actor).await?;
    let place = authority::standing_of(tx, args.object).await?;
    roles::within(&own, roles::permissions_of(tx, args.role).await?, &place)
}

/// Gives somebody who joins the role they were invited with. A role or object that is gone by now gives nothing.
pub(super) async fn give(tx: &mut Tx, row: &Invitation, user: UserId) -> sf_store::Result<()> {
    let object = ObjectRef::parse(&row.object_kind, &row.object_id);
    let (Ok(object), Ok(role)) = (object, row.role.parse()) else {
        return Err(StoreError::Malformed("the role of an invitation".to_owned()));
    };
    match grants::give(tx, user, role, object, row.invited_by).await {
        Err(StoreError::NotFound("role")) => Ok(()),
        given => given,
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
    let fault = Fault::new(ErrorKind::Conflict, "user.last_owner", message);
    Err(fault.fix("Make somebody else an owner first.").into())
}
