//! What the words of a report are called where people read them, and its lists put in order. Terminal and HTML share
//! them, so that both say the same.

use std::collections::{BTreeMap, BTreeSet};

use model::fact::image_check::State;
use model::finding::{Concealment, Holder, Power, Reach};
use model::report::{Device, GapLine, Input, LayerLine, LayerState, Row, SignedLine, VerdictLine};
use model::{Answer, Subject};
use model::{Confidence, Grade, Report, Severity};

/// Where on the phone something is; where it has no place there, what it is about.
pub fn place(row: &Row) -> &str {
    if row.device_path.is_empty() { &row.subject } else { &row.device_path }
}

/// Who can use it, in a phrase.
pub fn reach(reach: Reach) -> &'static str {
    match reach {
        Reach::Remote => "someone far away, over the internet or the mobile network",
        Reach::Adjacent => "someone on the same network, or within radio range",
        Reach::AnyApp => "any app on the phone",
        Reach::Physical => "someone with adb, or with the phone in hand",
    }
}

/// What they get, in a phrase.
pub fn power(power: Power) -> &'static str {
    match power {
        Power::System => "run code as root, as the system or as the platform's signer",
        Power::Install => "install or remove apps, or reset the phone",
        Power::Data => "read or send personal data",
        Power::Settings => "change settings",
        Power::None => "nothing by itself",
    }
}

/// Whether it hides, in a phrase.
pub fn concealment(concealment: Concealment) -> &'static str {
    match concealment {
        Concealment::None => "it does not hide",
        Concealment::Misleading => "its name says something else",
        Concealment::Hidden => "it keeps out of sight",
    }
}

/// Whose it is, in a phrase.
pub fn holder(holder: Holder) -> &'static str {
    match holder {
        Holder::Legitimate => "someone who is known and may have it",
        Holder::Unknown => "it cannot be told whose it is",
        Holder::Everyone => "everyone: a published key or an open door",
    }
}

/// The word for a severity.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "critical",
        Severity::High => "high",
        Severity::Medium => "medium",
        Severity::Low => "low",
        Severity::Info => "info",
    }
}

/// The word for a grade.
pub fn grade(grade: Grade) -> &'static str {
    match grade {
        Grade::Finding => "FINDING",
        Grade::Suspicion => "SUSPICION",
        Grade::Capability => "CAPABILITY",
        Grade::Privacy => "PRIVACY",
    }
}

/// The word for a confidence.
pub fn confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::High => "high",
        Confidence::Medium => "medium",
        Confidence::Low => "low",
    }
}

/// The word for how much of a layer was read.
pub fn state(state: LayerState) -> &'static str {
    match state {
        LayerState::Read => "read",
        LayerState::Partial => "partly read",
        LayerState::Opaque => "opaque",
        LayerState::Absent => "not in the input",
    }
}

/// The verdict as one line.
pub fn verdict(verdict: &VerdictLine) -> String {
    match verdict.answer {
        Answer::NothingFound => format!("{} ({} %)", verdict.answer.words(), verdict.percent.min(100)),
        _ => verdict.answer.words().to_owned(),
    }
}

/// What the verdict is about.
pub fn subject(subject: Subject) -> &'static str {
    match subject {
        Subject::Phone => "about this phone as it was given",
        Subject::Apps => "about these apps, not about a phone",
        Subject::Neither => "neither a phone nor an app was recognised",
        Subject::Comparison => "about what these phones have beside each other, not about whether they are good",
    }
}

/// How much was inspected.
pub fn inspected(verdict: &VerdictLine) -> String {
    let percent = verdict.percent.min(100);
    match verdict.subject {
        Subject::Comparison => format!("{percent} % of both sides could be compared"),
        _ => format!("{percent} % of what runs was inspected"),
    }
}

/// Brand, model and versions, as far as the phone says them.
pub fn device(device: &Device) -> String {
    let named = [device.brand.as_str(), device.model.as_str()].map(str::trim);
    let mut parts = vec![named.iter().filter(|it| !it.is_empty()).copied().collect::<Vec<_>>().join(" ")];
    let build = [device.build_type.as_str(), device.tags.as_str()].map(str::trim);
    let build = build.iter().filter(|it| !it.is_empty()).copied().collect::<Vec<_>>().join(" build, ");
    for (label, value) in [("Android ", &device.android), ("patch level ", &device.patch_level), ("", &build)] {
        if !value.trim().is_empty() {
            parts.push(format!("{label}{value}"));
        }
    }
    parts.retain(|it| !it.is_empty());
    parts.join(" · ")
}

