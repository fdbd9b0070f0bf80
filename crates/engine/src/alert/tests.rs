use proptest::prelude::*;
use sf_types::{ByteSize, ServerId, TypedId};

use super::*;

fn settings(metric: Metric, comparison: Comparison, threshold: Threshold, for_secs: u32) -> RuleSettings {
    RuleSettings { metric, comparison, threshold, for_secs, margin_percent: 10, cooldown_secs: 600, enabled: true }
}

fn reading(secs: i64, memory: u64) -> Reading {
    Reading {
        at: Timestamp::from_millis(secs * 1_000),
        up: true,
        cpu: 500,
        memory,
        disk: memory,
        processes: 3,
        network: Some(10),
    }
}

fn limits(memory: u64) -> ServerLimits {
    ServerLimits { memory: Some(ByteSize(memory)), cpu_percent: Some(200), ..ServerLimits::default() }
}

/// Every 30 s one sample of memory, the last at `30 * (n - 1)`.
fn course(values: &[u64]) -> Vec<Reading> {
    values.iter().enumerate().map(|(at, value)| reading(30 * i64::try_from(at).unwrap(), *value)).collect()
}

const ABOVE_90: RuleSettings = RuleSettings {
    metric: Metric::Memory,
    comparison: Comparison::Above,
    threshold: Threshold::Percent(90),
    for_secs: 60,
    margin_percent: 10,
    cooldown_secs: 600,
    enabled: true,
};

#[test]
fn it_has_to_be_so_for_as_long_as_the_rule_says() {
    let raised = |since: i64, value| Verdict::Raise { since: Timestamp::from_millis(since * 1_000), line: 900, value };
    for (values, expected) in [
        (&[][..], Verdict::Quiet),
        (&[950], Verdict::Quiet),
        (&[950, 950], Verdict::Quiet),
        (&[950, 950, 900], raised(0, 900)),
        (&[950, 899, 950, 950], Verdict::Quiet),
        (&[100, 950, 950, 950], raised(30, 950)),
        (&[950, 950, 950, 899], Verdict::Quiet),
    ] {
        assert_eq!(judge(&ABOVE_90, &limits(1_000), &course(values), false), expected, "{values:?}");
    }
    let at_once = RuleSettings { for_secs: 0, ..ABOVE_90 };
    assert_eq!(judge(&at_once, &limits(1_000), &course(&[900]), false), raised(0, 900));
}

#[test]
fn a_silence_is_no_trouble_and_no_end_of_one() {
    let gap = [reading(0, 950), reading(30, 950), reading(30 + 121, 950)];
    assert_eq!(judge(&ABOVE_90, &limits(1_000), &gap, false), Verdict::Quiet);
    let late = [reading(0, 950), reading(120, 950)];
    assert!(matches!(judge(&ABOVE_90, &limits(1_000), &late, false), Verdict::Raise { .. }));
    assert_eq!(judge(&ABOVE_90, &limits(1_000), &[], true), Verdict::Quiet);
    assert_eq!(judge(&ABOVE_90, &limits(1_000), &gap[2..], true), Verdict::Stay { value: 950 });
}

#[test]
fn it_ends_by_a_margin_so_that_it_does_not_flap() {
    // The line is 900, and 10 % below it is 810.
    for (value, expected) in [
        (950, Verdict::Stay { value: 950 }),
        (899, Verdict::Stay { value: 899 }),
        (810, Verdict::Stay { value: 810 }),
        (809, Verdict::Clear(Cleared::Back)),
    ] {
        assert_eq!(judge(&ABOVE_90, &limits(1_000), &course(&[value]), true), expected, "{value}");
    }
    let below = settings(Metric::Memory, Comparison::Below, Threshold::Value(100), 0);
    for (value, expected) in
        [(99, Verdict::Stay { value: 99 }), (109, Verdict::Stay { value: 109 }), (110, Verdict::Clear(Cleared::Back))]
    {
        assert_eq!(judge(&below, &limits(1), &course(&[value]), true), expected, "{value}");
    }
}

#[test]
fn a_server_that_stopped_has_no_trouble_with_what_it_does_not_use() {
    let stopped = Reading { up: false, cpu: 0, memory: 0, processes: 0, ..reading(60, 950) };
    let after = [reading(0, 950), reading(30, 950), stopped];
    assert_eq!(judge(&ABOVE_90, &limits(1_000), &after, true), Verdict::Clear(Cleared::Stopped));
    assert_eq!(judge(&ABOVE_90, &limits(1_000), &after, false), Verdict::Quiet);
    // Nor is one that uses nothing because it is stopped idle.
    let idle = settings(Metric::Cpu, Comparison::Below, Threshold::Value(10), 0);
    assert_eq!(judge(&idle, &limits(1), &[stopped], false), Verdict::Quiet);
    // Its files are there all the same.
    let full = settings(Metric::Disk, Comparison::Above, Threshold::Value(900), 60);
    assert!(matches!(judge(&full, &limits(1), &after, false), Verdict::Raise { value: 950, .. }));
}

