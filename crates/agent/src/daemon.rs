//! The daemon: finds everything again, makes true what should be, then talks to the control plane.
//!
//! Stopping it stops nothing else: shims and relays go on.

pub(crate) mod aside;
pub mod local;
pub mod schedules;
pub mod servers;

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sf_runtime::{Clock, OnError, Rng, Tasks};
use sf_types::{ErrorKind, Fault};
use tokio::sync::{Notify, RwLock, Semaphore, mpsc, watch};
use tokio::time::Instant;

use crate::confine::cgroup::Cgroups;
use crate::execute::{DEPLOYS_AT_ONCE, Executor, LOOKS_AT_ONCE, Node, Observer, Ports, app::Apps};
use crate::facts;
use crate::journal::{Accepted, Journal, Recovered};
use crate::link::second::Dialer;
use crate::link::{Link, LinkState, ORDERS_WAITING_MAX};
use crate::outbox::Outbox;
use crate::patching::Checker;
use crate::policy::Policy;
use crate::process::folder::Held;
use crate::process::{self, Supervisor};
use crate::proxy::{self, Proxy};
use crate::relay::{self, Relays};
use crate::source::{self, FetchLimits, Sources};
use crate::state::{StateDir, StateError};
use crate::user::Users;
use schedules::Schedules;
use servers::Servers;

/// Time an agent that was killed gets to let go of its folder.
const LET_GO_WITHIN: Duration = Duration::from_secs(3);
/// Between two looks at whether it has.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How the daemon is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// The agent's folder.
    pub state: PathBuf,
    /// The program that has the modes `shim` and `relay`: usually this one.
    pub program: PathBuf,
    /// The time.
    pub clock: Clock,
    /// Nonces, jitter.
    pub rng: Rng,
}

/// A daemon at work.
#[derive(Debug)]
pub struct Daemon {
    /// What orders act on.
    pub node: Arc<Node>,
    /// How the connection is.
    pub link: watch::Receiver<LinkState>,
    _held: Held,
}

fn disk(what: &str, error: &impl std::fmt::Display) -> Fault {
    Fault::new(ErrorKind::Internal, "agent.start", format!("{what} cannot be used: {error}."))
        .fix("Check the disk and the rights of the agent's state folder.")
}

/// The folder, for this agent alone. One that was killed a moment ago has its locks until its last thread is gone.
async fn hold(state: &StateDir, clock: &Clock) -> Result<Held, Fault> {
    let began = Instant::now();
    loop {
        match state.hold(clock.now()) {
            Err(StateError::Held { .. }) if began.elapsed() < LET_GO_WITHIN => tokio::time::sleep(LOOK_EVERY).await,
            held => return Ok(held?),
        }
    }
}

