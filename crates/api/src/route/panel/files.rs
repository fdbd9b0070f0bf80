//! Files of a server: looked at here, changed in [`change`]. Paths are below its folder, `/` between names.

pub mod change;
pub mod download;
pub mod upload;

use axum::extract::State;
use serde::Deserialize;
use sf_control::queries::panel::files::FilesAsked;
use sf_protocol::server::FileLook;
use sf_types::ServerId;
use utoipa::IntoParams;

use crate::body::{Asked, Id};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, ok};
use crate::state::Api;
use crate::view::panel::file::{EntryView, FolderView, MatchesView, PieceView, UsageView};

/// Entries and answers unless told otherwise.
const ROWS: u16 = 200;

/// Which page of a folder.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedFolder {
    /// The folder; the server's own where absent.
    path: Option<String>,
    /// Names after this one: `next` of the page before.
    after: Option<String>,
    /// Entries at the most, up to 1,000; 200 where absent.
    limit: Option<u16>,
}

/// Which file or folder.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedFile {
    /// Its path; the server's own folder where absent.
    path: Option<String>,
}

/// Which piece of a file.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedPiece {
    /// The file.
    path: Option<String>,
    /// First byte: `next` of the piece before; 0 where absent.
    from: Option<u64>,
}

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WantedMatches {
    /// Below this folder; the server's own where absent.
    path: Option<String>,
    /// A part of a name, or a name with `*`, `?` and `[a-z]`; every name where absent.
    name: Option<String>,
    /// A text in files of that name, within one line; names alone are looked at where absent.
    text: Option<String>,
    /// Whether the text is a regular expression.
    regex: Option<bool>,
    /// Answers at the most, up to 1,000; 200 where absent.
    limit: Option<u16>,
}

fn at(path: Option<String>) -> String {
    path.unwrap_or_default().trim_matches('/').to_owned()
}

const fn asked(caller: &Caller, server: ServerId) -> FilesAsked<'_> {
    FilesAsked { actor: &caller.actor, request: caller.request, server }
}

/// A page of a folder, from the server's machine.
#[utoipa::path(get, path = "/api/v1/servers/{id}/files", tag = "servers", operation_id = "listServerFiles",
    params(("id" = uuid::Uuid, Path), WantedFolder), responses((status = 200, body = Envelope<FolderView>)))]
pub async fn list(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(wanted): Asked<WantedFolder>,
) -> Result<FolderView> {
    let rows = wanted.limit.unwrap_or(ROWS).clamp(1, 1_000);
    let page = api.control().server_folder(asked(&caller, server), at(wanted.path), wanted.after, rows).await?;
    Ok(ok(page.into()))
}

/// What is at a path.
#[utoipa::path(get, path = "/api/v1/servers/{id}/files/stat", tag = "servers", operation_id = "getServerFile",
    params(("id" = uuid::Uuid, Path), WantedFile), responses((status = 200, body = Envelope<EntryView>)))]
pub async fn stat(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(wanted): Asked<WantedFile>,
) -> Result<EntryView> {
    Ok(ok(api.control().server_file(asked(&caller, server), at(wanted.path)).await?.into()))
}

/// A piece of a file, at most 32 KiB. Reading it is recorded.
#[utoipa::path(get, path = "/api/v1/servers/{id}/files/content", tag = "servers", operation_id = "readServerFile",
    params(("id" = uuid::Uuid, Path), WantedPiece), responses((status = 200, body = Envelope<PieceView>)))]
pub async fn content(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(wanted): Asked<WantedPiece>,
) -> Result<PieceView> {
    let (path, from) = (at(wanted.path), wanted.from.unwrap_or(0));
    Ok(ok(api.control().server_file_piece(asked(&caller, server), path, from).await?.into()))
}

/// Files by their name, or by what is in them. One search of a server at a time, 12 s at the most.
#[utoipa::path(get, path = "/api/v1/servers/{id}/files/search", tag = "servers", operation_id = "searchServerFiles",
    params(("id" = uuid::Uuid, Path), WantedMatches), responses((status = 200, body = Envelope<MatchesView>)))]
pub async fn search(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(wanted): Asked<WantedMatches>,
) -> Result<MatchesView> {
    let (path, most) = (at(wanted.path), wanted.limit.unwrap_or(ROWS).clamp(1, 1_000));
    let search = match wanted.text {
        Some(text) => FileLook::Text { path, text, regex: wanted.regex.unwrap_or(false), names: wanted.name, most },
        None => FileLook::Names { path, pattern: wanted.name.unwrap_or_else(|| "*".to_owned()), most },
    };
    Ok(ok(api.control().server_files_found(asked(&caller, server), search).await?.into()))
}

/// What a server's files take, counted now.
#[utoipa::path(get, path = "/api/v1/servers/{id}/files/usage", tag = "servers", operation_id = "countServerFiles",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<UsageView>)))]
pub async fn usage(State(api): State<Api>, caller: Caller, Id(server): Id<ServerId>) -> Result<UsageView> {
    Ok(ok(api.control().server_files_usage(asked(&caller, server)).await?.into()))
}