#[test]
fn a_limit_that_changes_moves_the_line_and_one_that_goes_ends_it() {
    let full = course(&[950, 950, 950]);
    assert!(matches!(judge(&ABOVE_90, &limits(1_000), &full, false), Verdict::Raise { .. }));
    assert_eq!(judge(&ABOVE_90, &limits(2_000), &full, true), Verdict::Clear(Cleared::Back));
    assert_eq!(judge(&ABOVE_90, &ServerLimits::default(), &full, true), Verdict::Clear(Cleared::NoLimit));
    assert_eq!(judge(&ABOVE_90, &ServerLimits::default(), &full, false), Verdict::Quiet);
    // CPU is in percent of a core there, and in thousandths here.
    let cpu = settings(Metric::Cpu, Comparison::Above, Threshold::Percent(50), 0);
    assert_eq!(line(&cpu, &limits(1)), Some(1_000));
    let network = settings(Metric::Network, Comparison::Above, Threshold::Percent(50), 0);
    assert_eq!(line(&network, &limits(1)), None);
}

#[test]
fn a_rate_needs_a_sample_not_long_before() {
    let sample = ServerSample {
        server: ServerId::from_parts(Timestamp::EPOCH, [1; 10]),
        state: sf_protocol::server::ServerState::Running,
        cpu_permille: 1,
        memory: 1,
        processes: 1,
        disk: 1,
        net_received: Some(400),
        net_sent: Some(200),
        uptime_ms: 5,
    };
    let at = Timestamp::from_millis(10_000);
    for (before, expected) in
        [(Some(8_000), Some(300)), (Some(10_000), None), (Some(11_000), None), (Some(-120_001), None), (None, None)]
    {
        let found = Reading::of(at, &sample, before.map(Timestamp::from_millis)).network;
        assert_eq!(found, expected, "{before:?}");
    }
    let unknown = ServerSample { net_received: None, ..sample };
    assert_eq!(Reading::of(at, &unknown, Some(Timestamp::from_millis(8_000))).network, None);
    let most = ServerSample { net_received: Some(u64::MAX), net_sent: Some(u64::MAX), ..sample };
    let reading = Reading::of(at, &most, Some(Timestamp::from_millis(9_999)));
    assert_eq!(reading.value(Metric::Network), Some(MAX_VALUE));
    // A network that is not known for a moment ends nothing.
    let rule = settings(Metric::Network, Comparison::Above, Threshold::Value(5), 0);
    assert_eq!(judge(&rule, &limits(1), &[Reading { network: None, ..reading }], true), Verdict::Quiet);
}

#[test]
fn what_comes_back_within_the_cooldown_is_the_same_alert() {
    let mut values = vec![950; 3];
    values.extend([100; 2]);
    values.extend([950; 3]);
    let once = replay(&ABOVE_90, &limits(1_000), &course(&values), Duration::ZERO);
    assert_eq!(once, [Episode { raised_at: Timestamp::from_millis(60_000), cleared_at: None }]);
    let hasty = RuleSettings { cooldown_secs: 0, ..ABOVE_90 };
    let twice = replay(&hasty, &limits(1_000), &course(&values), Duration::ZERO);
    assert_eq!(twice.len(), 2);
    assert_eq!(twice[0].cleared_at, Some(Timestamp::from_millis(90_000)));
}

fn any_settings() -> impl Strategy<Value = RuleSettings> {
    let threshold = prop_oneof![
        (1..=MAX_VALUE).prop_map(Threshold::Value),
        (1_u64..2_000).prop_map(Threshold::Value),
        (1_u32..=1_000).prop_map(Threshold::Percent),
    ];
    let metric = prop_oneof![
        Just(Metric::Cpu),
        Just(Metric::Memory),
        Just(Metric::Disk),
        Just(Metric::Network),
        Just(Metric::Processes)
    ];
    let side = prop_oneof![Just(Comparison::Above), Just(Comparison::Below)];
    (metric, side, threshold, 0_u32..=3_600, 0_u8..=50, 0_u32..=86_400).prop_map(
        |(metric, comparison, threshold, for_secs, margin_percent, cooldown_secs)| RuleSettings {
            metric,
            comparison,
            threshold,
            for_secs,
            margin_percent,
            cooldown_secs,
            enabled: true,
        },
    )
}

/// Samples with gaps, clock steps in both directions and values beyond reason, in the order of their times.
fn any_readings() -> impl Strategy<Value = Vec<Reading>> {
    let one = (-4_000_i64..4_000, any::<bool>(), prop_oneof![0_u64..2_000, any::<u64>()], any::<Option<u64>>());
    prop::collection::vec(one, 0..60).prop_map(|mut all| {
        all.sort_by_key(|(secs, ..)| *secs);
        let of =
            |(secs, up, value, network)| Reading { up, network, cpu: value, processes: value, ..reading(secs, value) };
        all.into_iter().map(of).collect()
    })
}

