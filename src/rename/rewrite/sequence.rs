//! Several renames in one name space, in an order that works: chains from their end, circles through a temporary name.

use std::collections::BTreeSet;

/// Orders renames so that each target is free when its turn comes. `taken` are all names in use before.
pub(crate) fn order(renames: Vec<(String, String)>, taken: &BTreeSet<String>) -> Vec<(String, String)> {
    let bare = renames.into_iter().map(|(from, to)| (from, to, ())).collect();
    order_with(bare, taken).into_iter().map(|(from, to, ())| (from, to)).collect()
}

/// As [`order`], where each rename carries something along.
pub(crate) fn order_with<T: Clone>(
    mut renames: Vec<(String, String, T)>,
    taken: &BTreeSet<String>,
) -> Vec<(String, String, T)> {
    renames.retain(|(from, to, _)| from != to);
    let mut ordered = Vec::new();
    while !renames.is_empty() {
        let free = renames.iter().position(|(_, to, _)| !renames.iter().any(|(from, _, _)| from == to));
        if let Some(at) = free {
            ordered.push(renames.remove(at));
        } else if let Some((from, _, carried)) = renames.first_mut() {
            // a circle: its first name steps aside
            let aside = temporary(from, taken);
            ordered.push((std::mem::replace(from, aside.clone()), aside, carried.clone()));
        }
    }
    ordered
}

/// An unused name, at most 63 bytes long.
fn temporary(name: &str, taken: &BTreeSet<String>) -> String {
    let mut number = 0;
    loop {
        let tail = if number == 0 { "_prisma_safe".to_owned() } else { format!("_prisma_safe{number}") };
        let stem = &name[..name.floor_char_boundary(63 - tail.len())];
        let candidate = format!("{stem}{tail}");
        if !taken.contains(&candidate) {
            return candidate;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Any partial injection, with chains and circles, gives what it says.
        #[test]
        fn every_name_ends_where_it_should(targets in proptest::collection::vec(0usize..8, 6)) {
            let names: Vec<String> = (0..8).map(|i| format!("n{i}")).collect();
            let mut used = BTreeSet::new();
            let mut renames = Vec::new();
            for (from, to) in targets.iter().enumerate() {
                if used.insert(*to) {
                    renames.push((from, *to));
                }
            }
            // a name that stays must not be taken
            let moving: BTreeSet<usize> = renames.iter().map(|(from, _)| *from).collect();
            renames.retain(|(from, to)| *to >= 6 || moving.contains(to) || from == to);
            let stays = |i: &usize| !renames.iter().any(|(from, _)| from == i);
            prop_assume!(renames.iter().all(|(_, to)| *to >= 6 || !stays(to)));
            let mut state: BTreeMap<String, usize> = (0..6).map(|i| (names[i].clone(), i)).collect();
            let taken = state.keys().cloned().collect();
            let pairs = renames.iter().map(|(from, to)| (names[*from].clone(), names[*to].clone())).collect();
            for (from, to) in order(pairs, &taken) {
                let moved = state.remove(&from).expect("the source is there");
                prop_assert!(state.insert(to, moved).is_none(), "the target is free");
            }
            for (from, to) in renames {
                prop_assert_eq!(state.get(&names[to]), Some(&from));
            }
        }
    }
}
