//! How much of each layer was read, counted from facts and gaps.

use std::collections::BTreeSet;

use knowledge::{Knowledge, PolicyBaseline};
use model::fact::certificate::Role;
use model::fact::code::Container;
use model::fact::image_check::ImageCheck;
use model::report::{CodeCount, Coverage, LayerLine, LayerState, SignedLine};
use model::verdict::Inspected;
use model::{ArtifactId, Layer, NodeKind, Row};
use phone::Phone;

/// Counts every layer.
pub fn of(phone: &Phone) -> (Coverage, Inspected) {
    // Containers repeat what the dex files in them state.
    let dex = phone.facts.code.iter().filter(|it| matches!(it.value.container, Container::Dex | Container::CompactDex));
    let methods: u64 = dex.map(|it| u64::from(it.value.n_methods.unwrap_or(0))).sum();
    let native = Native::of(phone);
    let broken = |layer: Layer| -> BTreeSet<ArtifactId> {
        phone.gaps.iter().filter(|it| it.layer == layer).map(|it| it.artifact).collect()
    };
    let followed: BTreeSet<ArtifactId> =
        phone.facts.followed.iter().filter(|it| it.value.n_methods != 0).map(|it| it.at.artifact).collect();
    // Where bounds were reached it was opened all the same.
    let shut = broken(Layer::Code).difference(&followed).count();
    // An ELF file counts as one that is there.
    let elfs: BTreeSet<ArtifactId> = phone.facts.elfs.iter().map(|it| it.at.artifact).collect();
    let unopened = (shut + broken(Layer::Native).difference(&elfs).count()) as u64;
    let code = Code::of(phone, methods);
    let inspected = Inspected {
        methods: code.methods,
        methods_analysed: code.analysed,
        executables: native.files,
        executables_analysed: native.analysed,
        unopened,
    };
    let layers = Layer::ALL
        .into_iter()
        .map(|layer| match layer {
            Layer::Partitions => partitions(phone),
            Layer::Apps => files(layer, apps(phone), &broken(layer)),
            Layer::Code => code.line(),
            Layer::Native => native.line(),
            Layer::Kernel => {
                let kernels = phone.facts.kernels.len() as u64;
                unread(layer, "files", kernels, "the banner and configuration of a kernel are read, not its code")
            }
            Layer::Policy => policy(phone, &broken(layer)),
            Layer::Trust => files(layer, trust(phone), &broken(layer)),
            Layer::Config => files(layer, config(phone), &broken(layer)),
            Layer::Modem | Layer::Tee | Layer::Firmware => {
                unread(layer, "files", firmware(phone, layer), "no tool on a laptop can read what this firmware does")
            }
        })
        .collect();
    let code = CodeCount { methods: code.methods, analysed: code.analysed };
    (Coverage { layers, code, signed: signed(phone) }, inspected)
}

/// What was held against its signature, sorted by name. The report tells of each slot by its path.
fn signed(phone: &Phone) -> Vec<SignedLine> {
    let line = |row: &Row<ImageCheck>| {
        let check = &row.value;
        let key = check.public_key_sha256.clone().unwrap_or_default();
        let published = Knowledge::bundled().avb_keys.iter().find(|it| it.sha256 == key);
        let why = match check.is_disabled {
            true if check.why.is_empty() => "its metadata tell the boot loader not to look".to_owned(),
            true => format!("{}; its metadata tell the boot loader not to look", check.why),
            false => check.why.clone(),
        };
        SignedLine {
            name: check.name.clone(),
            path: phone.tree.path(row.at.artifact),
            method: check.method,
            state: check.state,
            key_name: published.map_or_else(String::new, |it| it.name.clone()),
            key,
            why,
        }
    };
    let mut lines: Vec<SignedLine> = phone.facts.image_checks.iter().map(line).collect();
    lines.sort();
    lines.dedup();
    lines
}

/// How many methods there are, and how many were looked at.
struct Code {
    methods: u64,
    /// Those that were followed, and those that call nothing that matters.
    analysed: u64,
    /// Those that no entry point leads to as far as was seen, and that could matter.
    unreached: u64,
    was_followed: bool,
}

impl Code {
    /// `listed` is what the headers name, where code was not followed.
    fn of(phone: &Phone, listed: u64) -> Code {
        let rows = phone.facts.followed.iter().map(|it| &it.value);
        let (mut methods, mut analysed) = (0u64, 0u64);
        for row in rows {
            methods = methods.saturating_add(row.n_methods);
            analysed = analysed.saturating_add(row.n_run.saturating_add(row.n_quiet).min(row.n_methods));
        }
        match phone.facts.followed.is_empty() {
            true => Code { methods: listed, analysed: 0, unreached: 0, was_followed: false },
            false => Code { methods, analysed, unreached: methods.saturating_sub(analysed), was_followed: true },
        }
    }

