//! `config`: the effective configuration.

use serde_json::json;

use crate::config::Config;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};

/// Prints the configuration as it would hold, secrets masked.
///
/// # Errors
/// What `server` would refuse to start with.
pub fn run(context: &Context) -> Done {
    let shown = Config::load(context.config_file().as_deref())?.masked();
    let text = toml::to_string_pretty(&shown)
        .map_err(|error| Failure::new(Exit::Failed, "config.print", format!("It cannot be printed: {error}.")))?;
    context.screen.answer(&json!(shown), |_| text);
    Ok(Exit::Succeeded)
}
