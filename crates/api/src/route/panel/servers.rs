//! Servers: what there is, and what changes their existence and settings.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use sf_actions::Action;
use sf_actions::server::{Create, Reinstall, ServerAction, ServerRef, ServerSettings as Settings, Update};
use sf_control::{Made, Proposal};
use sf_store::allocations::Allocation;
use sf_store::servers::{Server, ServerFilter, State as ServerState};
use sf_types::{AllocationId, AltId, NodeId, ProjectId, ServerId, Slug, UserId};
use utoipa::{IntoParams, ToSchema};

use crate::body::{Asked, Id, Strict};
use crate::caller::Caller;
use crate::envelope::{Envelope, Result, created, ok, page};
use crate::fault::Problem;
use crate::route::{Carried, Write, order, page_request, propose};
use crate::state::Api;
use crate::view::Nothing;
use crate::view::panel::server::{ServerReportView, ServerSettings, ServerView};
use crate::view::run::RunOpened;

/// Which servers.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListServers {
    /// On this machine.
    #[param(value_type = Option<uuid::Uuid>)]
    node_id: Option<NodeId>,
    /// In this project.
    #[param(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// From this template.
    #[param(value_type = Option<uuid::Uuid>)]
    alt_id: Option<AltId>,
    /// Of this person.
    #[param(value_type = Option<uuid::Uuid>)]
    owner_id: Option<UserId>,
    /// `stopped`, `starting`, `running`, `stopping` or `error`.
    state: Option<String>,
    /// With this in the name.
    q: Option<String>,
    /// Rows wanted, 1 to 200.
    limit: Option<u16>,
    /// Continue after this cursor.
    after: Option<String>,
}

/// A new server.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewServer {
    /// Its name: `a-z`, `0-9` and `-`, beginning with a letter, at most 40 characters.
    #[schema(value_type = String)]
    name: Slug,
    /// The template.
    #[schema(value_type = uuid::Uuid)]
    alt_id: AltId,
    /// Which version of it; the newest where left out.
    #[serde(default)]
    alt_version: Option<u32>,
    /// The machine it lives on; where left out, the one with the most room that fits it.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    node_id: Option<NodeId>,
    /// The project that owns it; the team's first where left out.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    project_id: Option<ProjectId>,
    /// Whose it is; yours where left out.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    owner_id: Option<UserId>,
    /// Ports that are its own, the first one by default.
    #[serde(default)]
    #[schema(value_type = Vec<uuid::Uuid>)]
    allocation_ids: Vec<AllocationId>,
    /// How many free ports it gets where none are named; 1 where left out.
    #[serde(default = "one")]
    ports: u16,
    /// How it is run.
    #[serde(default)]
    #[schema(value_type = ServerSettings)]
    settings: Settings,
    /// Whether its install script runs at once; it does where left out.
    #[serde(default = "yes")]
    install: bool,
}

const fn one() -> u16 {
    1
}

const fn yes() -> bool {
    true
}

/// What of a server shall be different; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangeServer {
    /// Its name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    name: Option<Slug>,
    /// Whose it is.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    owner_id: Option<UserId>,
    /// The version of its template it follows.
    #[serde(default)]
    alt_version: Option<u32>,
    /// How it is run, whole.
    #[serde(default)]
    #[schema(value_type = Option<ServerSettings>)]
    settings: Option<Settings>,
    /// The `generation` this change was made from: where somebody else was faster, it is refused.
    #[serde(default)]
    from: Option<u64>,
}

/// How a server is installed again.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct WantedReinstall {
    /// Whether its files are deleted before.
    #[serde(default)]
    wipe: bool,
}

type Answered = std::result::Result<Response, Problem>;

/// Servers, newest first.
#[utoipa::path(get, path = "/api/v1/servers", tag = "servers", operation_id = "listServers", params(ListServers),
    responses((status = 200, body = Envelope<Vec<ServerView>>)))]
pub async fn list(State(api): State<Api>, caller: Caller, Asked(query): Asked<ListServers>) -> Result<Vec<ServerView>> {
    let state = match query.state.as_deref() {
        Some(word) => Some(ServerState::from_word(word).ok_or_else(|| {
            let message = format!("`{word}` is no state: stopped, starting, running, stopping or error.");
            Problem::invalid("query.state", message).field("state")
        })?),
        None => None,
    };
    let filter = ServerFilter {
        node: query.node_id,
        project: query.project_id,
        alt: query.alt_id,
        owner: query.owner_id,
        state,
        q: query.q,
    };
    let found = api.control().servers(&caller.actor, &filter, &page_request(query.limit, query.after)).await?;
    let mut views = Vec::with_capacity(found.items.len());
    for (server, ports) in api.control().with_ports(&caller.actor, found.items).await? {
        views.push(view(&api, server, ports).await?);
    }
    Ok(page(sf_types::Page { items: views, next: found.next }, |view| view))
}

/// Makes a server from a template, gives it ports, and installs it.
#[utoipa::path(post, path = "/api/v1/servers", tag = "servers", operation_id = "createServer", params(Write),
    request_body = NewServer, responses((status = 201, body = Envelope<ServerView>)))]
