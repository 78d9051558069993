//! What `postern explain` writes.

mod made;

use model::Class;
use report::{Style, explain};

const PLAIN: Style = Style { colour: false, width: 80, verbose: false };

fn written(write: impl Fn(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_class_is_explained() {
    let class = explain::class_of("magic-secret").unwrap();
    insta::assert_snapshot!(written(|out| explain::class(class, &PLAIN, out)), @r"
    Secret that opens a door · magic-secret

    looks for  a constant compared with input (a string, a hash) whose branch
               reaches a privileged action; secret dialer codes, USSD, magic
               messages
    innocent   engineering screens, PINs, licence checks
    ");
    assert_eq!(explain::class_of("no-such-class"), None);
}

#[test]
fn all_classes_are_listed() {
    let list = written(|out| explain::classes(&PLAIN, out));
    assert!(Class::ALL.iter().all(|it| list.contains(it.id()) && list.contains(it.title())));
}

#[test]
fn a_finding_of_a_json_report_is_explained() {
    let json = written(|out| (report::renderer("json").unwrap().render)(&made::full(), &PLAIN, out));
    let report = explain::read(&mut json.as_bytes()).unwrap();
    assert_eq!(report, made::full());
    let row = explain::row_of(&report, "a1b2").unwrap();
    insta::assert_snapshot!("finding", written(|out| explain::finding(&report, row, &PLAIN, out)));
    assert_eq!(explain::row_of(&report, "bad"), None, "several start so");
    assert_eq!(explain::row_of(&report, ""), None);
    assert_eq!(explain::row_of(&report, "c0ffee000001").unwrap().detector, "install-power");
}

#[test]
fn what_is_no_report_is_told_so() {
    let error = |json: &str| explain::read(&mut json.as_bytes()).unwrap_err().to_string();
    assert!(error("PK\u{3}\u{4}").starts_with("not a JSON report: "));
    assert!(error("{}").starts_with("not a JSON report: "));
    assert_eq!(error("{\"schema\": 2}"), "a report of schema 2; this postern reads schema 1");
}
