//! What readers state about artifacts, without judgement. One file per kind of fact, and a field of [`Facts`].

pub mod adb_key;
pub mod anomaly;
pub mod apk_signature;
pub mod app;
pub mod avb;
pub mod boot;
pub mod call;
pub mod certificate;
pub mod claim;
pub mod code;
pub mod company;
pub mod context;
pub mod elf;
pub mod file_system;
pub mod flow;
pub mod fstab;
pub mod image_check;
pub mod init;
pub mod kernel;
pub mod layout;
pub mod native;
pub mod package;
pub mod partition;
pub mod policy;
pub mod property;
pub mod script;
pub mod sighting;
pub mod sysconfig;
pub mod ueventd;

use serde::{Deserialize, Serialize};

use crate::ArtifactId;

/// A range of bytes of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Location {
    /// The artifact.
    pub artifact: ArtifactId,
    /// Where the range starts.
    pub offset: u64,
    /// How many bytes it has.
    pub size: u64,
}

/// A fact and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row<T> {
    /// Where.
    pub at: Location,
    /// What.
    pub value: T,
}

/// All facts about one artifact, or about all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// Keys that adb accepts without asking.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub adb_keys: Vec<Row<adb_key::AdbKey>>,
    /// Ways in which a container is malformed and yet readable.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub anomalies: Vec<Row<anomaly::Anomaly>>,
    /// Signatures of packages, recomputed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apk_signatures: Vec<Row<apk_signature::ApkSignature>>,
    /// Applications, from their manifests.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<Row<app::App>>,
    /// Verified-boot metadata.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vbmetas: Vec<Row<avb::Vbmeta>>,
    /// Boot images.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub boots: Vec<Row<boot::Boot>>,
    /// Calls of the framework with the names that they are given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<Row<call::CodeCall>>,
    /// X.509 certificates and bare public keys, with what they stand for where they were found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub certificates: Vec<Row<certificate::Certificate>>,
    /// What packages state of what lies in them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claims: Vec<Row<claim::Claim>>,
    /// Bytecode containers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<Row<code::Code>>,
    /// SELinux context rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contexts: Vec<Row<context::ContextRule>>,
    /// ELF files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub elfs: Vec<Row<elf::Elf>>,
    /// File systems.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub file_systems: Vec<Row<file_system::FileSystem>>,
    /// How much of the code of apps and libraries was followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub followed: Vec<Row<flow::Followed>>,
    /// Values that travel from a source to a sink.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub flows: Vec<Row<flow::Flow>>,
    /// Lines of `fstab` files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fstab: Vec<Row<fstab::FstabEntry>>,
    /// Images, partitions and update packages held against their signatures.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub image_checks: Vec<Row<image_check::ImageCheck>>,
    /// Sections of init scripts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub init: Vec<Row<init::Section>>,
    /// Linux kernels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kernels: Vec<Row<kernel::Kernel>>,
    /// Layouts of apps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub layouts: Vec<Row<layout::Layout>>,
    /// What the code of ELF files does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub natives: Vec<Row<native::Native>>,
    /// Firmware and update packages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<Row<package::Package>>,
    /// Partitions that a partition table or package names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partitions: Vec<Row<partition::Partition>>,
    /// SELinux policies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<Row<policy::Policy>>,
    /// System properties.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub properties: Vec<Row<property::Property>>,
    /// Capabilities that components of apps lead to.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reaches: Vec<Row<flow::Reach>>,
    /// Scripts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scripts: Vec<Row<script::Script>>,
    /// Kits and hosts of companies that collect what devices do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub company_signs: Vec<Row<company::CompanySign>>,
    /// Known indicators.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sightings: Vec<Row<sighting::Sighting>>,
    /// Elements of `etc/permissions` and `etc/sysconfig`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sysconfig: Vec<Row<sysconfig::Entry>>,
    /// Lines of `ueventd.rc`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ueventd: Vec<Row<ueventd::Rule>>,
}

impl Facts {
    /// Takes over all facts of `other`, behind the own ones.
    pub fn merge(&mut self, other: Facts) {
        // Every field is named: a forgotten one does not compile.
        let Facts {
            adb_keys,
            anomalies,
            apk_signatures,
            apps,
            vbmetas,
            boots,
            calls,
            certificates,
            claims,
            code,
            company_signs,
            contexts,
            elfs,
            file_systems,
            followed,
            flows,
            fstab,
            image_checks,
            init,
            kernels,
            layouts,
            natives,
            packages,
            partitions,
            policies,
            properties,
            reaches,
            scripts,
            sightings,
            sysconfig,
            ueventd,
        } = other;
        self.adb_keys.extend(adb_keys);
        self.anomalies.extend(anomalies);
        self.apk_signatures.extend(apk_signatures);
        self.apps.extend(apps);
        self.vbmetas.extend(vbmetas);
        self.boots.extend(boots);
        self.calls.extend(calls);
        self.certificates.extend(certificates);
        self.claims.extend(claims);
        self.code.extend(code);
        self.company_signs.extend(company_signs);
        self.contexts.extend(contexts);
        self.elfs.extend(elfs);
        self.file_systems.extend(file_systems);
        self.followed.extend(followed);
        self.flows.extend(flows);
        self.fstab.extend(fstab);
        self.image_checks.extend(image_checks);
        self.init.extend(init);
        self.kernels.extend(kernels);
        self.layouts.extend(layouts);
        self.natives.extend(natives);
        self.packages.extend(packages);
        self.partitions.extend(partitions);
        self.policies.extend(policies);
        self.properties.extend(properties);
        self.reaches.extend(reaches);
        self.scripts.extend(scripts);
        self.sightings.extend(sightings);
        self.sysconfig.extend(sysconfig);
        self.ueventd.extend(ueventd);
    }
}
