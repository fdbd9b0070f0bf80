//! Turns: an order waits for the earlier ones of its app. While it waits it can be left at once: on request, or because a
//! newer deploy makes it pointless.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sf_types::{ErrorKind, Fault};
use tokio_util::sync::CancellationToken;

/// The turn of one order. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    /// Somebody asked to cancel it, waiting or not.
    asked: CancellationToken,
    /// It will never begin.
    left: CancellationToken,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    #[default]
    Waiting,
    Begun,
    Cancelled,
    Superseded,
}

impl Turn {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, why: State) {
        let mut state = self.state();
        if *state == State::Waiting {
            *state = why;
            self.0.left.cancel();
        }
    }

    /// On request: at once while it waits, else as soon as the work can be stopped.
    pub fn cancel(&self) {
        self.0.asked.cancel();
        self.leave(State::Cancelled);
    }

    /// A newer deploy of the app has come; one that has begun goes on.
    pub fn supersede(&self) {
        self.leave(State::Superseded);
    }

    /// Cancelled when somebody asks to stop the work.
    pub fn asked(&self) -> &CancellationToken {
        &self.0.asked
    }

    /// Whether it has not begun and still may.
    pub fn is_waiting(&self) -> bool {
        *self.state() == State::Waiting
    }

    /// Returns when it will never begin.
    pub async fn left(&self) {
        self.0.left.cancelled().await;
    }

    /// The work begins.
    ///
    /// # Errors
    /// `command.cancelled`, `deploy.superseded`: it does not, and nothing was done.
    pub fn begin(&self) -> Result<(), Fault> {
        let mut state = self.state();
        match *state {
            State::Cancelled => Err(cancelled()),
            State::Superseded => Err(superseded()),
            State::Waiting | State::Begun => {
                *state = State::Begun;
                Ok(())
            }
        }
    }
}

/// It was stopped on request.
pub fn cancelled() -> Fault {
    Fault::new(ErrorKind::Conflict, "command.cancelled", "It was cancelled on request.")
}

fn superseded() -> Fault {
    let message = "A newer deploy of this app came before this one began: nothing was done.";
    Fault::new(ErrorKind::Conflict, "deploy.superseded", message).fix("Look at the newer one.")
}
