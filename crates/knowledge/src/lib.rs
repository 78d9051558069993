//! What the world knows about phones, as data: cases, keys, baselines, permissions. A row in `data/*.toml`, with the
//! reference that proves it.
//!
//! Invariant: knowledge decides nothing. It says that a key is published or that Android ships a file setuid; what
//! follows from that is a detector's.

mod android_versions;
mod attestation_keys;
mod avb_keys;
mod baseline;
mod ca_baseline;
mod ca_owners;
mod cases;
mod companies;
mod device_nodes;
mod feeds;
mod init_root;
pub mod matcher;
pub mod models;
mod network_daemons;
mod packages;
mod permissions;
mod policy;
mod preinstalled_cves;
mod props;
mod protected_broadcasts;
mod public_keys;
#[cfg(feature = "yara")]
pub mod rules;
mod sdk;
mod setuid;
mod shared_suffixes;
mod table;

use std::sync::LazyLock;

pub use android_versions::AndroidVersion;
pub use attestation_keys::{AttestationKey, AttestationUse};
pub use avb_keys::AvbKey;
pub use baseline::{BaselineBootJar, BaselinePackage, BaselineService};
pub use ca_baseline::{CA_BASELINE_SDKS, Ca, CaDistrust, CaScope, CaStanding, CaStore};
pub use ca_owners::{CaOwner, CaOwnerKind};
pub use cases::{Case, CaseSource, Cases, Certainty, Indicator, Place, Predicate, Within};
pub use companies::{CompanyHost, Sdk};
pub use device_nodes::OpenNode;
pub use feeds::{Feed, FeedFormat, FeedIndicator, Feeds, Term, Unused};
pub use init_root::RootService;
pub use matcher::Matcher;
pub use model::fact::sighting::IndicatorKind;
pub use network_daemons::NetworkDaemon;
pub use packages::{AgentKind, AospPackage, UpdateAgent, VendorSigner};
pub use permissions::{Permission, PermissionPower, Protection};
pub use policy::{PolicyBaseline, PolicyRule};
pub use preinstalled_cves::{AppCve, ExposedTo, Exposes};
pub use props::PropertyRule;
pub use protected_broadcasts::ProtectedBroadcast;
pub use public_keys::PublicKey;
pub use sdk::SdkRanges;
pub use setuid::SetIdFile;
pub use shared_suffixes::SharedSuffixes;
pub use table::{Row, Table};

/// The day when the bundled knowledge was last changed, for reports.
pub const VERSION: &str = "2026-11-25";

