//! What starts a workflow, and how many of it run at a time.

use serde_json::Value;

use super::{Compiler, NOTHING, cut_text};
use crate::workflow::definition::{Concurrency, MAX_TRIGGERS, Trigger};
use crate::workflow::document as doc;

impl Compiler {
    pub(super) fn concurrency(&mut self, wanted: &doc::Concurrency) -> Option<Concurrency> {
        if !(1..=1_000).contains(&wanted.limit) {
            self.refuse("concurrency.limit", format!("`limit` is {}.", wanted.limit), "Write 1 to 1,000.");
        }
        let key = match &wanted.key {
            Some(text) => Some(self.template("concurrency.key", &Value::String(text.clone()))?),
            None => None,
        };
        Some(Concurrency { key, limit: wanted.limit, on_limit: wanted.on_limit })
    }

    pub(super) fn triggers(&mut self, triggers: &[doc::Trigger]) -> Vec<Trigger> {
        if triggers.len() > MAX_TRIGGERS {
            let message = format!("There are {} triggers, {MAX_TRIGGERS} are allowed.", triggers.len());
            self.refuse("triggers", message, "Take some away.");
            return Vec::new();
        }
        let mut compiled: Vec<Trigger> = Vec::new();
        for (nth, trigger) in triggers.iter().enumerate() {
            let place = format!("triggers[{nth}]");
            if !doc::is_step_id(&trigger.id) || compiled.iter().any(|other| other.id == trigger.id) {
                let message = format!("`{}` can be no id of a trigger, or another has it.", cut_text(&trigger.id));
                self.refuse(format!("{place}.id"), message, "Use `a-z`, `0-9` and `_`, each id once.");
            }
            match (&trigger.cron, &trigger.webhook) {
                (Some(cron), None) => {
                    if let Err(why) = cron.schedule() {
                        let field = if why.field() == "cron" { "at" } else { why.field() };
                        self.refuse(format!("{place}.cron.{field}"), why.to_string(), why.fix());
                    }
                }
                (None, Some(webhook)) => self.webhook(&format!("{place}.webhook"), webhook),
                _ => self.refuse(&place, "It is nothing or several things.", "Write one of cron, webhook."),
            }
            let input = trigger.input.clone().unwrap_or_else(|| NOTHING.clone());
            if let Some(input) = self.template(&format!("{place}.input"), &input) {
                compiled.push(Trigger { id: trigger.id.clone(), kind: trigger.clone(), input });
            }
        }
        compiled
    }

    fn webhook(&mut self, place: &str, webhook: &doc::Webhook) {
        let named = matches!(webhook.scheme.as_str(), "hmac-sha256" | "token");
        if !named && !matches!(webhook.scheme.as_str(), "standard" | "github") {
            let message = format!("`{}` is no way to sign.", cut_text(&webhook.scheme));
            self.refuse(format!("{place}.scheme"), message, "Write standard, github, hmac-sha256 or token.");
        }
        if named != webhook.header.is_some() {
            let fix = "Name it for `hmac-sha256` and `token`, and for these only.";
            self.refuse(format!("{place}.header"), "The header of the signature is missing or too much.", fix);
        }
        if named && webhook.header.is_some() && webhook.scheme().is_err() {
            let fix = "Use letters, digits, `-` and `_`, 64 at the most.";
            self.refuse(format!("{place}.header"), "That can be no name of a header.", fix);
        }
        if webhook.secret.parse::<sf_types::SecretName>().is_err() {
            self.refuse(format!("{place}.secret"), "That is no name of a secret.", "Name a secret of the project.");
        }
    }
}
