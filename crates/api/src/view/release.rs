//! Releases.

use serde::Serialize;
use sf_store::releases::Release;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Time, word};

/// One immutable release of an app.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Release)]
pub struct ReleaseView {
    /// Its id.
    pub id: Uuid,
    /// From 1, per app.
    pub number: u64,
    /// Its commit, once known.
    pub commit: Option<String>,
    /// First line of the commit message.
    pub subject: Option<String>,
    /// The branch or tag asked for.
    pub reference: Option<String>,
    /// How it was built.
    pub builder: Option<String>,
    /// `building`, `live`, `kept`, `failed` or `gone`.
    pub state: String,
    /// The run that made it.
    pub run_id: Option<Uuid>,
    /// When its run was signed.
    pub created_at: Time,
    /// When it last went live.
    pub live_at: Option<Time>,
    /// Time each step took.
    pub timings: Vec<StepTimeView>,
}

/// How long a step took.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = StepTime)]
pub struct StepTimeView {
    /// The step: `build`.
    pub step: String,
    /// Milliseconds.
    pub took_ms: u64,
}

impl From<Release> for ReleaseView {
    fn from(release: Release) -> Self {
        let timings = release.timings.0.iter();
        Self {
            id: release.id.uuid(),
            number: release.number,
            commit: release.commit,
            subject: release.subject,
            reference: release.reference,
            builder: release.builder.map(|builder| builder.name().to_owned()),
            state: release.state.word().to_owned(),
            run_id: release.run.map(|run| run.uuid()),
            created_at: Time(release.created_at),
            live_at: release.live_at.map(Time),
            timings: timings.map(|time| StepTimeView { step: word(&time.step), took_ms: time.took_ms }).collect(),
        }
    }
}
