//! Who vouches for hosts: the authorities the machine believes, and those the node's owner adds for hosts of their own.

use std::io;
use std::path::Path;

use super::SourceError;
use super::git::disk;

/// The owner's authorities in the agent's folder, in PEM.
const OWN: &str = "authorities.pem";
/// Where distributions keep the authorities that the machine believes (Debian, Fedora, openSUSE).
const MACHINE: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

/// The machine's authorities with the owner's own; `None` without any, when git finds the machine's by itself. git takes
/// one file instead of the usual one, so it has to hold both.
pub(super) fn authorities(state: &Path) -> Result<Option<Vec<u8>>, SourceError> {
    let file = state.join(OWN);
    let own = match std::fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(disk("reading", &file))?,
    };
    let mut bundle = MACHINE.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
    bundle.push(b'\n');
    bundle.extend(own);
    Ok(Some(bundle))
}
