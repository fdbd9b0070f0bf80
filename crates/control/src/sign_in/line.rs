//! Audit lines about signing in.

use sf_store::audit::{Entry, Personal};
use sf_store::users::User;
use sf_types::{RequestId, TenantId, UserId};

use super::Origin;

/// An audit line about signing in; the address and the network address are committed to, and can be erased.
pub(crate) fn signing(
    user: Option<(TenantId, UserId)>,
    email: &str,
    origin: &Origin,
    action: &str,
    outcome: &str,
) -> Entry {
    let subject = user.map_or_else(|| "unknown".to_owned(), |(_, user)| user.to_string());
    let personal = |field, value: String| Personal { field, subject: subject.clone(), value };
    Entry {
        tenant: user.map(|(tenant, _)| tenant),
        project: None,
        actor_kind: "person".to_owned(),
        actor_ref: subject.clone(),
        action: action.to_owned(),
        target_kind: "user".to_owned(),
        target_id: subject.clone(),
        run: None,
        request: Some(origin.request),
        outcome: outcome.to_owned(),
        fields: Vec::new(),
        personal: vec![personal("email", email.to_owned()), personal("ip", origin.address.to_string())],
    }
}

/// The line of somebody who is known and does not come in.
pub(super) fn refused(user: &User, origin: &Origin) -> Entry {
    signing(Some((user.tenant, user.id)), &user.email, origin, "session.open", "refused")
}

/// An audit line about what was done to a person on the data folder, where nobody signs in.
pub(super) fn on_data_folder(tenant: TenantId, user: UserId, action: &str) -> Entry {
    Entry {
        tenant: Some(tenant),
        project: None,
        actor_kind: "system".to_owned(),
        actor_ref: String::new(),
        action: action.to_owned(),
        target_kind: "user".to_owned(),
        target_id: user.to_string(),
        run: None,
        request: None,
        outcome: "succeeded".to_owned(),
        fields: vec![("through", "data folder".to_owned())],
        personal: Vec::new(),
    }
}

/// An audit line about what a person did to their own sessions.
pub(super) fn of_person(
    tenant: TenantId,
    user: UserId,
    request: Option<RequestId>,
    action: &str,
    sessions: u64,
) -> Entry {
    Entry {
        actor_kind: "person".to_owned(),
        actor_ref: user.to_string(),
        request,
        fields: vec![("count", sessions.to_string())],
        ..on_data_folder(tenant, user, action)
    }
}
