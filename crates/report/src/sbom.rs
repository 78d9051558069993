//! What is on the phone as a CycloneDX 1.6 bill of materials (ECMA-424): apps with who signed them, and programs that init
//! starts.
//!
//! A supplier is what the certificate states: organisation and country, which whoever made it could choose.

use std::io::{self, Write};

use model::Report;
use model::report::{AppLine, DaemonLine, Device, Input};
use serde_json::{Value, json};

use crate::{Renderer, Style, escape, subject};

/// The rendering.
pub static RENDERER: Renderer = Renderer { id: "sbom", title: "CycloneDX 1.6", render };

fn render(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let pretty = serde_json::to_string_pretty(&bill_of(report))?;
    writeln!(out, "{}", escape::json(&pretty))
}

fn bill_of(report: &Report) -> Value {
    let apps = report.apps.iter().enumerate().map(|(n, it)| app(n, it));
    let daemons = report.daemons.iter().enumerate().map(|(n, it)| daemon(n, it));
    let inputs = report.input.iter().enumerate().map(|(n, it)| input(n, it));
    let components: Vec<Value> = apps.chain(daemons).chain(inputs).collect();
    let refs: Vec<&Value> = components.iter().map(|it| &it["bom-ref"]).collect();
    let mut metadata = json!({
        "tools": { "components": [
            { "type": "application", "name": report.tool.name, "version": report.tool.version },
        ] },
        "component": device(&report.device),
    });
    if let Some(date) = &report.date {
        metadata["timestamp"] = json!(format!("{date}T00:00:00Z"));
    }
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": metadata,
        "dependencies": [{ "ref": PHONE, "dependsOn": refs }],
        "components": components,
    })
}

fn device(device: &Device) -> Value {
    let name = if device.model.is_empty() { "unknown device" } else { &device.model };
    let mut component = json!({ "bom-ref": PHONE, "type": "device", "name": name });
    put(&mut component, "version", &device.fingerprint);
    if !device.brand.is_empty() {
        component["manufacturer"] = json!({ "name": device.brand });
    }
    let stated =
        [("android", &device.android), ("patch-level", &device.patch_level), ("build-type", &device.build_type)];
    properties(&mut component, &stated);
    component
}

fn app(n: usize, app: &AppLine) -> Value {
    let mut component = json!({ "bom-ref": format!("app-{n}"), "type": "application", "name": app.package });
    put(&mut component, "version", &app.version);
    if let Some(organisation) = subject::part(&app.signer, "O").or_else(|| subject::part(&app.signer, "CN")) {
        let mut supplier = json!({ "name": organisation });
        if let Some(country) = subject::part(&app.signer, "C") {
            supplier["address"] = json!({ "country": country });
        }
        component["supplier"] = supplier;
    }
    component["evidence"] = json!({ "occurrences": [{ "location": app.device_path }] });
    properties(&mut component, &[("signer", &app.signer)]);
    component
}

fn daemon(n: usize, daemon: &DaemonLine) -> Value {
    let mut component = json!({ "bom-ref": format!("daemon-{n}"), "type": "application", "name": daemon.name });
    component["evidence"] = json!({ "occurrences": [{ "location": daemon.device_path }] });
    properties(&mut component, &[("user", &daemon.user)]);
    component
}

fn input(n: usize, input: &Input) -> Value {
    let mut component = json!({ "bom-ref": format!("input-{n}"), "type": "file", "name": input.name });
    if !input.sha256.is_empty() {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": input.sha256 }]);
    }
    properties(&mut component, &[("kind", &input.kind)]);
    component
}

fn put(component: &mut Value, key: &str, text: &str) {
    if !text.is_empty() {
        component[key] = json!(text);
    }
}

/// Properties of our own, under our name; what is not known is left out.
fn properties(component: &mut Value, stated: &[(&str, &String)]) {
    let known = stated.iter().filter(|it| !it.1.is_empty());
    let list: Vec<Value> =
        known.map(|(name, value)| json!({ "name": format!("postern:{name}"), "value": value })).collect();
    if !list.is_empty() {
        component["properties"] = json!(list);
    }
}

/// The reference of the phone itself.
const PHONE: &str = "phone";
