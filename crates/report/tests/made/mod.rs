//! Reports that were made up: one with every feature and with names that a hostile input would choose, one with nothing.

use model::fact::image_check::{Method, State};
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::gates::GateCount;
use model::report::*;
use model::{Answer, Class, Confidence, Grade, Report, Subject};

/// Names that break out of what is not careful: markup, terminal codes, direction, width, shells.
pub const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style></title><svg onload=alert(1)>",
    "javascript:alert(1)",
    "https://evil.invalid/?a=1&b=2",
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\r\n\u{8}",
    "gpj.\u{202e}kpa\u{202c}\u{2066}x\u{2069}\u{200f}",
    "zero\u{200b}width\u{feff}\u{e0041}",
    "$(reboot)`id`'\"\\*?[a]",
    "Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}algo",
];

pub fn empty() -> Report {
    Report {
        schema: SCHEMA,
        tool: tool(),
        date: None,
        command: "postern check empty/".to_owned(),
        input: Vec::new(),
        device: Device::default(),
        verdict: VerdictLine {
            answer: Answer::CannotSay,
            confidence: Confidence::Low,
            percent: 0,
            subject: Subject::Neither,
            summary: Vec::new(),
        },
        findings: Vec::new(),
        capabilities: Vec::new(),
        privacy: Vec::new(),
        controllers: Vec::new(),
        coverage: Coverage::default(),
        gaps: Vec::new(),
        differences: Vec::new(),
        next: Vec::new(),
        apps: Vec::new(),
        daemons: Vec::new(),
        provenance: Provenance::default(),
        surface: Default::default(),
    }
}

/// Two phones beside each other.
#[allow(dead_code, reason = "not every test compares")]
pub fn compared() -> Report {
    let full = full();
    let input = |name: &str| Input { name: name.to_owned(), ..full.input[0].clone() };
    let layer = |layer: &str, unit: &str, read| LayerLine {
        layer: layer.to_owned(),
        state: if read == 12 { LayerState::Read } else { LayerState::Partial },
        unit: unit.to_owned(),
        read,
        total: 12,
        why: "7 are the same".to_owned(),
    };
    let plain = |rank, kind: &str, what: &str, left: &str, right: &str| Difference {
        rank,
        kind: kind.to_owned(),
        what: what.to_owned(),
        left: left.to_owned(),
        right: right.to_owned(),
        device_path: format!("/system/{rank}"),
        brings: Vec::new(),
    };
    let rest = (4..=120).map(|rank| plain(rank, "changed", "file", "10 bytes", "11 bytes"));
    Report {
        command: "postern compare shop.zip gift.zip".to_owned(),
        input: vec![input("shop.zip"), input(HOSTILE[1])],
        verdict: VerdictLine {
            answer: Answer::Differs,
            confidence: Confidence::High,
            percent: 91,
            subject: Subject::Comparison,
            summary: vec!["3 differences matter.".to_owned()],
        },
        coverage: Coverage {
            layers: vec![layer("files", "files", 11), layer("bytecode", "units", 12)],
            code: CodeCount::default(),
            signed: Vec::new(),
        },
        differences: [
            full.differences.clone(),
            vec![
                plain(2, "changed", "code of com.example.ota", &"a long text ".repeat(50), HOSTILE[6]),
                Difference {
                    brings: (0..7).map(|n| format!("{} {n}", HOSTILE[4])).collect(),
                    ..plain(3, "added", HOSTILE[0], "", "4755")
                },
            ],
            rest.collect(),
        ]
        .concat(),
        gaps: full.gaps.clone(),
        device: full.device.clone(),
        next: full.next.clone(),
        ..empty()
    }
}

