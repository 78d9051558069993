//! Policies in CIL, linked, beside what `secilc` makes of the same files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use formats::cil;
use formats::sepolicy::{Policydb, RuleKind};

use super::policy_made::{Dice, dice_of};

/// Links files, and has `secilc` compile them; a file that is no text is one that is compiled already. What every type may do to every other must be the same, and what is
/// permissive, how processes change domains, what `ioctl` numbers are allowed. How many of these differ.
pub fn compare(files: &[&Path]) -> Result<u64> {
    let is_text = |it: &&&Path| it.extension().is_some_and(|it| it == "cil");
    let (files, compiled): (Vec<&Path>, Vec<&Path>) = files.iter().partition(is_text);
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|it| Ok((it.display().to_string(), fs::read_to_string(it).with_context(|| it.display().to_string())?)))
        .collect::<Result<_>>()?;
    let named: Vec<(&str, &str)> = texts.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let linked = cil::link(&named);
    let out = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracle/linked");
    // As Android's init calls it; without looking at what is forbidden.
    let mut command = Command::new("secilc");
    command.args(["-m", "-M", "true", "-G", "-N", "-c", "30", "-f", "/dev/null", "-o"]).arg(&out).args(&files);
    let output = command.output().context("secilc (Debian package secilc)")?;
    if !output.status.success() {
        bail!("secilc refuses {}: {}", named[0].0, String::from_utf8_lossy(&output.stderr));
    }
    let mut faults = 0;
    for gap in &linked.gaps {
        println!("{}: {gap}", named[0].0);
        faults += 1;
    }
    for theirs in std::iter::once(out.as_path()).chain(compiled) {
        let bytes = fs::read(theirs)?;
        faults += same(named[0].0, &linked.policydb, &bytes).with_context(|| theirs.display().to_string())?;
    }
    Ok(faults)
}

/// A linked policy beside one that is compiled.
fn same(what: &str, linked: &Policydb, compiled: &[u8]) -> Result<u64> {
    let (theirs, _, result) = Policydb::read(compiled);
    result?;
    let (mut faults, mut n) = (0, 0);
    for (asked, of) in ASKED {
        let (ours, theirs) = (of(linked), of(&theirs));
        n += ours.len();
        if ours != theirs {
            faults += 1;
            println!("{what}: {asked}: {}, compiled {}", ours.len(), theirs.len());
            for line in ours.symmetric_difference(&theirs).take(5) {
                println!("  only {}: {line}", if ours.contains(line) { "linked" } else { "compiled" });
            }
        }
    }
    println!("{what}: linked beside compiled: {n} answers compared, {faults} kinds differ");
    Ok(faults)
}

/// Links so many that are made up, each of three files.
pub fn made(n: u64) -> Result<u64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/oracle/cil");
    fs::create_dir_all(&folder)?;
    let mut faults = 0;
    for seed in 0..n {
        let texts = texts_of(seed);
        let paths: Vec<PathBuf> = (0..texts.len()).map(|it| folder.join(format!("{seed}-{it}.cil"))).collect();
        for (path, text) in paths.iter().zip(&texts) {
            fs::write(path, text)?;
        }
        let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        faults += compare(&paths)?;
    }
    Ok(faults)
}

type Asked = fn(&Policydb) -> BTreeSet<String>;

const ASKED: [(&str, Asked); 6] = [
    ("what every type may do", access),
    ("permissive", permissive),
    ("transitions", transitions),
    ("numbers of ioctl", extended),
    ("labels of file systems", genfs),
    ("constraints", constraints),
];

fn name(policydb: &Policydb, value: u32) -> &str {
    policydb.name_of_type(value).unwrap_or("?")
}

fn class(policydb: &Policydb, value: u32) -> &str {
    policydb.classes.get(&value).map_or("?", |it| &it.name)
}

