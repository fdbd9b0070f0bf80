//! The lanes: notices one after the other, messages by their channels, side by side.

use std::sync::PoisonError;

use sf_connectors::{Message, Verdict, deliver};
use sf_runtime::OnError;
use sf_store::channels::{self, Channel};
use sf_store::outbox::{self, Task};
use sf_store::{Look, users};
use sf_types::{Fault, NotificationChannelId, Scope, Timestamp};

use super::fan::there;
use super::sealed::Kept;
use super::{BATCH, DIGEST, GIVE_UP_AFTER, LANE, LEASE, MAX_AT_ONCE};
use crate::control::{Control, Core};
use crate::mail::{self, letter};

/// A message for a channel, as it waits in the outbox.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Delivery {
    pub(super) channel: NotificationChannelId,
    pub(super) message: Message,
}

impl Control {
    /// Starts the lane of notices, which starts those of channels.
    pub(crate) fn start_notifying(&self) {
        let control = self.clone();
        self.core().tasks.spawn("notices", OnError::Stop, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                let next = control.look_at_notices().await.unwrap_or_else(|fault| {
                    tracing::warn!(%fault, "notices could not be looked at; tried again");
                    Some(control.now())
                });
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = control.core().notices.wake.notified() => {}
                    () = control.due(next) => {}
                }
            }
            Ok::<(), Fault>(())
        });
    }

    /// Tells everything that is due, and comes back when no channel is being sent to. For a test that moves the clock.
    ///
    /// # Errors
    /// When the store cannot be read or written.
    pub async fn deliver_notices(&self) -> Result<Option<Timestamp>, Fault> {
        loop {
            let next = self.look_at_notices().await?;
            let freed = self.core().notices.freed.notified();
            if self.busy(|busy| busy.is_empty()) {
                let reader = self.core().store.read(Scope::System);
                if outbox::due_lanes(&reader, LANE, 1).await?.is_empty() {
                    return Ok(next);
                }
            } else {
                freed.await;
            }
        }
    }

    /// Finds out whom notices are for, begins with channels that have something due, and answers when to look again.
    async fn look_at_notices(&self) -> Result<Option<Timestamp>, Fault> {
        let _one = self.core().notices.looking.lock().await;
        let store = &self.core().store;
        loop {
            let claim =
                store.write(Scope::System, |tx| Box::pin(async move { outbox::claim(tx, LANE, BATCH, LEASE).await }));
            let due = claim.await?;
            if due.is_empty() {
                break;
            }
            for task in due {
                self.perform_notice(task).await?;
            }
        }
        let reader = store.read(Scope::System);
        for lane in outbox::due_lanes(&reader, LANE, u32::try_from(2 * MAX_AT_ONCE).unwrap_or(u32::MAX)).await? {
            self.tend(lane);
        }
        let reader = store.read(Scope::System);
        let next = [outbox::next_due(&reader, LANE).await?, outbox::next_due_of(&reader, LANE).await?];
        // What is due and cannot begin now begins when a lane is free, which wakes this.
        let is_full = self.busy(|busy| busy.len() >= MAX_AT_ONCE);
        Ok(next.into_iter().flatten().filter(|next| !is_full || *next > self.now()).min())
    }

    async fn perform_notice(&self, task: Task) -> Result<(), Fault> {
        let done = match task.kind.as_str() {
            DIGEST => self.release_held(&task).await,
            _ => self.fan_out(&task).await,
        };
        let Err(fault) = done else { return Ok(()) };
        tracing::warn!(id = %task.id, %fault, "people could not be told; tried again later");
        let (id, why, again) = (task.id, fault.to_string(), self.now().plus(outbox::backoff(task.attempts)));
        let failed = self
            .core()
            .store
            .write(Scope::System, move |tx| Box::pin(async move { outbox::fail(tx, id, &why, again).await }));
        Ok(failed.await?)
    }

    fn busy<T>(&self, look: impl FnOnce(&mut std::collections::HashSet<String>) -> T) -> T {
        look(&mut self.core().notices.busy.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends what is due in a lane, one message after the other, as a task of its own.
    fn tend(&self, lane: String) {
        if !self.busy(|busy| busy.len() < MAX_AT_ONCE && busy.insert(lane.clone())) {
            return;
        }
        let control = self.clone();
        let done = Freed { control: self.clone(), lane: lane.clone() };
        self.core().tasks.spawn("notices to a channel", OnError::Log, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                let own = lane.clone();
                let claim = control
                    .core()
                    .store
                    .write(Scope::System, move |tx| Box::pin(async move { outbox::claim(tx, &own, 1, LEASE).await }));
                let Some(task) = claim.await?.pop() else { break };
                control.deliver_message(task).await?;
            }
            drop(done);
            Ok::<(), Fault>(())
        });
    }

    async fn deliver_message(&self, task: Task) -> Result<(), Fault> {
        let core = self.core();
        let delivery: Option<Delivery> = serde_json::from_value(task.payload.0.clone()).ok();
        let Some((channel, message)) = self.still_wanted(delivery).await? else { return self.forget(&task).await };
        let verdict = match Kept::open(core, &channel) {
            Some(Kept::Mail(to)) => return self.write_letter(&task, &channel, &message, to).await,
            Some(Kept::Out(to)) => {
                let out = &core.notices;
                deliver(&out.egress, &out.sender, &to, &message, &core.rng, self.now()).await
            }
            None => Verdict::Never("its address is sealed under another master key, or damaged: enter it again".into()),
        };
        self.note_delivery(&task, &channel, verdict).await
    }

    /// The channel, where it is there, in use, and its owner may come in.
    async fn still_wanted(&self, delivery: Option<Delivery>) -> Result<Option<(Channel, Message)>, Fault> {
        let Some(delivery) = delivery else { return Ok(None) };
        let reader = self.core().store.read(Scope::System);
        let Some(channel) = there(channels::get(&reader, delivery.channel).await)? else { return Ok(None) };
        let is_admitted = match channel.user {
            Some(user) => users::admitted(&reader, user).await?.is_some(),
            None => true,
        };
        Ok(Some((channel, delivery.message)).filter(|(channel, _)| channel.enabled && is_admitted))
    }

    async fn forget(&self, task: &Task) -> Result<(), Fault> {
        let id = task.id;
        let done =
            self.core().store.write(Scope::System, move |tx| Box::pin(async move { outbox::done(tx, id).await }));
        done.await?;
        Ok(())
    }

    /// A letter goes by the lane of mail, which has its own patience.
    async fn write_letter(
        &self,
        task: &Task,
        channel: &Channel,
        message: &Message,
        to: Option<String>,
    ) -> Result<(), Fault> {
        let core = self.core().clone();
        if !core.mail.is_configured() {
            let why = "there is no mail server: the operator fills in [mail] of serverflow.toml";
            return self.note_delivery(task, channel, Verdict::Never(why.to_owned())).await;
        }
        let (inner, id, channel, message) = (core.clone(), task.id, channel.clone(), message.clone());
        let write = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                let to = match (to, channel.user) {
                    (Some(to), _) => Some(to),
                    (None, Some(user)) => Some(users::get(tx, user).await?.email),
                    (None, None) => None,
                };
                if let Some(to) = to {
                    mail::post(tx, &inner, "notification", &letter::told(&to, &message, tx.now()));
                }
                channels::went(tx, channel.id, None).await?;
                outbox::done(tx, id).await
            })
        });
        write.await?;
        core.mail.posted();
        Ok(())
    }

    /// Writes down how it went, at the channel and in the outbox.
    async fn note_delivery(&self, task: &Task, channel: &Channel, verdict: Verdict) -> Result<(), Fault> {
        let (id, now) = (task.id, self.now());
        let is_old = now.since(task.created_at) >= GIVE_UP_AFTER;
        let (error, again, gone) = match verdict {
            Verdict::Delivered => (None, None, false),
            Verdict::Later(why, _) if is_old => {
                let hours = GIVE_UP_AFTER.as_secs() / 3600;
                (Some(format!("given up after {hours} h and {} tries: {why}", task.attempts)), None, false)
            }
            Verdict::Later(why, wait) => {
                let wait = wait.unwrap_or_default().max(outbox::backoff(task.attempts));
                (Some(why), Some(now.plus(wait)), false)
            }
            Verdict::Never(why) => (Some(why), None, false),
            Verdict::Gone(why) => (Some(why), None, true),
        };
        let (kind, attempts, channel) = (channel.kind.word(), task.attempts, channel.id);
        match &error {
            None => metrics::counter!("notifications_sent_total", "kind" => kind).increment(1),
            Some(why) => tracing::info!(%kind, %channel, attempts, %why, "a message was not taken"),
        }
        let note = self.core().store.write(Scope::System, move |tx| {
            Box::pin(async move {
                channels::went(tx, channel, error.as_deref()).await?;
                if gone {
                    there(channels::delete(tx, channel).await)?;
                }
                match (again, error) {
                    (Some(again), Some(why)) => outbox::fail(tx, id, &why, again).await,
                    _ => outbox::done(tx, id).await.map(drop),
                }
            })
        });
        Ok(note.await?)
    }
}

/// Frees a lane however its task ends.
struct Freed {
    control: Control,
    lane: String,
}

impl Drop for Freed {
    fn drop(&mut self) {
        self.control.busy(|busy| busy.remove(&self.lane));
        let core: &Core = self.control.core();
        core.notices.freed.notify_waiters();
        core.notices.wake.notify_one();
    }
}
