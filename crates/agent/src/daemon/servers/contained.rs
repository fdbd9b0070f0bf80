//! Servers in containers: the image, the container, and what is left of either.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::Duration;

use sf_containers::container::{Spec, Swap};
use sf_containers::{Engine, EngineError};
use sf_protocol::server::{ServerLimits, ServerSpec, Startup};
use sf_types::{ByteSize, ErrorKind, Fault, ServerId};

use super::launch::{PROCESSES, TERM_GRACE, variables};
use super::report::hold;
use crate::execute::Node;
use crate::image::label;
use crate::shim::attend::Contained;
use crate::shim::{ShimSpec, StopRule};

/// Label that says whose a container is.
pub const SERVER: &str = "serverflow.server";
/// Where its files are inside; images made for panels know no other place.
// tidy: machine-path because it is a folder of the image
const HOME: &str = "/home/container";
/// Looks at a container that is being removed, and the pause between two.
const GONE_TRIES: usize = 100;
const GONE_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of its `/tmp`.
const TMP_BYTES: u64 = 100 * 1024 * 1024;

/// Name of the container of a server.
pub fn container_name(server: ServerId) -> String {
    format!("serverflow-{server}")
}

/// Name of the one that installs it.
pub fn installer_name(server: ServerId) -> String {
    format!("serverflow-{server}-install")
}

/// What marks a container as a server's.
pub fn labels(node: sf_types::NodeId, server: ServerId) -> BTreeMap<String, String> {
    BTreeMap::from([(label::NODE.to_owned(), node.to_string()), (SERVER.to_owned(), server.to_string())])
}

/// Swap as a server's limits have it.
pub fn swap(limits: &ServerLimits) -> Swap {
    match limits.swap.map(ByteSize::bytes) {
        None => Swap::Any,
        Some(0) => Swap::None,
        Some(bytes) => Swap::Bytes(bytes),
    }
}

/// What an engine has against a server's container, as people see it.
pub fn fault(error: &EngineError) -> Fault {
    let (kind, code, fix) = match error {
        EngineError::Away { .. } => (
            ErrorKind::Unavailable,
            "engine.away",
            "Start it on the node (in Debian: `systemctl start docker`), then try again.",
        ),
        _ => (
            ErrorKind::Conflict,
            "engine.refused",
            "Correct the server's image or ports, or look at the engine's own log.",
        ),
    };
    let message = error.to_string();
    let upper: String = message.chars().take(1).flat_map(char::to_uppercase).chain(message.chars().skip(1)).collect();
    Fault::new(kind, code, format!("{upper}.")).fix(fix)
}

impl Node {
    /// The node's engine, whether it answers or not.
    ///
    /// # Errors
    /// `server.no_engine`.
    pub(super) fn server_engine(&self) -> Result<Engine, Fault> {
        let policy = self.policy()?;
        policy.containers.engine().map_err(|_| {
            let message = "This server runs in a container, and its node has no container engine that it may use.";
            Fault::new(ErrorKind::Conflict, "server.no_engine", message).fix(
                "Install one on the node (in Debian: `apt-get install docker.io`), or have its owner name its socket in \
                 policy.toml: `[containers]` with `engine = \"unix:///path/of/its.sock\"`.",
            )
        })
    }

    /// Sees to it that the engine has an image; what it says while it fetches it goes to `say`.
    ///
    /// # Errors
    /// `server.no_engine`, `engine.away`, `engine.refused`.
    pub(super) async fn have_image(&self, image: &str, say: &mut (dyn FnMut(String) + Send)) -> Result<Engine, Fault> {
        let engine = self.server_engine()?;
        if engine.image(image).await.map_err(|error| fault(&error))?.is_none() {
            say(format!("The image {image} is fetched."));
            engine.pull(image, say).await.map_err(|error| fault(&error))?;
        }
        Ok(engine)
    }

