//! A run, followed to its end: steps with their times, the live build log, the exit code by outcome.

use serde_json::{Value, json};

use crate::client::{Client, until_done};
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::screen::{Progress, Tone};
use crate::value;

/// The exit code of a run that is done.
pub fn exit_of(run: &Value) -> Exit {
    match outcome(run).as_str() {
        "succeeded" => Exit::Succeeded,
        "rolledback" => Exit::RolledBack,
        "denied" | "rejected" => Exit::Refused,
        "expired" | "cancelled" => Exit::Ended,
        _ => Exit::Failed,
    }
}

/// How a run ended, in one lower-case word; empty while it goes on.
pub fn outcome(run: &Value) -> String {
    let done = value::word(run, "/done");
    if !done.is_empty() {
        return done;
    }
    let state = value::word(run, "/state");
    let ended = ["succeeded", "failed", "rolledback", "denied", "rejected", "expired", "cancelled"];
    if ended.contains(&state.as_str()) { state } else { String::new() }
}

/// The run in an answer: `{"run": Run}`, or the run itself.
pub fn of(answer: &Value) -> &Value {
    answer.get("run").unwrap_or(answer)
}

/// Follows the run of a 202 answer to its end, unless told not to.
///
/// # Errors
/// A control plane that stays away.
pub async fn settle(context: &Context, client: &Client, answer: &Value, follow: bool) -> Done {
    let run = of(answer);
    let id = value::text(run, "/id");
    if !follow {
        context.screen.answer(run, |_| format!("Run {id} goes on. Look at it: serverflow runs show {id}"));
        return Ok(Exit::Succeeded);
    }
    tokio::select! {
        done = follow_to_end(context, client, &id) => done.map(|run| exit_of(&run)),
        _ = tokio::signal::ctrl_c() => {
            context.screen.note(&format!("The run goes on without you. Look at it: serverflow runs show {id}\n\
                                          Stop it: serverflow runs cancel {id}"));
            Ok(Exit::Interrupted)
        }
    }
}

/// Shows every step and line until the run is done; answers the run.
///
/// # Errors
/// A control plane that stays away.
pub async fn follow_to_end(context: &Context, client: &Client, id: &str) -> Result<Value, Failure> {
    let mut view = View::new(context);
    let look = async |view: &mut View<'_>| {
        let run = view.look(client, id).await?;
        if outcome(&run).is_empty() {
            return Ok(None);
        }
        view.finish(&run, &causes(client, &run).await);
        Ok(Some(run))
    };
    let topics = vec![format!("run:{id}"), format!("logs:run:{id}")];
    until_done(client, topics, &mut view, look, |view| &view.progress).await
}

/// What was shown already.
struct View<'a> {
    context: &'a Context,
    progress: Progress,
    shown: usize,
    after: u64,
    step: Option<(String, String)>,
    waiting: bool,
}

impl<'a> View<'a> {
    fn new(context: &'a Context) -> Self {
        let progress = Progress::new(context.screen);
        Self { context, progress, shown: 0, after: 0, step: None, waiting: false }
    }

    /// Reads what is new and shows it. The run is read first, so that a run that is done has shown all its lines.
    async fn look(&mut self, client: &Client, id: &str) -> Result<Value, Failure> {
        let run = client.get(&format!("/runs/{id}"), &[]).await?.data;
        let timeline = client.get(&format!("/runs/{id}/timeline"), &[]).await?.data;
        self.lines(client, id).await?;
        for entry in value::items(&timeline).iter().skip(self.shown) {
            self.entry(entry);
        }
        self.shown = self.shown.max(value::items(&timeline).len());
        self.lines(client, id).await?;
        if value::word(&run, "/state") == "waiting" && !self.waiting {
            self.waiting = true;
            let text = format!("waits for a person: serverflow runs approve {id} (or reject)");
            self.progress.line(Tone::Warn, "?", &text);
            self.progress.hint("waiting for approval");
        }
        Ok(run)
    }

    fn entry(&mut self, entry: &Value) {
        self.context.screen.event(&json!({ "timeline": entry }));
        let note = value::maybe(entry, "/note").unwrap_or_default();
        let Some(step) = value::maybe(entry, "/step") else {
            self.progress.hint(&format!("{} {note}", value::text(entry, "/kind")));
            return;
        };
        let took = self.took(&step, entry).map_or_else(String::new, seconds);
        let line = format!("{:<9} {took:>8}  {note}", words(&step));
        match value::word(entry, "/state").as_str() {
            "started" => {
                self.progress.step(&format!("{} {note}", words(&step)));
                self.step = Some((step, value::text(entry, "/at")));
            }
            "skipped" => self.progress.line(Tone::Dim, "-", line.trim_end()),
            "failed" => self.progress.line(Tone::Bad, "✗", line.trim_end()),
            _ => self.progress.line(Tone::Good, "✓", line.trim_end()),
        }
    }

    /// Milliseconds since the step at hand began, where `step` is that one.
    fn took(&mut self, step: &str, entry: &Value) -> Option<i64> {
        let (_, since) = self.step.take_if(|(at_hand, _)| at_hand == step)?;
        millis_between(&since, &value::text(entry, "/at"))
    }

    async fn lines(&mut self, client: &Client, id: &str) -> Result<(), Failure> {
        loop {
            let answer = client.get(&format!("/runs/{id}/log"), &[("after", self.after.to_string())]).await?.data;
            let lines = answer.get("lines").unwrap_or(&answer);
            let before = self.after;
            for line in value::items(lines) {
                let Some(sequence) = value::number(line, "/sequence").filter(|at| *at > self.after) else { continue };
                self.after = sequence;
                self.context.screen.event(&json!({ "log": line }));
                // Notes say what the steps say; they are for whoever reads the log alone.
                if value::word(line, "/stream") != "note" {
                    self.progress.output(&value::text(line, "/text"));
                }
            }
            if self.after == before {
                return Ok(());
            }
        }
    }

