//! From a server's record to what its shim holds: a confined process, or an attendant with the container it stands for.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;
use sf_protocol::app::Limits;
use sf_protocol::server::{ServerLimits, ServerRuntime, ServerSpec, Startup, Stop};
use sf_types::{ErrorKind, Fault, Millis, ServerId};

use super::report::hold;
use crate::build::run::{search_path, tool_folders};
use crate::confine::cgroup::Group;
use crate::confine::{Confinement, Identity, Rlimits, TcpRule};
use crate::execute::Node;
use crate::execute::app::disk;
use crate::release::tree;
use crate::shim::{ShimSpec, StopRule};
use crate::traffic::port::any_is_apart;

/// Processes and threads of a server whose limits say nothing.
pub const PROCESSES: u32 = 512;
/// Time after TERM.
pub const TERM_GRACE: Millis = Millis::secs(5);
/// Signals to stop with.
const SIGNALS: [Signal; 7] = {
    use Signal::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    [SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2, SIGKILL]
};
/// What the terminal of a server is.
const TERMINAL: &str = "xterm";

/// Whether a name is the node's to set: how programs are found and loaded is not a server's choice.
pub(super) fn is_ours(name: &str) -> bool {
    matches!(name, "PATH" | "HOME" | "TMPDIR" | "TERM" | "SERVERFLOW_PROCESS") || name.starts_with("LD_")
}

/// The server's own variables, later ones in place of earlier.
pub fn variables(spec: &ServerSpec) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = Vec::new();
    for variable in &spec.env {
        env.retain(|(name, _)| *name != variable.name);
        env.push((variable.name.clone(), variable.value.clone()));
    }
    env
}

/// The environment of a process of the server's user.
pub fn environment(spec: &ServerSpec, home: &Path, temp: &Path) -> Vec<(String, String)> {
    let pair = |name: &str, value: String| (name.to_owned(), value);
    let mut env = vec![pair("LANG", "C.UTF-8".to_owned())];
    for (name, value) in variables(spec).into_iter().filter(|(name, _)| !is_ours(name)) {
        env.retain(|(known, _)| *known != name);
        env.push((name, value));
    }
    env.push(pair("PATH", search_path()));
    env.push(pair("HOME", home.display().to_string()));
    env.push(pair("TMPDIR", temp.display().to_string()));
    env.push(pair("TERM", TERMINAL.to_owned()));
    env
}

/// How a server is stopped, and the line that does it.
///
/// # Errors
/// `server.spec` for a signal that is none.
pub fn stop_rule(stop: &Stop) -> Result<(StopRule, Option<String>), Fault> {
    match stop {
        Stop::Command { line, grace } => {
            let rule = StopRule { signal: Signal::SIGTERM as i32, grace: *grace, term_grace: TERM_GRACE };
            Ok((rule, Some(line.clone())))
        }
        Stop::Signal { signal, grace } => {
            let known = SIGNALS.into_iter().find(|known| known.as_str() == signal);
            let known = known.ok_or_else(|| refused(format!("`{signal}` is no signal to stop with.")))?;
            Ok((StopRule { signal: known as i32, grace: *grace, term_grace: TERM_GRACE }, None))
        }
    }
}

/// A server that cannot be started as it is described.
pub fn refused(message: String) -> Fault {
    Fault::new(ErrorKind::Invalid, "server.spec", message).fix("Correct the server's settings or its template.")
}

/// The limits that control groups know, with a bound on processes in any case.
pub fn limits(limits: &ServerLimits) -> Limits {
    let pids = Some(limits.pids.unwrap_or(PROCESSES));
    Limits { memory: limits.memory, cpu_percent: limits.cpu_percent, pids }
}

impl Node {
    /// The user of a server; `None` where the agent has no numbers to give.
    pub(super) fn server_user(&self, server: ServerId) -> Result<Option<Identity>, Fault> {
        self.users.of(&user_name(server)).map_err(|error| disk(&self.state.join("users.json"), &error))
    }