    pub(super) fn contained_shim(
        &self,
        spec: &ServerSpec,
        (image, startup): (&str, &Startup),
        stop: (StopRule, bool),
    ) -> Result<ShimSpec, Fault> {
        let (server, engine) = (spec.server, self.server_engine()?);
        let user = self.server_user(server)?;
        let files = self.server_folder(self.servers.files(server), user)?;
        // Where the agent has no numbers to give, it is who owns its files.
        let own = || (nix::unistd::geteuid().as_raw(), nix::unistd::getegid().as_raw());
        let (uid, gid) = user.map_or_else(own, |user| (user.uid, user.gid));
        let container = Spec {
            image: image.to_owned(),
            argv: match startup {
                Startup::Argv { argv } => Some(argv.clone()),
                Startup::Shell { .. } => None,
            },
            user: Some(format!("{uid}:{gid}")),
            capabilities: Vec::new(),
            labels: labels(self.id, server),
            published: None,
            opened: spec.allocations.iter().map(|at| (at.ip, at.port)).collect(),
            memory: spec.limits.memory.map(ByteSize::bytes),
            swap: swap(&spec.limits),
            cpu_percent: spec.limits.cpu_percent,
            processes: spec.limits.pids.unwrap_or(PROCESSES),
            read_only: true,
            folders: vec![(files.display().to_string(), HOME.to_owned())],
            shown: Vec::new(),
            tmp: Some(TMP_BYTES),
            folder: Some(HOME.to_owned()),
            input: true,
            terminal: true,
        };
        let (app, release) = hold(server);
        let program = self.held.program().display().to_string();
        let file = self.held.spec_of(release).display().to_string();
        let attend = vec![program, "attend".to_owned(), "--spec".to_owned(), file];
        let mut shim = ShimSpec::new(app, release, attend, PathBuf::from("/"), self.servers.log(server));
        shim.env = variables(spec);
        shim.env.retain(|(name, _)| !matches!(&**name, "HOME" | "USER" | "STARTUP"));
        shim.env.push(("HOME".to_owned(), HOME.to_owned()));
        shim.env.push(("USER".to_owned(), "container".to_owned()));
        if let Startup::Shell { line } = startup {
            shim.env.push(("STARTUP".to_owned(), line.clone()));
        }
        shim.container = Some(Contained {
            socket: engine.socket().to_owned(),
            name: container_name(server),
            start: format!("{:016x}", self.rng.u64()),
            enforced: enforced(&container, uid),
            spec: container,
            // After TERM; where that is its own way to stop, it has the whole grace.
            grace: if stop.1 { stop.0.grace } else { TERM_GRACE },
        });
        Ok(shim)
    }

    /// Removes a server's containers, whatever their attendants have managed. What an engine that is away has of them is
    /// removed when it is back.
    ///
    /// # Errors
    /// `server.container` where one is still there: it may be writing into the server's files.
    pub(super) async fn remove_server_containers(&self, server: ServerId) -> Result<(), Fault> {
        let Ok(engine) = self.server_engine() else { return Ok(()) };
        let mut stayed = Ok(());
        for name in [container_name(server), installer_name(server)] {
            if let Err(error) = gone(&engine, &name).await {
                tracing::warn!(%error, name, "a container could not be removed; it is tried again");
                self.owed.notify_one();
                if !error.is_away() {
                    let message = format!("Its container {name} is still there: {error}.");
                    let fault = Fault::new(ErrorKind::Conflict, "server.container", message);
                    stayed = Err(fault.fix("Try it again; `docker rm --force` on the node removes it by hand."));
                }
            }
        }
        stayed
    }

    /// Removes containers of servers that nobody holds: what a predecessor left that was killed.
    ///
    /// # Errors
    /// [`EngineError`]; call it again to go on.
    pub(crate) async fn sweep_server_containers(&self, engine: &Engine) -> Result<(), EngineError> {
        let installing: HashSet<ServerId> =
            self.installing.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let of_node = format!("{}={}", label::NODE, self.id);
        for container in engine.containers(&[("label", &of_node), ("label", SERVER)], false).await? {
            let Some(server) = container.labels.get(SERVER).and_then(|text| text.parse().ok()) else { continue };
            let is_named = |name: String| container.names.contains(&name);
            // What somebody runs of ours by hand has another name.
            let stray = is_named(container_name(server)) && !self.held.holds(hold(server).1)
                || is_named(installer_name(server)) && !installing.contains(&server);
            if stray {
                tracing::warn!(%server, "a container of a server that nobody holds is removed");
                engine.remove(&container.id).await?;
            }
        }
        Ok(())
    }
}

