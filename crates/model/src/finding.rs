//! What a detector claims.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{ArtifactId, Location};

/// A claim with its evidence. A claim says what was observed, never what someone intended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Id of the detector.
    pub detector: &'static str,
    /// What kind of backdoor it would be.
    pub class: Class,
    /// How much the evidence carries.
    pub grade: Grade,
    /// How sure the claim is.
    pub confidence: Confidence,
    /// What severity is computed from.
    pub factors: Factors,
    /// One line.
    pub title: String,
    /// What was observed, in one or two sentences.
    pub claim: String,
    /// The innocent explanation that was considered.
    pub benign: String,
    /// What the finding is about, beside the path: a package, component, service, key. Part of the id.
    pub subject: String,
    /// Where the phone has it; empty where the phone as a whole is meant.
    pub device_path: String,
    /// The bytes that show it. Never empty.
    pub evidence: Vec<Evidence>,
    /// A value's way from source to sink, where one was traced.
    pub flow: Vec<Step>,
    /// CVE numbers, titles or addresses of public sources.
    pub references: Vec<String>,
    /// What to do.
    pub action: String,
}

impl Finding {
    /// The first 12 hex digits of SHA-256 over detector, device path and subject.
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for part in [self.detector, &self.device_path, &self.subject] {
            hash.update(part.as_bytes());
            hash.update([0]);
        }
        hash.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// How bad it would be, from the factors alone.
    pub fn severity(&self) -> Severity {
        self.factors.severity()
    }
}

/// Bytes that show a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Where.
    pub at: Location,
    /// What stands there, in words or as a quotation.
    pub detail: String,
}

impl Evidence {
    /// Evidence at a place.
    pub fn at(at: Location, detail: impl Into<String>) -> Evidence {
        Evidence { at, detail: detail.into() }
    }

    /// Evidence that is an artifact as a whole (its existence, its metadata).
    pub fn artifact(artifact: ArtifactId, detail: impl Into<String>) -> Evidence {
        Evidence::at(Location { artifact, offset: 0, size: 0 }, detail)
    }
}

/// A step of a flow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Where.
    pub at: Location,
    /// Class, in Java notation.
    pub class: String,
    /// Method with its descriptor.
    pub method: String,
    /// What happens to the value there.
    pub what: String,
}

/// How much the evidence carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Grade {
    /// Entry, guard and sink are shown, or an exact match with a documented implant.
    Finding,
    /// Two independent weak signals, or a strong one with an unread link.
    Suspicion,
    /// Normal privileged behaviour that its legitimate holder could abuse.
    Capability,
    /// What leaves the phone, to whom.
    Privacy,
}

/// How sure a claim is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// The behaviour itself was traced, or a signature was verified.
    High,
    /// A structure that fits.
    Medium,
    /// A name or a string.
    Low,
}

/// How bad it would be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Someone far away gets the phone.
    Critical,
    /// Any app, or someone near, gets much of it.
    High,
    /// Something is reachable that should not be.
    Medium,
    /// A weakness that needs more to be used.
    Low,
    /// Information only.
    Info,
}

/// What severity is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Factors {
    /// Who can use it.
    pub reach: Reach,
    /// What they get.
    pub power: Power,
    /// Whether it hides.
    pub concealment: Concealment,
    /// Whose it is.
    pub holder: Holder,
}

