//! People are told of the cards that steps put before them.

use sf_engine::notify::Kind;
use sf_engine::workflow::Effect;
use sf_store::Tx;
use sf_types::ApprovalId;

use super::commit::Card;
use super::{Begun, Context};
use crate::notify::notice;
use crate::transition::After;

/// A card was put there, or has become pressing.
pub(super) fn of_card(tx: &mut Tx, context: &Context, card: &Card, after: &mut After) {
    match card {
        Card::Ask(approval) => tell(tx, context, approval.id, Kind::Approval, after),
        Card::Escalate(approval) => tell(tx, context, *approval, Kind::Escalated, after),
        Card::Withdraw { .. } => {}
    }
}

/// The same for the cards of first steps.
pub(super) fn of_first(tx: &mut Tx, begun: &Begun, after: &mut After) {
    for effect in &begun.effects {
        if let Effect::Ask { approval, .. } = effect {
            tell(tx, &begun.context, *approval, Kind::Approval, after);
        }
    }
}

fn tell(tx: &mut Tx, context: &Context, approval: ApprovalId, kind: Kind, after: &mut After) {
    notice::carded(tx, (context.tenant, context.project), approval, kind, after);
}
