use proptest::prelude::*;

use super::super::sample::Source;
use super::*;

const DAY: Duration = Duration::from_secs(24 * 3600);
const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn sample(report: Option<u8>, source: Source, at: Timestamp) -> Sample {
    Sample { report, source, at }
}

fn total(state: &LevelState, now: Timestamp) -> Counts {
    state.bins(now).into_iter().fold(Counts::NONE, Counts::plus)
}

fn near(value: f64, expected: f64) {
    assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
}

#[test]
fn reports_have_their_bins_and_windows() {
    for (report, expected) in [
        (None, (20, 3)),
        (Some(0), (0, 0)),
        (Some(4), (0, 0)),
        (Some(5), (1, 0)),
        (Some(69), (13, 0)),
        (Some(70), (14, 1)),
        (Some(89), (17, 1)),
        (Some(90), (18, 2)),
        (Some(95), (19, 2)),
        (Some(100), (19, 2)),
        (Some(255), (19, 2)),
    ] {
        assert_eq!((bin(report), window(report)), expected, "{report:?}");
    }
}

#[test]
fn a_run_counts_half_after_the_half_life_and_its_number_stays() {
    let mut state = LevelState::default();
    for _ in 0..8 {
        state.add(&sample(Some(95), Source::Approved, NOW), NOW);
    }
    near(total(&state, NOW).good, 8.0);
    near(total(&state, NOW.plus(HALF_LIFE)).good, 4.0);
    near(total(&state, NOW.plus(HALF_LIFE * 3)).good, 1.0);
    assert_eq!(state.seen(), (8, 0));
    let later = NOW.plus(HALF_LIFE);
    state.add(&sample(Some(95), Source::Failed, later), later);
    near(total(&state, later).good, 4.0);
    near(total(&state, later).bad, 0.5);
}

#[test]
fn clocks_that_go_back_or_run_ahead_do_no_harm() {
    let mut state = LevelState::default();
    state.add(&sample(None, Source::Approved, NOW), NOW);
    near(total(&state, NOW.minus(DAY * 400)).good, 1.0);
    near(total(&state, Timestamp::from_millis(i64::MIN)).good, 1.0);
    assert!(total(&state, Timestamp::from_millis(i64::MAX)).good < 1e-9);
    // A sample that says it is from next year is from now.
    state.add(&sample(None, Source::Approved, NOW.plus(DAY * 365)), NOW);
    near(total(&state, NOW).good, 2.0);
    assert_eq!(state.at(), NOW);
    // One from long ago counts what is left of it.
    state.add(&sample(None, Source::Rejected, NOW.minus(HALF_LIFE)), NOW);
    near(total(&state, NOW).bad, 0.5);
    state.add(&sample(None, Source::Rejected, Timestamp::from_millis(i64::MIN)), NOW);
    near(total(&state, NOW).bad, 0.5);
}

#[test]
fn rows_are_small_versioned_and_checked() {
    let mut state = LevelState::default();
    for round in 0..100_000_u32 {
        let report = (round % 102 < 101).then(|| u8::try_from(round % 102).unwrap());
        let source = Source::ALL[round as usize % Source::ALL.len()];
        state.add(&sample(report, source, NOW.plus(Duration::from_secs(u64::from(round) * 60))), NOW.plus(DAY * 365));
    }
    let text = serde_json::to_string(&state).unwrap();
    assert!(text.len() <= MAX_STATE_BYTES, "{} bytes: {text}", text.len());
    let read: LevelState = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), text, "what is read is what was written");
    let (was, is) = (total(&state, NOW), total(&read, NOW));
    assert!((was.good - is.good).abs() < 1e-4 && (was.bad - is.bad).abs() < 1e-4);
    let good = r#"{"version":1,"at":5,"seen":[2,1],"bins":[[19,1500000,1000000]],"recent":[[0,0],[0,0],[1275000,850000],[0,0]]}"#;
    let state: LevelState = serde_json::from_str(good).unwrap();
    assert_eq!(serde_json::to_string(&state).unwrap(), good);
    for (from, to, says) in [
        (r#""version":1"#, r#""version":2"#, "has version 2, known is 1"),
        ("[19,", "[21,", "bin 21"),
        ("1500000", "-1", "expected u64"),
        (r#""at""#, r#""extra":1,"at""#, "unknown field"),
    ] {
        let error = serde_json::from_str::<LevelState>(&good.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

fn any_sample() -> impl Strategy<Value = Sample> {
    (proptest::option::of(0_u8..=100), 0..Source::ALL.len(), 0_i64..400).prop_map(|(report, source, days)| {
        let at = NOW.minus(DAY * u32::try_from(days).unwrap());
        Sample { report, source: Source::ALL[source], at }
    })
}

proptest! {
    /// The long record is the same in whatever order samples come. (The last runs are an order.)
    #[test]
    fn order_does_not_matter(samples in proptest::collection::vec(any_sample(), 1..60)) {
        let of = |samples: &mut dyn Iterator<Item = &Sample>| {
            let mut state = LevelState::default();
            samples.for_each(|sample| state.add(sample, NOW));
            state
        };
        let (one, other) = (of(&mut samples.iter()), of(&mut samples.iter().rev()));
        prop_assert_eq!(one.seen(), other.seen());
        for (one, other) in one.bins(NOW).into_iter().zip(other.bins(NOW)) {
            prop_assert!((one.good - other.good).abs() < 1e-9 && (one.bad - other.bad).abs() < 1e-9);
        }
    }
}
