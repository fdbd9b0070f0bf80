//! What the protocol promises, tried from outside: every byte flipped, every message swapped, every parser fed.

#![expect(clippy::unwrap_used, reason = "clippy exempts functions marked as tests only, and here all is test")]

mod bodies;
mod enrol;
mod handshake;
mod obey;
mod parsers;
mod samples;
mod sealed;
mod world;
