//! One container: made, started, looked at, signalled, removed.

use std::collections::BTreeMap;
use std::net::IpAddr;

use hyper::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::engine::{escaped, filters, parse, query, read};
use crate::{Engine, EngineError};

/// What a container is to be. Everything that is not here is the engine's most careful choice: no capability, no new
/// privilege, no device, no log, no restart of its own.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spec {
    /// The image, by digest.
    pub image: String,
    /// What runs in place of what the image says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// `uid:gid` or what the image says, where `None`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Capabilities that it gets back, without `CAP_`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capabilities: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// A port of this machine's loopback, and the TCP port of the container that it leads to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<(u16, u16)>,
    /// Addresses of this machine and ports there that lead to the same TCP and UDP ports of the container.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opened: Vec<(IpAddr, u16)>,
    /// Memory, bytes; with no swap beside it unless `swap` says otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// Swap beside its memory.
    #[serde(default)]
    pub swap: Swap,
    /// Processor in percent of one core.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<u32>,
    /// Processes and threads.
    pub processes: u32,
    /// Whether its root file system cannot be written; `/tmp` can then, in memory.
    #[serde(default)]
    pub read_only: bool,
    /// Folders of this machine, and where they are seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<(String, String)>,
    /// Folders of this machine that it may only read, and where they are seen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shown: Vec<(String, String)>,
    /// Bytes of a `/tmp` in memory whose files can be executed, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tmp: Option<u64>,
    /// Where its program begins, in place of what the image says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// Whether its standard input stays open for whoever attaches.
    #[serde(default)]
    pub input: bool,
    /// Whether it has a terminal: then it has one stream, as it writes it.
    #[serde(default)]
    pub terminal: bool,
}

/// Swap of a container that has a limit of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Swap {
    /// None.
    #[default]
    None,
    /// So many bytes beside the memory.
    Bytes(u64),
    /// As much as the machine has.
    Any,
}

/// Size of `/tmp` where the rest cannot be written.
const TMP_BYTES: u64 = 64 * 1024 * 1024;

impl Spec {
    fn body(&self, env: &[(String, String)]) -> Value {
        let mut host = json!({
            "CapDrop": ["ALL"],
            "CapAdd": self.capabilities,
            "SecurityOpt": ["no-new-privileges"],
            "Privileged": false,
            "PidsLimit": self.processes,
            "ReadonlyRootfs": self.read_only,
            "LogConfig": {"Type": "none"},
            "RestartPolicy": {"Name": "no"},
            "AutoRemove": false,
            "IpcMode": "private",
        });
        let mut body = json!({
            "Image": self.image,
            "Labels": self.labels,
            "Env": env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
            "AttachStdin": self.input,
            "AttachStdout": true,
            "AttachStderr": true,
            "OpenStdin": self.input,
            // Whoever attends to it may end and be followed by another.
            "StdinOnce": false,
            "Tty": self.terminal,
        });
        if let Some(argv) = &self.argv {
            body["Entrypoint"] = json!(argv);
            body["Cmd"] = json!([]);
        }
        if let Some(user) = &self.user {
            body["User"] = json!(user);
        }
        if let Some(folder) = &self.folder {
            body["WorkingDir"] = json!(folder);
        }
        let ports = self.ports();
        if !ports.is_empty() {
            body["ExposedPorts"] = ports.keys().map(|inside| (inside.clone(), json!({}))).collect();
            host["PortBindings"] = json!(ports);
        }
        if let Some(memory) = self.memory {
            host["Memory"] = json!(memory);
            host["MemorySwap"] = match self.swap {
                Swap::None => json!(memory),
                Swap::Bytes(bytes) => json!(memory.saturating_add(bytes)),
                Swap::Any => json!(-1),
            };
        }
        if let Some(percent) = self.cpu_percent {
            host["NanoCpus"] = json!(u64::from(percent) * 10_000_000);
        }
        match self.tmp {
            Some(bytes) => {
                let owner = self.tmp_owner();
                host["Tmpfs"] = json!({"/tmp": format!("rw,exec,nosuid,nodev,size={bytes},mode=1777{owner}")});
            }
            None if self.read_only => {
                host["Tmpfs"] = json!({"/tmp": format!("rw,nosuid,nodev,size={TMP_BYTES},mode=1777")});
            }
            None => {}
        }
        let written = self.folders.iter().map(|folder| (folder, false));
        let mounts: Vec<Value> = written
            .chain(self.shown.iter().map(|folder| (folder, true)))
            .map(|((here, there), read_only)| {
                json!({"Type": "bind", "Source": here, "Target": there, "ReadOnly": read_only,
                    "BindOptions": {"Propagation": "rprivate"}})
            })
            .collect();
        if !mounts.is_empty() {
            host["Mounts"] = mounts.into();
        }
        body["HostConfig"] = host;
        body
    }

