//! `policydb_read`: everything that the kernel reads, in its order. Values are kept where a question can be asked about
//! them; the rest is read over.

use std::collections::BTreeMap;

use model::{Fault, Reader};

use crate::text::string;

/// A policy.
#[derive(Debug, Default)]
pub struct Policydb {
    /// `policyvers`.
    pub version: u32,
    /// Numbers of the domains in which nothing is enforced.
    pub permissive: Vec<u32>,
    /// Classes by number from 1.
    pub classes: BTreeMap<u32, Class>,
    /// Types and attributes by number from 1.
    pub types: BTreeMap<u32, Type>,
    /// Other names of types.
    pub aliases: BTreeMap<String, u32>,
    /// Whether all types were read.
    pub has_types: bool,
    /// For each type the types and attributes that rules may name it by, itself included; sorted.
    pub attributes: BTreeMap<u32, Vec<u32>>,
    /// Rules on access and transitions.
    pub rules: Vec<Rule>,
    /// What must hold besides, class by class.
    pub constraints: Vec<Constraint>,
    /// Labels of file systems that have none of their own, path by path.
    pub genfs: Vec<Genfs>,
    /// How many there are of what is read over.
    pub counts: Counts,
}

/// `constrain`, `mlsconstrain`: what is allowed holds only where this is true as well.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Constraint {
    /// The class.
    pub class: u32,
    /// For which permissions, as bits.
    pub permissions: u32,
    /// The expression, operands before their operator.
    pub terms: Vec<Term>,
}

/// `struct constraint_expr`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Term {
    /// `expr_type`.
    pub kind: u32,
    /// `attr`: what is compared.
    pub attr: u32,
    /// `op`: how.
    pub op: u32,
    /// The types that it is compared with, attributes resolved.
    pub names: Vec<u32>,
}

impl Term {
    /// `CEXPR_NOT`.
    pub const NOT: u32 = 1;
    /// `CEXPR_AND`.
    pub const AND: u32 = 2;
    /// `CEXPR_OR`.
    pub const OR: u32 = 3;
    /// `CEXPR_ATTR`.
    pub const COMPARE: u32 = 4;
    /// `CEXPR_NAMES`.
    pub const NAMES: u32 = 5;
    /// `CEXPR_USER`.
    pub const USER: u32 = 1;
    /// `CEXPR_ROLE`.
    pub const ROLE: u32 = 2;
    /// `CEXPR_TYPE`.
    pub const TYPE: u32 = 4;
    /// `CEXPR_TARGET`.
    pub const TARGET: u32 = 8;
    /// `CEXPR_XTARGET`.
    pub const THIRD: u32 = 16;
    /// `CEXPR_L1L2`.
    pub const L1L2: u32 = 32;
    /// `CEXPR_L1H2`.
    pub const L1H2: u32 = 64;
    /// `CEXPR_H1L2`.
    pub const H1L2: u32 = 128;
    /// `CEXPR_H1H2`.
    pub const H1H2: u32 = 256;
    /// `CEXPR_L1H1`.
    pub const L1H1: u32 = 512;
    /// `CEXPR_L2H2`.
    pub const L2H2: u32 = 1024;
}

/// `genfscon`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Genfs {
    /// The file system.
    pub fs: String,
    /// The beginning of a path in it.
    pub path: String,
    /// The type.
    pub label: u32,
}

/// How many there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Types and attributes, those without a name too.
    pub types: u64,
    /// Roles.
    pub roles: u64,
    /// Users.
    pub users: u64,
    /// Booleans.
    pub booleans: u64,
    /// Sensitivities, other names for them left out.
    pub levels: u64,
    /// Categories, other names for them left out.
    pub categories: u64,
    /// Constraints of classes.
    pub constraints: u64,
    /// Conditional blocks.
    pub conditionals: u64,
    /// Transitions of types by the name of a file.
    pub filename_transitions: u64,
    /// Initial contexts.
    pub initial_sids: u64,
    /// Rules on file systems that label themselves.
    pub fs_uses: u64,
    /// Rules on file systems that do not.
    pub genfs: u64,
    /// Contexts of ports.
    pub ports: u64,
}

/// A class with its permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Names of permissions by number from 1, those of its common class included.
    pub permissions: BTreeMap<u32, String>,
}

/// A type or an attribute.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Type {
    /// Its name.
    pub name: String,
    /// Whether it stands for several types.
    pub is_attribute: bool,
}

