//! Samples of servers against the rules about them: what is raised and what ends, in the transaction that stores the samples.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;

use sf_actions::alert::{Comparison, Metric, RuleSettings, Threshold};
use sf_engine::alert::{self, Cleared, Reading, Verdict};
use sf_protocol::report::SystemLog;
use sf_protocol::server::ServerSample;
use sf_store::alert_rules::AlertRule;
use sf_store::alerts::{Alert, ClearedBy, Raised};
use sf_store::nodes::Node;
use sf_store::servers::Placed;
use sf_store::{Look, Tx, alert_rules, alerts, metrics, servers};
use sf_types::{ByteSize, ServerId, Timestamp};

use crate::approval::alerts as cards;
use crate::events;
use crate::transition::After;

/// Judges a sample that was just stored. What is too far from now is history: it raises and ends nothing.
pub(crate) async fn judge(tx: &mut Tx, node: &Node, sample: &SystemLog, after: &mut After) -> sf_store::Result<()> {
    let now = tx.now();
    let is_near = now.since(sample.at) <= alert::MAX_AGE && sample.at.since(now) <= alert::MAX_AGE;
    if sample.servers.is_empty() || !is_near {
        return Ok(());
    }
    let rules = alert_rules::enabled(tx, node.tenant).await?;
    let open = alerts::open_of_node(tx, node.id).await?;
    if rules.is_empty() && open.is_empty() {
        return Ok(());
    }
    let by_id: HashMap<ServerId, &ServerSample> = sample.servers.iter().map(|one| (one.server, one)).collect();
    let placed: Vec<Placed> = servers::placed_on(tx, node.id).await?;
    let placed: Vec<&Placed> = placed.iter().filter(|server| by_id.contains_key(&server.id)).collect();
    let before = match rules.iter().any(|rule| rule.settings.0.metric == Metric::Network) {
        true => metrics::server::before(tx, node.id, sample.at).await?,
        false => HashMap::new(),
    };
    let mut turned = HashSet::new();
    for server in &placed {
        let last = Reading::of(sample.at, by_id[&server.id], before.get(&server.id).copied());
        for rule in &rules {
            let is_open = open.get(&(rule.id, server.id));
            if !rule.covers(server) {
                if let Some(alert) = is_open {
                    alerts::clear(tx, alert.id, ClearedBy::Rule).await?;
                    turned.insert(server.id);
                }
            } else if judge_one(tx, rule, server, &last, is_open, after).await? {
                turned.insert(server.id);
            }
        }
    }
    for server in placed.iter().filter(|server| turned.contains(&server.id)) {
        tx.publish(events::server_turned(server.tenant, Some(server.project), server.id, "alert"));
    }
    Ok(())
}

/// Judges one server by one rule; answers whether something was raised or has ended.
async fn judge_one(
    tx: &mut Tx,
    rule: &AlertRule,
    server: &Placed,
    last: &Reading,
    open: Option<&Alert>,
    after: &mut After,
) -> sf_store::Result<bool> {
    let (settings, limits) = (&rule.settings.0, &server.settings.0.limits);
    let verdict = match open {
        // What is raised is judged by the newest sample, and what could not be raised by it needs no others.
        Some(_) => alert::judge(settings, limits, &[*last], true),
        None if !alert::could_raise(settings, limits, last) => return Ok(false),
        None => {
            let from = last.at.minus(alert::reach(settings));
            let stored = metrics::server::between(tx, server.id, from, last.at).await?;
            alert::judge(settings, limits, &readings(&stored), false)
        }
    };
    match (verdict, open) {
        (Verdict::Raise { since, line, value }, None) => {
            raise(tx, rule, server, Raised { since, line, value }, after).await?;
            Ok(true)
        }
        (Verdict::Stay { value }, Some(alert)) if is_worse(settings, value, alert.peak) => {
            alerts::peaked(tx, alert.id, value).await?;
            Ok(false)
        }
        (Verdict::Clear(why), Some(alert)) => {
            let by = match why {
                Cleared::Back => ClearedBy::Back,
                Cleared::Stopped => ClearedBy::Stopped,
                Cleared::NoLimit => ClearedBy::NoLimit,
            };
            alerts::clear(tx, alert.id, by).await?;
            Ok(true)
        }
        _ => Ok(false),
    }
}

/// Samples, ascending, as rules compare them.
pub(crate) fn readings(stored: &[(Timestamp, ServerSample)]) -> Vec<Reading> {
    let before = std::iter::once(None).chain(stored.iter().map(|(at, _)| Some(*at)));
    stored.iter().zip(before).map(|((at, sample), before)| Reading::of(*at, sample, before)).collect()
}

const fn is_worse(settings: &RuleSettings, value: u64, peak: u64) -> bool {
    match settings.comparison {
        Comparison::Above => value > peak,
        Comparison::Below => value < peak,
    }
}

/// A card, and a notice where it is no alert that has only just ended.
async fn raise(
    tx: &mut Tx,
    rule: &AlertRule,
    server: &Placed,
    raised: Raised,
    after: &mut After,
) -> sf_store::Result<()> {
    let ended = alerts::last_ended(tx, rule.id, server.id).await?;
    let same = ended.filter(|last| alert::is_same(&rule.settings.0, last.cleared_at, tx.now()));
    if let Some(same) = same {
        return alerts::reopen(tx, same.id).await;
    }
    let alert = alerts::raise(tx, rule, server, raised).await?;
    cards::crossed(tx, &alert, after);
    Ok(())
}

/// What an alert is about, for people: "memory has been at 950 MiB, at least 900 MiB, for 5 min (rule `busy`)".
pub(crate) fn because(alert: &Alert) -> String {
    let settings = &alert.settings.0;
    let side = match settings.comparison {
        Comparison::Above => "at or above",
        Comparison::Below => "below",
    };
    let mut text = format!(
        "its {} was at {}, {side} {}",
        what(settings.metric),
        amount(settings.metric, alert.value),
        amount(settings.metric, alert.line)
    );
    if let Threshold::Percent(percent) = settings.threshold {
        let _ = write!(text, " ({percent} % of its limit)");
    }
    if settings.for_secs > 0 {
        let _ = write!(text, ", for {}", span(settings.for_secs));
    }
    let _ = write!(text, ": the rule `{}`", alert.rule_name);
    text
}

/// A metric, in words.
pub(crate) const fn what(metric: Metric) -> &'static str {
    match metric {
        Metric::Cpu => "CPU use",
        Metric::Memory => "memory",
        Metric::Disk => "disk use",
        Metric::Network => "network use",
        Metric::Processes => "number of processes",
    }
}

/// A value in the unit of its metric, in words.
pub(crate) fn amount(metric: Metric, value: u64) -> String {
    match metric {
        Metric::Cpu => format!("{}.{} % of a core", value / 10, value % 10),
        Metric::Memory | Metric::Disk => ByteSize(value).to_string(),
        Metric::Network => format!("{}/s", ByteSize(value)),
        Metric::Processes => value.to_string(),
    }
}

/// Seconds, in words.
pub(crate) fn span(secs: u32) -> String {
    match (secs / 60, secs % 60) {
        (0, secs) => format!("{secs} s"),
        (minutes, 0) => format!("{minutes} min"),
        (minutes, secs) => format!("{minutes} min {secs} s"),
    }
}
