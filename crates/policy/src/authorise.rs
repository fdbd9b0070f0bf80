//! May this principal do that to this object?

use sf_actions::{Actor, Permission, PermissionSet, Rights, Standing};
use sf_types::TenantId;

/// The answer. Hidden objects and forbidden acts are told apart only to those who may see the object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Yes.
    Allow,
    /// The object does not exist for this principal: 404.
    Hide,
    /// It may see the object, but not do this: 403.
    Forbid(Permission),
}

/// Whose an object is and where it stands there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Owned {
    /// Its team.
    pub tenant: TenantId,
    /// Its place inside the team.
    pub standing: Standing,
}

/// Decides about one act on one object. `view` is the right that makes the object visible; `None` for acts on things
/// that do not exist yet.
pub fn authorise(actor: &Actor, needed: Permission, view: Option<Permission>, owned: &Owned) -> Access {
    if actor.tenant != owned.tenant {
        return Access::Hide;
    }
    let allowed = actor.rights.at(&owned.standing);
    if view.is_some_and(|view| !allowed.has(view)) {
        return Access::Hide;
    }
    if allowed.has(needed) { Access::Allow } else { Access::Forbid(needed) }
}

/// What is missing for giving (or taking) `wanted` at a place: nobody hands on what they do not have there.
pub fn beyond(giver: &Rights, wanted: PermissionSet, place: &Standing) -> PermissionSet {
    wanted.without(giver.at(place))
}

/// Whether `actor` may act on the person who has `other`: suspend them, reset their factors, end their sessions. Who
/// could take over somebody with more rights would have those rights.
pub fn reaches(actor: &Rights, other: &Rights) -> bool {
    let own = actor.in_tenant();
    other.given().iter().all(|(_, permissions)| own.has_all(*permissions))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::{ActorKind, Object};
    use sf_types::{AppId, ProjectId, Timestamp, TypedId};

    const VIEW: Permission = Permission::AppView;
    const DEPLOY: Permission = Permission::AppDeploy;

    fn id<I: TypedId>(n: u8) -> I {
        I::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn actor(rights: Rights) -> Actor {
        Actor { kind: ActorKind::System, tenant: id(1), rights }
    }

    fn app(tenant: u8, project: u8) -> Owned {
        let (project, app) = (Some(id::<ProjectId>(project)), Some(id::<AppId>(1)));
        Owned { tenant: id(tenant), standing: Standing { project, app, ..Standing::TENANT } }
    }

    #[test]
    fn authority_as_a_table() {
        let set = PermissionSet::of;
        let in_project = |permissions| Rights::of([(Object::Project(id(1)), permissions)]);
        for (rights, owned, expected) in [
            (Rights::everywhere(set(&[VIEW, DEPLOY])), app(1, 1), Access::Allow),
            (Rights::everywhere(set(&[VIEW])), app(1, 1), Access::Forbid(DEPLOY)),
            (Rights::everywhere(set(&[DEPLOY])), app(1, 1), Access::Hide),
            (Rights::everywhere(PermissionSet::NONE), app(1, 1), Access::Hide),
            (Rights::nothing(), app(1, 1), Access::Hide),
            (Rights::everywhere(set(&[VIEW, DEPLOY])), app(2, 1), Access::Hide),
            (Rights::everywhere(PermissionSet::ALL), app(2, 1), Access::Hide),
            (in_project(set(&[VIEW, DEPLOY])), app(1, 1), Access::Allow),
            (in_project(set(&[VIEW])), app(1, 1), Access::Forbid(DEPLOY)),
            (in_project(PermissionSet::ALL), app(1, 2), Access::Hide),
            (in_project(PermissionSet::ALL), app(2, 1), Access::Hide),
        ] {
            let actor = actor(rights);
            assert_eq!(authorise(&actor, DEPLOY, Some(VIEW), &owned), expected, "{actor:?} {owned:?}");
        }
    }

    #[test]
    fn nobody_hands_on_what_they_do_not_have_there() {
        let project = Standing { project: Some(id(1)), ..Standing::TENANT };
        let giver = Rights::of([(Object::Project(id(1)), PermissionSet::of(&[VIEW]))]);
        for (wanted, place, missing) in [
            (PermissionSet::of(&[VIEW]), project, PermissionSet::NONE),
            (PermissionSet::of(&[VIEW, DEPLOY]), project, PermissionSet::of(&[DEPLOY])),
            (PermissionSet::of(&[VIEW]), Standing::TENANT, PermissionSet::of(&[VIEW])),
            (PermissionSet::NONE, Standing::TENANT, PermissionSet::NONE),
        ] {
            assert_eq!(beyond(&giver, wanted, &place), missing, "{wanted:?} {place:?}");
        }
    }

    #[test]
    fn who_has_more_is_out_of_reach() {
        let (all, some) = (PermissionSet::ALL, PermissionSet::of(&[VIEW, Permission::UserUpdate]));
        for (own, other, expected) in [
            (Rights::everywhere(all), Rights::everywhere(all), true),
            (Rights::everywhere(all), Rights::everywhere(some), true),
            (Rights::everywhere(some), Rights::everywhere(all), false),
            (Rights::everywhere(some), Rights::of([(Object::App(id(1)), PermissionSet::of(&[DEPLOY]))]), false),
            (Rights::everywhere(some), Rights::nothing(), true),
            (Rights::nothing(), Rights::everywhere(some), false),
        ] {
            assert_eq!(reaches(&own, &other), expected, "{own:?} {other:?}");
        }
    }
}
