//! Checking chains in the database, page by page: what is new, or all of it.

use sf_protocol::witness::Witness;
use sf_store::Reader;
use sf_store::audit::chain::{self, Content};
use sf_store::audit::walk::{Bad, Damage, Source, Walk};
use sf_store::audit::{self, Head, PersonalValue};
use sf_types::{Fault, InstanceId, Scope};

use super::Checked;
use crate::control::Control;

/// Lines read at a time.
const PAGE: u32 = 1_000;
/// Checkpoints read at a time.
const CHECKPOINTS: u32 = 1_000;
/// Witnessed heads of one chain that are compared.
const WITNESSES: u32 = 10_000;

impl Control {
    /// Goes on from where the chains were verified last; from their newest checkpoint at the first time.
    pub(super) async fn verify_new(&self) -> Result<(), Fault> {
        let core = self.core();
        let reader = core.store.read(Scope::System);
        for (instance, end) in audit::heads(&reader).await? {
            let before = match core.auditor.checked(instance) {
                Some(checked) => checked,
                None => Checked { up_to: self.anchor(&reader, instance).await?, ..Checked::default() },
            };
            // What was found stays until all of it is verified again.
            if before.bad.is_some() {
                continue;
            }
            let checked = self.verify_from(&reader, instance, before.up_to, end, false).await?;
            core.auditor.note(instance, checked);
        }
        Ok(())
    }

    /// Verifies every line that the chains still have.
    pub(super) async fn verify_all(&self) -> Result<(), Fault> {
        let core = self.core();
        let reader = core.store.read(Scope::System);
        for (instance, end) in audit::heads(&reader).await? {
            let start = beginning(&reader, instance).await?;
            let checked = self.verify_from(&reader, instance, start, end, true).await?;
            core.auditor.note(instance, checked);
        }
        Ok(())
    }

    /// The newest checkpoint of a chain that we believe.
    async fn anchor(&self, reader: &Reader, instance: InstanceId) -> Result<Head, Fault> {
        let newest = audit::checkpoints(reader, instance, 1).await?.pop();
        let believed = newest.and_then(|newest| Witness::open(&newest.signed.0, self.root_fingerprint()).ok());
        match believed.filter(|head| head.instance == instance) {
            Some(head) => Ok(Head { seq: head.size, hash: head.hash }),
            None => beginning(reader, instance).await.map_err(Into::into),
        }
    }

    async fn verify_from(
        &self,
        reader: &Reader,
        instance: InstanceId,
        start: Head,
        end: Head,
        deep: bool,
    ) -> Result<Checked, Fault> {
        let mut walk = if deep { Walk::from(start) } else { Walk::going_on(start) };
        walk.in_epoch(self.core().signer.epoch());
        if start.seq > 0 && self.core().signer.epoch() > 1 {
            // Those behind the start are met on the way.
            let before = audit::restores(reader, instance).await?.into_iter().filter(|told| told.seq <= start.seq);
            before.for_each(|told| walk.restored(told));
        }
        self.stated(reader, instance, &mut walk).await?;
        let mut after = start.seq;
        while after < end.seq {
            let mut lines = audit::export(reader, instance, after, PAGE).await?;
            lines.retain(|line| line.seq <= end.seq);
            let Some(last) = lines.last().map(|line| line.seq) else { break };
            let personal = match deep {
                true => audit::personal(reader, instance, after + 1, last).await?,
                false => Vec::new(),
            };
            for line in &lines {
                if walk.line(&Content::of(line), &line.entry_hash) && line.personal != "{}" {
                    let of_line = personal.iter().filter(|value| value.seq == line.seq);
                    of_line.filter_map(|value| altered(line, value)).for_each(|bad| walk.found(bad));
                }
            }
            after = last;
            tokio::task::yield_now().await;
        }
        let walked = walk.end(Some(end), false);
        Ok(Checked { up_to: walked.head, at: self.now(), bad: walked.bad })
    }

    /// Hands a walk everything that was stated about the lines before it.
    async fn stated(&self, reader: &Reader, instance: InstanceId, walk: &mut Walk) -> Result<(), Fault> {
        let root = self.root_fingerprint();
        let mut from = walk.head().seq;
        loop {
            let page = audit::checkpoints_from(reader, instance, from, CHECKPOINTS).await?;
            let more = page.len() >= usize::try_from(CHECKPOINTS).unwrap_or(usize::MAX);
            for checkpoint in page {
                from = checkpoint.size + 1;
                match Witness::open(&checkpoint.signed.0, root) {
                    Ok(head) if head.instance == instance && head.size == checkpoint.size => {
                        walk.state(head, Source::Checkpoint);
                    }
                    _ => walk.found(Bad {
                        damage: Damage::Malformed,
                        seq: checkpoint.size,
                        why: "the checkpoint behind it is not signed as it should be".to_owned(),
                    }),
                }
            }
            if !more {
                break;
            }
        }
        let begins = walk.head().seq;
        for seen in audit::witnesses(reader, instance, WITNESSES).await? {
            if seen.size >= begins
                && let Ok(head) = Witness::open(&seen.signed.0, root)
                && head.instance == instance
            {
                walk.state(head, Source::Witness);
            }
        }
        Ok(())
    }
}

/// Where a chain begins: before its first line, or behind the checkpoint up to which it was pruned.
pub(super) async fn beginning(reader: &Reader, instance: InstanceId) -> sf_store::Result<Head> {
    let Some(first) = audit::first_line(reader, instance).await?.filter(|first| *first > 1) else {
        return Ok(Head::default());
    };
    let checkpoint = audit::checkpoints_from(reader, instance, first - 1, 1).await?.pop();
    Ok(match checkpoint.filter(|checkpoint| checkpoint.size == first - 1) {
        Some(checkpoint) => Head { seq: checkpoint.size, hash: checkpoint.hash },
        // Nothing vouches for it: its first lines are missing.
        None => Head::default(),
    })
}

fn altered(line: &audit::Line, value: &PersonalValue) -> Option<Bad> {
    let holds = chain::holds(line, &value.field, &value.salt, &value.value);
    let why = || format!("what is kept of a person (`{}`) is not what the line committed to", value.field);
    (!holds).then(|| Bad { damage: Damage::Edited, seq: line.seq, why: why() })
}
