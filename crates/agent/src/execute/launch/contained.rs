//! From a release with an image to what its shim holds: an attendant, and the container it stands for.

use std::net::Ipv4Addr;
use std::path::PathBuf;

use sf_containers::container::{Spec, Swap};
use sf_protocol::app::{AppSpec, RestartRule};
use sf_protocol::build::ContainerPlan;
use sf_types::{ErrorKind, Fault, Millis};

use super::super::app::disk;
use super::super::node::Node;
use super::{own_folder, told};
use crate::build::{dockerfile, words};
use crate::image::{self, ImageRecord};
use crate::release::Release;
use crate::shim::attend::Contained;
use crate::shim::{ShimSpec, StopRule};

/// The port inside where neither image nor settings name one.
const PORT_INSIDE: u16 = 8080;
/// Processes and threads where the app's settings say nothing.
const PROCESSES: u32 = 512;
/// Who it is where the agent has no numbers to give: nobody.
const NOBODY: (u32, u32) = (65_534, 65_534);
/// Where its data folder is inside.
const DATA: &str = "/data";
/// What an image that needs root needs it for: files of others, another user, a low port.
const ROOTS: [&str; 7] = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"];
/// What the shim waits longer than the attendant, which is the one that kills.
const MARGIN: Millis = Millis::secs(5);

/// Who runs inside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Who {
    /// The app's own number.
    Own(u32, u32),
    /// The user that the image names.
    Named,
    /// Root, because the image says so.
    Root,
}

fn who(user: &str, own: (u32, u32)) -> Who {
    match user.trim() {
        "" => Who::Own(own.0, own.1),
        user if dockerfile::is_root(user) => Who::Root,
        _ => Who::Named,
    }
}

impl Node {
    pub(super) fn contained_spec(
        &self,
        spec: &AppSpec,
        (release, how): (&Release, &ContainerPlan),
        own: Option<u16>,
        rule: RestartRule,
    ) -> Result<ShimSpec, Fault> {
        let (app, id) = (spec.app, release.manifest.release);
        let record = ImageRecord::of(release)?.ok_or_else(|| {
            Fault::new(ErrorKind::Internal, "release.damaged", "The release has no image.").fix("Deploy the app again.")
        })?;
        let engine = self.policy()?.containers.engine()?;
        let inside = how.port.map(sf_types::Port::get).or(record.port).unwrap_or(PORT_INSIDE);
        let user =
            self.users.of(&format!("app-{app}")).map_err(|error| disk(&self.state.join("users.json"), &error))?;
        let who = who(&record.user, user.map_or(NOBODY, |user| (user.uid, user.gid)));
        // Its own number owns the folder that outlives releases; another one could not write it, and root must not.
        let data = match (who, user) {
            (Who::Own(..), Some(_)) => Some(own_folder(self.state.app(app).join("data"), user)?),
            _ => None,
        };
        let port = inside.to_string();
        let argv = record.argv.as_ref().map(|argv| argv.iter().map(|word| words::with_port(word, &port)).collect());
        let container = Spec {
            image: record.id,
            argv,
            user: match who {
                Who::Own(uid, gid) => Some(format!("{uid}:{gid}")),
                Who::Named | Who::Root => None,
            },
            capabilities: if who == Who::Root { ROOTS.map(str::to_owned).to_vec() } else { Vec::new() },
            labels: image::labels(self.id, app, id),
            published: own.map(|own| (own, inside)),
            opened: Vec::new(),
            memory: spec.limits.memory.map(sf_types::ByteSize::bytes),
            swap: Swap::None,
            cpu_percent: spec.limits.cpu_percent,
            processes: spec.limits.pids.unwrap_or(PROCESSES),
            read_only: how.read_only,
            folders: data.iter().map(|data| (data.display().to_string(), DATA.to_owned())).collect(),
            shown: Vec::new(),
            tmp: None,
            folder: None,
            input: false,
            terminal: false,
        };
        let program = self.supervisor.program().display().to_string();
        let file = self.supervisor.spec_of(id).display().to_string();
        let attend = vec![program, "attend".to_owned(), "--spec".to_owned(), file];
        let mut shim = ShimSpec::new(app, id, attend, PathBuf::from("/"), self.log_dir(app, id));
        shim.env = environment(spec, release, own.map(|_| inside), data.is_some());
        shim.secrets = spec.secrets.clone();
        shim.restart = rule;
        let usual = StopRule::default();
        shim.stop = StopRule { grace: Millis(usual.grace.0 + MARGIN.0), ..usual };
        shim.container = Some(Contained {
            socket: engine.socket().to_owned(),
            name: image::container_name(id),
            start: format!("{:016x}", self.rng.u64()),
            enforced: enforced(&container, who),
            spec: container,
            grace: usual.grace,
        });
        Ok(shim)
    }

    /// Removes a container whose attendant has ended, which usually has done it.
    pub(super) async fn remove_container(&self, contained: Option<Contained>) {
        let Some(contained) = contained else { return };
        if let Err(error) = contained.engine().remove(&contained.name).await {
            tracing::warn!(%error, name = contained.name, "a container could not be removed; it is tried again");
            self.owed.notify_one();
        }
    }
}

fn environment(spec: &AppSpec, release: &Release, inside: Option<u16>, has_data: bool) -> Vec<(String, String)> {
    let mut env: Vec<(String, String)> = Vec::new();
    for variable in &spec.env {
        env.retain(|(name, _)| *name != variable.name);
        env.push((variable.name.clone(), variable.value.clone()));
    }
    if has_data {
        // A number that is in no list of users has no home of its own.
        env.push(("HOME".to_owned(), DATA.to_owned()));
    }
    env.extend(told(release, inside, Ipv4Addr::UNSPECIFIED));
    env
}

fn enforced(container: &Spec, who: Who) -> Vec<String> {
    let mut words = vec!["a container of its own".to_owned(), "no new privileges".to_owned()];
    words.push(match who {
        Who::Own(uid, _) => format!("a user of its own ({uid}), no capabilities"),
        Who::Named => "the user that its image names, no capabilities".to_owned(),
        Who::Root => format!("root inside, because its image says USER root, with {}", ROOTS.join(", ")),
    });
    words.push(format!("{} processes", container.processes));
    if let Some(bytes) = container.memory {
        words.push(format!("{} of memory", sf_types::ByteSize(bytes)));
    }
    if let Some(percent) = container.cpu_percent {
        words.push(format!("{percent} % of one processor"));
    }
    if container.read_only {
        words.push("a root file system that cannot be written".to_owned());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_says_who_runs_inside() {
        for (user, expected) in
            [("", Who::Own(7, 8)), ("root", Who::Root), ("0:0", Who::Root), ("node", Who::Named), ("1000", Who::Named)]
        {
            assert_eq!(who(user, (7, 8)), expected, "{user}");
        }
    }
}
