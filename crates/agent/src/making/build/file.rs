//! `serverflow.app.toml`: what a repository says about itself.

use std::path::Path;

use serde::Deserialize;
use sf_protocol::app::{HealthCheck, Probe, TrafficMode};
use sf_protocol::build::{BuildSettings, Builder};
use sf_types::Millis;

use super::{APP_FILE, BuildError, read as read_text, words};
use sf_types::Port;

/// Longest pattern of a log line, in characters.
const PATTERN_CHARS: usize = 512;

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct AppFile {
    pub settings: BuildSettings,
    pub health: Option<HealthCheck>,
    pub traffic: Option<TrafficMode>,
    pub container: ContainerFile,
}

/// What it says about a container.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ContainerFile {
    pub dockerfile: Option<String>,
    pub port: Option<Port>,
    pub read_only: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    builder: Option<Builder>,
    root: Option<String>,
    install: Option<Command>,
    build: Option<Command>,
    start: Option<Command>,
    publish: Option<String>,
    hot_path: Option<bool>,
    traffic: Option<TrafficMode>,
    health: Option<RawHealth>,
    #[serde(default)]
    container: ContainerFile,
}

/// A command as an array of words or as one text.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a command is an array of words or one text")]
enum Command {
    Words(Vec<String>),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawHealth {
    path: Option<String>,
    tcp: Option<bool>,
    log: Option<String>,
    alive: Option<Time>,
    within: Option<Time>,
    each_try: Option<Time>,
}

/// Seconds as a number, or `"500ms"`, `"60s"`, `"5m"`.
#[derive(Deserialize)]
#[serde(untagged, expecting = "a time is a number of seconds or a text such as \"500ms\", \"60s\" or \"5m\"")]
enum Time {
    Seconds(u64),
    Text(String),
}

/// Reads the file at the top of a checkout; all defaults when it is not there.
pub(super) fn read(checkout: &Path) -> Result<AppFile, BuildError> {
    let Some(text) = read_text(checkout, APP_FILE)? else { return Ok(AppFile::default()) };
    parse(&text).map_err(|why| BuildError::File { file: APP_FILE.to_owned(), why })
}

fn parse(text: &str) -> Result<AppFile, String> {
    let raw: Raw = toml::from_str(text).map_err(|error| error.to_string())?;
    let command = |name: &str, command: Option<Command>| match command {
        None => Ok(None),
        Some(Command::Words(words)) => Ok(Some(words)),
        Some(Command::Text(text)) => {
            let split = if name == "start" { words::split_start(&text) } else { words::split(&text) };
            split.map(Some).map_err(|why| format!("`{name}`: {why}"))
        }
    };
    Ok(AppFile {
        settings: BuildSettings {
            builder: raw.builder,
            root: raw.root,
            install: command("install", raw.install)?,
            build: command("build", raw.build)?,
            start: command("start", raw.start)?,
            publish: raw.publish,
            hot_path: raw.hot_path,
            args: Vec::new(),
        },
        health: raw.health.map(health).transpose()?,
        traffic: raw.traffic,
        container: raw.container,
    })
}

fn health(raw: RawHealth) -> Result<HealthCheck, String> {
    let probe = match (raw.path, raw.tcp, raw.log, raw.alive) {
        (Some(path), None, None, None) => {
            if !path.starts_with('/') || path.chars().any(|c| c.is_control() || c.is_whitespace()) {
                return Err("`health.path` begins with a slash and holds no spaces".to_owned());
            }
            Probe::Http { path }
        }
        (None, Some(true), None, None) => Probe::Tcp,
        (None, None, Some(pattern), None) => {
            if pattern.chars().count() > PATTERN_CHARS {
                return Err(format!("`health.log` has at most {PATTERN_CHARS} characters"));
            }
            regex_lite::Regex::new(&pattern).map_err(|error| format!("`health.log` is no pattern: {error}"))?;
            Probe::LogLine { pattern }
        }
        (None, None, None, Some(time)) => Probe::Alive { time: millis(time)? },
        _ => return Err("[health] needs exactly one of `path`, `tcp = true`, `log` and `alive`".to_owned()),
    };
    let mut check = HealthCheck::new(probe);
    if let Some(within) = raw.within {
        check.within = millis(within)?;
    }
    if let Some(each_try) = raw.each_try {
        check.each_try = millis(each_try)?;
    }
    if check.within > HealthCheck::MAX_WITHIN || check.within.0 == 0 || check.each_try.0 == 0 {
        let most = HealthCheck::MAX_WITHIN.0 / 60_000;
        return Err(format!("`health.within` is more than nothing and at most {most} minutes"));
    }
    Ok(check)
}

fn millis(time: Time) -> Result<Millis, String> {
    /// Longest time that can be written, in milliseconds: a day.
    const MAX_MS: u64 = 24 * 3600 * 1000;
    let ms = match time {
        Time::Seconds(seconds) => seconds.saturating_mul(1000),
        Time::Text(text) => {
            let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
            let (number, unit) = text.split_at(digits);
            let factor = match unit.trim() {
                "ms" => 1,
                "s" => 1000,
                "m" | "min" => 60_000,
                _ => return Err(format!("`{text}` is no time; write \"500ms\", \"60s\" or \"5m\"")),
            };
            let number: u64 = number.parse().map_err(|_| format!("`{text}` is no time"))?;
            number.saturating_mul(factor)
        }
    };
    if ms > MAX_MS { Err("a time is at most a day".to_owned()) } else { Ok(Millis(ms)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_file_is_understood() {
        let text = r#"
            builder = "node"
            root = "web"
            install = ["npm", "ci"]
            build = "npm run 'build all'"
            start = "node server.js"
            hot_path = false
            traffic = "http"
            [health]
            path = "/healthz"
            within = "90s"
            [container]
            dockerfile = "docker/web.Dockerfile"
            port = 3000
            read_only = true
        "#;
        let file = parse(text).unwrap();
        assert_eq!(file.settings.build.unwrap(), ["npm", "run", "build all"]);
        assert_eq!(file.settings.hot_path, Some(false));
        assert_eq!(file.container.dockerfile.as_deref(), Some("docker/web.Dockerfile"));
        assert!(file.container.read_only && file.container.port.is_some());
        let health = file.health.unwrap();
        assert_eq!((health.probe, health.within), (Probe::Http { path: "/healthz".to_owned() }, Millis::secs(90)));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        for (text, words) in [
            ("strat = \"x\"", "strat"),
            ("builder = \"docker\"", "docker"),
            ("start = \"a && b\"", "script file"),
            ("start = 5", "array of words"),
            ("[health]\npath = \"x\"", "slash"),
            ("[health]\ntcp = true\npath = \"/x\"", "exactly one"),
            ("[health]\nlog = \"(\"", "no pattern"),
            ("[health]\nalive = \"soon\"", "no time"),
            ("[health]\ntcp = true\nwithin = \"31m\"", "30 minutes"),
            ("[health", ""),
            ("[container]\nprivileged = true", "privileged"),
        ] {
            let said = parse(text).expect_err(text);
            assert!(said.contains(words), "{text}: {said}");
        }
    }
}
