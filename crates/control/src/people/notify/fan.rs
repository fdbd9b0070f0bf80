//! Whom a notice is for: the team's channels, and those of people who may see it, each at its time.

use sf_engine::notify::{Preferences, Route};
use sf_store::approvals::ApprovalState;
use sf_store::channels::{self, Channel};
use sf_store::held::{self, Held};
use sf_store::outbox::{self, Task};
use sf_store::{Json, Look, Reader, StoreError, Tx, approvals, preferences, users};
use sf_types::{Fault, NotificationChannelId, Scope, Timestamp, UserId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::lane::Delivery;
use super::notice::Notice;
use super::{COLLECTED_FOR, DIGEST, LANE, MAX_WAITING, MESSAGE, compose};
use crate::approval::alerts::{self, Trouble};
use crate::control::Control;
use crate::{authority, events};

/// What is due for a channel.
#[derive(serde::Serialize, serde::Deserialize)]
struct Due {
    channel: NotificationChannelId,
}

impl Control {
    /// Finds out whom a notice is for and writes what follows, in one transaction with its end.
    pub(super) async fn fan_out(&self, task: &Task) -> Result<(), Fault> {
        let notice: Option<Notice> = serde_json::from_value(task.payload.0.clone()).ok();
        let reader = self.core().store.read(Scope::System);
        let notice = match notice {
            Some(notice) => completed(&reader, notice).await?,
            None => None,
        };
        let routed = match &notice {
            Some(notice) => self.routed(&reader, notice).await?,
            None => Vec::new(),
        };
        let (id, control) = (task.id, self.clone());
        let write = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                for (channel, route) in &routed {
                    let Some(notice) = &notice else { continue };
                    let unique = unique(&[id.as_bytes(), channel.id.uuid().as_bytes()]);
                    match route {
                        Route::Never => {}
                        Route::Now => {
                            let message = compose::one(unique, notice, |path| control.core().notices.page(path));
                            post(tx, channel.id, Delivery { channel: channel.id, message }).await?;
                        }
                        Route::At(then) => hold(tx, channel, unique, notice, *then).await?,
                    }
                }
                // Nothing else happens when a silence is long enough: whoever looks at cards hears of it here.
                if let Some(Notice { alert: Some(Trouble::Silent), tenant, node: Some(node), .. }) = &notice {
                    tx.publish(events::node_changed(*tenant, *node, "silent"));
                }
                outbox::done(tx, id).await
            })
        });
        write.await?;
        Ok(())
    }

    /// The channels a notice goes to, and when.
    async fn routed(&self, reader: &Reader, notice: &Notice) -> Result<Vec<(Channel, Route)>, Fault> {
        let (mut routed, mut known) = (Vec::new(), None::<(UserId, Option<Preferences>)>);
        for channel in channels::in_use(reader, notice.tenant).await? {
            if !channel.takes(notice.kind, notice.project) {
                continue;
            }
            let route = match channel.user {
                None => Route::Now,
                Some(user) => {
                    // They come by their owners.
                    if known.as_ref().is_none_or(|(of, _)| *of != user) {
                        known = Some((user, preferences_of(reader, user, notice).await?));
                    }
                    match known.as_ref().and_then(|(_, preferences)| preferences.as_ref()) {
                        None => Route::Never,
                        // A zone that is not known any more must not swallow what is pressing.
                        Some(wanted) => wanted.route(notice.kind, self.now()).unwrap_or(Route::Now),
                    }
                }
            };
            let route = match route {
                Route::Now if self.is_behind(reader, channel.id).await? => Route::At(self.now().plus(COLLECTED_FOR)),
                route => route,
            };
            routed.push((channel, route));
        }
        Ok(routed)
    }

    /// Whether a channel cannot keep up: what comes meanwhile is collected.
    async fn is_behind(&self, reader: &Reader, channel: NotificationChannelId) -> Result<bool, Fault> {
        Ok(outbox::waiting(reader, &lane_of(channel)).await?.0 >= MAX_WAITING)
    }

    /// Makes one message of what was held for a channel and is due, as far as it still is to be told.
    pub(super) async fn release_held(&self, task: &Task) -> Result<(), Fault> {
        let reader = self.core().store.read(Scope::System);
        let due: Option<Due> = serde_json::from_value(task.payload.0.clone()).ok();
        let channel = match &due {
            Some(due) => there(channels::get(&reader, due.channel).await)?,
            None => None,
        };
        let (mut notices, mut ids) = (Vec::new(), Vec::new());
        if let Some(channel) = &channel {
            for held in held::due(&reader, channel.id).await? {
                ids.push(held.id);
                let notice: Option<Notice> = serde_json::from_value(held.notice.0).ok();
                if let Some(notice) = notice
                    && channel.enabled
                    && may_be_told(&reader, channel.user, &notice).await?
                    && let Some(notice) = completed(&reader, notice).await?
                {
                    notices.push(notice);
                }
            }
        }
        let (id, control, now) = (task.id, self.clone(), self.now());
        let write = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                held::forget(tx, &ids).await?;
                if let Some(channel) = &channel {
                    let unique = unique(&[id.as_bytes(), channel.id.uuid().as_bytes()]);
                    let full = ids.len() as u64 >= held::MAX_HELD;
                    let page = |path: &str| control.core().notices.page(path);
                    if let Some(message) = compose::together(unique, &notices, full, now, page) {
                        post(tx, channel.id, Delivery { channel: channel.id, message }).await?;
                    }
                }
                outbox::done(tx, id).await
            })
        });
        write.await?;
        Ok(())
    }
}

