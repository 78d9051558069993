//! A build that contradicts itself about what it is.

use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};
use phone::{Properties, Value};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "build-contradiction",
    class: Class::IdentitySpoof,
    title: "The build contradicts itself",
    detect,
};

/// One finding that lists all contradictions. One alone is a mistake of a build system; several that do not follow from
/// one another are not.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let properties = &context.phone.properties;
    let mut contradictions = contradictions_of(properties);
    contradictions.extend(keys_against_tags(context));
    let Some((_, first)) = contradictions.first() else { return };
    let place = context.phone.device_path(first.at.artifact).to_owned();
    let grade = if 1 < contradictions.len() { Grade::Finding } else { Grade::Suspicion };
    let factors = Factors {
        reach: Reach::Physical,
        power: Power::Settings,
        concealment: Concealment::Misleading,
        holder: Holder::Unknown,
    };
    let texts: Vec<&str> = contradictions.iter().map(|it| it.0.as_str()).collect();
    let claim = format!("what the build says about itself does not fit together: {}", texts.join("; "));
    findings.push(Finding {
        benign: "a custom system, or a build that was put together from another model's by mistake".to_owned(),
        subject: "build".to_owned(),
        device_path: place,
        evidence: contradictions.iter().map(|(text, value)| Evidence::at(value.at, text.clone())).collect(),
        references: vec![
            "Android Compatibility Definition, 3.2.2: build parameters, and how a fingerprint is formed".to_owned(),
        ],
        action: "compare with the build that the maker publishes for this model".to_owned(),
        ..DETECTOR.finding(grade, Confidence::Medium, factors, claim)
    });
}

/// Contradictions among the properties, each with the value that shows it.
fn contradictions_of(properties: &Properties) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    let value = |name: &str| properties.find(name);
    let fingerprint = value("ro.build.fingerprint").or(value("ro.system.build.fingerprint"));
    let parts = fingerprint.and_then(|it| Fingerprint::of(&it.text));
    if let (Some(fingerprint), Some(parts)) = (fingerprint, &parts) {
        let pairs = [
            ("ro.build.type", parts.build_type),
            ("ro.build.tags", parts.tags),
            ("ro.build.version.release", parts.release),
            ("ro.build.id", parts.id),
        ];
        for (name, stated) in pairs {
            if let Some(value) = value(name)
                && !value.text.is_empty()
                && value.text != stated
                // Since Android 11 `release` may be the name of a preview.
                && !(name.ends_with("release") && value.text.chars().all(char::is_alphabetic))
            {
                found.push((
                    format!("{name} is \"{}\", the fingerprint \"{}\" says \"{stated}\"", value.text, fingerprint.text),
                    value.clone(),
                ));
            }
        }
        // Makers sell one build under several brands and names, so only both together count.
        let names = ["ro.product.brand", "ro.product.system.brand", "ro.product.product.brand", "ro.product.vendor.brand"];
        let devices =
            ["ro.product.device", "ro.product.system.device", "ro.product.product.device", "ro.product.vendor.device", "ro.build.product"];
        let none_is = |names: &[&str], stated: &str| {
            let mut values = names.iter().filter_map(|it| value(it)).peekable();
            values.peek().is_some() && values.all(|it| !it.text.eq_ignore_ascii_case(stated))
        };
        if none_is(&names, parts.brand) && none_is(&devices, parts.device) {
            found.push((
                format!("the fingerprint \"{}\" is that of another brand and device than any property says", fingerprint.text),
                fingerprint.clone(),
            ));
        }
    }
    if let (Some(build_type), Some(tags)) = (value("ro.build.type"), value("ro.build.tags"))
        && build_type.text == "user"
        && let Some(keys) = tags.text.split(',').map(str::trim).find(|it| matches!(*it, "test-keys" | "dev-keys"))
    {
        found.push((format!("a build for users (ro.build.type=user) has ro.build.tags={keys}"), tags.clone()));
    }
    if let (Some(sdk), Some(release)) = (value("ro.build.version.sdk"), value("ro.build.version.release"))
        && let (Ok(level), Some(major)) = (sdk.text.parse::<u32>(), major_of(&release.text))
        && release_of(level).is_some_and(|it| it != major)
    {
        found.push((format!("SDK level {level} is not that of Android {}", release.text), sdk.clone()));
    }
    if let (Some(sdk), Some(patch)) = (value("ro.build.version.sdk"), value("ro.build.version.security_patch"))
        && let Ok(level) = sdk.text.parse::<u32>()
        && let Some((_, since)) = FIRST_PATCH.iter().find(|it| it.0 == level)
        && patch.text.len() == 10
        && patch.text.as_str() < *since
    {
        found.push((
            format!("the patch level {} is older than SDK level {level}, which came out in {since}", patch.text),
            patch.clone(),
        ));
    }
    found
}