/// An entry of the access vector table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What it says.
    pub kind: Kind,
    /// Type or attribute of who acts.
    pub source: u32,
    /// Type or attribute of what is acted on.
    pub target: u32,
    /// The class.
    pub class: u32,
    /// Permissions as a set of bits, or the number of a type.
    pub data: u32,
    /// Driver and set of `ioctl` numbers, for extended permissions.
    pub extended: Option<(u8, u8, [u32; 8])>,
    /// Whether a boolean decides about it, and whether it now holds.
    pub conditional: Option<bool>,
}

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// `allow`.
    Allow,
    /// `auditallow`.
    AuditAllow,
    /// `dontaudit`; the data are the permissions that are still audited.
    DontAudit,
    /// `type_transition`.
    Transition,
    /// `type_change`.
    Change,
    /// `type_member`.
    Member,
    /// `allowxperm`.
    AllowExtended,
    /// `auditallowxperm`.
    AuditAllowExtended,
    /// `dontauditxperm`.
    DontAuditExtended,
}

impl Policydb {
    /// Reads a policy. What was read before a fault stays; with where reading ended.
    pub fn read(bytes: &[u8]) -> (Policydb, u64, Result<(), Fault>) {
        let mut reader = Reader::new(bytes);
        let mut policydb = Policydb::default();
        let result = policydb.read_all(&mut reader);
        (policydb, reader.offset(), result)
    }

    /// The name of a type or attribute.
    pub fn name_of_type(&self, value: u32) -> Option<&str> {
        self.types.get(&value).map(|it| it.name.as_str())
    }

    /// How many types and attributes there are.
    pub fn n_types(&self) -> usize {
        self.types.len()
    }

    fn read_all(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        reader.expect(&MAGIC, "magic")?;
        let len = reader.u32_le("length of target")?;
        let len = reader.fits(len.into(), 1, "length of target")?;
        reader.skip(len, "target")?;
        self.version = reader.u32_le("policyvers")?;
        let version = self.version;
        reader.skip(4, "config")?;
        let (n_tables, n_contexts) = (reader.u32_le("sym_num")?, reader.u32_le("ocon_num")?);
        if POLICY_CAPABILITIES <= version {
            read_bitmap(reader, |_| ())?;
        }
        if PERMISSIVE <= version {
            read_bitmap(reader, |value| self.permissive.push(value))?;
        }
        if NEVERAUDIT <= version {
            read_bitmap(reader, |_| ())?;
        }
        self.read_tables(reader, n_tables)?;
        read_avtab(reader, version, None, &mut self.rules)?;
        if BOOLEANS <= version {
            self.read_conditionals(reader)?;
        }
        let size = if ROLE_TRANSITION_CLASS <= version { 16 } else { 12 };
        let n = reader.u32_le("number of role transitions")?;
        let n = reader.fits(n.into(), size, "number of role transitions")?;
        reader.skip(n.saturating_mul(if ROLE_TRANSITION_CLASS <= version { 16 } else { 12 }), "role transitions")?;
        let n = reader.u32_le("number of role allows")?;
        let n = reader.fits(n.into(), 8, "number of role allows")?;
        reader.skip(n.saturating_mul(8), "role allows")?;
        if FILENAME_TRANSITION <= version {
            self.read_filename_transitions(reader)?;
        }
        self.read_contexts(reader, n_contexts)?;
        self.read_genfs(reader)?;
        if MLS <= version {
            read_range_transitions(reader, version)?;
        }
        if AVTAB <= version {
            for value in 1..=reader.fits(self.counts.types, 12, "number of types")? {
                let value = u32::try_from(value).unwrap_or(u32::MAX);
                let mut attributes = Vec::new();
                read_bitmap(reader, |bit| attributes.push(bit.saturating_add(1)))?;
                self.attributes.insert(value, attributes);
            }
        }
        Ok(())
    }

