//! Whether apps and servers run, and what is written to a console.

use serde_json::json;
use sf_types::ErrorKind;

use super::super::asked::{Asked, Result, Said, refuse};
use super::super::names::{Kind, resolve};
use super::super::verdict::propose;
use super::{about, action};

/// Start and restart: nothing is lost by them.
pub(in crate::tools) async fn process(asked: &Asked<'_>) -> Result<Said> {
    power(asked, asked.input.required("do")?).await
}

/// Stop and kill.
pub(in crate::tools) async fn stop(asked: &Asked<'_>) -> Result<Said> {
    power(asked, asked.input.text("how").unwrap_or("stop")).await
}

async fn power(asked: &Asked<'_>, verb: &str) -> Result<Said> {
    let thing = resolve(asked, &[Kind::App, Kind::Server], asked.input.required("target")?).await?;
    if thing.kind == Kind::App && verb == "kill" {
        let message = "An app is stopped, never killed: its own grace period ends it.";
        return refuse(ErrorKind::Invalid, "process.kill", message, "Call `stop` with how: stop.");
    }
    let (family, field) = if thing.kind == Kind::App { ("app", "app") } else { ("server", "server") };
    let action = action(&format!("{family}.{verb}"), json!({ field: thing.id }))?;
    propose(asked, action, &about(&thing)).await
}

pub(in crate::tools) async fn console(asked: &Asked<'_>) -> Result<Said> {
    let server = resolve(asked, &[Kind::Server], asked.input.required("server")?).await?;
    let action = action("server.command", json!({ "server": server.id, "line": asked.input.required("line")? }))?;
    propose(asked, action, &about(&server)).await
}
