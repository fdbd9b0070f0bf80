//! The guides and the reference, as they were when this program was built.

macro_rules! page {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../../../../docs/", $path)))
    };
}

/// Path below `docs/`, and text.
pub(super) const PAGES: &[(&str, &str)] = &[
    page!("guides/approvals.md"),
    page!("guides/audit.md"),
    page!("guides/backup.md"),
    page!("guides/claude.md"),
    page!("guides/dashboard.md"),
    page!("guides/domains.md"),
    page!("guides/first-deploy.md"),
    page!("guides/inbox.md"),
    page!("guides/logs-and-metrics.md"),
    page!("guides/monitoring.md"),
    page!("guides/notifications.md"),
    page!("guides/patch.md"),
    page!("guides/previews.md"),
    page!("guides/pterodactyl-clients.md"),
    page!("guides/schedules.md"),
    page!("guides/secrets.md"),
    page!("guides/servers.md"),
    page!("guides/sign-in.md"),
    page!("guides/team.md"),
    page!("guides/webhooks.md"),
    page!("guides/workflows.md"),
    page!("guides/zero-downtime.md"),
    page!("reference/actions.md"),
    page!("reference/api.md"),
    page!("reference/asvs.md"),
    page!("reference/builders.md"),
    page!("reference/confidence.md"),
    page!("reference/configuration.md"),
    page!("reference/eggs.md"),
    page!("reference/limits.md"),
    page!("reference/node-policy.md"),
    page!("reference/performance.md"),
    page!("reference/permissions.md"),
    page!("reference/workflow.md"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guide_and_reference_page_is_here() {
        let docs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
        for part in ["guides", "reference"] {
            for entry in std::fs::read_dir(docs.join(part)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                // What this crate makes of itself is what the host has been given already.
                let path = format!("{part}/{name}");
                if name.ends_with(".md") && path != "reference/mcp-tools.md" {
                    assert!(PAGES.iter().any(|(known, _)| *known == path), "{path} is missing");
                }
            }
        }
    }
}
