//! Who is in the team, and who is asked to join.

use std::collections::HashMap;

use sf_actions::{Actor, Permission};
use sf_store::invitations::{self, Invitation};
use sf_store::users::{self, User, UserFilter};
use sf_types::{ErrorKind, Fault, InvitationId, Page, PageRequest, UserId};

use crate::control::Control;

impl Control {
    /// People of the team, newest first.
    ///
    /// # Errors
    /// A missing right, a bad cursor.
    pub async fn users(&self, actor: &Actor, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>, Fault> {
        Ok(users::list(&self.view_team(actor, Permission::UserView)?, filter, page).await?)
    }

    /// One of them. Without the right to see people there are none.
    ///
    /// # Errors
    /// Not there, or not for this actor.
    pub async fn user(&self, actor: &Actor, user: UserId) -> Result<User, Fault> {
        if !actor.may(Permission::UserView) {
            return Err(crate::subject::missing("user", user));
        }
        Ok(users::get(&self.core().store.read(actor.scope()), user).await?)
    }

    /// Whether somebody whom the caller was shown is asked for a second factor at sign-in.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_second_factor(&self, user: UserId) -> Result<bool, Fault> {
        Ok(sf_store::factors::is_needed(&self.core().store.read(sf_types::Scope::System), user).await?)
    }

    /// Invitations that nobody has used, newest first, with the names of who made them; `q` is looked for in the
    /// address.
    ///
    /// # Errors
    /// A missing right, a bad cursor.
    pub async fn invitations(
        &self,
        actor: &Actor,
        q: Option<&str>,
        page: &PageRequest,
    ) -> Result<(Page<Invitation>, HashMap<UserId, String>), Fault> {
        let reader = self.view_team(actor, Permission::UserView)?;
        let found = invitations::page(&reader, q, page).await?;
        let mut names = HashMap::new();
        for by in found.items.iter().filter_map(|invitation| invitation.invited_by) {
            if let std::collections::hash_map::Entry::Vacant(place) = names.entry(by)
                && let Ok(user) = users::get(&reader, by).await
            {
                place.insert(user.name);
            }
        }
        Ok((found, names))
    }

    /// One that the actor has just made: no right to see others is needed.
    ///
    /// # Errors
    /// Not made by this actor, or not there.
    pub async fn own_invitation(&self, actor: &Actor, id: InvitationId) -> Result<(Invitation, String), Fault> {
        let reader = self.core().store.read(actor.scope());
        let found = invitations::get(&reader, id).await?;
        let by = found.invited_by.filter(|by| actor.user() == Some(*by));
        let by =
            by.ok_or_else(|| Fault::new(ErrorKind::NotFound, "invitation.not_found", "There is no invitation."))?;
        let name = users::get(&reader, by).await?.name;
        Ok((found, name))
    }
}