/// The build says that it is signed for release, and its platform is signed with a published key.
fn keys_against_tags(context: &Context) -> Option<(String, Value)> {
    let tags = context.phone.properties.find("ro.build.tags")?;
    let signer = context.phone.platform_signer()?;
    let key = context.knowledge.public_keys.get(&signer.certificate.sha256)?;
    tags.text.split(',').any(|it| it.trim() == "release-keys").then(|| {
        (format!("ro.build.tags says release-keys, and the platform is signed with the published key \"{}\"", key.name), tags.clone())
    })
}

/// `brand/product/device:release/id/incremental:type/tags`.
struct Fingerprint<'a> {
    brand: &'a str,
    device: &'a str,
    release: &'a str,
    id: &'a str,
    build_type: &'a str,
    tags: &'a str,
}

impl Fingerprint<'_> {
    fn of(text: &str) -> Option<Fingerprint<'_>> {
        let mut thirds = text.split(':');
        let (product, version, kind) = (thirds.next()?, thirds.next()?, thirds.next()?);
        let mut product = product.split('/');
        let (brand, _, device) = (product.next()?, product.next()?, product.next()?);
        let mut version = version.split('/');
        let (release, id) = (version.next()?, version.next()?);
        let (build_type, tags) = kind.split_once('/')?;
        Some(Fingerprint { brand, device, release, id, build_type, tags })
    }
}

fn major_of(release: &str) -> Option<u32> {
    release.split('.').next()?.parse().ok()
}

/// The major release of an SDK level (Android developer documentation, "Platform codenames, versions, API levels").
fn release_of(sdk: u32) -> Option<u32> {
    Some(match sdk {
        14..=20 => 4,
        21 | 22 => 5,
        23 => 6,
        24 | 25 => 7,
        26 | 27 => 8,
        28 => 9,
        29 => 10,
        30 => 11,
        31 | 32 => 12,
        33 => 13,
        34 => 14,
        35 => 15,
        36 => 16,
        _ => return None,
    })
}

/// The month in which the source of an SDK level was published (AOSP, "Codenames, tags, and build numbers"): no release
/// of it has an older patch level.
const FIRST_PATCH: &[(u32, &str)] = &[
    (24, "2016-08"),
    (26, "2017-08"),
    (28, "2018-08"),
    (29, "2019-09"),
    (30, "2020-09"),
    (31, "2021-10"),
    (33, "2022-08"),
    (34, "2023-10"),
    (35, "2024-09"),
    (36, "2025-06"),
];

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture};

    fn build(build_type: &str, tags: &str, fingerprint: &str) -> Fixture {
        Fixture::phone()
            .property("ro.build.type", build_type)
            .property("ro.build.tags", tags)
            .property("ro.build.fingerprint", fingerprint)
            .property("ro.product.brand", "Maker")
            .property("ro.product.device", "one")
    }
    const GOOD: &str = "Maker/one/one:11/RKQ1.200826.002/V12.5:user/release-keys";

    Cases {
        fires: &[
            || build("user", "test-keys", GOOD),
            || build("userdebug", "release-keys", GOOD),
            || build("user", "release-keys", "Other/two/two:11/RKQ1.200826.002/V12.5:user/release-keys"),
            || Fixture::phone().property("ro.build.version.sdk", "30").property("ro.build.version.release", "13"),
            || {
                let sdk = Fixture::phone().property("ro.build.version.sdk", "33");
                sdk.property("ro.build.version.security_patch", "2019-05-05")
            },
        ],
        silent: &[
            || build("user", "release-keys", GOOD),
            // The same device under a second brand.
            || build("user", "release-keys", "Second/one/one:11/RKQ1.200826.002/V12.5:user/release-keys"),
            || Fixture::phone(),
            || {
                let sdk = Fixture::phone().property("ro.build.version.sdk", "30");
                sdk.property("ro.build.version.release", "11").property("ro.build.version.security_patch", "2021-06-01")
            },
        ],
    }
};
