//! When an agent obeys: one pure decision over the exact bytes, the node's state and the clock.

use sf_types::{CommandId, ErrorKind, Fault, NodeId, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::command::{Class, Command};
use crate::delegation::Delegation;
use crate::dsse::{Signed, VerifyError};
use crate::key::KeyId;
use crate::kind::Kind;

/// Clock difference that is forgiven: 60 s.
pub const SKEW: std::time::Duration = Delegation::SKEW;
/// Longest life of a read, from its signature to its end: 5 min.
pub const MAX_READ_LIFETIME: std::time::Duration = std::time::Duration::from_secs(5 * 60);
/// Longest life of any other command, which may wait for its node: 24 h.
pub const MAX_LIFETIME: std::time::Duration = std::time::Duration::from_secs(24 * 3_600);

/// SHA-256 of a command's signed bytes: what the journal remembers of it.
pub type BodyHash = [u8; 32];

/// What the node knows.
#[derive(Clone, Copy)]
pub struct State<'a> {
    /// This node.
    pub node: NodeId,
    /// Its key.
    pub node_key: KeyId,
    /// The epoch its journal is in.
    pub epoch: u64,
    /// The highest sequence accepted in that epoch; 0 for none.
    pub high_water: u64,
    /// The body hash of a command seen before: from the journal, and of reads those of the last
    /// [`MAX_READ_LIFETIME`] and twice [`SKEW`].
    pub known: &'a dyn Fn(CommandId) -> Option<BodyHash>,
}

/// A command to obey, or to answer again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Accept {
    /// What is ordered; every check has passed.
    pub command: Command,
    /// Its body hash, for the journal.
    pub hash: BodyHash,
    /// Whether it is new.
    pub decision: Decision,
}

/// Whether a good command is new.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Write it down, synced, then do it. In a higher epoch than the journal's the numbers begin anew: write that
    /// down with it.
    New,
    /// It was accepted before: do nothing, answer with the stored outcome.
    Duplicate,
}

/// Why a command is not obeyed. Nothing was done; the refusal is reported.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The frame's type is none of an order.
    #[error("{0} is no order")]
    NotAnOrder(Kind),
    /// Signature, label, key or form.
    #[error("the {kind} was refused: {error}")]
    Verify {
        /// The outer type.
        kind: Kind,
        /// Why.
        error: VerifyError,
    },
    /// Signed as one kind, saying another.
    #[error("it is signed as {label} and orders {order}")]
    OtherKind {
        /// Under the signature.
        label: Kind,
        /// In the body.
        order: Kind,
    },
    /// The class is not the one this order has.
    #[error("an order {order} is of class {needed:?}, and it says {found:?}")]
    OtherClass {
        /// The order.
        order: Kind,
        /// Its class.
        needed: Class,
        /// In the body.
        found: Class,
    },
    /// The key may not sign this class.
    #[error("the control plane's key is not certified for class {0:?}")]
    ClassNotCertified(Class),
    /// The key's certificate has ended since the connection opened.
    #[error("the control plane's key is certified from {from} to {until}, and the clock here says {now}")]
    Delegation {
        /// Valid from.
        from: Timestamp,
        /// Valid until.
        until: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// For another node.
    #[error("it is for node {found}, and this is {ours}")]
    OtherNode {
        /// This node.
        ours: NodeId,
        /// Named in it.
        found: NodeId,
    },
    /// For another key of this node.
    #[error("it is for the node key {found}, and this node's is {ours}")]
    OtherNodeKey {
        /// This node's key.
        ours: KeyId,
        /// Named in it.
        found: KeyId,
    },
    /// Not the certified epoch, or one below the node's.
    #[error("it is of epoch {found}, the key is certified for {certified}, and this node is in {ours}")]
    Epoch {
        /// The journal's.
        ours: u64,
        /// The delegation's.
        certified: u64,
        /// In the command.
        found: u64,
    },
    /// Its times contradict each other, or it lives longer than its class may.
    #[error(
        "it is good from {from} to {until}, signed at {issued}: longer than a {class:?} command may live, or reversed"
    )]
    Lifetime {
        /// Its class.
        class: Class,
        /// When it was signed.
        issued: Timestamp,
        /// Not before.
        from: Timestamp,
        /// Not after.
        until: Timestamp,
    },
    /// Its time has not come.
    #[error("it is good from {from} on, and the clock here says {now}")]
    NotYet {
        /// The later of its signature and `notBefore`.
        from: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// Its time is over.
    #[error("it expired at {at}, and the clock here says {now}")]
    Expired {
        /// Not after.
        at: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// The id of an earlier command with another body: never an accident.
    #[error("command {0} is known with another body: two different orders carry one id")]
    Alarm(CommandId),
    /// A number that was accepted before, or a read that was answered before.
    #[error("it was replayed: number {got} is not above {high_water}")]
    Replayed {
        /// Its number; 0 for a read.
        got: u64,
        /// The highest accepted.
        high_water: u64,
    },
    /// Numbers are missing before it.
    #[error("number {expected} is next, and it has {got}")]
    Gap {
        /// The next number.
        expected: u64,
        /// Its number.
        got: u64,
    },
    /// A read with a number.
    #[error("a read has no number, and it has {got}")]
    Numbered {
        /// Its number.
        got: u64,
    },
}

impl Refusal {
    /// Stable code: `command.replayed`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAnOrder(_) => "command.not_an_order",
            Self::Verify { .. } => "command.signature",
            Self::OtherKind { .. } => "command.other_kind",
            Self::OtherClass { .. } => "command.other_class",
            Self::ClassNotCertified(_) => "command.class_not_certified",
            Self::Delegation { .. } => "command.delegation",
            Self::OtherNode { .. } => "command.other_node",
            Self::OtherNodeKey { .. } => "command.other_node_key",
            Self::Epoch { .. } => "command.epoch",
            Self::Lifetime { .. } => "command.lifetime",
            Self::NotYet { .. } => "command.not_yet",
            Self::Expired { .. } => "command.expired",
            Self::Alarm(_) => "command.alarm",
            Self::Replayed { .. } => "command.replayed",
            Self::Gap { .. } => "command.gap",
            Self::Numbered { .. } => "command.numbered",
        }
    }

    /// What people and programs see.
    pub fn fault(&self) -> Fault {
        let (kind, fix) = match self {
            Self::Expired { .. } | Self::NotYet { .. } => {
                (ErrorKind::Conflict, "If it should have been in time, compare the clocks of node and control plane.")
            }
            Self::Delegation { .. } => (
                ErrorKind::Forbidden,
                "Have the control plane's online key certified anew, or correct this node's clock.",
            ),
            Self::Gap { .. } | Self::Replayed { .. } => (ErrorKind::Conflict, ""),
            Self::Alarm(_) => (ErrorKind::Forbidden, "Look at the control plane: its orders are being tampered with."),
            _ => (ErrorKind::Forbidden, ""),
        };
        Fault::new(kind, self.code(), self.to_string()).fix(fix)
    }
}