    fn line(&self) -> LayerLine {
        if !self.was_followed {
            return unread(Layer::Code, "methods", self.methods, "only headers of bytecode were read, not the code");
        }
        let why = "of the others no way in was found, or a bound was reached";
        match (self.unreached, self.methods) {
            (_, 0) => line(Layer::Code, LayerState::Absent, "methods", 0, 0, ""),
            (0, total) => line(Layer::Code, LayerState::Read, "methods", total, total, ""),
            (_, total) => line(Layer::Code, LayerState::Partial, "methods", self.analysed, total, why),
        }
    }
}

/// How many programs and libraries there are, and of how many the code was understood.
struct Native {
    /// Without code that was compiled from bytecode.
    files: u64,
    analysed: u64,
    functions: u64,
    understood: u64,
    was_read: bool,
}

impl Native {
    fn of(phone: &Phone) -> Native {
        let rows = phone.facts.natives.iter().map(|it| &it.value);
        let sum = |of: fn(&model::fact::native::Native) -> u64| rows.clone().map(of).fold(0, u64::saturating_add);
        Native {
            files: phone.facts.elfs.iter().filter(|it| !it.value.is_compiled_bytecode()).count() as u64,
            analysed: rows.clone().filter(|it| it.is_analysed()).count() as u64,
            functions: sum(|it| it.n_functions),
            understood: sum(|it| it.n_understood),
            was_read: !phone.facts.natives.is_empty(),
        }
    }

    fn line(&self) -> LayerLine {
        if !self.was_read {
            return unread(
                Layer::Native,
                "files",
                self.files,
                "symbols and strings of native code were read, not the code",
            );
        }
        let state = if self.analysed == self.files { LayerState::Read } else { LayerState::Partial };
        let why =
            format!("disassembled; {} of {} functions were understood to their end", self.understood, self.functions);
        line(Layer::Native, state, "files", self.analysed, self.files, &why)
    }
}

/// What would close the hole that a layer shows; `None` where nothing can.
pub fn advice(line: &LayerLine) -> Option<String> {
    let layer = Layer::ALL.into_iter().find(|it| it.title() == line.layer)?;
    if line.state != LayerState::Absent {
        return None;
    }
    let advice = match layer {
        Layer::Partitions => "give a firmware package, images of the partitions, or an unpacked dump",
        Layer::Policy => {
            "give the images of boot, vendor_boot or vendor as well: the SELinux policy was not in the input"
        }
        Layer::Kernel => "give boot.img as well: the kernel was not in the input",
        Layer::Config => "give the images of boot and system: no start-up scripts or properties were in the input",
        _ => return None,
    };
    Some(advice.to_owned())
}

fn line(layer: Layer, state: LayerState, unit: &str, read: u64, total: u64, why: &str) -> LayerLine {
    let (layer, unit, why) = (layer.title().to_owned(), unit.to_owned(), why.to_owned());
    LayerLine { layer, state, unit, read, total, why }
}

/// A layer of which nothing is analysed.
fn unread(layer: Layer, unit: &str, total: u64, why: &str) -> LayerLine {
    match total {
        0 => line(layer, LayerState::Absent, unit, 0, 0, ""),
        _ => line(layer, LayerState::Opaque, unit, 0, total, why),
    }
}

/// A layer of files: read, but for those with a gap.
fn files(layer: Layer, ids: BTreeSet<ArtifactId>, broken: &BTreeSet<ArtifactId>) -> LayerLine {
    let all: BTreeSet<ArtifactId> = ids.union(broken).copied().collect();
    let total = all.len() as u64;
    let read = all.difference(broken).count() as u64;
    match (read, total) {
        (_, 0) => line(layer, LayerState::Absent, "files", 0, 0, ""),
        (read, total) if read == total => line(layer, LayerState::Read, "files", read, total, ""),
        (0, total) => line(layer, LayerState::Opaque, "files", 0, total, "none could be read whole; see the gaps"),
        (read, total) => line(layer, LayerState::Partial, "files", read, total, "see the gaps"),
    }
}

/// Bytes of what holds files or could: images whose files were listed, files of folders; without those in which a
/// reader stopped.
fn partitions(phone: &Phone) -> LayerLine {
    let broken: BTreeSet<ArtifactId> =
        phone.gaps.iter().filter(|it| it.layer == Layer::Partitions).map(|it| it.artifact).collect();
    let mut containers = vec![false; phone.tree.len()];
    for artifact in phone.tree.iter() {
        if let Some(parent) = artifact.parent {
            containers[parent.0 as usize] = true;
        }
    }
    let (mut read, mut total) = (0u64, 0u64);
    for artifact in phone.tree.iter().filter(|it| it.node.kind == NodeKind::File) {
        // Files of file systems and folders, and whatever else holds nothing further: each byte counts once.
        let mounted = phone.mounts.is_entry(artifact.id);
        let outside = phone.device_path(artifact.id).is_empty() && !containers[artifact.id.0 as usize];
        if !mounted && !outside {
            continue;
        }
        total = total.saturating_add(artifact.blob.len());
        if !broken.contains(&artifact.id) {
            read = read.saturating_add(artifact.blob.len());
        }
    }
    match (read, total) {
        (_, 0) => line(Layer::Partitions, LayerState::Absent, "bytes", 0, 0, ""),
        (0, total) => line(Layer::Partitions, LayerState::Opaque, "bytes", 0, total, "see the gaps"),
        (read, total) if read == total && broken.is_empty() => {
            line(Layer::Partitions, LayerState::Read, "bytes", read, total, "")
        }
        (read, total) => line(Layer::Partitions, LayerState::Partial, "bytes", read, total, "see the gaps"),
    }
}

