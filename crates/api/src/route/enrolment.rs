//! How machines join.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::node::{Admit, Invite, NodeAction};
use sf_control::{Invitation, Made};
use sf_types::{DeviceCodeId, Name};
use utoipa::ToSchema;

use super::{Carried, Write, nodes, propose};
use crate::body::{Asked, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok};
use crate::fault::Problem;
use crate::state::Api;
use crate::view::node::NodeView;
use crate::view::node::device::{DeviceView, EnrolTokenView};
use crate::view::plan::PlannedSteps;
use crate::view::{Nothing, Time};

/// A machine to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewEnrolToken {
    /// Its name; its host name where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

/// A code a machine shows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Approve {
    /// As typed.
    code: String,
    /// The machine's name; its host name where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Name>,
}

/// A waiting machine.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deny {
    /// Its id.
    #[schema(value_type = uuid::Uuid)]
    id: DeviceCodeId,
}

/// Makes a one-time token and the line to paste on the machine.
#[utoipa::path(post, path = "/api/v1/enrol-tokens", tag = "enrolment", operation_id = "createEnrolToken",
    params(Write), request_body = NewEnrolToken, responses((status = 201, body = Envelope<EnrolTokenView>)))]
pub async fn invite(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewEnrolToken>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Node(NodeAction::Invite(Invite { name: body.name }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Invitation(Invitation { token, expires_at, root })) => {
            let address = &api.options().agents_address;
            let command = format!("serverflow-agent enrol --url wss://{address} --token {token} --root {root}");
            let root_fingerprint = root.to_string();
            let view = EnrolTokenView { token, expires_at: Time(expires_at), root_fingerprint, command };
            Ok(created(view).into_response())
        }
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// Machines that wait for a person. Their codes are on their own screens.
#[utoipa::path(get, path = "/api/v1/device-codes", tag = "enrolment", operation_id = "listDeviceCodes",
    responses((status = 200, body = Envelope<Vec<DeviceView>>)))]
pub async fn pending(State(api): State<Api>, caller: Caller) -> Result<Vec<DeviceView>> {
    let waiting = api.control().pending_devices(&caller.actor).await?;
    Ok(ok(waiting.into_iter().map(DeviceView::from).collect()))
}

/// Lets in the machine that shows this code.
#[utoipa::path(post, path = "/api/v1/device-codes/approve", tag = "enrolment", operation_id = "approveDeviceCode",
    params(Write), request_body = Approve, responses((status = 200, body = Envelope<NodeView>)))]
pub async fn approve(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Approve>,
) -> std::result::Result<Response, Problem> {
    let action = Action::Node(NodeAction::Admit(Admit { code: body.code, name: body.name }));
    match propose(&api, &caller, write, action).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Node(node)) => Ok(ok(nodes::show(&api, &caller, node).await?).into_response()),
        Carried::Done(_) => Ok(ok(Nothing {}).into_response()),
    }
}

/// Refuses a waiting machine.
#[utoipa::path(post, path = "/api/v1/device-codes/deny", tag = "enrolment", operation_id = "denyDeviceCode",
    params(Write), request_body = Deny, responses((status = 200, body = Envelope<Nothing>)))]
pub async fn deny(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Deny>,
) -> std::result::Result<Response, Problem> {
    if write.is_dry() {
        let device = api.control().pending_device(&caller.actor, body.id).await?;
        let step = format!("Tell `{}` that it is refused; its code is good for nothing then", device.host);
        return Ok(ok(PlannedSteps::of(&step)).into_response());
    }
    api.control().deny_device(&caller.actor, caller.request, body.id).await?;
    Ok(ok(Nothing {}).into_response())
}
