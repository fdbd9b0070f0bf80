//! Notification channels: a person's own, or the team's. Nothing here can open the address of one.

use sf_engine::notify::Kind;
use sf_types::{Name, NotificationChannelId, ProjectId, TenantId, Timestamp, UserId};

use crate::row::{Column, Json, row, words};
use crate::sql::{Sql, insert};
use crate::tx::{Look, Tx};
use crate::{Result, StoreError, users};

/// Channels of one person, browsers apart, and of a team: 20 each.
pub const MAX_CHANNELS: u64 = 20;
/// Browsers of one person that take pushed messages: 10.
pub const MAX_BROWSERS: u64 = 10;
/// Characters of a reason that are kept.
pub const MAX_ERROR_CHARS: usize = 300;

words! {
    /// The form in which a channel takes messages.
    pub enum ChannelKind {
        /// A letter.
        Mail = "mail",
        /// Signed JSON, for programs.
        Webhook = "webhook",
        /// Slack's form.
        Slack = "slack",
        /// Discord's.
        Discord = "discord",
        /// ntfy's.
        Ntfy = "ntfy",
        /// A browser, by its push service.
        Push = "push",
    }
}

row! {
    /// A channel. Where it leads is sealed; `hint` is what may be shown of that.
    pub struct Channel in "notification_channels" {
        /// Its id.
        id: NotificationChannelId,
        /// Whose tenant.
        tenant: TenantId = "tenant_id",
        /// Whose; the team's where `None`.
        user: Option<UserId> = "user_id",
        /// Which form.
        kind: ChannelKind,
        /// What it is called.
        name: Name,
        /// Where it leads, sealed.
        sealed: Vec<u8>,
        /// Equal for equal addresses, and says nothing about them.
        fingerprint: [u8; 32],
        /// What is shown of the address.
        hint: String,
        /// What it takes.
        kinds: Json<Vec<Kind>>,
        /// Of which projects; of all, and of what is in none, where `None`.
        projects: Option<Json<Vec<ProjectId>>>,
        /// Whether it is used.
        enabled: bool,
        /// When a message was last taken there.
        last_sent_at: Option<Timestamp>,
        /// Why the last one was not; `None` once one was.
        last_error: Option<String>,
        /// When that was.
        last_error_at: Option<Timestamp>,
        /// When it was made.
        created_at: Timestamp,
        /// When it was last changed.
        updated_at: Timestamp,
    }
}

impl Channel {
    /// Whether it takes what is of this kind, in this project.
    pub fn takes(&self, kind: Kind, project: Option<ProjectId>) -> bool {
        let is_there = |list: &Json<Vec<ProjectId>>| project.is_some_and(|project| list.0.contains(&project));
        self.enabled && self.kinds.0.contains(&kind) && self.projects.as_ref().is_none_or(is_there)
    }
}

/// Adds a channel. A browser that is known replaces what was known of it.
///
/// # Errors
/// [`StoreError::OutOfScope`], [`StoreError::NotFound`] for a person outside of the scope; [`StoreError::Taken`] when
/// there are [`MAX_CHANNELS`], or [`MAX_BROWSERS`].
pub async fn create(tx: &mut Tx, channel: &Channel) -> Result<()> {
    tx.own("notification channel", channel.tenant, None)?;
    if let Some(user) = channel.user {
        users::must_own(tx, channel.tenant, user).await?;
    }
    let is_browser = channel.kind == ChannelKind::Push;
    if is_browser {
        let known = owned_by(Sql::new("SELECT id FROM notification_channels WHERE kind = 'push'"), channel.user);
        let known = known.and("fingerprint = ?", &channel.fingerprint).tenant_scoped(tx.scope());
        if let Some(id) = known.scalar::<NotificationChannelId>(tx).await? {
            delete(tx, id).await?;
        }
    }
    let (same, most) = match is_browser {
        true => ("SELECT count(*) FROM notification_channels WHERE kind = 'push'", MAX_BROWSERS),
        false => ("SELECT count(*) FROM notification_channels WHERE kind <> 'push'", MAX_CHANNELS),
    };
    let count = owned_by(Sql::new(same), channel.user).tenant_scoped(tx.scope()).scalar::<u64>(tx).await?;
    if count.unwrap_or(0) >= most {
        return Err(StoreError::Taken(format!("{most}")));
    }
    insert(tx, channel).await
}

