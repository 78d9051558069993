//! What a register or a field may hold: interned objects and interned sets of them.
//!
//! Invariant: an id is given once and never changes what it stands for, so that states compare by number.

use std::rc::Rc;
use std::sync::Arc;

use dalvik::{MethodId, Name};
use rustc_hash::FxHashMap;

/// An abstract object.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Obj {
    /// What the caller passed as argument n (0 is `this` where there is one).
    Param(u8),
    /// The holder of the static fields of a class.
    Static(Name),
    /// A place that code far apart shares: extras of the intent that a component receives, a preference file.
    Slot(Slot),
    /// What a part of a symbolic object held before the method ran.
    Part(ObjId, Key),
    /// An object made at a site.
    Made { site: SiteId, class: Name, many: bool },
    /// An object that code outside the program made or returned.
    Outside { site: SiteId, class: Name },
    /// A constant string.
    Text(Arc<str>),
    /// A constant number.
    Number(i64),
    /// A class constant.
    Class(Name),
    /// A method found by reflection: class and name.
    Method(Name, Arc<str>),
    /// Nothing.
    Null,
    /// A value that is not known and comes from nowhere of interest.
    Unknown,
    /// What a source gave.
    Source(SourceId),
    /// The outcome of a comparison of a value with a constant: it carries the value where control depends on it.
    Compared { of: ObjId, with: ObjId, site: SiteId },
    /// A number or truth that was worked out from a value: its length, what it says as a number.
    Reckoned(ObjId),
}

/// A place that code far apart shares.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// The intent that a component receives.
    Intent(Arc<str>),
    /// What leaves the app: an intent, under the class that it is for, or `action ` with its action; what is passed to a
    /// binder, under `binder ` with its interface; what a provider answers, under `answer ` with its address.
    Sent(Arc<str>),
    /// What decided that a component was started.
    Start(Arc<str>),
    /// What a component hands back to who started it.
    Result(Arc<str>),
    /// What comes back to a component that started others.
    Returned(Arc<str>),
    /// A store by name: preferences, files.
    Store(Arc<str>),
    /// Instances of a class that are shared without a visible link: the application object.
    Shared(Name),
}

/// A part of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    /// A field, by name.
    Field(Name),
    /// An element with a constant index.
    Index(i64),
    /// An element under a constant key.
    Text(ObjId),
    /// Any element.
    Any,
    /// What the object holds as a whole.
    Content,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ObjId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SetId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SiteId(pub u32);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct SourceId(pub u32);

/// Where an object was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Site {
    pub method: MethodId,
    pub pc: u32,
    /// The object of the called method that this one stands for.
    pub inner: Option<ObjId>,
    pub depth: u8,
}

/// What a source gave, and where.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Source {
    pub kind: Arc<str>,
    pub method: MethodId,
    pub pc: u32,
    /// What was called or read there.
    pub what: Arc<str>,
}

/// Objects, sets, sites and sources of one app.
#[derive(Debug)]
pub(crate) struct Arena {
    objs: Vec<Obj>,
    obj_ids: FxHashMap<Obj, ObjId>,
    /// Of every object: whether it is symbolic, whether it is of the caller, how deep a part it is.
    traits: Vec<Traits>,
    /// Of every object the set that holds it alone, once there is one.
    singles: Vec<SetId>,
    parts: FxHashMap<(ObjId, Key), ObjId>,
    sets: Vec<Rc<[ObjId]>>,
    set_ids: FxHashMap<Rc<[ObjId]>, SetId>,
    unions: FxHashMap<(SetId, SetId), SetId>,
    unions_of_many: FxHashMap<Vec<SetId>, SetId>,
    /// Objects that were looked at to join, load and store: most of the work there is.
    pub work: u64,
    sites: Vec<Site>,
    site_ids: FxHashMap<Site, SiteId>,
    sources: Vec<Source>,
    source_ids: FxHashMap<Source, SourceId>,
    pub null: ObjId,
    pub unknown: ObjId,
}

/// What is asked of an object most often.
#[derive(Debug, Clone, Copy, Default)]
struct Traits {
    symbolic: bool,
    of_caller: bool,
    depth: u8,
}

impl SetId {
    /// No object at all.
    pub const EMPTY: SetId = SetId(0);
}

impl Arena {
    pub fn new() -> Arena {
        let mut arena = Arena {
            objs: Vec::new(),
            obj_ids: FxHashMap::default(),
            traits: Vec::new(),
            singles: Vec::new(),
            parts: FxHashMap::default(),
            sets: vec![Rc::from([])],
            set_ids: FxHashMap::default(),
            unions: FxHashMap::default(),
            unions_of_many: FxHashMap::default(),
            work: 0,
            sites: Vec::new(),
            site_ids: FxHashMap::default(),
            sources: Vec::new(),
            source_ids: FxHashMap::default(),
            null: ObjId(0),
            unknown: ObjId(0),
        };
        arena.set_ids.insert(Rc::from([]), SetId::EMPTY);
        arena.null = arena.obj(Obj::Null);
        arena.unknown = arena.obj(Obj::Unknown);
        arena
    }

