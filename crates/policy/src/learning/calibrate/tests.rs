use std::time::Duration;

use super::super::sample::{Sample, Source};
use super::super::state::HALF_LIFE;
use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn seen(report: Option<u8>, runs: &[(Source, usize)]) -> Levels {
    let mut levels = Levels::default();
    add(&mut levels, report, runs);
    levels
}

fn add(levels: &mut Levels, report: Option<u8>, runs: &[(Source, usize)]) {
    for (source, count) in runs {
        for _ in 0..*count {
            levels.add(&Sample { report, source: *source, at: NOW }, NOW);
        }
    }
}

#[test]
#[ignore = "prints tables"]
fn tables() {
    for risk in [0, 5, 10, 20, 25, 35, 50, 60, 80, 90, 100] {
        let mut levels = Levels::default();
        let cold = calibrate(Some(100), risk, &levels, NOW);
        let (mut notify, mut auto) = (None, None);
        for n in 1..300 {
            add(&mut levels, Some(95), &[(Source::Approved, 1)]);
            let score = calibrate(Some(95), risk, &levels, NOW).score;
            if score >= 70 && notify.is_none() {
                notify = Some(n);
            }
            if score >= 90 && auto.is_none() {
                auto = Some(n);
            }
        }
        println!("risk {risk}: cold {cold:?}, {notify:?} {auto:?}");
    }
    let mut levels = seen(Some(95), &[(Source::Approved, 200)]);
    for n in 0..9 {
        println!("{n} bad: {:?}", calibrate(Some(95), 35, &levels, NOW));
        add(&mut levels, Some(95), &[(Source::Rejected, 1)]);
    }
    for n in 0..12 {
        println!("{n} good again: {}", calibrate(Some(95), 35, &levels, NOW).score);
        add(&mut levels, Some(95), &[(Source::Approved, 1)]);
    }
    let _ = (HALF_LIFE, Duration::ZERO);
}
