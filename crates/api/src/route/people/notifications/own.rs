//! One's own notification channels.

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

/// One's own notification channels.
#[utoipa::path(get, path = "/api/v1/me/notification-channels", tag = "notifications", operation_id = "listOwnNotificationChannels",
    responses((status = 200, body = Envelope<Vec<ChannelView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<Vec<ChannelView>> {
    Ok(ok(super::list(&api, &caller, Whose::Own).await?))
}

/// Makes a notification channel of one's own. A webhook's secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/me/notification-channels", tag = "notifications", operation_id = "createOwnNotificationChannel",
    params(Write), request_body = NewNotificationChannel,
    responses((status = 201, body = Envelope<NewChannelView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewNotificationChannel>,
) -> std::result::Result<Response, Problem> {
    super::add(&api, &caller, Whose::Own, write, body.into()).await
}

/// Changes a notification channel of one's own.
#[utoipa::path(patch, path = "/api/v1/me/notification-channels/{id}", tag = "notifications",
    operation_id = "changeOwnNotificationChannel", params(("id" = uuid::Uuid, Path), Write),
    request_body = ChangeNotificationChannel, responses((status = 200, body = Envelope<NewChannelView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeNotificationChannel>,
) -> std::result::Result<Response, Problem> {
    super::change(&api, &caller, (Whose::Own, channel), write, body.into()).await
}

/// Deletes a notification channel of one's own.
#[utoipa::path(delete, path = "/api/v1/me/notification-channels/{id}", tag = "notifications",
    operation_id = "deleteOwnNotificationChannel", params(("id" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    super::remove(&api, &caller, (Whose::Own, channel), write).await
}

/// Sends a message there that says nothing but that it arrives.
#[utoipa::path(post, path = "/api/v1/me/notification-channels/{id}/test", tag = "notifications",
    operation_id = "testOwnNotificationChannel", params(("id" = uuid::Uuid, Path), Write),
    responses((status = 202, body = Envelope<Nothing>)))]
pub async fn test(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    super::test(&api, &caller, (Whose::Own, channel), write).await
}
