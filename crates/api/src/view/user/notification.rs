//! Notification channels, browsers, and when people are told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sf_engine::notify::{Kind, Preferences, Quiet, When};
use sf_store::channels::Channel;
use sf_types::Secret;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::view::Time;

/// What somebody is told of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NotificationKind {
    /// Something waits for a decision.
    Approval,
    /// It has waited for long and is pressing.
    Escalated,
    /// A run failed or was taken back.
    Failed,
    /// Something is wrong with a machine or an app.
    Alert,
    /// An automatic run is to be looked at.
    Review,
    /// A run went by itself.
    Automatic,
}

/// When somebody wants to be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum NotificationTime {
    /// At once.
    Now,
    /// With others, at the full hour.
    Hourly,
    /// With others, once a day.
    Daily,
    /// Not at all.
    Never,
}

/// A notification channel. Where it leads is never shown whole.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationChannel)]
pub struct ChannelView {
    /// Its id.
    pub id: Uuid,
    /// `mail`, `webhook`, `slack`, `discord`, `ntfy` or `push`.
    pub kind: String,
    /// What it is called.
    pub name: String,
    /// Whom the address belongs to, and its end.
    pub hint: String,
    /// What it takes.
    pub kinds: Vec<NotificationKind>,
    /// Of which projects; of all where null.
    pub projects: Option<Vec<Uuid>>,
    /// Whether it is used.
    pub enabled: bool,
    /// When a message was last taken there.
    pub last_sent_at: Option<Time>,
    /// Why the last one was not; null once one was.
    pub last_error: Option<String>,
    /// When that was.
    pub last_error_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
}

/// A channel with what is shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewNotificationChannelMade)]
pub struct NewChannelView {
    /// The channel.
    pub channel: ChannelView,
    /// `whsec_…`: what a program verifies its messages by. Shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Browsers that take pushed messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PushSubscriptions)]
pub struct PushView {
    /// What a browser subscribes with (`applicationServerKey`), base64url.
    pub public_key: String,
    /// Those that did.
    pub subscriptions: Vec<ChannelView>,
}

/// When somebody is told of what.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NotificationPreferences)]
pub struct PreferencesView {
    /// IANA name of the zone the times are in: `Europe/Vienna`.
    pub zone: String,
    /// When they are told of what; the usual where a kind is left out.
    pub kinds: BTreeMap<NotificationKind, NotificationTime>,
    /// When the daily message goes: `08:00`.
    pub daily_at: String,
    /// When they are left alone, but for what is pressing.
    pub quiet: Option<QuietView>,
}

/// Hours in which somebody is left alone.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = QuietHours)]
pub struct QuietView {
    /// They begin: `22:00`.
    pub from: String,
    /// They end: `07:00`.
    pub to: String,
}

impl From<Kind> for NotificationKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Approval => Self::Approval,
            Kind::Escalated => Self::Escalated,
            Kind::Failed => Self::Failed,
            Kind::Alert => Self::Alert,
            Kind::Review => Self::Review,
            Kind::Automatic => Self::Automatic,
        }
    }
}

impl From<When> for NotificationTime {
    fn from(when: When) -> Self {
        match when {
            When::Now => Self::Now,
            When::Hourly => Self::Hourly,
            When::Daily => Self::Daily,
            When::Never => Self::Never,
        }
    }
}

impl From<Channel> for ChannelView {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id.uuid(),
            kind: channel.kind.word().to_owned(),
            name: channel.name.to_string(),
            hint: channel.hint,
            kinds: channel.kinds.0.into_iter().map(Into::into).collect(),
            projects: channel.projects.map(|list| list.0.iter().map(|project| project.uuid()).collect()),
            enabled: channel.enabled,
            last_sent_at: channel.last_sent_at.map(Time),
            last_error: channel.last_error,
            last_error_at: channel.last_error_at.map(Time),
            created_at: Time(channel.created_at),
        }
    }
}

impl NewChannelView {
    /// A channel and its secret, where it has one that is shown.
    pub fn of(channel: Channel, secret: Option<Secret<String>>) -> Self {
        Self { channel: channel.into(), secret: secret.map(|secret| secret.expose().clone()) }
    }
}

impl From<Preferences> for PreferencesView {
    fn from(preferences: Preferences) -> Self {
        let kinds = Kind::ALL.into_iter().map(|kind| (kind.into(), preferences.when(kind).into()));
        Self {
            kinds: kinds.collect(),
            zone: preferences.zone,
            daily_at: preferences.daily_at.to_string(),
            quiet: preferences.quiet.map(QuietView::from),
        }
    }
}

impl From<Quiet> for QuietView {
    fn from(quiet: Quiet) -> Self {
        Self { from: quiet.from.to_string(), to: quiet.to.to_string() }
    }
}
