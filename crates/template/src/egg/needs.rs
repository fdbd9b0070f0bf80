//! What servers of a template need besides a node.

use serde::Serialize;

use super::Warning;
use crate::alt::{Alt, Run, RuntimeKind};

/// What is needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Needs {
    /// Setting a server up, or starting it, fetches something from other machines.
    pub network: bool,
    /// A container engine.
    pub docker: bool,
    /// A person, before the first server is made.
    pub attention: bool,
}

/// Programs that fetch.
const FETCHERS: &[&str] = &[
    "curl",
    "wget",
    "aria2c",
    "git",
    "svn",
    "rsync",
    "scp",
    "sftp",
    "ftp",
    "lftp",
    "apt",
    "apt-get",
    "apk",
    "dnf",
    "yum",
    "pacman",
    "zypper",
    "microdnf",
    "pip",
    "pip3",
    "npm",
    "npx",
    "yarn",
    "pnpm",
    "composer",
    "gem",
    "cargo",
    "steamcmd",
    "steamcmd.sh",
    "depotdownloader",
    "nix",
    "conda",
    "bun",
    "deno",
    "gh",
];
const SCHEMES: &[&str] = &["http://", "https://", "ftp://"];

impl Needs {
    pub(super) fn of(alt: &Alt, warnings: &[Warning]) -> Self {
        let script = alt.install.iter().map(|install| install.script.as_str());
        let startups = alt.startups.iter().filter_map(|startup| match &startup.run {
            Run::Shell { line } => Some(line.as_str()),
            Run::Argv { .. } => None,
        });
        Self {
            network: script.chain(startups).any(fetches),
            docker: alt.runtime == RuntimeKind::Docker,
            attention: warnings.iter().any(|warning| warning.attention),
        }
    }

    /// As words: `network`, `docker`, `attention`.
    pub fn words(self) -> Vec<&'static str> {
        let all = [(self.network, "network"), (self.docker, "docker"), (self.attention, "attention")];
        all.into_iter().filter_map(|(needed, word)| needed.then_some(word)).collect()
    }
}

/// Whether code fetches something; comments do not.
fn fetches(code: &str) -> bool {
    code.lines().map(str::trim).filter(|line| !line.starts_with('#')).any(|line| {
        let words = line.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')));
        let named = words.map(|word| word.trim_start_matches('.')).any(|word| FETCHERS.contains(&word));
        named || SCHEMES.iter().any(|scheme| line.contains(scheme))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fetches_is_seen() {
        for (code, expected) in [
            ("#!/bin/bash\n# curl x\nmkdir -p /mnt/server", false),
            ("#!/bin/bash\ncurl -sSL x", true),
            ("cd x; ./steamcmd.sh +quit", true),
            ("X=`wget -O- y`", true),
            ("/usr/bin/git clone z", true),
            ("echo https://example.org/", true),
            ("echo gitea curled", false),
            ("", false),
        ] {
            assert_eq!(fetches(code), expected, "{code}");
        }
    }
}
