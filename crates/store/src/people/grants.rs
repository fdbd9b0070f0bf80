//! Who was given what, where: roles and single permissions at objects.

use sf_actions::role::{RoleRef, built_in};
use sf_actions::{Object, ObjectRef, Permission, PermissionSet, Rights};
use sf_types::{AppId, ErrorKind, Fault, GrantId, RoleId, Scope, TenantId, Timestamp, UserId};

use crate::row::{Column, Json, column, row};
use crate::session::Cells;
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, apps, permissions, roles, users};

/// Roles and permissions of one person at the most. What they have at servers of their own goes with these and is not counted.
pub const MAX_GRANTS: u64 = 500;
/// Servers of one person at the most. Who sees nothing else reads with the ids of them all, and a statement has 32,766 places.
pub const MAX_OWN_SERVERS: u64 = 10_000;

row! {
    /// A role that somebody has.
    struct RoleRow in "user_roles" {
        id: GrantId,
        tenant: TenantId = "tenant_id",
        user: UserId = "user_id",
        built_in: String,
        role: Option<RoleId> = "role_id",
        object_kind: String,
        object_id: String,
        granted_by: Option<UserId>,
        created_at: Timestamp,
    }
}

/// What was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    /// A role.
    Role(RoleRef),
    /// One permission.
    Permission(Permission),
}

/// One thing that one person was given at one object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// To whom.
    pub user: UserId,
    /// What.
    pub given: Given,
    /// What that allows now.
    pub permissions: PermissionSet,
    /// Where.
    pub object: ObjectRef,
    /// By whom; `None` for the first administrator and for what is older than this record.
    pub granted_by: Option<UserId>,
    /// When.
    pub created_at: Timestamp,
}

/// The whole team is written as nothing.
fn columns(object: ObjectRef) -> (String, String) {
    match object.0 {
        Object::Tenant => (String::new(), String::new()),
        _ => (object.kind().to_owned(), object.id()),
    }
}

/// `None` for an object of a kind this program does not know: it allows nothing.
fn object_of(kind: &str, id: &str) -> Option<ObjectRef> {
    if kind.is_empty() { Some(ObjectRef::TENANT) } else { ObjectRef::parse(kind, id).ok() }
}

/// Gives a person inside the scope a role at an object. What they have already stays as it is.
///
/// # Errors
/// [`StoreError::NotFound`] when person or role are not inside the scope; a fault beyond [`MAX_GRANTS`] or
/// [`MAX_OWN_SERVERS`].
pub async fn give(tx: &mut Tx, user: UserId, role: RoleRef, object: ObjectRef, by: Option<UserId>) -> Result<()> {
    let person = users::get(tx, user).await?;
    let (built_in, own) = match role {
        RoleRef::BuiltIn(role) => (role.name.to_owned(), None),
        RoleRef::Own(id) => {
            if roles::get(tx, id).await?.tenant != person.tenant {
                return Err(StoreError::NotFound("role"));
            }
            (String::new(), Some(id))
        }
    };
    let (object_kind, object_id) = columns(object);
    let same = Sql::new("SELECT count(*) FROM user_roles WHERE TRUE")
        .and("user_id = ?", &user)
        .with(" AND built_in = ?", built_in.as_str())
        .and_some("role_id = ?", own.as_ref())
        .with(" AND object_kind = ?", object_kind.as_str())
        .with(" AND object_id = ?", object_id.as_str());
    if same.scalar::<u64>(tx).await?.unwrap_or(0) > 0 {
        return Ok(());
    }
    if built_in == built_in::SERVER_OWNER {
        room_for_a_server(tx, user).await?;
    } else {
        room(tx, user).await?;
    }
    let row = RoleRow {
        id: tx.new_id(),
        tenant: person.tenant,
        user,
        built_in,
        role: own,
        object_kind,
        object_id,
        granted_by: by,
        created_at: tx.now,
    };
    insert(tx, &row).await
}

