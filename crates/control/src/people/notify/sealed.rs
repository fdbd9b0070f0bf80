//! Where channels lead, and the key of web push: sealed under the master key.

use sf_connectors::Destination;
use sf_connectors::push::VapidKey;
use sf_identity::MasterKey;
use sf_identity::master::Sealed;
use sf_protocol::wire::{decode_base64, encode_base64};
use sf_runtime::Rng;
use sf_store::channels::{Channel, ChannelKind};
use sf_store::{Scope, Store, meta};
use sf_types::{NotificationChannelId, Secret, TenantId};

use crate::control::Core;
use crate::options::StartError;

/// What addresses are sealed for.
const ADDRESS: &str = "notification channel";
/// What the key of web push is sealed for, and its place.
const VAPID: &str = "web push";
const VAPID_KEY: &str = "vapid_key";

/// Where a channel leads.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) enum Kept {
    /// To an address; to that of its owner where `None`.
    Mail(Option<String>),
    /// Out.
    Out(Destination),
}

impl Kept {
    pub(super) fn kind(&self) -> ChannelKind {
        match self {
            Self::Mail(_) => ChannelKind::Mail,
            Self::Out(destination) => ChannelKind::from_word(destination.word()).expect("the same words"),
        }
    }

    /// What two channels with the same address have in common.
    pub(super) fn fingerprint(&self, core: &Core) -> [u8; 32] {
        let address = match self {
            Self::Mail(to) => to.as_deref().unwrap_or_default(),
            Self::Out(destination) => destination.url(),
        };
        core.keys.master.fingerprint(ADDRESS, &[self.kind().word().as_bytes(), address.as_bytes()])
    }

    pub(super) fn seal(&self, core: &Core, tenant: TenantId, channel: NotificationChannelId) -> Vec<u8> {
        let plain = Secret::new(serde_json::to_vec(self).expect("texts"));
        core.keys.master.seal(ADDRESS, &row(tenant, channel), plain.expose(), &core.rng).to_bytes()
    }

    /// `None` when it is sealed under another master key, or damaged.
    pub(super) fn open(core: &Core, channel: &Channel) -> Option<Self> {
        let sealed = Sealed::from_bytes(&channel.sealed)?;
        let plain = core.keys.master.open(ADDRESS, &row(channel.tenant, channel.id), &sealed).ok()?;
        serde_json::from_slice(plain.expose()).ok()
    }
}

fn row(tenant: TenantId, channel: NotificationChannelId) -> String {
    format!("{tenant}/{channel}")
}

/// The key by which push services know this installation, made at the first start. Common to all control planes on this
/// database: browsers have subscribed with it.
pub(crate) async fn vapid_key(store: &Store, master: &MasterKey, rng: &Rng) -> Result<VapidKey, StartError> {
    let made = VapidKey::generate(rng);
    let text = encode_base64(&master.seal(VAPID, VAPID_KEY, made.expose().expose(), rng).to_bytes());
    let kept = store.write(Scope::System, move |tx| {
        Box::pin(async move {
            match meta::get(tx, VAPID_KEY).await? {
                Some(kept) => Ok(kept),
                None => {
                    meta::set(tx, VAPID_KEY, &text).await?;
                    Ok(text)
                }
            }
        })
    });
    let kept = kept.await?;
    let damaged = || StartError::Damaged { what: "key of web push" };
    let sealed = decode_base64(&kept).ok().and_then(|bytes| Sealed::from_bytes(&bytes)).ok_or_else(damaged)?;
    let plain = master.open(VAPID, VAPID_KEY, &sealed)?;
    let bytes = plain.expose().as_slice().try_into().map_err(|_| damaged())?;
    VapidKey::from_bytes(bytes).ok_or_else(damaged)
}
