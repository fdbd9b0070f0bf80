//! Domains that lead to apps.

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said, encoded};
use super::super::names::{Kind, resolve};
use super::super::output::{rows, text};
use super::super::verdict::propose;
use super::{about, action};

/// Makes a domain or changes it: what is not said stays as it is.
pub(in crate::tools) async fn upsert(asked: &Asked<'_>) -> Result<Said> {
    let app = resolve(asked, &[Kind::App], asked.input.required("app")?).await?;
    let domain = asked.input.required("domain")?.to_lowercase();
    let known = asked.maybe(&format!("/proxies?q={}&limit=50", encoded(&domain))).await;
    let before = rows(&known).iter().find(|one| text(one, "/domain") == domain && text(one, "/appId") == app.id);
    let mut settings = before.map_or_else(|| json!({}), |before| written(&before["settings"]));
    if let Some(aliases) = asked.input.text("aliases") {
        let aliases: Vec<_> = aliases.split([',', ' ']).filter(|alias| !alias.is_empty()).collect();
        settings["aliases"] = json!(aliases);
    }
    if let Some(certificate) = asked.input.text("certificate") {
        settings["tls"]["certificate"] = json!(certificate);
    }
    let args = json!({ "app": app.id, "domain": domain, "settings": settings });
    propose(asked, action("proxy.provision", args)?, &about(&app)).await
}

pub(in crate::tools) async fn remove(asked: &Asked<'_>) -> Result<Said> {
    let domain = resolve(asked, &[Kind::Domain], asked.input.required("domain")?).await?;
    propose(asked, action("proxy.delete", json!({ "proxy": domain.id }))?, &about(&domain)).await
}

/// Settings as they are shown, as they are written: what is absent is not said.
fn written(shown: &Value) -> Value {
    match shown {
        Value::Object(fields) => {
            let said = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(said.map(|(name, value)| (name.clone(), written(value))).collect())
        }
        other => other.clone(),
    }
}
