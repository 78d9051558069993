//! SELinux policy as the kernel loads it: as far as is needed to name its permissive domains.

use std::collections::BTreeMap;

use model::fact::policy::Policy;
use model::{Artifact, Fault, Reader};

use crate::text::string;
use crate::{Format, Kind, Reading};

/// The format.
pub static FORMAT: Format = Format {
    id: "sepolicy",
    title: "SELinux binary policy",
    spec: "Linux security/selinux/ss/policydb.c, policydb_read; ebitmap.c, ebitmap_read",
    kind: Kind::Policy,
    matches: |_, head| head.starts_with(&MAGIC) && head.get(8..16) == Some(TARGET),
    read,
};

fn read(artifact: &Artifact, out: &mut Reading) -> Result<(), Fault> {
    let bytes = artifact.blob.read_up_to(0, POLICY_MAX)?;
    let mut reader = Reader::new(&bytes);
    let mut policy = Policy { kind: "binary".to_owned(), partial: true, ..Policy::default() };
    let parsed = read_policy(&mut reader, &mut policy, out);
    let row = out.row(0, reader.offset(), policy);
    out.facts.policies.push(row);
    parsed
}

/// Header, maps and the first four symbol tables, which come in this order in every version. `partial` is taken back
/// once all of it is read.
fn read_policy(reader: &mut Reader, policy: &mut Policy, out: &mut Reading) -> Result<(), Fault> {
    reader.expect(&MAGIC, "magic")?;
    let len = reader.u32_le("length of target")?;
    let len = reader.fits(len.into(), 1, "length of target")?;
    reader.skip(len, "target")?;
    let version = reader.u32_le("policyvers")?;
    policy.version = Some(version);
    let mut partial = VERSION_MAX < version;
    if partial {
        out.gap(format!("version {version} is newer than {VERSION_MAX}: read like that"));
    }
    reader.skip(4, "config")?;
    reader.skip(8, "number of tables")?;
    if POLICY_CAPABILITIES <= version {
        read_bitmap(reader, |_| ())?;
    }
    let mut permissive: BTreeMap<u32, Option<String>> = BTreeMap::new();
    if PERMISSIVE <= version {
        let mut full = false;
        read_bitmap(reader, |value| {
            full |= permissive.len() == PERMISSIVE_MAX;
            if !full {
                permissive.insert(value, None);
            }
        })?;
        if full {
            out.gap(format!("it has more than {PERMISSIVE_MAX} permissive domains"));
            partial = true;
        }
    }
    let mut tables = Ok(());
    if NEVERAUDIT <= version {
        tables = read_bitmap(reader, |_| ());
    }
    let tables = tables.and_then(|()| read_tables(reader, version, &mut policy.n_types, &mut permissive));
    // A number in place of a name still tells that there is one.
    let nameless = permissive.values().filter(|it| it.is_none()).count();
    policy.permissive = permissive.into_iter().map(|(value, name)| name.unwrap_or(format!("#{value}"))).collect();
    policy.permissive.sort();
    if nameless != 0 && tables.is_ok() {
        out.gap(format!("{nameless} permissive domains have no name"));
    }
    tables?;
    policy.partial = partial || nameless != 0;
    Ok(())
}