    /// A container may take the mode of its `/tmp` from its image, which need not let everybody write there.
    fn tmp_owner(&self) -> String {
        let numbers = self.user.as_deref().and_then(|user| user.split_once(':'));
        let number = |text: &str| text.parse::<u32>().ok();
        let owner = numbers.and_then(|(uid, gid)| Some((number(uid)?, number(gid)?)));
        owner.map_or_else(String::new, |(uid, gid)| format!(",uid={uid},gid={gid}"))
    }

    /// By its own port, as `8080/tcp`: the places of this machine that lead there.
    fn ports(&self) -> BTreeMap<String, Vec<Value>> {
        let mut ports: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let mut add = |inside: String, ip: String, port: u16| {
            ports.entry(inside).or_default().push(json!({"HostIp": ip, "HostPort": port.to_string()}));
        };
        if let Some((own, inside)) = self.published {
            add(format!("{inside}/tcp"), "127.0.0.1".to_owned(), own);
        }
        for (ip, port) in &self.opened {
            add(format!("{port}/tcp"), ip.to_string(), *port);
            add(format!("{port}/udp"), ip.to_string(), *port);
        }
        ports
    }

    /// How whoever attaches to it speaks with it.
    pub const fn ends(&self) -> crate::attach::Ends {
        crate::attach::Ends { input: self.input, terminal: self.terminal }
    }
}

