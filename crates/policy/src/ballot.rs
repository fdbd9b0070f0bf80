//! Does this person's word decide a card?

use sf_actions::rules::Terms;
use sf_types::UserId;

/// A voice that was given to a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Voice {
    /// Whose it is.
    pub of: UserId,
    /// Who gave it: the same person, or their deputy.
    pub by: UserId,
}

/// Everything a decision about a card looks at.
#[derive(Clone, Debug)]
pub struct Ballot<'a> {
    /// What the card asks for.
    pub terms: &'a Terms,
    /// It is pressing.
    pub escalated: bool,
    /// Whoever the proposer acts for.
    pub proposer: Option<UserId>,
    /// Voices for it so far.
    pub given: &'a [Voice],
    /// Who speaks.
    pub by: UserId,
    /// Whether they may decide by rights of their own, and not only as a deputy.
    pub own_right: bool,
    /// For whom they may speak besides.
    pub deputy_of: &'a [UserId],
    /// Whether they agree.
    pub agrees: bool,
}

/// What a voice comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ruling {
    /// It goes ahead.
    Approved(Voice),
    /// It does not.
    Rejected(Voice),
    /// So many more have to agree.
    Counted(Voice, u8),
}

/// Why a voice does not count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoVoice {
    /// Whoever the proposer acts for cannot agree.
    #[error("somebody else than whoever it was proposed for has to agree")]
    Own,
    /// Only named people decide.
    #[error("only the people named in the rules decide about this")]
    NotNamed,
    /// They have agreed already.
    #[error("you have agreed already; somebody else has to agree, too")]
    Again,
}

/// Judges one voice. One refusal is enough to refuse; so many have to agree as the terms say, each of them once, and
/// nobody for two.
///
/// # Errors
/// [`NoVoice`] with the reason.
pub fn judge(ballot: &Ballot<'_>) -> Result<Ruling, NoVoice> {
    let Ballot { terms, by, .. } = *ballot;
    let named = |user: UserId| {
        let more = ballot.escalated && terms.escalate_to.contains(&user);
        terms.approvers.is_empty() || terms.approvers.contains(&user) || more
    };
    let own = ballot.own_right.then_some(by);
    let mut voices = own.into_iter().chain(ballot.deputy_of.iter().copied()).filter(|user| named(*user)).peekable();
    if voices.peek().is_none() {
        return Err(NoVoice::NotNamed);
    }
    if !ballot.agrees {
        let of = voices.next().unwrap_or(by);
        return Ok(Ruling::Rejected(Voice { of, by }));
    }
    if terms.four_eyes && ballot.proposer == Some(by) {
        return Err(NoVoice::Own);
    }
    let mut voices = voices.filter(|user| !(terms.four_eyes && ballot.proposer == Some(*user))).peekable();
    if voices.peek().is_none() {
        return Err(NoVoice::Own);
    }
    if ballot.given.iter().any(|voice| voice.by == by) {
        return Err(NoVoice::Again);
    }
    let of = voices.find(|user| ballot.given.iter().all(|voice| voice.of != *user)).ok_or(NoVoice::Again)?;
    let voice = Voice { of, by };
    let count = ballot.given.len() + 1;
    match usize::from(terms.quorum.max(1)).saturating_sub(count) {
        0 => Ok(Ruling::Approved(voice)),
        missing => Ok(Ruling::Counted(voice, u8::try_from(missing).unwrap_or(u8::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    fn user(n: u8) -> UserId {
        UserId::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    fn voice(of: u8, by: u8) -> Voice {
        Voice { of: user(of), by: user(by) }
    }

    /// A card with terms, decided by person 1, proposed for person 9.
    fn check<'a>(change: impl FnOnce(&mut Terms, &mut Ballot<'a>), expected: Result<Ruling, NoVoice>) {
        let mut terms = Terms::default();
        let mut ballot = Ballot {
            terms: Box::leak(Box::default()),
            escalated: false,
            proposer: Some(user(9)),
            given: &[],
            by: user(1),
            own_right: true,
            deputy_of: &[],
            agrees: true,
        };
        change(&mut terms, &mut ballot);
        let ballot = Ballot { terms: &terms, ..ballot };
        assert_eq!(judge(&ballot), expected, "{ballot:?}");
    }

    #[test]
    fn voices_as_a_table() {
        let (for_9, one_given) = ([user(9)], [voice(1, 1)]);
        check(|_, _| {}, Ok(Ruling::Approved(voice(1, 1))));
        check(|_, b| b.agrees = false, Ok(Ruling::Rejected(voice(1, 1))));
        check(|t, _| t.quorum = 0, Ok(Ruling::Approved(voice(1, 1))));
        check(|t, _| t.quorum = 2, Ok(Ruling::Counted(voice(1, 1), 1)));
        check(|t, b| (t.quorum, b.agrees) = (2, false), Ok(Ruling::Rejected(voice(1, 1))));
        check(|t, b| (t.quorum, b.given) = (2, &one_given), Err(NoVoice::Again));
        check(|t, b| (t.quorum, b.given, b.by) = (2, &one_given, user(2)), Ok(Ruling::Approved(voice(2, 2))));
        check(|t, _| t.approvers = vec![user(2)], Err(NoVoice::NotNamed));
        check(|t, b| (t.approvers, b.agrees) = (vec![user(2)], false), Err(NoVoice::NotNamed));
        check(|t, _| t.approvers = vec![user(2), user(1)], Ok(Ruling::Approved(voice(1, 1))));
        check(|t, _| (t.approvers, t.escalate_to) = (vec![user(2)], vec![user(1)]), Err(NoVoice::NotNamed));
        check(
            |t, b| (t.approvers, t.escalate_to, b.escalated) = (vec![user(2)], vec![user(1)], true),
            Ok(Ruling::Approved(voice(1, 1))),
        );
        // Without four eyes, whoever it was proposed for decides as others do.
        check(|_, b| b.by = user(9), Ok(Ruling::Approved(voice(9, 9))));
        check(|t, b| (t.four_eyes, b.by) = (true, user(9)), Err(NoVoice::Own));
        check(|t, b| (t.four_eyes, b.by, b.agrees) = (true, user(9), false), Ok(Ruling::Rejected(voice(9, 9))));
        // Nobody gets round it through a deputy, in either direction.
        check(|t, b| (t.four_eyes, b.own_right, b.deputy_of) = (true, false, &for_9), Err(NoVoice::Own));
        let deputy_of_2 = [user(2)];
        check(|t, b| (t.four_eyes, b.by, b.deputy_of) = (true, user(9), &deputy_of_2), Err(NoVoice::Own));
    }

    #[test]
    fn a_deputy_gives_one_voice_and_one_only() {
        let (of_2, by_2, for_3) = ([user(2)], [voice(2, 2)], [voice(3, 1)]);
        check(|_, b| (b.own_right, b.deputy_of) = (false, &of_2), Ok(Ruling::Approved(voice(2, 1))));
        check(|t, b| (t.approvers, b.deputy_of) = (vec![user(2)], &of_2), Ok(Ruling::Approved(voice(2, 1))));
        check(|_, b| b.own_right = false, Err(NoVoice::NotNamed));
        check(|t, b| (t.quorum, b.own_right, b.deputy_of, b.given) = (2, false, &of_2, &by_2), Err(NoVoice::Again));
        check(|t, b| (t.quorum, b.deputy_of, b.given) = (3, &of_2, &by_2), Ok(Ruling::Counted(voice(1, 1), 1)));
        check(|t, b| (t.quorum, b.deputy_of, b.given) = (3, &of_2, &for_3), Err(NoVoice::Again));
    }
}
