//! Permissions in groups, as a person looks for them.

use super::Permission;

/// A group of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Category {
    /// The part before the colon.
    pub name: &'static str,
    /// What a person reads.
    pub title: &'static str,
}

const fn category(name: &'static str, title: &'static str) -> Category {
    Category { name, title }
}

/// The first so many of [`ALL`] are the panel's.
pub const PANEL: usize = 10;

/// All of them: the ten of the panel first, then those of the other jobs.
pub const ALL: &[Category] = &[
    category("server", "Servers"),
    category("user", "People"),
    category("admin", "Administration"),
    category("file", "Files"),
    category("console", "Consoles"),
    category("backup", "Backups"),
    category("database", "Databases"),
    category("network", "Network"),
    category("monitoring", "Monitoring"),
    category("plugin", "Plugins"),
    category("node", "Machines"),
    category("app", "Apps"),
    category("approval", "Approvals"),
    category("token", "API keys"),
    category("project", "Projects"),
    category("secret", "Secrets"),
    category("patch", "Patches"),
    category("proxy", "Domains"),
    category("schedule", "Schedules"),
    category("workflow", "Workflows"),
    category("agent", "AI agents"),
    category("tool", "Tools"),
    category("memory", "Memory"),
    category("billing", "Billing"),
    category("support", "Support"),
    category("tenant", "Teams"),
];

impl Permission {
    /// The part before the colon.
    pub fn category(self) -> &'static str {
        self.name().split(':').next().unwrap_or_default()
    }

    /// The part after it.
    pub fn verb(self) -> &'static str {
        self.name().split(':').nth(1).unwrap_or_default()
    }
}

impl Category {
    /// The permissions in it.
    pub fn permissions(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| permission.category() == self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_is_in_exactly_one_category() {
        let grouped: Vec<_> = ALL.iter().flat_map(|category| category.permissions()).collect();
        assert_eq!(grouped.len(), Permission::ALL.len());
        for permission in Permission::ALL {
            assert_eq!(grouped.iter().filter(|found| *found == permission).count(), 1, "{permission}");
        }
    }
}
