//! Why a connection did not open. Every cause has its own variant, code and remedy.

use sf_types::{ErrorKind, Fault, NodeId, Timestamp};

use super::binding::BindingKind;
use super::message::{Closing, Versions};
use crate::delegation::DelegationError;
use crate::dsse::VerifyError;
use crate::frame::{Frame, FrameError};
use crate::key::KeyId;
use crate::kind::Kind;

/// Why a handshake or an enrolment stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// What arrived is no frame, or what was to be sent is too large for one.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Another frame than the one whose turn it is.
    #[error("the other side sent {found} where {expected} was due")]
    Unexpected {
        /// Whose turn it is.
        expected: Kind,
        /// What came.
        found: Kind,
    },
    /// The other side gave up and said why.
    #[error("the other side closed the connection: {0}")]
    Closed(Fault),
    /// A signature does not hold, or what it covers is malformed.
    #[error("the {kind} was refused: {error}")]
    Verify {
        /// Which message.
        kind: Kind,
        /// Why.
        error: VerifyError,
    },
    /// The control plane's root key is another than the pinned one.
    #[error("this control plane's root key is {found}, and this node trusts only {pinned}")]
    WrongRoot {
        /// Pinned at enrolment, or in the install line.
        pinned: KeyId,
        /// Shown by the control plane.
        found: KeyId,
    },
    /// The online key is not certified, or not now.
    #[error(transparent)]
    Delegation(#[from] DelegationError),
    /// The clocks differ too much.
    #[error("the clock here says {ours}, the control plane's says {theirs}: more than 60 s apart")]
    Clock {
        /// The agent's clock.
        ours: Timestamp,
        /// The control plane's clock.
        theirs: Timestamp,
    },
    /// No version in common.
    #[error("this side speaks protocol version {ours}, the other side {theirs}: none in common")]
    Version {
        /// This side's range.
        ours: Versions,
        /// The other side's.
        theirs: Versions,
    },
    /// The chosen version is not the highest common one.
    #[error("version {chosen} was chosen although both sides speak {highest}")]
    Downgrade {
        /// Chosen.
        chosen: u16,
        /// The highest common one.
        highest: u16,
    },
    /// The signed message belongs to another connection, or texts were changed on the way.
    #[error("the {0} belongs to another connection, or something changed messages on the way")]
    OtherConversation(Kind),
    /// The host dialled is not the one named.
    #[error("the agent dialled `{dialled}`, and the other side speaks of `{found}`")]
    Host {
        /// What this side holds for dialled.
        dialled: String,
        /// What the message says.
        found: String,
    },
    /// The agent dialled a name that is not one of the control plane's.
    #[error("the agent dialled `{dialled}`, which is none of this control plane's names: {}", names.join(", "))]
    ForeignHost {
        /// What the agent dialled, escaped and cut to 100 characters.
        dialled: String,
        /// The control plane's names.
        names: Vec<String>,
    },
    /// Both sides bind to TLS, and see different TLS connections.
    #[error("channel binding mismatch: something between agent and control plane opens the TLS connection")]
    Binding,
    /// The other side binds another way than was pinned.
    #[error("this side binds connections by `{pinned}`, the other side offers `{offered}`")]
    BindingKind {
        /// Pinned here.
        pinned: BindingKind,
        /// Offered.
        offered: BindingKind,
    },
    /// TLS does not end in this process, so there is nothing to bind to.
    #[error("connections are bound by `exporter`, and TLS does not end in this process")]
    NoExporter,
    /// The epoch is lower than one this node has seen.
    #[error("the control plane is in epoch {offered}, and this node has seen epoch {seen}")]
    LowerEpoch {
        /// Offered now.
        offered: u64,
        /// Seen before.
        seen: u64,
    },
    /// AUTHORIZED disagrees with the certificate of the key that signed it.
    #[error("the control plane speaks of epoch {found}, and its key is certified for epoch {certified}")]
    OtherEpoch {
        /// In the message.
        found: u64,
        /// In the delegation.
        certified: u64,
    },
    /// AUTHORIZED is for another node.
    #[error("this is node {ours}, and the control plane speaks to {found}")]
    OtherNode {
        /// This node.
        ours: NodeId,
        /// Named in the message.
        found: NodeId,
    },
    /// The join counter offered does not rise.
    #[error("the control plane offers join counter {offered}, and this node holds {held}")]
    Counter {
        /// Held here.
        held: u64,
        /// Offered.
        offered: u64,
    },
    /// No node has this key.
    #[error("no node has the key {0}")]
    UnknownKey(KeyId),
    /// The node is locked.
    #[error("node {0} is locked until a person has looked at it")]
    Locked(NodeId),
    /// Two machines hold the node's key.
    #[error("a second machine holds the key of node {node}: join counter {presented} is older than {confirmed}")]
    Cloned {
        /// The node.
        node: NodeId,
        /// Confirmed before.
        confirmed: u64,
        /// Presented now.
        presented: u64,
    },
    /// The RESPONSE fits the other kind of opening.
    #[error("a RESPONSE carries enrolment facts after REGISTER and only then")]
    Enrolment,
}

