//! Addresses of repositories: a closed type, so that nothing git would interpret gets near its command line.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Component, PathBuf};
use std::str::FromStr;

use super::SourceError;

/// Longest address, in bytes.
pub const URL_BYTES: usize = 2048;

/// A repository's address. Never holds a password.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum RepoUrl {
    /// `https://host[:port]/path`.
    Https {
        /// Lower case; an IPv6 address without its brackets.
        host: String,
        /// 443 unless written.
        port: u16,
        /// With its leading slash.
        path: String,
    },
    /// `ssh://[user@]host[:port]/path` or `[user@]host:path`.
    Ssh {
        /// Who signs in; git's usual `git` unless written.
        user: String,
        /// As above.
        host: String,
        /// 22 unless written.
        port: u16,
        /// Absolute, or relative to the user's home in the short form.
        path: String,
    },
    /// `file:///path`; whether it may be read is the policy's word.
    File {
        /// Absolute, without `..`.
        path: PathBuf,
    },
}

impl RepoUrl {
    /// Reads an address.
    ///
    /// # Errors
    /// [`SourceError::Url`], saying what is wrong and what to write instead. The message never repeats a password.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        parse(text).map_err(|(why, fix)| SourceError::Url { why, fix })
    }

    /// The host to connect to; `None` for a folder of this machine.
    pub fn host(&self) -> Option<&str> {
        match self {
            Self::Https { host, .. } | Self::Ssh { host, .. } => Some(host),
            Self::File { .. } => None,
        }
    }

    /// The port to connect to; `None` for a folder of this machine.
    pub const fn port(&self) -> Option<u16> {
        match self {
            Self::Https { port, .. } | Self::Ssh { port, .. } => Some(*port),
            Self::File { .. } => None,
        }
    }

    /// The one transport git may use for it, in the words of `GIT_ALLOW_PROTOCOL`.
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Https { .. } => "https",
            Self::Ssh { .. } => "ssh",
            Self::File { .. } => "file",
        }
    }
}

impl fmt::Display for RepoUrl {
    /// What git is given: always the long form, with the port only where it is unusual.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracketed = |host: &str| if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        match self {
            Self::Https { host, port: 443, path } => write!(f, "https://{}{path}", bracketed(host)),
            Self::Https { host, port, path } => write!(f, "https://{}:{port}{path}", bracketed(host)),
            Self::Ssh { user, host, port: 22, path } if path.starts_with('/') => {
                write!(f, "ssh://{user}@{}{path}", bracketed(host))
            }
            Self::Ssh { user, host, port, path } if path.starts_with('/') => {
                write!(f, "ssh://{user}@{}:{port}{path}", bracketed(host))
            }
            Self::Ssh { user, host, path, .. } => write!(f, "{user}@{}:{path}", bracketed(host)),
            Self::File { path } => write!(f, "file://{}", path.display()),
        }
    }
}

impl FromStr for RepoUrl {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        Self::parse(text)
    }
}

type Refused = (String, String);

fn refuse<T>(why: impl Into<String>, fix: impl Into<String>) -> Result<T, Refused> {
    Err((why.into(), fix.into()))
}

const FORMS: &str = "Use https://host/owner/repository.git, git@host:owner/repository.git or ssh://git@host/path.";

fn parse(text: &str) -> Result<RepoUrl, Refused> {
    if text.is_empty() {
        return refuse("it is empty", FORMS);
    }
    if text.len() > URL_BYTES {
        return refuse(format!("it is longer than {URL_BYTES} bytes"), FORMS);
    }
    if let Some(c) = text.chars().find(|c| c.is_control() || c.is_whitespace() || sf_types::text::is_deceptive(*c)) {
        return refuse(format!("it holds {c:?}, which no address has"), FORMS);
    }
    if text.starts_with('-') {
        return refuse("it begins with `-` and would be read as an option", FORMS);
    }
    if !text.is_ascii() {
        let fix = "Write the host in its ASCII form (xn--...), and other letters of the path percent-encoded.";
        return refuse("it holds letters beyond ASCII, which can look like others", fix);
    }
    match text.split_once("://") {
        Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
            "https" => https(rest),
            "ssh" => ssh(rest),
            "file" => file(rest),
            "http" => refuse("plain http can be read and changed on its way", "Use the https:// address."),
            "git" => refuse("git:// can be read and changed on its way", "Use the https:// or ssh:// address."),
            _ => refuse("only https, ssh and file addresses are fetched", FORMS),
        },
        None if text.contains("::") => refuse("git's remote helpers (`name::`) run programs", FORMS),
        None => short(text),
    }
}

fn https(rest: &str) -> Result<RepoUrl, Refused> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    if authority.contains('@') {
        let fix = "Leave it out of the address and put it into the node's `credentials` file, one line \
                   https://user:token@host.";
        return refuse("it holds a user name or password", fix);
    }
    let (host, port) = host_and_port(authority, 443)?;
    Ok(RepoUrl::Https { host, port, path: path_of(path, true)? })
}