    pub fn obj(&mut self, obj: Obj) -> ObjId {
        if let Some(&id) = self.obj_ids.get(&obj) {
            return id;
        }
        let id = self.add(obj.clone());
        self.obj_ids.insert(obj, id);
        id
    }

    fn add(&mut self, obj: Obj) -> ObjId {
        let id = ObjId(self.objs.len() as u32);
        self.traits.push(match &obj {
            Obj::Param(_) => Traits { symbolic: true, of_caller: true, depth: 0 },
            Obj::Static(_) | Obj::Slot(_) => Traits { symbolic: true, of_caller: false, depth: 0 },
            Obj::Part(base, key) => {
                let base = self.traits(*base);
                // Under which key of a shared place, only the caller knows.
                let of_caller = base.of_caller || matches!(key, Key::Text(it) if self.traits(*it).of_caller);
                Traits { symbolic: true, of_caller, depth: base.depth.saturating_add(1) }
            }
            Obj::Reckoned(of) => {
                let of = self.traits(*of);
                Traits { symbolic: false, of_caller: of.of_caller, depth: 0 }
            }
            Obj::Compared { of, with, .. } => {
                let of_caller = self.traits(*of).of_caller || self.traits(*with).of_caller;
                Traits { symbolic: false, of_caller, depth: 0 }
            }
            _ => Traits::default(),
        });
        self.objs.push(obj);
        self.singles.push(SetId::EMPTY);
        id
    }

    fn traits(&self, id: ObjId) -> Traits {
        self.traits.get(id.0 as usize).copied().unwrap_or_default()
    }

    pub fn get(&self, id: ObjId) -> &Obj {
        &self.objs[id.0 as usize]
    }

    pub fn members(&self, set: SetId) -> Rc<[ObjId]> {
        self.sets[set.0 as usize].clone()
    }

    pub fn set(&mut self, mut objs: Vec<ObjId>) -> SetId {
        objs.sort_unstable();
        objs.dedup();
        self.intern(objs)
    }

    /// The set of these objects, which are in order and no two the same.
    fn intern(&mut self, mut objs: Vec<ObjId>) -> SetId {
        self.narrow(&mut objs);
        if let Some(&id) = self.set_ids.get(objs.as_slice()) {
            return id;
        }
        let id = SetId(self.sets.len() as u32);
        let objs: Rc<[ObjId]> = objs.into();
        self.sets.push(objs.clone());
        self.set_ids.insert(objs, id);
        id
    }

    pub fn one(&mut self, obj: ObjId) -> SetId {
        let known = self.singles[obj.0 as usize];
        if known != SetId::EMPTY {
            return known;
        }
        let set = self.intern(vec![obj]);
        self.singles[obj.0 as usize] = set;
        set
    }

    pub fn just(&mut self, obj: Obj) -> SetId {
        let obj = self.obj(obj);
        self.one(obj)
    }

    pub fn union(&mut self, left: SetId, right: SetId) -> SetId {
        if left == right || right == SetId::EMPTY {
            return left;
        }
        if left == SetId::EMPTY {
            return right;
        }
        let key = (left.min(right), left.max(right));
        if let Some(&id) = self.unions.get(&key) {
            return id;
        }
        let objs = merged(&self.sets[left.0 as usize], &self.sets[right.0 as usize]);
        self.work += objs.len() as u64;
        let id = self.intern(objs);
        self.unions.insert(key, id);
        id
    }

    /// The union of many sets, without the sets on the way there.
    pub fn union_all(&mut self, mut sets: Vec<SetId>) -> SetId {
        sets.sort_unstable();
        sets.dedup();
        sets.retain(|it| *it != SetId::EMPTY);
        match sets.as_slice() {
            [] => SetId::EMPTY,
            [one] => *one,
            [left, right] => self.union(*left, *right),
            _ => {
                self.work += sets.len() as u64;
                if let Some(&id) = self.unions_of_many.get(&sets) {
                    return id;
                }
                let objs: Vec<ObjId> = sets.iter().flat_map(|it| self.sets[it.0 as usize].iter().copied()).collect();
                self.work += objs.len() as u64;
                let id = self.set(objs);
                self.unions_of_many.insert(sets, id);
                id
            }
        }
    }

    /// Keeps a set small: constants beyond a few are "unknown", and of very many objects those without taint go first.
    fn narrow(&mut self, objs: &mut Vec<ObjId>) {
        let is_constant = |obj: &Obj| matches!(obj, Obj::Text(_) | Obj::Number(_));
        if CONSTANTS_MAX < objs.len() {
            let n_constants = objs.iter().filter(|it| is_constant(self.get(**it))).count();
            if CONSTANTS_MAX < n_constants {
                objs.retain(|it| !is_constant(&self.objs[it.0 as usize]));
                objs.push(self.unknown);
                objs.sort_unstable();
                objs.dedup();
            }
        }
        if SET_MAX < objs.len() {
            objs.sort_by_key(|it| {
                let rank = match self.get(*it) {
                    Obj::Source(_) => 0,
                    Obj::Param(_) | Obj::Static(_) | Obj::Slot(_) => 1,
                    Obj::Part(..) => 2,
                    _ => 3,
                };
                (rank, *it)
            });
            objs.truncate(SET_MAX);
            objs.push(self.unknown);
            objs.sort_unstable();
            objs.dedup();
        }
    }