/// The lane of a channel's messages.
pub(super) fn lane_of(channel: NotificationChannelId) -> String {
    format!("{LANE}/{channel}")
}

async fn post(tx: &mut Tx, channel: NotificationChannelId, delivery: Delivery) -> sf_store::Result<()> {
    let (id, now) = (delivery.message.id, tx.now());
    let payload = serde_json::to_value(&delivery).expect("texts, ids and times");
    outbox::push_once(tx, id, (&lane_of(channel), MESSAGE), payload, now).await
}

/// What is held for the same moment goes at one time.
async fn hold(tx: &mut Tx, channel: &Channel, id: Uuid, notice: &Notice, then: Timestamp) -> sf_store::Result<()> {
    let held = Held {
        id,
        tenant: channel.tenant,
        user: channel.user,
        channel: channel.id,
        notice: Json(serde_json::to_value(notice).expect("texts, ids and times")),
        due_at: then,
        created_at: tx.now(),
    };
    if !held::keep(tx, &held).await? {
        tracing::warn!(channel = %channel.id, "a notice was dropped: too many wait for one channel");
    }
    let task = unique(&[b"digest", channel.id.uuid().as_bytes(), &then.as_millis().to_be_bytes()]);
    let payload = serde_json::to_value(Due { channel: channel.id }).expect("an id");
    outbox::push_once(tx, task, (LANE, DIGEST), payload, then).await
}

/// An id that is the same for the same parts. Source: RFC 9562, version 8.
fn unique(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// What a person wants, where they may come in and see the thing; `None` else.
async fn preferences_of(reader: &Reader, user: UserId, notice: &Notice) -> Result<Option<Preferences>, Fault> {
    if !may_be_told(reader, Some(user), notice).await? {
        return Ok(None);
    }
    Ok(Some(preferences::get(reader, user).await?))
}

/// Whether somebody may (still) be told. A team's channel tells whoever reads it: who set it up may see everything.
async fn may_be_told(reader: &Reader, user: Option<UserId>, notice: &Notice) -> Result<bool, Fault> {
    let Some(user) = user else { return Ok(true) };
    if users::admitted(reader, user).await?.is_none() {
        return Ok(false);
    }
    let rights = sf_store::grants::rights_of(reader, user).await?;
    Ok(rights.at(&notice.standing()).has(notice.right))
}

/// With the words of its card and the name of what it is about. `None` where its card is decided by now, or what was wrong
/// is not any more.
async fn completed(reader: &Reader, mut notice: Notice) -> Result<Option<Notice>, Fault> {
    if !alerts::is_so(reader, &notice).await? {
        return Ok(None);
    }
    if let Some(approval) = notice.approval {
        let Some(card) = there(approvals::get(reader, approval).await)? else { return Ok(None) };
        if !matches!(card.state, ApprovalState::Open | ApprovalState::Escalated) || card.expires_at <= reader.now() {
            return Ok(None);
        }
        if notice.title.is_empty() {
            let message = card.diff.0["message"].as_str().unwrap_or("A workflow waits for you");
            let message = sf_runtime::redact::Redactor::default().redact(message).into_owned();
            (notice.title, notice.text) = (message.lines().next().unwrap_or_default().to_owned(), message);
        }
    }
    if !notice.title.contains(NAMED)
        && let Some(name) = name_of(reader, &notice).await?
    {
        notice.title = format!("{}{NAMED}{name}", notice.title);
    }
    Ok(Some(notice))
}

/// Between what and where.
const NAMED: &str = " · ";

/// The narrowest thing a notice is about.
async fn name_of(reader: &Reader, notice: &Notice) -> Result<Option<String>, Fault> {
    use sf_actions::{Object, ObjectRef};
    let server = notice.server;
    let object = match (notice.app, notice.node, notice.project) {
        _ if server.is_some() => server.map_or(Object::Tenant, Object::Server),
        (Some(app), ..) => Object::App(app),
        (None, Some(node), _) => Object::Node(node),
        (None, None, Some(project)) => Object::Project(project),
        (None, None, None) => return Ok(None),
    };
    authority::name_of(reader, ObjectRef(object)).await
}

/// What is gone meanwhile is nothing to fail over.
pub(super) fn there<T>(found: Result<T, StoreError>) -> Result<Option<T>, StoreError> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(StoreError::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