pub fn full() -> Report {
    Report {
        date: Some("2021-03-01".to_owned()),
        command: "postern check rom.tgz --date 2021-03-01".to_owned(),
        input: vec![
            Input {
                name: "rom.tgz".to_owned(),
                sha256: "0123456789abcdef".repeat(4),
                size: 1_234_567_890,
                kind: "gzip".to_owned(),
            },
            Input { name: HOSTILE[0].to_owned(), sha256: String::new(), size: 0, kind: "unknown".to_owned() },
        ],
        device: Device {
            brand: "Example".to_owned(),
            model: "Aries 7".to_owned(),
            fingerprint: "Example/aries/aries:10/QKQ1.200114.002/V1:user/release-keys".to_owned(),
            android: "10".to_owned(),
            patch_level: "2021-01-01".to_owned(),
            build_type: "user".to_owned(),
            tags: "release-keys".to_owned(),
        },
        verdict: VerdictLine {
            answer: Answer::RemoteControl,
            confidence: Confidence::High,
            percent: 62,
            subject: Subject::Phone,
            summary: vec![
                "An update service runs what a server sends, as the system, without looking at a signature.".to_owned(),
                "A second service may listen for commands on the local network; one link of it could not be read."
                    .to_owned(),
            ],
        },
        findings: findings(),
        capabilities: vec![Row {
            detector: "install-power".to_owned(),
            factors: factors(Reach::Remote, Power::Install, Concealment::None, Holder::Legitimate),
            ..plain_row(
                "c0ffee000001",
                Class::CarrierAgent,
                Grade::Capability,
                "A carrier's agent may install apps",
                "/product/app/Agent/Agent.apk",
            )
        }],
        privacy: vec![plain_row(
            "badcafe00001",
            Class::CovertTelemetry,
            Grade::Privacy,
            "Diagnostics go to stats.example.invalid",
            "/system/app/Stats/Stats.apk",
        )],
        controllers: vec![
            Controller {
                role: "updater".to_owned(),
                package: "com.example.ota".to_owned(),
                signer: "CN=Example".to_owned(),
                device_path: "/system/priv-app/Ota/Ota.apk".to_owned(),
            },
            Controller {
                role: "ca".to_owned(),
                package: HOSTILE[1].to_owned(),
                signer: String::new(),
                device_path: "/system/etc/security/cacerts/00000000.0".to_owned(),
            },
        ],
        coverage: Coverage {
            layers: vec![
                layer("partitions", LayerState::Read, "bytes", 3_200_000_000, 3_200_000_000, ""),
                layer("bytecode", LayerState::Partial, "methods", 372_000, 600_000, "code in .odex only"),
                layer("native code", LayerState::Opaque, "files", 0, 1_405, "not analysed by this version"),
                layer("TEE", LayerState::Absent, "files", 0, 0, "the input has none"),
            ],
            code: CodeCount { methods: 600_000, analysed: 372_000 },
            signed: vec![signed("system", State::Verified), signed(HOSTILE[1], State::Altered)],
        },
        gaps: gaps(),
        differences: vec![Difference {
            rank: 1,
            kind: "changed".to_owned(),
            what: format!("exported receiver {}", HOSTILE[2]),
            left: "guarded by a signature permission".to_owned(),
            right: "no guard".to_owned(),
            device_path: "/system/priv-app/Ota/Ota.apk".to_owned(),
            brings: vec!["any app may start an update".to_owned()],
        }],
        next: vec![
            "Do not use this phone for anything that matters.".to_owned(),
            "Give a dump of the data partition as well, so that updates of system apps can be read.".to_owned(),
        ],
        apps: apps(),
        daemons: vec![
            DaemonLine { name: "cmdd".to_owned(), device_path: "/vendor/bin/cmdd".to_owned(), user: "root".to_owned() },
            DaemonLine {
                name: HOSTILE[9].to_owned(),
                device_path: "/vendor/bin/thermal".to_owned(),
                user: "system".to_owned(),
            },
        ],
        surface: surface(),
        provenance: provenance(),
        ..empty()
    }
}

fn provenance() -> Provenance {
    let sdk = |name: &str, company: &str, country: &str, found_in: &[&str]| SdkLine {
        name: name.to_owned(),
        company: company.to_owned(),
        country: country.to_owned(),
        does: vec!["analytics".to_owned()],
        found_in: found_in.iter().map(|it| (*it).to_owned()).collect(),
        source: "a list".to_owned(),
    };
    let host = |host: &str, company: &str, country: &str, found_in: &[&str]| HostLine {
        host: host.to_owned(),
        company: company.to_owned(),
        country: country.to_owned(),
        does: Vec::new(),
        found_in: found_in.iter().map(|it| (*it).to_owned()).collect(),
        source: "a list".to_owned(),
    };
    Provenance {
        sdks: vec![
            sdk("Counter", "Counting Company", "CN", &["com.example.app00", "com.example.ota"]),
            sdk("Nobody's", "", "", &[HOSTILE[7]]),
        ],
        hosts: vec![
            host("a.counter.example", "Counting Company", "CN", &["com.example.app00"]),
            host("b.counter.example", "Counting Company", "CN", &["/vendor/bin/cmdd", HOSTILE[7]]),
            host("other.example", "Other", "", &["com.example.ota"]),
        ],
        boot_class_path: vec![
            JarLine { device_path: "/system/framework/framework.jar".to_owned(), in_aosp: Some(true) },
            JarLine { device_path: "/system/framework/added.jar".to_owned(), in_aosp: Some(false) },
        ],
        added_services: vec![ServiceLine {
            name: HOSTILE[3].to_owned(),
            label: "u:object_r:default_android_service:s0".to_owned(),
            device_path: "/service_contexts".to_owned(),
        }],
        records: vec![RecordLine {
            cve: "CVE-2000-0001".to_owned(),
            package: "com.example.ota".to_owned(),
            version: "7 (7)".to_owned(),
            exposes: "installation of apps to any app".to_owned(),
            standing: "whether this version is affected is not known".to_owned(),
            device_path: "/system/priv-app/Ota/Ota.apk".to_owned(),
        }],
    }
}

