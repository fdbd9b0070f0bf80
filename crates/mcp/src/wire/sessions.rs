//! Sessions of the older protocol: each belongs to the principal that opened it, and each principal has a bounded number.
//!
//! They are kept by `rmcp`; this knows whose they are. An id is a name and no credential: to anybody else it does not exist.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::Stream;
use http::request::Parts;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions, ServerJsonRpcMessage};
use rmcp::transport::streamable_http_server::session::local::{
    LocalSessionManager, LocalSessionManagerError, SessionConfig,
};
use rmcp::transport::streamable_http_server::session::{RestoreOutcome, ServerSseMessage, SessionId, SessionManager};
use sf_runtime::places::Place;
use sf_runtime::{Clock, Places};
use sf_types::Timestamp;

use super::rates::Principal;

/// Everybody's sessions.
#[derive(Debug)]
pub(crate) struct Sessions {
    inner: LocalSessionManager,
    clock: Clock,
    owned: Mutex<HashMap<SessionId, Owned>>,
    each: Places<Principal>,
    total: Places<()>,
}

/// A place among the principal's own, and one among all.
type Room = (Place<Principal>, Place<()>);

#[derive(Debug)]
struct Owned {
    by: Principal,
    used: Timestamp,
    _places: Room,
}

/// Room for a session that is about to begin. Travels with its request; free again where none came of it.
#[derive(Clone, Debug)]
pub(super) struct Reserved {
    by: Principal,
    places: Arc<Mutex<Option<Room>>>,
}

impl Sessions {
    pub(super) fn new(clock: Clock, per_principal: usize, max: usize, idle: Duration) -> Self {
        let mut inner = LocalSessionManager::default();
        inner.session_config = SessionConfig::default();
        inner.session_config.keep_alive = Some(idle);
        Self { inner, clock, owned: Mutex::default(), each: Places::new(per_principal), total: Places::new(max) }
    }

    /// Whether this principal opened that session, which is used now.
    pub(super) fn is_of(&self, id: &str, by: Principal) -> bool {
        let mut owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        match owned.get_mut(id) {
            Some(session) if session.by == by => {
                session.used = self.clock.now();
                true
            }
            _ => false,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Makes room for one more. Where the principal has all it may have, the one that was idle longest ends: a host that
    /// was killed leaves its own behind.
    ///
    /// Nothing where there are too many of everybody, or too many about to begin.
    pub(super) async fn make_room(&self, by: Principal) -> Option<Reserved> {
        let total = self.total.take(());
        loop {
            if let Some(place) = self.each.take(by) {
                // A place of the total may have come back with the session that was ended.
                let total = total.or_else(|| self.total.take(()))?;
                return Some(Reserved { by, places: Arc::new(Mutex::new(Some((place, total)))) });
            }
            let oldest = self.oldest(by)?;
            drop(self.close_session(&oldest).await);
        }
    }

    fn oldest(&self, by: Principal) -> Option<SessionId> {
        let owned = self.owned.lock().unwrap_or_else(PoisonError::into_inner);
        let own = owned.iter().filter(|(_, session)| session.by == by);
        own.min_by_key(|(_, session)| session.used).map(|(id, _)| Arc::clone(id))
    }

    /// From its first message on, a session is whose request opened it.
    fn bind(&self, id: &SessionId, message: &ClientJsonRpcMessage) -> bool {
        let ClientJsonRpcMessage::Request(request) = message else { return false };
        let parts = request.request.extensions().get::<Parts>();
        let Some(reserved) = parts.and_then(|parts| parts.extensions.get::<Reserved>()) else { return false };
        let Some(places) = reserved.places.lock().unwrap_or_else(PoisonError::into_inner).take() else { return false };
        let session = Owned { by: reserved.by, used: self.clock.now(), _places: places };
        self.owned.lock().unwrap_or_else(PoisonError::into_inner).insert(Arc::clone(id), session);
        true
    }

    fn unbind(&self, id: &SessionId) {
        drop(self.owned.lock().unwrap_or_else(PoisonError::into_inner).remove(id));
    }
}

impl SessionManager for Sessions {
    type Error = LocalSessionManagerError;
    type Transport = <LocalSessionManager as SessionManager>::Transport;

    async fn create_session(&self) -> Result<(SessionId, Self::Transport), Self::Error> {
        self.inner.create_session().await
    }

    async fn initialize_session(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<ServerJsonRpcMessage, Self::Error> {
        if !self.bind(id, &message) {
            drop(self.inner.close_session(id).await);
            return Err(LocalSessionManagerError::SessionNotFound(Arc::clone(id)));
        }
        let answer = self.inner.initialize_session(id, message).await;
        if answer.is_err() {
            drop(self.close_session(id).await);
        }
        answer
    }

    async fn has_session(&self, id: &SessionId) -> Result<bool, Self::Error> {
        self.inner.has_session(id).await
    }

    async fn close_session(&self, id: &SessionId) -> Result<(), Self::Error> {
        self.unbind(id);
        self.inner.close_session(id).await
    }

    async fn create_stream(
        &self,
        id: &SessionId,
        message: ClientJsonRpcMessage,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.inner.create_stream(id, message).await
    }

    async fn accept_message(&self, id: &SessionId, message: ClientJsonRpcMessage) -> Result<(), Self::Error> {
        self.inner.accept_message(id, message).await
    }

    async fn create_standalone_stream(
        &self,
        id: &SessionId,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.inner.create_standalone_stream(id).await
    }

    async fn resume(
        &self,
        id: &SessionId,
        last_event_id: String,
    ) -> Result<impl Stream<Item = ServerSseMessage> + Send + Sync + 'static, Self::Error> {
        self.inner.resume(id, last_event_id).await
    }

    async fn restore_session(&self, _: SessionId) -> Result<RestoreOutcome<Self::Transport>, Self::Error> {
        Ok(RestoreOutcome::NotSupported)
    }
}
