//! Domains.

use serde::Serialize;
use sf_control::queries::proxies::ProxyShown;
use sf_protocol::site::{Certificate, CertificateState, SiteSettings};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::{FaultView, Time};

/// A domain that leads to an app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Domain)]
pub struct DomainView {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub domain: String,
    /// Where people find it: `https://` once there is a certificate.
    pub url: String,
    /// The app it leads to.
    pub app_id: Uuid,
    /// What that app is called; null where it is gone, or not yours to see.
    pub app: Option<String>,
    /// On which machine.
    pub node_id: Uuid,
    /// In which project.
    pub project_id: Uuid,
    /// How it shall be served.
    #[schema(value_type = DomainSettings)]
    pub settings: SiteSettings,
    /// Whether its node serves it as it shall be; false while an order is under way or after one that failed.
    pub in_step: bool,
    /// `pending`, `live` or `failed`.
    pub state: String,
    /// Why the last order failed; null where it did not.
    pub reason: Option<String>,
    /// Its certificate.
    pub certificate: CertificateView,
    /// When it was made.
    pub created_at: Time,
    /// When it last changed.
    pub updated_at: Time,
}

/// How a domain's certificate is.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DomainCertificate)]
pub struct CertificateView {
    /// `none` (none is wanted, or nothing was heard yet), `missing` or `valid`.
    pub state: String,
    /// Names it holds for.
    pub names: Vec<String>,
    /// Who vouches for it.
    pub issuer: Option<String>,
    /// SHA-256 of it, in hex.
    pub fingerprint: Option<String>,
    /// From when it is good.
    pub not_before: Option<Time>,
    /// Until when.
    pub not_after: Option<Time>,
    /// When the node asks for the next one.
    pub next: Option<Time>,
    /// Why the last try failed.
    pub why: Option<FaultView>,
}

/// How a domain is served.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainSettings {
    /// Further names that are redirected to it, at most 50.
    pub aliases: Option<Vec<String>>,
    /// Encryption; a certificate by ACME and a redirect to it where absent.
    pub tls: Option<DomainTls>,
    /// Paths that lead to other apps of the same node, at most 100.
    pub routes: Option<Vec<DomainRoute>>,
    /// The whole domain goes to another one.
    pub redirect: Option<DomainRedirect>,
    /// Bytes of a request's body at the most; 100 MiB where absent.
    pub max_body: Option<u64>,
    /// A page instead of the app.
    pub maintenance: Option<DomainMaintenance>,
}

/// Encryption of a domain.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainTls {
    /// `acme` (the node asks the authority that its owner chose) or `none`.
    pub certificate: String,
    /// Whether plain HTTP is redirected once there is a certificate; true where absent.
    pub redirect: Option<bool>,
    /// Whether browsers are told to remember that it is encrypted, for half a year.
    pub hsts: Option<bool>,
}

/// A path that leads to another app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainRoute {
    /// Begins with `/`; whole segments.
    pub path: String,
    /// The app.
    pub app: Uuid,
}

/// Where a whole domain goes.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainRedirect {
    /// The name it goes to.
    pub to: String,
    /// Whether browsers may remember it.
    pub permanent: Option<bool>,
}

/// A page instead of the app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct DomainMaintenance {
    /// What people read, at most 2,000 bytes.
    pub text: String,
}

impl From<ProxyShown> for DomainView {
    fn from(ProxyShown { proxy, app }: ProxyShown) -> Self {
        let certificate = proxy.certificate.map(|state| state.0);
        let is_encrypted = matches!(certificate, Some(CertificateState::Valid { .. }));
        let scheme = if is_encrypted { "https" } else { "http" };
        let served = proxy.served.map(|spec| spec.0);
        Self {
            id: proxy.id.uuid(),
            url: format!("{scheme}://{}", proxy.domain),
            domain: proxy.domain.into(),
            app_id: proxy.app.uuid(),
            app: app.map(String::from),
            node_id: proxy.node.uuid(),
            project_id: proxy.project.uuid(),
            in_step: served.is_some_and(|served| served.generation == proxy.generation),
            settings: proxy.settings.0,
            state: proxy.state.word().to_owned(),
            reason: proxy.reason,
            certificate: certificate.map(CertificateView::from).unwrap_or_else(CertificateView::none),
            created_at: Time(proxy.created_at),
            updated_at: Time(proxy.updated_at),
        }
    }
}

impl CertificateView {
    fn none() -> Self {
        Self { state: "none".to_owned(), ..Self::default() }
    }
}

impl From<CertificateState> for CertificateView {
    fn from(state: CertificateState) -> Self {
        match state {
            CertificateState::None => Self::none(),
            CertificateState::Missing { why, next } => Self {
                state: "missing".to_owned(),
                next: Some(Time(next)),
                why: why.map(FaultView::from),
                ..Self::default()
            },
            CertificateState::Valid { certificate, next, why } => {
                let Certificate { names, issuer, fingerprint, not_before, not_after } = certificate;
                Self {
                    state: "valid".to_owned(),
                    names: names.into_iter().map(String::from).collect(),
                    issuer: Some(issuer),
                    fingerprint: Some(fingerprint),
                    not_before: Some(Time(not_before)),
                    not_after: Some(Time(not_after)),
                    next: Some(Time(next)),
                    why: why.map(FaultView::from),
                }
            }
        }
    }
}
