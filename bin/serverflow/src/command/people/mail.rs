//! `mail`: whether mail goes.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `mail`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The server, what waits, and what stands in its way (the default)
    Show,
    /// Send a letter that says nothing but that mail arrives
    Test {
        /// To which address.
        to: String,
    },
}

/// Runs `mail`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    match args.command.unwrap_or(Command::Show) {
        Command::Show => {
            let state = client.get("/mail", &[]).await?.data;
            context.screen.answer(&state, facts);
        }
        Command::Test { to } => {
            let sent = client.write(Method::POST, "/mail/test", Some(&json!({ "to": to }))).await?;
            context
                .screen
                .answer(&sent, |_| format!("A letter is on its way to {to}. `serverflow mail` tells how it went."));
        }
    }
    Ok(Exit::Succeeded)
}

fn facts(state: &Value) -> String {
    if state.pointer("/configured") != Some(&Value::Bool(true)) {
        return "There is no mail server: links are shown to whoever asks for them. See [mail] in serverflow.toml."
            .to_owned();
    }
    let mut table = Table::facts();
    for (name, pointer) in
        [("server", "/host"), ("from", "/from"), ("waiting", "/waiting"), ("last error", "/lastError")]
    {
        table.fact(name, value::text(state, pointer));
    }
    table.print()
}