/// A line for each type, type and class.
fn access(policydb: &Policydb) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    let prepared = policydb.prepared();
    for (value, it) in policydb.types.iter().filter(|it| !it.1.is_attribute) {
        for ((target, of), bits) in prepared.access_of(*value) {
            let permissions: Vec<String> = policydb.permissions(of, bits).into_iter().collect();
            if !permissions.is_empty() {
                let (target, of) = (name(policydb, target), class(policydb, of));
                lines.insert(format!("{} {target} {of} {}", it.name, permissions.join(" ")));
            }
        }
    }
    lines
}

fn permissive(policydb: &Policydb) -> BTreeSet<String> {
    policydb.permissive.iter().map(|it| name(policydb, *it).to_owned()).collect()
}

fn transitions(policydb: &Policydb) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for rule in policydb.rules.iter().filter(|it| it.kind == RuleKind::Transition) {
        for source in policydb.members(rule.source) {
            for target in policydb.members(rule.target) {
                let names = [source, target, rule.data].map(|it| name(policydb, it));
                lines.insert(format!("{} {}", names.join(" "), class(policydb, rule.class)));
            }
        }
    }
    lines
}

fn extended(policydb: &Policydb) -> BTreeSet<String> {
    let mut numbers: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for rule in policydb.rules.iter().filter(|it| it.kind == RuleKind::AllowExtended) {
        for source in policydb.members(rule.source) {
            for target in policydb.members(rule.target) {
                let key =
                    format!("{} {} {}", name(policydb, source), name(policydb, target), class(policydb, rule.class));
                numbers.entry(key).or_default().extend(rule.numbers());
            }
        }
    }
    numbers.into_iter().map(|(key, numbers)| format!("{key} {numbers:?}")).collect()
}

fn genfs(policydb: &Policydb) -> BTreeSet<String> {
    policydb.genfs.iter().map(|it| format!("{} {} {}", it.fs, it.path, name(policydb, it.label))).collect()
}

/// Operands of `or` and `and` may stand in another order: terms are told sorted.
fn constraints(policydb: &Policydb) -> BTreeSet<String> {
    let of = |it: &formats::sepolicy::Constraint| {
        let mut terms: Vec<String> = it
            .terms
            .iter()
            .map(|it| {
                let names: BTreeSet<&str> = it.names.iter().map(|it| name(policydb, *it)).collect();
                format!("{} {} {} {names:?}", it.kind, it.attr, it.op)
            })
            .collect();
        terms.sort();
        format!(
            "{} {:?} {}",
            class(policydb, it.class),
            policydb.permissions(it.class, it.permissions),
            terms.join("; ")
        )
    };
    policydb.constraints.iter().map(of).collect()
}

