//! The course of an app, a server or a node: of each series the least, the mean, the most and a few points.

use serde_json::{Map, Value, json};

use super::super::asked::{Asked, Result, Said};
use super::super::names::{Kind, resolve};
use super::super::output::rows;
use super::logs::ago;

/// Points of each series.
const POINTS: usize = 12;

/// What is told of each kind: what it is called, and where it stands in a sample.
const NODE: &[(&str, &str)] = &[
    ("cpu_permille", "/cpuPermille"),
    ("load_permille", "/loadPermille"),
    ("memory_bytes", "/memoryUsed"),
    ("disk_bytes", "/diskUsed"),
];
const APP: &[(&str, &str)] = &[
    ("cpu_permille", "/cpuPermille"),
    ("memory_bytes", "/memory"),
    ("processes", "/processes"),
    ("requests", "/requests"),
    ("restarts", "/restarts"),
];
const SERVER: &[(&str, &str)] = &[
    ("cpu_permille", "/cpuPermille/mean"),
    ("memory_bytes", "/memory/mean"),
    ("disk_bytes", "/disk/mean"),
    ("processes", "/processes/mean"),
];

pub(in crate::tools) async fn call(asked: &Asked<'_>) -> Result<Said> {
    let thing = resolve(asked, &[Kind::App, Kind::Server, Kind::Node], asked.input.required("target")?).await?;
    let window = asked.input.text("window").unwrap_or("1h");
    let now = asked.control.now();
    let from = now.minus(ago(window).unwrap_or(std::time::Duration::from_secs(3_600)));
    let path = format!("/metrics?from={}&to={}&points={POINTS}", from.as_millis(), now.as_millis());
    let samples = asked.data(&thing.path(&path)).await?;
    let series = match thing.kind {
        Kind::Node => NODE,
        Kind::App => APP,
        _ => SERVER,
    };
    let told: Map<String, Value> =
        series.iter().filter_map(|(name, at)| Some(((*name).to_owned(), summed(rows(&samples), at)?))).collect();
    let fields = [
        ("kind", json!(thing.kind.word())),
        ("id", json!(thing.id)),
        ("from", json!(from.to_string())),
        ("to", json!(now.to_string())),
        ("samples", json!(rows(&samples).len())),
        ("series", Value::Object(told)),
    ];
    Ok(asked.done(&fields, &[("diagnose", "Have the rules say what is wrong."), ("logs", "See what it said then.")]))
}

/// A series in short; `None` where there is none.
fn summed(samples: &[Value], at: &str) -> Option<Value> {
    let values: Vec<u64> = samples.iter().filter_map(|sample| sample.pointer(at)?.as_u64()).collect();
    let (least, most, last) = (values.iter().min()?, values.iter().max()?, values.last()?);
    let count = u64::try_from(values.len()).unwrap_or(u64::MAX);
    let mean = values.iter().sum::<u64>() / count;
    let step = values.len().div_ceil(POINTS);
    let points: Vec<_> = values.chunks(step).filter_map(|chunk| chunk.iter().max()).collect();
    Some(json!({ "min": least, "mean": mean, "max": most, "last": last, "points": points }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_in_short() {
        let samples: Vec<_> = (1..=30_u64).map(|n| json!({ "cpuPermille": { "mean": n } })).collect();
        let told = summed(&samples, "/cpuPermille/mean").unwrap();
        assert_eq!(
            (&told["min"], &told["mean"], &told["max"], &told["last"]),
            (&json!(1), &json!(15), &json!(30), &json!(30))
        );
        assert_eq!(told["points"], json!([3, 6, 9, 12, 15, 18, 21, 24, 27, 30]));
        assert_eq!(summed(&samples, "/memory/mean"), None);
    }
}