    /// A folder of the server's own user.
    pub(super) fn server_folder(&self, path: PathBuf, user: Option<Identity>) -> Result<PathBuf, Fault> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        let given = made.and_then(|()| match user {
            // Only a fresh one: what is in it may be much.
            Some(user) if std::fs::symlink_metadata(&path)?.uid() != user.uid => tree::give(&path, user),
            _ => Ok(()),
        });
        given.map_err(|error| disk(&path, &error))?;
        Ok(path)
    }

    /// A control group with the server's limits.
    pub(super) fn server_group(&self, name: &str, of: &ServerLimits) -> Group {
        let made = self.cgroups.create(name, &limits(of));
        let mut group = made.inspect_err(|error| tracing::info!(%error, "no control group")).unwrap_or_default();
        if let (Some(memory), true) = (of.memory, of.swap.is_none_or(|swap| swap.bytes() > 0)) {
            group.allow_swap(memory, of.swap);
        }
        group
    }

    /// What the shim of a server holds, and what is in force of its limits, in words.
    ///
    /// # Errors
    /// `server.spec`, `server.shell_needs_container`, `server.no_engine`, `app.disk`.
    pub(super) fn server_shim(&self, spec: &ServerSpec) -> Result<(ShimSpec, Vec<String>), Fault> {
        let (rule, stop_line) = stop_rule(&spec.stop)?;
        let by_term = stop_line.is_none() && rule.signal == Signal::SIGTERM as i32;
        let (mut shim, more): (_, Vec<String>) = match (&spec.runtime, &spec.startup) {
            (ServerRuntime::Process, Startup::Argv { argv }) => self.process_shim(spec, argv)?,
            (ServerRuntime::Process, Startup::Shell { .. }) => {
                let message = "Its startup is code for a shell, which runs in containers only.";
                return Err(Fault::new(ErrorKind::Conflict, "server.shell_needs_container", message)
                    .fix("Give the server a container image, or a template that starts a program."));
            }
            (ServerRuntime::Docker { image }, startup) => {
                (self.contained_shim(spec, (image.as_str(), startup), (rule, by_term))?, Vec::new())
            }
        };
        shim.stop = rule;
        if shim.container.is_some() {
            // The attendant is the one that kills what is inside; it has its time before it is killed itself.
            let waits = if by_term { &mut shim.stop.grace } else { &mut shim.stop.term_grace };
            waits.0 += TERM_GRACE.0;
        }
        (shim.stop_line, shim.input) = (stop_line, true);
        // A name that is the node's to set has no value of a server.
        let taken = |name: &str| is_ours(name) || shim.container.is_some() && matches!(name, "USER" | "STARTUP");
        shim.secrets = spec.secrets.iter().filter(|var| !taken(&var.name)).cloned().collect();
        shim.env.retain(|(name, _)| !shim.secrets.iter().any(|var| var.name == *name));
        shim.ready = (!spec.ready.lines.is_empty()).then(|| spec.ready.clone());
        shim.restart = spec.restart.clone();
        match shim.defect() {
            Some(defect) => Err(refused(format!("It cannot be started: {defect}."))),
            None => {
                let enforced = shim.enforces().into_iter().chain(more).collect();
                Ok((shim, enforced))
            }
        }
    }

    fn process_shim(&self, spec: &ServerSpec, argv: &[String]) -> Result<(ShimSpec, Vec<String>), Fault> {
        let server = spec.server;
        let user = self.server_user(server)?;
        let files = self.server_folder(self.servers.files(server), user)?;
        let temp = self.server_folder(self.servers.temp(server), user)?;
        let (app, release) = hold(server);
        let mut shim = ShimSpec::new(app, release, argv.to_vec(), files.clone(), self.servers.log(server));
        shim.env = environment(spec, &files, &temp);
        // Programs that see no terminal keep their output back until much of it has come together.
        shim.terminal = true;
        let group = self.server_group(&group_name(server), &spec.limits);
        let ports = spec.allocations.iter().map(|at| at.port);
        let any = any_is_apart().then_some(0);
        let ports = TcpRule::Ports(ports.chain(any).collect());
        shim.confinement = self.server_confinement(spec, &group, (ports, user), vec![files, temp]);
        let mut more = group.enforced().to_vec();
        more.push("UDP ports not restricted: kernels have no such rule".to_owned());
        Ok((shim, more))
    }

    /// What a process of the server's user may touch and use.
    pub(super) fn server_confinement(
        &self,
        spec: &ServerSpec,
        group: &Group,
        (tcp_bind, user): (TcpRule, Option<Identity>),
        read_write: Vec<PathBuf>,
    ) -> Confinement {
        let base = Confinement::strict();
        let mut read_only = base.read_only.clone();
        read_only.extend(tool_folders());
        let (grouped, limits) = (!group.dirs().is_empty(), limits(&spec.limits));
        Confinement {
            read_only,
            read_write,
            tcp_bind,
            user,
            rlimits: Rlimits {
                processes: limits.pids.filter(|_| user.is_some()).map(u64::from),
                data_bytes: limits.memory.filter(|_| !grouped).map(sf_types::ByteSize::bytes),
                ..base.rlimits
            },
            cgroups: group.dirs().to_vec(),
            ..base
        }
    }
}

/// Name of a server's user.
pub fn user_name(server: ServerId) -> String {
    format!("server-{server}")
}

/// Name of a server's control group.
pub fn group_name(server: ServerId) -> String {
    format!("server-{server}")
}

#[cfg(test)]
mod tests {
    use super::super::record::tests::spec;
    use super::*;
    use sf_protocol::app::EnvVar;

    #[test]
    fn a_server_cannot_choose_how_programs_are_found_or_loaded() {
        let var = |name: &str, value: &str| EnvVar { name: name.to_owned(), value: value.to_owned() };
        let env = vec![
            var("PATH", "/evil"),
            var("LD_PRELOAD", "/evil.so"),
            var("HOME", "/root"),
            var("LANG", "de"),
            var("MOTD", "one"),
            var("MOTD", "two"),
        ];
        let env = environment(&ServerSpec { env, ..spec(1) }, Path::new("/srv/files"), Path::new("/srv/tmp"));
        let get =
            |name: &str| env.iter().filter(|(known, _)| known == name).map(|(_, value)| &**value).collect::<Vec<_>>();
        assert_eq!((get("HOME"), get("LANG"), get("MOTD")), (vec!["/srv/files"], vec!["de"], vec!["two"]));
        assert!(get("LD_PRELOAD").is_empty() && get("PATH").len() == 1 && !get("PATH")[0].contains("evil"));
    }

    #[test]
    fn stops_are_lines_or_signals_by_name() {
        let grace = Millis::secs(7);
        let (rule, line) = stop_rule(&Stop::Command { line: "end".to_owned(), grace }).unwrap();
        assert_eq!((rule.signal, rule.grace, line.as_deref()), (Signal::SIGTERM as i32, grace, Some("end")));
        let (rule, line) = stop_rule(&Stop::Signal { signal: "SIGINT".to_owned(), grace }).unwrap();
        assert_eq!((rule.signal, line), (Signal::SIGINT as i32, None));
        assert_eq!(stop_rule(&Stop::Signal { signal: "C".to_owned(), grace }).unwrap_err().code, "server.spec");
    }
}
