//! What the outside sees of each noun: a file each, mapped from the domain. Nothing here decides anything.

pub mod activity;
pub mod app;
pub mod approval;
pub mod log;
pub mod metrics;
pub(crate) mod names;
pub mod node;
pub mod panel;
pub mod plan;
pub mod release;
pub mod run;
pub mod secret;
pub mod settings;
pub mod user;
pub mod workflow;

pub use user::sign_in;

use serde::{Serialize, Serializer};
use sf_types::{Fault, Timestamp};
use utoipa::ToSchema;

pub use app::project;
pub use approval::{inbox, routing};
pub use user::{host, notification, person, rights, tenant};

/// RFC 3339 with milliseconds, UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ToSchema)]
#[schema(value_type = String, format = DateTime, example = "2026-11-21T06:27:41.007Z")]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Why something failed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FaultView {
    /// Coarse kind: `conflict`.
    #[schema(value_type = String)]
    pub kind: sf_types::ErrorKind,
    /// Stable, dotted: `deploy.build_failed`.
    pub code: String,
    /// What happened and why.
    pub message: String,
    /// What to do; empty where nothing can be done.
    pub fix: String,
}

impl From<Fault> for FaultView {
    fn from(fault: Fault) -> Self {
        let Fault { kind, code, message, fix, findings: _ } = fault;
        Self { kind, code, message, fix }
    }
}

/// An answer that says nothing but that it was done.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct Nothing {}

/// The word under which `value` appears in JSON: for closed lists without arguments.
pub(crate) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(other) => other.to_string(),
        Err(_) => String::new(),
    }
}
