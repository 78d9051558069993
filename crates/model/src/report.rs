//! The one thing that is shown or kept: schema 1 of the JSON report. Fields are added, never renamed.

use serde::{Deserialize, Serialize};

use crate::fact::image_check::{Method, State};
use crate::finding::{Class, Confidence, Factors, Grade, Power, Severity};
use crate::gates::GateCount;
use crate::verdict::{Answer, Subject};

/// The number of the schema.
pub const SCHEMA: u32 = 1;

/// A report. Serialized, it is the JSON report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Who wrote it.
    pub tool: Tool,
    /// The day it speaks of, `YYYY-MM-DD`; `None` where neither option nor input says.
    pub date: Option<String>,
    /// The command line, without options that cannot change the result.
    pub command: String,
    /// What was given.
    pub input: Vec<Input>,
    /// What the phone says it is.
    pub device: Device,
    /// The answer.
    pub verdict: VerdictLine,
    /// Grade FINDING and SUSPICION, by rank.
    pub findings: Vec<Row>,
    /// Grade CAPABILITY.
    pub capabilities: Vec<Row>,
    /// Grade PRIVACY.
    pub privacy: Vec<Row>,
    /// Who controls this phone.
    pub controllers: Vec<Controller>,
    /// How much was read.
    pub coverage: Coverage,
    /// Where the tool could not look.
    pub gaps: Vec<GapLine>,
    /// What differs from a reference.
    pub differences: Vec<Difference>,
    /// What to do next.
    pub next: Vec<String>,
    /// All apps.
    pub apps: Vec<AppLine>,
    /// Programs that init starts.
    pub daemons: Vec<DaemonLine>,
    /// Places where someone from outside can come in, by kind, and the ways that lead somewhere.
    #[serde(default)]
    pub surface: SurfaceLine,
    /// Who made what is inside, beside who signed it.
    #[serde(default)]
    pub provenance: Provenance,
}

/// Who made what is inside: facts, of which none is a finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provenance {
    /// Kits for advertising, analytics and tracking whose classes code names.
    pub sdks: Vec<SdkLine>,
    /// Hosts of companies that collect what devices do, which code or configuration names.
    pub hosts: Vec<HostLine>,
    /// The boot class path, where init sets it.
    pub boot_class_path: Vec<JarLine>,
    /// Services that the phone's policy has a name for, and AOSP's of this version has not.
    pub added_services: Vec<ServiceLine>,
    /// CVE records about apps that are here.
    pub records: Vec<RecordLine>,
}

/// A kit inside apps.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SdkLine {
    /// What it is called.
    pub name: String,
    /// Whose it is; empty where that is not known.
    pub company: String,
    /// The company's country, two letters; empty where that is not known.
    pub country: String,
    /// What for.
    pub does: Vec<String>,
    /// Packages of the apps, or device paths of other files.
    pub found_in: Vec<String>,
    /// Who says so.
    pub source: String,
}

/// A host that something may talk to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct HostLine {
    /// Its name as it is known: what is named may lie below it.
    pub host: String,
    /// Whose it is.
    pub company: String,
    /// The company's country, two letters; empty where that is not known.
    pub country: String,
    /// What for.
    pub does: Vec<String>,
    /// Packages of the apps, or device paths of other files.
    pub found_in: Vec<String>,
    /// Who says so.
    pub source: String,
}

/// A library that every app runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JarLine {
    /// Where the phone has it.
    pub device_path: String,
    /// Whether AOSP of this version has such a one there; `None` where that is not known.
    pub in_aosp: Option<bool>,
}

/// A service that a maker added.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ServiceLine {
    /// The name under which it is found, or its interface (HIDL).
    pub name: String,
    /// Its SELinux label.
    pub label: String,
    /// The file that names it.
    pub device_path: String,
}

/// A CVE record about an app that is here.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RecordLine {
    /// The record's number.
    pub cve: String,
    /// The app's package.
    pub package: String,
    /// The app's version, name and code.
    pub version: String,
    /// What the record says it gives, and to whom.
    pub exposes: String,
    /// Whether it is about this version, as far as can be told.
    pub standing: String,
    /// Where the phone has it.
    pub device_path: String,
}

/// The surface of the phone, as far as it is open.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurfaceLine {
    /// How many gates there are by kind.
    pub counts: Vec<GateCount>,
    /// Ways that some outsider can go, those to the greatest powers first; bounded.
    pub ways: Vec<WayLine>,
    /// Bounds that were reached.
    pub bounds: Vec<String>,
}

/// A way from an outsider to a power.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WayLine {
    /// Who can go it, from the farthest to the nearest.
    pub from: Vec<String>,
    /// The kind of gate.
    pub kind: String,
    /// The gate.
    pub gate: String,
    /// Whose it is.
    pub owner: String,
    /// Where the phone has it.
    pub device_path: String,
    /// The guards that it passes, each by its kind and strength.
    pub guards: Vec<String>,
    /// What is gained.
    pub capability: String,
    /// How much that is.
    pub power: Power,
    /// As whom.
    pub acts_as: String,
    /// Whether what the outsider says reaches it.
    pub told: bool,
    /// Whether a link of the way is not shown.
    pub loose: bool,
    /// The way through the nesting to where the gate is stated.
    pub path: String,
    /// Where in that file.
    pub offset: u64,
    /// How many bytes.
    pub size: u64,
}

/// Name and versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// `postern`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The date of the bundled knowledge.
    pub knowledge: String,
}