fn ssh(rest: &str) -> Result<RepoUrl, Refused> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, authority) = authority.rsplit_once('@').unwrap_or(("git", authority));
    let (host, port) = host_and_port(authority, 22)?;
    Ok(RepoUrl::Ssh { user: user_of(user)?, host, port, path: path_of(path, false)? })
}

/// `[user@]host:path`, as scp writes it.
fn short(text: &str) -> Result<RepoUrl, Refused> {
    let Some((authority, path)) = text.split_once(':') else {
        return refuse("it is no address of a repository", FORMS);
    };
    if ["https", "http", "ssh", "git", "ftp", "file"].contains(&authority.to_ascii_lowercase().as_str()) {
        return refuse("two slashes are missing after the colon", FORMS);
    }
    let (user, host) = authority.rsplit_once('@').unwrap_or(("git", authority));
    if path.starts_with('-') {
        return refuse("its path begins with `-` and would be read as an option", FORMS);
    }
    let (user, host) = (user_of(user)?, host_of(host)?);
    let checked = path_of(path.strip_prefix('/').unwrap_or(path), false)?;
    let path = if path.starts_with('/') { checked } else { checked[1..].to_owned() };
    Ok(RepoUrl::Ssh { user, host, port: 22, path })
}

fn file(rest: &str) -> Result<RepoUrl, Refused> {
    let fix = "Write file:///absolute/path of a repository on the node, below a folder that its policy lists.";
    if !rest.starts_with('/') {
        return refuse("a file address has three slashes and an absolute path", fix);
    }
    if rest.contains('%') {
        return refuse("percent-encoding in a file address is decoded by git after our check", fix);
    }
    let path = PathBuf::from(rest);
    if path.components().any(|part| part == Component::ParentDir) {
        return refuse("it holds `..`", fix);
    }
    Ok(RepoUrl::File { path: path.components().collect() })
}

fn host_and_port(authority: &str, usual: u16) -> Result<(String, u16), Refused> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let port = match port {
        None => usual,
        Some(text) => match text.parse::<u16>() {
            Ok(port @ 1..) if text.bytes().all(|b| b.is_ascii_digit()) => port,
            _ => return refuse("its port is no number from 1 to 65535", FORMS),
        },
    };
    Ok((host_of(host)?, port))
}

fn host_of(host: &str) -> Result<String, Refused> {
    if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return match inner.parse::<Ipv6Addr>() {
            Ok(address) => Ok(address.to_string()),
            Err(_) => refuse("its host is no IPv6 address", FORMS),
        };
    }
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let bare = host.strip_suffix('.').unwrap_or(host);
    if bare.is_empty() || bare.len() > 253 || !bare.split('.').all(label) {
        return refuse("its host is no host name", FORMS);
    }
    Ok(bare.to_ascii_lowercase())
}

