//! Domains, with their certificates.

use serde_json::{Value, json};

use super::super::asked::{Asked, Result, Said, encoded};
use super::super::names::{Kind, resolve};
use super::super::output::{pick, rows};

/// Domains of a list.
const LISTED: usize = 50;

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let mut path = format!("/proxies?limit={LISTED}");
    if let Some(app) = asked.input.text("app") {
        path.push_str(&format!("&appId={}", resolve(asked, &[Kind::App], app).await?.id));
    }
    if let Some(text) = asked.input.text("text") {
        path.push_str(&format!("&q={}", encoded(text)));
    }
    let found = asked.data(&path).await?;
    let one = |domain: &Value| {
        let mut told =
            asked.shown(&pick(domain, &["id", "domain", "url", "app", "appId", "state", "reason", "inStep"]));
        told["certificate"] = asked.shown(&pick(&domain["certificate"], &["state", "notAfter"]));
        told["aliases"] = asked.shown(&domain["settings"]["aliases"]);
        told
    };
    let told: Vec<Value> = rows(&found).iter().map(one).collect();
    let next: &[(&str, &str)] = match told.is_empty() {
        true => &[("proxy", "Have a domain lead to an app.")],
        false => &[("status", "See one of them with the reason why it fails."), ("proxy", "Change how one is served.")],
    };
    Ok(asked.done(&[("count", json!(told.len())), ("domains", Value::Array(told))], next))
}
