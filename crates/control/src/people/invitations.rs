//! How people come: asked by somebody who may, by a link that is good once, for one address, for a week.

use std::sync::Arc;
use std::time::Duration;

use sf_actions::role::RoleRef;
use sf_actions::user::{Invite, UserAction};
use sf_actions::{Action, Actor, ObjectRef, Permission};
use sf_engine::Run;
use sf_identity::bearer::{BearerKind, Presented};
use sf_identity::once;
use sf_store::invitations::{self, Invitation};
use sf_store::{Look, Reader, StoreError, Tx, tenants, users};
use sf_types::{Email, ErrorKind, Fault, InvitationId, Name, Scope, Secret, TenantId, Timestamp, UserId};

use crate::control::{Control, Core};
use crate::events;
use crate::mail::{self, letter};
use crate::people::{perform, roles};
use crate::proposal::Made;
use crate::sign_in::{Origin, SignedIn, signing};
use crate::transition::After;

/// How long an invitation is good: 7 days.
pub const INVITATION_LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// Open invitations of a team.
pub const MAX_OPEN_INVITATIONS: u64 = 500;
/// Invitations of one team to one address within a day: letters to somebody who may not want them.
pub const MAX_INVITATIONS_A_DAY: u64 = 10;
/// A day.
const DAY: Duration = Duration::from_secs(86_400);
/// Page of the dashboard on which people join.
const PAGE: &str = "invitation";

/// What somebody is shown who opens an invitation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Welcome {
    /// For which address it is.
    pub email: String,
    /// Into which team.
    pub team: String,
    /// Who invited, where they are still there.
    pub invited_by: Option<String>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Tells a colleague at once that somebody is here already. Only who may see people is told; for all others, and for
/// accounts of other teams, the answer to an invitation is always the same.
pub(crate) async fn welcome(reader: &Reader, actor: &Actor, action: &Action) -> Result<(), Fault> {
    let Action::User(UserAction::Invite(invite)) = action else { return Ok(()) };
    if !actor.may(Permission::UserCreate) || !actor.may(Permission::UserView) {
        return Ok(());
    }
    if users::by_email(reader, invite.email.as_str()).await?.is_none() {
        return Ok(());
    }
    let fault = Fault::new(ErrorKind::Conflict, "user.exists", format!("{} is in this team already.", invite.email));
    Err(fault.fix("Give them another role instead."))
}

/// Makes an invitation and its letter.
pub(crate) async fn invite(
    tx: &mut Tx,
    core: &Arc<Core>,
    run: &Run,
    args: &Invite,
    after: &mut After,
) -> sf_store::Result<Made> {
    let by = crate::perform::person(run)?;
    roles::can_be_given(tx, run, args).await?;
    let inviter = users::get(tx, by).await?.name;
    let asked = Asked {
        tenant: run.tenant,
        email: &args.email,
        role: args.role,
        permissions: &args.permissions,
        object: args.object,
        by: Some(by),
        inviter: &inviter,
    };
    let (id, link, mailed) = issue(tx, core, &asked, after).await?;
    Ok(Made::Invited { id, link, mailed })
}

/// Whom to ask for what.
pub(super) struct Asked<'a> {
    pub(super) tenant: TenantId,
    pub(super) email: &'a Email,
    pub(super) role: Option<RoleRef>,
    /// In place of a role.
    pub(super) permissions: &'a [Permission],
    pub(super) object: ObjectRef,
    /// Somebody of the team; `None` where who operates the installation asks its first owner.
    pub(super) by: Option<UserId>,
    /// As the letter calls them.
    pub(super) inviter: &'a str,
}

/// Keeps an invitation and writes its letter; answers it, its link, and whether the letter goes by mail.
pub(super) async fn issue(
    tx: &mut Tx,
    core: &Arc<Core>,
    asked: &Asked<'_>,
    after: &mut After,
) -> sf_store::Result<(InvitationId, String, bool)> {
    within_limits(tx, asked.email).await?;
    let id: InvitationId = tx.new_id();
    let issued = once::issue(BearerKind::Invitation, id.uuid(), &core.rng);
    let invitation = Invitation {
        id,
        tenant: asked.tenant,
        email: asked.email.to_string(),
        role: asked.role.map(|role| role.to_string()).unwrap_or_default(),
        object_kind: asked.object.kind().to_owned(),
        object_id: asked.object.id(),
        hash: issued.hash,
        invited_by: asked.by,
        created_at: tx.now(),
        expires_at: tx.now().plus(INVITATION_LIFETIME),
        used_at: None,
        withdrawn_at: None,
        user: None,
        from_operator: asked.by.is_none().then_some(true),
        permissions: roles::written(asked.permissions),
    };
    invitations::create(tx, &invitation).await?;
    tx.publish(events::invitation_changed(asked.tenant, id, "made"));
    let link = core.mail.page(PAGE, issued.text.expose());
    let mailed = write_letter(tx, core, asked, &invitation, &link).await?;
    after.posted |= mailed;
    Ok((id, link, mailed))
}

async fn within_limits(tx: &Tx, email: &Email) -> sf_store::Result<()> {
    let since = tx.now().minus(DAY);
    if invitations::count_since(tx, email.as_str(), since).await? >= MAX_INVITATIONS_A_DAY {
        let message = "This address was invited too often today.";
        let fault = Fault::new(ErrorKind::RateLimited, "invitation.too_often", message);
        return Err(fault.fix("Give them the last link yourself, or wait until tomorrow.").into());
    }
    if invitations::count_open(tx).await? >= MAX_OPEN_INVITATIONS {
        let message = format!("{MAX_OPEN_INVITATIONS} invitations are open, and no more are allowed.");
        let fault = Fault::new(ErrorKind::TooLarge, "invitation.too_many", message);
        return Err(fault.fix("Take some of them back.").into());
    }
    Ok(())
}

