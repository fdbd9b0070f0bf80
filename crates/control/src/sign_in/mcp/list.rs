//! Whom people have let in.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use sf_actions::{AccessScope, Actor, Permission};
use sf_store::granted::{self, Granted};
use sf_store::tokens::{self, Token};
use sf_store::users;
use sf_types::{Fault, Page, PageRequest, TokenId, UserId};

use super::scopes_of;
use crate::control::Control;

/// Somebody's AI host.
#[derive(Clone, Debug)]
pub struct Connection {
    /// What was granted.
    pub grant: Granted,
    /// Its token: the end, the last use.
    pub token: Token,
    /// The scopes.
    pub scopes: Vec<AccessScope>,
    /// Whose it is, by name.
    pub person: String,
}

impl Control {
    /// Living grants, newest first: one's own; with `all`, those of the team, for who may change its people.
    ///
    /// # Errors
    /// There is no person behind the actor; no right to see those of others; when the store cannot be read.
    pub async fn connections(&self, actor: &Actor, all: bool, page: &PageRequest) -> Result<Page<Connection>, Fault> {
        let own = crate::queries::people::person(actor)?;
        let reader = match all {
            true => self.view_team(actor, Permission::UserUpdate)?,
            false => self.core().store.read(actor.scope()),
        };
        let Page { items, next } = granted::page(&reader, (!all).then_some(own), page).await?;
        let ids: Vec<TokenId> = items.iter().map(|grant| grant.id).collect();
        let mut rows: HashMap<TokenId, Token> =
            tokens::many(&reader, &ids).await?.into_iter().map(|token| (token.id, token)).collect();
        let mut names: HashMap<UserId, String> = HashMap::new();
        let mut found = Vec::new();
        for grant in items {
            let person = match names.entry(grant.user) {
                Entry::Occupied(known) => known.get().clone(),
                Entry::Vacant(place) => place.insert(users::get(&reader, grant.user).await?.name).clone(),
            };
            let Some(token) = rows.remove(&grant.id) else { continue };
            found.push(Connection { scopes: scopes_of(&grant), grant, token, person });
        }
        Ok(Page { items: found, next })
    }
}
