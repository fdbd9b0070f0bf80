//! A whole control plane in one process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sf_actions::node::{Invite, NodeAction};
use sf_actions::{Action, Actor};
use sf_bus::Topic;
use sf_control::keys::raise_epoch;
use sf_control::{Control, Made, Options, Proposal, Proposed};
use sf_engine::Run;
use sf_gateway::{Gateway, TlsFiles};
use sf_identity::password::Cost;
use sf_protocol::KeyId;
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::nodes::{Node, NodeStatus};
use sf_store::testing::{Postgres, TEST_START};
use sf_store::{Scope, Store, StoreOptions, audit, nodes, runs};
use sf_types::{NodeId, RequestId, RunId, TenantId};
use tempfile::TempDir;

use crate::node::SimNode;
use crate::wire::Dial;

/// Nothing that is waited for takes longer, on the slowest machine.
pub const WAIT: Duration = Duration::from_secs(20);
/// How long the parts may take to stop.
const GRACE: Duration = Duration::from_secs(5);
/// Lines of the audit chain read at a time.
const AUDIT_PAGE: u32 = 1000;

/// Which database.
#[derive(Clone, Copy, Debug)]
pub enum Database<'a> {
    /// A file in the plane's folder.
    Sqlite,
    /// A fresh database of a private server.
    Postgres(&'a Postgres),
}

/// A running control plane with its agents' endpoint.
#[derive(Debug)]
pub struct Plane {
    /// The application.
    pub control: Control,
    /// Its clock; manual unless [`Plane::real_time`] made it.
    pub clock: Clock,
    /// Randomness.
    pub rng: Rng,
    /// Owner of the control plane's tasks.
    pub tasks: Tasks,
    /// Owner of the simulated nodes' tasks: they outlive a restart.
    pub nodes: Tasks,
    /// The tenant that everything belongs to.
    pub tenant: TenantId,
    /// Where agents dial.
    pub address: SocketAddr,
    tls: bool,
    options: Options,
    folder: PathBuf,
    /// Deletes the folder with the last plane over it, where it was made for this one.
    made: Option<Arc<TempDir>>,
}

