//! From a release on disk to a process, and to what its relay points at.

mod contained;

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;

use sf_protocol::app::{AppSpec, HealthCheck, Probe, RestartRule, Traffic, TrafficMode};
use sf_protocol::report::LogSource;
use sf_types::{AppId, Fault, Millis, Port, ReleaseId};

use super::app::{disk, traffic};
use super::node::Node;
use crate::build::run::{search_path, tool_folders};
use crate::build::words;
use crate::confine::cgroup::{self, Group};
use crate::confine::{Confinement, Identity, Rlimits, TcpRule};
use crate::process::{Process, ProcessError};
use crate::relay::{Pointer, RelayError, RelaySpec, SPEC_VERSION, Target};
use crate::release::{Release, tree};
use crate::shim::ShimSpec;
use crate::traffic::port::{Reserved, any_is_apart};

/// Tries to find a stable port that nobody takes between our look and the relay's.
const STABLE_TRIES: usize = 8;
/// Looks at the lock of a shim that has said goodbye, and the pause between two.
const GONE_TRIES: usize = 100;
const GONE_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);
/// Words in the name of a variable whose value must not leave the node.
const SECRET_WORDS: [&str; 7] = ["SECRET", "TOKEN", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL", "DATABASE_URL"];

/// Environment, confinement and control group of a command beside an app.
pub(crate) type Beside = (Vec<(String, String)>, Confinement, Group);

/// A release that runs, or that its relay serves.
#[derive(Debug)]
pub struct Running {
    /// Its process; `None` for a static site.
    pub process: Option<Process>,
    /// Its own port.
    pub own: Option<u16>,
    /// What the stable port points at.
    pub pointer: Pointer,
    /// Held until somebody wrote the port down.
    pub reserved: Option<Reserved>,
}

/// When a release counts as healthy: as the app's settings say, else the repository, else what suits the traffic.
pub fn health(spec: &AppSpec, release: &Release) -> HealthCheck {
    let said = spec.health.clone().or_else(|| release.manifest.plan.health.clone());
    said.unwrap_or_else(|| match traffic(spec, &release.manifest.plan).mode {
        TrafficMode::Http | TrafficMode::Tcp => HealthCheck::new(Probe::Tcp),
        TrafficMode::None => HealthCheck::new(Probe::Alive { time: Millis::secs(1) }),
    })
}

/// Where the stable port points for a release that is served from `own`.
pub fn pointer(release: &Release, own: Option<u16>) -> Pointer {
    let manifest = &release.manifest;
    let target = match (&manifest.plan.publish, own) {
        (Some(publish), _) if manifest.plan.start.is_none() => {
            // The relay follows no link at all: those above the release are the machine's own, those in it a build's.
            let tree = release.tree();
            let tree = tree.canonicalize().unwrap_or(tree);
            Target::Folder { path: tree.join(&manifest.plan.root).join(publish) }
        }
        (_, Some(port)) => Target::Port { port },
        (_, None) => Target::Nothing,
    };
    Pointer { release: Some(manifest.release), target }
}

impl Node {
    /// Starts a release on a port of its own. Nothing points at it yet.
    ///
    /// # Errors
    /// What the operating system says of its program, folder or user.
    pub async fn start(&self, spec: &AppSpec, release: &Release, rule: RestartRule) -> Result<Running, Fault> {
        if release.manifest.plan.start.is_none() {
            return Ok(Running { process: None, own: None, pointer: pointer(release, None), reserved: None });
        }
        let listens = traffic(spec, &release.manifest.plan).mode != TrafficMode::None;
        let reserved = if listens { Some(self.ports.own(&self.apps.ports(), self.rng.u64())?) } else { None };
        let own = reserved.as_ref().map(|reserved| reserved.port);
        let shim = match &release.manifest.plan.container {
            Some(how) => self.contained_spec(spec, (release, how), own, rule)?,
            None => self.shim_spec(spec, release, own, rule)?,
        };
        // Known before the first line; what the app had before is still in lines of its old process.
        let before = self.apps.get(spec.app).map(|record| self.secrets(&record.spec)).unwrap_or_default();
        self.outbox.secrets(spec.app, self.secrets(spec).into_iter().chain(before).collect());
        let process = self.supervisor.start(&shim).await?;
        let source = LogSource::App { app: spec.app, release: release.manifest.release };
        self.outbox.follow(source, &process, &self.tasks);
        Ok(Running { process: Some(process), own, pointer: pointer(release, own), reserved })
    }

    /// What must not leave the node in any line: the secrets of an app, and values of variables whose names sound
    /// secret.
    pub fn secrets(&self, spec: &AppSpec) -> Vec<String> {
        let secret = |name: &str| SECRET_WORDS.iter().any(|word| name.to_ascii_uppercase().contains(word));
        let plain = spec.env.iter().filter(|variable| secret(&variable.name)).map(|variable| variable.value.clone());
        let sealed = spec.secrets.iter().filter_map(|var| var.open(spec.app, &self.key).ok());
        plain.chain(sealed.map(|value| value.expose().clone())).collect()
    }

    fn shim_spec(
        &self,
        spec: &AppSpec,
        release: &Release,
        own: Option<u16>,
        rule: RestartRule,
    ) -> Result<ShimSpec, Fault> {
        let (app, id) = (spec.app, release.manifest.release);
        let mut argv = release.manifest.plan.start.clone().unwrap_or_default();
        if let Some(port) = own.map(|port| port.to_string()) {
            argv = argv.iter().map(|word| words::with_port(word, &port)).collect();
        }
        let folder = self.state.app(app);
        let user = self.app_user(app)?;
        let data = own_folder(folder.join("data"), user)?;
        let temp = own_folder(folder.join("tmp"), user)?;
        let mut shim = ShimSpec::new(app, id, argv, release.root(), self.log_dir(app, id));
        shim.env = environment(spec, release, own, [&data, &temp]);
        shim.secrets = spec.secrets.clone();
        shim.restart = rule;
        // A group for each release: while two run side by side neither eats the other's memory.
        let group = self.limited(&group_of(id), spec);
        let on_trial = shim.restart == RestartRule::NEVER;
        group.weigh(if on_trial { cgroup::TRIAL_WEIGHT } else { cgroup::USUAL_WEIGHT });
        shim.confinement = self.confinement(spec, release, &group, own_port(own), user, vec![data, temp]);
        Ok(shim)
    }

    /// From here on a release is worth as much as others: it is about to serve. Before the switch, so that an agent that dies
    /// between the two leaves none behind that serves with less.
    pub fn as_good_as_others(&self, spec: &AppSpec, release: ReleaseId) {
        self.limited(&group_of(release), spec).weigh(cgroup::USUAL_WEIGHT);
    }

    /// What a command beside the app's own process gets: its environment, its user and folders, and a control group with the
    /// same limits. It listens on what the kernel chooses for it, and never in the app's place.
    ///
    /// # Errors
    /// What the operating system says of its folders or user.
    pub(crate) fn beside(&self, spec: &AppSpec, release: &Release, name: &str) -> Result<Beside, Fault> {
        let (folder, user) = (self.state.app(spec.app), self.app_user(spec.app)?);
        let data = own_folder(folder.join("data"), user)?;
        let temp = own_folder(folder.join("tmp"), user)?;
        let env = environment(spec, release, None, [&data, &temp]);
        let group = self.limited(name, spec);
        let ports = TcpRule::Ports(any_is_apart().then_some(0).into_iter().collect());
        let confinement = self.confinement(spec, release, &group, ports, user, vec![data, temp]);
        Ok((env, confinement, group))
    }

    fn app_user(&self, app: AppId) -> Result<Option<Identity>, Fault> {
        self.users.of(&format!("app-{app}")).map_err(|error| disk(&self.state.join("users.json"), &error))
    }

    /// A control group with the app's limits.
    fn limited(&self, name: &str, spec: &AppSpec) -> Group {
        let group = self.cgroups.create(name, &spec.limits);
        group.inspect_err(|error| tracing::info!(%error, "no control group for this app")).unwrap_or_default()
    }

    fn confinement(
        &self,
        spec: &AppSpec,
        release: &Release,
        group: &Group,
        tcp_bind: TcpRule,
        user: Option<Identity>,
        read_write: Vec<PathBuf>,
    ) -> Confinement {
        let base = Confinement::strict();
        let mut read_only = base.read_only.clone();
        read_only.push(release.tree());
        read_only.extend(tool_folders());
        let grouped = !group.dirs().is_empty();
        Confinement {
            read_only,
            read_write,
            tcp_bind,
            user,
            rlimits: Rlimits {
                processes: spec.limits.pids.filter(|_| user.is_some()).map(u64::from),
                data_bytes: spec.limits.memory.filter(|_| !grouped).map(sf_types::ByteSize::bytes),
                ..base.rlimits
            },
            cgroups: group.dirs().to_vec(),
            ..base
        }
    }

    /// A relay reads what strangers send: it is a user of its own, with its app's group to read the files of a static
    /// site, and holds no more than its sockets.
    fn relay_confinement(&self, app: AppId) -> Result<Confinement, Fault> {
        let user = |name: String| self.users.of(&name).map_err(|error| disk(&self.state.join("users.json"), &error));
        let (relay, reader) = (user(format!("relay-{app}"))?, user(format!("app-{app}"))?);
        let releases = self.state.app(app).join("releases");
        Ok(Confinement {
            files: true,
            read_only: vec![releases.canonicalize().unwrap_or(releases)],
            tcp_bind: TcpRule::Ports(Vec::new()),
            no_shared_memory: true,
            user: relay.zip(reader).map(|(relay, reader)| Identity { uid: relay.uid, gid: reader.gid }),
            seccomp: true,
            no_new_privs: true,
            drop_capabilities: true,
            ..Confinement::default()
        })
    }

    /// Makes sure that the app's relay listens; answers the stable port, `None` for a worker.
    ///
    /// # Errors
    /// `relay.port_taken`, naming the port's owner; `app.no_port`.
    pub async fn stable_port(&self, spec: &AppSpec, release: &Release) -> Result<Option<u16>, Fault> {
        let Traffic { mode, port, public } = traffic(spec, &release.manifest.plan);
        if mode == TrafficMode::None {
            return Ok(None);
        }
        let address: IpAddr = if public { Ipv4Addr::UNSPECIFIED.into() } else { Ipv4Addr::LOCALHOST.into() };
        let confinement = self.relay_confinement(spec.app)?;
        let relay = |port| {
            let confinement = confinement.clone();
            RelaySpec { version: SPEC_VERSION, app: spec.app, address, port, mode, confinement }
        };
        let known = port.map(Port::get).or(self.apps.get(spec.app).and_then(|record| record.stable));
        if let Some(port) = known {
            return Ok(Some(self.relays.ensure(&relay(port)).await?.port));
        }
        let (policy, mut passed) = (self.policy()?, self.apps.ports());
        for _ in 1..STABLE_TRIES {
            let reserved = self.ports.stable(&passed, address, &policy)?;
            match self.relays.ensure(&relay(reserved.port)).await {
                Ok(status) => return Ok(Some(status.port)),
                Err(RelayError::PortTaken { .. }) => passed.push(reserved.port),
                Err(error) => return Err(error.into()),
            }
        }
        let reserved = self.ports.stable(&passed, address, &policy)?;
        Ok(Some(self.relays.ensure(&relay(reserved.port)).await?.port))
    }

    /// Stops the process of a release and forgets its run folder. Answers how it was stopped.
    ///
    /// # Errors
    /// `process.silent` when it cannot be stopped.
    pub async fn stop(&self, release: ReleaseId) -> Result<Option<String>, Fault> {
        let contained = self.supervisor.container(release);
        let Some(process) = self.supervisor.get(release) else {
            self.forget_process(release).await;
            self.remove_container(contained).await;
            return Ok(None);
        };
        let alive = !process.status().ended;
        let status = process.stop(None).await?;
        let stopped = status.stopped.filter(|_| alive).map(|stopped| stopped.to_string());
        self.forget_process(release).await;
        self.remove_container(contained).await;
        let group = self.cgroups.create(&group_of(release), &sf_protocol::app::Limits::default());
        if let Err(error) = group.and_then(|group| group.remove()) {
            tracing::debug!(%release, %error, "a control group could not be removed");
        }
        Ok(stopped)
    }

    /// Removes the run folder of an ended process. Its shim says "ended" a moment before it lets go of its lock.
    async fn forget_process(&self, release: ReleaseId) {
        for _ in 0..GONE_TRIES {
            match self.supervisor.remove(release) {
                Ok(()) => return,
                Err(ProcessError::AlreadyRuns { .. }) => tokio::time::sleep(GONE_PAUSE).await,
                Err(error) => return tracing::debug!(%release, %error, "a run folder could not be removed"),
            }
        }
    }
}

/// The name of a release's control group.
fn group_of(release: ReleaseId) -> String {
    format!("app-{release}")
}

/// An app behind a relay listens on its own port and on what the kernel chooses for it, so that it cannot take the place
/// of another app whose process is just down. A worker has no port of its own and no relay that could be fooled.
fn own_port(own: Option<u16>) -> TcpRule {
    let any = any_is_apart().then_some(0);
    own.map_or(TcpRule::Any, |port| TcpRule::Ports([port].into_iter().chain(any).collect()))
}

/// A folder of the app's own, which no release brings and none takes away.
fn own_folder(path: PathBuf, user: Option<Identity>) -> Result<PathBuf, Fault> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
    let given = made.and_then(|()| match user {
        // Only a fresh one: what the app put there is its own already, and may be much.
        Some(user) if std::fs::metadata(&path)?.uid() != user.uid => tree::give(&path, user),
        _ => Ok(()),
    });
    given.map_err(|error| disk(&path, &error))?;
    Ok(path)
}

/// What every app is told of itself, over what it was given.
fn told(release: &Release, own: Option<u16>, host: Ipv4Addr) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut env = vec![
        pair("SERVERFLOW_RELEASE", release.manifest.release.to_string()),
        pair("SERVERFLOW_COMMIT", release.manifest.revision.commit.clone()),
    ];
    if let Some(port) = own {
        env.push(pair("PORT", port.to_string()));
        env.push(pair("HOST", host.to_string()));
    }
    env
}

fn environment(
    spec: &AppSpec,
    release: &Release,
    own: Option<u16>,
    [data, temp]: [&PathBuf; 2],
) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut env = vec![pair("PATH", search_path()), pair("LANG", "C.UTF-8".to_owned())];
    env.push(pair("NODE_ENV", "production".to_owned()));
    env.push(pair("PYTHONUNBUFFERED", "1".to_owned()));
    for variable in &spec.env {
        env.retain(|(name, _)| *name != variable.name);
        env.push((variable.name.clone(), variable.value.clone()));
    }
    env.push(pair("HOME", data.display().to_string()));
    env.push(pair("TMPDIR", temp.display().to_string()));
    env.extend(told(release, own, Ipv4Addr::LOCALHOST));
    env
}
