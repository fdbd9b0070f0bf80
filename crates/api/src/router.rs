//! All routes in one place, and what stands around them.

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use sf_control::Control;
use sf_types::{ErrorKind, Fault};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::fault::Problem;
use crate::layer::{address, headers, host, idempotency, origin, rates, rescue};
use crate::options::ApiOptions;
use crate::route::apps::secrets;
use crate::route::{
    activity, approvals, apps, auth, deploys, enrolment, health, nodes, panel, people, reference, runs, tokens,
    workflows,
};
use crate::state::Api;
use crate::{caller, metrics, openapi, request, ws};

/// Every route of the control plane. To be served by [`crate::serve`], which tells it where requests come from.
pub fn router(control: Control, options: ApiOptions) -> Router {
    router_beside(control, options, Router::new())
}

/// The same, with the routes of another edge beside them: they know their callers themselves, and have the same names,
/// origins, limits of time and of refused credentials, headers and request ids.
pub fn router_beside(control: Control, options: ApiOptions, beside: Router) -> Router {
    let _ = metrics::recorder();
    let api = Api::new(control, options);
    let (router, _) = openapi::described().split_for_parts();
    api.control().set_reads(std::sync::Arc::new(workflows::reads::Routes::new(router.clone(), &api)));
    around(inside(router, &api).merge(guarded(beside, &api)), &api).with_state(api)
}

/// What applies to known routes alone: an unknown path is a 404 for everybody. The last one is outermost.
fn inside(router: Router<Api>, api: &Api) -> Router<Api> {
    router
        .route_layer(from_fn_with_state(api.clone(), idempotency::honour))
        .route_layer(from_fn_with_state(api.clone(), rates::by_principal))
        .route_layer(from_fn_with_state(api.clone(), caller::require))
        .route_layer(from_fn_with_state(api.clone(), rates::by_address))
        .route_layer(from_fn_with_state(api.clone(), origin::guard))
}

/// What applies to the routes of another edge.
fn guarded(beside: Router, api: &Api) -> Router<Api> {
    if !beside.has_routes() {
        return Router::new();
    }
    beside
        .route_layer(from_fn_with_state(api.clone(), rates::by_refusal))
        .route_layer(from_fn_with_state(api.clone(), rates::by_address))
        .route_layer(from_fn_with_state(api.clone(), origin::foreign))
        .with_state(())
}

/// The layers around everything, the last one outermost.
fn around(router: Router<Api>, api: &Api) -> Router<Api> {
    router
        .method_not_allowed_fallback(wrong_method)
        .fallback(unknown)
        .layer(from_fn_with_state(api.clone(), rescue::limit_time))
        .layer(CatchPanicLayer::custom(rescue::panicked))
        .layer(from_fn_with_state(api.clone(), host::check))
        .layer(from_fn_with_state(api.clone(), headers::set))
        .layer(from_fn_with_state(api.clone(), address::find))
        .layer(from_fn_with_state(api.clone(), request::trace))
}

/// The routes with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    // In parts: unoptimised, each route of a function has its own place on the stack.
    OpenApiRouter::with_openapi(openapi::Empty::openapi())
        .merge(accounts())
        .merge(hosts())
        .merge(machines())
        .merge(served())
        .merge(panel::routes())
        .merge(decided())
        .merge(installation())
        .merge(automated())
}