/// Gives a person inside the scope single permissions at an object; those they have already stay.
///
/// # Errors
/// [`StoreError::NotFound`] when the person is not inside the scope; a fault beyond [`MAX_GRANTS`].
pub async fn give_permissions(
    tx: &mut Tx,
    user: UserId,
    given: &[Permission],
    object: ObjectRef,
    by: Option<UserId>,
) -> Result<()> {
    let (kind, id) = columns(object);
    permissions::grant_at(tx, user, given, &kind, &id, by).await?;
    room(tx, user).await
}

async fn room_for_a_server(tx: &Tx, user: UserId) -> Result<()> {
    let own = Sql::new("SELECT count(*) FROM user_roles WHERE TRUE").and("user_id = ?", &user);
    let own = own.with(" AND built_in = ?", built_in::SERVER_OWNER);
    if own.scalar::<u64>(tx).await?.unwrap_or(0) < MAX_OWN_SERVERS {
        return Ok(());
    }
    let message = format!("One person can own {MAX_OWN_SERVERS} servers at the most.");
    Err(Fault::new(ErrorKind::TooLarge, "grant.too_many", message).fix("Let it be somebody else's.").into())
}

async fn room(tx: &Tx, user: UserId) -> Result<()> {
    let count = Sql::new("SELECT (SELECT count(*) FROM user_roles WHERE TRUE")
        .and("user_id = ?", &user)
        .with(" AND built_in <> ?", built_in::SERVER_OWNER)
        .push(") + (SELECT count(*) FROM user_permissions WHERE TRUE")
        .and("user_id = ?", &user)
        .push(")");
    if count.scalar::<u64>(tx).await?.unwrap_or(0) < MAX_GRANTS {
        return Ok(());
    }
    let message = format!("One person can be given {MAX_GRANTS} roles and permissions at the most.");
    let fault = Fault::new(ErrorKind::TooLarge, "grant.too_many", message);
    Err(fault.fix("Make a role that holds them together, and give that.").into())
}

/// Takes one back; answers what it was.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn take(tx: &mut Tx, user: UserId, id: GrantId) -> Result<Grant> {
    let grant = of_user(tx, user).await?.into_iter().find(|grant| grant.id == id);
    let grant = grant.ok_or(StoreError::NotFound("grant"))?;
    let table = match grant.given {
        Given::Role(_) => "DELETE FROM user_roles WHERE TRUE",
        Given::Permission(_) => "DELETE FROM user_permissions WHERE TRUE",
    };
    Sql::new(table).and("id = ?", &id).tenant_scoped(tx.scope()).run_one(tx, "grant").await?;
    Ok(grant)
}

/// Takes a role that every team has back from a person, at one object; they may not have it.
///
/// # Errors
/// When the database fails.
pub async fn take_role(tx: &mut Tx, user: UserId, built_in: &str, object: ObjectRef) -> Result<()> {
    let (kind, id) = columns(object);
    let sql =
        Sql::new("DELETE FROM user_roles WHERE TRUE").and("user_id = ?", &user).with(" AND built_in = ?", built_in);
    let sql = sql.with(" AND object_kind = ?", kind.as_str()).with(" AND object_id = ?", id.as_str());
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}

/// How many roles and permissions were given at an object itself.
///
/// # Errors
/// When the database fails.
pub async fn count_at(at: &impl Look, object: ObjectRef) -> Result<u64> {
    let (kind, id) = columns(object);
    let mut count = 0;
    for table in ["SELECT count(*) FROM user_roles WHERE TRUE", "SELECT count(*) FROM user_permissions WHERE TRUE"] {
        let sql = Sql::new(table).with(" AND object_kind = ?", kind.as_str()).with(" AND object_id = ?", id.as_str());
        let sql = narrowed(sql, at.scope(), "tenant_id = ?");
        count += sql.scalar::<u64>(at).await?.unwrap_or(0);
    }
    Ok(count)
}

