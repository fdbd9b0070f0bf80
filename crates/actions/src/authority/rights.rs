//! What a principal may do, and where: permissions given at objects. A right given at an object holds for everything
//! inside it.

use sf_types::{AppId, NodeId, ProjectId, Seen, ServerId, Sight};

use crate::permission::{Permission, PermissionSet};

/// Something rights are given at.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// The whole team.
    Tenant,
    /// A project and what it owns.
    Project(ProjectId),
    /// A machine and what lives on it.
    Node(NodeId),
    /// An app.
    App(AppId),
    /// A server of the panel.
    Server(ServerId),
}

/// Where a thing stands inside its team: itself and everything it is inside of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Standing {
    /// The project that owns it.
    pub project: Option<ProjectId>,
    /// The machine it is or lives on.
    pub node: Option<NodeId>,
    /// The app it is or belongs to.
    pub app: Option<AppId>,
    /// The server it is or belongs to.
    pub server: Option<ServerId>,
}

impl Standing {
    /// The team as a whole, and what belongs to no part of it.
    pub const TENANT: Self = Self { project: None, node: None, app: None, server: None };

    /// Whether it is `object`, or inside of it.
    pub fn is_inside(&self, object: Object) -> bool {
        match object {
            Object::Tenant => true,
            Object::Project(id) => self.project == Some(id),
            Object::Node(id) => self.node == Some(id),
            Object::App(id) => self.app == Some(id),
            Object::Server(id) => self.server == Some(id),
        }
    }
}

/// What a principal may do, and where. Several layers narrow each other: who acts for somebody else, or through a
/// key with limits, may do what all of them allow. No layer allows nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rights(Vec<Layer>);

/// Permissions by object; an object once.
type Layer = Vec<(Object, PermissionSet)>;

impl Rights {
    /// Nothing, nowhere.
    pub const fn nothing() -> Self {
        Self(Vec::new())
    }

    /// These permissions in the whole team.
    pub fn everywhere(permissions: PermissionSet) -> Self {
        Self::of([(Object::Tenant, permissions)])
    }

    /// These permissions at these objects.
    pub fn of(given: impl IntoIterator<Item = (Object, PermissionSet)>) -> Self {
        let mut layer = Layer::new();
        for (object, permissions) in given {
            match layer.iter_mut().find(|(known, _)| *known == object) {
                Some((_, known)) => *known = known.union(permissions),
                None => layer.push((object, permissions)),
            }
        }
        layer.sort_unstable_by_key(|(object, _)| *object);
        Self(vec![layer])
    }

