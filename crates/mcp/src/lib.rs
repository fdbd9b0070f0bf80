//! The door for AI hosts: tools, resources and prompts of ServerFlow in the Model Context Protocol.
//!
//! Floor 6. A thin edge with two rooms. `wire` speaks the protocol of both eras and knows no tool; `tools` knows what each tool
//! does and no line of the protocol. Between them stand [`call::Call`] and [`call::Outcome`]. A tool changes nothing by itself: it
//! proposes an action or asks a query, as its caller, and says what became of it.
//!
//! Start reading at [`call`]; what a tool is, at [`tools`]; how it is spoken of, at [`wire`]. [`conformance`] is for tests alone.

pub mod call;
pub mod conformance;
mod limits;
pub mod tools;
pub mod wire;

pub use limits::limits;
