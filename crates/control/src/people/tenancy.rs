//! One team or several. Rows are apart from the first day, so that turning it on changes a word and no data.

use sf_actions::ObjectRef;
use sf_actions::role::{RoleRef, built_in};
use sf_identity::Passwords;
use sf_identity::password::Cost;
use sf_runtime::Rng;
use sf_store::audit::Entry;
use sf_store::tenants::Tenant;
use sf_store::{Look, Scope, Store, StoreError, grants, meta, tenants, users};
use sf_types::{Email, ErrorKind, Fault, Name, Secret};

use crate::sign_in::GIVEN_PASSWORD_LIFETIME;

/// Where it is written down, unless the configuration says it.
const KEY: &str = "multi_tenant";
const ON: &str = "on";

/// Whether several teams may be here: by the configuration, else by what [`switch`] wrote down.
///
/// # Errors
/// When the store cannot be read.
pub async fn is_on(store: &Store, configured: Option<bool>) -> Result<bool, Fault> {
    let written = meta::get(&store.read(Scope::System), KEY).await?;
    Ok(configured.unwrap_or(written.as_deref() == Some(ON)))
}

/// Turns it on, or off where there is one team. No row changes but one word.
///
/// # Errors
/// There are several teams, or it cannot be recorded.
pub async fn switch(store: &Store, on: bool) -> Result<(), Fault> {
    let count = teams(store).await?.len();
    if !on && count > 1 {
        return Err(several(count));
    }
    let change = store.write(Scope::System, move |tx| {
        Box::pin(async move {
            meta::set(tx, KEY, if on { ON } else { "off" }).await?;
            tx.audit(line("team.switch", String::new(), if on { ON } else { "off" }.to_owned()));
            Ok(())
        })
    });
    Ok(change.await?)
}

/// All teams, oldest first; the first is the installation's own.
///
/// # Errors
/// When the store cannot be read.
pub async fn teams(store: &Store) -> Result<Vec<Tenant>, Fault> {
    Ok(tenants::all(&store.read(Scope::System)).await?)
}

/// Makes a team with its first project and its owner; answers it and the owner's password, which is stored nowhere.
///
/// # Errors
/// Several teams are not turned on, the address has an account already, or it cannot be recorded.
pub async fn create_team(
    store: &Store,
    rng: &Rng,
    configured: Option<bool>,
    name: &Name,
    owner: (&Email, &Name),
) -> Result<(Tenant, Secret<String>), Fault> {
    if !is_on(store, configured).await? {
        let fault = Fault::new(ErrorKind::Conflict, "team.single", "This installation has one team.");
        return Err(fault.fix("Run `serverflow admin multi-tenant on` first; nothing is lost by it."));
    }
    let password = sf_identity::password::generate(rng);
    let (email, called) = (owner.0.to_string(), owner.1.to_string());
    let hash = Passwords::new(Cost::default(), 1, rng)?.hash(&password, &[&email, &called]).await?;
    let name = name.to_string();
    let create = store.write(Scope::System, move |tx| {
        Box::pin(async move {
            let (team, _) = tenants::create(tx, &name).await?;
            let user = users::create(tx, team.id, &email, &called).await.map_err(|error| match error {
                StoreError::Taken(_) => Fault::new(ErrorKind::Conflict, "user.exists", "This address has an account.")
                    .fix("A person belongs to one team: give another address.")
                    .into(),
                other => other,
            })?;
            // Whoever runs this hands it on.
            let until = tx.now().plus(GIVEN_PASSWORD_LIFETIME);
            users::give_password(tx, user.id, &hash, until).await?;
            tx.set_scope(Scope::Tenant(team.id));
            grants::give(tx, user.id, RoleRef::BuiltIn(built_in::owner()), ObjectRef::TENANT, None).await?;
            tx.audit(Entry { tenant: Some(team.id), ..line("team.create", team.id.to_string(), "created".to_owned()) });
            Ok(team)
        })
    });
    Ok((create.await?, password))
}

/// Refuses a start that would hide the people of all teams but one from each other's screens and nothing else.
pub(crate) async fn check(store: &Store, configured: Option<bool>) -> Result<(), Fault> {
    let count = teams(store).await?.len();
    if count > 1 && !is_on(store, configured).await? { Err(several(count)) } else { Ok(()) }
}

fn several(count: usize) -> Fault {
    let message = format!("There are {count} teams here, and `multi_tenant` is off.");
    Fault::new(ErrorKind::Conflict, "team.several", message).fix("Leave `multi_tenant` on.")
}

fn line(action: &str, team: String, outcome: String) -> Entry {
    Entry {
        tenant: None,
        project: None,
        actor_kind: "system".to_owned(),
        actor_ref: String::new(),
        action: action.to_owned(),
        target_kind: "tenant".to_owned(),
        target_id: team,
        run: None,
        request: None,
        outcome,
        fields: vec![("through", "data folder".to_owned())],
        personal: Vec::new(),
    }
}
