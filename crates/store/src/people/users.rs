//! People and the ways they sign in.

use sf_types::{AccountId, Page, PageRequest, TenantId, Timestamp, UserId};
use unicode_normalization::UnicodeNormalization;

use crate::row::row;
use crate::sql::{Sql, containing, insert, page_of};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, tenants};

row! {
    /// A person.
    pub struct User in "users" {
        /// Their id.
        id: UserId,
        /// Their tenant.
        tenant: TenantId = "tenant_id",
        /// Normalised ([`normalise_email`]), unique in the installation.
        email: String,
        /// What they are called.
        name: String,
        /// BCP 47 tag of the language they chose.
        locale: Option<String>,
        /// Since when they may not sign in.
        disabled_at: Option<Timestamp>,
        /// When they were added.
        created_at: Timestamp,
        /// When they last signed in.
        last_sign_in_at: Option<Timestamp>,
        /// Where somebody else has seen their password: until when it is good. They have to change it first.
        password_due_at: Option<Timestamp>,
    }
}

row! {
    /// A way a person signs in.
    pub struct Account in "accounts" {
        /// Its id.
        id: AccountId,
        /// Their tenant.
        tenant: TenantId = "tenant_id",
        /// Who.
        user: UserId = "user_id",
        /// `password`, or the name of an identity provider.
        provider: String,
        /// Who they are there; for passwords the user's id.
        subject: String,
        /// Password hash (PHC string).
        secret_hash: Option<String>,
        /// When it was added.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

/// The provider name of passwords.
pub const PASSWORD: &str = "password";

/// The form in which addresses are compared: without surrounding space, in one Unicode form (NFKC), without case. By
/// way of the upper case, because more than one small letter may belong to a capital (`ſ` and `s`, `ς` and `σ`).
pub fn normalise_email(email: &str) -> String {
    let folded = email.trim().nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    folded.collect::<String>().nfkc().collect()
}

/// Adds a person.
///
/// # Errors
/// [`StoreError::Taken`] when the address is in use.
pub async fn create(tx: &mut Tx, tenant: TenantId, email: &str, name: &str) -> Result<User> {
    tx.own("user", tenant, None)?;
    let user = User {
        id: tx.new_id(),
        tenant,
        email: normalise_email(email),
        name: name.to_owned(),
        locale: None,
        disabled_at: None,
        created_at: tx.now,
        last_sign_in_at: None,
        password_due_at: None,
    };
    insert(tx, &user).await?;
    Ok(user)
}

/// A person inside the scope.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: UserId) -> Result<User> {
    Sql::select::<User>().and("id = ?", &id).tenant_scoped(at.scope()).get(at, "user").await
}

/// A person by address. Sign-in looks under the system's scope: it does not know the tenant yet.
///
/// # Errors
/// When the database fails.
pub async fn by_email(at: &impl Look, email: &str) -> Result<Option<User>> {
    Sql::select::<User>().and("email = ?", &normalise_email(email)).tenant_scoped(at.scope()).find(at).await
}

/// A person who may come in now: neither they nor their team is suspended.
///
/// # Errors
/// When the database fails.
pub async fn admitted(at: &impl Look, id: UserId) -> Result<Option<User>> {
    let sql = Sql::select::<User>().and("id = ?", &id).push(
        " AND disabled_at IS NULL AND NOT EXISTS (SELECT 1 FROM tenants t WHERE t.id = users.tenant_id \
         AND t.suspended_at IS NOT NULL)",
    );
    sql.tenant_scoped(at.scope()).find(at).await
}

/// Whether a person is kept out: they or their team is suspended.
///
/// # Errors
/// When the database fails.
pub async fn is_shut_out(at: &impl Look, user: &User) -> Result<bool> {
    Ok(user.disabled_at.is_some() || tenants::get(at, user.tenant).await?.suspended_at.is_some())
}

/// How many people there are inside the scope: none means that the installation waits for its first.
///
/// # Errors
/// When the database fails.
pub async fn count(at: &impl Look) -> Result<u64> {
    let sql = Sql::new("SELECT count(*) FROM users WHERE TRUE").tenant_scoped(at.scope());
    Ok(sql.scalar(at).await?.unwrap_or(0))
}

/// People inside the scope, newest first; `q` is looked for in name and address.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn page(at: &impl Look, q: Option<&str>, page: &PageRequest) -> Result<Page<User>> {
    let mut sql = Sql::select::<User>().tenant_scoped(at.scope());
    if let Some(q) = q {
        let pattern = containing(q);
        sql = sql.with(" AND (lower(name) LIKE ? ESCAPE '\\'", pattern.clone());
        sql = sql.with(" OR email LIKE ? ESCAPE '\\')", pattern);
    }
    Ok(page_of(sql.page(page)?.all(at).await?, page, |user: &User| user.id.uuid()))
}

