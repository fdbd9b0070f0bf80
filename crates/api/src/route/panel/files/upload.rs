//! Uploads: begun and finished as runs, and in between sent piece by piece, so that a lost connection costs one piece.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderValue, header};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::file::{self, FileAction};
use sf_control::queries::panel::transfers::{More, Sending};
use sf_control::{Proposal, Proposed};
use sf_engine::RunState;
use sf_protocol::server::PIECE_BYTES;
use sf_types::{ContentHash, ErrorKind, Fault, FileState, RunId, ServerId};
use utoipa::{IntoParams, ToSchema};

use super::asked;
use crate::body::{Asked, Id, Ids, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, accepted, ok};
use crate::fault::{Problem, UPLOAD_OFFSET};
use crate::route::{Write, ordered};
use crate::state::Api;
use crate::view::panel::file::{UploadBegun, UploadView};
use crate::view::plan::Planned;
use crate::view::run::{ActorView, RunOpened, RunView};

/// Bytes of one piece of an upload at the most: 16 MiB.
pub const PIECE_MAX: u64 = 16 * 1024 * 1024;
/// How long a sender may send nothing.
const SENDS_WITHIN: Duration = sf_control::STALL_LIMIT;

type Answered = std::result::Result<Response, Problem>;

/// What shall be uploaded.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUpload {
    /// Where it shall be: `world/region/r.0.0.mca`. The folders above it are there.
    path: String,
    /// Bytes in all.
    bytes: u64,
    /// Whether it may take the place of a file that is there.
    #[serde(default)]
    overwrite: bool,
    /// In octal digits: `644`. As any new file's, or those of the file that it replaces, where absent.
    #[serde(default)]
    mode: Option<String>,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// How an upload is finished.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UploadEnd {
    /// SHA-256 of all of it, in hex: something else is not shown. Not compared where absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    sha256: Option<ContentHash>,
    /// How its place was when it was looked at: the SHA-256 of the file there in hex, or `absent`. Where it is otherwise,
    /// `file.changed`, and the upload is kept.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    before: Option<FileState>,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Which piece.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Piece {
    /// Its first byte: `offset` of the upload.
    offset: u64,
    /// Only say whether it would be taken: nothing of the body is read.
    dry_run: Option<bool>,
}

/// Uploads that are neither finished nor given up, everybody's at this server.
#[utoipa::path(get, path = "/api/v1/servers/{id}/uploads", tag = "servers", operation_id = "listServerUploads",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<Vec<UploadView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Id(server): Id<ServerId>) -> Result<Vec<UploadView>> {
    let uploads = api.control().uploads(asked(&caller, server)).await?;
    Ok(ok(uploads.into_iter().map(UploadView::from).collect()))
}

/// Begins an upload: its room is looked for, and nothing is seen before it is finished. Its id is the run's.
#[utoipa::path(post, path = "/api/v1/servers/{id}/uploads", tag = "servers", operation_id = "beginServerUpload",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewUpload,
    responses((status = 202, body = Envelope<UploadBegun>)))]
pub async fn begin(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewUpload>,
) -> Answered {
    let NewUpload { path, bytes, overwrite, mode, confidence } = body;
    let action = Action::File(FileAction::Upload(file::Upload { server, path, bytes, overwrite, mode }));
    let (key, dry_run) = (caller.key.clone(), write.is_dry());
    let proposal = Proposal { confidence, dry_run, key, ..Proposal::of(action) };
    let run = match api.control().propose(&caller.actor, caller.request, proposal).await? {
        Proposed::Plan(plan) => return Ok(ok(Planned { plan: (*plan).into() }).into_response()),
        Proposed::Open(run) | Proposed::Done(run, _) => *run,
    };
    let begun = match run.state {
        RunState::Waiting => None,
        _ => api.control().begun_upload(asked(&caller, server), run.id).await?,
    };
    let (run, upload) = begun.map_or((run, None), |(run, upload)| (run, Some(upload.into())));
    let actor = ActorView::of(run.actor, None);
    Ok(accepted(UploadBegun { run: RunView::of(run, None, actor), upload }).into_response())
}

/// How far an upload is.
#[utoipa::path(get, path = "/api/v1/servers/{id}/uploads/{upload}", tag = "servers", operation_id = "getServerUpload",
    params(("id" = uuid::Uuid, Path), ("upload" = uuid::Uuid, Path)),
    responses((status = 200, body = Envelope<UploadView>)))]
pub async fn get(
    State(api): State<Api>,
    caller: Caller,
    Ids(server, upload): Ids<ServerId, RunId>,
) -> Result<UploadView> {
    Ok(ok(api.control().upload(asked(&caller, server), upload).await?.into()))
}

