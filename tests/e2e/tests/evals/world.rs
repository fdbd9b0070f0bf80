//! A control plane whose policy trusts everybody, a machine with apps and a server, and AI agents that come and go.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use sf_actions::access::{AccessAction, CreateToken, SpeaksFor};
use sf_actions::policy::{PolicyAction, UpdatePolicy};
use sf_actions::proxy::{Provision, ProxyAction};
use sf_actions::rules::{Pattern, Rules};
use sf_actions::run::{Decide, RunAction};
use sf_actions::workflow::{CreateWorkflow, WorkflowAction};
use sf_actions::{AccessScope, Action, Actor};
use sf_api::ApiOptions;
use sf_control::Made;
use sf_identity::Audience;
use sf_mcp::call::{Abilities, Call, Caller, Outcome, Toolbox};
use sf_mcp::tools::{Options, Tools};
use sf_protocol::report::{LogLine, LogSource, LogStream, Stream};
use sf_store::apps;
use sf_store::logs::{self, LogOwner};
use sf_store::nodes::NodeStatus;
use sf_testkit::{Database, Plane, Script, Session, SimNode};
use sf_types::{AppId, RunId, Scope, ServerId, WorkflowId};

/// Where people are said to find the dashboard.
pub const PUBLIC_URL: &str = "https://panel.example.org";

pub struct World {
    pub plane: Plane,
    pub tools: Tools,
    pub admin: Actor,
    pub node: SimNode,
    /// What cases call things by: `{shop}`.
    pub names: BTreeMap<String, String>,
    pub shop: AppId,
    _session: Session,
    sequence: u64,
}

impl World {
    /// Everything that policy can let an AI do by itself it may: what is held is held by nothing but what it has read.
    pub async fn trusting() -> Result<Self> {
        Self::with(Rules {
            auto_at: Some(0),
            notify_at: Some(0),
            sample_permille: Some(0),
            waived: vec![Pattern("*".to_owned())],
            ..Rules::default()
        })
        .await
    }

    /// Policy as it is without anybody's rules: an AI of which nothing is known asks.
    pub async fn careful() -> Result<Self> {
        Self::with(Rules::default()).await
    }

    async fn with(rules: Rules) -> Result<Self> {
        let plane = Plane::start(Database::Sqlite).await?;
        let admin = plane.admin().await?;
        // The API's own routes are what tools read.
        drop(sf_api::router(plane.control.clone(), ApiOptions::new(plane.tasks.clone())));
        let node = plane.enrol(&admin).await?;
        let session = node.serve(&plane.nodes, &plane.dial(), Script::Quick).await?;
        plane.until_node(node.id(), NodeStatus::Online).await?;
        let shop = plane.app(&admin, node.id(), "shop").await?;
        // What is waived is waived for exactly the place that says so.
        let project = apps::get(&plane.control.store().read(admin.scope()), shop).await?.project;
        let rules = UpdatePolicy { project: Some(project), from: 0, rules };
        plane.propose(&admin, Action::Policy(PolicyAction::Update(Box::new(rules)))).await?;
        let blog = plane.app(&admin, node.id(), "blog").await?;
        let fresh = plane.app(&admin, node.id(), "fresh").await?;
        for app in [shop, shop, blog] {
            let run = plane.deploy(&admin, app).await?;
            plane.ended(run).await?;
        }
        for (app, domain) in [(blog, "blog.example.org"), (shop, "shop.example.org")] {
            let domain = domain.parse().ok().context("a domain")?;
            let provision = Provision { app, domain, settings: sf_protocol::site::SiteSettings::default() };
            let run = plane.open_run(&admin, Action::Proxy(ProxyAction::Provision(Box::new(provision)))).await?;
            plane.ended(run).await?;
        }
        let (lobby, installed) = plane.server(&admin, &node, "lobby").await?;
        plane.ended(installed).await?;
        let nightly = workflow(&plane, &admin, "nightly", blog).await?;
        let halting = halting(&plane, &admin, shop).await?;
        let tools = Tools::new(plane.control.clone(), Options { public_url: PUBLIC_URL.to_owned() });
        let mut world =
            Self { plane, tools, admin, node, names: BTreeMap::new(), shop, _session: session, sequence: 0 };
        world.name(
            &[("shop", shop), ("blog", blog), ("fresh", fresh)],
            lobby,
            &[("nightly", nightly), ("halting", halting)],
        );
        Ok(world)
    }

    fn name(&mut self, apps: &[(&str, AppId)], lobby: ServerId, workflows: &[(&str, WorkflowId)]) {
        let (node, names) = (self.node.id(), &mut self.names);
        names.extend(apps.iter().map(|(name, id)| ((*name).to_owned(), id.to_string())));
        names.extend(workflows.iter().map(|(name, id)| ((*name).to_owned(), id.to_string())));
        names.insert("lobby".to_owned(), lobby.to_string());
        names.insert("node".to_owned(), node.to_string());
    }

