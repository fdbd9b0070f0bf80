use super::*;
use crate::event::Lagged;
use crate::subscription::Delivery;
use sf_types::{AppId, ProjectId, RunId, TenantId, Timestamp, TypedId};

const AT: Timestamp = Timestamp::from_millis(1);

fn tenant(n: u8) -> TenantId {
    TenantId::from_parts(AT, [n; 10])
}

fn run(n: u32) -> Topic {
    let mut bits = [0; 10];
    bits[..4].copy_from_slice(&n.to_be_bytes());
    Topic::Run(RunId::from_parts(AT, bits))
}

fn app() -> Topic {
    Topic::App(AppId::from_parts(AT, [3; 10]))
}

fn event(seq: u64, topics: &[Topic]) -> Event {
    Event {
        seq,
        tenant: Some(tenant(1)),
        project: None,
        topics: topics.to_vec(),
        name: "run.update".into(),
        at: AT,
        data: "{}".into(),
    }
}

fn numbers(subscription: &mut Subscription) -> Vec<Result<u64, Lagged>> {
    std::iter::from_fn(|| subscription.try_next())
        .map(|delivery| match delivery {
            Delivery::Event(event) => Ok(event.seq),
            Delivery::Lagged(lagged) => Err(lagged),
        })
        .collect()
}

fn own() -> Scope {
    Scope::Tenant(tenant(1))
}

#[test]
fn a_reader_of_several_topics_of_one_event_gets_it_once() {
    let bus = Bus::default();
    let mut both = bus.subscribe(own(), [run(1), app(), run(1)]).unwrap();
    let mut other = bus.subscribe(own(), [run(2)]).unwrap();
    let mut all = bus.subscribe_all(own()).unwrap();
    assert_eq!(bus.publish(event(1, &[run(1), app()])), 2);
    assert_eq!(numbers(&mut both), [Ok(1)]);
    assert_eq!(numbers(&mut other), []);
    assert_eq!(numbers(&mut all), [Ok(1)]);
}

#[test]
fn nothing_crosses_a_scope() {
    let project = ProjectId::from_parts(AT, [7; 10]);
    let seen_by = |scope, event: Event| {
        let bus = Bus::default();
        let mut reader = bus.subscribe(scope, event.topics.clone()).unwrap();
        let mut all = bus.subscribe_all(scope).unwrap();
        bus.publish(event);
        let seen = !numbers(&mut reader).is_empty();
        assert_eq!(seen, !numbers(&mut all).is_empty());
        seen
    };
    let in_project = || Event { project: Some(project), ..event(1, &[app()]) };
    let of_system = || Event { tenant: None, ..event(1, &[Topic::System]) };
    for (scope, event, expected) in [
        (own(), event(1, &[app()]), true),
        (Scope::Tenant(tenant(2)), event(1, &[app()]), false),
        (Scope::Project(tenant(1), project), in_project(), true),
        (Scope::Project(tenant(1), project), event(1, &[app()]), false),
        (Scope::Project(tenant(2), project), in_project(), false),
        (own(), of_system(), false),
        (Scope::System, of_system(), true),
        (Scope::System, in_project(), true),
    ] {
        assert_eq!(seen_by(scope, event.clone()), expected, "{scope:?} {event:?}");
    }
}

#[test]
fn a_slow_reader_is_told_its_gap_in_order_and_holds_nobody_up() {
    let bus = Bus::new(Options { queue_events: 2, ..Options::default() });
    let (mut slow, mut quick) = (bus.subscribe(own(), [app()]).unwrap(), bus.subscribe(own(), [app()]).unwrap());
    let mut quick_saw = Vec::new();
    for seq in [1, 2, 0, 4, 5] {
        bus.publish(event(seq, &[app()]));
        quick_saw.extend(numbers(&mut quick));
    }
    assert_eq!(quick_saw, [Ok(1), Ok(2), Ok(0), Ok(4), Ok(5)]);
    // One place is free, but the gap comes first: 6 must not overtake it.
    assert!(matches!(slow.try_next(), Some(Delivery::Event(event)) if event.seq == 1));
    bus.publish(event(6, &[app()]));
    assert_eq!(numbers(&mut slow), [Ok(2), Err(Lagged { missed_from: Some(4), missed: 4 })]);
    bus.publish(event(7, &[app()]));
    assert_eq!(numbers(&mut slow), [Ok(7)]);
}

