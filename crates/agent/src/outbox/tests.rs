use super::*;
use sf_protocol::report::{LogLine, LogStored, NodeSample, Stored};
use sf_types::{ReleaseId, Timestamp, TypedId};

struct World {
    dir: tempfile::TempDir,
    clock: Clock,
}

impl World {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), clock: Clock::manual(Timestamp::from_millis(1_000)) }
    }

    fn outbox(&self) -> Outbox {
        let (journal, _) = Journal::open(self.dir.path()).unwrap();
        Outbox::open(&self.dir.path().join("outbox"), self.clock.clone(), journal).unwrap()
    }
}

fn notice(n: usize) -> NodeEvent {
    NodeEvent::Notice { code: "test".into(), message: format!("number {n}") }
}

fn drain(delivery: &mut Delivery) -> Vec<Frame> {
    std::iter::from_fn(|| delivery.take()).collect()
}

fn event_numbers(frames: &[Frame]) -> Vec<u64> {
    frames.iter().filter_map(|f| if let Frame::StatusUpdate(u) = f { Some(u.sequence) } else { None }).collect()
}

#[tokio::test]
async fn events_survive_the_agent_and_are_sent_from_where_the_control_plane_is() {
    let world = World::new();
    let outbox = world.outbox();
    (1..=5).for_each(|n| outbox.event(notice(n)));
    drop(outbox);
    let outbox = world.outbox();
    outbox.event(notice(6));
    let mut delivery = Delivery::new(&outbox, &Stored { events: 2, ..Stored::default() });
    assert_eq!(event_numbers(&drain(&mut delivery)), [3, 4, 5, 6]);
    delivery.stored(&Stored { events: 5, ..Stored::default() });
    delivery.save();
    // The next connection: the control plane says nothing, our own cursor counts.
    let mut delivery = Delivery::new(&outbox, &Stored::default());
    assert_eq!(event_numbers(&drain(&mut delivery)), [6]);
    outbox.event(notice(7));
    assert_eq!(event_numbers(&drain(&mut delivery)), [7]);
}

#[tokio::test]
async fn numbers_that_the_control_plane_has_seen_never_come_again() {
    let world = World::new();
    let outbox = world.outbox();
    outbox.event(notice(1));
    // The disk lost events 2 to 9, which were sent.
    let mut delivery = Delivery::new(&outbox, &Stored { events: 9, ..Stored::default() });
    outbox.event(notice(10));
    assert_eq!(event_numbers(&drain(&mut delivery)), [10]);
    // A reboot may have taken the last ones.
    drop(delivery);
    drop(outbox);
    std::fs::write(world.dir.path().join("outbox").join(BOOT), "another").unwrap();
    let outbox = world.outbox();
    outbox.event(notice(11));
    assert!(outbox.last_event() > 1000);
}

#[tokio::test]
async fn a_flood_of_lines_waits_for_confirmation_and_nothing_is_lost_or_twice() {
    let world = World::new();
    let outbox = world.outbox();
    let at = Timestamp::EPOCH;
    let source = LogSource::App { app: AppId::from_parts(at, [1; 10]), release: ReleaseId::from_parts(at, [2; 10]) };
    let dir = world.dir.path().join("log");
    let mut log = LogWriter::open(&dir, LogLimits::default()).unwrap();
    let total = 20_000_u64;
    for n in 0..total {
        log.push(at, Stream::Out, &format!("line {n} {}", "x".repeat(60)));
    }
    log.flush();
    outbox.log(source, &dir);
    let mut delivery = Delivery::new(&outbox, &Stored::default());
    let (mut seen, mut rounds) = (0, 0);
    while seen < total {
        let frames = drain(&mut delivery);
        let mut bytes = 0;
        for frame in &frames {
            bytes += frame.write().unwrap().len();
            let Frame::LogStream(stream) = frame else { panic!("only lines wait") };
            assert_eq!((stream.lines[0].sequence, stream.dropped), (seen + 1, 0));
            seen = stream.lines.last().unwrap().sequence;
        }
        assert!(!frames.is_empty() && bytes < 2 * IN_FLIGHT_BYTES_MAX, "{bytes}");
        delivery.stored(&Stored { logs: vec![LogStored { source, up_to: seen }], ..Stored::default() });
        rounds += 1;
    }
    assert!(rounds > 5, "{rounds}");
    assert!(drain(&mut delivery).is_empty());
    // More lines: told by the writer.
    log.push(at, Stream::Out, "late");
    log.flush();
    outbox.written(source);
    assert_eq!(drain(&mut delivery).len(), 1);
}

