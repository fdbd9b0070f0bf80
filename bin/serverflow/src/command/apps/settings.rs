//! Settings of an app as options.

use serde_json::{Value, json};

use crate::failure::Failure;

/// Whose a variable is unless somebody says otherwise.
const PRODUCTION: &str = "production";

/// What can be set. What is left out stays as it is.
#[derive(Debug, clap::Args)]
pub struct SettingArgs {
    /// Branch or tag deployed by default.
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// An environment variable; without `=` it is taken away.
    #[arg(long = "env", value_name = "K=V")]
    env: Vec<String>,
    /// An environment variable with the value of a secret of the app's project.
    #[arg(long = "env-secret", value_name = "NAME=SECRET")]
    env_secret: Vec<String>,
    /// Whose processes get these variables: production, preview or all.
    #[arg(long = "env-for", value_name = "ENVIRONMENT", default_value = PRODUCTION)]
    env_for: String,
    /// The stable port; a free one otherwise.
    #[arg(long)]
    port: Option<u16>,
    /// Whether other machines reach it.
    #[arg(long)]
    public: Option<bool>,
    /// What it speaks: http, tcp, none.
    #[arg(long, value_parser = ["http", "tcp", "none"])]
    traffic: Option<String>,
    /// Folder inside the repository that is the app.
    #[arg(long)]
    root: Option<String>,
    /// Builder: node, python, rust, go, php, static, commands, dockerfile.
    #[arg(long, value_parser = ["node", "python", "rust", "go", "php", "static", "commands", "dockerfile"])]
    builder: Option<String>,
    /// Whether a deploy leaves out what is proven to come out as before.
    #[arg(long)]
    hot_path: Option<bool>,
    /// Value of an `ARG` of the Dockerfile, never a secret; without `=` it is taken away.
    #[arg(long, value_name = "K=V")]
    build_arg: Vec<String>,
    /// Command that starts it, one word an option: --start node --start server.js.
    #[arg(long, value_name = "WORD", allow_hyphen_values = true)]
    start: Vec<String>,
    /// Path that answers 200-399 when it is healthy.
    #[arg(long, value_name = "PATH")]
    health_path: Option<String>,
    /// Seconds a release has to become healthy.
    #[arg(long, value_name = "SECONDS")]
    health_within: Option<u64>,
    /// Memory limit in MiB.
    #[arg(long, value_name = "MIB")]
    memory_mb: Option<u64>,
    /// CPU limit in percent of one core.
    #[arg(long, value_name = "PERCENT")]
    cpu_percent: Option<u32>,
    /// Old releases kept.
    #[arg(long, value_name = "N")]
    keep_releases: Option<u8>,
    /// Days that log lines are kept.
    #[arg(long, value_name = "DAYS")]
    logs_days: Option<u32>,
    /// MiB of log lines that are kept.
    #[arg(long, value_name = "MIB")]
    logs_mb: Option<u32>,
}

impl SettingArgs {
    /// Writes what was given into `settings`.
    ///
    /// # Errors
    /// A health time without a health path to wait for.
    pub fn apply(&self, settings: &mut Value) -> Result<(), Failure> {
        if let Some(reference) = &self.reference {
            settings["reference"] = reference.as_str().into();
        }
        if self.port.is_some() || self.public.is_some() || self.traffic.is_some() {
            let mut traffic = settings.get("traffic").cloned().unwrap_or_else(|| json!({ "mode": "http" }));
            set(&mut traffic, "port", self.port);
            set(&mut traffic, "public", self.public);
            set(&mut traffic, "mode", self.traffic.as_deref());
            settings["traffic"] = traffic;
        }
        let mut build = settings.get("build").cloned().unwrap_or_else(|| json!({}));
        set(&mut build, "root", self.root.as_deref());
        set(&mut build, "builder", self.builder.as_deref());
        set(&mut build, "hotPath", self.hot_path);
        set(&mut build, "start", (!self.start.is_empty()).then(|| self.start.clone()));
        self.build_args(&mut build);
        settings["build"] = build;
        let mut limits = settings.get("limits").cloned().unwrap_or_else(|| json!({}));
        set(&mut limits, "memory", self.memory_mb.map(|mib| mib.saturating_mul(1024 * 1024)));
        set(&mut limits, "cpuPercent", self.cpu_percent);
        settings["limits"] = limits;
        set(settings, "keepReleases", self.keep_releases);
        if self.logs_days.is_some() || self.logs_mb.is_some() {
            let mut logs = settings.get("logs").cloned().unwrap_or_else(|| json!({}));
            set(&mut logs, "days", self.logs_days);
            set(&mut logs, "mebibytes", self.logs_mb);
            settings["logs"] = logs;
        }
        self.health(settings)?;
        self.variables(settings)
    }

