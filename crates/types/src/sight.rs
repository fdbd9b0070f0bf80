//! Which objects a reader sees inside its scope: all of them, or those somebody was given rights at.

use std::sync::Arc;

use crate::id::{AppId, NodeId, ProjectId, ServerId};

/// What is seen inside a scope. Several layers narrow each other: an API key sees what both its person and its own
/// limits allow.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sight(Arc<[Seen]>);

/// Objects that are seen, with everything inside them. Seeing none of any kind is seeing nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Seen {
    /// These projects and what they own.
    pub projects: Vec<ProjectId>,
    /// These machines and what lives on them.
    pub nodes: Vec<NodeId>,
    /// These apps.
    pub apps: Vec<AppId>,
    /// These servers of the panel.
    pub servers: Vec<ServerId>,
}

impl Sight {
    /// Everything inside the scope.
    pub fn all() -> Self {
        Self::default()
    }

    /// What all of these layers show; no layer shows everything.
    pub fn of(layers: impl IntoIterator<Item = Seen>) -> Self {
        Self(layers.into_iter().collect())
    }

    /// Whether it hides nothing.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// The layers; each one narrows.
    pub fn layers(&self) -> &[Seen] {
        &self.0
    }
}
