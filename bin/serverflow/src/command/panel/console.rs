//! `servers console` and `servers send`: what a server says, and what it is told.

use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Client, followed};
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::run;
use crate::screen::{Tone, plain};
use crate::value;

/// Arguments of `servers console`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// Go on with new lines.
    #[arg(short, long)]
    follow: bool,
    /// Last lines to begin with.
    #[arg(long, default_value_t = 100, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    tail: u16,
    /// Lines after this number.
    #[arg(long, value_name = "SEQ", conflicts_with = "tail")]
    since_seq: Option<u64>,
}

/// Arguments of `servers send`.
#[derive(Debug, clap::Args)]
pub struct Send {
    /// Name or id of the server.
    #[arg(value_name = "SERVER")]
    which: String,
    /// The line; several words are joined by spaces.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    line: Vec<String>,
}

/// Prints lines.
///
/// # Errors
/// The control plane's; while following, one that is away is waited for.
pub async fn read(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let server = find_id(&client, "/servers", &args.which).await?;
    let topics = vec![format!("console:{server}"), format!("server:{server}")];
    let mut reader =
        Reader { context, client: &client, path: format!("/servers/{server}/console"), after: args.since_seq };
    if reader.after.is_none() {
        let newest = reader.page(&[("lines", args.tail.to_string())]).await?;
        reader.after.get_or_insert(newest);
    }
    reader.rest().await?;
    if !args.follow {
        return Ok(Exit::Succeeded);
    }
    tokio::select! {
        failed = followed(context, &client, topics, "it cannot be reached", async || reader.rest().await) => Err(failed),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Succeeded),
    }
}

/// Writes a line, and says what became of it.
///
/// # Errors
/// The control plane's.
pub async fn send(context: &Context, args: Send) -> Done {
    let client = context.client()?;
    let server = find_id(&client, "/servers", &args.which).await?;
    let body = json!({ "line": args.line.join(" ") });
    let answer = client.write(Method::POST, &format!("/servers/{server}/command"), Some(&body)).await?;
    run::settle(context, &client, &answer, true).await
}

struct Reader<'a> {
    context: &'a Context,
    client: &'a Client,
    path: String,
    /// The last line that was printed; none before the first page.
    after: Option<u64>,
}

impl Reader<'_> {
    /// Prints a page; answers the number of the newest line there is.
    async fn page(&mut self, query: &[(&str, String)]) -> Result<u64, Failure> {
        let answer = self.client.get(&self.path, query).await?.data;
        let screen = self.context.screen;
        let oldest = value::number(&answer, "/oldest").unwrap_or(0);
        if let Some(after) = self.after.filter(|after| after + 1 < oldest) {
            let lost = oldest - after - 1;
            screen.event(&json!({ "dropped": lost }));
            screen.say(&screen.paint(Tone::Warn, &format!("— {lost} lines are no longer kept —")));
        }
        for line in answer.get("lines").map_or(&[][..], value::items) {
            self.show(line);
        }
        Ok(value::number(&answer, "/newest").unwrap_or(0))
    }

    fn show(&mut self, line: &Value) {
        let screen = self.context.screen;
        self.after = value::number(line, "/sequence").or(self.after);
        screen.event(line);
        // What a server says must not steer the terminal of whoever reads it.
        let text = plain(&value::text(line, "/text"));
        let note = value::word(line, "/stream") == "note";
        let text = if note { screen.paint(Tone::Dim, &text) } else { text };
        screen.say(&format!("{} {text}", screen.paint(Tone::Dim, &value::clock(line, "/at"))));
    }

    /// Reads page after page until nothing is new.
    async fn rest(&mut self) -> Result<(), Failure> {
        loop {
            let before = self.after;
            let newest = self.page(&[("after", before.unwrap_or(0).to_string()), ("lines", "1000".to_owned())]).await?;
            if self.after == before || self.after >= Some(newest) {
                return Ok(());
            }
        }
    }
}