#[tokio::test]
async fn large_samples_are_sent_in_parts_and_once() {
    let world = World::new();
    let outbox = world.outbox();
    let app = |n: u8| sf_protocol::report::AppSample {
        app: AppId::from_parts(Timestamp::EPOCH, [n; 10]),
        state: sf_protocol::app::AppState::Running,
        cpu_permille: 1,
        memory: u64::MAX,
        processes: 1,
        requests: u64::MAX,
        restarts: 0,
    };
    let at = Timestamp::from_millis(5_000);
    let server = |n: u8| sf_protocol::server::ServerSample {
        server: sf_types::ServerId::from_parts(Timestamp::EPOCH, [n; 10]),
        state: sf_protocol::server::ServerState::Running,
        cpu_permille: u32::MAX,
        memory: u64::MAX,
        processes: u32::MAX,
        disk: u64::MAX,
        net_received: Some(u64::MAX),
        net_sent: Some(u64::MAX),
        uptime_ms: u64::MAX,
    };
    let (apps, servers) = ((0..150).map(app).collect(), (0..70).map(server).collect());
    let held = Some((u16::MAX - SystemLog::MAX_HELD as u16..u16::MAX).collect());
    outbox.sample(&SystemLog { at, node: NodeSample::default(), apps, servers, held });
    let mut delivery = Delivery::new(&outbox, &Stored::default());
    let frames = drain(&mut delivery);
    assert_eq!(frames.len(), 3);
    let count = |f: &Frame| if let Frame::SystemLog(part) = f { (part.apps.len(), part.servers.len()) } else { (0, 0) };
    assert_eq!(frames.iter().map(count).collect::<Vec<_>>(), [(64, 32), (64, 32), (22, 6)]);
    let held = |f: &Frame| if let Frame::SystemLog(part) = f { part.held.as_ref().map(Vec::len) } else { None };
    assert_eq!(frames.iter().map(held).collect::<Vec<_>>(), [Some(SystemLog::MAX_HELD), None, None]);
    assert!(frames.iter().all(|frame| frame.write().unwrap().len() < sf_protocol::frame::MAX_FRAME_BYTES / 2));
    delivery.stored(&Stored { metrics: Some(Timestamp::from_millis(5_001)), ..Stored::default() });
    delivery.save();
    assert_eq!(drain(&mut Delivery::new(&outbox, &Stored::default())).len(), 1);
}

fn sample_times(frames: &[Frame]) -> Vec<i64> {
    frames.iter().filter_map(|f| if let Frame::SystemLog(s) = f { Some(s.at.as_millis()) } else { None }).collect()
}

#[tokio::test]
async fn samples_of_the_time_without_a_connection_are_delivered_once_though_a_live_one_is_confirmed_first() {
    let world = World::new();
    let outbox = world.outbox();
    let sample = |ms| SystemLog {
        at: Timestamp::from_millis(ms),
        node: NodeSample::default(),
        apps: Vec::new(),
        servers: Vec::new(),
        held: None,
    };
    let stored = |ms| Stored { metrics: Some(Timestamp::from_millis(ms)), ..Stored::default() };
    (1..=4).for_each(|n| outbox.sample(&sample(n * 30_000)));
    // Connected: the sample of now goes first.
    let mut delivery = Delivery::new(&outbox, &Stored::default());
    outbox.live_sample(&sample(130_000));
    let first = delivery.take().unwrap();
    delivery.stored(&stored(130_000));
    assert_eq!(sample_times(&[first]), [130_000]);
    assert_eq!(sample_times(&drain(&mut delivery)), [30_000, 60_000, 90_000, 120_000]);
    delivery.stored(&stored(30_000));
    delivery.stored(&stored(60_000));
    delivery.save();
    // The connection was lost before the others arrived.
    let mut delivery = Delivery::new(&outbox, &stored(130_000));
    assert_eq!(sample_times(&drain(&mut delivery)), [90_000, 120_000]);
    // The last one's confirmation comes late, after a live one was sent; the clock is set back.
    outbox.live_sample(&sample(140_000));
    assert_eq!(sample_times(&drain(&mut delivery)), [140_000]);
    delivery.stored(&stored(120_000));
    delivery.stored(&stored(140_000));
    outbox.sample(&sample(1_000));
    assert_eq!(sample_times(&drain(&mut delivery)), [1_000]);
    delivery.stored(&stored(1_000));
    delivery.save();
    assert!(drain(&mut Delivery::new(&outbox, &Stored::default())).is_empty());
}