/// Decides about one signed order. `delegation` is the one the handshake verified.
///
/// A command that was accepted before is answered again even when its time is over: dispatch is at least once, and an
/// outcome that arrives late is still the truth. Nothing is done for it.
///
/// # Errors
/// [`Refusal`], the first reason in the order of the checks: signature and label, form, kind, class, certificate,
/// node, key, epoch, id, time, number.
pub fn accept(
    state: &State<'_>,
    signed: &Signed,
    kind: Kind,
    delegation: &Delegation,
    now: Timestamp,
) -> Result<Accept, Refusal> {
    if !is_order(kind) {
        return Err(Refusal::NotAnOrder(kind));
    }
    let command: Command = signed.open(kind, &delegation.key).map_err(|error| Refusal::Verify { kind, error })?;
    check_scope(state, &command, kind, delegation, now)?;
    let hash: BodyHash = Sha256::digest(&signed.payload).into();
    match (state.known)(command.id) {
        Some(known) if known != hash => return Err(Refusal::Alarm(command.id)),
        Some(_) if command.class == Class::Read => {
            return Err(Refusal::Replayed { got: command.sequence, high_water: state.high_water });
        }
        Some(_) => return Ok(Accept { command, hash, decision: Decision::Duplicate }),
        None => {}
    }
    check_time(&command, now)?;
    check_number(state, &command)?;
    Ok(Accept { command, hash, decision: Decision::New })
}

/// Whether frames of this type carry a [`Command`].
pub const fn is_order(kind: Kind) -> bool {
    is_numbered(kind) || matches!(kind, Kind::Query)
}

/// Whether frames of this type carry a [`Command`] with a number.
pub const fn is_numbered(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deploy
            | Kind::AppAction
            | Kind::ProvisionDomain
            | Kind::DeleteProxy
            | Kind::Patch
            | Kind::ServiceAction
            | Kind::Schedule
            | Kind::ServerAction
            | Kind::FileAction
            | Kind::Cancel
            | Kind::Void
            | Kind::DesiredState
    )
}

fn check_scope(
    state: &State<'_>,
    command: &Command,
    kind: Kind,
    delegation: &Delegation,
    now: Timestamp,
) -> Result<(), Refusal> {
    let (order, needed, found) = (command.order.kind(), command.order.class(), command.class);
    if order != kind {
        return Err(Refusal::OtherKind { label: kind, order });
    }
    if found != needed {
        return Err(Refusal::OtherClass { order, needed, found });
    }
    if !delegation.classes.contains(&found) {
        return Err(Refusal::ClassNotCertified(found));
    }
    if !delegation.valid_at(now) {
        return Err(Refusal::Delegation { from: delegation.not_before, until: delegation.not_after, now });
    }
    if command.node != state.node {
        return Err(Refusal::OtherNode { ours: state.node, found: command.node });
    }
    if command.node_key != state.node_key {
        return Err(Refusal::OtherNodeKey { ours: state.node_key, found: command.node_key });
    }
    if command.epoch != delegation.epoch || command.epoch < state.epoch {
        return Err(Refusal::Epoch { ours: state.epoch, certified: delegation.epoch, found: command.epoch });
    }
    Ok(())
}

fn check_time(command: &Command, now: Timestamp) -> Result<(), Refusal> {
    let (issued, from, until) = (command.issued_at, command.not_before, command.expires_at);
    let longest = if command.class == Class::Read { MAX_READ_LIFETIME } else { MAX_LIFETIME };
    if until < from || until < issued || until.since(issued.min(from)) > longest {
        return Err(Refusal::Lifetime { class: command.class, issued, from, until });
    }
    let from = issued.max(from);
    if now < from.minus(SKEW) {
        return Err(Refusal::NotYet { from, now });
    }
    if now > until.plus(SKEW) {
        return Err(Refusal::Expired { at: until, now });
    }
    Ok(())
}

fn check_number(state: &State<'_>, command: &Command) -> Result<(), Refusal> {
    let got = command.sequence;
    if command.class == Class::Read {
        return if got == 0 { Ok(()) } else { Err(Refusal::Numbered { got }) };
    }
    let high_water = if command.epoch > state.epoch { 0 } else { state.high_water };
    if got <= high_water {
        return Err(Refusal::Replayed { got, high_water });
    }
    // `got` is above the high water, so the high water is below the end of the range.
    let expected = high_water + 1;
    if got == expected { Ok(()) } else { Err(Refusal::Gap { expected, got }) }
}
