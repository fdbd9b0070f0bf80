//! Templates of servers: the Alt, its variables and their rules, what a node is told of it, and eggs in and out.
//!
//! Floor 2. Pure: no I/O, no clock, no randomness; texts go in, decisions come out. The control plane and the command line
//! use it, the agent never: a node knows a resolved [`sf_protocol::server::ServerSpec`] and no template. This crate must
//! never know a table, an action or a person.
//!
//! Start reading at [`alt`] (what a template is), then [`rule`] (what a value may be), [`resolve`] (from a template and
//! values to a server) and [`egg`] (the files of Pterodactyl and Pelican).

pub mod alt;
pub mod egg;
pub mod name;
pub mod placeholder;
pub mod resolve;
pub mod rule;
pub mod stop;
mod text;

pub use alt::{Alt, Defect, Image, Install, Run, RuntimeKind, StartupCommand, Variable};
pub use egg::{Encoding, Format, Imported, Needs, NoEgg, Origin, Warning};
pub use resolve::{Choice, Facts, Refusal, Resolved, resolve};
pub use rule::{Rules, Verdict};
