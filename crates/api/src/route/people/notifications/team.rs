//! The team's notification channels.

use axum::extract::State;
use axum::response::Response;
use sf_control::notify::Whose;
use sf_types::NotificationChannelId;

use super::{ChangeNotificationChannel, NewNotificationChannel};
use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::notification::{ChannelView, NewChannelView};

/// The team's notification channels.
#[utoipa::path(get, path = "/api/v1/notification-channels", tag = "notifications", operation_id = "listTeamNotificationChannels",
    responses((status = 200, body = Envelope<Vec<ChannelView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Vec<ChannelView>> {
    Ok(ok(super::list(&api, &caller, Whose::Team).await?))
}

/// Makes a notification channel of the team. A webhook's secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/notification-channels", tag = "notifications", operation_id = "createTeamNotificationChannel",
    params(Write), request_body = NewNotificationChannel,
    responses((status = 201, body = Envelope<NewChannelView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewNotificationChannel>,
) -> std::result::Result<Response, Problem> {
    super::add(&api, &caller, Whose::Team, write, body.into()).await
}

/// Changes a notification channel of the team.
#[utoipa::path(patch, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "changeTeamNotificationChannel", params(("id" = uuid::Uuid, Path), Write),
    request_body = ChangeNotificationChannel, responses((status = 200, body = Envelope<NewChannelView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeNotificationChannel>,
) -> std::result::Result<Response, Problem> {
    super::change(&api, &caller, (Whose::Team, channel), write, body.into()).await
}

/// Deletes a notification channel of the team.
#[utoipa::path(delete, path = "/api/v1/notification-channels/{id}", tag = "notifications",
    operation_id = "deleteTeamNotificationChannel", params(("id" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    super::remove(&api, &caller, (Whose::Team, channel), write).await
}

/// Sends a message there that says nothing but that it arrives.
#[utoipa::path(post, path = "/api/v1/notification-channels/{id}/test", tag = "notifications",
    operation_id = "testTeamNotificationChannel", params(("id" = uuid::Uuid, Path), Write),
    responses((status = 202, body = Envelope<Nothing>)))]
pub async fn test(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    super::test(&api, &caller, (Whose::Team, channel), write).await
}
