//! What registers and the heap hold at one point of a method.

use std::cmp::Ordering;
use std::rc::Rc;

use dalvik::Name;

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
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heap {
    shards: Rc<[Rc<Vec<Row>>; SHARDS]>,
}

/// What a part of an object holds; those of a shard are in order of object and key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    base: ObjId,
    key: Key,
    set: SetId,
}

impl Row {
    fn place(&self) -> (ObjId, Key) {
        (self.base, self.key)
    }
}

impl Default for Heap {
    fn default() -> Heap {
        let empty: Rc<Vec<Row>> = Rc::default();
        Heap { shards: Rc::new(std::array::from_fn(|_| empty.clone())) }
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
    pub fn parts(&self, base: ObjId) -> impl Iterator<Item = (Key, SetId)> + '_ {
        self.rows(base).iter().map(|it| (it.key, it.set))
    }

    /// Every object with written parts, in no order.
    pub fn bases(&self) -> impl Iterator<Item = ObjId> + '_ {
        self.shards.iter().flat_map(|it| it.chunk_by(|l, r| l.base == r.base)).map(|it| it[0].base)
    }

    fn rows(&self, base: ObjId) -> &[Row] {
        let shard = &self.shards[shard_of(base)];
        let start = shard.partition_point(|it| it.base < base);
        let len = shard[start..].iter().take_while(|it| it.base == base).count();
        &shard[start..start + len]
    }

    fn part(&self, base: ObjId, key: Key) -> Option<SetId> {
        part_of(self.rows(base), key)
    }

    fn put(&mut self, base: ObjId, key: Key, set: SetId) {
        let shard = &self.shards[shard_of(base)];
        let row = Row { base, key, set };
        let found = shard.binary_search_by_key(&(base, key), Row::place);
        if found.is_ok_and(|n| shard[n] == row) {
            return;
        }
        let shard = Rc::make_mut(&mut Rc::make_mut(&mut self.shards)[shard_of(base)]);
        match found {
            Ok(n) => shard[n] = row,
            Err(n) => shard.insert(n, row),
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
        let rows = self.rows(base);
        let mut found = match part_of(rows, key) {
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
                if let Some(any) = part_of(rows, Key::Any) {
                    found = arena.union(found, any);
                }
            }
            Key::Any => {
                for row in rows.iter().filter(|it| matches!(it.key, Key::Index(_) | Key::Text(_))) {
                    found = arena.union(found, row.set);
                }
            }
            _ => {}
        }
        if key != Key::Content
            && let Some(content) = part_of(rows, Key::Content)
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
        if PARTS_MAX <= self.shards[shard_of(base)].len() && self.rows(base).is_empty() {
            return;
        }
        self.put(base, key, set);
    }

    /// Forgets the elements of an object.
    pub fn clear(&mut self, base: ObjId) {
        if !self.rows(base).is_empty() {
            Rc::make_mut(&mut Rc::make_mut(&mut self.shards)[shard_of(base)]).retain(|it| it.base != base);
        }
    }

    fn join(&mut self, other: &Heap, arena: &mut Arena) -> bool {
        let mut changed = false;
        arena.work += 1;
        for n in 0..SHARDS {
            let (mine, theirs) = (&self.shards[n], &other.shards[n]);
            if Rc::ptr_eq(mine, theirs) {
                continue;
            }
            if let Some(rows) = joined(mine, theirs, arena) {
                // What is equal is shared, so that it is seen to be equal the next time.
                let rows = if rows == **theirs { theirs.clone() } else { Rc::new(rows) };
                Rc::make_mut(&mut self.shards)[n] = rows;
                changed = true;
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
        let carries = |arena: &Arena, obj| {
            matches!(arena.get(obj), Obj::Source(_) | Obj::Compared { .. } | Obj::Reckoned(_)) || arena.is_symbolic(obj)
        };
        let members = arena.members(set);
        if members.iter().all(|it| self.rows(*it).is_empty()) {
            arena.work += members.len() as u64;
            return members.iter().copied().filter(|it| carries(arena, *it)).collect();
        }
        let mut seen: Vec<ObjId> = Vec::new();
        let mut waiting: Vec<ObjId> = members.to_vec();
        let mut carried = Vec::new();
        while let Some(obj) = waiting.pop() {
            if seen.contains(&obj) || CARRIED_MAX <= seen.len() {
                continue;
            }
            seen.push(obj);
            arena.work += 1;
            if carries(arena, obj) {
                carried.push(obj);
            }
            for row in self.rows(obj) {
                if fields || !matches!(row.key, Key::Field(_)) {
                    waiting.extend(arena.members(row.set).iter());
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

/// The rows of two shards as one; none where the second adds nothing.
fn joined(mine: &[Row], theirs: &[Row], arena: &mut Arena) -> Option<Vec<Row>> {
    let mut rows: Option<Vec<Row>> = None;
    let (mut n, mut m) = (0, 0);
    let mut last = None;
    loop {
        let (left, right) = (mine.get(n), theirs.get(m));
        let (row, ours, both) = match (left, right) {
            (Some(left), Some(right)) => match left.place().cmp(&right.place()) {
                Ordering::Less => (*left, Some(left.set), None),
                Ordering::Equal => (*left, Some(left.set), Some(right.set)),
                Ordering::Greater => (*right, None, Some(right.set)),
            },
            (Some(left), None) => (*left, Some(left.set), None),
            (None, Some(right)) => (*right, None, Some(right.set)),
            (None, None) => return rows,
        };
        let (before, Row { base, key, .. }) = (n, row);
        n += usize::from(ours.is_some());
        m += usize::from(both.is_some());
        arena.work += u64::from(last.replace(base) != Some(base));
        let set = if ours == both {
            row.set
        } else {
            // What a side does not name is as it was when the method began.
            let unwritten = if arena.is_symbolic(base) {
                let part = arena.part(base, key);
                arena.one(part)
            } else {
                SetId::EMPTY
            };
            arena.union(ours.unwrap_or(unwritten), both.unwrap_or(unwritten))
        };
        if ours != Some(set) && rows.is_none() {
            let mut some = Vec::with_capacity(mine.len().max(theirs.len()) + 1);
            some.extend_from_slice(&mine[..before]);
            rows = Some(some);
        }
        if let Some(rows) = &mut rows {
            rows.push(Row { base, key, set });
        }
    }
}

fn part_of(rows: &[Row], key: Key) -> Option<SetId> {
    rows.binary_search_by_key(&key, |it| it.key).ok().map(|n| rows[n].set)
}

fn shard_of(base: ObjId) -> usize {
    base.0 as usize % SHARDS
}

/// A copy that is written to copies one of so many pieces.
const SHARDS: usize = 32;

/// A method that writes more parts of objects fills a table; what it writes of further objects is not followed (times
/// [`SHARDS`]).
const PARTS_MAX: usize = 256;

/// Nested containers beyond this many objects are not searched.
const CARRIED_MAX: usize = 256;
