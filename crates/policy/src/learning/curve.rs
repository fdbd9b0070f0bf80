//! How good the forecasts were: the reliability diagram and the numbers beside it.
//!
//! Sources: Brier, "Verification of forecasts expressed in terms of probability" (1950); Murphy, "A New Vector Partition
//! of the Probability Score" (1973); Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using
//! Bayesian Binning" (2015) for the expected calibration error.

use serde::Serialize;

use super::bound;
use super::counts::Counts;

/// Bins of the diagram, equally wide; and of the second error, equally full.
const CURVE_BINS: usize = 10;

/// A forecast whose outcome is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Forecast {
    /// What the AI reported, 0-100.
    pub report: Option<u8>,
    /// The best estimate at that time, in thousandths.
    pub estimate_permille: u16,
    /// How it went.
    pub good: bool,
}

/// Reported and calibrated side by side. Runs without a report are in the second only.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Curves {
    /// As the AI reported.
    pub reported: Curve,
    /// As ServerFlow estimated, before it knew.
    pub calibrated: Curve,
}

/// How a series of forecasts compares with what happened.
#[derive(Clone, PartialEq, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Curve {
    /// Forecasts.
    pub count: usize,
    /// How many went well.
    pub good: usize,
    /// Mean squared difference of forecast (0-1) and outcome; 0 is perfect. The sum of the next three, but for the
    /// spread of forecasts within a bin.
    pub brier: f64,
    /// Part of it by which the bins' forecasts miss their outcomes. Less is better.
    pub reliability: f64,
    /// Part by which the bins' outcomes differ from the mean; it is taken off. More is better.
    pub resolution: f64,
    /// Part that no forecast changes.
    pub uncertainty: f64,
    /// Expected calibration error, 0-1: mean distance of forecast and outcome over ten bins of equal width.
    pub error: f64,
    /// The same over ten bins of equal numbers of forecasts.
    pub error_by_rank: f64,
    /// The diagram. Empty bins are left out.
    pub bins: Vec<Bin>,
}

/// One point of the diagram.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Bin {
    /// Mean forecast, 0-1.
    pub predicted: f64,
    /// Share that went well, 0-1.
    pub observed: f64,
    /// Nine times in ten the true share is above this.
    pub low: f64,
    /// Nine times in ten it is below this.
    pub high: f64,
    /// Forecasts in it.
    pub count: usize,
}

impl Curves {
    /// Of forecasts in any order.
    pub fn of(forecasts: &[Forecast]) -> Self {
        let reported = forecasts.iter().filter_map(|it| Some((f64::from(it.report?.min(100)) / 100.0, it.good)));
        let estimated = forecasts.iter().map(|it| (f64::from(it.estimate_permille.min(1000)) / 1000.0, it.good));
        Self { reported: Curve::of(reported.collect()), calibrated: Curve::of(estimated.collect()) }
    }
}

impl Curve {
    /// Of pairs of a forecast (0-1) and its outcome.
    pub fn of(mut forecasts: Vec<(f64, bool)>) -> Self {
        if forecasts.is_empty() {
            return Self::default();
        }
        forecasts.sort_by(|one, other| one.0.total_cmp(&other.0));
        let count = forecasts.len();
        let good = forecasts.iter().filter(|(_, good)| *good).count();
        let squares = forecasts.iter().map(|(share, good)| (share - f64::from(u8::from(*good))).powi(2));
        let (all, mean) = (number(count), number(good) / number(count));
        let bins: Vec<Bin> = forecasts.chunk_by(|one, other| wide(one.0) == wide(other.0)).map(Bin::of).collect();
        let full: Vec<Bin> = (0..CURVE_BINS)
            .map(|bin| &forecasts[count * bin / CURVE_BINS..count * (bin + 1) / CURVE_BINS])
            .filter(|bin| !bin.is_empty())
            .map(Bin::of)
            .collect();
        let weighed = |bins: &[Bin], part: &dyn Fn(&Bin) -> f64| -> f64 {
            bins.iter().map(|bin| number(bin.count) / all * part(bin)).sum()
        };
        let miss = |bin: &Bin| (bin.predicted - bin.observed).abs();
        Self {
            count,
            good,
            brier: squares.sum::<f64>() / all,
            reliability: weighed(&bins, &|bin| miss(bin).powi(2)),
            resolution: weighed(&bins, &|bin| (bin.observed - mean).powi(2)),
            uncertainty: mean * (1.0 - mean),
            error: weighed(&bins, &miss),
            error_by_rank: weighed(&full, &miss),
            bins,
        }
    }
}

impl Bin {
    fn of(forecasts: &[(f64, bool)]) -> Self {
        let (count, good) = (forecasts.len(), forecasts.iter().filter(|(_, good)| *good).count());
        let counts = Counts { good: number(good), bad: number(count - good) };
        Self {
            predicted: forecasts.iter().map(|(share, _)| share).sum::<f64>() / number(count),
            observed: number(good) / number(count),
            low: bound::low(counts),
            high: bound::high(counts),
            count,
        }
    }
}

/// The bin of equal width that a forecast is in.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "forecasts are 0-1")]
fn wide(share: f64) -> usize {
    // The last bits of 0.7 times ten must not put it into the bin below.
    ((share * number(CURVE_BINS) + 1e-9) as usize).min(CURVE_BINS - 1)
}

#[expect(clippy::cast_precision_loss, reason = "nobody has 2^52 forecasts")]
const fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 1e-9, "{value} instead of {expected}");
    }

    #[test]
    fn a_curve_worked_out_by_hand() {
        let curve =
            Curve::of(vec![(0.95, true), (0.95, false), (0.95, false), (0.95, false), (0.25, false), (0.25, true)]);
        assert_eq!((curve.count, curve.good, curve.bins.len()), (6, 2, 2));
        near(curve.bins[0].predicted, 0.25);
        near(curve.bins[0].observed, 0.5);
        near(curve.bins[1].observed, 0.25);
        near(curve.error, (2.0 * 0.25 + 4.0 * 0.7) / 6.0);
        near(curve.brier, (3.0 * 0.9025 + 0.0025 + 0.0625 + 0.5625) / 6.0);
        // Within a bin all forecasts are the same here, so Murphy's three parts make the score up exactly.
        near(curve.reliability - curve.resolution + curve.uncertainty, curve.brier);
    }

    #[test]
    fn edges() {
        assert_eq!(Curve::of(Vec::new()), Curve::default());
        let sure = Curve::of(vec![(1.0, true), (0.7, true)]);
        assert_eq!(sure.bins.iter().map(|bin| bin.count).collect::<Vec<_>>(), [1, 1]);
        near(sure.error, 0.15);
        let forecast = |report, good| Forecast { report, estimate_permille: 500, good };
        let curves = Curves::of(&[forecast(None, true), forecast(Some(100), true)]);
        assert_eq!((curves.reported.count, curves.calibrated.count), (1, 2));
        near(curves.reported.brier, 0.0);
        near(curves.calibrated.brier, 0.25);
    }
}
