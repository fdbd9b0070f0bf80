//! git as a confined child: closed environment, no configuration but ours, one transport, one pinned address.

use std::ffi::OsString;
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Instant;

use sf_protocol::query::Revision;
use sf_protocol::report::Stream;
use sha2::{Digest, Sha256};
use tokio_util::sync::CancellationToken;

use super::authority::authorities;
use super::credential::{credential, helper_path, redact, secrets_of, write_private};
use super::fault::explain;
use super::tip::{self, Tip};
use super::{Options, REFERENCES_MAX, RepoUrl, SUBJECT_CHARS, SourceError, ssh};
use crate::confine::job::{DiskLimit, Done, Job, Stop};
use crate::confine::{Confinement, Identity, Rlimits, TcpRule};
use crate::daemon::aside;
use crate::policy::Policy;
use crate::release::tree;

/// Bytes of an address's SHA-256 in its cache's name.
const HASH_BYTES: usize = 8;

/// Memory of one git process, in bytes of private data.
const GIT_DATA_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// Lines of git's output kept: enough for a hundred thousand references.
const LINES_MAX: usize = 100_000;

/// Bytes of git's output kept.
const OUT_BYTES: usize = 16 * 1024 * 1024;

/// Lines of git's errors told.
const SAID_LINES: usize = 6;

/// Where git and its helpers are looked up.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// One repository's cache and how to reach its origin.
pub(super) struct Git {
    pub(super) options: Arc<Options>,
    pub(super) url: RepoUrl,
    dir: PathBuf,
    env: Vec<(OsString, OsString)>,
    confinement: Confinement,
    secrets: Vec<String>,
    deadline: Instant,
    /// Gone from the disk with this.
    _key: Option<ssh::GivenKey>,
}

/// The folder of a cache. Each transport has its own, since they run as different users, and each address, since what
/// one host gave is no answer of another.
pub(super) fn folder(cache: &Path, key: &str, url: &RepoUrl) -> PathBuf {
    cache.join(format!("{key}-{}-{}", url.scheme(), hash(url)))
}

/// An address in the name of a file.
pub(super) fn hash(url: &RepoUrl) -> String {
    Sha256::digest(url.to_string()).iter().take(HASH_BYTES).map(|byte| format!("{byte:02x}")).collect()
}

/// Removes the caches of a key but `spare`: an app that moved, or another repository looked at.
pub(super) fn forget(cache: &Path, key: &str, spare: Option<&Path>) -> io::Result<()> {
    let entries = match std::fs::read_dir(cache) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let rest = name.strip_prefix(key).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
        let scheme = rest.split('-').next().unwrap_or_default();
        if ["https", "ssh", "file"].contains(&scheme) && spare != Some(path.as_path()) {
            tree::remove(&path)?;
        }
    }
    Ok(())
}

/// The name under which the numeric user of a cache is kept.
pub(super) fn user_name(key: &str) -> String {
    format!("fetch-{key}")
}

pub(super) fn disk(what: &str, path: &Path) -> impl FnOnce(io::Error) -> SourceError {
    let what = format!("{what} {}", path.display());
    move |source| SourceError::Disk { what, source }
}

impl Git {
    /// Makes the cache's folders and everything git is given.
    ///
    /// https runs as a user of its own. ssh needs a user that the system knows and the node's key, file needs the
    /// rights of the agent to read: these run as the agent's user, without capabilities and, by Landlock, with
    /// nothing but the cache and the repository in reach.
    pub async fn open(
        options: Arc<Options>,
        key: &str,
        url: RepoUrl,
        address: Option<IpAddr>,
        policy: &Policy,
    ) -> Result<Self, SourceError> {
        let dir = folder(&options.cache, key, &url);
        let (cache, own, spare) = (options.cache.clone(), key.to_owned(), dir.clone());
        let forgotten = aside::long(move || forget(&cache, &own, Some(&spare))).await;
        forgotten.map_err(disk("removing old caches in", &options.cache))?;
        let (key, accept_new) = (key.to_owned(), policy.ssh_accept_new);
        aside::short(move || Self::prepare(options, &key, url, (dir, address), accept_new)).await
    }

