//! What is deployed: its existence and its settings.

pub mod deploy;
pub mod hook;
pub mod key;
pub mod patch;
pub mod preview;
pub mod process;
pub mod proxy;
pub mod schedule;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sf_protocol::app::{HealthCheck, Limits, RestartRule, Traffic, TrafficMode};
use sf_protocol::build::BuildSettings;
use sf_types::{AppId, NodeId, ProjectId, SecretName, Slug};

use crate::permission::Permission;
use crate::spec::{Effect, Place, Spec, minutes};
use crate::target::{Target, TargetKind};
use crate::valid::{self, Refused};
use crate::variable::{Environment, Source, Variable};

/// Changes to apps.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", content = "args", deny_unknown_fields)]
pub enum AppAction {
    /// Make one.
    #[serde(rename = "app.create")]
    Create(Box<Create>),
    /// Change its settings; they take effect with the next deploy.
    #[serde(rename = "app.update")]
    Update(Box<Update>),
    /// Stop it, delete everything of it on its node, then its rows.
    #[serde(rename = "app.delete")]
    Delete(AppRef),
}

/// Arguments of `app.create`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    /// Name, unique within the project.
    #[schemars(schema_with = "crate::spec::arguments::text")]
    pub name: Slug,
    /// The machine it lives on.
    #[schemars(schema_with = "crate::spec::arguments::node")]
    pub node: NodeId,
    /// The project that owns it; the team's first unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::project")]
    pub project: Option<ProjectId>,
    /// How it is made and run.
    pub settings: Settings,
}

/// Arguments of `app.update`: the settings as they shall be, whole.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    /// Which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
    /// Its settings from now on.
    pub settings: Settings,
    /// Tag of the settings this change was made from; refused where they are others meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// One app.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AppRef {
    /// Which app.
    #[schemars(schema_with = "crate::spec::arguments::app")]
    pub app: AppId,
}

/// How an app is made and run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Settings {
    /// Address of its git repository.
    pub repository: String,
    /// Branch or tag deployed by default; the repository's own default unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// How traffic reaches it.
    #[serde(default = "Settings::default_traffic")]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub traffic: Traffic,
    /// Overrides of what the repository says about building and starting.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub build: BuildSettings,
    /// Environment variables.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::variables")]
    pub env: Vec<Variable>,
    /// When a release counts as healthy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub health: Option<HealthCheck>,
    /// What happens when its process ends by itself.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub restart: RestartRule,
    /// What it may use.
    #[serde(default)]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub limits: Limits,
    /// Old releases kept besides the live one.
    #[serde(default = "Settings::default_keep")]
    pub keep_releases: u8,
    /// How long its log lines are kept; as the installation keeps them unless given. Holds at once, without a deploy.
    #[serde(default, skip_serializing_if = "LogsKept::is_default")]
    #[schemars(schema_with = "crate::spec::arguments::any_object")]
    pub logs: LogsKept,
}

/// How long an app's log lines are kept: until either is reached, the oldest goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LogsKept {
    /// Days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
    /// MiB of all its logs together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mebibytes: Option<u32>,
}

impl LogsKept {
    /// Days at the most.
    pub const MAX_DAYS: u32 = 400;
    /// MiB at the most.
    pub const MAX_MEBIBYTES: u32 = 4_096;

    /// Whether it is as the installation keeps them.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl Settings {
    /// Old releases kept unless told otherwise.
    pub const DEFAULT_KEEP: u8 = 5;
    /// Old releases kept at the most.
    pub const MAX_KEEP: u8 = 50;
    /// Words of a command at the most.
    pub const MAX_ARGS: usize = 64;

    const fn default_traffic() -> Traffic {
        Traffic { mode: TrafficMode::Http, port: None, public: false }
    }

    const fn default_keep() -> u8 {
        Self::DEFAULT_KEEP
    }

