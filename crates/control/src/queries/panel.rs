//! The panel: templates, servers and their ports.

pub mod files;
pub mod monitoring;
pub mod transfers;

use sf_actions::{Actor, Permission, Standing};
use sf_protocol::handshake::SERVERS_SINCE;
use sf_protocol::query::{Query, Reply};
use sf_protocol::server::{ConsoleChunk, ConsoleWanted, ServerReport};
use sf_store::allocations::{Allocation, AllocationFilter};
use sf_store::alts::{Alt, AltFilter, Version};
use sf_store::ctrls::Ctrl;
use sf_store::servers::{Server, ServerFilter};
use sf_store::{Reader, allocations, alts, ctrls, nodes, servers};
use sf_types::{AltId, CtrlId, ErrorKind, Fault, NodeId, Page, PageRequest, RequestId, Scope, ServerId, Timestamp};

use crate::control::Control;

impl Control {
    /// Categories of templates.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn ctrls(&self, actor: &Actor, q: Option<&str>, page: &PageRequest) -> Result<Page<Ctrl>, Fault> {
        Ok(ctrls::page(&self.of_team(actor, Permission::ServerView)?, q, page).await?)
    }

    /// One category.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn ctrl(&self, actor: &Actor, ctrl: CtrlId) -> Result<Ctrl, Fault> {
        Ok(ctrls::get(&self.of_team(actor, Permission::ServerView)?, ctrl).await?)
    }

    /// Templates.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn alts(&self, actor: &Actor, filter: &AltFilter, page: &PageRequest) -> Result<Page<Alt>, Fault> {
        Ok(alts::page(&self.of_team(actor, Permission::ServerView)?, filter, page).await?)
    }

    /// One template, with a version of it: the newest unless one is named.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn alt(&self, actor: &Actor, alt: AltId, version: Option<u32>) -> Result<(Alt, Version), Fault> {
        let reader = self.of_team(actor, Permission::ServerView)?;
        let row = alts::get(&reader, alt).await?;
        let version = alts::version(&reader, alt, version.unwrap_or(row.version)).await?;
        Ok((row, version))
    }

    /// Versions of a template, newest first.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn alt_versions(&self, actor: &Actor, alt: AltId, page: &PageRequest) -> Result<Page<Version>, Fault> {
        let reader = self.of_team(actor, Permission::ServerView)?;
        alts::get(&reader, alt).await?;
        Ok(alts::versions(&reader, alt, page).await?)
    }

    /// Servers.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn servers(
        &self,
        actor: &Actor,
        filter: &ServerFilter,
        page: &PageRequest,
    ) -> Result<Page<Server>, Fault> {
        Ok(servers::page(&self.view(actor, Permission::ServerView)?, filter, page).await?)
    }

    /// One server, with its ports.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn server(&self, actor: &Actor, server: ServerId) -> Result<(Server, Vec<Allocation>), Fault> {
        let reader = self.view(actor, Permission::ServerView)?;
        let row = servers::get(&reader, server).await?;
        let ports = allocations::of_server(&reader, server).await?;
        Ok((row, ports))
    }

    /// Servers with their ports.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn with_ports(&self, actor: &Actor, rows: Vec<Server>) -> Result<Vec<(Server, Vec<Allocation>)>, Fault> {
        let ids: Vec<ServerId> = rows.iter().map(|row| row.id).collect();
        let mut ports = allocations::of_servers(&self.core().store.read(actor.scope()), &ids).await?;
        Ok(rows
            .into_iter()
            .map(|row| {
                let own = ports.remove(&row.id).unwrap_or_default();
                (row, own)
            })
            .collect())
    }

    /// What the machine of a server that somebody sees is called.
    ///
    /// # Errors
    /// Not there, or the store cannot be read.
    pub async fn node_name(&self, node: NodeId) -> Result<String, Fault> {
        Ok(nodes::get(&self.core().store.read(Scope::System), node).await?.name)
    }

    /// Since when a server's machine says nothing; `None` while it is connected.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn unknown_since(&self, server: &Server) -> Result<Option<Timestamp>, Fault> {
        if self.core().links.is_connected(server.node) {
            return Ok(None);
        }
        let node = nodes::get(&self.core().store.read(Scope::Tenant(server.tenant)), server.node).await?;
        Ok(Some(node.last_seen_at.unwrap_or(node.created_at)))
    }

    /// Ports.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn allocations(
        &self,
        actor: &Actor,
        node: NodeId,
        filter: &AllocationFilter,
        page: &PageRequest,
    ) -> Result<Page<Allocation>, Fault> {
        let reader = self.view(actor, Permission::NodeView)?;
        nodes::get(&reader, node).await?;
        let filter = AllocationFilter { node: Some(node), ..filter.clone() };
        Ok(allocations::page(&self.core().store.read(actor.scope()), &filter, page).await?)
    }

    /// How a server is, as its node says right now.
    ///
    /// # Errors
    /// Not there, no right, or its node does not answer.
    pub async fn server_report(
        &self,
        actor: &Actor,
        request: RequestId,
        server: ServerId,
    ) -> Result<ServerReport, Fault> {
        match self.ask_of_server(actor, request, server, Permission::ServerView, Query::Server { server }).await? {
            Reply::Server(report) => Ok(*report),
            other => Err(unexpected(&other)),
        }
    }

    /// Lines of a server's console. Reading them is recorded: what is said there is its people's.
    ///
    /// # Errors
    /// Not there, no right, or its node does not answer.
    pub async fn server_console(
        &self,
        actor: &Actor,
        request: RequestId,
        wanted: ConsoleWanted,
    ) -> Result<ConsoleChunk, Fault> {
        let (query, server) = (Query::Console(wanted), wanted.server);
        match self.ask_of_server(actor, request, server, Permission::ConsoleView, query).await? {
            Reply::Console(chunk) => {
                let row = self.server_for(actor, server, Permission::ConsoleView).await?;
                self.note_console_read(actor, Some(request), &row).await?;
                Ok(*chunk)
            }
            other => Err(unexpected(&other)),
        }
    }

    /// What is the team's: seen by who has the right anywhere in it.
    fn of_team(&self, actor: &Actor, right: Permission) -> Result<Reader, Fault> {
        match actor.rights.sight(right) {
            Some(_) => Ok(self.core().store.read(actor.scope())),
            None => Err(super::lacks(right)),
        }
    }

    /// A server at which somebody has a right.
    ///
    /// # Errors
    /// Not there, or the right is missing.
    pub(crate) async fn server_for(&self, actor: &Actor, server: ServerId, right: Permission) -> Result<Server, Fault> {
        let row = servers::get(&self.view(actor, Permission::ServerView)?, server).await?;
        let standing = Standing { project: Some(row.project), node: Some(row.node), app: None, server: Some(row.id) };
        if actor.may_at(right, &standing) {
            return Ok(row);
        }
        let message = format!("This needs the permission `{right}`, which you do not have at this server.");
        let fault = Fault::new(ErrorKind::Forbidden, "permission.missing", message);
        Err(fault.fix("Ask somebody who may manage roles to grant it."))
    }

    /// Whether somebody may see a server's console.
    ///
    /// # Errors
    /// Not there, or the right is missing.
    pub async fn may_see_console(&self, actor: &Actor, server: ServerId) -> Result<(), Fault> {
        self.server_for(actor, server, Permission::ConsoleView).await.map(drop)
    }

    pub(crate) async fn ask_of_server(
        &self,
        actor: &Actor,
        request: RequestId,
        server: ServerId,
        right: Permission,
        query: Query,
    ) -> Result<Reply, Fault> {
        let row = self.server_for(actor, server, right).await?;
        if self.core().links.version(row.node).is_some_and(|version| version < SERVERS_SINCE) {
            return Err(crate::panel::order::too_old());
        }
        let node = nodes::get(&self.core().store.read(actor.scope()), row.node).await?;
        match self.ask(actor, request, &node, query).await? {
            Reply::Fault(fault) => Err(fault),
            reply => Ok(reply),
        }
    }
}

/// Where people connect to, for showing: the alias where a port has one.
pub fn shown_place(one: &Allocation) -> String {
    let host = one.alias.as_deref().unwrap_or(&one.ip);
    if host.contains(':') { format!("[{host}]:{}", one.port) } else { format!("{host}:{}", one.port) }
}

fn unexpected(reply: &Reply) -> Fault {
    tracing::warn!(?reply, "a node answered something else");
    Fault::new(ErrorKind::Internal, "node.answer", "The node answered something else than was asked.")
}
