//! How sure: a score a proposer reports, or a prior from the action's risk and the proposer's record.

use sf_actions::admission::{Record, SelfReport};

/// Weight of the prior, in runs: this many runs of evidence count as much as the action's base risk.
const PRIOR_RUNS: f64 = 8.0;

/// Reads a reported score. Anything that is not a finite number in 0-100 is malformed, and malformed asks.
pub fn parse_report(score: Option<f64>) -> SelfReport {
    match score {
        None => SelfReport::None,
        Some(score) if score.is_finite() && (0.0..=100.0).contains(&score) => SelfReport::Score(floor_to_u8(score)),
        Some(_) => SelfReport::Malformed,
    }
}

/// Confidence without a self-report: the mean of a Beta distribution whose prior is `1 - risk`, updated by the
/// record.
pub fn prior(risk: u8, record: Record) -> u8 {
    let trust = 1.0 - f64::from(risk.min(100)) / 100.0;
    let good = trust.mul_add(PRIOR_RUNS, f64::from(record.good));
    let all = PRIOR_RUNS + f64::from(record.good) + f64::from(record.bad);
    floor_to_u8(good / all * 100.0)
}

fn floor_to_u8(score: f64) -> u8 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0-100 just here")]
    let whole = score.clamp(0.0, 100.0).floor() as u8;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_finite_scores_in_range_are_scores() {
        for (given, read) in [
            (None, SelfReport::None),
            (Some(0.0), SelfReport::Score(0)),
            (Some(89.999), SelfReport::Score(89)),
            (Some(100.0), SelfReport::Score(100)),
            (Some(100.01), SelfReport::Malformed),
            (Some(-0.01), SelfReport::Malformed),
            (Some(f64::NAN), SelfReport::Malformed),
            (Some(f64::INFINITY), SelfReport::Malformed),
        ] {
            assert_eq!(parse_report(given), read, "{given:?}");
        }
    }

    #[test]
    fn a_good_record_raises_and_a_bad_one_lowers() {
        let none = prior(35, Record::default());
        assert_eq!(none, 65);
        assert!(prior(35, Record { good: 50, bad: 0 }) >= 90);
        assert!(prior(35, Record { good: 0, bad: 5 }) < 50);
        assert_eq!(prior(100, Record::default()), 0);
    }
}
