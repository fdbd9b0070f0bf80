//! Domains that lead to apps.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::site::{Maintenance, SiteSettings};
use sf_types::{AppId, DomainName, ProxyId};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::Refused;

/// Changes to domains.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum ProxyAction {
    /// Have a domain lead to an app, or change how it does.
    #[serde(rename = "proxy.provision")]
    Provision(Box<Provision>),
    /// Have it lead nowhere.
    #[serde(rename = "proxy.delete")]
    Delete(ProxyRef),
}

/// Arguments of `proxy.provision`: how the domain shall be, whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provision {
    /// The app it leads to.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// Its name: `shop.example.org`.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub domain: DomainName,
    /// How it is served.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub settings: SiteSettings,
}

impl Provision {
    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        let settings = &self.settings;
        if settings.aliases.len() > SiteSettings::MAX_ALIASES {
            return Err(Refused::new("settings.aliases", "at most 50 are allowed"));
        }
        let mut names: Vec<_> = settings.aliases.iter().chain([&self.domain]).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refused::new("settings.aliases", "a name is in it twice, or is the domain itself"));
        }
        if settings.routes.len() > SiteSettings::MAX_ROUTES {
            return Err(Refused::new("settings.routes", "at most 100 are allowed"));
        }
        let mut paths: Vec<_> = settings.routes.iter().map(|route| &route.path).collect();
        paths.sort_unstable();
        if paths.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Refused::new("settings.routes", "a path is in it twice"));
        }
        if settings.max_body.bytes() == 0 || settings.max_body > SiteSettings::MAX_BODY {
            return Err(Refused::new("settings.maxBody", "between 1 byte and 64 GiB are allowed"));
        }
        if settings.redirect.as_ref().is_some_and(|redirect| names.contains(&&redirect.to)) {
            return Err(Refused::new("settings.redirect", "it would lead back to itself"));
        }
        let text = settings.maintenance.as_ref().map_or("", |maintenance| &maintenance.text);
        let is_odd = |character: char| character.is_control() && character != '\n';
        if text.len() > Maintenance::MAX_TEXT || text.chars().any(is_odd) {
            return Err(Refused::new("settings.maintenance", "at most 2,000 bytes of plain text are allowed"));
        }
        Ok(())
    }
}

/// One domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProxyRef {
    /// Which domain.
    #[schemars(schema_with = "crate::spec::arguments::proxy")]
    pub proxy: ProxyId,
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "proxy.provision",
        title: "Have a domain lead to an app",
        help: "nginx on the app's node serves it, with a certificate; what was served before is served on if that fails.",
        permission: Permission::ProxyManage,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 35,
        time_limit: minutes(3),
        undo: Some("proxy.delete"),
        place: Place::Node,
    },
    Spec {
        name: "proxy.delete",
        title: "Remove a domain",
        help: "nginx serves it no more, and its certificate is deleted; the app stays.",
        permission: Permission::ProxyManage,
        target: TargetKind::Proxy,
        effect: Effect::Destroy,
        risk: 60,
        time_limit: minutes(2),
        undo: None,
        place: Place::Node,
    },
];

impl ProxyAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Provision(_) => &SPECS[0],
            Self::Delete(_) => &SPECS[1],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Provision(provision) => Target::App(provision.app),
            Self::Delete(gone) => Target::Proxy(gone.proxy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    fn check(settings: serde_json::Value, field: Option<&str>) {
        let app = AppId::from_parts(Timestamp::from_millis(1), [1; 10]);
        let args = serde_json::json!({"app": app, "domain": "shop.example.org", "settings": settings});
        let provision: Provision = serde_json::from_value(args).unwrap();
        assert_eq!(provision.check().map_err(|refused| refused.field), field.map_or(Ok(()), |field| Err(field.into())));
    }

    #[test]
    fn what_a_node_could_not_serve_is_refused() {
        let app = AppId::from_parts(Timestamp::from_millis(1), [2; 10]);
        check(serde_json::json!({}), None);
        check(serde_json::json!({"aliases": ["www.shop.example.org"]}), None);
        check(serde_json::json!({"aliases": ["shop.example.org"]}), Some("settings.aliases"));
        check(serde_json::json!({"aliases": ["a.example.org", "a.example.org"]}), Some("settings.aliases"));
        let route = serde_json::json!({"path": "/api", "app": app});
        check(serde_json::json!({"routes": [route.clone(), route]}), Some("settings.routes"));
        check(serde_json::json!({"maxBody": 0}), Some("settings.maxBody"));
        check(serde_json::json!({"redirect": {"to": "shop.example.org"}}), Some("settings.redirect"));
        check(serde_json::json!({"maintenance": {"text": "a\u{1b}[2J"}}), Some("settings.maintenance"));
        check(serde_json::json!({"maintenance": {"text": "x".repeat(2001)}}), Some("settings.maintenance"));
    }

    #[test]
    fn a_domain_with_signs_of_a_configuration_is_none() {
        let app = AppId::from_parts(Timestamp::from_millis(1), [1; 10]);
        for domain in ["a.example;", "a.example\n", "a\".example", "{a.example}", "*.example.org", "127.0.0.1"] {
            let domain = if domain.ends_with('\n') { "a.exa\nmple" } else { domain };
            let args = serde_json::json!({"app": app, "domain": domain});
            assert!(serde_json::from_value::<Provision>(args).is_err(), "{domain:?}");
        }
    }
}