    pub fn site(&mut self, site: Site) -> SiteId {
        if let Some(&id) = self.site_ids.get(&site) {
            return id;
        }
        let id = SiteId(self.sites.len() as u32);
        self.sites.push(site);
        self.site_ids.insert(site, id);
        id
    }

    pub fn site_of(&self, id: SiteId) -> Site {
        self.sites[id.0 as usize]
    }

    pub fn source(&mut self, source: Source) -> ObjId {
        let id = match self.source_ids.get(&source) {
            Some(&id) => id,
            None => {
                let id = SourceId(self.sources.len() as u32);
                self.sources.push(source.clone());
                self.source_ids.insert(source, id);
                id
            }
        };
        self.obj(Obj::Source(id))
    }

    pub fn source_of(&self, id: SourceId) -> &Source {
        &self.sources[id.0 as usize]
    }

    /// Whether what the object stands for is only known to a caller or to the whole app.
    pub fn is_symbolic(&self, id: ObjId) -> bool {
        self.traits(id).symbolic
    }

    /// Whether the object is, or is a part of, what the caller passed.
    pub fn is_of_caller(&self, id: ObjId) -> bool {
        self.traits(id).of_caller
    }

    /// A part of a symbolic object; beyond the bound the object itself stands for its parts.
    pub fn part(&mut self, base: ObjId, key: Key) -> ObjId {
        if PATH_MAX <= self.traits(base).depth {
            return base;
        }
        if let Some(&id) = self.parts.get(&(base, key)) {
            return id;
        }
        let id = self.add(Obj::Part(base, key));
        self.parts.insert((base, key), id);
        id
    }

    /// The only constant text of a set.
    pub fn text(&self, set: SetId) -> Option<Arc<str>> {
        match self.get(self.only(set)?) {
            Obj::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// The only object of a set, whatever was compared on the way to it.
    fn only(&self, set: SetId) -> Option<ObjId> {
        let mut values = self.sets[set.0 as usize].iter().copied().filter(|it| !self.is_compared(*it));
        let only = values.next()?;
        values.next().is_none().then_some(only)
    }

    /// The number that is worked out from an object.
    pub fn reckoned(&mut self, id: ObjId) -> ObjId {
        match self.get(id) {
            Obj::Reckoned(_) | Obj::Compared { .. } => id,
            _ => self.obj(Obj::Reckoned(id)),
        }
    }

    /// Whether the object is the outcome of a comparison.
    pub fn is_compared(&self, id: ObjId) -> bool {
        matches!(self.get(id), Obj::Compared { .. })
    }

    /// The same comparisons, made somewhere else.
    pub fn moved(&mut self, set: SetId, to: Site) -> SetId {
        let site = self.site(to);
        let objs: Vec<Obj> = self.members(set).iter().map(|it| self.get(*it).clone()).collect();
        let mut moved = Vec::new();
        for obj in objs {
            moved.push(match obj {
                Obj::Compared { of, with, .. } => self.obj(Obj::Compared { of, with, site }),
                other => self.obj(other),
            });
        }
        self.set(moved)
    }

    /// The outcomes of comparisons in a set.
    pub fn compared(&mut self, set: SetId) -> SetId {
        let members = self.members(set);
        if !members.iter().any(|it| self.is_compared(*it)) {
            return SetId::EMPTY;
        }
        let kept = members.iter().copied().filter(|it| self.is_compared(*it)).collect();
        self.set(kept)
    }

    /// The only constant number of a set.
    pub fn number(&self, set: SetId) -> Option<i64> {
        match self.get(self.only(set)?) {
            Obj::Number(number) => Some(*number),
            Obj::Null => Some(0),
            _ => None,
        }
    }
}

/// Two lists in order as one.
fn merged(left: &[ObjId], right: &[ObjId]) -> Vec<ObjId> {
    let mut objs = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left, right);
    while let ([l, left_rest @ ..], [r, right_rest @ ..]) = (left, right) {
        objs.push(*l.min(r));
        if l <= r {
            left = left_rest;
        }
        if r <= l {
            right = right_rest;
        }
    }
    objs.extend(left);
    objs.extend(right);
    objs
}

/// Fields of fields: as deep as the design says.
const PATH_MAX: u8 = 5;

/// More different constants in one place are a counter or a table.
const CONSTANTS_MAX: usize = 6;

/// More objects in one place say little about each.
const SET_MAX: usize = 16;
