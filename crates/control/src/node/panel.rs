//! The panel between its rows and its nodes: templates are resolved here, and a node's word on a server is taken in.
//!
//! A change of rows is in [`perform`], an order for a node in [`order`], its word in [`heard`]; [`placement`] and
//! [`resolve`] are pure.

pub(crate) mod alerts;
pub(crate) mod console;
mod files;
pub(crate) mod heard;
pub(crate) mod order;
pub(crate) mod perform;
pub(crate) mod placement;
pub(crate) mod ports;
pub(crate) mod resolve;
pub(crate) mod rules;
pub(crate) mod secrets;
pub(crate) mod templates;
pub(crate) mod told;
pub(crate) mod transfers;
