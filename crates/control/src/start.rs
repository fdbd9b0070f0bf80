//! Starting: keys, the lanes, and what a crash may have left open.

pub mod housekeeping;
pub mod instance;
pub mod options;
pub mod restore;

use std::sync::Arc;

use sf_bus::{Bus, Event, Topic};
use sf_runtime::{Clock, Rng, Tasks};
use sf_store::events::StoredEvent;
use sf_store::tenants;
use sf_types::Scope;

use crate::control::{Control, Core};
use crate::keys::Keys;
use crate::links::Links;
use crate::mail::Mail;
use crate::notify::Notifier;
use crate::options::{Options, StartError};
use crate::sign_in::People;
use crate::sign_in::mcp::Programs;
use crate::signer::Signer;

impl Control {
    /// Opens the store, loads or makes the keys and starts the lanes as tasks of `tasks`.
    ///
    /// # Errors
    /// [`StartError`] says what is wrong with the database or the keys.
    pub async fn start(options: Options, clock: Clock, rng: Rng, tasks: &Tasks) -> Result<Self, StartError> {
        restore::refuse_half(&options.data)?;
        let store = instance::open_store(&options, &clock, &rng, tasks).await?;
        restore::refuse_unfinished(&store).await?;
        store
            .write(Scope::System, |tx| Box::pin(async move { tenants::ensure_default(tx, "default").await.map(drop) }))
            .await?;
        crate::tenancy::check(&store, options.multi_tenant).await.map_err(StartError::Refused)?;
        let (keys, access) = Keys::open(&options, &store, &clock, &rng).await?;
        let people = People::new(options.password_cost, &keys.master, &rng, Programs::new(&options.egress)?)?;
        let mail = Mail::new(options.mail.as_ref(), &options.public_url).map_err(StartError::Mail)?;
        let vapid = crate::notify::vapid_key(&store, &keys.master, &rng).await?;
        let notices = Notifier::new(&options, vapid)?;
        let bus = Bus::default();
        let forward = bus.clone();
        store.on_commit(move |events| {
            for event in events {
                forward.publish(told(event));
            }
        });
        let core = Core {
            signer: Signer::new(keys.certified()),
            cleaning: Default::default(),
            auditor: Default::default(),
            routing: Default::default(),
            workflows: Default::default(),
            timers: Default::default(),
            started_at: clock.now(),
            links: Links::default(),
            questions: Default::default(),
            transfers: Default::default(),
            download_links: Default::default(),
            consoles: Default::default(),
            written: Default::default(),
            quota: Default::default(),
            refusals: Default::default(),
            waiting: Default::default(),
            tasks: tasks.clone(),
            options,
            store,
            bus,
            clock,
            rng,
            keys,
            access,
            people,
            mail,
            notices,
        };
        let control = Self(Arc::new(core));
        control.all_silent().await?;
        control.start_timers();
        control.start_noting();
        control.start_renewal();
        control.start_housekeeping();
        control.start_workflows().await.map_err(StartError::Refused)?;
        control.start_triggers();
        control.start_summing_up_refusals();
        control.start_mail();
        control.start_notifying();
        control.start_auditor().await?;
        Ok(control)
    }
}

/// A stored event as the bus carries it. Topics that are lists (`runs`) become the tenant's.
fn told(stored: &StoredEvent) -> Event {
    let event = &stored.event;
    let mut topics: Vec<Topic> = event.topics.iter().filter_map(|topic| topic.parse().ok()).collect();
    topics.extend(event.tenant.map(Topic::Tenant));
    Event {
        seq: stored.seq,
        tenant: event.tenant,
        project: event.project,
        topics,
        name: event.name.clone().into(),
        at: stored.at,
        data: event.data.clone(),
    }
}
