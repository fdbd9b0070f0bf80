//! The door for AI hosts, as hosts of both eras see it: over HTTP, with a control plane and real runs behind it.

mod attacks;
mod bridge;
mod eras;
mod held;
mod host;
mod let_in;
mod limits;
mod peers;
mod quiet;
mod reads;
mod sessions;
mod toolbox;
mod world;