    fn read_tables(&mut self, reader: &mut Reader, n_tables: u32) -> Result<(), Fault> {
        let version = self.version;
        let mut commons: BTreeMap<String, BTreeMap<u32, String>> = BTreeMap::new();
        for _ in 0..table(reader, 16)? {
            let (name, permissions) = read_common(reader)?;
            commons.insert(name, permissions);
        }
        for _ in 0..table(reader, 24)? {
            self.read_class(reader, &commons)?;
        }
        self.counts.roles = table(reader, 32)? as u64;
        for _ in 0..self.counts.roles {
            read_role(reader, version)?;
        }
        // Before attributes had names of their own, they had numbers all the same: `nprim` counts them too.
        self.counts.types = u64::from(reader.clone().u32_le("nprim")?);
        for _ in 0..table(reader, 12)? {
            self.read_type(reader)?;
        }
        self.has_types = true;
        self.counts.users = table(reader, 12)? as u64;
        for _ in 0..self.counts.users {
            read_user(reader, version)?;
        }
        if 6 <= n_tables {
            self.counts.booleans = table(reader, 12)? as u64;
            for _ in 0..self.counts.booleans {
                reader.skip(8, "value, state of boolean")?;
                let len = reader.u32_le("length of boolean")?;
                name(reader, len)?;
            }
        }
        if 8 <= n_tables {
            for _ in 0..table(reader, 8)? {
                let len = reader.u32_le("length of level")?;
                let is_alias = reader.u32_le("isalias of level")? != 0;
                name(reader, len)?;
                read_level(reader)?;
                self.counts.levels = self.counts.levels.saturating_add(u64::from(!is_alias));
            }
            for _ in 0..table(reader, 12)? {
                let len = reader.u32_le("length of category")?;
                reader.skip(4, "value of category")?;
                let is_alias = reader.u32_le("isalias of category")? != 0;
                name(reader, len)?;
                self.counts.categories = self.counts.categories.saturating_add(u64::from(!is_alias));
            }
        }
        Ok(())
    }

    /// `class_read`.
    fn read_class(
        &mut self,
        reader: &mut Reader,
        commons: &BTreeMap<String, BTreeMap<u32, String>>,
    ) -> Result<(), Fault> {
        let version = self.version;
        let len = reader.u32_le("length of class")?;
        let common_len = reader.u32_le("length of common of class")?;
        let value = reader.u32_le("value of class")?;
        reader.skip(4, "nprim of class")?;
        let nel = reader.u32_le("nel of class")?;
        let n_constraints = reader.u32_le("number of constraints")?;
        let name_of_class = string(name(reader, len)?);
        let common = string(name(reader, common_len)?);
        let mut permissions = commons.get(&common).cloned().unwrap_or_default();
        read_permissions(reader, nel, &mut permissions)?;
        self.read_constraints(reader, value, n_constraints)?;
        if VALIDATE_TRANSITION <= version {
            let n_constraints = reader.u32_le("number of validatetrans")?;
            // What a new label must satisfy is no question of who may do what.
            let n_kept = self.constraints.len();
            self.read_constraints(reader, value, n_constraints)?;
            self.constraints.truncate(n_kept);
        }
        if NEW_OBJECT_DEFAULTS <= version {
            reader.skip(12, "defaults of class")?;
        }
        if DEFAULT_TYPE <= version {
            reader.skip(4, "default_type of class")?;
        }
        self.classes.insert(value, Class { name: name_of_class, permissions });
        Ok(())
    }

    /// `read_cons_helper`.
    fn read_constraints(&mut self, reader: &mut Reader, class: u32, n_constraints: u32) -> Result<(), Fault> {
        for _ in 0..reader.fits(n_constraints.into(), 8, "number of constraints")? {
            self.counts.constraints = self.counts.constraints.saturating_add(1);
            let permissions = reader.u32_le("permissions of constraint")?;
            let nexpr = reader.u32_le("nexpr of constraint")?;
            let mut terms = Vec::new();
            for _ in 0..reader.fits(nexpr.into(), 12, "nexpr of constraint")? {
                let kind = reader.u32_le("expr_type")?;
                let (attr, op) = (reader.u32_le("attr of constraint")?, reader.u32_le("op of constraint")?);
                let mut names = Vec::new();
                if kind == Term::NAMES {
                    read_bitmap(reader, |bit| names.push(bit.saturating_add(1)))?;
                    if CONSTRAINT_NAMES <= self.version {
                        read_bitmap(reader, |_| ())?;
                        read_bitmap(reader, |_| ())?;
                        reader.skip(4, "flags of type set")?;
                    }
                }
                terms.push(Term { kind, attr, op, names });
            }
            self.constraints.push(Constraint { class, permissions, terms });
        }
        Ok(())
    }

    /// `type_read`.
    fn read_type(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        let len = reader.u32_le("length of type")?;
        let value = reader.u32_le("value of type")?;
        let properties = reader.u32_le("properties of type")?;
        let mut is_alias = properties == 0;
        let mut is_attribute = false;
        if BOUNDARY <= self.version {
            is_alias = properties & (TYPE_PRIMARY | TYPE_ATTRIBUTE) == 0;
            is_attribute = properties & TYPE_ATTRIBUTE != 0;
            reader.skip(4, "bounds of type")?;
        }
        let name = string(name(reader, len)?);
        if is_alias {
            self.aliases.insert(name, value);
        } else {
            self.types.insert(value, Type { name, is_attribute });
        }
        Ok(())
    }