impl HandshakeError {
    /// Stable code: `handshake.wrong_root`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Frame(_) => "handshake.frame",
            Self::Unexpected { .. } => "handshake.unexpected",
            Self::Closed(_) => "handshake.closed",
            Self::Verify { .. } => "handshake.signature",
            Self::WrongRoot { .. } => "handshake.wrong_root",
            Self::Delegation(_) => "handshake.delegation",
            Self::Clock { .. } => "handshake.clock",
            Self::Version { .. } => "handshake.version",
            Self::Downgrade { .. } => "handshake.downgrade",
            Self::OtherConversation(_) => "handshake.other_conversation",
            Self::Host { .. } | Self::ForeignHost { .. } => "handshake.host",
            Self::Binding => "handshake.binding",
            Self::BindingKind { .. } => "handshake.binding_kind",
            Self::NoExporter => "handshake.no_exporter",
            Self::LowerEpoch { .. } | Self::OtherEpoch { .. } => "handshake.epoch",
            Self::OtherNode { .. } => "handshake.other_node",
            Self::Counter { .. } => "handshake.counter",
            Self::UnknownKey(_) => "handshake.unknown_key",
            Self::Locked(_) => "handshake.locked",
            Self::Cloned { .. } => "handshake.cloned",
            Self::Enrolment => "handshake.enrolment",
        }
    }

    const fn fix(&self) -> &'static str {
        match self {
            Self::WrongRoot { .. } => {
                "If the control plane was set up anew, enrol this node again; else someone else answers at this address."
            }
            Self::Delegation(_) => "Have the control plane's online key certified anew, or correct this node's clock.",
            Self::Clock { .. } => "Correct the clock that is wrong (chrony or systemd-timesyncd), then try again.",
            Self::Version { .. } => "Update the older side; neighbouring versions work together.",
            Self::Host { .. } | Self::ForeignHost { .. } => {
                "Dial the control plane by one of its configured names, or add this one to them."
            }
            Self::Binding | Self::NoExporter => {
                "Let agents reach the control plane without a proxy that ends TLS, or enrol with binding `host`."
            }
            Self::BindingKind { .. } => "Enrol this node again with the binding that the control plane uses.",
            Self::LowerEpoch { .. } | Self::OtherEpoch { .. } => {
                "A restored control plane needs its root key to certify a higher epoch."
            }
            Self::UnknownKey(_) => "Enrol this node.",
            Self::Locked(_) | Self::Cloned { .. } => "Look at both machines, then unlock the node or enrol it again.",
            Self::Frame(_)
            | Self::Unexpected { .. }
            | Self::Closed(_)
            | Self::Verify { .. }
            | Self::Downgrade { .. }
            | Self::OtherConversation(_)
            | Self::OtherNode { .. }
            | Self::Counter { .. }
            | Self::Enrolment => "",
        }
    }

    /// What people and programs see.
    pub fn fault(&self) -> Fault {
        if let Self::Closed(fault) = self {
            return fault.clone();
        }
        let kind = match self {
            Self::Frame(_) | Self::Unexpected { .. } | Self::Enrolment => ErrorKind::Invalid,
            Self::Version { .. } | Self::Locked(_) | Self::Clock { .. } | Self::BindingKind { .. } => {
                ErrorKind::Conflict
            }
            _ => ErrorKind::Unauthenticated,
        };
        Fault::new(kind, self.code(), self.to_string()).fix(self.fix())
    }

    /// The frame that tells the other side.
    pub fn closing(&self) -> Frame {
        Frame::Closing(Closing { fault: self.fault(), retry_after: None })
    }
}

/// Reads the frame whose turn it is; CLOSING in its place is an error that carries the other side's reason.
pub(crate) fn expect_signed(text: &str, expected: Kind) -> Result<crate::dsse::Signed, HandshakeError> {
    let frame = Frame::parse(text)?;
    match (frame.signed(), &frame) {
        (Some((kind, signed)), _) if kind == expected => Ok(signed.clone()),
        (_, Frame::Closing(closing)) => Err(HandshakeError::Closed(closing.fault.clone())),
        _ => Err(HandshakeError::Unexpected { expected, found: frame.kind() }),
    }
}
