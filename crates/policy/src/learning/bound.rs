//! Between which shares the truth lies. Source: E. B. Wilson, "Probable Inference, the Law of Succession, and
//! Statistical Inference", JASA 22 (1927).

use super::counts::Counts;

/// One side, 10 %: the standard normal distribution's 0.9 quantile.
const Z: f64 = 1.281_551_565_544_6;

/// The share that is exceeded nine times in ten. Never falls when a good run comes in, never rises with a bad one.
pub fn low(counts: Counts) -> f64 {
    let n = counts.all();
    if n <= 0.0 {
        return 0.0;
    }
    let (centre, half, whole) = parts(counts, n);
    ((centre - half) / whole).clamp(0.0, counts.good / n)
}

/// The share that is stayed below nine times in ten.
pub fn high(counts: Counts) -> f64 {
    let n = counts.all();
    if n <= 0.0 {
        return 1.0;
    }
    let (centre, half, whole) = parts(counts, n);
    ((centre + half) / whole).clamp(counts.good / n, 1.0)
}

fn parts(counts: Counts, n: f64) -> (f64, f64, f64) {
    let (share, z2n) = (counts.good / n, Z * Z / n);
    let spread = (share * (1.0 - share)).max(0.0) / n + z2n / (4.0 * n);
    (share + z2n / 2.0, Z * spread.sqrt(), 1.0 + z2n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(good: f64, bad: f64, expected: (f64, f64)) {
        let counts = Counts { good, bad };
        let (below, above) = (low(counts), high(counts));
        assert!((below - expected.0).abs() < 5e-4 && (above - expected.1).abs() < 5e-4, "{counts:?}: {below} {above}");
    }

    /// Compared with the formula worked out by hand to three digits.
    #[test]
    fn bounds_as_a_table() {
        check(0.0, 0.0, (0.0, 1.0));
        check(10.0, 0.0, (0.859, 1.0));
        check(0.0, 10.0, (0.0, 0.141));
        check(50.0, 50.0, (0.436, 0.564));
        check(97.0, 3.0, (0.939, 0.985));
    }

    #[test]
    fn a_good_run_never_lowers_and_a_bad_one_never_raises() {
        for good in 0..60 {
            for bad in 0..60 {
                let at = |good: i32, bad: i32| Counts { good: f64::from(good) / 2.0, bad: f64::from(bad) / 2.0 };
                for bound in [low, high] {
                    let here = bound(at(good, bad));
                    assert!(bound(at(good + 1, bad)) >= here - 1e-12, "{good} {bad}");
                    assert!(bound(at(good, bad + 1)) <= here + 1e-12, "{good} {bad}");
                }
            }
        }
    }
}
