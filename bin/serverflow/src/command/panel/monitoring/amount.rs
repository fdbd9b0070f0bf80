//! Amounts of what rules compare, as people write and read them.

use serde_json::{Value, json};
use sf_types::ByteSize;

use crate::command::panel::servers::size;
use crate::value;

/// Reads where a line lies: `90%` of the limit, `1.5cores`, `2GiB`, or a number.
///
/// # Errors
/// What is expected, for people.
pub fn threshold(metric: &str, text: &str) -> Result<Value, String> {
    if let Some(percent) = text.strip_suffix('%') {
        let percent: u32 = percent.trim().parse().map_err(|_| format!("`{text}` is no whole number of percent"))?;
        return Ok(json!({ "percent": percent }));
    }
    let value = match metric {
        "cpu" => cores(text),
        "processes" => text.parse().map_err(|_| format!("`{text}` is no number of processes")),
        _ => size(text.strip_suffix("/s").unwrap_or(text)),
    }?;
    Ok(json!({ "value": value }))
}

/// `1.5cores` in thousandths of one, by digits alone: there is no rounding, and no number that is none.
fn cores(text: &str) -> Result<u64, String> {
    let bad = || format!("`{text}` is neither a percentage of the limit (90%) nor a number of cores (1.5cores)");
    let number = text.strip_suffix("cores").or_else(|| text.strip_suffix("core")).ok_or_else(bad)?.trim();
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 3 {
        return Err(bad());
    }
    let thousandths: u64 = format!("{part:0<3}").parse().map_err(|_| bad())?;
    let whole: u64 = whole.parse().map_err(|_| bad())?;
    whole.checked_mul(1_000).and_then(|whole| whole.checked_add(thousandths)).ok_or_else(bad)
}

/// A number in the unit of its metric.
pub fn words(metric: &str, number: u64) -> String {
    match metric {
        "cpu" => format!("{}.{} %", number / 10, number % 10),
        "memory" | "disk" => ByteSize(number).to_string(),
        "network" => format!("{}/s", ByteSize(number)),
        _ => number.to_string(),
    }
}

/// The number there, in words.
pub fn of(metric: &str, value: &Value, pointer: &str) -> String {
    value::number(value, pointer).map_or_else(|| value::NOTHING.to_owned(), |number| words(metric, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_is_written() {
        for (metric, text, expected) in [
            ("memory", "90%", Some(json!({ "percent": 90 }))),
            ("memory", "2GiB", Some(json!({ "value": 2_147_483_648_u64 }))),
            ("network", "10MiB/s", Some(json!({ "value": 10_485_760 }))),
            ("cpu", "1.5cores", Some(json!({ "value": 1_500 }))),
            ("cpu", "1core", Some(json!({ "value": 1_000 }))),
            ("cpu", "0.05cores", Some(json!({ "value": 50 }))),
            ("processes", "200", Some(json!({ "value": 200 }))),
            ("cpu", "1.5", None),
            ("cpu", "NaNcores", None),
            ("cpu", "-1cores", None),
            ("cpu", "1.0001cores", None),
            ("cpu", "99999999999999999999cores", None),
            ("memory", "NaN%", None),
            ("memory", "-5%", None),
            ("memory", "inf", None),
            ("processes", "2.5", None),
        ] {
            assert_eq!(threshold(metric, text).ok(), expected, "{metric} {text}");
        }
    }
}