fn owned_by(sql: Sql, user: Option<UserId>) -> Sql {
    match user {
        Some(user) => sql.and("user_id = ?", &user),
        None => sql.push(" AND user_id IS NULL"),
    }
}

/// A channel inside the scope, whoever's it is.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn get(at: &impl Look, id: NotificationChannelId) -> Result<Channel> {
    let sql = Sql::select::<Channel>().and("id = ?", &id);
    sql.tenant_scoped(at.scope()).get(at, "notification channel").await
}

/// The channels of a person, or the team's, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn of(at: &impl Look, user: Option<UserId>) -> Result<Vec<Channel>> {
    let sql = owned_by(Sql::select::<Channel>(), user).tenant_scoped(at.scope());
    sql.push(" ORDER BY id").all(at).await
}

/// All channels of a tenant that are in use, by their owner.
///
/// # Errors
/// When the database fails.
pub async fn in_use(at: &impl Look, tenant: TenantId) -> Result<Vec<Channel>> {
    let sql = Sql::select::<Channel>().and("tenant_id = ?", &tenant).and("enabled = ?", &true);
    sql.tenant_scoped(at.scope()).push(" ORDER BY user_id, id").all(at).await
}

/// Keeps a channel as changed: all but whose it is, what kind, and when it was made.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn update(tx: &mut Tx, channel: &Channel) -> Result<()> {
    Sql::new("UPDATE notification_channels SET name = ")
        .with("?", channel.name.value())
        .with(", sealed = ?", channel.sealed.value())
        .with(", fingerprint = ?", channel.fingerprint.value())
        .with(", hint = ?", channel.hint.value())
        .with(", kinds = ?", channel.kinds.value())
        .with(", projects = ?", channel.projects.value())
        .with(", enabled = ?", channel.enabled.value())
        .with(", last_error = ?", channel.last_error.value())
        .with(", last_error_at = ?", channel.last_error_at.value())
        .with(", updated_at = ? WHERE TRUE", tx.now.as_millis())
        .and("id = ?", &channel.id)
        .tenant_scoped(tx.scope())
        .run_one(tx, "notification channel")
        .await
}

/// Deletes a channel and what waits for it.
///
/// # Errors
/// [`StoreError::NotFound`].
pub async fn delete(tx: &mut Tx, id: NotificationChannelId) -> Result<()> {
    let held = Sql::new("DELETE FROM notices_held WHERE TRUE").and("channel_id = ?", &id);
    held.tenant_scoped(tx.scope()).run(tx).await?;
    let sql = Sql::new("DELETE FROM notification_channels WHERE TRUE").and("id = ?", &id);
    sql.tenant_scoped(tx.scope()).run_one(tx, "notification channel").await
}

/// Notes how the last message went: taken, or why not.
///
/// # Errors
/// When the database fails. One that is gone meanwhile is no error.
pub async fn went(tx: &mut Tx, id: NotificationChannelId, error: Option<&str>) -> Result<()> {
    let sql = match error {
        None => Sql::new("UPDATE notification_channels SET last_error = NULL, last_error_at = NULL, last_sent_at = "),
        Some(why) => {
            let why: String = why.chars().take(MAX_ERROR_CHARS).collect();
            Sql::new("UPDATE notification_channels SET last_error = ").with("?", why).push(", last_error_at = ")
        }
    };
    let sql = sql.with("? WHERE TRUE", tx.now.as_millis()).and("id = ?", &id);
    sql.tenant_scoped(tx.scope()).run(tx).await.map(drop)
}
