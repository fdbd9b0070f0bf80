//! Why somebody cannot listen.

use sf_types::{ErrorKind, Fault};

use crate::topic::Topic;

/// Why a subscription was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The process serves as many readers as it may.
    #[error("{max} readers of events are connected, and no more are allowed")]
    TooManyReaders {
        /// Readers allowed.
        max: usize,
    },
    /// One reader asked for more topics than it may.
    #[error("one reader may follow {max} topics at a time")]
    TooManyTopics {
        /// Topics allowed.
        max: usize,
    },
    /// The bus is closed: the process is stopping.
    #[error("the control plane is stopping")]
    Closed,
    /// The text names no topic.
    #[error("`{text}` is no topic: write a kind and an id, such as run:0193a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b. Kinds: {}", Topic::KINDS.join(", "))]
    UnknownTopic {
        /// What was found, cut to 64 characters.
        text: String,
    },
}

impl From<BusError> for Fault {
    fn from(error: BusError) -> Self {
        let message = error.to_string();
        match error {
            BusError::TooManyReaders { .. } => {
                Self::new(ErrorKind::Unavailable, "events.readers", message).fix("Close other windows or try later.")
            }
            BusError::TooManyTopics { .. } => {
                Self::new(ErrorKind::TooLarge, "events.topics", message).fix("Unsubscribe from topics no longer shown.")
            }
            BusError::Closed => Self::new(ErrorKind::Unavailable, "events.closed", message).fix("Connect again."),
            BusError::UnknownTopic { .. } => Self::new(ErrorKind::Invalid, "events.topic", message),
        }
    }
}