    /// Settings of a repository with every default.
    pub fn of(repository: impl Into<String>) -> Self {
        Self {
            repository: repository.into(),
            reference: None,
            traffic: Self::default_traffic(),
            build: BuildSettings::default(),
            env: Vec::new(),
            health: None,
            restart: RestartRule::default(),
            limits: Limits::default(),
            keep_releases: Self::DEFAULT_KEEP,
            logs: LogsKept::default(),
        }
    }

    /// The variables of an environment as its processes get them: of one name the last counts.
    pub fn variables(&self, of: Environment) -> impl Iterator<Item = &Variable> {
        let last = move |at: &usize| {
            let later = &self.env[at + 1..];
            !later.iter().any(|later| later.name == self.env[*at].name && later.environment.is_seen_by(of))
        };
        let seen = (0..self.env.len()).filter(move |at| self.env[*at].environment.is_seen_by(of));
        seen.filter(last).map(|at| &self.env[at])
    }

    /// The names of the secrets that an environment uses, each once, sorted.
    pub fn secrets(&self, of: Environment) -> Vec<&SecretName> {
        named(self.variables(of))
    }

    /// The names of the secrets that any environment uses, each once, sorted.
    pub fn all_secrets(&self) -> Vec<&SecretName> {
        named(self.variables(Environment::Production).chain(self.variables(Environment::Preview)))
    }

    /// Refuses what no node could carry out.
    ///
    /// # Errors
    /// [`Refused`] names the field.
    pub fn check(&self) -> Result<(), Refused> {
        valid::repository(&self.repository)?;
        self.reference.as_deref().map_or(Ok(()), valid::reference)?;
        valid::env(&self.env)?;
        self.health.as_ref().map_or(Ok(()), valid::health)?;
        if self.keep_releases == 0 || self.keep_releases > Self::MAX_KEEP {
            return Err(Refused::new("keepReleases", "between 1 and 50 are allowed"));
        }
        if self.logs.days.is_some_and(|days| days == 0 || days > LogsKept::MAX_DAYS) {
            return Err(Refused::new("logs.days", "between 1 and 400 are allowed"));
        }
        if self.logs.mebibytes.is_some_and(|mib| mib == 0 || mib > LogsKept::MAX_MEBIBYTES) {
            return Err(Refused::new("logs.mebibytes", "between 1 and 4096 are allowed"));
        }
        let commands = [("install", &self.build.install), ("build", &self.build.build), ("start", &self.build.start)];
        for (name, argv) in commands {
            let Some(argv) = argv else { continue };
            let empty = argv.first().is_none_or(String::is_empty);
            if empty || argv.len() > Self::MAX_ARGS || argv.iter().any(|arg| arg.contains('\0')) {
                return Err(Refused::new(format!("build.{name}"), "a command is a list of 1 to 64 words without NUL"));
            }
        }
        valid::args(&self.build.args)?;
        for (name, path) in [("root", &self.build.root), ("publish", &self.build.publish)] {
            let Some(path) = path else { continue };
            let leaves = path.starts_with('/') || path.split('/').any(|part| part == "..");
            if leaves || path.chars().any(char::is_control) {
                return Err(Refused::new(format!("build.{name}"), "a folder inside the repository, without `..`"));
            }
        }
        Ok(())
    }
}

fn named<'a>(variables: impl Iterator<Item = &'a Variable>) -> Vec<&'a SecretName> {
    let used = variables.filter_map(|variable| match &variable.source {
        Source::Secret(secret) => Some(secret),
        Source::Value(_) => None,
    });
    let mut names: Vec<_> = used.collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// In the order of the enum.
