//! The program: whose it is, whether it accepts a configuration, having it take one.

use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::kill;
use nix::unistd::Pid;
use serde::Deserialize;
use sf_runtime::child::{Child, ChildError};
use sf_types::{ErrorKind, Fault, Port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::config;
use super::text::{self, Unwritable};
use super::workers::Workers;
use crate::release::tree;

/// Time that reading a configuration may take; it resolves names where the machine's own files hold some.
const TEST_LIMIT: Duration = Duration::from_secs(30);
/// Time for the requests that nginx answers when it is told to end.
const QUIT_LIMIT: Duration = Duration::from_secs(10);
/// Time to end at once.
const STOP_LIMIT: Duration = Duration::from_secs(5);
/// Time until a configuration that was accepted has to be served.
const SERVE_LIMIT: Duration = Duration::from_secs(10);
/// Between two looks whether it is.
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// One look.
const LOOK_LIMIT: Duration = Duration::from_secs(2);
/// Bytes of nginx's own words that are told.
const WORDS_BYTES: usize = 1000;
/// Bytes of our own nginx's error log that are kept, and as many of the one before.
pub const ERROR_LOG_BYTES: u64 = 8 * 1024 * 1024;

/// Which nginx serves this node's domains: the node owner's word.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Choice {
    /// Whose.
    pub nginx: Whose,
    /// The program.
    pub program: PathBuf,
    /// Main file of the machine's.
    pub main: PathBuf,
    /// Where the machine's writes its pid.
    pub pid: PathBuf,
    /// Port of plain HTTP.
    pub http: Port,
    /// Port of HTTPS.
    pub https: Port,
    /// The certificate authority's directory.
    pub acme: String,
    /// A certificate that vouches for that address, where no public authority does.
    pub acme_ca: Option<PathBuf>,
    /// Whom the authority writes to.
    pub acme_contact: Option<sf_types::Email>,
}

impl Default for Choice {
    fn default() -> Self {
        Self {
            nginx: Whose::Auto,
            program: "/usr/sbin/nginx".into(),
            main: "/etc/nginx/nginx.conf".into(),
            pid: "/run/nginx.pid".into(),
            http: Port::HTTP,
            https: Port::HTTPS,
            acme: "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
            acme_ca: None,
            acme_contact: None,
        }
    }
}

/// Whose nginx.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// The machine's where one runs, else one of the agent's own.
    Auto,
    /// The machine's: it includes one file of ours.
    Machine,
    /// One of the agent's own, which outlives the agent.
    Own,
    /// None: this node serves no domains.
    Off,
}

/// An nginx that can be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nginx {
    program: PathBuf,
    /// Its main file.
    main: PathBuf,
    pid: PathBuf,
    /// Folder of our own one; `None` for the machine's.
    own: Option<PathBuf>,
    http: Port,
}

impl Nginx {
    /// The one that the node's owner chose. `home` is the folder of our own.
    ///
    /// # Errors
    /// `proxy.off`, `proxy.no_nginx`.
    pub fn choose(choice: &Choice, home: &Path) -> Result<Self, Fault> {
        if choice.nginx == Whose::Off {
            let message = "The node's owner does not allow domains here (`proxy.nginx`).";
            return Err(Fault::new(ErrorKind::Forbidden, "proxy.off", message)
                .fix("Ask the owner of the node to change policy.toml there."));
        }
        if !choice.program.is_file() {
            let message = format!("There is no nginx on this node: {} is missing.", choice.program.display());
            return Err(Fault::new(ErrorKind::Unavailable, "proxy.no_nginx", message)
                .fix("Install it there, for example with `apt-get install nginx-light`."));
        }
        let machines = match choice.nginx {
            Whose::Machine => true,
            Whose::Own | Whose::Off => false,
            Whose::Auto => choice.main.is_file() && alive(&choice.pid).is_some(),
        };
        let (main, pid, own) = if machines {
            (choice.main.clone(), choice.pid.clone(), None)
        } else {
            (home.join("nginx.conf"), home.join("nginx.pid"), Some(home.to_owned()))
        };
        Ok(Self { program: choice.program.clone(), main, pid, own, http: choice.http })
    }

    /// Whether it serves nothing but our sites.
    pub const fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Whether its master lives.
    pub fn is_running(&self) -> bool {
        alive(&self.pid).is_some()
    }

