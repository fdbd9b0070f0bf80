//! An address that a person typed, judged as far as it can be without asking anybody.

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;
use sf_types::Network;

use crate::address::{is_allowed, may_be_dialled};
use crate::error::Refused;

/// Longest address: 2,048 bytes.
pub const MAX_URL_BYTES: usize = 2048;

/// An address that may be sent to, if its name leads where it may. Its path is taken for a secret and never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

impl Target {
    /// Judges an address by its text: scheme, credentials, and the host where that is an address itself. Other ways to
    /// write one (`127.1`, `0x7f.1`, `2130706433`) are the same address here.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn parse(text: &str, allowed: &[Network]) -> Result<Self, Refused> {
        if text.len() > MAX_URL_BYTES {
            return Err(Refused::TooLong { max: MAX_URL_BYTES });
        }
        let mut url = Url::parse(text.trim()).map_err(|error| Refused::NoUrl(error.to_string()))?;
        match url.scheme() {
            "https" => {}
            "http" if allowed.is_empty() => return Err(Refused::Plain),
            "http" => {}
            other => return Err(Refused::Scheme(other.chars().take(20).collect())),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        url.set_fragment(None);
        let this = Self(url);
        if let Some(address) = this.literal()
            && !this.may_reach(address, allowed)
        {
            return Err(Refused::Private { host: this.host().to_owned(), address });
        }
        Ok(this)
    }

    /// Its host, without brackets.
    pub fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default().trim_matches(['[', ']'])
    }

    /// `https://host:port`: what says whom it belongs to, and nothing else.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The whole address. Not for printing.
    pub fn expose(&self) -> &str {
        self.0.as_str()
    }

    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }

    /// The address that its host is, where it is one.
    fn literal(&self) -> Option<IpAddr> {
        self.host().parse().ok()
    }

    /// Without TLS only what the operator allows: there nobody proves who they are.
    fn may_reach(&self, address: IpAddr, allowed: &[Network]) -> bool {
        if self.is_plain() { is_allowed(address, allowed) } else { may_be_dialled(address, allowed) }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}/…)", self.origin())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], text: &str, expected: Result<&str, &str>) {
        let allowed: Vec<Network> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        match (Target::parse(text, &allowed), expected) {
            (Ok(target), Ok(origin)) => assert_eq!(target.origin(), origin),
            (Err(refused), Err(part)) => assert!(refused.to_string().contains(part), "{text}: {refused}"),
            (got, want) => panic!("{text}: {got:?}, expected {want:?}"),
        }
    }

    #[test]
    fn what_could_reach_inside_is_refused_by_its_text_alone() {
        check(&[], "https://hooks.slack.com/services/T0/B0/secret", Ok("https://hooks.slack.com"));
        check(&[], " https://ntfy.example.org:8443/ops#here ", Ok("https://ntfy.example.org:8443"));
        check(&[], "http://hooks.example.org/a", Err("without TLS"));
        for scheme in ["file:///etc/passwd", "ftp://a.example.org/", "gopher://a.example.org/", "unix:/run/docker.sock"]
        {
            check(&[], scheme, Err("scheme"));
        }
        check(&[], "javascript:alert(1)", Err("scheme"));
        check(&[], "https://", Err("no web address"));
        check(&[], "nonsense", Err("no web address"));
        check(&[], "https://user:pw@hooks.example.org/", Err("password"));
        check(&[], "https://trusted.example.org@169.254.169.254/", Err("password"));
        check(&[], &format!("https://a.example.org/{}", "a".repeat(MAX_URL_BYTES)), Err("longer"));
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "169.254.169.254",
            "0xa9fea9fe",
            "[::1]",
            "[::ffff:127.0.0.1]",
            "[::ffff:a9fe:a9fe]",
            "[64:ff9b::a9fe:a9fe]",
            "[fd00:ec2::254]",
            "１２７.0.0.1",
            "127。0。0。1",
            "0",
        ] {
            check(&[], &format!("https://{host}/latest/meta-data"), Err("not in the public internet"));
        }
    }

    #[test]
    fn what_an_operator_allows_may_be_without_tls_and_nothing_else_may() {
        let allowed = &["127.0.0.0/8"];
        check(allowed, "http://127.0.0.1:8080/hook", Ok("http://127.0.0.1:8080"));
        check(allowed, "https://127.0.0.1/hook", Ok("https://127.0.0.1"));
        check(allowed, "http://140.82.121.4/hook", Err("not in the public internet"));
        check(allowed, "https://140.82.121.4/hook", Ok("https://140.82.121.4"));
        check(allowed, "http://10.0.0.1/hook", Err("10.0.0.1"));
        check(allowed, "https://[::1]/hook", Err("::1"));
    }

    #[test]
    fn a_path_is_never_printed() {
        let target = Target::parse("https://hooks.slack.com/services/T0/B0/hunter2?token=hunter2", &[]).unwrap();
        assert!(!format!("{target:?}").contains("hunter2"));
        assert!(target.expose().contains("hunter2"));
    }
}