impl Factors {
    /// Reach × power × concealment × lack of a legitimate holder:
    ///
    /// | factor | points |
    /// | --- | --- |
    /// | reach | remote 4, adjacent 3, any app 2, adb or physical 1 |
    /// | power | root or system code 4, install 3, data 2, settings 1, none 0 |
    /// | concealment | none 2, misleading or hidden 3 |
    /// | holder | legitimate 1, unknown 2, everyone 3 |
    ///
    /// The product is `critical` from 48, `high` from 32, `medium` from 16, `low` from 1, else `info`. A remote power
    /// over data that hides and has no known holder is 4·2·3·2 = 48; a permission guard that is missing in front of
    /// user data is 2·2·2·2 = 16. Intent is no factor.
    pub fn severity(self) -> Severity {
        let reach = match self.reach {
            Reach::Remote => 4,
            Reach::Adjacent => 3,
            Reach::AnyApp => 2,
            Reach::Physical => 1,
        };
        let power = match self.power {
            Power::System => 4,
            Power::Install => 3,
            Power::Data => 2,
            Power::Settings => 1,
            Power::None => 0,
        };
        let concealment = match self.concealment {
            Concealment::None => 2,
            Concealment::Misleading | Concealment::Hidden => 3,
        };
        let holder = match self.holder {
            Holder::Legitimate => 1,
            Holder::Unknown => 2,
            Holder::Everyone => 3,
        };
        match reach * power * concealment * holder {
            48.. => Severity::Critical,
            32.. => Severity::High,
            16.. => Severity::Medium,
            1.. => Severity::Low,
            _ => Severity::Info,
        }
    }
}

/// Who can use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// Over the internet or the mobile network.
    Remote,
    /// On the same network, or within radio range.
    Adjacent,
    /// Any app on the phone.
    AnyApp,
    /// With adb, or with the phone in hand.
    Physical,
}

/// What they get.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Power {
    /// Code as root, as the system, or as the platform's signer.
    System,
    /// Install or remove apps, factory reset.
    Install,
    /// Read or send personal data.
    Data,
    /// Change settings.
    Settings,
    /// Nothing by itself.
    #[default]
    None,
}

/// Whether it hides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Concealment {
    /// It does not.
    None,
    /// Its name says something else.
    Misleading,
    /// It keeps out of sight.
    Hidden,
}

/// Whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Holder {
    /// Someone who is known and may have it: vendor, carrier, the user.
    Legitimate,
    /// It cannot be told.
    Unknown,
    /// Everyone: a published key, an open door.
    Everyone,
}

/// Declares [`Class`] with its id and its explanation, so that none can lack one.
macro_rules! classes {
    ($($variant:ident $id:literal $title:literal, $looks_for:literal, $innocent:literal;)*) => {
        /// A class of backdoor. Ids are stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Class {
            $(#[doc = $title] #[serde(rename = $id)] $variant,)*
        }

        impl Class {
            /// All of them.
            pub const ALL: &'static [Class] = &[$(Class::$variant,)*];

            /// The id that reports use.
            pub fn id(self) -> &'static str {
                match self { $(Class::$variant => $id,)* }
            }

            /// A few words.
            pub fn title(self) -> &'static str {
                match self { $(Class::$variant => $title,)* }
            }

            /// What postern looks for.
            pub fn looks_for(self) -> &'static str {
                match self { $(Class::$variant => $looks_for,)* }
            }

            /// What looks the same and is innocent.
            pub fn innocent(self) -> &'static str {
                match self { $(Class::$variant => $innocent,)* }
            }
        }
    };
}