/// What an input is: its kind and size.
pub fn input(input: &Input) -> String {
    format!("{}, {}", input.kind, bytes(input.size))
}

/// What stands over the differences.
pub fn differences(report: &Report) -> &'static str {
    match report.verdict.subject {
        Subject::Comparison => "Differences",
        _ => "Differences from the reference",
    }
}

/// What stands over the gaps.
pub fn unread(report: &Report) -> &'static str {
    match report.verdict.subject {
        Subject::Comparison => "Not compared",
        _ => "Not inspected",
    }
}

/// What the two sides of a difference are called: the inputs of a comparison of two, else left and right.
pub fn sides(report: &Report) -> [&str; 2] {
    match report.input.as_slice() {
        [left, right] if report.verdict.subject == Subject::Comparison && left.name != right.name => {
            [&left.name, &right.name]
        }
        _ => ["left", "right"],
    }
}

/// What was counted, in one line: findings by grade and severity, and what was not seen.
pub fn counts(report: &Report) -> String {
    if report.verdict.subject == Subject::Comparison {
        let differences = many(report.differences.len() as u64, "difference", "differences");
        return format!("{differences} · {}", many(gap_count(report), "gap", "gaps"));
    }
    let of = |grade| report.findings.iter().filter(move |it| it.grade == grade);
    let severities: Vec<String> = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info]
        .into_iter()
        .map(|rank| (of(Grade::Finding).filter(|it| it.severity == rank).count(), rank))
        .filter(|(count, _)| 0 < *count)
        .map(|(count, rank)| format!("{count} {}", severity(rank)))
        .collect();
    let mut findings = many(of(Grade::Finding).count() as u64, "finding", "findings");
    if !severities.is_empty() {
        findings += &format!(" ({})", severities.join(", "));
    }
    [
        findings,
        many(of(Grade::Suspicion).count() as u64, "suspicion", "suspicions"),
        many(report.capabilities.len() as u64, "capability", "capabilities"),
        many(report.privacy.len() as u64, "privacy note", "privacy notes"),
        many(gap_count(report), "gap", "gaps"),
    ]
    .join(" · ")
}

/// How often the tool could not look.
pub fn gap_count(report: &Report) -> u64 {
    count_of(&report.gaps)
}

fn count_of<'a>(gaps: impl IntoIterator<Item = &'a GapLine>) -> u64 {
    gaps.into_iter().fold(0, |sum, it| sum.saturating_add(it.count))
}

/// Gaps of one reason.
pub struct GapGroup<'a> {
    /// Why.
    pub why: &'a str,
    /// How often.
    pub count: u64,
    /// Where.
    pub lines: Vec<&'a GapLine>,
}

/// Gaps by reason; the reason that is met most often comes first.
pub fn gap_groups(gaps: &[GapLine]) -> Vec<GapGroup<'_>> {
    let mut by_why: BTreeMap<&str, Vec<&GapLine>> = BTreeMap::new();
    for gap in gaps {
        by_why.entry(&gap.why).or_default().push(gap);
    }
    let mut groups: Vec<GapGroup> = by_why
        .into_iter()
        .map(|(why, lines)| GapGroup { why, count: count_of(lines.iter().copied()), lines })
        .collect();
    groups.sort_by_key(|it| std::cmp::Reverse(it.count));
    groups
}

/// How much of a layer was read, in thousandths; `None` where nothing was there to read.
pub fn share(layer: &LayerLine) -> Option<u64> {
    let share = |read: u64, total: u64| (u128::from(read.min(total)) * 1000 / u128::from(total)) as u64;
    match layer.state {
        LayerState::Absent => None,
        _ if layer.total == 0 => Some(if layer.state == LayerState::Read { 1000 } else { 0 }),
        // What is not whole is not shown as whole, nor the other way round.
        LayerState::Partial => Some(share(layer.read, layer.total).clamp(1, 999)),
        _ => Some(share(layer.read, layer.total)),
    }
}

