//! The configuration of the control plane: `serverflow.toml`, then `SERVERFLOW_SECTION__KEY`, then the plain names
//! that hosting platforms set (`DATABASE_URL`). Unknown keys are refused.

mod database;
#[cfg(test)]
mod reference;
mod sections;
mod sending;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sf_control::audit::retention::Retention;
use sf_control::options::{Alerts, Identity, Panel, Routing};
use sf_identity::master::MasterSource;
use sf_identity::password::Cost;
use sf_store::StoreOptions;
use sf_types::Secret;

use crate::failure::{Exit, Failure};
pub use sections::{Agents, Api, Data, Database, Log, Mail, Master, Metrics, Tenancy};

/// Read when no other file is named and it is there.
const DEFAULT_FILE: &str = "serverflow.toml";
/// Before the names of environment variables.
const PREFIX: &str = "SERVERFLOW";
/// Shown instead of a secret.
const MASK: &str = "***";

/// Everything that can be set, a section a part.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// REST and WebSocket.
    pub api: Api,
    /// The agents' endpoint.
    pub agents: Agents,
    /// The data folder.
    pub data: Data,
    /// The database.
    pub database: Database,
    /// The master key.
    pub master: Master,
    /// The mail server.
    pub mail: Mail,
    /// Which actions run by themselves.
    pub routing: Routing,
    /// One team or several.
    pub tenancy: Tenancy,
    /// What people have to show.
    pub identity: Identity,
    /// How long what is kept.
    pub retention: Retention,
    /// Requests to addresses that people typed.
    pub egress: sf_egress::Options,
    /// When people are told that something is wrong.
    pub alerts: Alerts,
    /// What machines may promise to servers of the panel.
    pub panel: Panel,
    /// `/metrics`.
    pub metrics: Metrics,
    /// The control plane's own log.
    pub log: Log,
    // Variables of the command line and of the agent share the prefix: they are no keys of ours, but no mistakes.
    #[serde(skip_serializing)]
    url: Option<String>,
    #[serde(skip_serializing)]
    token: Option<String>,
    #[serde(skip_serializing)]
    ca: Option<String>,
    #[serde(skip_serializing)]
    config: Option<String>,
    #[serde(skip_serializing)]
    state: Option<String>,
    #[serde(skip_serializing)]
    agent_state: Option<String>,
    #[serde(skip_serializing)]
    agent_log: Option<String>,
    #[serde(skip_serializing)]
    enrol_token: Option<String>,
}

impl Config {
    /// Reads the file (the named one, else `serverflow.toml` where it is there) and the environment.
    ///
    /// # Errors
    /// An unknown key, a wrong type, a missing file: named.
    pub fn load(file: Option<&Path>) -> Result<Self, Failure> {
        let default = Path::new(DEFAULT_FILE);
        let file = file.or_else(|| default.is_file().then_some(default));
        let mut config: Self = sf_runtime::config::load(file, PREFIX).map_err(|error| {
            Failure::new(Exit::Usage, "config.refused", format!("{error}."))
                .fix("Correct the key, then look at the result with `serverflow config`.")
        })?;
        let set = |value: &mut Option<String>, name: &str| {
            if value.is_none() {
                *value = sf_runtime::env::var(name);
            }
        };
        set(&mut config.database.url, "DATABASE_URL");
        set(&mut config.database.read_url, "DATABASE_READ_URL");
        set(&mut config.master.key, "MASTER_KEY");
        if config.tenancy.multi_tenant.is_none()
            && let Some(text) = sf_runtime::env::var("MULTI_TENANT")
        {
            let read = text.parse().map_err(|_| {
                Failure::new(
                    Exit::Usage,
                    "config.refused",
                    format!("MULTI_TENANT is `{text}`: true or false is expected."),
                )
            });
            config.tenancy.multi_tenant = Some(read?);
        }
        Ok(config)
    }

    /// What `sf-control` is told.
    ///
    /// # Errors
    /// A data folder that cannot be made.
    pub fn control(&self) -> Result<sf_control::Options, Failure> {
        let folder = self.data_folder()?;
        let mut options = sf_control::Options::in_folder(folder);
        let secured = |url: &Option<String>, key| {
            url.as_deref().map(|url| database::secured(url, key, self.database.allow_plaintext)).transpose()
        };
        if let Some(url) = secured(&self.database.url, "database.url")? {
            options.store = StoreOptions::new(url);
        }
        // Commands on the data folder write to the chain that its control plane has.
        options.store.instance = sf_control::instance::of_folder(&options.data)
            .map_err(|error| Failure::new(Exit::Failed, "data.instance", error.to_string()))?;
        options.store.read_url = secured(&self.database.read_url, "database.read_url")?;
        options.store.readers = self.database.readers;
        options.password_cost = Cost::default();
        options.routing = self.routing.clone();
        options.multi_tenant = self.tenancy.multi_tenant;
        options.mail = self.mail_options()?;
        options.public_url = self.public_url(self.api.listen)?;
        options.retention = self.retention.clone();
        options.identity = self.identity.clone();
        options.egress = self.egress.clone();
        options.alerts = self.alerts.clone();
        options.panel = self.panel.clone();
        if let Some(key) = &self.master.key {
            options.master = MasterSource::Text(Secret::new(key.clone()));
        } else if !self.master.command.is_empty() {
            options.master = MasterSource::Command(self.master.command.clone());
        } else if let Some(file) = &self.master.file {
            options.master = MasterSource::File(file.clone());
        }
        Ok(options)
    }