/// Removes a container and waits until nothing of it is there: another order may be removing it at this moment.
async fn gone(engine: &Engine, name: &str) -> Result<(), EngineError> {
    let is_gone = until_gone(|| async move {
        engine.remove(name).await?;
        Ok(engine.container(name).await?.is_none())
    });
    if is_gone.await? {
        return Ok(());
    }
    let seconds = (GONE_PAUSE * u32::try_from(GONE_TRIES).unwrap_or(u32::MAX)).as_secs();
    Err(EngineError::Slow { what: format!("the end of the container {name}"), seconds })
}

/// Tries until `is_gone` says so, a bounded number of times; answers whether it ever did.
async fn until_gone<Look>(mut is_gone: impl FnMut() -> Look) -> Result<bool, EngineError>
where
    Look: Future<Output = Result<bool, EngineError>>,
{
    for nth in 0..GONE_TRIES {
        if nth > 0 {
            tokio::time::sleep(GONE_PAUSE).await;
        }
        if is_gone().await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn enforced(container: &Spec, uid: u32) -> Vec<String> {
    let mut words = vec![
        "a container of its own".to_owned(),
        "no new privileges".to_owned(),
        format!("a user of its own ({uid}), no capabilities"),
        format!("{} processes", container.processes),
        format!("only its own files and a /tmp of {} can be written", ByteSize(TMP_BYTES)),
    ];
    if let Some(bytes) = container.memory {
        words.push(format!("{} of memory", ByteSize(bytes)));
    }
    if let Some(percent) = container.cpu_percent {
        words.push(format!("{percent} % of one processor"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn an_engines_words_become_a_sentence() {
        let refused =
            EngineError::Refused { what: "the image x".to_owned(), status: 404, message: "no such".to_owned() };
        let said = fault(&refused);
        assert_eq!(
            (&*said.code, &*said.message),
            ("engine.refused", "The container engine refuses the image x: no such.")
        );
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_go_is_not_called_gone() {
        for (goes_at, expected, looks) in [(1, true, 1), (3, true, 3), (GONE_TRIES, true, GONE_TRIES)]
            .into_iter()
            .chain([(usize::MAX, false, GONE_TRIES)])
        {
            let mut looked = 0;
            let gone = until_gone(|| {
                looked += 1;
                std::future::ready(Ok(looked >= goes_at))
            });
            assert_eq!((gone.await.unwrap(), looked), (expected, looks), "{goes_at}");
        }
        let refused = || EngineError::Slow { what: "it".to_owned(), seconds: 1 };
        assert!(until_gone(|| std::future::ready(Err(refused()))).await.is_err());
    }

    #[test]
    fn containers_of_servers_are_no_releases() {
        let (node, server) =
            (sf_types::NodeId::from_parts(Timestamp::EPOCH, [1; 10]), ServerId::from_parts(Timestamp::EPOCH, [2; 10]));
        let marked = labels(node, server);
        assert!(
            marked.contains_key(label::NODE) && !marked.contains_key(label::RELEASE) && !crate::image::is_left(&marked)
        );
        assert_ne!(container_name(server), installer_name(server));
    }

    #[test]
    fn swap_is_what_the_limits_say() {
        let limits = |swap| ServerLimits { swap, ..ServerLimits::default() };
        for (said, expected) in
            [(None, Swap::Any), (Some(ByteSize(0)), Swap::None), (Some(ByteSize(5)), Swap::Bytes(5))]
        {
            assert_eq!(swap(&limits(said)), expected);
        }
    }
}
