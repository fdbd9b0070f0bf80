//! `deputy`: who decides instead of you while you are away.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_engine::workflow::Span;

use super::span;
use crate::command::people::users;
use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;

/// Arguments of `deputy`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Your deputies, and for whom you are one (the default)
    List,
    /// Name somebody who decides instead of you, where you may decide
    Name {
        /// Address or id.
        user: String,
        /// How long, up to 90 days: 8h, 14d.
        #[arg(long = "for", value_name = "SPAN", value_parser = span::span)]
        length: Span,
        /// Not from now on, but after so long.
        #[arg(long, value_name = "SPAN", value_parser = span::span)]
        starts_in: Option<Span>,
    },
    /// Take a deputy back; both of you may
    Remove {
        /// Its id, from the list.
        id: String,
    },
}

/// Runs `deputy`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = &context.client()?;
    match args.command.unwrap_or(Command::List) {
        Command::List => {
            let deputies = client.get("/deputies", &[]).await?.data;
            // Who may see nobody sees ids.
            let people = client.list("/users", &[]).await.unwrap_or_default();
            context.screen.answer(&deputies, |deputies| table(deputies, &people));
        }
        Command::Name { user, length, starts_in } => {
            let starts = starts_in.map(|starts| span::after(&[starts]));
            let ends = span::after(&starts_in.into_iter().chain([length]).collect::<Vec<_>>());
            let body = json!({ "to": users::find(client, &user).await?, "startsAt": starts, "endsAt": ends });
            let named = client.write(Method::POST, "/deputies", Some(&body)).await?;
            context.screen.answer(&named, |named| {
                let (from, until) = (value::moment(named, "/startsAt"), value::moment(named, "/endsAt"));
                format!("{user} may decide where you may, from {from} until {until} (UTC).\nTake it back: serverflow deputy remove {}", value::text(named, "/id"))
            });
        }
        Command::Remove { id } => {
            let gone = client.write(Method::DELETE, &format!("/deputies/{id}"), None).await?;
            context.screen.answer(&gone, |_| "Taken back: nobody decides by that any more.".to_owned());
        }
    }
    Ok(Exit::Succeeded)
}

fn table(deputies: &Value, people: &[Value]) -> String {
    let name = |id: String| {
        let found = people.iter().find(|user| value::text(user, "/id") == id);
        found.map_or(id, |user| value::text(user, "/email"))
    };
    let mut table = Table::new(&["INSTEAD OF", "DECIDES", "FROM", "UNTIL", "ID"]);
    for deputy in value::items(deputies) {
        let at = |pointer| value::text(deputy, pointer);
        let (from, until) = (value::moment(deputy, "/startsAt"), value::moment(deputy, "/endsAt"));
        table.row([name(at("/fromUserId")), name(at("/toUserId")), from, until, at("/id")]);
    }
    table.or("Nobody decides for you, and you for nobody. Name somebody: serverflow deputy name EMAIL --for 14d")
}
