//! REST and WebSocket over the application, and nothing more: parse, propose or ask, map.
//!
//! Floor 6. [`sf_control::Control`] is the only door for changes. This crate must never know a table's SQL, a rule of
//! policy or a node's protocol beyond the shapes it shows.
//!
//! Start reading at [`router`] (every route and every layer), then any handler in [`route`], then [`ws`].

pub mod exchange;
pub mod layer;
mod metrics;
pub mod openapi;
pub mod options;
pub mod rate;
pub mod reference;
pub mod route;
pub mod router;
pub mod serve;
mod state;
pub mod view;
pub mod ws;

pub use axum::Router;
pub use exchange::{body, caller, envelope, fault, request};
pub use options::ApiOptions;
pub use route::dashboard;
pub use router::{router, router_beside};
pub use serve::{Patience, ServeError, Serving, serve};
pub use state::Api;
