//! How people reach apps: the relay holds each app's stable port, the proxy has nginx serve domains.

pub mod port;
pub mod proxy;
pub mod relay;
