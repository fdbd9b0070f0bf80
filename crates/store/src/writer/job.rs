//! A write as the writer sees it, whatever it answers.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use crate::tx::Tx;
use crate::{Result, StoreError, Work};

/// A closure with the one who waits for it.
pub(crate) trait Job: Send {
    /// Runs the closure; may be called again after a conflict.
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<()>>;
    /// Tells the caller: `Ok` only after COMMIT.
    fn answer(self: Box<Self>, result: Result<()>);
}

struct Awaited<T, F> {
    work: F,
    value: Option<T>,
    caller: oneshot::Sender<Result<T>>,
}

/// A write and where its answer will come.
pub(crate) fn awaited<T, F>(work: F) -> (Box<dyn Job>, oneshot::Receiver<Result<T>>)
where
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Clone + Send + 'static,
    T: Send + 'static,
{
    let (caller, answer) = oneshot::channel();
    (Box::new(Awaited { work, value: None, caller }), answer)
}

impl<T, F> Job for Awaited<T, F>
where
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, T> + Clone + Send + 'static,
    T: Send + 'static,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<()>> {
        let work = self.work.clone();
        async move {
            self.value = Some(work(tx).await?);
            Ok(())
        }
        .boxed()
    }

    fn answer(self: Box<Self>, result: Result<()>) {
        let Self { value, caller, .. } = *self;
        // A caller that went away does not undo what is stored.
        drop(caller.send(result.and_then(|()| value.ok_or(StoreError::Panicked))));
    }
}

struct Unawaited<F>(F);

/// A write nobody waits for.
pub(crate) fn unawaited<F>(work: F) -> Box<dyn Job>
where
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, ()> + Clone + Send + 'static,
{
    Box::new(Unawaited(work))
}

impl<F> Job for Unawaited<F>
where
    F: for<'t> FnOnce(&'t mut Tx) -> Work<'t, ()> + Clone + Send + 'static,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx) -> BoxFuture<'t, Result<()>> {
        (self.0.clone())(tx)
    }

    fn answer(self: Box<Self>, result: Result<()>) {
        match result {
            Ok(()) | Err(StoreError::Stale(_)) => {}
            Err(error) => tracing::warn!(%error, "a write nobody waits for was not stored"),
        }
    }
}