/// Takes everything back that was given at an object that is no more.
///
/// # Errors
/// When the database fails.
pub async fn forget_object(tx: &mut Tx, object: ObjectRef) -> Result<()> {
    let (kind, id) = columns(object);
    for table in ["DELETE FROM user_roles WHERE TRUE", "DELETE FROM user_permissions WHERE TRUE"] {
        Sql::new(table)
            .with(" AND object_kind = ?", kind.as_str())
            .with(" AND object_id = ?", id.as_str())
            .tenant_scoped(tx.scope())
            .run(tx)
            .await?;
    }
    Ok(())
}

/// Takes everything back from a person who leaves.
///
/// # Errors
/// When the database fails.
pub async fn forget_person(tx: &mut Tx, user: UserId) -> Result<()> {
    for table in ["DELETE FROM user_roles WHERE TRUE", "DELETE FROM user_permissions WHERE TRUE"] {
        Sql::new(table).and("user_id = ?", &user).tenant_scoped(tx.scope()).run(tx).await?;
    }
    Ok(())
}

/// What people were given at an object itself, by person and oldest first.
///
/// # Errors
/// When the database fails.
pub async fn at_object(at: &impl Look, object: ObjectRef) -> Result<Vec<Grant>> {
    let (kind, id) = columns(object);
    let mut people = std::collections::BTreeSet::new();
    for table in [
        "SELECT DISTINCT user_id FROM user_roles WHERE TRUE",
        "SELECT DISTINCT user_id FROM user_permissions WHERE TRUE",
    ] {
        let sql = Sql::new(table).with(" AND object_kind = ?", kind.as_str()).with(" AND object_id = ?", id.as_str());
        for row in narrowed(sql, at.scope(), "tenant_id = ?").raws(at).await? {
            people.insert(UserId::read(&row, 0)?);
        }
    }
    let mut found = Vec::new();
    for user in people {
        found.extend(of_user(at, user).await?.into_iter().filter(|grant| grant.object == object));
    }
    Ok(found)
}

/// Everything a person was given, roles first, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of_user(at: &impl Look, user: UserId) -> Result<Vec<Grant>> {
    given_to(at, user, |sql| sql).await
}

/// Leaves out what is given at servers of one's own, where the same is given everywhere: whoever runs an installation may own
/// thousands, and each request asks for this.
fn without_repeats(mut sql: Sql) -> Sql {
    let wide = built_in::ALL.iter().filter(|role| role.permissions.has_all(built_in::server_owner().permissions));
    sql = sql.with(" AND (g.built_in <> ?", built_in::SERVER_OWNER).push(
        " OR NOT EXISTS (SELECT 1 FROM user_roles w WHERE w.user_id = g.user_id AND w.object_kind = '' AND w.built_in IN (''",
    );
    for role in wide.filter(|role| role.name != built_in::SERVER_OWNER) {
        sql = sql.with(", ?", role.name);
    }
    sql.push(")))")
}

async fn given_to(at: &impl Look, user: UserId, narrow: impl Fn(Sql) -> Sql + Send) -> Result<Vec<Grant>> {
    let sql = Sql::new(
        "SELECT g.id, g.built_in, g.role_id, g.object_kind, g.object_id, g.granted_by, g.created_at, r.permissions, \
         NULL FROM user_roles g LEFT JOIN roles r ON r.id = g.role_id WHERE TRUE",
    );
    let sql = narrow(sql.and("g.user_id = ?", &user));
    let sql = narrowed(sql, at.scope(), "g.tenant_id = ?").push(
        " UNION ALL SELECT p.id, '', NULL, p.object_kind, p.object_id, p.granted_by, COALESCE(p.created_at, 0), NULL, \
         p.permission FROM user_permissions p WHERE TRUE",
    );
    let sql = narrowed(sql.and("p.user_id = ?", &user), at.scope(), "p.tenant_id = ?");
    let rows = sql.push(" ORDER BY 1").raws(at).await?;
    let grants = rows.iter().map(|row| read(row, user)).collect::<Result<Vec<_>>>()?;
    let mut grants: Vec<_> = grants.into_iter().flatten().collect();
    grants.sort_by_key(|grant| matches!(grant.given, Given::Permission(_)));
    Ok(grants)
}

