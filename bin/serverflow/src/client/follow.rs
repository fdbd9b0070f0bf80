//! Reading on for as long as somebody looks, across broken connections.

use std::time::Duration;

use super::{Client, Doorbell};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::screen::Progress;

/// Failed looks at a run in a row after which following it is given up; it goes on without us.
const MAX_MISSES: u32 = 60;
/// Between two tries while the control plane or the machine is away.
const WHILE_AWAY: Duration = Duration::from_secs(1);

/// Reads what is new whenever one of `topics` says something; answers the first failure that waiting does not mend. `away`
/// says what is waited for.
pub async fn followed(
    context: &Context,
    client: &Client,
    topics: Vec<String>,
    away: &str,
    mut rest: impl AsyncFnMut() -> Result<(), Failure>,
) -> Failure {
    let mut bell = Doorbell::new(client, topics).await;
    let mut is_away = false;
    loop {
        bell.ring().await;
        match rest().await {
            Ok(()) if is_away => {
                context.screen.note("— connected again —");
                is_away = false;
            }
            Ok(()) => {}
            Err(failure) if failure.exit == Exit::Unreachable => {
                if !is_away {
                    context.screen.note(&format!("— {away}; lines will follow when it is back —"));
                }
                is_away = true;
                tokio::time::sleep(WHILE_AWAY).await;
            }
            Err(failure) => return failure,
        }
    }
}

/// Looks at a run at each sign of news until `look` answers what it has become. A control plane that is away is waited for,
/// and `hint` says so.
///
/// # Errors
/// The control plane's, and one that stays away.
pub async fn until_done<V, T>(
    client: &Client,
    topics: Vec<String>,
    view: &mut V,
    look: impl AsyncFn(&mut V) -> Result<Option<T>, Failure>,
    progress: impl Fn(&V) -> &Progress,
) -> Result<T, Failure> {
    let mut bell = Doorbell::new(client, topics).await;
    let mut misses = 0;
    loop {
        match look(view).await {
            Ok(Some(done)) => return Ok(done),
            Ok(None) => {
                misses = 0;
                bell.ring().await;
            }
            Err(failure) if failure.exit == Exit::Unreachable && misses < MAX_MISSES => {
                misses += 1;
                progress(view).hint("the control plane is away; the run goes on, waiting for news");
                tokio::time::sleep(WHILE_AWAY).await;
            }
            Err(failure) => return Err(failure),
        }
    }
}