fn surface() -> SurfaceLine {
    let way = |from: &str, kind: &str, guards: &[&str], capability: &str, power| WayLine {
        from: vec![from.to_owned()],
        kind: kind.to_owned(),
        gate: HOSTILE[0].to_owned(),
        owner: HOSTILE[1].to_owned(),
        device_path: "/system/priv-app/Ota/Ota.apk".to_owned(),
        guards: guards.iter().map(|it| (*it).to_owned()).collect(),
        capability: capability.to_owned(),
        power,
        acts_as: "system".to_owned(),
        told: true,
        loose: false,
        path: format!("rom.tgz!{}", HOSTILE[9]),
        offset: 0x40,
        size: 12,
    };
    SurfaceLine {
        counts: vec![GateCount {
            kind: "receiver".to_owned(),
            words: "receivers of broadcasts".to_owned(),
            total: 12,
            open: 4,
            leading: 1,
        }],
        ways: vec![
            way("internet", "update-channel", &[], "install-package", Power::Install),
            way("app", "receiver", &["permission: a.b.C (normal, declared by a.b)"], "execute-command", Power::System),
            way("sms", HOSTILE[3], &["secret: equals the constant"], "send-sms", Power::Data),
        ],
        bounds: vec![HOSTILE[6].to_owned()],
    }
}

fn findings() -> Vec<Row> {
    let mut findings = vec![
        Row {
            detector: "update-without-signature".to_owned(),
            factors: factors(Reach::Remote, Power::System, Concealment::Misleading, Holder::Unknown),
            claim: "A response from ota.example.invalid becomes a file that is installed silently; nothing between the two looks at a signature.".to_owned(),
            benign: "A vendor's updater does the same and verifies the package first; no verification was found on this way.".to_owned(),
            subject: "com.example.ota".to_owned(),
            evidence: vec![
                EvidenceLine {
                    path: "rom.tgz!images/super.img!system_a!/priv-app/Ota/Ota.apk!classes2.dex".to_owned(),
                    device_path: "/system/priv-app/Ota/Ota.apk".to_owned(),
                    sha256: "fedcba9876543210".repeat(4),
                    offset: 0x1_2a40,
                    size: 34,
                    detail: "const-string \"pm install -r \"".to_owned(),
                },
                EvidenceLine {
                    path: format!("rom.tgz!images/super.img!system_a!/priv-app/Ota/{}", HOSTILE[7]),
                    device_path: String::new(),
                    sha256: String::new(),
                    offset: 0,
                    size: 0,
                    detail: format!("a file whose name is {}", HOSTILE[6]),
                },
            ],
            flow: vec![
                FlowStep {
                    path: "rom.tgz!images/super.img!system_a!/priv-app/Ota/Ota.apk!classes2.dex".to_owned(),
                    class: "com.example.ota.Fetch".to_owned(),
                    method: "run()V".to_owned(),
                    offset: 0x1_2a00,
                    what: "the body of the response is read".to_owned(),
                },
                FlowStep {
                    path: "rom.tgz!images/super.img!system_a!/priv-app/Ota/Ota.apk!classes2.dex".to_owned(),
                    class: HOSTILE[3].to_owned(),
                    method: "exec(Ljava/lang/String;)V".to_owned(),
                    offset: 0x1_2a40,
                    what: "it is run as a command".to_owned(),
                },
            ],
            references: vec!["CVE-2016-10138".to_owned(), "https://example.invalid/paper?a=1&b=<2>".to_owned()],
            action: "Do not use the phone; keep it, and its package, for a laboratory.".to_owned(),
            ..plain_row("a1b2c3d4e5f6", Class::RemoteCommand, Grade::Finding, "Whoever answers for the update server runs code as the system", "/system/priv-app/Ota/Ota.apk")
        },
        Row {
            factors: factors(Reach::Adjacent, Power::System, Concealment::None, Holder::Unknown),
            confidence: Confidence::Medium,
            ..plain_row("0a0b0c0d0e0f", Class::RootDaemon, Grade::Suspicion, "A root service listens on a socket and runs commands", "/vendor/bin/cmdd")
        },
        Row {
            factors: factors(Reach::Physical, Power::None, Concealment::None, Holder::Legitimate),
            ..plain_row("111111111111", Class::Hygiene, Grade::Finding, "The patch level is old", "")
        },
    ];
    for (n, hostile) in HOSTILE.iter().enumerate() {
        findings.push(Row {
            subject: (*hostile).to_owned(),
            claim: format!("a claim that quotes {hostile}"),
            benign: (*hostile).to_owned(),
            action: (*hostile).to_owned(),
            references: vec![(*hostile).to_owned()],
            ..plain_row(
                &format!("bad0000000{n:02x}"),
                Class::EvasiveFormat,
                Grade::Finding,
                hostile,
                &format!("/system/app/{hostile}"),
            )
        });
    }
    for row in &mut findings {
        row.severity = row.factors.severity();
    }
    findings
}

