//! A set of permissions: copied, compared and intersected in a few instructions.

use super::Permission;

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PermissionSet(u128);

// A bit for each; more permissions need a wider word.
const _: () = assert!(Permission::ALL.len() <= 128);

impl PermissionSet {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one there is.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// These.
    pub const fn of(permissions: &[Permission]) -> Self {
        let (mut bits, mut at) = (0, 0);
        while at < permissions.len() {
            bits |= 1 << permissions[at] as u32;
            at += 1;
        }
        Self(bits)
    }

    /// With this one.
    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u32)
    }

    /// Without these.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// In either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// In both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether it holds this one.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 >> (permission as u32) & 1 == 1
    }

    /// Whether it holds all of `other`.
    pub const fn has_all(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// Whether it holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of the reference page.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl std::fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::name)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        for (place, permission) in Permission::ALL.iter().enumerate() {
            let one = PermissionSet::of(&[*permission]);
            assert!(one.has(*permission) && PermissionSet::ALL.has(*permission));
            assert_eq!(one.iter().collect::<Vec<_>>(), [*permission]);
            let others = PermissionSet::ALL.without(one);
            assert!(!others.has(*permission) && !others.has_all(one) && PermissionSet::ALL.has_all(others));
            assert_eq!(others.iter().count(), Permission::ALL.len() - 1, "{place}");
        }
        assert!(PermissionSet::NONE.has_all(PermissionSet::NONE) && PermissionSet::NONE.is_empty());
    }
}
