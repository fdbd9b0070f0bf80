//! Machines.

use std::collections::HashMap;

use sf_actions::{Actor, Permission};
use sf_protocol::key::KeyId;
use sf_protocol::report::NodeSample;
use sf_store::{devices, metrics, nodes};
use sf_types::{Fault, NodeId, Page, PageRequest, Timestamp};

use crate::control::Control;

impl Control {
    /// Machines of the tenant.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn nodes(
        &self,
        actor: &Actor,
        filter: &nodes::NodeFilter,
        page: &PageRequest,
    ) -> Result<Page<nodes::Node>, Fault> {
        Ok(nodes::page(&self.view(actor, Permission::NodeView)?, filter, page).await?)
    }

    /// One machine.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn node(&self, actor: &Actor, node: NodeId) -> Result<nodes::Node, Fault> {
        Ok(nodes::get(&self.view(actor, Permission::NodeView)?, node).await?)
    }

    /// The course of a machine in at most `points`, from the coarsest of what is kept that gives them.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn node_metrics(
        &self,
        actor: &Actor,
        node: NodeId,
        range: metrics::Range,
    ) -> Result<metrics::Course<metrics::fold::NodeFold>, Fault> {
        let reader = self.view(actor, Permission::MonitoringView)?;
        nodes::get(&reader, node).await?;
        Ok(metrics::of_node(&reader, node, range, self.core().options.retention.metrics()).await?)
    }

    /// The keys a machine has or had, newest first.
    ///
    /// # Errors
    /// Not there, no right, or the store cannot be read.
    pub async fn node_keys(&self, actor: &Actor, node: NodeId) -> Result<Vec<nodes::NodeKey>, Fault> {
        let reader = self.view(actor, Permission::NodeView)?;
        nodes::get(&reader, node).await?;
        Ok(nodes::keys(&reader, node).await?)
    }

    /// The last sample of each of these machines that ever sent one.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn latest_of_nodes(
        &self,
        actor: &Actor,
        nodes: &[NodeId],
    ) -> Result<HashMap<NodeId, (Timestamp, NodeSample)>, Fault> {
        Ok(metrics::latest_of_nodes(&self.view(actor, Permission::NodeView)?, nodes).await?)
    }

    /// The last sample of a machine.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn node_latest(&self, actor: &Actor, node: NodeId) -> Result<Option<(Timestamp, NodeSample)>, Fault> {
        let reader = self.view(actor, Permission::NodeView)?;
        Ok(metrics::latest_of_node(&reader, node).await?)
    }

    /// Machines that wait for a person.
    ///
    /// # Errors
    /// No right, or the store cannot be read.
    pub async fn pending_devices(&self, actor: &Actor) -> Result<Vec<devices::DeviceCode>, Fault> {
        self.view_team(actor, Permission::NodeCreate)?;
        Ok(devices::pending(&self.core().store.read(sf_types::Scope::System)).await?)
    }

    /// Fingerprint of the root key.
    pub fn root_fingerprint(&self) -> KeyId {
        self.core().keys.root_id()
    }
}