/// Which people.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UserFilter {
    /// With this in name or address.
    pub q: Option<String>,
    /// Only those who are suspended, or only those who are not.
    pub is_suspended: Option<bool>,
}

/// People inside the scope, newest first.
///
/// # Errors
/// A bad cursor; when the database fails.
pub async fn list(at: &impl Look, filter: &UserFilter, page: &PageRequest) -> Result<Page<User>> {
    let mut sql = Sql::select::<User>().tenant_scoped(at.scope());
    if let Some(q) = &filter.q {
        let pattern = containing(q);
        sql = sql.with(" AND (lower(name) LIKE ? ESCAPE '\\'", pattern.clone());
        sql = sql.with(" OR email LIKE ? ESCAPE '\\')", pattern);
    }
    sql = match filter.is_suspended {
        Some(true) => sql.push(" AND disabled_at IS NOT NULL"),
        Some(false) => sql.push(" AND disabled_at IS NULL"),
        None => sql,
    };
    Ok(page_of(sql.page(page)?.all(at).await?, page, |user: &User| user.id.uuid()))
}

/// Gives a person another name.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn rename(tx: &mut Tx, user: UserId, name: &str) -> Result<()> {
    let sql = Sql::new("UPDATE users SET name = ").with("? WHERE TRUE", name).and("id = ?", &user);
    sql.tenant_scoped(tx.scope()).run_one(tx, "user").await
}

/// Keeps the language a person chose.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_locale(tx: &mut Tx, user: UserId, locale: &str) -> Result<()> {
    let sql = Sql::new("UPDATE users SET locale = ").with("? WHERE TRUE", locale).and("id = ?", &user);
    sql.tenant_scoped(tx.scope()).run_one(tx, "user").await
}

/// Tables whose rows go with a person, those that others refer to last.
pub const OWNED: &[&str] = &[
    "sessions",
    "mcp_grants",
    "api_tokens",
    "password_resets",
    "invitations",
    "user_permissions",
    "user_roles",
    "login_tickets",
    "recovery_codes",
    "factors",
    "cli_logins",
    "accounts",
    "notices_held",
    "notification_channels",
    "notification_preferences",
];

/// Tables of what a person owns and others use, too: they are not removed while they own any.
pub const HANDED_ON: &[&str] = &["servers"];

/// Deletes a person and everything that is theirs alone. What they did stays, under their id.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn remove(tx: &mut Tx, user: UserId) -> Result<()> {
    let user = get(tx, user).await?;
    for table in OWNED {
        Sql::new(&format!("DELETE FROM {table} WHERE TRUE")).and("user_id = ?", &user.id).run(tx).await?;
    }
    let open = Sql::new("DELETE FROM invitations WHERE TRUE").and("email = ?", &user.email);
    open.and("tenant_id = ?", &user.tenant).run(tx).await?;
    let keys = Sql::new("DELETE FROM idempotency_keys").with(" WHERE principal = ?", user.id.to_string());
    keys.and("tenant_id = ?", &user.tenant).run(tx).await?;
    Sql::new("DELETE FROM users WHERE TRUE").and("id = ?", &user.id).run_one(tx, "user").await
}

/// Sets the password hash of a person inside the scope, who chose it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_password(tx: &mut Tx, user: UserId, hash: &str) -> Result<()> {
    keep_password(tx, user, hash).await?;
    set_due(tx, user, None).await
}

/// Sets a password that somebody else has seen: it is good until `until`, and has to be changed first.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn give_password(tx: &mut Tx, user: UserId, hash: &str, until: Timestamp) -> Result<()> {
    keep_password(tx, user, hash).await?;
    set_due(tx, user, Some(until)).await
}

async fn set_due(tx: &mut Tx, user: UserId, until: Option<Timestamp>) -> Result<()> {
    let sql = Sql::new("UPDATE users SET password_due_at = ").with("? WHERE TRUE", until.map(Timestamp::as_millis));
    sql.and("id = ?", &user).tenant_scoped(tx.scope()).run_one(tx, "user").await
}

