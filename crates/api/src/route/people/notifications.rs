//! Notifications: a person's own channels, browsers and times, and the team's channels.

pub mod own;
pub mod push;
pub mod team;

use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_connectors::Destination;
use sf_control::notify::{ChangedChannel, NewChannel, Wanted, Whose};
use sf_engine::notify::Kind;
use sf_types::{Email, Name, NotificationChannelId, ProjectId};
use utoipa::ToSchema;

use crate::caller::Caller;
use crate::envelope::{accepted, created, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::notification::{ChannelView, NewChannelView, NotificationKind};
use crate::view::plan::PlannedSteps;

/// Where a channel leads.
#[derive(Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "camelCase", deny_unknown_fields)]
pub enum ChannelTarget {
    /// Letters: to one's own address; for a team, to `to`.
    #[serde(rename_all = "camelCase")]
    Mail {
        /// An address, for a team's channel alone.
        #[serde(default)]
        #[schema(value_type = Option<String>)]
        to: Option<Email>,
    },
    /// Signed JSON (Standard Webhooks), for programs. The secret is in the answer, once.
    #[serde(rename_all = "camelCase")]
    Webhook {
        /// Its address.
        url: String,
    },
    /// An incoming webhook of Slack, or of what speaks like it.
    #[serde(rename_all = "camelCase")]
    Slack {
        /// Its address.
        url: String,
    },
    /// A webhook of Discord.
    #[serde(rename_all = "camelCase")]
    Discord {
        /// Its address.
        url: String,
    },
    /// A topic of ntfy.
    #[serde(rename_all = "camelCase")]
    Ntfy {
        /// The server: `https://ntfy.sh`.
        url: String,
        /// The topic.
        topic: String,
        /// Who may publish there, where the server asks.
        #[serde(default)]
        token: Option<String>,
    },
}

/// A channel wanted.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewNotificationChannel {
    /// What it is called.
    #[schema(value_type = String)]
    name: Name,
    /// Where it leads.
    target: ChannelTarget,
    /// What it takes; everything where left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<NotificationKind>>)]
    kinds: Option<Vec<Kind>>,
    /// Of which projects; of all where left out.
    #[serde(default)]
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    projects: Option<Vec<ProjectId>>,
}

/// What is to change about a channel; the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeNotificationChannel {
    /// What it is called.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
    /// Where it leads; of the same kind.
    #[serde(default)]
    target: Option<ChannelTarget>,
    /// What it takes.
    #[serde(default)]
    #[schema(value_type = Option<Vec<NotificationKind>>)]
    kinds: Option<Vec<Kind>>,
    /// Of which projects.
    #[serde(default)]
    #[schema(value_type = Option<Vec<uuid::Uuid>>)]
    projects: Option<Vec<ProjectId>>,
    /// Of all projects, whatever `projects` says.
    #[serde(default)]
    all_projects: bool,
    /// Whether it is used.
    #[serde(default)]
    enabled: Option<bool>,
}

impl From<ChannelTarget> for Wanted {
    fn from(target: ChannelTarget) -> Self {
        match target {
            ChannelTarget::Mail { to } => Self::Mail(to),
            ChannelTarget::Webhook { url } => Self::Webhook { url },
            ChannelTarget::Slack { url } => Self::Out(Destination::Slack { url }),
            ChannelTarget::Discord { url } => Self::Out(Destination::Discord { url }),
            ChannelTarget::Ntfy { url, topic, token } => Self::Out(Destination::Ntfy { url, topic, token }),
        }
    }
}

impl From<NewNotificationChannel> for NewChannel {
    fn from(body: NewNotificationChannel) -> Self {
        let NewNotificationChannel { name, target, kinds, projects } = body;
        Self { name, to: target.into(), kinds, projects }
    }
}

impl From<ChangeNotificationChannel> for ChangedChannel {
    fn from(body: ChangeNotificationChannel) -> Self {
        let ChangeNotificationChannel { name, target, kinds, projects, all_projects, enabled } = body;
        let projects = if all_projects { Some(None) } else { projects.map(Some) };
        Self { name, to: target.map(Into::into), kinds, projects, enabled }
    }
}

type Answer = Result<Response, Problem>;

async fn add(api: &Api, caller: &Caller, whose: Whose, write: Write, new: NewChannel) -> Answer {
    let dry = write.is_dry();
    let (channel, secret) =
        api.control().add_notification_channel(&caller.actor, caller.request, whose, new, dry).await?;
    if dry {
        let step = format!("Tell things by {} ({})", channel.kind.word(), channel.hint);
        return Ok(ok(PlannedSteps::of(&step)).into_response());
    }
    Ok(created(NewChannelView::of(channel, secret)).into_response())
}

async fn change(
    api: &Api,
    caller: &Caller,
    (whose, id): (Whose, NotificationChannelId),
    write: Write,
    change: ChangedChannel,
) -> Answer {
    let (control, dry) = (api.control(), write.is_dry());
    let changed = control.change_notification_channel(&caller.actor, caller.request, (whose, id), change, dry).await?;
    if dry {
        return Ok(ok(PlannedSteps::of("Change the channel from the next message on")).into_response());
    }
    Ok(ok(NewChannelView::of(changed.0, changed.1)).into_response())
}

async fn remove(api: &Api, caller: &Caller, which: (Whose, NotificationChannelId), write: Write) -> Answer {
    let dry = write.is_dry();
    api.control().remove_notification_channel(&caller.actor, caller.request, which, dry).await?;
    if dry {
        let plan = PlannedSteps::of("Nothing is told by this channel any more").losing("what waits for it");
        return Ok(ok(plan).into_response());
    }
    Ok(ok(Nothing {}).into_response())
}

async fn test(api: &Api, caller: &Caller, which: (Whose, NotificationChannelId), write: Write) -> Answer {
    let dry = write.is_dry();
    api.control().test_notification_channel(&caller.actor, caller.request, which, dry).await?;
    if dry {
        return Ok(ok(PlannedSteps::of("Send a message that says nothing but that it arrives")).into_response());
    }
    Ok(accepted(Nothing {}).into_response())
}

async fn list(api: &Api, caller: &Caller, whose: Whose) -> Result<Vec<ChannelView>, Problem> {
    let channels = api.control().notification_channels(&caller.actor, whose).await?;
    Ok(channels.into_iter().map(ChannelView::from).collect())
}
