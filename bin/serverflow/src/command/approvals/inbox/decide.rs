//! One person's word on a card, bound to what the card shows.

use reqwest::Method;
use serde_json::{Value, json};

use super::{details, meant};
use crate::client::Client;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::run;
use crate::value;

/// What is said.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// It may.
    Approve,
    /// It may not.
    Reject,
}

impl Verb {
    const fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
        }
    }
}

/// Gives one's voice on what waits, or one's opinion of what ran by itself.
///
/// # Errors
/// Nothing waits; somebody was faster; it has expired or moved; the voice does not count.
pub async fn decide(
    context: &Context,
    client: &Client,
    wanted: &str,
    verb: Verb,
    comment: Option<String>,
) -> Result<(), Failure> {
    let card = meant::card(client, wanted).await?;
    match value::text(&card, "/card/kind").as_str() {
        "approval" => voice(context, client, &card, verb, comment).await,
        "review" => review(context, client, &card, verb, comment).await,
        _ => Err(nothing(&card)),
    }
}

async fn voice(
    context: &Context,
    client: &Client,
    card: &Value,
    verb: Verb,
    comment: Option<String>,
) -> Result<(), Failure> {
    let (id, run) = (value::text(card, "/card/id"), value::text(card, "/card/runId"));
    let body = json!({ "hash": value::text(card, "/card/hash"), "comment": comment });
    let path = format!("/runs/{run}/{}", verb.word());
    let decided = match client.write(Method::POST, &path, Some(&body)).await {
        Ok(decided) => decided,
        Err(failure) => return Err(instead(client, &run, failure).await),
    };
    // It is decided whether or not it can be read afterwards.
    let (after, now) = client.get_timed(&format!("/inbox/{id}")).await.unwrap_or_default();
    let answer = json!({ "run": decided, "details": after });
    context.screen.answer(&answer, |_| said(card, &after, &decided, verb, now.as_deref()));
    Ok(())
}

/// What has become of it, as a sentence.
fn said(card: &Value, after: &Value, run: &Value, verb: Verb, now: Option<&str>) -> String {
    let (what, id) = (details::what(card), value::text(card, "/card/id"));
    let state = value::word(after, "/approval/state");
    if state == "open" || state == "escalated" {
        let number = |pointer| value::number(after, pointer).unwrap_or_default();
        let missing = number("/card/quorum/needed").saturating_sub(number("/card/quorum/given"));
        let people =
            if missing == 1 { "one more person has".to_owned() } else { format!("{missing} more people have") };
        return format!("Your voice counts; {people} to agree before {what} goes ahead.");
    }
    let held = value::maybe(after, "/heldUntil").or_else(|| value::maybe(run, "/heldUntil"));
    let seconds = held.zip(now).and_then(|(held, now)| run::millis_between(now, &held)).map(left);
    match (verb, seconds) {
        (Verb::Approve, Some(left)) => {
            format!("{what} goes ahead in {left} s; take it back with `serverflow inbox undo {id}`.")
        }
        (Verb::Reject, Some(left)) => {
            format!("{what} is refused in {left} s; take it back with `serverflow inbox undo {id}`.")
        }
        (Verb::Approve, None) => format!("{what} goes ahead."),
        (Verb::Reject, None) => format!("{what} is refused."),
    }
}

/// Seconds left of these milliseconds, never none.
const fn left(millis: i64) -> i64 {
    let seconds = (millis + 999) / 1000;
    if seconds < 1 { 1 } else { seconds }
}

/// A refusal that names the card that is there now, where another one has taken the place of the one that was shown.
async fn instead(client: &Client, run: &str, failure: Failure) -> Failure {
    if failure.code != "approval.moved" {
        return failure;
    }
    match meant::of_run(client, run).await {
        Ok(Some(card)) => {
            failure.fix(format!("Look at what waits now, and decide on that: serverflow inbox show {card}"))
        }
        _ => failure
            .fix(format!("Nothing of this run waits any more. See what became of it: serverflow runs show {run}")),
    }
}