    fn build_args(&self, build: &mut Value) {
        let mut args: Vec<Value> = build.get("args").and_then(Value::as_array).cloned().unwrap_or_default();
        for given in &self.build_arg {
            let (name, value) =
                given.split_once('=').map_or((given.as_str(), None), |(name, value)| (name, Some(value)));
            args.retain(|arg| arg["name"] != name);
            args.extend(value.map(|value| json!({ "name": name, "value": value })));
        }
        if !self.build_arg.is_empty() {
            build["args"] = args.into();
        }
    }

    fn health(&self, settings: &mut Value) -> Result<(), Failure> {
        if let Some(path) = &self.health_path {
            let mut health = settings.get("health").filter(|old| old.is_object()).cloned().unwrap_or_else(|| json!({}));
            health["probe"] = json!({ "kind": "http", "path": path });
            settings["health"] = health;
        }
        if let Some(seconds) = self.health_within {
            let Some(health) = settings.get_mut("health").filter(|health| health.is_object()) else {
                return Err(Failure::usage("--health-within needs a health check to wait for.")
                    .fix("Give --health-path with it."));
            };
            health["within"] = seconds.saturating_mul(1000).into();
        }
        Ok(())
    }

    fn variables(&self, settings: &mut Value) -> Result<(), Failure> {
        if self.env.is_empty() && self.env_secret.is_empty() {
            return Ok(());
        }
        let mut vars: Vec<Value> = settings.get("env").and_then(Value::as_array).cloned().unwrap_or_default();
        // A variable of another environment is another one.
        let of = |var: &Value| var.get("environment").and_then(Value::as_str).unwrap_or(PRODUCTION).to_owned();
        let is_it =
            |var: &Value, name: &str| var.get("name").and_then(Value::as_str) == Some(name) && of(var) == self.env_for;
        let marked = |mut var: Value| {
            if self.env_for != PRODUCTION {
                var["environment"] = self.env_for.as_str().into();
            }
            var
        };
        for given in &self.env {
            let (name, text) = given.split_once('=').map_or((given.as_str(), None), |(name, text)| (name, Some(text)));
            vars.retain(|var| !is_it(var, name));
            vars.extend(text.map(|text| marked(json!({ "name": name, "value": text }))));
        }
        for given in &self.env_secret {
            let (name, secret) = given.split_once('=').ok_or_else(|| {
                Failure::usage("--env-secret takes a variable and a secret: --env-secret NAME=SECRET.")
                    .fix("List the secrets: serverflow secrets.")
            })?;
            vars.retain(|var| !is_it(var, name));
            vars.push(marked(json!({ "name": name, "secret": secret })));
        }
        settings["env"] = Value::Array(vars);
        Ok(())
    }
}

fn set(object: &mut Value, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object[name] = value.into();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        settings: SettingArgs,
    }

    fn check(args: &[&str], before: Value, expected: Value) {
        let mut settings = before;
        Line::parse_from([&["x"], args].concat()).settings.apply(&mut settings).unwrap();
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&settings[name], value, "{args:?}");
        }
    }

    #[test]
    fn options_change_what_they_name_and_nothing_else() {
        let old = json!({"repository": "r", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                         "traffic": {"mode": "tcp", "public": true}});
        check(&["--env", "A=x=y", "--env", "B"], old.clone(), json!({"env": [{"name": "A", "value": "x=y"}]}));
        let (kept, secret) = (json!({"name": "B", "value": "2"}), json!({"name": "A", "secret": "api-key"}));
        check(&["--env-secret", "A=api-key"], old.clone(), json!({"env": [kept, secret]}));
        let both = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"},
            {"name": "A", "value": "test", "environment": "preview"}]});
        check(&["--env", "A=test", "--env-for", "preview"], old.clone(), both);
        check(&["--port", "8080"], old.clone(), json!({"traffic": {"mode": "tcp", "public": true, "port": 8080}}));
        check(&["--memory-mb", "64"], old.clone(), json!({"limits": {"memory": 67_108_864}, "repository": "r"}));
        check(&["--start", "node", "--start", "-r"], old, json!({"build": {"start": ["node", "-r"]}}));
    }

    #[test]
    fn a_reference_names_its_secret() {
        let line = Line::parse_from(["x", "--env-secret", "A"]);
        assert!(line.settings.apply(&mut json!({})).is_err());
    }

    #[test]
    fn a_health_time_needs_something_to_wait_for() {
        let line = Line::parse_from(["x", "--health-within", "5"]);
        assert!(line.settings.apply(&mut json!({})).is_err());
    }
}