    /// `cond_read_list`.
    fn read_conditionals(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        let n = reader.u32_le("number of conditionals")?;
        self.counts.conditionals = reader.fits(n.into(), 16, "number of conditionals")? as u64;
        for _ in 0..self.counts.conditionals {
            let holds = reader.u32_le("cur_state")? == 1;
            let n = reader.u32_le("length of expression")?;
            let n = reader.fits(n.into(), 8, "length of expression")?;
            reader.skip(n.saturating_mul(8), "expression")?;
            for branch in [true, false] {
                let n = reader.u32_le("number of conditional rules")?;
                for _ in 0..reader.fits(n.into(), 8, "number of conditional rules")? {
                    read_rule(reader, self.version, Some(holds == branch), &mut self.rules)?;
                }
            }
        }
        Ok(())
    }

    /// `filename_trans_read`.
    fn read_filename_transitions(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        let n = reader.u32_le("number of filename transitions")?;
        for _ in 0..reader.fits(n.into(), 16, "number of filename transitions")? {
            let len = reader.u32_le("length of filename")?;
            name(reader, len)?;
            if self.version < COMPRESSED_TRANSITION {
                reader.skip(16, "filename transition")?;
                self.counts.filename_transitions = self.counts.filename_transitions.saturating_add(1);
                continue;
            }
            reader.skip(8, "ttype, tclass")?;
            let n = reader.u32_le("ndatum")?;
            for _ in 0..reader.fits(n.into(), 16, "ndatum")? {
                read_bitmap(reader, |_| ())?;
                reader.skip(4, "otype")?;
                self.counts.filename_transitions = self.counts.filename_transitions.saturating_add(1);
            }
        }
        Ok(())
    }

    /// `ocontext_read`.
    fn read_contexts(&mut self, reader: &mut Reader, n_contexts: u32) -> Result<(), Fault> {
        let version = self.version;
        for kind in 0..n_contexts.min(CONTEXT_KINDS) {
            let n = reader.u32_le("number of contexts")?;
            let n = reader.fits(n.into(), 16, "number of contexts")?;
            match kind {
                0 => self.counts.initial_sids = n as u64,
                2 => self.counts.ports = n as u64,
                5 => self.counts.fs_uses = n as u64,
                _ => {}
            }
            for _ in 0..n {
                match kind {
                    0 => reader.skip(4, "sid")?,
                    1 | 3 => {
                        let len = reader.u32_le("length of name")?;
                        name(reader, len)?;
                        read_context(reader, version)?;
                    }
                    2 => reader.skip(12, "port")?,
                    4 => reader.skip(8, "node")?,
                    5 | 8 => {
                        let first = reader.u32_le("behavior")?;
                        let second = reader.u32_le("length of name")?;
                        // An end port of InfiniBand states the length first.
                        name(reader, if kind == 5 { second } else { first })?;
                    }
                    6 => reader.skip(32, "node")?,
                    _ => reader.skip(16, "key of InfiniBand")?,
                }
                read_context(reader, version)?;
            }
        }
        Ok(())
    }

    /// `genfs_read`.
    fn read_genfs(&mut self, reader: &mut Reader) -> Result<(), Fault> {
        let n = reader.u32_le("number of file systems")?;
        for _ in 0..reader.fits(n.into(), 8, "number of file systems")? {
            let len = reader.u32_le("length of file system")?;
            let fs = string(name(reader, len)?);
            let n = reader.u32_le("number of paths")?;
            for _ in 0..reader.fits(n.into(), 20, "number of paths")? {
                let len = reader.u32_le("length of path")?;
                let path = string(name(reader, len)?);
                reader.skip(4, "sclass")?;
                let label = read_context(reader, self.version)?;
                self.genfs.push(Genfs { fs: fs.clone(), path, label });
                self.counts.genfs = self.counts.genfs.saturating_add(1);
            }
        }
        Ok(())
    }
}

/// The head of a symbol table: how many entries of at least `size` bytes follow.
fn table(reader: &mut Reader, size: u64) -> Result<usize, Fault> {
    reader.skip(4, "nprim")?;
    let nel = reader.u32_le("nel")?;
    reader.fits(nel.into(), size, "nel")
}

