//! A run of a workflow, followed to its end: each step as it begins and ends, the exit code by outcome.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::client::{Client, until_done};
use crate::context::Context;
use crate::failure::{Done, Exit, Failure};
use crate::run::{exit_of, millis_between, outcome, seconds, verdict};
use crate::screen::{Progress, Tone};
use crate::value;

/// Follows a run to its end if so wanted, else says where to look at it.
///
/// # Errors
/// A control plane that stays away.
pub async fn settle(context: &Context, client: &Client, run: &Value, follow: bool) -> Done {
    let id = value::text(run, "/id");
    if !follow {
        context.screen.answer(run, |_| format!("Run {id} goes on. Follow it: serverflow workflow watch {id}"));
        return Ok(Exit::Succeeded);
    }
    tokio::select! {
        done = to_end(context, client, &id) => done.map(|run| exit_of(&run)),
        _ = tokio::signal::ctrl_c() => {
            context.screen.note(&format!("The run goes on without you. Follow it: serverflow workflow watch {id}\n\
                                          Stop it: serverflow workflow cancel {id}"));
            Ok(Exit::Interrupted)
        }
    }
}

async fn to_end(context: &Context, client: &Client, id: &str) -> Result<Value, Failure> {
    let mut view = View::new(context, id);
    let look = async |view: &mut View<'_>| {
        let (run, execution) = view.look(client).await?;
        if outcome(&run).is_empty() {
            return Ok(None);
        }
        view.finish(&run, &execution);
        Ok(Some(run))
    };
    until_done(client, vec![format!("run:{id}")], &mut view, look, |view| &view.progress).await
}

/// What was shown already.
struct View<'a> {
    context: &'a Context,
    id: &'a str,
    progress: Progress,
    /// State and tries of each step as they were shown.
    shown: HashMap<String, (String, u64)>,
    waiting: bool,
}

impl<'a> View<'a> {
    fn new(context: &'a Context, id: &'a str) -> Self {
        let progress = Progress::new(context.screen);
        Self { context, id, progress, shown: HashMap::new(), waiting: false }
    }

    /// Reads and shows what is new. The run is read first, so that one that is done has shown all its steps.
    async fn look(&mut self, client: &Client) -> Result<(Value, Value), Failure> {
        let run = client.get(&format!("/runs/{}", self.id), &[]).await?.data;
        let execution = match client.get(&format!("/workflow-executions/{}", self.id), &[]).await {
            Ok(answer) => answer.data,
            // A run that waits for leave to begin, or never got it, has no steps.
            Err(failure) if failure.code.ends_with("not_found") => {
                if !matches!(value::word(&run, "/action").as_str(), "workflowrun" | "workflowfork") {
                    let message = format!("Run {} is no run of a workflow.", self.id);
                    return Err(Failure::new(Exit::Failed, "workflow.no_run", message)
                        .fix(format!("Follow it as what it is: serverflow runs follow {}", self.id)));
                }
                Value::Null
            }
            Err(failure) => return Err(failure),
        };
        for step in execution.get("steps").map_or(&[][..], value::items) {
            let now = (value::text(step, "/state"), value::number(step, "/attempts").unwrap_or(0));
            let key = value::text(step, "/key");
            if now.0 != "pending" && self.shown.get(&key) != Some(&now) {
                self.context.screen.event(&json!({ "step": step }));
                self.step(step, &now.0);
                self.shown.insert(key, now);
            }
        }
        if execution.is_null() && value::word(&run, "/state") == "waiting" && !self.waiting {
            self.waiting = true;
            let text = format!("waits for a person: serverflow runs approve {} (or reject)", self.id);
            self.progress.line(Tone::Warn, "?", &text);
            self.progress.hint("waiting for approval");
        }
        Ok((run, execution))
    }

