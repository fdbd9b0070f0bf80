//! One connection, from its acceptance to its end.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use sf_actions::Permission;
use sf_bus::{Delivery, Event, Subscription};
use sf_control::events as names;
use sf_protocol::report::{LogSource, LogStream};
use sf_runtime::{Place, Shutdown};
use sf_store::events::{self, EventFilter};
use sf_types::{ErrorKind, Fault, Timestamp, UserId};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::message::{self, FromClient, Subscribe};
use super::topic::Topic;
use crate::caller::{self, Known};
use crate::state::Api;
use crate::view::log::LineView;

/// How often a socket asks whether its token is still good, pings, and counts messages.
pub const BEAT: Duration = Duration::from_secs(4);
/// A peer that says nothing for so long, not even `pong`, is gone.
pub const SILENCE: Duration = Duration::from_secs(45);
/// A message that cannot be written for so long ends the socket; its client comes back and resumes.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Messages a client may send between two beats.
pub const MAX_MESSAGES_PER_BEAT: u32 = 200;
/// Topics of one socket.
pub const MAX_TOPICS: usize = 200;
/// Events repeated for one `after` at the most; older ones have to be read by REST.
pub const MAX_REPLAYED: usize = 10_000;
/// Pages of a log repeated for one `afterLine` at the most; as many as a log can hold.
const MAX_LOG_PAGES: usize = 32;
/// Events read at a time.
const CHUNK: usize = 200;

/// Why a socket ends: WebSocket close code and reason. Codes from 4000 on are ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    /// It is gone already.
    Gone,
    /// The control plane stops.
    Stopping,
    /// The token is no longer good.
    Unauthenticated,
    /// It sent too much, or what is no message.
    Refused(&'static str),
    /// It did not read.
    Slow,
}

pub(super) struct Socket {
    api: Api,
    known: Known,
    token: String,
    stream: WebSocket,
    subscription: Option<Subscription>,
    /// What is followed, and up to which event it was told.
    followed: HashMap<Topic, u64>,
    /// Up to which line each log was told.
    lines: HashMap<Uuid, u64>,
    health: Option<watch::Receiver<Option<String>>>,
    heard: Instant,
    messages: u32,
}

impl Socket {
    pub(super) fn new(api: Api, known: Known, token: String, stream: WebSocket) -> Self {
        Self {
            api,
            known,
            token,
            stream,
            subscription: None,
            followed: HashMap::new(),
            lines: HashMap::new(),
            health: None,
            heard: Instant::now(),
            messages: 0,
        }
    }

    /// Serves until either side ends it.
    pub(super) async fn serve(mut self, place: Option<Place<UserId>>, shutdown: Shutdown) {
        metrics::gauge!("event_sockets").increment(1);
        let Err(end) = self.run(shutdown).await;
        metrics::gauge!("event_sockets").decrement(1);
        tracing::debug!(?end, "an event socket ended");
        let close = match end {
            End::Gone => None,
            End::Stopping => Some((1001, "the control plane is stopping")),
            End::Unauthenticated => Some((4401, "the token is no longer good")),
            End::Refused(why) => Some((1008, why)),
            End::Slow => Some((1013, "too slow: connect again and resume")),
        };
        if let Some((code, reason)) = close {
            let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
            drop(tokio::time::timeout(Duration::from_secs(1), self.stream.send(frame)).await);
        }
        drop(place);
    }

