//! Reading on for as long as somebody looks, across broken connections.

use std::time::Duration;

use super::{Client, Doorbell};
use crate::context::Context;
use crate::failure::{Exit, Failure};

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
