//! Machines that wait to be let in, and what lets one in.

use serde::Serialize;
use sf_store::devices::DeviceCode;
use utoipa::ToSchema;
use uuid::Uuid;

use super::NodeFactsView;
use crate::view::Time;

/// A machine that waits for a person. Its code is on its own screen and nowhere else.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PendingDevice)]
pub struct DeviceView {
    /// Its id, to refuse it.
    pub id: Uuid,
    /// The host name it says.
    pub host: String,
    /// The address it comes from.
    pub address: String,
    /// Six words of its key, to compare with its screen.
    pub key_words: String,
    /// What it says it is.
    pub facts: NodeFactsView,
    /// When it asked.
    pub created_at: Time,
    /// Useless from then on.
    pub expires_at: Time,
}

/// A one-time enrolment token: shown once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EnrolToken)]
pub struct EnrolTokenView {
    /// The token.
    pub token: String,
    /// Until when.
    pub expires_at: Time,
    /// What the agent pins.
    pub root_fingerprint: String,
    /// The one line to paste on the machine.
    pub command: String,
}

impl From<DeviceCode> for DeviceView {
    fn from(device: DeviceCode) -> Self {
        Self {
            id: device.id.uuid(),
            host: device.host,
            address: device.address,
            key_words: device.key_words,
            facts: device.facts.0.into(),
            created_at: Time(device.created_at),
            expires_at: Time(device.expires_at),
        }
    }
}
