//! One request and its answer: who asks ([`caller`]), what they send ([`body`]), the answer's shape ([`envelope`],
//! [`fault`]), and what holds both together ([`request`]).

pub mod body;
pub mod caller;
pub mod envelope;
pub mod fault;
pub mod request;
