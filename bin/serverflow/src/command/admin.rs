//! `admin`: what works on the control plane's data folder, without signing in: whoever may read that folder owns it.

use clap::Subcommand;
use serde_json::json;
use sf_control::keys::raise_epoch;
use sf_control::sign_in::{GIVEN_PASSWORD_LIFETIME, reset_factors, reset_password};
use sf_control::tenancy;
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::Store;
use sf_types::{Email, Name};

use crate::clone::Place;
use crate::config::Config;
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::plane::STOP_WITHIN;

/// Hours that a printed password is good.
const GOOD_FOR_HOURS: u64 = GIVEN_PASSWORD_LIFETIME.as_secs() / 3600;

/// Arguments of `admin`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    /// The data folder; this clone's, where `up` made one, or the configured one otherwise.
    #[arg(long, value_name = "DIR")]
    data: Option<std::path::PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Give somebody a new password, printed once, and end their sessions
    ResetPassword {
        /// Who; the first administrator otherwise.
        email: Option<String>,
    },
    /// Take somebody's second factors and recovery codes away, so that their password alone lets them in
    ResetFactors {
        /// Who; the first administrator otherwise.
        email: Option<String>,
    },
    /// Raise the epoch after a restore from a backup, so that nodes accept new numbers
    RaiseEpoch,
    /// Let several teams live here, each apart from the others, or (with one team) no longer; nothing is lost
    MultiTenant {
        /// `on` or `off`.
        state: Switch,
    },
    /// The teams of this installation
    Teams,
    /// Make a team and its owner, whose password is printed once
    CreateTeam {
        /// What it is called.
        name: Name,
        /// Address of its owner.
        email: Email,
        /// What the owner is called; the address otherwise.
        #[arg(long)]
        owner: Option<Name>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum Switch {
    On,
    Off,
}

/// Runs `admin`.
///
/// # Errors
/// The database's or the keys'.
pub async fn run(context: &Context, args: Args) -> Done {
    let mut config = Config::load(context.config_file().as_deref())?;
    match args.data {
        Some(folder) => config.data.folder = folder,
        None => {
            let control = Place::here(None)?.control();
            if context.config_file().is_none() && control.is_dir() {
                config.data.folder = control;
            }
        }
    }
    if !config.data.folder.is_dir() {
        let message = format!("There is no data folder {}.", config.data.folder.display());
        return Err(Failure::usage(message).fix("Name it with --data, or give --config."));
    }
    let (options, tasks) = (config.control()?, Tasks::new());
    let (clock, rng) = (Clock::system(), Rng::system());
    let refused = |error: String| {
        Failure::new(Exit::Failed, "admin.data", format!("The data folder cannot be worked on: {error}."))
            .fix("Run this as the user who owns the data folder.")
    };
    let store = Store::open(&options.store, clock.clone(), rng.clone(), &tasks).await;
    let store = store.map_err(|error| refused(error.to_string()))?;
    match args.command {
        Command::ResetPassword { email } => {
            let (email, password) = reset_password(&store, &rng, email.as_deref()).await?;
            let document = json!({ "email": email, "password": password.expose(), "goodForHours": GOOD_FOR_HOURS });
            context.screen.answer(&document, |_| {
                format!(
                    "email     {email}\npassword  {}\n\nIt is shown once, good for {GOOD_FOR_HOURS} h, and has to be changed at \
                     the first sign-in. All sessions of {email} are ended.",
                    password.expose()
                )
            });
        }
        Command::ResetFactors { email } => {
            let (email, removed) = reset_factors(&store, email.as_deref()).await?;
            context.screen.answer(&json!({ "email": email, "removed": removed }), |_| match removed {
                0 => format!("{email} has no second factor; an unfinished sign-in was ended and the account unlocked."),
                _ => format!("{email} signs in with the password alone until they set up a new second factor."),
            });
        }
        Command::RaiseEpoch => {
            let epoch =
                raise_epoch(&options, &store, &clock, &rng).await.map_err(|error| refused(error.to_string()))?;
            context.screen.answer(&json!({ "epoch": epoch }), |_| {
                format!("The epoch is {epoch} now. It holds from the control plane's next start on.")
            });
        }
        Command::MultiTenant { state } => {
            tenancy::switch(&store, state == Switch::On).await?;
            context.screen.answer(&json!({ "multiTenant": state == Switch::On }), |_| match state {
                Switch::On => "Several teams may live here from the control plane's next start on. Make one with \
                               `serverflow admin create-team NAME EMAIL`."
                    .to_owned(),
                Switch::Off => "There is one team from now on.".to_owned(),
            });
        }
        Command::Teams => {
            let teams = tenancy::teams(&store).await?;
            let rows: Vec<_> = teams.iter().map(|team| json!({ "id": team.id, "name": team.name })).collect();
            context.screen.answer(&json!(rows), |_| {
                teams.iter().map(|team| format!("{}  {}", team.id, team.name)).collect::<Vec<_>>().join("\n")
            });
        }
        Command::CreateTeam { name, email, owner } => {
            let called = owner.unwrap_or_else(|| email.as_str().parse().unwrap_or_else(|_| name.clone()));
            let made = tenancy::create_team(&store, &rng, options.multi_tenant, &name, (&email, &called)).await?;
            let (team, password) = (made.0, made.1.expose().clone());
            let document = json!({
                "id": team.id, "email": email.to_string(), "password": password, "goodForHours": GOOD_FOR_HOURS
            });
            context.screen.answer(&document, |_| {
                format!(
                    "team      {}\nemail     {email}\npassword  {password}\n\nIt is shown once, good for \
                     {GOOD_FOR_HOURS} h, and has to be changed at the first sign-in.",
                    team.name
                )
            });
        }
    }
    drop(store);
    tasks.stop(STOP_WITHIN).await;
    Ok(Exit::Succeeded)
}