/// How a container is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Container {
    /// Its id.
    pub id: String,
    /// Whether it runs.
    pub running: bool,
    /// Its first process as this machine numbers it; 0 where it does not run.
    pub pid: i32,
    /// The code that it ended with.
    pub code: i32,
    /// Whether it was ended for want of memory.
    pub out_of_memory: bool,
    /// What the engine has against it.
    pub error: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A container as lists have it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// Its names, without the slash that they begin with.
    pub names: Vec<String>,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Bytes that it has written to its own layer, where that was asked for.
    pub written: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Raw {
    id: String,
    state: RawState,
    #[serde(default)]
    config: RawLabels,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawState {
    #[serde(default)]
    running: bool,
    #[serde(default)]
    pid: i32,
    #[serde(default)]
    exit_code: i32,
    #[serde(default, rename = "OOMKilled")]
    oom_killed: bool,
    #[serde(default)]
    error: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct RawLabels {
    labels: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawListed {
    id: String,
    #[serde(default)]
    names: Option<Vec<String>>,
    #[serde(default)]
    labels: Option<BTreeMap<String, String>>,
    #[serde(default)]
    size_rw: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Ended {
    status_code: i32,
}

impl Engine {
    /// A container by name or id; `None` when it is not there.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn container(&self, name: &str) -> Result<Option<Container>, EngineError> {
        let path = format!("/containers/{}/json", escaped(name));
        let raw: Raw = match self.get(&path, &format!("the container {name}")).await {
            Err(error) if error.is_missing() => return Ok(None),
            other => other?,
        };
        Ok(Some(Container {
            id: raw.id,
            running: raw.state.running,
            pid: raw.state.pid,
            code: raw.state.exit_code,
            out_of_memory: raw.state.oom_killed,
            error: raw.state.error,
            labels: raw.config.labels.unwrap_or_default(),
        }))
    }

    /// Containers that all filters apply to, those that do not run too; with what each has written where `sizes`, which
    /// costs a look through its files.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn containers(&self, which: &[(&str, &str)], sizes: bool) -> Result<Vec<Listed>, EngineError> {
        let asked = [("all", "true".to_owned()), ("size", sizes.to_string()), ("filters", filters(which))];
        let listed: Vec<RawListed> = self.get(&format!("/containers/json?{}", query(&asked)), "its containers").await?;
        let one = |raw: RawListed| Listed {
            id: raw.id,
            names: raw.names.into_iter().flatten().map(|name| name.trim_start_matches('/').to_owned()).collect(),
            labels: raw.labels.unwrap_or_default(),
            written: raw.size_rw.unwrap_or(0),
        };
        Ok(listed.into_iter().map(one).collect())
    }

    /// Makes a container with these variables; it does not run yet. Answers its id.
    ///
    /// # Errors
    /// [`EngineError`]; refused with status 404 without its image, 409 where the name is taken.
    pub async fn create(&self, name: &str, spec: &Spec, env: &[(String, String)]) -> Result<String, EngineError> {
        let what = format!("the container {name}");
        let path = format!("/containers/create?{}", query(&[("name", name.to_owned())]));
        let bytes = self.ask(Method::POST, &path, Some(spec.body(env).to_string().into_bytes()), &what).await?;
        parse::<Made>(&bytes, &what).map(|made| made.id)
    }

    /// Starts it.
    ///
    /// # Errors
    /// [`EngineError`]; refused with the reason where its program or port cannot be had.
    pub async fn start(&self, id: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{}/start", escaped(id));
        self.ask(Method::POST, &path, None, "to start the container").await.map(drop)
    }

    /// Sends a signal by its name or number. One that does not run is fine.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn signal(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{}/kill?{}", escaped(id), query(&[("signal", signal.to_owned())]));
        match self.ask(Method::POST, &path, None, "a signal to the container").await {
            Err(EngineError::Refused { status: 404 | 409, .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Waits until it has ended, however long that takes. Answers its code.
    ///
    /// # Errors
    /// [`EngineError`]; broken when the engine ends meanwhile.
    pub async fn wait(&self, id: &str) -> Result<i32, EngineError> {
        let what = "the end of the container";
        let path = format!("/containers/{}/wait", escaped(id));
        let (mut wire, response) = self.open(Method::POST, &path, None, what).await?;
        let bytes = read(&mut wire, response, what).await?;
        parse::<Ended>(&bytes, what).map(|ended| ended.status_code)
    }

    /// Ends it by force where it runs, and removes it. One that is not there is fine.
    ///
    /// # Errors
    /// [`EngineError`].
    pub async fn remove(&self, name: &str) -> Result<(), EngineError> {
        let path = format!("/containers/{}?force=true&v=true", escaped(name));
        match self.ask(Method::DELETE, &path, None, &format!("removing the container {name}")).await {
            // 409: somebody else is removing it at this moment.
            Err(EngineError::Refused { status: 404 | 409, .. }) | Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_asked_for_without_any_right() {
        let spec = Spec {
            image: "sha256:1".to_owned(),
            argv: Some(vec!["/app".to_owned()]),
            user: Some("7:8".to_owned()),
            capabilities: Vec::new(),
            labels: BTreeMap::from([("a".to_owned(), "b".to_owned())]),
            published: Some((40_000, 8080)),
            opened: Vec::new(),
            memory: Some(1 << 26),
            swap: Swap::None,
            cpu_percent: Some(50),
            processes: 32,
            read_only: true,
            folders: vec![("/srv/x".to_owned(), "/data".to_owned())],
            shown: Vec::new(),
            tmp: None,
            folder: None,
            input: false,
            terminal: false,
        };
        let body = spec.body(&[("A".to_owned(), "x=y".to_owned())]);
        let host = &body["HostConfig"];
        assert_eq!((&body["Env"], &body["Cmd"]), (&json!(["A=x=y"]), &json!([])));
        assert_eq!(host["PortBindings"], json!({"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "40000"}]}));
        assert_eq!((&host["CapDrop"], &host["CapAdd"]), (&json!(["ALL"]), &json!([])));
        assert_eq!((&host["Memory"], &host["MemorySwap"]), (&json!(1 << 26), &json!(1 << 26)));
        assert_eq!((&host["NanoCpus"], &host["Privileged"]), (&json!(500_000_000), &json!(false)));
        assert_eq!((&body["OpenStdin"], &body["Tty"]), (&json!(false), &json!(false)));
        let bare = Spec { argv: None, user: None, published: None, ..spec };
        let body = bare.body(&[]);
        assert!(body.get("Entrypoint").is_none() && body.get("User").is_none());
        assert!(body["HostConfig"].get("PortBindings").is_none());

        let served = Spec {
            user: Some("7:8".to_owned()),
            opened: vec![([127, 0, 0, 1].into(), 6667), ("::1".parse().unwrap(), 6667)],
            swap: Swap::Bytes(1 << 20),
            shown: vec![("/srv/y".to_owned(), "/install".to_owned())],
            tmp: Some(1024),
            folder: Some("/home".to_owned()),
            input: true,
            terminal: true,
            ..bare
        };
        let body = served.body(&[]);
        let host = &body["HostConfig"];
        let both = json!([{"HostIp": "127.0.0.1", "HostPort": "6667"}, {"HostIp": "::1", "HostPort": "6667"}]);
        assert_eq!(host["PortBindings"], json!({"6667/tcp": both, "6667/udp": both}));
        assert_eq!(body["ExposedPorts"], json!({"6667/tcp": {}, "6667/udp": {}}));
        assert_eq!(host["MemorySwap"], json!((1 << 26) + (1 << 20)));
        assert!(host["Tmpfs"]["/tmp"].as_str().unwrap().ends_with("exec,nosuid,nodev,size=1024,mode=1777,uid=7,gid=8"));
        let read_only: Vec<&Value> = host["Mounts"].as_array().unwrap().iter().map(|one| &one["ReadOnly"]).collect();
        assert_eq!(read_only, [&json!(false), &json!(true)]);
        assert_eq!(
            (&body["OpenStdin"], &body["Tty"], &body["WorkingDir"]),
            (&json!(true), &json!(true), &json!("/home"))
        );
        assert_eq!(Spec { swap: Swap::Any, ..served }.body(&[])["HostConfig"]["MemorySwap"], json!(-1));
    }
}
