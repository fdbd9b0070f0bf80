//! What every handler can reach.

use std::net::IpAddr;
use std::sync::Arc;

use sf_control::Control;
use sf_runtime::Places;
use sf_types::UserId;

use crate::options::ApiOptions;
use crate::rate::Limiter;

/// The edge's shared state. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    control: Control,
    options: ApiOptions,
    limiter: Limiter,
    places: Places<UserId>,
    unknown: Places<IpAddr>,
    health: crate::route::health::Watch,
}

impl Api {
    pub(crate) fn new(control: Control, options: ApiOptions) -> Self {
        let limiter = Limiter::new(options.rates);
        let places = Places::new(options.sockets_per_principal);
        let unknown = Places::new(crate::ws::wings::MAX_UNKNOWN);
        let health = crate::route::health::Watch::default();
        Self(Arc::new(Inner { control, options, limiter, places, unknown, health }))
    }

    /// The application.
    pub fn control(&self) -> &Control {
        &self.0.control
    }

    pub(crate) fn options(&self) -> &ApiOptions {
        &self.0.options
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.0.limiter
    }

    pub(crate) fn places(&self) -> &Places<UserId> {
        &self.0.places
    }

    /// Client sockets that have not said yet who they are, by network.
    pub(crate) fn unknown(&self) -> &Places<IpAddr> {
        &self.0.unknown
    }

    pub(crate) fn health(&self) -> &crate::route::health::Watch {
        &self.0.health
    }
}
