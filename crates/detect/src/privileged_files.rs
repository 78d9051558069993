//! Files that give their caller root's rights or capabilities, and that Android does not ship so.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Artifact, Class, Confidence, Evidence, Finding, Grade, NodeKind};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "privileged-files",
    class: Class::RootDaemon,
    title: "Program that lends its caller root's rights",
    detect,
};

fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let phone = context.phone;
    let sdk = phone.sdk().unwrap_or(SDK_UNKNOWN);
    for (artifact, path) in phone.files().filter(|it| it.0.node.kind == NodeKind::File) {
        let Some(right) = right_of(artifact) else { continue };
        let known = context.knowledge.setuid.shipped(path, sdk);
        let user_build = phone.properties.build("type") == Some("user");
        if known.is_some_and(|it| it.user_build || !user_build) {
            continue;
        }
        let su = matches!(artifact.file_name(), b"su" | b"daemonsu" | b"ksud" | b"magisk");
        let factors = Factors {
            reach: Reach::AnyApp,
            power: right.power,
            concealment: Concealment::None,
            holder: Holder::Unknown,
        };
        let engineering = match known {
            Some(known) => format!("; Android has it in engineering builds only ({})", known.purpose),
            None => String::new(),
        };
        findings.push(Finding {
            benign: "radio, DRM and backup helpers of vendors have such rights; SELinux may keep apps from calling them"
                .to_owned(),
            subject: path.to_owned(),
            device_path: path.to_owned(),
            evidence: vec![Evidence::artifact(artifact.id, right.detail.clone())],
            references: vec!["AOSP system/core/libcutils/fs_config.cpp: the files that Android itself ships so".to_owned()],
            action: "look at what the program does for its caller; a phone for users needs none".to_owned(),
            ..DETECTOR.finding(
                if su { Grade::Finding } else { Grade::Suspicion },
                Confidence::Medium,
                factors,
                format!("{path} {}, and is not one of the files that Android ships so{engineering}", right.detail),
            )
        });
    }
}

struct Right {
    detail: String,
    power: Power,
}

/// What running the file gives; `None` where it gives nothing, or where modes were lost.
fn right_of(artifact: &Artifact) -> Option<Right> {
    let node = &artifact.node;
    let mode = node.mode.unwrap_or(0);
    // Who may run it: without a bit for others, only members of its group.
    let anyone = mode & 0o001 != 0;
    if mode & 0o4000 != 0 && node.uid == Some(0) {
        let power = if anyone { Power::System } else { Power::Settings };
        return Some(Right { detail: format!("runs as root whoever calls it (mode {mode:04o})"), power });
    }
    if mode & 0o2000 != 0 && node.gid == Some(0) && mode & 0o010 != 0 {
        return Some(Right { detail: format!("runs in root's group (mode {mode:04o})"), power: Power::Settings });
    }
    let capability = node.capability.as_ref().filter(|it| it.permitted != 0)?;
    let names: Vec<&str> =
        STRONG.iter().filter(|it| capability.permitted >> it.0 & 1 != 0).map(|it| it.1).collect();
    let power = if names.is_empty() || !anyone { Power::Settings } else { Power::System };
    let names = if names.is_empty() { format!("{:#x}", capability.permitted) } else { names.join(", ") };
    Some(Right { detail: format!("has file capabilities ({names}; mode {mode:04o})"), power })
}

/// Capabilities that amount to root (`include/uapi/linux/capability.h`).
const STRONG: &[(u32, &str)] = &[
    (0, "CAP_CHOWN"),
    (1, "CAP_DAC_OVERRIDE"),
    (2, "CAP_DAC_READ_SEARCH"),
    (6, "CAP_SETGID"),
    (7, "CAP_SETUID"),
    (16, "CAP_SYS_MODULE"),
    (17, "CAP_SYS_RAWIO"),
    (19, "CAP_SYS_PTRACE"),
    (21, "CAP_SYS_ADMIN"),
    (33, "CAP_MAC_ADMIN"),
];

/// Without an SDK level, the newest is assumed: it ships the fewest such files.
const SDK_UNKNOWN: u32 = 36;

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};
    use model::{FileCapability, Node};

    fn with(path: &str, mode: u16, permitted: u64) -> Fixture {
        let capability = (permitted != 0).then_some(FileCapability { effective: true, permitted, inheritable: 0 });
        let node = Node { mode: Some(mode), uid: Some(0), gid: Some(0), capability, ..Node::file() };
        let user = Fixture::phone().property("ro.build.type", "user").property("ro.build.version.sdk", "30");
        user.with_node(path, node)
    }

    Cases {
        fires: &[
            || with("/system/xbin/su", 0o4755, 0),
            || with("/vendor/bin/helper", 0o4755, 0),
            || with("/vendor/bin/helper", 0o755, 1 << 21),
        ],
        silent: &[
            || with("/system/bin/sh", 0o755, 0),
            // What Android ships itself.
            || with("/system/bin/run-as", 0o750, 0xc0),
        ],
    }
};
