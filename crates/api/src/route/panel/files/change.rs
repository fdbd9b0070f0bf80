//! Changes of a server's files: each an action, carried out by the server's machine as a run.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::file::{self, FileAction};
use sf_types::{FileState, ServerId};
use utoipa::ToSchema;

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::Envelope;
use crate::fault::Problem;
use crate::route::{Write, ordered};
use crate::state::Api;
use crate::view::run::RunOpened;

type Answered = std::result::Result<Response, Problem>;

/// What a file shall hold.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewContent {
    /// The file: `config/server.properties`.
    path: String,
    /// What shall be in it, at most 32 KiB; or else `base64`.
    #[serde(default)]
    text: Option<String>,
    /// What shall be in it where that is no text, at most 27 KiB of it.
    #[serde(default)]
    base64: Option<String>,
    /// How it was when it was read: its hash, or `absent`. Found otherwise, nothing is done; whatever is there is replaced
    /// where this is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    before: Option<FileState>,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Which folder.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewFolder {
    /// The folder.
    path: String,
    /// Whether those above it are made, too; it may be there already then.
    #[serde(default)]
    parents: bool,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// From where to where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewPath {
    /// What is there.
    from: String,
    /// Where it shall be; nothing may be there.
    to: String,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// What goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UnwantedFiles {
    /// Files and folders, at most 100.
    paths: Vec<String>,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Who may do what with a file.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewMode {
    /// The file or folder.
    path: String,
    /// In octal digits: `644`.
    mode: String,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// What is packed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedArchive {
    /// The folder that they are in; the server's own where absent.
    #[serde(default)]
    folder: String,
    /// Names in that folder, at most 100.
    names: Vec<String>,
    /// The archive: a path that ends in `.zip`, `.tar.gz` or `.tgz`, where nothing is.
    into: String,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// What is unpacked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Unpacked {
    /// The archive.
    path: String,
    /// The folder that it is unpacked in; the server's own where absent.
    #[serde(default)]
    into: String,
    /// Whether files take the place of files.
    #[serde(default)]
    replace: bool,
    /// How sure whoever proposes it is, 0 to 100.
    #[serde(default)]
    confidence: Option<f64>,
}

/// Writes a file whole; a large one is uploaded instead.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/write", tag = "servers", operation_id = "writeServerFile",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewContent,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn write(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewContent>,
) -> Answered {
    let (text, base64, before) = (body.text, body.base64, body.before);
    let action = FileAction::Write(Box::new(file::Write { server, path: body.path, text, base64, before }));
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Makes a folder.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/folder", tag = "servers", operation_id = "makeServerFolder",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewFolder,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn folder(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewFolder>,
) -> Answered {
    let action = FileAction::CreateFolder(file::CreateFolder { server, path: body.path, parents: body.parents });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Gives a file or folder another name or place.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/rename", tag = "servers", operation_id = "renameServerFile",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewPath,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn rename(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewPath>,
) -> Answered {
    let action = FileAction::Rename(file::FromTo { server, from: body.from, to: body.to });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Copies a file or folder.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/copy", tag = "servers", operation_id = "copyServerFile",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewPath,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn copy(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewPath>,
) -> Answered {
    let action = FileAction::Copy(file::FromTo { server, from: body.from, to: body.to });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Deletes files and folders with all that is in them.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/delete", tag = "servers", operation_id = "deleteServerFiles",
    params(("id" = uuid::Uuid, Path), Write), request_body = UnwantedFiles,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<UnwantedFiles>,
) -> Answered {
    let action = FileAction::Delete(file::Delete { server, paths: body.paths });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Sets who may read, write and run a file or enter a folder.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/mode", tag = "servers", operation_id = "setServerFileMode",
    params(("id" = uuid::Uuid, Path), Write), request_body = NewMode,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn mode(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewMode>,
) -> Answered {
    let action = FileAction::Mode(file::Mode { server, path: body.path, mode: body.mode });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Packs files and folders into an archive.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/compress", tag = "servers", operation_id = "packServerFiles",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedArchive,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn compress(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedArchive>,
) -> Answered {
    let (folder, names, into) = (body.folder, body.names, body.into);
    let action = FileAction::Compress(file::Compress { server, folder, names, into });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}

/// Unpacks all of an archive, or nothing where one entry of it cannot be taken.
#[utoipa::path(post, path = "/api/v1/servers/{id}/files/extract", tag = "servers", operation_id = "unpackServerFile",
    params(("id" = uuid::Uuid, Path), Write), request_body = Unpacked,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn extract(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<Unpacked>,
) -> Answered {
    let (path, into, replace) = (body.path, body.into, body.replace);
    let action = FileAction::Extract(file::Extract { server, path, into, replace });
    ordered(&api, &caller, write, Action::File(action), body.confidence).await
}
