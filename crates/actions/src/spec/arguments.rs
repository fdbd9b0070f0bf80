//! The arguments of actions as JSON Schemas: what forms and tools ask for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::Value;

use crate::{
    alert, allocation, app, console, deploy, file, hook, key, node, patch, power, preview, process, project, proxy,
    schedule, secret, server, template, workflow,
};

/// The schema of an action's arguments, an object; `None` for what only people propose, where no form asks for them.
/// Ids say by `x-target` what they are ids of.
pub fn of(action: &str) -> Option<&'static Value> {
    static ALL: LazyLock<BTreeMap<String, Value>> = LazyLock::new(all);
    ALL.get(action)
}

fn all() -> BTreeMap<String, Value> {
    // Each whole in itself: who reads one has not the others.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    let families = [
        node::NodeAction::json_schema(&mut generator),
        app::AppAction::json_schema(&mut generator),
        deploy::DeployAction::json_schema(&mut generator),
        process::ProcessAction::json_schema(&mut generator),
        patch::PatchAction::json_schema(&mut generator),
        proxy::ProxyAction::json_schema(&mut generator),
        hook::HookAction::json_schema(&mut generator),
        key::KeyAction::json_schema(&mut generator),
        schedule::ScheduleAction::json_schema(&mut generator),
        preview::PreviewAction::json_schema(&mut generator),
        project::ProjectAction::json_schema(&mut generator),
        secret::SecretAction::json_schema(&mut generator),
        workflow::WorkflowAction::json_schema(&mut generator),
        template::TemplateAction::json_schema(&mut generator),
        server::ServerAction::json_schema(&mut generator),
        power::PowerAction::json_schema(&mut generator),
        console::ConsoleAction::json_schema(&mut generator),
        file::FileAction::json_schema(&mut generator),
        allocation::AllocationAction::json_schema(&mut generator),
        alert::AlertAction::json_schema(&mut generator),
    ];
    families.into_iter().flat_map(variants).collect()
}

/// The actions of a family, by name: each a variant of its tagged enum.
fn variants(family: Schema) -> Vec<(String, Value)> {
    let variants = family.get("oneOf").and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |variant: Value| {
        let name = variant.pointer("/properties/action/const")?.as_str()?.to_owned();
        Some((name, variant.pointer("/properties/args")?.clone()))
    };
    variants.into_iter().filter_map(of).collect()
}

/// An id, and of what.
fn id(target: &str) -> Schema {
    json_schema!({ "type": "string", "format": "uuid", "x-target": target })
}

macro_rules! ids {
    ($($name:ident)*) => {$(
        pub(crate) fn $name(_: &mut SchemaGenerator) -> Schema {
            id(stringify!($name))
        }
    )*};
}
ids! { alt app ctrl node project proxy release run secret server trigger user workflow }

/// An alert rule, by its id.
pub(crate) fn alert_rule(_: &mut SchemaGenerator) -> Schema {
    id("alertRule")
}

/// A name of some kind; its own type refuses what can be none.
pub(crate) fn text(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string" })
}

/// Names or ids.
pub(crate) fn texts(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "string" } })
}

/// What can be done to a service.
pub(crate) fn service_verb(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": sf_protocol::order::ServiceVerb::ALL.map(sf_protocol::order::ServiceVerb::word) })
}

/// A value of the protocol, which knows no schemas: an agent carries none along.
pub(crate) fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object" })
}

pub(crate) fn variables(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": {
        "type": "object",
        "properties": { "name": { "type": "string" }, "value": { "type": "string" }, "secret": { "type": "string" },
            "environment": { "type": "string", "enum": ["production", "preview", "all"] } },
        "required": ["name"],
        "additionalProperties": false,
    } })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Action;

    #[test]
    fn every_action_a_workflow_may_take_says_its_arguments() {
        let without: Vec<_> = Action::all_specs().map(|spec| spec.name).filter(|name| of(name).is_none()).collect();
        let people = ["run.", "token.", "role.", "user.", "factor.", "tenant.", "policy."];
        assert_eq!(without.iter().find(|name| !people.iter().any(|family| name.starts_with(family))), None);
        assert!(of("run.approve").is_none() && of("no.such").is_none());
    }

    #[test]
    fn a_schema_names_what_an_action_reads() {
        let deploy = of("app.deploy").unwrap();
        assert_eq!(deploy["required"], json!(["app"]));
        assert_eq!(deploy["additionalProperties"], json!(false));
        assert_eq!(deploy["properties"]["app"]["x-target"], "app");
        assert_eq!(deploy["properties"]["reference"]["description"], "Branch or tag; the app's own unless given.");
        assert_eq!(of("app.restart").unwrap()["required"], json!(["app"]));
        assert_eq!(of("app.create").unwrap()["required"], json!(["name", "node", "settings"]));
        assert!(!serde_json::to_string(of("app.create").unwrap()).unwrap().contains("$ref"));
    }
}
