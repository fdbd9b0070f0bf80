//! The agents' endpoint: TLS, the handshake, and one task per connection.
//!
//! Floor 6. A thin edge: it moves frames between sockets and `sf-control`, which decides everything. It must never
//! know a table, an action or a policy.
//!
//! Start reading at [`gateway`], then `connection`.

mod connection;
mod enrolment;
pub mod gateway;
mod limits;
mod opening;
mod socket;
pub mod tls;
mod transfer;

pub use gateway::{Gateway, GatewayError, Options};
pub use tls::{TlsError, TlsFiles};
