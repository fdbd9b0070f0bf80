//! The vocabulary: every change that can be asked for, what it needs, how dangerous it is and where it runs.
//!
//! Floor 2. Pure. REST bodies, CLI help, the permission matrix, `docs/reference/actions.md` and the forms of arguments are
//! generated from what stands here. This crate must never know a table, a route or a decision.
//!
//! Start reading at [`Action`], then [`spec`]; a family a file.

pub mod admission;
pub mod app;
pub mod authority;
pub mod node;
pub mod panel;
pub mod people;
pub mod project;
pub mod secret;
pub mod spec;
pub mod target;
pub mod valid;
pub mod variable;
pub mod work;

use serde::{Deserialize, Serialize};

pub use actor::{Actor, ActorKind};
pub use admission::{Admission, Decision};
pub use app::{deploy, hook, key, patch, preview, process, proxy, schedule};
pub use authority::access::{AccessScope, UnknownScope};
pub use authority::{actor, object, permission, rights};
pub use object::ObjectRef;
pub use panel::{alert, allocation, console, file, power, server, template};
pub use people::{access, factor, role, tenant, user};
pub use permission::{Permission, PermissionSet};
pub use rights::{Object, Rights, Standing};
pub use spec::{Effect, Place, Spec};
pub use target::{Target, TargetKind};
pub use valid::Refused;
pub use variable::{Environment, Source, Variable};
pub use work::{policy, rules, run, workflow};

/// One entry of the closed vocabulary with its arguments. Written as `{"action": "app.deploy", "args": {…}}`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Action {
    /// Machines.
    Node(node::NodeAction),
    /// What is deployed.
    App(app::AppAction),
    /// Releases.
    Deploy(deploy::DeployAction),
    /// Processes of an app.
    Process(process::ProcessAction),
    /// Files of a release.
    Patch(patch::PatchAction),
    /// Domains.
    Proxy(proxy::ProxyAction),
    /// What is done by the clock.
    Schedule(schedule::ScheduleAction),
    /// Deploys by push.
    Hook(hook::HookAction),
    /// Deploy keys.
    Key(key::KeyAction),
    /// Previews of branches.
    Preview(preview::PreviewAction),
    /// Runs themselves.
    Run(run::RunAction),
    /// People's credentials.
    Access(access::AccessAction),
    /// Roles and who has them.
    Role(role::RoleAction),
    /// Projects.
    Project(project::ProjectAction),
    /// People of the team.
    User(user::UserAction),
    /// Second factors of people.
    Factor(factor::FactorAction),
    /// Secrets.
    Secret(secret::SecretAction),
    /// Workflows.
    Workflow(workflow::WorkflowAction),
    /// Teams.
    Tenant(tenant::TenantAction),
    /// What runs by itself.
    Policy(policy::PolicyAction),
    /// Templates of servers.
    Template(template::TemplateAction),
    /// Servers of the panel.
    Server(server::ServerAction),
    /// Whether they run.
    Power(power::PowerAction),
    /// What is written to their consoles.
    Console(console::ConsoleAction),
    /// Their files.
    File(file::FileAction),
    /// Their ports.
    Allocation(allocation::AllocationAction),
    /// What is watched of them.
    Alert(alert::AlertAction),
}