/// The texts of a policy: a platform, a mapping, a vendor.
fn texts_of(seed: u64) -> [String; 3] {
    let mut dice = dice_of(seed);
    let n = 5 + dice.below(20);
    let types: Vec<String> = (0..n).map(|it| format!("t{it}")).collect();
    let n_attributes = 2 + dice.below(6);
    let attributes: Vec<String> = (0..n_attributes).map(|it| format!("a{it}")).collect();
    let (mut platform, mut mapping, mut vendor) = (HEAD.to_owned(), String::new(), String::new());
    // Writing to a string cannot fail.
    let line = |text: &mut String, it: String| _ = writeln!(text, "{it}");
    for (n, it) in types.iter().enumerate() {
        line(&mut platform, format!("(type {it})\n(roletype r {it})"));
        if n % 4 == 1 {
            line(&mut platform, format!("(typealias {it}_old)\n(typealiasactual {it}_old {it})"));
        }
        line(&mut mapping, format!("(typeattribute {it}_29_0)\n(typeattributeset {it}_29_0 ({it}))"));
        line(&mut mapping, format!("(expandtypeattribute ({it}_29_0) {})", dice.of(&["true", "false"])));
    }
    for (n, it) in attributes.iter().enumerate() {
        line(&mut platform, format!("(typeattribute {it})"));
        // Attributes stand for types, and for attributes before them.
        let names: Vec<&String> = types.iter().chain(&attributes[..n]).collect();
        for _ in 0..1 + dice.below(2) {
            let set = expression(&mut dice, &names, 3);
            line(&mut platform, format!("(typeattributeset {it} {set})"));
        }
    }
    let all: Vec<String> = types.iter().chain(&attributes).cloned().collect();
    let versioned: Vec<String> = types.iter().map(|it| format!("{it}_29_0")).chain(attributes.clone()).collect();
    for (text, names) in [(&mut platform, &all), (&mut vendor, &versioned)] {
        for _ in 0..dice.below(60) {
            let rule = rule(&mut dice, names);
            line(text, rule);
        }
    }
    line(&mut platform, format!("(allow t1_old t0 (file (read)))\n(typepermissive {})", dice.of(&types)));
    line(&mut platform, "(classmap files (look change))".to_owned());
    line(
        &mut platform,
        "(classmapping files look (file (read open)))\n(classmapping files look (dir (search)))".to_owned(),
    );
    line(&mut platform, "(classmapping files change (file (not (read))))".to_owned());
    line(&mut platform, format!("(allow {} {} (files (look)))", dice.of(&all), dice.of(&all)));
    line(&mut platform, "(classpermission both)\n(classpermissionset both (chr_file (all)))".to_owned());
    line(&mut platform, format!("(allow {} {} both)", dice.of(&all), dice.of(&all)));
    line(&mut platform, "(permissionx some (ioctl chr_file (and (range 0x1000 0x12ff) (not (0x1005)))))".to_owned());
    line(&mut platform, format!("(allowx {} {} some)", dice.of(&types), dice.of(&types)));
    line(
        &mut platform,
        format!("(allowx {} {} (ioctl chr_file (0x5401 (range 0x8900 0x8aff))))", dice.of(&all), dice.of(&all)),
    );
    line(
        &mut platform,
        "(macro reads ((type who) (type what)) (allow who what (file (read open))) (call looks (who)))".to_owned(),
    );
    line(&mut platform, "(macro looks ((type who)) (allow who t2 (dir (search))))".to_owned());
    line(&mut vendor, format!("(call reads ({} {}))", dice.of(&types), dice.of(&all)));
    line(&mut platform, "(block outer (type own)(roletype .r own)(allow own .t0 (file (open)))(block inner (type own)(roletype .r own)(allow own .t0 (file (read)))))".to_owned());
    line(
        &mut vendor,
        format!(
            "(allow outer.own {} (file (read)))\n(allow {} outer.inner.own (file (read)))",
            dice.of(&types),
            dice.of(&types)
        ),
    );
    line(&mut vendor, "(in outer (type more)(roletype .r more)(allow own more (file (read))))".to_owned());
    line(
        &mut platform,
        "(block base (blockabstract base) (type d)(roletype .r d)(allow d d (process (fork))))".to_owned(),
    );
    line(&mut vendor, "(block child (blockinherit base)(allow d .t1 (file (read))))".to_owned());
    // One is there, one is not, one depends on what the second would have declared.
    line(&mut vendor, format!("(optional o1 (allow {} {} (file (read open))))", dice.of(&all), dice.of(&all)));
    line(&mut vendor, "(optional o2 (type maybe)(roletype r maybe)(allow maybe nothing (file (read))))".to_owned());
    line(&mut vendor, "(optional o3 (allow t0 maybe (file (read open))))".to_owned());
    line(
        &mut platform,
        format!("(boolean b {})\n(tunable t {})", dice.of(&["true", "false"]), dice.of(&["true", "false"])),
    );
    line(
        &mut platform,
        format!(
            "(booleanif b (true (allow {} t0 (dir (search)))) (false (allow {} t1 (dir (add_name)))))",
            dice.of(&types),
            dice.of(&types)
        ),
    );
    line(
        &mut platform,
        format!(
            "(tunableif (not t) (true (allow {} t0 (process (fork)))) (false (allow {} t1 (process (fork)))))",
            dice.of(&types),
            dice.of(&types)
        ),
    );
    for n in 0..dice.below(5) {
        line(&mut platform, format!("(typetransition {} t{} process {})", types[n], n, dice.of(&types)));
        line(&mut platform, format!("(genfscon proc \"/p{n}\" (u r {} ((s0) (s0))))", dice.of(&types)));
    }
    line(
        &mut vendor,
        format!(
            "(mlsconstrain (file (read open)) (or (dom l1 l2) (or (eq t1 {}) (neq t2 ({} {})))))",
            dice.of(&attributes),
            dice.of(&types),
            dice.of(&types)
        ),
    );
    line(&mut vendor, "(constrain (process (transition)) (and (eq u1 u2) (not (eq r1 r2))))".to_owned());
    [platform, mapping, vendor]
}

