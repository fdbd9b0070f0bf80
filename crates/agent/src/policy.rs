//! The node owner's own word: `policy.toml` in the agent's folder. A denial here wins over any valid signature.
//!
//! The file belongs to root or to the user the agent runs as, and only its owner may write it; otherwise the agent
//! refuses to work with it. Without a file the defaults below hold.
//!
//! ```toml
//! danger = false                         # node-wide commands: services, agent updates by hand
//! allow_file_below = ["/srv/git"]        # folders whose repositories may be deployed with file://
//! allow_private_hosts = ["git.lan"]      # hosts that may resolve to private or loopback addresses
//! ssh_accept_new = false                 # trust the first key an unknown ssh host shows
//!
//! [deny]
//! kinds = ["APP_ACTION"]
//! repositories = ["https://evil.example/*"]
//! directories = ["/srv/git/private"]
//! ports = [22, "1-1023"]
//! domains = ["*.bank.example"]
//! public = false                         # true: no app may be reachable from other machines
//!
//! [build]
//! memory_mb = 2048
//! cpu_percent = 200
//! disk_mb = 4096
//! seconds = 1800
//! processes = 512
//!
//! [proxy]
//! nginx = "auto"                         # the machine's where one runs, else one of the agent's own; "machine", "own", "off"
//! http = 80
//! https = 443
//! acme = "https://acme-v02.api.letsencrypt.org/directory"
//! acme_contact = "ops@example.org"
//!
//! [services.postgres]                    # steered from afar, with `danger`; nginx is there without a line
//! unit = "postgresql.service"
//!
//! [services.shop-worker]                 # or commands; no shell reads them
//! restart = ["/usr/bin/pm2", "restart", "shop-worker"]
//! status = ["/usr/bin/pm2", "pid", "shop-worker"]   # exits with 0 while it runs
//!
//! [servers]                              # panel servers
//! enabled = true
//! ports = ["1024-65535"]                 # what they may listen on; any where there is no line
//! count_secs = 150                       # between two counts of what their files take
//! disk_grace_secs = 60                   # that one above its limit of disk has before it is stopped
//!
//! [containers]
//! engine = "auto"                        # the standard socket where the agent is root; "unix:///path/of/its.sock", "off"
//! build_network = true                   # whether steps of a Dockerfile reach the network
//! ```

mod rule;
mod service;

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sf_protocol::Kind;
use sf_protocol::app::AppSpec;
use sf_protocol::command::Class;
use sf_protocol::order::{DeploySource, GitSource, Order};
use sf_protocol::query::Query;
use sf_protocol::server::{ServerSpec, ServerVerb};
use sf_protocol::site::SiteSpec;
use sf_types::{ByteSize, ErrorKind, Fault, Slug};

pub use rule::{Glob, PortRange};
pub use service::Service;

use crate::{image, proxy};

/// Largest policy file, in bytes.
pub const FILE_BYTES: u64 = 64 * 1024;

/// What the node's owner allows. Missing keys have the values of [`Policy::default`].
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Whether commands of class `danger` are accepted.
    pub danger: bool,
    /// Folders below which `file://` repositories may lie.
    pub allow_file_below: Vec<PathBuf>,
    /// Hosts that may resolve to loopback, private or link-local addresses.
    pub allow_private_hosts: Vec<Glob>,
    /// Whether the first key of an unknown ssh host is trusted and remembered.
    pub ssh_accept_new: bool,
    /// What is denied.
    pub deny: Deny,
    /// What a build may use.
    pub build: BuildLimits,
    /// Which nginx serves domains, and who gives certificates.
    pub proxy: proxy::Choice,
    /// Services of the machine that may be steered from afar, where `danger` allows it.
    pub services: BTreeMap<Slug, Service>,
    /// Which container engine is used.
    pub containers: image::Choice,
    /// Panel servers.
    pub servers: Servers,
}

