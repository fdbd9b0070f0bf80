//! Who decides for whom while they are away: an act on one's own account, audited and no run.

use sf_actions::{Actor, Permission, PermissionSet, Rights};
use sf_store::deputies::{self, Deputy};
use sf_store::{Look, grants, users};
use sf_types::{DeputyId, ErrorKind, Fault, RequestId, Scope, Timestamp, UserId};

use crate::control::Control;
use crate::people;

/// The longest time somebody decides for somebody else: 90 days, in seconds.
pub const MAX_SECONDS: u64 = 90 * 86_400;

/// What a deputy may do of what the person they stand in for may do.
const OF_DEPUTIES: &[Permission] = &[
    Permission::ApprovalView,
    Permission::ApprovalDecide,
    Permission::AppView,
    Permission::NodeView,
    Permission::ProjectView,
    Permission::WorkflowView,
];

/// What a person may do as a deputy, besides what they may do themselves.
pub(crate) async fn rights(at: &impl Look, user: UserId, own: Rights, now: Timestamp) -> sf_store::Result<Rights> {
    let others = deputies::decides_for(at, user, now).await?;
    if others.is_empty() {
        return Ok(own);
    }
    let allowed = PermissionSet::of(OF_DEPUTIES);
    let mut all: Vec<_> = own.given().to_vec();
    for other in others {
        let theirs = grants::of_user(at, other).await?;
        all.extend(theirs.into_iter().map(|grant| (grant.object.0, grant.permissions.intersection(allowed))));
    }
    Ok(Rights::of(all))
}

impl Control {
    /// Deputies that a person has named or is.
    ///
    /// # Errors
    /// No person, or the store cannot be read.
    pub async fn deputies(&self, actor: &Actor) -> Result<Vec<Deputy>, Fault> {
        Ok(deputies::of_person(&self.core().store.read(actor.scope()), own(actor)?, self.now()).await?)
    }

    /// Names somebody who decides instead, for a while.
    ///
    /// # Errors
    /// A person who is not there, oneself, a time that is no time; the store cannot record it.
    pub async fn name_deputy(
        &self,
        actor: &Actor,
        request: RequestId,
        to: UserId,
        (starts_at, ends_at): (Timestamp, Timestamp),
    ) -> Result<Deputy, Fault> {
        let from = own(actor)?;
        if to == from {
            return Err(refused("to", "Nobody is their own deputy.", "Name somebody else."));
        }
        let now = self.now();
        let long = ends_at.since(starts_at).as_secs() > MAX_SECONDS;
        if ends_at <= starts_at || ends_at <= now || long {
            return Err(refused(
                "endsAt",
                "It ends before it begins, is over, or is longer than 90 days.",
                "Choose another time.",
            ));
        }
        let id: DeputyId = self.core().rng.id(&self.core().clock);
        let deputy = Deputy { id, tenant: actor.tenant, from, to, starts_at, ends_at, created_at: now };
        let (kept, kind) = (deputy.clone(), actor.kind);
        let write = self.core().store.write(Scope::Tenant(actor.tenant), move |tx| {
            Box::pin(async move {
                if users::get(tx, to).await?.disabled_at.is_some() {
                    return Err(refused("to", "They are suspended.", "Name somebody else.").into());
                }
                deputies::name(tx, &kept).await?;
                tx.audit(people::audit(Some(kept.tenant), kind, &to.to_string(), request, "deputy.name"));
                Ok(())
            })
        });
        write.await?;
        Ok(deputy)
    }

    /// Takes a deputy back; both of them may.
    ///
    /// # Errors
    /// No such deputy of this person; the store cannot record it.
    pub async fn take_deputy_back(&self, actor: &Actor, request: RequestId, id: DeputyId) -> Result<(), Fault> {
        let (user, kind, tenant) = (own(actor)?, actor.kind, actor.tenant);
        let write = self.core().store.write(Scope::Tenant(tenant), move |tx| {
            Box::pin(async move {
                let deputy = deputies::get(tx, id).await?;
                if deputy.from != user && deputy.to != user {
                    return Err(sf_store::StoreError::NotFound("deputy"));
                }
                deputies::take_back(tx, id).await?;
                tx.audit(people::audit(Some(tenant), kind, &deputy.to.to_string(), request, "deputy.take_back"));
                Ok(())
            })
        });
        Ok(write.await?)
    }
}

/// Only people have deputies, and an inbox.
pub(crate) fn own(actor: &Actor) -> Result<UserId, Fault> {
    let none = || {
        Fault::new(ErrorKind::Forbidden, "actor.not_a_person", "Only a person has an inbox.")
            .fix("Sign in, or use a key of your own.")
    };
    actor.kind.person().ok_or_else(none)
}

fn refused(field: &str, message: &str, fix: &str) -> Fault {
    Fault::new(ErrorKind::Invalid, "value.refused", format!("{field}: {message}")).fix(fix)
}
