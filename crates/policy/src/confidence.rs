//! Reads the confidence that a proposer reports. What it is worth is another matter: [`crate::learning`].

use sf_actions::admission::SelfReport;

/// Reads a reported score. Anything that is not a finite number in 0-100 is malformed, and malformed asks.
pub fn parse_report(score: Option<f64>) -> SelfReport {
    match score {
        None => SelfReport::None,
        Some(score) if score.is_finite() && (0.0..=100.0).contains(&score) => SelfReport::Score(floor_to_u8(score)),
        Some(_) => SelfReport::Malformed,
    }
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
            (Some(-0.0), SelfReport::Score(0)),
            (Some(89.999), SelfReport::Score(89)),
            (Some(100.0), SelfReport::Score(100)),
            (Some(100.01), SelfReport::Malformed),
            (Some(-0.01), SelfReport::Malformed),
            (Some(f64::NAN), SelfReport::Malformed),
            (Some(f64::INFINITY), SelfReport::Malformed),
            (Some(f64::NEG_INFINITY), SelfReport::Malformed),
        ] {
            assert_eq!(parse_report(given), read, "{given:?}");
        }
    }
}