/// What panel servers may do.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Servers {
    /// Whether there may be any.
    pub enabled: bool,
    /// Ports that they may listen on; any where empty.
    pub ports: Vec<PortRange>,
    /// Seconds between two counts of what their files take.
    pub count_secs: u64,
    /// Seconds that one has to become smaller before it is stopped, when its files take more than its limit.
    pub disk_grace_secs: u64,
}

impl Default for Servers {
    fn default() -> Self {
        Self { enabled: true, ports: Vec::new(), count_secs: 150, disk_grace_secs: 60 }
    }
}

/// What is denied, whoever signed it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Deny {
    /// Kinds of commands, by their name on the wire: `DEPLOY`.
    pub kinds: Vec<Kind>,
    /// Repository addresses: `https://host/owner/*`.
    pub repositories: Vec<Glob>,
    /// Folders (and everything below) that no command may name.
    pub directories: Vec<PathBuf>,
    /// Stable ports that no app may take.
    pub ports: Vec<PortRange>,
    /// Host names that no command may name, for domains and repositories.
    pub domains: Vec<Glob>,
    /// Whether apps may not be reachable from other machines.
    pub public: bool,
}

/// What a build may use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BuildLimits {
    /// Memory in MiB: of all processes together where control groups can be made, of each otherwise.
    pub memory_mb: u64,
    /// CPU in percent of one core; only with control groups.
    pub cpu_percent: Option<u32>,
    /// Disk in MiB: the files with everything that install and build add, the build's home with its caches and temporary
    /// files, and what it puts into shared memory.
    pub disk_mb: u64,
    /// Wall-clock seconds of install and build together.
    pub seconds: u64,
    /// Processes and threads.
    pub processes: u32,
}

impl Default for BuildLimits {
    fn default() -> Self {
        Self { memory_mb: 2048, cpu_percent: None, disk_mb: 4096, seconds: 1800, processes: 512 }
    }
}

impl BuildLimits {
    /// The memory limit.
    pub const fn memory(&self) -> ByteSize {
        ByteSize::mib(self.memory_mb)
    }

    /// The disk limit.
    pub const fn disk(&self) -> ByteSize {
        ByteSize::mib(self.disk_mb)
    }

    /// The wall-clock limit.
    pub const fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// A policy as it was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Loaded {
    /// The policy.
    pub policy: Policy,
    /// Who owns the file, for `status`; `None` when there is no file.
    pub owner: Option<Owner>,
}

/// Who owns the policy file: with [`Owner::Agent`] whoever takes the agent over can lift it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    /// Root: the agent itself cannot change it (unless it runs as root).
    Root,
    /// The user the agent runs as.
    Agent,
}