    fn prepare(
        options: Arc<Options>,
        key: &str,
        url: RepoUrl,
        (dir, address): (PathBuf, Option<IpAddr>),
        accept_new: bool,
    ) -> Result<Self, SourceError> {
        let home = dir.join("home");
        std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&dir).map_err(disk("making", &dir))?;
        tree::remove(&home).map_err(disk("removing", &home))?;
        std::fs::DirBuilder::new().mode(0o700).create(&home).map_err(disk("making", &home))?;
        let mut confinement = Confinement {
            read_write: vec![dir.clone()],
            tcp_bind: TcpRule::Ports(Vec::new()),
            tcp_connect: TcpRule::Ports(url.port().into_iter().collect()),
            nice: Some(5),
            no_shared_memory: true,
            ..Confinement::strict()
        };
        confinement.rlimits = Rlimits {
            data_bytes: Some(GIT_DATA_BYTES),
            file_bytes: Some(options.limits.cache.bytes()),
            cpu_seconds: Some(options.limits.time.as_secs().max(1)),
            ..confinement.rlimits
        };
        let mut settings = settings(&url, address, &options);
        let (mut secrets, mut given) = (Vec::new(), None);
        let mut env = environment(&home, &url);
        match &url {
            RepoUrl::Https { host, port, .. } => {
                let file = options.state.join("credentials");
                if let Some(line) = credential(&file, (host, *port))? {
                    let store = home.join("credentials");
                    write_private(&store, &line)?;
                    settings.push(("credential.helper", format!("store --file={}", helper_path(&store)?)));
                    secrets.extend(secrets_of(&line));
                }
                if let Some(bundle) = authorities(&options.state)? {
                    let file = home.join("authorities.pem");
                    std::fs::write(&file, bundle).map_err(disk("writing", &file))?;
                    settings.push(("http.sslCAInfo", file.display().to_string()));
                }
                confinement.user = options.users.of(&user_name(key)).map_err(disk("giving a user to", &dir))?;
            }
            RepoUrl::Ssh { host, .. } => {
                let (mut key, known) = ssh::files(&options.state);
                if let Some(own) = &options.key {
                    let written = ssh::GivenKey::write(&home, own).map_err(disk("writing", &home))?;
                    written.path().clone_into(&mut key);
                    given = Some(written);
                }
                let address = address.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED));
                let call = ssh::Call { home: &home, files: (&key, &known), host, address, accept_new };
                env.extend(ssh::environment(&call).map_err(disk("writing", &home))?);
                confinement.read_only.push(key);
                confinement.read_write.push(known);
            }
            RepoUrl::File { path } => confinement.read_only.push(path.clone()),
        }
        let config = home.join("gitconfig");
        std::fs::write(&config, global_config(&dir, &url)).map_err(disk("writing", &config))?;
        env.push(("GIT_CONFIG_GLOBAL".into(), config.into()));
        env.push(("GIT_CONFIG_COUNT".into(), settings.len().to_string().into()));
        for (index, (name, value)) in settings.into_iter().enumerate() {
            env.push((format!("GIT_CONFIG_KEY_{index}").into(), name.into()));
            env.push((format!("GIT_CONFIG_VALUE_{index}").into(), value.into()));
        }
        if let Some(user) = confinement.user {
            give(&dir, user)?;
        }
        let deadline = Instant::now() + options.limits.time;
        Ok(Self { options, url, dir, env, confinement, secrets, deadline, _key: given })
    }

    /// The commit of a branch or tag, or of the default branch.
    pub async fn tip(&self, reference: Option<&str>, cancel: &CancellationToken) -> Result<Revision, SourceError> {
        let mut args = ["ls-remote", "--symref", "--", "origin"].map(str::to_owned).to_vec();
        args.extend(tip::names(reference));
        let lines = self.lines("read", &args, cancel).await?;
        match tip::find(&lines, reference) {
            Some(Tip { commit, reference }) => Ok(Revision { commit, reference, subject: String::new() }),
            None => Err(SourceError::NotThere {
                repository: self.url.to_string(),
                what: match reference {
                    Some(name) => format!("branch or tag `{name}`"),
                    None => "commit yet: it is empty".to_owned(),
                },
            }),
        }
    }

    /// Branches, then tags.
    pub async fn references(&self, cancel: &CancellationToken) -> Result<Vec<String>, SourceError> {
        let args = ["ls-remote", "--heads", "--tags", "--refs", "--", "origin"].map(str::to_owned);
        let lines = self.lines("read", &args, cancel).await?;
        let names = |prefix: &'static str| {
            lines.iter().filter_map(move |line| line.split_once('\t')?.1.strip_prefix(prefix)).map(str::to_owned)
        };
        let usable = |name: &String| super::url::check_reference(name).is_ok();
        Ok(names("refs/heads/").chain(names("refs/tags/")).filter(usable).take(REFERENCES_MAX).collect())
    }

    /// Brings a commit with its whole tree into the cache: alone where the host gives single commits, else with the
    /// history of the reference.
    pub async fn bring(&self, revision: &Revision, cancel: &CancellationToken) -> Result<(), SourceError> {
        let repository = self.repository();
        let dir = self.dir.clone();
        let usage = aside::short(move || tree::measure(&dir)).await;
        if usage.is_ok_and(|usage| usage.bytes > self.options.limits.cache.bytes() / 2) {
            self.remove_repository().await.map_err(disk("removing", &repository))?;
        }
        if !repository.join("HEAD").is_file() {
            self.remove_repository().await.map_err(disk("removing", &repository))?;
            let init = ["init", "--quiet", "--bare", "--template="].map(OsString::from).to_vec();
            let mut args = init;
            args.extend(["--".into(), repository.clone().into_os_string()]);
            self.run("prepare", args, cancel).await?;
        }
        let commit = &revision.commit;
        if self.has(commit, cancel).await? {
            return Ok(());
        }
        let alone = [
            "--depth=1".to_owned(),
            format!("--filter=blob:limit={}", self.options.limits.file.bytes() + 1),
            "--".to_owned(),
            "origin".to_owned(),
            format!("+{commit}:refs/sf/wanted"),
        ];
        match self.lines("fetch", &fetch(&alone), cancel).await {
            Ok(_) => return Ok(()),
            // Hosts that give only the tips of references say so in several ways; the rest is final.
            Err(SourceError::Git { said, .. } | SourceError::Denied { said, .. })
                if ["unadvertised object", "not our ref", "remote ref", "not allow request"]
                    .iter()
                    .any(|part| said.contains(part)) => {}
            Err(other) => return Err(other),
        }
        let wanted = match revision.reference.as_str() {
            "" | "HEAD" => "+refs/heads/*:refs/sf/all/*".to_owned(),
            name => format!("+{name}:refs/sf/named"),
        };
        let mut whole = vec![format!("--filter=blob:limit={}", self.options.limits.file.bytes() + 1)];
        if repository.join("shallow").is_file() {
            whole.push("--unshallow".to_owned());
        }
        whole.extend(["--".to_owned(), "origin".to_owned(), wanted]);
        self.lines("fetch", &fetch(&whole), cancel).await?;
        if self.has(commit, cancel).await? {
            return Ok(());
        }
        Err(SourceError::NotThere { repository: self.url.to_string(), what: format!("commit {commit}") })
    }

    /// The tree of a commit, and the first line of its message, made printable and short.
    pub async fn describe(&self, commit: &str, cancel: &CancellationToken) -> Result<(String, String), SourceError> {
        let args = ["show", "--no-patch", "--format=%T%n%s", "--end-of-options", commit].map(str::to_owned);
        let lines = self.lines("read", &args, cancel).await?;
        let printable = |c: &char| !sf_types::text::is_deceptive(*c);
        let subject = lines.get(1).map(|line| line.chars().filter(printable).take(SUBJECT_CHARS).collect());
        Ok((lines.first().cloned().unwrap_or_default(), subject.unwrap_or_default()))
    }

    /// Names of the files in which two commits differ; `None` where the earlier one is not in the cache any more.
    pub async fn changed(&self, from: &str, to: &str, cancel: &CancellationToken) -> Option<Vec<String>> {
        let args = ["diff-tree", "-r", "--name-only", "--no-renames", "--end-of-options", from, to].map(str::to_owned);
        self.lines("compare", &args, cancel).await.ok()
    }

    async fn has(&self, commit: &str, cancel: &CancellationToken) -> Result<bool, SourceError> {
        let args = ["cat-file", "-e", &format!("{commit}^{{tree}}")].map(OsString::from).to_vec();
        let (done, _, _) = self.attempt(args, cancel).await?;
        Ok(done.status.success())
    }

    async fn lines(
        &self,
        doing: &'static str,
        args: &[String],
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, SourceError> {
        self.run(doing, args.iter().map(OsString::from).collect(), cancel).await
    }

    async fn run(
        &self,
        doing: &'static str,
        args: Vec<OsString>,
        cancel: &CancellationToken,
    ) -> Result<Vec<String>, SourceError> {
        let (done, out, err) = self.attempt(args, cancel).await?;
        if done.status.success() { Ok(out) } else { Err(self.failure(doing, &done, &err)) }
    }

    async fn attempt(
        &self,
        args: Vec<OsString>,
        cancel: &CancellationToken,
    ) -> Result<(Done, Vec<String>, Vec<String>), SourceError> {
        let (mut out, mut err, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        let enough = cancel.child_token();
        let mut sink = |stream, line: String| match stream {
            Stream::Err => {
                err.push(line);
                if err.len() > 4 * SAID_LINES {
                    err.remove(0);
                }
            }
            _ if bytes > OUT_BYTES => enough.cancel(),
            _ if out.len() < LINES_MAX => {
                bytes += line.len();
                out.push(line);
            }
            _ => {}
        };
        let done = self.job(args).run(&mut sink, &enough).await?;
        if bytes > OUT_BYTES {
            let what = format!("its list of references takes more than {}", sf_types::ByteSize(OUT_BYTES as u64));
            return Err(SourceError::TooLarge { what });
        }
        self.stopped(&done).await?;
        Ok((done, out, err))
    }

    /// A git command on the cache.
    pub(super) fn job(&self, args: Vec<OsString>) -> Job {
        let mut argv: Vec<OsString> = vec!["git".into(), "--no-pager".into(), "--literal-pathspecs".into()];
        let mut env = self.env.clone();
        if args.first().is_none_or(|command| command != "init") {
            env.push(("GIT_DIR".into(), self.repository().into()));
        }
        argv.extend(args);
        Job {
            argv,
            cwd: self.dir.clone(),
            env,
            confinement: self.confinement.clone(),
            group: None,
            time_limit: self.deadline.saturating_duration_since(Instant::now()),
            spares_user: false,
            disk: Some(DiskLimit {
                dirs: vec![self.dir.clone()],
                shared_memory_of: None,
                bytes: self.options.limits.cache,
                entries: u64::MAX,
            }),
        }
    }

    /// The fault of a job that was stopped from outside.
    pub(super) async fn stopped(&self, done: &Done) -> Result<(), SourceError> {
        match &done.stop {
            None => Ok(()),
            Some(Stop::Time) => Err(SourceError::Time { seconds: self.options.limits.time.as_secs() }),
            Some(Stop::Cancelled) => Err(SourceError::Cancelled),
            Some(Stop::Disk(words)) => {
                // What was fetched so far is of no use to anybody.
                let _ = self.remove_repository().await;
                Err(SourceError::TooLarge { what: words.clone() })
            }
        }
    }

    /// The fault of a job that failed, from its last words.
    pub(super) fn failure(&self, doing: &'static str, done: &Done, err: &[String]) -> SourceError {
        let mut said: Vec<&str> = err.iter().map(String::as_str).filter(|line| !line.trim().is_empty()).collect();
        said.drain(..said.len().saturating_sub(SAID_LINES));
        let said = if said.is_empty() { done.ending() } else { said.join("; ") };
        explain(doing, self.url.to_string(), redact(&said, &self.secrets))
    }

    async fn remove_repository(&self) -> io::Result<()> {
        let repository = self.repository();
        aside::long(move || tree::remove(&repository)).await
    }

    fn repository(&self) -> PathBuf {
        self.dir.join("repo.git")
    }

    /// Starts a git command whose streams the caller handles.
    pub(super) fn spawn(&self, args: &[&str]) -> Result<crate::confine::job::Running, SourceError> {
        let args = args.iter().map(OsString::from).collect();
        Ok(self.job(args).spawn(Stdio::piped())?)
    }
}

fn fetch(args: &[String]) -> Vec<String> {
    const FETCH: [&str; 6] =
        ["fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-maintenance", "--no-recurse-submodules"];
    FETCH.iter().map(|arg| (*arg).to_owned()).chain(args.iter().cloned()).collect()
}

/// Configuration with the highest rank, above anything a repository could bring.
fn settings(url: &RepoUrl, address: Option<IpAddr>, options: &Options) -> Vec<(&'static str, String)> {
    let mut settings: Vec<(&'static str, String)> = [
        ("protocol.allow", "never"),
        ("protocol.ext.allow", "never"),
        ("core.hooksPath", "/dev/null"),
        ("core.fsmonitor", "false"),
        ("core.askPass", ""),
        ("core.logAllRefUpdates", "false"),
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
        ("http.proxy", ""),
        ("http.lowSpeedLimit", "1000"),
        ("http.lowSpeedTime", "60"),
        ("http.sslVerify", "true"),
        ("transfer.fsckObjects", "true"),
        ("fetch.fsckObjects", "true"),
        // Harmless flaws of old, honest histories.
        ("fetch.fsck.zeroPaddedFilemode", "warn"),
        ("fetch.fsck.badTimezone", "warn"),
        ("fetch.fsck.missingSpaceBeforeDate", "warn"),
        ("fetch.unpackLimit", "1"),
        ("fetch.recurseSubmodules", "false"),
        ("submodule.recurse", "false"),
        ("gc.auto", "0"),
        ("maintenance.auto", "false"),
        ("pack.threads", "1"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.tagOpt", "--no-tags"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into();
    settings.push(("core.maxTreeDepth", (options.limits.depth + 1).to_string()));
    settings.push(("remote.origin.url", url.to_string()));
    if let (RepoUrl::Https { host, port, .. }, Some(address)) = (url, address) {
        let bracketed = if address.is_ipv6() { format!("[{address}]") } else { address.to_string() };
        settings.push(("http.curloptResolve", format!("{host}:{port}:{bracketed}")));
    }
    settings
}

fn environment(home: &Path, url: &RepoUrl) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = [
        ("PATH", PATH),
        ("LANG", "C"),
        ("LC_ALL", "C"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_NO_LAZY_FETCH", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
        ("GIT_LFS_SKIP_SMUDGE", "1"),
        ("GIT_ALLOW_PROTOCOL", url.scheme()),
    ]
    .map(|(name, value)| (name.into(), value.into()))
    .into();
    env.extend([("HOME".into(), home.into()), ("TMPDIR".into(), home.into())]);
    env
}

/// What git for a folder of this machine needs in a *file*: the other end is started by git itself, which hides our
/// environment settings from it. `safe.directory` is about owners; which folder may be read was decided before.
fn global_config(dir: &Path, url: &RepoUrl) -> String {
    let quoted = |path: &Path| path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"");
    let mut config = format!("[safe]\n\tdirectory = \"{}\"\n", quoted(&dir.join("repo.git")));
    if let RepoUrl::File { path } = url {
        for real in [path.clone(), path.join(".git")] {
            config.push_str(&format!("\tdirectory = \"{}\"\n", quoted(&real)));
        }
        config.push_str("[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n");
    }
    config
}

/// Gives the cache to its user, whoever of ours it belonged to before.
fn give(dir: &Path, user: Identity) -> Result<(), SourceError> {
    tree::give(dir, user).map_err(disk("giving away", dir))
}