/// How many of how many, in the layer's unit.
pub fn amount(layer: &LayerLine) -> String {
    match (layer.state, layer.unit.as_str()) {
        (LayerState::Absent, _) => String::new(),
        (_, "bytes") => format!("{} of {}", bytes(layer.read), bytes(layer.total)),
        (_, unit) => format!("{} of {} {unit}", number(layer.read), number(layer.total)),
    }
}

/// A number and what is counted.
pub fn many(count: u64, one: &str, more: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { more })
}

/// A number with its thousands apart.
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut spaced = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if 0 < n && (digits.len() - n).is_multiple_of(3) {
            spaced.push(',');
        }
        spaced.push(digit);
    }
    spaced
}

/// Bytes in the unit that fits (powers of 1000).
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if size < 1000 {
        return format!("{size} bytes");
    }
    let (mut unit, mut scale) = (0, 1000u64);
    while 1000 <= size / scale && unit + 1 < UNITS.len() {
        unit += 1;
        scale *= 1000;
    }
    format!("{}.{} {}", number(size / scale), size % scale / (scale / 10), UNITS[unit])
}

/// What no image of a phone can show, and why: part of every report.
pub const NEVER_SHOWN: &[(&str, &str)] = &[
    ("boot ROM", "the first code that runs is burnt into the chip and is in no image"),
    (
        "baseband behaviour",
        "the modem's firmware may be there, but what it does with orders from the network shows on the air only",
    ),
    ("TEE", "the trusted execution environment runs apart from Android, and its memory and keys never leave it"),
    ("hardware", "an added or exchanged part (chip, SIM, battery, cable) leaves no trace in software"),
    (
        "the server's side",
        "what a server sends to this phone alone, or on a chosen day, is not on the phone until it is sent",
    ),
];

/// What stands under a list of findings that is empty.
pub const NO_FINDINGS: &str = "None in what was inspected. That is no more than the coverage above allows.";

/// What was held against its signature: for each state its words, and the names of what is in it.
pub fn signed(lines: &[SignedLine]) -> Vec<(State, String)> {
    let word = |state| match state {
        State::Verified => "equals what was signed",
        State::Altered => "is not what was signed",
        State::Unsigned => "equals its metadata, which nobody signed",
        State::NotPresent => "is named by its metadata and not there",
        State::KeyUnknown => "is signed by a key that is not at hand",
        State::Contradicted => "is not what the package states of it",
        State::Unchecked => "was not recomputed",
    };
    let states = [
        State::Altered,
        State::Contradicted,
        State::Verified,
        State::Unsigned,
        State::KeyUnknown,
        State::Unchecked,
        State::NotPresent,
    ];
    let of = |state: State| {
        let mut names: Vec<&str> = lines.iter().filter(|it| it.state == state).map(|it| it.name.as_str()).collect();
        names.dedup();
        let more = names.len().saturating_sub(NAMES_TOLD);
        let told = names.iter().take(NAMES_TOLD).copied().collect::<Vec<_>>().join(", ");
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        (!names.is_empty()).then(|| (state, format!("{}: {told}{more}", word(state))))
    };
    states.into_iter().filter_map(of).collect()
}

/// A phone has a dozen partitions; its modules are told in the other reports.
const NAMES_TOLD: usize = 24;

