//! Nodes: how they join ([`enrolment`]), connect ([`node_links`], [`links`]), are ordered ([`dispatch`]) and believed
//! ([`receive`]).

pub(crate) mod backlog;
pub(crate) mod delivery;
pub(crate) mod dispatch;
pub mod enrolment;
pub(crate) mod links;
pub(crate) mod node_links;
pub(crate) mod panel;
pub(crate) mod patches;
pub(crate) mod receive;
pub(crate) mod resync;
pub(crate) mod schedules;
pub(crate) mod signer;
pub(crate) mod sites;
pub(crate) mod speech;
pub(crate) mod written;