    /// Has it end: gracefully, and at once where requests last longer than [`QUIT_LIMIT`].
    ///
    /// # Errors
    /// `proxy.reload` with nginx's own words; `proxy.lingers`.
    pub async fn quit(&self) -> Result<(), Fault> {
        for (word, limit) in [("quit", QUIT_LIMIT), ("stop", STOP_LIMIT)] {
            if !self.is_running() {
                return Ok(());
            }
            self.run(&self.main, self.own.as_deref(), &["-s", word]).await.map_err(|words| {
                let message = format!("nginx could not be told to end: {words}");
                let fault = Fault::new(ErrorKind::Unavailable, "proxy.reload", message);
                fault.fix("Look into its error log on that machine.")
            })?;
            let until = Instant::now() + limit;
            while self.is_running() && Instant::now() < until {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
        if !self.is_running() {
            return Ok(());
        }
        let fault = Fault::new(ErrorKind::Timeout, "proxy.lingers", "nginx was told to end, and still runs.");
        Err(fault.fix("Look into its error log on that machine."))
    }

    /// Writes what leads nginx to the folder of our sites: the main file of our own, or one file beside the machine's.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn lead_to(&self, sites: &Path) -> Result<(), Fault> {
        if self.is_led_to(sites) {
            return Ok(());
        }
        if let Some(home) = &self.own {
            tree_of(home)?;
        }
        let (path, text) = self.way(sites).map_err(|error| unwritable(&error))?;
        tree::write_atomically(&path, text.as_bytes(), 0o644).map_err(|error| disk(&path, &error))
    }

    /// Whether that is written.
    pub fn is_led_to(&self, sites: &Path) -> bool {
        let way = self.way(sites);
        way.is_ok_and(|(path, text)| std::fs::read_to_string(path).is_ok_and(|there| there == text))
    }

    fn way(&self, sites: &Path) -> Result<(PathBuf, String), Unwritable> {
        let (path, lines) = if let Some(home) = &self.own {
            (self.main.clone(), config::main_file(home, sites))
        } else {
            let folder = self.main.parent().unwrap_or(Path::new("/")).join("conf.d");
            (folder.join("serverflow.conf"), vec![text::say("include", [text::Arg::Confs(sites.to_owned())])])
        };
        Ok((path, text::text(&lines)?))
    }

    /// Whether nginx accepts the files of `sites` by themselves; nothing that runs is touched.
    ///
    /// # Errors
    /// `proxy.refused` with nginx's own words.
    pub async fn accepts_alone(&self, sites: &Path, scratch: &Path) -> Result<(), Fault> {
        tree_of(scratch)?;
        let main = scratch.join("nginx.conf");
        let text = text::text(&config::main_file(scratch, sites)).map_err(|error| unwritable(&error))?;
        tree::write_atomically(&main, text.as_bytes(), 0o600).map_err(|error| disk(&main, &error))?;
        self.run(&main, Some(scratch), &["-t", "-q"]).await.map_err(|words| {
            Fault::new(ErrorKind::Conflict, "proxy.refused", format!("nginx refuses the new configuration: {words}"))
                .fix("What was served before is served on.")
        })
    }

    /// Whether nginx accepts everything it is led to, files of others included.
    ///
    /// # Errors
    /// `proxy.machine_refused` with nginx's own words.
    pub async fn accepts_whole(&self) -> Result<(), Fault> {
        self.run(&self.main, self.own.as_deref(), &["-t", "-q"]).await.map_err(|words| {
            let message = format!("nginx refuses the configuration of this machine as a whole: {words}");
            Fault::new(ErrorKind::Conflict, "proxy.machine_refused", message)
                .fix("Mend the file it names; what was served before is served on.")
        })
    }

    /// Has it take the configuration, starting our own where it does not run. Answers who serves the earlier one.
    ///
    /// # Errors
    /// `proxy.reload` with nginx's own words.
    pub async fn take(&self) -> Result<Workers, Fault> {
        let master = alive(&self.pid);
        let starts = self.own.is_some() && master.is_none();
        let earlier = master.map_or_else(Workers::default, Workers::of);
        let args: &[&str] = if starts { &[] } else { &["-s", "reload"] };
        self.run(&self.main, self.own.as_deref(), args).await.map_err(|words| {
            let (what, fix) = if starts {
                ("started", "See which program holds the port, or choose others in `[proxy]` of policy.toml.")
            } else {
                ("reloaded", "Start it there: `systemctl start nginx`.")
            };
            Fault::new(ErrorKind::Unavailable, "proxy.reload", format!("nginx could not be {what}: {words}")).fix(fix)
        })?;
        Ok(earlier)
    }

    /// Waits until nginx serves the configuration with this token, and nobody meets an `earlier` one any more: a reload is
    /// taken later, or not at all, and for a moment both answer.
    ///
    /// # Errors
    /// `proxy.not_served`.
    pub async fn serves(&self, token: u128, earlier: &Workers) -> Result<(), Fault> {
        let until = Instant::now() + SERVE_LIMIT;
        while Instant::now() < until {
            if !earlier.accept() && self.shows(token).await {
                return Ok(());
            }
            // nginx tells nobody when its new workers stand.
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        let message = format!("nginx accepted the configuration, but does not serve it on port {}.", self.http);
        let fix = if self.is_own() {
            "Look into `proxy/own/error.log` of the agent's folder."
        } else {
            "See that its main file includes conf.d/*.conf, and look into its error log."
        };
        Err(Fault::new(ErrorKind::Unavailable, "proxy.not_served", message).fix(fix))
    }

    /// Whether it serves the configuration with this token now.
    pub async fn shows(&self, token: u128) -> bool {
        matches!(tokio::time::timeout(LOOK_LIMIT, shows(self.http, token)).await, Ok(Ok(true)))
    }

    /// Has our own begin a new error log where its log is full; the full one is kept in place of the one before. The log of the
    /// machine's is the machine's affair.
    ///
    /// # Errors
    /// `proxy.disk`, `proxy.reload`.
    pub async fn turn_error_log(&self) -> Result<(), Fault> {
        let Some(home) = &self.own else { return Ok(()) };
        let log = home.join("error.log");
        let is_full = std::fs::metadata(&log).is_ok_and(|found| found.len() > ERROR_LOG_BYTES);
        if !is_full || alive(&self.pid).is_none() {
            return Ok(());
        }
        std::fs::rename(&log, home.join("error.log.1")).map_err(|error| disk(&log, &error))?;
        self.run(&self.main, Some(home), &["-s", "reopen"]).await.map_err(|words| {
            let message = format!("nginx could not open a new error log: {words}");
            Fault::new(ErrorKind::Unavailable, "proxy.reload", message)
                .fix("Look into `proxy/own` of the agent's folder.")
        })
    }

    async fn run(&self, main: &Path, prefix: Option<&Path>, args: &[&str]) -> Result<(), String> {
        // tidy: shell because nginx's `-c` names its main file
        let mut child = Child::new(&self.program).arg("-e").arg("stderr").arg("-c").arg(main);
        if let Some(prefix) = prefix {
            child = child.arg("-p").arg(prefix);
        }
        // It leaves a process behind that outlives us: of ours it inherits nothing but what it needs.
        let finished = child.args(args).finish(TEST_LIMIT).await.map_err(|error: ChildError| error.to_string())?;
        if finished.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&finished.stderr);
        Err(told(&words))
    }
}

/// The lines that say why, without time and process.
fn told(words: &str) -> String {
    let lines = words.lines().filter(|line| line.contains("[emerg]") || line.contains("[error]"));
    let mut told: Vec<_> = lines.filter_map(|line| line.split_once("] ")).map(|(_, why)| why).collect();
    if told.is_empty() {
        told = words.lines().collect();
    }
    let mut told = told.join("; ");
    told.truncate(told.floor_char_boundary(WORDS_BYTES));
    told
}

async fn shows(port: Port, token: u128) -> io::Result<bool> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port.get())).await?;
    let path = text::hidden(token);
    let request = format!("GET {path} HTTP/1.1\r\nHost: serverflow.invalid\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await?;
    Ok(head == *b"HTTP/1.1 204")
}