impl Daemon {
    /// Starts everything as tasks of `tasks` and returns. Processes and relays are found again before this returns;
    /// what else has to be true follows in the background, then orders are taken.
    ///
    /// # Errors
    /// When the node is not enrolled, another agent works with the folder, or a file of it cannot be used.
    pub async fn start(options: Options, tasks: &Tasks) -> Result<Self, Fault> {
        let state = StateDir::open(&options.state)?;
        let held = hold(&state, &options.clock).await?;
        let registration = state.registration()?;
        let key = state.node_key()?;
        let (journal, recovered) = Journal::open(state.path()).map_err(|error| disk("the journal", &error))?;
        let outbox = Outbox::open(&state.join("outbox"), options.clock.clone(), journal.clone());
        let outbox = outbox.map_err(|error| disk("the outbox", &error))?;
        tell_recovered(&outbox, &recovered);
        let (apps, damaged) = Apps::open(&state.apps());
        for (app, why) in damaged {
            outbox.notice("app.damaged", format!("What this node knows of app {app} cannot be read: {why}."));
        }
        let (schedules, damaged) = Schedules::open(&state.apps(), &state.join("servers"));
        for why in damaged {
            outbox.notice("schedule.damaged", format!("What this node knows of a schedule cannot be read: {why}."));
        }
        let (servers, damaged) = Servers::open(&state.join("servers"));
        for (server, why) in damaged {
            let message = format!("What this node knows of server {server} cannot be read: {why}.");
            outbox.notice("server.damaged", message);
        }
        let (facts, facts_known) = watch::channel(None);
        let node = Arc::new(node(
            &options,
            &registration,
            key,
            Parts { state, journal, outbox, apps, servers, schedules, facts_known },
            tasks,
        )?);
        let (status, link_state) = watch::channel(LinkState::Connecting);
        let (orders, incoming) = mpsc::channel(ORDERS_WAITING_MAX);
        let redial = Arc::new(Notify::new());
        let link = Link {
            redial: redial.clone(),
            registration,
            key: node.key.clone(),
            state: node.state.clone(),
            journal: node.journal.clone(),
            outbox: node.outbox.clone(),
            orders,
            status,
            clock: options.clock.clone(),
            rng: options.rng.clone(),
        };
        gather_facts(&node, facts, tasks);
        let observers = (Observer::new(node.clone()), Observer::new(node.clone()));
        let (watching, sampling) = (tasks.shutdown(), tasks.shutdown());
        spawn(tasks, "apps.watch", observers.0.watch_apps(watching));
        spawn(tasks, "servers.watch", node.clone().watch_servers(tasks.shutdown()));
        let (start, servers) = tokio::join!(node.adopt(), node.adopt_servers());
        tracing::info!(living = start.living, lost = start.lost.len(), servers, "processes found again");
        node.tell_of(&start);
        let (working, shutdown) = (node.clone(), tasks.shutdown());
        let unfinished = recovered.unfinished;
        spawn(tasks, "orders", async move {
            working.cgroups.sweep(&working.own_builds());
            let busy = busy_apps(&unfinished);
            working.converge(&start, &busy).await;
            working.converge_servers().await;
            working.sites_follow().await;
            Executor::new(working).run(unfinished, incoming, shutdown).await;
        });
        let (sweeping, stopping) = (node.clone(), tasks.shutdown());
        spawn(tasks, "containers.sweep", async move { sweeping.keep_engine_clean(stopping).await });
        spawn(tasks, "servers.disks", node.clone().count_disks(tasks.shutdown()));
        spawn(tasks, "servers.sweep", node.clone().sweep_files(tasks.shutdown()));
        spawn(tasks, "servers.uploads", node.clone().expire_uploads(tasks.shutdown()));
        let (standing, resting) = (node.clone(), tasks.shutdown());
        spawn(tasks, "schedules", async move { standing.keep_schedules(resting).await });
        let (keeping, stopping) = (node.clone(), tasks.shutdown());
        spawn(tasks, "sites", async move { keeping.keep_sites(stopping).await });
        spawn(tasks, "metrics", observers.1.sample(link_state.clone(), sampling));
        let asked = local::Asked { node: node.clone(), link: link_state.clone(), redial };
        local::serve(asked, &held, tasks).map_err(|error| disk("the local socket", &error))?;
        spawn(tasks, "link", link.run(tasks.shutdown()));
        Ok(Self { node, link: link_state, _held: held })
    }
}

fn spawn(tasks: &Tasks, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
    tasks.spawn(name, OnError::Stop, async move {
        work.await;
        Ok::<(), Infallible>(())
    });
}

struct Parts {
    state: StateDir,
    journal: Journal,
    outbox: Outbox,
    apps: Apps,
    servers: Servers,
    schedules: Schedules,
    facts_known: watch::Receiver<Option<Arc<sf_protocol::report::NodeFacts>>>,
}

