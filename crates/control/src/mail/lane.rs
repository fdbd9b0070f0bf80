//! The lane that sends letters: bounded tries, bounded time, at least once. A letter that nobody needs any more, or
//! that its server will never take, is given up and told of.

use std::time::Duration;

use sf_runtime::OnError;
use sf_store::outbox::{self, Task};
use sf_types::{Fault, Scope, Timestamp};

use super::sender::{Sender, Undelivered};
use super::{LANE, open};
use crate::control::Control;

/// Letters taken at a time.
pub const BATCH: u32 = 3;
/// Longer than a batch takes.
pub const LEASE: Duration = Duration::from_secs(120);
/// Times a letter is tried: over about two hours.
pub const MAX_ATTEMPTS: u32 = 20;

impl Control {
    /// Starts the lane, where there is a mail server.
    pub(crate) fn start_mail(&self) {
        if !self.core().mail.is_configured() {
            return;
        }
        let control = self.clone();
        self.core().tasks.spawn("mail", OnError::Stop, async move {
            let shutdown = control.core().tasks.shutdown();
            while !shutdown.is_requested() {
                let next = control.deliver_mail().await.unwrap_or_else(|fault| {
                    tracing::warn!(%fault, "letters could not be looked at; tried again");
                    Some(control.now())
                });
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = control.core().mail.wake.notified() => {}
                    () = control.due(next) => {}
                }
            }
            Ok::<(), Fault>(())
        });
    }

    /// Sends what is due and answers when the next letter is. The lane calls it; a test that moves the clock may, too.
    ///
    /// # Errors
    /// When the store cannot be read or written; a letter that was sent and not noted is sent again.
    pub async fn deliver_mail(&self) -> Result<Option<Timestamp>, Fault> {
        let core = self.core();
        let Some(sender) = &core.mail.sender else { return Ok(None) };
        loop {
            let claim = core
                .store
                .write(Scope::System, |tx| Box::pin(async move { outbox::claim(tx, LANE, BATCH, LEASE).await }));
            let due = claim.await?;
            if due.is_empty() {
                return Ok(outbox::next_due(&core.store.read(Scope::System), LANE).await?);
            }
            for task in due {
                self.deliver_letter(sender, task).await?;
            }
        }
    }

    async fn deliver_letter(&self, sender: &Sender, task: Task) -> Result<(), Fault> {
        let core = self.core();
        let sent = match open(core, &task.payload.0) {
            Some((_, letter)) if letter.until < self.now() => {
                Err(Undelivered::Never("nobody needs it any more".into()))
            }
            Some((id, letter)) => sender.send(&letter, id).await,
            None => Err(Undelivered::Never("it is sealed under another master key, or damaged".into())),
        };
        let (id, attempts, kind) = (task.id, task.attempts, task.kind);
        let failed = match sent {
            Ok(()) => None,
            Err(Undelivered::Later(why)) if attempts >= MAX_ATTEMPTS => Some((why, true)),
            Err(Undelivered::Later(why)) => Some((why, false)),
            Err(Undelivered::Never(why)) => Some((why, true)),
        };
        core.mail.note(failed.as_ref().map(|(why, given_up)| match given_up {
            true => format!("given up after {attempts} tries: {why}"),
            false => why.clone(),
        }));
        let again = self.now().plus(outbox::backoff(attempts));
        match &failed {
            Some((why, true)) => tracing::warn!(%kind, attempts, %why, "a letter was given up"),
            Some((why, false)) => tracing::info!(%kind, attempts, %why, "a letter did not go; tried again later"),
            None => metrics::counter!("mail_sent_total").increment(1),
        }
        let note = core.store.write(Scope::System, move |tx| {
            Box::pin(async move {
                match failed {
                    Some((why, false)) => outbox::fail(tx, id, &why, again).await,
                    _ => outbox::done(tx, id).await.map(drop),
                }
            })
        });
        Ok(note.await?)
    }
}