    /// What both allow: somebody acting for another, or through a key with limits.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        if self.0.is_empty() || other.0.is_empty() {
            return Self::nothing();
        }
        self.0.extend(other.0);
        self
    }

    /// What is allowed for a thing that stands there.
    pub fn at(&self, standing: &Standing) -> PermissionSet {
        let of_layer = |layer: &Layer| {
            let holding = layer.iter().filter(|(object, _)| standing.is_inside(*object));
            holding.fold(PermissionSet::NONE, |all, (_, permissions)| all.union(*permissions))
        };
        self.0.iter().map(of_layer).reduce(PermissionSet::intersection).unwrap_or_default()
    }

    /// What is allowed in the whole team.
    pub fn in_tenant(&self) -> PermissionSet {
        self.at(&Standing::TENANT)
    }

    /// What is allowed at some object at least, as far as the layers are looked at one by one: never less than that.
    pub fn anywhere(&self) -> PermissionSet {
        let of_layer = |layer: &Layer| layer.iter().fold(PermissionSet::NONE, |all, (_, held)| all.union(*held));
        self.0.iter().map(of_layer).reduce(PermissionSet::intersection).unwrap_or_default()
    }

    /// Which objects are seen by `view`; `None` where there are none.
    pub fn sight(&self, view: Permission) -> Option<Sight> {
        self.shown(|_, permissions| permissions.has(view))
    }

    /// Where runs are seen; `None` where there are none. What happens to apps and machines is seen by who sees apps there;
    /// what happens to one server, by who sees that server.
    pub fn sight_of_runs(&self) -> Option<Sight> {
        self.shown(|object, permissions| {
            let server = matches!(object, Object::Server(_)) && permissions.has(Permission::ServerView);
            server || permissions.has(Permission::AppView)
        })
    }

    fn shown(&self, shows: impl Fn(Object, &PermissionSet) -> bool) -> Option<Sight> {
        let mut layers = Vec::new();
        for layer in &self.0 {
            let mut seen = Seen::default();
            let mut is_all = false;
            for (object, _) in layer.iter().filter(|(object, permissions)| shows(*object, permissions)) {
                match *object {
                    Object::Tenant => is_all = true,
                    Object::Project(id) => seen.projects.push(id),
                    Object::Node(id) => seen.nodes.push(id),
                    Object::App(id) => seen.apps.push(id),
                    Object::Server(id) => seen.servers.push(id),
                }
            }
            if is_all {
                continue;
            }
            if seen == Seen::default() {
                return None;
            }
            layers.push(seen);
        }
        (!self.0.is_empty()).then(|| Sight::of(layers))
    }

    /// What was given, by object, for showing; of several layers the first.
    pub fn given(&self) -> &[(Object, PermissionSet)] {
        self.0.first().map_or(&[], Vec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    fn id<I: TypedId>(n: u8) -> I {
        I::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    const VIEW: Permission = Permission::AppView;
    const DEPLOY: Permission = Permission::AppDeploy;

    fn app(n: u8, project: u8, node: u8) -> Standing {
        Standing { project: Some(id(project)), node: Some(id(node)), app: Some(id(n)), server: None }
    }

    #[test]
    fn a_right_holds_for_what_is_inside_its_object() {
        let set = PermissionSet::of(&[VIEW]);
        for (object, standing, expected) in [
            (Object::Tenant, app(1, 1, 1), true),
            (Object::Tenant, Standing::TENANT, true),
            (Object::Project(id(1)), app(1, 1, 1), true),
            (Object::Project(id(2)), app(1, 1, 1), false),
            (Object::Node(id(1)), app(1, 2, 1), true),
            (Object::App(id(1)), app(1, 2, 2), true),
            (Object::App(id(2)), app(1, 2, 2), false),
            (Object::Server(id(1)), app(1, 1, 1), false),
            (Object::Server(id(1)), Standing { server: Some(id(1)), ..Standing::TENANT }, true),
            // What is given inside never reaches out.
            (Object::Project(id(1)), Standing::TENANT, false),
            (Object::App(id(1)), Standing { project: Some(id(1)), ..Standing::TENANT }, false),
        ] {
            let rights = Rights::of([(object, set)]);
            assert_eq!(rights.at(&standing).has(VIEW), expected, "{object:?} {standing:?}");
            assert!(!rights.at(&standing).has(DEPLOY));
        }
    }

    #[test]
    fn who_acts_for_another_may_do_what_both_may() {
        let both = PermissionSet::of(&[VIEW, DEPLOY]);
        let in_project = Rights::of([(Object::Project(id(1)), both)]);
        let on_app = Rights::of([(Object::App(id(1)), PermissionSet::of(&[VIEW]))]);
        let joined = in_project.clone().and(on_app);
        assert_eq!(joined.at(&app(1, 1, 1)), PermissionSet::of(&[VIEW]));
        assert_eq!(joined.at(&app(2, 1, 1)), PermissionSet::NONE);
        assert_eq!(joined.at(&app(1, 2, 1)), PermissionSet::NONE);
        for empty in [Rights::nothing(), Rights::of([]), Rights::default()] {
            assert_eq!(in_project.clone().and(empty.clone()).at(&app(1, 1, 1)), PermissionSet::NONE);
            assert_eq!(empty.and(in_project.clone()).at(&app(1, 1, 1)), PermissionSet::NONE);
        }
    }

    #[test]
    fn nothing_is_seen_without_a_right_to_see_it() {
        assert_eq!(Rights::nothing().sight(VIEW), None);
        assert_eq!(Rights::of([]).sight(VIEW), None);
        assert_eq!(Rights::of([(Object::App(id(1)), PermissionSet::of(&[DEPLOY]))]).sight(VIEW), None);
        assert!(Rights::everywhere(PermissionSet::ALL).sight(VIEW).unwrap().is_all());
        let both =
            Rights::of([(Object::App(id(1)), PermissionSet::of(&[VIEW])), (Object::Node(id(2)), PermissionSet::ALL)]);
        let sight = both.clone().and(Rights::everywhere(PermissionSet::ALL)).sight(VIEW).unwrap();
        assert_eq!(sight.layers(), [Seen { projects: vec![], nodes: vec![id(2)], apps: vec![id(1)], servers: vec![] }]);
        assert_eq!(both.and(Rights::everywhere(PermissionSet::NONE)).sight(VIEW), None);
    }

    #[test]
    fn permissions_at_one_object_add_up() {
        let rights = Rights::of([
            (Object::App(id(1)), PermissionSet::of(&[VIEW])),
            (Object::App(id(1)), PermissionSet::of(&[DEPLOY])),
        ]);
        assert_eq!(rights.given(), [(Object::App(id(1)), PermissionSet::of(&[VIEW, DEPLOY]))]);
    }
}