pub const SPECS: &[Spec] = &[
    Spec {
        name: "app.create",
        title: "Create an app",
        help: "Records an app; nothing runs until it is deployed.",
        permission: Permission::AppCreate,
        target: TargetKind::Tenant,
        effect: Effect::Change,
        risk: 10,
        time_limit: minutes(1),
        undo: Some("app.delete"),
        place: Place::ControlPlane,
    },
    Spec {
        name: "app.update",
        title: "Change an app's settings",
        help: "Takes effect with the next deploy.",
        permission: Permission::AppUpdate,
        target: TargetKind::App,
        effect: Effect::Change,
        risk: 25,
        time_limit: minutes(1),
        undo: Some("app.update"),
        place: Place::ControlPlane,
    },
    Spec {
        name: "app.delete",
        title: "Delete an app",
        help: "Stops it and deletes its releases and logs on the node.",
        permission: Permission::AppDelete,
        target: TargetKind::App,
        effect: Effect::Destroy,
        risk: 90,
        time_limit: minutes(10),
        undo: None,
        place: Place::Node,
    },
];

impl AppAction {
    /// What is fixed about it.
    pub const fn spec(&self) -> &'static Spec {
        match self {
            Self::Create(_) => &SPECS[0],
            Self::Update(_) => &SPECS[1],
            Self::Delete(_) => &SPECS[2],
        }
    }

    /// What it acts on.
    pub const fn target(&self) -> Target {
        match self {
            Self::Create(_) => Target::Tenant,
            Self::Update(args) => Target::App(args.app),
            Self::Delete(args) => Target::App(args.app),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_sees_what_is_marked_for_it_and_of_one_name_the_last() {
        let variable = |name: &str, value: &str, environment| Variable { environment, ..Variable::value(name, value) };
        let (production, preview, all) = (Environment::Production, Environment::Preview, Environment::All);
        let mut settings = Settings::of("https://git.example.org/a/b");
        settings.env = vec![
            variable("URL", "live", production),
            variable("URL", "test", preview),
            variable("MODE", "a", all),
            variable("MODE", "b", production),
            Variable::secret("KEY", "live-key".parse().unwrap()),
        ];
        let of = |environment| -> Vec<_> {
            settings.variables(environment).map(|one| (one.name.clone(), one.source.clone())).collect()
        };
        let value = |name: &str, value: &str| (name.to_owned(), Source::Value(value.to_owned()));
        let key = || ("KEY".to_owned(), Source::Secret("live-key".parse().unwrap()));
        assert_eq!(of(production), [value("URL", "live"), value("MODE", "b"), key()]);
        assert_eq!(of(preview), [value("URL", "test"), value("MODE", "a")]);
        assert_eq!((settings.secrets(production).len(), settings.secrets(preview).len()), (1, 0));
        assert_eq!(settings.all_secrets().len(), 1);
    }

    #[test]
    fn settings_refuse_what_no_node_could_carry_out() {
        let good = Settings::of("https://git.example.org/a/b");
        assert_eq!(good.check(), Ok(()));
        let with = |change: fn(&mut Settings)| {
            let mut settings = good.clone();
            change(&mut settings);
            settings.check().map_err(|refused| refused.field)
        };
        assert_eq!(with(|s| s.repository = "ext::id".into()), Err("repository".into()));
        assert_eq!(with(|s| s.reference = Some("-x".into())), Err("reference".into()));
        assert_eq!(with(|s| s.keep_releases = 0), Err("keepReleases".into()));
        assert_eq!(with(|s| s.logs.days = Some(401)), Err("logs.days".into()));
        assert_eq!(with(|s| s.logs.mebibytes = Some(0)), Err("logs.mebibytes".into()));
        assert_eq!(with(|s| s.build.start = Some(vec![])), Err("build.start".into()));
        fn arg(name: &str) -> Vec<sf_protocol::app::EnvVar> {
            vec![sf_protocol::app::EnvVar { name: name.into(), value: "1".into() }]
        }
        assert_eq!(with(|s| s.build.args = arg("VERSION")), Ok(()));
        assert_eq!(with(|s| s.build.args = arg("A=B")), Err("build.args[0].name".into()));
        assert_eq!(with(|s| s.build.root = Some("a/../..".into())), Err("build.root".into()));
    }
}
