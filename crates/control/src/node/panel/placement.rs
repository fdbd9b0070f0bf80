//! On which node a new server goes: the one with the most room of those that fit it. Pure.

use sf_types::{ByteSize, ErrorKind, Fault, NodeId};

/// What is known of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) node: NodeId,
    pub(crate) name: String,
    /// Whether it is connected.
    pub(crate) online: bool,
    /// Memory and disk that its servers may use together, in bytes; `None` where the node has not said.
    pub(crate) memory: Option<u64>,
    pub(crate) disk: Option<u64>,
    /// What they were promised.
    pub(crate) memory_taken: u64,
    pub(crate) disk_taken: u64,
    /// Ports that are nobody's.
    pub(crate) free_ports: u64,
}

/// What a server needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Wanted {
    pub(crate) memory: u64,
    pub(crate) disk: u64,
    pub(crate) ports: u64,
}

/// Bytes that may be promised of `total`, by so many percent more than there is.
pub(crate) const fn promised(total: u64, percent_more: u32) -> u64 {
    total.saturating_add((total / 100).saturating_mul(percent_more as u64))
}

/// The node with the most free memory, then the fewest promises, of those that fit.
///
/// # Errors
/// A fault that says of each node why it does not fit.
pub(crate) fn choose(places: &[Place], wanted: Wanted) -> Result<NodeId, Fault> {
    let fitting = places.iter().filter(|place| unfit(place, wanted).is_none());
    let best = fitting.max_by_key(|place| (free(place), std::cmp::Reverse(place.memory_taken), place.node));
    best.map(|place| place.node).ok_or_else(|| none_fits(places, wanted))
}

/// Free bytes of memory; a node that has not said comes last.
fn free(place: &Place) -> u64 {
    place.memory.map_or(0, |memory| memory.saturating_sub(place.memory_taken))
}

/// Why a server does not fit on a node, where it does not.
pub(crate) fn unfit(place: &Place, wanted: Wanted) -> Option<String> {
    let short = |what: &str, total: Option<u64>, taken: u64, wanted: u64| {
        let free = total?.saturating_sub(taken);
        (wanted > free).then(|| format!("{} of {what} are free, {} are wanted", ByteSize(free), ByteSize(wanted)))
    };
    if !place.online {
        return Some("it is not connected".to_owned());
    }
    if wanted.ports > place.free_ports {
        return Some(match place.free_ports {
            0 => "it has no free port: add some to it".to_owned(),
            free => format!("it has {free} free ports, {} are wanted", wanted.ports),
        });
    }
    short("memory", place.memory, place.memory_taken, wanted.memory)
        .or_else(|| short("disk", place.disk, place.disk_taken, wanted.disk))
}

fn none_fits(places: &[Place], wanted: Wanted) -> Fault {
    const NAMED: usize = 5;
    let fault = |message| Fault::new(ErrorKind::Conflict, "server.no_room", message);
    if places.is_empty() {
        return fault("There is no machine to put it on.".to_owned()).fix("Add one with `serverflow nodes invite`.");
    }
    let why = |place: &Place| unfit(place, wanted).map(|why| format!("`{}`: {why}", place.name));
    let mut lines: Vec<_> = places.iter().filter_map(why).take(NAMED).collect();
    if places.len() > NAMED {
        lines.push(format!("and {} more", places.len() - NAMED));
    }
    fault(format!("It fits on no machine. {}.", lines.join("; ")))
        .fix("Ask for less, make room, or let machines be promised more (`[panel]` in serverflow.toml).")
}

#[cfg(test)]
mod tests {
    use super::*;
    use sf_types::{Timestamp, TypedId};

    const GIB: u64 = 1 << 30;

    fn place(n: u8, memory: u64, taken: u64) -> Place {
        Place {
            node: NodeId::from_parts(Timestamp::from_millis(1), [n; 10]),
            name: format!("n{n}"),
            online: true,
            memory: Some(memory * GIB),
            disk: Some(100 * GIB),
            memory_taken: taken * GIB,
            disk_taken: 0,
            free_ports: 3,
        }
    }

    const WANTED: Wanted = Wanted { memory: 2 * GIB, disk: 10 * GIB, ports: 1 };

    #[test]
    fn the_most_room_wins_among_those_that_fit() {
        let check = |places: &[Place], wanted, expected: Result<u8, &str>| {
            let chosen = choose(places, wanted);
            let expected = expected.map(|n| place(n, 0, 0).node);
            match (chosen, expected) {
                (Ok(node), Ok(wanted)) => assert_eq!(node, wanted),
                (Err(fault), Err(part)) => assert!(fault.message.contains(part), "{fault:?}"),
                (got, wanted) => panic!("{got:?} in place of {wanted:?}"),
            }
        };
        check(&[place(1, 8, 7), place(2, 8, 2), place(3, 16, 11)], WANTED, Ok(2));
        check(&[place(1, 8, 4), place(2, 8, 4)], WANTED, Ok(2));
        check(&[Place { online: false, ..place(1, 64, 0) }, place(2, 4, 0)], WANTED, Ok(2));
        check(&[Place { free_ports: 0, ..place(1, 64, 0) }], WANTED, Err("no free port"));
        check(&[place(1, 8, 7)], WANTED, Err("1.0 GiB of memory are free"));
        check(&[Place { disk_taken: 95 * GIB, ..place(1, 8, 0) }], WANTED, Err("5.0 GiB of disk"));
        check(&[], WANTED, Err("no machine"));
        // One that has not said how large it is takes what others cannot.
        check(&[Place { memory: None, disk: None, ..place(1, 0, 0) }, place(2, 1, 0)], WANTED, Ok(1));
    }

    #[test]
    fn more_than_there_is_may_be_promised() {
        assert_eq!((promised(100, 0), promised(1000, 50), promised(u64::MAX, 50)), (100, 1500, u64::MAX));
    }
}
