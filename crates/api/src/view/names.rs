//! What people, machines and apps are called, for answers that hold their ids. Each is looked up once an answer.

use std::collections::HashMap;

use sf_actions::{Actor, ActorKind, Target};
use sf_engine::Run;
use sf_store::runs::RunRecord;
use sf_store::{apps, executions, nodes, servers, tokens, users, workflows};
use sf_types::{AppId, NodeId, RunId, ServerId, TokenId, TriggerId, UserId, WorkflowId};

use super::run::{ActorView, RunView};
use crate::state::Api;

/// The program itself, where no person stands behind a change.
const SYSTEM: &str = "ServerFlow";

/// Names found so far; what is deleted or erased has none.
pub(crate) struct Names<'a> {
    api: &'a Api,
    actor: &'a Actor,
    found: HashMap<uuid::Uuid, Option<String>>,
}

impl<'a> Names<'a> {
    /// As this caller may see them.
    pub(crate) fn new(api: &'a Api, actor: &'a Actor) -> Self {
        Self { api, actor, found: HashMap::new() }
    }

    /// Looks up the apps that many runs are about, at once.
    pub(crate) async fn learn_apps<'r>(&mut self, runs: impl Iterator<Item = &'r Run> + Send) {
        let mut ids: Vec<AppId> = runs.filter_map(|run| run.app).collect();
        ids.sort_unstable();
        ids.dedup();
        let reader = self.api.control().store().read(self.actor.scope());
        // What is not found here is looked for one by one.
        let found = apps::names(&reader, &ids).await.unwrap_or_default();
        self.found.extend(found.into_iter().map(|(id, name)| (id.uuid(), Some(name.to_string()))));
    }

    /// A run with the name of who asked for it.
    pub(crate) async fn run(&mut self, record: RunRecord) -> RunView {
        let who = self.who(record.run.actor).await;
        let workflow_name = match record.run.action.target() {
            Target::Workflow(id) => self.workflow(id).await,
            Target::Run(id) => self.workflow_of(id).await,
            _ => None,
        };
        RunView { workflow_name, ..RunView::of(record.run, record.outcome, who) }
    }

    /// What a run is about.
    pub(crate) async fn about(&mut self, run: &Run) -> Option<String> {
        match (run.action.target(), run.app, run.node) {
            (Target::Workflow(id), ..) => self.workflow(id).await,
            (Target::Run(id), ..) => self.workflow_of(id).await,
            (_, Some(app), _) => self.app(app).await,
            (Target::Server(id), ..) => self.server(id).await,
            (_, None, Some(node)) => self.node(node).await,
            _ => None,
        }
    }

    /// Who proposed a run.
    pub(crate) async fn who(&mut self, actor: ActorKind) -> ActorView {
        let name = match actor.user() {
            Some(user) => self.user(user).await,
            None => Some(SYSTEM.to_owned()),
        };
        let agent_name = match actor.agent() {
            Some(agent) => self.agent(agent).await,
            None => None,
        };
        ActorView { agent_name, ..ActorView::of(actor, name) }
    }

    /// What an AI agent is called: as the token that it was given.
    pub(crate) async fn agent(&mut self, id: TokenId) -> Option<String> {
        if let Some(known) = self.found.get(&id.uuid()) {
            return known.clone();
        }
        let reader = self.api.control().store().read(self.actor.scope());
        let name = tokens::get(&reader, id).await.ok().map(|token| token.name);
        self.found.entry(id.uuid()).or_insert(name).clone()
    }

    /// Who did something, by the words of an audit line; of a step or a trigger its workflow.
    pub(crate) async fn actor(&mut self, kind: &str, id: &str) -> Option<String> {
        match kind {
            "system" => Some(SYSTEM.to_owned()),
            "node" => self.node(id.parse().ok()?).await,
            "workflow" => self.workflow_of(id.parse().ok()?).await,
            "trigger" => self.workflow_by(id.parse().ok()?).await,
            _ => self.user(id.parse().ok()?).await,
        }
    }

    /// What something was done to, by the words of an audit line.
    pub(crate) async fn target(&mut self, kind: &str, id: &str) -> Option<String> {
        match kind {
            "node" => self.node(id.parse().ok()?).await,
            "app" => self.app(id.parse().ok()?).await,
            "user" => self.user(id.parse().ok()?).await,
            "workflow" => self.workflow(id.parse().ok()?).await,
            _ => None,
        }
    }

    pub(crate) async fn user(&mut self, id: UserId) -> Option<String> {
        if let Some(known) = self.found.get(&id.uuid()) {
            return known.clone();
        }
        let reader = self.api.control().store().read(self.actor.scope());
        let name = users::get(&reader, id).await.ok().map(|user| user.name);
        self.found.entry(id.uuid()).or_insert(name).clone()
    }

    async fn node(&mut self, id: NodeId) -> Option<String> {
        if let Some(known) = self.found.get(&id.uuid()) {
            return known.clone();
        }
        let reader = self.api.control().store().read(self.actor.scope());
        let name = nodes::get(&reader, id).await.ok().map(|node| node.name);
        self.found.entry(id.uuid()).or_insert(name).clone()
    }

    async fn app(&mut self, id: AppId) -> Option<String> {
        if let Some(known) = self.found.get(&id.uuid()) {
            return known.clone();
        }
        let reader = self.api.control().store().read(self.actor.scope());
        let name = apps::get(&reader, id).await.ok().map(|app| app.name.to_string());
        self.found.entry(id.uuid()).or_insert(name).clone()
    }

    async fn server(&mut self, id: ServerId) -> Option<String> {
        if let Some(known) = self.found.get(&id.uuid()) {
            return known.clone();
        }
        let reader = self.api.control().store().read(self.actor.scope());
        let name = servers::get(&reader, id).await.ok().map(|server| server.name.to_string());
        self.found.entry(id.uuid()).or_insert(name).clone()
    }
    async fn workflow(&mut self, id: WorkflowId) -> Option<String> {
        if let Some(known) = self.found.get(&id.uuid()) {
            return known.clone();
        }
        let reader = self.api.control().store().read(self.actor.scope());
        let name = workflows::get(&reader, id).await.ok().map(|workflow| workflow.name.to_string());
        self.found.entry(id.uuid()).or_insert(name).clone()
    }

    /// The workflow that a trigger starts.
    async fn workflow_by(&mut self, trigger: TriggerId) -> Option<String> {
        let reader = self.api.control().store().read(self.actor.scope());
        let trigger = workflows::trigger(&reader, trigger).await.ok()?;
        self.workflow(trigger.workflow).await
    }

    /// The workflow whose run this is, if it is one.
    async fn workflow_of(&mut self, run: RunId) -> Option<String> {
        let reader = self.api.control().store().read(self.actor.scope());
        let execution = executions::get(&reader, run).await.ok()?;
        self.workflow(execution.workflow).await
    }
}