impl Policy {
    /// Reads the policy file. No file is the default policy.
    ///
    /// # Errors
    /// `policy.unsafe_file` when somebody else owns or may write it, `policy.invalid` when a key or value is not
    /// understood, `policy.unreadable`. The agent must then accept no command.
    pub fn load(path: &Path) -> Result<Loaded, Fault> {
        let unreadable = |error: std::io::Error| {
            Fault::new(ErrorKind::Internal, "policy.unreadable", format!("{} cannot be read: {error}.", path.display()))
                .fix("Repair the file's rights, or remove it to use the defaults.")
        };
        let file = match std::fs::File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Loaded::default()),
            other => other.map_err(unreadable)?,
        };
        let metadata = file.metadata().map_err(unreadable)?;
        let us = nix::unistd::geteuid().as_raw();
        let owner = owner_of(metadata.uid(), metadata.mode(), us).map_err(|why| {
            Fault::new(ErrorKind::Forbidden, "policy.unsafe_file", format!("{} {why}.", path.display()))
                .fix("Give it to root with `chown root` and take the others' right to write with `chmod 644`.")
        })?;
        let mut text = String::new();
        file.take(FILE_BYTES + 1).read_to_string(&mut text).map_err(unreadable)?;
        Ok(Loaded { policy: Self::parse(&text).map_err(|fault| at(path, fault))?, owner: Some(owner) })
    }

    /// Reads a policy's text.
    ///
    /// # Errors
    /// `policy.invalid`, naming the line and the key.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let invalid = |why: String| {
            Fault::new(ErrorKind::Invalid, "policy.invalid", format!("The node's policy is not valid: {why}"))
                .fix("Correct the file; until then the node accepts no command.")
        };
        if text.len() as u64 > FILE_BYTES {
            return Err(invalid(format!("it is larger than {}", ByteSize(FILE_BYTES))));
        }
        let policy: Self = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
        let folders = policy.allow_file_below.iter().chain(&policy.deny.directories);
        if let Some(folder) = folders.into_iter().find(|folder| !folder.is_absolute()) {
            return Err(invalid(format!("`{}` is no absolute path", folder.display())));
        }
        match policy.services.iter().find_map(|(name, service)| Some((name, service.fault()?))) {
            Some((name, why)) => Err(invalid(format!("`services.{name}`: {why}"))),
            None => Ok(policy),
        }
    }

    /// Whether a host may resolve to addresses that are not public.
    pub fn allows_private(&self, host: &str) -> bool {
        self.allow_private_hosts.iter().any(|glob| glob.matches(&host.to_ascii_lowercase()))
    }

    /// Whether a host name is denied.
    pub fn denies_domain(&self, host: &str) -> bool {
        self.deny.domains.iter().any(|glob| glob.matches(&host.to_ascii_lowercase()))
    }

    /// Whether a folder is denied: it or one above it is listed. `dir` must be canonical.
    pub fn denies_directory(&self, dir: &Path) -> bool {
        let real = |listed: &PathBuf| listed.canonicalize().unwrap_or_else(|_| listed.clone());
        self.deny.directories.iter().any(|listed| dir.starts_with(real(listed)) || dir.starts_with(listed))
    }

    /// Whether a stable port is denied.
    pub fn denies_port(&self, port: u16) -> bool {
        self.deny.ports.iter().any(|range| range.contains(port))
    }
}

fn at(path: &Path, mut fault: Fault) -> Fault {
    fault.message = format!("{} ({})", fault.message, path.display());
    fault
}

fn owner_of(uid: u32, mode: u32, us: u32) -> Result<Owner, &'static str> {
    if mode & 0o022 != 0 {
        return Err("may be written by others than its owner");
    }
    match uid {
        0 => Ok(Owner::Root),
        uid if uid == us => Ok(Owner::Agent),
        _ => Err("belongs neither to root nor to the agent's user"),
    }
}

/// Whether the node's owner lets this order happen.
///
/// # Errors
/// `policy.denied`, naming the rule; nothing may then be done.
pub fn decide(policy: &Policy, order: &Order) -> Result<(), Fault> {
    if policy.deny.kinds.contains(&order.kind()) {
        return Err(denied(format!("commands of kind {}", order.kind()), "deny.kinds"));
    }
    if order.class() == Class::Danger && !policy.danger {
        return Err(denied("node-wide commands".to_owned(), "danger"));
    }
    match order {
        Order::Deploy(deploy) => {
            app(policy, &deploy.app)?;
            match &deploy.from {
                DeploySource::Git(source) => repository(policy, source),
                DeploySource::Kept => Ok(()),
            }
        }
        Order::DesiredState(desired) => {
            desired.apps.iter().try_for_each(|one| app(policy, &one.spec))?;
            desired.sites.iter().try_for_each(|one| site(policy, one))?;
            desired.servers.iter().try_for_each(|one| server(policy, one))
        }
        // What is there already can always be ended.
        Order::ServerAction(action)
            if matches!(action.verb, ServerVerb::Stop | ServerVerb::Kill | ServerVerb::Delete) =>
        {
            Ok(())
        }
        Order::ServerAction(action) => server(policy, &action.spec),
        Order::Query(Query::Console(_)) if policy.deny.kinds.contains(&Kind::ServerAction) => {
            Err(denied("looks at the consoles of servers".to_owned(), "deny.kinds"))
        }
        // Who lets nobody change files lets nobody read them either.
        Order::Query(Query::ServerFiles(_) | Query::Transfer(_))
            if [Kind::FileAction, Kind::ServerAction].iter().any(|kind| policy.deny.kinds.contains(kind)) =>
        {
            Err(denied("looks into the files of servers".to_owned(), "deny.kinds"))
        }
        Order::FileAction(_) if policy.deny.kinds.contains(&Kind::ServerAction) => {
            Err(denied("changes of the files of servers".to_owned(), "deny.kinds"))
        }
        Order::FileAction(_) if !policy.servers.enabled => Err(denied("panel servers".to_owned(), "servers.enabled")),
        Order::ProvisionDomain(wanted) => site(policy, &wanted.site),
        Order::Query(Query::Inspect { source, .. } | Query::Resolve { source }) => repository(policy, source),
        Order::Query(Query::Files(_) | Query::File { .. } | Query::Preview(_))
            if policy.deny.kinds.contains(&Kind::Patch) =>
        {
            Err(denied("looks into the files of apps".to_owned(), "deny.kinds"))
        }
        Order::Query(_)
        | Order::AppAction(_)
        | Order::DeleteProxy(_)
        | Order::Patch(_)
        | Order::ServiceAction(_)
        | Order::Schedule(_)
        | Order::FileAction(_)
        | Order::Cancel(_)
        | Order::Void(_) => Ok(()),
    }
}

