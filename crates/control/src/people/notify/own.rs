//! What people set up for themselves, and administrators for their team: channels, and when they are told.
//!
//! None of it is a run: what somebody does to their own account is theirs to do (ADR 0038), and an address is a secret that
//! must be in no action. Each act is one transaction with its audit line.

use sf_actions::{Actor, Permission};
use sf_connectors::Destination;
use sf_connectors::destination::{SECRET_BYTES, new_secret};
use sf_engine::notify::{Kind, Preferences};
use sf_store::audit::Entry;
use sf_store::channels::{self, Channel, MAX_BROWSERS, MAX_CHANNELS};
use sf_store::{Json, Look, StoreError, Tx, outbox, preferences, tenants};
use sf_types::{Email, ErrorKind, Fault, Name, NotificationChannelId, ProjectId, RequestId, Secret, UserId};

use super::fan::lane_of;
use super::lane::Delivery;
use super::sealed::Kept;
use super::{TEST, compose};
use crate::control::Control;
use crate::people::passwords::own_session;

/// Projects that one channel names at the most.
pub const MAX_PROJECTS: usize = 50;

/// Whose channels are meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Whose {
    /// Those of who asks.
    Own,
    /// The team's; needs `admin:settings`.
    Team,
}

/// Where a channel shall lead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Wanted {
    /// One's own address; for a team, this one.
    Mail(Option<Email>),
    /// A program; its secret is made here.
    Webhook {
        /// Its address.
        url: String,
    },
    /// Anything else.
    Out(Destination),
}

/// A channel to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct NewChannel {
    /// What it is called.
    pub name: Name,
    /// Where it leads.
    pub to: Wanted,
    /// What it takes; everything where `None`.
    pub kinds: Option<Vec<Kind>>,
    /// Of which projects; of all where `None`.
    pub projects: Option<Vec<ProjectId>>,
}

/// What is to change about a channel; the rest stays.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ChangedChannel {
    /// What it is called.
    pub name: Option<Name>,
    /// Where it leads; the same kind.
    pub to: Option<Wanted>,
    /// What it takes.
    pub kinds: Option<Vec<Kind>>,
    /// Of which projects; `Some(None)` is all.
    pub projects: Option<Option<Vec<ProjectId>>>,
    /// Whether it is used.
    pub enabled: Option<bool>,
}

/// A channel as it was kept, with what is shown once: the secret its messages are verified by.
pub type Shown = (Channel, Option<Secret<String>>);

impl Control {
    /// Channels, oldest first.
    ///
    /// # Errors
    /// No session, a missing right, or the store cannot be read.
    pub async fn notification_channels(&self, actor: &Actor, whose: Whose) -> Result<Vec<Channel>, Fault> {
        let user = owner(self, actor, whose)?;
        Ok(channels::of(&self.core().store.read(actor.scope()), user).await?)
    }