fn plain_row(id: &str, class: Class, grade: Grade, title: &str, device_path: &str) -> Row {
    let factors = factors(Reach::AnyApp, Power::Data, Concealment::None, Holder::Unknown);
    Row {
        id: id.to_owned(),
        detector: "made-up".to_owned(),
        class,
        grade,
        severity: factors.severity(),
        confidence: Confidence::High,
        title: title.to_owned(),
        claim: format!("{title}, as was observed."),
        benign: "It may be meant so.".to_owned(),
        factors,
        subject: String::new(),
        device_path: device_path.to_owned(),
        evidence: vec![EvidenceLine {
            path: format!("rom.tgz!system.img!{device_path}"),
            device_path: device_path.to_owned(),
            sha256: "00ff".repeat(16),
            offset: 16,
            size: 1,
            detail: title.to_owned(),
        }],
        flow: Vec::new(),
        references: Vec::new(),
        action: String::new(),
    }
}

fn gaps() -> Vec<GapLine> {
    let mut gaps = vec![
        GapLine {
            path: "rom.tgz!images/modem.img".to_owned(),
            why: "baseband firmware is not analysed".to_owned(),
            count: 1,
        },
        GapLine { path: HOSTILE[1].to_owned(), why: format!("unknown format {}", HOSTILE[6]), count: 2 },
    ];
    gaps.extend((0..20).map(|n| GapLine {
        path: format!("rom.tgz!system.img!/app/App{n:02}/App{n:02}.apk!classes.dex"),
        why: "malformed string_ids at offset 0x70".to_owned(),
        count: 1 + n % 3,
    }));
    gaps.extend((0..20).map(|n| GapLine { path: "rom.tgz".to_owned(), why: format!("reason number {n}"), count: 1 }));
    gaps
}

fn apps() -> Vec<AppLine> {
    let mut apps: Vec<AppLine> = (0..12)
        .map(|n| AppLine {
            package: format!("com.example.app{n:02}"),
            version: format!("1.{n} (10{n})"),
            signer: "CN=Example".to_owned(),
            device_path: format!("/system/app/App{n:02}/App{n:02}.apk"),
            in_aosp: Some(n % 2 == 0),
        })
        .collect();
    apps.push(AppLine {
        package: "com.example.ota".to_owned(),
        version: "7 (7)".to_owned(),
        signer: "CN=Example".to_owned(),
        device_path: "/system/priv-app/Ota/Ota.apk".to_owned(),
        in_aosp: Some(false),
    });
    apps.push(AppLine {
        package: HOSTILE[7].to_owned(),
        version: HOSTILE[6].to_owned(),
        signer: HOSTILE[0].to_owned(),
        device_path: format!("/product/app/{}/very{}long.apk", HOSTILE[2], "-very".repeat(60)),
        in_aosp: None,
    });
    apps
}

fn tool() -> Tool {
    Tool { name: "postern".to_owned(), version: "0.1.0".to_owned(), knowledge: "2026-01-01".to_owned() }
}

fn layer(name: &str, state: LayerState, unit: &str, read: u64, total: u64, why: &str) -> LayerLine {
    LayerLine { layer: name.to_owned(), state, unit: unit.to_owned(), read, total, why: why.to_owned() }
}

fn signed(name: &str, state: State) -> SignedLine {
    SignedLine {
        name: name.to_owned(),
        path: format!("{name}.img"),
        method: Method::Hashtree,
        state,
        key: "ab".repeat(32),
        key_name: String::new(),
        why: String::new(),
    }
}

fn factors(reach: Reach, power: Power, concealment: Concealment, holder: Holder) -> Factors {
    Factors { reach, power, concealment, holder }
}