fn any_limits() -> impl Strategy<Value = ServerLimits> {
    (any::<Option<u64>>(), any::<Option<u32>>(), any::<Option<u64>>(), any::<Option<u32>>()).prop_map(
        |(memory, cpu_percent, disk, pids)| ServerLimits {
            memory: memory.map(ByteSize),
            cpu_percent,
            disk: disk.map(ByteSize),
            pids,
            ..ServerLimits::default()
        },
    )
}

proptest! {
    #[test]
    fn what_is_raised_was_so_all_the_time(settings in any_settings(), limits in any_limits(), readings in any_readings()) {
        let verdict = judge(&settings, &limits, &readings, false);
        if let Verdict::Raise { since, line: told, value } = verdict {
            let last = readings.last().unwrap();
            prop_assert!(could_raise(&settings, &limits, last));
            prop_assert_eq!((Some(told), Some(value)), (line(&settings, &limits), last.value(settings.metric)));
            prop_assert!(last.at.since(since) >= Duration::from_secs(settings.for_secs.into()));
            let mut before = since;
            for reading in readings.iter().filter(|reading| reading.at >= since) {
                let value = reading.value(settings.metric);
                prop_assert!(value.is_some_and(|value| is_across(settings.comparison, told, value)) || reading.at == since);
                prop_assert!(reading.at.since(before) <= MAX_GAP);
                before = reading.at;
            }
        } else {
            prop_assert_eq!(verdict, Verdict::Quiet);
        }
    }

    #[test]
    fn what_was_longer_ago_than_its_reach_says_nothing(settings in any_settings(), limits in any_limits(), readings in any_readings()) {
        if let Some(last) = readings.last() {
            let from = last.at.minus(reach(&settings));
            let near: Vec<_> = readings.iter().filter(|one| one.at >= from).copied().collect();
            let (whole, short) = (judge(&settings, &limits, &readings, false), judge(&settings, &limits, &near, false));
            prop_assert_eq!(matches!(whole, Verdict::Raise { .. }), matches!(short, Verdict::Raise { .. }));
        }
    }

    #[test]
    fn one_value_never_raises_and_clears(settings in any_settings(), limits in any_limits(), readings in any_readings()) {
        if let (Verdict::Raise { .. }, Some(last)) = (judge(&settings, &limits, &readings, false), readings.last()) {
            let stays = matches!(judge(&settings, &limits, &[*last], true), Verdict::Stay { .. });
            prop_assert!(stays);
        }
    }

    #[test]
    fn what_would_have_been_is_what_is(settings in any_settings(), limits in any_limits(), readings in any_readings()) {
        let told = replay(&settings, &limits, &readings, Duration::ZERO);
        for pair in told.windows(2) {
            let cleared = pair[0].cleared_at.unwrap();
            prop_assert!(!is_same(&settings, Some(cleared), pair[1].raised_at));
        }
        // Sample by sample, with what it has raised so far as all that is remembered.
        let (mut open, mut raised) = (false, 0);
        for at in 0..readings.len() {
            match judge(&settings, &limits, &readings[..=at], open) {
                Verdict::Raise { .. } => (open, raised) = (true, raised + 1),
                Verdict::Clear(_) => open = false,
                Verdict::Quiet | Verdict::Stay { .. } => {}
            }
        }
        prop_assert_eq!(told.last().is_some_and(|last| last.cleared_at.is_none()), open);
        prop_assert!(told.len() <= raised && (raised == 0) == told.is_empty());
    }
}

/// What one round of samples of a large installation costs: `cargo test -p sf-engine --release -- --ignored --nocapture judging`.
#[test]
#[ignore = "a measurement"]
fn judging_a_large_installation() {
    let rules: Vec<_> =
        (0..50).map(|n| settings(Metric::Memory, Comparison::Above, Threshold::Percent(80 + n % 20), 300)).collect();
    let (server, quiet) = (limits(1_000), reading(0, 500));
    let begun = std::time::Instant::now();
    let mut raised = 0_u64;
    for _ in 0..10_000 {
        let (server, quiet) = std::hint::black_box((server, quiet));
        raised += rules.iter().filter(|rule| could_raise(rule, &server, &quiet)).count() as u64;
    }
    println!("10,000 servers x 50 rules, nothing wrong: {:?}", begun.elapsed());
    let (long, begun) = (course(&[950; 11]), std::time::Instant::now());
    for _ in 0..10_000 {
        let long = std::hint::black_box(&long);
        raised += rules.iter().filter(|rule| judge(rule, &server, long, false) != Verdict::Quiet).count() as u64;
    }
    println!("10,000 servers x 50 rules, all wrong for 5 min: {:?}", begun.elapsed());
    assert!(raised > 0);
}
