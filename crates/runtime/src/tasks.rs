//! Every task has an owner, a name and an error policy.
//!
//! Stop means: the soft token asks (finish what you hold, take nothing new), the drain waits, the hard token ends
//! what is left.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What the owner does when a task ends with an error or a panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// Log it and go on: the task serves one connection, request or channel.
    Log,
    /// Stop the whole owner: without this task the component lies about working.
    Stop,
}

/// Owns tasks; clones share the ownership. Dropping it does not stop them: call [`Tasks::stop`].
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    tracker: TaskTracker,
    shutdown: Shutdown,
}

/// The two tokens a task may wait on.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    soft: CancellationToken,
    hard: CancellationToken,
}

impl Shutdown {
    /// Resolves when the owner asks to finish: drain and return.
    pub async fn requested(&self) {
        self.soft.cancelled().await;
    }

    /// Whether the owner asked to finish.
    pub fn is_requested(&self) -> bool {
        self.soft.is_cancelled()
    }

    /// Asks to finish, as a signal handler does.
    pub fn request(&self) {
        self.soft.cancel();
    }
}

impl Tasks {
    /// An owner of no tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An owner whose stop is also requested when `self` stops, but who can stop alone.
    pub fn child(&self) -> Self {
        Self {
            tracker: TaskTracker::new(),
            shutdown: Shutdown { soft: self.shutdown.soft.child_token(), hard: self.shutdown.hard.child_token() },
        }
    }

    /// The tokens, for tasks that have to notice a stop.
    pub fn shutdown(&self) -> Shutdown {
        self.shutdown.clone()
    }

    /// Runs `task` under `name`. It is dropped at the hard token; its error or panic is logged, and with
    /// [`OnError::Stop`] it also requests the stop of this owner.
    pub fn spawn<F, E>(&self, name: &'static str, on_error: OnError, task: F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: std::fmt::Display + Send + 'static,
    {
        let shutdown = self.shutdown.clone();
        // Once, at its own size: each wrapper around it would hold room for it twice, before and while it runs.
        let task = Box::pin(task);
        let work = self.tracker.track_future(async move {
            tokio::select! {
                biased;
                () = shutdown.hard.cancelled() => tracing::warn!(task = name, "ended by force"),
                done = task => if let Err(error) = done {
                    tracing::error!(task = name, %error, "task failed");
                    if on_error == OnError::Stop {
                        shutdown.soft.cancel();
                    }
                },
            }
        });
        let guard = StopOnPanic { name, shutdown: (on_error == OnError::Stop).then(|| self.shutdown.clone()) };
        #[expect(clippy::disallowed_methods, reason = "this is the one place that spawns tasks")]
        drop(tokio::spawn(async move {
            let guard = guard;
            work.await;
            guard.disarm();
        }));
    }

    /// How many tasks are alive.
    pub fn alive(&self) -> usize {
        self.tracker.len()
    }

    /// Requests the stop, waits up to `grace` for the tasks to drain, then ends the rest. Answers whether all
    /// drained by themselves.
    pub async fn stop(&self, grace: Duration) -> bool {
        self.shutdown.soft.cancel();
        self.tracker.close();
        let drained = tokio::time::timeout(grace, self.tracker.wait()).await.is_ok();
        if !drained {
            self.shutdown.hard.cancel();
            self.tracker.wait().await;
        }
        drained
    }
}

/// Notices a task that unwound: a panic must not leave an owner that waits for nobody.
struct StopOnPanic {
    name: &'static str,
    shutdown: Option<Shutdown>,
}

impl StopOnPanic {
    fn disarm(self) {
        std::mem::forget(self);
    }
}

impl Drop for StopOnPanic {
    fn drop(&mut self) {
        tracing::error!(task = self.name, "task panicked or was dropped with its runtime");
        if let Some(shutdown) = &self.shutdown {
            shutdown.soft.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[tokio::test]
    async fn a_failed_pillar_stops_its_owner() {
        let tasks = Tasks::new();
        tasks.spawn("pillar", OnError::Stop, async { Err("gone") });
        tasks.shutdown().requested().await;
        assert!(tasks.stop(Duration::from_secs(5)).await);
    }

    #[tokio::test]
    async fn a_panicking_pillar_stops_its_owner_too() {
        let tasks = Tasks::new();
        tasks.spawn("pillar", OnError::Stop, async {
            if true {
                panic!("on purpose");
            }
            Ok::<(), Infallible>(())
        });
        tasks.shutdown().requested().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_ignores_the_soft_token_is_ended_after_the_grace() {
        let tasks = Tasks::new();
        tasks.spawn("deaf", OnError::Log, async {
            std::future::pending::<()>().await;
            Ok::<(), Infallible>(())
        });
        assert!(!tasks.stop(Duration::from_secs(3)).await);
        assert_eq!(tasks.alive(), 0);
    }

    #[tokio::test]
    async fn a_child_stops_with_its_parent_and_alone() {
        let parent = Tasks::new();
        let (one, two) = (parent.child(), parent.child());
        one.stop(Duration::ZERO).await;
        assert!(!two.shutdown().is_requested() && !parent.shutdown().is_requested());
        parent.stop(Duration::ZERO).await;
        assert!(two.shutdown().is_requested());
    }
}
