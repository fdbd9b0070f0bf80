//! Setting a server up: its folder, and its install script in a confined step of its own.

mod container;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sf_protocol::app::Limits;
use sf_protocol::outcome::Step;
use sf_protocol::report::Stream;
use sf_protocol::server::{InstallScript, InstallState, ServerLimits, ServerSpec};
use sf_types::{ByteSize, ErrorKind, Fault, ServerId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::launch;
use super::power::{Errand, killed};
use crate::confine::job::{DiskLimit, Done, Job, Stop};
use crate::confine::{Confinement, TcpRule};
use crate::daemon::aside;
use crate::execute::app::disk;
use crate::execute::{End, Node};
use crate::release::tree;

/// Memory of an install step at the least: setting up takes more than small servers have.
const MEMORY_MIN: ByteSize = ByteSize::mib(1024);
/// Disk of a server without a limit, while it is set up.
const DISK_MAX: ByteSize = ByteSize::mib(256 * 1024);
/// Files, links and folders while it is set up.
const ENTRIES_MAX: u64 = 2_000_000;
/// Processes and threads.
const PROCESSES: u32 = 512;
/// The script in its folder.
const SCRIPT: &str = "install.sh";

/// What an install step may use.
fn limits(of: &ServerLimits) -> Limits {
    let memory = of.memory.map(|memory| memory.max(MEMORY_MIN));
    Limits { memory, cpu_percent: None, pids: Some(of.pids.unwrap_or(PROCESSES).max(PROCESSES)) }
}

fn disk_limit(of: &ServerLimits) -> ByteSize {
    of.disk.unwrap_or(DISK_MAX)
}

fn failed(code: &str, message: String) -> Fault {
    Fault::new(ErrorKind::Conflict, code, message).fix("Look at the server's console, and install it again.")
}

impl Node {
    /// Makes a server's folder and runs its script. One that runs is stopped first.
    pub(super) async fn install_server(
        &self,
        errand: &Errand<'_>,
        script: Option<&InstallScript>,
        wipe: bool,
    ) -> Result<(), End> {
        let server = errand.server;
        self.stop_server(errand).await?;
        let record = self.servers.change(server, |record| {
            (record.install, record.end) = (InstallState::Installing, None);
        })?;
        self.tell_server(server);
        fail::fail_point!("agent-server-install");
        let installed = self.do_install(&record.spec, errand, (script, wipe)).await;
        let install = if installed.is_ok() { InstallState::Installed } else { InstallState::Failed };
        self.servers.change(server, |record| record.install = install)?;
        self.count_disk(server).await;
        self.tell_server(server);
        installed
    }

    async fn do_install(
        &self,
        spec: &ServerSpec,
        errand: &Errand<'_>,
        (script, wipe): (Option<&InstallScript>, bool),
    ) -> Result<(), End> {
        let (server, progress) = (spec.server, errand.progress);
        let files = self.servers.files(server);
        if wipe {
            progress.begin(Step::Remove, "what its files were");
            let wiped = files.clone();
            aside::long(move || tree::remove(&wiped)).await.map_err(|error| disk(&files, &error))?;
            progress.done("");
        }
        let user = self.server_user(server)?;
        self.server_folder(files, user)?;
        self.server_folder(self.servers.temp(server), user)?;
        let Some(script) = script else {
            progress.skipped(Step::Install, "it has no install script");
            return Ok(());
        };
        progress.begin(Step::Install, "");
        let since = Instant::now();
        let folder = self.write_script(server, script)?;
        self.server_console(server).note("Installing: its script begins.");
        let ran = match &script.image {
            Some(image) => self.install_contained(spec, errand, (script, image.as_str()), &folder).await,
            None => self.install_confined(spec, errand, script, &folder).await,
        };
        drop(aside::short(move || tree::remove(&folder)).await);
        let took = crate::shim::state::seconds(crate::execute::millis(since.elapsed()));
        let words = match &ran {
            Ok(()) => format!("Installed after {took}."),
            Err(End::Failed(fault)) => fault.message.clone(),
            Err(_) => format!("The installation was cancelled after {took}."),
        };
        self.server_console(server).note(&words);
        match &ran {
            Ok(()) => progress.done(&took),
            Err(_) => progress.failed(&words),
        }
        ran
    }

    /// The script where the step can read it and nobody can change it.
    fn write_script(&self, server: ServerId, script: &InstallScript) -> Result<PathBuf, Fault> {
        use std::os::unix::fs::DirBuilderExt;
        let bad = script.entrypoint.is_empty() || script.entrypoint.contains(|c: char| c.is_control() || c == ' ');
        if bad || script.script.len() > InstallScript::MAX_BYTES {
            let message = "Its install script has no program that reads it, or is too long.".to_owned();
            return Err(launch::refused(message));
        }
        let folder = self.servers.folder(server).join("install");
        // Many are written with the line ends of another system, which shells take for a part of the words.
        let text = script.script.replace("\r\n", "\n");
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o755).create(&folder);
        let written = made.and_then(|()| tree::write_atomically(&folder.join(SCRIPT), text.as_bytes(), 0o644));
        written.map_err(|error| disk(&folder, &error))?;
        Ok(folder)
    }

    async fn install_confined(
        &self,
        spec: &ServerSpec,
        errand: &Errand<'_>,
        script: &InstallScript,
        folder: &Path,
    ) -> Result<(), End> {
        let server = spec.server;
        let (user, files, temp) = (self.server_user(server)?, self.servers.files(server), self.servers.temp(server));
        // Swept with what builds leave, should this agent die.
        let group = self.cgroups.create(&format!("{}{server}", self.own_builds()), &limits(&spec.limits));
        let group = group.unwrap_or_default();
        let listens = (TcpRule::Ports(Vec::new()), user);
        let base = self.server_confinement(spec, &group, listens, vec![files.clone(), temp.clone()]);
        let mut read_only = base.read_only.clone();
        read_only.push(folder.to_owned());
        // The shell of small images is called so.
        let entrypoint = if script.entrypoint.ends_with("ash") && !script.entrypoint.ends_with("bash") {
            "sh"
        } else {
            &script.entrypoint
        };
        let mut env = launch::environment(spec, &files, &temp);
        env.extend(self.server_values(spec)?.into_iter().map(|(name, value)| (name, value.expose().clone())));
        let job = Job {
            argv: vec![entrypoint.into(), folder.join(SCRIPT).into_os_string()],
            cwd: files.clone(),
            env: env.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect(),
            confinement: Confinement { read_only, ..base },
            group: (!group.dirs().is_empty()).then(|| group.clone()),
            time_limit: errand.until.saturating_duration_since(Instant::now()),
            spares_user: false,
            disk: Some(DiskLimit {
                dirs: vec![files, temp],
                shared_memory_of: user.map(|user| user.uid),
                bytes: disk_limit(&spec.limits),
                entries: ENTRIES_MAX,
            }),
        };
        let mut console = self.server_console(server);
        let cancel = CancellationToken::new();
        let ran = {
            let mut sink = |stream: Stream, line: String| console.line(stream, &line);
            let mut run = std::pin::pin!(job.run(&mut sink, &cancel));
            tokio::select! {
                ran = &mut run => ran,
                () = errand.cancel.cancelled() => { cancel.cancel(); run.await }
                () = errand.halt.cancelled() => { cancel.cancel(); run.await }
            }
        };
        if let Err(error) = group.remove() {
            tracing::debug!(%error, "a control group could not be removed");
        }
        match ran {
            Ok(done) => judge(&done, errand, &console.last_lines()),
            Err(error) => {
                Err(failed("server.install_failed", format!("Its install script could not be started: {error}."))
                    .into())
            }
        }
    }

    /// Counts what the files of a server take.
    pub(super) async fn count_disk(&self, server: ServerId) {
        let (files, staging) = (self.servers.files(server), self.servers.staging(server));
        // What was uploaded and is not seen yet takes its room, too.
        let measure = move || Ok::<_, std::io::Error>(tree::measure(&files)?.bytes + super::files::uploaded(&staging));
        match aside::long(measure).await {
            Ok(bytes) => self.servers.live(server).counted(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => tracing::debug!(%server, %error, "the files of a server could not be counted"),
        }
    }
}

fn judge(done: &Done, errand: &Errand<'_>, last: &str) -> Result<(), End> {
    let told = if last.is_empty() { String::new() } else { format!(" Its last words: {last}") };
    match &done.stop {
        None if done.status.success() => Ok(()),
        Some(Stop::Cancelled) if errand.halt.is_cancelled() => Err(killed().into()),
        Some(Stop::Cancelled) => Err(End::Cancelled),
        Some(Stop::Time) => Err(too_long(done.took).into()),
        Some(Stop::Disk(words)) => Err(too_large(words).into()),
        None if done.memory_kills > 0 => {
            let message = format!("Its install script {}, out of memory.{told}", done.ending());
            Err(failed("server.install_failed", message).into())
        }
        None => Err(failed("server.install_failed", format!("Its install script {}.{told}", done.ending())).into()),
    }
}

fn too_long(took: Duration) -> Fault {
    failed("server.install_slow", format!("Its install script took longer than {} s and was ended.", took.as_secs()))
}

fn too_large(words: &str) -> Fault {
    failed("server.install_disk", format!("Its install script was ended: {words}."))
}
