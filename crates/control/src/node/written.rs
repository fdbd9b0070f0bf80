//! Commands that were written to their connections and not promised yet. The promise usually follows within
//! milliseconds and is noted together with the sending; what waits longer is noted by itself, by one lane.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sf_runtime::OnError;
use sf_types::{CommandId, Fault, Timestamp};
use tokio::sync::Notify;

use crate::control::Control;

/// How long a promise may take before the sending is noted without it.
const PROMISED_WITHIN: Duration = Duration::from_millis(100);
/// Commands remembered at the most; beyond it each is noted at once.
const MAX_WRITTEN: usize = 16 * 1024;
/// Sendings noted in one write at the most.
const BATCH: usize = 64;

/// What was written when.
#[derive(Debug, Default)]
pub(crate) struct WrittenCommands {
    commands: Mutex<HashMap<CommandId, Timestamp>>,
    some: Notify,
}

/// Whether one more is remembered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Written {
    /// It is.
    Kept,
    /// Too many are: the caller notes it.
    Full,
}

impl WrittenCommands {
    pub(crate) fn add(&self, command: CommandId, at: Timestamp) -> Written {
        let mut commands = self.lock();
        if commands.len() >= MAX_WRITTEN {
            return Written::Full;
        }
        commands.insert(command, at);
        if commands.len() == 1 {
            self.some.notify_one();
        }
        Written::Kept
    }

    /// The node has promised, or said more: when the command was written, if that is not noted yet.
    pub(crate) fn take(&self, command: CommandId) -> Option<Timestamp> {
        self.lock().remove(&command)
    }

    fn take_all(&self) -> Vec<(CommandId, Timestamp)> {
        let mut all: Vec<_> = self.lock().drain().collect();
        all.sort_unstable_by_key(|(command, at)| (*at, *command));
        all
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<CommandId, Timestamp>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Control {
    /// Starts the lane that notes what nobody has promised.
    pub(crate) fn start_noting(&self) {
        let control = self.clone();
        self.core().tasks.spawn("sent commands", OnError::Stop, async move {
            let shutdown = control.core().tasks.shutdown();
            let written = &control.core().written;
            while !shutdown.is_requested() {
                tokio::select! {
                    () = shutdown.requested() => {}
                    () = written.some.notified() => {
                        tokio::select! {
                            () = shutdown.requested() => {}
                            () = tokio::time::sleep(PROMISED_WITHIN) => {}
                        }
                    }
                }
                for some in written.take_all().chunks(BATCH) {
                    control.note_sent(some.to_vec()).await;
                }
            }
            Ok::<(), Fault>(())
        });
    }
}