    async fn run(&mut self, shutdown: Shutdown) -> Result<std::convert::Infallible, End> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                () = shutdown.requested() => return Err(End::Stopping),
                _ = beat.tick() => self.beat().await?,
                message = self.stream.recv() => self.heard(message).await?,
                health = next_health(&mut self.health) => self.tell_health(health).await?,
                delivery = next(&mut self.subscription) => match delivery {
                    Some(delivery) => self.deliver(delivery).await?,
                    None => return Err(End::Stopping),
                },
            }
        }
    }

    /// Asks again who this is, so that what was revoked is heard of within seconds.
    async fn beat(&mut self) -> Result<(), End> {
        if self.heard.elapsed() > SILENCE {
            return Err(End::Gone);
        }
        self.messages = 0;
        let known = still_known(&self.api, &self.token).await?;
        if known.actor != self.known.actor {
            self.known = known;
            self.withdraw().await?;
        }
        self.write(Message::Ping(Default::default())).await
    }

    /// Rights changed: what may not be followed any more is dropped, saying so.
    async fn withdraw(&mut self) -> Result<(), End> {
        for topic in self.followed.keys().copied().collect::<Vec<_>>() {
            if let Err(fault) = topic.authorise(self.api.control(), &self.known.actor).await {
                self.unfollow(topic);
                self.send(message::failure(&fault)).await?;
                self.send(message::unsubscribed(&[topic.to_string()])).await?;
            }
        }
        Ok(())
    }

    async fn heard(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), End> {
        self.heard = Instant::now();
        self.messages += 1;
        if self.messages > MAX_MESSAGES_PER_BEAT {
            return Err(End::Refused("too many messages"));
        }
        let text = match message {
            Some(Ok(Message::Text(text))) => text,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => return Ok(()),
            Some(Ok(Message::Binary(_))) => return Err(End::Refused("text messages only")),
            Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(End::Gone),
        };
        match serde_json::from_str(&text) {
            Ok(FromClient::Subscribe(wanted)) => self.subscribe(wanted).await,
            Ok(FromClient::Unsubscribe(unwanted)) => {
                for topic in unwanted.topics.iter().filter_map(|text| text.parse().ok()) {
                    self.unfollow(topic);
                }
                self.send(message::unsubscribed(&unwanted.topics)).await
            }
            Ok(FromClient::Ping(number)) => self.send(message::pong(number)).await,
            Err(error) => {
                let message = format!("The message is refused: {error}.");
                self.send(message::failure(&Fault::new(ErrorKind::Invalid, "events.message", message))).await
            }
        }
    }

    /// All or nothing: a topic that may not be followed refuses the whole message.
    async fn subscribe(&mut self, wanted: Subscribe) -> Result<(), End> {
        let (topics, after, after_line) = match self.follow(&wanted).await {
            Ok(followed) => followed,
            Err(fault) => return self.send(message::failure(&fault)).await,
        };
        let told = self.catch_up(&topics, after).await?;
        for topic in &topics {
            if let (Some(line), Topic::AppLog(_) | Topic::RunLog(_)) = (after_line, topic) {
                self.catch_up_lines(*topic, line).await?;
            }
        }
        if topics.contains(&Topic::System) && self.health.is_none() {
            self.health = Some(self.api.health().follow(&self.api));
        }
        self.send(message::subscribed(&wanted.topics, told)).await
    }

    async fn follow(&mut self, wanted: &Subscribe) -> Result<(Vec<Topic>, Option<u64>, Option<u64>), Fault> {
        let topics = wanted.topics.iter().map(|text| text.parse()).collect::<Result<Vec<Topic>, Fault>>()?;
        let new = topics.iter().filter(|topic| !self.followed.contains_key(topic)).count();
        if topics.is_empty() || self.followed.len() + new > MAX_TOPICS {
            let message = format!("One socket follows 1 to {MAX_TOPICS} topics.");
            return Err(Fault::new(ErrorKind::TooLarge, "events.topics", message));
        }
        let (after, after_line) = (number(wanted.after.as_deref())?, number(wanted.after_line.as_deref())?);
        let actor = &self.known.actor;
        for topic in &topics {
            topic.authorise(self.api.control(), actor).await?;
        }
        let carriers = topics.iter().filter_map(|topic| topic.carrier(actor.tenant));
        match &mut self.subscription {
            Some(subscription) => {
                for carrier in carriers {
                    subscription.follow(carrier)?;
                }
            }
            None => self.subscription = Some(self.api.control().bus().subscribe(actor.scope(), carriers)?),
        }
        Ok((topics, after, after_line))
    }

    /// The carrier stays followed: other topics may ride on it, and what no topic holds is left out anyway.
    fn unfollow(&mut self, topic: Topic) {
        self.followed.remove(&topic);
        if topic == Topic::System {
            self.health = None;
        }
    }

    /// Tells stored events that were missed, in order and once each; answers up to which number.
    async fn catch_up(&mut self, topics: &[Topic], after: Option<u64>) -> Result<u64, End> {
        let reader = self.api.control().store().read(self.known.actor.scope());
        let head = events::head(&reader).await.unwrap_or(0);
        for topic in topics {
            match after {
                Some(after) => drop(self.followed.insert(*topic, after.min(head))),
                None => drop(self.followed.entry(*topic).or_insert(head)),
            }
        }
        if after.is_none() {
            return Ok(head);
        }
        let filter = EventFilter { topics: self.followed.keys().filter_map(|topic| topic.stored()).collect() };
        let mut from = self.followed.values().copied().min().unwrap_or(head);
        let oldest = events::oldest(&reader).await.unwrap_or(0);
        if from + 1 < oldest {
            self.send(message::lagged(from + 1, oldest - 1)).await?;
            from = oldest - 1;
        }
        let mut left = if filter.topics.is_empty() { 0 } else { MAX_REPLAYED };
        while left > 0 {
            let Ok((found, seen)) = events::after(&reader, from, &filter, CHUNK).await else { break };
            if found.is_empty() && seen <= from {
                break;
            }
            from = from.max(seen);
            left = left.saturating_sub(found.len().max(1));
            for stored in found {
                self.replay(&stored).await?;
            }
        }
        let head = events::head(&reader).await.unwrap_or(from);
        if left == 0 && !filter.topics.is_empty() && from < head {
            self.send(message::lagged(from + 1, head)).await?;
            from = head;
        }
        let told = if filter.topics.is_empty() { head } else { from };
        self.followed.values_mut().for_each(|seen| *seen = told.max(*seen));
        Ok(told)
    }

    async fn replay(&mut self, stored: &events::StoredEvent) -> Result<(), End> {
        let event = &stored.event;
        let mut heard_through: Option<Topic> = None;
        for (topic, seen) in &mut self.followed {
            let named = topic.stored().is_some_and(|name| event.topics.contains(&name));
            if named && *seen < stored.seq {
                *seen = stored.seq;
                heard_through = closest(heard_through, *topic);
            }
        }
        let Some(topic) = heard_through else { return Ok(()) };
        let text = message::event(&event.name, stored.seq, &topic.to_string(), stored.at, &event.data);
        self.send(text).await
    }

    async fn catch_up_lines(&mut self, topic: Topic, mut after: u64) -> Result<(), End> {
        for _ in 0..MAX_LOG_PAGES {
            let (control, actor) = (self.api.control(), &self.known.actor);
            let found = match topic {
                Topic::AppLog(app) => crate::route::apps::newest_log(control, actor, app, after).await,
                Topic::RunLog(run) => crate::route::runs::newest_log(control, actor, run, after).await,
                _ => return Ok(()),
            };
            let (source, lines) = match found {
                Ok(Some(found)) => found,
                Ok(None) => return Ok(()),
                Err(fault) => return self.send(message::failure(&fault)).await,
            };
            let Some(last) = lines.last().map(|line| line.sequence) else { return Ok(()) };
            // Who asks for lines again gets them again.
            self.lines.insert(log_of(source).0, after);
            self.tell_lines(topic, Timestamp::EPOCH, LogStream { source, lines, dropped: 0 }).await?;
            after = last;
        }
        Ok(())
    }

    async fn deliver(&mut self, delivery: Delivery) -> Result<(), End> {
        match delivery {
            Delivery::Event(event) => self.tell(&event).await,
            Delivery::Lagged(gap) => {
                let reader = self.api.control().store().read(self.known.actor.scope());
                let head = events::head(&reader).await.unwrap_or(0);
                self.send(message::lagged(gap.missed_from.unwrap_or(head), head)).await
            }
        }
    }

    async fn tell(&mut self, event: &Event) -> Result<(), End> {
        let mut heard_through: Option<Topic> = None;
        for (topic, seen) in &mut self.followed {
            let is_new = event.seq == 0 || *seen < event.seq;
            if is_new && topic.holds(event) {
                *seen = (*seen).max(event.seq);
                heard_through = closest(heard_through, *topic);
            }
        }
        let Some(topic) = heard_through else { return Ok(()) };
        match event.name.as_ref() {
            names::LOG_LINE => match serde_json::from_str::<LogStream>(&event.data) {
                Ok(lines) => self.tell_lines(topic, event.at, lines).await,
                Err(error) => {
                    tracing::error!(%error, "log lines cannot be read");
                    Ok(())
                }
            },
            names::NODE_METRICS if !self.known.actor.may(Permission::MonitoringView) => Ok(()),
            name => {
                let data = with_text_times(name, &event.data);
                self.send(message::event(name, event.seq, &topic.to_string(), event.at, &data)).await
            }
        }
    }

    /// Lines, each once, in the shape of the API.
    async fn tell_lines(&mut self, topic: Topic, at: Timestamp, stream: LogStream) -> Result<(), End> {
        let (log, release) = log_of(stream.source);
        let told = self.lines.entry(log).or_insert(0);
        let fresh: Vec<_> = stream.lines.into_iter().filter(|line| line.sequence > *told).collect();
        let Some(last) = fresh.last() else { return Ok(()) };
        *told = last.sequence;
        let at = if at == Timestamp::EPOCH { last.at } else { at };
        let lines: Vec<_> = fresh.into_iter().map(|line| LineView::of(line, release)).collect();
        let data = serde_json::json!({ "releaseId": release, "lines": lines, "dropped": stream.dropped });
        self.send(message::event(names::LOG_LINE, 0, &topic.to_string(), at, &data.to_string())).await
    }

    async fn tell_health(&mut self, health: Option<String>) -> Result<(), End> {
        let (Some(data), true) = (health, self.followed.contains_key(&Topic::System)) else { return Ok(()) };
        let at = self.api.control().now();
        self.send(message::event(names::SYSTEM_HEALTH, 0, "system", at, &data)).await
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        self.write(Message::Text(text.into())).await
    }

    /// Writes one message. While the peer does not read, its token is still asked about.
    async fn write(&mut self, message: Message) -> Result<(), End> {
        let began = Instant::now();
        let mut sending = std::pin::pin!(self.stream.send(message));
        loop {
            tokio::select! {
                sent = &mut sending => return sent.map_err(|_| End::Gone),
                () = sleep(BEAT) => {
                    still_known(&self.api, &self.token).await?;
                    if began.elapsed() > SEND_TIMEOUT {
                        return Err(End::Slow);
                    }
                }
            }
        }
    }
}

