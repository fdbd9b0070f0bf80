//! What a principal may do, and where things stand: what policy is asked with. The only place that turns rows into
//! [`Rights`].

use std::net::IpAddr;

use sf_actions::{ActorKind, Object, ObjectRef, PermissionSet, Rights, Standing};
use sf_store::tokens::Token;
use sf_store::{Look, StoreError, apps, grants, nodes, runs, servers, tenants, tokens};
use sf_types::Fault;

/// What a principal may do now. Who acts for a person may do what the person may; a key narrows that to what it was
/// made for.
pub(crate) async fn rights_of(at: &impl Look, kind: ActorKind) -> Result<Rights, StoreError> {
    match kind {
        ActorKind::System => Ok(Rights::everywhere(PermissionSet::ALL)),
        ActorKind::Person { user, .. } | ActorKind::Trigger { user, .. } => grants::rights_of(at, user).await,
        // What a workflow does is what who started it may do, a key's limits included.
        ActorKind::Workflow { run, .. } => Box::pin(rights_of(at, runs::get(at, run).await?.actor)).await,
        ActorKind::Token { user, token } | ActorKind::Ai { user, token } => {
            let limits = limits_of(&tokens::get(at, token).await?);
            let own = grants::rights_of(at, user).await?;
            Ok(match limits {
                Some(limits) => own.and(limits),
                None => own,
            })
        }
    }
}

/// What a key is limited to; `None` where it may do all that its person may.
pub(crate) fn limits_of(token: &Token) -> Option<Rights> {
    if token.scopes.is_none() && token.project.is_none() {
        return None;
    }
    let permissions = match &token.scopes {
        // A name this program does not know allows nothing.
        Some(names) => names.0.iter().filter_map(|name| name.parse().ok()).collect(),
        None => PermissionSet::ALL,
    };
    Some(Rights::of([(token.project.map_or(Object::Tenant, Object::Project), permissions)]))
}

/// Whether a key may be used from an address; from anywhere where it names none. An entry nobody can read matches
/// nothing.
pub(crate) fn is_from(token: &Token, address: Option<IpAddr>) -> bool {
    let Some(listed) = &token.address_list else { return true };
    let Some(address) = address else { return false };
    listed.0.iter().filter_map(|entry| entry.parse::<sf_types::Network>().ok()).any(|network| network.holds(address))
}

/// Where an object stands; an object outside of the scope or sight is not there.
pub(crate) async fn standing_of(at: &impl Look, object: ObjectRef) -> Result<Standing, StoreError> {
    Ok(match object.0 {
        Object::Tenant => Standing::TENANT,
        Object::Project(id) => {
            tenants::project(at, id).await?;
            Standing { project: Some(id), ..Standing::TENANT }
        }
        Object::Node(id) => Standing { project: nodes::get(at, id).await?.project, node: Some(id), ..Standing::TENANT },
        Object::App(id) => {
            let app = apps::get(at, id).await?;
            Standing { project: Some(app.project), node: Some(app.node), app: Some(id), server: None }
        }
        Object::Server(id) => {
            let server = servers::get(at, id).await?;
            Standing { project: Some(server.project), node: Some(server.node), app: None, server: Some(id) }
        }
    })
}

/// What an object is called; `None` for what is gone.
pub(crate) async fn name_of(at: &impl Look, object: ObjectRef) -> Result<Option<String>, Fault> {
    let found = match object.0 {
        Object::Tenant => return Ok(None),
        Object::Project(id) => tenants::project(at, id).await.map(|project| project.name),
        Object::Node(id) => nodes::get(at, id).await.map(|node| node.name),
        Object::App(id) => apps::get(at, id).await.map(|app| app.name.to_string()),
        Object::Server(id) => servers::get(at, id).await.map(|server| server.name.to_string()),
    };
    match found {
        Ok(name) => Ok(Some(name)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_actions::Permission;
    use sf_store::Json;
    use sf_types::{ProjectId, Timestamp, TypedId};

    fn id<I: TypedId>(n: u8) -> I {
        I::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn key(scopes: Option<&[&str]>, project: Option<ProjectId>, addresses: Option<&[&str]>) -> Token {
        let list = |names: &[&str]| Json(names.iter().map(|name| (*name).to_owned()).collect());
        Token {
            id: id(1),
            tenant: id(1),
            user: id(1),
            name: "ci".into(),
            hash: [0; 32],
            scopes: scopes.map(list),
            address_list: addresses.map(list),
            created_at: Timestamp::EPOCH,
            expires_at: Timestamp::EPOCH,
            last_used_at: None,
            revoked_at: None,
            project,
            last_used_from: None,
            speaks_for: sf_actions::access::SpeaksFor::Person,
        }
    }

    #[test]
    fn a_key_narrows_what_its_person_may() {
        let (view, deploy) = (Permission::AppView, Permission::AppDeploy);
        let own = Rights::everywhere(PermissionSet::of(&[view, deploy]));
        let in_project = Standing { project: Some(id(1)), ..Standing::TENANT };
        let check = |token: Token, standing: Standing, expected: &[Permission]| {
            let rights = match limits_of(&token) {
                Some(limits) => own.clone().and(limits),
                None => own.clone(),
            };
            assert_eq!(rights.at(&standing), PermissionSet::of(expected), "{token:?} {standing:?}");
        };
        check(key(None, None, None), Standing::TENANT, &[view, deploy]);
        check(key(Some(&["app:view"]), None, None), Standing::TENANT, &[view]);
        // What the person does not have, a key does not give; what nobody knows, neither.
        check(key(Some(&["app:view", "node:delete", "*", ""]), None, None), Standing::TENANT, &[view]);
        check(key(Some(&[]), None, None), Standing::TENANT, &[]);
        check(key(None, Some(id(1)), None), in_project, &[view, deploy]);
        check(key(None, Some(id(1)), None), Standing::TENANT, &[]);
        check(key(Some(&["app:view"]), Some(id(1)), None), in_project, &[view]);
        check(key(Some(&["app:view"]), Some(id(2)), None), in_project, &[]);
    }

    #[test]
    fn a_key_is_good_from_its_addresses_alone() {
        for (list, address, expected) in [
            (None, None, true),
            (None, Some("192.0.2.1"), true),
            (Some(&["192.0.2.0/24"][..]), Some("192.0.2.77"), true),
            (Some(&["192.0.2.0/24"]), Some("::ffff:192.0.2.77"), true),
            (Some(&["192.0.2.0/24"]), Some("192.0.3.1"), false),
            (Some(&["192.0.2.1", "2001:db8::/32"]), Some("2001:db8::7"), true),
            (Some(&["192.0.2.1"]), None, false),
            (Some(&["*"]), Some("192.0.2.1"), false),
            (Some(&[]), Some("192.0.2.1"), false),
        ] {
            let address = address.map(|text: &str| text.parse().unwrap());
            assert_eq!(is_from(&key(None, None, list), address), expected, "{list:?} {address:?}");
        }
    }
}
