//! Signing orders with the online key, and the certificate that makes agents believe it.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sf_protocol::{Authz, Class, Command, Delegation, Guard, KeyId, Order, PublicKey, SecretKey, Signed};
use sf_types::{CommandId, NodeId, Timestamp};

/// How long a signed order may wait for its node: 5 min. A run that waits longer gets a new command when the node
/// is back, and a void takes the old number.
pub const ORDER_LIFETIME: Duration = Duration::from_secs(5 * 60);
/// How long a signed read is good for: 30 s.
pub const READ_LIFETIME: Duration = Duration::from_secs(30);

/// The online key with its certificate; the certificate is renewed while we run.
#[derive(Clone, Debug)]
pub struct Signer(Arc<RwLock<Certified>>);

/// What an agent needs to believe a signature.
#[derive(Clone, Debug)]
pub struct Certified {
    /// The online key.
    pub key: SecretKey,
    /// The root's word on it, as it is sent.
    pub signed: Signed,
    /// The same, read.
    pub delegation: Delegation,
    /// The root.
    pub root: PublicKey,
}

/// Everything of an order but the order.
#[derive(Clone, Debug)]
pub struct Address {
    /// A fresh id.
    pub id: CommandId,
    /// For whom.
    pub node: NodeId,
    /// The node's key.
    pub node_key: KeyId,
    /// Its number; 0 for reads.
    pub sequence: u64,
    /// On whose behalf.
    pub authz: Authz,
}

impl Signer {
    /// A signer with a certified key.
    pub fn new(certified: Certified) -> Self {
        Self(Arc::new(RwLock::new(certified)))
    }

    /// Key and certificate as they are now.
    pub fn certified(&self) -> Certified {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Uses a renewed certificate from here on.
    pub fn renew(&self, certified: Certified) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = certified;
    }

    /// The epoch that numbers count in.
    pub fn epoch(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).delegation.epoch
    }

    /// Writes and signs a command.
    pub fn sign(&self, to: Address, order: Order, guard: Guard, now: Timestamp) -> (Command, Signed) {
        let certified = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let class = order.class();
        let lifetime = if class == Class::Read { READ_LIFETIME } else { ORDER_LIFETIME };
        let kind = order.kind();
        let command = Command {
            id: to.id,
            node: to.node,
            node_key: to.node_key,
            epoch: certified.delegation.epoch,
            sequence: to.sequence,
            issued_at: now,
            not_before: now,
            expires_at: now.plus(lifetime),
            class,
            order,
            guard,
            authz: to.authz,
        };
        let signed = Signed::seal(kind, &command, &certified.key);
        (command, signed)
    }
}