    /// The data folder, made where it is missing, for its owner only.
    ///
    /// # Errors
    /// The file system's.
    pub fn data_folder(&self) -> Result<PathBuf, Failure> {
        use std::os::unix::fs::DirBuilderExt;
        let folder =
            std::path::absolute(&self.data.folder).map_err(|error| Failure::file(&self.data.folder, &error))?;
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(|error| Failure::file(&folder, &error))?;
        Ok(folder)
    }

    /// Without secrets, for showing.
    pub fn masked(&self) -> Self {
        let mut shown = self.clone();
        for secret in [&mut shown.master.key, &mut shown.metrics.token, &mut shown.mail.password].into_iter().flatten()
        {
            MASK.clone_into(secret);
        }
        for url in [&mut shown.database.url, &mut shown.database.read_url].into_iter().flatten() {
            *url = without_password(url);
        }
        shown
    }
}

/// `postgres://user:***@host/db`.
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((credentials, host)) = rest.rsplit_once('@') else { return url.to_owned() };
    let user = credentials.split(':').next().unwrap_or_default();
    format!("{scheme}://{user}:{MASK}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(toml: &str, expected: Result<(), &str>) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("serverflow.toml");
        std::fs::write(&file, toml).unwrap();
        match (Config::load(Some(&file)), expected) {
            (Ok(_), Ok(())) => {}
            (Err(failure), Err(part)) => assert!(failure.message.contains(part), "{failure}"),
            (got, want) => panic!("{toml}: {got:?}, expected {want:?}"),
        }
    }

    #[test]
    fn unknown_keys_are_refused_by_name() {
        check("[api]\nlisten = \"127.0.0.1:7400\"", Ok(()));
        check("[api]\nlissten = \"127.0.0.1:7400\"", Err("lissten"));
        check("[apis]", Err("apis"));
        check("[api]\nlisten = \"here\"", Err("listen"));
        check("[routing]\nauto_at = 95", Ok(()));
        check("[identity]\nrequire_second_factor = \"admins\"", Ok(()));
        check("[identity]\nrequire_second_factor = \"some\"", Err("require_second_factor"));
        check("[alerts]\nsilent_after_secs = 60", Ok(()));
        check("[egress]\nallowed_networks = [\"10.0.7.0/24\"]", Ok(()));
        check("[egress]\nallowed_networks = [\"everything\"]", Err("allowed_networks"));
    }

    #[test]
    fn secrets_are_masked() {
        let mut config = Config::default();
        config.database.url = Some("postgres://flow:hunter2@db/x".into());
        config.metrics.token = Some("t0psecret".into());
        config.master.key = Some("k".into());
        config.mail.password = Some("pa55word".into());
        let shown = toml::to_string(&config.masked()).unwrap();
        assert!(shown.contains("postgres://flow:***@db/x"), "{shown}");
        assert!(!shown.contains("hunter2") && !shown.contains("t0psecret"), "{shown}");
        assert!(!shown.contains("pa55word"), "{shown}");
    }

    #[tokio::test]
    async fn the_master_key_comes_from_a_file_a_text_or_a_command() {
        use base64::Engine;
        let (folder, key) = (tempfile::tempdir().unwrap(), [7; 32]);
        let text = base64::engine::general_purpose::STANDARD.encode(key);
        let file = folder.path().join("elsewhere.key");
        std::fs::write(&file, &text).unwrap();
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let expected = sf_identity::MasterKey::from_bytes(key).id();
        for master in [
            format!("file = {:?}", file.display().to_string()),
            format!("key = {text:?}"),
            format!("command = [\"printf\", \"%s\", {text:?}]"),
            // The text counts before the others.
            format!("key = {text:?}\ncommand = [\"false\"]\nfile = \"/nowhere\""),
        ] {
            let path = folder.path().join("serverflow.toml");
            let data = folder.path().join("data").display().to_string();
            std::fs::write(&path, format!("[data]\nfolder = {data:?}\n[master]\n{master}\n")).unwrap();
            let options = Config::load(Some(&path)).unwrap().control().unwrap();
            let fetched = sf_identity::MasterKey::fetch(&options.master, &sf_runtime::Rng::seeded(1)).await;
            assert_eq!(fetched.unwrap().id(), expected, "{master}");
        }
    }

    #[test]
    fn the_committed_example_is_a_valid_configuration() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Config::load(Some(&root.join("deploy/systemd/serverflow.toml"))).unwrap();
    }
}