/// What belongs to a team as a whole is no project's.
fn narrowed(sql: Sql, scope: Scope, column: &str) -> Sql {
    let sql = sql.and_some(column, scope.tenant().as_ref());
    if scope.project().is_some() { sql.push(" AND FALSE") } else { sql }
}

/// `None` for what this program does not know (any more): it allows nothing.
fn read(row: &Cells, user: UserId) -> Result<Option<Grant>> {
    let mut place = 0;
    let id: GrantId = column(row, &mut place)?;
    let (built_in, own): (String, Option<RoleId>) = (column(row, &mut place)?, column(row, &mut place)?);
    let (kind, object_id): (String, String) = (column(row, &mut place)?, column(row, &mut place)?);
    let (granted_by, created_at) = (column(row, &mut place)?, column(row, &mut place)?);
    let own_permissions: Option<Json<Vec<String>>> = Column::read(row, place)?;
    let single: Option<String> = Column::read(row, place + 1)?;
    let given = match (own, single) {
        (_, Some(name)) => {
            name.parse().ok().map(|permission| (Given::Permission(permission), PermissionSet::of(&[permission])))
        }
        (Some(role), None) => {
            let allowed = own_permissions.map_or(PermissionSet::NONE, |names| permissions::known(&names.0));
            Some((Given::Role(RoleRef::Own(role)), allowed))
        }
        (None, None) => built_in::find(&built_in).map(|role| (Given::Role(RoleRef::BuiltIn(role)), role.permissions)),
    };
    let (Some((given, permissions)), Some(object)) = (given, object_of(&kind, &object_id)) else { return Ok(None) };
    Ok(Some(Grant { id, user, given, permissions, object, granted_by, created_at }))
}

/// What a person may do, and where. What was given at an app holds for its previews: they are inside of it.
///
/// # Errors
/// When the database fails.
pub async fn rights_of(at: &impl Look, user: UserId) -> Result<Rights> {
    let grants = given_to(at, user, without_repeats).await?;
    let mut given: Vec<_> = grants.into_iter().map(|grant| (grant.object.0, grant.permissions)).collect();
    let apps: Vec<_> = given.iter().filter_map(|(object, _)| app_of(*object)).collect();
    for (preview, of) in apps::previews_of(at, &apps).await? {
        let at_app = given.iter().filter(|(object, _)| app_of(*object) == Some(of));
        let inside: Vec<_> = at_app.map(|(_, permissions)| (Object::App(preview), *permissions)).collect();
        given.extend(inside);
    }
    Ok(Rights::of(given))
}

const fn app_of(object: Object) -> Option<AppId> {
    if let Object::App(app) = object { Some(app) } else { None }
}

/// People who own the team and may sign in.
///
/// # Errors
/// When the database fails.
pub async fn owners(at: &impl Look, tenant: TenantId) -> Result<Vec<UserId>> {
    let sql = Sql::new(
        "SELECT DISTINCT g.user_id FROM user_roles g JOIN users u ON u.id = g.user_id \
         WHERE u.disabled_at IS NULL AND g.object_kind = ''",
    );
    let sql = sql.with(" AND g.built_in = ?", built_in::OWNER).and("g.tenant_id = ?", &tenant);
    let rows = narrowed(sql, at.scope(), "g.tenant_id = ?").raws(at).await?;
    rows.iter().map(|row| UserId::read(row, 0)).collect()
}

/// People who have a permission at an object by a grant of their own, with what allows it: who may be asked.
///
/// # Errors
/// When the database fails.
pub async fn holders(at: &impl Look, limit: u32) -> Result<Vec<UserId>> {
    let sql = Sql::new("SELECT user_id FROM user_roles WHERE TRUE").tenant_scoped(at.scope());
    let sql = sql.push(" UNION SELECT user_id FROM user_permissions WHERE TRUE").tenant_scoped(at.scope());
    let rows = sql.with(" ORDER BY user_id LIMIT ?", i64::from(limit)).raws(at).await?;
    rows.iter().map(|row| UserId::read(row, 0)).collect()
}
