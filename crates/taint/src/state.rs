//! What registers and the heap hold at one point of a method.

use std::rc::Rc;

use dalvik::Name;
use rustc_hash::FxHashMap;

use crate::value::{Arena, Key, Obj, ObjId, SetId};

/// Registers and heap. What the heap does not name of a symbolic object is as it was when the method began.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub regs: Vec<SetId>,
    pub heap: Heap,
    /// What a call returned, for the `move-result` behind it.
    pub result: SetId,
    /// What was thrown and not caught yet.
    pub thrown: SetId,
}

/// Parts of objects. States share what is equal in them: a copy is cheap, and so is finding out where two differ.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Heap {
    shards: [Rc<Shard>; SHARDS],
}

type Shard = FxHashMap<ObjId, Vec<(Key, SetId)>>;

impl Default for Heap {
    fn default() -> Heap {
        let empty: Rc<Shard> = Rc::default();
        Heap { shards: std::array::from_fn(|_| empty.clone()) }
    }
}

impl State {
    pub fn new(n_regs: usize) -> State {
        State { regs: vec![SetId::EMPTY; n_regs], heap: Heap::default(), result: SetId::EMPTY, thrown: SetId::EMPTY }
    }

    /// What holds where a handler takes over from somewhere in `other`.
    pub fn join_thrown(
        &mut self,
        other: &State,
        thrown: SetId,
        live: impl Fn(usize) -> bool,
        arena: &mut Arena,
    ) -> bool {
        let mut changed = self.join_regs(other, live, arena);
        let both = arena.union(self.thrown, thrown);
        changed |= both != self.thrown;
        self.thrown = both;
        changed | self.heap.join(&other.heap, arena)
    }

    /// What holds where two ways meet.
    pub fn join(&mut self, other: &State, arena: &mut Arena) -> bool {
        self.join_live(other, |_| true, arena)
    }

    /// What holds where two ways meet, in registers that someone reads later.
    pub fn join_live(&mut self, other: &State, live: impl Fn(usize) -> bool, arena: &mut Arena) -> bool {
        let mut changed = self.join_regs(other, live, arena);
        for (mine, theirs) in [(&mut self.result, other.result), (&mut self.thrown, other.thrown)] {
            let both = arena.union(*mine, theirs);
            changed |= both != *mine;
            *mine = both;
        }
        changed | self.heap.join(&other.heap, arena)
    }

    fn join_regs(&mut self, other: &State, live: impl Fn(usize) -> bool, arena: &mut Arena) -> bool {
        let mut changed = false;
        for (reg, (mine, theirs)) in self.regs.iter_mut().zip(&other.regs).enumerate() {
            if mine != theirs && live(reg) {
                let both = arena.union(*mine, *theirs);
                changed |= both != *mine;
                *mine = both;
            }
        }
        changed
    }

    /// The same without registers that nobody reads later.
    pub fn live(&self, live: impl Fn(usize) -> bool) -> State {
        let mut state = self.clone();
        for (reg, set) in state.regs.iter_mut().enumerate() {
            if !live(reg) {
                *set = SetId::EMPTY;
            }
        }
        state
    }
}

impl Heap {
    /// The parts of an object that were written.
    pub fn parts(&self, base: ObjId) -> &[(Key, SetId)] {
        self.shards[shard_of(base)].get(&base).map_or(&[], |it| it)
    }