fn rule(dice: &mut Dice, names: &[String]) -> String {
    let (class, permissions) = dice.of(CLASSES);
    let chosen: Vec<&str> = permissions.iter().copied().filter(|_| dice.below(2) == 0).collect();
    let chosen = if chosen.is_empty() { permissions[0].to_owned() } else { chosen.join(" ") };
    let set = match dice.below(6) {
        0 => "(all)".to_owned(),
        1 if chosen.split(' ').count() < permissions.len() => format!("(not ({chosen}))"),
        2 if 2 < permissions.len() => format!("(and (all) (not ({})))", permissions[0]),
        _ => format!("({chosen})"),
    };
    let target = if dice.below(6) == 0 { "self".to_owned() } else { dice.of(names).clone() };
    let kind = *dice.of(&["allow", "allow", "allow", "dontaudit", "auditallow"]);
    format!("({kind} {} {target} ({class} {set}))", dice.of(names))
}

fn expression(dice: &mut Dice, names: &[&String], depth: usize) -> String {
    let list = |dice: &mut Dice| {
        let chosen: Vec<String> = (0..1 + dice.below(3)).map(|_| (*dice.of(names)).clone()).collect();
        format!("({})", chosen.join(" "))
    };
    if depth == 0 {
        return list(dice);
    }
    match dice.below(6) {
        0 => format!("(and {} {})", expression(dice, names, depth - 1), expression(dice, names, depth - 1)),
        1 => format!("(or {} {})", expression(dice, names, depth - 1), expression(dice, names, depth - 1)),
        2 => format!("(xor {} {})", expression(dice, names, depth - 1), expression(dice, names, depth - 1)),
        3 => format!("(not {})", expression(dice, names, depth - 1)),
        4 => format!("(and (all) (not {}))", list(dice)),
        _ => list(dice),
    }
}

const CLASSES: &[(&str, &[&str])] = &[
    ("file", &["ioctl", "read", "write", "open", "execute", "entrypoint"]),
    ("chr_file", &["ioctl", "read", "write", "open", "execute"]),
    ("dir", &["ioctl", "read", "write", "open", "execute", "search", "add_name"]),
    ("process", &["fork", "transition", "ptrace"]),
    ("property_service", &["set"]),
];

const HEAD: &str = "\
(handleunknown deny)
(mls true)
(policycap open_perms)
(common file (ioctl read write open execute))
(class file (entrypoint))
(classcommon file file)
(class chr_file ())
(classcommon chr_file file)
(class dir (search add_name))
(classcommon dir file)
(class process (fork transition ptrace))
(class property_service (set))
(classorder (file chr_file dir process property_service))
(sensitivity s0)
(sensitivityorder (s0))
(category c0)
(categoryorder (c0))
(sensitivitycategory s0 (c0))
(role object_r)
(role r)
(user u)
(userrole u r)
(userrole u object_r)
(userlevel u (s0))
(userrange u ((s0) (s0 (c0))))
(sid kernel)
(sidorder (kernel))
(sidcontext kernel (u r t0 ((s0) (s0))))
";
