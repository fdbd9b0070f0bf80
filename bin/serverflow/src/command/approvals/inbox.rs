//! `inbox`: the stack of what needs you, and your word on it.

mod decide;
mod details;
mod meant;

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value, json};
use sf_engine::workflow::Span;

use super::span;
use crate::context::Context;
use crate::failure::{Done, Exit};
use crate::screen::Table;
use crate::value;
use decide::Verb;

/// Cards shown unless told otherwise.
const SHOWN: u16 = 20;
/// What somebody reads who has nothing to do.
const EMPTY: &str = "\
Nothing needs you.
Cards come here when a proposal waits for a person, a run has failed, an automatic run is to be looked back at, or a
machine or an app is in trouble. See what runs by itself here: serverflow routing show";

/// Arguments of `inbox`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Your cards, newest first; machines and apps in trouble before all others (the default)
    List {
        /// Only these: approval, failed, review, alert.
        #[arg(long)]
        kind: Option<String>,
        /// Cards at the most.
        #[arg(long, default_value_t = SHOWN)]
        limit: u16,
        /// Go on after this cursor, from the page before.
        #[arg(long, value_name = "CURSOR")]
        after: Option<String>,
    },
    /// One card with all that helps to decide
    Show {
        /// Its id, or its run's.
        id: String,
    },
    /// Let what waits go ahead after 5 s, or say that an automatic run was right
    Approve(DecideArgs),
    /// Refuse what waits, or say that an automatic run was not right
    Reject(DecideArgs),
    /// Take your decision back while it is held
    Undo {
        /// The card's id, or its run's.
        id: String,
    },
    /// Put a card aside, for you alone
    Snooze {
        /// Its id, or its run's.
        id: String,
        /// How long, up to 30 days: 30m, 4h, 7d.
        #[arg(long = "for", value_name = "SPAN", value_parser = span::span, default_value = "1h")]
        length: Span,
        /// For good; only what waits for no decision.
        #[arg(long, conflicts_with = "length")]
        for_good: bool,
    },
}

#[derive(Debug, clap::Args)]
struct DecideArgs {
    /// The card's id, or its run's.
    id: String,
    /// Why, for the record.
    #[arg(long)]
    comment: Option<String>,
}

/// Runs `inbox`.
///
/// # Errors
/// The control plane's.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = &context.client()?;
    match args.command.unwrap_or(Command::List { kind: None, limit: SHOWN, after: None }) {
        Command::List { kind, limit, after } => {
            let mut query = vec![("limit", limit.to_string())];
            query.extend(kind.map(|kind| ("kind", kind)));
            query.extend(after.map(|cursor| ("after", cursor)));
            let (cards, next) = client.page("/inbox", &query).await?;
            context.screen.answer(&json!({ "items": cards, "next": next }), table);
        }
        Command::Show { id } => {
            let card = meant::card(client, &id).await?;
            context.screen.answer(&card, details::all);
        }
        Command::Approve(DecideArgs { id, comment }) => {
            decide::decide(context, client, &id, Verb::Approve, comment).await?;
        }
        Command::Reject(DecideArgs { id, comment }) => {
            decide::decide(context, client, &id, Verb::Reject, comment).await?;
        }
        Command::Undo { id } => decide::undo(context, client, &id).await?,
        Command::Snooze { id, length, for_good } => {
            let card = meant::card(client, &id).await?;
            let until = (!for_good).then(|| span::after(&[length]));
            let path = format!("/inbox/{}/aside", value::text(&card, "/card/id"));
            let done = client.write(Method::PUT, &path, Some(&json!({ "until": until }))).await?;
            context.screen.answer(&done, |_| {
                let what = details::what(&card);
                match for_good {
                    true => format!("{what} is not shown to you any more."),
                    false => format!("{what} is not shown to you for {length}; others see it as before."),
                }
            });
        }
    }
    Ok(Exit::Succeeded)
}

fn table(page: &Value) -> String {
    let mut table = Table::new(&["SINCE", "KIND", "WHAT", "WHO", "SURE", "NOTE", "ID"]);
    for card in value::items(page) {
        let at = |pointer| value::text(card, pointer);
        let card_of = json!({ "card": card });
        let note = notes(card);
        let note = if note.is_empty() { value::NOTHING.to_owned() } else { note.join(", ") };
        let who = details::who(card);
        table.row([
            value::moment(card, "/at"),
            at("/kind"),
            details::what(&card_of),
            who,
            at("/confidence"),
            note,
            at("/id"),
        ]);
    }
    let more = value::maybe(page, "/next").map_or_else(String::new, |next| {
        format!("\nThere is more: serverflow inbox list --after {}", crate::screen::plain(&next))
    });
    format!("{}{more}", table.or(if more.is_empty() { EMPTY } else { "Nothing for you on this page." }))
}

/// What to know of a card before looking at it.
fn notes(card: &Value) -> Vec<String> {
    let mut notes = Vec::new();
    let is = |field: &str| card[field] == true;
    notes.extend(is("dangerous").then(|| "dangerous".to_owned()));
    notes.extend(is("pressing").then(|| "pressing".to_owned()));
    if let Some(needed) = value::number(card, "/quorum/needed") {
        notes.push(format!("{} of {needed} agreed", value::text(card, "/quorum/given")));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(change: impl FnOnce(&mut Value)) -> Value {
        let mut card = json!({
            "id": "c1", "kind": "approval", "action": "app.deploy", "title": "Deploy an app", "about": "shop",
            "at": "2026-11-21T06:27:41.007Z", "confidence": null, "dangerous": false, "pressing": false, "quorum": null,
            "proposer": { "kind": "ai", "name": "Ada" },
        });
        change(&mut card);
        card
    }

    #[test]
    fn a_stack_says_what_to_know_before_looking() {
        let plain = table(&json!({ "items": [card(|_| {})], "next": null }));
        assert!(plain.contains("Deploy an app: shop  AI agent of Ada  -     -     c1"), "{plain}");
        assert!(!plain.contains("There is more"), "{plain}");
        let more = card(|card| {
            (card["dangerous"], card["pressing"], card["confidence"]) = (true.into(), true.into(), 64.into());
            card["quorum"] = json!({ "needed": 2, "given": 1 });
        });
        let shown = table(&json!({ "items": [more], "next": "c\u{1b}1" }));
        assert!(shown.contains("64    dangerous, pressing, 1 of 2 agreed  c1"), "{shown}");
        assert!(shown.contains("There is more: serverflow inbox list --after c\u{fffd}1"), "{shown}");
    }

    #[test]
    fn an_empty_stack_teaches_and_an_empty_page_does_not_lie() {
        assert_eq!(table(&json!({ "items": [], "next": null })), EMPTY);
        let page = table(&json!({ "items": [], "next": "c1" }));
        assert!(page.starts_with("Nothing for you on this page.") && page.contains("--after c1"), "{page}");
    }
}