/// The process that a pid file names, if it lives.
pub(super) fn alive(file: &Path) -> Option<Pid> {
    let pid = std::fs::read_to_string(file).ok()?.trim().parse::<i32>().ok().filter(|pid| *pid > 1)?;
    let is_nginx = std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "nginx");
    let pid = Pid::from_raw(pid);
    (is_nginx && kill(pid, None).is_ok()).then_some(pid)
}

fn tree_of(home: &Path) -> Result<(), Fault> {
    use std::os::unix::fs::DirBuilderExt;
    let folder = home.join("tmp");
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o711).create(&folder);
    made.map_err(|error| disk(&folder, &error))
}

/// A path of the agent's that cannot stand in a configuration.
pub(super) fn unwritable(error: &Unwritable) -> Fault {
    Fault::new(ErrorKind::Invalid, "proxy.path", format!("{error}.")).fix("Name a plainer folder with --state.")
}

/// A file of ours could not be used.
pub(super) fn disk(path: &Path, error: &io::Error) -> Fault {
    let message = format!("{} cannot be used: {error}.", path.display());
    Fault::new(ErrorKind::Internal, "proxy.disk", message).fix("Check the node's disk and the folder's rights.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nginx_says_is_told_without_its_clock() {
        let words = "2026/11/26 10:00:00 [warn] 7#7: a\n2026/11/26 10:00:00 [emerg] 7#7: bind() to 0.0.0.0:80 failed\n";
        assert_eq!(told(words), "7#7: bind() to 0.0.0.0:80 failed");
        assert_eq!(told("nginx: [emerg] unknown directive \"x\" in /a:3\n"), "unknown directive \"x\" in /a:3");
        assert_eq!(told("killed"), "killed");
    }
}