async fn review(
    context: &Context,
    client: &Client,
    card: &Value,
    verb: Verb,
    comment: Option<String>,
) -> Result<(), Failure> {
    let body = json!({ "good": verb == Verb::Approve, "comment": comment });
    let path = format!("/runs/{}/review", value::text(card, "/card/runId"));
    let run = client.write(Method::POST, &path, Some(&body)).await?;
    context.screen.answer(&json!({ "run": run }), |_| {
        let what = details::what(card);
        match verb {
            Verb::Approve => format!("{what}: it was right that it ran. That counts for the next ones."),
            Verb::Reject => format!("{what}: it should have asked. That counts against the next ones."),
        }
    });
    Ok(())
}

fn nothing(card: &Value) -> Failure {
    let what = details::what(card);
    let fix = match value::maybe(card, "/card/runId") {
        Some(run) => format!(
            "See what became of it: serverflow runs show {run}. Put its card aside: serverflow inbox snooze {run} --for-good"
        ),
        None => "Look at the machine: serverflow nodes".to_owned(),
    };
    Failure::new(Exit::Failed, "approval.none", format!("{what} does not wait for a person.")).fix(fix)
}

/// Takes one's decision back while it is held.
///
/// # Errors
/// Nobody has decided; somebody else has; it has begun.
pub async fn undo(context: &Context, client: &Client, wanted: &str) -> Result<(), Failure> {
    let card = meant::decided(client, wanted).await?;
    if !meant::is_of_approval(&card) {
        return Err(nothing(&card));
    }
    let (id, run) = (value::text(&card, "/card/id"), value::text(&card, "/card/runId"));
    if matches!(value::word(&card, "/approval/state").as_str(), "open" | "escalated") {
        let message = format!("Nothing is decided yet about {}.", details::what(&card));
        return Err(Failure::new(Exit::Failed, "approval.undecided", message)
            .fix(format!("Look at it: serverflow inbox show {id}")));
    }
    let body = json!({ "hash": value::text(&card, "/card/hash") });
    let reopened = client.write(Method::POST, &format!("/runs/{run}/reopen"), Some(&body)).await?;
    // A run that waits again does so with a card of its own.
    let now = meant::of_run(client, &run).await.ok().flatten();
    let answer = json!({ "run": reopened, "cardId": now });
    context.screen.answer(&answer, |_| {
        let now = now.as_deref().unwrap_or(&id);
        format!("Taken back: {} waits for a decision again: serverflow inbox show {now}", details::what(&card))
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Option<&str> = Some("2026-11-21T06:27:41.007Z");

    fn check(after: Value, verb: Verb, expected: &str) {
        let card = json!({ "card": { "id": "c1", "title": "Deploy an app", "about": "shop" } });
        assert_eq!(said(&card, &after, &json!({ "state": "ready" }), verb, NOW), expected);
    }

    #[test]
    fn what_became_of_it_is_said_as_it_is() {
        let held = json!({ "approval": { "state": "decided" }, "heldUntil": "2026-11-21T06:27:45.900Z" });
        let undo = "take it back with `serverflow inbox undo c1`.";
        check(held.clone(), Verb::Approve, &format!("Deploy an app: shop goes ahead in 5 s; {undo}"));
        check(held, Verb::Reject, &format!("Deploy an app: shop is refused in 5 s; {undo}"));
        let decided = json!({ "approval": { "state": "decided" }, "heldUntil": null });
        check(decided.clone(), Verb::Reject, "Deploy an app: shop is refused.");
        check(decided, Verb::Approve, "Deploy an app: shop goes ahead.");
        let counted = |needed: u8, given: u8| json!({ "approval": { "state": "escalated" }, "card": { "quorum": { "needed": needed, "given": given } } });
        let before = "to agree before Deploy an app: shop goes ahead.";
        check(counted(2, 1), Verb::Approve, &format!("Your voice counts; one more person has {before}"));
        check(counted(4, 1), Verb::Approve, &format!("Your voice counts; 3 more people have {before}"));
        check(Value::Null, Verb::Approve, "Deploy an app: shop goes ahead.");
    }

    #[test]
    fn no_hold_is_shorter_than_a_second_on_screen() {
        for (millis, seconds) in [(4_893, 5), (5_000, 5), (1, 1), (0, 1)] {
            assert_eq!(left(millis), seconds, "{millis}");
        }
    }
}
