//! How the control plane is.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use sf_control::health::{Health, Status};
use sf_runtime::OnError;
use sf_types::{Fault, Timestamp};
use tokio::sync::watch;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::envelope::{Answer, Envelope, ok};
use crate::state::Api;

/// A look is good for so long: asking often must not cost a write each time.
const FRESH: Duration = Duration::from_secs(1);
/// How often those who follow `system` are told, at least.
pub const TOLD_EVERY: Duration = Duration::from_secs(10);
/// How often it is looked at while somebody follows.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

/// How the control plane is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Health)]
pub struct HealthView {
    /// The worst of the checks: `healthy`, `degraded` or `unhealthy`.
    pub status: String,
    /// Program version.
    pub version: String,
    /// Which control plane.
    pub instance: Uuid,
    /// Seconds since its start.
    pub uptime_secs: u64,
    /// What was looked at.
    pub checks: Vec<CheckView>,
}

/// One thing looked at.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = HealthCheckResult)]
pub struct CheckView {
    /// What.
    pub name: String,
    /// How it is.
    pub status: String,
    /// In words.
    pub detail: String,
    /// How long the look took, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<f64>,
}

/// The last look, and those who follow it.
#[derive(Debug, Default)]
pub struct Watch {
    last: Mutex<Option<(Timestamp, HealthView)>>,
    told: Mutex<Option<watch::Sender<Option<String>>>>,
}

/// Whether it works, and what does not.
#[utoipa::path(get, path = "/api/v1/health", tag = "system", operation_id = "health", security(()),
    responses((status = 200, body = Envelope<HealthView>), (status = 503, body = Envelope<HealthView>)))]
pub async fn get(State(api): State<Api>) -> Answer<HealthView> {
    let health = api.health().look(&api).await;
    let unhealthy = health.status == "unhealthy";
    ok(health).status(if unhealthy { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK })
}

impl Watch {
    async fn look(&self, api: &Api) -> HealthView {
        let now = api.control().now();
        if let Some((at, health)) = &*self.last.lock().unwrap_or_else(PoisonError::into_inner)
            && now.since(*at) < FRESH
            && *at <= now
        {
            return health.clone();
        }
        let health = HealthView::from(api.control().health().await);
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, health.clone()));
        health
    }

    /// Follows; the first look comes at once. Somebody looks only while somebody follows.
    pub(crate) fn follow(&self, api: &Api) -> watch::Receiver<Option<String>> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = &*told
            && sender.receiver_count() > 0
        {
            let mut receiver = sender.subscribe();
            receiver.mark_changed();
            return receiver;
        }
        let (sender, receiver) = watch::channel(None);
        *told = Some(sender.clone());
        let api = api.clone();
        let tasks = api.options().tasks.clone();
        tasks.spawn("health watch", OnError::Log, async move {
            tell(&api, &sender).await;
            Ok::<(), Fault>(())
        });
        receiver
    }
}

/// Looks and tells until nobody follows.
async fn tell(api: &Api, sender: &watch::Sender<Option<String>>) {
    let shutdown = api.options().tasks.shutdown();
    let mut told: Option<(Timestamp, String)> = None;
    loop {
        let health = api.health().look(api).await;
        let now = api.control().now();
        let due = told.as_ref().is_none_or(|(at, status)| *status != health.status || now.since(*at) >= TOLD_EVERY);
        if due {
            let text = serde_json::to_string(&health).expect("a struct of numbers and texts");
            sender.send_replace(Some(text));
            told = Some((now, health.status));
        }
        tokio::select! {
            () = shutdown.requested() => return,
            () = sender.closed() => return,
            () = tokio::time::sleep(LOOKED_EVERY) => {}
        }
    }
}

impl From<Health> for HealthView {
    fn from(health: Health) -> Self {
        let checks = health.checks.into_iter().map(|check| CheckView {
            name: check.name.to_owned(),
            status: word(check.status),
            detail: check.detail,
            latency_ms: check.latency_us.map(|us| us as f64 / 1000.0),
        });
        Self {
            status: word(health.status),
            version: health.version.to_owned(),
            instance: health.instance.uuid(),
            uptime_secs: health.uptime_secs,
            checks: checks.collect(),
        }
    }
}

fn word(status: Status) -> String {
    crate::view::word(&status)
}
