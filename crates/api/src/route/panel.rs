//! The panel: templates, servers, their power, console and files, the ports of machines, and how servers are doing.

pub mod alts;
pub mod clients;
pub mod console;
pub mod ctrls;
pub mod eggs;
pub mod files;
pub mod monitoring;
pub mod people;
pub mod ports;
pub mod power;
pub mod schedules;
pub mod servers;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::Api;

/// All of them.
pub(crate) fn routes() -> OpenApiRouter<Api> {
    // In parts: unoptimised, each route of a function has its own place on the stack.
    OpenApiRouter::new()
        .merge(clients::routes())
        .merge(templates())
        .merge(steered())
        .merge(filed())
        .merge(watched())
        .merge(listening())
}

/// Categories, templates and eggs.
fn templates() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(ctrls::list, ctrls::create))
        .routes(routes!(ctrls::get, ctrls::change, ctrls::delete))
        .routes(routes!(alts::list, alts::create))
        .routes(routes!(alts::get, alts::change, alts::delete))
        .routes(routes!(alts::versions))
        .routes(routes!(eggs::read))
        .routes(routes!(eggs::lint))
        .routes(routes!(eggs::write))
}

/// Servers, their power and console.
fn steered() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(servers::list, servers::create))
        .routes(routes!(servers::get, servers::change, servers::delete))
        .routes(routes!(servers::status))
        .routes(routes!(servers::forget))
        .routes(routes!(servers::install))
        .routes(routes!(servers::reinstall))
        .routes(routes!(servers::suspend))
        .routes(routes!(servers::unsuspend))
        .routes(routes!(people::list))
        .routes(routes!(power::power))
        .routes(routes!(console::read))
        .routes(routes!(console::command))
}

/// Their files.
fn filed() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(files::list))
        .routes(routes!(files::stat))
        .routes(routes!(files::content))
        .routes(routes!(files::search))
        .routes(routes!(files::usage))
        .routes(routes!(files::change::write))
        .routes(routes!(files::change::folder))
        .routes(routes!(files::change::rename))
        .routes(routes!(files::change::copy))
        .routes(routes!(files::change::delete))
        .routes(routes!(files::change::mode))
        .routes(routes!(files::change::compress))
        .routes(routes!(files::change::extract))
        .routes(routes!(files::upload::list, files::upload::begin))
        .routes(routes!(files::upload::get, files::upload::append, files::upload::abort))
        .routes(routes!(files::upload::finish))
        .routes(routes!(files::download::download))
        .routes(routes!(files::download::link))
        .routes(routes!(files::download::follow))
}

/// How they are doing, and what is done to them by the clock.
fn watched() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(monitoring::metrics))
        .routes(routes!(monitoring::overview))
        .routes(routes!(monitoring::rules, monitoring::create))
        .routes(routes!(monitoring::rule, monitoring::change, monitoring::delete))
        .routes(routes!(monitoring::alerts))
        .routes(routes!(schedules::list))
        .routes(routes!(schedules::set, schedules::delete))
        .routes(routes!(schedules::run))
        .routes(routes!(schedules::runs))
}

/// Ports of machines.
fn listening() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(ports::list, ports::create))
        .routes(routes!(ports::delete))
        .routes(routes!(ports::assign))
        .routes(routes!(ports::unassign))
        .routes(routes!(ports::make_default))
}
