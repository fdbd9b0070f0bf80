//! How a connection opens: both sides prove themselves over the exact bytes both have seen.
//!
//! ```text
//! agent                                            control plane
//! AgentHello --- CONNECT ------------------------> ServerHello
//! AwaitingChallenge <-------------- CHALLENGE ---- AwaitingNode     signed by K_cp, certified by the pinned K_root
//!            --- RESPONSE -----------------------> AwaitingResponse signed by K_node over both texts
//! AwaitingAuthorized <------------ AUTHORIZED ---- Proven
//! Open                                             ServerOpen
//! ```
//!
//! Every step consumes the state before it, so that none can be repeated or left out. An agent sends nothing but
//! CONNECT before it has verified the control plane. Nonces and times are handed in by the caller.

mod agent;
mod binding;
mod error;
mod join;
mod message;
mod server;

pub(crate) use agent::{Challenged, Opened};
pub(crate) use server::{Asked, Asker, Challenging};

pub use agent::{AgentHello, AwaitingAuthorized, AwaitingChallenge, Open};
pub use binding::{Binding, BindingKind, BindingProof, Channel};
pub use error::HandshakeError;
pub use join::{Join, join};
pub use message::{
    Authorized, BUILDERS_SINCE, CONTAINERS_SINCE, Challenge, Closing, Connect, DEPLOY_KEYS_SINCE, Digest, Enrolment,
    Nonce, PATCH_SINCE, Response, SCHEDULES_SINCE, SECRETS_SINCE, SERVERS_SINCE, SERVICES_SINCE, SITES_SINCE, VERSIONS,
    Versions, WITNESS_SINCE,
};
pub use server::{
    AwaitingNode, AwaitingResponse, Endpoint, Identity, NodeRecord, Proven, ServerHello, ServerOpen, Welcome,
};
