//! What a register or a field may hold: interned objects and interned sets of them.
//!
//! Invariant: an id is given once and never changes what it stands for, so that states compare by number.

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
}

/// A place that code far apart shares.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// The intent that a component receives.
    Intent(Arc<str>),
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
    sets: Vec<Arc<[ObjId]>>,
    set_ids: FxHashMap<Arc<[ObjId]>, SetId>,
    unions: FxHashMap<(SetId, SetId), SetId>,
    sites: Vec<Site>,
    site_ids: FxHashMap<Site, SiteId>,
    sources: Vec<Source>,
    source_ids: FxHashMap<Source, SourceId>,
    pub null: ObjId,
    pub unknown: ObjId,
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
            sets: vec![Arc::from([])],
            set_ids: FxHashMap::default(),
            unions: FxHashMap::default(),
            sites: Vec::new(),
            site_ids: FxHashMap::default(),
            sources: Vec::new(),
            source_ids: FxHashMap::default(),
            null: ObjId(0),
            unknown: ObjId(0),
        };
        arena.set_ids.insert(Arc::from([]), SetId::EMPTY);
        arena.null = arena.obj(Obj::Null);
        arena.unknown = arena.obj(Obj::Unknown);
        arena
    }

    pub fn obj(&mut self, obj: Obj) -> ObjId {
        if let Some(&id) = self.obj_ids.get(&obj) {
            return id;
        }
        let id = ObjId(self.objs.len() as u32);
        self.objs.push(obj.clone());
        self.obj_ids.insert(obj, id);
        id
    }

    pub fn get(&self, id: ObjId) -> &Obj {
        &self.objs[id.0 as usize]
    }

    pub fn members(&self, set: SetId) -> Arc<[ObjId]> {
        self.sets[set.0 as usize].clone()
    }

    pub fn set(&mut self, mut objs: Vec<ObjId>) -> SetId {
        objs.sort_unstable();
        objs.dedup();
        self.narrow(&mut objs);
        if let Some(&id) = self.set_ids.get(objs.as_slice()) {
            return id;
        }
        let id = SetId(self.sets.len() as u32);
        let objs: Arc<[ObjId]> = objs.into();
        self.sets.push(objs.clone());
        self.set_ids.insert(objs, id);
        id
    }

    pub fn one(&mut self, obj: ObjId) -> SetId {
        self.set(vec![obj])
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
        let mut objs = self.members(left).to_vec();
        objs.extend(self.members(right).iter());
        let id = self.set(objs);
        self.unions.insert(key, id);
        id
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
        matches!(self.get(id), Obj::Param(_) | Obj::Static(_) | Obj::Slot(_) | Obj::Part(..))
    }

    /// The symbolic object that a part belongs to, and how deep the part lies.
    pub fn root_of(&self, mut id: ObjId) -> (ObjId, usize) {
        let mut depth = 0;
        while let Obj::Part(base, _) = self.get(id) {
            id = *base;
            depth += 1;
        }
        (id, depth)
    }

    /// Whether the object is, or is a part of, what the caller passed.
    pub fn is_of_caller(&self, id: ObjId) -> bool {
        matches!(self.get(self.root_of(id).0), Obj::Param(_))
    }

    /// A part of a symbolic object; beyond the bound the object itself stands for its parts.
    pub fn part(&mut self, base: ObjId, key: Key) -> ObjId {
        if PATH_MAX <= self.root_of(base).1 {
            return base;
        }
        self.obj(Obj::Part(base, key))
    }

    /// The only constant text of a set.
    pub fn text(&self, set: SetId) -> Option<Arc<str>> {
        let members = self.members(set);
        match members.as_ref() {
            [one] => match self.get(*one) {
                Obj::Text(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The only constant number of a set.
    pub fn number(&self, set: SetId) -> Option<i64> {
        let members = self.members(set);
        match members.as_ref() {
            [one] => match self.get(*one) {
                Obj::Number(number) => Some(*number),
                Obj::Null => Some(0),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Fields of fields: as deep as the design says.
const PATH_MAX: usize = 5;

/// More different constants in one place are a counter or a table.
const CONSTANTS_MAX: usize = 6;

/// More objects in one place say little about each.
const SET_MAX: usize = 48;
