//! Tokens for the console of one server, for clients that were written for Pterodactyl: made for who shows a credential, and good for
//! no longer than that is.

use std::net::IpAddr;

use sf_actions::{Actor, ActorKind, Permission, Standing};
use sf_identity::access::console::{ConsoleClaims, ConsoleGrant, Holder};
use sf_store::servers::Server;
use sf_types::{ErrorKind, Fault, Secret, ServerId, Timestamp};

use super::bearer::signed_out;
use crate::control::Control;

/// What our rights are called there, as far as a client can use them.
const WORDS: &[(&str, Permission)] = &[
    ("websocket.connect", Permission::ConsoleView),
    ("control.console", Permission::ConsoleCommand),
    ("control.start", Permission::ServerStart),
    ("control.stop", Permission::ServerStop),
    ("control.restart", Permission::ServerRestart),
    ("file.read", Permission::FileRead),
    ("file.read-content", Permission::FileRead),
    ("file.update", Permission::FileWrite),
    ("file.create", Permission::FileWrite),
    ("file.delete", Permission::FileDelete),
    ("file.archive", Permission::FileArchive),
    ("allocation.read", Permission::NetworkView),
    ("user.read", Permission::UserView),
    ("schedule.read", Permission::ScheduleView),
    ("schedule.update", Permission::ScheduleManage),
    ("startup.read", Permission::ServerUpdate),
    ("startup.update", Permission::ServerUpdate),
    ("settings.rename", Permission::ServerUpdate),
    ("settings.reinstall", Permission::ServerUpdate),
];

/// Who holds a console token, as it is now.
#[derive(Clone, Debug)]
pub struct Holding {
    /// Who.
    pub actor: Actor,
    /// What the token says.
    pub claims: ConsoleClaims,
}

impl Holding {
    /// Whether the token is for this, in the word of Pterodactyl.
    pub fn names(&self, word: &str) -> bool {
        self.claims.permissions.iter().any(|own| own == word)
    }

    /// When it is good no more.
    pub fn ends_at(&self) -> Timestamp {
        Timestamp::from_millis(self.claims.exp.saturating_mul(1000))
    }
}

impl Control {
    /// What somebody may do at a server, in words of Pterodactyl.
    pub fn words_at(&self, actor: &Actor, row: &Server) -> Vec<String> {
        let standing = Standing { project: Some(row.project), node: Some(row.node), app: None, server: Some(row.id) };
        let may = WORDS.iter().filter(|(_, right)| actor.may_at(*right, &standing));
        may.map(|(word, _)| (*word).to_owned()).collect()
    }

    /// A token for the console of a server.
    ///
    /// # Errors
    /// Not there, no right to see its console, or nobody that a token can be bound to.
    pub async fn console_token(&self, actor: &Actor, server: ServerId) -> Result<Secret<String>, Fault> {
        let row = self.server_for(actor, server, Permission::ConsoleView).await?;
        let (user, by) = match actor.kind {
            ActorKind::Person { user, session } => (user, Holder::Session(session)),
            ActorKind::Token { user, token } | ActorKind::Ai { user, token } => (user, Holder::Key(token)),
            _ => {
                let message = "A console token is made for a person or a key.";
                return Err(Fault::new(ErrorKind::Forbidden, "console.nobody", message));
            }
        };
        let permissions = self.words_at(actor, &row);
        let grant = ConsoleGrant { user, server, permissions, by, tenant: actor.tenant };
        Ok(self.core().access.issue_console(grant, self.now(), &self.core().rng)?)
    }

    /// Who presents this token for the console of `server`, and that they may still see it.
    ///
    /// # Errors
    /// Not a token for it, expired, its session or key is over, something has to be done first, or the right is gone.
    pub async fn console_holder(
        &self,
        server: ServerId,
        token: &str,
        address: Option<IpAddr>,
    ) -> Result<Holding, Fault> {
        let claims = self.core().access.verify_console(server, token, self.now()).map_err(|refusal| refusal.fault())?;
        self.console_held(claims, address).await
    }

    /// The same of one that was accepted before: whether it still holds, its end not counted.
    ///
    /// # Errors
    /// As [`Control::console_holder`].
    pub async fn console_held(&self, claims: ConsoleClaims, address: Option<IpAddr>) -> Result<Holding, Fault> {
        let (actor, owes) = match claims.by {
            Holder::Session(session) => self.of_session(claims.user_uuid, session).await?,
            Holder::Key(id) => {
                let row = self.key_row(id).await?.ok_or_else(signed_out)?;
                if row.revoked_at.is_some() || row.expires_at <= self.now() || row.user != claims.user_uuid {
                    return Err(signed_out());
                }
                self.of_key(&row, address).await?
            }
        };
        if let Some(duty) = owes {
            return Err(duty.fault());
        }
        self.server_for(&actor, claims.server_uuid, Permission::ConsoleView).await?;
        Ok(Holding { actor, claims })
    }
}
