//! What happens around every handler, outermost first: name and log the request ([`crate::request`]), refuse foreign
//! hosts, catch panics, set headers, limit the time, then authenticate ([`crate::caller`]), count, and honour
//! idempotency keys.

pub mod address;
pub mod headers;
pub mod host;
pub mod idempotency;
pub mod origin;
pub mod rates;
pub mod rescue;
