//! A few tools over a real control plane: one of each thing that a call can come to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value, json};
use sf_actions::app::{AppAction, AppRef};
use sf_actions::{AccessScope, Action};
use sf_control::{Control, Proposal, Proposed};
use sf_engine::RunState;
use sf_mcp::call::{
    Answer, Call, Caller, Held, Outcome, Partial, PromptSpec, Reading, Refusal, ResourceSpec, ToolSpec, Toolbox,
};
use sf_store::approvals;
use sf_types::{ErrorKind, Fault};
use tokio::sync::Semaphore;

/// The tools.
#[derive(Clone, Debug)]
pub struct Sample {
    control: Control,
    /// Calls of `slow` that have begun.
    pub begun: Arc<Semaphore>,
    /// What calls of `slow` wait for.
    pub gate: Arc<Semaphore>,
    /// Calls of `slow` that have ended.
    pub ended: Arc<Semaphore>,
    /// Calls of `delete` that came through.
    pub deletes: Arc<AtomicUsize>,
}

impl Sample {
    pub fn new(control: Control) -> Self {
        let none = || Arc::new(Semaphore::new(0));
        Self { control, begun: none(), gate: none(), ended: none(), deletes: Arc::default() }
    }

    async fn delete(&self, call: &Call) -> Result<Outcome, Fault> {
        self.deletes.fetch_add(1, Ordering::SeqCst);
        let app = call.arguments.get("app").and_then(Value::as_str).unwrap_or_default();
        let Ok(app) = app.parse() else { return Ok(refused("app.unknown", "There is no such app.")) };
        let action = Action::App(AppAction::Delete(AppRef { app }));
        let actor = &call.caller.actor;
        let run = match self.control.propose(actor, call.request, Proposal::of(action)).await? {
            Proposed::Open(run) if run.state == RunState::Waiting => run,
            other => return Ok(done(json!({ "status": format!("{other:?}"), "next": [] }))),
        };
        let card = approvals::open_of_run(&self.control.store().read(actor.scope()), run.id).await?;
        let card = card.ok_or_else(|| Fault::new(ErrorKind::Internal, "card.missing", "No card."))?;
        Ok(Outcome::Held(Held {
            approval: card.id,
            run: run.id,
            url: format!("https://panel.example.org/inbox/{}", card.id),
            summary: "Deletes an app.".to_owned(),
            why: "What is deleted is lost.".to_owned(),
            expires_at: card.expires_at,
        }))
    }
}

fn done(structured: Value) -> Outcome {
    let text = structured.to_string();
    Outcome::Done(Answer { structured, text, untrusted: false, links: Vec::new() })
}

fn refused(code: &str, message: &str) -> Outcome {
    let fault = Fault::new(ErrorKind::Invalid, code, message).fix("Ask `look` which there are.");
    Outcome::Refused(Refusal {
        fault,
        retry_safe: true,
        next: vec![("look".to_owned(), "Which there are.".to_owned())],
    })
}

/// Name, scope, read only, destructive.
const TOOLS: [(&str, AccessScope, bool, bool); 5] = [
    ("look", AccessScope::Read, true, false),
    ("slow", AccessScope::Operate, false, false),
    ("delete", AccessScope::Provision, false, true),
    ("restricted", AccessScope::Read, false, false),
    ("refused", AccessScope::Read, true, false),
];

impl Toolbox for Sample {
    fn instructions(&self) -> String {
        "Tools of a test.".to_owned()
    }

    fn list(&self, scopes: &[AccessScope]) -> Vec<ToolSpec> {
        let object = |value: Value| value.as_object().cloned().unwrap_or_default();
        let listed = TOOLS.into_iter().filter(|(_, scope, ..)| scopes.contains(scope));
        let listed = listed.map(|(name, scope, read_only, destructive)| ToolSpec {
            name,
            title: name,
            description: "A tool of a test.",
            input: object(json!({ "type": "object", "properties": { "app": { "type": "string" } } })),
            output: object(json!({
                "type": "object",
                "properties": { "status": { "type": "string" }, "next": { "type": "array" } },
                "required": ["status", "next"],
            })),
            scope,
            read_only,
            destructive,
            idempotent: read_only,
        });
        listed.collect()
    }

    async fn call(&self, call: Call) -> Outcome {
        match call.tool.as_str() {
            "look" => done(json!({ "status": "well", "client": call.caller.client, "next": [] })),
            "slow" => {
                self.begun.add_permits(1);
                drop(self.gate.acquire().await);
                self.ended.add_permits(1);
                done(json!({ "status": "done", "next": [] }))
            }
            "delete" => self
                .delete(&call)
                .await
                .unwrap_or_else(|fault| Outcome::Refused(Refusal { fault, retry_safe: false, next: Vec::new() })),
            "restricted" => Outcome::Scopes(vec![AccessScope::Deploy, AccessScope::Files]),
            "refused" => refused("look.nothing", "There is nothing."),
            _ => Outcome::Unknown,
        }
    }

    fn resources(&self, _: &[AccessScope]) -> Vec<ResourceSpec> {
        let of = |uri, name| ResourceSpec {
            uri,
            name,
            title: name,
            description: "Of a test.",
            mime: "text/plain",
            scope: AccessScope::Read,
        };
        vec![of("serverflow://overview", "overview"), of("serverflow://servers/{id}", "server")]
    }

    async fn read(&self, _: &Caller, uri: &str) -> Result<Reading, Fault> {
        match uri {
            "serverflow://overview" => Ok(Reading { mime: "text/plain", text: "All is well.".to_owned() }),
            _ => Err(Fault::new(ErrorKind::NotFound, "resource.not_found", "There is nothing.")),
        }
    }

    fn prompts(&self) -> Vec<PromptSpec> {
        vec![PromptSpec {
            name: "diagnose",
            title: "Diagnose",
            description: "What is wrong?",
            arguments: vec![("server", "Which.", true)],
        }]
    }

    fn prompt(&self, name: &str, arguments: &Map<String, Value>) -> Result<String, Fault> {
        let missing = || Fault::new(ErrorKind::Invalid, "prompt.argument", "`server` is missing.").fix("Name one.");
        match name {
            "diagnose" => {
                let server = arguments.get("server").and_then(Value::as_str).ok_or_else(missing)?;
                Ok(format!("What is wrong with {server}?"))
            }
            _ => Err(Fault::new(ErrorKind::NotFound, "prompt.not_found", "There is no such prompt.")),
        }
    }

    async fn complete(&self, _: &Caller, partial: Partial) -> Vec<String> {
        ["alpha", "beta"].into_iter().filter(|one| one.starts_with(&partial.value)).map(str::to_owned).collect()
    }
}