    fn step(&self, step: &Value, state: &str) {
        let name = name(step);
        let line = |tone, mark, note: &str| self.progress.line(tone, mark, format!("{name:<24} {note}").trim_end());
        match state {
            "succeeded" => line(Tone::Good, "✓", &took(step)),
            "failed" => {
                line(Tone::Bad, "✗", &format!("{}  {}", took(step), value::text(step, "/fault/message")));
                if let Some(fix) = value::maybe(step, "/fault/fix").filter(|fix| !fix.is_empty()) {
                    self.progress.line(Tone::Strong, " ", &format!("do: {fix}"));
                }
            }
            "skipped" => line(Tone::Dim, "-", "skipped"),
            "cancelled" => line(Tone::Dim, "-", "cancelled"),
            "asked" => {
                let question = value::text(step, "/question");
                line(Tone::Warn, "?", &format!("{question}  serverflow runs approve {} (or reject)", self.id));
                self.progress.hint("waiting for a decision");
            }
            "retrying" => {
                let why = step.get("tries").and_then(|tries| value::items(tries).last());
                let why = why.map_or_else(String::new, |last| value::text(last, "/fault/message"));
                let next = value::clock(step, "/wakesAt");
                line(
                    Tone::Warn,
                    "↻",
                    &format!("try {} failed, again at {next}: {why}", value::text(step, "/attempts")),
                );
            }
            "waiting" => {
                let until = value::maybe(step, "/wakesAt").map(|_| value::moment(step, "/wakesAt"));
                line(Tone::Dim, "…", &until.map_or_else(|| "waits".to_owned(), |at| format!("waits, until {at}")));
                self.progress.hint(&format!("{name} waits"));
            }
            "catching" => line(Tone::Warn, "!", "failed; its catch begins"),
            _ => {
                let attempts = value::number(step, "/attempts").filter(|attempts| *attempts > 1);
                let begins = attempts.map_or_else(|| "begins".to_owned(), |nth| format!("begins, try {nth}"));
                line(Tone::Dim, "▸", &begins);
                self.progress.step(&name);
            }
        }
    }

    fn finish(&self, run: &Value, execution: &Value) {
        self.context.screen.event(&json!({ "run": run, "execution": without_steps(execution) }));
        let (tone, mark, text) = verdict(&named(run, execution));
        self.progress.line(tone, mark, &text);
        if let Some(message) = value::maybe(run, "/fault/message") {
            self.progress.line(Tone::Warn, " ", &message);
        }
        if let Some(fix) = value::maybe(run, "/fault/fix").filter(|fix| !fix.is_empty()) {
            self.progress.line(Tone::Strong, " ", &format!("do: {fix}"));
        }
        if let Some(step) = value::maybe(execution, "/failedStep") {
            let text = format!("go on from there: serverflow workflow fork {} --step {step}", self.id);
            // A step within a map or branch goes with the outermost one around it.
            if !within(execution, &step) {
                self.progress.line(Tone::Strong, " ", &text);
            }
        }
        if let Some(output) = execution.get("output").filter(|output| !output.is_null()) {
            let pretty = serde_json::to_string_pretty(output).unwrap_or_default();
            for line in pretty.lines() {
                self.progress.output(line);
            }
        }
    }
}

/// The run under its workflow's name: that of its action is the same for all.
fn named(run: &Value, execution: &Value) -> Value {
    let mut run = run.clone();
    if let Some(name) = value::maybe(execution, "/workflowName") {
        run["title"] = name.into();
    }
    run
}

/// Its steps were told one by one.
fn without_steps(execution: &Value) -> Value {
    let mut execution = execution.clone();
    if let Some(fields) = execution.as_object_mut() {
        fields.remove("steps");
    }
    execution
}

fn within(execution: &Value, key: &str) -> bool {
    let steps = execution.get("steps").map_or(&[][..], value::items);
    let step = steps.iter().find(|step| value::text(step, "/key") == key);
    step.is_none_or(|step| value::maybe(step, "/parent").is_some())
}

/// A step as people know it: its title, and which item it is of.
fn name(step: &Value) -> String {
    let key = value::text(step, "/key");
    match (value::maybe(step, "/title"), key.split_once('@')) {
        (Some(title), Some((_, item))) => format!("{title} @{item}"),
        (Some(title), None) => title,
        (None, _) => key,
    }
}

fn took(step: &Value) -> String {
    let at = |pointer| value::maybe(step, pointer);
    let millis = at("/startedAt").zip(at("/endedAt")).and_then(|(from, to)| millis_between(&from, &to));
    millis.map_or_else(String::new, seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_has_a_name_and_a_time() {
        let step = json!({ "key": "make@2", "title": "Make it", "startedAt": "2026-11-21T06:27:41.007Z",
                           "endedAt": "2026-11-21T06:27:42.500Z" });
        assert_eq!((name(&step).as_str(), took(&step).as_str()), ("Make it @2", "1.49 s"));
        assert_eq!(name(&json!({ "key": "make@2", "title": null })), "make@2");
        assert_eq!(took(&json!({ "startedAt": "2026-11-21T06:27:41.007Z", "endedAt": null })), "");
    }

    #[test]
    fn only_an_outermost_step_is_offered_for_a_fork() {
        let execution = json!({ "steps": [{ "key": "a", "parent": null }, { "key": "b@0", "parent": "a" }] });
        assert!(!within(&execution, "a"));
        assert!(within(&execution, "b@0"));
    }
}
