//! Where people and their roles meet: the only calls from here to what is granted.

use sf_actions::user::{Invite, RoleObject};
use sf_store::invitations::Invitation;
use sf_store::{StoreError, Tx, apps, grants, nodes, tenants};
use sf_types::{ErrorKind, Fault, TenantId, UserId};

/// Refuses a role or an object that is not there.
pub(super) async fn can_be_given(tx: &Tx, args: &Invite) -> sf_store::Result<()> {
    grants::rights_of(&args.role)?;
    match args.object {
        RoleObject::Tenant => Ok(()),
        RoleObject::Project(id) => {
            let found = tenants::projects(tx).await?.iter().any(|project| project.id == id);
            if found { Ok(()) } else { Err(StoreError::NotFound("project")) }
        }
        RoleObject::Node(id) => nodes::get(tx, id).await.map(drop),
        RoleObject::App(id) => apps::get(tx, id).await.map(drop),
        RoleObject::Server(_) => Err(StoreError::NotFound("server")),
    }
}

/// Gives somebody who joins the role they were invited with.
pub(super) async fn give(tx: &mut Tx, row: &Invitation, user: UserId) -> sf_store::Result<()> {
    let object = RoleObject::from_words(&row.object_kind, &row.object_id);
    let object = object.ok_or_else(|| StoreError::Malformed("the object of an invitation".to_owned()))?;
    grants::give(tx, row.tenant, user, &row.role, object, row.invited_by).await
}

/// Somebody who may do everything has to stay.
pub(super) async fn somebody_stays(tx: &mut Tx, tenant: TenantId, leaving: UserId) -> sf_store::Result<()> {
    tenants::hold(tx, tenant).await?;
    let owners = grants::owners(tx, tenant).await?;
    if owners.iter().any(|owner| *owner != leaving) || !owners.contains(&leaving) {
        return Ok(());
    }
    let message = "This is the last person who may do everything here.";
    let fault = Fault::new(ErrorKind::Conflict, "user.last_owner", message);
    Err(fault.fix("Make somebody else an owner first.").into())
}