/// What the annex says of who made what is inside, label and text; nothing where nothing is known.
pub fn provenance(report: &Report) -> Vec<(&'static str, String)> {
    let provenance = &report.provenance;
    let mut lines = Vec::new();
    let known = |it: &Option<bool>| it.is_some();
    let is_added = |it: &Option<bool>| *it == Some(false);
    let n_known = report.apps.iter().filter(|it| known(&it.in_aosp)).count();
    if n_known != 0 {
        let n_added = report.apps.iter().filter(|it| is_added(&it.in_aosp)).count();
        let text = format!("{n_added} of {n_known} apps have a package name that AOSP of this version has not");
        lines.push(("added", text));
    }
    let jars = &provenance.boot_class_path;
    if jars.iter().any(|it| known(&it.in_aosp)) {
        let added: Vec<&str> =
            jars.iter().filter(|it| is_added(&it.in_aosp)).map(|it| it.device_path.as_str()).collect();
        let n_jars = many(jars.len() as u64, "library that every app runs", "libraries that every app runs");
        let text = match added.is_empty() {
            true => format!("{n_jars}, by name none but AOSP's"),
            false => format!("{n_jars}; AOSP has not: {}", added.join(", ")),
        };
        lines.push(("boot path", text));
    }
    let services = &provenance.added_services;
    if !services.is_empty() {
        let first: Vec<&str> = services.iter().take(SERVICES_SHOWN).map(|it| it.name.as_str()).collect();
        let more = services.len() - first.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let n_services = many(services.len() as u64, "service", "services");
        lines.push((
            "services",
            format!("{n_services} that AOSP of this version has no name for: {}{more}", first.join(", ")),
        ));
    }
    let kits = provenance.sdks.iter().map(|it| (it.name.as_str(), it.country.as_str(), it.found_in.len()));
    lines.extend(most_of("kits", kits.collect()));
    let mut companies: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for line in &provenance.hosts {
        companies.entry((&line.company, &line.country)).or_default().extend(line.found_in.iter().map(String::as_str));
    }
    let companies = companies.into_iter().map(|((company, country), files)| (company, country, files.len()));
    lines.extend(most_of("hosts of", companies.collect()));
    lines
}

/// A maker adds some dozen.
const SERVICES_SHOWN: usize = 12;

/// Name, country and in how many files, those in the most first.
fn most_of(label: &'static str, mut lines: Vec<(&str, &str, usize)>) -> Option<(&'static str, String)> {
    lines.sort_by_key(|it| std::cmp::Reverse(it.2));
    let first: Vec<String> = lines
        .iter()
        .take(COMPANIES_SHOWN)
        .map(|(name, country, n)| match country.is_empty() {
            true => format!("{name} in {n}"),
            false => format!("{name} ({country}) in {n}"),
        })
        .collect();
    let more = lines.len() - first.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    (!first.is_empty()).then(|| (label, format!("{}{more}", first.join(", "))))
}

/// Whose it is, in brackets.
pub fn company(company: &str, country: &str) -> String {
    match (company.is_empty(), country.is_empty()) {
        (true, true) => "(company not known)".to_owned(),
        (false, true) => format!("({company})"),
        (true, false) => format!("({country})"),
        (false, false) => format!("({company}, {country})"),
    }
}

/// Enough to see who it is mostly.
const COMPANIES_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([0, 999, 1000, 1_250_000, u64::MAX].map(bytes)[..4], ["0 bytes", "999 bytes", "1.0 kB", "1.2 MB"]);
        assert_eq!(bytes(u64::MAX), "18,446,744.0 TB");
    }

    #[test]
    fn what_is_partly_read_is_never_shown_as_whole() {
        let layer = |state, read, total| LayerLine {
            layer: String::new(),
            state,
            unit: "files".to_owned(),
            read,
            total,
            why: String::new(),
        };
        assert_eq!(share(&layer(LayerState::Partial, 99_999, 100_000)), Some(999));
        assert_eq!(share(&layer(LayerState::Partial, 1, 100_000)), Some(1));
        assert_eq!(share(&layer(LayerState::Read, 7, 7)), Some(1000));
        assert_eq!(share(&layer(LayerState::Read, 9, 7)), Some(1000));
        assert_eq!(share(&layer(LayerState::Opaque, 0, 0)), Some(0));
        assert_eq!(share(&layer(LayerState::Absent, 0, 0)), None);
    }

    #[test]
    fn gaps_of_one_reason_are_one_group() {
        let gap = |path: &str, why: &str, count| GapLine { path: path.to_owned(), why: why.to_owned(), count };
        let gaps = [gap("a", "rare", 1), gap("b", "common", 2), gap("c", "common", 3)];
        let groups: Vec<_> = gap_groups(&gaps).iter().map(|it| (it.why, it.count, it.lines.len())).collect();
        assert_eq!(groups, [("common", 5, 2), ("rare", 1, 1)]);
    }
}
