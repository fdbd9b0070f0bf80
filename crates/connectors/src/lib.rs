//! Third parties: what they want to be told, in which form, and what their answers mean.
//!
//! Floor 4. Each form is a pure function from a [`Message`] to bytes; [`deliver`] sends them by the guarded client. This
//! crate must never know who is told, when, or how often it is tried: that is the control plane's.
//!
//! Start reading at [`message`], then [`destination`], then any form in [`notify`].

pub mod deliver;
pub mod destination;
pub mod message;
pub mod notify;
pub mod push;

pub use deliver::{Sender, Verdict, deliver};
pub use destination::{BadDestination, Destination};
pub use message::{Line, Message};