fn name<'a>(reader: &mut Reader<'a>, len: u32) -> Result<&'a [u8], Fault> {
    let len = reader.fits(len.into(), 1, "length of name")?;
    reader.take(len, "name")
}

/// `common_read`.
fn read_common(reader: &mut Reader) -> Result<(String, BTreeMap<u32, String>), Fault> {
    let len = reader.u32_le("length of common")?;
    reader.skip(8, "value, nprim of common")?;
    let nel = reader.u32_le("nel of common")?;
    let name = string(name(reader, len)?);
    let mut permissions = BTreeMap::new();
    read_permissions(reader, nel, &mut permissions)?;
    Ok((name, permissions))
}

/// `perm_read`, so many times.
fn read_permissions(reader: &mut Reader, nel: u32, permissions: &mut BTreeMap<u32, String>) -> Result<(), Fault> {
    for _ in 0..reader.fits(nel.into(), 8, "number of permissions")? {
        let len = reader.u32_le("length of permission")?;
        let value = reader.u32_le("value of permission")?;
        permissions.insert(value, string(name(reader, len)?));
    }
    Ok(())
}

/// `role_read`.
fn read_role(reader: &mut Reader, version: u32) -> Result<(), Fault> {
    let len = reader.u32_le("length of role")?;
    reader.skip(if BOUNDARY <= version { 8 } else { 4 }, "value, bounds of role")?;
    name(reader, len)?;
    read_bitmap(reader, |_| ())?;
    read_bitmap(reader, |_| ())
}

/// `user_read`.
fn read_user(reader: &mut Reader, version: u32) -> Result<(), Fault> {
    let len = reader.u32_le("length of user")?;
    reader.skip(if BOUNDARY <= version { 8 } else { 4 }, "value, bounds of user")?;
    name(reader, len)?;
    read_bitmap(reader, |_| ())?;
    if MLS <= version {
        read_range(reader)?;
        read_level(reader)?;
    }
    Ok(())
}

/// `mls_read_level`.
fn read_level(reader: &mut Reader) -> Result<(), Fault> {
    reader.skip(4, "sensitivity")?;
    read_bitmap(reader, |_| ())
}

/// `mls_read_range_helper`.
fn read_range(reader: &mut Reader) -> Result<(), Fault> {
    let at = reader.offset();
    let items = reader.u32_le("items of range")?;
    let items = usize::try_from(items).ok().filter(|it| matches!(it, 1 | 2));
    let items = items.ok_or(Fault::malformed("items of range", at))?;
    reader.skip(items.saturating_mul(4), "sensitivities")?;
    for _ in 0..items {
        read_bitmap(reader, |_| ())?;
    }
    Ok(())
}

/// `context_read_and_validate`: the type.
fn read_context(reader: &mut Reader, version: u32) -> Result<u32, Fault> {
    reader.skip(8, "user, role of context")?;
    let label = reader.u32_le("type of context")?;
    if MLS <= version {
        read_range(reader)?;
    }
    Ok(label)
}

/// `range_read`.
fn read_range_transitions(reader: &mut Reader, version: u32) -> Result<(), Fault> {
    let n = reader.u32_le("number of range transitions")?;
    for _ in 0..reader.fits(n.into(), 8, "number of range transitions")? {
        reader.skip(if RANGE_TRANSITION_CLASS <= version { 12 } else { 8 }, "range transition")?;
        read_range(reader)?;
    }
    Ok(())
}

/// `avtab_read`.
fn read_avtab(
    reader: &mut Reader,
    version: u32,
    conditional: Option<bool>,
    rules: &mut Vec<Rule>,
) -> Result<(), Fault> {
    let n = reader.u32_le("number of rules")?;
    for _ in 0..reader.fits(n.into(), 8, "number of rules")? {
        read_rule(reader, version, conditional, rules)?;
    }
    Ok(())
}