/// Who has an account already is told so by the letter, and by nothing else.
async fn write_letter(
    tx: &mut Tx,
    core: &Core,
    asked: &Asked<'_>,
    invitation: &Invitation,
    link: &str,
) -> sf_store::Result<bool> {
    let scope = tx.scope();
    let Asked { email, inviter, .. } = asked;
    let team = perform::team(tx, invitation.tenant).await?;
    tx.set_scope(Scope::System);
    let is_known = users::by_email(tx, &invitation.email).await?.is_some();
    tx.set_scope(scope);
    let (now, until) = (tx.now(), invitation.expires_at);
    let letter = if is_known {
        letter::known_already(email, inviter, &team, &core.mail.sign_in_page(), now, until)
    } else {
        letter::invitation(email, inviter, &team, link, now, until)
    };
    Ok(mail::post(tx, core, "invitation", &letter))
}

/// One answer for links that are unknown, used, taken back, too old, or whose address has an account by now.
pub(super) fn over() -> Fault {
    let fault = Fault::new(ErrorKind::NotFound, "invitation.over", "This invitation cannot be used (any more).");
    fault.fix("Ask who invited you for another one, or sign in if you have an account.")
}

fn read(text: &str) -> Result<(InvitationId, Presented), Fault> {
    let presented = once::read(BearerKind::Invitation, text).map_err(|refusal| {
        Fault::new(ErrorKind::Invalid, "invitation.mistyped", format!("This is no invitation: {refusal}."))
            .fix("Open the whole link again.")
    })?;
    Ok((InvitationId::from_uuid(presented.id), presented))
}

/// The invitation that a link opens now.
async fn opened(at: &impl Look, id: InvitationId, presented: &Presented) -> Result<Option<Invitation>, StoreError> {
    let row = match invitations::get(at, id).await {
        Ok(row) => Some(row),
        Err(StoreError::NotFound(_)) => None,
        Err(error) => return Err(error),
    };
    let stored = row.as_ref().map(|row| once::Stored {
        hash: row.hash,
        expires_at: row.expires_at,
        is_spent: row.used_at.is_some() || row.withdrawn_at.is_some(),
    });
    let is_good = once::is_good(presented, stored.as_ref(), at.now());
    Ok(row.filter(|_| is_good))
}

impl Control {
    /// What a link opens.
    ///
    /// # Errors
    /// It is no link of ours, or opens nothing (any more).
    pub async fn invitation(&self, text: &str) -> Result<Welcome, Fault> {
        let (id, presented) = read(text)?;
        let reader = self.core().store.read(Scope::System);
        let row = opened(&reader, id, &presented).await?.ok_or_else(over)?;
        let invited_by = match row.invited_by {
            Some(by) => users::get(&reader, by).await.ok().map(|user| user.name),
            None => None,
        };
        let team = perform::team(&reader, row.tenant).await?;
        Ok(Welcome { email: row.email, team, invited_by, expires_at: row.expires_at })
    }

    /// Joins by a link: makes the account, gives it its role, uses the link up and signs in.
    ///
    /// # Errors
    /// It opens nothing (any more), or the password is refused. Of racing calls one is answered with a session.
    pub async fn accept_invitation(
        &self,
        text: &str,
        name: &Name,
        password: Secret<String>,
        origin: Origin,
    ) -> Result<SignedIn, Fault> {
        let (id, presented) = read(text)?;
        let core = self.core().clone();
        let open = opened(&core.store.read(Scope::System), id, &presented).await?.ok_or_else(over)?;
        let hash = core.people.passwords.hash(&password, &[&open.email, name.as_str()]).await?;
        let (name, from, set) = (name.clone(), origin.clone(), hash.clone());
        let join = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let row = opened(tx, id, &presented).await?.ok_or_else(over)?;
                joined(tx, &row, &name, &set, &from).await
            })
        });
        let user = join.await?;
        self.open_session(user, hash, origin).await
    }
}

async fn joined(
    tx: &mut Tx,
    row: &Invitation,
    name: &Name,
    hash: &str,
    origin: &Origin,
) -> sf_store::Result<users::User> {
    if users::by_email(tx, &row.email).await?.is_some() {
        return Err(over().into());
    }
    tx.set_scope(Scope::Tenant(row.tenant));
    if tenants::get(tx, row.tenant).await?.suspended_at.is_some() {
        return Err(over().into());
    }
    let user = users::create(tx, row.tenant, &row.email, name.as_str()).await.map_err(|error| match error {
        // Somebody was faster, through another control plane.
        StoreError::Taken(_) => over().into(),
        other => other,
    })?;
    invitations::spend(tx, row.id, user.id).await.map_err(|error| match error {
        StoreError::Stale(_) => over().into(),
        other => other,
    })?;
    users::set_password(tx, user.id, hash).await?;
    roles::give(tx, row, user.id).await?;
    tx.audit(signing(Some((row.tenant, user.id)), &row.email, origin, "user.join", "succeeded"));
    tx.publish(events::user_changed(row.tenant, user.id, "joined"));
    tx.publish(events::invitation_changed(row.tenant, row.id, "used"));
    Ok(user)
}
