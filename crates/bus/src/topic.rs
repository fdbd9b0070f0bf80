//! What a reader can follow.

use std::fmt;
use std::str::FromStr;

use sf_types::{AppId, ChannelId, NodeId, ProjectId, RunId, ServerId, TenantId, UserId};

use crate::error::BusError;

macro_rules! topics {
    ($($(#[$doc:meta])* $name:ident($id:ty) = $kind:literal;)*) => {
        /// One thing to follow. Written `kind:id`, as in `run:0193a1b2-...`; the control plane itself is `system`.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Topic {
            /// The control plane itself: health, limits.
            System,
            $($(#[$doc])* $name($id),)*
        }

        impl Topic {
            /// Every kind as written.
            pub const KINDS: &'static [&'static str] = &["system", $($kind),*];
        }

        impl fmt::Display for Topic {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    Self::System => f.write_str("system"),
                    $(Self::$name(id) => write!(f, concat!($kind, ":{}"), id),)*
                }
            }
        }

        impl FromStr for Topic {
            type Err = BusError;

            fn from_str(text: &str) -> Result<Self, BusError> {
                let unknown = || BusError::UnknownTopic { text: text.chars().take(64).collect() };
                if text == "system" {
                    return Ok(Self::System);
                }
                let (kind, id) = text.split_once(':').ok_or_else(unknown)?;
                match kind {
                    $($kind => id.parse().map(Self::$name).map_err(|_| unknown()),)*
                    _ => Err(unknown()),
                }
            }
        }
    };
}

topics! {
    /// Everything worth a notice to a whole team.
    Tenant(TenantId) = "tenant";
    /// What concerns a project as a whole: its list of apps and runs.
    Project(ProjectId) = "project";
    /// One node: connection, metrics.
    Node(NodeId) = "node";
    /// One app: state, log lines, metrics.
    App(AppId) = "app";
    /// One server of the panel: state, console.
    Server(ServerId) = "server";
    /// One run: every step of it.
    Run(RunId) = "run";
    /// One byte stream: opened, closed.
    Channel(ChannelId) = "channel";
    /// One person: suspended, signed out, renamed.
    User(UserId) = "user";
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    #[test]
    fn topics_read_back_and_nothing_else_does() {
        let run = Topic::Run(RunId::from_parts(Timestamp::from_millis(1), [1; 10]));
        for topic in [Topic::System, run] {
            assert_eq!(topic.to_string().parse(), Ok(topic));
        }
        for bad in ["", "run", "run:", "run:1", "system:", "System", "users:0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b"] {
            assert_eq!(bad.parse::<Topic>(), Err(BusError::UnknownTopic { text: bad.into() }));
        }
    }
}
