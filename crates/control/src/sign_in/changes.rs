//! Who has other sessions or rights than a moment ago. Sockets that are open for them ask again at once; those of
//! another control plane hear of it with their next beat.

use sf_types::UserId;
use tokio::sync::broadcast;

use crate::control::Control;

/// Changes that a slow listener may be behind; one that is further behind asks again anyway.
const MAX_BEHIND: usize = 256;

/// Tells who changed.
#[derive(Debug)]
pub(crate) struct Changes(broadcast::Sender<UserId>);

impl Default for Changes {
    fn default() -> Self {
        Self(broadcast::channel(MAX_BEHIND).0)
    }
}

impl Changes {
    /// After COMMIT. Without a listener it is heard by nobody.
    pub(crate) fn tell(&self, user: UserId) {
        let _ = self.0.send(user);
    }
}

impl Control {
    /// People whose sessions or rights change from now on.
    pub fn changes_of_people(&self) -> broadcast::Receiver<UserId> {
        self.core().people_changed.0.subscribe()
    }
}
