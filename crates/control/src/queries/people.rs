//! A person's own account, sessions and tokens.

use sf_actions::Actor;
use sf_store::{sessions, tenants, tokens, users};
use sf_types::{ErrorKind, Fault, Page, PageRequest, SessionId, TokenId, UserId};

use crate::control::Control;

impl Control {
    /// The person behind an actor and their team.
    ///
    /// # Errors
    /// There is no person behind it, or the store cannot be read.
    pub async fn me(&self, actor: &Actor) -> Result<(users::User, tenants::Tenant), Fault> {
        let reader = self.core().store.read(actor.scope());
        let user = users::get(&reader, actor.user().ok_or_else(nobody)?).await?;
        Ok((user, tenants::get(&reader, actor.tenant).await?))
    }

    /// The person's own sessions.
    ///
    /// # Errors
    /// There is no person behind it, or the store cannot be read.
    pub async fn sessions(&self, actor: &Actor, page: &PageRequest) -> Result<Page<sessions::Session>, Fault> {
        Ok(sessions::page_of_user(&self.core().store.read(actor.scope()), person(actor)?, page).await?)
    }

    /// Ends one of the person's own sessions.
    ///
    /// # Errors
    /// Not theirs, or it cannot be recorded.
    pub async fn end_session(&self, actor: &Actor, session: SessionId) -> Result<(), Fault> {
        self.own_session(actor, session).await?;
        self.sign_out(session).await
    }

    /// One of the person's own sessions.
    ///
    /// # Errors
    /// Not theirs, or the store cannot be read.
    pub async fn own_session(&self, actor: &Actor, session: SessionId) -> Result<sessions::Session, Fault> {
        let (reader, user) = (self.core().store.read(actor.scope()), person(actor)?);
        let own = sessions::of_user(&reader, user).await?.into_iter().find(|row| row.id == session);
        own.ok_or_else(|| crate::subject::missing("session", session))
    }

    /// The person's own tokens; never their texts. `q` is looked for in the name.
    ///
    /// # Errors
    /// There is no person behind it, or the store cannot be read.
    pub async fn tokens(&self, actor: &Actor, q: Option<&str>) -> Result<Vec<tokens::Token>, Fault> {
        Ok(tokens::of_user(&self.core().store.read(actor.scope()), person(actor)?, q).await?)
    }
    /// One of the person's own tokens.
    ///
    /// # Errors
    /// Not theirs, or the store cannot be read.
    pub async fn token(&self, actor: &Actor, token: TokenId) -> Result<tokens::Token, Fault> {
        let row = tokens::get(&self.core().store.read(actor.scope()), token).await?;
        if row.user == person(actor)? { Ok(row) } else { Err(crate::subject::missing("token", token)) }
    }
}

/// What one comes in by is no matter of who acts for somebody.
pub(crate) fn person(actor: &Actor) -> Result<UserId, Fault> {
    actor.kind.person().ok_or_else(nobody)
}

fn nobody() -> Fault {
    Fault::new(ErrorKind::Forbidden, "actor.not_a_person", "No person speaks by this credential.")
        .fix("Sign in, or use a token of your own.")
}