/// All tables. Each is decoded when it is first looked at.
#[derive(Debug)]
pub struct Knowledge {
    /// Certificates whose private key is not private.
    pub public_keys: LazyLock<Table<PublicKey>>,
    /// Published keys of Android Verified Boot.
    pub avb_keys: LazyLock<Table<AvbKey>>,
    /// Keys that key attestation and transparency logs end in.
    pub attestation_keys: LazyLock<Table<AttestationKey>>,
    /// Certificate authorities of Android's own store.
    pub ca_baseline: LazyLock<Table<Ca>>,
    /// Authorities that lost their trust.
    pub ca_distrust: LazyLock<Table<CaDistrust>>,
    /// Holders of authorities: states, carriers, everyone.
    pub ca_owners: LazyLock<Table<CaOwner>>,
    /// Where a phone keeps certificates.
    pub ca_stores: LazyLock<Table<CaStore>>,
    /// Files that AOSP ships with set-id bits or capabilities.
    pub setuid: LazyLock<Table<SetIdFile>>,
    /// Device nodes that AOSP lets everyone write to.
    pub device_nodes: LazyLock<Table<OpenNode>>,
    /// Services that AOSP runs as root.
    pub init_root: LazyLock<Table<RootService>>,
    /// Daemons that talk to a network by their trade.
    pub network_daemons: LazyLock<Table<NetworkDaemon>>,
    /// Permissions of Android's framework.
    pub permissions: LazyLock<Table<Permission>>,
    /// Broadcasts that only the system may send.
    pub protected_broadcasts: LazyLock<Table<ProtectedBroadcast>>,
    /// Properties with values that a build for users must not have.
    pub props: LazyLock<Table<PropertyRule>>,
    /// Android's versions.
    pub android_versions: LazyLock<Table<AndroidVersion>>,
    /// Packages of AOSP.
    pub packages_aosp: LazyLock<Table<AospPackage>>,
    /// Packages of running AOSP builds, by version.
    pub baseline_packages: LazyLock<Table<BaselinePackage>>,
    /// Libraries of AOSP's boot class path, by version.
    pub baseline_boot_jars: LazyLock<Table<BaselineBootJar>>,
    /// Names of services that AOSP's policy knows, by version.
    pub baseline_services: LazyLock<Table<BaselineService>>,
    /// Kits for advertising, analytics and tracking.
    pub sdks: LazyLock<Table<Sdk>>,
    /// Hosts of companies that collect what devices do.
    pub company_hosts: LazyLock<Table<CompanyHost>>,
    /// Apps that may change a phone from afar by their trade.
    pub update_agents: LazyLock<Table<UpdateAgent>>,
    /// How makers name themselves in certificates.
    pub vendor_signers: LazyLock<Table<VendorSigner>>,
    /// Names below which anyone can have one.
    pub shared_suffixes: LazyLock<Table<SharedSuffixes>>,
    /// Documented cases.
    pub cases: LazyLock<Cases>,
    /// CVE records about apps that come with a phone.
    pub preinstalled_cves: LazyLock<Table<AppCve>>,
    /// What looks for indicators of the cases in bytes.
    pub matcher: LazyLock<Matcher>,
    /// What methods of Java and Android give, take and pass on.
    pub models: LazyLock<models::Models>,
}

impl Knowledge {
    /// The knowledge that this program was built with.
    pub fn bundled() -> &'static Knowledge {
        static BUNDLED: Knowledge = Knowledge {
            public_keys: LazyLock::new(|| Table::bundled(PUBLIC_KEYS)),
            avb_keys: LazyLock::new(|| Table::bundled(AVB_KEYS)),
            attestation_keys: LazyLock::new(|| Table::bundled(ATTESTATION_KEYS)),
            ca_baseline: LazyLock::new(|| Table::bundled(CA_BASELINE)),
            ca_distrust: LazyLock::new(|| Table::bundled(CA_DISTRUST)),
            ca_owners: LazyLock::new(|| Table::bundled(CA_OWNERS)),
            ca_stores: LazyLock::new(|| Table::bundled(CA_STORES)),
            setuid: LazyLock::new(|| Table::bundled(SETUID)),
            device_nodes: LazyLock::new(|| Table::bundled(DEVICE_NODES)),
            init_root: LazyLock::new(|| Table::bundled(INIT_ROOT)),
            network_daemons: LazyLock::new(|| Table::bundled(NETWORK_DAEMONS)),
            permissions: LazyLock::new(|| Table::bundled(PERMISSIONS)),
            protected_broadcasts: LazyLock::new(|| Table::bundled(PROTECTED_BROADCASTS)),
            props: LazyLock::new(|| Table::bundled(PROPS)),
            android_versions: LazyLock::new(|| Table::bundled(ANDROID_VERSIONS)),
            packages_aosp: LazyLock::new(|| Table::bundled(PACKAGES_AOSP)),
            baseline_packages: LazyLock::new(|| Table::bundled(BASELINE_PACKAGES)),
            baseline_boot_jars: LazyLock::new(|| Table::bundled(BASELINE_BOOT_JARS)),
            baseline_services: LazyLock::new(|| Table::bundled(BASELINE_SERVICES)),
            sdks: LazyLock::new(|| Table::bundled(SDKS)),
            company_hosts: LazyLock::new(|| Table::bundled(COMPANY_HOSTS)),
            update_agents: LazyLock::new(|| Table::bundled(UPDATE_AGENTS)),
            vendor_signers: LazyLock::new(|| Table::bundled(VENDOR_SIGNERS)),
            shared_suffixes: LazyLock::new(|| Table::bundled(SHARED_SUFFIXES)),
            cases: LazyLock::new(Cases::bundled),
            matcher: LazyLock::new(|| Matcher::bundled(std::iter::empty())),
            preinstalled_cves: LazyLock::new(|| Table::bundled(PREINSTALLED_CVES)),
            models: LazyLock::new(models::Models::bundled),
        };
        &BUNDLED
    }
}