fn apps(phone: &Phone) -> BTreeSet<ArtifactId> {
    phone.facts.apps.iter().map(|it| it.at.artifact).collect()
}

fn trust(phone: &Phone) -> BTreeSet<ArtifactId> {
    let stores = |role| matches!(role, Role::SystemCa | Role::OtaKey | Role::MacPermissions);
    let certificates = phone.facts.certificates.iter().filter(|it| stores(it.value.role)).map(|it| it.at.artifact);
    certificates.chain(phone.facts.adb_keys.iter().map(|it| it.at.artifact)).collect()
}

fn config(phone: &Phone) -> BTreeSet<ArtifactId> {
    let facts = &phone.facts;
    let init = facts.init.iter().map(|it| it.at.artifact);
    let properties = facts.properties.iter().map(|it| it.at.artifact);
    let mounts = facts.fstab.iter().map(|it| it.at.artifact);
    let nodes = facts.ueventd.iter().map(|it| it.at.artifact);
    let system = facts.sysconfig.iter().map(|it| it.at.artifact);
    init.chain(properties).chain(mounts).chain(nodes).chain(system).collect()
}

/// Files of the policy: the policy itself, and the contexts that label with it.
fn policy(phone: &Phone, broken: &BTreeSet<ArtifactId>) -> LayerLine {
    let facts = &phone.facts;
    let partial = facts.policies.iter().filter(|it| it.value.partial).map(|it| it.at.artifact);
    let broken: BTreeSet<ArtifactId> = broken.iter().copied().chain(partial).collect();
    let policies = facts.policies.iter().map(|it| it.at.artifact);
    let contexts = facts.contexts.iter().map(|it| it.at.artifact);
    let mut line = files(Layer::Policy, policies.chain(contexts).collect(), &broken);
    if facts.policies.is_empty() && line.state == LayerState::Read {
        line.state = LayerState::Partial;
        line.why = "contexts were read; the policy itself is not in the input".to_owned();
    } else if line.state == LayerState::Read {
        line.state = LayerState::Partial;
        let known = phone.sdk().is_some_and(|it| PolicyBaseline::bundled().knows(it));
        let android =
            if known { ", beside Android's own policy" } else { "; Android's own policy of this version is not known" };
        line.why =
            format!("permissive domains and what apps may do are judged{android}; what other domains may do is not");
    }
    line
}

/// Images of a kind of firmware, told by the names that vendors give their partitions.
fn firmware(phone: &Phone, layer: Layer) -> u64 {
    phone
        .tree
        .iter()
        .filter(|it| it.node.kind == NodeKind::File && !phone.mounts.is_entry(it.id))
        .filter(|it| firmware_layer(it.file_name()) == Some(layer))
        .count() as u64
}

/// Which firmware a partition or file of this name is.
pub fn firmware_layer(file_name: &[u8]) -> Option<Layer> {
    let name = String::from_utf8_lossy(file_name).to_ascii_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    let stem = stem.strip_suffix("_a").or(stem.strip_suffix("_b")).unwrap_or(stem);
    FIRMWARE.iter().find(|it| it.1.contains(&stem)).map(|it| it.0)
}

/// Names of partitions, as Qualcomm, MediaTek, Samsung and Unisoc use them.
const FIRMWARE: &[(Layer, &[&str])] = &[
    (
        Layer::Modem,
        &["modem", "non-hlos", "md1img", "md3img", "md1dsp", "cp", "modemst1", "radio", "l_modem", "fsg", "mdtp"],
    ),
    (
        Layer::Tee,
        &[
            "tz",
            "tz1",
            "tee",
            "tee1",
            "tee2",
            "trustos",
            "sml",
            "keymaster",
            "km4",
            "cmnlib",
            "cmnlib64",
            "hyp",
            "qsee",
            "teegris",
            "sec_tz",
            "featenabler",
            "uefisecapp",
        ],
    ),
    (
        Layer::Firmware,
        &[
            "abl",
            "xbl",
            "xbl_config",
            "sbl1",
            "aboot",
            "emmc_appsboot",
            "rpm",
            "aop",
            "devcfg",
            "imagefv",
            "qupfw",
            "shrm",
            "cpucp",
            "uefi",
            "preloader",
            "preloader_raw",
            "lk",
            "lk2",
            "u-boot",
            "uboot",
            "sboot",
            "cm",
            "up_param",
            "spmfw",
            "scp1",
            "scp",
            "sspm",
            "sspm_1",
            "bluetooth",
            "btfm",
            "dsp",
            "storsec",
            "multi_image_ta",
            "multiimgoem",
        ],
    ),
];
