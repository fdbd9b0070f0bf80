//! The program git starts for ssh addresses: ssh with every choice made by us.

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sf_types::Secret;

/// A fixed wrapper: git passes host and command as arguments, the wrapper puts our options before them. What differs
/// from fetch to fetch comes as environment variables, each expanded in quotes into one argument, so no text of a
/// user is ever read as shell.
const WRAPPER: &str = r#"#!/bin/sh
exec ssh -F none -o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 \
  -o "HostName=$SF_SSH_ADDRESS" -o "HostKeyAlias=$SF_SSH_HOST" -o "StrictHostKeyChecking=$SF_SSH_CHECK" \
  -o "UserKnownHostsFile=\"$SF_SSH_KNOWN\"" -o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no \
  -o "IdentityFile=\"$SF_SSH_KEY\"" -o IdentitiesOnly=yes -o IdentityAgent=none -o PreferredAuthentications=publickey \
  -o ForwardAgent=no -o ForwardX11=no -o ClearAllForwardings=yes -o PermitLocalCommand=no -o ProxyCommand=none \
  -o ControlMaster=no -o ControlPath=none "$@"
"#;

/// Where ssh's files lie and whom it calls.
pub(super) struct Call<'a> {
    pub home: &'a Path,
    /// The key that opens the repository, and the hosts that are known.
    pub files: (&'a Path, &'a Path),
    pub host: &'a str,
    pub address: IpAddr,
    pub accept_new: bool,
}

/// Writes the wrapper and answers the environment that makes git use it.
pub(super) fn environment(call: &Call<'_>) -> io::Result<Vec<(OsString, OsString)>> {
    let wrapper = call.home.join("ssh");
    std::fs::write(&wrapper, WRAPPER)?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    let (key, known) = call.files;
    drop(std::fs::File::options().create(true).append(true).open(known)?);
    let check = if call.accept_new { "accept-new" } else { "yes" };
    Ok(vec![
        ("GIT_SSH".into(), wrapper.into()),
        ("GIT_SSH_VARIANT".into(), "ssh".into()),
        ("SF_SSH_ADDRESS".into(), call.address.to_string().into()),
        ("SF_SSH_HOST".into(), call.host.into()),
        ("SF_SSH_CHECK".into(), check.into()),
        ("SF_SSH_KNOWN".into(), known.into()),
        ("SF_SSH_KEY".into(), key.into()),
    ])
}

/// A key that was given for one fetch: on disk, where ssh reads it, as long as this is.
#[derive(Debug)]
pub(super) struct GivenKey(PathBuf);

impl GivenKey {
    /// Writes it into git's own home, which nobody else may enter.
    pub(super) fn write(home: &Path, key: &Secret<String>) -> io::Result<Self> {
        let path = home.join("key");
        let file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(&path);
        let given = Self(path);
        file.and_then(|mut file| file.write_all(key.expose().as_bytes()))?;
        Ok(given)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for GivenKey {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// The node's key and the hosts it knows.
pub(super) fn files(state: &Path) -> (PathBuf, PathBuf) {
    (state.join("ssh_key"), state.join("known_hosts"))
}
