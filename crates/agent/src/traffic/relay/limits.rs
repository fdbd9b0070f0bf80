//! The relay's limits.

use std::time::Duration;

/// Client connections open at once; further ones wait in the kernel's queue.
pub const CONNECTIONS_MAX: usize = 1024;
/// Size of a request's head, in bytes.
pub const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Read and write buffer of one client connection, in bytes; more than a head, so that a large one is answered.
pub const BUFFER_BYTES_MAX: usize = 128 * 1024;
/// Header lines of a request.
pub const HEADERS_MAX: usize = 100;
/// Size of a request's body, in bytes.
pub const BODY_BYTES_MAX: u64 = 1024 * 1024 * 1024;
/// Time a client has to send a request's head.
pub const HEADER_TIME: Duration = Duration::from_secs(30);
/// Time an app that refuses connections has to come back before a request fails.
pub const CONNECT_WINDOW: Duration = Duration::from_secs(2);
/// Idle connections to the app kept for the next request.
pub const IDLE_MAX: usize = 32;
/// How long they are kept: less than any common server's own limit (Node.js: 5 s).
pub const IDLE_TIME: Duration = Duration::from_secs(2);
/// Requests that wait during a hold; further ones are told to come back.
pub const HOLD_QUEUE_MAX: usize = 256;
/// Longest hold.
pub const HOLD_TIME_MAX: Duration = Duration::from_secs(60);
/// Failures remembered.
pub const ERRORS_KEPT: usize = 8;
/// Bytes of a file read at once.
pub const FILE_CHUNK_BYTES: usize = 64 * 1024;
/// Helper threads that read files from the disk.
pub const FILE_THREADS_MAX: usize = 4;
/// Their stacks, in bytes.
pub const FILE_STACK_BYTES: usize = 128 * 1024;
/// How long one waits for more work.
pub const FILE_THREAD_IDLE: Duration = Duration::from_secs(1);
/// Control connections served at once.
pub const CONTROLS_MAX: usize = 16;
/// Longest control request, in bytes.
pub const CONTROL_BYTES_MAX: u64 = 16 * 1024;