/// Something that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// Its file name.
    pub name: String,
    /// SHA-256 of its bytes; of the sorted list of names and hashes for a folder; empty where it could not be read.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The format's id, `folder`, or `unknown`.
    pub kind: String,
}

/// What the phone says it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// `ro.product.brand`.
    pub brand: String,
    /// `ro.product.model`.
    pub model: String,
    /// `ro.build.fingerprint`.
    pub fingerprint: String,
    /// `ro.build.version.release`.
    pub android: String,
    /// `ro.build.version.security_patch`.
    pub patch_level: String,
    /// `ro.build.type`.
    pub build_type: String,
    /// `ro.build.tags`.
    pub tags: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerdictLine {
    /// The words.
    pub answer: Answer,
    /// How sure.
    pub confidence: Confidence,
    /// X: how much of what runs was inspected, in percent.
    pub percent: u8,
    /// What it is about.
    pub subject: Subject,
    /// A few plain sentences.
    pub summary: Vec<String>,
}

/// A finding as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// 12 hex digits, see [`crate::Finding::id`].
    pub id: String,
    /// Id of the detector.
    pub detector: String,
    /// Class.
    pub class: Class,
    /// Grade.
    pub grade: Grade,
    /// Severity, computed from the factors.
    pub severity: Severity,
    /// Confidence.
    pub confidence: Confidence,
    /// One line.
    pub title: String,
    /// What was observed.
    pub claim: String,
    /// The innocent explanation that was considered.
    pub benign: String,
    /// What severity was computed from.
    pub factors: Factors,
    /// What the finding is about, beside the path.
    pub subject: String,
    /// Where the phone has it.
    pub device_path: String,
    /// The bytes that show it.
    pub evidence: Vec<EvidenceLine>,
    /// From source to sink.
    pub flow: Vec<FlowStep>,
    /// Public sources.
    pub references: Vec<String>,
    /// What to do.
    pub action: String,
}

/// Bytes that show a claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceLine {
    /// The way through the nesting.
    pub path: String,
    /// Where the phone has it.
    pub device_path: String,
    /// SHA-256 of the artifact; empty where it has no bytes or could not be read.
    pub sha256: String,
    /// Where in the artifact.
    pub offset: u64,
    /// How many bytes; 0 where the artifact as a whole is meant.
    pub size: u64,
    /// What stands there.
    pub detail: String,
}

/// A step of a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowStep {
    /// The way through the nesting.
    pub path: String,
    /// Class, in Java notation.
    pub class: String,
    /// Method with its descriptor.
    pub method: String,
    /// Offset of the instruction in the artifact.
    pub offset: u64,
    /// What happens to the value.
    pub what: String,
}

/// Someone who controls the phone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Controller {
    /// `updater`, `installer`, `device-owner`, `ca`, `platform-signed`…
    pub role: String,
    /// The package, or the subject of a certificate.
    pub package: String,
    /// Who signed it.
    pub signer: String,
    /// Where the phone has it.
    pub device_path: String,
}

/// How much was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// By layer.
    pub layers: Vec<LayerLine>,
    /// Bytecode.
    pub code: CodeCount,
    /// What was held against its signature: partitions, their metadata, modules, update packages.
    #[serde(default)]
    pub signed: Vec<SignedLine>,
}

/// Whether an image is the one that was signed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SignedLine {
    /// The partition, or the file.
    pub name: String,
    /// The way through the nesting, of the image or, where it is not there, of what names it.
    pub path: String,
    /// By what it is covered.
    pub method: Method,
    /// What was found.
    pub state: State,
    /// SHA-256 of the key, in hex; empty where there is none.
    pub key: String,
    /// What the key is called, where it is published.
    pub key_name: String,
    /// In words, what the state alone does not say.
    pub why: String,
}

/// How much of a layer was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LayerLine {
    /// Its name.
    pub layer: String,
    /// In a word.
    pub state: LayerState,
    /// What is counted: `bytes`, `files` or `methods`.
    pub unit: String,
    /// How many were read.
    pub read: u64,
    /// How many there are, as far as is known.
    pub total: u64,
    /// Why not all.
    pub why: String,
}

/// How much of a layer was read, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerState {
    /// All that is there.
    Read,
    /// Some of it.
    Partial,
    /// It is there, and nothing of it was analysed.
    Opaque,
    /// The input has none.
    Absent,
}

/// Bytecode, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeCount {
    /// Methods that the headers tell of.
    pub methods: u64,
    /// Those that were analysed.
    pub analysed: u64,
}

/// A place where the tool could not look; equal reasons in one artifact are counted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct GapLine {
    /// The way through the nesting.
    pub path: String,
    /// Why.
    pub why: String,
    /// How often.
    pub count: u64,
}

/// A difference from a reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// 1 is what matters most.
    pub rank: u32,
    /// `added`, `removed`, `changed` or `moved`.
    pub kind: String,
    /// What differs.
    pub what: String,
    /// On the left.
    pub left: String,
    /// On the right.
    pub right: String,
    /// Where the phone has it.
    pub device_path: String,
    /// What new capabilities it brings.
    pub brings: Vec<String>,
}

/// An app.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AppLine {
    /// Its package.
    pub package: String,
    /// Its version, name and code.
    pub version: String,
    /// Who signed it.
    pub signer: String,
    /// Where the phone has it.
    pub device_path: String,
    /// Whether AOSP of this version has a package of this name; `None` where that is not known.
    #[serde(default)]
    pub in_aosp: Option<bool>,
}

/// A program that init starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DaemonLine {
    /// The service's name.
    pub name: String,
    /// The program.
    pub device_path: String,
    /// The user it runs as.
    pub user: String,
}
