//! Phone and surface to findings. A detector judges facts; it opens nothing and cannot fail.
//!
//! Adding a detector is one new file and its two lines below: `mod` and an entry of [`DETECTORS`].

mod controllers;
mod debuggable_app;

use model::{Class, Finding};
use phone::Phone;
use surface::Surface;

pub use controllers::controllers;

/// A detector.
pub struct Detector {
    /// Kebab-case, names what is wrong, is never reused.
    pub id: &'static str,
    /// The class of backdoor.
    pub class: Class,
    /// A few words.
    pub title: &'static str,
    /// Judges.
    pub detect: fn(&Context, &mut Vec<Finding>),
}

/// What a detector sees.
pub struct Context<'a> {
    /// The phone.
    pub phone: &'a Phone,
    /// Its surface.
    pub surface: &'a Surface<'a>,
}

/// Every detector.
pub static DETECTORS: &[&Detector] = &[&debuggable_app::DETECTOR];

/// Runs every detector, and sorts what they find by rank: grade, then severity, then confidence, then place.
pub fn detect(context: &Context) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for detector in DETECTORS {
        (detector.detect)(context, &mut findings);
    }
    findings.sort_by(|a, b| rank_of(a).cmp(&rank_of(b)));
    findings
}

/// What comes first is what an expert would look at first.
fn rank_of(finding: &Finding) -> impl Ord + '_ {
    (
        finding.grade,
        finding.severity(),
        finding.confidence,
        finding.detector,
        &finding.device_path,
        &finding.subject,
        finding.evidence.first().map(|it| it.at),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files of `src` that are no detector.
    const NO_DETECTOR: &[&str] = &["controllers", "lib"];

    #[test]
    fn the_list_equals_the_folder() {
        let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src")).unwrap();
        let mut files: Vec<String> = folder
            .map(|it| it.unwrap().file_name().into_string().unwrap().trim_end_matches(".rs").to_owned())
            .filter(|it| !NO_DETECTOR.contains(&it.as_str()))
            .collect();
        files.sort();
        let mut ids: Vec<String> = DETECTORS.iter().map(|it| it.id.replace('-', "_")).collect();
        ids.sort();
        assert_eq!(ids, files, "every file in src is a detector of that id, and stands in DETECTORS");
    }
}