    /// Every object with written parts, in no order.
    pub fn bases(&self) -> impl Iterator<Item = ObjId> + '_ {
        self.shards.iter().flat_map(|it| it.keys().copied())
    }

    fn part(&self, base: ObjId, key: Key) -> Option<SetId> {
        let parts = self.parts(base);
        parts.binary_search_by_key(&key, |it| it.0).ok().map(|n| parts[n].1)
    }

    fn put(&mut self, base: ObjId, key: Key, set: SetId) {
        if self.part(base, key) == Some(set) {
            return;
        }
        let parts = Rc::make_mut(&mut self.shards[shard_of(base)]).entry(base).or_default();
        match parts.binary_search_by_key(&key, |it| it.0) {
            Ok(n) => parts[n].1 = set,
            Err(n) => parts.insert(n, (key, set)),
        }
    }

    /// What a part of one object holds.
    pub fn load_one(&self, base: ObjId, key: Key, arena: &mut Arena) -> SetId {
        match arena.get(base) {
            Obj::Source(_) => return arena.one(base),
            Obj::Text(_) | Obj::Number(_) | Obj::Null | Obj::Class(_) | Obj::Method(..) | Obj::Compared { .. } => {
                return SetId::EMPTY;
            }
            Obj::Unknown | Obj::Reckoned(_) => return arena.one(base),
            _ => {}
        }
        arena.work += 1;
        let symbolic = arena.is_symbolic(base);
        let mut found = match self.part(base, key) {
            Some(set) => set,
            None if symbolic => {
                let part = arena.part(base, key);
                arena.one(part)
            }
            None => SetId::EMPTY,
        };
        match key {
            // Elements that were written under an unknown index may be this one.
            Key::Index(_) | Key::Text(_) => {
                if let Some(any) = self.part(base, Key::Any) {
                    found = arena.union(found, any);
                }
            }
            Key::Any => {
                for &(other, set) in self.parts(base) {
                    if matches!(other, Key::Index(_) | Key::Text(_)) {
                        found = arena.union(found, set);
                    }
                }
            }
            _ => {}
        }
        if key != Key::Content
            && let Some(content) = self.part(base, Key::Content)
        {
            found = arena.union(found, content);
        }
        found
    }

    /// What a part of any object of a set holds.
    pub fn load(&self, bases: SetId, key: Key, arena: &mut Arena) -> SetId {
        let members = arena.members(bases);
        if let [one] = members.as_ref() {
            return self.load_one(*one, key, arena);
        }
        let found = members.iter().map(|it| self.load_one(*it, key, arena)).collect();
        arena.union_all(found)
    }

    /// Writes a part. What it held is lost only where it is certain which object and which part is meant.
    pub fn store(&mut self, bases: SetId, key: Key, set: SetId, arena: &mut Arena) {
        let members = arena.members(bases);
        let single = members.len() == 1 || members.iter().filter(|it| !arena.is_compared(**it)).count() == 1;
        for &base in members.iter() {
            let certain = match arena.get(base) {
                Obj::Source(_) | Obj::Text(_) | Obj::Number(_) | Obj::Null | Obj::Unknown | Obj::Class(_) => continue,
                Obj::Compared { .. } | Obj::Reckoned(_) => continue,
                Obj::Made { many, .. } => single && !many,
                Obj::Outside { .. } | Obj::Method(..) => false,
                Obj::Param(_) | Obj::Static(_) | Obj::Slot(_) | Obj::Part(..) => single,
            };
            self.store_one(base, key, set, certain, arena);
        }
    }

    pub fn store_one(&mut self, base: ObjId, key: Key, set: SetId, certain: bool, arena: &mut Arena) {
        let certain = certain && !matches!(key, Key::Any | Key::Content);
        let set = if certain {
            set
        } else {
            let old = match self.part(base, key) {
                Some(old) => old,
                None if arena.is_symbolic(base) => {
                    let part = arena.part(base, key);
                    arena.one(part)
                }
                None => SetId::EMPTY,
            };
            arena.union(old, set)
        };
        let shard = &self.shards[shard_of(base)];
        if PARTS_MAX <= shard.len() && !shard.contains_key(&base) {
            return;
        }
        self.put(base, key, set);
    }

    /// Forgets the elements of an object.
    pub fn clear(&mut self, base: ObjId) {
        let shard = &mut self.shards[shard_of(base)];
        if shard.contains_key(&base) {
            Rc::make_mut(shard).remove(&base);
        }
    }

    fn join(&mut self, other: &Heap, arena: &mut Arena) -> bool {
        let mut changed = false;
        let mut bases: Vec<ObjId> = Vec::new();
        for (mine, theirs) in self.shards.iter().zip(&other.shards) {
            if !Rc::ptr_eq(mine, theirs) {
                bases.extend(theirs.keys());
                bases.extend(mine.keys().filter(|it| !theirs.contains_key(it)));
            }
        }
        bases.sort_unstable();
        arena.work += bases.len() as u64 + 1;
        for base in bases {
            if self.parts(base) == other.parts(base) {
                continue;
            }
            let keys: Vec<Key> = {
                let mut keys: Vec<Key> = self.parts(base).iter().chain(other.parts(base)).map(|it| it.0).collect();
                keys.sort_unstable();
                keys.dedup();
                keys
            };
            for key in keys {
                let mut side = |heap: &Heap| match heap.part(base, key) {
                    Some(set) => set,
                    None if arena.is_symbolic(base) => {
                        let part = arena.part(base, key);
                        arena.one(part)
                    }
                    None => SetId::EMPTY,
                };
                let (mine, theirs) = (side(self), side(other));
                let both = arena.union(mine, theirs);
                if both != mine || self.part(base, key).is_none() {
                    changed |= self.part(base, key) != Some(both);
                    self.put(base, key, both);
                }
            }
        }
        changed
    }

    /// What a value carries: itself where it is a source or symbolic, and what lies in it as content or element.
    pub fn carried(&self, set: SetId, arena: &mut Arena) -> Vec<ObjId> {
        self.carried_by(set, false, arena)
    }

    /// The same, with what its fields carry.
    pub fn carried_deep(&self, set: SetId, arena: &mut Arena) -> Vec<ObjId> {
        self.carried_by(set, true, arena)
    }

    fn carried_by(&self, set: SetId, fields: bool, arena: &mut Arena) -> Vec<ObjId> {
        let mut seen: Vec<ObjId> = Vec::new();
        let mut waiting: Vec<ObjId> = arena.members(set).to_vec();
        let mut carried = Vec::new();
        while let Some(obj) = waiting.pop() {
            if seen.contains(&obj) || CARRIED_MAX <= seen.len() {
                continue;
            }
            seen.push(obj);
            arena.work += 1;
            if matches!(arena.get(obj), Obj::Source(_) | Obj::Compared { .. } | Obj::Reckoned(_))
                || arena.is_symbolic(obj)
            {
                carried.push(obj);
            }
            for &(key, set) in self.parts(obj) {
                if fields || !matches!(key, Key::Field(_)) {
                    waiting.extend(arena.members(set).iter());
                }
            }
        }
        carried.sort_unstable();
        carried
    }

    /// A field of every object of a set.
    pub fn field(&self, bases: SetId, name: Name, arena: &mut Arena) -> SetId {
        self.load(bases, Key::Field(name), arena)
    }
}

fn shard_of(base: ObjId) -> usize {
    base.0 as usize % SHARDS
}

/// A copy that is written to copies one of so many pieces.
const SHARDS: usize = 32;

/// A method that writes parts of more objects is a table; what it writes beyond is not followed (times [`SHARDS`]).
const PARTS_MAX: usize = 128;

/// Nested containers beyond this many objects are not searched.
const CARRIED_MAX: usize = 256;
