//! `docs/report.schema.json` and the JSON report say the same.

mod made;

use std::collections::BTreeSet;

use jsonschema::Validator;
use model::finding::{Concealment, Holder, Power, Reach};
use model::report::LayerState;
use model::{Answer, Class, Confidence, Grade, Report, Severity, Subject};
use report::Style;
use serde_json::{Value, json, to_value};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/report.schema.json")).unwrap()
}

fn written(report: &Report) -> Value {
    let style = Style { colour: false, width: 80, verbose: false };
    let mut out = Vec::new();
    (report::renderer("json").unwrap().render)(report, &style, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}

fn faults(validator: &Validator, report: &Value) -> Vec<String> {
    validator.iter_errors(report).map(|it| format!("{}: {it}", it.instance_path())).collect()
}

#[test]
fn reports_are_valid() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    for report in [made::full(), made::empty(), made::compared()] {
        assert_eq!(faults(&validator, &written(&report)), Vec::<String>::new());
    }
}

/// `made::full` names every field and leaves no list empty, so a field that the schema lacks is one fault here, and a
/// field that only the schema knows is the other.
#[test]
fn every_field_is_in_the_schema_and_no_other() {
    let schema = schema();
    let (mut fields, mut properties) = (BTreeSet::new(), BTreeSet::new());
    let findings = made::full().findings;
    let report = Report { capabilities: findings.clone(), privacy: findings, ..made::full() };
    fields_of(&written(&report), "", &mut fields);
    properties_of(&schema, &schema, "", &mut properties);
    assert_eq!(fields.symmetric_difference(&properties).collect::<Vec<_>>(), Vec::<&String>::new());
}

fn fields_of(value: &Value, at: &str, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                fields.insert(format!("{at}.{name}"));
                fields_of(value, &format!("{at}.{name}"), fields);
            }
        }
        Value::Array(items) => items.iter().for_each(|it| fields_of(it, at, fields)),
        _ => {}
    }
}

fn properties_of(schema: &Value, node: &Value, at: &str, properties: &mut BTreeSet<String>) {
    if let Some(name) = node["$ref"].as_str() {
        return properties_of(schema, schema.pointer(name.trim_start_matches('#')).unwrap(), at, properties);
    }
    if node["type"] == "object" {
        assert_eq!(node["additionalProperties"], json!(false), "{at}");
        let members = node["properties"].as_object().unwrap();
        let required: BTreeSet<&str> = node["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert_eq!(required, members.keys().map(String::as_str).collect(), "{at}");
        for (name, node) in members {
            properties.insert(format!("{at}.{name}"));
            properties_of(schema, node, &format!("{at}.{name}"), properties);
        }
    }
    if !node["items"].is_null() {
        properties_of(schema, &node["items"], at, properties);
    }
}

#[test]
fn what_is_wrong_is_refused() {
    let validator = jsonschema::draft202012::new(&schema()).unwrap();
    let spoil = |pointer: &str, value: Value| {
        let mut report = written(&made::full());
        *report.pointer_mut(pointer).unwrap() = value;
        faults(&validator, &report).len()
    };
    assert_eq!(spoil("/schema", json!(2)), 1);
    assert_eq!(spoil("/verdict/answer", json!("clean")), 1);
    assert_eq!(spoil("/findings/0/id", json!("short")), 1);
    assert_eq!(spoil("/findings/0/evidence", json!([])), 1);
    assert_eq!(spoil("/findings/0/factors", json!({"intent": "evil"})), 5, "one too many, four too few");
    assert_eq!(spoil("/tool", json!({})), 3);
}

/// The words of each list in the model; the schema has the same, in the same order.
#[test]
fn every_word_is_in_the_schema() {
    let schema = schema();
    let words = |pointer: &str| -> Vec<Value> {
        schema.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"))["enum"].as_array().unwrap().clone()
    };
    fn all<T: serde::Serialize>(words: &[T]) -> Vec<Value> {
        words.iter().map(|it| to_value(it).unwrap()).collect()
    }
    use Answer::*;
    let answers = [
        Implant,
        RemoteControl,
        IntegrityBroken,
        Counterfeit,
        SeriousWeakness,
        CannotSay,
        ThirdParties,
        NothingFound,
        Differs,
        SameInWhatMatters,
    ];
    assert_eq!(words("/properties/verdict/properties/answer"), all(&answers));
    assert_eq!(
        words("/properties/verdict/properties/subject"),
        all(&[Subject::Phone, Subject::Apps, Subject::Neither, Subject::Comparison])
    );
    assert_eq!(words("/$defs/confidence"), all(&[Confidence::High, Confidence::Medium, Confidence::Low]));
    let states = [LayerState::Read, LayerState::Partial, LayerState::Opaque, LayerState::Absent];
    assert_eq!(words("/properties/coverage/properties/layers/items/properties/state"), all(&states));
    let finding = |name: &str| words(&format!("/$defs/finding/properties/{name}"));
    assert_eq!(finding("class"), all(Class::ALL));
    assert_eq!(finding("grade"), all(&[Grade::Finding, Grade::Suspicion, Grade::Capability, Grade::Privacy]));
    use Severity::*;
    assert_eq!(finding("severity"), all(&[Critical, High, Medium, Low, Info]));
    let factor = |name: &str| finding(&format!("factors/properties/{name}"));
    assert_eq!(factor("reach"), all(&[Reach::Remote, Reach::Adjacent, Reach::AnyApp, Reach::Physical]));
    assert_eq!(factor("power"), all(&[Power::System, Power::Install, Power::Data, Power::Settings, Power::None]));
    assert_eq!(factor("concealment"), all(&[Concealment::None, Concealment::Misleading, Concealment::Hidden]));
    assert_eq!(factor("holder"), all(&[Holder::Legitimate, Holder::Unknown, Holder::Everyone]));
}
