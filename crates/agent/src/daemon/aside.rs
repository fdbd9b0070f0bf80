//! Work that waits for a disk or reads much of `/proc`, done aside: the agent has one thread, and while that waits there
//! is no heartbeat, no supervision and no answer.

use tokio::sync::Semaphore;

/// Long pieces of file work done at the same time: half of the agent's blocking threads, so that looking up a name or
/// measuring a folder never waits behind four removals.
pub const LONG_AT_ONCE: usize = 4;

static LONG: Semaphore = Semaphore::const_new(LONG_AT_ONCE);

/// Does a long piece of file work: removing, sealing or giving away a tree. When the caller gives up it is done to its
/// end all the same. Never call it from within itself.
pub async fn long<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let place = LONG.acquire().await;
    short(move || {
        let _place = place;
        work()
    })
    .await
}

/// Does a short piece of work that may still wait: a look through `/proc`, a file that is synced.
pub async fn short<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        // The runtime is ending, and the caller with it.
        Err(_) => std::future::pending().await,
    }
}
