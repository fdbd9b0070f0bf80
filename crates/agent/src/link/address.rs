//! Where the control plane is: `wss://host:7401`.

use std::fmt;
use std::str::FromStr;

/// Port of the agents' endpoint where the address names none.
pub const DEFAULT_PORT: u16 = 7401;

/// A control plane's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlUrl {
    host: String,
    port: u16,
    path: String,
}

/// The text is no address of a control plane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no address of a control plane ({why}): expected wss://host:7401")]
pub struct BadUrl {
    /// The text, cut to 200 characters.
    pub text: String,
    /// What is wrong.
    pub why: &'static str,
}

impl ControlUrl {
    /// Host name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Host and port as HTTP's `Host` has them.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for ControlUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wss://{}{}", self.authority(), self.path)
    }
}

impl FromStr for ControlUrl {
    type Err = BadUrl;

    fn from_str(text: &str) -> Result<Self, BadUrl> {
        let bad = |why| BadUrl { text: text.escape_debug().take(200).collect(), why };
        let rest = text.strip_prefix("wss://").ok_or_else(|| bad("it does not begin with wss://"))?;
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/');
        if authority.contains('@') {
            return Err(bad("it names a user"));
        }
        if !path.chars().all(legal) {
            return Err(bad("its path holds more than letters, digits, `-`, `_` and `.`"));
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(six) => {
                let (host, port) = six.split_once(']').ok_or_else(|| bad("a bracket is open"))?;
                host.parse::<std::net::Ipv6Addr>().map_err(|_| bad("what is in brackets is no IPv6 address"))?;
                (host, port.strip_prefix(':'))
            }
            None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || host.len() > 253 || !host.chars().all(|c| legal(c) && c != '/' || c == ':') {
            return Err(bad("its host is no host name or address"));
        }
        let port =
            port.map_or(Ok(DEFAULT_PORT), str::parse).map_err(|_| bad("its port is no number from 1 to 65535"))?;
        if port == 0 {
            return Err(bad("its port is no number from 1 to 65535"));
        }
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self { host: host.to_ascii_lowercase(), port, path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_and_others_are_refused() {
        let check = |text: &str, expected: Option<(&str, u16)>| {
            let url = text.parse::<ControlUrl>().ok();
            assert_eq!(url.as_ref().map(|url| (url.host(), url.port())), expected, "{text}");
            if let Some(url) = url {
                assert_eq!(url.to_string().parse(), Ok(url));
            }
        };
        check("wss://Panel.example.org", Some(("panel.example.org", 7401)));
        check("wss://127.0.0.1:9000/agents", Some(("127.0.0.1", 9000)));
        check("wss://[::1]:7401", Some(("::1", 7401)));
        for bad in [
            "ws://a",
            "https://a",
            "wss://",
            "wss://a:0",
            "wss://a:99999",
            "wss://u@a",
            "wss://[x]",
            "wss://a b",
            "wss://a/\r\n",
        ] {
            check(bad, None);
        }
    }
}
