//! People of a team: how they come, change, are stopped and leave, and their passwords.
//!
//! What somebody does to another is an action and a run ([`perform`]). What somebody does to their own account (join,
//! choose a password, take another name) is no run: it is audited here, in the same transaction.

pub mod account;
pub(crate) mod authority;
pub mod invitations;
pub mod look;
pub mod notify;
pub mod passwords;
pub(crate) mod perform;
pub(crate) mod roles;
pub mod teams;
pub mod tenancy;
pub(crate) mod told;

use sf_actions::ActorKind;
use sf_store::audit::Entry;
use sf_types::{RequestId, TenantId};

use crate::transition::actor_words;

/// An audit line about an act of somebody that is no run and names nobody's address.
pub(crate) fn audit(
    tenant: Option<TenantId>,
    actor: ActorKind,
    subject: &str,
    request: RequestId,
    action: &str,
) -> Entry {
    let (actor_kind, actor_ref) = actor_words(actor);
    Entry {
        tenant,
        project: None,
        actor_kind: actor_kind.to_owned(),
        actor_ref,
        action: action.to_owned(),
        target_kind: "user".to_owned(),
        target_id: subject.to_owned(),
        run: None,
        request: Some(request),
        outcome: "succeeded".to_owned(),
        fields: Vec::new(),
        personal: Vec::new(),
    }
}
