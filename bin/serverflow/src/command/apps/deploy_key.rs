//! `deploy-key`: what an app's node opens the app's repository with.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use crate::clone;
use crate::command::deploy::plan;
use crate::context::{Context, find};
use crate::failure::{Done, Exit};
use crate::value;

/// Arguments of `deploy-key`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Its public half, for the git host
    Show {
        /// Name or id of the app.
        app: String,
    },
    /// Make one, and print its public half
    Create {
        /// Name or id of the app.
        app: String,
        /// Show what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Delete it: the node's own key is used again
    Delete {
        /// Name or id of the app.
        app: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Show what would happen.
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs `deploy-key`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let (Command::Show { app } | Command::Create { app, .. } | Command::Delete { app, .. }) = &args.command;
    let app = find(&client, "/apps", app).await?;
    let path = format!("/apps/{}/deploy-key", value::text(&app, "/id"));
    let (method, dry_run) = match args.command {
        Command::Show { .. } => {
            let shown = client.get(&path, &[]).await?.data;
            context.screen.answer(&shown, public);
            return Ok(Exit::Succeeded);
        }
        Command::Create { dry_run, .. } => (Method::POST, dry_run),
        Command::Delete { yes, dry_run, .. } => {
            let name = value::text(&app, "/name");
            if !yes && !dry_run && !clone::agreed(&format!("Delete the deploy key of {name}?"))? {
                return Ok(Exit::Refused);
            }
            (Method::DELETE, dry_run)
        }
    };
    if dry_run {
        let answer = client.write_with(method, &path, &[("dryRun", "true".into())], None).await?;
        context.screen.answer(&answer, plan);
        return Ok(Exit::Succeeded);
    }
    let answer = client.write(method.clone(), &path, None).await?;
    context.screen.answer(&answer, |answer| match method {
        Method::DELETE => "It is deleted. Take its public half away from the git host, too.".to_owned(),
        _ => {
            format!("{}\nAdd it to the repository at the git host as a deploy key; reading is enough.", public(answer))
        }
    });
    Ok(Exit::Succeeded)
}

fn public(shown: &Value) -> String {
    let none = "The app has no deploy key: the node's own key opens its repository. Make one: serverflow deploy-key create APP";
    value::maybe(shown, "/key/publicKey").unwrap_or_else(|| none.to_owned())
}
