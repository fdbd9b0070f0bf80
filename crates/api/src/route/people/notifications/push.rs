//! Browsers that take pushed messages, and when one is told of what.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_connectors::Destination;
use sf_control::notify::{NewChannel, Wanted, Whose};
use sf_engine::notify::Preferences;
use sf_store::channels::ChannelKind;
use sf_types::{Name, NotificationChannelId};
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::fault::Problem;
use crate::route::Write;
use crate::state::Api;
use crate::view::Nothing;
use crate::view::notification::{ChannelView, NewChannelView, PreferencesView, PushView};
use crate::view::plan::PlannedSteps;

/// What a browser answers when it subscribes. Source: W3C Push API, `PushSubscription.toJSON()`.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPushSubscription {
    /// What the device is called: `Firefox on Ada's phone`.
    #[schema(value_type = String)]
    name: Name,
    /// Where its push service takes messages.
    endpoint: String,
    /// What messages are encrypted with.
    keys: PushKeys,
}

/// Keys of a browser, base64url.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PushKeys {
    /// Its public key.
    p256dh: String,
    /// Its authentication secret.
    auth: String,
}

/// One's own browsers that take pushed messages, and the key they subscribe with.
#[utoipa::path(get, path = "/api/v1/me/push-subscriptions", tag = "notifications", operation_id = "pushSubscriptions",
    responses((status = 200, body = Envelope<PushView>)))]
pub async fn list(State(api): State<Api>, caller: Caller) -> Result<PushView> {
    let all = api.control().notification_channels(&caller.actor, Whose::Own).await?;
    let subscriptions = all.into_iter().filter(|channel| channel.kind == ChannelKind::Push).map(ChannelView::from);
    Ok(ok(PushView { public_key: api.control().push_key(), subscriptions: subscriptions.collect() }))
}

/// Adds the browser that asks. One that is known is replaced.
#[utoipa::path(post, path = "/api/v1/me/push-subscriptions", tag = "notifications", operation_id = "subscribeToPush",
    params(Write), request_body = NewPushSubscription, responses((status = 201, body = Envelope<NewChannelView>)))]
pub async fn subscribe(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewPushSubscription>,
) -> std::result::Result<Response, Problem> {
    let NewPushSubscription { name, endpoint, keys: PushKeys { p256dh, auth } } = body;
    let to = Wanted::Out(Destination::Push { endpoint, p256dh, auth });
    let new = NewChannel { name, to, kinds: None, projects: None };
    super::add(&api, &caller, Whose::Own, write, new).await
}

/// Ends a browser's subscription.
#[utoipa::path(delete, path = "/api/v1/me/push-subscriptions/{id}", tag = "notifications",
    operation_id = "unsubscribeFromPush", params(("id" = uuid::Uuid, Path), Write),
    responses((status = 200, body = Envelope<Nothing>)))]
pub async fn unsubscribe(
    State(api): State<Api>,
    caller: Caller,
    Id(channel): Id<NotificationChannelId>,
    Asked(write): Asked<Write>,
) -> std::result::Result<Response, Problem> {
    super::remove(&api, &caller, (Whose::Own, channel), write).await
}

/// When one is told of what.
#[utoipa::path(get, path = "/api/v1/me/notifications", tag = "notifications", operation_id = "notificationPreferences",
    responses((status = 200, body = Envelope<PreferencesView>)))]
pub async fn preferences(State(api): State<Api>, caller: Caller) -> Result<PreferencesView> {
    Ok(ok(api.control().notification_preferences(&caller.actor).await?.into()))
}

/// Keeps when one is told of what.
#[utoipa::path(put, path = "/api/v1/me/notifications", tag = "notifications",
    operation_id = "setNotificationPreferences", params(Write), request_body = PreferencesView,
    responses((status = 200, body = Envelope<PreferencesView>)))]
pub async fn set_preferences(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Preferences>,
) -> std::result::Result<Response, Problem> {
    let dry = write.is_dry();
    let kept = api.control().set_notification_preferences(&caller.actor, caller.request, body, dry).await?;
    if dry {
        return Ok(ok(PlannedSteps::of("Tell you of things at these times from now on")).into_response());
    }
    Ok(ok(PreferencesView::from(kept)).into_response())
}
