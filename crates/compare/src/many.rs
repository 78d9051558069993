//! More than two phones: what most of them have in common, and who is the odd one out.

use std::collections::{BTreeMap, BTreeSet};

use model::NodeKind;
use rustc_hash::FxHashMap;

use crate::delta::{Delta, Kind, Topic};
use crate::{Content, Digest, Side, rank};

/// A difference of one or more sides from the one that all are compared with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    /// The difference, as the first of these sides has it; with what all of them bring.
    pub delta: Delta,
    /// What stands on the right, and the sides where it does.
    pub rights: Vec<(Vec<usize>, String)>,
}

/// What a difference is about: its kind, what differs, and where.
type Key = (Kind, String, String);

/// Which side the others are compared with: the one that is least often alone with what a file holds; of equals the first.
pub fn base(sides: &[Side]) -> usize {
    if sides.len() < 3 {
        return 0;
    }
    let mut held: BTreeMap<&str, Vec<(usize, Digest)>> = BTreeMap::new();
    for (n, side) in sides.iter().enumerate() {
        let phone = side.phone;
        for artifact in phone.tree.iter().filter(|it| phone.mounts.is_entry(it.id) && it.node.kind == NodeKind::File) {
            if let Some(Content::Known(digest) | Content::Elsewhere(digest)) = side.contents.get(artifact.id.0 as usize)
            {
                held.entry(phone.device_path(artifact.id)).or_default().push((n, *digest));
            }
        }
    }
    let mut alone = vec![0u64; sides.len()];
    for all in held.values() {
        let mut groups: FxHashMap<Digest, u64> = FxHashMap::default();
        all.iter().for_each(|it| *groups.entry(it.1).or_default() += 1);
        let most = groups.values().copied().max().unwrap_or(0);
        for (n, _) in all.iter().filter(|it| groups.get(&it.1).is_some_and(|it| *it < most)) {
            alone[*n] += 1;
        }
    }
    (0..sides.len()).min_by_key(|it| alone[*it]).unwrap_or(0)
}

/// The differences of all sides from the base as one ranked list.
pub fn merge(others: &[usize], mut deltas: Vec<Vec<Delta>>) -> Vec<Merged> {
    if let ([other], [deltas]) = (others, deltas.as_mut_slice()) {
        let all = std::mem::take(deltas).into_iter();
        return all.map(|delta| Merged { rights: vec![(vec![*other], delta.right.clone())], delta }).collect();
    }
    let mut merged: BTreeMap<Key, Merged> = BTreeMap::new();
    for (side, delta) in
        others.iter().zip(deltas).flat_map(|(side, deltas)| deltas.into_iter().map(move |it| (*side, it)))
    {
        let key = (delta.kind, delta.what.clone(), delta.device_path.clone());
        let right = delta.right.clone();
        let known = merged.entry(key).or_insert_with(|| Merged { delta: delta.clone(), rights: Vec::new() });
        for bring in delta.brings {
            if !known.delta.brings.contains(&bring) {
                known.delta.brings.push(bring);
            }
        }
        match known.rights.iter_mut().find(|it| it.1 == right) {
            Some(same) => same.0.push(side),
            None => known.rights.push((vec![side], right)),
        }
    }
    let mut rights: FxHashMap<Key, Vec<(Vec<usize>, String)>> = FxHashMap::default();
    let mut all = Vec::new();
    for (key, it) in merged {
        rights.insert(key, it.rights);
        all.push(it.delta);
    }
    rank::sort(&mut all);
    let of = |delta: Delta| {
        let key = (delta.kind, delta.what.clone(), delta.device_path.clone());
        let rights = rights.remove(&key).unwrap_or_default();
        Merged { delta, rights }
    };
    all.into_iter().map(of).collect()
}

/// In how much of what matters each side alone is not like all others, which are alike. `is_known` says of a side whether
/// a difference would be known there: where one could not look, nobody is alone.
pub fn alone(n_sides: usize, base: usize, merged: &[Merged], is_known: impl Fn(usize, &Delta) -> bool) -> Vec<u64> {
    // What a file holds is told in other words where only one of two sides could be looked into.
    let is_content = |it: &Delta| matches!(it.topic, Topic::Code | Topic::Data | Topic::Opaque);
    let mut differing: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for it in merged.iter().filter(|it| is_content(&it.delta) && !it.delta.device_path.is_empty()) {
        differing.entry(&it.delta.device_path).or_default().extend(it.rights.iter().flat_map(|it| &it.0));
    }
    let mut alone = vec![0u64; n_sides];
    for it in merged.iter().filter(|it| rank::matters(&it.delta)) {
        let [(sides, _)] = it.rights.as_slice() else { continue };
        if !(0..n_sides).all(|side| sides.contains(&side) || is_known(side, &it.delta)) {
            continue;
        }
        let all = differing.get(it.delta.device_path.as_str()).filter(|_| is_content(&it.delta));
        if all.is_some_and(|it| it.len() != sides.len()) {
            continue;
        }
        match sides.as_slice() {
            [only] => alone[*only] += 1,
            // All others have the same, and the base has not.
            all if all.len() + 1 == n_sides => alone[base] += 1,
            _ => {}
        }
    }
    alone
}

/// The side that is alone most often; none where two are so equally often, or nobody is.
pub fn odd_one_out(alone: &[u64]) -> Option<usize> {
    let most = alone.iter().copied().max().filter(|it| *it != 0)?;
    let mut odd = (0..alone.len()).filter(|it| alone[*it] == most);
    odd.next().filter(|_| odd.next().is_none())
}
