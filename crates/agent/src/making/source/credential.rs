//! The node's credentials for repositories: one line for one host at a time, and never in anything told.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::SourceError;
use super::git::disk;

/// The line of the node's `credentials` file for a host. An unusual port has to be written there too: git takes a line
/// without one for 443 alone.
pub(super) fn credential(file: &Path, (host, port): (&str, u16)) -> Result<Option<String>, SourceError> {
    let text = match std::fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(disk("reading", file))?,
    };
    let mode = std::fs::metadata(file).map_err(disk("reading", file))?.permissions().mode();
    if mode & 0o077 != 0 {
        let why = io::Error::new(io::ErrorKind::PermissionDenied, "other users may read it; run `chmod 600` on it");
        return Err(disk("using", file)(why));
    }
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let wanted = if port == 443 { host } else { format!("{host}:{port}") };
    let of_host = |line: &&str| {
        let authority = line.strip_prefix("https://").and_then(|rest| rest.split('/').next()).unwrap_or_default();
        authority.rsplit_once('@').is_some_and(|(_, its)| its == wanted)
    };
    Ok(text.lines().map(str::trim).find(of_host).map(str::to_owned))
}

/// User name and password of a credential line, to be struck out of anything told.
pub(super) fn secrets_of(line: &str) -> Vec<String> {
    let userinfo = line.strip_prefix("https://").and_then(|rest| rest.rsplit_once('@')).map_or("", |(info, _)| info);
    let mut secrets: Vec<String> = userinfo.splitn(2, ':').skip(1).map(str::to_owned).collect();
    if !userinfo.contains(':') {
        secrets.push(userinfo.to_owned());
    }
    secrets.retain(|secret| !secret.is_empty());
    secrets
}

/// Strikes secrets and anything shaped like `://user:password@` out of a text.
pub(super) fn redact(text: &str, secrets: &[String]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), "***");
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c == '/' || c.is_whitespace() || c == '\'' || c == '"').unwrap_or(after.len());
        match after[..end].rfind('@') {
            Some(sign) => {
                out.push_str("***");
                rest = &after[sign..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// A path for git's credential helper, which git hands to a shell: only plain characters are let through.
pub(super) fn helper_path(path: &Path) -> Result<String, SourceError> {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if text.chars().all(plain) {
        return Ok(text);
    }
    let why = io::Error::new(io::ErrorKind::InvalidInput, "the agent's folder has unusual characters in its name");
    Err(disk("using", path)(why))
}

pub(super) fn write_private(path: &Path, line: &str) -> Result<(), SourceError> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let file = std::fs::File::options().create_new(true).write(true).mode(0o600).open(path);
    file.and_then(|mut file| writeln!(file, "{line}")).map_err(disk("writing", path))
}
