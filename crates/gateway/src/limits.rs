//! What one control plane's endpoint takes on.

use std::time::Duration;

/// Connections that may be shaking hands at one time; others wait in the kernel's accept queue.
pub(crate) const OPENING_AT_ONCE: usize = 256;
/// Connections in all. The usual limit of open files is 20,000.
pub(crate) const MAX_CONNECTIONS: usize = 18_000;
/// Connections of one address that have not proven who they are. With more than half of the openings in one hand, the
/// others would wait behind it.
pub const UNPROVEN_PER_ADDRESS: usize = 128;
/// TLS, the WebSocket upgrade and the handshake together may take this long.
pub(crate) const OPENING_WITHIN: Duration = Duration::from_secs(15);
/// Either side is heard at least this often.
pub(crate) const HEARTBEAT: Duration = Duration::from_secs(15);
/// Silence longer than this means the connection is dead.
pub(crate) const SILENCE: Duration = Duration::from_secs(40);
/// A frame that cannot be written for this long means the connection is dead.
pub(crate) const WRITE_WITHIN: Duration = Duration::from_secs(20);
/// Bytes read from a socket at a time: an agent's usual word. Small, since most connections are idle and each holds as
/// many; longer frames are read as long as they are.
pub(crate) const READ_BUFFER_BYTES: usize = 2 * 1024;
/// How long agents are asked to stay away when the endpoint is full.
pub(crate) const RETRY_WHEN_FULL: Duration = Duration::from_secs(10);