fn read_tables(
    reader: &mut Reader,
    version: u32,
    n_types: &mut u32,
    permissive: &mut BTreeMap<u32, Option<String>>,
) -> Result<(), Fault> {
    for _ in 0..table(reader, 16)? {
        read_common(reader)?;
    }
    for _ in 0..table(reader, 24)? {
        read_class(reader, version)?;
    }
    for _ in 0..table(reader, 32)? {
        read_role(reader, version)?;
    }
    for _ in 0..table(reader, 12)? {
        let (value, name, is_alias) = read_type(reader, version)?;
        if !is_alias {
            *n_types = n_types.saturating_add(1);
            if let Some(found) = permissive.get_mut(&value) {
                *found = Some(string(name));
            }
        }
    }
    Ok(())
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
fn read_common(reader: &mut Reader) -> Result<(), Fault> {
    let len = reader.u32_le("length of common")?;
    reader.skip(8, "value, nprim of common")?;
    let nel = reader.u32_le("nel of common")?;
    name(reader, len)?;
    read_permissions(reader, nel)
}

/// `perm_read`, so many times.
fn read_permissions(reader: &mut Reader, nel: u32) -> Result<(), Fault> {
    for _ in 0..reader.fits(nel.into(), 8, "number of permissions")? {
        let len = reader.u32_le("length of permission")?;
        reader.skip(4, "value of permission")?;
        name(reader, len)?;
    }
    Ok(())
}

/// `class_read`.
fn read_class(reader: &mut Reader, version: u32) -> Result<(), Fault> {
    let len = reader.u32_le("length of class")?;
    let common_len = reader.u32_le("length of common of class")?;
    reader.skip(8, "value, nprim of class")?;
    let nel = reader.u32_le("nel of class")?;
    let n_constraints = reader.u32_le("number of constraints")?;
    name(reader, len)?;
    name(reader, common_len)?;
    read_permissions(reader, nel)?;
    read_constraints(reader, n_constraints, version)?;
    if VALIDATE_TRANSITION <= version {
        let n_constraints = reader.u32_le("number of validatetrans")?;
        read_constraints(reader, n_constraints, version)?;
    }
    if NEW_OBJECT_DEFAULTS <= version {
        reader.skip(12, "defaults of class")?;
    }
    if DEFAULT_TYPE <= version {
        reader.skip(4, "default_type of class")?;
    }
    Ok(())
}

/// `read_cons_helper`.
fn read_constraints(reader: &mut Reader, n_constraints: u32, version: u32) -> Result<(), Fault> {
    for _ in 0..reader.fits(n_constraints.into(), 8, "number of constraints")? {
        reader.skip(4, "permissions of constraint")?;
        let nexpr = reader.u32_le("nexpr of constraint")?;
        for _ in 0..reader.fits(nexpr.into(), 12, "nexpr of constraint")? {
            let expr_type = reader.u32_le("expr_type")?;
            reader.skip(8, "attr, op of constraint")?;
            if expr_type == CEXPR_NAMES {
                read_bitmap(reader, |_| ())?;
                if CONSTRAINT_NAMES <= version {
                    read_bitmap(reader, |_| ())?;
                    read_bitmap(reader, |_| ())?;
                    reader.skip(4, "flags of type set")?;
                }
            }
        }
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

/// `type_read`: value, name, and whether it is but another name of a type.
fn read_type<'a>(reader: &mut Reader<'a>, version: u32) -> Result<(u32, &'a [u8], bool), Fault> {
    let len = reader.u32_le("length of type")?;
    let value = reader.u32_le("value of type")?;
    let properties = reader.u32_le("properties of type")?;
    let mut is_alias = properties == 0;
    if BOUNDARY <= version {
        is_alias = properties & (TYPE_PRIMARY | TYPE_ATTRIBUTE) == 0;
        reader.skip(4, "bounds of type")?;
    }
    Ok((value, name(reader, len)?, is_alias))
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
const MAGIC: [u8; 4] = 0xf97c_ff8c_u32.to_le_bytes();

/// `POLICYDB_STRING`.
const TARGET: &[u8] = b"SE Linux";

// `POLICYDB_VERSION_…` of security/selinux/include/security.h: from which version on something is there.
const VALIDATE_TRANSITION: u32 = 19;
const POLICY_CAPABILITIES: u32 = 22;
const PERMISSIVE: u32 = 23;
const BOUNDARY: u32 = 24;
const NEW_OBJECT_DEFAULTS: u32 = 27;
const DEFAULT_TYPE: u32 = 28;
const CONSTRAINT_NAMES: u32 = 29;
const NEVERAUDIT: u32 = 35;

/// The newest version whose layout is known here.
const VERSION_MAX: u32 = 33;

/// `CEXPR_NAMES`.
const CEXPR_NAMES: u32 = 5;

/// `TYPEDATUM_PROPERTY_PRIMARY`, `TYPEDATUM_PROPERTY_ATTRIBUTE`.
const TYPE_PRIMARY: u32 = 1;
const TYPE_ATTRIBUTE: u32 = 2;

/// More types than any policy has.
const PERMISSIVE_MAX: usize = 65_536;

/// The largest one seen has 1 MiB; sixteen times that. The tables stand at its start.
const POLICY_MAX: u64 = 16 << 20;
