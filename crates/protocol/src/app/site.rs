//! What a domain is, as far as its node has to know: a site that nginx serves.

use serde::{Deserialize, Serialize};
use sf_types::{AppId, ByteSize, DomainName, Fault, ProxyId, Timestamp};

use crate::wire;

/// The lasting state of one domain on its node. A command that changes it raises `generation`; the node keeps the
/// highest it has seen.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteSpec {
    /// The domain's id.
    pub proxy: ProxyId,
    /// The app it leads to, on the same node.
    pub app: AppId,
    /// Raised by every change; never lowered.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// Its name.
    pub domain: DomainName,
    /// How it is served.
    pub settings: SiteSettings,
}

/// How a domain is served.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteSettings {
    /// Further names that are redirected to this one, with certificates of their own: `www.example.org`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<DomainName>,
    /// Encryption.
    #[serde(default)]
    pub tls: Tls,
    /// Paths that lead to other apps of the same node; everything else leads to the site's own app.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<PathRoute>,
    /// The whole site goes to another address instead: the app is not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// Bytes of a request's body at the most.
    #[serde(default = "SiteSettings::default_max_body")]
    pub max_body: ByteSize,
    /// A page instead of the app, while somebody works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
}

impl SiteSettings {
    /// Bytes of a request's body unless told otherwise: 100 MiB.
    pub const DEFAULT_MAX_BODY: ByteSize = ByteSize::mib(100);
    /// Bytes of a request's body that may be asked for: 64 GiB.
    pub const MAX_BODY: ByteSize = ByteSize::mib(64 * 1024);
    /// Aliases of a domain at the most. A certificate holds up to 100 names.
    pub const MAX_ALIASES: usize = 50;
    /// Path routes of a domain at the most.
    pub const MAX_ROUTES: usize = 100;

    const fn default_max_body() -> ByteSize {
        Self::DEFAULT_MAX_BODY
    }
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self {
            aliases: Vec::new(),
            tls: Tls::default(),
            routes: Vec::new(),
            redirect: None,
            max_body: Self::DEFAULT_MAX_BODY,
            maintenance: None,
        }
    }
}

impl SiteSpec {
    /// Every name it answers to, its own first.
    pub fn names(&self) -> impl Iterator<Item = &DomainName> {
        std::iter::once(&self.domain).chain(&self.settings.aliases)
    }

    /// Every app it leads to.
    pub fn apps(&self) -> impl Iterator<Item = AppId> {
        std::iter::once(self.app).chain(self.settings.routes.iter().map(|route| route.app))
    }
}

/// Encryption of a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Tls {
    /// Where its certificate comes from.
    pub certificate: CertificateFrom,
    /// Whether plain HTTP is redirected, once there is a certificate.
    #[serde(default = "yes")]
    pub redirect: bool,
    /// Whether browsers are told to remember that it is encrypted, for half a year (HSTS).
    #[serde(default)]
    pub hsts: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self { certificate: CertificateFrom::Acme, redirect: true, hsts: false }
    }
}

const fn yes() -> bool {
    true
}

/// Where a certificate comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum CertificateFrom {
    /// Nowhere: plain HTTP.
    None,
    /// The authority that the node's policy names (Let's Encrypt by default), by ACME http-01; renewed by the node.
    Acme,
}

/// A path and everything below it that leads to another app.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PathRoute {
    /// `/api`: begins with `/`.
    pub path: UrlPath,
    /// The app.
    pub app: AppId,
}

/// Where a whole site goes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Redirect {
    /// The name it goes to, always by `https`.
    pub to: DomainName,
    /// Whether browsers may remember it (308), or ask each time (307).
    #[serde(default)]
    pub permanent: bool,
}

/// A page in place of the app: answered with 503 and `Retry-After`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Maintenance {
    /// What people read, at most [`Maintenance::MAX_TEXT`] bytes; plain text.
    pub text: String,
}

impl Maintenance {
    /// Bytes of its text at the most.
    pub const MAX_TEXT: usize = 2000;
}

/// A path of a URL as a prefix of whole segments: `/api`, `/files/v1`. Letters, digits and `-._~/` only, so that it means
/// the same in a configuration and in a request.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UrlPath(String);

/// The text is no such path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a path begins with `/`, has letters, digits and `-._~/`, no `..`, `//` or `/` at its end, and at most {} characters",
    UrlPath::MAX
)]
pub struct BadPath;

impl UrlPath {
    /// Characters at the most.
    pub const MAX: usize = 200;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for UrlPath {
    type Err = BadPath;

    fn from_str(text: &str) -> Result<Self, BadPath> {
        let segments = text.strip_prefix('/').ok_or(BadPath)?;
        let is_segment = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
        };
        let ours = text == "/.well-known" || text.starts_with("/.well-known/");
        if text.len() > Self::MAX || ours || !segments.split('/').all(is_segment) {
            return Err(BadPath);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for UrlPath {
    type Error = BadPath;

    fn try_from(text: String) -> Result<Self, BadPath> {
        text.parse()
    }
}

impl From<UrlPath> for String {
    fn from(path: UrlPath) -> Self {
        path.0
    }
}

/// How a site is by its node's word.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SiteReport {
    /// Which.
    pub proxy: ProxyId,
    /// Generation that nginx serves.
    #[serde(with = "wire::u64_string")]
    pub generation: u64,
    /// Its certificate.
    pub certificate: CertificateState,
}

/// How a site's certificate is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum CertificateState {
    /// None is wanted.
    #[serde(deserialize_with = "crate::wire::no_fields")]
    None,
    /// None is there: the site is served by HTTP.
    Missing {
        /// Why the last try failed; `None` before the first.
        #[serde(default)]
        why: Option<Fault>,
        /// When the next try begins.
        next: Timestamp,
    },
    /// One is there.
    Valid {
        /// What it says.
        certificate: Certificate,
        /// When it is renewed, or its renewal tried again.
        next: Timestamp,
        /// Why the last renewal failed, where it did.
        #[serde(default)]
        why: Option<Fault>,
    },
}

/// What a certificate says.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Certificate {
    /// Names it holds for.
    pub names: Vec<DomainName>,
    /// Who vouches: the issuer's common name.
    pub issuer: String,
    /// SHA-256 of it, in hex.
    pub fingerprint: String,
    /// From when.
    pub not_before: Timestamp,
    /// Until when.
    pub not_after: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_whole_segments() {
        for good in ["/api", "/files/v1", "/a-b_c.d~e"] {
            assert_eq!(good.parse::<UrlPath>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "/",
            "api",
            "/api/",
            "//api",
            "/a/../b",
            "/.",
            "/a b",
            "/a;b",
            "/a{",
            "/a\n",
            "/$host",
            "/a%2fb",
            "/.well-known",
            "/.well-known/acme-challenge",
        ] {
            assert!(bad.parse::<UrlPath>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn settings_are_the_usual_ones_where_nothing_is_said() {
        let settings: SiteSettings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings, SiteSettings::default());
        assert_eq!(settings.tls.certificate, CertificateFrom::Acme);
        assert!(settings.tls.redirect && !settings.tls.hsts);
    }
}
