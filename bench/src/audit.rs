//! How fast an export of the audit chain is verified.

use std::time::Instant;

use anyhow::{Result, ensure};
use sf_store::audit::verifier::{Trust, Verifier};
use sf_store::audit::{Head, Line, chain, file};
use sf_types::{InstanceId, ProjectId, RequestId, RunId, TenantId, Timestamp, TypedId};

use crate::line::Line as Measured;

/// Lines of the export.
const LINES: u64 = 400_000;
/// Lines a second that are promised.
const PROMISED: f64 = 200_000.0;
/// Rounds; the best counts, since others may be at work on the machine.
const ROUNDS: usize = 3;

/// Lines as a deploy leaves them, chained, as an export has them.
fn export(instance: InstanceId) -> (Vec<String>, Head) {
    let at = |seq: u64| Timestamp::from_millis(1_795_242_461_000 + i64::try_from(seq).unwrap_or(0));
    let mut head = Head::default();
    let mut text = vec![file::begin(true, at(0)), file::chain(instance, &head)];
    for seq in 1..=LINES {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&seq.to_be_bytes());
        let mut line = Line {
            instance,
            seq,
            tenant: Some(TenantId::from_parts(at(0), [2; 10])),
            project: Some(ProjectId::from_parts(at(0), [3; 10])),
            at: at(seq),
            actor_kind: "person".to_owned(),
            actor_ref: TenantId::from_parts(at(0), [4; 10]).to_string(),
            action: "app.deploy".to_owned(),
            target_kind: "app".to_owned(),
            target_id: TenantId::from_parts(at(0), [5; 10]).to_string(),
            run: Some(RunId::from_parts(at(seq), random)),
            request: Some(RequestId::from_parts(at(seq), random)),
            outcome: "succeeded".to_owned(),
            fields: format!(r#"{{"because":"a person with the right asked","command":"{instance}"}}"#),
            personal: "{}".to_owned(),
            prev_hash: head.hash,
            entry_hash: [0; 32],
        };
        line.entry_hash = chain::hash(&line);
        head = Head { seq, hash: line.entry_hash };
        text.push(file::line(&line));
    }
    text.extend([file::end(instance, &head), file::done(1)]);
    (text, head)
}

/// Lines a second: read, hashed, compared.
pub fn verify_rate() -> Result<()> {
    let instance = InstanceId::from_parts(Timestamp::from_millis(1), [1; 10]);
    let (text, head) = export(instance);
    let mut best = 0.0_f64;
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let mut verifier = Verifier::new(Trust::default());
        for record in &text {
            verifier.record(record.trim_end())?;
        }
        let report = verifier.finish()?;
        ensure!(report.chains[0].walked.head == head, "{:?}", report.chains[0].walked);
        best = best.max(report.lines as f64 / began.elapsed().as_secs_f64());
    }
    Measured::new("audit", "verify_rate", best, "lines/s").floor(PROMISED).print()
}
