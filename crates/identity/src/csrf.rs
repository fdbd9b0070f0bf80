//! Requests that carry a cookie must come from our own pages: the origin is ours, and the page knew the token.
//! Source: OWASP Cross-Site Request Forgery Prevention Cheat Sheet (signed double-submit cookie, origin check).

use hmac::{Hmac, KeyInit, Mac};
use sf_types::{ErrorKind, Fault, Secret, SessionId};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::alphabet;
use crate::master::MasterKey;

/// What a request says about where it comes from. Header values as they came.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// `POST`.
    pub method: &'a str,
    /// `Origin`.
    pub origin: Option<&'a str>,
    /// `Sec-Fetch-Site`.
    pub fetch_site: Option<&'a str>,
    /// `Host`, or the authority of HTTP/2.
    pub host: &'a str,
    /// Whether the browser speaks TLS to us or to our proxy.
    pub is_tls: bool,
    /// Value of the CSRF cookie.
    pub cookie: Option<&'a str>,
    /// Value of the CSRF header.
    pub header: Option<&'a str>,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CsrfRefusal {
    /// Sent by a page of another site, or by none.
    #[error("the request does not come from a page of this site")]
    Origin,
    /// Without the page's token, or with another session's.
    #[error("the request does not carry this session's CSRF token")]
    Token,
}

/// Makes and checks CSRF tokens; from the master key.
#[derive(Debug, Clone)]
pub struct CsrfKey(Secret<[u8; 32]>);

impl CsrfKey {
    /// The key of this control plane.
    pub fn new(master: &MasterKey) -> Self {
        Self(master.derive("csrf"))
    }

    /// The token of a session: for the cookie that scripts can read, and to be sent back in the header.
    pub fn token(&self, session: SessionId) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).expect("HMAC takes keys of every length");
        mac.update(session.uuid().as_bytes());
        alphabet::encode(&mac.finalize().into_bytes())
    }

    /// Checks a request that is authenticated by a cookie. Methods that change nothing pass.
    ///
    /// # Errors
    /// [`CsrfRefusal`].
    pub fn check(&self, request: &Request<'_>, session: SessionId) -> Result<(), CsrfRefusal> {
        if matches!(request.method, "GET" | "HEAD" | "OPTIONS") {
            return Ok(());
        }
        check_origin(request)?;
        let expected = self.token(session);
        let is_token =
            |value: Option<&str>| value.is_some_and(|value| bool::from(value.as_bytes().ct_eq(expected.as_bytes())));
        if is_token(request.cookie) && is_token(request.header) { Ok(()) } else { Err(CsrfRefusal::Token) }
    }
}

/// Whether a page of ours sent this; for sign-in and set-up (no session yet) and for WebSockets, whose `GET` no
/// browser guards. A browser names the origin in all of these; only what says it is same-origin may leave it out.
///
/// # Errors
/// [`CsrfRefusal::Origin`].
pub fn check_origin(request: &Request<'_>) -> Result<(), CsrfRefusal> {
    let ours = match request.origin {
        Some(origin) => {
            let scheme = if request.is_tls { "https://" } else { "http://" };
            let authority = origin.strip_prefix(scheme);
            !request.host.is_empty()
                && authority.is_some_and(|authority| same_authority(authority, request.host, request.is_tls))
        }
        None => request.fetch_site == Some("same-origin"),
    };
    let site_agrees = matches!(request.fetch_site, None | Some("same-origin"));
    if ours && site_agrees { Ok(()) } else { Err(CsrfRefusal::Origin) }
}

/// Equal but for case and the scheme's default port.
fn same_authority(one: &str, other: &str, is_tls: bool) -> bool {
    let default = if is_tls { ":443" } else { ":80" };
    let bare = |text: &str| text.strip_suffix(default).unwrap_or(text).to_ascii_lowercase();
    bare(one) == bare(other)
}

impl CsrfRefusal {
    /// As an edge shows it: 403.
    pub fn fault(self) -> Fault {
        let (code, fix) = match self {
            Self::Origin => ("csrf.origin", "Open the dashboard under its own address; a proxy must pass Host on."),
            Self::Token => ("csrf.token", "Reload the page."),
        };
        Fault::new(ErrorKind::Forbidden, code, self.to_string()).fix(fix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    fn session(byte: u8) -> SessionId {
        SessionId::from_parts(Timestamp::from_millis(1), [byte; 10])
    }

    #[test]
    fn a_change_needs_our_origin_and_this_sessions_token_twice() {
        let key = CsrfKey::new(&MasterKey::from_bytes([1; 32]));
        let (token, other) = (key.token(session(1)), key.token(session(2)));
        let good = Request {
            method: "POST",
            origin: Some("https://panel.example.org"),
            fetch_site: Some("same-origin"),
            host: "panel.example.org",
            is_tls: true,
            cookie: Some(&token),
            header: Some(&token),
        };
        let check = |request: Request<'_>, expected| {
            assert_eq!(key.check(&request, session(1)), expected, "{request:?}");
        };
        check(good, Ok(()));
        check(Request { method: "DELETE", fetch_site: None, ..good }, Ok(()));
        check(Request { method: "GET", origin: None, header: None, ..good }, Ok(()));
        for (cookie, header) in [
            (None, None),
            (Some(token.as_str()), None),
            (None, Some(token.as_str())),
            (Some(""), Some("")),
            (Some(other.as_str()), Some(other.as_str())),
            (Some(token.as_str()), Some(other.as_str())),
        ] {
            check(Request { cookie, header, ..good }, Err(CsrfRefusal::Token));
        }
        check(Request { origin: Some("https://evil.example"), ..good }, Err(CsrfRefusal::Origin));
        check(Request { method: "post", origin: None, fetch_site: None, ..good }, Err(CsrfRefusal::Origin));
    }

    #[test]
    fn origins_are_compared_whole() {
        let check = |origin: Option<&str>, fetch_site: Option<&str>, host: &str, is_tls: bool, good: bool| {
            let request = Request { method: "GET", origin, fetch_site, host, is_tls, ..Request::default() };
            assert_eq!(check_origin(&request).is_ok(), good, "{request:?}");
        };
        check(Some("https://a.org"), None, "a.org", true, true);
        check(Some("https://A.org:443"), None, "a.org", true, true);
        check(Some("http://127.0.0.1:7400"), None, "127.0.0.1:7400", false, true);
        check(None, Some("same-origin"), "a.org", true, true);
        check(Some("http://a.org"), None, "a.org", true, false);
        check(Some("https://a.org:444"), None, "a.org", true, false);
        check(Some("https://a.org.evil.example"), None, "a.org", true, false);
        check(Some("https://evil.example/a.org"), None, "a.org", true, false);
        check(Some("https://a.org@evil.example"), None, "a.org", true, false);
        check(Some("https://"), None, "", true, false);
        check(Some("null"), None, "a.org", true, false);
        check(Some("https://a.org"), Some("cross-site"), "a.org", true, false);
        check(None, Some("same-site"), "a.org", true, false);
        check(None, Some("none"), "a.org", true, false);
        check(None, None, "a.org", true, false);
    }
}
