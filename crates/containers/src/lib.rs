//! The few calls of a container engine that ServerFlow makes, over its unix socket: the Engine API, as Docker and what
//! imitates it speak it.
//!
//! Floor 2. It knows no app, no release and no policy: names, labels and limits are its callers'. It keeps no state and no
//! connection, so that an engine may come and go. Not here: anything that reaches an engine over a network.
//!
//! Start reading at [`Engine`], then [`container`] (a life) and [`build`] (an image from a context).

pub mod attach;
pub mod build;
pub mod container;
mod engine;
mod error;
pub mod image;
pub mod pull;
mod wire;

pub use engine::{About, Engine, SOCKET};
pub use error::EngineError;
