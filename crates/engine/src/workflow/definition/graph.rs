//! What needs what among steps beside each other.

use std::collections::HashMap;

use crate::workflow::document::Step;

/// Needs of each step by place.
pub(super) struct Graph {
    pub(super) needs: Vec<Vec<usize>>,
    pub(super) dependants: Vec<Vec<usize>>,
    /// For each step: which others have certainly ended when it begins.
    pub(super) before: Vec<Vec<u64>>,
    /// Places of the steps, each behind what it needs.
    pub(super) order: Vec<usize>,
}

/// A need that cannot be met.
pub(super) enum Unmet {
    /// No step beside it is called so.
    Unknown { step: usize, need: usize },
    /// Steps that wait for each other, in a circle.
    Cycle(Vec<usize>),
}

impl Graph {
    /// Lays the needs out. A step without any needs the one before it.
    pub(super) fn of(steps: &[Step]) -> Result<Self, Vec<Unmet>> {
        let ids: HashMap<&str, usize> = steps.iter().enumerate().map(|(at, step)| (step.id.as_str(), at)).collect();
        let (mut needs, mut unmet) = (Vec::with_capacity(steps.len()), Vec::new());
        for (at, step) in steps.iter().enumerate() {
            let mut of_step = match &step.needs {
                None => at.checked_sub(1).into_iter().collect(),
                Some(names) => {
                    let find = |(nth, name): (usize, &String)| match ids.get(name.as_str()) {
                        Some(need) => Some(*need),
                        None => {
                            unmet.push(Unmet::Unknown { step: at, need: nth });
                            None
                        }
                    };
                    names.iter().enumerate().filter_map(find).collect::<Vec<_>>()
                }
            };
            of_step.sort_unstable();
            of_step.dedup();
            needs.push(of_step);
        }
        if !unmet.is_empty() {
            return Err(unmet);
        }
        let mut dependants = vec![Vec::new(); steps.len()];
        for (at, of_step) in needs.iter().enumerate() {
            of_step.iter().for_each(|need| dependants[*need].push(at));
        }
        let order = order(&needs, &dependants).map_err(|cycle| vec![Unmet::Cycle(cycle)])?;
        let before = before(&needs, &order);
        Ok(Self { needs, dependants, before, order })
    }
}

/// Steps so that each stands behind what it needs; or a circle among them.
fn order(needs: &[Vec<usize>], dependants: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut left: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..needs.len()).filter(|at| left[*at] == 0).collect();
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        for dependant in &dependants[at] {
            left[*dependant] -= 1;
            if left[*dependant] == 0 {
                order.push(*dependant);
            }
        }
    }
    if order.len() == needs.len() {
        return Ok(order);
    }
    // From any step that is left, a need that is left leads on for ever: somewhere it comes back.
    let mut path: Vec<usize> = left.iter().position(|left| *left > 0).into_iter().collect();
    while let Some(need) = path.last().and_then(|at| needs[*at].iter().find(|need| left[**need] > 0)) {
        if let Some(start) = path.iter().position(|seen| seen == need) {
            path.drain(..start);
            break;
        }
        path.push(*need);
    }
    Err(path)
}

fn before(needs: &[Vec<usize>], order: &[usize]) -> Vec<Vec<u64>> {
    let words = needs.len().div_ceil(64);
    let mut before = vec![vec![0_u64; words]; needs.len()];
    for at in order {
        let mut set = std::mem::take(&mut before[*at]);
        for need in &needs[*at] {
            set[need / 64] |= 1 << (need % 64);
            set.iter_mut().zip(&before[*need]).for_each(|(mine, theirs)| *mine |= theirs);
        }
        before[*at] = set;
    }
    before
}
