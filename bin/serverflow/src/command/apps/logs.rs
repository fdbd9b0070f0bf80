//! `logs`: lines of an app, followed across broken connections without a gap or a repetition.

use serde_json::{Value, json};

use crate::client::{Client, followed};
use crate::context::{Context, find_id};
use crate::failure::{Done, Exit, Failure};
use crate::screen::{Tone, plain};
use crate::value;

/// Arguments of `logs`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Name or id of the app.
    app: String,
    /// Go on with new lines.
    #[arg(short, long)]
    follow: bool,
    /// Last lines to begin with.
    #[arg(long, default_value_t = 100, value_name = "N", conflicts_with = "since_seq")]
    tail: u32,
    /// Lines after this sequence number.
    #[arg(long, value_name = "SEQ")]
    since_seq: Option<u64>,
    /// Only lines that contain this.
    #[arg(short, long, value_name = "TEXT")]
    query: Option<String>,
}

/// Prints lines.
///
/// # Errors
/// The control plane's; while following, one that is away is waited for.
pub async fn run(context: &Context, args: Args) -> Done {
    let client = context.client()?;
    let app = find_id(&client, "/apps", &args.app).await?;
    let topics = vec![format!("logs:app:{app}")];
    let mut reader = Reader {
        context,
        client: &client,
        app: format!("/apps/{app}"),
        path: format!("/apps/{app}/logs"),
        filter: args.query,
        after: 0,
        release: None,
    };
    reader.release = reader.live().await?;
    match args.since_seq {
        Some(after) => reader.after = after,
        None => reader.begin(args.tail).await?,
    }
    reader.rest().await?;
    if !args.follow {
        return Ok(Exit::Succeeded);
    }
    tokio::select! {
        failed = followed(context, &client, topics, "the control plane is away", async || reader.rest().await) => {
            Err(failed)
        }
        _ = tokio::signal::ctrl_c() => Ok(Exit::Succeeded),
    }
}

struct Reader<'a> {
    context: &'a Context,
    client: &'a Client,
    app: String,
    path: String,
    filter: Option<String>,
    after: u64,
    /// Whose log is read: numbers begin anew with each release.
    release: Option<String>,
}

impl Reader<'_> {
    async fn begin(&mut self, tail: u32) -> Result<(), Failure> {
        let answer = self.read(("tail", tail.to_string())).await?;
        self.show(&answer);
        Ok(())
    }

    async fn live(&self) -> Result<Option<String>, Failure> {
        let app = self.client.get(&self.app, &[]).await?.data;
        Ok(app.pointer("/liveRelease/id").and_then(Value::as_str).map(str::to_owned))
    }

    /// Reads page after page until nothing is new; a new release is read from its first line.
    async fn rest(&mut self) -> Result<(), Failure> {
        let live = self.live().await?;
        if live != self.release {
            (self.release, self.after) = (live, 0);
        }
        loop {
            let before = self.after;
            let answer = self.read(("after", before.to_string())).await?;
            self.show(&answer);
            if self.after == before {
                return Ok(());
            }
        }
    }

    async fn read(&self, from: (&str, String)) -> Result<Value, Failure> {
        let mut query = vec![from];
        query.extend(self.filter.clone().map(|text| ("q", text)));
        query.extend(self.release.clone().map(|release| ("release", release)));
        Ok(self.client.get(&self.path, &query).await?.data)
    }

    fn show(&mut self, answer: &Value) {
        let screen = self.context.screen;
        if let Some(dropped) = value::number(answer, "/dropped").filter(|dropped| *dropped > 0) {
            screen.event(&json!({ "dropped": dropped }));
            screen.say(&screen.paint(Tone::Warn, &format!("— {dropped} lines were dropped by the log's size limit —")));
        }
        for line in value::items(answer.get("lines").unwrap_or(answer)) {
            let sequence = value::number(line, "/sequence").unwrap_or(0);
            if sequence <= self.after && self.after != 0 {
                continue;
            }
            self.after = sequence;
            screen.event(line);
            let text = plain(&value::text(line, "/text"));
            let stderr = matches!(value::word(line, "/stream").as_str(), "err" | "stderr");
            let text = if stderr { screen.paint(Tone::Warn, &text) } else { text };
            screen.say(&format!("{} {text}", screen.paint(Tone::Dim, &value::clock(line, "/at"))));
        }
    }
}