/// Adds bytes, 16 MiB at the most, that begin where the upload stands. What has arrived of a request that is cut off is
/// kept. Others are 409, and `Upload-Offset` says where to go on.
#[utoipa::path(patch, path = "/api/v1/servers/{id}/uploads/{upload}", tag = "servers", operation_id = "sendServerUpload",
    params(("id" = uuid::Uuid, Path), ("upload" = uuid::Uuid, Path), Piece),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 200, body = Envelope<UploadView>)))]
pub async fn append(
    State(api): State<Api>,
    caller: Caller,
    Ids(server, upload): Ids<ServerId, RunId>,
    Asked(piece): Asked<Piece>,
    request: Request,
) -> Answered {
    let (control, asked) = (api.control(), asked(&caller, server));
    control.may_upload(asked).await?;
    if piece.dry_run.unwrap_or(false) {
        let state = control.upload(asked, upload).await?;
        let stands = if state.have == piece.offset { Ok(state) } else { Err(elsewhere(state.have)) };
        return stands.map(|state| ok(UploadView::from(state)).into_response());
    }
    let bytes = length(&request)?;
    let sent = match control.send_more(asked, upload, (piece.offset, bytes)).await? {
        More::Stands(have) => return Err(elsewhere(have)),
        More::Goes(sending) => send(sending, request).await,
    };
    // Where it stands now is asked of the machine in any case: another request may have gone on with it.
    let state = match sent {
        Ok(()) => control.upload(asked, upload).await?,
        Err(problem) if problem.fault().code == "file.offset" => {
            return Err(elsewhere(control.upload(asked, upload).await?.have));
        }
        Err(problem) => return Err(problem),
    };
    let offset = HeaderValue::from(state.have);
    let mut response = ok(UploadView::from(state)).into_response();
    response.headers_mut().insert(UPLOAD_OFFSET, offset);
    Ok(response)
}

/// Shows an upload at its place, once all of it is there.
#[utoipa::path(post, path = "/api/v1/servers/{id}/uploads/{upload}/finish", tag = "servers",
    operation_id = "finishServerUpload",
    params(("id" = uuid::Uuid, Path), ("upload" = uuid::Uuid, Path), Write), request_body = UploadEnd,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn finish(
    State(api): State<Api>,
    caller: Caller,
    Ids(server, upload): Ids<ServerId, RunId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<UploadEnd>,
) -> Answered {
    let UploadEnd { sha256, before, confidence } = body;
    let action = FileAction::FinishUpload(file::FinishUpload { server, upload, sha256, before });
    ordered(&api, &caller, write, Action::File(action), confidence).await
}

/// Gives an upload up.
#[utoipa::path(delete, path = "/api/v1/servers/{id}/uploads/{upload}", tag = "servers",
    operation_id = "abortServerUpload",
    params(("id" = uuid::Uuid, Path), ("upload" = uuid::Uuid, Path), Write),
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn abort(
    State(api): State<Api>,
    caller: Caller,
    Ids(server, upload): Ids<ServerId, RunId>,
    Asked(write): Asked<Write>,
) -> Answered {
    let action = FileAction::AbortUpload(file::AbortUpload { server, upload });
    ordered(&api, &caller, write, Action::File(action), None).await
}

/// How much the request will send; it has to say so.
fn length(request: &Request) -> std::result::Result<u64, Problem> {
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    match declared {
        Some(0) | None => {
            Err(Problem::invalid("body.length", "A piece has at least one byte, and its Content-Length says how many."))
        }
        Some(bytes) if bytes > PIECE_MAX => {
            let message = format!("A piece of an upload has at most {} MiB.", PIECE_MAX / 1024 / 1024);
            Err(Fault::new(ErrorKind::TooLarge, "body.too_large", message).fix("Send less at a time.").into())
        }
        Some(bytes) => Ok(bytes),
    }
}

/// Hands on what comes, as fast as the machine takes it.
async fn send(mut sending: Sending, request: Request) -> std::result::Result<(), Problem> {
    let mut body = request.into_body().into_data_stream();
    loop {
        let mut bytes: Bytes = match tokio::time::timeout(SENDS_WITHIN, body.next()).await {
            Ok(Some(Ok(bytes))) => bytes,
            Ok(None) => break,
            Ok(Some(Err(_))) | Err(_) => {
                return Err(Problem::invalid("body.broken", "The body ended before it was complete."));
            }
        };
        while !bytes.is_empty() {
            sending.put(bytes.split_to(bytes.len().min(PIECE_BYTES))).await?;
        }
    }
    sending.end().await?;
    Ok(())
}

fn elsewhere(have: u64) -> Problem {
    let message = format!("The upload goes on at byte {have}.");
    let fault = Fault::new(ErrorKind::Conflict, "file.offset", message);
    Problem::from(fault.fix("Send the bytes from there on.")).offset(have)
}
