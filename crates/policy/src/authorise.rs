//! May this principal do that to this object?

use sf_actions::{Actor, Permission};
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

/// Decides about one act on one object of `owner`. `view` is the right that makes the object visible; `None` for
/// acts on things that do not exist yet.
pub fn authorise(actor: &Actor, needed: Permission, view: Option<Permission>, owner: TenantId) -> Access {
    if actor.tenant != owner || view.is_some_and(|view| !actor.may(view)) {
        return Access::Hide;
    }
    if actor.may(needed) { Access::Allow } else { Access::Forbid(needed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::ActorKind;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn authority_as_a_table() {
        let (own, other) = (tenant(1), tenant(2));
        let (deploy, view) = (Permission::AppDeploy, Permission::AppView);
        for (rights, owner, expected) in [
            (vec![view, deploy], own, Access::Allow),
            (vec![view], own, Access::Forbid(deploy)),
            (vec![deploy], own, Access::Hide),
            (vec![], own, Access::Hide),
            (vec![view, deploy], other, Access::Hide),
            (Permission::ALL.to_vec(), other, Access::Hide),
        ] {
            let actor = Actor { kind: ActorKind::System, tenant: own, permissions: rights };
            assert_eq!(authorise(&actor, deploy, Some(view), owner), expected, "{actor:?} {owner}");
        }
    }

    fn tenant(n: u8) -> TenantId {
        TenantId::from_parts(Timestamp::from_millis(1), [n; 10])
    }
}