fn app(policy: &Policy, spec: &AppSpec) -> Result<(), Fault> {
    if spec.traffic.public && policy.deny.public {
        return Err(denied(format!("{} being reachable from other machines", spec.slug), "deny.public"));
    }
    match spec.traffic.port {
        Some(port) if policy.denies_port(port.get()) => Err(denied(format!("port {port}"), "deny.ports")),
        _ => Ok(()),
    }
}

fn server(policy: &Policy, spec: &ServerSpec) -> Result<(), Fault> {
    if !policy.servers.enabled {
        return Err(denied("panel servers".to_owned(), "servers.enabled"));
    }
    for at in &spec.allocations {
        let (ranges, port) = (&policy.servers.ports, at.port);
        if policy.denies_port(port) {
            return Err(denied(format!("port {port}"), "deny.ports"));
        }
        if !ranges.is_empty() && !ranges.iter().any(|range| range.contains(port)) {
            return Err(denied(format!("port {port}"), "servers.ports"));
        }
        if policy.deny.public && !at.ip.is_loopback() {
            return Err(denied(format!("{} being reachable from other machines", spec.slug), "deny.public"));
        }
    }
    Ok(())
}

fn site(policy: &Policy, site: &SiteSpec) -> Result<(), Fault> {
    match site.names().find(|name| policy.denies_domain(name.as_str())) {
        Some(name) => Err(denied(format!("the domain {name}"), "deny.domains")),
        None => Ok(()),
    }
}

fn repository(policy: &Policy, source: &GitSource) -> Result<(), Fault> {
    let url = crate::source::RepoUrl::parse(&source.url)?;
    let shown = url.to_string();
    // Also without the ending that hosts take or leave, so that a rule holds for both spellings.
    let spellings = [shown.to_ascii_lowercase(), shown.trim_end_matches(".git").to_ascii_lowercase()];
    if policy.deny.repositories.iter().any(|glob| spellings.iter().any(|spelling| glob.matches(spelling))) {
        return Err(denied(format!("the repository {shown}"), "deny.repositories"));
    }
    if let crate::source::RepoUrl::File { path } = &url
        && policy.deny.directories.iter().any(|listed| path.starts_with(listed))
    {
        return Err(denied(format!("the folder {}", path.display()), "deny.directories"));
    }
    if let Some(host) = url.host()
        && policy.denies_domain(host)
    {
        return Err(denied(format!("the host {host}"), "deny.domains"));
    }
    Ok(())
}

fn denied(what: String, rule: &str) -> Fault {
    Fault::new(ErrorKind::Forbidden, "policy.denied", format!("The node's owner does not allow {what} (`{rule}`)."))
        .fix("Ask the owner of the node to change policy.toml there; it cannot be changed from here.")
}

#[cfg(test)]
mod tests;