fn node(
    options: &Options,
    registration: &crate::state::Registration,
    key: sf_protocol::SecretKey,
    parts: Parts,
    tasks: &Tasks,
) -> Result<Node, Fault> {
    let Parts { state, journal, outbox, apps, servers, schedules, facts_known } = parts;
    let users = Users::open(&state.join("users.json")).map_err(|error| disk("the list of user numbers", &error))?;
    let users = Arc::new(users);
    let held_below = |folder: &str, below| {
        Supervisor::new(process::Options {
            dir: state.join(folder),
            below,
            program: options.program.clone(),
            key: key.clone(),
            clock: options.clock.clone(),
            tasks: tasks.clone(),
        })
    };
    let (supervisor, held) = (held_below("run", None), held_below("servers", Some(servers::RUN)));
    let relays = Relays::new(relay::Options {
        dir: state.join("relay"),
        program: options.program.clone(),
        tasks: tasks.clone(),
    });
    let proxy = Proxy::open(proxy::Options {
        dir: state.join("proxy"),
        program: options.program.clone(),
        clock: options.clock.clone(),
        rng: options.rng.clone(),
    });
    let (proxy, damaged) = proxy?;
    for why in damaged {
        outbox.notice("proxy.damaged", format!("What this node knows of a domain cannot be read: {why}."));
    }
    let sources = Sources::new(source::Options {
        state: state.path().to_owned(),
        cache: state.join("cache"),
        users: users.clone(),
        limits: FetchLimits::default(),
        key: None,
    });
    let reader = users.of("syntax").map_err(|error| disk("the list of user numbers", &error))?;
    let checker = Checker::new(options.program.clone(), reader);
    let (clock, rng) = (options.clock.clone(), options.rng.clone());
    let dialer = Dialer { registration: registration.clone(), key: key.clone(), clock, rng };
    Ok(Node {
        id: registration.node,
        dialer,
        key,
        journal,
        outbox,
        supervisor,
        held,
        relays,
        proxy,
        sources,
        users,
        cgroups: Cgroups::detect(),
        making: RwLock::new(()),
        owed: Notify::new(),
        apps,
        servers,
        installing: std::sync::Mutex::default(),
        schedules,
        ports: Ports::default(),
        clock: options.clock.clone(),
        rng: options.rng.clone(),
        tasks: tasks.clone(),
        deploys: Semaphore::new(DEPLOYS_AT_ONCE),
        looks: Semaphore::new(LOOKS_AT_ONCE),
        services: tokio::sync::Mutex::new(()),
        checker,
        builds: Semaphore::new(usize::try_from(facts::cpus()).unwrap_or(1)),
        watched_until: watch::Sender::new(None),
        facts: facts_known,
        state,
    })
}

fn tell_recovered(outbox: &Outbox, recovered: &Recovered) {
    if recovered.cut_bytes > 0 {
        let message = format!(
            "A last record of {} bytes was torn and removed: nothing had followed from it.",
            recovered.cut_bytes
        );
        outbox.notice("journal.truncated", message);
    }
    if let Some(aside) = &recovered.damaged {
        let message = format!(
            "The journal was damaged in the middle and set aside as {}. This node refuses changes until the control plane certifies a higher epoch.",
            aside.display()
        );
        outbox.notice("journal.damaged", message);
    }
}

/// Tools are asked for their versions in the background: nobody waits for them.
fn gather_facts(node: &Arc<Node>, facts: watch::Sender<Option<Arc<sf_protocol::report::NodeFacts>>>, tasks: &Tasks) {
    let node = node.clone();
    tasks.spawn("facts", OnError::Log, async move {
        let policy = node.loaded_policy().unwrap_or_else(|fault| {
            node.outbox.notice("policy.refused", fault.to_string());
            crate::policy::Loaded { policy: Policy::default(), owner: None }
        });
        facts.send_replace(Some(Arc::new(facts::gather(&policy).await)));
        // Kept until the agent stops: those who ask later find them.
        node.tasks.shutdown().requested().await;
        Ok::<(), Infallible>(())
    });
}

/// Apps whose promises are ended first; they are not touched before.
fn busy_apps(unfinished: &[Accepted]) -> Vec<sf_types::AppId> {
    use sf_protocol::order::Order;
    let mut busy = Vec::new();
    for accepted in unfinished {
        // The others write down what shall be before they do it, so that converging already does it.
        let command = sf_protocol::wire::parse::<sf_protocol::Command>(&accepted.signed.payload);
        match command.map(|command| command.order) {
            Ok(Order::Deploy(deploy)) => busy.push(deploy.app.app),
            Ok(Order::Patch(patch)) => busy.push(patch.app),
            _ => {}
        }
    }
    busy
}
