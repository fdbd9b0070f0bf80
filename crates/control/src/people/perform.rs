//! What one person does to another, inside the transaction that records it.

use std::sync::Arc;

use sf_actions::user::UserAction;
use sf_engine::Run;
use sf_store::servers::{self, ServerFilter};
use sf_store::{Look, Tx, invitations, runs, sessions, tenants, tokens, users};
use sf_types::{ErrorKind, Fault, TenantId, UserId};

use crate::control::Core;
use crate::events;
use crate::people::roles;
use crate::proposal::Made;
use crate::transition::After;

/// Carries out an action about people.
pub(crate) async fn perform(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    action: &UserAction,
    after: &mut After,
) -> sf_store::Result<Made> {
    match action {
        UserAction::Invite(args) => super::invitations::invite(tx, core, run, args, after).await,
        UserAction::Uninvite(args) => {
            invitations::withdraw(tx, args.invitation).await?;
            tx.publish(events::invitation_changed(run.tenant, args.invitation, "withdrawn"));
            Ok(Made::Nothing)
        }
        UserAction::Update(args) => {
            roles::within_reach(tx, run, args.user).await?;
            users::rename(tx, args.user, args.name.as_str()).await?;
            changed(tx, run, args.user, "renamed")
        }
        UserAction::Suspend(args) => {
            somebody_else(run, args.user, "suspend")?;
            roles::within_reach(tx, run, args.user).await?;
            roles::somebody_stays(tx, run.tenant, args.user).await?;
            shut_out(tx, args.user, "suspended").await?;
            users::set_disabled(tx, args.user, true).await?;
            changed(tx, run, args.user, "suspended")
        }
        UserAction::Reinstate(args) => {
            roles::within_reach(tx, run, args.user).await?;
            users::set_disabled(tx, args.user, false).await?;
            changed(tx, run, args.user, "reinstated")
        }
        UserAction::SignOut(args) => {
            roles::within_reach(tx, run, args.user).await?;
            sessions::revoke_all(tx, args.user, None, "signed out by somebody else").await?;
            changed(tx, run, args.user, "signed out")?;
            Ok(Made::Nothing)
        }
        UserAction::Remove(args) => {
            somebody_else(run, args.user, "remove")?;
            roles::within_reach(tx, run, args.user).await?;
            roles::somebody_stays(tx, run.tenant, args.user).await?;
            remove(tx, args.user).await?;
            changed(tx, run, args.user, "removed")?;
            Ok(Made::Nothing)
        }
    }
}

fn changed(tx: &mut Tx, run: &Run, user: UserId, what: &str) -> sf_store::Result<Made> {
    tx.publish(events::user_changed(run.tenant, user, what));
    Ok(Made::User(user))
}

/// Nobody locks themselves out, and no AI locks out whom it acts for.
fn somebody_else(run: &Run, user: UserId, verb: &str) -> sf_store::Result<()> {
    if run.actor.user() != Some(user) {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::Conflict, "user.self", format!("Nobody can {verb} themselves."));
    Err(fault.fix("Ask somebody else who may do it.").into())
}

/// Ends everything a person could come back by, and what they have asked others to come by.
async fn shut_out(tx: &mut Tx, user: UserId, why: &str) -> sf_store::Result<()> {
    sessions::revoke_all(tx, user, None, why).await?;
    tokens::revoke_all(tx, user).await?;
    sf_store::resets::spend_all(tx, user).await?;
    invitations::withdraw_of(tx, user).await.map(drop)
}

/// What a person owns outlives them, so somebody else has to have it first.
async fn owns_nothing(tx: &mut Tx, user: UserId) -> sf_store::Result<()> {
    let count = servers::count(tx, &ServerFilter { owner: Some(user), ..ServerFilter::default() }).await?;
    if count == 0 {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::Conflict, "user.owns_servers", format!("They own {count} servers."));
    Err(fault.fix("Give these servers to somebody else, or delete them.").into())
}

/// Deletes a person. The chain of audit lines keeps their id and its commitments, and goes on verifying.
async fn remove(tx: &mut Tx, user: UserId) -> sf_store::Result<()> {
    let row = users::get(tx, user).await?;
    owns_nothing(tx, user).await?;
    shut_out(tx, user, "removed").await?;
    runs::erase_person(tx, user, &row.email).await?;
    crate::audit::retention::erase_person(tx, user).await?;
    sf_store::grants::forget_person(tx, user).await?;
    users::remove(tx, user).await
}

/// Whose team it is, as letters and pages call it.
pub(super) async fn team(at: &impl Look, tenant: TenantId) -> sf_store::Result<String> {
    Ok(crate::mail::letter::team(&tenants::get(at, tenant).await?.name))
}