async fn keep_password(tx: &mut Tx, user: UserId, hash: &str) -> Result<()> {
    let user = get(tx, user).await?;
    let changed = Sql::new("UPDATE accounts SET secret_hash = ")
        .with("?", hash)
        .with(", updated_at = ? WHERE TRUE", tx.now.as_millis())
        .and("user_id = ?", &user.id)
        .with(" AND provider = ?", PASSWORD)
        .run(tx)
        .await?;
    if changed > 0 {
        return Ok(());
    }
    let account = Account {
        id: tx.new_id(),
        tenant: user.tenant,
        user: user.id,
        provider: PASSWORD.to_owned(),
        subject: user.id.to_string(),
        secret_hash: Some(hash.to_owned()),
        created_at: tx.now,
        updated_at: tx.now,
    };
    insert(tx, &account).await
}

/// The password hash of a person inside the scope, where they have one.
///
/// # Errors
/// When the database fails.
pub async fn password(at: &impl Look, user: UserId) -> Result<Option<String>> {
    let sql = Sql::new("SELECT secret_hash FROM accounts WHERE TRUE")
        .and("user_id = ?", &user)
        .with(" AND provider = ?", PASSWORD)
        .tenant_scoped(at.scope());
    Ok(sql.scalar::<Option<String>>(at).await?.flatten())
}

/// Keeps the password of a person as it is until COMMIT: whoever changes it meanwhile waits, and then ends what this
/// write begins. `false` where it is not `hash` any more; without a `hash`, where there is none.
///
/// # Errors
/// When the database fails.
pub async fn hold_password(tx: &mut Tx, user: UserId, hash: Option<&str>) -> Result<bool> {
    let sql = Sql::new("UPDATE accounts SET updated_at = updated_at WHERE secret_hash IS NOT NULL")
        .and("user_id = ?", &user)
        .with(" AND provider = ?", PASSWORD);
    let sql = match hash {
        Some(hash) => sql.with(" AND secret_hash = ?", hash),
        None => sql,
    };
    Ok(sql.tenant_scoped(tx.scope()).run(tx).await? == 1)
}

/// Notes a sign-in of somebody who may.
///
/// # Errors
/// [`StoreError::NotFound`]; suspended people are not there.
pub async fn signed_in(tx: &mut Tx, user: UserId) -> Result<()> {
    Sql::new("UPDATE users SET last_sign_in_at = ")
        .with("? WHERE disabled_at IS NULL", tx.now.as_millis())
        .and("id = ?", &user)
        .tenant_scoped(tx.scope())
        .run_one(tx, "user")
        .await
}

/// Lets a person sign in no more (`true`), or again.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn set_disabled(tx: &mut Tx, user: UserId, disabled: bool) -> Result<()> {
    let at: Option<i64> = disabled.then(|| tx.now.as_millis());
    Sql::new("UPDATE users SET disabled_at = ")
        .with("? WHERE TRUE", at)
        .and("id = ?", &user)
        .tenant_scoped(tx.scope())
        .run_one(tx, "user")
        .await
}

/// Refuses a user of another tenant as the owner of a row.
pub(crate) async fn must_own(tx: &Tx, tenant: TenantId, user: UserId) -> Result<()> {
    let owner = get(tx, user).await?;
    if owner.tenant == tenant { Ok(()) } else { Err(StoreError::OutOfScope("user")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form_however_it_is_written() {
        for (written, expected) in [
            ("  Ada@Example.ORG ", "ada@example.org"),
            ("ＡＤＡ@example.org", "ada@example.org"),
            ("ada@ｅｘａｍｐｌｅ.org", "ada@example.org"),
            ("re\u{301}ne@example.org", "r\u{e9}ne@example.org"),
            ("R\u{c9}NE@example.org", "r\u{e9}ne@example.org"),
            ("\u{17f}am@example.org", "sam@example.org"),
            ("STRASSE@example.org", "strasse@example.org"),
            ("stra\u{df}e@example.org", "strasse@example.org"),
            ("\u{3a3}\u{3c2}\u{3c3}@example.org", "\u{3c3}\u{3c3}\u{3c3}@example.org"),
            ("\u{212a}im@example.org", "kim@example.org"),
            ("o\u{fb03}ce@example.org", "office@example.org"),
        ] {
            assert_eq!(normalise_email(written), expected, "{written}");
            assert_eq!(normalise_email(expected), expected, "{expected} is its own form");
        }
    }
}