/// What has to arrive goes first, and what does not is neither waited for nor in the way.
#[tokio::test]
async fn a_console_waits_behind_everything_and_is_never_counted_as_on_its_way() {
    let world = World::new();
    let outbox = world.outbox();
    let server = sf_types::ServerId::from_parts(Timestamp::EPOCH, [9; 10]);
    let line = |sequence| LogLine { sequence, at: Timestamp::EPOCH, stream: Stream::Tty, text: "x".repeat(1000) };
    let says = |number: u64| {
        outbox.console(sf_protocol::server::ConsoleOutput {
            server,
            lines: vec![line(number)],
            skipped: 0,
            sample: None,
        })
    };
    let mut delivery = Delivery::new(&outbox, &Stored::default());
    for number in 1..=1000 {
        says(number);
        outbox.notice("a", "one of many");
    }
    let frames = drain(&mut delivery);
    let is_console = |frame: &Frame| matches!(frame, Frame::ConsoleOutput(_));
    assert!(
        frames.iter().position(is_console) > frames.iter().rposition(|frame| matches!(frame, Frame::StatusUpdate(_)))
    );
    assert_eq!(frames.iter().filter(|frame| is_console(frame)).count(), 1);
    // Nothing was confirmed and enough is on its way: consoles go on, and what was said for at once before them.
    let long = "y".repeat(1900);
    (0..200).for_each(|_| outbox.notice("b", long.clone()));
    drain(&mut delivery);
    says(1001);
    outbox.say(Frame::Stored(Stored::default()));
    let frames = drain(&mut delivery);
    assert!(matches!(&frames[..], [Frame::Stored(_), Frame::ConsoleOutput(output)] if output.skipped == 0));
    // Consoles and logs take turns.
    let source = LogSource::Run { run: sf_types::RunId::from_parts(Timestamp::EPOCH, [4; 10]) };
    let dir = world.dir.path().join("log");
    let mut log = LogWriter::open(&dir, EVENTS_KEPT).unwrap();
    for _ in 0..500 {
        log.push(world.clock.now(), Stream::Out, &"z".repeat(500));
    }
    log.flush();
    outbox.log(source, &dir);
    let mut delivery = Delivery::new(&outbox, &Stored { events: outbox.last_event(), ..Stored::default() });
    let kinds: Vec<bool> = (1002..1008)
        .map(|number| {
            says(number);
            is_console(&delivery.take().unwrap())
        })
        .collect();
    assert_eq!(kinds, [true, false, true, false, true, false]);
    // Of a connection that is lost, nothing comes again.
    says(1009);
    assert!(!drain(&mut Delivery::new(&outbox, &Stored::default())).iter().any(is_console));
}

#[tokio::test]
async fn a_private_key_goes_on_being_hidden_after_a_reconnect() {
    let world = World::new();
    let outbox = world.outbox();
    let source = LogSource::Run { run: sf_types::RunId::from_parts(Timestamp::EPOCH, [3; 10]) };
    let dir = world.dir.path().join("log");
    let mut writer = LogWriter::open(&dir, EVENTS_KEPT).unwrap();
    for text in ["-----BEGIN PRIVATE KEY-----", "MIIEvQIBADAN", "Bgkqhkia", "-----END PRIVATE KEY-----", "plain"] {
        writer.push(world.clock.now(), Stream::Out, text);
    }
    writer.flush();
    outbox.log(source, &dir);
    let resume = Stored { logs: vec![LogStored { source, up_to: 2 }], ..Stored::default() };
    let mut delivery = Delivery::new(&outbox, &resume);
    let frames = drain(&mut delivery);
    let texts: Vec<_> = frames
        .iter()
        .filter_map(|frame| if let Frame::LogStream(stream) = frame { Some(&stream.lines) } else { None })
        .flatten()
        .map(|line| (line.sequence, line.text.as_str()))
        .collect();
    assert_eq!(texts, [(3, "[redacted]"), (4, "[redacted]"), (5, "plain")]);
}
