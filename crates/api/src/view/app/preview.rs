//! Previews of branches.

use serde::Serialize;
use sf_actions::preview::PreviewSettings as Settings;
use sf_control::previews::{PreviewShown, PreviewsShown};
use sf_protocol::site::CertificateState;
use sf_store::proxies::ProxyState;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::{Time, word};

/// What an app has previews of, and those there are.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppPreviews)]
pub struct AppPreviewsView {
    /// What it has previews of; null where it has none.
    #[schema(value_type = Option<PreviewSettings>)]
    pub settings: Option<Settings>,
    /// For whom their domains are served: whoever set this last.
    pub owner_id: Option<Uuid>,
    /// What they are called; null where they are gone.
    pub owner: Option<String>,
    /// Those there are, the one that was pushed last first.
    pub previews: Vec<PreviewView>,
}

/// For which branches an app has previews, and where they are reached.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PreviewSettings {
    /// The domain below which each gets a name of its own.
    pub base: String,
    /// Branches that are previewed when they are pushed, all (`**`) where absent: `*` stops at `/`, `**` does not.
    pub branches: Option<String>,
    /// Whether branches of pull requests are, too; no where absent. Never what a fork sends.
    pub requests: Option<bool>,
    /// Days one stays after its last push: 1 to 90, 7 where absent.
    pub days: Option<u8>,
    /// How many there may be at once: 1 to 20, 5 where absent.
    pub at_once: Option<u8>,
    /// Where their certificates come from: `acme` (where absent) or `none`.
    pub certificate: Option<String>,
}

/// The preview that an app is, where it is one.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AppPreview)]
pub struct AppPreviewView {
    /// The preview; null for an ordinary app.
    pub preview: Option<PreviewView>,
}

/// The preview of a branch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Preview)]
pub struct PreviewView {
    /// The app that it is.
    pub app_id: Uuid,
    /// What that app is called.
    pub name: String,
    /// The app whose branch it is of.
    pub preview_of: Uuid,
    /// Its branch.
    pub branch: String,
    /// The commit it shall be; null for the tip of the branch.
    pub commit: Option<String>,
    /// Its own domain.
    pub domain: String,
    /// Where people find it: `https://` once there is a certificate.
    pub url: String,
    /// Whether somebody who opens that sees it.
    pub is_served: bool,
    /// What its app does, as last heard.
    pub state: String,
    /// Why something is not as it shall be; null where nothing is wrong.
    pub problem: Option<String>,
    /// Why it is being deleted; null where it stays.
    pub ends_why: Option<String>,
    /// When its branch was pushed last.
    pub pushed_at: Time,
    /// When it is deleted.
    pub expires_at: Time,
    /// When it was made.
    pub created_at: Time,
}

impl From<PreviewsShown> for AppPreviewsView {
    fn from(shown: PreviewsShown) -> Self {
        Self {
            owner_id: shown.wanted.as_ref().map(|wanted| wanted.owner.uuid()),
            settings: shown.wanted.map(|wanted| wanted.settings.0),
            owner: shown.owner,
            previews: shown.previews.into_iter().map(PreviewView::from).collect(),
        }
    }
}

impl From<PreviewShown> for PreviewView {
    fn from(shown: PreviewShown) -> Self {
        let is_served = shown.is_served();
        let PreviewShown { preview, app, site } = shown;
        let is_encrypted = site.as_ref().and_then(|site| site.certificate.as_ref());
        let is_encrypted = is_encrypted.is_some_and(|state| matches!(state.0, CertificateState::Valid { .. }));
        let failed = site.filter(|site| site.state == ProxyState::Failed).and_then(|site| site.reason);
        Self {
            app_id: preview.app.uuid(),
            name: app.name.into(),
            preview_of: preview.parent.uuid(),
            branch: preview.branch,
            commit: preview.commit,
            url: format!("{}://{}", if is_encrypted { "https" } else { "http" }, preview.domain),
            domain: preview.domain.into(),
            is_served,
            state: word(&app.state),
            problem: preview.problem.or(failed),
            ends_why: preview.ends_why,
            pushed_at: Time(preview.pushed_at),
            expires_at: Time(preview.expires_at),
            created_at: Time(preview.created_at),
        }
    }
}