    /// Makes a channel; with `dry_run` only looks whether it could.
    ///
    /// # Errors
    /// As above; an address that may not be reached; too many.
    pub async fn add_notification_channel(
        &self,
        actor: &Actor,
        request: RequestId,
        whose: Whose,
        new: NewChannel,
        dry_run: bool,
    ) -> Result<Shown, Fault> {
        let user = owner(self, actor, whose)?;
        let (kept, hint, secret) = self.judged(whose, new.to)?;
        let core = self.core();
        let id: NotificationChannelId = core.rng.id(&core.clock);
        let row = Channel {
            id,
            tenant: actor.tenant,
            user,
            kind: kept.kind(),
            name: new.name,
            sealed: kept.seal(core, actor.tenant, id),
            fingerprint: kept.fingerprint(core),
            hint,
            kinds: Json(sorted(new.kinds)),
            projects: checked(new.projects)?.map(Json),
            enabled: true,
            last_sent_at: None,
            last_error: None,
            last_error_at: None,
            created_at: self.now(),
            updated_at: self.now(),
        };
        let (made, line) = (row.clone(), line(actor, request, id, "notification_channel.add"));
        let write = core.store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                known(tx, made.projects.as_ref()).await?;
                channels::create(tx, &made).await.map_err(too_many)?;
                tx.audit(line);
                if dry_run { Err(StoreError::from(planned())) } else { Ok(()) }
            })
        });
        unless_planned(write.await)?;
        Ok((row, secret))
    }

    /// Changes a channel; with `dry_run` only looks whether it could.
    ///
    /// # Errors
    /// As above; not there.
    pub async fn change_notification_channel(
        &self,
        actor: &Actor,
        request: RequestId,
        (whose, id): (Whose, NotificationChannelId),
        change: ChangedChannel,
        dry_run: bool,
    ) -> Result<Shown, Fault> {
        let user = owner(self, actor, whose)?;
        let core = self.core();
        let to = change.to.map(|to| self.judged(whose, to)).transpose()?;
        let projects = change.projects.map(checked).transpose()?;
        let (kinds, line) = (change.kinds.map(Some), line(actor, request, id, "notification_channel.change"));
        let (inner, secret) = (core.clone(), to.as_ref().and_then(|(.., secret)| secret.clone()));
        let (name, enabled) = (change.name, change.enabled);
        let write = core.store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                let mut row = own(tx, user, id).await?;
                if let Some((kept, hint, _)) = to {
                    if kept.kind() != row.kind {
                        return Err(other_kind().into());
                    }
                    row.sealed = kept.seal(&inner, row.tenant, row.id);
                    row.fingerprint = kept.fingerprint(&inner);
                    // What went wrong there says nothing about here.
                    (row.hint, row.last_error, row.last_error_at) = (hint, None, None);
                }
                row.name = name.unwrap_or(row.name);
                row.kinds = kinds.map_or(row.kinds, |kinds| Json(sorted(kinds)));
                row.projects = projects.map_or(row.projects, |projects| projects.map(Json));
                row.enabled = enabled.unwrap_or(row.enabled);
                known(tx, row.projects.as_ref()).await?;
                channels::update(tx, &row).await?;
                tx.audit(line);
                if dry_run { Err(planned().into()) } else { Ok(Some(row)) }
            })
        });
        let row = match unless_planned(write.await)? {
            Some(row) => row,
            None => own(&core.store.read(actor.scope()), user, id).await?,
        };
        Ok((row, secret))
    }

    /// Deletes a channel and what waits for it; with `dry_run` only looks whether it could.
    ///
    /// # Errors
    /// As above; not there.
    pub async fn remove_notification_channel(
        &self,
        actor: &Actor,
        request: RequestId,
        (whose, id): (Whose, NotificationChannelId),
        dry_run: bool,
    ) -> Result<(), Fault> {
        let user = owner(self, actor, whose)?;
        let line = line(actor, request, id, "notification_channel.remove");
        let write = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                own(tx, user, id).await?;
                if !dry_run {
                    channels::delete(tx, id).await?;
                    tx.audit(line);
                }
                Ok(())
            })
        });
        Ok(write.await?)
    }

    /// Sends a message that says nothing but that it arrives, whatever the hour; with `dry_run` only looks whether it
    /// could.
    ///
    /// # Errors
    /// As above; the last one is still on its way, or the channel is off.
    pub async fn test_notification_channel(
        &self,
        actor: &Actor,
        request: RequestId,
        (whose, id): (Whose, NotificationChannelId),
        dry_run: bool,
    ) -> Result<(), Fault> {
        let user = owner(self, actor, whose)?;
        let line = line(actor, request, id, "notification_channel.test");
        let control = self.clone();
        let write = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                let row = own(tx, user, id).await?;
                let lane = lane_of(id);
                if !row.enabled {
                    return Err(conflict("notification.off", "The channel is off.", "Turn it on first.").into());
                }
                if outbox::waiting_of(tx, &lane, TEST).await? > 0 {
                    let message = "The last test message is still on its way.";
                    let fix = "Look at the channel: it says what stands in its way.";
                    return Err(conflict("notification.test_waiting", message, fix).into());
                }
                if dry_run {
                    return Ok(());
                }
                let core = control.core();
                let unique = uuid::Builder::from_random_bytes(core.rng.bytes()).into_uuid();
                let message = compose::test(unique, row.name.as_str(), tx.now(), |path| core.notices.page(path));
                let payload = serde_json::to_value(Delivery { channel: id, message }).expect("texts, ids and times");
                let now = tx.now();
                outbox::push(tx, &lane, TEST, payload, now);
                tx.audit(line);
                Ok(())
            })
        });
        write.await?;
        self.core().notices.raised();
        Ok(())
    }

    /// When the person who asks is told of what.
    ///
    /// # Errors
    /// No session, or the store cannot be read.
    pub async fn notification_preferences(&self, actor: &Actor) -> Result<Preferences, Fault> {
        let (user, _) = own_session(actor)?;
        Ok(preferences::get(&self.core().store.read(actor.scope()), user).await?)
    }

    /// Keeps when they are told; with `dry_run` only looks whether it makes sense.
    ///
    /// # Errors
    /// No session; hours or a zone that make no sense.
    pub async fn set_notification_preferences(
        &self,
        actor: &Actor,
        request: RequestId,
        wanted: Preferences,
        dry_run: bool,
    ) -> Result<Preferences, Fault> {
        let (user, _) = own_session(actor)?;
        wanted.check().map_err(|why| {
            let message = format!("This makes no sense: {why}.");
            Fault::new(ErrorKind::Invalid, "notification.hours", message)
        })?;
        if dry_run {
            return Ok(wanted);
        }
        let (kept, kind, tenant) = (wanted.clone(), actor.kind, actor.tenant);
        let write = self.core().store.write(actor.scope(), move |tx| {
            Box::pin(async move {
                preferences::set(tx, user, &kept).await?;
                let subject = user.to_string();
                tx.audit(crate::people::audit(
                    Some(tenant),
                    kind,
                    &subject,
                    request,
                    "notification_preferences.change",
                ));
                Ok(())
            })
        });
        write.await?;
        Ok(wanted)
    }

    /// What browsers subscribe with.
    pub fn push_key(&self) -> String {
        self.core().notices.sender.vapid.public()
    }

    /// Where a channel shall lead, judged: what is kept, what is shown of it, and what is shown once.
    fn judged(&self, whose: Whose, to: Wanted) -> Result<(Kept, String, Option<Secret<String>>), Fault> {
        let core = self.core();
        let (destination, secret) = match to {
            Wanted::Mail(None) if whose == Whose::Own => {
                return Ok((Kept::Mail(None), "your own address".to_owned(), None));
            }
            Wanted::Mail(Some(to)) if whose == Whose::Team => {
                let to = to.to_string();
                return Ok((Kept::Mail(Some(to.clone())), to, None));
            }
            Wanted::Mail(Some(_)) => {
                let message = "Letters of your own go to your own address.";
                let fault = Fault::new(ErrorKind::Invalid, "notification.address", message);
                return Err(fault.fix("Leave the address out."));
            }
            Wanted::Mail(None) => {
                let fault = Fault::new(ErrorKind::Invalid, "notification.address", "A team has no address of its own.");
                return Err(fault.fix("Say where its letters go."));
            }
            Wanted::Webhook { url } => {
                let secret = new_secret(core.rng.bytes::<SECRET_BYTES>());
                (Destination::Webhook { url, secret: secret.clone() }, Some(Secret::new(secret)))
            }
            Wanted::Out(Destination::Push { .. }) if whose == Whose::Team => {
                let fault = Fault::new(ErrorKind::Invalid, "notification.kind", "A browser is one person's.");
                return Err(fault.fix("Choose another kind for the team."));
            }
            Wanted::Out(destination) => (destination, None),
        };
        let target = destination.check(&core.notices.egress).map_err(|why| why.fault())?;
        let hint = destination.hint(&target);
        Ok((Kept::Out(destination), hint, secret))
    }
}