const PUBLIC_KEYS: &str = include_str!("../data/public_keys.toml");
const AVB_KEYS: &str = include_str!("../data/avb_keys.toml");
const ATTESTATION_KEYS: &str = include_str!("../data/attestation_keys.toml");
const CA_BASELINE: &str = include_str!("../data/ca_baseline.toml");
const CA_DISTRUST: &str = include_str!("../data/ca_distrust.toml");
const CA_OWNERS: &str = include_str!("../data/ca_owners.toml");
const CA_STORES: &str = include_str!("../data/ca_stores.toml");
const SETUID: &str = include_str!("../data/setuid.toml");
const DEVICE_NODES: &str = include_str!("../data/device_nodes.toml");
const INIT_ROOT: &str = include_str!("../data/init_root.toml");
const NETWORK_DAEMONS: &str = include_str!("../data/network_daemons.toml");
const PERMISSIONS: &str = include_str!("../data/permissions.toml");
const PROTECTED_BROADCASTS: &str = include_str!("../data/protected_broadcasts.toml");
const PROPS: &str = include_str!("../data/props.toml");
const ANDROID_VERSIONS: &str = include_str!("../data/android_versions.toml");
const PACKAGES_AOSP: &str = include_str!("../data/packages_aosp.toml");
const BASELINE_PACKAGES: &str = include_str!("../data/baseline_packages.toml");
const BASELINE_SERVICES: &str = include_str!("../data/baseline_services.toml");
const BASELINE_BOOT_JARS: &str = include_str!("../data/baseline_boot_jars.toml");
const SDKS: &str = include_str!("../data/sdks.toml");
const COMPANY_HOSTS: &str = include_str!("../data/company_hosts.toml");
const UPDATE_AGENTS: &str = include_str!("../data/update_agents.toml");
const VENDOR_SIGNERS: &str = include_str!("../data/vendor_signers.toml");
const SHARED_SUFFIXES: &str = include_str!("../data/shared_suffixes.toml");
const PREINSTALLED_CVES: &str = include_str!("../data/preinstalled_cves.toml");

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// Every table, decoded and held to the rules for all of them.
    #[test]
    fn every_row_has_a_source_and_no_two_rows_say_the_same() {
        check::<PublicKey>(PUBLIC_KEYS);
        check::<AvbKey>(AVB_KEYS);
        check::<AttestationKey>(ATTESTATION_KEYS);
        check::<Ca>(CA_BASELINE);
        check::<CaDistrust>(CA_DISTRUST);
        check::<CaOwner>(CA_OWNERS);
        check::<CaStore>(CA_STORES);
        check::<SetIdFile>(SETUID);
        check::<OpenNode>(DEVICE_NODES);
        check::<RootService>(INIT_ROOT);
        check::<NetworkDaemon>(NETWORK_DAEMONS);
        check::<Permission>(PERMISSIONS);
        check::<ProtectedBroadcast>(PROTECTED_BROADCASTS);
        check::<PropertyRule>(PROPS);
        check::<AndroidVersion>(ANDROID_VERSIONS);
        check::<AospPackage>(PACKAGES_AOSP);
        check::<BaselinePackage>(BASELINE_PACKAGES);
        check::<BaselineBootJar>(BASELINE_BOOT_JARS);
        check::<BaselineService>(BASELINE_SERVICES);
        check::<Sdk>(SDKS);
        check::<CompanyHost>(COMPANY_HOSTS);
        check::<UpdateAgent>(UPDATE_AGENTS);
        check::<VendorSigner>(VENDOR_SIGNERS);
        check::<SharedSuffixes>(SHARED_SUFFIXES);
        check::<AppCve>(PREINSTALLED_CVES);
    }

    fn check<R: Row>(text: &str) {
        let table = Table::<R>::decode(text).unwrap();
        assert!(!table.is_empty());
        let mut ids = BTreeSet::new();
        for row in table.iter() {
            assert!(ids.insert(row.id()), "{} stands twice", row.id());
            for key in row.keys() {
                assert!(table.all(&key).any(|found| found.id() == row.id()), "{key} does not find its row");
            }
        }
    }

    #[test]
    fn hashes_are_lower_case_hex_of_their_length() {
        let knowledge = Knowledge::bundled();
        for key in knowledge.public_keys.iter() {
            assert!(is_hex(&key.sha256, 64), "{}", key.name);
            assert!(is_hex(&key.sha1, 40), "{}", key.name);
            assert!(is_hex(&key.public_key_sha256, 64), "{}", key.name);
        }
        for key in knowledge.avb_keys.iter() {
            assert!(is_hex(&key.sha256, 64), "{}", key.name);
            assert!(is_hex(&key.sha1, 40), "{}", key.name);
        }
        for key in knowledge.attestation_keys.iter() {
            assert!(is_hex(&key.sha256, 64), "{}", key.name);
        }
        for ca in knowledge.ca_baseline.iter() {
            assert!(is_hex(&ca.sha256, 64), "{}", ca.subject);
        }
        for file in knowledge.setuid.iter() {
            let given = file.mode_bits() & 0o6000 != 0 || !file.capabilities.is_empty();
            assert!(given && file.path.starts_with('/'), "{}", file.path);
        }
    }

    fn is_hex(text: &str, len: usize) -> bool {
        text.len() == len && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    }

    #[test]
    fn every_file_of_the_folder_is_bundled_and_small() {
        let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
        let here = concat!(include_str!("lib.rs"), include_str!("models/mod.rs"), include_str!("policy.rs"));
        let mut total = 0;
        let models = std::fs::read_dir(data.join("models")).unwrap();
        // That every file of `cases` is bundled is held beside their list.
        total +=
            std::fs::read_dir(data.join("cases")).unwrap().map(|it| it.unwrap().metadata().unwrap().len()).sum::<u64>();
        for entry in std::fs::read_dir(&data).unwrap().chain(models) {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                continue;
            }
            let path = entry.path();
            let name = path.strip_prefix(&data).unwrap().display().to_string();
            assert!(here.contains(&format!("../data/{name}\")")), "{name} is not bundled");
            total += entry.metadata().unwrap().len();
        }
        assert!(total < DATA_MAX_SIZE, "{total} bytes of knowledge");
    }

    const PACKAGES_BY_VERSION: [usize; 9] = [80, 82, 87, 131, 164, 140, 123, 170, 172];

    /// All tables together, in bytes: they live in the program's file.
    const DATA_MAX_SIZE: u64 = 8 << 20;

    #[test]
    fn the_test_key_is_known_by_each_of_its_hashes() {
        let keys = &Knowledge::bundled().public_keys;
        let testkey = keys.get("a40da80a59d170caa950cf15c18c454d47a39b26989d8b640ecd745ba71bf5dc").unwrap();
        assert_eq!(testkey.name, "testkey");
        assert_eq!(keys.get("61ed377e85d386a8dfee6b864bd85b0bfaa5af81").unwrap().name, "testkey");
        assert_eq!(keys.get(&testkey.public_key_sha256).unwrap().sha256, testkey.sha256);
        assert!(keys.get("").is_none());
    }

    #[test]
    fn the_debug_subject_is_known_in_either_order_and_no_other() {
        let keys = &Knowledge::bundled().public_keys;
        assert!(keys.is_debug_subject("CN=Android Debug,O=Android,C=US"));
        assert!(keys.is_debug_subject("C=US, O=Android, CN=Android Debug"));
        assert!(!keys.is_debug_subject("CN=Android,OU=Android,O=Android,C=US"));
    }

    #[test]
    fn each_version_of_the_baseline_has_as_many_authorities_as_android_shipped() {
        let baseline = &Knowledge::bundled().ca_baseline;
        let count = |sdk| baseline.iter().filter(|ca| ca.sdks.contains(sdk)).count();
        assert_eq!([19, 21, 22, 24, 29, 31].map(count), [150, 157, 162, 148, 138, 129]);
        assert_eq!([35, 36].map(count), [145, 149]);
        assert!(CA_BASELINE_SDKS.filter(|sdk| *sdk != 20).all(|sdk| 100 < count(sdk)));
        assert_eq!(count(37), 0);
    }

    #[test]
    fn a_baseline_tells_what_a_version_has_and_of_which_versions_it_knows_nothing() {
        let knowledge = Knowledge::bundled();
        let packages = |sdk| knowledge.baseline_packages.iter().filter(|it| it.sdks.contains(sdk)).count();
        assert_eq!([24, 26, 28, 29, 30, 31, 33, 34, 35].map(packages), PACKAGES_BY_VERSION);
        let has = |package, sdk| knowledge.baseline_packages.has(package, sdk);
        assert_eq!((has("com.android.settings", 30), has("com.adups.fota", 30)), (Some(true), Some(false)));
        assert_eq!((has("com.android.appsearch", 30), has("com.android.appsearch", 31)), (Some(false), Some(true)));
        assert_eq!((has("com.android.settings", 22), has("com.android.settings", 36)), (None, None));
        let boots = |path, sdk| knowledge.baseline_boot_jars.has(path, sdk);
        assert_eq!(boots("/system/framework/core-libart.jar", 22), Some(true));
        assert_eq!(boots("/system/framework/mms-common.jar", 23), Some(false));
        assert_eq!(boots("/apex/com.android.conscrypt/javalib/conscrypt.jar", 34), Some(true));
        assert_eq!(boots("/system/framework/core.jar", 19), None);
        let finds = |name, sdk| knowledge.baseline_services.has(name, sdk);
        assert_eq!((finds("activity", 21), finds("miui.shell", 21)), (Some(true), Some(false)));
        assert_eq!((finds("pinner", 21), finds("pinner", 24)), (Some(false), Some(true)));
        assert_eq!(finds("android.hardware.nfc::INfc", 29), Some(true));
        assert_eq!((finds("activity", 19), finds("activity", 35)), (None, None));
    }

    #[test]
    fn kits_and_hosts_are_named_as_code_names_them() {
        let knowledge = Knowledge::bundled();
        let mut classes = BTreeSet::new();
        for (class, sdk) in knowledge.sdks.classes() {
            let label = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
            assert!(class.contains('.') && class.split('.').all(label), "{class}");
            assert!(classes.insert(class), "{class} of {} stands twice", sdk.name);
        }
        for it in knowledge.company_hosts.iter() {
            assert!(cases::is_domain(&it.host) && !it.company.is_empty(), "{}", it.host);
        }
        let countries = knowledge.sdks.iter().map(|it| &it.country);
        for country in countries.chain(knowledge.company_hosts.iter().map(|it| &it.country)) {
            assert!(country.is_empty() || country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase()));
        }
    }

    #[test]
    fn an_authority_stands_by_version() {
        let knowledge = Knowledge::bundled();
        let wosign =
            knowledge.ca_baseline.iter().find(|ca| ca.subject.contains("Certification Authority of WoSign,")).unwrap();
        assert!(matches!(knowledge.ca_baseline.standing(&wosign.sha256, 21), CaStanding::Shipped(_)));
        assert!(matches!(knowledge.ca_baseline.standing(&wosign.sha256, 29), CaStanding::OtherVersion(_)));
        assert!(matches!(knowledge.ca_baseline.standing("00", 29), CaStanding::Unknown));
        assert_eq!(knowledge.ca_distrust.of_subject(&wosign.subject).unwrap().name, "WoSign");
        assert!(knowledge.ca_distrust.of_subject("CN=GlobalSign,O=GlobalSign").is_none());
    }

    #[test]
    fn a_holder_is_told_by_certificate_or_subject() {
        let knowledge = Knowledge::bundled();
        let of =
            |sha256: &str, subject: &str| knowledge.ca_owners.of(sha256, subject).map(|it| (it.kind, &*it.country));
        assert_eq!(of("", "CN=Qaznet Trust Network,C=KZ"), Some((CaOwnerKind::Government, "KZ")));
        let superfish = "b6fe9151402bad1c06d7e66db67a26aa7356f2e6c644dbcf9f98968ff632e1b7";
        assert_eq!(of(superfish, "CN=anything"), Some((CaOwnerKind::PublicKey, "")));
        assert_eq!(of("", "CN=ISRG Root X1,O=Internet Security Research Group,C=US"), None);
        for owner in knowledge.ca_owners.iter() {
            assert!(owner.sha256.iter().all(|it| is_hex(it, 64)), "{}", owner.name);
            assert!(!owner.sha256.is_empty() || !owner.subjects.is_empty(), "{}", owner.name);
        }
    }

    #[test]
    fn every_distrusted_authority_was_once_trusted() {
        let knowledge = Knowledge::bundled();
        for row in knowledge.ca_distrust.iter() {
            let known =
                |ca: &Ca| knowledge.ca_distrust.of_subject(&ca.subject).is_some_and(|found| found.name == row.name);
            assert!(knowledge.ca_baseline.iter().any(known), "{}", row.name);
        }
    }

    #[test]
    fn lookups_know_versions_patterns_and_values() {
        let knowledge = Knowledge::bundled();
        assert!(knowledge.setuid.shipped("/system/bin/run-as", 29).is_some());
        assert!(knowledge.setuid.shipped("/system/bin/netcfg", 29).is_none());
        assert!(!knowledge.setuid.shipped("/system/xbin/su", 21).unwrap().user_build);
        assert!(knowledge.device_nodes.of_node("/dev/binder").is_some());
        assert!(knowledge.device_nodes.of_node("/dev/dri/card0").is_some());
        assert!(knowledge.device_nodes.of_node("/dev/mem").is_none());
        assert!(knowledge.init_root.of_service("vold", "/system/bin/vold").is_some());
        assert!(knowledge.init_root.of_service("vold", "/data/vold").is_none());
        assert!(knowledge.props.broken_by("ro.debuggable", "1").is_some());
        assert!(knowledge.props.broken_by("ro.debuggable", "0").is_none());
        assert!(knowledge.props.broken_by("persist.sys.usb.config", "mtp,adb").is_some());
        assert!(knowledge.props.broken_by("service.adb.tcp.port", "5555").is_some());
        assert!(knowledge.props.broken_by("service.adb.tcp.port", "-1").is_none());
        assert!(knowledge.protected_broadcasts.get("android.intent.action.BOOT_COMPLETED").is_some());
        assert_eq!(knowledge.packages_aosp.get("com.android.providers.contacts").unwrap().signed_by, "shared");
        assert_eq!(knowledge.update_agents.get("com.android.updater").unwrap().maker, "Xiaomi");
        let miui = "EMAILADDRESS=miui@xiaomi.com, CN=MIUI, OU=MIUI, O=Xiaomi, L=Beijing, ST=Beijing, C=CN";
        assert_eq!(knowledge.vendor_signers.of_subject(miui).unwrap().brand, "Xiaomi");
    }

    #[test]
    fn versions_and_their_first_patches_ascend() {
        let versions = &Knowledge::bundled().android_versions;
        let rows: Vec<&AndroidVersion> = versions.iter().collect();
        for pair in rows.windows(2) {
            assert!(pair[0].sdk < pair[1].sdk);
            if let (Some(left), Some(right)) = (&pair[0].first_patch, &pair[1].first_patch) {
                assert!(left < right);
            }
        }
        assert_eq!(versions.of_sdk(29).unwrap().releases, ["10"]);
        assert_eq!(versions.of_release("12").count(), 2);
        assert_eq!(versions.of_release("5.0.2").next().unwrap().sdk, 21);
    }
}
