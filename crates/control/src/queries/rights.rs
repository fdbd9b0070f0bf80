//! Roles, what people were given, and why somebody may do something or may not.

use sf_actions::role::{BuiltIn, RoleRef, built_in};
use sf_actions::{Actor, Object, ObjectRef, Permission, Standing};
use sf_store::grants::{self, Grant};
use sf_store::{roles, users};
use sf_types::{Fault, ServerId, UserId};

use super::lacks;
use crate::authority;
use crate::control::Control;

/// People looked at for who could give a right, at the most.
const MAX_GIVERS_LOOKED_AT: u32 = 500;
/// People named as those who could.
pub const MAX_GIVERS: usize = 10;

/// A role with how many people have it.
#[derive(Clone, Debug)]
pub enum RoleInUse {
    /// Part of the program.
    BuiltIn(&'static BuiltIn, u64),
    /// The team's own.
    Own(roles::Role, u64),
}

/// What somebody was given, with the names a person reads.
#[derive(Clone, Debug)]
pub struct NamedGrant {
    /// What, where, by whom.
    pub grant: Grant,
    /// Name of the object; `None` for the team and for what is gone.
    pub object: Option<String>,
    /// Name of the role.
    pub role: Option<String>,
}

/// What somebody may do at one object, and why.
#[derive(Clone, Debug)]
pub struct AccessAt {
    /// Where.
    pub object: ObjectRef,
    /// Its name.
    pub name: Option<String>,
    /// What they were given that reaches it.
    pub reaching: Vec<NamedGrant>,
}

/// Whether somebody may do one thing at one object; who could give them the right where not.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Whether they may.
    pub allowed: bool,
    /// People who could give it, oldest first.
    pub givers: Vec<users::User>,
}

impl Control {
    /// Every role of the team: the program's, then its own.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn roles(&self, actor: &Actor) -> Result<Vec<RoleInUse>, Fault> {
        let reader = self.core().store.read(actor.scope());
        let people = roles::people(&reader).await?;
        let with = |name: &str| people.iter().find(|(found, own, _)| own.is_none() && found == name);
        let built_in =
            built_in::ALL.iter().map(|role| RoleInUse::BuiltIn(role, with(role.name).map_or(0, |row| row.2)));
        let own = roles::all(&reader).await?.into_iter().map(|role| {
            let count = people.iter().find(|(_, own, _)| *own == Some(role.id)).map_or(0, |row| row.2);
            RoleInUse::Own(role, count)
        });
        Ok(built_in.chain(own).collect())
    }

    /// What a person was given.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn grants(&self, actor: &Actor, user: UserId) -> Result<Vec<NamedGrant>, Fault> {
        let reader = self.view_team(actor, Permission::UserView)?;
        users::get(&reader, user).await?;
        self.named(actor, grants::of_user(&reader, user).await?).await
    }

    /// What people were given at a server itself, with who they are, by name: for whoever may give rights there.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn people_of_server(
        &self,
        actor: &Actor,
        server: ServerId,
    ) -> Result<Vec<(users::User, Vec<NamedGrant>)>, Fault> {
        self.server_for(actor, server, Permission::AdminRoles).await?;
        let reader = self.core().store.read(actor.scope());
        let given = grants::at_object(&reader, ObjectRef(Object::Server(server))).await?;
        let mut people: Vec<(users::User, Vec<NamedGrant>)> = Vec::new();
        for named in self.named(actor, given).await? {
            match people.iter_mut().find(|(user, _)| user.id == named.grant.user) {
                Some((_, own)) => own.push(named),
                None => people.push((users::get(&reader, named.grant.user).await?, vec![named])),
            }
        }
        people.sort_by(|(one, _), (other, _)| one.name.cmp(&other.name));
        Ok(people)
    }

    /// What the person behind an actor was given.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn own_grants(&self, actor: &Actor) -> Result<Vec<NamedGrant>, Fault> {
        let Some(user) = actor.user() else { return Ok(Vec::new()) };
        let reader = self.core().store.read(actor.scope());
        self.named(actor, grants::of_user(&reader, user).await?).await
    }

    /// What a person may do at an object: "view as".
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn access(&self, actor: &Actor, user: UserId, object: ObjectRef) -> Result<AccessAt, Fault> {
        let reader = self.view_team(actor, Permission::UserView)?;
        users::get(&reader, user).await?;
        let standing = authority::standing_of(&reader, object).await?;
        let all = grants::of_user(&reader, user).await?;
        let reaching = all.into_iter().filter(|grant| standing.is_inside(grant.object.0)).collect();
        Ok(AccessAt {
            object,
            name: authority::name_of(&reader, object).await?,
            reaching: self.named(actor, reaching).await?,
        })
    }

    /// Whether an actor may do something at an object, and who could give them the right.
    ///
    /// # Errors
    /// The object is not there for them, or the store cannot be read.
    pub async fn own_access(&self, actor: &Actor, right: Permission, object: ObjectRef) -> Result<Answer, Fault> {
        let reader = self.core().store.read(actor.scope());
        let standing = authority::standing_of(&reader, object).await?;
        let own = actor.rights.at(&standing);
        // Who holds nothing there is not told that it is there.
        if own.is_empty() {
            return Err(match object.0 {
                sf_actions::Object::Tenant => lacks(right),
                _ => crate::subject::missing(object.kind(), object.id()),
            });
        }
        let givers = if own.has(right) { Vec::new() } else { self.givers(actor, right, &standing).await? };
        Ok(Answer { allowed: own.has(right), givers })
    }

    /// People who may give a right there: they manage roles, and have it themselves.
    async fn givers(&self, actor: &Actor, right: Permission, standing: &Standing) -> Result<Vec<users::User>, Fault> {
        let reader = self.core().store.read(actor.scope());
        let mut givers = Vec::new();
        for user in grants::holders(&reader, MAX_GIVERS_LOOKED_AT).await? {
            let may = grants::rights_of(&reader, user).await?.at(standing);
            if may.has(Permission::AdminRoles) && may.has(right) {
                let person = users::get(&reader, user).await?;
                givers.extend(Some(person).filter(|person| person.disabled_at.is_none()));
            }
            if givers.len() == MAX_GIVERS {
                break;
            }
        }
        Ok(givers)
    }

    async fn named(&self, actor: &Actor, grants: Vec<Grant>) -> Result<Vec<NamedGrant>, Fault> {
        let reader = self.core().store.read(actor.scope());
        let own = roles::all(&reader).await?;
        let mut named = Vec::with_capacity(grants.len());
        for grant in grants {
            let role = match grant.given {
                grants::Given::Role(RoleRef::BuiltIn(role)) => Some(role.title.to_owned()),
                grants::Given::Role(RoleRef::Own(id)) => {
                    own.iter().find(|role| role.id == id).map(|role| role.name.clone())
                }
                grants::Given::Permission(_) => None,
            };
            let object = authority::name_of(&reader, grant.object).await?;
            named.push(NamedGrant { grant, object, role });
        }
        Ok(named)
    }
}