/// Whose channels an actor may touch so. Always with a session: what leaves by a channel is seen by whoever reads it.
fn owner(control: &Control, actor: &Actor, whose: Whose) -> Result<Option<UserId>, Fault> {
    match whose {
        Whose::Own => Ok(Some(own_session(actor)?.0)),
        Whose::Team => {
            control.view_team(actor, Permission::AdminSettings)?;
            own_session(actor)?;
            Ok(None)
        }
    }
}

/// A channel of this owner; another's is not there.
async fn own(at: &impl Look, user: Option<UserId>, id: NotificationChannelId) -> sf_store::Result<Channel> {
    let row = channels::get(at, id).await?;
    if row.user == user { Ok(row) } else { Err(StoreError::NotFound("notification channel")) }
}

/// Every project named is there.
async fn known(tx: &mut Tx, projects: Option<&Json<Vec<ProjectId>>>) -> sf_store::Result<()> {
    for project in projects.iter().flat_map(|list| &list.0) {
        tenants::project(tx, *project).await?;
    }
    Ok(())
}

/// Each kind once; all where nothing is said.
fn sorted(kinds: Option<Vec<Kind>>) -> Vec<Kind> {
    match kinds {
        None => Kind::ALL.to_vec(),
        Some(kinds) => Kind::ALL.into_iter().filter(|kind| kinds.contains(kind)).collect(),
    }
}

fn checked(projects: Option<Vec<ProjectId>>) -> Result<Option<Vec<ProjectId>>, Fault> {
    if projects.as_ref().is_some_and(|list| list.len() > MAX_PROJECTS) {
        let message = format!("A channel names {MAX_PROJECTS} projects at the most.");
        let fault = Fault::new(ErrorKind::TooLarge, "notification.too_many", message);
        return Err(fault.fix("Leave them out: then it is for all."));
    }
    Ok(projects)
}

fn too_many(error: StoreError) -> StoreError {
    let StoreError::Taken(_) = error else { return error };
    let message = format!("There are {MAX_CHANNELS} channels, or {MAX_BROWSERS} browsers: no more are allowed.");
    conflict("notification.too_many", &message, "Delete those that are not needed.").into()
}

fn other_kind() -> Fault {
    conflict("notification.kind", "A channel keeps its kind.", "Make another one, and delete this.")
}

fn conflict(code: &str, message: &str, fix: &str) -> Fault {
    Fault::new(ErrorKind::Conflict, code, message).fix(fix)
}

/// Code of what takes back a write that was only tried.
const PLANNED: &str = "notification.planned";

fn planned() -> Fault {
    Fault::new(ErrorKind::Conflict, PLANNED, "It was only tried.")
}

fn unless_planned<T: Default>(done: sf_store::Result<T>) -> Result<T, Fault> {
    match done.map_err(Fault::from) {
        Err(fault) if fault.code == PLANNED => Ok(T::default()),
        done => done,
    }
}

fn line(actor: &Actor, request: RequestId, id: NotificationChannelId, action: &str) -> Entry {
    let subject = id.to_string();
    let line = crate::people::audit(Some(actor.tenant), actor.kind, &subject, request, action);
    Entry { target_kind: "notification_channel".to_owned(), ..line }
}