/// People, and how they sign in.
fn accounts() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(health::get))
        .routes(routes!(auth::setup::get, auth::setup::post))
        .routes(routes!(auth::login))
        .routes(routes!(auth::factors::login))
        .routes(routes!(auth::factors::get))
        .routes(routes!(auth::factors::add, auth::factors::remove))
        .routes(routes!(auth::factors::confirm))
        .routes(routes!(auth::factors::recovery_codes))
        .routes(routes!(auth::factors::reset))
        .routes(routes!(auth::device::begin, auth::device::find))
        .routes(routes!(auth::device::poll))
        .routes(routes!(auth::device::approve))
        .routes(routes!(auth::device::deny))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::me))
        .routes(routes!(people::account::change))
        .routes(routes!(people::passwords::change))
        .routes(routes!(people::passwords::forgot))
        .routes(routes!(people::passwords::reset))
        .routes(routes!(people::invitations::open))
        .routes(routes!(people::invitations::accept))
        .routes(routes!(people::invitations::list, people::invitations::create))
        .routes(routes!(people::invitations::withdraw))
        .routes(routes!(people::users::list))
        .routes(routes!(people::users::get, people::users::change, people::users::remove))
        .routes(routes!(people::users::suspend))
        .routes(routes!(people::users::reinstate))
        .routes(routes!(people::users::sign_out))
        .routes(routes!(people::mail::get))
        .routes(routes!(people::mail::test))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(auth::sessions::list, auth::sessions::end_others))
        .routes(routes!(auth::sessions::end))
        .routes(routes!(people::notifications::own::list, people::notifications::own::create))
        .routes(routes!(people::notifications::own::change, people::notifications::own::delete))
        .routes(routes!(people::notifications::own::test))
        .routes(routes!(people::notifications::team::list, people::notifications::team::create))
        .routes(routes!(people::notifications::team::change, people::notifications::team::delete))
        .routes(routes!(people::notifications::team::test))
        .routes(routes!(people::notifications::push::preferences, people::notifications::push::set_preferences))
        .routes(routes!(people::notifications::push::list, people::notifications::push::subscribe))
        .routes(routes!(people::notifications::push::unsubscribe))
}

/// AI hosts, and how people let them in.
fn hosts() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(auth::oauth::resource))
        .routes(routes!(auth::oauth::resource_of_path))
        .routes(routes!(auth::oauth::server))
        .routes(routes!(auth::oauth::authorize))
        .routes(routes!(auth::oauth::token))
        .routes(routes!(auth::oauth::register))
        .routes(routes!(auth::oauth::revoke))
        .routes(routes!(auth::consent::get, auth::consent::decide))
        .routes(routes!(auth::connections::list))
        .routes(routes!(auth::connections::revoke))
}

/// Machines, and what is deployed to them.
fn machines() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(nodes::list))
        .routes(routes!(nodes::get, nodes::rename, nodes::remove))
        .routes(routes!(nodes::keys))
        .routes(routes!(nodes::unlock))
        .routes(routes!(nodes::metrics))
        .routes(routes!(nodes::watch))
        .routes(routes!(nodes::inspect))
        .routes(routes!(nodes::services::list, nodes::services::steer))
        .routes(routes!(enrolment::invite))
        .routes(routes!(enrolment::pending))
        .routes(routes!(enrolment::approve))
        .routes(routes!(enrolment::deny))
        .routes(routes!(apps::list, apps::create))
        .routes(routes!(apps::get, apps::change, apps::delete))
        .routes(routes!(deploys::deploy))
        .routes(routes!(deploys::rollback))
        .routes(routes!(deploys::start))
        .routes(routes!(deploys::stop))
        .routes(routes!(deploys::restart))
        .routes(routes!(apps::patches::files))
        .routes(routes!(apps::patches::content))
        .routes(routes!(apps::patches::preview))
        .routes(routes!(apps::patches::apply))
        .routes(routes!(apps::patches::of_run))
        .routes(routes!(apps::observe::releases))
        .routes(routes!(apps::observe::logs))
        .routes(routes!(apps::logs::search))
        .routes(routes!(apps::logs::kept))
        .routes(routes!(apps::logs::download))
        .routes(routes!(apps::observe::metrics))
        .routes(routes!(apps::observe::status))
}

/// Runs, and what belongs to an app.
fn served() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(runs::list))
        .routes(routes!(runs::get))
        .routes(routes!(runs::timeline))
        .routes(routes!(runs::log))
        .routes(routes!(runs::causes))
        .routes(routes!(runs::command))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::approve))
        .routes(routes!(runs::reject))
        .routes(routes!(apps::domains::list, apps::domains::provision))
        .routes(routes!(apps::domains::get, apps::domains::change, apps::domains::delete))
        .routes(routes!(apps::hooks::get, apps::hooks::create, apps::hooks::change, apps::hooks::delete))
        .routes(routes!(apps::deploy_keys::get, apps::deploy_keys::create, apps::deploy_keys::delete))
        .routes(routes!(apps::previews::list, apps::previews::configure, apps::previews::create))
        .routes(routes!(apps::previews::get))
        .routes(routes!(apps::previews::extend))
        .routes(routes!(apps::schedules::list))
        .routes(routes!(apps::schedules::set, apps::schedules::delete))
        .routes(routes!(apps::schedules::run))
        .routes(routes!(apps::schedules::runs))
        .routes(routes!(apps::hooks::rotate))
        .routes(routes!(apps::hooks::deliveries))
        .routes(routes!(apps::hooks::deliver))
        .routes(routes!(secrets::list, secrets::create))
        .routes(routes!(secrets::change, secrets::delete))
}