pub async fn create(
    State(api): State<Api>,
    caller: Caller,
    Asked(write): Asked<Write>,
    Strict(body): Strict<NewServer>,
) -> Answered {
    let create = Create {
        name: body.name,
        alt: body.alt_id,
        alt_version: body.alt_version,
        node: body.node_id,
        project: body.project_id,
        owner: body.owner_id,
        allocations: body.allocation_ids,
        ports: body.ports,
        settings: body.settings,
        install: body.install,
    };
    match propose(&api, &caller, write, Action::Server(ServerAction::Create(Box::new(create)))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(Made::Server(server)) => Ok(created(show(&api, &caller, server).await?).into_response()),
        Carried::Done(_) => Ok(created(Nothing {}).into_response()),
    }
}

/// One server.
#[utoipa::path(get, path = "/api/v1/servers/{id}", tag = "servers", operation_id = "getServer",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<ServerView>)))]
pub async fn get(State(api): State<Api>, caller: Caller, Id(server): Id<ServerId>) -> Result<ServerView> {
    Ok(ok(show(&api, &caller, server).await?))
}

/// How a server is, as its machine says right now.
#[utoipa::path(get, path = "/api/v1/servers/{id}/status", tag = "servers", operation_id = "getServerStatus",
    params(("id" = uuid::Uuid, Path)), responses((status = 200, body = Envelope<ServerReportView>)))]
pub async fn status(State(api): State<Api>, caller: Caller, Id(server): Id<ServerId>) -> Result<ServerReportView> {
    Ok(ok(api.control().server_report(&caller.actor, caller.request, server).await?.into()))
}

/// Changes a server; it takes effect with its next start.
#[utoipa::path(patch, path = "/api/v1/servers/{id}", tag = "servers", operation_id = "changeServer",
    params(("id" = uuid::Uuid, Path), Write), request_body = ChangeServer,
    responses((status = 200, body = Envelope<ServerView>)))]
pub async fn change(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<ChangeServer>,
) -> Answered {
    let update = Update {
        server,
        name: body.name,
        owner: body.owner_id,
        alt_version: body.alt_version,
        settings: body.settings,
        from: body.from,
    };
    match propose(&api, &caller, write, Action::Server(ServerAction::Update(Box::new(update)))).await? {
        Carried::Answered(response) => Ok(response),
        Carried::Done(_) => Ok(ok(show(&api, &caller, server).await?).into_response()),
    }
}

/// Kills a server and deletes its files on its machine.
#[utoipa::path(delete, path = "/api/v1/servers/{id}", tag = "servers", operation_id = "deleteServer",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    ordered(&api, &caller, write, ServerAction::Delete(ServerRef { server })).await
}

/// Deletes a server's rows though its machine is silent; the machine deletes its files when it is back.
#[utoipa::path(post, path = "/api/v1/servers/{id}/forget", tag = "servers", operation_id = "forgetServer",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 200, body = Envelope<Nothing>)))]
pub async fn forget(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    ordered(&api, &caller, write, ServerAction::Forget(ServerRef { server })).await
}

/// Runs its template's install script.
#[utoipa::path(post, path = "/api/v1/servers/{id}/install", tag = "servers", operation_id = "installServer",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn install(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    ordered(&api, &caller, write, ServerAction::Install(ServerRef { server })).await
}

/// Runs the install script again, with its files deleted before where asked.
#[utoipa::path(post, path = "/api/v1/servers/{id}/reinstall", tag = "servers", operation_id = "reinstallServer",
    params(("id" = uuid::Uuid, Path), Write), request_body = WantedReinstall,
    responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn reinstall(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
    Strict(body): Strict<WantedReinstall>,
) -> Answered {
    ordered(&api, &caller, write, ServerAction::Reinstall(Reinstall { server, wipe: body.wipe })).await
}

/// Stops a server and keeps it stopped, whoever asks.
#[utoipa::path(post, path = "/api/v1/servers/{id}/suspend", tag = "servers", operation_id = "suspendServer",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn suspend(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    ordered(&api, &caller, write, ServerAction::Suspend(ServerRef { server })).await
}

/// Lets a suspended server be started again.
#[utoipa::path(post, path = "/api/v1/servers/{id}/unsuspend", tag = "servers", operation_id = "unsuspendServer",
    params(("id" = uuid::Uuid, Path), Write), responses((status = 202, body = Envelope<RunOpened>)))]
pub async fn unsuspend(
    State(api): State<Api>,
    caller: Caller,
    Id(server): Id<ServerId>,
    Asked(write): Asked<Write>,
) -> Answered {
    ordered(&api, &caller, write, ServerAction::Unsuspend(ServerRef { server })).await
}

async fn ordered(api: &Api, caller: &Caller, write: Write, action: ServerAction) -> Answered {
    order(api, caller, Proposal { dry_run: write.is_dry(), ..Proposal::of(Action::Server(action)) }).await
}

/// A server as it is shown.
pub(crate) async fn show(api: &Api, caller: &Caller, server: ServerId) -> std::result::Result<ServerView, Problem> {
    let (server, ports) = api.control().server(&caller.actor, server).await?;
    view(api, server, ports).await
}

async fn view(api: &Api, server: Server, ports: Vec<Allocation>) -> std::result::Result<ServerView, Problem> {
    let since = api.control().unknown_since(&server).await?;
    Ok(ServerView::of(server, ports, since))
}
