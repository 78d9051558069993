//! Verified boot is switched off: the phone starts whatever is on its partitions.

use model::fact::avb::{FLAG_HASHTREE_DISABLED, FLAG_VERIFICATION_DISABLED};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{ArtifactId, Class, Confidence, Evidence, Finding, Grade};
use phone::Phone;

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "verification-disabled",
    class: Class::TrustRoot,
    title: "Verified boot is switched off",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let factors = Factors {
        reach: Reach::Physical,
        power: Power::System,
        concealment: Concealment::None,
        holder: Holder::Everyone,
    };
    let action = "install an image that the maker signed, with verification on, and lock the boot loader";
    for row in &phone.facts.vbmetas {
        let flags = row.value.flags;
        if flags & (FLAG_HASHTREE_DISABLED | FLAG_VERIFICATION_DISABLED) == 0 {
            continue;
        }
        let what = match flags & FLAG_VERIFICATION_DISABLED {
            0 => "the hash trees of all partitions are not looked at (flag 1)",
            _ => "nothing is verified at all (flag 2)",
        };
        findings.push(Finding {
            benign: "who installs another system on the own phone sets these flags".to_owned(),
            subject: format!("vbmeta {}", phone.tree.artifact(row.at.artifact).name),
            device_path: place_of(phone, row.at.artifact),
            evidence: vec![Evidence::at(row.at, format!("flags = {flags}"))],
            references: vec!["AOSP external/avb, libavb/avb_vbmeta_image.h, AvbVBMetaImageFlags".to_owned()],
            action: action.to_owned(),
            ..DETECTOR.finding(
                Grade::Finding,
                Confidence::High,
                factors,
                format!("the verified-boot metadata says that {what}: a changed partition starts without a warning"),
            )
        });
    }
    // On phones that know verification at all: an entry without it beside entries that have it.
    let entries: Vec<_> = phone.running(&phone.facts.fstab).collect();
    let is_verified = |flags: &[String]| {
        flags.iter().any(|it| ["verify", "avb", "avb_keys"].iter().any(|name| it.split(['=', ':']).next() == Some(name)))
    };
    for row in &entries {
        let siblings = entries.iter().filter(|it| it.at.artifact == row.at.artifact);
        let known = siblings.clone().any(|it| is_verified(&it.value.flags));
        let is_system = matches!(row.value.mount_point.as_str(), "/" | "/system" | "/system_root" | "/vendor" | "/product");
        let alternative = siblings.clone().any(|it| it.value.mount_point == row.value.mount_point && is_verified(&it.value.flags));
        if known && is_system && !alternative && !is_verified(&row.value.flags) {
            findings.push(Finding {
                benign: "a partition may be verified through the metadata of another".to_owned(),
                subject: format!("fstab {}", row.value.mount_point),
                device_path: phone.device_path(row.at.artifact).to_owned(),
                evidence: vec![Evidence::at(
                    row.at,
                    format!("{} {} {}", row.value.device, row.value.mount_point, row.value.flags.join(",")),
                )],
                action: action.to_owned(),
                ..DETECTOR.finding(
                    Grade::Suspicion,
                    Confidence::Medium,
                    Factors { holder: Holder::Unknown, ..factors },
                    format!(
                        "{} mounts {} without verification, beside partitions that are verified",
                        phone.device_path(row.at.artifact),
                        row.value.mount_point
                    ),
                )
            });
        }
    }
}

/// Where the phone has verified-boot metadata: in a file system, or as a partition under its name.
fn place_of(phone: &Phone, id: ArtifactId) -> String {
    let path = phone.device_path(id);
    if !path.is_empty() {
        return path.to_owned();
    }
    let name = String::from_utf8_lossy(phone.tree.artifact(id).file_name()).into_owned();
    format!("/dev/block/by-name/{}", name.split('.').next().unwrap_or_default())
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::fact::avb::Vbmeta;
    use model::fact::fstab::FstabEntry;

    fn vbmeta(flags: u32) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file("/vbmeta.img");
        fixture.facts.vbmetas.push(Fixture::row(
            file,
            Vbmeta {
                from_footer: false,
                algorithm: "SHA256_RSA2048".to_owned(),
                flags,
                rollback_index: 0,
                public_key_sha256: None,
                public_key_bits: None,
                release: String::new(),
                descriptors: Vec::new(),
            },
        ));
        fixture
    }

    fn fstab(system: &[&str], vendor: &[&str]) -> Fixture {
        let mut fixture = Fixture::phone();
        let file = fixture.file("/vendor/etc/fstab.x");
        for (point, flags) in [("/system", system), ("/vendor", vendor)] {
            let entry = FstabEntry {
                device: point[1..].to_owned(),
                mount_point: point.to_owned(),
                fs_type: "ext4".to_owned(),
                options: vec!["ro".to_owned()],
                flags: flags.iter().map(|it| (*it).to_owned()).collect(),
            };
            fixture.facts.fstab.push(Fixture::row(file, entry));
        }
        fixture
    }

    Cases {
        fires: &[|| vbmeta(2), || vbmeta(1), || fstab(&["wait"], &["wait", "avb=vbmeta"])],
        silent: &[
            || vbmeta(0),
            || fstab(&["wait", "avb"], &["wait", "avb=vbmeta"]),
            // A phone that is older than verification.
            || fstab(&["wait"], &["wait"]),
        ],
    }
};