/// What people decide.
fn decided() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(runs::reopen))
        .routes(routes!(runs::review))
        .routes(routes!(approvals::inbox::edit))
        .routes(routes!(approvals::list))
        .routes(routes!(approvals::inbox::list))
        .routes(routes!(approvals::inbox::count))
        .routes(routes!(approvals::inbox::batch))
        .routes(routes!(approvals::inbox::get))
        .routes(routes!(approvals::inbox::put_aside, approvals::inbox::take_up))
        .routes(routes!(approvals::deputies::list, approvals::deputies::name))
        .routes(routes!(approvals::deputies::take_back))
        .routes(routes!(approvals::routing::get, approvals::routing::set))
        .routes(routes!(approvals::routing::attempt))
        .routes(routes!(approvals::routing::learning))
        .routes(routes!(approvals::routing::samples))
}

/// What was done, and who may do what.
fn installation() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(activity::list))
        .routes(routes!(activity::calls::list))
        .routes(routes!(people::roles::list, people::roles::create))
        .routes(routes!(people::roles::change, people::roles::delete))
        .routes(routes!(people::rights::list, people::rights::grant))
        .routes(routes!(people::rights::withdraw))
        .routes(routes!(people::rights::access))
        .routes(routes!(people::rights::own))
        .routes(routes!(apps::projects::list, apps::projects::create))
        .routes(routes!(apps::projects::get, apps::projects::rename, apps::projects::delete))
        .routes(routes!(people::tenants::list, people::tenants::create))
        .routes(routes!(people::tenants::get, people::tenants::change))
        .routes(routes!(people::tenants::invite))
}

/// Workflows, and what describes all this.
fn automated() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(workflows::lint))
        .routes(routes!(workflows::schema))
        .routes(routes!(workflows::list, workflows::create))
        .routes(routes!(workflows::get, workflows::update, workflows::delete))
        .routes(routes!(workflows::enable))
        .routes(routes!(workflows::execute))
        .routes(routes!(workflows::versions))
        .routes(routes!(workflows::version))
        .routes(routes!(workflows::executions::list))
        .routes(routes!(workflows::executions::get))
        .routes(routes!(workflows::executions::step))
        .routes(routes!(workflows::executions::forks))
        .routes(routes!(workflows::executions::journal))
        .routes(routes!(workflows::executions::fork))
        .routes(routes!(workflows::executions::send))
        .routes(routes!(workflows::executions::move_to))
        .routes(routes!(workflows::hooks::deliver))
        .routes(routes!(reference::permissions))
        .routes(routes!(activity::chain::state))
        .routes(routes!(activity::chain::verify))
        .routes(routes!(activity::chain::export))
        .routes(routes!(reference::actions))
        .routes(routes!(reference::openapi))
        .routes(routes!(ws::open))
        .routes(routes!(metrics::get))
}

/// What no route took: the dashboard's, or nobody's.
async fn unknown(State(api): State<Api>, request: Request) -> Response {
    let (path, options) = (request.uri().path(), api.options());
    if let Some(page) = options.dashboard.answer(request.method(), path, request.headers(), options.https) {
        return page;
    }
    let path: String = path.chars().take(200).collect();
    let fault = Fault::new(ErrorKind::NotFound, "route.not_found", format!("There is nothing at `{path}`."));
    Problem::from(fault.fix("GET /api/v1/openapi.json lists every route.")).into_response()
}

async fn wrong_method(request: Request) -> Response {
    let message = format!("This address does not take {}.", request.method());
    let fault = Fault::new(ErrorKind::Invalid, "route.method", message);
    let problem = Problem::from(fault.fix("GET /api/v1/openapi.json lists what each address takes."));
    problem.status(StatusCode::METHOD_NOT_ALLOWED).into_response()
}