/// The log's own id, and the release it belongs to.
fn log_of(source: LogSource) -> (Uuid, Option<Uuid>) {
    match source {
        LogSource::App { release, .. } => (release.uuid(), Some(release.uuid())),
        LogSource::Run { run } => (run.uuid(), None),
    }
}

/// The topic an event is told under, where several hold it.
fn closest(found: Option<Topic>, other: Topic) -> Option<Topic> {
    Some(found.filter(|found| found.distance() <= other.distance()).unwrap_or(other))
}

async fn still_known(api: &Api, token: &str) -> Result<Known, End> {
    match caller::recheck(api, token, super::AUDIENCES).await {
        Ok(known) => Ok(known),
        // A database that is away for a moment must not throw everybody out at once.
        Err(problem) if problem.fault().kind == ErrorKind::Unauthenticated => Err(End::Unauthenticated),
        Err(_) => Err(End::Stopping),
    }
}

async fn next(subscription: &mut Option<Subscription>) -> Option<Delivery> {
    match subscription {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}

async fn next_health(health: &mut Option<watch::Receiver<Option<String>>>) -> Option<String> {
    match health {
        Some(receiver) => match receiver.changed().await {
            Ok(()) => receiver.borrow_and_update().clone(),
            Err(_) => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

fn number(text: Option<&str>) -> Result<Option<u64>, Fault> {
    let read = text.map(str::parse).transpose();
    read.map_err(|_| Fault::new(ErrorKind::Invalid, "events.after", "`after` and `afterLine` are numbers in quotes."))
}

/// Inside, times are numbers; outside they are text.
fn with_text_times(name: &str, data: &str) -> String {
    if name != names::NODE_METRICS {
        return data.to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(data) else { return data.to_owned() };
    if let Some(at) = value.get("at").and_then(serde_json::Value::as_i64) {
        value["at"] = Timestamp::from_millis(at).to_string().into();
    }
    value.to_string()
}
