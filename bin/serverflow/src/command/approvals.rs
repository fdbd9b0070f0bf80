//! People in the loop: the inbox, the rules of routing, deputies.

pub mod deputy;
pub mod inbox;
pub mod routing;
pub mod span;