fn user_of(user: &str) -> Result<String, Refused> {
    if user.contains(':') {
        let fix = "Leave it out; an ssh repository is opened with the node's key (`ssh_key` in the agent's folder).";
        return refuse("it holds a password", fix);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    if user.is_empty() || user.len() > 64 || user.starts_with('-') || !user.bytes().all(plain) {
        return refuse("its user name holds unusual characters", FORMS);
    }
    Ok(user.to_owned())
}

/// Checks a path (without its leading slash) and gives it one.
fn path_of(path: &str, percent: bool) -> Result<String, Refused> {
    if path.trim_matches('/').is_empty() {
        return refuse("it names no repository, only a host", FORMS);
    }
    if path.contains(['?', '#']) {
        return refuse("it holds a query or fragment, which no repository address has", FORMS);
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"/._~-+@:,=".contains(&b) || (percent && b == b'%');
    if let Some(b) = path.bytes().find(|b| !plain(*b)) {
        return refuse(format!("its path holds {:?}", char::from(b)), FORMS);
    }
    if path.split('/').any(|segment| segment == "..") {
        return refuse("its path holds `..`", FORMS);
    }
    Ok(format!("/{path}"))
}

/// Checks the name of a branch or tag by the rules of git-check-ref-format(1), and a few of our own.
///
/// # Errors
/// [`SourceError::Reference`], saying which rule it breaks.
pub fn check_reference(name: &str) -> Result<(), SourceError> {
    /// Longest name, in bytes.
    const NAME_BYTES: usize = 255;
    let refuse = |why: &'static str| {
        let shown = name.chars().filter(|c| !sf_types::text::is_deceptive(*c)).take(60).collect();
        Err(SourceError::Reference { name: shown, why })
    };
    if name.is_empty() || name.len() > NAME_BYTES {
        return refuse("it has 1 to 255 bytes");
    }
    if name.starts_with('-') {
        return refuse("it would be read as an option");
    }
    if name.chars().any(|c| sf_types::text::is_deceptive(c) || c == ' ' || "~^:?*[\\".contains(c)) {
        return refuse("it holds a character that no branch or tag has");
    }
    if name == "@" || ["..", "@{", "//"].iter().any(|part| name.contains(part)) {
        return refuse("`..`, `@{`, `//` and a lone `@` have a meaning of their own");
    }
    if name.starts_with('/') || name.ends_with(['/', '.']) {
        return refuse("it begins or ends with a slash or dot");
    }
    if name.split('/').any(|part| part.starts_with('.') || part.ends_with(".lock")) {
        return refuse("a part of it begins with a dot or ends with .lock");
    }
    Ok(())
}

/// Checks a commit: 40 or 64 lower-case hex digits.
///
/// # Errors
/// [`SourceError::Commit`].
pub fn check_commit(commit: &str) -> Result<(), SourceError> {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if matches!(commit.len(), 40 | 64) && commit.bytes().all(hex) { Ok(()) } else { Err(SourceError::Commit) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_repositories_are_read_and_written_in_one_form() {
        for (text, expected) in [
            ("https://github.com/a/b.git", "https://github.com/a/b.git"),
            ("HTTPS://GitHub.com:443/a/b", "https://github.com/a/b"),
            ("https://[2001:DB8::1]:8443/a", "https://[2001:db8::1]:8443/a"),
            ("ssh://git@host:2222/a/b.git", "ssh://git@host:2222/a/b.git"),
            ("ssh://host/~me/b", "ssh://git@host/~me/b"),
            ("git@host:a/b.git", "git@host:a/b.git"),
            ("host:/srv/b.git", "ssh://git@host/srv/b.git"),
            ("file:///srv/git/./a", "file:///srv/git/a"),
            ("https://xn--80ak6aa92e.com/a", "https://xn--80ak6aa92e.com/a"),
        ] {
            assert_eq!(RepoUrl::parse(text).map(|url| url.to_string()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn everything_git_might_interpret_is_refused() {
        for text in [
            "",
            "/srv/git/a",
            "../a",
            "a",
            "ext::sh -c id",
            "ext::sh",
            "fd::17",
            "transport::https://host/a",
            "git://host/a",
            "http://host/a",
            "ftp://host/a",
            "javascript://host/a",
            "--upload-pack=touch /tmp/x",
            "--upload-pack=x",
            "-oProxyCommand=x",
            "ssh://-oProxyCommand=x/a",
            "ssh://a@-oProxyCommand=x/a",
            "ssh://-oX@host/a",
            "-oX@host:a",
            "git@-host:a",
            "git@host:-a",
            "git@host:",
            "git@host:a b",
            "git@host:a;id",
            "git@host:$(id)",
            "git@host:`id`",
            "ssh://host/%0aid",
            "https://host",
            "https://host/",
            "https:///a",
            "https://host:0/a",
            "https://host:65536/a",
            "https://host:+443/a",
            "https://ho st/a",
            "https://host/a\nb",
            "https://host/a\u{0}",
            "https://host/a?x=1",
            "https://host/a#b",
            "https://host/../a",
            "https://g\u{456}thub.com/a",
            "https://host\\@evil/a",
            "https://[::1/a",
            "file://host/a",
            "file:a",
            "file:///srv/../etc",
            "file:///srv/%2e%2e/etc",
            "https://user@host/a",
            "https://user:hunter2@host/a",
            "ssh://git:hunter2@host/a",
        ] {
            let refused = RepoUrl::parse(text).expect_err(text);
            let fault = sf_types::Fault::from(refused);
            assert!(!fault.fix.is_empty() && !fault.message.contains("hunter2"), "{text}: {fault}");
        }
        let long = format!("https://host/{}", "a".repeat(URL_BYTES));
        assert!(RepoUrl::parse(&long).is_err());
    }

    #[test]
    fn a_password_is_told_where_to_go() {
        let fault = sf_types::Fault::from(RepoUrl::parse("https://me:hunter2@host/a").unwrap_err());
        assert!(fault.fix.contains("credentials"), "{fault}");
    }

    #[test]
    fn references_follow_gits_rules() {
        for good in ["main", "v1.2.3", "feature/x-1", "gh-pages", "ünï"] {
            assert!(check_reference(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=x",
            "a..b",
            "a@{1}",
            "@",
            "a b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.lock/b",
            "a.",
            "a\nb",
            "a\u{0}",
            "a\u{7f}",
            "a\u{202e}b",
        ] {
            assert!(check_reference(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn commits_are_whole_hex_names() {
        assert!(check_commit(&"a1".repeat(20)).is_ok() && check_commit(&"0f".repeat(32)).is_ok());
        for bad in
            ["", "HEAD", "abc123", &"A1".repeat(20), &"g1".repeat(20), "--upload-pack=xxxxxxxxxxxxxxxxxxxxxxxxxx"]
        {
            assert!(check_commit(bad).is_err(), "{bad}");
        }
    }
}
