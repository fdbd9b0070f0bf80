//! An install script in a container of its own, as the scripts of panels expect it: root inside, the server's files at
//! `/mnt/server`, and nothing else of the node.

use std::path::Path;
use std::time::Duration;

use sf_containers::Engine;
use sf_containers::attach::{Attached, Stream as From};
use sf_containers::container::{Spec, Swap};
use sf_protocol::report::Stream;
use sf_protocol::server::{InstallScript, ServerLimits, ServerSpec};
use sf_types::{ByteSize, Fault, ServerId};

use super::super::console::Console;
use super::super::contained::{fault, installer_name, labels};
use super::super::launch;
use super::super::power::Errand;
use super::{SCRIPT, disk_limit, failed, limits, too_large};
use crate::daemon::aside;
use crate::execute::app::disk;
use crate::execute::{End, Node};
use crate::release::tree;
use crate::shim::log::LineSplitter;

/// What root inside needs to install packages: files of others, other users. No more.
const CAPABILITIES: [&str; 5] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"];
/// Where the server's files are inside.
const FILES: &str = "/mnt/server";
/// Where its script is inside.
const INSTALL: &str = "/mnt/install";
/// Between two looks at what it has written.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Longest wait for the last output of one that has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Taken off the list of what is being installed when it is over.
struct Installing<'a>(&'a Node, ServerId);

impl Drop for Installing<'_> {
    fn drop(&mut self) {
        self.0.installing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(&self.1);
    }
}

impl Node {
    pub(super) async fn install_contained(
        &self,
        spec: &ServerSpec,
        errand: &Errand<'_>,
        (script, image): (&InstallScript, &str),
        folder: &Path,
    ) -> Result<(), End> {
        let (server, name) = (spec.server, installer_name(spec.server));
        self.installing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(server);
        let _listed = Installing(self, server);
        let mut console = self.server_console(server);
        let engine = {
            let mut say = |text: String| console.note(&text);
            errand.unless_ended(self.have_image(image, &mut say)).await?
        };
        let bounds = limits(&spec.limits);
        let files = self.servers.files(server);
        let container = Spec {
            image: image.to_owned(),
            argv: Some(vec![script.entrypoint.clone(), format!("{INSTALL}/{SCRIPT}")]),
            user: Some("0:0".to_owned()),
            capabilities: CAPABILITIES.map(str::to_owned).to_vec(),
            labels: labels(self.id, server),
            published: None,
            opened: Vec::new(),
            memory: bounds.memory.map(ByteSize::bytes),
            swap: Swap::None,
            cpu_percent: None,
            processes: bounds.pids.unwrap_or(super::PROCESSES),
            read_only: false,
            folders: vec![(files.display().to_string(), FILES.to_owned())],
            shown: vec![(folder.display().to_string(), INSTALL.to_owned())],
            tmp: None,
            folder: Some(FILES.to_owned()),
            input: false,
            terminal: false,
        };
        // Of an agent that was killed in the middle.
        engine.remove(&name).await.map_err(|error| fault(&error))?;
        let mut env = launch::variables(spec);
        env.extend(self.server_values(spec)?.into_iter().map(|(name, value)| (name, value.expose().clone())));
        let step = (&*name, &container, env.as_slice());
        let ran = errand.unless_ended(run(&engine, step, &spec.limits, &files, &mut console)).await;
        engine.remove(&name).await.map_err(|error| fault(&error))?;
        // Also after a failure: what is there is the server's.
        if let Some(user) = self.server_user(server)? {
            let given = files.clone();
            aside::long(move || tree::give(&given, user)).await.map_err(|error| disk(&files, &error))?;
        }
        match ran? {
            0 => Ok(()),
            code => {
                let last = console.last_lines();
                let told = if last.is_empty() { String::new() } else { format!(" Its last words: {last}") };
                Err(failed("server.install_failed", format!("Its install script ended with code {code}.{told}")).into())
            }
        }
    }
}

/// Runs it to its end; answers its code.
async fn run(
    engine: &Engine,
    (name, container, env): (&str, &Spec, &[(String, String)]),
    limits: &ServerLimits,
    files: &Path,
    console: &mut Console,
) -> Result<i32, Fault> {
    let broken = |error| fault(&error);
    let id = engine.create(name, container, env).await.map_err(broken)?;
    let mut output = engine.attach(&id, container.ends()).await.map_err(broken)?;
    engine.start(&id).await.map_err(broken)?;
    let (mut out, mut err) = (LineSplitter::default(), LineSplitter::default());
    let code = {
        let mut lines = std::pin::pin!(copy(&mut output, (&mut out, &mut err), console));
        let mut ended = std::pin::pin!(engine.wait(&id));
        let mut full = std::pin::pin!(watch_disk(engine, name, files, disk_limit(limits)));
        let mut is_open = true;
        loop {
            tokio::select! {
                code = &mut ended => {
                    if is_open {
                        drop(tokio::time::timeout(LAST_WORDS, &mut lines).await);
                    }
                    break code.map_err(broken)?;
                }
                () = &mut lines, if is_open => is_open = false,
                words = &mut full => return Err(too_large(&words)),
            }
        }
    };
    out.finish(|line| console.line(Stream::Out, line));
    err.finish(|line| console.line(Stream::Err, line));
    Ok(code)
}

async fn copy(output: &mut Attached, splitters: (&mut LineSplitter, &mut LineSplitter), console: &mut Console) {
    while let Some((stream, bytes)) = output.next().await {
        match stream {
            From::Out => splitters.0.feed(&bytes, |line| console.line(Stream::Out, line)),
            From::Err => splitters.1.feed(&bytes, |line| console.line(Stream::Err, line)),
        }
    }
}

/// Resolves, in words, when the server's files and what the container itself has written are more than `limit`.
async fn watch_disk(engine: &Engine, name: &str, files: &Path, limit: ByteSize) -> String {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let dir = files.to_owned();
        let measured = aside::short(move || tree::measure(&dir)).await.map_or(0, |usage| usage.bytes);
        let listed = engine.containers(&[("name", &format!("^/{name}$"))], true).await.unwrap_or_default();
        let used = ByteSize(measured + listed.iter().map(|one| one.written).sum::<u64>());
        if used > limit {
            return format!("{used} on disk, {limit} allowed");
        }
    }
}
