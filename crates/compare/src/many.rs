//! More than two phones: what most of them have in common, and who is the odd one out.

use std::collections::BTreeMap;

use model::NodeKind;
use rustc_hash::FxHashMap;

use crate::delta::{Delta, Kind};
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

/// The side that alone differs from all others in most of what matters, and in how much; none where two do so equally
/// often, or nobody does.
pub fn odd_one_out(n_sides: usize, base: usize, merged: &[Merged]) -> Option<(usize, u64)> {
    let mut alone = vec![0u64; n_sides];
    for it in merged.iter().filter(|it| rank::matters(&it.delta)) {
        match it.rights.as_slice() {
            [(sides, _)] if sides.len() == 1 => sides.iter().for_each(|it| alone[*it] += 1),
            // All others have the same, and the base has not.
            [(sides, _)] if sides.len() + 1 == n_sides => alone[base] += 1,
            _ => {}
        }
    }
    let most = alone.iter().copied().max().filter(|it| *it != 0)?;
    let odd: Vec<usize> = (0..n_sides).filter(|it| alone[*it] == most).collect();
    match odd.as_slice() {
        [odd] => Some((*odd, most)),
        _ => None,
    }
}