    /// An AI agent of its own, by a token of its own, with these scopes.
    pub async fn agent(&self, scopes: &[AccessScope]) -> Result<Caller> {
        let create = CreateToken {
            name: "host".parse().ok().context("a name")?,
            days: 1,
            scopes: None,
            addresses: None,
            project: None,
            speaks_for: SpeaksFor::Ai,
        };
        match self.plane.made(&self.admin, Action::Access(AccessAction::CreateToken(create))).await? {
            Made::Token { text, .. } => {
                let actor = self.plane.control.authenticate(Audience::Api, &text, None).await?;
                Ok(Caller { actor, scopes: Arc::from(scopes), client: "scripted host 1.0".to_owned() })
            }
            other => bail!("a token: {other:?}"),
        }
    }

    /// Calls a tool. Nothing a simulated node does takes long.
    pub async fn call(&self, caller: &Caller, tool: &str, arguments: &serde_json::Value) -> Outcome {
        Self::call_of(&self.tools, self, caller, tool, arguments).await
    }

    /// The same at another control plane.
    pub async fn call_of(
        tools: &Tools,
        world: &Self,
        caller: &Caller,
        tool: &str,
        arguments: &serde_json::Value,
    ) -> Outcome {
        tools.call(world.call_by(caller, tool, arguments)).await
    }

    /// A call, as a host makes it.
    pub fn call_by(&self, caller: &Caller, tool: &str, arguments: &serde_json::Value) -> Call {
        Call {
            caller: caller.clone(),
            request: self.plane.request(),
            tool: tool.to_owned(),
            arguments: arguments.as_object().cloned().unwrap_or_default(),
            abilities: Abilities::default(),
            patience: Duration::from_secs(20),
        }
    }

    /// The live release of the shop says this.
    pub async fn logs(&mut self, lines: &[&str]) -> Result<()> {
        let release = self.node.live(self.shop).context("a live release")?;
        let source = LogSource::App { app: self.shop, release };
        let owner = LogOwner { tenant: self.plane.tenant, project: None, app: Some(self.shop) };
        let at = self.plane.control.now();
        let line =
            |(sequence, text): (u64, &&str)| LogLine { sequence, at, stream: Stream::Out, text: (*text).to_owned() };
        let lines: Vec<_> = (self.sequence + 1..).zip(lines).map(line).collect();
        self.sequence += lines.len() as u64;
        let batch = LogStream { source, lines, dropped: 0 };
        let kept =
            self.plane.control.store().write(Scope::System, move |tx| {
                Box::pin(async move { logs::append(tx, owner, &batch).await.map(drop) })
            });
        Ok(kept.await?)
    }

    /// A person agrees to what waits, and it is done.
    pub async fn agreed(&self, run: RunId) -> Result<()> {
        let card = self.plane.control.card_of(&self.admin, run).await?.context("a card")?;
        let approve = RunAction::Approve(Decide { run, hash: card.hash, comment: None });
        self.plane.propose(&self.admin, Action::Run(approve)).await?;
        self.plane.pass(Duration::from_secs(5)).await?;
        self.plane.ended(run).await?;
        Ok(())
    }

    /// A person refuses what waits.
    pub async fn refused(&self, run: RunId, comment: &str) -> Result<()> {
        let card = self.plane.control.card_of(&self.admin, run).await?.context("a card")?;
        let reject = RunAction::Reject(Decide { run, hash: card.hash, comment: Some(comment.to_owned()) });
        self.plane.propose(&self.admin, Action::Run(reject)).await?;
        Ok(())
    }
}

/// A workflow that restarts an app.
async fn workflow(plane: &Plane, admin: &Actor, name: &str, app: AppId) -> Result<WorkflowId> {
    keep(
        plane,
        admin,
        &format!(
            "workflow: 1\nname: {name}\nsteps:\n  - id: restart\n    action: app.restart\n    with: {{ app: {app} }}\n"
        ),
    )
    .await
}

/// One that stops an app.
async fn halting(plane: &Plane, admin: &Actor, app: AppId) -> Result<WorkflowId> {
    keep(
        plane,
        admin,
        &format!(
            "workflow: 1\nname: halting\nsteps:\n  - id: stop\n    action: app.stop\n    with: {{ app: {app} }}\n"
        ),
    )
    .await
}

async fn keep(plane: &Plane, admin: &Actor, document: &str) -> Result<WorkflowId> {
    let create = CreateWorkflow { project: None, document: document.to_owned() };
    match plane.made(admin, Action::Workflow(WorkflowAction::Create(create))).await? {
        Made::Workflow(workflow) => Ok(workflow),
        other => bail!("a workflow: {other:?}"),
    }
}