    fn finish(&self, run: &Value, causes: &[Value]) {
        if !causes.is_empty() {
            self.context.screen.event(&json!({ "causes": causes }));
        }
        self.context.screen.event(&json!({ "run": run }));
        let (tone, mark, text) = verdict(run);
        self.progress.line(tone, mark, &text);
        if let Some(message) = value::maybe(run, "/fault/message") {
            self.progress.line(Tone::Warn, " ", &message);
        }
        if let Some(fix) = value::maybe(run, "/fault/fix") {
            self.progress.line(Tone::Strong, " ", &format!("do: {fix}"));
        }
        for line in causes.first().map_or_else(String::new, explained).lines() {
            self.progress.line(Tone::Dim, " ", line);
        }
    }
}

/// The likeliest causes of a failed run. That they cannot be read is no failure of its own.
pub async fn causes(client: &Client, run: &Value) -> Vec<Value> {
    if run.pointer("/fault").is_none_or(Value::is_null) {
        return Vec::new();
    }
    let read = client.get(&format!("/runs/{}/causes", value::text(run, "/id")), &[]).await;
    read.map_or_else(|_| Vec::new(), |answer| value::items(&answer.data).to_vec())
}

/// A cause for people: what happened, the lines that show it, what to do.
pub fn explained(cause: &Value) -> String {
    let mut text = format!("why: {}\n", value::text(cause, "/what"));
    for line in cause.pointer("/lines").map_or(&[][..], value::items) {
        let said = crate::screen::plain(&value::text(line, "/text"));
        text.push_str(&format!("  {} {} | {said}\n", value::text(line, "/log"), value::text(line, "/sequence")));
    }
    for fix in cause.pointer("/fixes").map_or(&[][..], value::items) {
        text.push_str(&format!("do: {}\n", value::text(fix, "")));
    }
    text
}

/// How a run ended, as a sentence.
pub fn verdict(run: &Value) -> (Tone, &'static str, String) {
    let title = value::maybe(run, "/title").unwrap_or_else(|| value::text(run, "/action"));
    match outcome(run).as_str() {
        "succeeded" => (Tone::Good, "✓", format!("{title}: succeeded")),
        "rolledback" => (Tone::Bad, "↩", format!("{title}: rolled back, the release before serves")),
        "denied" => (Tone::Bad, "✗", format!("{title}: denied by policy")),
        "rejected" => (Tone::Bad, "✗", format!("{title}: rejected")),
        "expired" => (Tone::Bad, "✗", format!("{title}: expired")),
        "cancelled" => (Tone::Warn, "✗", format!("{title}: cancelled")),
        "failed" => (Tone::Bad, "✗", format!("{title}: failed")),
        _ => (Tone::Dim, "…", format!("{title}: {}", value::text(run, "/state"))),
    }
}

/// What a change that has not been done yet waits for.
pub fn waits(run: &Value) -> String {
    let id = value::text(run, "/id");
    format!("{}. Follow it: serverflow runs follow {id}", verdict(run).2)
}

/// `stopOld` as people write it: `stop old`.
pub fn words(step: &str) -> String {
    let mut out = String::new();
    for c in step.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
        }
        out.push(c.to_ascii_lowercase());
    }
    out.replace('_', " ").trim().to_owned()
}

/// Milliseconds as seconds: `0.42 s`.
pub fn seconds(millis: i64) -> String {
    format!("{}.{:02} s", millis / 1000, millis % 1000 / 10)
}

/// Milliseconds between two RFC 3339 times of the same day or its neighbour.
pub fn millis_between(from: &str, to: &str) -> Option<i64> {
    let (from, to) = (millis_of_day(from)?, millis_of_day(to)?);
    Some(if to >= from { to - from } else { to + 86_400_000 - from })
}

fn millis_of_day(time: &str) -> Option<i64> {
    let part = |range| time.get(range).and_then(|digits: &str| digits.parse::<i64>().ok());
    let (hour, minute, second) = (part(11..13)?, part(14..16)?, part(17..19)?);
    let milli = part(20..23).unwrap_or(0);
    Some(((hour * 60 + minute) * 60 + second) * 1000 + milli)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_exit_code() {
        for (done, exit) in [
            ("succeeded", Exit::Succeeded),
            ("failed", Exit::Failed),
            ("rolledBack", Exit::RolledBack),
            ("denied", Exit::Refused),
            ("rejected", Exit::Refused),
            ("expired", Exit::Ended),
            ("cancelled", Exit::Ended),
        ] {
            assert_eq!(exit_of(&json!({ "state": "done", "done": done })), exit, "{done}");
            assert_eq!(exit_of(&json!({ "state": done })), exit, "{done}");
        }
        assert_eq!(outcome(&json!({ "state": "working", "done": null })), "");
    }

    #[test]
    fn times_of_steps() {
        assert_eq!(millis_between("2026-11-21T06:27:41.007Z", "2026-11-21T06:27:42.500Z"), Some(1493));
        assert_eq!(millis_between("2026-11-21T23:59:59.900Z", "2026-11-22T00:00:00.100Z"), Some(200));
        assert_eq!(millis_between("-", "2026-11-22T00:00:00.100Z"), None);
        assert_eq!(seconds(1493), "1.49 s");
        assert_eq!(words("stopOld"), "stop old");
    }
}
