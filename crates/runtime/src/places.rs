//! A bounded number of places for each of many: sockets of a person, connections of an address.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Who has how many. Cheap to clone; remembers only who has a place now.
#[derive(Debug)]
pub struct Places<K> {
    taken: Arc<Mutex<HashMap<K, usize>>>,
    each: usize,
}

impl<K> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self { taken: Arc::clone(&self.taken), each: self.each }
    }
}

/// One place; free again when dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    places: Places<K>,
    of: K,
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// Up to `each` places for everybody.
    pub fn new(each: usize) -> Self {
        Self { taken: Arc::default(), each }
    }

    /// Takes a place; `None` when `of` has all it may have.
    pub fn take(&self, of: K) -> Option<Place<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&of).copied().unwrap_or(0);
        if count >= self.each {
            return None;
        }
        taken.insert(of.clone(), count + 1);
        drop(taken);
        Some(Place { places: self.clone(), of })
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

/// An address as limits count it: IPv6 by its /64, since one customer has a whole one.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & !u128::from(u64::MAX)).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_for_each_and_come_back() {
        let places = Places::new(2);
        let first = places.take("ada").expect("free");
        let _second = places.take("ada").expect("free");
        assert!(places.take("ada").is_none());
        assert!(places.take("bo").is_some());
        drop(first);
        assert!(places.take("ada").is_some());
        assert_eq!(places.taken.lock().expect("unbroken").len(), 1, "who has none is forgotten");
    }

    #[test]
    fn an_ipv6_customer_is_one_network() {
        for (one, other, same) in [
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.2", false),
            ("::ffff:10.0.0.1", "10.0.0.1", true),
            ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
            ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ] {
            let read = |text: &str| network(text.parse().expect("an address"));
            assert_eq!(read(one) == read(other), same, "{one} {other}");
        }
    }
}
