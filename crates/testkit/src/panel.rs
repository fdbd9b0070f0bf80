//! Servers of the panel, for tests that are about something else.

use anyhow::{Context, Result, bail};
use sf_actions::allocation::{AllocationAction, CreateAllocations};
use sf_actions::server::{Create, ServerAction, ServerSettings};
use sf_actions::template::{CreateAlt, CreateCtrl, TemplateAction};
use sf_actions::{Action, Actor};
use sf_control::{Made, Proposed};
use sf_store::runs::{self, RunFilter};
use sf_types::{AltId, PageRequest, RunId, ServerId};

use crate::node::SimNode;
use crate::plane::Plane;

impl Plane {
    /// A server of a node's own, and the run that installs it.
    ///
    /// # Errors
    /// A refusal.
    pub async fn server(&self, admin: &Actor, node: &SimNode, name: &str) -> Result<(ServerId, RunId)> {
        let alt = self.alt(admin).await?;
        let ports =
            CreateAllocations { node: node.id(), ip: "0.0.0.0".into(), ports: "25565-25566".into(), alias: None };
        self.made(admin, Action::Allocation(AllocationAction::Create(ports))).await?;
        let create = Create {
            name: name.parse().ok().context("a name")?,
            alt,
            alt_version: None,
            node: Some(node.id()),
            project: None,
            owner: None,
            allocations: Vec::new(),
            ports: 1,
            settings: ServerSettings::default(),
            install: true,
        };
        let Made::Server(server) = self.made(admin, Action::Server(ServerAction::Create(Box::new(create)))).await?
        else {
            bail!("a server")
        };
        let filter = RunFilter { server: Some(server), ..RunFilter::default() };
        let reader = self.control.store().read(admin.scope());
        let runs = runs::page(&reader, &filter, &PageRequest::default()).await?;
        Ok((server, runs.items.first().context("its installation")?.run.id))
    }

    /// A template of servers.
    ///
    /// # Errors
    /// A refusal.
    pub async fn alt(&self, admin: &Actor) -> Result<AltId> {
        let ctrl = CreateCtrl { name: "Games".parse().ok().context("a name")?, description: String::new() };
        let Made::Ctrl(ctrl) = self.made(admin, Action::Template(TemplateAction::CreateCtrl(ctrl))).await? else {
            bail!("a category")
        };
        let document = serde_json::json!({
            "alt": 1, "name": "Tiny", "slug": "tiny", "runtime": "process",
            "startups": [{ "label": "Default", "run": { "kind": "argv", "argv": ["sh", "server.sh", "{{MOTD}}"] } }],
            "variables": [{ "name": "Message", "env": "MOTD", "default": "hello" }],
            "install": { "entrypoint": "sh", "script": "echo hello\n" },
            "ready": { "lines": [], "within": 60000 },
            "stop": { "kind": "command", "line": "stop", "grace": 10000 },
        });
        let create = CreateAlt { ctrl, document, source: None };
        match self.made(admin, Action::Template(TemplateAction::CreateAlt(Box::new(create)))).await? {
            Made::Alt(alt) => Ok(alt),
            other => bail!("a template: {other:?}"),
        }
    }

    /// Proposes what the control plane does by itself; answers what it made.
    ///
    /// # Errors
    /// A refusal, or it waits.
    pub async fn made(&self, actor: &Actor, action: Action) -> Result<Made> {
        match self.propose(actor, action).await? {
            Proposed::Done(_, made) => Ok(made),
            other => bail!("done at once: {other:?}"),
        }
    }
}