impl Action {
    /// What is fixed about this kind of action.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Node(action) => action.spec(),
            Self::App(action) => action.spec(),
            Self::Deploy(action) => action.spec(),
            Self::Process(action) => action.spec(),
            Self::Patch(action) => action.spec(),
            Self::Proxy(action) => action.spec(),
            Self::Schedule(action) => action.spec(),
            Self::Hook(action) => action.spec(),
            Self::Key(action) => action.spec(),
            Self::Preview(action) => action.spec(),
            Self::Run(action) => action.spec(),
            Self::Access(action) => action.spec(),
            Self::Role(action) => action.spec(),
            Self::Project(action) => action.spec(),
            Self::User(action) => action.spec(),
            Self::Factor(action) => action.spec(),
            Self::Secret(action) => action.spec(),
            Self::Workflow(action) => action.spec(),
            Self::Tenant(action) => action.spec(),
            Self::Policy(action) => action.spec(),
            Self::Template(action) => action.spec(),
            Self::Server(action) => action.spec(),
            Self::Power(action) => action.spec(),
            Self::Console(action) => action.spec(),
            Self::File(action) => action.spec(),
            Self::Allocation(action) => action.spec(),
            Self::Alert(action) => action.spec(),
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Node(action) => action.target(),
            Self::App(action) => action.target(),
            Self::Deploy(action) => Target::App(action.app()),
            Self::Process(action) => Target::App(action.app),
            Self::Patch(action) => Target::App(action.apply().app),
            Self::Proxy(action) => action.target(),
            Self::Schedule(action) => action.target(),
            Self::Hook(action) => Target::App(action.app()),
            Self::Key(action) => Target::App(action.app()),
            Self::Preview(action) => Target::App(action.app()),
            Self::Run(action) => Target::Run(action.run()),
            Self::Access(action) => action.target(),
            Self::Role(action) => action.target(),
            Self::Project(action) => action.target(),
            Self::User(action) => action.target(),
            Self::Factor(action) => action.target(),
            Self::Secret(action) => action.target(),
            Self::Workflow(action) => action.target(),
            Self::Tenant(action) => action.target(),
            Self::Policy(action) => action.target(),
            Self::Template(action) => action.target(),
            Self::Server(action) => action.target(),
            Self::Power(action) => Target::Server(action.server),
            Self::Console(action) => Target::Server(action.server()),
            Self::File(action) => Target::Server(action.server()),
            Self::Allocation(action) => action.target(),
            Self::Alert(action) => action.target(),
        }
    }

    /// Whether it changes who may do what, or what needs nobody: an AI's proposal of it always asks, so that nobody
    /// opens the gate that holds them.
    pub const fn opens_gates(&self) -> bool {
        use user::UserAction;
        use workflow::WorkflowAction;
        match self {
            Self::Policy(_) | Self::Role(_) | Self::Access(_) | Self::Factor(_) | Self::Tenant(_) => true,
            Self::User(action) => !matches!(action, UserAction::Suspend(_) | UserAction::SignOut(_)),
            Self::Node(action) => matches!(action, node::NodeAction::Invite(_) | node::NodeAction::Admit(_)),
            // What is written there is carried out later, for a person and with their rights.
            Self::Workflow(action) => matches!(
                action,
                WorkflowAction::Create(_)
                    | WorkflowAction::Update(_)
                    | WorkflowAction::Enable(_)
                    | WorkflowAction::Move(_)
            ),
            // So is what is pushed.
            Self::Hook(action) => !matches!(action, hook::HookAction::Delete(_)),
            Self::Preview(action) => matches!(action, preview::PreviewAction::Configure(_)),
            // And what the clock starts, with nobody looking.
            Self::Schedule(action) => matches!(action, schedule::ScheduleAction::Set(_)),
            // What is written there runs as an install script or a startup later.
            Self::Template(action) => {
                matches!(action, template::TemplateAction::CreateAlt(_) | template::TemplateAction::UpdateAlt(_))
            }
            // Whose it is may do everything with it.
            Self::Server(action) => {
                matches!(action, server::ServerAction::Update(update) if update.owner.is_some())
            }
            Self::App(_)
            | Self::Deploy(_)
            | Self::Power(_)
            | Self::Console(_)
            | Self::File(_)
            | Self::Allocation(_)
            | Self::Alert(_)
            | Self::Process(_)
            | Self::Patch(_)
            | Self::Proxy(_)
            | Self::Key(_)
            | Self::Project(_)
            | Self::Secret(_)
            | Self::Run(_) => false,
        }
    }

    /// Whether its answer holds a text that opens something and is shown once: it is carried out while its proposer
    /// waits for it, or not at all.
    pub const fn shows_once(&self) -> bool {
        matches!(
            self,
            Self::Access(access::AccessAction::CreateToken(_))
                | Self::Hook(hook::HookAction::Create(_) | hook::HookAction::Rotate(_))
                | Self::Node(node::NodeAction::Invite(_))
                | Self::User(user::UserAction::Invite(_))
                | Self::Tenant(tenant::TenantAction::Create(_) | tenant::TenantAction::Invite(_))
        )
    }

    /// As it is written, without what only who may change files may read: what writes a file says how much, not what.
    pub fn shown(&self) -> serde_json::Value {
        let mut written = serde_json::to_value(self).unwrap_or_default();
        if let Self::Patch(_) | Self::File(file::FileAction::Write(_)) = self
            && let Some(args) = written.get_mut("args").and_then(serde_json::Value::as_object_mut)
        {
            if let Some(text) = args.remove("text") {
                args.insert("textBytes".to_owned(), text.as_str().map_or(0, str::len).into());
            }
            if let Some(encoded) = args.remove("base64") {
                let bytes = encoded.as_str().map_or(0, |text| text.trim_end_matches('=').len() * 3 / 4);
                args.insert("textBytes".to_owned(), bytes.into());
            }
        }
        written
    }

    /// Every spec, in the order of the reference page.
    pub fn all_specs() -> impl Iterator<Item = &'static Spec> {
        [
            node::SPECS,
            app::SPECS,
            deploy::SPECS,
            process::SPECS,
            patch::SPECS,
            proxy::SPECS,
            schedule::SPECS,
            hook::SPECS,
            key::SPECS,
            preview::SPECS,
            run::SPECS,
            access::SPECS,
            role::SPECS,
            project::SPECS,
            user::SPECS,
            factor::SPECS,
            secret::SPECS,
            workflow::SPECS,
            tenant::SPECS,
            policy::SPECS,
            template::SPECS,
            server::SPECS,
            power::SPECS,
            console::SPECS,
            file::SPECS,
            allocation::SPECS,
            alert::SPECS,
        ]
        .into_iter()
        .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_dotted_and_undo_names_exist() {
        let names: HashSet<_> = Action::all_specs().map(|spec| spec.name).collect();
        assert_eq!(names.len(), Action::all_specs().count());
        for spec in Action::all_specs() {
            assert_eq!(spec.name.split('.').count(), 2, "{}", spec.name);
            assert!(spec.undo.is_none_or(|undo| names.contains(undo)), "{} undoes by an unknown action", spec.name);
            assert!(spec.risk <= 100, "{}", spec.name);
        }
    }

    #[test]
    fn what_lets_somebody_in_or_is_carried_out_later_opens_gates() {
        let read =
            |text: &str| serde_json::from_str::<Action>(&text.replace("ID", "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"));
        for (text, opens, once) in [
            (r#"{"action":"token.create","args":{"name":"ci","days":1}}"#, true, true),
            (r#"{"action":"token.create","args":{"name":"bot","days":1,"speaksFor":"ai"}}"#, true, true),
            (r#"{"action":"token.revoke","args":{"token":"ID"}}"#, true, false),
            (r#"{"action":"workflow.create","args":{"document":"x"}}"#, true, false),
            (r#"{"action":"workflow.delete","args":{"workflow":"ID"}}"#, false, false),
            (r#"{"action":"app.restart","args":{"app":"ID"}}"#, false, false),
            (r#"{"action":"hook.create","args":{"app":"ID","settings":{"enabled":true}}}"#, true, true),
            (r#"{"action":"hook.update","args":{"app":"ID","settings":{"enabled":false}}}"#, true, false),
            (r#"{"action":"hook.rotate","args":{"app":"ID"}}"#, true, true),
            (r#"{"action":"hook.delete","args":{"app":"ID"}}"#, false, false),
            (r#"{"action":"preview.configure","args":{"app":"ID"}}"#, true, false),
            (r#"{"action":"preview.deploy","args":{"app":"ID","branch":"a/b"}}"#, false, false),
        ] {
            let action = read(text).unwrap();
            assert_eq!((action.opens_gates(), action.shows_once()), (opens, once), "{text}");
            let plain = text.replace("ID", "0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b");
            assert_eq!(serde_json::to_string(&action).unwrap(), plain);
        }
    }

    #[test]
    fn a_patch_is_shown_without_what_it_writes() {
        let args = r#"{"app":"0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b","path":".env","before":"absent","text":"KEY=abc"}"#;
        let action: Action = serde_json::from_str(&format!(r#"{{"action":"patch.apply","args":{args}}}"#)).unwrap();
        let shown = action.shown();
        assert_eq!((&shown["args"]["textBytes"], shown["args"].get("text")), (&7.into(), None));
        assert_eq!(shown["args"]["path"], ".env");
    }

    #[test]
    fn an_action_reads_back_as_itself() {
        let text = r#"{"action":"app.restart","args":{"app":"0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"}}"#;
        let action: Action = serde_json::from_str(text).unwrap();
        assert_eq!(action.spec().name, "app.restart");
        assert_eq!(serde_json::to_string(&action).unwrap(), text);
        let unknown = text.replace("\"args\":{", "\"args\":{\"force\":true,");
        assert!(serde_json::from_str::<Action>(&unknown).is_err());
    }
}
