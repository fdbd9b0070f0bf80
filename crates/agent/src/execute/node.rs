//! What orders act on.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use sf_protocol::app::AppState;
use sf_protocol::outcome::AppFacts;
use sf_protocol::report::NodeFacts;
use sf_protocol::{KeyId, SecretKey};
use sf_runtime::{Clock, Rng, Tasks};
use sf_types::{AppId, Fault, NodeId, Port, ReleaseId, ServerId};
use tokio::sync::{Notify, RwLock, Semaphore, watch};
use tokio::time::Instant;

use super::app::Apps;
use crate::confine::cgroup::Cgroups;
use crate::daemon::schedules::Schedules;
use crate::daemon::servers::Servers;
use crate::journal::Journal;
use crate::link::second::Dialer;
use crate::outbox::Outbox;
use crate::patching::Checker;
use crate::policy::{Loaded, Policy};
use crate::process::{Process, Supervisor};
use crate::proxy::Proxy;
use crate::relay::Relays;
use crate::release::Releases;
use crate::source::Sources;
use crate::state::StateDir;
use crate::traffic::port::Ports;
use crate::user::Users;

/// Deploys under way at the same time, over all apps.
pub const DEPLOYS_AT_ONCE: usize = 100;

/// Everything a node is made of, shared by all orders.
#[derive(Debug)]
pub struct Node {
    /// This node.
    pub id: NodeId,
    /// Its key.
    pub key: SecretKey,
    /// The agent's folder.
    pub state: StateDir,
    /// Second connections.
    pub dialer: Dialer,
    /// Promises and outcomes.
    pub journal: Journal,
    /// What waits to be told.
    pub outbox: Outbox,
    /// App processes.
    pub supervisor: Supervisor,
    /// Processes of panel servers.
    pub held: Supervisor,
    /// Stable ports.
    pub relays: Relays,
    /// Domains.
    pub proxy: Proxy,
    /// Repositories.
    pub sources: Sources,
    /// Numeric users.
    pub users: Arc<Users>,
    /// Control groups.
    pub cgroups: Cgroups,
    /// Held while something is made: an engine is not swept then.
    pub making: RwLock<()>,
    /// The engine has to be swept: something of ours could not be removed.
    pub owed: Notify,
    /// What is kept of each app.
    pub apps: Apps,
    /// What is kept of each panel server.
    pub servers: Servers,
    /// Servers whose install script runs in a container.
    pub installing: Mutex<HashSet<ServerId>>,
    /// Standing orders.
    pub schedules: Schedules,
    /// Ports given out.
    pub ports: Ports,
    /// The time.
    pub clock: Clock,
    /// Jitter and port choice.
    pub rng: Rng,
    /// Owner of all work.
    pub tasks: Tasks,
    /// Room for deploys.
    pub deploys: Semaphore,
    /// Room for looks at repositories.
    pub looks: Semaphore,
    /// One service is steered at a time.
    pub services: tokio::sync::Mutex<()>,
    /// Checks of syntax.
    pub checker: Checker,
    /// Room for builds: one for each processor.
    pub builds: Semaphore,
    /// Metrics are told every second until then.
    pub watched_until: watch::Sender<Option<Instant>>,
    /// What the node is; gathered in the background.
    pub facts: watch::Receiver<Option<Arc<NodeFacts>>>,
}

impl Node {
    /// Name of its key.
    pub fn key_id(&self) -> KeyId {
        self.key.public().id()
    }

    /// The policy as it is now: changes of the file count from the next order on.
    ///
    /// # Errors
    /// When the file cannot be believed: nothing may then be done.
    pub fn policy(&self) -> Result<Policy, Fault> {
        self.loaded_policy().map(|loaded| loaded.policy)
    }

    /// The policy and who owns it.
    ///
    /// # Errors
    /// As [`Node::policy`].
    pub fn loaded_policy(&self) -> Result<Loaded, Fault> {
        Policy::load(&self.state.join("policy.toml"))
    }

    /// What the names of its builds' control groups begin with. A machine may have several agents, and what one has left
    /// running is ended by that one alone.
    pub fn own_builds(&self) -> String {
        format!("build-{}-", self.id)
    }

    /// The same of what it runs by the clock.
    pub fn own_schedules(&self) -> String {
        format!("schedule-{}-", self.id)
    }

    /// The releases of an app.
    ///
    /// # Errors
    /// The disk's reason.
    pub fn releases(&self, app: AppId) -> Result<Releases, Fault> {
        Ok(Releases::open(&self.state.apps(), app)?)
    }

    /// The live release of an app.
    pub fn live(&self, app: AppId) -> Option<ReleaseId> {
        self.apps.get(app)?;
        self.releases(app).ok()?.live().ok()?.live
    }

    /// Folder of the log of a release.
    pub fn log_dir(&self, app: AppId, release: ReleaseId) -> PathBuf {
        self.state.app(app).join("logs").join(release.to_string())
    }

    /// The process of a release, if one lives.
    pub fn process(&self, release: ReleaseId) -> Option<Process> {
        self.supervisor.get(release).filter(|process| !process.status().ended)
    }

    /// What an app is doing.
    pub fn state_of(&self, app: AppId) -> AppState {
        let Some(record) = self.apps.get(app) else { return AppState::Empty };
        let Some(live) = self.live(app) else { return AppState::Empty };
        if let Some(process) = self.supervisor.get(live) {
            return process.status().state;
        }
        let has_process = self.releases(app).ok().and_then(|releases| releases.get(live).ok().flatten());
        let has_process = has_process.is_none_or(|release| release.manifest.plan.start.is_some());
        match record.wanted {
            AppState::Running if has_process => AppState::Failed,
            wanted => wanted,
        }
    }

    /// What is true of an app.
    pub fn app_facts(&self, app: AppId, stopped_by: Option<String>) -> AppFacts {
        let record = self.apps.get(app);
        AppFacts {
            state: self.state_of(app),
            live_release: self.live(app),
            generation: record.as_ref().map_or(0, |record| record.spec.generation),
            port: record.and_then(|record| record.stable).and_then(|port| Port::try_from(port).ok()),
            stopped_by,
        }
    }

    /// Releases of an app on disk, newest first.
    pub fn kept(&self, app: AppId) -> Vec<ReleaseId> {
        let list = |releases: Releases| releases.list().iter().map(|release| release.manifest.release).collect();
        self.releases(app).map(list).unwrap_or_default()
    }
}