#[test]
fn a_resumed_reader_does_not_see_twice_what_the_store_answered() {
    let bus = Bus::default();
    let mut reader = bus.subscribe(own(), [app()]).unwrap();
    for seq in [8, 0, 9, 10] {
        bus.publish(event(seq, &[app()]));
    }
    reader.skip_through(9);
    reader.skip_through(3);
    assert_eq!(numbers(&mut reader), [Ok(0), Ok(10)]);
}

#[test]
fn topics_come_and_go_and_a_reader_that_left_leaves_nothing() {
    let bus = Bus::default();
    let mut reader = bus.subscribe(own(), []).unwrap();
    bus.publish(event(1, &[app()]));
    reader.follow(app()).unwrap();
    reader.follow(app()).unwrap();
    bus.publish(event(2, &[app()]));
    reader.unfollow(app());
    bus.publish(event(3, &[app()]));
    assert_eq!(numbers(&mut reader), [Ok(2)]);
    let held = bus.subscribe(own(), [run(1), run(2)]).unwrap();
    drop(held);
    drop(reader);
    let index = bus.read();
    assert!(index.topics.is_empty() && index.readers.is_empty() && index.everything.is_empty());
}

#[test]
fn limits_refuse_with_their_number() {
    let bus = Bus::new(Options { readers: 1, ..Options::default() });
    let too_many = (0..=u32::try_from(MAX_TOPICS).unwrap()).map(run);
    assert_eq!(bus.subscribe(own(), too_many).unwrap_err(), BusError::TooManyTopics { max: MAX_TOPICS });
    let mut one = bus.subscribe(own(), (0..256).map(run)).unwrap();
    assert_eq!(one.follow(app()), Err(BusError::TooManyTopics { max: MAX_TOPICS }));
    assert_eq!(bus.subscribe_all(own()).unwrap_err(), BusError::TooManyReaders { max: 1 });
    drop(one);
    assert!(bus.subscribe_all(own()).is_ok());
}

#[tokio::test]
async fn a_waiting_reader_wakes_and_ends_with_the_bus() {
    let bus = Bus::default();
    let mut reader = bus.subscribe(own(), [app()]).unwrap();
    let (got, _) = tokio::join!(reader.next(), async {
        tokio::task::yield_now().await;
        bus.publish(event(1, &[app()]))
    });
    assert!(matches!(got, Some(Delivery::Event(event)) if event.seq == 1));
    bus.publish(event(2, &[app()]));
    let (rest, _) = tokio::join!(async { (reader.next().await.is_some(), reader.next().await) }, async {
        tokio::task::yield_now().await;
        bus.close();
    });
    assert_eq!(rest, (true, None));
    assert_eq!(bus.subscribe(own(), [app()]).unwrap_err(), BusError::Closed);
    assert_eq!(bus.publish(event(3, &[app()])), 0);
}

#[test]
fn an_event_touches_only_the_readers_of_its_topic() {
    let bus = Bus::default();
    let mut readers: Vec<_> = (0..10_000).map(|n| bus.subscribe(own(), [run(n), app()]).unwrap()).collect();
    for n in 0..10_000 {
        assert_eq!(bus.publish(event(u64::from(n) + 1, &[run(n)])), 1);
    }
    assert_eq!(bus.publish(event(10_001, &[app()])), 10_000);
    for (n, reader) in readers.iter_mut().enumerate() {
        assert_eq!(numbers(reader), [Ok(n as u64 + 1), Ok(10_001)]);
    }
    drop(readers);
    assert_eq!(bus.readers(), 0);
}

#[test]
fn racing_publishers_and_a_racing_reader_lose_nothing_unnoticed() {
    let bus = Bus::new(Options { queue_events: 8, ..Options::default() });
    let mut reader = bus.subscribe(own(), [app()]).unwrap();
    let (mut seen, mut missed) = (0, 0);
    std::thread::scope(|scope| {
        let publishers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    for seq in 1..=2_000 {
                        bus.publish(event(seq, &[app()]));
                    }
                })
            })
            .collect();
        while publishers.iter().any(|one| !one.is_finished()) {
            count(&mut reader, &mut seen, &mut missed);
        }
    });
    count(&mut reader, &mut seen, &mut missed);
    assert_eq!(seen + missed, 4_000);
}

fn count(reader: &mut Subscription, seen: &mut u64, missed: &mut u64) {
    while let Some(delivery) = reader.try_next() {
        match delivery {
            Delivery::Event(_) => *seen += 1,
            Delivery::Lagged(lagged) => *missed += lagged.missed,
        }
    }
}