classes! {
    RemoteCommand "remote-command" "Commands from the network",
        "a response from the network that reaches a command, loaded code, an installation or a property in a privileged app, without a signature check on the way; an updater that reads messages or contacts",
        "a vendor's updater, a store, device management, where what was received is verified first";
    RuntimeImplant "runtime-implant" "Implant in the runtime",
        "a library or framework jar that every app process loads and that itself loads code from data or shared storage, acts only in some processes, or hides packages",
        "vendor hooks and performance boosters";
    RootDaemon "root-daemon" "Privileged daemon that takes orders",
        "setuid programs, init services as root or under a superuser label, programs with a listening socket or a host name together with command execution",
        "thermal, radio and crash daemons";
    MagicSecret "magic-secret" "Secret that opens a door",
        "a constant compared with input (a string, a hash) whose branch reaches a privileged action; secret dialer codes, USSD, magic messages",
        "engineering screens, PINs, licence checks";
    ExportedCapability "exported-capability" "Power that any app may use",
        "an exported or weakly guarded component that leads to a privileged action",
        "components guarded by signature permissions, caller checks or protected broadcasts";
    DebugLeftOpen "debug-left-open" "Debugging left open",
        "debuggable apps, insecure adb properties, permissive SELinux domains, factory boot images in a build for users",
        "engineering samples";
    PreloadDropper "preload-dropper" "Pre-installed carrier of other code",
        "a system app without launcher under a foreign signer or a system-like name, encrypted assets with a loader, code hidden outside app folders",
        "advertising kits, regional stores";
    CovertTelemetry "covert-telemetry" "Undeclared collection of data",
        "identifiers or personal content that reach the network, in clear text, behind a region gate, or chosen by downloaded word lists",
        "a vendor's declared analytics (told as privacy)";
    CarrierAgent "carrier-agent" "Carrier's or operator's agent",
        "holders of install, delete or administration powers, grouped by signer; OMA device management; retail mode",
        "provisioning, device management (told as a capability)";
    ModemBridge "modem-bridge" "Bridge from the modem",
        "file access on behalf of modem messages, exposed AT command parsers",
        "remote file systems of the baseband as such";
    KernelHook "kernel-hook" "Door in the kernel",
        "device or proc nodes that apps may write by file mode and policy",
        "a node that policy locks";
    TrustRoot "trust-root" "Someone else's root of trust",
        "public test keys, additional authorities or update keys, verified-boot test keys, disabled verification, a leaked platform certificate on a foreign app",
        "test shims of Android's own, legacy authorities, a vendor's own key that leaked but is still in use";
    ImplantedSpyware "implanted-spyware" "Spyware put on this phone",
        "published indicators, names that imitate system apps, accessibility, administration and notification grants",
        "accessibility tools, parental control";
    TrojanisedApp "trojanised-app" "Known app in someone else's build",
        "a known package with another signer inside the system image",
        "rebuilds that the user installed";
    IdentitySpoof "identity-spoof" "The phone contradicts itself",
        "contradictions between fingerprint, build id, SDK level, patch level and hardware",
        "custom systems";
    AlteredImage "altered-image" "Not what was signed",
        "a partition, package or file that does not equal what its signature covers",
        "phones that their user unlocked, dumps without metadata";
    EvasiveFormat "evasive-format" "Malformed so that tools are blind",
        "containers or code files malformed in ways that hide content from tools but not from a phone",
        "broken builds";
    Hygiene "hygiene" "Untidiness",
        "dangling services, legacy authorities, an old patch level: information only",
        "nearly every phone has some";
    ManagedPhone "managed-phone" "Managed by someone",
        "a device owner, an own store, locked settings: whether that is wanted cannot be decided from the phone",
        "phones that a company hands out";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severity_follows_the_table() {
        let factors = |reach, power, concealment, holder| Factors { reach, power, concealment, holder };
        let cases = [
            (factors(Reach::Remote, Power::System, Concealment::None, Holder::Unknown), Severity::Critical),
            (factors(Reach::AnyApp, Power::System, Concealment::None, Holder::Everyone), Severity::Critical),
            (factors(Reach::AnyApp, Power::System, Concealment::None, Holder::Unknown), Severity::High),
            (factors(Reach::AnyApp, Power::Data, Concealment::None, Holder::Unknown), Severity::Medium),
            (factors(Reach::Physical, Power::Settings, Concealment::None, Holder::Legitimate), Severity::Low),
            (factors(Reach::Remote, Power::None, Concealment::Hidden, Holder::Everyone), Severity::Info),
        ];
        for (factors, severity) in cases {
            assert_eq!(factors.severity(), severity, "{factors:?}");
        }
    }

    #[test]
    fn class_ids_are_unique_and_kebab_case() {
        let mut ids: Vec<&str> = Class::ALL.iter().map(|it| it.id()).collect();
        assert!(ids.iter().all(|it| it.chars().all(|char| char.is_ascii_lowercase() || char == '-')));
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), Class::ALL.len());
    }
}
