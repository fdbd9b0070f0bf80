//! What changes to roles, grants and projects would do.

use sf_actions::project::ProjectAction;
use sf_actions::role::{RoleAction, RoleRef};
use sf_actions::{Object, ObjectRef};
use sf_store::grants::Given;
use sf_store::{Look, StoreError, grants, roles, tenants, users};
use sf_types::UserId;

use super::Told;
use crate::authority;

/// What a change to roles would do.
pub(super) async fn role(at: &impl Look, action: &RoleAction) -> sf_store::Result<Told> {
    let told = |step: String| Told { steps: vec![step], losses: Vec::new() };
    Ok(match action {
        RoleAction::Create(create) => {
            told(format!("The role `{}` is made, with {} permissions.", create.name, create.permissions.len()))
                .and("Nobody has it yet.")
        }
        RoleAction::Update(update) => {
            let role = roles::get(at, update.role).await?;
            let people = have(at, update.role).await?;
            told(format!("The role `{}` is changed for {people}, at once.", role.name))
        }
        RoleAction::Delete(delete) => {
            let name = roles::get(at, delete.role).await?.name;
            Told { steps: vec![format!("The role `{name}` is deleted.")], losses: vec![format!("the role `{name}`")] }
        }
        RoleAction::Grant(give) => {
            let (name, place) = (person(at, give.user).await?, place(at, give.object).await?);
            let what = match give.role {
                Some(role) => format!("the role `{}`", role_name(at, role).await?),
                None => give.permissions.iter().map(|one| format!("`{one}`")).collect::<Vec<_>>().join(", "),
            };
            told(format!("{name} gets {what} for {place}."))
        }
        RoleAction::Withdraw(withdraw) => {
            let grant = grants::of_user(at, withdraw.user).await?.into_iter().find(|grant| grant.id == withdraw.grant);
            let grant = grant.ok_or(StoreError::NotFound("grant"))?;
            let (name, place) = (person(at, withdraw.user).await?, place(at, grant.object).await?);
            let what = match grant.given {
                Given::Role(role) => format!("the role `{}`", role_name(at, role).await?),
                Given::Permission(permission) => format!("`{permission}`"),
            };
            told(format!("{name} loses {what} for {place}; open pages and sockets notice within seconds."))
        }
    })
}

/// What a change to projects would do.
pub(super) async fn project(at: &impl Look, action: &ProjectAction) -> sf_store::Result<Told> {
    let mut told = Told::default();
    match action {
        ProjectAction::Create(create) => told.steps.push(format!("The project `{}` is made, empty.", create.name)),
        ProjectAction::Rename(rename) => {
            let before = tenants::project(at, rename.project).await?.name;
            told.steps.push(format!("`{before}` is called `{}` from now on.", rename.name));
        }
        ProjectAction::Delete(delete) => {
            let name = tenants::project(at, delete.project).await?.name;
            told.steps.push(format!("The project `{name}` is deleted."));
            let object = ObjectRef(Object::Project(delete.project));
            told.losses.extend(super::given_at(grants::count_at(at, object).await?, "it"));
        }
    }
    Ok(told)
}

async fn person(at: &impl Look, user: UserId) -> sf_store::Result<String> {
    Ok(users::get(at, user).await?.name)
}

async fn have(at: &impl Look, role: sf_types::RoleId) -> sf_store::Result<String> {
    let counted = roles::people(at).await?;
    let count = counted.iter().find(|(_, own, _)| *own == Some(role)).map_or(0, |(_, _, count)| *count);
    Ok(if count == 1 { "1 person".to_owned() } else { format!("{count} people") })
}

async fn role_name(at: &impl Look, role: RoleRef) -> sf_store::Result<String> {
    Ok(match role {
        RoleRef::BuiltIn(role) => role.title.to_owned(),
        RoleRef::Own(id) => roles::get(at, id).await?.name,
    })
}

/// "the whole team", "the app `shop`".
async fn place(at: &impl Look, object: ObjectRef) -> sf_store::Result<String> {
    let name = authority::name_of(at, object).await.map_err(StoreError::from)?;
    Ok(match name {
        None if object == ObjectRef::TENANT => "the whole team".to_owned(),
        None => format!("a {} that is gone", object.kind()),
        Some(name) => format!("the {} `{name}`", object.kind()),
    })
}