impl Plane {
    /// Starts on an empty database, with TLS and a clock that stands still.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn start(database: Database<'_>) -> Result<Self> {
        Self::with(database, Clock::manual(TEST_START), true).await
    }

    /// Starts with the machine's clock, with or without TLS: for measuring.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn real_time(tls: bool) -> Result<Self> {
        Self::with(Database::Sqlite, Clock::system(), tls).await
    }

    /// Starts with the machine's clock on this database: for programs of their own that work beside it.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn real_time_on(database: Database<'_>) -> Result<Self> {
        Self::with(database, Clock::system(), true).await
    }

    /// Starts in a folder that outlives it: what is there is gone on with, as a process started again does.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn in_folder(folder: &Path, clock: Clock) -> Result<Self> {
        Self::in_folder_with(folder, clock, |_| {}).await
    }

    /// The same with other options: a database server, limits.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn in_folder_with(folder: &Path, clock: Clock, change: impl FnOnce(&mut Options)) -> Result<Self> {
        let mut options = Options::in_folder(folder.to_owned());
        options.password_cost = Cost::for_tests();
        change(&mut options);
        let place = (folder.to_owned(), None);
        Self::open(options, place, clock, Tasks::new(), true).await
    }

    async fn with(database: Database<'_>, clock: Clock, tls: bool) -> Result<Self> {
        let made = Arc::new(tempfile::tempdir()?);
        let folder = made.path().to_owned();
        let mut options = Options::in_folder(folder.clone());
        options.password_cost = Cost::for_tests();
        if let Database::Postgres(server) = database {
            options.store = StoreOptions::new(server.database().await?);
        }
        Self::open(options, (folder, Some(made)), clock, Tasks::new(), tls).await
    }

    async fn open(
        options: Options,
        (folder, made): (PathBuf, Option<Arc<TempDir>>),
        clock: Clock,
        nodes: Tasks,
        tls: bool,
    ) -> Result<Self> {
        let (tasks, rng) = (Tasks::new(), Rng::system());
        let control = Control::start(options.clone(), clock.clone(), rng.clone(), &tasks).await?;
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let files = TlsFiles::in_folder(&folder);
        files.make_if_missing(&names)?;
        let secured = if tls { Some(files.server_config()?) } else { None };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        // Thousands of simulated nodes come from one address.
        let unproven_per_address = usize::MAX;
        let endpoint = sf_gateway::Options { unproven_per_address, ..sf_gateway::Options::new(listen, names, secured) };
        let gateway = Gateway::bind(endpoint, control.clone()).await?;
        let address = gateway.address();
        gateway.start(&tasks);
        let all = sf_store::tenants::all(&control.store().read(Scope::System)).await?;
        let tenant = all.first().context("a started control plane has a tenant")?.id;
        Ok(Self { control, clock, rng, tasks, nodes, tenant, address, tls, options, folder, made })
    }

    /// Stops it and starts another one over the same database and folder. Its address is another one, too.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn restarted(self) -> Result<Self> {
        self.tasks.stop(GRACE).await;
        drop(self.control);
        Self::open(self.options, (self.folder, self.made), self.clock, self.nodes, self.tls).await
    }

    /// Ends it without a last word, as a kill would, and starts another one over the same database and folder.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn killed(self) -> Result<Self> {
        self.tasks.stop(Duration::ZERO).await;
        self.restarted().await
    }

    /// Stops it, copies its database file, and starts again.
    ///
    /// # Errors
    /// Whatever keeps it from starting; a database that is no file.
    pub async fn backed_up(self) -> Result<(Self, TempDir)> {
        self.tasks.stop(GRACE).await;
        drop(self.control);
        let backup = tempfile::tempdir()?;
        copy_database(&self.folder, backup.path())?;
        let plane = Self::open(self.options, (self.folder, self.made), self.clock, self.nodes, self.tls).await?;
        Ok((plane, backup))
    }

    /// Stops it, puts a backup in the place of its database, raises the epoch if so wanted, and starts again.
    ///
    /// # Errors
    /// Whatever keeps it from starting; a database that is no file.
    pub async fn restored(self, backup: &TempDir, raise: bool) -> Result<Self> {
        self.tasks.stop(GRACE).await;
        drop(self.control);
        copy_database(backup.path(), &self.folder)?;
        if raise {
            let tasks = Tasks::new();
            let store = Store::open(&self.options.store, self.clock.clone(), self.rng.clone(), &tasks).await?;
            raise_epoch(&self.options, &store, &self.clock, &self.rng).await?;
            drop(store);
            tasks.stop(GRACE).await;
        }
        Self::open(self.options, (self.folder, self.made), self.clock, self.nodes, self.tls).await
    }

    /// A second control plane over the same database; at a database server, with a data folder of its own and the same
    /// master key. Without an agents' endpoint.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn second(&self) -> Result<Control> {
        self.second_under(&self.tasks).await
    }

    /// The same, ended by the end of `tasks`.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn second_under(&self, tasks: &Tasks) -> Result<Control> {
        let mut options = self.options.clone();
        if options.store.sqlite_path().is_none() {
            options.data = self.folder.join("second");
            std::fs::create_dir_all(&options.data)?;
        }
        Ok(Control::start(options, self.clock.clone(), self.rng.clone(), tasks).await?)
    }

    /// One more over the same database, with this data folder and the master key that is in it.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn third(&self, folder: &Path) -> Result<Control> {
        let options = Options { store: self.options.store.clone(), ..Options::in_folder(folder.to_owned()) };
        Ok(Control::start(options, self.clock.clone(), self.rng.clone(), &self.tasks).await?)
    }

    /// Stops it, lets `work` change its folder and database, and starts again.
    ///
    /// # Errors
    /// What `work` answers, or whatever keeps it from starting.
    pub async fn replaced(self, work: impl AsyncFnOnce(&Path, &StoreOptions) -> Result<()>) -> Result<Self> {
        self.tasks.stop(GRACE).await;
        drop(self.control);
        work(&self.folder, &self.options.store).await?;
        Self::open(self.options, (self.folder, self.made), self.clock, self.nodes, self.tls).await
    }

    /// Where its database is.
    pub fn database(&self) -> &StoreOptions {
        &self.options.store
    }

    /// Changes the options and starts again.
    ///
    /// # Errors
    /// Whatever keeps it from starting.
    pub async fn reconfigured(mut self, change: impl FnOnce(&mut Options)) -> Result<Self> {
        change(&mut self.options);
        self.restarted().await
    }

    /// Stops everything.
    pub async fn stop(self) {
        self.nodes.stop(Duration::ZERO).await;
        self.tasks.stop(GRACE).await;
    }

    /// Its folder: keys and, with SQLite, the database.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// How nodes dial it.
    pub fn dial(&self) -> Dial {
        if self.tls { Dial::tls(self.address) } else { Dial::plain(self.address) }
    }

    /// The root's fingerprint, as in an install line.
    pub fn root(&self) -> KeyId {
        self.control.root_fingerprint()
    }

    /// A fresh correlation id.
    pub fn request(&self) -> RequestId {
        self.rng.id(&self.clock)
    }

    /// Moves the clock on and performs what is due then.
    ///
    /// # Errors
    /// When the timers cannot be performed.
    pub async fn pass(&self, by: Duration) -> Result<()> {
        self.clock.set(self.clock.now().plus(by));
        self.control.perform_due().await?;
        Ok(())
    }

    /// Proposes.
    ///
    /// # Errors
    /// The control plane's refusal.
    pub async fn propose(&self, actor: &Actor, action: Action) -> Result<Proposed, sf_types::Fault> {
        self.control.propose(actor, self.request(), Proposal::of(action)).await
    }

    /// Proposes what a node has to carry out, or a person to decide.
    ///
    /// # Errors
    /// The refusal, or it was done at once.
    pub async fn open_run(&self, actor: &Actor, action: Action) -> Result<RunId> {
        match self.propose(actor, action).await? {
            Proposed::Open(run) => Ok(run.id),
            other => bail!("expected an open run, got {other:?}"),
        }
    }

    /// The text of a fresh enrolment token.
    ///
    /// # Errors
    /// The refusal.
    pub async fn invite(&self, actor: &Actor) -> Result<String> {
        match self.propose(actor, Action::Node(NodeAction::Invite(Invite { name: None }))).await? {
            Proposed::Done(_, Made::Invitation(invitation)) => Ok(invitation.token),
            other => bail!("expected an invitation, got {other:?}"),
        }
    }

    /// Enrols a simulated node with a fresh token; it is not connected yet.
    ///
    /// # Errors
    /// A refusal of either side.
    pub async fn enrol(&self, actor: &Actor) -> Result<SimNode> {
        let token = self.invite(actor).await?;
        Ok(SimNode::enrol(&self.dial(), &token, self.root(), self.clock.clone(), self.rng.clone()).await?)
    }

    /// A run as it is.
    ///
    /// # Errors
    /// There is none.
    pub async fn run(&self, run: RunId) -> Result<Run> {
        Ok(runs::get(&self.control.store().read(Scope::System), run).await?)
    }

    /// Waits until a run is as wanted. Nothing is polled: its events wake this.
    ///
    /// # Errors
    /// It was not within [`WAIT`]; says how it is instead.
    pub async fn until(&self, run: RunId, wanted: impl Fn(&Run) -> bool) -> Result<Run> {
        let mut events = self.control.bus().subscribe(Scope::System, [Topic::Run(run)])?;
        let wait = async {
            loop {
                let now = self.run(run).await?;
                if wanted(&now) || events.next().await.is_none() {
                    return anyhow::Ok(now);
                }
            }
        };
        match tokio::time::timeout(WAIT, wait).await {
            Ok(run) => run,
            Err(_) => bail!("not as wanted in time: {:?}", self.run(run).await?),
        }
    }

    /// Waits until a run has ended.
    ///
    /// # Errors
    /// As [`Plane::until`].
    pub async fn ended(&self, run: RunId) -> Result<Run> {
        self.until(run, Run::is_done).await
    }

    /// A node as it is.
    ///
    /// # Errors
    /// There is none.
    pub async fn node(&self, node: NodeId) -> Result<Node> {
        Ok(nodes::get(&self.control.store().read(Scope::System), node).await?)
    }

    /// Waits until a node is in this state.
    ///
    /// # Errors
    /// It was not within [`WAIT`].
    pub async fn until_node(&self, node: NodeId, status: NodeStatus) -> Result<Node> {
        let mut events = self.control.bus().subscribe(Scope::System, [Topic::Node(node)])?;
        let wait = async {
            loop {
                let now = self.node(node).await?;
                if now.status == status || events.next().await.is_none() {
                    return anyhow::Ok(now);
                }
            }
        };
        tokio::time::timeout(WAIT, wait).await.context("the node did not get into the state")?
    }

    /// Verifies the whole audit chain from its first line to its recorded head; answers its lines.
    ///
    /// # Errors
    /// The first line that does not hold, or a head that is not the last line.
    pub async fn audited(&self) -> Result<Vec<audit::Line>> {
        let reader = self.control.store().read(Scope::System);
        let instance = self.control.instance();
        let mut lines: Vec<audit::Line> = Vec::new();
        loop {
            let after = lines.last().map_or(0, |line| line.seq);
            let page = audit::export(&reader, instance, after, AUDIT_PAGE).await?;
            if page.is_empty() {
                break;
            }
            lines.extend(page);
        }
        let head = audit::verify(audit::Head::default(), &lines)?;
        let recorded = audit::head(&reader, instance).await?;
        if head != recorded {
            bail!("the chain ends at {head:?}, and {recorded:?} is recorded");
        }
        Ok(lines)
    }
}

/// The database file with its log, in place of what is there.
fn copy_database(from: &Path, to: &Path) -> Result<()> {
    for name in ["serverflow.db", "serverflow.db-wal", "serverflow.db-shm"] {
        let (from, to) = (from.join(name), to.join(name));
        if to.exists() {
            std::fs::remove_file(&to)?;
        }
        if from.exists() {
            std::fs::copy(from, to)?;
        } else if name == "serverflow.db" {
            bail!("there is no database file to copy");
        }
    }
    Ok(())
}