/// `avtab_read_item`.
fn read_rule(reader: &mut Reader, version: u32, conditional: Option<bool>, rules: &mut Vec<Rule>) -> Result<(), Fault> {
    let at = reader.offset();
    let mut add = |(source, target, class), kind, data, extended| {
        rules.push(Rule { kind, source, target, class, data, extended, conditional });
    };
    if version < AVTAB {
        // Several rules in one entry, each with a bit of its own.
        let n = reader.u32_le("items of rule")?;
        let n = reader.fits(n.into(), 4, "items of rule")?;
        let mut items = Reader::at(reader.take(n.saturating_mul(4), "items of rule")?, at);
        let key = (items.u32_le("source_type")?, items.u32_le("target_type")?, items.u32_le("target_class")?);
        let specified = items.u32_le("specified")?;
        for (bit, kind) in OLD_ORDER {
            if specified & bit != 0 {
                add(key, kind, items.u32_le("datum")?, None);
            }
        }
        return Ok(());
    }
    let key = (
        reader.u16_le("source_type")?.into(),
        reader.u16_le("target_type")?.into(),
        reader.u16_le("target_class")?.into(),
    );
    let specified = u32::from(reader.u16_le("specified")?) & !ENABLED;
    let kind = KINDS.iter().find(|it| it.0 == specified).map(|it| it.1).ok_or(Fault::malformed("specified", at))?;
    if specified & EXTENDED == 0 {
        add(key, kind, reader.u32_le("datum")?, None);
        return Ok(());
    }
    let (how, driver) = (reader.u8("specified of extended permissions")?, reader.u8("driver")?);
    let mut perms = [0; 8];
    for word in &mut perms {
        *word = reader.u32_le("extended permissions")?;
    }
    add(key, kind, 0, Some((how, driver, perms)));
    Ok(())
}

/// `ebitmap_read`: calls `each` with the numbers of the bits that are set. Work is bounded by the bytes.
fn read_bitmap(reader: &mut Reader, mut each: impl FnMut(u32)) -> Result<(), Fault> {
    let at = reader.offset();
    if reader.u32_le("mapunit")? != 64 {
        return Err(Fault::malformed("mapunit", at));
    }
    reader.skip(4, "highbit")?;
    let count = reader.u32_le("count of bitmap")?;
    for _ in 0..reader.fits(count.into(), 12, "count of bitmap")? {
        let start = reader.u32_le("startbit")?;
        let map = reader.u64_le("map")?;
        (0..64u32).filter(|it| map & 1u64.wrapping_shl(*it) != 0).for_each(|it| each(start.saturating_add(it)));
    }
    Ok(())
}

/// `POLICYDB_MAGIC`, little-endian.
pub const MAGIC: [u8; 4] = 0xf97c_ff8c_u32.to_le_bytes();

/// `POLICYDB_STRING`.
pub const TARGET: &[u8] = b"SE Linux";

// `POLICYDB_VERSION_…` of security/selinux/include/security.h: from which version on something is there.
const BOOLEANS: u32 = 16;
const MLS: u32 = 19;
const VALIDATE_TRANSITION: u32 = 19;
const AVTAB: u32 = 20;
const RANGE_TRANSITION_CLASS: u32 = 21;
const POLICY_CAPABILITIES: u32 = 22;
const PERMISSIVE: u32 = 23;
const BOUNDARY: u32 = 24;
const FILENAME_TRANSITION: u32 = 25;
const ROLE_TRANSITION_CLASS: u32 = 26;
const NEW_OBJECT_DEFAULTS: u32 = 27;
const DEFAULT_TYPE: u32 = 28;
const CONSTRAINT_NAMES: u32 = 29;
const COMPRESSED_TRANSITION: u32 = 33;
const NEVERAUDIT: u32 = 35;

/// `TYPEDATUM_PROPERTY_PRIMARY`, `TYPEDATUM_PROPERTY_ATTRIBUTE`.
const TYPE_PRIMARY: u32 = 1;
const TYPE_ATTRIBUTE: u32 = 2;

/// `OCON_NUM`.
const CONTEXT_KINDS: u32 = 9;

/// `AVTAB_ENABLED`, `AVTAB_XPERMS`.
const ENABLED: u32 = 0x8000;
const EXTENDED: u32 = 0x0700;

/// `AVTAB_…` of security/selinux/ss/avtab.h.
const KINDS: [(u32, Kind); 9] = [
    (0x0001, Kind::Allow),
    (0x0002, Kind::AuditAllow),
    (0x0004, Kind::DontAudit),
    (0x0010, Kind::Transition),
    (0x0020, Kind::Member),
    (0x0040, Kind::Change),
    (0x0100, Kind::AllowExtended),
    (0x0200, Kind::AuditAllowExtended),
    (0x0400, Kind::DontAuditExtended),
];

/// `spec_order` of avtab.c.
const OLD_ORDER: [(u32, Kind); 6] = [
    (0x0001, Kind::Allow),
    (0x0004, Kind::DontAudit),
    (0x0002, Kind::AuditAllow),
    (0x0010, Kind::Transition),
    (0x0040, Kind::Change),
    (0x0020, Kind::Member),
];
